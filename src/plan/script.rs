//! The scripts of a manual set-up that an action needs first (API.md 3).

use super::diff::Difference;
use super::history::DiffContext;
use super::owners;
use super::removal::is_automatic;
use super::{
    Action, Block, Body, Creation, Deletion, Note, Operation, PreconditionFailure, Undeletable,
};
use crate::follow_up::command;
use crate::ledger::Ledger;
use crate::live::{Live, LiveIntegration};
use crate::manifest::Integration;
use crate::platform::{Platform, ScriptKind};

/// Situation of an integration, as far as scripts are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScriptSituation {
    /// It does not exist.
    NotLive,
    /// It exists, and differs from the file.
    Different,
    /// Its creation failed. The next write creates it again.
    FailedCreation,
    /// It exists, and its file is gone.
    Gone,
    /// Its creation failed, and its file is gone.
    FailedAndGone,
    /// It is deleted and created again.
    Replaced,
    /// It is as the file says.
    Equal,
}

/// The platforms on which an operator runs scripts. Immuta carries out the other parts itself: a
/// replacement can remove a manual set-up and create an automatic one.
#[derive(Debug, Clone, Copy)]
pub struct ManualParts {
    /// The platform of the removal, which is that of the live integration.
    pub removal: Option<&'static Platform>,
    /// The platform of the creation, or of a change, which is that of the file.
    pub creation: Option<&'static Platform>,
}

impl ManualParts {
    /// The parts of an integration by its file and by the live integration. Where the server and
    /// the record do not show how it was set up, the file decides.
    #[must_use]
    pub fn new(
        integration: Option<&Integration>,
        found: Option<&LiveIntegration>,
        ledger: &Ledger,
    ) -> Self {
        let by_file = integration.is_some_and(|it| it.auto_bootstrap == Some(true));
        let of_file = integration.map(|it| it.platform);
        let by_server = found.and_then(|found| {
            let record = ledger.records.values().find(|it| it.id == found.id);
            is_automatic(record, found)
        });
        let of_server = found.and_then(|it| it.platform).or(of_file);
        Self {
            removal: of_server.filter(|_| !by_server.unwrap_or(by_file)),
            creation: of_file.filter(|_| !by_file),
        }
    }

    fn of(kind: &Operation) -> Self {
        let created =
            |body: &Body| Some(body.platform).filter(|_| body.auto_bootstrap != Some(true));
        let removed = |it: &Deletion| Some(it.platform).filter(|_| !it.is_automatic);
        let (removal, creation) = match kind {
            Operation::Create(Creation { body, .. }) | Operation::Update { body, .. } => {
                (created(body), created(body))
            }
            Operation::Replace {
                deletion, creation, ..
            } => (removed(deletion), created(&creation.body)),
            Operation::Delete(deletion) => (removed(deletion), None),
            Operation::Unchanged { .. }
            | Operation::Withheld { .. }
            | Operation::Suspended { .. }
            | Operation::Blocked(_) => (None, None),
        };
        Self { removal, creation }
    }

    /// The platform on which a script of this kind is run.
    #[must_use]
    pub fn platform(self, kind: ScriptKind) -> Option<&'static Platform> {
        if kind.is_of_removal() {
            self.removal
        } else {
            self.creation
        }
    }
}

