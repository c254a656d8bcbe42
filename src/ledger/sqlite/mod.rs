//! The ledger in an embedded SQLite database.
//!
//! One process writes, and holds a lock for it; any number may read at the same time. The data
//! that a method has written survives the end of the process once the method returns. An intent
//! survives a loss of power, too: its commit waits for the disk (a write-ahead log), and so do
//! all earlier ones. Writes after an intent need not wait: if one is lost, the intent is still
//! there, and the next run determines the outcome. A ledger gets its name when it is complete,
//! so that an empty or damaged file is never taken for a new one.

mod error;
mod history;
mod lock;
mod read_only;
mod rejections;
mod rows;
mod schema;
mod suspensions;
#[cfg(test)]
mod tests;

use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::files::{beside, sync_directory};
use super::history::{History, RunAction, RunEnd, RunId, RunStart};
use super::{
    Fingerprint, Intent, KnownConnections, Ledger, LedgerStore, Observations, Record,
    RejectedWrite, StoreError, Suspensions,
};
use crate::live::RemoteId;
pub use error::LedgerError;
use lock::Lock;
pub use lock::is_held;
pub use read_only::ReadOnlyLedger;
use schema::{MIGRATIONS, Migration};

/// Time to wait for another user of the file, such as a shell.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Finding for an empty file.
const EMPTY: &str = "it is empty";

/// A ledger that is open for writing.
#[derive(Debug)]
pub struct SqliteLedger {
    // Before the lock, so that it is closed before the lock is given up.
    connection: Mutex<Connection>,
    file: PathBuf,
    _lock: Lock,
}

impl SqliteLedger {
    /// Opens a ledger for writing, makes it if there is none, and brings it up to date.
    ///
    /// # Errors
    /// Another process has it; it is damaged, foreign, or of a later version; or
    /// it cannot be read and written.
    pub fn open(file: &Path) -> Result<Self, LedgerError> {
        Self::open_with(file, MIGRATIONS)
    }

