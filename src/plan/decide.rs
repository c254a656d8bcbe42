//! What happens to the integration of one file.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value as Json;

use super::compare::to_json;
use super::converge;
use super::diff::Difference;
use super::history::History;
use super::memory::{self, Noted, Past};
use super::pairing::{Pairing, TYPE};
use super::removal::{deletion, missing_credentials};
use super::{
    AbsencePrecondition, Action, Block, Body, Change, ChangeKind, Context, Kind, Note, OnConflict,
    OnDrift, Shown, StatePrecondition, Undeletable,
};
use crate::ledger::{IntendedWrite, Memory};
use crate::live::{Live, LiveIntegration, Phase, RemoteId, Status};
use crate::manifest::{Integration, Suspend};
use crate::platform::Payload;
use crate::secret::Reference;

/// What every file is held against.
pub(super) struct Against<'a> {
    pub live: &'a Live,
    /// The ids that the list showed.
    pub listed: &'a Arc<HashSet<RemoteId>>,
    /// What is recorded, by id.
    pub pasts: HashMap<&'a RemoteId, Past<'a>>,
    pub context: &'a Context<'a>,
}

impl<'a> Against<'a> {
    /// What is recorded of a live integration.
    fn past(&self, found: &LiveIntegration) -> Option<Past<'a>> {
        let past = self.pasts.get(&found.id)?;
        (past.record.type_name == found.type_name).then_some(*past)
    }
}

/// What happens to the integration of a file, and what is recorded of it without a write.
pub(super) fn decide(
    integration: &Integration,
    pairing: Pairing<'_>,
    against: &Against<'_>,
) -> (Action, Option<Noted>) {
    let context = against.context;
    let found = match &pairing {
        Pairing::Certain(found) => Some(*found),
        // What is only likely is not recorded as if it were certain.
        Pairing::Likely(_) | Pairing::New | Pairing::Blocked(_) => None,
    };
    let doubt = in_doubt(integration, &pairing, context);
    let found = found.filter(|_| doubt.is_none());
    let (kind, notes) = match doubt.map_or(pairing, Pairing::Blocked) {
        _ if let Some(suspend) = suspension(integration, context) => {
            (Kind::Suspended(suspend.clone()), Vec::new())
        }
        Pairing::Blocked(block) => blocked(integration, block, against),
        Pairing::New => create(integration, against),
        Pairing::Certain(found) => compare(integration, found, Certainty::Certain, against),
        Pairing::Likely(found) => compare(integration, found, Certainty::Likely, against),
    };
    let noted = found
        .and_then(|found| memory::noted(integration, found, &kind, against.past(found), context));
    let action = Action {
        name: integration.name.clone(),
        platform: Some(integration.platform),
        origin: Some(integration.origin.clone()),
        kind,
        notes,
    };
    (action, noted)
}

/// What cannot be paired; a new identity is a replacement, if there is leave for it.
fn blocked(integration: &Integration, block: Block, against: &Against<'_>) -> (Kind, Vec<Note>) {
    let Block::Replacement { id, attribute, .. } = &block else {
        return (Kind::Blocked(block), Vec::new());
    };
    let mut live = against.live.integrations.iter();
    let found = live.find(|l| l.id == *id);
    let Some(found) = found.filter(|_| is_replaceable(integration, against.context)) else {
        return (Kind::Blocked(block), Vec::new());
    };
    let plain = |json: Option<Json>| json.map_or(Shown::Absent, Shown::Plain);
    let (before, after) = if *attribute == TYPE {
        let name = |text: &str| plain(Some(text.into()));
        (name(&found.type_name), name(integration.platform.wire))
    } else {
        let after = integration.config.get(attribute).and_then(to_json);
        (plain(found.config.at(attribute).cloned()), plain(after))
    };
    let identity = Change {
        path: (*attribute).to_owned(),
        kind: ChangeKind::Change,
        before,
        after,
        immutable: true,
        covered: None,
    };
    replace(integration, found, vec![identity], against)
}

fn is_replaceable(integration: &Integration, context: &Context<'_>) -> bool {
    context.allow_replace.contains(&integration.name)
}

