//! The result of a run for pipelines and forges.

use std::collections::HashMap;

use anstream::adapter::strip_str;

use super::exit::Exit;
use super::overview::{ItemLevel, Overview, OverviewItem, WriteCounts, signed_lines};
use super::{Counts, Report, not_compared, text};
use crate::apply::{ActionFailure, Outcome, in_a_line};
use crate::plan::{Action, Operation, Plan};
use crate::sync::{Afterwards, Ending};
use crate::text::{chain, count};

/// The overview of a run: its plan, and the result of the plan.
pub(super) fn overview(report: &Report, exit: Exit) -> Overview<'_> {
    let plan = &report.synced.plan;
    let counts = Counts::of(plan);
    let outcomes: HashMap<&str, &Outcome> = match &report.synced.ending {
        Ending::Applied { outcomes, .. } => outcomes.iter().map(|it| (&*it.name, it)).collect(),
        Ending::Planned
        | Ending::NothingToDo
        | Ending::Unexpected { .. }
        | Ending::Guarded(_)
        | Ending::Refused(_) => HashMap::new(),
    };
    let items = plan.actions.iter();
    let items = items.filter_map(|action| item(action, outcomes.get(&*action.name).copied()));
    Overview {
        title: format!("Plan for {}", report.tenant),
        summary: summary(report),
        diagnostics: &report.diagnostics,
        items: items.collect(),
        remarks: remarks(report),
        writes: Some(WriteCounts {
            create: counts.create + counts.replace,
            update: counts.update,
            delete: counts.delete + counts.replace,
        }),
        ..Overview::new(exit)
    }
}

/// The result in a sentence.
fn summary(report: &Report) -> String {
    let planned = text::counted(&report.synced.plan);
    match &report.synced.ending {
        Ending::Planned => format!("Plan: {planned}."),
        Ending::NothingToDo => format!("Nothing to apply: {planned}."),
        Ending::Unexpected { .. } => {
            format!("Nothing was applied: the plan is not the approved plan. Plan: {planned}.")
        }
        Ending::Guarded(_) => {
            format!("Refused by the guard: nothing was applied. Plan: {planned}.")
        }
        Ending::Refused(_) => format!("Not approved: nothing was applied. Plan: {planned}."),
        Ending::Applied { outcomes, .. } => format!("{}.", in_a_line(outcomes)),
    }
}

fn remarks(report: &Report) -> Vec<String> {
    let plan = &report.synced.plan;
    let mut remarks = Vec::new();
    if let Ending::Guarded(exceeded) = &report.synced.ending {
        remarks.extend(
            exceeded
                .iter()
                .map(|it| format!("{it}; allow it with {}", it.lift)),
        );
    }
    if let Ending::Unexpected { expected } = &report.synced.ending {
        remarks.push(format!("The approved plan has the digest {expected}."));
    }
    if let Ending::Applied {
        afterwards: Afterwards::Unread(error),
        ..
    } = &report.synced.ending
    {
        remarks.push(format!(
            "The result could not be verified: {}.",
            chain(error)
        ));
    }
    remarks.extend(not_compared_of(plan));
    for unreadable in &plan.unreadable {
        remarks.push(format!(
            "Part of the tenant could not be read: {}.",
            unreadable.reason
        ));
    }
    if !plan.unmanaged.is_empty() {
        let unmanaged = count(plan.unmanaged.len(), "live integration");
        remarks.push(format!("No valid file describes {unmanaged}."));
    }
    remarks.push(format!("Plan digest: {}", plan.digest));
    remarks
}

fn not_compared_of(plan: &Plan) -> Option<String> {
    let not_compared = not_compared::secrets_not_compared(plan);
    not_compared::line(&not_compared).map(|line| format!("{line}."))
}

/// An action that is worth a line.
fn item<'a>(action: &'a Action, outcome: Option<&Outcome>) -> Option<OverviewItem<'a>> {
    let failure = outcome.and_then(|outcome| outcome.result.as_ref().err());
    let (verdict, level) = verdict(action, failure)?;
    let block = action.kind.block().map(ToString::to_string);
    let problem = failure.map(|failure| chain(failure)).or(block);
    Some(OverviewItem {
        name: &action.name,
        platform: action.platform.map_or("", |platform| platform.title),
        verdict,
        level,
        place: action.origin.as_ref().map(|it| (&*it.file, it.line)),
        problem: problem.unwrap_or_default(),
        details: details(action),
    })
}

/// The verdict in a word or two; `None` if it is not worth a line.
fn verdict(action: &Action, failure: Option<&ActionFailure>) -> Option<(String, ItemLevel)> {
    let notes = action.notes();
    if let Some(word) = action.kind.write_word() {
        return Some(match failure {
            None => (word.to_owned(), ItemLevel::Notice),
            Some(ActionFailure::NotStarted) => (format!("{word} not started"), ItemLevel::Error),
            Some(_) => (format!("{word} failed"), ItemLevel::Error),
        });
    }
    let (word, level) = match &action.kind {
        Operation::Blocked(_) => ("blocked", ItemLevel::Error),
        Operation::Withheld { .. } => ("withheld", ItemLevel::Notice),
        Operation::Suspended { .. } => ("suspended", ItemLevel::Notice),
        Operation::Unchanged { .. }
        | Operation::Create(_)
        | Operation::Update { .. }
        | Operation::Replace { .. }
        | Operation::Delete(_) => {
            if !notes.drift.is_empty() {
                ("drifted", ItemLevel::Notice)
            } else if notes.status.is_some() {
                ("unhealthy", ItemLevel::Notice)
            } else if !notes.holds_secret.is_empty() {
                ("holds a secret", ItemLevel::Notice)
            } else {
                return None;
            }
        }
    };
    Some((word.to_owned(), level))
}

/// The lines of the text report below its headline.
fn details(action: &Action) -> String {
    let mut text = String::new();
    text::details(&mut text, &action.kind);
    text::notes(&mut text, action);
    let text = strip_str(&text).to_string();
    // The first line is the end of the headline.
    signed_lines(text.split_once('\n').map_or("", |(_, rest)| rest))
}
