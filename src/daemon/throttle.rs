//! The pause before a run without a new cause.
//!
//! A trigger carries no data, so any permitted client can trigger runs, with their requests to
//! the tenant, as often as it likes. A run that finds the same settings, files and outcome as
//! the run before delays the next one, longer each time. Operators have a separate pause:
//! repeated webhooks do not delay them.

use std::time::Duration;

use tokio::time::Instant;

use super::{RunOutcome, TriggerReason};
use crate::report::exit::Exit;

/// The first pause: a person who triggers twice hardly notices it.
const FIRST: Duration = Duration::from_secs(1);

/// The longest. Two runs a minute are no burden for a tenant.
const LONGEST: Duration = Duration::from_secs(30);

/// The time without such a run after which the pauses begin anew.
const QUIET: Duration = Duration::from_secs(60);

/// Findings of a run: an equal finding is nothing new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RunFinding {
    inputs: u64,
    exit: Exit,
    summary: String,
}

impl RunFinding {
    /// Of a run with these inputs.
    pub(super) fn of(outcome: &RunOutcome, inputs: u64) -> Self {
        Self {
            inputs,
            exit: outcome.exit,
            summary: outcome.summary.clone(),
        }
    }
}

/// The runs of one kind of trigger that found nothing new.
#[derive(Debug, Clone, Copy, Default)]
struct UnchangedRuns {
    runs: u32,
    /// The end of the last one.
    ended: Option<Instant>,
}

impl UnchangedRuns {
    fn due(self, now: Instant) -> Instant {
        let Some(ended) = self.ended else {
            return now;
        };
        let doubled = self.runs.checked_sub(1).map(|n| 2_u32.saturating_pow(n));
        let pause = doubled.map_or(Duration::ZERO, |n| FIRST.saturating_mul(n));
        (ended + pause.min(LONGEST)).max(now)
    }

    /// Counts one more, unless it has been quiet for long.
    fn add(&mut self, begun: Instant, now: Instant) {
        let was_quiet = self.ended.is_none_or(|ended| begun >= ended + QUIET);
        self.runs = if was_quiet {
            1
        } else {
            self.runs.saturating_add(1)
        };
        self.ended = Some(now);
    }
}

/// Says when the run for a trigger may begin.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    last: Option<RunFinding>,
    triggered: UnchangedRuns,
    asked: UnchangedRuns,
}

impl Throttle {
    /// A run has ended that had this reason.
    pub(super) fn ended(
        &mut self,
        reason: TriggerReason,
        finding: RunFinding,
        begun: Instant,
        now: Instant,
    ) {
        let is_new = self.last.as_ref() != Some(&finding);
        self.last = Some(finding);
        if is_new {
            self.triggered = UnchangedRuns::default();
            self.asked = UnchangedRuns::default();
            return;
        }
        match reason {
            TriggerReason::Interval | TriggerReason::SourceChanged => {}
            TriggerReason::Triggered => self.triggered.add(begun, now),
            TriggerReason::Manual => self.asked.add(begun, now),
        }
    }

    /// Earliest start of the run for a trigger of this kind.
    pub(super) fn due(&self, reason: TriggerReason, now: Instant) -> Instant {
        match reason {
            TriggerReason::Interval | TriggerReason::SourceChanged => now,
            TriggerReason::Triggered => self.triggered.due(now),
            TriggerReason::Manual => self.asked.due(now),
        }
    }
}
