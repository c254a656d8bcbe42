//! A repository on this machine, read where it lies: a copy would be the same once
//! more, and libgit2 can make none without the whole history.
//!
//! An object is what its id says, so that nothing changes under the reader.

use std::sync::Arc;

use git2::transport::{Service, SmartSubtransportStream};
use git2::{ErrorCode, Oid, Repository};

use super::error::GitFailure;
use super::reference::GitReference;
use super::session::{GitSession, GitTransport};

/// No route at all: the repository is read where it lies.
#[derive(Debug)]
pub(super) struct InPlace;

impl GitTransport for InPlace {
    fn is_stateless(&self) -> bool {
        false
    }

    fn open(
        &self,
        _session: &Arc<GitSession>,
        _service: Service,
    ) -> Result<Box<dyn SmartSubtransportStream>, GitFailure> {
        Err(GitFailure::NotGit)
    }
}

/// Target of a reference: a commit, or a tag object.
pub(super) fn find(repository: &Repository, reference: &GitReference) -> Result<Oid, GitFailure> {
    if let GitReference::Commit(id) = reference {
        let objects = repository.odb().map_err(GitFailure::Unreadable)?;
        return match objects.exists(id.0) {
            true => Ok(id.0),
            false => Err(GitFailure::MissingReference(reference.clone())),
        };
    }
    let found = repository.find_reference(&reference.full_name());
    let found = found.and_then(|found| found.resolve());
    match found.map(|found| found.target()) {
        Ok(Some(object)) => Ok(object),
        Err(error) if error.code() != ErrorCode::NotFound => Err(GitFailure::Unreadable(error)),
        Ok(None) | Err(_) => Err(missing(repository, reference)?),
    }
}

fn missing(repository: &Repository, reference: &GitReference) -> Result<GitFailure, GitFailure> {
    let mut all = repository.references().map_err(GitFailure::Unreadable)?;
    Ok(match all.next() {
        None => GitFailure::Empty,
        Some(_) => GitFailure::MissingReference(reference.clone()),
    })
}