    fn open_with(file: &Path, migrations: &[Migration]) -> Result<Self, LedgerError> {
        let lock = Lock::take(file)?;
        match fs::metadata(file) {
            // It got its name when it was complete.
            Ok(metadata) if metadata.len() == 0 => {
                return Err(LedgerError::damaged(file, EMPTY));
            }
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => create(file, migrations)?,
            Err(error) => return Err(LedgerError::file("read", file)(error)),
        }
        let mut connection = connect(file).map_err(LedgerError::sqlite("open", file))?;
        schema::check(&connection, file, migrations)?;
        let mode: String = connection
            .query_row("PRAGMA journal_mode = WAL", (), |row| row.get(0))
            .map_err(LedgerError::sqlite("set up", file))?;
        if mode != "wal" {
            let file = file.to_owned();
            return Err(LedgerError::NoLog { file });
        }
        schema::migrate(&mut connection, file, migrations)?;
        Ok(Self {
            connection: Mutex::new(connection),
            file: file.to_owned(),
            _lock: lock,
        })
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// A transaction that is on disk when this returns.
    fn write_through<T>(
        &self,
        operation: &'static str,
        act: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        transact(&mut self.lock(), "FULL", act).map_err(LedgerError::sqlite(operation, &self.file))
    }

    /// A transaction that outlasts the process when this returns.
    fn write<T>(
        &self,
        operation: &'static str,
        act: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        transact(&mut self.lock(), "NORMAL", act)
            .map_err(LedgerError::sqlite(operation, &self.file))
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A transaction that a panic cut off was rolled back.
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl LedgerStore for SqliteLedger {
    async fn read(&self) -> Result<Ledger, StoreError> {
        let read = rows::read(&self.lock(), &self.file);
        read.map_err(StoreError::because("read", "the ledger"))
    }

    async fn begin(&self, name: &str, intent: &Intent) -> Result<(), StoreError> {
        let begun = self.write_through("write an intent to", |transaction| {
            rows::insert_intent(transaction, name, intent)
        });
        let unsettled = || LedgerError::Unsettled {
            file: self.file.clone(),
            name: name.to_owned(),
        };
        let begun = begun.and_then(|added| if added { Ok(()) } else { Err(unsettled()) });
        begun.map_err(StoreError::about("begin the write of", name))
    }

    async fn confirm(&self, name: &str, record: &Record) -> Result<(), StoreError> {
        self.write("write a record to", |transaction| {
            rows::insert_record(transaction, name, record)?;
            rows::delete_intent(transaction, name)
        })
        .map_err(StoreError::about("record", name))
    }

    async fn note(&self, seen: &Observations) -> Result<(), StoreError> {
        self.write("write records to", |transaction| {
            for id in &seen.gone {
                rows::forget_record(transaction, id)?;
            }
            let mut records = seen.records.iter();
            records.try_for_each(|(name, record)| rows::insert_record(transaction, name, record))
        })
        .map_err(StoreError::because("record", "the observed state"))
    }

    async fn forget(&self, name: &str, id: &RemoteId) -> Result<(), StoreError> {
        self.write("remove a record from", |transaction| {
            rows::forget(transaction, name, id)
        })
        .map_err(StoreError::about("remove the record of", name))
    }

    async fn abandon(&self, name: &str) -> Result<(), StoreError> {
        self.write("remove an intent from", |transaction| {
            rows::delete_intent(transaction, name)
        })
        .map_err(StoreError::about("abandon the write of", name))
    }

    async fn reject(
        &self,
        name: &str,
        inputs: &Fingerprint,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let known = rejections::read(&self.lock(), &self.file);
        let written = known.and_then(|known| {
            let refused = RejectedWrite::again(known.get(name), inputs, at);
            self.write("write a rejection to", |transaction| {
                rejections::insert(transaction, name, &refused)
            })
        });
        written.map_err(StoreError::about("record the rejection of", name))
    }

    async fn accept(&self, name: &str) -> Result<(), StoreError> {
        self.write("remove a rejection from", |transaction| {
            rejections::delete(transaction, name)
        })
        .map_err(StoreError::about("remove the rejection of", name))
    }

    async fn set_revision(&self, revision: &str) -> Result<(), StoreError> {
        self.write("write the revision to", |transaction| {
            rows::set_revision(transaction, revision)
        })
        .map_err(StoreError::about("record the revision", revision))
    }

    async fn set_connections(&self, answer: Option<KnownConnections>) -> Result<(), StoreError> {
        self.write("write the answer about connections to", |transaction| {
            rows::set_known_connections(transaction, answer)
        })
        .map_err(StoreError::because(
            "record",
            "the result of reading the connections",
        ))
    }

    async fn begin_run(&self, start: &RunStart) -> Result<RunId, StoreError> {
        self.write("begin a run in", |transaction| {
            history::begin_run(transaction, start)
        })
        .map_err(StoreError::because("record", "the start of a run"))
    }

    async fn add_action(&self, run: RunId, action: &RunAction) -> Result<(), StoreError> {
        self.write("write an action to", |transaction| {
            history::add_action(transaction, run, action)
        })
        .map_err(StoreError::about("record the history of", &action.name))
    }

    async fn end_run(&self, run: RunId, end: &RunEnd) -> Result<(), StoreError> {
        self.write("end a run in", |transaction| {
            history::end_run(transaction, run, end)
        })
        .map_err(StoreError::because("record", "the end of a run"))
    }

    async fn history(&self, runs: u32) -> Result<History, StoreError> {
        let read = history::read(&self.lock(), &self.file, runs);
        read.map_err(StoreError::because("read", "the history"))
    }

    async fn suspensions(&self) -> Result<Suspensions, StoreError> {
        suspensions::read(&self.file)
    }

    async fn set_suspensions(&self, suspensions: &Suspensions) -> Result<(), StoreError> {
        suspensions::write(&self.file, suspensions)
    }
}

fn transact<T>(
    connection: &mut Connection,
    synchronous: &str,
    act: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    connection.pragma_update(None, "synchronous", synchronous)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = act(&transaction)?;
    transaction.commit()?;
    Ok(done)
}

/// Opens a database that is there, and sets what lasts as long as the connection.
fn connect(file: &Path) -> rusqlite::Result<Connection> {
    // Without SQLITE_OPEN_URI: a path that begins with `file:` is a path.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // FULL: a commit waits for the disk. The others distrust the file.
    connection.execute_batch(
        "PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA trusted_schema = OFF;
         PRAGMA cell_size_check = ON;",
    )?;
    Ok(connection)
}

/// Makes a ledger under another name, and gives it its own when it is on disk.
fn create(file: &Path, migrations: &[Migration]) -> Result<(), LedgerError> {
    let log_stayed = beside(file, "-wal").try_exists();
    if log_stayed.map_err(LedgerError::file("read", file))? {
        // SQLite would take the log for that of the new ledger.
        let finding = "only its write-ahead log (`-wal`) is there";
        return Err(LedgerError::damaged(file, finding));
    }
    let draft = beside(file, ".new");
    for left_over in [beside(&draft, "-journal"), draft.clone()] {
        match fs::remove_file(&left_over) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(LedgerError::file("remove", &left_over)(error));
            }
            _ => {}
        }
    }
    // Made here, so that it is never open to others: SQLite gives its other files the same mode.
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)
        .map_err(LedgerError::file("create", &draft))?;
    let mut connection = connect(&draft).map_err(LedgerError::sqlite("create", &draft))?;
    schema::migrate(&mut connection, &draft, migrations)?;
    connection
        .close()
        .map_err(|(_, source)| LedgerError::sqlite("create", &draft)(source))?;
    fs::rename(&draft, file)
        .and_then(|()| sync_directory(file))
        .map_err(LedgerError::file("create", file))
}
