//! The report for people, in the style of Terraform. This module has the plan, `result` its
//! result.
//!
//! Colours are always written; the caller strips them where they are not wanted.

use std::fmt::Write as _;

use anstyle::Style;

pub use super::result::{ending, question};

use super::not_compared;
use super::style::{ADD, BAD, BOLD, CHANGE, DIM, list_counts, paint};
use super::value::{Both, both, whole};
use super::{Counts, suspended, value};
use crate::follow_up::command;
use crate::live::{FailingTest, IntegrationStatus, RemoteId};
use crate::plan::{
    Action, Block, Body, Change, ChangeKind, Creation, Deletion, DisplayValue, Note, Operation,
    Plan, Unmanaged,
};
use crate::secret::MASK;
use crate::text::{count, cut, escaped};
use crate::value::{Object, Value};

/// The longest message of a validation test that is shown, in characters.
const TEST_MESSAGE: usize = 300;

/// Suspended integrations that differ.
pub(super) const PENDING_SUSPENDED: &str = "suspended with changes";

/// The plan: what will be done, what cannot be, and a summary line.
#[must_use]
pub fn plan(plan: &Plan, tenant: &str) -> String {
    let mut out = String::new();
    for action in &plan.actions {
        self::action(&mut out, action);
    }
    unreadable(&mut out, plan);
    unmanaged(&mut out, &plan.unmanaged);
    summary(&mut out, plan, tenant);
    out
}

fn action(out: &mut String, action: &Action) {
    let (sign, style, verdict) = match &action.kind {
        Operation::Unchanged { .. } => return remarkable_only(out, action),
        Operation::Create(_) => ('+', ADD, "will be created"),
        Operation::Update { .. } => ('~', CHANGE, "will be updated"),
        Operation::Delete(_) => ('-', BAD, "will be deleted"),
        Operation::Replace { .. } => ('±', BAD, "will be deleted and recreated"),
        Operation::Withheld { .. } => ('.', DIM, "has a change that the policy withholds"),
        Operation::Suspended { would, .. } => ('.', DIM, suspended::verdict(would)),
        Operation::Blocked(_) => ('!', BAD, "is blocked"),
    };
    headline(out, action, verdict);
    let title = action.platform.map_or("unknown platform", |p| p.title);
    let _ = write!(out, "  {} {title}", paint(style, sign));
    details(out, &action.kind);
    notes(out, action);
    if let Some(scripts) = super::script::needed(action) {
        let _ = writeln!(out, "      {scripts}");
    }
    let _ = writeln!(out);
}

/// The rest of the line of an action, and the lines below it.
pub(super) fn details(out: &mut String, kind: &Operation) {
    match kind {
        Operation::Unchanged { id } => {
            let _ = writeln!(out, " {}", id_of(id));
        }
        Operation::Delete(deletion) => {
            let _ = writeln!(out, " {}", id_of(&deletion.id));
            deleted(out, deletion);
        }
        Operation::Replace {
            deletion, changes, ..
        } => {
            let _ = writeln!(out, " {}", id_of(&deletion.id));
            updated(out, changes, &|it| remark(it, "cannot be edited"));
            credentials(out, deletion);
        }
        Operation::Withheld { policy, would } => {
            details(out, would);
            let policy = policy.as_str();
            note(
                out,
                &format!("this change is not sent: the policy is `{policy}`"),
            );
        }
        Operation::Create(Creation { body, .. }) => {
            let _ = writeln!(out);
            created(out, body);
        }
        Operation::Update { id, changes, .. } => {
            let _ = writeln!(out, " {}", id_of(id));
            updated(out, changes, &|it| remark(it, MAY_BE_REFUSED));
        }
        Operation::Suspended { suspend, would } => {
            details(out, would);
            let why = suspend.to_string();
            if kind.is_pending_suspended() {
                note(out, &format!("the integration is suspended: {why}"));
            } else {
                let _ = writeln!(out, "      {}", escaped(&why));
            }
        }
        Operation::Blocked(block) => {
            let _ = writeln!(out);
            blocked(out, block);
        }
    }
}

