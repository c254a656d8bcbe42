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
use rustix::process::geteuid;

use super::error::Failure;

/// Refuses a repository that neither this user nor root owns.
pub(super) fn check(path: &Path) -> Result<(), Failure> {
    // The path itself first: it needs no look at the repository's configuration.
    check_place(path)?;
    let no_parents: [&Path; 0] = [];
    let repository = Repository::open_ext(path, RepositoryOpenFlags::NO_SEARCH, no_parents)
        .map_err(Failure::NotARepository)?;
    check_place(repository.path())?;
    check_place(repository.commondir())
}

fn check_place(path: &Path) -> Result<(), Failure> {
    match is_ours(path) {
        Ok(true) => Ok(()),
        Ok(false) => Err(foreign(path)),
        Err(error) => {
            let error = git2::Error::from_str(&error.to_string());
            Err(Failure::NotARepository(error))
        }
    }
}

fn foreign(path: &Path) -> Failure {
    Failure::ForeignOwner {
        path: PathBuf::from(path),
    }
}

/// Whether this user or root owns a file.
pub(super) fn is_ours(path: &Path) -> io::Result<bool> {
    let owner = fs::metadata(path)?.uid();
    Ok(owner == geteuid().as_raw() || owner == 0)
}
