//! Decision about the integration of one file.

use super::against::{Against, creation, missing};
use super::bound;
use super::contest;
use super::converge;
use super::diff::Difference;
use super::history::DiffContext;
use super::owners;
use super::pairing::Pairing;
use super::policy::by_operator;
use super::recorded::{self, StateUpdate};
use super::records::{RecordedIntegration, label};
use super::replace::{is_replaceable, replace, replace_moved};
use super::unknown_outcome::unknown_outcome_block;
use super::{
    Action, Block, Body, Change, ChangeKind, Note, OnConflict, OnDrift, Operation, PlanContext,
    UpdatePrecondition,
};
use crate::live::{FailingTest, IntegrationStatus, LiveIntegration, StatusPhase};
use crate::manifest::{Destination, Integration, Invalid, Suspend, seeming_hosts};
use crate::platform::AttributePath;

/// Action for the integration of a file, and its observations to record without a write.
pub(super) fn decide(
    integration: &Integration,
    pairing: Pairing<'_>,
    against: &Against<'_>,
) -> (Action, Option<StateUpdate>) {
    let context = against.context;
    let unresolved = unknown_outcome_block(integration, &pairing, context);
    let pairing = unresolved.map_or(pairing, Pairing::Blocked);
    let owned = pairing.found();
    let owned = owned.and_then(|found| owners::owned(found, against.live));
    let pairing = owned.map_or(pairing, Pairing::Blocked);
    let found = match &pairing {
        Pairing::Certain(found) => Some(*found),
        // What is only likely is not recorded as if it were certain.
        Pairing::Likely(_) | Pairing::New | Pairing::Replaces { .. } | Pairing::Blocked(_) => None,
    };
    let (kind, notes) = match pairing {
        Pairing::Blocked(block) => (Operation::Blocked(block), Vec::new()),
        Pairing::New => create(integration, against),
        Pairing::Certain(found) => compare(integration, found, Certainty::Certain, against),
        Pairing::Likely(found) => compare(integration, found, Certainty::Likely, against),
        Pairing::Replaces { found, attribute } => {
            replace_moved(integration, found, attribute, against)
        }
    };
    let kind = match suspension(integration, context) {
        Some(suspend) => kind.suspended(suspend),
        None => by_operator(kind, &integration.name, context),
    };
    let update = found.and_then(|found| {
        recorded::state_update(
            integration,
            found,
            &kind,
            against.recorded.of(found),
            context,
        )
    });
    let action = Action {
        name: integration.name.clone(),
        platform: Some(integration.platform),
        origin: Some(integration.origin.clone()),
        kind,
        notes,
    };
    (action, update)
}

/// The suspension of an integration, if it counts now.
fn suspension<'i>(integration: &'i Integration, context: &PlanContext<'_>) -> Option<&'i Suspend> {
    let suspend = integration.options.suspend.as_ref()?;
    suspend.counts_at(context.now).then_some(suspend)
}

fn create(integration: &Integration, against: &Against<'_>) -> (Operation, Vec<Note>) {
    match creation(integration, against) {
        Err(block) => (Operation::Blocked(block), Vec::new()),
        Ok(creation) => {
            let missing = missing_secrets(&creation.body, against.context);
            (Operation::Create(creation), missing.into_iter().collect())
        }
    }
}

/// Certainty that the live integration is the intended one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Certainty {
    Certain,
    Likely,
}

