//! Excuses for a file that is not in sync at the end, in the model: derived from the actions of
//! people, never from the tool's output.

use integrationd::ledger::Ledger;
use integrationd::plan::{Action, Block, Change, DisplayValue, Operation, UnknownOutcome};
use integrationd::platform::Attribute;
use serde_json::Value;

use super::document::Document;
use super::world::World;

/// Final state of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    InSync,
    /// It is not, for this good reason.
    Excused(&'static str),
    /// It is not, and nothing in the model says why.
    Inexcusable(String),
}

/// Holds what the plan says of a file against what the model knows.
pub(super) fn judge(
    world: &World,
    ledger: &Ledger,
    document: &Document,
    action: &Action,
) -> Standing {
    let inexcusable = || Standing::Inexcusable(format!("{document}: {:?}", action.kind));
    let excused = |is_so: bool, why: &'static str| {
        if is_so {
            Standing::Excused(why)
        } else {
            inexcusable()
        }
    };
    match &action.kind {
        Operation::Unchanged { .. } if document.is_active() => Standing::InSync,
        Operation::Unchanged { .. }
        | Operation::Create(_)
        | Operation::Delete(_)
        | Operation::Replace { .. }
        | Operation::Withheld { .. } => inexcusable(),
        Operation::Suspended { .. } => excused(document.suspended, "suspended"),
        Operation::Update { id, changes, .. } => {
            let live = world.live();
            let live = live.iter().find(|(own, _)| own.to_string() == id.as_str());
            let is_fixed = live.is_some_and(|(_, live)| needs_what_is_fixed(world, document, live));
            if is_fixed {
                return excused(true, "not editable");
            }
            excused(
                is_contradicted(world, document, changes),
                "the list and the detail contradict each other",
            )
        }
        Operation::Blocked(block) => {
            let (is_so, why) = blocked(world, ledger, document, block);
            excused(is_so, why)
        }
    }
}

/// True if the file gives an attribute that the list lacks and the detail shows: what would
/// be changed is not what was planned.
fn is_contradicted(world: &World, document: &Document, changes: &[Change]) -> bool {
    let options = world.simulator.options();
    let details = options.detail_attributes.get(document.platform().wire);
    let is_shown = |path: &str| {
        let (name, leaf) = path.split_once('/')?;
        details?.get(name)?.get(leaf)
    };
    let mut added = changes
        .iter()
        .filter(|it| it.before == DisplayValue::Absent);
    added.any(|change| is_shown(change.path.as_str()).is_some())
}

