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
use super::kind;
use crate::text::escaped;

/// Where the names of users are.
const USERS: &str = "/etc/passwd";

/// Opens a repository, and refuses one that neither this user nor root owns, unless
/// that is allowed.
pub(super) fn open(path: &Path, allow_other_owner: bool) -> Result<Repository, Failure> {
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

fn check_place(path: &Path) -> Result<(), Failure> {
    match is_ours(path) {
        Ok(true) => Ok(()),
        Ok(false) => Err(foreign(path)),
        Err(error) => {
            let error = git2::Error::from_str(&error.to_string());
            Err(kind::closed(path).unwrap_or(Failure::NotARepository(error)))
        }
    }
}

/// What is told of a file that is not ours.
pub(super) fn foreign(path: &Path) -> Failure {
    let users = fs::read_to_string(USERS).unwrap_or_default();
    let owner = fs::metadata(path).map(|found| shown(found.uid(), &users));
    Failure::ForeignOwner {
        path: PathBuf::from(path),
        owner: owner.unwrap_or_default(),
        own: own(),
    }
}

/// Who asks.
pub(super) fn own() -> Box<str> {
    let users = fs::read_to_string(USERS).unwrap_or_default();
    shown(geteuid().as_raw(), &users)
}

/// Whether this user or root owns a file.
pub(super) fn is_ours(path: &Path) -> io::Result<bool> {
    let owner = fs::metadata(path)?.uid();
    Ok(owner == geteuid().as_raw() || owner == 0)
}

/// A user with the name that a list in the form of passwd(5) has; not all are in one.
fn shown(number: u32, users: &str) -> Box<str> {
    let text = number.to_string();
    let mut lines = users.lines().map(|line| line.split(':'));
    let name = lines.find_map(|mut fields| {
        let name = fields.next()?;
        (fields.nth(1)? == text).then_some(name)
    });
    let named = name.map(|name| format!("{} ({text})", escaped(name)));
    named.unwrap_or(text).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_shown_with_a_name_where_there_is_one() {
        let users = "root:x:0:0::/root:/bin/sh\n1000:x:997:997::/srv/git:/bin/sh\nbroken\n";
        assert_eq!(&*shown(0, users), "root (0)");
        assert_eq!(&*shown(997, users), "1000 (997)");
        assert_eq!(&*shown(1000, users), "1000");
    }
}
