//! Fetches the wanted objects into the copy, and no others.

use std::sync::Arc;

use git2::{
    AutotagOption, Direction, ErrorClass, FetchOptions, FetchPrune, Oid, Remote, RemoteCallbacks,
    RemoteConnection, Repository,
};

use super::ancestry;
use super::depths::Depths;
use super::error::GitFailure;
use super::problem::UnknownKind;
use super::reference::{CommitId, GitReference};
use super::revision::Descent;
use super::session::GitSession;
use super::setup::REMOTE;

/// References of fetched objects, so that the next fetch can offer them.
const KEPT: &str = "refs/integrationd";

/// No history but the commit itself.
const SHALLOW: i32 = 1;

/// All of it, as git's protocol writes it.
const UNSHALLOW: i32 = i32::MAX;

/// Target of a reference.
pub(super) struct RemoteTarget {
    /// A commit, or a tag object.
    pub(super) object: Oid,
    /// Refspec to fetch it again; absent if the whole history is there.
    refspec: Option<String>,
}

type Connection<'repo, 'r> = RemoteConnection<'repo, 'r, 'static>;

pub(super) struct Transfer<'a> {
    pub(super) session: &'a Arc<GitSession>,
    pub(super) repository: &'a Repository,
}

impl Transfer<'_> {
    /// Finds a reference, and fetches it if it is not there yet.
    pub(super) fn bring(&self, reference: &GitReference) -> Result<RemoteTarget, GitFailure> {
        match reference {
            GitReference::Commit(id) => self.bring_commit(*id),
            GitReference::Tag(_) | GitReference::Branch(_) | GitReference::Default => {
                self.bring_named(reference)
            }
        }
    }

    fn bring_named(&self, reference: &GitReference) -> Result<RemoteTarget, GitFailure> {
        let name = reference.full_name();
        let mut remote = self.remote()?;
        let mut connection = self.connect(&mut remote)?;
        let heads = self.heads(&connection)?;
        let Some((_, object)) = heads.iter().find(|(own, _)| *own == name) else {
            return Err(GitFailure::MissingReference(reference.clone()));
        };
        let refspec = kept(&name);
        if !self.has(*object)? {
            self.fetch(&mut connection, &[&refspec], SHALLOW)?;
        }
        Ok(RemoteTarget {
            object: *object,
            refspec: Some(refspec),
        })
    }

    /// A commit is defined by its id, regardless of the sender: an existing one is not requested
    /// again. A server need not serve a commit without a reference, so that everything may have to
    /// be fetched.
    fn bring_commit(&self, id: CommitId) -> Result<RemoteTarget, GitFailure> {
        let found = |name: &str| RemoteTarget {
            object: id.0,
            refspec: Some(kept(name)),
        };
        if self.has(id.0)? {
            return Ok(found(&id.to_string()));
        }
        let mut remote = self.remote()?;
        let mut connection = self.connect(&mut remote)?;
        let heads = self.heads(&connection)?;
        let named = heads.iter().find(|(_, object)| *object == id.0);
        if let Some((name, _)) = named {
            self.fetch(&mut connection, &[&kept(name)], SHALLOW)?;
            return Ok(found(name));
        }
        let name = id.to_string();
        let asked = self.fetch(&mut connection, &[&kept(&name)], SHALLOW);
        if asked.is_ok() && self.has(id.0)? {
            return Ok(found(&name));
        }
        // It is also an error of the connection, which is no longer of use.
        drop(connection);
        self.bring_everything()?;
        if !self.has(id.0)? {
            return Err(GitFailure::MissingReference(GitReference::Commit(id)));
        }
        Ok(RemoteTarget {
            object: id.0,
            refspec: None,
        })
    }

    fn bring_everything(&self) -> Result<(), GitFailure> {
        let mut remote = self.remote()?;
        let mut connection = self.connect(&mut remote)?;
        let everything = ["heads", "tags"].map(|kind| format!("+refs/{kind}/*:{KEPT}/{kind}/*"));
        self.fetch(
            &mut connection,
            &everything.each_ref().map(String::as_str),
            UNSHALLOW,
        )
    }

    /// Descent of a commit from another one, fetching the necessary history, within bounds.
    pub(super) fn descent(
        &self,
        found: &RemoteTarget,
        new: CommitId,
        previous: CommitId,
    ) -> Result<Descent, GitFailure> {
        let look = || ancestry::descent(self.session, self.repository, new, previous);
        let mut descent = look()?;
        let Some(refspec) = &found.refspec else {
            return Ok(descent);
        };
        let mut depths = Depths::of(self.repository, new);
        while descent == Descent::Unknown
            && let Some(depth) = depths.next()
        {
            let mut remote = self.remote()?;
            let mut connection = self.connect(&mut remote)?;
            self.fetch(&mut connection, &[refspec], depth)?;
            depths.keep(depth);
            descent = look()?;
        }
        Ok(descent)
    }

    fn remote(&self) -> Result<Remote<'_>, GitFailure> {
        let remote = self.repository.remote_anonymous(REMOTE);
        remote.map_err(GitFailure::Damaged)
    }

    fn connect<'repo, 'r>(
        &self,
        remote: &'r mut Remote<'repo>,
    ) -> Result<Connection<'repo, 'r>, GitFailure> {
        self.session.check()?;
        let connected = remote.connect_auth(Direction::Fetch, None, None);
        connected.map_err(|error| {
            self.session
                .failure(error, |error| match UnknownKind::of(&error) {
                    Some(kind) => GitFailure::UnknownKind {
                        kind,
                        source: error,
                    },
                    None => GitFailure::Broken(error),
                })
        })
    }

    /// References of the repository.
    fn heads(&self, connection: &Connection<'_, '_>) -> Result<Vec<(String, Oid)>, GitFailure> {
        let heads = connection
            .list()
            .map_err(|error| self.failed(error))?
            .iter();
        let heads: Vec<_> = heads
            .map(|head| (head.name().to_owned(), head.oid()))
            .collect();
        if heads.is_empty() {
            return Err(GitFailure::Empty);
        }
        Ok(heads)
    }

    fn fetch(
        &self,
        connection: &mut Connection<'_, '_>,
        refspecs: &[&str],
        depth: i32,
    ) -> Result<(), GitFailure> {
        self.forget_what_is_too_large()?;
        self.session.check()?;
        let session = self.session;
        let mut callbacks = RemoteCallbacks::new();
        callbacks.transfer_progress(move |progress| session.goes_on(progress.received_bytes()));
        let mut options = FetchOptions::new();
        options
            .remote_callbacks(callbacks)
            .download_tags(AutotagOption::None)
            .prune(FetchPrune::Off)
            .update_fetchhead(false)
            .depth(depth);
        let fetched = connection
            .remote()
            .fetch(refspecs, Some(&mut options), None);
        fetched.map_err(|error| self.failed(error))
    }

    /// To say what is there already, libgit2 reads the commits of what is kept.
    fn forget_what_is_too_large(&self) -> Result<(), GitFailure> {
        let kept = || {
            let kept = self.repository.references_glob(&format!("{KEPT}/*"))?;
            kept.collect::<Result<Vec<_>, _>>()
        };
        let kept = kept().map_err(GitFailure::Damaged)?;
        let heads = kept.iter().filter_map(git2::Reference::target);
        if ancestry::may_be_walked(self.session, self.repository, heads)? {
            return Ok(());
        }
        let mut kept = kept.into_iter();
        kept.try_for_each(|mut kept| kept.delete().map_err(GitFailure::Damaged))
    }

    fn has(&self, object: Oid) -> Result<bool, GitFailure> {
        let objects = self.repository.odb().map_err(GitFailure::Damaged)?;
        Ok(objects.exists(object))
    }

    fn failed(&self, error: git2::Error) -> GitFailure {
        self.session.failure(error, |error| {
            if error.class() == ErrorClass::Net {
                GitFailure::Broken(error)
            } else {
                // It may be that the copy lacks what the server takes for granted.
                GitFailure::Damaged(error)
            }
        })
    }
}

/// Refspec that fetches and keeps a reference.
fn kept(name: &str) -> String {
    format!("+{name}:{KEPT}/head")
}
