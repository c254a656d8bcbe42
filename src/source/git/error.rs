//! Failures of a fetch, whether a retry can help, and their remedies.

use std::path::PathBuf;

use super::problem::{ObjectKind, SignatureProblem, SshProblem, UnknownKind};
use super::reference::{CommitId, GitReference, Subdirectory};
use crate::net::{HttpSetupError, TransportError, TransportErrorKind};
use crate::secret::Scrubber;

/// A repository that gave no snapshot. Its text names the repository, without
/// credentials; the cause says what happened.
#[derive(Debug, thiserror::Error)]
#[error("cannot fetch {reference} from {url}")]
pub struct GitError {
    /// The repository, as it may be shown.
    pub url: String,
    /// The requested reference.
    pub reference: GitReference,
    /// The failure.
    #[source]
    pub failure: GitFailure,
}

impl GitError {
    /// True if a retry may succeed later without intervention.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.failure.is_transient()
    }

    /// True if there is a revision that must not be used.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(self.failure, GitFailure::Unverified { .. })
    }

    /// True if the settings are unusable, regardless of the repository.
    #[must_use]
    pub fn is_of_settings(&self) -> bool {
        matches!(
            self.failure,
            GitFailure::Setup(_)
                | GitFailure::Credentials
                | GitFailure::NoTagToVerify
                | GitFailure::NoKeysToVerify
        )
    }

    /// The remedy.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        self.failure.remedy()
    }
}

