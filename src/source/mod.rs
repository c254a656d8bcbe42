//! Sources of integration files: the edge that reads them.
//!
//! A [`Snapshot`] is taken completely or not at all: if the directory itself cannot be read
//! there is none, since an empty one would read as "delete everything". A single file that
//! cannot be read is a part of the snapshot, with the reason.
//!
//! Before anything is deleted, a directory is read again and must be unchanged ([`Reread`]): a
//! save in progress looks like a removal.

mod again;
mod directory;
pub mod git;
mod pipe;
mod rules;

pub use crate::manifest::{FileProblem, SourceFile};
pub use again::{Content, Reread, SETTLE, SeenDirectory, Unconfirmed, content_of};
pub(crate) use directory::read_single;
pub use directory::{read_directory, read_with_variables};

use std::path::PathBuf;

/// All files at one moment, sorted by path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The directory, as the paths of its files begin with it.
    pub root: String,
    /// The files, readable or not.
    pub files: Vec<SourceFile>,
    /// Files with the variables that are filled in, readable or not, in the order in which
    /// they count.
    pub variables: Vec<SourceFile>,
}

/// Reason why there is no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Nothing is there.
    #[error("directory {} does not exist", path.display())]
    Missing {
        /// The directory.
        path: PathBuf,
    },
    /// It is something else.
    #[error("{} is neither a directory nor a file", path.display())]
    NotADirectory {
        /// The given path.
        path: PathBuf,
    },
    /// A file was listed and gone when it was read, again and again.
    #[error(
        "the directory {} changed while it was being read: {} has disappeared",
        path.display(),
        file.display()
    )]
    Changing {
        /// The directory.
        path: PathBuf,
        /// The file.
        file: PathBuf,
    },
    /// More files than any tenant has integrations.
    #[error("the directory {} has more than {limit} integration files", path.display())]
    TooMany {
        /// The directory.
        path: PathBuf,
        /// Maximum number of files that are read.
        limit: usize,
    },
    /// The operating system refused.
    #[error("cannot read the directory {}", path.display())]
    Unreadable {
        /// The directory.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}

impl SourceError {
    /// Help text for the error.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::TooMany { .. } => "name a directory that contains only integration files",
            Self::Missing { .. } | Self::NotADirectory { .. } | Self::Unreadable { .. } => {
                "give an existing, readable directory of integration files"
            }
            Self::Changing { .. } => AGAIN,
        }
    }
}

/// The remedy for files that are being written.
const AGAIN: &str = "nothing was changed: wait until the files no longer change, then try again";
