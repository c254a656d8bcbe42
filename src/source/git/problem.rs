//! What can be wrong with a repository, a signature or an ssh server, in words.

use std::io;
use std::path::PathBuf;

use git2::Error;

/// What libgit2 does not know of a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnknownKind {
    /// SHA-256.
    #[error("the repository names its objects by another hash than SHA-1")]
    Hash,
    /// References that are kept in another way, a partial clone and the like.
    #[error("the repository is kept in a way that libgit2 does not know")]
    Extension,
}

/// How libgit2's words begin.
const WORDS: [(&str, UnknownKind); 4] = [
    ("unknown object format", UnknownKind::Hash),
    ("unknown remote object format", UnknownKind::Hash),
    ("unsupported extension", UnknownKind::Extension),
    ("unsupported repository version", UnknownKind::Extension),
];

impl UnknownKind {
    /// What an error is about, if it is about that.
    pub(super) fn of(error: &Error) -> Option<Self> {
        let mut words = WORDS.iter();
        let found = words.find(|(words, _)| error.message().starts_with(words));
        found.map(|(_, kind)| *kind)
    }

    /// Nobody but git itself can read such a repository: a server of git's can give
    /// it away, unless its very ids are other ones.
    pub(super) fn remedy(self) -> &'static str {
        match self {
            Self::Hash => {
                "keep the files in a repository of SHA-1, as git init --object-format=sha1 makes it"
            }
            Self::Extension => {
                "name a copy that git clone --bare made of it, or its address by ssh or https"
            }
        }
    }
}

/// What is read as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ObjectKind {
    /// A commit.
    #[error("commit")]
    Commit,
    /// A tag.
    #[error("tag")]
    Tag,
    /// A directory.
    #[error("tree")]
    Tree,
}

impl ObjectKind {
    pub(super) fn remedy(self) -> &'static str {
        match self {
            Self::Commit | Self::Tag => "push one with a shorter message",
            Self::Tree => "put fewer files into one directory",
        }
    }
}

/// Why a signature does not count.
#[derive(Debug, thiserror::Error)]
pub enum SignatureProblem {
    /// No signature at all.
    #[error("the {0} is not signed")]
    Unsigned(SignedObject),
    /// Neither SSH nor OpenPGP.
    #[error("the {0} has a signature that is neither SSH's nor OpenPGP's")]
    UnknownFormat(SignedObject),
    /// A kind of signature for which no keys were given.
    #[error("the {object} has a signature of {kind}, for which no keys were given")]
    NoKeys {
        /// What is signed.
        object: SignedObject,
        /// Which kind.
        kind: &'static str,
    },
    /// A key that nobody named, or that is not valid now.
    #[error(
        "the {0} is signed by a key that is not among the keys that were given, or not valid now"
    )]
    UnknownKey(SignedObject),
    /// A key that ran out.
    #[error("the {0} is signed by a key that has expired, or with a signature that has")]
    Expired(SignedObject),
    /// A key that was called back.
    #[error("the {0} is signed by a key that was revoked")]
    Revoked(SignedObject),
    /// A signature of something else.
    #[error("the signature of the {0} does not fit to what it signs")]
    Bad(SignedObject),
    /// A NUL byte, which nothing that git writes has.
    #[error("the {0} has a NUL byte in it, which no signature covers for certain")]
    HasNul(SignedObject),
    /// A tag without an object of its own.
    #[error("the tag is a mere name of a commit, which nobody can sign")]
    LightweightTag,
    /// A signed tag that was given another name.
    #[error("the tag was signed under another name, {0}")]
    OtherName(String),
    /// A tag of a tag.
    #[error("the tag names another tag, not a commit")]
    NestedTag,
    /// Keys that cannot be used.
    #[error("the file of keys {} cannot be used", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// What is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignedObject {
    /// A commit.
    #[error("commit")]
    Commit,
    /// A tag.
    #[error("tag")]
    Tag,
}

impl SignatureProblem {
    pub(super) fn remedy(&self) -> &'static str {
        match self {
            Self::Unsigned(_) | Self::UnknownFormat(_) => {
                "sign it with SSH or OpenPGP, and push it"
            }
            Self::NoKeys { .. } | Self::UnknownKey(_) => {
                "find out who signed it; if that is right, give the key"
            }
            Self::Expired(_) => "sign it anew, or give the key with its new time of expiry",
            Self::Revoked(_) | Self::Bad(_) | Self::HasNul(_) | Self::OtherName(_) => {
                "find out who pushed it; somebody may be using what is not theirs"
            }
            Self::LightweightTag | Self::NestedTag => "make a signed tag of the commit: git tag -s",
            Self::KeyFile { .. } => "correct the file",
        }
    }
}

/// What ssh could not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SshProblem {
    /// A server that no known host's key fits to.
    #[error("ssh does not know the server's host key")]
    HostUnknown,
    /// A server with another key than before.
    #[error("the server's host key is not the one that ssh knows")]
    HostChanged,
    /// No key that the server accepts.
    #[error("the server refused the ssh key")]
    Denied,
    /// The server ran the command, and it failed.
    #[error("the server has no such repository, or does not let it be read")]
    NoRepository,
    /// Anything else, mostly the network.
    #[error("ssh failed")]
    Failed,
}

impl SshProblem {
    pub(super) fn remedy(self) -> &'static str {
        match self {
            Self::HostUnknown => {
                "get the server's host key by a way that you trust, and add it to the known hosts"
            }
            Self::HostChanged => {
                "find out whether the server has a new key or somebody else answers; then correct the known hosts"
            }
            Self::Denied => "give the key to the server, or another key to ssh",
            Self::NoRepository => "check the path, and whether the key may read the repository",
            Self::Failed => "see whether the server and the network are up",
        }
    }
}
