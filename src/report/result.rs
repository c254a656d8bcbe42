//! Result of a plan, for people: each failure with its tests and its remedy, a summary line,
//! and the verification by a second plan.

use std::fmt::Write as _;

use super::approved::PlanDifference;
use super::style::{ADD, BAD, BOLD, list_counts, paint};
use super::text::{PENDING_SUSPENDED, tests};
use super::value::shown;
use super::{Counts, NotConverged, Report, Tally, not_converged};
use crate::apply::{ActionFailure, Outcome, Verb};
use crate::plan::{Exceeded, Plan, PlanDigest};
use crate::sync::{Afterwards, Approval, Ending};
use crate::text::{chain, count, escaped};

/// The question whether to apply a plan.
#[must_use]
pub fn question(plan: &Plan, tenant: &str) -> String {
    let counts = Counts::of(plan);
    let changes = count(counts.pending(), "change");
    let deletes = match counts.delete + counts.replace {
        0 => String::new(),
        deletes => format!(", including {},", count(deletes, "deletion")),
    };
    format!("\nApply {changes}{deletes} to {tenant}? Only `yes` is accepted: ")
}

/// Result of the plan; nothing for a dry run.
#[must_use]
pub fn ending(report: &Report) -> String {
    let mut out = String::new();
    match &report.synced.ending {
        Ending::Planned | Ending::NothingToDo => {}
        Ending::Unexpected { expected } => {
            let differences = report.differences.as_deref().unwrap_or_default();
            unexpected(&mut out, report.synced.plan.digest, *expected, differences);
        }
        Ending::Guarded(exceeded) => guarded(&mut out, exceeded),
        Ending::Refused(Approval::NotAsked) => refused(
            &mut out,
            "there is no terminal for the confirmation prompt.",
            "add `--yes` to apply without confirmation, or `--dry-run` to only show the plan",
        ),
        Ending::Refused(Approval::Declined | Approval::Given) => {
            refused(
                &mut out,
                "the answer was not `yes`.",
                "run the command again and answer `yes` to apply the plan",
            );
        }
        Ending::Applied {
            outcomes,
            afterwards,
        } => {
            applied(&mut out, outcomes);
            let well = outcomes.iter().all(|o| o.result.is_ok());
            proof(&mut out, report, afterwards, well);
        }
    }
    out
}

/// Every limit with its numbers and the flag that lifts it.
fn guarded(out: &mut String, exceeded: &[Exceeded]) {
    let title = paint(BAD, "Refused by the guard:");
    let _ = writeln!(out, "\n{title} nothing was applied.");
    for limit in exceeded {
        let _ = writeln!(out, "  {} {limit}", paint(BAD, '✗'));
    }
    let flags: Vec<String> = exceeded.iter().map(|l| format!("`{}`", l.lift)).collect();
    let _ = writeln!(
        out,
        "{} review the plan; if it is intended, allow it with {}",
        paint(BOLD, " help:"),
        flags.join(" and ")
    );
}

/// Both digests, and the differences from the approved plan as far as they are known.
fn unexpected(
    out: &mut String,
    digest: PlanDigest,
    expected: PlanDigest,
    differences: &[PlanDifference],
) {
    let title = paint(BAD, "Nothing was applied:");
    let _ = writeln!(out, "\n{title} the plan is not the approved plan.");
    let _ = writeln!(out, "  approved {expected}\n  planned  {digest}");
    for difference in differences {
        let PlanDifference {
            integration,
            approved,
            planned,
            paths,
        } = difference;
        let name = paint(BOLD, escaped(integration));
        let what = match (approved, planned) {
            (Some(approved), Some(planned)) if approved != planned => {
                format!("approved: {approved}; planned: {planned}")
            }
            (Some(action), None) => format!("the approved {action} is no longer planned"),
            (None, Some(action)) => format!("this {action} was not approved"),
            (Some(action), _) if paths.is_empty() => {
                format!("the {action} was approved with other live values")
            }
            (Some(action), _) => format!("the {action} differs in {}", paths.join(", ")),
            (None, None) => continue,
        };
        let _ = writeln!(out, "  {} {name}: {}", paint(BAD, '✗'), escaped(&what));
    }
    let _ = writeln!(
        out,
        "{} review this plan; to apply it, have it approved and give its digest to `--expect`",
        paint(BOLD, " help:"),
    );
}

fn refused(out: &mut String, why: &str, help: &str) {
    let title = paint(BAD, "Nothing was applied:");
    let _ = writeln!(out, "\n{title} {why}\n{} {help}", paint(BOLD, " help:"));
}