fn blocked(
    world: &World,
    ledger: &Ledger,
    document: &Document,
    block: &Block,
) -> (bool, &'static str) {
    let key = document.key();
    let others = || world.documents.iter().filter(|d| d.uid != document.uid);
    let has_twin = || others().any(|d| d.key() == key && !d.is_broken());
    let shares_name = || others().any(|d| d.names().any(|n| document.names().any(|m| n == m)));
    let of_platform = || {
        let is_of_it = |d: &&Document| d.platform() == document.platform();
        let live = world.live();
        let live = live.iter().filter(|(_, one)| one["type"] == key.0).count();
        live >= 2 || others().filter(is_of_it).count() > 0
    };
    let is_weak = !document.is_strong();
    match block {
        Block::InvalidFile if document.is_broken() => (true, "invalid"),
        Block::InvalidFile => (clashes(world, document), "two files clash"),
        Block::MissingSecret { .. } => (document.lacks_secret, "a secret is missing"),
        Block::AmbiguousFiles { .. } => (has_twin() || shares_name(), "two files are alike"),
        Block::AmbiguousLive { .. } => (
            has_twin() || world.live_of(&key).len() > 1 || (is_weak && of_platform()),
            "two integrations are alike",
        ),
        Block::PinMissing { .. } | Block::PinType { .. } | Block::PinIdentity { .. } => {
            (document.id.is_some(), "a wrong pin")
        }
        Block::NeedsPin { .. } | Block::NeedsName { .. } => {
            let is_known = is_recorded(world, ledger, document);
            (is_weak && !is_known, "needs a pin")
        }
        Block::NeverUpdated { .. } => (document.is_bare(), "never updated"),
        Block::Disabled { .. } => {
            let live = world.live();
            let is_disabled = live.iter().any(|(_, one)| one["status"] == "disabled");
            (is_disabled, "disabled")
        }
        Block::Replacement { attribute, .. } if is_fixed(document, attribute) => {
            (true, "not editable")
        }
        Block::Replacement { .. } | Block::Moved { .. } => {
            let keys = document.names().filter_map(|n| world.keys_of_name.get(n));
            let keys: std::collections::BTreeSet<_> = keys.flatten().collect();
            (keys.len() > 1, "a replacement")
        }
        Block::UnknownOutcome {
            outcome: UnknownOutcome::Tie { .. },
            ..
        } => {
            let keys = document.names().filter_map(|n| world.keys_of_name.get(n));
            let is_foreign = keys.flatten().any(|key| world.foreign_keys.contains(key));
            (is_foreign || (is_weak && of_platform()), "a tie")
        }
        Block::NotConverging { .. } => {
            let times = world.rewritten.get(&key).copied().unwrap_or_default();
            (times >= 2, "the server insists")
        }
        Block::OwnedByConnection { id, .. } => (
            world
                .backed()
                .iter()
                .any(|own| own.to_string() == id.as_str()),
            "it belongs to a connection",
        ),
        Block::OwnersUnknown { .. } => (world.may_be_owned(key.0), "its owner is unknown"),
        Block::SecretNotGiven { .. } | Block::ValueHidden { .. } => (false, "a value is not known"),
        // An operator has asked for what is contested by then. Where a binding stops that
        // run, the contest goes on.
        Block::Unbound(_) | Block::Contested { .. } => (world.leads_elsewhere(key.0), "not bound"),
        Block::EmptyFile { .. }
        | Block::UnknownOutcome { .. }
        | Block::Busy { .. }
        | Block::UnknownScope { .. }
        | Block::BackingOff { .. }
        | Block::NotDeleted(_)
        | Block::Conflict { .. } => (false, "nothing"),
    }
}

/// True if another file describes the same integration.
pub(super) fn clashes(world: &World, document: &Document) -> bool {
    let is_same = |other: &Document| {
        let is_twin = document.is_strong() && other.key() == document.key();
        let pins_the_same = document.id.is_some() && other.id == document.id;
        is_twin || pins_the_same
    };
    let mut others = world.documents.iter().filter(|d| d.uid != document.uid);
    others.any(is_same)
}

/// True if the ledger has the file's integration, and that exists.
fn is_recorded(world: &World, ledger: &Ledger, document: &Document) -> bool {
    let live = world.live();
    let is_there = |id: &str| live.iter().any(|(own, _)| own.to_string() == id);
    // Another file may have taken a name that this one had before.
    let of_type = document.platform().wire;
    let mut records = document.names().filter_map(|name| ledger.records.get(name));
    records.any(|record| record.type_name == of_type && is_there(record.id.as_str()))
}

/// True if the file differs from the live integration in an attribute that the server never
/// changes.
fn needs_what_is_fixed(world: &World, document: &Document, live: &Value) -> bool {
    let fixed = world.simulator.options().immutable;
    let Some(fixed) = fixed.get(document.platform().wire) else {
        return false;
    };
    let own = &document.payload["config"];
    let differs = |name: &String| {
        (own.get(name).is_some() || document.unsaid.contains_key(name))
            && own.get(name) != live["config"].get(name)
    };
    fixed.iter().any(differs)
}

/// True if the attribute of this name cannot be changed once it is set.
fn is_fixed(document: &Document, name: &str) -> bool {
    fn find(attributes: &[Attribute], name: &str) -> bool {
        attributes
            .iter()
            .any(|a| (a.name == name && a.is_fixed) || find(a.children(), name))
    }
    find(document.platform().attributes, name)
}
