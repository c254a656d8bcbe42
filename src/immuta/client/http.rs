//! The transport over a network.

use bytes::{Bytes, BytesMut};
use http::{Request, Response};

use super::{Transport, TransportError};
use crate::net::HttpTransport;

impl Transport for HttpTransport {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        Ok(self.exchange(request).await?.map(BytesMut::freeze))
    }
}
