use super::super::schema::{MIGRATIONS, Migration};
use super::*;

/// The versions of a later integrationd.
fn later(sql: &'static str) -> Vec<Migration> {
    let own = MIGRATIONS.iter();
    let mut all: Vec<Migration> = own
        .map(|m| Migration {
            version: m.version,
            sql: m.sql,
        })
        .collect();
    let version = all.len() as i64 + 1;
    all.push(Migration { version, sql });
    all
}

const NOTES: &str = "CREATE TABLE notes (note TEXT NOT NULL) STRICT;
                     INSERT INTO notes SELECT name FROM records;";

fn notes(ledger: &SqliteLedger) -> rusqlite::Result<String> {
    ledger
        .lock()
        .query_row("SELECT note FROM notes", (), |row| row.get(0))
}

#[test]
fn the_versions_are_numbered_without_a_gap() {
    let versions: Vec<i64> = MIGRATIONS.iter().map(|m| m.version).collect();
    let expected: Vec<i64> = (1..=MIGRATIONS.len() as i64).collect();
    assert_eq!(versions, expected);
}

#[test]
fn an_older_ledger_is_brought_up_to_date() {
    let (_place, file) = place();
    written(&file);
    let ledger = SqliteLedger::open_with(&file, &later(NOTES)).unwrap();
    assert_eq!(notes(&ledger).unwrap(), "a");
    assert_eq!(done(ledger.read()).unwrap().intents["b"], create());
    drop(ledger);
    let ledger = SqliteLedger::open_with(&file, &later(NOTES)).unwrap();
    assert_eq!(notes(&ledger).unwrap(), "a");
}

#[test]
fn a_migration_that_fails_halfway_changes_nothing() {
    let (place, file) = place();
    written(&file);
    let broken = later("DELETE FROM records; CREATE TABLE broken (x TEXT); SELECT nonsense;");
    let error = SqliteLedger::open_with(&file, &broken).unwrap_err();
    assert!(told(&error, &place).starts_with("cannot migrate the ledger STATE/tenant.db: "));
    let ledger = SqliteLedger::open(&file).unwrap();
    assert_eq!(done(ledger.read()).unwrap().records["a"], record("1"));
}

#[test]
fn an_older_ledger_is_read_without_changing_it() {
    let (_place, file) = place();
    written(&file);
    let before = std::fs::read(&file).unwrap();
    let newer = later("UPDATE records SET identity = 'moved';");
    let found = reading::read(&file, &newer).unwrap().unwrap();
    assert_eq!(found.records["a"].state.identity.as_deref(), Some("moved"));
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

#[test]
fn a_newer_ledger_is_refused() {
    let (place, file) = place();
    drop(SqliteLedger::open_with(&file, &later(NOTES)).unwrap());
    let before = std::fs::read(&file).unwrap();
    let error = SqliteLedger::open(&file).unwrap_err();
    insta::assert_snapshot!(told(&error, &place), @"
    the ledger STATE/tenant.db has version 5, but this integrationd supports versions up to 4
    help: upgrade integrationd: an older version would lose data that it does not know
    ");
    let error = read_only(&file).unwrap_err();
    assert!(matches!(error, LedgerError::Newer { .. }));
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

/// A ledger of the first version of this tool with a version of this number.
fn of_version(file: &Path, version: usize) {
    let first: Vec<Migration> = later("").into_iter().take(version).collect();
    drop(SqliteLedger::open_with(file, &first).unwrap());
    let connection = rusqlite::Connection::open(file).unwrap();
    let rows = "INSERT INTO records
                    (name, type, identity, remote_id, owned, applied, removal, rewritten, at)
                VALUES ('a', 'Warehouse', NULL, '1', 1, '{\"attributes\":{},\"secrets\":{}}',
                    '{\"protect\":false,\"suspend\":null,\"credentials\":{}}', '{}',
                    '2026-01-01T00:00:00Z');";
    connection.execute_batch(rows).unwrap();
}

#[test]
fn a_ledger_that_knows_no_files_is_kept_and_learns_them() {
    let (_place, file) = place();
    of_version(&file, 2);
    let read = read_only(&file).unwrap().unwrap();
    assert_eq!(read.records["a"].state.file, None);
    let ledger = SqliteLedger::open(&file).unwrap();
    let mut record = done(ledger.read()).unwrap().records["a"].clone();
    assert_eq!(record.state.file, None);
    record.state.file = Some("team/a.yaml".into());
    done(ledger.confirm("a", &record)).unwrap();
    drop(ledger);
    let read = read_only(&file).unwrap().unwrap();
    assert_eq!(read.records["a"], record);
}
