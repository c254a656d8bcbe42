//! Carries out an approved plan.
//!
//! Takes nothing but [`Approved`], decides nothing about what is to be done, and gives one
//! [`Outcome`] for each action: a failure never stops the others. Before every write its
//! precondition is checked again. A write whose response was lost is settled by reading the
//! tenant, never by sending the write again.

mod clock;
mod create;
mod delete;
mod fresh;
mod outcome;
mod record;
mod stop;
mod update;
mod wait;

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use tokio::time::Instant;
use tracing::Instrument;

pub use clock::Clock;
pub use outcome::{ActionFailure, Outcome, Success, Verb, in_a_line};
pub use stop::{DRAIN, Stop};

use crate::immuta::{Nesting, RequestBody, WriteApi, encode};
use crate::ledger::LedgerStore;
use crate::live::{FailingTest, IntegrationStatus, RemoteId};
use crate::manifest::Bindings;
use crate::plan::{Action, Approved, Body, Creation, Deletion, Operation};
use crate::secret::{Scrubber, Secret, Secrets};
use crate::text::{chain, escaped};
use fresh::FreshList;
use stop::Drain;

/// Options of an apply.
#[derive(Debug, Clone, Copy)]
pub struct ApplyOptions {
    /// Maximum number of concurrent writes.
    pub parallelism: usize,
    /// Time to wait for the status of a write to settle.
    pub wait_timeout: Duration,
    /// Clock for the times at which a write starts and is confirmed.
    pub clock: Clock,
    /// Position of the credentials in the body of a delete.
    pub delete_credentials: Nesting,
}

impl Default for ApplyOptions {
    /// The defaults of the command line.
    fn default() -> Self {
        Self {
            parallelism: 4,
            wait_timeout: Duration::from_secs(600),
            clock: Clock::SYSTEM,
            delete_credentials: Nesting::default(),
        }
    }
}

/// Something that happened on the way.
#[derive(Debug)]
pub enum Event<'a> {
    /// A write is about to be sent.
    Started {
        /// The integration.
        name: &'a str,
        /// The kind of write.
        verb: Verb,
    },
    /// The server reported a status.
    Status {
        /// The integration.
        name: &'a str,
        /// The status.
        status: &'a IntegrationStatus,
    },
    /// An action is done, well or not.
    Finished(&'a Outcome),
}

/// Observer of the events of an apply.
pub trait Observer: Sync {
    /// Receives every event; events of one integration arrive in order.
    fn event(&self, event: &Event<'_>);
}

/// Context of every action.
struct Run<'a, W> {
    api: &'a W,
    secrets: &'a Secrets,
    /// Allowed destinations of the secrets.
    bindings: &'a Bindings,
    store: &'a dyn LedgerStore,
    options: ApplyOptions,
    observer: &'a dyn Observer,
    drain: Drain,
    fresh: FreshList<'a, W>,
    /// Names of the actions whose write has started: before it, an action can be aborted at once.
    under_way: Mutex<HashSet<String>>,
}

/// End of one write: the id, if it is known, and the result.
type Ended = (Option<RemoteId>, Result<Success, ActionFailure>);

/// Carries out every write of the plan, and returns when the last
/// one has settled, failed or run out of time. Outcomes are in the order of the plan.
pub async fn apply<W: WriteApi>(
    api: &W,
    approved: &Approved,
    secrets: &Secrets,
    store: &dyn LedgerStore,
    options: ApplyOptions,
    observer: &(dyn Observer + Sync),
    stop: &Stop,
) -> Vec<Outcome> {
    let run = Run {
        api,
        secrets,
        bindings: &approved.plan().bindings,
        store,
        options,
        observer,
        drain: Drain::of(stop),
        fresh: FreshList::new(api),
        under_way: Mutex::default(),
    };
    let work = approved
        .plan()
        .actions
        .iter()
        .filter_map(|action| Some((action, verb(action)?)));
    let mut outcomes: Vec<Outcome> = futures::stream::iter(work)
        .map(|(action, verb)| run.action(action, verb))
        .buffer_unordered(options.parallelism.max(1))
        .collect()
        .await;
    outcomes.sort_by(|a, b| a.name.cmp(&b.name));
    outcomes
}

