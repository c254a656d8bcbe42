//! Values that the server does not keep as they were sent.
//!
//! A write that succeeded, and a plan right after it that differs in the same
//! attribute, is a value that the server rewrites, or one that it keeps although
//! it was left out. It is remembered with what was sent and what came back. As
//! long as both are the same there is nothing to gain from sending it again.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value as Json;

use super::memory::Past;
use super::{Change, Kind, Plan, Shown};
use crate::ledger::{Ledger, Memory, Record, Rewritten};
use crate::manifest::Name;

/// What a change says about a value that was just sent; `None` if it may not be kept.
pub(super) fn rewritten(change: &Change) -> Option<Rewritten> {
    if change.covered.is_some() {
        return Some(Rewritten {
            covered: change.covered.clone(),
            ..Rewritten::default()
        });
    }
    Some(Rewritten {
        sent: kept(&change.after)?,
        found: kept(&change.before)?,
        covered: None,
    })
}

fn kept(shown: &Shown) -> Option<Option<Json>> {
    match shown {
        Shown::Absent => Some(None),
        Shown::Plain(json) => Some(Some(json.clone())),
        Shown::Hidden => None,
    }
}

/// Whether the server did not keep this before, and neither side has moved since.
pub(super) fn is_known(change: &Change, past: &Past<'_>) -> bool {
    let known = past.record.memory.rewritten.get(&change.path);
    known.is_some() && known == rewritten(change).as_ref()
}

/// What leaves a body stays on record until a look has shown that it is gone: a
/// server that keeps it would not be noticed otherwise.
pub(super) fn keep_removed(memory: &mut Memory, changes: &[Change], past: Option<Past<'_>>) {
    let Some(past) = past else {
        return;
    };
    let last = &past.record.memory.applied.attributes;
    for change in changes.iter().filter(|c| c.after == Shown::Absent) {
        if let Some(value) = last.get(&change.path) {
            let attributes = &mut memory.applied.attributes;
            attributes.insert(change.path.clone(), value.clone());
        }
    }
}

/// The records of what was written with success and differs all the same, each
/// with what was not kept.
#[must_use]
pub fn not_kept(
    written: &HashSet<&str>,
    afterwards: &Plan,
    ledger: &Ledger,
) -> Vec<(Name, Record)> {
    let differing = afterwards.actions.iter().filter_map(|action| {
        let (id, changes) = match &action.kind {
            Kind::Update { id, changes, .. } => (id, changes),
            Kind::Replace {
                deletion, changes, ..
            } => (&deletion.id, changes),
            Kind::Unchanged { .. }
            | Kind::Create(_)
            | Kind::Delete(_)
            | Kind::Withheld { .. }
            | Kind::Suspended { .. }
            | Kind::Blocked(_) => return None,
        };
        let record = ledger.records.get(&action.name)?;
        let is_it = written.contains(action.name.as_str()) && record.id == *id;
        is_it.then_some((&action.name, record, changes))
    });
    differing
        .filter_map(|(name, record, changes)| {
            let found = changes.iter();
            let rewritten: BTreeMap<String, Rewritten> = found
                .filter_map(|change| Some((change.path.clone(), rewritten(change)?)))
                .collect();
            let mut record = record.clone();
            record.memory.rewritten = rewritten;
            (!record.memory.rewritten.is_empty()).then(|| (name.clone(), record))
        })
        .collect()
}
