//! Receiver of the messages. The address is a secret: anyone who has Slack's can write to its
//! channel.

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Method, Request, StatusCode};
use url::Url;

use super::{NotificationFormat, SIGNATURE_HEADER, signature};
use crate::net::{
    HttpSettings, HttpSetupError, HttpTransport, ServerUrl, ServerUrlError, TransportError,
};
use crate::secret::Secret;

/// Time for name, connection and handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Time for a whole exchange. It only has to be taken on.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The address of a webhook.
pub struct WebhookUrl {
    server: ServerUrl,
    path: Secret,
}

/// An address that cannot be used. It repeats nothing of it.
#[derive(Debug, thiserror::Error)]
pub enum WebhookUrlError {
    /// As for every server.
    #[error(transparent)]
    Url(#[from] ServerUrlError),
    /// A character that no request can carry.
    #[error("its path contains a character that is not allowed in a URL")]
    Path,
}

impl WebhookUrl {
    /// Reads it. A query is part of it: some services keep their key there.
    ///
    /// # Errors
    /// It is none, or would be sent in clear.
    pub fn parse(text: &Secret) -> Result<Self, WebhookUrlError> {
        let url = Url::parse(text.expose().trim()).map_err(ServerUrlError::NotAUrl)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(ServerUrlError::UserInfo.into());
        }
        if url.fragment().is_some() {
            return Err(ServerUrlError::Fragment.into());
        }
        let query = url.query().map(|query| format!("?{query}"));
        let path = format!("{}{}", url.path(), query.unwrap_or_default());
        let server = ServerUrl::parse(&url.origin().ascii_serialization())?;
        if path.parse::<PathAndQuery>().is_err() {
            return Err(WebhookUrlError::Path);
        }
        Ok(Self {
            server,
            path: Secret::new(path),
        })
    }
}

/// Sends bodies to one address.
pub struct WebhookSender {
    transport: HttpTransport,
    path: Secret,
    secret: Option<Secret>,
    /// The form of what it takes.
    pub format: NotificationFormat,
}

/// Result of one attempt.
#[derive(Debug)]
pub(super) enum Attempt {
    /// It was taken.
    Taken,
    /// It was not, and may be the next time.
    Later(String),
    /// It was not, and will not be.
    Never(String),
}

impl WebhookSender {
    /// Prepares to send; nothing is sent yet. With a secret, bodies are signed.
    ///
    /// # Errors
    /// For a CA file that is not in order, and on a system without certificates.
    pub fn new(
        address: WebhookUrl,
        secret: Option<Secret>,
        format: NotificationFormat,
        ca_files: Vec<PathBuf>,
    ) -> Result<Self, HttpSetupError> {
        let WebhookUrl { server, path } = address;
        let settings = HttpSettings {
            ca_files,
            connect_timeout: CONNECT_TIMEOUT,
            timeout: TIMEOUT,
            ..HttpSettings::new(server)
        };
        Ok(Self {
            transport: HttpTransport::new(&settings)?,
            path,
            secret,
            format,
        })
    }

    /// Tries once. Redirects are not followed, and no answer's body is read.
    pub(super) async fn send(&self, body: &str) -> Attempt {
        let Some(request) = self.request(body) else {
            return Attempt::Never("cannot build the request".to_owned());
        };
        match self.transport.stream(request).await {
            Ok(answer) => of_status(answer.status()),
            Err(error) => of_error(&error),
        }
    }

    fn request(&self, body: &str) -> Option<Request<Bytes>> {
        let mut request = Request::new(Bytes::copy_from_slice(body.as_bytes()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.path.expose().parse().ok()?;
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(secret) = &self.secret {
            let name = HeaderName::from_static(SIGNATURE_HEADER);
            let value = signature(secret, body.as_bytes())?;
            headers.insert(name, value.parse().ok()?);
        }
        Some(request)
    }
}

fn of_status(status: StatusCode) -> Attempt {
    let told = format!("the receiver responded with status {}", status.as_u16());
    match status.as_u16() {
        200..=299 => Attempt::Taken,
        408 | 425 | 429 | 500..=599 => Attempt::Later(told),
        _ => Attempt::Never(told),
    }
}

fn of_error(error: &TransportError) -> Attempt {
    let told = crate::text::chain(error);
    match error.kind {
        crate::net::TransportErrorKind::Certificate => Attempt::Never(told),
        crate::net::TransportErrorKind::Connect
        | crate::net::TransportErrorKind::Timeout
        | crate::net::TransportErrorKind::Broken => Attempt::Later(told),
    }
}
