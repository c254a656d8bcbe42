//! Conditions that hold after every run.

use std::collections::{BTreeMap, BTreeSet};

use integrationd::ledger::{IntendedWrite, Ledger};
use integrationd::plan::Policy;
use integrationd::platform::{Platform, by_wire};

use super::document::{Document, Key, mark_of};
use super::fate::Write;
use super::run::Ran;
use super::scenario::{Sync, Torn};
use super::world::{World, contested};

/// Violations by a run; `before` is the ledger at its start.
pub(super) fn complaints(world: &World, before: &Ledger, sync: &Sync, ran: &Ran) -> Vec<String> {
    let mut complaints = ran.complaints.clone();
    for write in &ran.sent {
        let is_stale = match write {
            Write::Create(key) => ran.created.contains(key),
            Write::Update(id, _) => ran.changed.contains_key(id),
            Write::Delete(id) => {
                // A deletion depends on what was last applied, and not on the file.
                let mut records = before.records.values();
                let record = records.find(|record| record.id.as_str() == id.to_string());
                let applied = |path: &String| {
                    let record = record.map(|record| &record.state.applied.attributes);
                    path.is_empty() || record.is_some_and(|last| last.contains_key(path.as_str()))
                };
                ran.changed
                    .get(id)
                    .is_some_and(|paths| paths.iter().any(applied))
            }
        };
        if is_stale && !ran.lists_lied {
            complaints.push(format!(
                "{write:?} was sent although somebody had been there since the plan"
            ));
        }
        if let Write::Delete(id) = write {
            let why = undeserved(world, before, sync, *id);
            complaints.extend(why.map(|why| format!("{write:?} was sent although {why}")));
        }
    }
    complaints.extend(contested_writes(world, before, sync, ran));
    for document in &world.documents {
        let is_torn = world.torn(&sync.saves, document, 0).is_some();
        if is_torn || !document.is_active() {
            complaints.extend(thaw(world, before, document, ran));
        }
    }
    complaints
}

/// Complaints about forgotten records of files that were being saved.
pub(super) fn forgotten(
    world: &World,
    before: &Ledger,
    after: &Ledger,
    sync: &Sync,
) -> Vec<String> {
    let torn = world.documents.iter().filter(|document| {
        let reads = [0, 1].map(|read| world.torn(&sync.saves, document, read));
        // A file that two reads do not find is removed, and so is its integration.
        reads[0].is_some() && reads != [Some(Torn::Missing); 2]
    });
    // The tool had begun to delete it, for a replacement, when its file was whole.
    let is_deleted = |document: &Document| {
        let intent = before.intents.get(&document.name);
        intent.is_some_and(|intent| matches!(intent.write, IntendedWrite::Delete { .. }))
    };
    let torn = torn.filter(|document| !is_deleted(document));
    let lost = torn.filter(|document| {
        let is_kept = |id: u64| {
            let mut records = after.records.values();
            records.any(|record| record.id.as_str() == id.to_string())
        };
        let id = recorded(world, before, document);
        id.is_some_and(|id| !is_kept(id)) && !shares(world, document)
    });
    lost.map(|document| format!("{document} was being saved, and its record is forgotten"))
        .collect()
}

/// Recorded integration under the name of a file, unless another file describes it: two files
/// may have swapped their names.
fn recorded(world: &World, before: &Ledger, document: &Document) -> Option<u64> {
    let id = before
        .records
        .get(&document.name)?
        .id
        .as_str()
        .parse()
        .ok()?;
    let mark = world.marks.get(&id);
    let mut others = world.documents.iter().filter(|d| d.uid != document.uid);
    let is_anothers = others.any(|other| other.is_strong() && mark == Some(&other.mark()));
    (!is_anothers).then_some(id)
}

/// True if another file describes the same integration.
fn shares(world: &World, document: &Document) -> bool {
    world.documents.iter().any(|other| {
        let shares_name = other.names().any(|name| *name == document.name);
        other.uid != document.uid && (other.key() == document.key() || shares_name)
    })
}

/// Writes of contested values, although neither the file has changed since nor an operator
/// triggered the run.
fn contested_writes(world: &World, before: &Ledger, sync: &Sync, ran: &Ran) -> Vec<String> {
    if sync.operator {
        return Vec::new();
    }
    let mut complaints = Vec::new();
    for (name, id) in contested(before) {
        let file = world.file_named(name).map(|file| format!("{file:?}"));
        let is_same = file.is_some() && file.as_ref() == world.feuds_before.get(&id);
        let is_of_it = |write: &&Write| match write {
            Write::Update(own, _) | Write::Delete(own) => *own == id,
            Write::Create(_) => false,
        };
        let written = ran.sent.iter().find(is_of_it).filter(|_| is_same);
        complaints.extend(
            written.map(|write| format!("{write:?} was sent although {name} is contested")),
        );
    }
    complaints
}

