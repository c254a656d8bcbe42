use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use super::*;

/// Asserts that neither way of opening accepts the file or changes it, and says why.
fn refused(file: &Path, place: &TempDir) -> String {
    let before = fs::read(file).ok();
    let error = read_only(file).unwrap_err();
    let reading = told(&error, place);
    let error = SqliteLedger::open(file).unwrap_err();
    let writing = told(&error, place);
    assert_eq!(reading, writing);
    assert_eq!(fs::read(file).ok(), before);
    writing
}

#[test]
fn a_database_of_something_else_is_refused() {
    let (place, file) = place();
    let other = Connection::open(&file).unwrap();
    other
        .execute_batch("CREATE TABLE t (x); PRAGMA user_version = 1")
        .unwrap();
    drop(other);
    insta::assert_snapshot!(refused(&file, &place), @"
    STATE/tenant.db is a database but not an integrationd ledger
    help: choose another directory with `--state`, or move the file away
    ");
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let (place, file) = place();
    fs::write(&file, "records:\n".repeat(1000)).unwrap();
    let error = SqliteLedger::open(&file).unwrap_err();
    insta::assert_snapshot!(told(&error, &place), @"
    the ledger STATE/tenant.db is damaged: file is not a database
    help: restore the ledger from a backup; or move it away, with any `-wal` and `-shm` files, and start with a new ledger: live integrations can be adopted again, but the history, the fingerprints of secrets and unresolved writes are lost
    ");
    assert!(read_only(&file).is_err());
}

#[test]
fn an_empty_file_is_not_taken_for_a_new_ledger() {
    let (place, file) = place();
    fs::write(&file, "").unwrap();
    insta::assert_snapshot!(refused(&file, &place), @"
    the ledger STATE/tenant.db is damaged: it is empty
    help: restore the ledger from a backup; or move it away, with any `-wal` and `-shm` files, and start with a new ledger: live integrations can be adopted again, but the history, the fingerprints of secrets and unresolved writes are lost
    ");
}

#[test]
fn overwritten_pages_are_noticed() {
    let (place, file) = place();
    written(&file);
    let mut open = fs::OpenOptions::new().write(true).open(&file).unwrap();
    open.seek(SeekFrom::Start(4096)).unwrap();
    open.write_all(&[0xff; 5 * 4096]).unwrap();
    drop(open);
    let text = refused(&file, &place);
    assert!(
        text.starts_with("the ledger STATE/tenant.db is damaged: "),
        "{text}"
    );
    assert!(
        text.contains("help: restore the ledger from a backup; or move it away"),
        "{text}"
    );
}

#[test]
fn a_ledger_that_was_cut_off_is_noticed() {
    let (place, file) = place();
    written(&file);
    let open = fs::OpenOptions::new().write(true).open(&file).unwrap();
    open.set_len(3 * 4096).unwrap();
    let text = refused(&file, &place);
    assert!(
        text.contains("help: restore the ledger from a backup; or move it away"),
        "{text}"
    );
}

#[test]
fn log_of_a_lost_ledger_is_not_used_for_a_new_one() {
    let (place, file) = place();
    written(&file);
    fs::rename(&file, place.path().join("tenant.db-wal")).unwrap();
    let error = SqliteLedger::open(&file).unwrap_err();
    insta::assert_snapshot!(told(&error, &place), @"
    the ledger STATE/tenant.db is damaged: only its write-ahead log (`-wal`) is there
    help: restore the ledger from a backup; or move it away, with any `-wal` and `-shm` files, and start with a new ledger: live integrations can be adopted again, but the history, the fingerprints of secrets and unresolved writes are lost
    ");
    assert!(!file.exists());
}

#[test]
fn a_draft_that_a_crash_left_is_replaced() {
    let (place, file) = place();
    fs::write(place.path().join("tenant.db.new"), "half").unwrap();
    written(&file);
    assert_eq!(files(&place), ["tenant.db", "tenant.db.lock"]);
}

#[test]
fn a_row_that_was_changed_by_hand_is_named() {
    let (place, file) = place();
    written(&file);
    let shell = Connection::open(&file).unwrap();
    shell
        .execute("UPDATE records SET at = 'yesterday'", ())
        .unwrap();
    let unread = shell.execute("UPDATE intents SET applied = 'x'", ());
    assert!(
        unread
            .unwrap_err()
            .to_string()
            .contains("CHECK constraint failed")
    );
    drop(shell);
    let error = done(SqliteLedger::open(&file).unwrap().read()).unwrap_err();
    let text = told(&error, &place);
    let (first, help) = text.split_once('\n').unwrap();
    let start = "cannot read the ledger: cannot read `at` of `a` in table records of the ledger \
        STATE/tenant.db: ";
    assert!(first.starts_with(start), "{first}");
    assert!(help.starts_with("help: fix the row"), "{help}");
}

#[test]
fn full_disk_is_reported_and_the_ledger_stays_whole() {
    let (place, file) = place();
    let ledger = SqliteLedger::open(&file).unwrap();
    let limit =
        ledger
            .lock()
            .query_row("SELECT page_count + 2 FROM pragma_page_count", (), |row| {
                row.get::<_, u32>(0)
            });
    let limit = limit.unwrap();
    ledger
        .lock()
        .pragma_update(None, "max_page_count", limit)
        .unwrap();
    let names: Vec<String> = (0..1000).map(|n| format!("{n:04}")).collect();
    let full = names.iter().find_map(|name| {
        let error = done(ledger.begin(name, &create())).err()?;
        Some((name, error))
    });
    let (refused, error) = full.unwrap();
    insta::assert_snapshot!(told(&error, &place), @"
    cannot begin the write of `0032`: cannot write an intent to the ledger STATE/tenant.db: database or disk is full
    help: free disk space, then try again; integrationd sends no write before recording it on disk
    ");
    let found = done(ledger.read()).unwrap().intents;
    let begun = names.iter().take_while(|name| *name != refused);
    assert!(found.keys().eq(begun));
    drop(ledger);
    assert_eq!(
        done(SqliteLedger::open(&file).unwrap().read())
            .unwrap()
            .intents,
        found
    );
}

#[test]
fn ledger_that_cannot_be_written_is_reported() {
    let (place, file) = place();
    let ledger = SqliteLedger::open(&file).unwrap();
    ledger
        .lock()
        .pragma_update(None, "query_only", true)
        .unwrap();
    let error = done(ledger.confirm("a", &record("1"))).unwrap_err();
    insta::assert_snapshot!(told(&error, &place), @"
    cannot record `a`: cannot write a record to the ledger STATE/tenant.db: attempt to write a readonly database
    help: make the file and its directory writable for the user that runs integrationd, or choose another directory with `--state`
    ");
}

#[test]
fn ledger_that_another_program_writes_is_reported() {
    let (place, file) = place();
    let ledger = SqliteLedger::open(&file).unwrap();
    ledger.lock().busy_timeout(Duration::ZERO).unwrap();
    let shell = Connection::open(&file).unwrap();
    shell.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = done(ledger.begin("a", &create())).unwrap_err();
    insta::assert_snapshot!(told(&error, &place), @"
    cannot begin the write of `a`: cannot write an intent to the ledger STATE/tenant.db: database is locked
    help: close other programs that use the ledger, such as an `sqlite3` shell with an open transaction, then try again
    ");
    shell.execute_batch("ROLLBACK").unwrap();
    done(ledger.begin("a", &create())).unwrap();
}

#[test]
fn ledger_that_cannot_be_opened_is_reported() {
    let (place, file) = place();
    fs::create_dir(&file).unwrap();
    let error = SqliteLedger::open(&file).unwrap_err();
    insta::assert_snapshot!(told(&error, &place), @"
    cannot open the ledger STATE/tenant.db: unable to open database file: STATE/tenant.db
    help: check the owner and mode: the user that runs integrationd must be able to read and write the file and its directory
    ");
}

#[test]
fn directory_that_takes_no_files_is_reported() {
    let (place, _) = place();
    // Not even root makes a file there.
    let error = SqliteLedger::open(Path::new("/proc/tenant.db")).unwrap_err();
    let text = told(&error, &place);
    assert!(
        text.starts_with("cannot open the lock file /proc/tenant.db.lock: "),
        "{text}"
    );
    assert!(
        text.contains("choose another directory with `--state`"),
        "{text}"
    );
}
