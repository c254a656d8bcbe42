//! The pause before a run that nothing new caused.
//!
//! A trigger carries no data, so that anybody who may send one can have it followed by a
//! run, with its requests to the tenant, as often as he likes. A run that finds the same
//! settings, files and outcome as the run before makes the next one wait, longer each
//! time. Operators have a pause of their own: repeated webhooks do not make them wait.

use std::time::Duration;

use tokio::time::Instant;

use super::{Occasion, RunOutcome};
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
    pub(super) fn of(ran: &RunOutcome, inputs: u64) -> Self {
        Self {
            inputs,
            exit: ran.exit,
            summary: ran.summary.clone(),
        }
    }
}

/// The runs of one kind of trigger that found nothing new.
#[derive(Debug, Clone, Copy, Default)]
struct Fruitless {
    runs: u32,
    /// The end of the last one.
    ended: Option<Instant>,
}

impl Fruitless {
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
    triggered: Fruitless,
    asked: Fruitless,
}

impl Throttle {
    /// A run has ended that was made on this occasion.
    pub(super) fn ended(
        &mut self,
        occasion: Occasion,
        finding: RunFinding,
        begun: Instant,
        now: Instant,
    ) {
        let is_new = self.last.as_ref() != Some(&finding);
        self.last = Some(finding);
        if is_new {
            self.triggered = Fruitless::default();
            self.asked = Fruitless::default();
            return;
        }
        match occasion {
            Occasion::Due | Occasion::New => {}
            Occasion::Triggered => self.triggered.add(begun, now),
            Occasion::Asked => self.asked.add(begun, now),
        }
    }

    /// When the run for a trigger of this kind may begin.
    pub(super) fn due(&self, occasion: Occasion, now: Instant) -> Instant {
        match occasion {
            Occasion::Due | Occasion::New => now,
            Occasion::Triggered => self.triggered.due(now),
            Occasion::Asked => self.asked.due(now),
        }
    }
}
