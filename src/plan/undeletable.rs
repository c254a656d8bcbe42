//! Why an integration is not deleted, although no file describes it, or a replacement begins with that.

use super::block::list;
use crate::live::RemoteId;
use crate::manifest::Name;

/// Why an integration is not deleted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Undeletable {
    /// It is protected, and would be deleted or replaced.
    #[error("integration {id} is protected by `sync.protect`, and is never deleted")]
    Protected {
        /// The live integration.
        id: RemoteId,
    },
    /// No file describes it, and it is not certain that none does.
    #[error("integration {id} is not deleted: {reason}")]
    Frozen {
        /// The live integration.
        id: RemoteId,
        /// What makes it uncertain.
        reason: String,
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
    /// The reason in a word, for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Protected { .. } => "Protected",
            Self::Frozen { .. } => "DeletionFrozen",
            Self::IdentityMoved { .. } => "IdentityMoved",
            Self::CredentialsNotKept { .. } => "CredentialsNotKept",
            Self::NotOwned { .. } => "NotOwned",
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
                "nothing is deleted while the files are not known whole: mend them, then run this again".into()
            }
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
