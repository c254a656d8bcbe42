//! Why a repository cannot be opened. libgit2 has no code for what it does not know,
//! and says that there is no repository where it may not enter.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use git2::{Error, ErrorCode};

use super::error::Failure;
use super::owner;

/// What libgit2 does not know of a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnknownKind {
    /// SHA-256.
    #[error("the repository names its objects by another hash than SHA-1")]
    Hash,
    /// References that are kept in another way, a partial clone and the like.
    #[error("the repository is kept in a way that libgit2 does not know")]
    Extension,
}

/// How libgit2's words begin.
const WORDS: [(&str, UnknownKind); 4] = [
    ("unknown object format", UnknownKind::Hash),
    ("unknown remote object format", UnknownKind::Hash),
    ("unsupported extension", UnknownKind::Extension),
    ("unsupported repository version", UnknownKind::Extension),
];

impl UnknownKind {
    /// What an error is about, if it is about that.
    pub(super) fn of(error: &Error) -> Option<Self> {
        let mut words = WORDS.iter();
        let found = words.find(|(words, _)| error.message().starts_with(words));
        found.map(|(_, kind)| *kind)
    }

    /// Nobody but git itself can read such a repository: a server of git's can give
    /// it away, unless its very ids are other ones.
    pub(super) fn remedy(self) -> &'static str {
        match self {
            Self::Hash => {
                "keep the files in a repository of SHA-1, as git init --object-format=sha1 makes it"
            }
            Self::Extension => {
                "name a copy that git clone --bare made of it, or its address by ssh or https"
            }
        }
    }
}

/// What it means that a path could not be opened.
pub(super) fn unopened(path: &Path, error: Error) -> Failure {
    if let Some(kind) = UnknownKind::of(&error) {
        let source = error;
        return Failure::UnknownKind { kind, source };
    }
    if let Some(failure) = closed(path) {
        return failure;
    }
    match error.code() == ErrorCode::NotFound {
        true => Failure::NotARepository(error),
        false => Failure::Unreadable(error),
    }
}

/// The first directory on the way into a repository that this user may not enter.
pub(super) fn closed(path: &Path) -> Option<Failure> {
    let inside = [path.join("HEAD"), path.join(".git/HEAD")];
    inside.iter().find_map(|inside| {
        let mut on_the_way: Vec<&Path> = inside.ancestors().collect();
        on_the_way.reverse();
        on_the_way
            .windows(2)
            .find_map(|step| is_closed(step[0], step[1]))
    })
}

fn is_closed(directory: &Path, inside: &Path) -> Option<Failure> {
    let source = fs::metadata(inside).err()?;
    (source.kind() == io::ErrorKind::PermissionDenied).then(|| Failure::Closed {
        path: PathBuf::from(directory),
        own: owner::own(),
        source,
    })
}
