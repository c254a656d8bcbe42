//! Reasons why an integration is not deleted, either without a file or for a replacement.

use super::evidence::Absence;
use super::wording::list;
use crate::follow_up::command;
use crate::live::RemoteId;
use crate::manifest::Name;
use crate::platform::AttributePath;
use crate::reason::Reason;

/// Reason why nothing is deleted, regardless of the readable files.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Freeze {
    /// Something could not be read far enough to know what it is.
    #[error("an unreadable file may describe the integration")]
    Unreadable,
    /// A document has an error.
    #[error("{file} has errors and may describe the integration")]
    Invalid {
        /// Its file.
        file: String,
    },
}

/// Reason why an integration is not deleted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Undeletable {
    /// It is protected, and would be deleted or replaced.
    #[error("integration {id} is protected from deletion by `sync.protect`")]
    Protected {
        /// The live integration.
        id: RemoteId,
    },
    /// A file that cannot be read may describe it.
    #[error("integration {id} will not be deleted: {reason}")]
    Frozen {
        /// The live integration.
        id: RemoteId,
        /// The cause of the uncertainty.
        reason: Freeze,
    },
    /// No document describes it, but it may not have been removed.
    #[error("integration {id} will not be deleted: {absence}")]
    NotRemoved {
        /// The live integration.
        id: RemoteId,
        /// The name by which its removal can be allowed.
        name: Name,
        /// The evidence against a removal.
        absence: Absence,
    },
    /// It would be replaced, and other files may describe it.
    #[error(
        "integration {id} will not be replaced: {} may describe it",
        list(others)
    )]
    Described {
        /// The live integration.
        id: RemoteId,
        /// The names of the others.
        others: Vec<Name>,
    },
    /// It would be replaced, and its file is pinned to it.
    #[error(
        "integration {id} will not be replaced: `sync.id` is {id}, but the replacement would get a new id"
    )]
    Pinned {
        /// The live integration.
        id: RemoteId,
    },
    /// The server shows another identity than the ledger has.
    #[error(
        "integration {id} will not be deleted: its {attribute} differs from the one in the ledger"
    )]
    IdentityMoved {
        /// The live integration.
        id: RemoteId,
        /// The attribute that identifies it.
        attribute: &'static str,
    },
    /// The deletion needs credentials that the ledger does not have.
    #[error(
        "the deletion needs the credentials of the setup, but {}",
        not_kept(paths)
    )]
    CredentialsNotKept {
        /// The name of the integration.
        name: Name,
        /// Those that stood literally in its file; none if there were none at all.
        paths: Vec<AttributePath>,
    },
    /// It is not this tool's to replace.
    #[error("integration {id} will not be replaced: integrationd neither created nor adopted it")]
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

    /// The remedy.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Protected { .. } => {
                "restore the file to keep the integration; to delete the integration, restore the \
                file without `sync.protect`, sync once, then remove the file"
                    .into()
            }
            Self::Frozen { .. } => {
                "fix the files, then try again: nothing is deleted while a file has errors or cannot \
                be read"
                    .into()
            }
            Self::NotRemoved { name, .. } => allow_removal(name),
            Self::Described { others, .. } => format!(
                "declare which file describes the integration: set `sync.id` or `sync.previously` \
                in {}",
                list(others)
            ),
            Self::Pinned { .. } => "remove `sync.id`, then try again".into(),
            Self::IdentityMoved { id, .. } => {
                format!(
                    "check integration {id} in Immuta; delete it there, or describe it in a \
                    file"
                )
            }
            Self::CredentialsNotKept { name, .. } => format!(
                "restore the file of {name} with its credentials as references, sync once, then \
                remove the file"
            ),
            Self::NotOwned { name, .. } => {
                let adopt = command("adopt", &[name]);
                format!("to allow the deletion, first run `{adopt}`")
            }
        }
    }
}

/// The remedy for a document that is missing.
pub(super) fn allow_removal(name: &str) -> String {
    format!(
        "restore the document; if you removed it on purpose, remove the whole file, or use \
        `--allow-removal {name}`"
    )
}

fn not_kept(paths: &[AttributePath]) -> String {
    if paths.is_empty() {
        "none are recorded".to_owned()
    } else {
        format!(
            "the file had a literal value for {}, and literal values are not recorded",
            list(paths)
        )
    }
}