fn verb(action: &Action) -> Option<Verb> {
    match action.kind {
        Operation::Create(_) => Some(Verb::Create),
        Operation::Update { .. } => Some(Verb::Update),
        Operation::Delete(_) => Some(Verb::Delete),
        Operation::Replace { .. } => Some(Verb::Replace),
        Operation::Unchanged { .. }
        | Operation::Withheld { .. }
        | Operation::Suspended { .. }
        | Operation::Blocked(_) => None,
    }
}

/// Logs the outcome of an action; the report shows failures as well.
fn log(outcome: &Outcome) {
    let duration_ms = u64::try_from(outcome.took.as_millis()).unwrap_or(u64::MAX);
    match &outcome.result {
        Ok(success) => {
            let status = escaped(success.status.as_str());
            tracing::info!(status = &*status, duration_ms, "action succeeded");
        }
        Err(failure) => {
            let error = chain(failure);
            let error = &*escaped(&error);
            if failure.is_unfinished() {
                tracing::info!(error, duration_ms, "action did not finish");
            } else {
                tracing::info!(error, duration_ms, "action failed");
            }
        }
    }
}

/// Drift that the action has put right, by its attributes.
fn log_repair(action: &Action, outcome: &Outcome) {
    let (Operation::Update { changes, .. } | Operation::Replace { changes, .. }) = &action.kind
    else {
        return;
    };
    let drifted = changes.iter().filter(|change| change.is_drift());
    let paths: Vec<&str> = drifted.map(|change| change.path.as_str()).collect();
    if outcome.result.is_ok() && !paths.is_empty() {
        let attributes = paths.join(", ");
        let attributes = &*escaped(&attributes);
        tracing::info!(attributes, "repaired drift");
    }
}

