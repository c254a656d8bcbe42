//! The client: the calls of the API over any transport.
//!
//! A [`Reader`] can only read, and is all that a dry run is given. A [`Writer`]
//! is made from a reader by an explicit step, [`Reader::into_writer`].

use bytes::Bytes;
use http::Method;

use super::auth::{Authenticator, Credentials};
use super::call::{Authorization, Call, INTEGRATION, INTEGRATIONS, STATUS};
use super::known::{KnownSecrets, Redaction};
use super::list::read_list;
use super::retry::{Kind, Retries, RetryPolicy};
use super::wire::{read_accepted, read_integration, read_status};
use super::{Accepted, ApiError, ReadApi, RequestBody, StatusReport, Transport, WriteApi};
use crate::live::{Backing, Connections, Live, LiveIntegration, RemoteId};
use crate::platform;

/// The calls that change nothing.
pub struct Reader<T> {
    transport: T,
    authenticator: Authenticator,
    policy: RetryPolicy,
    known: KnownSecrets,
}

/// The answer to a call.
pub(super) struct Answer {
    pub(super) body: Bytes,
    /// The authorization that was sent: a server may repeat it in the answer.
    authorization: Authorization,
}

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
        Self {
            transport,
            known: known.and(credentials.secret().clone()),
            authenticator: Authenticator::new(credentials),
            policy,
        }
    }

    /// Makes a client that can write, with the token that this one may hold.
    #[must_use]
    pub fn into_writer(self) -> Writer<T> {
        Writer(self)
    }

    /// Sends a call until it succeeds or must not be sent again.
    pub(super) async fn run(&self, call: &Call<'_>) -> Result<Answer, ApiError> {
        let answer = self.repeat(call).await;
        // Its own credentials are scrubbed by the call.
        answer.map_err(|error| self.known.with(None).error(error))
    }

    pub(super) fn redaction(&self, answer: &Answer) -> Redaction<'_> {
        self.known.with(Some(&answer.authorization.secret))
    }

    /// A 401 had no effect, and is the answer to an expired token (API.md 2.2): with a new
    /// one anything is sent once more.
    async fn repeat(&self, call: &Call<'_>) -> Result<Answer, ApiError> {
        let mut retries = Retries::new(&self.policy, call);
        let mut renewed = false;
        loop {
            let authorization = self
                .authenticator
                .authorization(&self.transport, &self.policy)
                .await?;
            let error = match call.send(&self.transport, Some(&authorization)).await {
                Ok(body) => {
                    return Ok(Answer {
                        body,
                        authorization,
                    });
                }
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
    async fn run_for_one(&self, call: &Call<'_>) -> Result<Option<Answer>, ApiError> {
        match self.run(call).await {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if error.says_absent() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl<T: Transport> ReadApi for Reader<T> {
    async fn list(&self) -> Result<Live, ApiError> {
        let call = Call::read(INTEGRATIONS, None);
        let answer = self.run(&call).await?;
        let live = read_list(&answer.body, platform::by_wire);
        let live = live.map_err(|mistake| call.unreadable(&mistake))?;
        Ok(self.redaction(&answer).live(live))
    }

    async fn connections(&self) -> Result<Connections, ApiError> {
        self.search_connections().await
    }

    async fn backing(&self, key: &str) -> Result<Backing, ApiError> {
        self.read_backing(key).await
    }

    async fn get(&self, id: &RemoteId) -> Result<Option<LiveIntegration>, ApiError> {
        let call = Call::read(INTEGRATION, Some(id));
        let Some(answer) = self.run_for_one(&call).await? else {
            return Ok(None);
        };
        let found = read_integration(&answer.body, id, platform::by_wire);
        let found = found.and_then(|found| self.redaction(&answer).integration(found));
        found.map(Some).map_err(|mistake| call.unreadable(&mistake))
    }

    async fn status(&self, id: &RemoteId) -> Result<Option<StatusReport>, ApiError> {
        let call = Call::read(STATUS, Some(id));
        let Some(answer) = self.run_for_one(&call).await? else {
            return Ok(None);
        };
        let report = read_status(&answer.body, id);
        let report = report.and_then(|report| self.redaction(&answer).report(report));
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
    async fn write(
        &self,
        method: Method,
        template: &'static str,
        id: Option<&RemoteId>,
        body: &RequestBody,
    ) -> Result<Accepted, ApiError> {
        let call = Call::with_body(method, template, id, body, Kind::Write);
        let answer = self.0.run(&call).await?;
        let accepted = read_accepted(&answer.body, id);
        let accepted = accepted.and_then(|it| self.0.redaction(&answer).accepted(it));
        accepted.map_err(|mistake| call.unreadable(&mistake))
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
