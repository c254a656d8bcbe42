//! Why an integration is not deleted, although no file describes it, or a replacement begins with that.

use super::evidence::Absence;
use super::wording::list;
use crate::live::RemoteId;
use crate::manifest::Name;
use crate::reason::Reason;

/// Why nothing is deleted, whatever the files that can be read say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Freeze {
    /// Something could not be read far enough to know what it is.
    #[error("a file could not be read, and may describe it")]
    Unreadable,
    /// A document has an error.
    #[error("{file} is invalid, and may describe it")]
    Invalid {
        /// Its file.
        file: String,
    },
}

/// Why an integration is not deleted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Undeletable {
    /// It is protected, and would be deleted or replaced.
    #[error("integration {id} is protected by `sync.protect`, and is never deleted")]
    Protected {
        /// The live integration.
        id: RemoteId,
    },
    /// A file that cannot be read may describe it.
    #[error("integration {id} is not deleted: {reason}")]
    Frozen {
        /// The live integration.
        id: RemoteId,
        /// What makes it uncertain.
        reason: Freeze,
    },
    /// No document describes it, but it may not have been removed.
    #[error("integration {id} is not deleted: {absence}")]
    NotRemoved {
        /// The live integration.
        id: RemoteId,
        /// The name by which its removal can be allowed.
        name: Name,
        /// The evidence against a removal.
        absence: Absence,
    },
    /// It would be replaced, and other files may describe it.
    #[error("integration {id} is not replaced: {} may describe it", list(others))]
    Described {
        /// The live integration.
        id: RemoteId,
        /// The names of the others.
        others: Vec<Name>,
    },
    /// It would be replaced, and its file is pinned to it.
    #[error("`sync.id` is {id}, and a replacement gets another id")]
    Pinned {
        /// The live integration.
        id: RemoteId,
    },
    /// The server shows another identity than the ledger has.
    #[error("integration {id} has another {attribute} than the ledger has, and is not deleted")]
    IdentityMoved {
        /// The live integration.
        id: RemoteId,
        /// The attribute that identifies it.
        attribute: &'static str,
    },
    /// The deletion needs credentials that the ledger does not have.
    #[error(
        "its deletion needs the credentials of its set-up, and {}",
        not_kept(paths)
    )]
    CredentialsNotKept {
        /// The name of the integration.
        name: Name,
        /// Those that stood literally in its file; none if there were none at all.
        paths: Vec<String>,
    },
    /// It is not this tool's to replace.
    #[error(
        "integration {id} was neither created nor adopted by integrationd, and is not replaced"
    )]
    NotOwned {
        /// The live integration.
        id: RemoteId,
        /// The name of the integration.
        name: Name,
    },
}

impl Undeletable {
    /// The reason.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::Protected { .. } => Reason::Protected,
            Self::Frozen { .. } => Reason::DeletionFrozen,
            Self::NotRemoved { .. } => Reason::NotRemoved,
            Self::Described { .. } => Reason::Described,
            Self::Pinned { .. } => Reason::Pinned,
            Self::IdentityMoved { .. } => Reason::IdentityMoved,
            Self::CredentialsNotKept { .. } => Reason::CredentialsNotKept,
            Self::NotOwned { .. } => Reason::NotOwned,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Protected { .. } => {
                "put its file back; or put it back without `protect`, sync once, and then remove it".into()
            }
            Self::Frozen { .. } => {
                "nothing is deleted while the files are not known whole: fix them, then run this again".into()
            }
            Self::NotRemoved { name, .. } => allow_removal(name),
            Self::Described { others, .. } => format!(
                "say which file it belongs to: with `sync.id`, or with `sync.previously` in {}",
                list(others)
            ),
            Self::Pinned { .. } => "remove `sync.id`, then run this again".into(),
            Self::IdentityMoved { id, .. } => {
                format!("look at integration {id} in Immuta; delete it there, or describe it in a file")
            }
            Self::CredentialsNotKept { name, .. } => format!(
                "put the file of {name} back with its credentials as references, sync once, and then remove it"
            ),
            Self::NotOwned { name, .. } => {
                format!("if it may be deleted, take it over first: `integrationd adopt {name}`")
            }
        }
    }
}

/// The remedy for a document that is missing.
pub(super) fn allow_removal(name: &str) -> String {
    format!(
        "put its document back; if it was removed on purpose, remove its file, or allow it with `--allow-removal {name}`"
    )
}

fn not_kept(paths: &[String]) -> String {
    if paths.is_empty() {
        "none is known".to_owned()
    } else {
        format!(
            "{} stood literally in its file and was not kept",
            list(paths)
        )
    }
}
