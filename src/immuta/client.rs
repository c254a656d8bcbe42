//! The client: the calls of the API over any transport.
//!
//! A [`Reader`] can only read, and is all that a dry run is given. A [`Writer`]
//! is made from a reader by an explicit step, [`Reader::into_writer`].

use std::sync::OnceLock;

use bytes::Bytes;
use http::Method;

use super::auth::{Authenticator, Credentials};
use super::call::{Call, INTEGRATION, INTEGRATIONS, STATUS};
use super::list::read_list;
use super::retry::{Kind, Retries, RetryPolicy};
use super::wire::{read_accepted, read_integration, read_status};
use super::{
    Accepted, ApiError, ReadApi, RequestBody, Scrubber, StatusReport, Transport, WriteApi,
};
use crate::live::{Live, LiveIntegration, RemoteId};
use crate::platform;
use crate::secret::Secret;

/// The calls that change nothing.
pub struct Reader<T> {
    transport: T,
    authenticator: Authenticator,
    policy: RetryPolicy,
    known: Known,
}

/// What is secret in this run. A server may repeat it in the refusal of any call,
/// also of one that sends nothing, such as the question what became of a write.
#[derive(Default)]
struct Known {
    secrets: Vec<Secret>,
    /// Made when it is needed first: most runs meet no refusal.
    scrubber: OnceLock<Scrubber>,
}

impl Known {
    fn scrub(&self, error: ApiError) -> ApiError {
        if self.secrets.is_empty() || error.refusal().is_none() {
            return error;
        }
        let scrubber = self.scrubber.get_or_init(|| Scrubber::new(&self.secrets));
        error.scrubbed(scrubber)
    }
}

/// All calls.
pub struct Writer<T>(Reader<T>);

impl<T: Transport> Reader<T> {
    /// A client that can only read.
    #[must_use]
    pub fn new(transport: T, credentials: Credentials, policy: RetryPolicy) -> Self {
        Self {
            transport,
            authenticator: Authenticator::new(credentials),
            policy,
            known: Known::default(),
        }
    }

    /// The same client, which takes these out of whatever the server refuses with.
    #[must_use]
    pub fn knowing(mut self, secrets: Vec<Secret>) -> Self {
        self.known = Known {
            secrets,
            scrubber: OnceLock::new(),
        };
        self
    }

    /// Makes a client that can write, with the token that this one may hold.
    #[must_use]
    pub fn into_writer(self) -> Writer<T> {
        Writer(self)
    }

    /// Sends a call until it succeeds or must not be sent again.
    async fn run(&self, call: &Call<'_>) -> Result<Bytes, ApiError> {
        let answer = self.repeat(call).await;
        answer.map_err(|error| self.known.scrub(error))
    }

    /// A 401 had no effect, so with a new token anything is sent once more.
    async fn repeat(&self, call: &Call<'_>) -> Result<Bytes, ApiError> {
        let mut retries = Retries::new(&self.policy, call);
        let mut renewed = false;
        loop {
            let authorization = self
                .authenticator
                .authorization(&self.transport, &self.policy)
                .await?;
            let error = match call.send(&self.transport, Some(&authorization)).await {
                Ok(body) => return Ok(body),
                Err(error) => error,
            };
            let refused = error.refusal().is_some_and(|refusal| refusal.code == 401);
            if refused && !renewed && self.authenticator.forget(&authorization).await {
                renewed = true;
            } else {
                retries.pause(error).await?;
            }
        }
    }

    /// Like [`Self::run`], with `None` when the server says that there is no such integration.
    async fn run_for_one(&self, call: &Call<'_>) -> Result<Option<Bytes>, ApiError> {
        match self.run(call).await {
            Ok(body) => Ok(Some(body)),
            Err(error) if error.says_absent() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl<T: Transport> ReadApi for Reader<T> {
    async fn list(&self) -> Result<Live, ApiError> {
        let call = Call::read(INTEGRATIONS, None);
        let body = self.run(&call).await?;
        read_list(&body, platform::by_wire).map_err(|mistake| call.unreadable(&mistake))
    }

    async fn get(&self, id: &RemoteId) -> Result<Option<LiveIntegration>, ApiError> {
        let call = Call::read(INTEGRATION, Some(id));
        let body = self.run_for_one(&call).await?;
        body.map(|body| read_integration(&body, id, platform::by_wire))
            .transpose()
            .map_err(|mistake| call.unreadable(&mistake))
    }

    async fn status(&self, id: &RemoteId) -> Result<Option<StatusReport>, ApiError> {
        let call = Call::read(STATUS, Some(id));
        let body = self.run_for_one(&call).await?;
        body.map(|body| read_status(&body, id))
            .transpose()
            .map_err(|mistake| call.unreadable(&mistake))
    }
}

impl<T: Transport> ReadApi for Writer<T> {
    async fn list(&self) -> Result<Live, ApiError> {
        self.0.list().await
    }

    async fn get(&self, id: &RemoteId) -> Result<Option<LiveIntegration>, ApiError> {
        self.0.get(id).await
    }

    async fn status(&self, id: &RemoteId) -> Result<Option<StatusReport>, ApiError> {
        self.0.status(id).await
    }
}

impl<T: Transport> Writer<T> {
    async fn write(
        &self,
        method: Method,
        template: &'static str,
        id: Option<&RemoteId>,
        body: &RequestBody,
    ) -> Result<Accepted, ApiError> {
        let call = Call::with_body(method, template, id, body, Kind::Write);
        let answer = self.0.run(&call).await?;
        read_accepted(&answer, id).map_err(|mistake| call.unreadable(&mistake))
    }
}

impl<T: Transport> WriteApi for Writer<T> {
    async fn create(&self, body: &RequestBody) -> Result<Accepted, ApiError> {
        self.write(Method::POST, INTEGRATIONS, None, body).await
    }

    async fn update(&self, id: &RemoteId, body: &RequestBody) -> Result<Accepted, ApiError> {
        self.write(Method::PUT, INTEGRATION, Some(id), body).await
    }

    async fn delete(
        &self,
        id: &RemoteId,
        credentials: Option<&RequestBody>,
    ) -> Result<(), ApiError> {
        // What the answer looks like is told by no page: the status is asked for.
        self.0.run(&Call::delete(id, credentials)).await.map(drop)
    }
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