fn compare(
    integration: &Integration,
    found: &LiveIntegration,
    certainty: Certainty,
    against: &Against<'_>,
) -> (Operation, Vec<Note>) {
    let context = against.context;
    let recorded = against.recorded.of(found);
    let label = label(integration, recorded);
    let history = DiffContext {
        last: recorded.map(|recorded| &recorded.record.state.applied),
        fingerprint: &|path, template| (context.fingerprint)(label, path, template),
        on_drift: context.on_drift,
        resend: context.resend.covers(&integration.name),
        is_same_text: context.is_same_text,
        kept_texts: &[],
    };
    let difference = Difference::between(integration, found, history);
    let mut notes = seen(integration, found, &difference, context);
    let is_named = context.resend.names.contains(&integration.name);
    if is_named && !difference.changes.iter().any(is_of_secret) {
        notes.push(Note::NoStoredSecrets);
    }
    let repeats_creation = found.status == IntegrationStatus::CreateError;
    let id = found.id.clone();
    if found.status.phase() == StatusPhase::Blocked {
        return (Operation::Blocked(Block::Disabled { id }), notes);
    }
    if found.status == IntegrationStatus::Deleting {
        let status = found.status.clone();
        return (Operation::Blocked(Block::Busy { id, status }), notes);
    }
    if difference.changes.is_empty() && !repeats_creation {
        return (Operation::Unchanged { id }, notes);
    }
    if let Some(block) = update_block(integration, found, certainty, &difference, context) {
        return (Operation::Blocked(block), notes);
    }
    // A value that the server rewrites would be a reason to replace it at every run.
    if let Some(block) = not_converging(&difference, recorded).filter(|_| !repeats_creation) {
        return (Operation::Blocked(block), notes);
    }
    if let Some(block) = contest::block(integration, &difference, recorded, context) {
        return (Operation::Blocked(block), notes);
    }
    if is_replaced(integration, &difference, context) {
        return replace(integration, found, difference.changes, against);
    }
    if repeats_creation {
        notes.push(Note::RepeatsCreation);
    }
    notes.extend(carried(integration, &difference));
    notes.extend(missing_secrets(&difference.body, context));
    let precondition = UpdatePrecondition::new(integration, found, &difference, history);
    let mut state = recorded::of_write(integration, recorded, &difference.body, context);
    converge::keep_until_proved(&mut state, &difference.changes, recorded);
    state.repairs = contest::after_update(integration, &difference.changes, recorded, context);
    (
        Operation::Update {
            id,
            changes: difference.changes,
            body: difference.body,
            state,
            precondition: Box::new(precondition),
        },
        notes,
    )
}

/// Notes about server values that an update keeps and that the operator should know of.
fn carried(integration: &Integration, difference: &Difference) -> Vec<Note> {
    let unknown = &difference.unknown_carried;
    let mut destinations = bound::carried(integration, &difference.body);
    destinations.retain(|destination| !unknown.iter().any(|path| path == destination.path()));
    for path in unknown {
        let value = difference.body.config.at(path);
        let hosts = value.map(seeming_hosts).unwrap_or_default();
        destinations.extend(hosts.into_iter().map(|host| Destination::Host {
            path: path.clone(),
            host,
        }));
    }
    let mut notes = Vec::new();
    if !unknown.is_empty() {
        notes.push(Note::UnknownCarried {
            paths: unknown.clone(),
        });
    }
    if !destinations.is_empty() {
        notes.push(Note::DestinationsCarried { destinations });
    }
    notes
}

/// True if the change sends a stored secret.
fn is_of_secret(change: &Change) -> bool {
    match change.kind {
        ChangeKind::Rotation | ChangeKind::Resend => true,
        ChangeKind::Change | ChangeKind::Drift | ChangeKind::Conflict => false,
    }
}

/// Observations besides the differences.
fn seen(
    integration: &Integration,
    found: &LiveIntegration,
    difference: &Difference,
    context: &PlanContext<'_>,
) -> Vec<Note> {
    let mut notes = Vec::new();
    if !difference.drift.is_empty() {
        notes.push(match context.on_drift {
            OnDrift::Apply | OnDrift::Report => Note::Drift {
                changes: difference.drift.clone(),
            },
            OnDrift::Ignore => {
                let paths = difference.drift.iter().map(|change| change.path.clone());
                Note::DriftIgnored {
                    paths: paths.collect(),
                }
            }
        });
    }
    if !difference.not_compared.is_empty() {
        notes.push(Note::SecretsNotCompared {
            paths: difference.not_compared.clone(),
        });
    }
    if found.status != IntegrationStatus::Enabled {
        let tests = found.failing_tests.iter().cloned();
        let failing_tests = if knows_secrets(integration, difference, context) {
            tests.collect()
        } else {
            tests.map(FailingTest::without_message).collect()
        };
        notes.push(Note::Health {
            status: found.status.clone(),
            failing_tests,
        });
    }
    let paths = found.paths_with_secrets();
    if !paths.is_empty() {
        notes.push(Note::HoldsSecret { paths });
    }
    notes
}

