//! The scripts of a manual set-up that an action needs first (API.md 3).

use super::{Action, Block, Body, Creation, Note, Operation};
use crate::live::{IntegrationStatus, LiveIntegration, RemoteId};
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
pub fn script_situation<'p>(
    action: &'p Action,
    found: Option<&LiveIntegration>,
) -> Result<ScriptSituation, &'p Block> {
    let has_failed = found.is_some_and(|it| it.status == IntegrationStatus::CreateError);
    let mut kind = &action.kind;
    while let Operation::Withheld { would, .. } | Operation::Suspended { would, .. } = kind {
        kind = would;
    }
    Ok(match kind {
        Operation::Create(_) => ScriptSituation::NotLive,
        Operation::Update { .. } if has_failed => ScriptSituation::FailedCreation,
        Operation::Update { .. } => ScriptSituation::Different,
        Operation::Replace { .. } => ScriptSituation::Replaced,
        Operation::Delete(_) => ScriptSituation::Gone,
        Operation::Unchanged { .. } => ScriptSituation::Equal,
        Operation::Blocked(block) => return Err(block),
        Operation::Withheld { .. } | Operation::Suspended { .. } => ScriptSituation::Equal,
    })
}

/// The live integration of an action.
#[must_use]
pub fn action_target(action: &Action) -> Option<&RemoteId> {
    let mut kind = &action.kind;
    while let Operation::Withheld { would, .. } | Operation::Suspended { would, .. } = kind {
        kind = would;
    }
    match kind {
        Operation::Update { id, .. } | Operation::Unchanged { id } => Some(id),
        Operation::Delete(deletion) | Operation::Replace { deletion, .. } => Some(&deletion.id),
        Operation::Create(_)
        | Operation::Blocked(_)
        | Operation::Withheld { .. }
        | Operation::Suspended { .. } => None,
    }
}

/// The body of a request for a script: what a create of the file would send.
#[must_use]
pub fn script_body(integration: &Integration) -> Body {
    Body::for_create(integration)
}

/// The scripts to run before an action that writes. An automatic set-up needs none.
#[must_use]
pub fn needed_scripts(action: &Action) -> Vec<ScriptKind> {
    let is_repeated = action
        .notes
        .iter()
        .any(|note| matches!(note, Note::RepeatsCreation));
    let (platform, auto_bootstrap, situation) = match &action.kind {
        Operation::Create(Creation { body, .. }) => {
            (body.platform, body.auto_bootstrap, ScriptSituation::NotLive)
        }
        Operation::Update { body, .. } => {
            let situation = if is_repeated {
                ScriptSituation::FailedCreation
            } else {
                ScriptSituation::Different
            };
            (body.platform, body.auto_bootstrap, situation)
        }
        Operation::Replace { creation, .. } => {
            let body = &creation.body;
            (
                body.platform,
                body.auto_bootstrap,
                ScriptSituation::Replaced,
            )
        }
        Operation::Delete(deletion) => {
            let is_automatic = Some(deletion.is_automatic);
            (deletion.platform, is_automatic, ScriptSituation::Gone)
        }
        Operation::Unchanged { .. }
        | Operation::Withheld { .. }
        | Operation::Suspended { .. }
        | Operation::Blocked(_) => return Vec::new(),
    };
    if auto_bootstrap == Some(true) {
        return Vec::new();
    }
    script_kinds(platform, situation)
}

/// The command that fetches the script of an integration.
#[must_use]
pub fn script_command(name: &str) -> String {
    format!("integrationd script {name}")
}
