//! Why nothing was fetched, whether trying again can help, and what would.

use std::path::PathBuf;

use super::problem::{ObjectKind, SignatureProblem, SshProblem, UnknownKind};
use super::reference::{CommitId, GitReference, Subdirectory};
use crate::net::{HttpSetupError, TransportError, TransportErrorKind};
use crate::secret::Scrubber;

/// A repository that gave no snapshot. Its text names the repository, without
/// credentials; the cause says what happened.
#[derive(Debug, thiserror::Error)]
#[error("cannot fetch {reference} of {url}")]
pub struct GitError {
    /// The repository, as it may be shown.
    pub url: String,
    /// What was asked for.
    pub reference: GitReference,
    /// What happened.
    #[source]
    pub failure: GitFailure,
}

impl GitError {
    /// Whether the same may succeed later without anybody doing something.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.failure.is_transient()
    }

    /// Whether there is a revision, and it must not be taken.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(self.failure, GitFailure::Unverified { .. })
    }

    /// Whether it is the settings that cannot be used, whatever the repository has.
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

    /// What somebody can do about it.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        self.failure.remedy()
    }
}

/// What can happen.
#[derive(Debug, thiserror::Error)]
pub enum GitFailure {
    /// It took too long.
    #[error("it was not done within {seconds} seconds")]
    Deadline {
        /// The time allowed.
        seconds: u64,
    },
    /// It could not even be called off.
    #[error("it hangs: a file system did not answer within {seconds} seconds")]
    Hangs {
        /// How long it was waited for.
        seconds: u64,
    },
    /// Whoever asked does not wait any more.
    #[error("it was called off")]
    Cancelled,
    /// Another fetch into the same directory is under way.
    #[error("another fetch into the same directory is under way, or hangs")]
    Busy,
    /// The HTTP client cannot be set up.
    #[error("cannot set up the connection")]
    Setup(#[from] HttpSetupError),
    /// A token that has a line break or the like in it.
    #[error("the credentials have a character that no request can carry")]
    Credentials,
    /// The exchange broke off or never began.
    #[error("the exchange with the server failed")]
    Transport(#[from] TransportError),
    /// The server has no leave for these credentials.
    #[error("the server refused the credentials (status {status})")]
    Denied {
        /// 401 or 403.
        status: u16,
    },
    /// A redirect, which would carry the credentials to wherever it points.
    #[error("the server answered with a redirect (status {status}), and none is followed")]
    Redirected {
        /// The status.
        status: u16,
    },
    /// Another status than success.
    #[error("the server answered with the status {status}")]
    Status {
        /// The status.
        status: u16,
    },
    /// A web page, or another service.
    #[error("the server's answer is not git's")]
    NotGit,
    /// What the program ssh could not do.
    #[error("{problem}; it says: {said}")]
    Ssh {
        /// What.
        problem: SshProblem,
        /// Its words, made fit to be shown.
        said: String,
    },
    /// A program that is needed.
    #[error("cannot run the program `{program}`")]
    Program {
        /// Its name.
        program: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The server stopped in the middle, or sent what cannot be understood.
    #[error("the exchange broke off, or could not be understood")]
    Broken(#[source] git2::Error),
    /// More than any repository of integration files has.
    #[error("the server sent more than {limit} bytes")]
    TooLarge {
        /// The most that is taken.
        limit: u64,
    },
    /// A list of references that no repository has.
    #[error("the server listed its references in more than {limit} bytes")]
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
    #[error("{0} does not lead to a commit")]
    NotACommit(GitReference),
    /// A directory that the revision does not have.
    #[error("the revision {revision} has no directory {subdirectory}")]
    MissingSubdirectory {
        /// The revision.
        revision: CommitId,
        /// The directory.
        subdirectory: Subdirectory,
    },
    /// A tree that was made to take all memory.
    #[error(
        "the revision {revision} has too many files, or files that are too deep or too large together"
    )]
    TooMuch {
        /// The revision.
        revision: CommitId,
    },
    /// A commit, tag or tree that was made to take all memory.
    #[error("the {kind} {id} has more than {limit} bytes")]
    LargeObject {
        /// What it is.
        kind: ObjectKind,
        /// Its id.
        id: Box<str>,
        /// The most that is read.
        limit: usize,
    },
    /// No repository at a path.
    #[error("there is no git repository")]
    NotARepository(#[source] git2::Error),
    /// A repository that only git itself can read.
    #[error("{kind}")]
    UnknownKind {
        /// What is not known of it.
        kind: UnknownKind,
        /// In libgit2's words.
        #[source]
        source: git2::Error,
    },
    /// A path that leads through a directory, or to one, that this user may not enter.
    #[error("the user {own}, as whom integrationd runs, may not enter {}", path.display())]
    Closed {
        /// The directory.
        path: PathBuf,
        /// Who asks.
        own: Box<str>,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A repository on this machine, something of which cannot be read.
    #[error("the repository cannot be read")]
    Unreadable(#[source] git2::Error),
    /// A repository of another user.
    #[error("{} belongs to the user {owner}, and integrationd runs as {own}", path.display())]
    ForeignOwner {
        /// What belongs to somebody else.
        path: PathBuf,
        /// To whom, by name and number.
        owner: Box<str>,
        /// Who asks.
        own: Box<str>,
    },
    /// A revision whose signature was asked for.
    #[error("the revision {revision} is not verified")]
    Unverified {
        /// The revision, which was not taken up.
        revision: CommitId,
        /// Why.
        #[source]
        problem: Box<SignatureProblem>,
    },
    /// Settings that cannot work together.
    #[error("a tag's signature is asked for, but no tag is fetched")]
    NoTagToVerify,
    /// Signatures of nobody.
    #[error("a signature is asked for, and there are no keys whose signatures count")]
    NoKeysToVerify,
    /// The private copy cannot be written or read.
    #[error("cannot use the copy in {}", path.display())]
    Copy {
        /// Where it is.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The private copy is not what it was.
    #[error("the copy is damaged")]
    Damaged(#[source] git2::Error),
    /// The thread that fetched ended early. With what words is not told: they could
    /// hold anything.
    #[error("the fetch ended early")]
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
            Self::Deadline { .. } => "see whether the server is slow, or allow more time",
            Self::Hangs { .. } => {
                "see whether the file systems of the repository and of the state directory answer"
            }
            Self::Cancelled => "nothing: it is tried again",
            Self::Busy => {
                "nothing: it is tried again; if it stays, see whether the file systems answer"
            }
            Self::Setup(_) => "correct the CA files",
            Self::Transport(error) if error.kind == TransportErrorKind::Certificate => {
                "give the CA file of the authority that signed the server's certificate"
            }
            Self::Transport(_) | Self::Broken(_) => "see whether the server and the network are up",
            Self::Credentials | Self::Denied { .. } => {
                "give a user name and token that may read the repository"
            }
            Self::Redirected { .. } => "give the URL that the server redirects to",
            Self::Status { status: 404 } | Self::NotGit => {
                "check the URL, and whether the repository can be read without logging in; if not, give credentials"
            }
            Self::Status { .. } => "see what the server logged",
            Self::Ssh { problem, .. } => problem.remedy(),
            Self::Program { .. } => "install it, and let integrationd's PATH find it",
            Self::TooLarge { .. } | Self::TooManyReferences { .. } | Self::TooMuch { .. } => {
                "keep integration files in a repository of their own, or name a subdirectory"
            }
            Self::LargeObject { kind, .. } => kind.remedy(),
            Self::Empty => "push a first commit",
            Self::MissingReference(_) | Self::NotACommit(_) => "push it, or name another one",
            Self::MissingSubdirectory { .. } => "push it, or name another directory",
            Self::NotARepository(_) => "check the path",
            Self::UnknownKind { kind, .. } => kind.remedy(),
            Self::Closed { .. } => {
                "let that user enter it, or keep the repository elsewhere: under systemd, ProtectHome= closes home directories too"
            }
            Self::Unreadable(_) => {
                "let the user that integrationd runs as read all of it, and see whether git fsck finds it whole"
            }
            Self::ForeignOwner { .. } => {
                "let integrationd run as that user, or give it to the one that integrationd runs as"
            }
            Self::Unverified { problem, .. } => problem.remedy(),
            Self::NoTagToVerify => "name a tag, or verify the head",
            Self::NoKeysToVerify => "give SSH allowed signers, or OpenPGP keys",
            Self::Copy { .. } => {
                "give the user that integrationd runs as the right to write there, and space"
            }
            Self::Damaged(_) => "see whether the disk is full or faulty",
            Self::Ended => "report this as a mistake of integrationd",
        }
    }
}