/// True if every secret that the server has of an integration is known here, so that the
/// server's messages can be scrubbed: no secret is missing, and only the secrets that
/// were last applied are stored there. After a rotation the server still has the old
/// value.
fn knows_secrets(
    integration: &Integration,
    difference: &Difference,
    context: &PlanContext<'_>,
) -> bool {
    let is_rotated = |change: &Change| change.kind == ChangeKind::Rotation;
    let mut is_missing = false;
    integration.for_each_template(&mut |template| {
        let mut references = template.references();
        is_missing |= references.any(|it| (context.missing_secret)(it).is_some());
    });
    difference.not_compared.is_empty() && !difference.changes.iter().any(is_rotated) && !is_missing
}

/// Block if every difference is a value that the server did not keep before.
fn not_converging(
    difference: &Difference,
    recorded: Option<RecordedIntegration<'_>>,
) -> Option<Block> {
    let recorded = recorded?;
    let all = difference
        .changes
        .iter()
        .all(|c| converge::is_known(c, &recorded));
    all.then(|| Block::NotConverging {
        values: difference.changes.clone(),
    })
}

/// True if the integration is deleted and created again, which is allowed.
fn is_replaced(
    integration: &Integration,
    difference: &Difference,
    context: &PlanContext<'_>,
) -> bool {
    difference.changes.iter().any(|c| c.immutable) && is_replaceable(integration, context)
}

/// Obstacle to a necessary update.
fn update_block(
    integration: &Integration,
    found: &LiveIntegration,
    certainty: Certainty,
    difference: &Difference,
    context: &PlanContext<'_>,
) -> Option<Block> {
    let id = found.id.clone();
    if !integration.platform.can_be_updated() {
        return Some(Block::NeverUpdated { id });
    }
    if found.status.phase() == StatusPhase::Busy {
        return Some(Block::Busy {
            id,
            status: found.status.clone(),
        });
    }
    if certainty == Certainty::Likely {
        let paths = difference.changes.iter().map(|c| c.path.clone()).collect();
        return Some(Block::NeedsPin { id, paths });
    }
    let conflicts = difference
        .changes
        .iter()
        .filter(|c| c.kind == ChangeKind::Conflict);
    let paths: Vec<AttributePath> = conflicts.map(|c| c.path.clone()).collect();
    if context.on_conflict == OnConflict::Stop && !paths.is_empty() {
        return Some(Block::Conflict { paths });
    }
    if !difference.hidden.is_empty() {
        return Some(Block::ValueHidden {
            paths: difference.hidden.clone(),
        });
    }
    // A replacement that is allowed shows the secrets that may go with it.
    let may_drop =
        !difference.may_drop.is_empty() && !is_replaced(integration, difference, context);
    if !difference.secrets_lost.is_empty() || may_drop {
        return Some(Block::SecretNotGiven {
            paths: difference.secrets_lost.clone(),
            possible: difference.may_drop.clone(),
        });
    }
    let attributes = difference.changes.iter();
    let mut attributes = attributes.filter_map(|c| integration.platform.attribute(&c.path));
    let fixed = attributes.find(|attribute| attribute.is_fixed)?;
    // The server would refuse the update, unless there was never anything to set.
    let is_refused = found.status != IntegrationStatus::CreateError;
    (is_refused && !is_replaceable(integration, context)).then(|| Block::Replacement {
        name: integration.name.clone(),
        id,
        attribute: fixed.name,
    })
}

fn missing_secrets(body: &Body, context: &PlanContext<'_>) -> Option<Note> {
    missing(context, |visit| body.for_each_reference(visit))
}

/// The action of a file with an error.
pub(super) fn invalid_action(invalid: &Invalid) -> Action {
    Action {
        name: invalid.name.clone(),
        platform: invalid.platform,
        origin: Some(invalid.origin.clone()),
        kind: Operation::Blocked(Block::InvalidFile),
        notes: Vec::new(),
    }
}
