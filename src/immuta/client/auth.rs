//! Credentials: an API key that goes into every request, or one that is
//! exchanged for a token first (API.md section 2).
//!
//! A token is shared by all requests. One task renews it while the others wait
//! for its outcome, good or bad: with a wrong key, a crowd of tasks must not
//! try it once each and lock an account.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::{HeaderValue, Method};
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::call::{Authorization, Call, Path, wipe_bytes};
use super::envelope::{AnswerError, field, parse};
use super::retry::{CallKind, Retries, RetryPolicy};
use super::{ApiError, Rejection, RequestBody, Transport, TransportError};
use crate::secret::Secret;
use crate::secret::json::to_json;

/// Path at which a key is exchanged for a token (API.md 2.2).
const EXCHANGE: &str = "/bim/apikey/authenticate";

/// A token is renewed this long before it expires: longer than a request may take.
const MARGIN: Duration = Duration::from_secs(90);

/// Credentials of this tool for the tenant.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// An API key, sent as it is with every request.
    ApiKey(ApiKey),
    /// An API key that is exchanged for a token.
    Exchange(ApiKey),
}

impl Credentials {
    /// The key itself.
    pub(super) fn secret(&self) -> &Secret {
        match self {
            Self::ApiKey(ApiKey(key)) | Self::Exchange(ApiKey(key)) => key,
        }
    }
}

/// An API key that can stand in a header.
#[derive(Debug, Clone)]
pub struct ApiKey(Secret);

/// A text that is no API key. It repeats nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ApiKeyError {
    /// Nothing.
    #[error("it is empty")]
    Empty,
    /// Something that cannot be sent.
    #[error("it contains a space, a line break or another invalid character: give only the key")]
    Characters,
}

impl ApiKey {
    /// Takes a key over. Keys are opaque; only what can never be one is refused.
    ///
    /// # Errors
    /// For an empty text, and for one with characters that cannot be sent.
    pub fn new(key: Secret) -> Result<Self, ApiKeyError> {
        let text = key.expose();
        if text.is_empty() {
            Err(ApiKeyError::Empty)
        } else if text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(key))
        } else {
            Err(ApiKeyError::Characters)
        }
    }
}

/// Gives requests their credentials.
pub(super) struct Authenticator {
    credentials: Credentials,
    state: Mutex<State>,
    /// Number of failed exchanges.
    failures: AtomicU64,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    /// Failure of the last exchange: every caller that waited for it shares it.
    failed: Option<ApiError>,
}

struct Token {
    authorization: Authorization,
    renew_at: Option<Instant>,
}

impl Authenticator {
    pub(super) fn new(credentials: Credentials) -> Self {
        Self {
            credentials,
            state: Mutex::default(),
            failures: AtomicU64::new(0),
        }
    }

    /// Credentials that are valid now, as far as is known.
    pub(super) async fn authorization(
        &self,
        transport: &impl Transport,
        policy: &RetryPolicy,
    ) -> Result<Authorization, ApiError> {
        let key = match &self.credentials {
            Credentials::ApiKey(key) => return raw(key),
            Credentials::Exchange(key) => key,
        };
        let failures = self.failures.load(Ordering::SeqCst);
        let mut state = self.state.lock().await;
        let good = |token: &&Token| token.renew_at.is_none_or(|at| Instant::now() < at);
        if let Some(token) = state.token.as_ref().filter(good) {
            return Ok(token.authorization.clone());
        }
        if let Some(error) = &state.failed
            && self.failures.load(Ordering::SeqCst) > failures
        {
            return Err(copy_of(error));
        }
        match exchange(key, transport, policy).await {
            Ok(token) => {
                let authorization = token.authorization.clone();
                *state = State {
                    token: Some(token),
                    failed: None,
                };
                Ok(authorization)
            }
            Err(error) => {
                state.failed = Some(copy_of(&error));
                self.failures.fetch_add(1, Ordering::SeqCst);
                Err(error)
            }
        }
    }

    /// Forgets credentials that the server did not accept, unless others have
    /// taken their place already; whether new ones can be had at all.
    pub(super) async fn forget(&self, refused: &Authorization) -> bool {
        match self.credentials {
            Credentials::ApiKey(_) => false,
            Credentials::Exchange(_) => {
                let mut state = self.state.lock().await;
                state
                    .token
                    .take_if(|token| token.authorization.secret == refused.secret);
                true
            }
        }
    }
}

fn raw(key: &ApiKey) -> Result<Authorization, ApiError> {
    authorization(key.0.expose(), &key.0).ok_or_else(|| unusable("the API key"))
}

