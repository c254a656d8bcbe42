//! The client of Immuta's integrations API.
//!
//! Layers, outside in: [`ReadApi`] and [`WriteApi`] are what the pipeline
//! calls; [`Reader`] and [`Writer`] implement them with JSON (`wire`),
//! credentials (`auth`) and retries (`retry`) over any [`Transport`]; `http`
//! is the transport over a network. A dry run is handed a reader and nothing
//! that could write.
//!
//! Two invariants. A read that failed is an error, never an empty answer. Every
//! error of a write says whether it may have had an [`Effect`].

mod auth;
mod bounded;
mod call;
mod client;
mod connections;
mod encode;
mod help;
mod http;
mod known;
mod list;
mod presentable;
mod retry;
#[cfg(test)]
mod script;
mod wire;

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;

use crate::live::{Backing, Connections, FailingTest, Live, LiveIntegration, RemoteId, Status};
use crate::secret::Secret;

pub use crate::net::{
    HttpSettings, HttpSetupError, HttpTransport, ServerUrl as TenantUrl,
    ServerUrlError as TenantUrlError, TransportError, TransportErrorKind,
};
pub use auth::{ApiKey, ApiKeyError, Credentials};
pub use client::{Reader, Writer};
pub use encode::{Nesting, encode, encode_credentials};
pub use known::KnownSecrets;
pub use retry::RetryPolicy;
#[cfg(test)]
pub(crate) use wire::LONGEST_RETRY_AFTER;

/// The calls that change nothing.
pub trait ReadApi: Send + Sync {
    /// `GET /integrations`.
    fn list(&self) -> impl Future<Output = Result<Live, ApiError>> + Send;

    /// `POST /data/object/search`: the connections of the tenant.
    fn connections(&self) -> impl Future<Output = Result<Connections, ApiError>> + Send;

    /// `GET /data/connection/{key}`: the integration behind a connection.
    fn backing(&self, key: &str) -> impl Future<Output = Result<Backing, ApiError>> + Send;

    /// `GET /integrations/{id}`; `None` only when the server said so in its documented words.
    fn get(
        &self,
        id: &RemoteId,
    ) -> impl Future<Output = Result<Option<LiveIntegration>, ApiError>> + Send;

    /// `GET /integrations/{id}/status`; `None` only when the server said so in its documented words.
    fn status(
        &self,
        id: &RemoteId,
    ) -> impl Future<Output = Result<Option<StatusReport>, ApiError>> + Send;
}

/// The calls that write. None of them is ever repeated after an error whose
/// effect is [`Effect::Unknown`].
pub trait WriteApi: ReadApi {
    /// `POST /integrations`.
    fn create(&self, body: &RequestBody)
    -> impl Future<Output = Result<Accepted, ApiError>> + Send;

    /// `PUT /integrations/{id}`.
    fn update(
        &self,
        id: &RemoteId,
        body: &RequestBody,
    ) -> impl Future<Output = Result<Accepted, ApiError>> + Send;

    /// `DELETE /integrations/{id}`, with the credentials that it needs, if any.
    fn delete(
        &self,
        id: &RemoteId,
        credentials: Option<&RequestBody>,
    ) -> impl Future<Output = Result<(), ApiError>> + Send;
}

/// A request body in which every secret stands in clear: it exists from the
/// encoder until the write that it is for has settled.
pub struct RequestBody {
    /// The JSON text, wiped when dropped.
    pub(crate) json: zeroize::Zeroizing<Vec<u8>>,
    /// The secret values in it, so that text which the server sends back can be scrubbed of them.
    pub(crate) secrets: Vec<Secret>,
}

impl std::fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RequestBody({} bytes)", self.json.len())
    }
}

/// The answer to a write that was taken on: the work goes on after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The id of the integration.
    pub id: RemoteId,
    /// Its status now.
    pub status: Status,
}

/// The answer to a question for the status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusReport {
    /// The status.
    pub status: Status,
    /// The validation tests that did not pass, as far as the answer tells.
    pub failing_tests: Vec<FailingTest>,
}

/// One exchange with the server, without retries and without credentials of its own.
pub trait Transport: Send + Sync + 'static {
    /// Sends a request whose URI is a path on the tenant, and reads the whole answer.
    fn send(
        &self,
        request: ::http::Request<Bytes>,
    ) -> impl Future<Output = Result<::http::Response<Bytes>, TransportError>> + Send;
}

/// What may have happened on the server although the call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Certainly nothing.
    None,
    /// Nobody knows: it has to be looked up.
    Unknown,
}

impl TransportErrorKind {
    /// Whether the request may have reached the server.
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
        /// What went wrong on the way.
        source: TransportError,
    },
    /// The server refused.
    #[error("{operation}: {}", refusal.describe())]
    Refused {
        /// The method and path.
        operation: String,
        /// What it said.
        refusal: Box<Refusal>,
    },
    /// An answer came that is not what the API answers with.
    #[error("{operation}: {reason}")]
    Unreadable {
        /// The method and path.
        operation: String,
        /// Why it could not be read, without its text.
        reason: String,
    },
}

/// A refusal with an HTTP status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub code: u16,
    /// Whether the body was the API's error envelope (API.md section 6), not a proxy's page.
    pub from_api: bool,
    /// True if this is the API's documented answer that the requested integration does
    /// not exist, with its id (API.md section 6). Every other 404 is a failed call.
    pub says_absent: bool,
    /// The server's message, empty when there was none. A client has scrubbed it and made
    /// it fit to be shown.
    pub message: String,
    /// The validation tests that failed, if it told them.
    pub failing_tests: Vec<FailingTest>,
    /// How long the server asks to wait.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    fn describe(&self) -> String {
        let reason = ::http::StatusCode::from_u16(self.code)
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
    /// What the server said, if it refused.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused { refusal, .. } => Some(refusal),
            Self::Transport { .. } | Self::Unreadable { .. } => None,
        }
    }

    /// True if the server said that the requested integration does not exist.
    #[must_use]
    pub fn says_absent(&self) -> bool {
        self.refusal().is_some_and(|refusal| refusal.says_absent)
    }

    /// The method and path of the call that failed. For a call that never came
    /// about because there were no credentials, it is that of the exchange.
    #[must_use]
    pub fn operation(&self) -> &str {
        match self {
            Self::Transport { operation, .. }
            | Self::Refused { operation, .. }
            | Self::Unreadable { operation, .. } => operation,
        }
    }

    /// Whether a write that ended so may have had an effect.
    #[must_use]
    pub fn effect(&self) -> Effect {
        match self {
            // The write waited for a token that it did not get.
            error if error.operation().ends_with(auth::EXCHANGE) => Effect::None,
            Self::Transport { source, .. } => source.kind.effect(),
            // These may come from a proxy after the server has done its work.
            Self::Refused { refusal, .. }
                if refusal.code >= 500 || refusal.code == 408 || refusal.code < 400 =>
            {
                Effect::Unknown
            }
            Self::Refused { .. } => Effect::None,
            Self::Unreadable { .. } => Effect::Unknown,
        }
    }
}
