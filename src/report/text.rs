//! The report for people: it reads like Terraform's.
//!
//! Colours are always written; whoever prints the text strips them where they
//! are not wanted.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::value::{Both, SECRET, both, shown};
use super::{Counts, Report, not_converged};
use crate::apply::{Outcome, Verb};
use crate::live::FailingTest;
use crate::plan::{Action, Block, Body, Change, Kind, Note, Plan, Shown, Unmanaged};
use crate::sync::{Consent, Ending};
use crate::text::{count, cut, escaped};
use crate::value::{Object, Value};

const ADD: Style = AnsiColor::Green.on_default();
const CHANGE: Style = AnsiColor::Yellow.on_default();
const BAD: Style = AnsiColor::Red.on_default();
const DIM: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();

/// The text in a style.
fn paint(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// The plan: what will be done, what cannot be, and a summary line.
#[must_use]
pub fn plan(plan: &Plan, tenant: &str) -> String {
    let mut out = String::new();
    for action in &plan.actions {
        self::action(&mut out, action);
    }
    for hole in &plan.unreadable {
        let reason = escaped(&hole.reason);
        let _ = writeln!(out, "  {} {reason}", paint(BAD, "unreadable:"));
    }
    unmanaged(&mut out, &plan.unmanaged);
    summary(&mut out, plan, tenant);
    out
}

fn action(out: &mut String, action: &Action) {
    let (sign, style, verdict) = match &action.kind {
        Kind::Unchanged { .. } => return health_only(out, action),
        Kind::Create { .. } => ('+', ADD, "will be created"),
        Kind::Update { .. } => ('~', CHANGE, "will be updated"),
        Kind::Suspended(_) => ('.', DIM, "is suspended"),
        Kind::Blocked(_) => ('!', BAD, "is blocked"),
    };
    let origin = escaped(&action.origin.file);
    let place = paint(DIM, format_args!("{origin}:{}", action.origin.line));
    let _ = writeln!(
        out,
        "  {} {verdict}  {place}",
        paint(BOLD, format_args!("# {}", action.name))
    );
    let title = action.platform.map_or("unknown platform", |p| p.title);
    let _ = write!(out, "  {} {title}", paint(style, sign));
    match &action.kind {
        Kind::Unchanged { .. } => {}
        Kind::Create { body, .. } => {
            let _ = writeln!(out);
            created(out, body);
        }
        Kind::Update { id, changes, .. } => {
            let _ = writeln!(out, " {}", paint(DIM, format_args!("(id {id})")));
            updated(out, changes);
        }
        Kind::Suspended(suspend) => {
            let until = suspend
                .until
                .map(|day| format!(", until {day}"))
                .unwrap_or_default();
            let _ = writeln!(out, "\n      {}{until}", escaped(&suspend.reason));
        }
        Kind::Blocked(block) => {
            let _ = writeln!(out);
            blocked(out, block);
        }
    }
    notes(out, action);
    let _ = writeln!(out);
}

/// Nothing changes, but something is worth a line.
fn health_only(out: &mut String, action: &Action) {
    if !action
        .notes
        .iter()
        .any(|note| matches!(note, Note::Health { .. }))
    {
        return;
    }
    let title = action.platform.map_or("", |p| p.title);
    let _ = writeln!(
        out,
        "  {} is as its file says",
        paint(BOLD, format_args!("# {}", action.name))
    );
    let _ = writeln!(out, "  {} {title}", paint(CHANGE, '?'));
    notes(out, action);
    let _ = writeln!(out);
}

fn created(out: &mut String, body: &Body) {
    let mut leaves = Vec::new();
    if let Some(auto) = body.auto_bootstrap {
        leaves.push(("autoBootstrap".to_owned(), auto.to_string()));
    }
    leaves_of("", &body.config, &mut leaves);
    let width = leaves
        .iter()
        .map(|(path, _)| path.chars().count())
        .max()
        .unwrap_or(0);
    for (path, value) in leaves {
        let _ = writeln!(out, "      {} {path:width$} = {value}", paint(ADD, '+'));
    }
}

/// Every leaf of an object with its path.
fn leaves_of(prefix: &str, object: &Object, leaves: &mut Vec<(String, String)>) {
    for (key, value) in object.iter() {
        let key = escaped(key);
        let path = if prefix.is_empty() {
            key.into_owned()
        } else {
            format!("{prefix}/{key}")
        };
        match value.as_object() {
            Some(inner) if !inner.is_empty() => leaves_of(&path, inner, leaves),
            Some(_) | None => leaves.push((path, leaf(value))),
        }
    }
}

fn leaf(value: &Value) -> String {
    crate::plan::shown(value).map_or_else(|| SECRET.to_owned(), |json| shown(&Shown::Plain(json)))
}

fn updated(out: &mut String, changes: &[Change]) {
    let width = changes
        .iter()
        .map(|c| c.path.chars().count())
        .max()
        .unwrap_or(0);
    for change in changes {
        let path = escaped(&change.path);
        let sign = if change.before == Shown::Absent {
            paint(ADD, '+')
        } else {
            paint(CHANGE, '~')
        };
        let guess = if change.immutable {
            paint(DIM, "  # the server may refuse to edit this")
        } else {
            String::new()
        };
        match both(&change.before, &change.after) {
            Both::OneLine { after, .. } if change.before == Shown::Absent => {
                let _ = writeln!(out, "      {sign} {path:width$} = {after}{guess}");
            }
            Both::OneLine { before, after } => {
                let _ = writeln!(
                    out,
                    "      {sign} {path:width$} = {before} -> {after}{guess}"
                );
            }
            Both::Lines(lines) => {
                let _ = writeln!(out, "      {sign} {path:width$} ={guess}");
                for (sign, line) in lines {
                    let style = if sign == '+' { ADD } else { BAD };
                    let _ = writeln!(
                        out,
                        "          {}",
                        paint(style, format_args!("{sign} {line}"))
                    );
                }
            }
        }
    }
}

fn blocked(out: &mut String, block: &Block) {
    let _ = writeln!(out, "      {}", escaped(&block.to_string()));
    let _ = writeln!(
        out,
        "      {} {}",
        paint(BOLD, "help:"),
        escaped(&block.help())
    );
}

fn notes(out: &mut String, action: &Action) {
    for note in &action.notes {
        let text = match note {
            Note::Drift(changes) => {
                let paths: Vec<&str> = changes.iter().map(|c| c.path.as_str()).collect();
                format!("the server moved {}, which is left there", paths.join(", "))
            }
            // Told once for all, in the summary.
            Note::SecretsNotCompared(_) => continue,
            Note::Health {
                status,
                failing_tests,
            } => {
                let word = status.to_string();
                let _ = writeln!(
                    out,
                    "      {} its status is `{}`",
                    paint(DIM, "note:"),
                    escaped(&word)
                );
                tests(out, failing_tests);
                continue;
            }
            Note::UnknownCarried(paths) => format!(
                "the server also has {}, which this version does not know; it is sent back as it is",
                paths.join(", ")
            ),
            Note::RepeatsCreation => "its creation failed before; the update repeats it".to_owned(),
            Note::SecretsMissing(reasons) => format!("not available here: {}", reasons.join("; ")),
        };
        let _ = writeln!(out, "      {} {}", paint(DIM, "note:"), escaped(&text));
    }
}

fn tests(out: &mut String, failing: &[FailingTest]) {
    for test in failing {
        let name = escaped(&test.name);
        let message = cut(&test.message, 200);
        let colon = if message.is_empty() { "" } else { ": " };
        let _ = writeln!(
            out,
            "        {} {name}{colon}{}",
            paint(BAD, "✗"),
            escaped(&message)
        );
    }
}

/// Live integrations that no file describes, on a line each.
fn unmanaged(out: &mut String, unmanaged: &[Unmanaged]) {
    if unmanaged.is_empty() {
        return;
    }
    let _ = writeln!(
        out,
        "  {}",
        paint(
            DIM,
            "Live integrations that no valid file describes (left alone):"
        )
    );
    for live in unmanaged {
        let kind = escaped(&live.type_name);
        let identity = live
            .identity
            .as_deref()
            .map(|i| format!(", {}", escaped(i)))
            .unwrap_or_default();
        let _ = writeln!(
            out,
            "    {}",
            paint(DIM, format_args!("id {}: {kind}{identity}", live.id))
        );
    }
    let _ = writeln!(out);
}

fn summary(out: &mut String, plan: &Plan, tenant: &str) {
    let counts = Counts::of(plan);
    let parts: Vec<String> = [
        (counts.create, "to create"),
        (counts.update, "to update"),
        (counts.blocked + counts.invalid, "blocked"),
        (counts.suspended, "suspended"),
        (counts.unchanged, "unchanged"),
        (plan.unselected, "not selected"),
    ]
    .into_iter()
    .filter(|(n, _)| *n > 0)
    .map(|(n, what)| format!("{n} {what}"))
    .collect();
    let tenant = escaped(tenant);
    if counts.pending() + counts.blocked + counts.invalid == 0 {
        let _ = writeln!(
            out,
            "{} {tenant} matches the files.",
            paint(BOLD, "No changes.")
        );
    }
    let what = if parts.is_empty() {
        "no integrations".to_owned()
    } else {
        parts.join(", ")
    };
    let _ = writeln!(out, "{} {what}.", paint(BOLD, "Plan:"));
    let not_compared = plan
        .actions
        .iter()
        .filter(|a| {
            a.notes
                .iter()
                .any(|n| matches!(n, Note::SecretsNotCompared(_)))
        })
        .count();
    if not_compared > 0 {
        let whose = count(not_compared, "integration");
        let text =
            format!("Stored secrets of {whose} were not compared: the server never returns them.");
        let _ = writeln!(out, "{}", paint(DIM, text));
    }
}

/// What came of the plan.
#[must_use]
pub fn ending(report: &Report) -> String {
    let mut out = String::new();
    match &report.synced.ending {
        Ending::Planned | Ending::NothingToDo => {}
        Ending::Refused(Consent::NotAsked) => {
            let _ = writeln!(
                out,
                "\n{} nobody is at a terminal to ask.\n{} add `--yes` to apply without a question, or `--dry-run` to only look",
                paint(BAD, "Nothing was applied:"),
                paint(BOLD, "help:"),
            );
        }
        Ending::Refused(_) => {
            let _ = writeln!(out, "\n{}", paint(BOLD, "Nothing was applied."));
        }
        Ending::Applied {
            outcomes,
            afterwards,
        } => {
            applied(&mut out, outcomes);
            proof(&mut out, report, afterwards);
        }
    }
    out
}

fn applied(out: &mut String, outcomes: &[Outcome]) {
    let _ = writeln!(out);
    for outcome in outcomes {
        match &outcome.result {
            Ok(success) if success.failing_tests.is_empty() => {}
            Ok(success) => {
                let name = paint(BOLD, &outcome.name);
                let _ = writeln!(
                    out,
                    "  {name} was {}, and its status is `{}`",
                    outcome.verb.past(),
                    success.status
                );
                tests(out, &success.failing_tests);
            }
            Err(failure) => {
                let name = paint(BOLD, &outcome.name);
                let what = failure.to_string();
                let _ = writeln!(
                    out,
                    "  {} {name} could not be {}: {}",
                    paint(BAD, '✗'),
                    outcome.verb.past(),
                    escaped(&what)
                );
                tests(out, failure.failing_tests());
                let _ = writeln!(out, "      {} {}\n", paint(BOLD, "help:"), failure.help());
            }
        }
    }
    let done = |verb: Verb| {
        outcomes
            .iter()
            .filter(|o| o.verb == verb && o.result.is_ok())
            .count()
    };
    let failed = outcomes.iter().filter(|o| o.result.is_err()).count();
    let (title, style) = if failed == 0 {
        ("Applied:", ADD)
    } else {
        ("Applied in part:", BAD)
    };
    let _ = writeln!(
        out,
        "{} {} created, {} updated, {failed} failed.",
        paint(style.bold(), title),
        done(Verb::Create),
        done(Verb::Update)
    );
}

/// Whether the plan that was made afterwards is empty.
fn proof(out: &mut String, report: &Report, afterwards: &Result<Plan, crate::immuta::ApiError>) {
    let plan = match afterwards {
        Ok(plan) => plan,
        Err(error) => {
            let error = error.to_string();
            let _ = writeln!(
                out,
                "{} the tenant could not be read afterwards: {}",
                paint(BAD, "Not proved:"),
                escaped(&error)
            );
            return;
        }
    };
    let left = Counts::of(plan);
    for (name, paths) in not_converged(&report.synced) {
        let what = if paths.is_empty() {
            "it".to_owned()
        } else {
            paths.join(", ")
        };
        let _ = writeln!(
            out,
            "{} {name}: the write succeeded, and {} still differs",
            paint(BAD, "Not converged:"),
            escaped(&what)
        );
    }
    if left.pending() + left.blocked + left.invalid == 0 {
        let _ = writeln!(
            out,
            "{} a second plan is empty: nothing is left to change.",
            paint(ADD.bold(), "Proved:")
        );
    } else {
        let _ = writeln!(
            out,
            "A second plan still has {} to create, {} to update and {} blocked.",
            left.create,
            left.update,
            left.blocked + left.invalid
        );
    }
}
