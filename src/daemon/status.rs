//! What the daemon is doing, as one published value.

use std::time::Duration;

use jiff::Timestamp;

use super::{Disposition, Ran};

/// What the daemon is doing, and how the last run ended.
#[derive(Debug, Clone, Default)]
pub struct Status {
    /// What it is doing now.
    pub phase: Phase,
    /// How the last run ended; `None` before the first.
    pub last: Option<Ran>,
    /// When that was.
    pub at: Option<Timestamp>,
    /// How many runs there were.
    pub runs: u64,
}

/// What the daemon is doing. The words are those of kstatus.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Phase {
    /// It has not begun.
    #[default]
    Starting,
    /// A run is under way.
    Reconciling,
    /// It waits; the tenant equals the files.
    Ready,
    /// It waits for a new revision or a human.
    Stalled(&'static str),
    /// It waits for so long, and tries again.
    Retrying(Duration),
}

impl Status {
    /// A run begins.
    pub(super) fn begin(&mut self) {
        self.phase = Phase::Reconciling;
    }

    /// A run has ended, and the next is due after this pause.
    pub(super) fn end(&mut self, ran: Ran, pause: Duration) {
        self.phase = match ran.disposition {
            Disposition::InSync => Phase::Ready,
            Disposition::Stalled(reason) => Phase::Stalled(reason),
            Disposition::Transient => Phase::Retrying(pause),
        };
        self.last = Some(ran);
        self.at = Some(Timestamp::now());
        self.runs += 1;
    }

    /// One readable line.
    #[must_use]
    pub fn line(&self) -> String {
        let last = self.last.as_ref().map_or("", |ran| &ran.summary);
        match self.phase {
            Phase::Starting => "Starting".to_owned(),
            Phase::Reconciling => "Reconciling".to_owned(),
            Phase::Ready => format!("Ready: {last}"),
            Phase::Stalled(reason) => format!("Stalled ({reason}): {last}"),
            Phase::Retrying(pause) => {
                format!("Retrying in {} s: {last}", pause.as_secs().max(1))
            }
        }
    }
}