fn authorization(header: &str, secret: &Secret) -> Option<Authorization> {
    let mut header = HeaderValue::from_str(header).ok()?;
    header.set_sensitive(true);
    let secret = secret.clone();
    Some(Authorization { header, secret })
}

fn unusable(what: &str) -> ApiError {
    ApiError::Unreadable {
        operation: format!("POST {EXCHANGE}"),
        reason: format!("{what} contains a character that is not allowed in a header"),
        code: None,
    }
}

/// Exchanges the key for a token. It makes nothing but the token, so that it is
/// repeated like a read.
async fn exchange(
    key: &ApiKey,
    transport: &impl Transport,
    policy: &RetryPolicy,
) -> Result<Token, ApiError> {
    let body = exchange_body(key);
    let call = Call::new(
        Method::POST,
        Path::fixed(EXCHANGE),
        Some(&body),
        CallKind::Harmless,
    );
    let mut retries = Retries::new(policy, &call);
    let answer = loop {
        match call.send(transport, None).await {
            Ok(answer) => break answer.into_body(),
            Err(error) => retries.pause(error).await?,
        }
    };
    let read = read_exchanged(&answer);
    wipe_bytes(answer);
    let Exchanged { token, expires } = read.map_err(|mistake| call.unreadable(&mistake))?;
    let token = token.ok_or_else(|| not_accepted(&call))?;
    let header = Zeroizing::new(format!("Bearer {}", token.expose()));
    Ok(Token {
        authorization: authorization(&header, &token).ok_or_else(|| unusable("the token"))?,
        renew_at: expires.and_then(|at| renew_at(at, Timestamp::now())),
    })
}

/// `{"apikey": "…"}` (API.md 2.2).
fn exchange_body(key: &ApiKey) -> RequestBody {
    RequestBody {
        json: to_json(&BTreeMap::from([("apikey", key.0.expose())])),
        secrets: vec![key.0.clone()],
    }
}

/// Response of the API to a request for credentials (API.md 2.2).
struct Exchanged {
    /// The token; absent when the key was not accepted.
    token: Option<Secret>,
    /// Expiry of the token, if the response gives it.
    expires: Option<Timestamp>,
}

/// Reads the answer to `POST /bim/apikey/authenticate`.
fn read_exchanged(body: &[u8]) -> Result<Exchanged, AnswerError> {
    let Value::Object(mut fields) = parse(body)? else {
        return Err(AnswerError::Not("an object"));
    };
    let expires = fields
        .get("tokenExpiration")
        .and_then(Value::as_str)
        .and_then(|text| text.parse().ok());
    if fields.get("authenticated") == Some(&Value::Bool(false)) {
        return Ok(Exchanged {
            token: None,
            expires,
        });
    }
    match fields.remove("token") {
        Some(Value::String(token)) if !token.is_empty() => Ok(Exchanged {
            token: Some(Secret::new(token)),
            expires,
        }),
        Some(_) | None => Err(field("token", "a non-empty string")),
    }
}

/// The refusal that the server put into an answer of success.
fn not_accepted(call: &Call<'_>) -> ApiError {
    ApiError::Refused {
        operation: call.operation(),
        rejection: Box::new(Rejection {
            code: 401,
            from_api: true,
            says_absent: false,
            message: "the server rejected the API key".to_owned(),
            failing_tests: Vec::new(),
            retry_after: None,
        }),
    }
}

/// Time to renew a token: shortly before it expires, or halfway if its lifetime is short. A
/// token that has expired by our clock is used until the server rejects it: it was made just
/// now, so the clocks differ.
fn renew_at(expires: Timestamp, now: Timestamp) -> Option<Instant> {
    let lifetime = Duration::try_from(expires.duration_since(now)).ok()?;
    if lifetime.is_zero() {
        return None;
    }
    let margin = MARGIN.min(lifetime / 2);
    Instant::now().checked_add(lifetime - margin)
}

/// An error for another task that waited for the same outcome: without the
/// cause on the way, which cannot be shared.
fn copy_of(error: &ApiError) -> ApiError {
    match error {
        ApiError::Transport { operation, source } => ApiError::Transport {
            operation: operation.clone(),
            source: TransportError {
                kind: source.kind,
                source: None,
            },
        },
        ApiError::NoCredentials(error) => ApiError::NoCredentials(Box::new(copy_of(error))),
        ApiError::Refused {
            operation,
            rejection,
        } => ApiError::Refused {
            operation: operation.clone(),
            rejection: rejection.clone(),
        },
        ApiError::Unreadable {
            operation,
            reason,
            code,
        } => ApiError::Unreadable {
            operation: operation.clone(),
            reason: reason.clone(),
            code: *code,
        },
    }
}

#[cfg(test)]
#[path = "auth_tests.rs"]
mod tests;
