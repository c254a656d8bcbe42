//! Past runs, newest first.

use maud::{Markup, html};

use super::{moment, safe};
use crate::daemon::RunView;
use crate::ledger::history::{Run, RunAction};

/// Number of actions of a run that are shown at first.
const FIRST: usize = 8;

/// The most that are in the page.
const MOST: usize = 100;

/// The latest runs.
pub(super) fn section(view: &RunView) -> Markup {
    html! {
        section #history data-live aria-label="History" {
            h2 { "History" }
            @if view.history.is_empty() {
                p.empty { "Nothing has been written yet." }
            }
            ol.runs { @for one in view.history.iter() { (run(one)) } }
        }
    }
}

fn run(run: &Run) -> Markup {
    let outcome = run.end.as_ref().map_or("unfinished", |end| &end.outcome);
    let (first, rest) = run.actions.split_at(run.actions.len().min(FIRST));
    let left_out = run.actions.len().saturating_sub(MOST);
    html! {
        li {
            p.run {
                (moment(run.start.begun)) " " strong { (safe(outcome)) }
            }
            // With the author and the subject.
            @if run.start.revision.is_some() { p.run { (safe(&run.start.source)) } }
            ul.plain { @for one in first { (action(one)) } }
            @if !rest.is_empty() {
                details id={ "run-" (run.start.begun.as_millisecond()) } {
                    summary { (rest.len()) " more" }
                    ul.plain {
                        @for one in rest.iter().take(MOST - FIRST) { (action(one)) }
                        @if left_out > 0 {
                            li.note { (left_out) " more: see " code { "integrationd history" } }
                        }
                    }
                }
            }
        }
    }
}

fn action(action: &RunAction) -> Markup {
    let (sign, tone, word) = if action.succeeded {
        ("✓", "add", "done")
    } else {
        ("✗", "bad", "failed")
    };
    html! {
        li {
            span class=(tone) title=(word) { (sign) } " "
            (safe(&action.verb)) " " strong { (safe(&action.name)) }
            @if let Some(id) = &action.id { span.none { " (id " (safe(id.as_str())) ")" } }
            ": " (safe(&action.what))
        }
    }
}