/// Deletes what is there, and creates it as the file says.
fn replace(
    integration: &Integration,
    found: &LiveIntegration,
    changes: Vec<Change>,
    against: &Against<'_>,
) -> (Kind, Vec<Note>) {
    let Against { live, context, .. } = against;
    let id = found.id.clone();
    let owned = against.past(found).filter(|past| past.record.memory.owned);
    let Some(past) = owned else {
        let name = integration.name.clone();
        return (
            Kind::Blocked(Block::NotDeleted(Undeletable::NotOwned { id, name })),
            Vec::new(),
        );
    };
    if integration.options.protect {
        return (
            Kind::Blocked(Block::NotDeleted(Undeletable::Protected { id })),
            Vec::new(),
        );
    }
    let deletion = match deletion(past.name, past.record, found, live, context) {
        Ok(deletion) => deletion,
        Err(block) => return (Kind::Blocked(block), Vec::new()),
    };
    let (creation, note) = match creation(integration, against) {
        Ok(creation) => creation,
        Err(block) => return (Kind::Blocked(block), Vec::new()),
    };
    let mut notes: Vec<Note> = note.into_iter().collect();
    notes.extend(missing_credentials(&deletion, context));
    let Creation {
        body,
        memory,
        precondition,
    } = creation;
    let kind = Kind::Replace {
        deletion: Box::new(deletion),
        changes,
        body,
        memory,
        precondition,
    };
    (kind, notes)
}

/// A write of which nobody knows the end stops others: under the same name or one
/// that it had before, of the same integration, and a create that could make it again.
pub(super) fn in_doubt(
    integration: &Integration,
    pairing: &Pairing<'_>,
    context: &Context<'_>,
) -> Option<Block> {
    let options = &integration.options;
    let own = std::iter::once(&integration.name).chain(&options.previously);
    let same_create = context.ledger.intents.iter().filter(|(_, intent)| {
        matches!(pairing, Pairing::New)
            && matches!(intent.write, IntendedWrite::Create { .. })
            && intent.type_name == integration.platform.wire
            && intent.memory.identity == integration.pairing_key()
    });
    let found = match pairing {
        Pairing::Certain(found) | Pairing::Likely(found) => Some(&found.id),
        Pairing::New | Pairing::Blocked(_) => None,
    };
    let same_id = context
        .ledger
        .intents
        .iter()
        .filter(|(_, intent)| found.is_some() && intent.write.id() == found);
    own.chain(same_create.chain(same_id).map(|(name, _)| name))
        .find_map(|name| {
            Some(Block::InDoubt {
                name: name.clone(),
                doubt: context.doubts.get(name)?.clone(),
            })
        })
}

/// Why it is left alone, if that counts today.
fn suspension<'i>(integration: &'i Integration, context: &Context<'_>) -> Option<&'i Suspend> {
    let suspend = integration.options.suspend.as_ref()?;
    suspend.counts_on(context.today).then_some(suspend)
}

fn create(integration: &Integration, against: &Against<'_>) -> (Kind, Vec<Note>) {
    match creation(integration, against) {
        Err(block) => (Kind::Blocked(block), Vec::new()),
        Ok((creation, note)) => {
            let Creation {
                body,
                memory,
                precondition,
            } = creation;
            let kind = Kind::Create {
                body,
                memory,
                precondition,
            };
            (kind, note.into_iter().collect())
        }
    }
}

/// What it takes to create an integration.
struct Creation {
    body: Body,
    memory: Memory,
    precondition: AbsencePrecondition,
}

/// The creation, and what it lacks here.
fn creation(
    integration: &Integration,
    against: &Against<'_>,
) -> Result<(Creation, Option<Note>), Block> {
    if let Some(hole) = against.live.hole(integration.platform) {
        let reason = hole.reason.clone();
        return Err(Block::UnknownScope { reason });
    }
    let body = Body::for_create(integration);
    let note = missing_secrets(&body, against.context);
    let creation = Creation {
        memory: memory::of_write(integration, true, against.context),
        precondition: AbsencePrecondition::new(integration, Arc::clone(against.listed)),
        body,
    };
    Ok((creation, note))
}

