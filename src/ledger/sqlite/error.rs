//! Errors of a ledger on disk, and their remedies.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use crate::ledger::files::{disk_help, shown};
use crate::ledger::store::Remedy;

/// The ledger could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Another process writes it.
    #[error("the ledger {} is in use by {holder}", shown(file))]
    InUse {
        /// The ledger.
        file: PathBuf,
        /// The holder of the lock, as far as it is known.
        holder: String,
    },
    /// A file or directory could not be made, read or locked.
    #[error("cannot {operation} {}", shown(file))]
    File {
        /// The operation.
        operation: &'static str,
        /// The file.
        file: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A database of something else.
    #[error("{} is a database but not an integrationd ledger", shown(file))]
    Foreign {
        /// The file.
        file: PathBuf,
    },
    /// A later integrationd wrote it.
    #[error(
        "the ledger {} has version {found}, but this integrationd supports versions up to {known}",
        shown(file)
    )]
    Newer {
        /// The ledger.
        file: PathBuf,
        /// Its version.
        found: i64,
        /// The latest version that this program knows.
        known: i64,
    },
    /// Its pages contradict each other, or parts of it are missing.
    #[error("the ledger {} is damaged: {finding}", shown(file))]
    Damaged {
        /// The ledger.
        file: PathBuf,
        /// The first problem that was found.
        finding: String,
    },
    /// A row holds what this program never writes.
    #[error(
        "cannot read `{column}` of `{name}` in table {table} of the ledger {}",
        shown(file)
    )]
    Row {
        /// The ledger.
        file: PathBuf,
        /// The table.
        table: &'static str,
        /// The name in the row.
        name: String,
        /// The column.
        column: &'static str,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The file system has no shared memory.
    #[error(
        "the file system of the ledger {} does not support a write-ahead log",
        shown(file)
    )]
    NoLog {
        /// The ledger.
        file: PathBuf,
    },
    /// An intent is there already.
    #[error(
        "the ledger {} has an earlier write of `{name}` with an unknown outcome",
        shown(file)
    )]
    Unsettled {
        /// The ledger.
        file: PathBuf,
        /// The integration.
        name: String,
    },
    /// Everything else that SQLite refuses.
    #[error("cannot {operation} the ledger {}", shown(file))]
    Sqlite {
        /// The operation, up to the words "the ledger".
        operation: &'static str,
        /// The ledger.
        file: PathBuf,
        /// The cause.
        #[source]
        source: SqliteFailure,
    },
}

impl Remedy for LedgerError {
    fn remedy(&self) -> &str {
        self.help()
    }
}

/// SQLite's message. It has no source: the source in `rusqlite` repeats the message.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SqliteFailure(rusqlite::Error);

impl SqliteFailure {
    /// True if it means that the file itself is damaged.
    fn is_damage(&self) -> bool {
        let code = self.0.sqlite_error_code();
        [ErrorCode::DatabaseCorrupt, ErrorCode::NotADatabase]
            .map(Some)
            .contains(&code)
    }

    fn help(&self) -> &'static str {
        let code = self.0.sqlite_error_code();
        let known = SQLITE_HELP.iter().find(|(known, _)| Some(*known) == code);
        known.map_or(
            "try again; if the problem persists, move the ledger away: live integrations can be \
            adopted again",
            |(_, help)| help,
        )
    }
}

/// Remedies for failures of SQLite.
const SQLITE_HELP: &[(ErrorCode, &str)] = &[
    (
        ErrorCode::DiskFull,
        "free disk space, then try again; integrationd sends no write before recording it on disk",
    ),
    (
        ErrorCode::ReadOnly,
        "make the file and its directory writable for the user that runs integrationd, or choose another directory with `--state`",
    ),
    (
        ErrorCode::CannotOpen,
        "check the owner and mode: the user that runs integrationd must be able to read and write \
        the file and its directory",
    ),
    (
        ErrorCode::PermissionDenied,
        "check the owner and mode: the user that runs integrationd must be able to read and write \
        the file",
    ),
    (
        ErrorCode::DatabaseBusy,
        "close other programs that use the ledger, such as an `sqlite3` shell with an open \
        transaction, then try again",
    ),
    (
        ErrorCode::SystemIoFailure,
        "check the disk, its quota and the system log, then try again",
    ),
];

const DAMAGED: &str = "restore the ledger from a backup; or move it away, with any `-wal` and \
    `-shm` files, and start with a new ledger: live integrations can be adopted again, but the \
    history, the fingerprints of secrets and unresolved writes are lost";

impl LedgerError {
    /// The remedy.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::InUse { .. } => {
                "wait until that process ends, or stop it; a daemon carries out the command if you \
                omit `--standalone` and, for a socket other than the default, give `--socket`; do \
                not remove the lock file: it has no effect once the process has ended"
            }
            Self::File { source, .. } => disk_help(source).unwrap_or(
                "check the owner and mode of the file and its directory, or choose another \
                directory with `--state`",
            ),
            Self::Foreign { .. } => {
                "choose another directory with `--state`, or move the file away"
            }
            Self::Newer { .. } => {
                "upgrade integrationd: an older version would lose data that it does not know"
            }
            Self::Damaged { .. } => DAMAGED,
            Self::Row { .. } => {
                "fix the row with the `sqlite3` shell, or delete it: the integration can be adopted \
                again"
            }
            Self::NoLog { .. } => "choose a directory on a local file system with `--state`",
            Self::Unsettled { .. } => {
                "run `integrationd sync`, which first determines the outcome of the earlier write"
            }
            Self::Sqlite { source, .. } => source.help(),
        }
    }

    /// A file operation that failed, for `map_err`.
    pub(super) fn file(operation: &'static str, file: &Path) -> impl FnOnce(io::Error) -> Self {
        let file = file.to_owned();
        move |source| Self::File {
            operation,
            file,
            source,
        }
    }

    /// A failure of SQLite, for `map_err`.
    pub(super) fn sqlite(
        operation: &'static str,
        file: &Path,
    ) -> impl FnOnce(rusqlite::Error) -> Self {
        let file = file.to_owned();
        move |source| {
            let source = SqliteFailure(source);
            if source.is_damage() {
                let finding = source.to_string();
                return Self::Damaged { file, finding };
            }
            Self::Sqlite {
                operation,
                file,
                source,
            }
        }
    }

    /// A ledger in which something was found that cannot be.
    pub(super) fn damaged(file: &Path, finding: &str) -> Self {
        Self::Damaged {
            file: file.to_owned(),
            finding: finding.to_owned(),
        }
    }
}
