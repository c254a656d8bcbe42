//! Resolving a write whose outcome is unknown: the operator names its result.

use std::collections::BTreeMap;

use super::identity_of;
use crate::ledger::{Applied, Intent, Record, RecordedState};
use crate::live::{LiveIntegration, RemoteId};
use crate::manifest::Name;

/// Reason why an integration is not taken for the result of a write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotTheResult {
    /// It does not exist.
    #[error("integration {0} does not exist")]
    Absent(RemoteId),
    /// Its type is not that of the write.
    #[error("integration {0} does not have the type of `{1}`")]
    OtherType(RemoteId, Name),
    /// Its identity is not that of the write.
    #[error("integration {0} is not the one that `{1}` describes")]
    OtherIdentity(RemoteId, Name),
    /// It is recorded under another name.
    #[error("integration {0} is already recorded as `{1}`")]
    Taken(RemoteId, Name),
}

/// The record of an integration that a write made, as the operator says. Nothing of it counts
/// as applied, so that the next plan compares what can be compared.
///
/// # Errors
/// It cannot be the result of this write.
pub fn resolve(
    name: &str,
    intent: &Intent,
    id: &RemoteId,
    found: Option<&LiveIntegration>,
    records: &BTreeMap<Name, Record>,
    at: jiff::Timestamp,
) -> Result<Record, NotTheResult> {
    let Some(found) = found else {
        return Err(NotTheResult::Absent(id.clone()));
    };
    if found.type_name != intent.type_name {
        return Err(NotTheResult::OtherType(id.clone(), name.to_owned()));
    }
    if !may_be(found, intent) {
        return Err(NotTheResult::OtherIdentity(id.clone(), name.to_owned()));
    }
    let mut records = records.iter();
    if let Some((other, _)) = records.find(|(other, it)| it.id == *id && *other != name) {
        return Err(NotTheResult::Taken(id.clone(), other.clone()));
    }
    Ok(Record {
        type_name: intent.type_name.clone(),
        id: id.clone(),
        state: RecordedState {
            applied: Applied::default(),
            ..intent.state.clone()
        },
        at,
    })
}

/// True if it can be the result: the identity, where there is one, is the same.
fn may_be(found: &LiveIntegration, intent: &Intent) -> bool {
    found.platform.is_none_or(|platform| {
        !platform.pairs_with_certainty() || identity_of(platform, found) == intent.state.identity
    })
}