/// Reason why an integration must not be deleted.
fn undeserved(world: &World, before: &Ledger, sync: &Sync, id: u64) -> Option<&'static str> {
    let records = || {
        before
            .records
            .iter()
            .filter(|(_, r)| r.id.as_str() == id.to_string())
    };
    let is_described = world.documents.iter().any(|document| {
        let is_named = |name: &String| document.names().any(|own| own == name);
        // A file that says by another name it had what it is has given this one up.
        let is_another = before.records.iter().any(|(name, record)| {
            let other: Option<u64> = record.id.as_str().parse().ok();
            let mark_of = |id| world.marks.get(&id);
            let mark = other.filter(|other| *other != id).and_then(mark_of);
            let key = document.key();
            let is_of_type = |mark: Option<&Key>| mark.is_some_and(|mark| mark.0 == key.0);
            let is_it = match document.is_strong() {
                true => mark == Some(&key),
                // The only remaining evidence: the other is of its type, and this one is not.
                false => is_of_type(mark) && !is_of_type(mark_of(id)),
            };
            is_named(name) && is_it
        });
        // One that is pinned to another has given this one up, too, if its file is gone.
        let file_stays = records().any(|(_, record)| {
            let file = record.state.file.as_deref();
            let mut documents = world.documents.iter();
            documents.any(|other| file == Some(other.path().as_str()))
        });
        let pin = document.id.filter(|other| *other != id);
        let is_pinned = pin.is_some_and(|pin| world.marks.get(&pin) == Some(&document.key()));
        let is_another = is_another || (is_pinned && !file_stays);
        let is_recorded = !is_another && records().any(|(name, _)| is_named(name));
        // What it was before it became another is its own, too.
        let keys = document
            .names()
            .filter_map(|name| world.keys_of_name.get(name));
        let mut keys = keys.flatten();
        let mark = world.marks.get(&id);
        let is_strong = document.is_strong();
        let is_it = is_strong && mark == Some(&document.key());
        let was_it = is_strong && sync.may_replace && keys.any(|key| mark == Some(key));
        is_recorded || is_it || was_it || document.id == Some(id)
    });
    let is_contested = || {
        let mut keys = world.contested.iter();
        keys.any(|key| world.marks.get(&id).is_some_and(|mark| mark.0 == key.0))
    };
    let is_half = |document: &Document| world.torn(&sync.saves, document, 0) == Some(Torn::Half);
    let is_torn = |document: &Document| world.torn(&sync.saves, document, 0).is_some();
    let is_saved = || {
        let mut torn = world.documents.iter().filter(|document| is_torn(document));
        torn.any(|document| recorded(world, before, document) == Some(id))
    };
    if is_saved() {
        Some("its file is being saved")
    } else if records().any(|(_, record)| record.state.removal.protect) {
        Some("it is protected")
    } else if world.disowned.contains(&id) {
        Some("a connection had taken it over")
    } else if world.strangers.contains(&id) || (world.foreign.contains(&id) && !is_contested()) {
        Some("the tool never made it")
    } else if is_described && sync.may_replace {
        None
    } else if is_described {
        Some("a file describes it")
    } else if sync.policy != Policy::Sync {
        Some("the policy is another")
    } else if world
        .documents
        .iter()
        .any(|document| document.is_broken() || is_half(document))
    {
        Some("a file is invalid")
    } else {
        None
    }
}

/// A write for a file that is not in order, is being saved, or says to leave it alone.
fn thaw(world: &World, before: &Ledger, document: &Document, ran: &Ran) -> Option<String> {
    if shares(world, document) {
        return None;
    }
    let own = recorded(world, before, document);
    // What another file pins is that file's.
    let pinned: BTreeSet<u64> = world.documents.iter().filter_map(|d| d.id).collect();
    let is_touched = |write: &&Write| match write {
        Write::Create(key) => document.is_strong() && *key == document.key(),
        Write::Update(id, _) | Write::Delete(id) => own == Some(*id) && !pinned.contains(id),
    };
    let write = ran.sent.iter().find(is_touched)?;
    Some(format!("{write:?} was sent although {document} is frozen"))
}

/// Integrations that were created more often than requested.
pub(super) fn doubles(world: &World) -> Vec<String> {
    let mut made: BTreeMap<Key, usize> = BTreeMap::new();
    let mut deleted: BTreeMap<Key, usize> = BTreeMap::new();
    for entry in world.simulator.log() {
        let id = entry.path.rsplit('/').next().and_then(|id| id.parse().ok());
        if entry.method == "DELETE"
            && entry.effect
            && let Some(mark) = id.and_then(|id: u64| world.marks.get(&id))
        {
            *deleted.entry(mark.clone()).or_default() += 1;
        }
        if let Some(body) = entry
            .body
            .filter(|_| entry.effect && entry.method == "POST")
            && let Some(platform) = body["type"].as_str().and_then(by_wire)
        {
            *made.entry(mark_of(platform, &body)).or_default() += 1;
        }
    }
    let is_misled = |key: &Key| {
        let is_weak = by_wire(key.0).is_some_and(|p| !p.pairs_with_certainty());
        is_weak && world.misled.iter().any(|misled| misled.0 == key.0)
    };
    let is_too_many = |(key, made): &(Key, usize)| {
        let of = |counts: &BTreeMap<Key, usize>| counts.get(key).copied().unwrap_or_default();
        let removed = of(&world.removed) + of(&deleted);
        let is_strong = by_wire(key.0).is_some_and(Platform::pairs_with_certainty);
        let asked = world.askers.get(key).map_or(0, BTreeSet::len);
        let asked = if is_strong { asked.min(1) } else { asked };
        *made > asked + removed && !is_misled(key)
    };
    let doubles = made.into_iter().filter(is_too_many);
    doubles
        .map(|(key, made)| format!("{key:?} was created {made} times"))
        .collect()
}
