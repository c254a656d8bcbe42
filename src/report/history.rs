//! The history, as a document.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde::Serialize;

use super::document::Document;
use super::style::{ADD, BAD, DIM};
use crate::ledger::history::{Deleted, History, Run, RunAction};
use crate::text::escaped;

/// The document of `history`.
#[derive(Serialize)]
pub struct HistoryDocument<'a> {
    tenant: &'a str,
    runs: Vec<RunEntry<'a>>,
    deleted: &'a [Deleted],
    #[serde(skip)]
    history: &'a History,
}

/// A run as a document.
#[derive(Serialize)]
pub struct RunEntry<'a> {
    begun: Timestamp,
    ended: Option<Timestamp>,
    source: &'a str,
    revision: Option<&'a str>,
    outcome: Option<&'a str>,
    actions: &'a [RunAction],
}

impl<'a> HistoryDocument<'a> {
    /// Of what the ledger of a tenant keeps.
    #[must_use]
    pub fn new(tenant: &'a str, history: &'a History) -> Self {
        Self {
            tenant,
            runs: history.runs.iter().map(RunEntry::from).collect(),
            deleted: &history.deleted,
            history,
        }
    }
}

impl<'a> From<&'a Run> for RunEntry<'a> {
    fn from(run: &'a Run) -> Self {
        let end = run.end.as_ref();
        Self {
            begun: run.start.begun,
            ended: end.map(|end| end.ended),
            source: &run.start.source,
            revision: run.start.revision.as_deref(),
            outcome: end.map(|end| end.outcome.as_str()),
            actions: &run.actions,
        }
    }
}

impl Document for HistoryDocument<'_> {
    fn text(&self) -> String {
        text(self.history)
    }
}

fn text(history: &History) -> String {
    if history.runs.is_empty() {
        return "integrationd has not written to this tenant yet.\n".to_owned();
    }
    let mut out = String::new();
    for run in &history.runs {
        let outcome = run.end.as_ref().map_or("unfinished", |end| &end.outcome);
        let source = escaped(&run.start.source);
        let begun = run.start.begun.strftime("%Y-%m-%d %H:%M:%SZ");
        let _ = writeln!(out, "{begun}  {outcome}  {DIM}{source}{DIM:#}");
        for action in &run.actions {
            line(&mut out, action);
        }
        let _ = writeln!(out);
    }
    out
}

fn line(out: &mut String, action: &RunAction) {
    let (sign, style) = if action.succeeded {
        ('✓', ADD)
    } else {
        ('✗', BAD)
    };
    let id = action.id.as_ref().map_or(String::new(), |id| {
        format!(" (id {})", escaped(id.as_str()))
    });
    let (name, verb, what) = (&action.name, &action.verb, escaped(&action.what));
    let _ = writeln!(out, "  {style}{sign}{style:#} {verb} {name}{id}: {what}");
}