impl<W: WriteApi> Run<'_, W> {
    async fn action(&self, action: &Action, verb: Verb) -> Outcome {
        // At the level of errors, so that whatever is logged inside has these fields.
        let span = tracing::error_span!(
            "action",
            integration = action.name,
            platform = action.platform.map(|platform| platform.wire),
            action = verb.as_str(),
        );
        self.timed(action, verb).instrument(span).await
    }

    async fn timed(&self, action: &Action, verb: Verb) -> Outcome {
        let begun = Instant::now();
        let (id, result) = if self.drain.has_begun() {
            (None, Err(ActionFailure::NotStarted))
        } else {
            tracing::info!("starting the action");
            self.observer.event(&Event::Started {
                name: &action.name,
                verb,
            });
            self.carry_out(action).await
        };
        let outcome = Outcome {
            name: action.name.clone(),
            verb,
            id,
            result,
            took: begun.elapsed(),
        };
        log(&outcome);
        log_repair(action, &outcome);
        self.observer.event(&Event::Finished(&outcome));
        outcome
    }

    async fn carry_out(&self, action: &Action) -> Ended {
        match &action.kind {
            Operation::Create(creation) => self.create_unless_stopped(&action.name, creation).await,
            Operation::Update {
                id,
                body,
                state,
                precondition,
                ..
            } => {
                let intent = record::to_update(body.platform, state, id, self.now());
                let update = self.update(&action.name, id, precondition, &intent);
                let ended = self.unless_stopped(&action.name, update).await;
                (Some(id.clone()), ended.flatten())
            }
            Operation::Delete(deletion) => {
                let delete = self.delete(&action.name, deletion);
                let ended = self.unless_stopped(&action.name, delete).await;
                (Some(deletion.id.clone()), ended.flatten())
            }
            Operation::Replace {
                deletion, creation, ..
            } => self.replace(&action.name, deletion, creation).await,
            Operation::Unchanged { .. }
            | Operation::Withheld { .. }
            | Operation::Suspended { .. }
            | Operation::Blocked(_) => (None, Err(ActionFailure::NotStarted)),
        }
    }

    /// Does this part of an action, unless the stop comes. Before the first write of the
    /// action it is left at once, and then when the time is over, also without an answer:
    /// the intent is in the ledger, and the next run finds out what became of it.
    async fn unless_stopped<T>(
        &self,
        name: &str,
        work: impl Future<Output = T>,
    ) -> Result<T, ActionFailure> {
        let left = async {
            self.drain.begins().await;
            if !self.is_under_way(name) {
                return ActionFailure::NotStarted;
            }
            self.drain.is_over().await;
            ActionFailure::Interrupted { status: None }
        };
        tokio::select! {
            biased;
            done = work => Ok(done),
            failure = left => Err(failure),
        }
    }

    /// True if a write of this action has started.
    fn is_under_way(&self, name: &str) -> bool {
        self.under_way().contains(name)
    }

    fn under_way(&self) -> MutexGuard<'_, HashSet<String>> {
        let under_way = self.under_way.lock();
        under_way.unwrap_or_else(PoisonError::into_inner)
    }

    async fn create_unless_stopped(&self, name: &str, creation: &Creation) -> Ended {
        let create = self.create(name, creation);
        let ended = self.unless_stopped(name, create).await;
        ended.unwrap_or_else(|failure| (None, Err(failure)))
    }

    /// Obstacles to the create are found before the delete, as far as possible. A stop between the
    /// two does not separate them.
    async fn replace(&self, name: &str, deletion: &Deletion, creation: &Creation) -> Ended {
        let id = deletion.id.clone();
        let delete = async {
            self.ready_to_create(creation).await?;
            self.delete(name, deletion).await
        };
        let deleted = self.unless_stopped(name, delete).await;
        if let Err(failure) = deleted.flatten() {
            return (Some(id), Err(failure));
        }
        let (made, created) = self.create_unless_stopped(name, creation).await;
        let not_recreated = |failure| ActionFailure::NotRecreated {
            id,
            failure: Box::new(failure),
        };
        (made, created.map_err(not_recreated))
    }

    /// The request with its secrets in clear. No other way leads there, and each secret
    /// may go where this body leads.
    fn encode(&self, body: &Body) -> Result<RequestBody, ActionFailure> {
        body.admit(self.bindings).map_err(ActionFailure::Unbound)?;
        encode(
            body.platform,
            body.auto_bootstrap,
            &body.config,
            |reference| self.secrets.get(reference),
        )
        .map_err(|missing| ActionFailure::MissingSecret(missing.to_string()))
    }

    /// Follows a write until it settles. What the server then says about it may
    /// repeat the secrets of the request, so it is scrubbed of them.
    async fn follow(
        &self,
        name: &str,
        id: &RemoteId,
        secrets: &[Secret],
    ) -> Result<Success, ActionFailure> {
        let on_status =
            |status: &IntegrationStatus| self.observer.event(&Event::Status { name, status });
        let timeout = self.options.wait_timeout;
        let scrub = |tests: Vec<FailingTest>| {
            let scrubber = Scrubber::new(secrets);
            tests.iter().map(|test| test.scrubbed(&scrubber)).collect()
        };
        match wait::follow(self.api, id, timeout, &self.drain, on_status).await {
            Ok(Success {
                status,
                failing_tests,
            }) => Ok(Success {
                status,
                failing_tests: scrub(failing_tests),
            }),
            Err(ActionFailure::Server {
                status,
                failing_tests,
            }) => Err(ActionFailure::Server {
                status,
                failing_tests: scrub(failing_tests),
            }),
            Err(failure) => Err(failure),
        }
    }
}