/// Action and position of the document.
fn headline(out: &mut String, action: &Action, verdict: &str) {
    let name = paint(BOLD, format_args!("# {}", action.name));
    let place = match &action.origin {
        Some(origin) => format!("{}:{}", escaped(&origin.file), origin.line),
        None => "no longer described by any file".to_owned(),
    };
    let _ = writeln!(out, "  {name} {verdict}  {}", paint(DIM, place));
}

fn id_of(id: &RemoteId) -> String {
    paint(DIM, format_args!("(id {})", escaped(id.as_str())))
}

/// An answer to `--resend-secrets NAME`.
const NO_STORED_SECRETS: &str = "no secret is resent: the server stores no secret for this \
    integration";

/// Nothing changes, but something is worth a line.
fn remarkable_only(out: &mut String, action: &Action) {
    let noted = action.notes();
    let Operation::Unchanged { id } = &action.kind else {
        return;
    };
    let verdict = if !noted.drift.is_empty() {
        "has drifted and is not repaired"
    } else if noted.status.is_some() {
        "matches its file but is unhealthy"
    } else if noted.no_stored_secrets || !noted.holds_secret.is_empty() {
        "matches its file"
    } else {
        return;
    };
    headline(out, action, verdict);
    let title = action.platform.map_or("", |p| p.title);
    let _ = writeln!(out, "  {} {title} {}", paint(CHANGE, '?'), id_of(id));
    notes(out, action);
    let _ = writeln!(out);
}

fn created(out: &mut String, body: &Body) {
    let mut leaves = Vec::new();
    if let Some(auto) = body.auto_bootstrap {
        leaves.push(("autoBootstrap".to_owned(), auto.to_string()));
    }
    leaves.extend(leaves_of(&body.config));
    listed(out, leaves, ADD, '+');
}

/// Harmless values, and the credentials in the deletion request.
fn deleted(out: &mut String, deletion: &Deletion) {
    let leaves = leaves_of(&deletion.before.shown()).collect();
    listed(out, leaves, BAD, '-');
    credentials(out, deletion);
}

/// Source of the credentials in the deletion request.
fn credentials(out: &mut String, deletion: &Deletion) {
    let mut references = Vec::new();
    deletion.for_each_reference(&mut |reference| references.push(reference.to_string()));
    if !references.is_empty() {
        let from = references.join(" and ");
        note(
            out,
            &format!("the deletion request includes the setup credentials from {from}"),
        );
    }
}

fn listed(out: &mut String, leaves: Vec<(String, String)>, style: Style, sign: char) {
    let width = leaves
        .iter()
        .map(|(path, _)| path.chars().count())
        .max()
        .unwrap_or(0);
    for (path, value) in leaves {
        let _ = writeln!(out, "      {} {path:width$} = {value}", paint(style, sign));
    }
}

/// Every leaf of an object with its path, as it is shown.
fn leaves_of(object: &Object) -> impl Iterator<Item = (String, String)> {
    let leaves = object.leaves().into_iter();
    leaves.map(|(path, value)| (escaped(path.as_str()).into_owned(), leaf(value)))
}

/// A secret shows where it will come from, and nothing else.
fn leaf(value: &Value) -> String {
    if let Some(json) = crate::plan::shown(value) {
        return whole(&json);
    }
    let (mut sources, mut shown) = (Vec::new(), None);
    value.for_each_template(&mut |template| {
        sources.extend(template.references().map(ToString::to_string));
        shown = template.shown().map(|text| whole(&text.into()));
    });
    let from = format!("(secret from {})", escaped(&sources.join(" and ")));
    match shown {
        Some(shown) if sources.is_empty() => shown,
        Some(shown) => format!("{shown} {from}"),
        None if sources.is_empty() => MASK.to_owned(),
        None => from,
    }
}

/// Of a value that is a guess to be fixed: an update tries.
const MAY_BE_REFUSED: &str = "the server may reject this change";

