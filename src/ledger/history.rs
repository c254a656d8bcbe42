//! What was done and when: runs and their actions, for people who look back.
//! Nothing is decided from it.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value as Json;

use crate::live::RemoteId;

/// How many runs are kept: with a change each quarter of an hour, ten days.
pub const KEPT_RUNS: u32 = 1000;

/// A run that was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunId(pub(super) i64);

/// How a run begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunStart {
    /// When.
    pub begun: Timestamp,
    /// Where the files came from.
    pub source: String,
    /// Their revision, if they have one.
    pub revision: Option<String>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunEnd {
    /// When.
    pub ended: Timestamp,
    /// In a word or a line; nothing secret.
    pub outcome: String,
}

/// An action of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunAction {
    /// The integration.
    pub name: String,
    /// What was done to it, such as `create`.
    #[serde(rename = "action")]
    pub verb: String,
    /// Its id, if it had one.
    pub id: Option<RemoteId>,
    /// Whether it was done.
    pub succeeded: bool,
    /// What became of it, in a line; nothing secret.
    pub what: String,
    /// When.
    pub at: Timestamp,
}

/// A run, looked back at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// How it began.
    pub start: RunStart,
    /// How it ended; `None` while it goes on, or if it was cut off.
    pub end: Option<RunEnd>,
    /// What it did, in order.
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
    /// What was known to be harmless of its configuration.
    pub config: Json,
    /// When its deletion was begun.
    pub at: Timestamp,
}

/// What there is to look back at.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    /// The latest runs, newest first.
    pub runs: Vec<Run>,
    /// What was deleted, newest first: for ever.
    pub deleted: Vec<Deleted>,
}

impl RunId {
    /// The run of a journal that keeps no history.
    pub const NONE: Self = Self(0);
}
