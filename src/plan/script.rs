//! The scripts of a manual set-up that an action needs first (API.md 3).

use super::{Action, Block, Body, Creation, Note, Operation};
use crate::manifest::Integration;
use crate::platform::{Platform, ScriptKind};

/// Situation of an integration, as far as scripts are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScriptSituation {
    /// It does not exist.
    NotLive,
    /// It exists, and differs from the file.
    Different,
    /// Its creation failed.
    FailedCreation,
    /// It exists, and its file is gone.
    Gone,
    /// It is deleted and created again.
    Replaced,
    /// It is as the file says.
    Equal,
}

/// The kinds of scripts for a situation, in the order in which they are run.
#[must_use]
pub fn script_kinds(platform: &Platform, situation: ScriptSituation) -> Vec<ScriptKind> {
    let kinds: &[ScriptKind] = match situation {
        ScriptSituation::NotLive => &[ScriptKind::InitialCreate, ScriptKind::Create],
        ScriptSituation::Different => &[ScriptKind::Edit],
        ScriptSituation::FailedCreation => &[ScriptKind::Cleanup, ScriptKind::PostCleanup],
        ScriptSituation::Gone => &[ScriptKind::Delete],
        ScriptSituation::Replaced => &[
            ScriptKind::Delete,
            ScriptKind::InitialCreate,
            ScriptKind::Create,
        ],
        ScriptSituation::Equal => &[],
    };
    let has = |kind: &&ScriptKind| platform.scripts.kinds.contains(kind);
    kinds.iter().filter(has).copied().collect()
}

/// The situation that an action answers, or the obstacle to it.
///
/// # Errors
/// The action is blocked.
pub fn script_situation(action: &Action) -> Result<ScriptSituation, &Block> {
    situation(&action.kind, &action.notes)
}

fn situation<'p>(kind: &'p Operation, notes: &[Note]) -> Result<ScriptSituation, &'p Block> {
    let repeats = |note: &Note| matches!(note, Note::RepeatsCreation);
    Ok(match kind {
        Operation::Create(_) => ScriptSituation::NotLive,
        Operation::Update { .. } if notes.iter().any(repeats) => ScriptSituation::FailedCreation,
        Operation::Update { .. } => ScriptSituation::Different,
        Operation::Replace { .. } => ScriptSituation::Replaced,
        Operation::Delete(_) => ScriptSituation::Gone,
        Operation::Unchanged { .. } => ScriptSituation::Equal,
        Operation::Withheld { would, .. } | Operation::Suspended { would, .. } => {
            return situation(would, notes);
        }
        Operation::Blocked(block) => return Err(block),
    })
}

/// The body of a request for a script: what a create of the file would send.
#[must_use]
pub fn script_body(integration: &Integration) -> Body {
    Body::for_create(integration)
}

/// The scripts to run before an action that writes. An automatic set-up needs none.
#[must_use]
pub fn needed_scripts(action: &Action) -> Vec<ScriptKind> {
    let (platform, is_automatic) = match &action.kind {
        Operation::Create(Creation { body, .. })
        | Operation::Update { body, .. }
        | Operation::Replace {
            creation: Creation { body, .. },
            ..
        } => (body.platform, body.auto_bootstrap == Some(true)),
        Operation::Delete(deletion) => (deletion.platform, deletion.is_automatic),
        Operation::Unchanged { .. }
        | Operation::Withheld { .. }
        | Operation::Suspended { .. }
        | Operation::Blocked(_) => return Vec::new(),
    };
    match script_situation(action) {
        Ok(situation) if !is_automatic => script_kinds(platform, situation),
        Ok(_) | Err(_) => Vec::new(),
    }
}

/// The command that fetches the script of an integration.
#[must_use]
pub fn script_command(name: &str) -> String {
    format!("integrationd script {name}")
}
