//! The integrations API (API.md sections 3 to 7), and the connections that it shows.
//!
//! [`ReadApi`] and [`WriteApi`] are what the pipeline calls; [`Reader`] and [`Writer`]
//! implement them over the generic client: `wire` and `list` read answers, `encode`
//! writes bodies, `redaction` takes secrets out of what is live.

mod calls;
mod connections;
mod encode;
mod list;
mod raw;
mod redaction;
mod scripts;
mod snippet;
mod wire;

use std::future::Future;

use super::client::{ApiError, RequestBody};
use crate::live::{
    Backing, Connections, FailingTest, IntegrationStatus, Live, LiveIntegration, RemoteId,
};

pub use calls::{Reader, Writer};
pub use encode::{Nesting, encode, encode_credentials};
pub use raw::RawAnswer;

/// The calls that change nothing.
pub trait ReadApi: Send + Sync {
    /// `GET /integrations`.
    fn list(&self) -> impl Future<Output = Result<Live, ApiError>> + Send;

    /// `POST /data/object/search`: the connections of the tenant.
    fn connections(&self) -> impl Future<Output = Result<Connections, ApiError>> + Send;

    /// `GET /data/connection/{key}`: the integration behind a connection.
    fn backing(&self, key: &str) -> impl Future<Output = Result<Backing, ApiError>> + Send;

    /// `GET /integrations/{id}`; `None` only when the server said so in its documented words.
    fn get(
        &self,
        id: &RemoteId,
    ) -> impl Future<Output = Result<Option<LiveIntegration>, ApiError>> + Send;

    /// `GET /integrations/{id}/status`; `None` only when the server said so in its documented words.
    fn status(
        &self,
        id: &RemoteId,
    ) -> impl Future<Output = Result<Option<StatusReport>, ApiError>> + Send;
}

/// The calls that write. None of them is ever repeated after an error whose
/// effect is [`Effect::Unknown`](super::Effect::Unknown).
pub trait WriteApi: ReadApi {
    /// `POST /integrations`.
    fn create(&self, body: &RequestBody)
    -> impl Future<Output = Result<Accepted, ApiError>> + Send;

    /// `PUT /integrations/{id}`.
    fn update(
        &self,
        id: &RemoteId,
        body: &RequestBody,
    ) -> impl Future<Output = Result<Accepted, ApiError>> + Send;

    /// `DELETE /integrations/{id}`, with the credentials that it needs, if any.
    fn delete(
        &self,
        id: &RemoteId,
        credentials: Option<&RequestBody>,
    ) -> impl Future<Output = Result<(), ApiError>> + Send;
}

/// The answer to a write that was taken on: the work goes on after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The id of the integration.
    pub id: RemoteId,
    /// Its status now.
    pub status: IntegrationStatus,
}

/// The answer to a question for the status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusReport {
    /// The status.
    pub status: IntegrationStatus,
    /// The failed validation tests, as far as the response lists them.
    pub failing_tests: Vec<FailingTest>,
}
