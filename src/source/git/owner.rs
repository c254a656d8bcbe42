//! Whose a repository is.
//!
//! Whoever owns a repository can make libgit2 read what its configuration and its
//! alternates point to. So one of another user is not opened for more than to see
//! whose it is, unless the operator allows that. Hooks and programs that a
//! configuration names are never run, whoever owns it: libgit2 runs none.

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
    // The path itself first: it needs no look at the repository's configuration.
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

/// What is told of a file that is not ours.
pub(super) fn foreign(path: &Path) -> GitFailure {
    let owner = fs::metadata(path).map(|found| user::shown(found.uid()));
    GitFailure::ForeignOwner {
        path: PathBuf::from(path),
        owner: owner.unwrap_or_default(),
        own: own(),
    }
}

/// Who asks.
pub(super) fn own() -> Box<str> {
    user::shown(user::own())
}

/// Whether this user or root owns a file.
pub(super) fn is_ours(path: &Path) -> io::Result<bool> {
    Ok(user::is_own_or_root(fs::metadata(path)?.uid()))
}
