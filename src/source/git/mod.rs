//! A git repository as a source of files.
//!
//! Its objects are fetched into a private bare copy, or are on this machine already; a revision
//! is chosen, its signature is verified if that is required, and its files are read from the
//! objects. Nothing of the repository is ever run or checked out.
//!
//! The repository's content is the input of anyone who can push to it. It is bounded in time,
//! in bytes and in files, and its texts are escaped.
//!
//! The caller decides whether a revision may follow the previous one, by [`advance`]: a
//! rewritten history is held.

mod address;
mod ancestry;
mod copy;
mod depths;
mod error;
mod http;
mod kind;
mod local;
mod objects;
mod owner;
mod problem;
mod program;
mod reference;
mod revision;
mod session;
mod setup;
mod ssh;
mod transfer;
mod tree;
mod verify;

pub use address::{GitUrl, GitUrlError, SshAddress};
pub use error::{GitError, GitFailure};
pub use http::GitCredentials;
pub use problem::{ObjectKind, SignatureProblem, SignedObject, SshProblem, UnknownKind};
pub use reference::{CommitId, GitReference, GitReferenceError, RefName, Subdirectory};
pub use revision::{Advance, Descent, Revision, advance};
pub use ssh::SshSettings;
pub use verify::{Verification, VerifyMode};

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use git2::{Commit, ErrorClass, ObjectType, Oid, Repository};
use tokio::sync::watch;

use super::Snapshot;
use crate::net::{HttpSettings, HttpTransport};
use crate::secret::Scrubber;
use copy::{CacheDir, Copy};
use http::HttpRoute;
use objects::Objects;
use session::{GitSession, GitTransport};
use ssh::SshRoute;
use transfer::Transfer;

/// Time for a whole fetch. A slow server packs a large repository for a minute.
pub const TIMEOUT: Duration = Duration::from_secs(180);

/// Additional time to wait for a fetch: its thread checks the time between two steps of its
/// own, but not while it waits for a file system.
pub const GRACE: Duration = Duration::from_secs(2);

/// Options of a fetch.
#[derive(Debug, Clone)]
pub struct GitOptions {
    /// The repository.
    pub url: GitUrl,
    /// The reference.
    pub reference: GitReference,
    /// Directory of the files.
    pub subdirectory: Subdirectory,
    /// Files with variables: a relative path is one of the revision.
    pub variables: Vec<PathBuf>,
    /// For https: certificates, in PEM, of authorities to trust in addition to the system's.
    pub ca_files: Vec<PathBuf>,
    /// For https.
    pub credentials: Option<GitCredentials>,
    /// For ssh.
    pub ssh: SshSettings,
    /// Required signatures and accepted keys; no signature is required if absent.
    pub verification: Option<Verification>,
    /// For a path: takes also a repository that neither root nor this user owns.
    pub allow_other_owner: bool,
    /// Time for a whole fetch.
    pub timeout: Duration,
}

impl GitOptions {
    /// The usual options: the default branch, unverified, without credentials.
    #[must_use]
    pub fn new(url: GitUrl) -> Self {
        Self {
            url,
            reference: GitReference::default(),
            subdirectory: Subdirectory::default(),
            variables: Vec::new(),
            ca_files: Vec::new(),
            credentials: None,
            ssh: SshSettings::default(),
            verification: None,
            allow_other_owner: false,
            timeout: TIMEOUT,
        }
    }
}

/// Result of a fetch.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// The revision; verified, if that was asked for.
    pub revision: Revision,
    /// Its files.
    pub snapshot: Snapshot,
    /// Its descent from the previous one; [`Descent::Unknown`] without one.
    pub descent: Descent,
}

/// A repository.
#[derive(Debug, Clone)]
pub struct GitSource {
    options: Arc<GitOptions>,
    route: Arc<dyn GitTransport>,
    directory: PathBuf,
}

