//! One request, sent once: what all calls of the API have in common.

use std::time::SystemTime;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, StatusCode, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::time::Instant;
use zeroize::Zeroize;

use super::retry::Kind;
use super::wire::{Mistake, read_refusal};
use super::{ApiError, RequestBody, Transport, TransportError, TransportErrorKind};
use crate::live::RemoteId;
use crate::net::UrlTemplate;
use crate::secret::Secret;

/// The only media type that is spoken (API.md section 1).
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The list of integrations.
pub(super) const INTEGRATIONS: &str = "/integrations";

/// One integration.
pub(super) const INTEGRATION: &str = "/integrations/{id}";

/// The status of one integration.
pub(super) const STATUS: &str = "/integrations/{id}/status";

/// The search for objects; without a path, for connections (API.md 10.2).
const SEARCH: &str = "/data/object/search";

/// One connection.
const CONNECTION: &str = "/data/connection/{key}";

/// A request before it has credentials.
pub(super) struct Call<'a> {
    pub(super) method: Method,
    /// The path with names in place of values: for logs and metrics.
    pub(super) template: &'static str,
    /// The path itself.
    path: String,
    /// The integration that the path names.
    id: Option<&'a RemoteId>,
    body: Option<&'a RequestBody>,
    pub(super) kind: Kind,
}

/// The credentials of one attempt.
#[derive(Clone)]
pub(super) struct Authorization {
    /// The value of the header, marked as sensitive.
    pub(super) header: HeaderValue,
    /// What is in it, to be scrubbed from whatever comes back.
    pub(super) secret: Secret,
}

impl<'a> Call<'a> {
    /// A read. An `{id}` in the template is filled in.
    pub(super) fn read(template: &'static str, id: Option<&'a RemoteId>) -> Self {
        Self {
            method: Method::GET,
            template,
            path: fill(template, id),
            id,
            body: None,
            kind: Kind::Harmless,
        }
    }

    /// A call with a body.
    pub(super) fn with_body(
        method: Method,
        template: &'static str,
        id: Option<&'a RemoteId>,
        body: &'a RequestBody,
        kind: Kind,
    ) -> Self {
        Self {
            method,
            template,
            path: fill(template, id),
            id,
            body: Some(body),
            kind,
        }
    }

    /// The search for connections. It reads, whatever its method.
    pub(super) fn search(body: Option<&'a RequestBody>) -> Self {
        Self {
            method: Method::POST,
            template: SEARCH,
            path: SEARCH.to_owned(),
            id: None,
            body,
            kind: Kind::Harmless,
        }
    }

    /// A read of one connection. Its key is a display name, so it is encoded.
    pub(super) fn connection(key: &str) -> Self {
        Self {
            method: Method::GET,
            template: CONNECTION,
            path: CONNECTION.replace("{key}", &segment(key)),
            id: None,
            body: None,
            kind: Kind::Harmless,
        }
    }

    /// A delete of one integration.
    pub(super) fn delete(id: &'a RemoteId, body: Option<&'a RequestBody>) -> Self {
        Self {
            method: Method::DELETE,
            template: INTEGRATION,
            path: fill(INTEGRATION, Some(id)),
            id: Some(id),
            body,
            kind: Kind::Write,
        }
    }

