//! The part of a daemon's status that is about one integration.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value as Json;

use super::integration::time;

/// State of an integration in a running daemon, which alone knows its pauses after failures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DaemonEntry {
    /// The state of its last run.
    pub state: String,
    /// The reason for the state.
    pub reason: Option<String>,
    /// The details, in sentences.
    pub about: Vec<String>,
    /// Time of its next run; `None` while a run is under way.
    pub next_reconcile: Option<Timestamp>,
}

impl DaemonEntry {
    /// The state of this integration in a status document of the daemon, if it manages this tenant.
    #[must_use]
    pub fn of(status: &Json, tenant: &str, name: &str) -> Option<Self> {
        let seen = &status["seen"];
        if seen["tenant"] != tenant {
            return None;
        }
        let mut rows = seen["integrations"].as_array()?.iter();
        let row = rows.find(|row| row["name"] == name)?;
        let text = |value: &Json| value.as_str().map(str::to_owned);
        let about = row["about"].as_array().into_iter().flatten();
        Some(Self {
            state: text(&row["state"])?,
            reason: text(&row["reason"]),
            about: about.filter_map(text).collect(),
            next_reconcile: text(&status["next_reconcile"]).and_then(|at| at.parse().ok()),
        })
    }

    /// In a line, for people.
    pub(super) fn line(&self) -> String {
        let state = match &self.reason {
            Some(reason) => format!("{} ({reason})", self.state),
            None => self.state.clone(),
        };
        match self.next_reconcile {
            Some(at) => format!("{state}; next run at {}", time(at)),
            None => format!("{state}; a run is under way"),
        }
    }
}
