//! Status of the daemon, as one published value.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::view::{FileMistake, RenderedPlan};
use super::{Disposition, RunOutcome, RunView};
use crate::reason::Reason;

/// Status of the daemon, and the end of the last run.
#[derive(Debug, Clone, Default)]
pub struct DaemonStatus {
    /// The current phase.
    pub phase: DaemonPhase,
    /// End time of the last run; `None` before the first.
    pub last: Option<RunOutcome>,
    /// Time of that end.
    pub at: Option<Timestamp>,
    /// Last time that a run ended with everything in sync.
    pub succeeded: Option<Timestamp>,
    /// State read by the last run, or by an earlier one if the last could not read the files and
    /// the tenant.
    pub view: Option<Arc<RunView>>,
    /// The last plan that was carried out.
    pub changed: Option<Arc<RenderedPlan>>,
    /// Time of the next run, unless something triggers it earlier; `None` while one is under way.
    pub next: Option<Timestamp>,
    /// The command of a client that is under way.
    pub command: Option<ClientCommand>,
    /// Number of runs.
    pub runs: u64,
    /// Settings that were read since and are refused: those of before go on.
    pub rejected_settings: Option<Arc<RejectedSettings>>,
}

/// A command that the daemon carries out for a client, between two runs.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ClientCommand {
    /// The command, such as `sync`.
    pub name: String,
    /// Time at which it began.
    pub since: Timestamp,
}

/// Settings that were read while the daemon runs and that it does not take.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct RejectedSettings {
    /// Time at which they were read.
    pub at: Timestamp,
    /// The cause, in a line.
    pub why: String,
    /// The remedy.
    pub help: String,
    /// The mistakes in the settings file.
    pub mistakes: Vec<FileMistake>,
}

/// Phase of the daemon. The words are those of kstatus.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DaemonPhase {
    /// It has not begun.
    #[default]
    Starting,
    /// A run is under way.
    Reconciling,
    /// It waits; the tenant equals the files.
    Ready,
    /// It waits; what differs is suspended.
    Suspended,
    /// It waits for a new revision or an operator.
    Stalled(Reason),
    /// It waits for so long, and tries again.
    Retrying(Duration),
}

impl DaemonPhase {
    /// The word for it: of a closed set.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Starting | Self::Reconciling | Self::Retrying(_) => "Reconciling",
            Self::Ready | Self::Suspended => "Ready",
            Self::Stalled(_) => "Stalled",
        }
    }

    /// Reason for the phase, in CamelCase, if there is one.
    #[must_use]
    pub fn reason(self) -> Option<Reason> {
        match self {
            Self::Starting => Some(Reason::Starting),
            Self::Suspended => Some(Reason::Suspended),
            Self::Retrying(_) => Some(Reason::ProgressingWithRetry),
            Self::Stalled(reason) => Some(reason),
            Self::Reconciling | Self::Ready => None,
        }
    }
}

impl DaemonStatus {
    /// A run begins.
    pub(super) fn begin(&mut self) {
        self.phase = DaemonPhase::Reconciling;
        self.next = None;
    }

    /// A run has ended, and the next is due after this pause.
    pub(super) fn end(&mut self, outcome: RunOutcome, pause: Duration) {
        let now = Timestamp::now();
        self.phase = match outcome.disposition {
            Disposition::InSync => DaemonPhase::Ready,
            Disposition::Suspended => DaemonPhase::Suspended,
            Disposition::Stalled(reason) => DaemonPhase::Stalled(reason),
            Disposition::Retry(_) | Disposition::Transient => DaemonPhase::Retrying(pause),
        };
        if outcome.disposition == Disposition::InSync {
            self.succeeded = Some(now);
        }
        if let Some(view) = &outcome.view {
            self.view = Some(Arc::clone(view));
            if view.plan.applied {
                self.changed = Some(Arc::clone(&view.plan));
            }
        }
        self.last = Some(outcome);
        self.at = Some(now);
        self.next = now.checked_add(pause).ok();
        self.runs += 1;
    }

    /// One readable line.
    #[must_use]
    pub fn line(&self) -> String {
        let last = self.last.as_ref().map_or("", |outcome| &outcome.summary);
        let mut line = self.phase.word().to_owned();
        if let Some(reason) = self.phase.reason() {
            line += &format!(" ({reason})");
        }
        match self.phase {
            DaemonPhase::Starting | DaemonPhase::Reconciling => {}
            DaemonPhase::Ready | DaemonPhase::Suspended | DaemonPhase::Stalled(_) => {
                line += &format!(": {last}");
            }
            DaemonPhase::Retrying(pause) => {
                line += &format!(", retrying in {} s: {last}", pause.as_secs().max(1));
            }
        }
        if self.rejected_settings.is_some() {
            line += "; the new settings are invalid, so the previous ones stay in effect";
        }
        line
    }
}