fn applied(out: &mut String, outcomes: &[Outcome]) {
    let _ = writeln!(out);
    for outcome in outcomes {
        self::outcome(out, outcome);
    }
    not_started(out, outcomes);
    let tally = Tally::of(outcomes);
    let done = |verb: Verb| {
        let done = outcomes
            .iter()
            .filter(|o| o.verb == verb && o.result.is_ok());
        done.count()
    };
    let (title, style) = if tally.interrupted {
        ("Stopped early:", BAD)
    } else if tally.failed == 0 {
        ("Applied:", ADD)
    } else if tally.succeeded + tally.in_part == 0 {
        ("Nothing was applied:", BAD)
    } else {
        ("Partly applied:", BAD)
    };
    let what = list_counts(&[
        (done(Verb::Create), "created"),
        (done(Verb::Update), "updated"),
        (done(Verb::Replace), "replaced"),
        (done(Verb::Delete), "deleted"),
        (tally.failed, "failed"),
        (tally.cut_short, "interrupted"),
        (tally.not_started, "not started"),
    ]);
    let _ = writeln!(out, "{} {what}.", paint(style.bold(), title));
}

/// A success is worth a word only if something is wrong with it.
fn outcome(out: &mut String, outcome: &Outcome) {
    let name = paint(BOLD, &outcome.name);
    let done = outcome.verb.past();
    match &outcome.result {
        Err(ActionFailure::NotStarted) => {}
        Ok(success) if success.failing_tests.is_empty() => {}
        Ok(success) => {
            let status = escaped(success.status.as_str());
            let _ = writeln!(out, "  {name} was {done}, and its status is `{status}`");
            tests(out, &success.failing_tests);
            let _ = writeln!(out);
        }
        Err(failure) => {
            let cross = paint(BAD, '✗');
            let id = match &outcome.id {
                Some(id) => format!(" (id {})", escaped(id.as_str())),
                None => String::new(),
            };
            let what = chain(failure);
            let what = escaped(&what);
            let came_of_it = if failure.is_interruption() {
                "may have been"
            } else {
                "could not be"
            };
            let _ = writeln!(out, "  {cross} {name}{id} {came_of_it} {done}: {what}");
            tests(out, failure.failing_tests());
            let _ = writeln!(out, "      {} {}\n", paint(BOLD, "help:"), failure.help());
        }
    }
}

/// All of them together: the reason is the same for each.
fn not_started(out: &mut String, outcomes: &[Outcome]) {
    let names: Vec<&str> = outcomes
        .iter()
        .filter(|o| matches!(o.result, Err(ActionFailure::NotStarted)))
        .map(|o| o.name.as_str())
        .collect();
    if !names.is_empty() {
        let (title, names) = (paint(BOLD, "Not started:"), names.join(", "));
        let help = ActionFailure::NotStarted.help();
        let _ = writeln!(
            out,
            "  {title} {names}\n      {} {help}\n",
            paint(BOLD, "help:")
        );
    }
}

/// Shows the plan that was made afterwards. An empty one proves something only if every write
/// succeeded.
fn proof(out: &mut String, report: &Report, afterwards: &Afterwards, well: bool) {
    let plan = match afterwards {
        Afterwards::Planned(plan) => plan,
        Afterwards::Skipped => return,
        Afterwards::Unread(error) => {
            let (title, why) = (paint(BAD, "Not verified:"), chain(error));
            let why = escaped(&why);
            let _ = writeln!(
                out,
                "{title} the tenant could not be read afterwards: {why}\n{} {}",
                paint(BOLD, " help:"),
                error.help()
            );
            return;
        }
    };
    for not_converged in not_converged(&report.synced) {
        not_converged_one(out, not_converged);
    }
    let left = Counts::of(plan);
    let is_empty = left.is_settled();
    if is_empty && !well {
        // It may show a write that is still under way.
        let _ = writeln!(out, "A second plan has no changes.");
    } else if is_empty {
        let title = paint(ADD.bold(), "Verified:");
        let _ = writeln!(out, "{title} a second plan has no changes.");
    } else {
        let what = list_counts(&[
            (left.create, "to create"),
            (left.update, "to update"),
            (left.replace, "to replace"),
            (left.delete, "to delete"),
            (left.withheld, "withheld by policy"),
            (left.blocked + left.invalid, "blocked"),
            (left.pending_suspended, PENDING_SUSPENDED),
        ]);
        let _ = writeln!(out, "A second plan still shows {what}.");
    }
}

/// Sent and returned values.
fn not_converged_one(out: &mut String, not_converged: NotConverged<'_>) {
    let NotConverged {
        name,
        changes,
        will_retry,
    } = not_converged;
    let title = paint(BAD, "Not converged:");
    let _ = writeln!(
        out,
        "{title} {name}: the write succeeded, but the server still differs from the file"
    );
    for change in changes {
        let path = escaped(change.path.as_str());
        let (sent, found) = (shown(&change.after), shown(&change.before));
        let _ = writeln!(out, "      {path}: sent {sent}, found {found}");
    }
    let help = if will_retry {
        "check whether someone else changed the integration at the same time; the next run \
        repeats the write"
    } else {
        "set the value in the file to the one that the server returns, or list the attribute \
        under `sync.ignore`"
    };
    let _ = writeln!(out, "{} {help}", paint(BOLD, " help:"));
}
