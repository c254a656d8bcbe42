//! The plan: what has to be done so that the tenant equals the files.
//!
//! [`plan`](plan()) is a pure function of the files, the live state, a day and
//! a lookup of missing secrets. The plan leaves no choice to the executor: every action carries
//! the final body of its request, with references where secrets will stand, and
//! the precondition under which it was planned. It is ordered by name, and the
//! same whatever the order of the files or of the server's list.

mod block;
mod body;
mod carry;
mod change;
mod compare;
mod diff;
mod guard;
mod history;
mod needs;
mod pairing;
mod precondition;
mod recover;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

pub use block::Block;
pub use body::Body;
pub use change::{Change, ChangeKind, Shown};
pub use compare::to_json as shown;
pub use guard::{Approved, review};
pub use history::{OnConflict, OnDrift};
pub use precondition::{AbsencePrecondition, Broken, Listed, StatePrecondition};

pub use recover::{Doubt, Recovery, Settled, recover};

use crate::ledger::{Applied, Fingerprint, IntendedWrite, Ledger};
use crate::live::{FailingTest, Live, LiveIntegration, Phase, RemoteId, Status, Unreadable};
use crate::manifest::{Integration, Invalid, Manifest, Name, Origin, Suspend};
use crate::platform::{Payload, Platform};
use crate::secret::{Reference, Template};
use diff::Difference;
use history::History;
use pairing::{Pairing, pair};

/// Everything that will be done, will not be done, and why.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// One action for each selected document, by name.
    pub actions: Vec<Action>,
    /// Live integrations that no file describes, by id.
    pub unmanaged: Vec<Unmanaged>,
    /// What the server's list told that could not be read.
    pub unreadable: Vec<Unreadable>,
    /// How many documents were left out by a selection.
    pub unselected: usize,
}

/// What happens to one integration.
#[derive(Debug, Clone)]
pub struct Action {
    /// The name of the integration.
    pub name: Name,
    /// Its platform; unknown for a file whose type could not be read.
    pub platform: Option<&'static Platform>,
    /// Where its document stands.
    pub origin: Origin,
    /// What is to be done.
    pub kind: Kind,
    /// What else the operator should know.
    pub notes: Vec<Note>,
}

/// What is to be done.
#[derive(Debug, Clone)]
pub enum Kind {
    /// Nothing: the live integration is as the file says.
    Unchanged {
        /// The live integration.
        id: RemoteId,
    },
    /// `POST /integrations`.
    Create {
        /// What is sent.
        body: Body,
        /// What the ledger keeps of it.
        memory: Memory,
        /// What must still be so.
        precondition: AbsencePrecondition,
    },
    /// `PUT /integrations/{id}`.
    Update {
        /// The live integration.
        id: RemoteId,
        /// What will be different; empty when only a failed creation is repeated.
        changes: Vec<Change>,
        /// What is sent.
        body: Body,
        /// What the ledger keeps of it.
        memory: Memory,
        /// What must still be so.
        precondition: StatePrecondition,
    },
    /// Nothing: the file says to leave it alone.
    Suspended(Suspend),
    /// Nothing, although something would have to be done.
    Blocked(Block),
}

/// What the ledger keeps of a write once it is confirmed.
#[derive(Debug, Clone, PartialEq)]
pub struct Memory {
    /// What pairs the integration with its file.
    pub identity: Option<String>,
    /// What the file said.
    pub applied: Applied,
}

/// Something to know about an action that changes nothing about it.
#[derive(Debug, Clone, PartialEq)]
pub enum Note {
    /// Stored secrets that could not be compared.
    SecretsNotCompared(Vec<String>),
    /// Values that the server moved and that are left there.
    Drift(Vec<Change>),
    /// The status is not `enabled`.
    Health {
        /// The status.
        status: Status,
        /// The validation tests that did not pass.
        failing_tests: Vec<FailingTest>,
    },
    /// Attributes that this version does not know and an update sends back as they are.
    UnknownCarried(Vec<String>),
    /// The creation failed before; the update repeats it.
    RepeatsCreation,
    /// Secrets that the body needs and that are not available here.
    SecretsMissing(Vec<String>),
}

/// A live integration that no file describes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmanaged {
    /// Its id.
    pub id: RemoteId,
    /// Its type on the wire.
    pub type_name: String,
    /// What identifies it, where that is known.
    pub identity: Option<String>,
    /// Its status.
    pub status: Status,
}

/// A choice among the files.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Only these names, if there are any.
    pub only: BTreeSet<Name>,
    /// Not these.
    pub exclude: BTreeSet<Name>,
}

impl Selection {
    fn includes(&self, name: &str) -> bool {
        (self.only.is_empty() || self.only.contains(name)) && !self.exclude.contains(name)
    }

    /// Names that no document has.
    #[must_use]
    pub fn unknown_names(&self, manifest: &Manifest) -> Vec<Name> {
        let known: BTreeSet<&str> = manifest
            .integrations
            .iter()
            .map(|i| i.name.as_str())
            .chain(manifest.invalid.iter().map(|i| i.name.as_str()))
            .collect();
        self.only
            .union(&self.exclude)
            .filter(|name| !known.contains(name.as_str()))
            .cloned()
            .collect()
    }
}

