//! History of runs and their actions, for people. No decision depends on it.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value as Json;

use crate::live::RemoteId;

/// Number of runs that are kept: with a change every quarter of an hour, ten days.
pub const KEPT_RUNS: u32 = 1000;

/// A run that was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunId(pub(super) i64);

/// Start of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunStart {
    /// Start time.
    pub begun: Timestamp,
    /// Source of the files.
    pub source: String,
    /// Their revision, if they have one.
    pub revision: Option<String>,
}

/// End of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunEnd {
    /// End time.
    pub ended: Timestamp,
    /// In a word or a line; nothing secret.
    pub outcome: String,
}

/// An action of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunAction {
    /// The integration.
    pub name: String,
    /// Kind of the write, such as `create`.
    #[serde(rename = "action")]
    pub verb: String,
    /// Its id, if it had one.
    pub id: Option<RemoteId>,
    /// True if it succeeded.
    pub succeeded: bool,
    /// Its outcome, in a line; nothing secret.
    pub what: String,
    /// Time of the action.
    pub at: Timestamp,
}

/// A past run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// Its start.
    pub start: RunStart,
    /// Its end; `None` while it is running, or if it was cut off.
    pub end: Option<RunEnd>,
    /// Its actions, in order.
    pub actions: Vec<RunAction>,
}

/// The last that was seen of an integration that this tool deleted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Deleted {
    /// Its name.
    pub name: String,
    /// The value of `type`.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Its id on the server.
    pub id: RemoteId,
    /// The harmless part of its configuration.
    pub config: Json,
    /// Start of its deletion.
    pub at: Timestamp,
}

/// Past runs and deletions.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    /// The latest runs, newest first.
    pub runs: Vec<Run>,
    /// Deleted integrations, newest first, without a time limit.
    pub deleted: Vec<Deleted>,
}

impl History {
    /// The name of an integration that a deletion or a run has under this name or id.
    #[must_use]
    pub fn last_name(&self, name_or_id: &str) -> Option<&str> {
        let deleted = self.deleted.iter().map(|it| (&it.name, Some(&it.id)));
        let actions = self.runs.iter().flat_map(|run| run.actions.iter().rev());
        let actions = actions.map(|it| (&it.name, it.id.as_ref()));
        let all = || deleted.clone().chain(actions.clone());
        let by_name = all().find(|(name, _)| *name == name_or_id);
        let by_id = || all().find(|(_, id)| id.is_some_and(|id| id.as_str() == name_or_id));
        by_name.or_else(by_id).map(|(name, _)| name.as_str())
    }
}

impl RunId {
    /// The run of a journal that keeps no history.
    pub const NONE: Self = Self(0);
}