/// Cause of a change, if it is known, and a possible obstacle.
fn remark(change: &Change, immutable: &str) -> String {
    let is_shown = matches!(change.before, DisplayValue::Plain(_));
    let who = match change.kind {
        // Nothing of the difference may be shown.
        ChangeKind::Change if is_shown && change.before == change.after => "its secret was changed",
        ChangeKind::Change => "",
        ChangeKind::Drift => "drift: the server changed it",
        ChangeKind::Conflict => "conflict: both the file and the server changed it",
        ChangeKind::Rotation => "rotation: the secret was changed",
        ChangeKind::Resend => "resend: the server may have a different secret",
    };
    let guess = if change.immutable { immutable } else { "" };
    let remarks: Vec<&str> = [who, guess].into_iter().filter(|r| !r.is_empty()).collect();
    if remarks.is_empty() {
        return String::new();
    }
    paint(DIM, format_args!("  # {}", remarks.join("; ")))
}

pub(super) fn updated(out: &mut String, changes: &[Change], remark: &dyn Fn(&Change) -> String) {
    let width = changes
        .iter()
        .map(|c| c.path.as_str().chars().count())
        .max()
        .unwrap_or(0);
    for change in changes {
        let path = escaped(change.path.as_str());
        let sign = if change.before == DisplayValue::Absent {
            paint(ADD, '+')
        } else {
            paint(CHANGE, '~')
        };
        let guess = remark(change);
        match both(&change.before, &change.after) {
            Both::OneLine { after, .. } if change.before == DisplayValue::Absent => {
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
                value::write_lines(out, &lines);
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

pub(super) fn notes(out: &mut String, action: &Action) {
    for note in &action.notes {
        match note {
            Note::Drift { changes } => {
                let paths: Vec<&str> = changes.iter().map(|c| c.path.as_str()).collect();
                let what = format!(
                    "the server changed {}; the change is kept",
                    paths.join(", ")
                );
                self::note(out, &what);
            }
            // Shown once for all, in the summary.
            Note::SecretsNotCompared { .. } | Note::DriftIgnored { .. } => {}
            Note::Health {
                status,
                failing_tests,
            } => {
                // A block for its status has said it already.
                if !is_about_status(&action.kind) {
                    self::note(out, &health(status));
                }
                tests(out, failing_tests);
            }
            Note::UnknownCarried { paths } => self::note(
                out,
                &format!(
                    "the server also has attributes that this version does not know: {}; they \
                    are sent back unchanged and may point to any host",
                    paths.join(", ")
                ),
            ),
            Note::DestinationsCarried { destinations } => {
                for line in destinations.iter().map(super::carried) {
                    self::note(out, &line);
                }
            }
            Note::RepeatsCreation => {
                self::note(out, "an earlier creation failed; the update retries it");
            }
            Note::HoldsSecret { paths } => self::note(out, &super::holds_secret(paths)),
            Note::NotShown { paths } => self::note(out, &super::not_shown(paths)),
            Note::NoStoredSecrets => {
                self::note(out, NO_STORED_SECRETS);
            }
            Note::SecretsMissing { reasons } => {
                let then = if action.kind.is_write() {
                    "an apply would be blocked: "
                } else {
                    ""
                };
                for reason in reasons {
                    self::note(out, &format!("{then}{reason}"));
                }
            }
        }
    }
}

fn is_about_status(kind: &Operation) -> bool {
    matches!(
        kind,
        Operation::Blocked(
            Block::Busy { .. } | Block::Disabled { .. } | Block::NeverUpdated { .. }
        )
    )
}

fn note(out: &mut String, text: &str) {
    let _ = writeln!(out, "      {} {}", paint(DIM, "note:"), escaped(text));
}

/// Meaning of a status for the readers of a plan.
fn health(status: &IntegrationStatus) -> String {
    let meaning = match status {
        IntegrationStatus::Enabled => "",
        IntegrationStatus::Creating
        | IntegrationStatus::Editing
        | IntegrationStatus::Migrating
        | IntegrationStatus::Deleting => ": the server is processing it",
        IntegrationStatus::CreateError => ": its creation failed",
        IntegrationStatus::EditError
        | IntegrationStatus::MigrateError
        | IntegrationStatus::DeleteError => {
            ": the server rolled back the last change, and the old configuration is active"
        }
        IntegrationStatus::RecurringValidationError => ": a recurring validation test is failing",
        IntegrationStatus::Deleted => ": it no longer exists",
        IntegrationStatus::Disabled => ": it was force-disabled",
        IntegrationStatus::Unknown(_) => {
            ", which this version does not know, so integrationd waits"
        }
    };
    format!("the integration has status `{status}`{meaning}")
}

pub(super) fn tests(out: &mut String, failing: &[FailingTest]) {
    for test in failing {
        let name = escaped(&test.name);
        let message = cut(&test.message, TEST_MESSAGE);
        let colon = if message.is_empty() { "" } else { ": " };
        let _ = writeln!(
            out,
            "        {} {name}{colon}{}",
            paint(BAD, "✗"),
            escaped(&message)
        );
    }
}

/// Unreadable parts of the server's list.
fn unreadable(out: &mut String, plan: &Plan) {
    for unreadable in &plan.unreadable {
        let reason = escaped(&unreadable.reason);
        let _ = writeln!(out, "  {} {reason}", paint(BAD, "unreadable:"));
    }
    if !plan.unreadable.is_empty() {
        let _ = writeln!(
            out,
            "      {} the tenant's list of integrations is incomplete, so integrations that may already exist are not created\n",
            paint(DIM, "note:")
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
        paint(DIM, "Unmanaged (live, but not described by a valid file):")
    );
    for live in unmanaged {
        let kind = escaped(&live.type_name);
        let identity = live
            .identity
            .as_deref()
            .map(|i| format!(", {}", escaped(i)))
            .unwrap_or_default();
        let id = escaped(live.id.as_str());
        let status = if live.status == IntegrationStatus::Enabled {
            String::new()
        } else {
            format!(", {}", escaped(live.status.as_str()))
        };
        let connection = live.connection.as_deref();
        let owner = connection.map(|key| format!(", belongs to connection {}", escaped(key)));
        let owner = owner.unwrap_or_default();
        let once = match &live.recorded {
            Some(name) if live.owned || live.connection.is_some() => {
                format!(", formerly {name}")
            }
            Some(name) => format!(
                ", formerly {name}: not deleted, because integrationd does not own the \
                integration; delete it in Immuta, or restore its file and run `{}`",
                command("adopt", &[name])
            ),
            None => String::new(),
        };
        let line = format_args!("id {id}: {kind}{identity}{status}{owner}{once}");
        let _ = writeln!(out, "    {}", paint(DIM, line));
    }
    let _ = writeln!(out);
}

fn summary(out: &mut String, plan: &Plan, tenant: &str) {
    let counts = Counts::of(plan);
    let tenant = escaped(tenant);
    if let Some(what) = suspended::line(&plan.suspensions) {
        let _ = writeln!(out, "{} {what}.", paint(CHANGE.bold(), "Suspended:"));
    }
    let actions = plan.actions.iter();
    let drifted = actions
        .filter(|action| !action.notes().drift.is_empty())
        .count();
    if counts.is_settled() && drifted == 0 && plan.unreadable.is_empty() {
        let title = paint(BOLD, "No changes.");
        let _ = writeln!(out, "{title} {}", not_compared::verdict(plan, &tenant));
    }
    let what = counted(plan);
    let _ = writeln!(out, "{} {what}.", paint(BOLD, "Plan:"));
    let writes = plan.actions.iter().filter(|action| action.kind.is_write());
    let missing = writes
        .filter(|action| !action.notes().secrets_missing.is_empty())
        .count();
    if missing > 0 {
        let text = format!(
            "An apply would block {} because secrets are not available here.",
            count(missing, "change")
        );
        let _ = writeln!(out, "{}", paint(CHANGE, text));
    }
    not_compared::write_line(out, plan);
}

/// Counts of a plan, such as `2 to create, 1 blocked`.
#[must_use]
pub fn counted(plan: &Plan) -> String {
    let counts = Counts::of(plan);
    list_counts(&[
        (counts.create, "to create"),
        (counts.update, "to update"),
        (counts.replace, "to replace"),
        (counts.delete, "to delete"),
        (counts.withheld, "withheld by policy"),
        (counts.blocked + counts.invalid, "blocked"),
        (counts.pending_suspended, PENDING_SUSPENDED),
        (counts.suspended - counts.pending_suspended, "suspended"),
        (counts.unchanged, "unchanged"),
        (plan.unselected, "not selected"),
    ])
}