/// What a plan depends on besides the files and the live state.
pub struct Context<'a> {
    /// Which documents are meant.
    pub selection: &'a Selection,
    /// The day, for suspensions that end.
    pub today: jiff::civil::Date,
    /// Why a secret is not available; `None` if it is.
    pub missing_secret: &'a dyn Fn(&Reference) -> Option<String>,
    /// What was made and last applied; empty where there is no record of it.
    pub ledger: &'a Ledger,
    /// Writes of which nobody knows the end, by the name of their integration.
    pub doubts: &'a BTreeMap<Name, Doubt>,
    /// The fingerprint of a secret by the name of its integration and its path;
    /// `None` if it cannot be made here.
    pub fingerprint: &'a dyn Fn(&str, &str, &Template) -> Option<Fingerprint>,
    /// What is done about values that the server moved.
    pub on_drift: OnDrift,
    /// What is done about values that both moved.
    pub on_conflict: OnConflict,
}

/// Makes the plan.
#[must_use]
pub fn plan(manifest: &Manifest, live: &Live, context: &Context<'_>) -> Plan {
    let paired = pair(&manifest.integrations, live, context.ledger);
    // What is gone and still listed may come back: then it was not there.
    let present = live.integrations.iter();
    let present = present.filter(|l| l.status.phase() != Phase::Absent);
    let listed = Arc::new(present.map(|l| l.id.clone()).collect());
    let against = Against {
        live,
        listed: &listed,
        context,
    };
    let mut actions: Vec<Action> = manifest
        .integrations
        .iter()
        .zip(paired.pairings)
        .filter(|(integration, _)| context.selection.includes(&integration.name))
        .map(|(integration, pairing)| action(integration, pairing, &against))
        .chain(
            manifest
                .invalid
                .iter()
                .filter(|invalid| context.selection.includes(&invalid.name))
                .map(invalid_action),
        )
        .collect();
    actions.sort_by(|a, b| (&a.name, &a.origin).cmp(&(&b.name, &b.origin)));
    let unselected = manifest.integrations.len() + manifest.invalid.len() - actions.len();
    Plan {
        actions,
        unmanaged: paired.unmanaged,
        unreadable: live.unreadable.clone(),
        unselected,
    }
}

/// What every file is held against.
struct Against<'a> {
    live: &'a Live,
    listed: &'a Arc<HashSet<RemoteId>>,
    context: &'a Context<'a>,
}

fn invalid_action(invalid: &Invalid) -> Action {
    Action {
        name: invalid.name.clone(),
        platform: invalid.platform,
        origin: invalid.origin.clone(),
        kind: Kind::Blocked(Block::InvalidFile),
        notes: Vec::new(),
    }
}

fn action(integration: &Integration, pairing: Pairing<'_>, against: &Against<'_>) -> Action {
    let context = against.context;
    let pairing = in_doubt(integration, &pairing, context).map_or(pairing, Pairing::Blocked);
    let (kind, notes) = match pairing {
        _ if let Some(suspend) = suspension(integration, context) => {
            (Kind::Suspended(suspend.clone()), Vec::new())
        }
        Pairing::Blocked(block) => (Kind::Blocked(block), Vec::new()),
        Pairing::New => create(integration, against),
        Pairing::Certain(found) => compare(integration, found, Certainty::Certain, context),
        Pairing::Likely(found) => compare(integration, found, Certainty::Likely, context),
    };
    Action {
        name: integration.name.clone(),
        platform: Some(integration.platform),
        origin: integration.origin.clone(),
        kind,
        notes,
    }
}

/// A write of which nobody knows the end stops others: under the same name or one
/// that it had before, and a create that could make the same integration again.
fn in_doubt(
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
            && intent.identity == integration.pairing_key()
    });
    own.chain(same_create.map(|(name, _)| name))
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
    suspend
        .until
        .is_none_or(|until| context.today < until)
        .then_some(suspend)
}

fn memory(integration: &Integration, context: &Context<'_>) -> Memory {
    let fingerprint =
        |path: &str, template: &Template| (context.fingerprint)(&integration.name, path, template);
    Memory {
        identity: integration.pairing_key(),
        applied: history::applied(integration, &fingerprint),
    }
}

fn create(integration: &Integration, against: &Against<'_>) -> (Kind, Vec<Note>) {
    if let Some(hole) = against.live.hole(integration.platform) {
        let reason = hole.reason.clone();
        return (Kind::Blocked(Block::UnknownScope { reason }), Vec::new());
    }
    let body = Body::for_create(integration);
    let notes = missing_secrets(&body, against.context)
        .into_iter()
        .collect();
    let precondition = AbsencePrecondition::new(integration, Arc::clone(against.listed));
    let memory = memory(integration, against.context);
    (
        Kind::Create {
            body,
            memory,
            precondition,
        },
        notes,
    )
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
    context: &Context<'_>,
) -> (Kind, Vec<Note>) {
    let name = &integration.name;
    let history = History {
        last: context
            .ledger
            .record(integration)
            // What was applied to another one says nothing about this one.
            .filter(|record| record.id == found.id)
            .map(|record| &record.applied),
        fingerprint: &|path, template| (context.fingerprint)(name, path, template),
        on_drift: context.on_drift,
    };
    let difference = Difference::between(integration, found, history);
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
    if repeats_creation {
        notes.push(Note::RepeatsCreation);
    }
    if !difference.unknown_carried.is_empty() {
        notes.push(Note::UnknownCarried(difference.unknown_carried));
    }
    notes.extend(missing_secrets(&difference.body, context));
    let precondition = StatePrecondition::of(found);
    (
        Kind::Update {
            id,
            changes: difference.changes,
            body: difference.body,
            memory: memory(integration, context),
            precondition,
        },
        notes,
    )
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
    let mut reasons = Vec::new();
    body.for_each_reference(&mut |reference| {
        if let Some(reason) = (context.missing_secret)(reference)
            && !reasons.contains(&reason)
        {
            reasons.push(reason);
        }
    });
    (!reasons.is_empty()).then_some(Note::SecretsMissing(reasons))
}