impl GitSource {
    /// Prepares to fetch into a directory, which is made if need be and becomes
    /// private; it is a cache, of this source alone. Nothing is fetched yet.
    ///
    /// # Errors
    /// For CA files that are not in order, for credentials that no header can hold,
    /// and if a tag's signature is asked for without a tag.
    pub fn new(options: GitOptions, directory: &Path) -> Result<Self, GitError> {
        match route(&options) {
            Ok(route) => Ok(Self {
                route,
                options: Arc::new(options),
                directory: directory.to_owned(),
            }),
            Err(failure) => Err(failed(&options, failure)),
        }
    }

    /// Fetches the revision that the reference leads to now.
    ///
    /// To call it off, drop the future: the work ends at its next step. A second
    /// fetch before that waits a while, and then is [`GitFailure::Busy`]. A file system that does not answer can
    /// hold that step up for ever; then the thread is left to itself.
    ///
    /// # Errors
    /// If it cannot be had, read or verified. What was fetched before stays usable.
    pub async fn fetch(&self, previous: Option<CommitId>) -> Result<Fetched, GitError> {
        let (wanted, cancelled) = watch::channel(false);
        let session = GitSession::new(Arc::clone(&self.route), self.options.timeout, cancelled);
        let source = self.clone();
        let work = move || source.fetch_blocking(&Arc::new(session), previous);
        let work = tokio::task::spawn_blocking(work);
        let limit = self.options.timeout + GRACE;
        let done = match tokio::time::timeout(limit, work).await {
            Ok(done) => done.unwrap_or(Err(GitFailure::Ended)),
            Err(_) => Err(GitFailure::Hangs {
                seconds: limit.as_secs(),
            }),
        };
        drop(wanted);
        // A server may say back what proved to it who asks: in its errors, and in a commit.
        let scrubber = Scrubber::new(self.options.credentials.iter().map(GitCredentials::secret));
        let mut fetched =
            done.map_err(|failure| failed(&self.options, failure.scrubbed(&scrubber)))?;
        let Revision {
            author, subject, ..
        } = &mut fetched.revision;
        *author = scrubber.scrub(author);
        *subject = scrubber.scrub(subject);
        Ok(fetched)
    }

    fn fetch_blocking(
        &self,
        session: &Arc<GitSession>,
        previous: Option<CommitId>,
    ) -> Result<Fetched, GitFailure> {
        setup::once().map_err(GitFailure::Damaged)?;
        let _session = session.enter();
        // First, so that of many fetches from a file system that hangs only one hangs.
        let place = CacheDir::hold(session, &self.directory)?;
        match &self.options.url {
            GitUrl::Local(path) => self.read_local(session, &place, path, previous),
            GitUrl::Http(_) | GitUrl::Ssh(_) => self.fetch_remote(session, &place, previous),
        }
    }

    fn read_local(
        &self,
        session: &GitSession,
        place: &CacheDir,
        path: &Path,
        previous: Option<CommitId>,
    ) -> Result<Fetched, GitFailure> {
        // Perhaps there is one, of another repository.
        place.discard()?;
        let repository = owner::open(path, self.options.allow_other_owner)?;
        let object = local::find(&repository, &self.options.reference)?;
        let descent = |new, previous| ancestry::descent(session, &repository, new, previous);
        let read = self.read(session, place, &repository, object, previous, descent);
        read.map_err(|failure| {
            if let GitFailure::Damaged(error) = failure {
                return GitFailure::Unreadable(error);
            }
            failure
        })
    }

    fn fetch_remote(
        &self,
        session: &Arc<GitSession>,
        place: &CacheDir,
        previous: Option<CommitId>,
    ) -> Result<Fetched, GitFailure> {
        let url = self.options.url.to_string();
        let copy = place.open(&url)?;
        let fetched = match self.fetch_into(session, place, &copy, previous) {
            // It is a cache: what is wrong with it goes away with it.
            Err(GitFailure::Damaged(_)) if !copy.is_new => {
                drop(copy);
                place.discard()?;
                self.fetch_into(session, place, &place.open(&url)?, previous)
            }
            other => other,
        };
        fetched.map_err(not_the_copys)
    }