/// The kinds of scripts for a situation, in the order in which they are run. The script of a
/// deletion is only for an integration whose creation succeeded.
#[must_use]
pub fn script_kinds(parts: ManualParts, situation: ScriptSituation) -> Vec<ScriptKind> {
    let kinds: &[ScriptKind] = match situation {
        ScriptSituation::NotLive => &[ScriptKind::InitialCreate, ScriptKind::Create],
        ScriptSituation::Different => &[ScriptKind::Edit],
        ScriptSituation::FailedCreation => &[
            ScriptKind::Cleanup,
            ScriptKind::PostCleanup,
            ScriptKind::InitialCreate,
            ScriptKind::Create,
        ],
        ScriptSituation::Gone => &[ScriptKind::Delete],
        ScriptSituation::FailedAndGone => &[ScriptKind::Cleanup, ScriptKind::PostCleanup],
        ScriptSituation::Replaced => &[
            ScriptKind::Delete,
            ScriptKind::InitialCreate,
            ScriptKind::Create,
        ],
        ScriptSituation::Equal => &[],
    };
    let has = |kind: &&ScriptKind| {
        let platform = parts.platform(**kind);
        platform.is_some_and(|platform| platform.scripts.kinds.contains(kind))
    };
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
        Operation::Replace { deletion, .. } if deletion.creation_failed => {
            ScriptSituation::FailedCreation
        }
        Operation::Replace { .. } => ScriptSituation::Replaced,
        Operation::Delete(deletion) if deletion.creation_failed => ScriptSituation::FailedAndGone,
        Operation::Delete(_) => ScriptSituation::Gone,
        Operation::Unchanged { .. } => ScriptSituation::Equal,
        Operation::Withheld { would, .. } | Operation::Suspended { would, .. } => {
            return situation(would, notes);
        }
        Operation::Blocked(block) => return Err(block),
    })
}

/// The reason why no sync ever deletes a live integration, with its file or without.
#[must_use]
pub fn removal_block(
    found: &LiveIntegration,
    integration: Option<&Integration>,
    live: &Live,
    ledger: &Ledger,
) -> Option<Block> {
    let recorded = ledger.records.values().find(|it| it.id == found.id);
    let by_record = recorded.is_some_and(|it| it.state.removal.protect);
    let by_file = integration.is_some_and(|it| it.options.protect);
    let id = found.id.clone();
    let protected = integration.map_or(by_record, |_| by_file);
    let protected = protected.then(|| Undeletable::Protected { id }.into());
    owners::owned(found, live).or(protected)
}

impl Block {
    /// True if a deletion is only not certain to be meant: an operator who asks for its script
    /// by name means it.
    #[must_use]
    pub fn doubts_a_removal(&self) -> bool {
        matches!(
            self,
            Self::InvalidFile
                | Self::EmptyFile { .. }
                | Self::NotDeleted(Undeletable::Frozen { .. } | Undeletable::NotRemoved { .. })
        )
    }
}

/// The body of a request for a script: that of the write that follows it. An update sends the
/// server's values of attributes that the file omits, so its script is made from them too.
/// `now` is the integration as it is read just before.
///
/// # Errors
/// The integration is no longer as it was in the plan.
pub fn script_body(
    integration: &Integration,
    action: Option<&Action>,
    now: Option<&LiveIntegration>,
) -> Result<Body, PreconditionFailure> {
    let planned = action.map(|action| action.kind.without_limits());
    match (planned, now) {
        (Some(Operation::Update { precondition, .. }), Some(now)) => precondition.body(now),
        (Some(Operation::Unchanged { .. }), Some(now)) => {
            Ok(Difference::between(integration, now, DiffContext::NONE).body)
        }
        (_, _) => Ok(Body::for_create(integration)),
    }
}

/// The scripts to run before an action that writes. An automatic part of it needs none.
#[must_use]
pub fn needed_scripts(action: &Action) -> Vec<ScriptKind> {
    match script_situation(action) {
        Ok(situation) => script_kinds(ManualParts::of(&action.kind), situation),
        Err(_) => Vec::new(),
    }
}

/// True if the scripts that an action needs are made from a file that is gone: a request for the
/// scripts of a cleanup has the body of the creation, and only the file has its secrets.
#[must_use]
pub fn scripts_need_file(action: &Action) -> bool {
    matches!(script_situation(action), Ok(ScriptSituation::FailedAndGone))
}

/// The command that fetches the script of an integration.
#[must_use]
pub fn script_command(name: &str) -> String {
    command("script", &[name])
}
