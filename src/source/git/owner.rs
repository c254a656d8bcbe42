//! Owners of repositories.
//!
//! The owner of a repository can make libgit2 read the targets of its configuration and its
//! alternates. So a repository of another user is opened only to determine its owner, unless
//! the operator allows more. Hooks and programs in a configuration are never run, for any
//! owner: libgit2 runs none.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use git2::{Repository, RepositoryOpenFlags};

use super::error::GitFailure;
use super::kind;
use crate::user;

/// Opens a repository, and refuses one that neither this user nor root owns, unless
/// that is allowed.
pub(super) fn open(path: &Path, allow_other_owner: bool) -> Result<Repository, GitFailure> {
    let check = |place: &Path| match allow_other_owner {
        true => Ok(()),
        false => check_place(place),
    };
    // The path itself first: it does not need the repository's configuration.
    check(path)?;
    let no_parents: [&Path; 0] = [];
    let repository = Repository::open_ext(path, RepositoryOpenFlags::NO_SEARCH, no_parents)
        .map_err(|error| kind::unopened(path, error))?;
    check(repository.path())?;
    check(repository.commondir())?;
    Ok(repository)
}

fn check_place(path: &Path) -> Result<(), GitFailure> {
    match is_ours(path) {
        Ok(true) => Ok(()),
        Ok(false) => Err(foreign(path)),
        Err(error) => {
            let error = git2::Error::from_str(&error.to_string());
            Err(kind::closed(path).unwrap_or(GitFailure::NotARepository(error)))
        }
    }
}

/// Error about a file of another user.
pub(super) fn foreign(path: &Path) -> GitFailure {
    let owner = fs::metadata(path).map(|found| user::shown(found.uid()));
    GitFailure::ForeignOwner {
        path: PathBuf::from(path),
        owner: owner.unwrap_or_default(),
        own: own(),
    }
}

/// The current user.
pub(super) fn own() -> Box<str> {
    user::shown(user::own())
}

/// True if this user or root owns a file.
pub(super) fn is_ours(path: &Path) -> io::Result<bool> {
    Ok(user::is_own_or_root(fs::metadata(path)?.uid()))
}
