//! From the report of a run to what is shown of it.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::row::{self, PendingReason, Row};
use super::{FileMistake, RenderedPlan, RunView};
use crate::apply::Outcome;
use crate::ledger::history::Run;
use crate::ledger::{Ledger, Record};
use crate::plan::{Action, Plan};
use crate::report::not_compared::secrets_not_compared;
use crate::report::run::UnmanagedItem;
use crate::report::{self, Counts, Report, text};
use crate::sync::{Afterwards, Ending};

/// The longest plan that is kept, in bytes: it is in memory until the next one is.
const LONGEST_PLAN: usize = 256 * 1024;

/// State before the run.
#[derive(Debug, Default)]
pub struct PriorState {
    /// The records of the integrations.
    pub ledger: Ledger,
    /// Recent runs.
    pub history: Arc<Vec<Run>>,
}

/// Makes the view of a run.
#[must_use]
pub fn build_view(report: &Report, prior: &PriorState, at: Timestamp) -> RunView {
    let Report {
        tenant,
        source,
        diagnostics,
        synced,
        time: _,
        revision: _,
        trigger: _,
        differences: _,
    } = report;
    let outcomes = outcomes(&synced.ending);
    let newest = report.newest_plan();
    let first = by_name(&synced.plan);
    let rows = newest.actions.iter().filter_map(|action| {
        let outcome = outcomes.get(action.name.as_str()).copied();
        let before = first.get(action.name.as_str()).copied();
        let record = prior.ledger.records.get(&action.name);
        row(action, before, outcome, record, &synced.ending)
    });
    let mut rows: Vec<Row> = rows.collect();
    rows.sort_by(|a, b| (a.state, &a.name).cmp(&(b.state, &b.name)));
    let drifts = |action: &&Action| !row::drift(action).is_empty();
    RunView {
        tenant: tenant.clone(),
        source: source.clone(),
        at,
        rows,
        counts: Counts::of(&synced.plan),
        drifted: synced.plan.actions.iter().filter(drifts).count(),
        secrets_not_compared: secrets_not_compared(newest),
        suspensions: synced.plan.suspensions.clone(),
        suspended: synced.plan.suspended(),
        plan: Arc::new(rendered_plan(report, at)),
        mistakes: diagnostics.iter().map(FileMistake::from).collect(),
        unreadable: newest.unreadable.iter().map(|u| u.reason.clone()).collect(),
        unmanaged: newest.unmanaged.iter().map(UnmanagedItem::from).collect(),
        history: Arc::clone(&prior.history),
    }
}

fn outcomes(ending: &Ending) -> HashMap<&str, &Outcome> {
    match ending {
        Ending::Applied { outcomes, .. } => outcomes.iter().map(|o| (o.name.as_str(), o)).collect(),
        Ending::Planned
        | Ending::NothingToDo
        | Ending::Unexpected { .. }
        | Ending::Guarded(_)
        | Ending::Refused(_) => HashMap::new(),
    }
}

fn by_name(plan: &Plan) -> HashMap<&str, &Action> {
    plan.actions.iter().map(|a| (a.name.as_str(), a)).collect()
}

/// One row; `None` for an integration that was deleted and not searched for since.
fn row(
    action: &Action,
    before: Option<&Action>,
    outcome: Option<&Outcome>,
    record: Option<&Record>,
    ending: &Ending,
) -> Option<Row> {
    let failure = outcome.and_then(|outcome| outcome.result.as_ref().err());
    let unsent_reason = unsent_reason(ending, outcome);
    let is_deleted = action.origin.is_none() && unsent_reason == PendingReason::NotProved;
    if is_deleted {
        return None;
    }
    let (state, reason, mut about) = match failure {
        Some(failure) => row::failed(failure),
        None => row::row_state(action, unsent_reason),
    };
    let notes = action.notes();
    if !notes.holds_secret.is_empty() {
        about.push(report::holds_secret(notes.holds_secret));
    }
    let now = row::drift(action);
    let earlier = before.map(row::drift).unwrap_or_default();
    let repaired = now.is_empty() && !earlier.is_empty();
    let failing_tests = match failure {
        Some(failure) if notes.failing_tests.is_empty() => failure.failing_tests(),
        Some(_) | None => notes.failing_tests,
    };
    let origin = action.origin.as_ref();
    let (file, line) = origin.map(|o| (o.file.clone(), o.line)).unzip();
    let id = action.kind.id().or(record.map(|record| &record.id));
    let id = id.map(ToString::to_string);
    Some(Row {
        name: action.name.clone(),
        platform: action.platform,
        file,
        line,
        id,
        state,
        reason,
        about,
        drift: if repaired { earlier } else { now },
        not_compared: notes.secrets_not_compared.to_vec(),
        contested: row::contested(&action.kind, record),
        repaired,
        // The second plan has nothing left to send.
        carried: before
            .unwrap_or(action)
            .notes()
            .destinations_carried
            .to_vec(),
        failing_tests: failing_tests.to_vec(),
        changed: record.map(|record| record.at),
        revision: record.and_then(|record| record.state.revision.clone()),
    })
}

/// Reason why something is still to be sent, if there is one.
fn unsent_reason(ending: &Ending, outcome: Option<&Outcome>) -> PendingReason {
    let is_written = outcome.is_some_and(|outcome| outcome.result.is_ok());
    match ending {
        Ending::Guarded(_) => PendingReason::Guarded,
        Ending::Applied {
            afterwards: Afterwards::Planned(_),
            ..
        } if is_written => PendingReason::Written,
        Ending::Applied { .. } if is_written => PendingReason::NotProved,
        Ending::Applied { .. }
        | Ending::Planned
        | Ending::NothingToDo
        | Ending::Unexpected { .. }
        | Ending::Refused(_) => PendingReason::NotSent,
    }
}

/// The report as the terminal shows it.
fn rendered_plan(report: &Report, at: Timestamp) -> RenderedPlan {
    let mut text = text::plan(&report.synced.plan, &report.tenant);
    text.push_str(&text::ending(report));
    let left_out = cut(&mut text);
    RenderedPlan {
        at,
        applied: matches!(report.synced.ending, Ending::Applied { .. }),
        text,
        left_out,
    }
}

/// Cuts a text that is too long at the end of a line; how many lines are gone.
fn cut(text: &mut String) -> usize {
    if text.len() <= LONGEST_PLAN {
        return 0;
    }
    let end = text.as_bytes()[..LONGEST_PLAN]
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |newline| newline + 1);
    let left_out = text[end..].lines().count();
    text.truncate(end);
    text.shrink_to_fit();
    left_out
}

impl RunView {
    /// Number of rows that are shown as drifted.
    #[must_use]
    pub fn with_drift(&self) -> usize {
        self.rows.iter().filter(|row| !row.drift.is_empty()).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_plan_is_cut_at_the_end_of_a_line_with_a_count() {
        let line = "a line of the plan, with ä in it\n";
        let lines = 3 * LONGEST_PLAN / line.len();
        let mut text = line.repeat(lines);
        let left_out = cut(&mut text);
        assert!(text.len() <= LONGEST_PLAN && text.ends_with("in it\n"));
        assert_eq!(text.lines().count() + left_out, lines);
        let mut short = line.to_owned();
        assert_eq!((cut(&mut short), short.as_str()), (0, line));
        let mut one_line = "ä".repeat(LONGEST_PLAN);
        assert_eq!((cut(&mut one_line), one_line.as_str()), (1, ""));
    }
}
