//! The simulator as a transport: the same client, retries and credentials as
//! over a network, without a socket, so that paused time is honest.

use bytes::Bytes;

use crate::immuta::{Transport, TransportError, TransportErrorKind};
use crate::simulator::{SimulatedAnswer, Simulator};

/// A simulated tenant in this process.
#[derive(Debug, Clone)]
pub struct Embedded(pub Simulator);

impl Transport for Embedded {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let kind = match self.0.handle(request).await {
            SimulatedAnswer::Response(response) => return Ok(response),
            SimulatedAnswer::Refused => TransportErrorKind::Connect,
            SimulatedAnswer::Truncated(_) | SimulatedAnswer::Dropped => TransportErrorKind::Broken,
        };
        Err(TransportError { kind, source: None })
    }
}
