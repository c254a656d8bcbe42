//! The ledger in an embedded SQLite database.
//!
//! One process writes, and holds a lock for it; any number read beside it. What a
//! method has written outlasts the process when it returns. An intent outlasts a
//! loss of power, too: its commit waits for the disk (a write-ahead log), and with
//! it all before it. What comes after an intent need not wait: if it is lost, the
//! intent is still there, and the next run looks. A ledger gets its name when it
//! is complete, so that an empty or damaged file is never taken for a new one.

use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::error::LedgerError;
use super::files::{beside, sync_directory};
use super::history::{RunAction, RunEnd, RunId, RunStart};
use super::lock::Lock;
use super::schema::{self, MIGRATIONS, Migration};
use super::{
    Fingerprint, Intent, Journal, JournalError, KnownConnections, Ledger, Record, Refused, Seen,
    refusals, rows,
};
use crate::live::RemoteId;
use crate::text::chain;

/// How long another user of the file, such as a shell, is waited for.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// What is found in a file without anything in it.
pub(super) const EMPTY: &str = "it is empty";

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

    pub(super) fn open_with(file: &Path, migrations: &[Migration]) -> Result<Self, LedgerError> {
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

    /// The ledger as it is now.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(&self) -> Result<Ledger, LedgerError> {
        rows::read(&self.lock(), &self.file)
    }

    /// Before a write: what it is about to do, on disk when this returns.
    ///
    /// # Errors
    /// It cannot be written, or an earlier write of this name is not settled.
    pub fn begin(&self, name: &str, intent: &Intent) -> Result<(), LedgerError> {
        let added = self.write_through("write an intent to", |transaction| {
            rows::insert_intent(transaction, name, intent)
        })?;
        if added {
            return Ok(());
        }
        Err(LedgerError::Unsettled {
            file: self.file.clone(),
            name: name.to_owned(),
        })
    }

    /// After a write that succeeded, or an adoption: records what is there, in the
    /// place of what was recorded of it, and removes the intent, both or neither. What
    /// had the name before is kept under one that no file can have.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn confirm(&self, name: &str, record: &Record) -> Result<(), LedgerError> {
        self.write("write a record to", |transaction| {
            rows::insert_record(transaction, name, record)?;
            delete(transaction, "DELETE FROM intents WHERE name = ?1", name)
        })
    }

    /// After a write that certainly had no effect: removes its intent.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn abandon(&self, name: &str) -> Result<(), LedgerError> {
        self.write("remove an intent from", |transaction| {
            delete(transaction, "DELETE FROM intents WHERE name = ?1", name)
        })
    }

    /// After a look: records what is there and removes what is gone, all or nothing.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn note(&self, seen: &Seen) -> Result<(), LedgerError> {
        self.write("write records to", |transaction| {
            for id in &seen.gone {
                rows::forget_record(transaction, id)?;
            }
            let mut records = seen.records.iter();
            records.try_for_each(|(name, record)| rows::insert_record(transaction, name, record))
        })
    }

    /// After a delete that succeeded, or when the server says that it is gone:
    /// removes the record and the intent, and keeps what a delete saw before it.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn forget(&self, name: &str, id: &RemoteId) -> Result<(), LedgerError> {
        self.write("remove a record from", |transaction| {
            rows::forget(transaction, name, id)
        })
    }

    /// After a write that the server refused.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn refuse(
        &self,
        name: &str,
        inputs: &Fingerprint,
        at: Timestamp,
    ) -> Result<(), LedgerError> {
        let known = refusals::read(&self.lock(), &self.file)?;
        let refused = Refused::again(known.get(name), inputs, at);
        self.write("write a refusal to", |transaction| {
            refusals::insert(transaction, name, &refused)
        })
    }

    /// After a write that succeeded, or a look that found nothing to do: no refusal is left.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn accept(&self, name: &str) -> Result<(), LedgerError> {
        self.write("remove a refusal from", |transaction| {
            delete(transaction, "DELETE FROM refusals WHERE name = ?1", name)
        })
    }

    /// A revision was carried out.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn carry_out(&self, revision: &str) -> Result<(), LedgerError> {
        self.write("write the revision to", |transaction| {
            rows::set_revision(transaction, revision)
        })
    }

    /// The tenant was asked for its connections.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn set_connections(&self, answer: Option<KnownConnections>) -> Result<(), LedgerError> {
        self.write("write the answer about connections to", |transaction| {
            rows::set_known_connections(transaction, answer)
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
    pub(super) fn write<T>(
        &self,
        operation: &'static str,
        act: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        transact(&mut self.lock(), "NORMAL", act)
            .map_err(LedgerError::sqlite(operation, &self.file))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Connection> {
        // A transaction that a panic cut off was rolled back.
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Journal for SqliteLedger {
    fn ledger(&self) -> Result<Ledger, JournalError> {
        self.read().map_err(journal_error("read", "the ledger"))
    }

    fn begin(&self, name: &str, intent: &Intent) -> Result<(), JournalError> {
        Self::begin(self, name, intent).map_err(journal_error("begin the write of", name))
    }

    fn confirm(&self, name: &str, record: &Record) -> Result<(), JournalError> {
        Self::confirm(self, name, record).map_err(journal_error("record", name))
    }

    fn note(&self, seen: &Seen) -> Result<(), JournalError> {
        Self::note(self, seen).map_err(journal_error("record", "what was seen"))
    }

    fn forget(&self, name: &str, id: &RemoteId) -> Result<(), JournalError> {
        Self::forget(self, name, id).map_err(journal_error("forget", name))
    }

    fn run_begins(&self, start: &RunStart) -> Result<RunId, JournalError> {
        self.begin_run(start)
            .map_err(journal_error("begin", "a run"))
    }

    fn action_ends(&self, run: RunId, action: &RunAction) -> Result<(), JournalError> {
        self.record_action(run, action)
            .map_err(journal_error("keep the history of", &action.name))
    }

    fn run_ends(&self, run: RunId, end: &RunEnd) -> Result<(), JournalError> {
        self.end_run(run, end)
            .map_err(journal_error("end", "a run"))
    }

    fn refused(&self, name: &str, inputs: &Fingerprint, at: Timestamp) -> Result<(), JournalError> {
        self.refuse(name, inputs, at)
            .map_err(journal_error("remember the refusal of", name))
    }

    fn accepted(&self, name: &str) -> Result<(), JournalError> {
        self.accept(name)
            .map_err(journal_error("forget the refusal of", name))
    }

    fn carried_out(&self, revision: &str) -> Result<(), JournalError> {
        self.carry_out(revision)
            .map_err(journal_error("remember the revision", revision))
    }

    fn connections(&self, answer: Option<KnownConnections>) -> Result<(), JournalError> {
        self.set_connections(answer)
            .map_err(journal_error("remember", "the answer about connections"))
    }

    fn abandon(&self, name: &str) -> Result<(), JournalError> {
        Self::abandon(self, name).map_err(journal_error("give up the write of", name))
    }
}

fn journal_error(operation: &'static str, name: &str) -> impl FnOnce(LedgerError) -> JournalError {
    move |error| JournalError {
        operation,
        object: name.to_owned(),
        reason: chain(&error),
        help: error.help().to_owned(),
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

fn delete(transaction: &Transaction<'_>, sql: &str, name: &str) -> rusqlite::Result<()> {
    transaction.execute(sql, [name]).map(drop)
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
