//! The history of a run, recorded while it goes on.
//!
//! An apply reports what happens to a [`RecordingObserver`], which does not wait for the store;
//! a [`RunRecorder`] records the actions at the same time, in their order. No action fails
//! for it: what the history lacks is in the records.

use tokio::sync::mpsc;

use super::{Request, Shell};
use crate::apply::{Clock, Event, Observer, Outcome, in_a_line};
use crate::ledger::history::{RunAction, RunEnd, RunId, RunStart};
use crate::ledger::{LedgerStore, StoreError};
use crate::text::chain;

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
