//! What can be wrong with a ledger on disk, and what to do about it.

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
        /// Who has it, as far as it said.
        holder: String,
    },
    /// A file or directory could not be made, read or locked.
    #[error("cannot {operation} {}", shown(file))]
    File {
        /// What was to be done to it.
        operation: &'static str,
        /// The file.
        file: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A database of something else.
    #[error("{} is a database, and not a ledger of integrationd", shown(file))]
    Foreign {
        /// The file.
        file: PathBuf,
    },
    /// A later integrationd wrote it.
    #[error(
        "the ledger {} has version {found}, and this integrationd knows versions up to {known}",
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
        /// What was found first.
        finding: String,
    },
    /// A row holds what this program never writes.
    #[error(
        "`{column}` of `{name}` in table {table} of the ledger {} cannot be read",
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
        "the ledger {} cannot have a write-ahead log: its file system does not allow it",
        shown(file)
    )]
    NoLog {
        /// The ledger.
        file: PathBuf,
    },
    /// An intent is there already.
    #[error(
        "an earlier write of `{name}` is not settled in the ledger {}",
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
        /// What was to be done, up to the words "the ledger".
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

/// What SQLite says. It has no source: that of `rusqlite` says the same again.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SqliteFailure(rusqlite::Error);

impl SqliteFailure {
    /// Whether it means that the file itself is at fault.
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
            "run again; if it stays, move the ledger away: what is live can be adopted again",
            |(_, help)| help,
        )
    }
}

/// What helps against a failure of SQLite.
const SQLITE_HELP: &[(ErrorCode, &str)] = &[
    (
        ErrorCode::DiskFull,
        "free space on the disk that holds it, then run again; nothing is sent before its intent is on disk",
    ),
    (
        ErrorCode::ReadOnly,
        "make the file and its directory writable for the user that runs integrationd, or choose another directory with `--state`",
    ),
    (
        ErrorCode::CannotOpen,
        "look at its owner and mode: the user that runs integrationd must be able to read and write it and its directory",
    ),
    (
        ErrorCode::PermissionDenied,
        "look at its owner and mode: the user that runs integrationd must be able to read and write it",
    ),
    (
        ErrorCode::DatabaseBusy,
        "close what else has it open, such as an `sqlite3` shell with a transaction, then run again",
    ),
    (
        ErrorCode::SystemIoFailure,
        "look at the disk, its quota and the system's log, then run again",
    ),
];

const DAMAGED: &str = "restore it from a backup; or move it away, with its `-wal` and `-shm` files if there are any, and start with a new one: what is live can be adopted again; the history, the fingerprints of secrets and what was not settled are lost";

impl LedgerError {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::InUse { .. } => {
                "wait until it ends or stop it; the lock goes with the process, so the lock file never has to be removed"
            }
            Self::File { source, .. } => disk_help(source).unwrap_or(
                "look at its owner and mode, and at those of its directory, or choose another directory with `--state`",
            ),
            Self::Foreign { .. } => {
                "choose another directory with `--state`, or move the file away"
            }
            Self::Newer { .. } => {
                "upgrade integrationd: an older one would lose what it does not know"
            }
            Self::Damaged { .. } => DAMAGED,
            Self::Row { .. } => {
                "fix the row with the `sqlite3` shell, or delete it: its integration can be adopted again"
            }
            Self::NoLog { .. } => "choose a directory on a local file system with `--state`",
            Self::Unsettled { .. } => {
                "run `integrationd sync`: it looks up what became of the earlier write first"
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
