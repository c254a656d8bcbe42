//! The history of a run, written down while it goes on.

use super::{Request, Shell};
use crate::apply::{Clock, Event, Observer, Outcome, in_a_line};
use crate::ledger::history::{RunAction, RunEnd, RunId, RunStart};
use crate::ledger::{Journal, JournalError};
use crate::text::chain;

/// Writes the history of a run down while it goes on. An action does not fail for
/// it: what the history lacks is in the records.
pub(super) struct Chronicle<'a, S> {
    journal: &'a dyn Journal,
    run: Option<RunId>,
    clock: Clock,
    shell: &'a S,
}

impl<'a, S: Shell> Chronicle<'a, S> {
    pub(super) fn begin(journal: &'a dyn Journal, request: &Request, shell: &'a S) -> Self {
        let clock = request.apply.clock;
        let start = RunStart {
            begun: clock.now(),
            source: request.source.clone(),
            revision: request.revision.clone(),
        };
        let run = heeded(journal.run_begins(&start));
        Self {
            journal,
            run,
            clock,
            shell,
        }
    }

    pub(super) fn end(self, outcomes: &[Outcome]) {
        let end = RunEnd {
            ended: self.clock.now(),
            outcome: in_a_line(outcomes),
        };
        heeded(
            self.run
                .map_or(Ok(()), |run| self.journal.run_ends(run, &end)),
        );
    }
}

impl<S: Shell> Observer for Chronicle<'_, S> {
    fn event(&self, event: &Event<'_>) {
        if let (Event::Finished(outcome), Some(run)) = (event, self.run) {
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
            heeded(self.journal.action_ends(run, &action));
        }
        self.shell.event(event);
    }
}

/// The revision of the files was carried out, whether or not there was anything to do.
pub(super) fn carried_out(journal: &dyn Journal, request: &Request) {
    if let Some(revision) = &request.revision {
        heeded(journal.carried_out(revision));
    }
}

/// What was written down, or nothing and a line in the log.
fn heeded<T>(written: Result<T, JournalError>) -> Option<T> {
    written
        .inspect_err(|error| tracing::warn!(error = chain(error), "the history has a gap"))
        .ok()
}
