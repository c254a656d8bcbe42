//! A simulator of Immuta's integrations API.
//!
//! It keeps integrations, takes writes on, settles them later, refuses what the
//! API refuses, and goes wrong on demand. `sync --simulate` and the tests in
//! paused time call [`Simulator::handle`]; [`serve`] puts the same simulator
//! behind HTTP.
//!
//! Invariants:
//!
//! * It knows the wire only. It imports no other module of this crate: what it
//!   knows of the API comes from its own `openapi.json`, so that the client and
//!   the simulator cannot share a mistake.
//! * Its state depends on the requests and the time alone. Time is
//!   [`tokio::time::Instant`], and nothing runs in the background.
//! * It never shows a stored secret over the API. Its log and its control
//!   routes (`/_simulator/…`) show everything and ask for no credentials:
//!   it is for made-up secrets, on loopback.
//!
//! A request goes through `mod` (log, faults, delays), `route`, `auth`, then
//! `api`, which asks `check` what to refuse, changes `store` and answers
//! with `view`.

mod answer;
mod api;
mod auth;
mod check;
mod connections;
mod control;
mod fault;
mod invented;
mod log;
mod options;
mod preset;
mod profile;
mod route;
mod schema;
mod serve;
mod status;
mod store;
#[cfg(test)]
mod tests;
mod tree;
mod view;

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Request, Response};
use serde_json::Value;

pub use answer::SimulatedAnswer;
pub use connections::SimulatedConnection;
pub use control::{ControlError, Seed, SimulatedDrift};
pub use fault::{Breakage, FailedTest, Fault, FaultKind, RetryAfter};
pub use log::LoggedRequest;
pub use options::{
    API_KEY, ConnectionsApi, DETAIL, Ids, POWERLESS_API_KEY, PresentedAttribute, ScriptForm,
    SimulatorOptions, StoredSecrets, VOLATILE,
};
pub use preset::Preset;
pub use profile::{
    JsonKind, PROFILE_VERSION, ProfileError, ProfiledAttribute, ProfiledConnections,
    ProfiledDefaults, ProfiledType, SecretForm, TenantProfile, UnusableResponse,
};
pub use serve::{MAX_BODY, serve};
pub use status::SimulatedStatus;

use answer::{ErrorReply, Reply};
use api::ApiRequest;
use fault::{Decider, RequestFaults};
use route::Route;

/// A simulated tenant. Clones share it.
#[derive(Clone)]
pub struct Simulator {
    shared: Arc<Shared>,
}

struct Shared {
    /// Options that a reset restores.
    first_options: SimulatorOptions,
    state: Mutex<State>,
}

struct State {
    options: SimulatorOptions,
    store: store::Store,
    tokens: auth::Tokens,
    faults: Vec<Fault>,
    connections: Vec<SimulatedConnection>,
    log: log::RequestLog,
    /// Number of answers that have shown integrations.
    reads: u64,
}

impl State {
    fn new(options: SimulatorOptions) -> Self {
        Self {
            options,
            store: store::Store::new(),
            tokens: auth::Tokens::default(),
            faults: Vec::new(),
            connections: Vec::new(),
            log: log::RequestLog::default(),
            reads: 0,
        }
    }
}

impl Default for Simulator {
    fn default() -> Self {
        Self::new(SimulatorOptions::default())
    }
}

impl std::fmt::Debug for Simulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Simulator")
    }
}

impl Simulator {
    /// An empty tenant.
    #[must_use]
    pub fn new(options: SimulatorOptions) -> Self {
        let state = Mutex::new(State::new(options.clone()));
        Self {
            shared: Arc::new(Shared {
                first_options: options,
                state,
            }),
        }
    }

    /// Answers a request, of the API or to the control routes. The request
    /// arrives, and meets its faults, at the call: the future is the wait for
    /// the answer.
    pub fn handle(
        &self,
        request: Request<Bytes>,
    ) -> impl Future<Output = SimulatedAnswer> + Send + 'static {
        let arrival = self.arrive(request);
        let simulator = self.clone();
        async move {
            match arrival {
                Arrival::Answered(response) => SimulatedAnswer::Response(response),
                Arrival::Underway(exchange) => simulator.finish(*exchange).await,
            }
        }
    }

    fn arrive(&self, request: Request<Bytes>) -> Arrival {
        let (head, body) = request.into_parts();
        let path = head.uri.path();
        if let Some(control) = path.strip_prefix(control::PREFIX) {
            return Arrival::Answered(control::answer(self, &head.method, control, &body));
        }
        let route = Route::parse(&head.method, path);
        let json: Option<Value> = serde_json::from_slice(&body).ok();
        let mut state = self.lock();
        let whole = head
            .uri
            .path_and_query()
            .map_or(path, |whole| whole.as_str());
        let as_text = || (!body.is_empty()).then(|| String::from_utf8_lossy(&body).into());
        let logged = json.clone().or_else(as_text);
        let method = head.method.to_string();
        let sequence = state.log.receive(method, whole.to_owned(), logged);
        let plan = RequestFaults::take(&mut state.faults, &head.method, path, route.as_ref());
        let authorization = head.headers.get(AUTHORIZATION);
        let call = ApiRequest {
            route,
            authorization: authorization
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned),
            json,
            body,
        };
        Arrival::Underway(Box::new(Exchange {
            sequence,
            plan,
            call,
        }))
    }

    async fn finish(self, exchange: Exchange) -> SimulatedAnswer {
        if exchange.plan.delay.is_zero() {
            return self.act(exchange).await;
        }
        // A server goes on with a request whose caller has given up.
        let late = async move {
            tokio::time::sleep(exchange.plan.delay).await;
            self.act(exchange).await
        };
        tokio::spawn(late).await.unwrap_or(SimulatedAnswer::Dropped)
    }

    async fn act(self, exchange: Exchange) -> SimulatedAnswer {
        let Exchange {
            sequence,
            plan,
            call,
        } = exchange;
        let answer = self.decide(sequence, &plan, &call);
        wait(plan.delay_after).await;
        self.lock()
            .log
            .update(sequence, |entry| entry.answer = answer.code());
        answer
    }

    /// The effect, at one moment.
    fn decide(&self, sequence: u64, plan: &RequestFaults, call: &ApiRequest) -> SimulatedAnswer {
        let mut state = self.lock();
        if plan.expire_tokens {
            state.tokens.expire();
        }
        let (refuse, after) = match &plan.decider {
            Some(Decider::Before(cut)) => return SimulatedAnswer::cut(cut, Response::default()),
            Some(Decider::Refuse(refuse)) => (Some(refuse), None),
            Some(Decider::After(cut)) => (None, Some(cut)),
            None => (None, None),
        };
        let reply = api::perform(&mut state, call, &plan.twists, refuse);
        let effect = reply.as_ref().is_ok_and(|reply| reply.effect);
        state.log.update(sequence, |entry| entry.effect = effect);
        let response = reply.map_or_else(ErrorReply::into_response, Reply::into_response);
        match after {
            Some(cut) => SimulatedAnswer::cut(cut, response),
            None => SimulatedAnswer::Response(response),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is changed by single assignments: a panic elsewhere does not spoil it.
        let state = self.shared.state.lock();
        state.unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that has arrived.
enum Arrival {
    Answered(Response<Bytes>),
    Underway(Box<Exchange>),
}

struct Exchange {
    sequence: u64,
    plan: RequestFaults,
    call: ApiRequest,
}

async fn wait(duration: Duration) {
    if !duration.is_zero() {
        tokio::time::sleep(duration).await;
    }
}
