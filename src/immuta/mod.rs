//! The client of Immuta's integrations API, in two halves: `client` sends calls to a
//! tenant, whatever they are about, and `integrations` knows what they say. A dry run
//! is handed a reader and nothing that could write.
//!
//! Two invariants. A read that failed is an error, never an empty answer. Every
//! error of a write says whether it may have had an [`Effect`].

mod client;
mod integrations;

pub use crate::net::{
    HttpSettings, HttpSetupError, HttpTransport, ServerUrl as TenantUrl,
    ServerUrlError as TenantUrlError, TransportError, TransportErrorKind,
};
#[cfg(test)]
pub(crate) use client::LONGEST_RETRY_AFTER;
pub use client::{
    ApiError, ApiKey, ApiKeyError, Credentials, Effect, KnownSecrets, Rejection, RequestBody,
    RetryPolicy, Transport,
};
pub use integrations::{
    Accepted, Nesting, RawAnswer, ReadApi, Reader, StatusReport, WriteApi, Writer, encode,
    encode_credentials,
};
