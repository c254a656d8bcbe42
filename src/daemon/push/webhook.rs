//! Endpoint for the webhooks of forges: one path, one method, and a trigger.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};

use super::{WebhookVerdict, judge};
use crate::daemon::http::{Handler, ListenerLimits, Peer};
use crate::daemon::{Rejections, Trigger, WebhookRejection};
use crate::secret::Secret;

/// The path of it.
const PATH: &str = "/webhook";

/// Shorter secrets can be guessed.
const SHORTEST_SECRET: usize = 16;

/// The largest webhook: GitHub puts up to 2,048 commits into one, each with the
/// names of its files. A push that is larger is seen by the next poll.
const LARGEST: usize = 4 * 1024 * 1024;

/// Memory limit for webhooks: this many times the largest.
const CONNECTIONS: usize = 16;

/// Limits for all clients. No forge keeps a connection for later.
#[must_use]
pub fn limits() -> ListenerLimits {
    ListenerLimits {
        connections: CONNECTIONS,
        body: Duration::from_secs(10),
        body_bytes: LARGEST,
        connection: Duration::from_secs(30),
        ..ListenerLimits::default()
    }
}

/// Hears webhooks.
#[derive(Debug)]
pub struct WebhookHandler {
    secret: Secret,
    branch: Option<String>,
    trigger: Trigger,
    rejections: Rejections,
}

/// A secret that can be guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the webhook secret is too short: {length} characters")]
pub struct ShortSecret {
    /// Its number of characters.
    pub length: usize,
}

impl WebhookHandler {
    /// With this secret, for this branch or for all.
    ///
    /// # Errors
    /// The secret can be guessed.
    pub fn new(
        secret: Secret,
        branch: Option<String>,
        trigger: Trigger,
        rejections: Rejections,
    ) -> Result<Self, ShortSecret> {
        let length = secret.expose().chars().count();
        if length < SHORTEST_SECRET {
            return Err(ShortSecret { length });
        }
        Ok(Self {
            secret,
            branch,
            trigger,
            rejections,
        })
    }

    fn respond(&self, request: &Request<Bytes>) -> Response<Bytes> {
        if request.uri().path() != PATH {
            return text(StatusCode::NOT_FOUND, "not found\n");
        }
        if request.method() != Method::POST {
            let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "method not allowed\n");
            let allow = HeaderValue::from_static("POST");
            response.headers_mut().insert(ALLOW, allow);
            return response;
        }
        let branch = self.branch.as_deref();
        let verdict = judge(request.headers(), request.body(), &self.secret, branch);
        let peer = request.extensions().get::<Peer>();
        self.log(verdict, peer.map(|Peer(address)| address.ip()));
        if verdict == WebhookVerdict::Push {
            self.trigger.notify();
        }
        let (status, said) = verdict.answer();
        text(status, said)
    }

    /// Logs nothing of the content: anyone can send it.
    fn log(&self, verdict: WebhookVerdict, peer: Option<IpAddr>) {
        match verdict {
            WebhookVerdict::Push => tracing::info!(?peer, "webhook triggered a run"),
            WebhookVerdict::OtherBranch | WebhookVerdict::NoPush | WebhookVerdict::Ping => {
                tracing::info!(?peer, ?verdict, "ignored a webhook");
            }
            WebhookVerdict::Unsigned => {
                self.rejections.add(WebhookRejection::UnsignedWebhook, peer);
            }
            WebhookVerdict::Unreadable => self
                .rejections
                .add(WebhookRejection::UnreadableWebhook, peer),
        }
    }
}

impl Handler for WebhookHandler {
    async fn answer(&self, request: Request<Bytes>) -> Response<Bytes> {
        self.respond(&request)
    }

    fn wants_body(&self, head: &Parts) -> bool {
        head.uri.path() == PATH && head.method == Method::POST
    }
}

fn text(status: StatusCode, text: &'static str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(text.as_bytes()));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}
