//! The reason for a run.

use serde::{Serialize, Serializer};

/// The reason for a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RunTrigger {
    /// An operator, or a pipeline, ran a command.
    #[default]
    Command,
    /// The loop of the daemon.
    Daemon(TriggerReason),
}

impl RunTrigger {
    /// The word for it in documents and in the history.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Daemon(reason) => reason.word(),
        }
    }
}

impl Serialize for RunTrigger {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

/// Reason for a run. Of two reasons the greater one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TriggerReason {
    /// It was due.
    Interval,
    /// Something may be new: what failed is tried again, but not what was refused.
    Triggered,
    /// The source is another one than the last run has read.
    SourceChanged,
    /// Manual trigger: everything is retried.
    Manual,
}

impl TriggerReason {
    /// All reasons.
    pub const ALL: [Self; 4] = [
        Self::Interval,
        Self::Triggered,
        Self::SourceChanged,
        Self::Manual,
    ];

    /// The word for it in the log.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Interval => "interval",
            Self::SourceChanged => "source-changed",
            Self::Triggered => "triggered",
            Self::Manual => "manual",
        }
    }
}
