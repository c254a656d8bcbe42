//! What was seen last, as it is shown: text, words and numbers.
//!
//! Made once, at the end of a run ([`build_view`]); the pages and the metrics only read
//! it. It holds nothing that could be a secret: what it is made from is what the
//! report shows, too.

mod build;
mod document;
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
pub use row::{Row, State};

/// What a run has seen. The document of `/status` says first what is skipped here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RunView {
    /// The tenant's URL.
    #[serde(skip)]
    pub tenant: String,
    /// Where the files come from.
    #[serde(skip)]
    pub source: String,
    /// When.
    #[serde(skip)]
    pub at: Timestamp,
    /// How many integrations differed on the server although their files had not
    /// changed, before the run.
    pub drifted: usize,
    /// Stored secrets that were not compared.
    pub secrets_not_compared: Vec<NotCompared>,
    /// How many integrations are left alone, whether or not anything is to be done.
    pub suspended: usize,
    /// What a human had suspended.
    pub suspensions: Suspensions,
    /// What the run was to do.
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
    /// What the server's list told that could not be read.
    pub unreadable: Vec<String>,
    /// Live integrations that no file describes.
    pub unmanaged: Vec<UnmanagedItem>,
    /// What was done lately, newest first.
    #[serde(skip)]
    pub history: Arc<Vec<Run>>,
}

/// The report for people, with its colours.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RenderedPlan {
    /// When.
    pub at: Timestamp,
    /// Whether something was sent.
    pub applied: bool,
    /// The text, cut where it is very long.
    pub text: String,
    /// How many lines of it were left out.
    pub left_out: usize,
}

/// A mistake in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileMistake {
    /// Its code, such as `E0301`.
    pub code: &'static str,
    /// `error` or `warning`.
    pub severity: &'static str,
    /// Where: file, line and column.
    pub place: String,
    /// What.
    pub message: String,
    /// What to do about it.
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
    /// How many rows are in a state.
    #[must_use]
    pub fn in_state(&self, state: State) -> usize {
        self.rows.iter().filter(|row| row.state == state).count()
    }

    /// How many rows of a platform are in a state; `None` is what has no known one.
    #[must_use]
    pub fn of_platform(&self, platform: Option<&Platform>, state: State) -> usize {
        let mut rows = self.rows.iter();
        let is_it = |row: &&Row| row.state == state && row.platform == platform;
        rows.by_ref().filter(is_it).count()
    }

    /// How many integrations the server does not keep as they are sent.
    #[must_use]
    pub fn not_converging(&self) -> usize {
        let is_it = |row: &&Row| row.reason == Some(Reason::NotConverging);
        self.rows.iter().filter(is_it).count()
    }
}
