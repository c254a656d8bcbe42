//! The next step for one integration, and its reason, in a sentence.

use serde::Serialize;

use crate::follow_up::command;
use crate::plan::{Action, Block, ChangedBy, Note, Operation, Policy};
use crate::session::explain::{CausedChange, ExplainedIntegration, UnreadTenant};
use crate::text::{chain, escaped};

/// The next step for an integration.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct NextStep {
    /// The write that the next sync sends, or `none`.
    pub action: &'static str,
    /// The reason, in a sentence.
    pub sentence: String,
}

/// No write is sent.
const NONE: &str = "none";

/// The next step, given everything that decides it.
#[must_use]
pub fn next_step(explained: &ExplainedIntegration) -> NextStep {
    if !explained.is_selected {
        return nothing("`--only` and `--exclude` do not select this integration");
    }
    let Some(action) = &explained.action else {
        return without_action(explained);
    };
    if let (Some(unread), Operation::Blocked(Block::UnknownScope { .. })) =
        (&explained.failure, &action.kind)
    {
        return not_known(unread);
    }
    match &action.kind {
        Operation::Withheld { policy, would } => nothing(format!(
            "the policy `{}` withholds the {}",
            policy.as_str(),
            noun(would)
        )),
        Operation::Suspended { suspend, would } => {
            let then = match **would {
                Operation::Unchanged { .. } => "it matches its file".to_owned(),
                Operation::Blocked(_) => "it would be blocked anyway".to_owned(),
                Operation::Create(_)
                | Operation::Update { .. }
                | Operation::Delete(_)
                | Operation::Replace { .. }
                | Operation::Withheld { .. }
                | Operation::Suspended { .. } => format!("the {} is pending", noun(would)),
            };
            nothing(format!("this integration is suspended: {suspend}; {then}"))
        }
        Operation::Blocked(block) => nothing(format!("this integration is blocked: {block}")),
        Operation::Unchanged { .. } => in_sync(&action.notes),
        Operation::Create(_)
        | Operation::Update { .. }
        | Operation::Delete(_)
        | Operation::Replace { .. } => write(explained, &action.kind, &action.notes),
    }
}

fn nothing(reason: impl std::fmt::Display) -> NextStep {
    NextStep {
        action: NONE,
        sentence: format!(
            "The next sync does nothing because {}.",
            escaped(&reason.to_string())
        ),
    }
}

/// The next step for a tenant that could not be read.
fn not_known(unread: &UnreadTenant) -> NextStep {
    NextStep {
        action: NONE,
        sentence: format!(
            "The next step is unknown because the tenant could not be read: {}.",
            escaped(&chain(unread))
        ),
    }
}

/// The word for a write.
fn word(kind: &Operation) -> &'static str {
    kind.without_limits().write_word().unwrap_or(NONE)
}

/// The noun for a write.
fn noun(kind: &Operation) -> &'static str {
    match word(kind) {
        "create" => "creation",
        "delete" => "deletion",
        "replace" => "replacement",
        other => other,
    }
}

/// The sentence for an integration that a plan has no action for.
fn without_action(explained: &ExplainedIntegration) -> NextStep {
    let name = &explained.name;
    let Some(unmanaged) = &explained.unmanaged else {
        if explained.is_uncertain() {
            return nothing("the tenant's list of integrations could not be read completely");
        }
        if explained.deleted.is_some() {
            return nothing("integrationd deleted this integration, and no file describes it");
        }
        return nothing("no file describes this integration, and it does not exist in the tenant");
    };
    if let Some(key) = &unmanaged.connection {
        return nothing(format!(
            "this integration belongs to connection {key}, so integrationd never writes to it"
        ));
    }
    match &unmanaged.recorded {
        None => nothing(format!(
            "no file describes this integration, so integrationd does not manage it; \
            `{}` writes a file for it",
            command("export", &[])
        )),
        Some(_) if unmanaged.owned && explained.policy == Policy::Sync => nothing(
            "no file describes this integration any longer, but a file with `sync.id` may mean it, \
            so it is not deleted",
        ),
        Some(_) if unmanaged.owned => nothing(format!(
            "no file describes this integration any longer, and the policy `{}` deletes nothing",
            explained.policy.as_str()
        )),
        Some(_) => nothing(format!(
            "no file describes this integration any longer, and integrationd deletes only \
            integrations that it owns; delete it in Immuta, or restore its file and run \
            `{}`",
            command("adopt", &[name])
        )),
    }
}

