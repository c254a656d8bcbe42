//! An answer that is read piece by piece: for what has no size that is known
//! beforehand. Its reader keeps the limit.

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};

use super::{HttpTransport, TransportError, transport_error};

/// An answer whose body is still to come.
#[derive(Debug)]
pub struct Streamed(reqwest::Response);

impl HttpTransport {
    /// Sends a request whose URI is a path on the server, and reads the head of the answer.
    ///
    /// # Errors
    /// There was no answer. Nothing of a URL or a body is in the error.
    pub async fn stream(&self, request: Request<Bytes>) -> Result<Streamed, TransportError> {
        self.send(request).await.map(Streamed)
    }
}

impl Streamed {
    /// Status of the response.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status()
    }

    /// The headers of the answer.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.0.headers()
    }

    /// The next piece of the body; nothing at its end.
    ///
    /// # Errors
    /// The body broke off.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, TransportError> {
        self.0.chunk().await.map_err(transport_error)
    }
}
