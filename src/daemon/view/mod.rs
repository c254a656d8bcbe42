//! The last state that was read, for display: text, words and numbers.
//!
//! It is made once, at the end of a run ([`build_view`]); the pages and the metrics only read it. It
//! contains nothing that could be a secret: it is made from data that the report shows, too.

mod build;
mod document;
mod readable;
mod row;

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use crate::diagnostic::Diagnostic;
use crate::ledger::Suspensions;
use crate::ledger::history::Run;
use crate::platform::Platform;
use crate::reason::Reason;
use crate::report::Counts;
use crate::report::not_compared::NotCompared;
use crate::report::run::UnmanagedItem;

pub use build::{PriorState, build_view};
pub use document::StatusDocument;
pub use readable::readable;
pub use row::{Row, State};

/// State that a run has read. The document of `/status` says first what is skipped here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RunView {
    /// The tenant's URL.
    #[serde(skip)]
    pub tenant: String,
    /// Source of the files.
    #[serde(skip)]
    pub source: String,
    /// Time of the read.
    #[serde(skip)]
    pub at: Timestamp,
    /// Number of integrations that differed on the server although their files had not changed,
    /// before the run.
    pub drifted: usize,
    /// Stored secrets that were not compared.
    pub secrets_not_compared: Vec<NotCompared>,
    /// Number of suspended integrations, with or without changes.
    pub suspended: usize,
    /// Suspensions by operators.
    pub suspensions: Suspensions,
    /// Planned actions of the run.
    #[serde(rename = "plan")]
    pub counts: Counts,
    /// Every integration that a file describes, or that is to be deleted, by name.
    #[serde(rename = "integrations")]
    pub rows: Vec<Row>,
    /// The plan, and what came of it.
    #[serde(skip)]
    pub plan: Arc<RenderedPlan>,
    /// The mistakes in the files.
    pub mistakes: Vec<FileMistake>,
    /// Unreadable parts of the server's list.
    pub unreadable: Vec<String>,
    /// Live integrations that no file describes.
    pub unmanaged: Vec<UnmanagedItem>,
    /// Recent runs, newest first.
    #[serde(skip)]
    pub history: Arc<Vec<Run>>,
}

/// The report for people, with its colours.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RenderedPlan {
    /// Time of the plan.
    pub at: Timestamp,
    /// True if a write was sent.
    pub applied: bool,
    /// The text, cut where it is very long.
    pub text: String,
    /// Number of omitted lines.
    pub left_out: usize,
}

/// A mistake in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileMistake {
    /// Its code, such as `E0301`.
    pub code: &'static str,
    /// `error` or `warning`.
    pub severity: &'static str,
    /// File, line and column.
    pub place: String,
    /// The message.
    pub message: String,
    /// The remedies.
    pub help: Vec<String>,
}

impl From<&Diagnostic> for FileMistake {
    fn from(diagnostic: &Diagnostic) -> Self {
        let place = &diagnostic.place;
        Self {
            code: diagnostic.code.number(),
            severity: diagnostic.severity.as_str(),
            place: format!("{}:{}:{}", place.file, place.line, place.column),
            message: diagnostic.message.clone(),
            help: diagnostic.help.clone(),
        }
    }
}

impl RunView {
    /// Number of rows in a state.
    #[must_use]
    pub fn in_state(&self, state: State) -> usize {
        self.rows.iter().filter(|row| row.state == state).count()
    }

    /// Number of rows of a platform in a state; `None` for unknown platforms.
    #[must_use]
    pub fn of_platform(&self, platform: Option<&Platform>, state: State) -> usize {
        let mut rows = self.rows.iter();
        let is_it = |row: &&Row| row.state == state && row.platform == platform;
        rows.by_ref().filter(is_it).count()
    }

    /// Number of integrations that do not converge.
    #[must_use]
    pub fn not_converging(&self) -> usize {
        let is_it = |row: &&Row| row.reason == Some(Reason::NotConverging);
        self.rows.iter().filter(is_it).count()
    }
}