    /// The name of the call in errors.
    pub(super) fn operation(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// The error for an answer that could not be read.
    pub(super) fn unreadable(&self, mistake: &Mistake) -> ApiError {
        ApiError::Unreadable {
            operation: self.operation(),
            reason: mistake.to_string(),
        }
    }

    /// True if an answer with this status is the whole answer. A read is answered with
    /// 200 (API.md section 3.2): 206 is a part, and the other codes of success carry
    /// nothing that was read. A write is answered with any code of success but 206.
    fn is_answered_by(&self, status: StatusCode) -> bool {
        match self.kind {
            Kind::Harmless if self.method == Method::GET => status == StatusCode::OK,
            Kind::Harmless | Kind::Write => {
                status.is_success() && status != StatusCode::PARTIAL_CONTENT
            }
        }
    }

    /// Sends it once; the body of an answer with a status of success.
    pub(super) async fn send(
        &self,
        transport: &impl Transport,
        authorization: Option<&Authorization>,
    ) -> Result<Bytes, ApiError> {
        let started = Instant::now();
        let outcome = match self.request(authorization) {
            Ok(request) => transport.send(request).await,
            Err(error) => Err(error),
        };
        let status = outcome.as_ref().ok().map(http::Response::status);
        tracing::debug!(
            http.request.method = %self.method,
            url.template = self.template,
            http.response.status_code = status.as_ref().map(StatusCode::as_u16),
            duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            "sent a request"
        );
        let (parts, body) = outcome
            .map_err(|source| ApiError::Transport {
                operation: self.operation(),
                source,
            })?
            .into_parts();
        if self.is_answered_by(parts.status) {
            return Ok(body);
        }
        if parts.status.is_success() {
            return Err(self.unreadable(&Mistake::NotWhole(parts.status)));
        }
        let mut secrets: Vec<Secret> = self.body.map(|b| b.secrets.clone()).unwrap_or_default();
        secrets.extend(authorization.map(|a| a.secret.clone()));
        let now = SystemTime::now();
        let refusal = read_refusal(parts.status, &parts.headers, &body, self.id, &secrets, now);
        // It may repeat what was sent.
        wipe_bytes(body);
        Err(ApiError::Refused {
            operation: self.operation(),
            refusal: Box::new(refusal),
        })
    }

    fn request(
        &self,
        authorization: Option<&Authorization>,
    ) -> Result<Request<Bytes>, TransportError> {
        // The copy for the transport is wiped with the last handle on it.
        let body = self
            .body
            .map(|body| Bytes::from_owner(body.json.clone()))
            .unwrap_or_default();
        let uri: Uri = self.path.parse().map_err(|source| TransportError {
            // Nothing was sent.
            kind: TransportErrorKind::Connect,
            source: Some(Box::<dyn std::error::Error + Send + Sync>::from(source)
                as Box<dyn std::error::Error + Send + Sync>),
        })?;
        let mut request = Request::new(body);
        *request.uri_mut() = uri;
        *request.method_mut() = self.method.clone();
        request.extensions_mut().insert(UrlTemplate(self.template));
        let headers = request.headers_mut();
        headers.insert(ACCEPT, JSON);
        if self.body.is_some() {
            headers.insert(CONTENT_TYPE, JSON);
        }
        if let Some(authorization) = authorization {
            headers.insert(AUTHORIZATION, authorization.header.clone());
        }
        Ok(request)
    }
}

/// Overwrites an answer, unless the transport still holds on to it.
pub(super) fn wipe_bytes(answer: Bytes) {
    if let Ok(mut answer) = answer.try_into_mut() {
        answer[..].zeroize();
    }
}

fn fill(template: &str, id: Option<&RemoteId>) -> String {
    match id {
        None => template.to_owned(),
        Some(id) => template.replace("{id}", &segment(id.as_str())),
    }
}

/// Bytes that may not stand in a segment of a path (RFC 3986, unreserved).
const IN_SEGMENT: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// An id as one segment of a path. Nothing, `.` and `..` would name another
/// path: they become a segment that names no integration, and the server says so.
fn segment(id: &str) -> String {
    if id.chars().all(|c| c == '.') {
        return format!("%25{}", id.replace('.', "%252E"));
    }
    utf8_percent_encode(id, &IN_SEGMENT).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_stays_one_segment_of_the_path() {
        for (id, path) in [
            ("7", "/integrations/7/status"),
            ("a-b_c.d~e", "/integrations/a-b_c.d~e/status"),
            (
                "a/b?c#d%e é",
                "/integrations/a%2Fb%3Fc%23d%25e%20%C3%A9/status",
            ),
            ("", "/integrations/%25/status"),
            (".", "/integrations/%25%252E/status"),
            ("..", "/integrations/%25%252E%252E/status"),
        ] {
            assert_eq!(fill(STATUS, Some(&RemoteId::new(id))), path);
        }
    }

    #[test]
    fn no_id_changes_which_path_is_meant_when_the_url_is_normalised() {
        for id in ["", ".", "..", "../x", "%2e%2e", "a/../b", "\\..\\"] {
            let path = fill(INTEGRATION, Some(&RemoteId::new(id)));
            let url = url::Url::parse(&format!("http://localhost{path}")).unwrap();
            assert_eq!(url.path(), path, "{id}");
            assert_eq!(url.path_segments().unwrap().count(), 2, "{id}");
        }
    }
}
