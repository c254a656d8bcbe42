//! Values that the server does not keep as they were sent.
//!
//! A write that succeeded, and a plan right after it that differs in the same attribute, is a
//! value that the server rewrites, one that it keeps although it was omitted, or an edit by
//! someone else at the same moment. One write cannot distinguish these. So the next run sends
//! the value once more; only if the same value is returned again does it stop, until one side
//! changes.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value as Json;

use super::records::RecordedIntegration;
use super::{Change, DisplayValue, Operation, Plan};
use crate::ledger::{Ledger, Record, RecordedState, Rewritten};
use crate::manifest::Name;
use crate::platform::AttributePath;

/// Number of writes in a row, ending in the same value, that prove that the server
/// insists. No other party sets the same value twice within the seconds between a write
/// and the read after it.
const TRIES: u32 = 2;

/// Evidence of a change about a value that was just sent; `None` if it may not be recorded.
fn rewritten(change: &Change) -> Option<Rewritten> {
    let seen = Rewritten {
        tries: 1,
        ..Rewritten::default()
    };
    if change.covered.is_some() {
        return Some(Rewritten {
            covered: change.covered.clone(),
            ..seen
        });
    }
    Some(Rewritten {
        sent: kept(&change.after)?,
        found: kept(&change.before)?,
        ..seen
    })
}

fn kept(shown: &DisplayValue) -> Option<Option<Json>> {
    match shown {
        DisplayValue::Absent => Some(None),
        DisplayValue::Plain(json) => Some(Some(json.clone())),
        DisplayValue::Hidden => None,
    }
}

/// True if the server did not keep this value each time it was sent, and neither side has
/// changed it since.
pub(super) fn is_known(change: &Change, recorded: &RecordedIntegration<'_>) -> bool {
    let known = recorded.record.state.rewritten.get(&change.path);
    let seen = rewritten(change);
    known
        .zip(seen)
        .is_some_and(|(known, seen)| known.tries >= TRIES && known.is_same_as(&seen))
}

/// Copies from the record the state that the check after an update needs: the attempts so far,
/// and the attributes removed from the body. These stay on record until a check has shown that
/// they are gone: otherwise, a server that keeps them would not be noticed.
pub(super) fn keep_until_proved(
    state: &mut RecordedState,
    changes: &[Change],
    recorded: Option<RecordedIntegration<'_>>,
) {
    let Some(recorded) = recorded else {
        return;
    };
    let before = &recorded.record.state;
    for change in changes {
        if let Some(rewritten) = before.rewritten.get(&change.path) {
            let tries = &mut state.rewritten;
            tries.insert(change.path.clone(), rewritten.clone());
        }
        let last = before.applied.attributes.get(&change.path);
        if let Some(value) = last.filter(|_| change.after == DisplayValue::Absent) {
            let attributes = &mut state.applied.attributes;
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
    let mut records = Vec::new();
    for action in &afterwards.actions {
        let (id, changes, tries) = match &action.kind {
            Operation::Update { id, changes, .. } => (id, changes, 1),
            // What costs a delete is not tried twice.
            Operation::Replace {
                deletion, changes, ..
            } => (&deletion.id, changes, TRIES),
            Operation::Unchanged { .. }
            | Operation::Create(_)
            | Operation::Delete(_)
            | Operation::Withheld { .. }
            | Operation::Suspended { .. }
            | Operation::Blocked(_) => continue,
        };
        let Some(record) = ledger.records.get(&action.name) else {
            continue;
        };
        if !written.contains(action.name.as_str()) || record.id != *id {
            continue;
        }
        let rewritten = tried(changes, &record.state.rewritten, tries);
        if !rewritten.is_empty() {
            let mut record = record.clone();
            record.state.rewritten = rewritten;
            records.push((action.name.clone(), record));
        }
    }
    records
}

/// Differences right after a write, with the number of tries so far.
fn tried(
    changes: &[Change],
    before: &BTreeMap<AttributePath, Rewritten>,
    at_least: u32,
) -> BTreeMap<AttributePath, Rewritten> {
    let mut tried = BTreeMap::new();
    for change in changes {
        let Some(mut seen) = rewritten(change) else {
            continue;
        };
        let earlier = before
            .get(&change.path)
            .filter(|earlier| earlier.is_same_as(&seen));
        let again = earlier.map_or(1, |earlier| earlier.tries.saturating_add(1));
        seen.tries = again.max(at_least);
        tried.insert(change.path.clone(), seen);
    }
    tried
}
