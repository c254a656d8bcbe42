//! One request, sent once: what all calls of the API have in common.

use std::borrow::Cow;
use std::time::SystemTime;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::time::Instant;
use zeroize::Zeroize;

use super::envelope::{AnswerError, read_rejection};
use super::retry::CallKind;
use super::{ApiError, RequestBody, Transport, TransportError, TransportErrorKind};
use crate::net::UrlTemplate;
use crate::secret::Secret;

/// The only media type that is spoken (API.md section 1).
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A request before it has credentials.
pub(crate) struct Call<'a> {
    pub(super) method: Method,
    pub(super) path: Path<'a>,
    body: Option<&'a RequestBody>,
    pub(super) kind: CallKind,
}

/// Path of a call.
pub(crate) struct Path<'a> {
    /// The path with a name in place of a value: for logs and metrics.
    pub(super) template: &'static str,
    filled: Cow<'static, str>,
    /// The value itself.
    named: Option<&'a str>,
}

impl<'a> Path<'a> {
    /// A path that names nothing.
    pub(crate) fn fixed(template: &'static str) -> Self {
        Self {
            template,
            filled: template.into(),
            named: None,
        }
    }

    /// A path with a value in place of what the template has in braces.
    pub(crate) fn naming(template: &'static str, value: &'a str) -> Self {
        let filled = match template.split_once('{').zip(template.split_once('}')) {
            Some(((before, _), (_, after))) => format!("{before}{}{after}", segment(value)).into(),
            None => template.into(),
        };
        Self {
            template,
            filled,
            named: Some(value),
        }
    }
}

/// The credentials of one attempt.
#[derive(Clone)]
pub(super) struct Authorization {
    /// The value of the header, marked as sensitive.
    pub(super) header: HeaderValue,
    /// Secret in the request, to be scrubbed from the response.
    pub(super) secret: Secret,
}

impl<'a> Call<'a> {
    /// A read.
    pub(crate) fn read(path: Path<'a>) -> Self {
        Self::new(Method::GET, path, None, CallKind::Harmless)
    }

    /// Any call.
    pub(crate) fn new(
        method: Method,
        path: Path<'a>,
        body: Option<&'a RequestBody>,
        kind: CallKind,
    ) -> Self {
        Self {
            method,
            path,
            body,
            kind,
        }
    }

    /// The name of the call in errors.
    pub(super) fn operation(&self) -> String {
        format!("{} {}", self.method, self.path.filled)
    }

    /// The error for an answer that could not be read.
    pub(crate) fn unreadable(&self, mistake: &impl std::fmt::Display) -> ApiError {
        ApiError::Unreadable {
            operation: self.operation(),
            reason: mistake.to_string(),
            code: None,
        }
    }

    /// True if an answer with this status is the whole answer. A read is answered with
    /// 200 (API.md section 3.2): 206 is a part, and the other codes of success carry
    /// nothing that was read. A write is answered with any code of success but 206.
    fn is_answered_by(&self, status: StatusCode) -> bool {
        match self.kind {
            CallKind::Harmless if self.method == Method::GET => status == StatusCode::OK,
            CallKind::Harmless | CallKind::Write => {
                status.is_success() && status != StatusCode::PARTIAL_CONTENT
            }
        }
    }

    /// Sends it once; the body of an answer with a status of success.
    pub(super) async fn send(
        &self,
        transport: &impl Transport,
        authorization: Option<&Authorization>,
    ) -> Result<Response<Bytes>, ApiError> {
        let started = Instant::now();
        let outcome = match self.request(authorization) {
            Ok(request) => transport.send(request).await,
            Err(error) => Err(error),
        };
        let status = outcome.as_ref().ok().map(Response::status);
        tracing::debug!(
            http.request.method = %self.method,
            url.template = self.path.template,
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
            return Ok(Response::from_parts(parts, body));
        }
        if parts.status.is_success() {
            return Err(ApiError::Unreadable {
                operation: self.operation(),
                reason: AnswerError::NotWhole(parts.status).to_string(),
                code: Some(parts.status.as_u16()),
            });
        }
        let mut secrets: Vec<Secret> = self.body.map(|b| b.secrets.clone()).unwrap_or_default();
        secrets.extend(authorization.map(|a| a.secret.clone()));
        let now = SystemTime::now();
        let rejection = read_rejection(
            parts.status,
            &parts.headers,
            &body,
            self.path.named,
            &secrets,
            now,
        );
        // It may repeat what was sent.
        wipe_bytes(body);
        Err(ApiError::Refused {
            operation: self.operation(),
            rejection: Box::new(rejection),
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
        let uri: Uri = self.path.filled.parse().map_err(|source| TransportError {
            // Nothing was sent.
            kind: TransportErrorKind::Connect,
            source: Some(Box::<dyn std::error::Error + Send + Sync>::from(source)
                as Box<dyn std::error::Error + Send + Sync>),
        })?;
        let mut request = Request::new(body);
        *request.uri_mut() = uri;
        *request.method_mut() = self.method.clone();
        request
            .extensions_mut()
            .insert(UrlTemplate(self.path.template));
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
            ("7", "/things/7/status"),
            ("a-b_c.d~e", "/things/a-b_c.d~e/status"),
            ("a/b?c#d%e é", "/things/a%2Fb%3Fc%23d%25e%20%C3%A9/status"),
            ("", "/things/%25/status"),
            (".", "/things/%25%252E/status"),
            ("..", "/things/%25%252E%252E/status"),
        ] {
            assert_eq!(Path::naming("/things/{id}/status", id).filled, path);
        }
    }

    #[test]
    fn no_id_changes_which_path_is_meant_when_the_url_is_normalised() {
        for id in ["", ".", "..", "../x", "%2e%2e", "a/../b", "\\..\\"] {
            let path = Path::naming("/things/{id}", id).filled;
            let url = url::Url::parse(&format!("http://localhost{path}")).unwrap();
            assert_eq!(url.path(), path, "{id}");
            assert_eq!(url.path_segments().unwrap().count(), 2, "{id}");
        }
    }
}
