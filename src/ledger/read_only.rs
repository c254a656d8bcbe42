//! Reading a ledger without leaving a trace: for a dry run, which may not own
//! the directory.
//!
//! The file is copied into memory; an older version is brought up to date there.
//! SQLite wants to make files for shared memory beside a database with a
//! write-ahead log. Where a writer has made them, they are used, as any reader
//! does. (`readonly_shm` would go further, but would make a writer in the same
//! process read-only too.) Where there are none, nobody writes, and the file is
//! read as it is; that nobody began to write meanwhile is looked at afterwards.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::error::LedgerError;
use super::files::beside;
use super::history::{self, History};
use super::schema::{self, MIGRATIONS, Migration};
use super::sqlite::{EMPTY, SqliteLedger};
use super::{Ledger, rows};

/// How often a copy is tried while a writer comes or goes.
const ATTEMPTS: u32 = 20;

/// How long is waited between two of them: a writer opens and closes faster.
const PAUSE: Duration = Duration::from_millis(25);

impl SqliteLedger {
    /// Reads a ledger without a lock; `None` if there is none. Nothing is made or
    /// changed, not even by an older version.
    ///
    /// # Errors
    /// It is damaged, foreign, of a later version, or cannot be read.
    pub fn open_read_only(file: &Path) -> Result<Option<Ledger>, LedgerError> {
        Self::open_read_only_with(file, MIGRATIONS)
    }

    pub(super) fn open_read_only_with(
        file: &Path,
        migrations: &[Migration],
    ) -> Result<Option<Ledger>, LedgerError> {
        let copy = copy(file, migrations)?;
        copy.map(|connection| rows::read(&connection, file))
            .transpose()
    }

    /// The latest runs of a ledger and what was deleted, read in the same way.
    ///
    /// # Errors
    /// As for [`Self::open_read_only`].
    pub fn history_read_only(file: &Path, most: u32) -> Result<Option<History>, LedgerError> {
        let copy = copy(file, MIGRATIONS)?;
        copy.map(|connection| history::read(&connection, file, most))
            .transpose()
    }
}

/// What tells whether someone writes, or has written.
#[derive(PartialEq)]
struct Seen {
    inode: u64,
    size: u64,
    modified: (i64, i64),
    has_log: bool,
    has_shared_memory: bool,
}

impl Seen {
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

    /// Whether there is nothing beside the file that a writer needs.
    fn is_at_rest(&self) -> bool {
        !self.has_log && !self.has_shared_memory
    }
}

/// A copy in memory, checked and brought up to date.
fn copy(file: &Path, migrations: &[Migration]) -> Result<Option<Connection>, LedgerError> {
    let see = || Seen::now(file).map_err(LedgerError::file("read", file));
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

fn copy_once(file: &Path, seen: &Seen) -> Result<Connection, LedgerError> {
    let failed = || LedgerError::sqlite("read", file);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let immutable = u8::from(seen.is_at_rest());
    let path = percent_encoded(file);
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

fn percent_encoded(path: &Path) -> String {
    let mut text = String::new();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' => text.push(char::from(*byte)),
            _ if byte.is_ascii_alphanumeric() => text.push(char::from(*byte)),
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}