    fn fetch_into(
        &self,
        session: &Arc<GitSession>,
        place: &CacheDir,
        copy: &Copy,
        previous: Option<CommitId>,
    ) -> Result<Fetched, GitFailure> {
        let repository = &copy.repository;
        let transfer = Transfer {
            session,
            repository,
        };
        let found = transfer.bring(&self.options.reference)?;
        let descent = |new, previous| transfer.descent(&found, new, previous);
        self.read(session, place, repository, found.object, previous, descent)
    }

    /// Reads what is there: a commit, or a tag of one.
    fn read(
        &self,
        session: &GitSession,
        place: &CacheDir,
        repository: &Repository,
        object: Oid,
        previous: Option<CommitId>,
        descent: impl FnOnce(CommitId, CommitId) -> Result<Descent, GitFailure>,
    ) -> Result<Fetched, GitFailure> {
        let options = &*self.options;
        let reference = &options.reference;
        let objects = Objects::of(repository)?;
        let commit = commit_of(session, &objects, object, reference)?;
        if let Some(trust) = &options.verification {
            let scratch_dir = place.scratch_dir()?;
            let object = (reference, object);
            verify::verify(session, &scratch_dir, trust, &objects, object, commit.id())?;
        }
        let id = CommitId(commit.id());
        Ok(Fetched {
            revision: Revision::of(&commit, reference),
            descent: match previous {
                Some(previous) => descent(id, previous)?,
                None => Descent::Unknown,
            },
            snapshot: tree::read(session, &objects, &commit, options)?,
        })
    }
}

/// The commit that an object is, or that a tag leads to, also by way of other tags.
fn commit_of<'r>(
    session: &GitSession,
    objects: &Objects<'r>,
    mut object: Oid,
    reference: &GitReference,
) -> Result<Commit<'r>, GitFailure> {
    loop {
        session.check()?;
        match objects.header(object)?.0 {
            ObjectType::Commit => return objects.commit(object),
            ObjectType::Tag => object = objects.tag(object)?.target_id(),
            ObjectType::Tree | ObjectType::Blob | ObjectType::Any => {
                return Err(GitFailure::NotACommit(reference.clone()));
            }
        }
    }
}

/// A new copy is not to blame, unless it could not be written.
fn not_the_copys(failure: GitFailure) -> GitFailure {
    if let GitFailure::Damaged(error) = failure {
        if error.class() == ErrorClass::Os {
            return GitFailure::Damaged(error);
        }
        return GitFailure::Broken(error);
    }
    failure
}

fn failed(options: &GitOptions, failure: GitFailure) -> GitError {
    GitError {
        url: options.url.to_string(),
        reference: options.reference.clone(),
        failure,
    }
}

fn route(options: &GitOptions) -> Result<Arc<dyn GitTransport>, GitFailure> {
    if let Some(verification) = &options.verification {
        verify::check_settings(verification, &options.reference)?;
    }
    match &options.url {
        GitUrl::Http(server) => {
            let mut settings = HttpSettings::new(server.clone());
            settings.ca_files.clone_from(&options.ca_files);
            // Not that of the API, whose answers are small. The session's deadline
            // comes first.
            settings.timeout = options.timeout.saturating_mul(2);
            let transport = HttpTransport::new(&settings)?;
            let route = HttpRoute::new(transport, options.credentials.as_ref())?;
            Ok(Arc::new(route))
        }
        GitUrl::Ssh(address) => Ok(Arc::new(SshRoute {
            address: address.clone(),
            settings: options.ssh.clone(),
        })),
        GitUrl::Local(_) => Ok(Arc::new(local::InPlace)),
    }
}
