//! A call that failed, and whether it may have had an effect.

use std::time::Duration;

use super::{TransportError, TransportErrorKind};
use crate::live::FailingTest;

/// Possible effect on the server of a failed call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Certainly nothing.
    None,
    /// The effect is unknown and has to be determined.
    Unknown,
}

impl TransportErrorKind {
    /// Effect of a request that failed in this way.
    #[must_use]
    pub fn effect(self) -> Effect {
        match self {
            Self::Connect | Self::Certificate => Effect::None,
            Self::Timeout | Self::Broken => Effect::Unknown,
        }
    }
}

/// A call that failed. `operation` is such as `GET /integrations/7`.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// No whole answer came.
    #[error("{operation} failed")]
    Transport {
        /// The method and path.
        operation: String,
        /// The cause.
        source: TransportError,
    },
    /// The server refused.
    #[error("{operation}: {}", rejection.describe())]
    Refused {
        /// The method and path.
        operation: String,
        /// The rejection.
        rejection: Box<Rejection>,
    },
    /// The call was never sent: it waited for credentials that it did not get.
    #[error(transparent)]
    NoCredentials(Box<ApiError>),
    /// An answer came that is not what the API answers with.
    #[error("{operation}: {reason}")]
    Unreadable {
        /// The method and path.
        operation: String,
        /// Reason why it could not be read, without its text.
        reason: String,
        /// Its HTTP status, if that is the reason.
        code: Option<u16>,
    },
}

/// A refusal with an HTTP status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The HTTP status.
    pub code: u16,
    /// True if the body was the API's error envelope (API.md section 6), not a proxy's page.
    pub from_api: bool,
    /// True if this is the API's documented answer that the requested integration does
    /// not exist, with its id (API.md section 6). Every other 404 is a failed call.
    pub says_absent: bool,
    /// The server's message, empty when there was none. A client has scrubbed it and made
    /// it fit to be shown.
    pub message: String,
    /// The failed validation tests, if the server listed them.
    pub failing_tests: Vec<FailingTest>,
    /// Pause that the server asks for.
    pub retry_after: Option<Duration>,
}

impl Rejection {
    fn describe(&self) -> String {
        let reason = http::StatusCode::from_u16(self.code)
            .ok()
            .and_then(|code| code.canonical_reason())
            .unwrap_or("");
        let said = if self.message.is_empty() {
            "no message"
        } else {
            &self.message
        };
        format!("{} {reason}: {said}", self.code)
    }
}

impl ApiError {
    /// The rejection, if the server rejected the call.
    #[must_use]
    pub fn rejection(&self) -> Option<&Rejection> {
        match self {
            Self::Refused { rejection, .. } => Some(rejection),
            Self::NoCredentials(error) => error.rejection(),
            Self::Transport { .. } | Self::Unreadable { .. } => None,
        }
    }

    /// True if the server said that the requested integration does not exist.
    #[must_use]
    pub fn says_absent(&self) -> bool {
        self.rejection()
            .is_some_and(|rejection| rejection.says_absent)
    }

    /// The method and path of the call that failed. For one that was never sent for want
    /// of credentials, it is that of the exchange.
    #[must_use]
    pub fn operation(&self) -> &str {
        match self {
            Self::Transport { operation, .. }
            | Self::Refused { operation, .. }
            | Self::Unreadable { operation, .. } => operation,
            Self::NoCredentials(error) => error.operation(),
        }
    }

    /// Possible effect of a write that ended with this error.
    #[must_use]
    pub fn effect(&self) -> Effect {
        match self {
            Self::NoCredentials(_) => Effect::None,
            Self::Transport { source, .. } => source.kind.effect(),
            // These may come from a proxy after the server has done its work.
            Self::Refused { rejection, .. }
                if rejection.code >= 500 || rejection.code == 408 || rejection.code < 400 =>
            {
                Effect::Unknown
            }
            Self::Refused { .. } => Effect::None,
            Self::Unreadable { .. } => Effect::Unknown,
        }
    }
}
