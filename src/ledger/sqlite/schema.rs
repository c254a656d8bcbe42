//! The tables of a ledger, and how an older ledger gets them.
//!
//! They are meant to be read with the `sqlite3` shell: times are RFC 3339, what
//! has a structure is JSON, and nothing in them is a secret. A migration is never
//! changed once it was released; the next one is added behind it.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::error::LedgerError;

/// Distinguishes a ledger from other databases: `intd` in ASCII.
const APPLICATION_ID: i64 = 0x696e_7464;

/// A step to a version.
pub(super) struct Migration {
    /// The version after it.
    pub(super) version: i64,
    /// Migration from the version before it.
    pub(super) sql: &'static str,
}

/// All versions, oldest first, without a gap.
pub(super) const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        sql: "
CREATE TABLE meta (
    key TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) STRICT;
CREATE TABLE records (
    name TEXT PRIMARY KEY NOT NULL,
    type TEXT NOT NULL,
    identity TEXT,
    remote_id TEXT NOT NULL UNIQUE,
    owned INTEGER NOT NULL CHECK (owned IN (0, 1)),
    applied TEXT NOT NULL CHECK (json_valid(applied)),
    removal TEXT NOT NULL CHECK (json_valid(removal)),
    rewritten TEXT NOT NULL CHECK (json_valid(rewritten)),
    revision TEXT,
    at TEXT NOT NULL
) STRICT;
CREATE TABLE intents (
    name TEXT PRIMARY KEY NOT NULL,
    type TEXT NOT NULL,
    identity TEXT,
    kind TEXT NOT NULL CHECK (kind IN ('create', 'update', 'delete')),
    remote_id TEXT,
    listed TEXT CHECK (json_valid(listed)),
    before TEXT CHECK (json_valid(before)),
    owned INTEGER NOT NULL CHECK (owned IN (0, 1)),
    applied TEXT NOT NULL CHECK (json_valid(applied)),
    removal TEXT NOT NULL CHECK (json_valid(removal)),
    rewritten TEXT NOT NULL CHECK (json_valid(rewritten)),
    revision TEXT,
    at TEXT NOT NULL,
    CHECK ((kind = 'create') = (listed IS NOT NULL)),
    CHECK ((kind = 'create') = (remote_id IS NULL)),
    CHECK ((kind = 'delete') = (before IS NOT NULL))
) STRICT;
CREATE TABLE deleted (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    identity TEXT,
    remote_id TEXT NOT NULL,
    config TEXT NOT NULL CHECK (json_valid(config)),
    at TEXT NOT NULL
) STRICT;
CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    begun TEXT NOT NULL,
    ended TEXT,
    revision TEXT,
    source TEXT NOT NULL,
    outcome TEXT
) STRICT;
CREATE TABLE actions (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    verb TEXT NOT NULL,
    remote_id TEXT,
    succeeded INTEGER NOT NULL CHECK (succeeded IN (0, 1)),
    what TEXT NOT NULL,
    at TEXT NOT NULL
) STRICT;
CREATE INDEX actions_by_run ON actions (run);
",
    },
    Migration {
        version: 2,
        // The revision that was last carried out stands in `meta`, also where nothing was to do.
        sql: "
CREATE TABLE refusals (
    name TEXT PRIMARY KEY NOT NULL,
    inputs TEXT NOT NULL CHECK (json_valid(inputs)),
    times INTEGER NOT NULL CHECK (times > 0),
    at TEXT NOT NULL
) STRICT;
INSERT INTO meta (key, value)
SELECT 'revision', revision FROM runs WHERE revision IS NOT NULL ORDER BY id DESC LIMIT 1;
",
    },
    Migration {
        version: 3,
        // Unknown until the file is read the next time.
        sql: "
ALTER TABLE records ADD COLUMN file TEXT;
ALTER TABLE intents ADD COLUMN file TEXT;
",
    },
    Migration {
        version: 4,
        // A record that was never repaired has none.
        sql: "
ALTER TABLE records ADD COLUMN repairs TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(repairs));
ALTER TABLE intents ADD COLUMN repairs TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(repairs));
",
    },
];

/// Makes sure that this is a whole ledger of a version that is known; changes nothing.
pub(super) fn check(
    connection: &Connection,
    file: &Path,
    migrations: &[Migration],
) -> Result<(), LedgerError> {
    let number = |name| {
        let read = connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        read.map_err(LedgerError::sqlite("read", file))
    };
    if number("application_id")? != APPLICATION_ID {
        let file = file.to_owned();
        return Err(LedgerError::Foreign { file });
    }
    let (found, known) = (number("user_version")?, latest(migrations));
    if found > known {
        let file = file.to_owned();
        return Err(LedgerError::Newer { file, found, known });
    }
    let finding: String = connection
        .query_row("PRAGMA quick_check(1)", (), |row| row.get(0))
        .map_err(LedgerError::sqlite("check", file))?;
    if finding == "ok" {
        return Ok(());
    }
    // The finding may have several lines.
    let finding: Vec<&str> = finding.split_whitespace().collect();
    Err(LedgerError::damaged(file, &finding.join(" ")))
}

/// Brings a ledger, or an empty database, to the latest version: each step is
/// done as a whole or not at all.
pub(super) fn migrate(
    connection: &mut Connection,
    file: &Path,
    migrations: &[Migration],
) -> Result<(), LedgerError> {
    let found: i64 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(LedgerError::sqlite("read", file))?;
    for migration in migrations.iter().filter(|m| m.version > found) {
        step(connection, migration).map_err(LedgerError::sqlite("migrate", file))?;
    }
    Ok(())
}

fn step(connection: &mut Connection, migration: &Migration) -> rusqlite::Result<()> {
    let Migration { version, sql } = migration;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(sql)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", version)?;
    transaction.execute(
        "INSERT INTO meta (key, value) VALUES (?1, ?2)",
        (
            format!("version {version}"),
            format!("integrationd {}", env!("CARGO_PKG_VERSION")),
        ),
    )?;
    transaction.commit()
}

fn latest(migrations: &[Migration]) -> i64 {
    migrations.last().map_or(0, |migration| migration.version)
}
