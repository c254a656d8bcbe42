//! Problems with a repository, a signature or an ssh server, in words.

use std::io;
use std::path::PathBuf;

use git2::Error;

/// Feature of a repository that libgit2 does not support.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnknownKind {
    /// SHA-256.
    #[error("unsupported object format: the repository does not use SHA-1")]
    Hash,
    /// References that are kept in another way, a partial clone and the like.
    #[error("libgit2 does not support the format of the repository")]
    Extension,
}

/// Beginnings of libgit2's messages.
const WORDS: [(&str, UnknownKind); 4] = [
    ("unknown object format", UnknownKind::Hash),
    ("unknown remote object format", UnknownKind::Hash),
    ("unsupported extension", UnknownKind::Extension),
    ("unsupported repository version", UnknownKind::Extension),
];

impl UnknownKind {
    /// The unsupported feature that an error is about, if any.
    pub(super) fn of(error: &Error) -> Option<Self> {
        let mut words = WORDS.iter();
        let found = words.find(|(words, _)| error.message().starts_with(words));
        found.map(|(_, kind)| *kind)
    }

    /// Only git itself can read such a repository: a git server can serve it, unless its very ids
    /// use another hash.
    pub(super) fn remedy(self) -> &'static str {
        match self {
            Self::Hash => "use a SHA-1 repository, created with `git init --object-format=sha1`",
            Self::Extension => {
                "use a copy created with `git clone --bare`, or the SSH or HTTPS address of the \
                repository"
            }
        }
    }
}

/// Object that is read as a whole.
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
            Self::Commit | Self::Tag => "push a commit or tag with a shorter message",
            Self::Tree => "put fewer files into one directory",
        }
    }
}

/// Reason why a signature does not count.
#[derive(Debug, thiserror::Error)]
pub enum SignatureProblem {
    /// No signature at all.
    #[error("the {0} is not signed")]
    Unsigned(SignedObject),
    /// Neither SSH nor OpenPGP.
    #[error("the signature of the {0} is neither an SSH nor an OpenPGP signature")]
    UnknownFormat(SignedObject),
    /// A kind of signature for which no keys were given.
    #[error("the {object} has a signature of type {kind}, but no keys of this type are configured")]
    NoKeys {
        /// The signed object.
        object: SignedObject,
        /// The type of signature.
        kind: &'static str,
    },
    /// A key that is not configured, or that is not valid now.
    #[error("the {0} is signed by a key that is not configured or not currently valid")]
    UnknownKey(SignedObject),
    /// A key that ran out.
    #[error("the key or the signature of the {0} has expired")]
    Expired(SignedObject),
    /// A key that was called back.
    #[error("the {0} is signed by a revoked key")]
    Revoked(SignedObject),
    /// A signature of something else.
    #[error("the signature of the {0} does not match its content")]
    Bad(SignedObject),
    /// A NUL byte, which nothing that git writes has.
    #[error("the {0} contains a NUL byte, so its signature cannot be trusted")]
    HasNul(SignedObject),
    /// A tag without an object of its own.
    #[error("the tag is lightweight and cannot be signed")]
    LightweightTag,
    /// A signed tag that was given another name.
    #[error("the tag was signed under a different name, {0}")]
    OtherName(String),
    /// A tag of a tag.
    #[error("the tag points to another tag, not to a commit")]
    NestedTag,
    /// Keys that cannot be used.
    #[error("cannot use the key file {}", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
}

/// Kind of a signed object.
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
                "sign the commit or tag with SSH or OpenPGP, and push it"
            }
            Self::NoKeys { .. } | Self::UnknownKey(_) => {
                "find out whose key was used; if you trust the key, configure it"
            }
            Self::Expired(_) => {
                "sign the commit or tag again, or configure the key with its new \
                expiry date"
            }
            Self::Revoked(_) | Self::Bad(_) | Self::HasNul(_) | Self::OtherName(_) => {
                "find out who pushed the commit or tag: someone may be using a stolen key"
            }
            Self::LightweightTag | Self::NestedTag => "create a signed tag with `git tag -s`",
            Self::KeyFile { .. } => "correct the key file",
        }
    }
}

/// Failure of ssh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SshProblem {
    /// A server that no known host's key fits to.
    #[error("ssh does not know the server's host key")]
    HostUnknown,
    /// A server with another key than before.
    #[error("the server's host key differs from the known one")]
    HostChanged,
    /// No key that the server accepts.
    #[error("the server rejected the SSH key")]
    Denied,
    /// The server ran the command, and it failed.
    #[error("the server does not have the repository or denies access to it")]
    NoRepository,
    /// Anything else, mostly the network.
    #[error("ssh failed")]
    Failed,
}

impl SshProblem {
    pub(super) fn remedy(self) -> &'static str {
        match self {
            Self::HostUnknown => {
                "obtain the server's host key from a trusted source, and add it to the known hosts"
            }
            Self::HostChanged => {
                "find out whether the server has a new key or is being impersonated, then correct \
                the known hosts"
            }
            Self::Denied => "add the key to the server, or configure a different key",
            Self::NoRepository => {
                "check that the path is correct and that the key has read access to the repository"
            }
            Self::Failed => "check the server and the network",
        }
    }
}
