//! The history of a run, recorded while it goes on.
//!
//! An apply reports what happens to a [`RecordingObserver`], which does not wait for the store;
//! a [`RunRecorder`] records the actions at the same time, in their order. No action fails
//! for it: what the history lacks is in the records.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::{Request, Shell};
use crate::apply::{Clock, Event, Observer, Outcome, Verb, in_a_line};
use crate::ledger::history::{RunAction, RunEnd, RunId, RunStart};
use crate::ledger::{IntendedWrite, Intent, LedgerStore, StoreError};
use crate::manifest::Name;
use crate::plan::Settled;
use crate::text::chain;

/// Number of runs among which the run of an interrupted write is searched.
const RECENT_RUNS: u32 = 100;

/// Passes on what an apply reports: to the shell, and to the history.
pub(super) struct RecordingObserver<'a, S> {
    actions: mpsc::UnboundedSender<RunAction>,
    clock: Clock,
    shell: &'a S,
}

/// Records the actions of a run.
pub(super) struct RunRecorder<'a> {
    store: &'a dyn LedgerStore,
    /// Absent if the run could not be recorded.
    run: Option<RunId>,
    clock: Clock,
    actions: mpsc::UnboundedReceiver<RunAction>,
}

/// Begins the history of a run.
pub(super) async fn begin<'a, S: Shell>(
    store: &'a dyn LedgerStore,
    request: &Request,
    shell: &'a S,
) -> (RecordingObserver<'a, S>, RunRecorder<'a>) {
    let clock = request.apply.clock;
    let start = RunStart {
        begun: clock.now(),
        source: request.source.clone(),
        revision: request.revision.clone(),
    };
    let run = log_error(store.begin_run(&start).await);
    let (sender, actions) = mpsc::unbounded_channel();
    let chronicle = RecordingObserver {
        actions: sender,
        clock,
        shell,
    };
    let history = RunRecorder {
        store,
        run,
        clock,
        actions,
    };
    (chronicle, history)
}

impl RunRecorder<'_> {
    /// Records actions until the [`RecordingObserver`] is dropped.
    pub(super) async fn record(mut self) -> Self {
        while let Some(action) = self.actions.recv().await {
            if let Some(run) = self.run {
                log_error(self.store.add_action(run, &action).await);
            }
        }
        self
    }

    /// Ends the history of the run.
    pub(super) async fn end(self, outcomes: &[Outcome]) {
        let end = RunEnd {
            ended: self.clock.now(),
            outcome: in_a_line(outcomes),
        };
        if let Some(run) = self.run {
            log_error(self.store.end_run(run, &end).await);
        }
    }
}

impl<S: Shell> Observer for RecordingObserver<'_, S> {
    fn event(&self, event: &Event<'_>) {
        if let Event::Finished(outcome) = event {
            let what = match &outcome.result {
                Ok(success) => success.status.to_string(),
                Err(failure) => chain(failure),
            };
            let action = RunAction {
                name: outcome.name.clone(),
                verb: outcome.verb.as_str().to_owned(),
                id: outcome.id.clone(),
                succeeded: outcome.result.is_ok(),
                what,
                at: self.clock.now(),
            };
            // The history lives as long as this.
            let _ = self.actions.send(action);
        }
        self.shell.event(event);
    }
}

/// Adds the outcome of writes that were cut short to the run that began them, and ends that run.
pub(super) async fn detected(
    store: &dyn LedgerStore,
    request: &Request,
    intents: &BTreeMap<Name, Intent>,
    settled: &[(Name, Settled)],
) {
    if settled.is_empty() {
        return;
    }
    let Some(history) = log_error(store.history(RECENT_RUNS).await) else {
        return;
    };
    let now = request.apply.clock.now();
    let mut unfinished = BTreeMap::new();
    for (name, settled) in settled {
        let Some(intent) = intents.get(name) else {
            continue;
        };
        let mut runs = history.runs.iter();
        let Some(run) = runs.find(|run| run.start.begun <= intent.at) else {
            continue;
        };
        let action = detected_action(name, intent, settled, now);
        log_error(store.add_action(run.id, &action).await);
        if run.end.is_none() {
            *unfinished.entry(run.id).or_insert(0) += usize::from(action.succeeded);
        }
    }
    for (run, applied) in unfinished {
        let outcome = format!("interrupted; {applied} applied, as a later run detected");
        let ended = now;
        log_error(store.end_run(run, &RunEnd { ended, outcome }).await);
    }
}

fn detected_action(name: &str, intent: &Intent, settled: &Settled, at: Timestamp) -> RunAction {
    let verb = match &intent.write {
        IntendedWrite::Create { .. } => Verb::Create,
        IntendedWrite::Update { .. } => Verb::Update,
        IntendedWrite::Delete { .. } => Verb::Delete,
    };
    let (id, what) = match settled {
        Settled::Confirmed(record) => (Some(record.id.clone()), "took effect"),
        Settled::Gone(id) => (Some(id.clone()), "took effect"),
        Settled::Abandoned => (None, "had no effect"),
    };
    RunAction {
        name: name.to_owned(),
        verb: verb.as_str().to_owned(),
        succeeded: *settled != Settled::Abandoned,
        id,
        what: format!("{what}, as a later run detected"),
        at,
    }
}

/// Records the revision that was carried out, whether or not there was anything to do.
pub(super) async fn carried_out(store: &dyn LedgerStore, request: &Request) {
    if let Some(revision) = &request.revision {
        log_error(store.set_revision(revision).await);
    }
}

/// The result, or nothing and a line in the log.
fn log_error<T>(written: Result<T, StoreError>) -> Option<T> {
    written
        .inspect_err(|error| {
            let error = chain(error);
            tracing::warn!(
                error,
                "cannot write to the ledger: the history is incomplete"
            );
        })
        .ok()
}
