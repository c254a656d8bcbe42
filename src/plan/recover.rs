//! What became of writes that were begun and of which nobody knows the end.
//!
//! Settled by looking at the tenant, never by guessing: a create by an
//! integration that was not listed before it and has the same identity, an update
//! by whether the live side shows what it said. Where looking does not tell, the
//! integration is in doubt, and nothing is written for it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;

use super::carry::plain;
use super::compare::same;
use super::pairing::found_key;
use crate::ledger::{Applied, IntendedWrite, Intent, Ledger, Record};
use crate::live::{Live, LiveIntegration, Phase, RemoteId, Status};
use crate::manifest::Name;
use crate::platform::{Platform, by_wire};

/// How long a request may still be under way to the server after the process
/// that sent it is gone: twice the longest time that the client waits for an answer.
const IN_FLIGHT: SignedDuration = SignedDuration::from_secs(120);

/// What the past looks like after the live side was asked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recovery {
    /// The ledger with everything settled that could be.
    pub ledger: Ledger,
    /// What has to be written down for it.
    pub settled: Vec<(Name, Settled)>,
    /// What stays open, by name.
    pub doubts: BTreeMap<Name, Doubt>,
}

/// How a write ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Settled {
    /// It took effect.
    Confirmed(Record),
    /// It had none.
    Abandoned,
}

/// Why nobody can tell.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    /// It was begun a moment ago and may still take effect.
    #[error("a create was begun at {begun} and may still take effect")]
    InFlight {
        /// When.
        begun: Timestamp,
    },
    /// More than one integration has appeared.
    #[error("a create was cut short, and integrations {} have appeared since", .ids.iter().map(RemoteId::as_str).collect::<Vec<_>>().join(" and "))]
    Tie {
        /// Those that have.
        ids: Vec<RemoteId>,
    },
    /// The server is still at work.
    #[error("a write was cut short, and the status of integration {id} is still `{status}`")]
    Busy {
        /// The live integration.
        id: RemoteId,
        /// Its status.
        status: Status,
    },
    /// The list could not be read whole.
    #[error("a write was cut short, and the tenant cannot tell: {reason}")]
    Unreadable {
        /// What could not be read.
        reason: String,
    },
}

/// Settles every intent that the live side tells about.
#[must_use]
pub fn recover(ledger: &Ledger, live: &Live, now: Timestamp) -> Recovery {
    let mut recovery = Recovery {
        ledger: ledger.clone(),
        ..Recovery::default()
    };
    for (name, intent) in &ledger.intents {
        match settle(name, intent, ledger, live, now) {
            Err(doubt) => {
                recovery.doubts.insert(name.clone(), doubt);
                continue;
            }
            Ok(settled) => {
                if let Settled::Confirmed(record) = &settled {
                    recovery.ledger.records.insert(name.clone(), record.clone());
                }
                recovery.settled.push((name.clone(), settled));
            }
        }
        recovery.ledger.intents.remove(name);
    }
    recovery
}

fn settle(
    name: &str,
    intent: &Intent,
    ledger: &Ledger,
    live: &Live,
    now: Timestamp,
) -> Result<Settled, Doubt> {
    let Some(platform) = by_wire(&intent.type_name) else {
        let reason = format!("this version does not know the type `{}`", intent.type_name);
        return Err(Doubt::Unreadable { reason });
    };
    let found = match &intent.write {
        IntendedWrite::Create { .. } => created(intent, platform, live),
        IntendedWrite::Update { id } => live.integrations.iter().filter(|l| l.id == *id).collect(),
    };
    match (found.as_slice(), &intent.write) {
        ([], _) => nothing(intent, platform, live, now),
        ([one], IntendedWrite::Create { .. }) => Ok(Settled::Confirmed(record_of(intent, one))),
        ([one], IntendedWrite::Update { .. }) => updated(name, intent, platform, ledger, one),
        (several, _) => {
            let mut ids: Vec<RemoteId> = several.iter().map(|l| l.id.clone()).collect();
            ids.sort();
            Err(Doubt::Tie { ids })
        }
    }
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
        .filter(|l| l.platform == Some(platform) && l.status.phase() != Phase::Absent)
        .filter(|l| !listed.contains(&l.id) && found_key(platform, l) == intent.identity)
        .collect()
}

/// The tenant shows nothing of it. Where the server itself refuses a second one,
/// it can be tried again at once; elsewhere only when it cannot be under way any more.
fn nothing(
    intent: &Intent,
    platform: &'static Platform,
    live: &Live,
    now: Timestamp,
) -> Result<Settled, Doubt> {
    if let Some(hole) = live.unreadable.iter().find(|u| u.scope.covers(platform)) {
        return Err(Doubt::Unreadable {
            reason: hole.reason.clone(),
        });
    }
    let is_create = matches!(intent.write, IntendedWrite::Create { .. });
    // An age below zero is that of a clock that was set back: it may be recent.
    let is_recent = now.duration_since(intent.at) < IN_FLIGHT;
    if is_create && is_recent && !platform.pairs_with_certainty() {
        return Err(Doubt::InFlight { begun: intent.at });
    }
    Ok(Settled::Abandoned)
}

/// What was sent counts as applied only when the server has taken it on whole.
fn record_of(intent: &Intent, found: &LiveIntegration) -> Record {
    let applied = if found.status == Status::Enabled {
        intent.applied.clone()
    } else {
        Applied::default()
    };
    Record {
        type_name: intent.type_name.clone(),
        identity: intent.identity.clone(),
        id: found.id.clone(),
        applied,
        at: intent.at,
    }
}

fn updated(
    name: &str,
    intent: &Intent,
    platform: &'static Platform,
    ledger: &Ledger,
    found: &LiveIntegration,
) -> Result<Settled, Doubt> {
    if found.status.phase() == Phase::Busy {
        return Err(Doubt::Busy {
            id: found.id.clone(),
            status: found.status.clone(),
        });
    }
    let shows = |(path, value): (&String, &Json)| shows(platform, found, path, value);
    if !intent.applied.attributes.iter().all(shows) {
        return Ok(Settled::Abandoned);
    }
    // The live side cannot show whether a new secret arrived: the old fingerprint
    // stays, so that the plan sends it again.
    let old = ledger
        .records
        .get(name)
        .map(|record| &record.applied.secrets);
    let secrets = intent
        .applied
        .secrets
        .keys()
        .filter_map(|path| Some((path.clone(), old?.get(path)?.clone())))
        .collect();
    let mut record = record_of(intent, found);
    record.applied = Applied {
        attributes: intent.applied.attributes.clone(),
        secrets,
    };
    Ok(Settled::Confirmed(record))
}

/// Whether the live side has this value at this path.
fn shows(platform: &Platform, found: &LiveIntegration, path: &str, value: &Json) -> bool {
    let Some(attribute) = platform.attribute(path) else {
        return found
            .auto_bootstrap
            .is_none_or(|auto| value.as_bool() == Some(auto));
    };
    let live = found.config.at(path).filter(|live| !live.is_null());
    same(attribute, &plain(value), live)
}
