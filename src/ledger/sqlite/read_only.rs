//! Reading a ledger without leaving a trace: for a dry run, which may not own the directory.
//!
//! The file is copied into memory; an older version is migrated there. SQLite creates files for
//! shared memory next to a database with a write-ahead log. If a writer has created them, they
//! are used, as by any reader. (`readonly_shm` would go further, but would make a writer in the
//! same process read-only too.) If there are none, no process writes, and the file is read as
//! it is; afterwards a check makes sure that no writer has appeared.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::error::LedgerError;
use super::schema::{self, MIGRATIONS, Migration};
use super::{EMPTY, history, rows, suspensions};
use crate::ledger::files::beside;
use crate::ledger::history::{History, RunAction, RunEnd, RunId, RunStart};
use crate::ledger::store::Remedy;
use crate::ledger::{
    Fingerprint, Intent, KnownConnections, Ledger, LedgerStore, Observations, Record, StoreError,
    Suspensions,
};
use crate::live::RemoteId;

/// Number of attempts to copy while a writer starts or ends.
const ATTEMPTS: u32 = 20;

/// Bytes of a path that would mean something else in a URI.
const IN_URI: AsciiSet = NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_');

/// Pause between two attempts: a writer opens and closes faster.
const PAUSE: Duration = Duration::from_millis(25);

/// A ledger that is read without its lock, and in which only suspensions can be set. One
/// that does not exist is empty. Nothing is created or changed, not even an older version.
#[derive(Debug)]
pub struct ReadOnlyLedger {
    file: PathBuf,
}

impl ReadOnlyLedger {
    /// The ledger of this file. Nothing is read yet.
    #[must_use]
    pub fn new(file: &Path) -> Self {
        Self {
            file: file.to_owned(),
        }
    }
}

/// Reads a whole ledger; `None` if there is none.
pub(super) fn read(file: &Path, migrations: &[Migration]) -> Result<Option<Ledger>, LedgerError> {
    let copy = copy(file, migrations)?;
    copy.map(|connection| rows::read(&connection, file))
        .transpose()
}

fn read_history(file: &Path, runs: u32) -> Result<Option<History>, LedgerError> {
    let copy = copy(file, MIGRATIONS)?;
    copy.map(|connection| history::read(&connection, file, runs))
        .transpose()
}

/// A write to a ledger that is open for reading: a mistake of this program.
#[derive(Debug, thiserror::Error)]
#[error("the ledger is open read-only")]
struct Denied;

impl Remedy for Denied {
    fn remedy(&self) -> &str {
        "this is a bug: please report it"
    }
}

fn denied<T>(operation: &'static str, object: &str) -> Result<T, StoreError> {
    Err(StoreError::because(operation, object)(Denied))
}

#[async_trait]
impl LedgerStore for ReadOnlyLedger {
    async fn read(&self) -> Result<Ledger, StoreError> {
        let read = read(&self.file, MIGRATIONS);
        let ledger = read.map_err(StoreError::because("read", "the ledger"))?;
        Ok(ledger.unwrap_or_default())
    }

    async fn history(&self, runs: u32) -> Result<History, StoreError> {
        let read = read_history(&self.file, runs);
        let history = read.map_err(StoreError::because("read", "the history"))?;
        Ok(history.unwrap_or_default())
    }

    async fn suspensions(&self) -> Result<Suspensions, StoreError> {
        suspensions::read(&self.file)
    }

    async fn set_suspensions(&self, suspensions: &Suspensions) -> Result<(), StoreError> {
        suspensions::write(&self.file, suspensions)
    }

    async fn begin(&self, name: &str, _: &Intent) -> Result<(), StoreError> {
        denied("begin the write of", name)
    }

    async fn confirm(&self, name: &str, _: &Record) -> Result<(), StoreError> {
        denied("record", name)
    }

    async fn note(&self, _: &Observations) -> Result<(), StoreError> {
        denied("record", "the observed state")
    }

