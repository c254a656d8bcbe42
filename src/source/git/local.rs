//! A repository on this machine, read where it lies: a copy would be the same once
//! more, and libgit2 can make none without the whole history.
//!
//! An object is what its id says, so that nothing changes under the reader.

use git2::{ErrorCode, Oid, Repository};

use super::error::Failure;
use super::reference::Reference;

/// What a reference leads to: a commit, or a tag object.
pub(super) fn find(repository: &Repository, reference: &Reference) -> Result<Oid, Failure> {
    if let Reference::Commit(id) = reference {
        let objects = repository.odb().map_err(Failure::Unreadable)?;
        return match objects.exists(id.0) {
            true => Ok(id.0),
            false => Err(Failure::MissingReference(reference.clone())),
        };
    }
    let found = repository.find_reference(&reference.full_name());
    let found = found.and_then(|found| found.resolve());
    match found.map(|found| found.target()) {
        Ok(Some(object)) => Ok(object),
        Err(error) if error.code() != ErrorCode::NotFound => Err(Failure::Unreadable(error)),
        Ok(None) | Err(_) => Err(missing(repository, reference)?),
    }
}

fn missing(repository: &Repository, reference: &Reference) -> Result<Failure, Failure> {
    let mut all = repository.references().map_err(Failure::Unreadable)?;
    Ok(match all.next() {
        None => Failure::Empty,
        Some(_) => Failure::MissingReference(reference.clone()),
    })
}
