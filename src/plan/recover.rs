//! Recovery of writes with an unknown outcome.
//!
//! They are settled by reading the tenant, never by guessing: a create by an integration that
//! was not listed before it and has the same identity, an update by a live side that shows its
//! values. If the tenant does not show the outcome, it stays unknown, and nothing is written
//! for the integration.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;

use super::carry::plain;
use super::compare::{default_json, same};
use super::evidence::UnknownOutcome;
use super::pairing::found_key;
use crate::ledger::{Applied, IntendedWrite, Intent, Ledger, Record};
use crate::live::{IntegrationStatus, Live, LiveIntegration, RemoteId, StatusPhase};
use crate::manifest::Name;
use crate::platform::{AttributePath, Class, Platform, by_wire};

/// Maximum time for which a request may still be on its way to the server after the process
/// that sent it is gone: twice the longest time that the client waits for a response.
const IN_FLIGHT: SignedDuration = SignedDuration::from_secs(120);

/// Recorded state after reading the live side.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recovery {
    /// The ledger with everything settled that could be.
    pub ledger: Ledger,
    /// Changes of the ledger.
    pub settled: Vec<(Name, Settled)>,
    /// Writes that stay unknown, by name.
    pub unknown_outcomes: BTreeMap<Name, UnknownOutcome>,
}

/// Outcome of a write.
#[derive(Debug, Clone, PartialEq)]
pub enum Settled {
    /// It took effect.
    Confirmed(Box<Record>),
    /// It had none.
    Abandoned,
    /// The integration was deleted.
    Gone(RemoteId),
}

/// Settles every intent whose outcome the live side shows.
#[must_use]
pub fn recover(ledger: &Ledger, live: &Live, now: Timestamp) -> Recovery {
    let mut recovery = Recovery {
        ledger: ledger.clone(),
        ..Recovery::default()
    };
    for (name, intent) in &ledger.intents {
        match settle(intent, ledger, live, now) {
            Err(outcome) => {
                recovery.unknown_outcomes.insert(name.clone(), outcome);
                continue;
            }
            Ok(settled) => {
                match &settled {
                    Settled::Confirmed(record) => recovery.ledger.record_as(name, record),
                    Settled::Gone(id) => recovery.ledger.forget(id),
                    Settled::Abandoned => {}
                }
                recovery.settled.push((name.clone(), settled));
            }
        }
        recovery.ledger.intents.remove(name);
    }
    recovery
}

fn settle(
    intent: &Intent,
    ledger: &Ledger,
    live: &Live,
    now: Timestamp,
) -> Result<Settled, UnknownOutcome> {
    let Some(platform) = by_wire(&intent.type_name) else {
        let reason = format!("this version does not know the type `{}`", intent.type_name);
        return Err(UnknownOutcome::Unreadable { reason });
    };
    let found = match &intent.write {
        IntendedWrite::Create { .. } => created(intent, platform, live),
        IntendedWrite::Update { id } | IntendedWrite::Delete { id, .. } => {
            live.integrations.iter().filter(|l| l.id == *id).collect()
        }
    };
    match (found.as_slice(), &intent.write) {
        ([], _) => nothing(intent, platform, live, now),
        ([one], IntendedWrite::Delete { .. }) => deleted(one),
        // Only the outcome decides whether the sent values count as applied.
        ([one], IntendedWrite::Create { .. }) if is_creating(one) => Err(UnknownOutcome::Busy {
            id: one.id.clone(),
            status: one.status.clone(),
        }),
        ([one], IntendedWrite::Create { .. }) => {
            Ok(Settled::Confirmed(Box::new(record_of(intent, one))))
        }
        ([one], IntendedWrite::Update { .. }) => updated(intent, platform, ledger, one),
        (several, _) => {
            let mut ids: Vec<RemoteId> = several.iter().map(|l| l.id.clone()).collect();
            ids.sort();
            Err(UnknownOutcome::Tie { ids })
        }
    }
}

fn is_creating(found: &LiveIntegration) -> bool {
    found.status.phase() == StatusPhase::Busy && found.status != IntegrationStatus::Deleting
}

/// Integrations that the create could have made.
fn created<'l>(
    intent: &Intent,
    platform: &'static Platform,
    live: &'l Live,
) -> Vec<&'l LiveIntegration> {
    let IntendedWrite::Create { listed } = &intent.write else {
        return Vec::new();
    };
    live.integrations
        .iter()
        .filter(|l| l.platform == Some(platform) && l.status.phase() != StatusPhase::Absent)
        .filter(|l| !listed.contains(&l.id) && found_key(platform, l) == intent.state.identity)
        .collect()
}

