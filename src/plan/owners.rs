//! Integrations that belong to connections, or may belong to one: they are not written.

use super::against::Against;
use super::pairing::present;
use super::recorded::StateUpdate;
use super::{Block, Operation, Plan};
use crate::live::{Live, LiveIntegration, OwnedWrite, Owners, OwnersSource};
use crate::platform::Platform;
use crate::text::escaped;

/// The block of an integration that belongs to a connection.
pub(super) fn owned(found: &LiveIntegration, live: &Live) -> Option<Block> {
    let key = live.owners.of_integration(&found.id)?;
    Some(Block::OwnedByConnection {
        id: found.id.clone(),
        key: escaped(key).into_owned(),
    })
}

/// The block of an adoption: an integration that may belong to a connection must not become one
/// that may be deleted. A key without the permission proves nothing about it.
pub(super) fn unknown(platform: &Platform, owners: &Owners) -> Option<Block> {
    objection(platform, OwnedWrite::Update, owners)
}

fn objection(platform: &Platform, write: OwnedWrite, owners: &Owners) -> Option<Block> {
    let reason = owners.objection(platform, write)?;
    Some(Block::OwnersUnknown {
        reason: escaped(reason).into_owned(),
        passes: owners.source() != OwnersSource::Hidden,
    })
}

/// The action, or the block that takes its place where owners are not known.
pub(super) fn limit(
    kind: Operation,
    platform: Option<&'static Platform>,
    owners: &Owners,
) -> Operation {
    let of_file = |write| platform.and_then(|platform| objection(platform, write, owners));
    let block = match &kind {
        Operation::Create(_) => of_file(OwnedWrite::Create),
        Operation::Update { .. } => of_file(OwnedWrite::Update),
        Operation::Delete(deletion) => objection(deletion.platform, OwnedWrite::Removal, owners),
        // What is created can be of another type than what is deleted.
        Operation::Replace { deletion, .. } => {
            objection(deletion.platform, OwnedWrite::Removal, owners)
                .or_else(|| of_file(OwnedWrite::Create))
        }
        Operation::Unchanged { .. }
        | Operation::Withheld { .. }
        | Operation::Suspended { .. }
        | Operation::Blocked(_) => None,
    };
    block.map_or(kind, Operation::Blocked)
}

impl Plan {
    /// True if it removes an integration that a connection can own, and the tenant was
    /// not asked for its connections in this run.
    pub(crate) fn needs_owners(&self) -> bool {
        let can_be_owned = |kind: &Operation| match kind {
            Operation::Delete(deletion) | Operation::Replace { deletion, .. } => {
                deletion.platform.connection_technology.is_some()
            }
            Operation::Unchanged { .. }
            | Operation::Create(_)
            | Operation::Update { .. }
            | Operation::Withheld { .. }
            | Operation::Suspended { .. }
            | Operation::Blocked(_) => false,
        };
        let is_remembered = self.owners.source() == OwnersSource::Remembered;
        let mut actions = self.actions.iter();
        is_remembered && actions.any(|action| can_be_owned(&action.kind))
    }
}

/// Records of integrations that a connection has taken over. They no longer belong to
/// this tool, which never deletes them, even if the connection cannot be read one day.
pub(super) fn disowned(against: &Against<'_>) -> Vec<StateUpdate> {
    let Against { live, context, .. } = against;
    let taken_over = present(live).filter(|found| owned(found, live).is_some());
    let owned_before = taken_over.filter_map(|found| {
        let recorded = against.recorded.of(found)?;
        let is_open = context.ledger.intents.contains_key(recorded.name);
        (recorded.record.state.owned && !is_open).then_some(recorded)
    });
    owned_before
        .map(|recorded| {
            let mut state = recorded.record.state.clone();
            state.owned = false;
            StateUpdate {
                name: recorded.name.to_owned(),
                type_name: recorded.record.type_name.clone(),
                id: recorded.record.id.clone(),
                state,
                changed: Some(recorded.record.at),
            }
        })
        .collect()
}
