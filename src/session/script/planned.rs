//! The parts of a plan that are about one integration.

use crate::immuta::HttpTransport;
use crate::live::LiveIntegration;
use crate::plan::{Action, Block, Change, Operation};
use crate::platform::AUTO_BOOTSTRAP;
use crate::session::Prepared;
use crate::sync::{self, PlannedTenant};

/// The action of an integration. What is blocked because it can only be replaced is planned
/// again as if that was allowed: nothing is written here.
pub(super) fn planned_action(
    prepared: &Prepared<HttpTransport>,
    planned: &PlannedTenant,
    name: &str,
) -> Option<Action> {
    let of = |actions: &[Action]| actions.iter().find(|it| it.name == name).cloned();
    let action = of(&planned.plan.actions)?;
    if !needs_replacement(action.kind.without_limits()) {
        return Some(action);
    }
    let mut request = prepared.request.clone();
    request.allow_replace.insert(name.to_owned());
    let plan = sync::plan(
        &prepared.desired,
        &planned.live,
        &request,
        &planned.recovery,
    );
    of(&plan.actions)
}

/// True if only a replacement brings about what the file says: the scripts of an update do not
/// change who sets the platform up.
fn needs_replacement(kind: &Operation) -> bool {
    let is_changed = |change: &Change| change.path == *AUTO_BOOTSTRAP;
    matches!(kind.block(), Some(Block::Replacement { .. }))
        || matches!(kind, Operation::Update { changes, .. } if changes.iter().any(is_changed))
}

/// The live integration of a name without a file.
pub(super) fn recorded<'p>(
    planned: &'p PlannedTenant,
    action: Option<&Action>,
    name: &str,
) -> Option<&'p LiveIntegration> {
    let PlannedTenant {
        plan,
        recovery,
        live,
    } = planned;
    let unmanaged = &plan.unmanaged;
    let forgotten = unmanaged
        .iter()
        .find(|it| it.recorded.as_deref() == Some(name));
    let planned_id = action.and_then(|action| action.kind.id());
    let id = planned_id
        .or(forgotten.map(|it| &it.id))
        .or_else(|| Some(&recovery.ledger.records.get(name)?.id))?;
    live.integrations.iter().find(|it| it.id == *id)
}
