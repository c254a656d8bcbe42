//! Evidence against an action, as part of a block.

use jiff::Timestamp;

use crate::live::{IntegrationStatus, RemoteId};
use crate::platform::AttributePath;

/// Reason why a missing document does not prove a removal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Absence {
    /// Its file no longer holds a document.
    #[error("{file} no longer contains a document")]
    EmptyFile {
        /// The file.
        file: String,
    },
    /// Its file has documents, and not this one.
    #[error("{file} still exists but no longer describes the integration")]
    FileExists {
        /// The file.
        file: String,
    },
    /// An empty file may be about to describe it under another path.
    #[error("{file} is empty and may soon describe the integration")]
    BlankFile {
        /// The empty file.
        file: String,
    },
    /// An earlier version recorded it, without its file.
    #[error(
        "the ledger does not record which file described the integration, and {file} may be \
        that file"
    )]
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
    pub path: AttributePath,
    /// Times of its repairs.
    pub times: Vec<Timestamp>,
}

/// Reason why an outcome is unknown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownOutcome {
    /// It was begun a moment ago and may still take effect.
    #[error("a creation was started at {begun} and may still take effect")]
    InFlight {
        /// Start of the write.
        begun: Timestamp,
    },
    /// More than one integration has appeared.
    #[error("a creation was interrupted, and integrations {} have appeared since", .ids.iter().map(RemoteId::as_str).collect::<Vec<_>>().join(" and "))]
    Tie {
        /// Those that have.
        ids: Vec<RemoteId>,
    },
    /// The server is still at work.
    #[error("a write was interrupted, and the status of integration {id} is still `{status}`")]
    Busy {
        /// The live integration.
        id: RemoteId,
        /// Its status.
        status: IntegrationStatus,
    },
    /// The list could not be read whole.
    #[error("a write was interrupted, and its outcome cannot be determined: {reason}")]
    Unreadable {
        /// The unreadable part.
        reason: String,
    },
}