/// Kind of a failure.
#[derive(Debug, thiserror::Error)]
pub enum GitFailure {
    /// It took too long.
    #[error("the fetch did not finish within {seconds} seconds")]
    Deadline {
        /// The time allowed.
        seconds: u64,
    },
    /// It could not even be called off.
    #[error("the fetch hangs: a file system did not respond within {seconds} seconds")]
    Hangs {
        /// The time limit.
        seconds: u64,
    },
    /// The caller no longer waits.
    #[error("the fetch was cancelled")]
    Cancelled,
    /// Another fetch into the same directory is under way.
    #[error("another fetch into the same directory is in progress or hangs")]
    Busy,
    /// The HTTP client cannot be set up.
    #[error("cannot set up the connection")]
    Setup(#[from] HttpSetupError),
    /// A token that has a line break or the like in it.
    #[error("the credentials contain a character that is not allowed in a request")]
    Credentials,
    /// The exchange broke off or never began.
    #[error("communication with the server failed")]
    Transport(#[from] TransportError),
    /// The credentials lack the permission.
    #[error("the server rejected the credentials (status {status})")]
    Denied {
        /// 401 or 403.
        status: u16,
    },
    /// A redirect, which would carry the credentials to wherever it points.
    #[error("the server responded with a redirect (status {status}), which is not followed")]
    Redirected {
        /// The status.
        status: u16,
    },
    /// Another status than success.
    #[error("the server responded with status {status}")]
    Status {
        /// The status.
        status: u16,
    },
    /// A web page, or another service.
    #[error("the server does not speak the git protocol")]
    NotGit,
    /// A failure of the program ssh.
    #[error("{problem}; ssh reports: {said}")]
    Ssh {
        /// The problem.
        problem: SshProblem,
        /// Its words, made fit to be shown.
        said: String,
    },
    /// A program that is needed.
    #[error("cannot run `{program}`")]
    Program {
        /// Its name.
        program: &'static str,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The server stopped in the middle, or sent what cannot be understood.
    #[error("the connection was interrupted, or the response was invalid")]
    Broken(#[source] git2::Error),
    /// More than any repository of integration files has.
    #[error("the server sent more than {limit} bytes")]
    TooLarge {
        /// The most that is taken.
        limit: u64,
    },
    /// A list of references that no repository has.
    #[error("the server's list of references exceeds {limit} bytes")]
    TooManyReferences {
        /// The most that is taken.
        limit: u64,
    },
    /// A repository without a commit.
    #[error("the repository is empty")]
    Empty,
    /// A reference that the repository does not have.
    #[error("the repository does not have {0}")]
    MissingReference(GitReference),
    /// A reference to something else than a commit.
    #[error("{0} does not point to a commit")]
    NotACommit(GitReference),
    /// A directory that the revision does not have.
    #[error("revision {revision} has no directory {subdirectory}")]
    MissingSubdirectory {
        /// The revision.
        revision: CommitId,
        /// The directory.
        subdirectory: Subdirectory,
    },
    /// A tree that was made to take all memory.
    #[error(
        "revision {revision} has too many files, or its files are nested too deeply or too large \
        in total"
    )]
    TooMuch {
        /// The revision.
        revision: CommitId,
    },
    /// A commit, tag or tree that was made to take all memory.
    #[error("the {kind} {id} has more than {limit} bytes")]
    LargeObject {
        /// Its kind.
        kind: ObjectKind,
        /// Its id.
        id: Box<str>,
        /// The most that is read.
        limit: usize,
    },
    /// No repository at a path.
    #[error("no git repository was found")]
    NotARepository(#[source] git2::Error),
    /// A repository that only git itself can read.
    #[error("{kind}")]
    UnknownKind {
        /// The unsupported feature.
        kind: UnknownKind,
        /// In libgit2's words.
        #[source]
        source: git2::Error,
    },
    /// A path that leads through a directory, or to one, that this user may not enter.
    #[error("{own}, the user running integrationd, has no access to {}", path.display())]
    Closed {
        /// The directory.
        path: PathBuf,
        /// The current user.
        own: Box<str>,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// A repository on this machine, something of which cannot be read.
    #[error("cannot read the repository")]
    Unreadable(#[source] git2::Error),
    /// A repository of another user.
    #[error("{} belongs to user {owner}, but integrationd runs as {own}", path.display())]
    ForeignOwner {
        /// The path that belongs to another user.
        path: PathBuf,
        /// To whom, by name and number.
        owner: Box<str>,
        /// The current user.
        own: Box<str>,
    },
    /// A revision whose signature was asked for.
    #[error("revision {revision} failed signature verification")]
    Unverified {
        /// The revision, which was not taken up.
        revision: CommitId,
        /// The reason.
        #[source]
        problem: Box<SignatureProblem>,
    },
    /// Settings that cannot work together.
    #[error("a signed tag is required, but no tag is configured")]
    NoTagToVerify,
    /// No accepted keys.
    #[error("a signature is required, but no accepted keys are configured")]
    NoKeysToVerify,
    /// The private copy cannot be written or read.
    #[error("cannot use the local copy in {}", path.display())]
    Copy {
        /// Its path.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The private copy is not what it was.
    #[error("the local copy is damaged")]
    Damaged(#[source] git2::Error),
    /// The thread that fetched ended early. Its message is not shown: it could contain anything.
    #[error("the fetch ended unexpectedly")]
    Ended,
}

impl GitFailure {
    /// The same failure, without these secrets in the words of the server or of a program.
    pub(super) fn scrubbed(self, scrubber: &Scrubber) -> Self {
        let words = |error: &git2::Error| {
            git2::Error::new(error.code(), error.class(), scrubber.scrub(error.message()))
        };
        match self {
            Self::Ssh { problem, said } => Self::Ssh {
                problem,
                said: scrubber.scrub(&said),
            },
            Self::Broken(error) => Self::Broken(words(&error)),
            Self::NotARepository(error) => Self::NotARepository(words(&error)),
            Self::UnknownKind { kind, source } => Self::UnknownKind {
                kind,
                source: words(&source),
            },
            Self::Unreadable(error) => Self::Unreadable(words(&error)),
            Self::Damaged(error) => Self::Damaged(words(&error)),
            // These repeat nothing that a server said.
            own @ (Self::Deadline { .. }
            | Self::Hangs { .. }
            | Self::Cancelled
            | Self::Busy
            | Self::Setup(_)
            | Self::Credentials
            | Self::Transport(_)
            | Self::Denied { .. }
            | Self::Redirected { .. }
            | Self::Status { .. }
            | Self::NotGit
            | Self::Program { .. }
            | Self::TooLarge { .. }
            | Self::TooManyReferences { .. }
            | Self::Empty
            | Self::MissingReference(_)
            | Self::NotACommit(_)
            | Self::MissingSubdirectory { .. }
            | Self::TooMuch { .. }
            | Self::LargeObject { .. }
            | Self::Closed { .. }
            | Self::ForeignOwner { .. }
            | Self::Unverified { .. }
            | Self::NoTagToVerify
            | Self::NoKeysToVerify
            | Self::Copy { .. }
            | Self::Ended) => own,
        }
    }

    /// See [`GitError::is_transient`].
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Deadline { .. }
            | Self::Hangs { .. }
            | Self::Cancelled
            | Self::Busy
            | Self::Broken(_)
            | Self::Unreadable(_) => true,
            Self::Transport(error) => error.kind != TransportErrorKind::Certificate,
            Self::Status { status } => matches!(status, 408 | 425 | 429 | 500..),
            Self::Ssh { problem, .. } => *problem == SshProblem::Failed,
            Self::Setup(_)
            | Self::Credentials
            | Self::Denied { .. }
            | Self::Redirected { .. }
            | Self::NotGit
            | Self::Program { .. }
            | Self::TooLarge { .. }
            | Self::TooManyReferences { .. }
            | Self::Empty
            | Self::MissingReference(_)
            | Self::NotACommit(_)
            | Self::MissingSubdirectory { .. }
            | Self::TooMuch { .. }
            | Self::LargeObject { .. }
            | Self::NotARepository(_)
            | Self::UnknownKind { .. }
            | Self::Closed { .. }
            | Self::ForeignOwner { .. }
            | Self::Unverified { .. }
            | Self::NoTagToVerify
            | Self::NoKeysToVerify
            | Self::Copy { .. }
            | Self::Damaged(_)
            | Self::Ended => false,
        }
    }

    /// See [`GitError::remedy`].
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Deadline { .. } => "check the speed of the server and of the network",
            Self::Hangs { .. } => {
                "check that the file systems of the repository and the state directory respond"
            }
            Self::Cancelled => "no action needed: the fetch is retried",
            Self::Busy => {
                "no action needed: the fetch is retried; if the problem persists, check that the \
                file systems respond"
            }
            Self::Setup(_) => "check the CA files that `--git-ca-file` names",
            Self::Transport(error) if error.kind == TransportErrorKind::Certificate => {
                "with `--git-ca-file`, give the CA file of the authority that issued the server's \
                certificate"
            }
            Self::Transport(_) | Self::Broken(_) => "check the server and the network",
            Self::Credentials | Self::Denied { .. } => {
                "give a user name and token with read access to the repository"
            }
            Self::Redirected { .. } => "use the URL that the server redirects to",
            Self::Status { status: 404 } | Self::NotGit => {
                "check the URL; if the repository requires a login, give credentials"
            }
            Self::Status { .. } => "check the server's log",
            Self::Ssh { problem, .. } => problem.remedy(),
            Self::Program { .. } => "install the program in a directory in integrationd's PATH",
            Self::TooLarge { .. } | Self::TooManyReferences { .. } | Self::TooMuch { .. } => {
                "keep integration files in a separate repository, or name a subdirectory"
            }
            Self::LargeObject { kind, .. } => kind.remedy(),
            Self::Empty => "push a first commit",
            Self::MissingReference(_) | Self::NotACommit(_) => {
                "push the branch, tag or commit, or name another one"
            }
            Self::MissingSubdirectory { .. } => "push the directory, or name another one",
            Self::NotARepository(_) => "give the path of a git repository",
            Self::UnknownKind { kind, .. } => kind.remedy(),
            Self::Closed { .. } => {
                "give the user that runs integrationd access to the directory, or move the \
                repository; under systemd, `ProtectHome=` also blocks home directories"
            }
            Self::Unreadable(_) => {
                "give the user that runs integrationd read access to the whole repository, and \
                check the repository with `git fsck`"
            }
            Self::ForeignOwner { .. } => {
                "run integrationd as the owner, or give ownership to the user that runs \
                integrationd"
            }
            Self::Unverified { problem, .. } => problem.remedy(),
            Self::NoTagToVerify => "name a tag, or require a signed commit instead",
            Self::NoKeysToVerify => "configure SSH allowed signers or OpenPGP keys",
            Self::Copy { .. } => {
                "give the user that runs integrationd write access to the directory, and check the \
                    free disk space"
            }
            Self::Damaged(_) => "check whether the disk is full or faulty",
            Self::Ended => "report this as a bug in integrationd",
        }
    }
}
