//! What was done and when.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value as Json;

use super::document::Document;
use super::style::{ADD, BAD, DIM};
use crate::ledger::history::{Deleted, History, Run, RunAction};
use crate::live::RemoteId;
use crate::text::escaped;

/// The document of `history`.
#[derive(Serialize)]
pub struct HistoryDocument<'a> {
    tenant: &'a str,
    runs: Vec<RunEntry<'a>>,
    deleted: Vec<DeletedEntry<'a>>,
    #[serde(skip)]
    history: &'a History,
}

#[derive(Serialize)]
struct RunEntry<'a> {
    begun: String,
    ended: Option<String>,
    source: &'a str,
    revision: Option<&'a str>,
    outcome: Option<&'a str>,
    actions: Vec<ActionEntry<'a>>,
}

#[derive(Serialize)]
struct ActionEntry<'a> {
    name: &'a str,
    action: &'a str,
    id: Option<&'a str>,
    succeeded: bool,
    what: &'a str,
    at: String,
}

#[derive(Serialize)]
struct DeletedEntry<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    type_name: &'a str,
    id: &'a str,
    config: &'a Json,
    at: String,
}

impl<'a> HistoryDocument<'a> {
    /// Of what the ledger of a tenant keeps.
    #[must_use]
    pub fn new(tenant: &'a str, history: &'a History) -> Self {
        Self {
            tenant,
            runs: history.runs.iter().map(run).collect(),
            deleted: history.deleted.iter().map(deleted).collect(),
            history,
        }
    }
}

fn run(run: &Run) -> RunEntry<'_> {
    let end = run.end.as_ref();
    RunEntry {
        begun: run.start.begun.to_string(),
        ended: end.map(|end| end.ended.to_string()),
        source: &run.start.source,
        revision: run.start.revision.as_deref(),
        outcome: end.map(|end| end.outcome.as_str()),
        actions: run.actions.iter().map(action).collect(),
    }
}

fn action(action: &RunAction) -> ActionEntry<'_> {
    let RunAction {
        name,
        verb,
        id,
        succeeded,
        what,
        at,
    } = action;
    ActionEntry {
        name,
        action: verb,
        id: id.as_ref().map(RemoteId::as_str),
        succeeded: *succeeded,
        what,
        at: at.to_string(),
    }
}

fn deleted(deleted: &Deleted) -> DeletedEntry<'_> {
    let Deleted {
        name,
        type_name,
        id,
        config,
        at,
    } = deleted;
    DeletedEntry {
        name,
        type_name,
        id: id.as_str(),
        config,
        at: at.to_string(),
    }
}

impl Document for HistoryDocument<'_> {
    fn text(&self) -> String {
        text(self.history)
    }
}

fn text(history: &History) -> String {
    if history.runs.is_empty() {
        return "Nothing was written yet.\n".to_owned();
    }
    let mut out = String::new();
    for run in &history.runs {
        let outcome = run.end.as_ref().map_or("cut off", |end| &end.outcome);
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