/// The tenant shows no effect of the write. A create is over when it can no longer be on its
/// way: anything that it created later would be unowned.
fn nothing(
    intent: &Intent,
    platform: &'static Platform,
    live: &Live,
    now: Timestamp,
) -> Result<Settled, UnknownOutcome> {
    if let Some(unreadable) = live.unreadable.iter().find(|u| u.scope.covers(platform)) {
        return Err(UnknownOutcome::Unreadable {
            reason: unreadable.reason.clone(),
        });
    }
    if let IntendedWrite::Delete { id, .. } = &intent.write {
        return Ok(Settled::Gone(id.clone()));
    }
    let is_create = matches!(intent.write, IntendedWrite::Create { .. });
    // An age below zero is that of a clock that was set back: it may be recent.
    let is_recent = now.duration_since(intent.at) < IN_FLIGHT;
    if is_create && is_recent {
        return Err(UnknownOutcome::InFlight { begun: intent.at });
    }
    Ok(Settled::Abandoned)
}

/// The sent values count as applied only if the server has accepted all of them.
fn record_of(intent: &Intent, found: &LiveIntegration) -> Record {
    // A health problem says nothing against it (API.md 5.1).
    let took_effect = matches!(
        found.status,
        IntegrationStatus::Enabled | IntegrationStatus::RecurringValidationError
    );
    let mut state = intent.state.clone();
    if !took_effect {
        state.applied = state.applied.unproven();
    }
    Record {
        type_name: intent.type_name.clone(),
        id: found.id.clone(),
        state,
        at: intent.at,
    }
}

/// A delete that was begun, by what is still there.
fn deleted(found: &LiveIntegration) -> Result<Settled, UnknownOutcome> {
    match found.status.phase() {
        StatusPhase::Absent => Ok(Settled::Gone(found.id.clone())),
        StatusPhase::Busy => Err(UnknownOutcome::Busy {
            id: found.id.clone(),
            status: found.status.clone(),
        }),
        StatusPhase::Settled | StatusPhase::Blocked => Ok(Settled::Abandoned),
    }
}

fn updated(
    intent: &Intent,
    platform: &'static Platform,
    ledger: &Ledger,
    found: &LiveIntegration,
) -> Result<Settled, UnknownOutcome> {
    if found.status.phase() == StatusPhase::Busy {
        return Err(UnknownOutcome::Busy {
            id: found.id.clone(),
            status: found.status.clone(),
        });
    }
    let intended = &intent.state.applied;
    let old = recorded(intent, ledger, found).map(|record| &record.state.applied);
    let applied = applied_after(platform, found, intended, old);
    let took_effect = match old {
        Some(old) => applied != *old,
        None => applied.attributes == intended.attributes,
    };
    if !took_effect {
        return Ok(Settled::Abandoned);
    }
    let mut record = record_of(intent, found);
    record.state.applied = applied;
    Ok(Settled::Confirmed(Box::new(record)))
}

/// Record of the integration, perhaps under an earlier name.
fn recorded<'l>(
    intent: &Intent,
    ledger: &'l Ledger,
    found: &LiveIntegration,
) -> Option<&'l Record> {
    let mut records = ledger.records.values();
    records.find(|r| r.id == found.id && r.type_name == intent.type_name)
}

/// Applied values after an update whose arrival is unknown: those that the live side shows, and
/// for the others the earlier ones. If drift is not repaired, an update does not send every
/// value of the file. A removed value is gone only if the live side shows that, and no live
/// side shows a secret: the old fingerprint stays, so that the plan resends it.
fn applied_after(
    platform: &Platform,
    found: &LiveIntegration,
    intended: &Applied,
    old: Option<&Applied>,
) -> Applied {
    let mut applied = old.cloned().unwrap_or_default();
    // If the update took effect, so did everything that it left out.
    applied.withheld.clone_from(&intended.withheld);
    applied.attributes.retain(|path, _| {
        intended.attributes.contains_key(path) || !is_gone(platform, found, path)
    });
    for (path, value) in &intended.attributes {
        if shows(platform, found, path, value) {
            applied.attributes.insert(path.clone(), value.clone());
        }
    }
    applied
}

/// True if the live side has nothing at this path, or its default.
fn is_gone(platform: &Platform, found: &LiveIntegration, path: &AttributePath) -> bool {
    let default = platform.attribute(path).and_then(default_json);
    let live = found.config.at(path).filter(|live| !live.is_null());
    live.is_none_or(|live| default.as_ref() == Some(live))
}

/// True if the live side has this value at this path.
fn shows(platform: &Platform, found: &LiveIntegration, path: &AttributePath, value: &Json) -> bool {
    let Some(attribute) = platform.attribute(path) else {
        return found
            .auto_bootstrap
            .is_none_or(|auto| value.as_bool() == Some(auto));
    };
    let live = found.config.at(path).filter(|live| !live.is_null());
    if attribute.class == Class::Identity
        && let (Some(value), Some(live)) = (value.as_str(), live.and_then(Json::as_str))
    {
        // It is sent as the server spells it.
        return platform.pairing_key(Some(value)) == platform.pairing_key(Some(live));
    }
    same(attribute, &plain(value), live)
}