/// How sure it is that the live integration is the one.
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
) -> (Kind, Vec<Note>) {
    let context = against.context;
    let past = against.past(found);
    let name = past.map_or(integration.name.as_str(), |past| past.name);
    let history = History {
        last: past.map(|past| &past.record.memory.applied),
        fingerprint: &|path, template| (context.fingerprint)(name, path, template),
        on_drift: context.on_drift,
    };
    let difference = Difference::between(integration, found, history);
    let mut notes = seen(found, &difference, context);
    let repeats_creation = found.status == Status::CreateError;
    let id = found.id.clone();
    if found.status.phase() == Phase::Blocked {
        return (Kind::Blocked(Block::Disabled { id }), notes);
    }
    if found.status == Status::Deleting {
        let status = found.status.clone();
        return (Kind::Blocked(Block::Busy { id, status }), notes);
    }
    if difference.changes.is_empty() && !repeats_creation {
        return (Kind::Unchanged { id }, notes);
    }
    if let Some(block) = update_block(integration, found, certainty, &difference, context) {
        return (Kind::Blocked(block), notes);
    }
    if difference.changes.iter().any(|c| c.immutable) && is_replaceable(integration, context) {
        return replace(integration, found, difference.changes, against);
    }
    if let Some(block) = not_converging(&difference, past).filter(|_| !repeats_creation) {
        return (Kind::Blocked(block), notes);
    }
    if repeats_creation {
        notes.push(Note::RepeatsCreation);
    }
    if !difference.unknown_carried.is_empty() {
        notes.push(Note::UnknownCarried(difference.unknown_carried));
    }
    notes.extend(missing_secrets(&difference.body, context));
    let precondition = StatePrecondition::of(found);
    let owned = past.is_some_and(|past| past.record.memory.owned);
    let mut memory = memory::of_write(integration, owned, context);
    converge::keep_removed(&mut memory, &difference.changes, past);
    (
        Kind::Update {
            id,
            changes: difference.changes,
            body: difference.body,
            memory,
            precondition,
        },
        notes,
    )
}

/// What a look tells besides what differs.
fn seen(found: &LiveIntegration, difference: &Difference, context: &Context<'_>) -> Vec<Note> {
    let mut notes = Vec::new();
    if !difference.drift.is_empty() && context.on_drift == OnDrift::Report {
        notes.push(Note::Drift(difference.drift.clone()));
    }
    if !difference.not_compared.is_empty() {
        notes.push(Note::SecretsNotCompared(difference.not_compared.clone()));
    }
    if found.status != Status::Enabled {
        notes.push(Note::Health {
            status: found.status.clone(),
            failing_tests: found.failing_tests.clone(),
        });
    }
    notes
}

/// Whether everything that differs is what the server did not keep before.
fn not_converging(difference: &Difference, past: Option<Past<'_>>) -> Option<Block> {
    let past = past?;
    let all = difference
        .changes
        .iter()
        .all(|c| converge::is_known(c, &past));
    all.then(|| Block::NotConverging {
        values: difference.changes.clone(),
    })
}

/// What forbids an update that would be needed.
fn update_block(
    integration: &Integration,
    found: &LiveIntegration,
    certainty: Certainty,
    difference: &Difference,
    context: &Context<'_>,
) -> Option<Block> {
    let id = found.id.clone();
    if integration.platform.payload == Payload::TypeOnly {
        return Some(Block::NeverUpdated { id });
    }
    if found.status.phase() == Phase::Busy {
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
    let paths: Vec<String> = conflicts.map(|c| c.path.clone()).collect();
    if context.on_conflict == OnConflict::Stop && !paths.is_empty() {
        return Some(Block::Conflict { paths });
    }
    if !difference.secrets_lost.is_empty() {
        return Some(Block::SecretNotGiven {
            paths: difference.secrets_lost.clone(),
        });
    }
    None
}

fn missing_secrets(body: &Body, context: &Context<'_>) -> Option<Note> {
    missing(context, |visit| body.for_each_reference(visit))
}

/// Why secrets are not available, each reason once.
pub(super) fn missing<'a>(
    context: &Context<'_>,
    for_each: impl FnOnce(&mut dyn FnMut(&'a Reference)),
) -> Option<Note> {
    let mut reasons = Vec::new();
    for_each(&mut |reference| {
        if let Some(reason) = (context.missing_secret)(reference)
            && !reasons.contains(&reason)
        {
            reasons.push(reason);
        }
    });
    (!reasons.is_empty()).then_some(Note::SecretsMissing(reasons))
}