    async fn forget(&self, name: &str, _: &RemoteId) -> Result<(), StoreError> {
        denied("remove the record of", name)
    }

    async fn abandon(&self, name: &str) -> Result<(), StoreError> {
        denied("abandon the write of", name)
    }

    async fn reject(&self, name: &str, _: &Fingerprint, _: Timestamp) -> Result<(), StoreError> {
        denied("record the rejection of", name)
    }

    async fn accept(&self, name: &str) -> Result<(), StoreError> {
        denied("remove the rejection of", name)
    }

    async fn set_revision(&self, revision: &str) -> Result<(), StoreError> {
        denied("record the revision", revision)
    }

    async fn set_connections(&self, _: Option<KnownConnections>) -> Result<(), StoreError> {
        denied("record", "the result of reading the connections")
    }

    async fn begin_run(&self, _: &RunStart) -> Result<RunId, StoreError> {
        denied("record", "the start of a run")
    }

    async fn add_action(&self, _: RunId, action: &RunAction) -> Result<(), StoreError> {
        denied("record the history of", &action.name)
    }

    async fn end_run(&self, _: RunId, _: &RunEnd) -> Result<(), StoreError> {
        denied("record", "the end of a run")
    }
}

/// Signs of a present or past writer.
#[derive(PartialEq)]
struct Trace {
    inode: u64,
    size: u64,
    modified: (i64, i64),
    has_log: bool,
    has_shared_memory: bool,
}

impl Trace {
    fn now(file: &Path) -> io::Result<Option<Self>> {
        let has_log = beside(file, "-wal").try_exists()?;
        let has_shared_memory = beside(file, "-shm").try_exists()?;
        match fs::metadata(file) {
            Ok(metadata) => Ok(Some(Self {
                inode: metadata.ino(),
                size: metadata.size(),
                modified: (metadata.mtime(), metadata.mtime_nsec()),
                has_log,
                has_shared_memory,
            })),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// True if the files that a writer needs do not exist.
    fn is_at_rest(&self) -> bool {
        !self.has_log && !self.has_shared_memory
    }
}

/// A copy in memory, checked and brought up to date.
fn copy(file: &Path, migrations: &[Migration]) -> Result<Option<Connection>, LedgerError> {
    let see = || Trace::now(file).map_err(LedgerError::file("read", file));
    for attempt in 1.. {
        let Some(before) = see()? else {
            return Ok(None);
        };
        if before.size == 0 {
            return Err(LedgerError::damaged(file, EMPTY));
        }
        let copied = copy_once(file, &before).and_then(|mut connection| {
            schema::check(&connection, file, migrations)?;
            schema::migrate(&mut connection, file, migrations)?;
            Ok(Some(connection))
        });
        let is_certain = if before.is_at_rest() {
            see()?.as_ref() == Some(&before)
        } else {
            // SQLite sees to it that a copy is of one moment, but not that the
            // files stay there while it opens them.
            copied.is_ok()
        };
        if is_certain || attempt == ATTEMPTS {
            return copied;
        }
        std::thread::sleep(PAUSE);
    }
    Ok(None)
}

fn copy_once(file: &Path, seen: &Trace) -> Result<Connection, LedgerError> {
    let failed = || LedgerError::sqlite("read", file);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let immutable = u8::from(seen.is_at_rest());
    let path = percent_encode(file.as_os_str().as_bytes(), &IN_URI);
    let uri = format!("file:{path}?mode=ro&immutable={immutable}");
    let from = Connection::open_with_flags(uri, flags).map_err(failed())?;
    let mut to = Connection::open_in_memory().map_err(failed())?;
    let backup = Backup::new(&from, &mut to).map_err(failed())?;
    // All pages in one step: a copy of one moment.
    let step = backup.step(-1).map_err(failed())?;
    drop(backup);
    if step == StepResult::Done {
        return Ok(to);
    }
    let busy = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
    Err(failed()(rusqlite::Error::SqliteFailure(busy, None)))
}
