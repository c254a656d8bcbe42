//! Writes with an unknown outcome block other writes.
//!
//! With one exception: a create that may still take effect can be repeated if the server itself
//! rejects a second one, so that a lost response costs no minutes.

use super::pairing::Pairing;
use super::records::RecordedIntegration;
use super::{Action, Block, Operation, PlanContext, UnknownOutcome};
use crate::ledger::{IntendedWrite, Intent};
use crate::manifest::Integration;
use crate::platform::by_wire;

/// The write that blocks another: one under the same name or an earlier name, one of the same
/// integration, and a create that could create it again.
pub(super) fn unknown_outcome_block(
    integration: &Integration,
    pairing: &Pairing<'_>,
    context: &PlanContext<'_>,
) -> Option<Block> {
    let same_create = context.ledger.intents.iter().filter(|(_, intent)| {
        matches!(pairing, Pairing::New | Pairing::Replaces { .. })
            && matches!(intent.write, IntendedWrite::Create { .. })
            && intent.type_name == integration.platform.wire
            && intent.state.identity == integration.pairing_key()
    });
    let found = pairing.found().map(|found| &found.id);
    let same_id = context
        .ledger
        .intents
        .iter()
        .filter(|(_, intent)| found.is_some() && intent.write.id() == found);
    let others = same_create.chain(same_id).map(|(name, _)| name.as_str());
    let is_repeated = matches!(pairing, Pairing::New) && repeated(integration, context).is_some();
    integration
        .names()
        .chain(others)
        .filter(|name| !(is_repeated && *name == integration.name))
        .find_map(|name| block(name, context))
}

/// The create of this integration that may still take effect and can be repeated.
pub(super) fn repeated<'c>(
    integration: &Integration,
    context: &PlanContext<'c>,
) -> Option<&'c Intent> {
    let outcome = context.unknown_outcomes.get(&integration.name)?;
    let intent = context.ledger.intents.get(&integration.name)?;
    let is_same = matches!(intent.write, IntendedWrite::Create { .. })
        && intent.type_name == integration.platform.wire
        && intent.state.identity == integration.pairing_key();
    let can_be = matches!(outcome, UnknownOutcome::InFlight { .. })
        && integration.platform.pairs_with_certainty()
        && is_same;
    can_be.then_some(intent)
}

/// The block of a write of this name, if its outcome is unknown.
fn block(name: &str, context: &PlanContext<'_>) -> Option<Block> {
    let outcome = context.unknown_outcomes.get(name)?.clone();
    let name = name.to_owned();
    Some(Block::UnknownOutcome { name, outcome })
}

/// The block of a write of what is recorded, under its name or another.
pub(super) fn of_record(
    recorded: RecordedIntegration<'_>,
    context: &PlanContext<'_>,
) -> Option<Block> {
    let of_it = context.ledger.intents.iter();
    let of_it = of_it.filter(|(_, intent)| intent.write.id() == Some(&recorded.record.id));
    std::iter::once(recorded.name)
        .chain(of_it.map(|(name, _)| name.as_str()))
        .find_map(|name| block(name, context))
}

/// Writes with an unknown outcome and without an action: their files were removed.
pub(super) fn orphaned(actions: &[Action], context: &PlanContext<'_>) -> Vec<Action> {
    let is_told = |name: &str| {
        actions.iter().any(|action| {
            let of_doubt = matches!(&action.kind, Operation::Blocked(Block::UnknownOutcome { name: told, .. }) if told == name);
            of_doubt || action.name == name
        })
    };
    let names = context.unknown_outcomes.keys();
    names
        .filter(|name| context.selection.includes(name) && !is_told(name))
        .filter_map(|name| {
            let intent = context.ledger.intents.get(name)?;
            Some(Action {
                name: name.clone(),
                platform: by_wire(&intent.type_name),
                origin: None,
                kind: Operation::Blocked(block(name, context)?),
                notes: Vec::new(),
            })
        })
        .collect()
}