/// The sentence for an integration that nothing is to be changed of.
fn in_sync(notes: &[Note]) -> NextStep {
    let mut ignored = None;
    for note in notes {
        match note {
            Note::Drift { .. } => ignored = Some("the settings keep the server's changes"),
            Note::DriftIgnored { .. } => {
                ignored = Some("the settings ignore the server's changes");
            }
            Note::SecretsNotCompared { .. } => {
                ignored = ignored.or(Some(
                    "this integration matches its file, except for secrets that were not compared",
                ));
            }
            Note::Health { .. }
            | Note::UnknownCarried { .. }
            | Note::DestinationsCarried { .. }
            | Note::RepeatsCreation
            | Note::NoStoredSecrets
            | Note::SecretsMissing { .. }
            | Note::HoldsSecret { .. }
            | Note::NotShown { .. } => {}
        }
    }
    nothing(ignored.unwrap_or("this integration matches its file"))
}

/// The sentence for a write, and for what may keep it back.
fn write(explained: &ExplainedIntegration, kind: &Operation, notes: &[Note]) -> NextStep {
    if let Some(exceeded) = explained.exceeded.first() {
        return nothing(format!("the guard refuses the whole plan: {exceeded}"));
    }
    let reason = reason(explained, kind);
    let missing = notes
        .iter()
        .any(|note| matches!(note, Note::SecretsMissing { .. }));
    if missing {
        let noun = noun(kind);
        return nothing(format!(
            "secrets that the {noun} needs are not available here; the {noun} is needed because \
            {reason}"
        ));
    }
    let verb = match kind {
        Operation::Create(_) => "creates this integration",
        Operation::Update { .. } => "updates this integration",
        Operation::Delete(_) => "deletes this integration",
        Operation::Replace { .. } => "deletes and recreates this integration",
        Operation::Unchanged { .. }
        | Operation::Blocked(_)
        | Operation::Withheld { .. }
        | Operation::Suspended { .. } => "does nothing",
    };
    let pause = match explained.backing_off {
        Some(until) => {
            format!("; a daemon waits until {until:.0}, because the server rejected the same write")
        }
        None => String::new(),
    };
    NextStep {
        action: word(kind),
        sentence: format!("The next sync {verb}, because {}{pause}.", escaped(&reason)),
    }
}

fn reason(explained: &ExplainedIntegration, kind: &Operation) -> String {
    match kind {
        Operation::Create(_) => "no live integration matches the file".to_owned(),
        Operation::Delete(_) => "no file describes it any longer".to_owned(),
        Operation::Update { .. }
        | Operation::Replace { .. }
        | Operation::Unchanged { .. }
        | Operation::Blocked(_)
        | Operation::Withheld { .. }
        | Operation::Suspended { .. } => {
            let notes = explained
                .action
                .as_ref()
                .map(Action::notes)
                .unwrap_or_default();
            let is_kept = |path| {
                notes.drift_ignored.contains(path) || notes.drift.iter().any(|it| it.path == *path)
            };
            let sent = explained
                .changes
                .iter()
                .filter(|it| !is_kept(&it.change.path));
            causes(&sent.collect::<Vec<_>>())
        }
    }
}

/// Number of attributes that a sentence names for each side.
const MOST_NAMED: usize = 4;

/// The attributes by the side that changed them.
fn causes(changes: &[&CausedChange]) -> String {
    let sides = [
        (ChangedBy::Server, "the server changed"),
        (ChangedBy::File, "the file changed"),
        (ChangedBy::Both, "the file and the server both changed"),
        (ChangedBy::Unknown, "the file and the server differ in"),
    ];
    let mut parts = Vec::new();
    for (side, words) in sides {
        let of_side = changes.iter().filter(|it| it.by == side);
        let mut paths: Vec<&str> = of_side.map(|it| it.change.path.as_str()).collect();
        let more = paths.len().saturating_sub(MOST_NAMED);
        paths.truncate(MOST_NAMED);
        if !paths.is_empty() {
            let rest = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            parts.push(format!("{words} {}{rest}", paths.join(", ")));
        }
    }
    if parts.is_empty() {
        return "its creation failed".to_owned();
    }
    parts.join(", and ")
}
