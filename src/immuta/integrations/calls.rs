//! The integrations API: its calls over the generic client.
//!
//! A [`Reader`] can only read, and is all that a dry run is given. A [`Writer`]
//! is made from a reader by an explicit step, [`Reader::into_writer`].

use http::Method;

use super::list::read_list;
use super::wire::{read_accepted, read_integration, read_status};
use super::{Accepted, ReadApi, StatusReport, WriteApi};
use crate::immuta::client::{
    ApiError, Call, CallKind, Client, Credentials, KnownSecrets, Path, RequestBody, RetryPolicy,
    Transport,
};
use crate::live::{Backing, Connections, Live, LiveIntegration, RemoteId};
use crate::platform;

/// The list of integrations.
pub(super) const INTEGRATIONS: &str = "/integrations";

/// One integration.
pub(super) const INTEGRATION: &str = "/integrations/{id}";

/// The status of one integration.
pub(super) const STATUS: &str = "/integrations/{id}/status";

/// The calls that change nothing.
pub struct Reader<T>(pub(super) Client<T>);

/// All calls.
pub struct Writer<T>(Reader<T>);

impl<T: Transport> Reader<T> {
    /// A client that can only read, and that takes these secrets, and its own, out of
    /// whatever the server says.
    #[must_use]
    pub fn new(
        transport: T,
        credentials: Credentials,
        policy: RetryPolicy,
        known: KnownSecrets,
    ) -> Self {
        Self(Client::new(transport, credentials, policy, known))
    }

    /// Makes a client that can write, with the token that this one may hold.
    #[must_use]
    pub fn into_writer(self) -> Writer<T> {
        Writer(self)
    }
}

impl<T: Transport> ReadApi for Reader<T> {
    async fn list(&self) -> Result<Live, ApiError> {
        let call = Call::read(Path::fixed(INTEGRATIONS));
        let answer = self.0.run(&call).await?;
        let live = read_list(&answer.body, platform::by_wire);
        let live = live.map_err(|mistake| call.unreadable(&mistake))?;
        Ok(self.0.redaction(&answer).live(live))
    }

    async fn connections(&self) -> Result<Connections, ApiError> {
        self.search_connections().await
    }

    async fn backing(&self, key: &str) -> Result<Backing, ApiError> {
        self.read_backing(key).await
    }

    async fn get(&self, id: &RemoteId) -> Result<Option<LiveIntegration>, ApiError> {
        let call = Call::read(Path::naming(INTEGRATION, id.as_str()));
        let Some(answer) = self.0.run_for_one(&call).await? else {
            return Ok(None);
        };
        let found = read_integration(&answer.body, id, platform::by_wire);
        let found = found.and_then(|found| self.0.redaction(&answer).integration(found));
        found.map(Some).map_err(|mistake| call.unreadable(&mistake))
    }

    async fn status(&self, id: &RemoteId) -> Result<Option<StatusReport>, ApiError> {
        let call = Call::read(Path::naming(STATUS, id.as_str()));
        let Some(answer) = self.0.run_for_one(&call).await? else {
            return Ok(None);
        };
        let report = read_status(&answer.body, id);
        let report = report.and_then(|report| self.0.redaction(&answer).report(report));
        report
            .map(Some)
            .map_err(|mistake| call.unreadable(&mistake))
    }
}

impl<T: Transport> ReadApi for Writer<T> {
    async fn list(&self) -> Result<Live, ApiError> {
        self.0.list().await
    }

    async fn connections(&self) -> Result<Connections, ApiError> {
        self.0.connections().await
    }

    async fn backing(&self, key: &str) -> Result<Backing, ApiError> {
        self.0.backing(key).await
    }

    async fn get(&self, id: &RemoteId) -> Result<Option<LiveIntegration>, ApiError> {
        self.0.get(id).await
    }

    async fn status(&self, id: &RemoteId) -> Result<Option<StatusReport>, ApiError> {
        self.0.status(id).await
    }
}

impl<T: Transport> Writer<T> {
    /// The calls that change nothing.
    #[must_use]
    pub fn reader(&self) -> &Reader<T> {
        &self.0
    }

    async fn write(
        &self,
        call: Call<'_>,
        changed: Option<&RemoteId>,
    ) -> Result<Accepted, ApiError> {
        let client = &self.0.0;
        let answer = client.run(&call).await?;
        let accepted = read_accepted(&answer.body, changed);
        let accepted = accepted.and_then(|it| client.redaction(&answer).accepted(it));
        accepted.map_err(|mistake| call.unreadable(&mistake))
    }
}

impl<T: Transport> WriteApi for Writer<T> {
    async fn create(&self, body: &RequestBody) -> Result<Accepted, ApiError> {
        let path = Path::fixed(INTEGRATIONS);
        let call = Call::new(Method::POST, path, Some(body), CallKind::Write);
        self.write(call, None).await
    }

    async fn update(&self, id: &RemoteId, body: &RequestBody) -> Result<Accepted, ApiError> {
        let path = Path::naming(INTEGRATION, id.as_str());
        let call = Call::new(Method::PUT, path, Some(body), CallKind::Write);
        self.write(call, Some(id)).await
    }

    async fn delete(
        &self,
        id: &RemoteId,
        credentials: Option<&RequestBody>,
    ) -> Result<(), ApiError> {
        let path = Path::naming(INTEGRATION, id.as_str());
        let call = Call::new(Method::DELETE, path, credentials, CallKind::Write);
        // The format of the response is undocumented: the status is read instead.
        self.0.0.run(&call).await.map(drop)
    }
}

#[cfg(test)]
#[path = "calls_tests.rs"]
mod tests;
