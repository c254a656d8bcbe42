//! The evidence that speaks against an action: what a block carries and tells.

use jiff::Timestamp;

use crate::live::{IntegrationStatus, RemoteId};

/// Reason why a missing document does not show that somebody removed it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Absence {
    /// Its file no longer holds a document.
    #[error("{file} no longer holds a document")]
    EmptyFile {
        /// The file.
        file: String,
    },
    /// Its file has documents, and not this one.
    #[error("{file} still exists but no longer describes it")]
    FileExists {
        /// The file.
        file: String,
    },
    /// An empty file may be about to describe it under another path.
    #[error("{file} is empty, and may be about to describe it")]
    BlankFile {
        /// The empty file.
        file: String,
    },
    /// An earlier version recorded it, without its file.
    #[error("the ledger does not say which file described it, and {file} may have")]
    FileUnknown {
        /// A file that can have had it.
        file: String,
    },
}

impl Absence {
    /// True if the document may be back in a moment. Its record must still be there then,
    /// although the integration is gone.
    pub(super) fn holds_the_record(&self) -> bool {
        match self {
            Self::EmptyFile { .. } | Self::BlankFile { .. } => true,
            // Its document would be new.
            Self::FileExists { .. } | Self::FileUnknown { .. } => false,
        }
    }
}

/// An attribute that was repaired too often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contested {
    /// The attribute.
    pub path: String,
    /// When it was repaired.
    pub times: Vec<Timestamp>,
}

/// Why nobody can tell.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownOutcome {
    /// It was begun a moment ago and may still take effect.
    #[error("a create was begun at {begun} and may still take effect")]
    InFlight {
        /// When.
        begun: Timestamp,
    },
    /// More than one integration has appeared.
    #[error("a create was cut short, and integrations {} have appeared since", .ids.iter().map(RemoteId::as_str).collect::<Vec<_>>().join(" and "))]
    Tie {
        /// Those that have.
        ids: Vec<RemoteId>,
    },
    /// The server is still at work.
    #[error("a write was cut short, and the status of integration {id} is still `{status}`")]
    Busy {
        /// The live integration.
        id: RemoteId,
        /// Its status.
        status: IntegrationStatus,
    },
    /// The list could not be read whole.
    #[error("a write was cut short, and the tenant cannot tell: {reason}")]
    Unreadable {
        /// What could not be read.
        reason: String,
    },
}
