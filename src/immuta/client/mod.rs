//! The client: calls of a tenant's API, for any purpose.
//!
//! A [`Client`] sends a [`Call`] with credentials (`auth`) until it succeeds or must not be
//! sent again (`retry`), over any [`Transport`]; `http` is the one over a network. Texts of the
//! server are scrubbed of the secrets of the run (`known`) before they are shown.
//!
//! Nothing here knows what an integration is.

mod auth;
mod bounded;
mod call;
mod envelope;
mod error;
mod help;
mod http;
mod known;
mod presentable;
mod retry;
#[cfg(test)]
pub(super) mod script;

use std::future::Future;

use ::http::header::CONTENT_TYPE;
use ::http::{Request, Response};
use bytes::Bytes;

use crate::net::{TransportError, TransportErrorKind};
use crate::secret::Secret;

use auth::Authenticator;
use call::Authorization;
use retry::Retries;

pub use auth::{ApiKey, ApiKeyError, Credentials};
pub use error::{ApiError, Effect, Rejection};
pub use known::KnownSecrets;
pub use retry::RetryPolicy;

pub(super) use bounded::{Bounded, Budget, MOST_VALUES};
pub(super) use call::{Call, Path};
#[cfg(test)]
pub(crate) use envelope::LONGEST_RETRY_AFTER;
#[cfg(test)]
pub(super) use envelope::MOST_FAILING_TESTS;
pub(super) use envelope::{
    AnswerError, field, not_json, parse, parse_within, read_failing_tests, too_many_values,
    without_mark,
};
pub(super) use known::Redaction;
pub(super) use retry::CallKind;

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

/// One exchange with the server, without retries and without credentials of its own.
pub trait Transport: Send + Sync + 'static {
    /// Sends a request whose URI is a path on the tenant, and reads the whole answer.
    fn send(
        &self,
        request: Request<Bytes>,
    ) -> impl Future<Output = Result<Response<Bytes>, TransportError>> + Send;
}

/// Sends calls of one tenant.
pub(super) struct Client<T> {
    transport: T,
    authenticator: Authenticator,
    policy: RetryPolicy,
    known: KnownSecrets,
}

/// The answer to a call.
pub(super) struct CallResponse {
    pub(super) body: Bytes,
    /// True if the server says that it is a text of any kind.
    pub(super) is_text: bool,
    /// The authorization that was sent: a server may repeat it in the answer.
    authorization: Authorization,
}

impl<T: Transport> Client<T> {
    /// A client that takes these secrets, and its own, out of whatever the server says.
    pub(super) fn new(
        transport: T,
        credentials: Credentials,
        policy: RetryPolicy,
        known: KnownSecrets,
    ) -> Self {
        Self {
            transport,
            known: known.and(credentials.secret().clone()),
            authenticator: Authenticator::new(credentials),
            policy,
        }
    }

    /// Sends a call until it succeeds or must not be sent again.
    pub(super) async fn run(&self, call: &Call<'_>) -> Result<CallResponse, ApiError> {
        let answer = self.repeat(call).await;
        // Its own credentials are scrubbed by the call.
        answer.map_err(|error| self.known.with(None).error(error))
    }

    /// An error without a secret that is known since a moment ago.
    pub(super) fn error_without(&self, secret: &Secret, error: ApiError) -> ApiError {
        self.known.with(Some(secret)).error(error)
    }

    pub(super) fn redaction(&self, answer: &CallResponse) -> Redaction<'_> {
        self.known.with(Some(&answer.authorization.secret))
    }

    /// A 401 had no effect, and is the answer to an expired token (API.md 2.2): with a new
    /// one anything is sent once more.
    async fn repeat(&self, call: &Call<'_>) -> Result<CallResponse, ApiError> {
        let mut retries = Retries::new(&self.policy, call);
        let mut renewed = false;
        loop {
            let authorization = self
                .authenticator
                .authorization(&self.transport, &self.policy)
                .await
                .map_err(|error| ApiError::NoCredentials(Box::new(error)))?;
            let error = match call.send(&self.transport, Some(&authorization)).await {
                Ok(response) => {
                    let kind = response.headers().get(CONTENT_TYPE);
                    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
                    let is_text = kind.trim_start().to_ascii_lowercase().starts_with("text/");
                    return Ok(CallResponse {
                        is_text,
                        body: response.into_body(),
                        authorization,
                    });
                }
                Err(error) => error,
            };
            let refused = error
                .rejection()
                .is_some_and(|rejection| rejection.code == 401);
            if refused && !renewed && self.authenticator.forget(&authorization).await {
                renewed = true;
            } else {
                retries.pause(error).await?;
            }
        }
    }

    /// Like [`Self::run`], with `None` when the server says that there is no such integration.
    pub(super) async fn run_for_one(
        &self,
        call: &Call<'_>,
    ) -> Result<Option<CallResponse>, ApiError> {
        match self.run(call).await {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if error.says_absent() => Ok(None),
            Err(error) => Err(error),
        }
    }
}
