//! Where integration files come from: the edge that reads them.
//!
//! A [`Snapshot`] is taken whole or not at all: if the directory itself cannot
//! be read there is none, since an empty one would read as "delete everything".
//! A single file that cannot be read is a part of the snapshot, with the reason.

mod directory;
pub mod git;
mod rules;

pub use crate::manifest::{FileProblem, SourceFile};
pub use directory::read_directory;

use std::path::PathBuf;

/// All files at one moment, sorted by path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The files, readable or not.
    pub files: Vec<SourceFile>,
}

/// Why there is no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Nothing is there.
    #[error("there is no directory {}", path.display())]
    Missing {
        /// The directory.
        path: PathBuf,
    },
    /// It is something else.
    #[error("{} is neither a directory nor a file", path.display())]
    NotADirectory {
        /// What was named.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("cannot read the directory {}", path.display())]
    Unreadable {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}
