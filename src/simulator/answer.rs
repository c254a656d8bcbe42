//! Responses to a client: results, the error envelope, and the effects of network faults.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::fault::{Cut, RetryAfter};

/// Result of a request.
#[derive(Debug)]
pub enum SimulatedAnswer {
    /// A whole answer.
    Response(Response<Bytes>),
    /// The head of a response and the beginning of its body; `Content-Length` gives the full
    /// length.
    Truncated(Response<Bytes>),
    /// No connection was made.
    Refused,
    /// The connection died without an answer.
    Dropped,
}

/// An answer of the API itself, with whether the request changed anything.
pub(super) struct Reply {
    pub(super) code: u16,
    pub(super) body: ReplyBody,
    pub(super) effect: bool,
}

/// The body of an answer.
pub(super) enum ReplyBody {
    Json(String),
    Text(String),
    Html,
}

/// An answer in the error envelope (API.md section 6).
#[derive(Debug)]
pub(super) struct ErrorReply {
    code: StatusCode,
    message: String,
}

const JSON: &str = "application/json; charset=utf-8";

const HTML: &str = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head>\
    <body><h1>Sign in to continue</h1></body></html>\n";

impl Reply {
    /// An answer that reports a read.
    pub(super) fn read(value: &Value) -> Self {
        Self::json(value.to_string())
    }

    /// An answer that reports a read, as JSON text.
    pub(super) fn json(text: String) -> Self {
        Self {
            code: 200,
            body: ReplyBody::Json(text),
            effect: false,
        }
    }

    /// An answer that reports a read, as plain text.
    pub(super) fn text(text: String) -> Self {
        Self {
            code: 200,
            body: ReplyBody::Text(text),
            effect: false,
        }
    }

    /// A page for people where an answer of the API is due.
    pub(super) fn html() -> Self {
        Self {
            code: 200,
            body: ReplyBody::Html,
            effect: false,
        }
    }

    /// An answer that reports a change.
    pub(super) fn changed(code: u16, value: &Value) -> Self {
        Self {
            code,
            effect: true,
            ..Self::read(value)
        }
    }

    pub(super) fn into_response(self) -> Response<Bytes> {
        match self.body {
            ReplyBody::Json(json) => respond(self.code, JSON, json),
            ReplyBody::Html => respond(self.code, "text/html; charset=utf-8", HTML),
            ReplyBody::Text(text) => respond(self.code, "text/plain; charset=utf-8", text),
        }
    }
}

impl ErrorReply {
    pub(super) fn new(code: StatusCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(super) fn into_response(self) -> Response<Bytes> {
        let envelope = json!({
            "statusCode": self.code.as_u16(),
            "error": self.code.canonical_reason().unwrap_or("Unknown"),
            "message": self.message,
        });
        respond(self.code.as_u16(), JSON, envelope.to_string())
    }
}

impl SimulatedAnswer {
    /// The HTTP status that the caller sees, if it sees one.
    pub(super) fn code(&self) -> Option<u16> {
        match self {
            Self::Response(response) | Self::Truncated(response) => {
                Some(response.status().as_u16())
            }
            Self::Refused | Self::Dropped => None,
        }
    }

    /// Applies a network fault to an exchange; `response` is the API's response, if there is one.
    pub(super) fn cut(cut: &Cut, response: Response<Bytes>) -> Self {
        match cut {
            Cut::Refuse => Self::Refused,
            Cut::Drop => Self::Dropped,
            Cut::Truncate => Self::Truncated(truncate(response)),
            Cut::TooManyRequests(after) => Self::Response(too_many_requests(*after)),
            Cut::ServerError(code) => {
                let code = StatusCode::from_u16(*code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                let refusal = ErrorReply::new(code, "An internal server error occurred");
                Self::Response(refusal.into_response())
            }
            Cut::PartialContent => {
                let mut response = response;
                *response.status_mut() = StatusCode::PARTIAL_CONTENT;
                Self::Response(response)
            }
            Cut::Html => Self::Response(respond(200, "text/html; charset=utf-8", HTML)),
        }
    }
}

fn respond(code: u16, content_type: &'static str, body: impl Into<Bytes>) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    *response.status_mut() =
        StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn truncate(response: Response<Bytes>) -> Response<Bytes> {
    let whole = response.body().len();
    let mut cut = response.map(|body| body.slice(..body.len() / 2));
    let headers = cut.headers_mut();
    headers.insert(CONTENT_LENGTH, HeaderValue::from(whole));
    cut
}

fn too_many_requests(after: Option<RetryAfter>) -> Response<Bytes> {
    let refusal = ErrorReply::new(StatusCode::TOO_MANY_REQUESTS, "Rate limit exceeded");
    let mut response = refusal.into_response();
    let value = after.and_then(|after| match after {
        RetryAfter::Seconds(seconds) => Some(HeaderValue::from(seconds)),
        RetryAfter::Date(seconds) => {
            let when = SystemTime::now() + Duration::from_secs(seconds);
            HeaderValue::from_str(&httpdate::fmt_http_date(when)).ok()
        }
    });
    if let Some(value) = value {
        response.headers_mut().insert(RETRY_AFTER, value);
    }
    response
}
