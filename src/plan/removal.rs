//! Deletion of integrations that no file describes any longer.
//!
//! Only an integration that this tool created or adopted is ever deleted, only if that was
//! requested, and only while all files are readable. Everything that the deletion needs comes
//! from the record, because the file was removed.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::Value as Json;

use super::against::{Against, missing};
use super::owners;
use super::pairing::{found_key, present};
use super::policy::by_operator;
use super::records::RecordedIntegration;
use super::{
    Absence, Action, Before, Block, Freeze, Note, Operation, Policy, StatePrecondition,
    Undeletable, Unmanaged, unknown_outcome,
};
use crate::ledger::{Ledger, Record, RecordedState, taken_name};
use crate::live::{IntegrationStatus, LiveIntegration, RemoteId, StatusPhase};
use crate::manifest::{Manifest, Name};
use crate::platform::{AttributePath, Platform};
use crate::secret::{Parsed, Reference, parse_template};
use crate::value::{Object, Value};

/// A `DELETE`, complete.
#[derive(Debug, Clone)]
pub struct Deletion {
    /// The live integration.
    pub id: RemoteId,
    /// Its platform.
    pub platform: &'static Platform,
    /// True if Immuta set the platform up itself.
    pub is_automatic: bool,
    /// True if its creation failed: API.md 3 gives the script of a deletion to the others only.
    pub creation_failed: bool,
    /// The credentials that the deletion needs; empty if it must have none
    /// (API.md 3.3). References stand where secrets will.
    pub credentials: Object,
    /// Its current values, as far as they may be shown.
    pub before: Before,
    /// State to keep in the ledger until it is deleted.
    pub state: RecordedState,
    /// The condition that must still hold.
    pub precondition: StatePrecondition,
}

/// Reason why nothing is deleted now, regardless of the files.
pub(super) fn freeze(manifest: &Manifest) -> Option<Freeze> {
    if manifest.incomplete {
        return Some(Freeze::Unreadable);
    }
    let invalid = manifest.invalid.first().map(|it| &it.origin.file);
    // A denied warning may be about no document, such as a variable that no file uses.
    let error = manifest.diagnostics.iter().find(|it| it.is_error());
    let file = invalid.or(error.map(|it| &it.place.file))?.clone();
    Some(Freeze::Invalid { file })
}

/// Deletions that are not allowed by name, where the files describe nothing at all: a
/// directory is empty by mistake more often than on purpose.
pub(super) fn unnamed(actions: &[Action], against: &Against<'_>) -> Vec<Name> {
    let is_unnamed = |action: &&Action| {
        matches!(action.kind, Operation::Delete(_))
            && !against.context.allow_removal.contains(&action.name)
    };
    let all = actions.iter().filter(|_| against.files.is_empty());
    all.filter(is_unnamed)
        .map(|action| action.name.clone())
        .collect()
}

/// True if nothing is described, planned or known to be removed, and the tenant has
/// integrations: the wrong directory, or an empty one.
pub(super) fn is_empty_source(actions: &[Action], against: &Against<'_>) -> bool {
    against.context.policy == Policy::Sync
        && against.files.is_empty()
        && actions.is_empty()
        && present(against.live).next().is_some()
}

/// Recorded integrations that are no longer described.
#[derive(Default)]
pub(super) struct Removals {
    /// Actions of those that are selected.
    pub actions: Vec<Action>,
    /// Number of the others.
    pub unselected: usize,
}

/// The removals of recorded integrations that are no longer described.
pub(super) fn removals(unmanaged: &[Unmanaged], against: &Against<'_>) -> Removals {
    let mut removals = Removals::default();
    let Against { live, context, .. } = against;
    if context.policy != Policy::Sync {
        return removals;
    }
    let unmanaged: HashSet<&RemoteId> = unmanaged.iter().map(|u| &u.id).collect();
    let left = live
        .integrations
        .iter()
        .filter(|l| unmanaged.contains(&l.id) && !against.claims.is_claimed(&l.id))
        // An integration that a connection has taken over no longer belongs to this tool.
        .filter(|l| live.owners.of_integration(&l.id).is_none());
    for found in left {
        let recorded = against.recorded.of(found);
        let Some(recorded) = recorded.filter(|recorded| recorded.record.state.owned) else {
            continue;
        };
        let name = recorded.unused_name(&against.files);
        let taken = taken_name(recorded.name).unwrap_or(recorded.name);
        let is_selected = context.selection.includes(&name)
            && !context.selection.excludes(&[recorded.name, taken]);
        let action = removed(name, recorded, found, against);
        if is_selected {
            removals.actions.extend(action);
        } else {
            removals.unselected += usize::from(action.is_some());
        }
    }
    removals
}

/// `None` if its file is empty: that has an action of its own, whatever the policy.
fn removed(
    name: Name,
    recorded: RecordedIntegration<'_>,
    found: &LiveIntegration,
    against: &Against<'_>,
) -> Option<Action> {
    let Against {
        freeze, context, ..
    } = against;
    let suspend = recorded.record.state.removal.suspend.as_ref();
    let suspend = suspend.filter(|suspend| suspend.counts_at(context.now));
    let mut notes = Vec::new();
    let absence = against.absences.of(recorded, &name);
    let kind = match (freeze, absence) {
        (_, Some(Absence::EmptyFile { .. })) => return None,
        (Some(reason), _) => {
            let (id, reason) = (found.id.clone(), reason.clone());
            Operation::Blocked(Undeletable::Frozen { id, reason }.into())
        }
        (None, Some(absence)) => {
            let (id, name) = (found.id.clone(), name.clone());
            Operation::Blocked(Undeletable::NotRemoved { id, name, absence }.into())
        }
        (None, None) => match deletion(recorded, found, against) {
            Ok(deletion) => {
                notes.extend(missing(context, |visit| deletion.for_each_reference(visit)));
                notes.extend(deletion.not_shown());
                Operation::Delete(Box::new(deletion))
            }
            Err(block) => Operation::Blocked(block),
        },
    };
    let kind = match suspend {
        Some(suspend) if freeze.is_none() => kind.suspended(suspend),
        None if freeze.is_none() => by_operator(kind, &name, context),
        Some(_) | None => kind,
    };
    Some(Action {
        name,
        platform: found.platform,
        origin: None,
        kind,
        notes,
    })
}

/// The deletion of what is recorded.
pub(super) fn deletion(
    recorded: RecordedIntegration<'_>,
    found: &LiveIntegration,
    against: &Against<'_>,
) -> Result<Deletion, Block> {
    let Against { live, context, .. } = against;
    let RecordedIntegration { name, record } = recorded;
    let id = found.id.clone();
    if let Some(block) = owners::owned(found, live) {
        return Err(block);
    }
    if let Some(block) = unknown_outcome::of_record(recorded, context) {
        return Err(block);
    }
    if record.state.removal.protect {
        return Err(Undeletable::Protected { id }.into());
    }
    let Some(platform) = found.platform else {
        let reason = format!("this version does not know the type `{}`", found.type_name);
        return Err(Block::UnknownScope { reason });
    };
    if let Some(unreadable) = live.unreadable_for(platform) {
        let reason = unreadable.reason.clone();
        return Err(Block::UnknownScope { reason });
    }
    let now = found_key(platform, found);
    // A hint that the list does not show says nothing.
    if now != record.state.identity && (now.is_some() || platform.pairs_with_certainty()) {
        let attribute = platform.pairing_attribute().unwrap_or("identity");
        return Err(Undeletable::IdentityMoved { id, attribute }.into());
    }
    match found.status.phase() {
        StatusPhase::Settled => {}
        StatusPhase::Blocked => return Err(Block::Disabled { id }),
        StatusPhase::Busy | StatusPhase::Absent => {
            let status = found.status.clone();
            return Err(Block::Busy { id, status });
        }
    }
    let deletion = Deletion {
        is_automatic: is_automatic(Some(record), found).unwrap_or(false),
        creation_failed: found.status == IntegrationStatus::CreateError,
        credentials: credentials(name, record, found, platform)?,
        before: Before::of(found, &record.state),
        state: record.state.clone(),
        precondition: StatePrecondition::of_removal(found, &record.state.applied),
        platform,
        id,
    };
    let admitted = deletion.admit(found, against.bindings);
    admitted.map_err(Block::Unbound)?;
    Ok(deletion)
}

/// True if Immuta set the platform of an integration up itself; `None` if neither the server nor
/// the record has it.
pub(super) fn is_automatic(record: Option<&Record>, found: &LiveIntegration) -> Option<bool> {
    let recorded = || {
        let attributes = &record?.state.applied.attributes;
        attributes.get(super::history::AUTO_BOOTSTRAP)?.as_bool()
    };
    found.auto_bootstrap.or_else(recorded)
}

/// An automatic setup is deleted with its credentials, everything else without any (API.md
/// 3.3).
fn credentials(
    name: &str,
    record: &Record,
    found: &LiveIntegration,
    platform: &Platform,
) -> Result<Object, Block> {
    let is_automatic = is_automatic(Some(record), found).unwrap_or(false);
    if !(is_automatic && platform.deleted_with_credentials) {
        return Ok(Object::new());
    }
    let name = name.to_owned();
    let kept = &record.state.removal.credentials;
    let literal: Vec<AttributePath> = kept
        .iter()
        .filter(|(_, value)| value.is_null())
        .map(|(path, _)| path.clone())
        .collect();
    if kept.is_empty() || !literal.is_empty() {
        let paths = literal;
        return Err(Undeletable::CredentialsNotKept { name, paths }.into());
    }
    let mut credentials = Object::new();
    for (path, value) in kept {
        let Some(value) = as_value(value) else {
            let paths = vec![path.clone()];
            return Err(Undeletable::CredentialsNotKept { name, paths }.into());
        };
        credentials.insert_at(path, value);
    }
    Ok(credentials)
}

/// A credential from its text; `None` if this version cannot read it.
fn as_value(kept: &Json) -> Option<Value> {
    match kept {
        Json::String(text) => match parse_template(text, |_| None).ok()? {
            Parsed::Plain(text) => Some(Value::Text(text)),
            Parsed::Template(template) => Some(Value::Secret(template)),
        },
        Json::Bool(truth) => Some(Value::Bool(*truth)),
        Json::Number(number) => Some(Value::Number(number.clone())),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

/// The references that deletions and replacements may need, if the policy permits any.
#[must_use]
pub fn deletion_references(
    ledger: &Ledger,
    policy: Policy,
    allow_replace: &BTreeSet<Name>,
) -> Vec<Reference> {
    // What will be deleted is known only with the live side.
    let is_meant = policy == Policy::Sync || !allow_replace.is_empty();
    let records = ledger.records.iter();
    let mut references = Vec::new();
    for (_, record) in records.filter(|(_, r)| is_meant && r.state.owned) {
        let credentials = record.state.removal.credentials.values();
        for value in credentials.filter_map(as_value) {
            value.for_each_template(&mut |template| {
                references.extend(template.references().cloned());
            });
        }
    }
    references
}

/// Integrations without a file that no longer exist on the server, which was asked for each
/// that its list lacks. An id with another type is a different integration.
pub(super) fn gone(against: &Against<'_>) -> Vec<RemoteId> {
    let Against {
        freeze,
        files,
        context,
        ..
    } = against;
    if freeze.is_some() || files.is_empty() {
        return Vec::new();
    }
    let is_kept = |name: &Name, record: &Record| {
        let recorded = RecordedIntegration { name, record };
        let absence = against.absences.of(recorded, &recorded.unused_name(files));
        absence.is_some_and(|absence| absence.holds_the_record())
    };
    let is_in_doubt = |name: &Name| {
        let intent = context.ledger.intents.get(name);
        intent.is_some() || context.unknown_outcomes.contains_key(name)
    };
    absent(against)
        .filter(|(name, _)| !files.contains(name.as_str()) && !is_in_doubt(name))
        .filter(|(name, record)| !is_kept(name, record))
        .map(|(_, record)| record.id.clone())
        .collect()
}

/// The names of all records of which the server says that they are gone.
pub(super) fn disappeared(against: &Against<'_>) -> Vec<Name> {
    absent(against).map(|(name, _)| name.clone()).collect()
}

/// Records of which the server says that they are gone.
fn absent<'a>(against: &Against<'a>) -> impl Iterator<Item = (&'a Name, &'a Record)> {
    let Against { live, context, .. } = against;
    let there: HashMap<&RemoteId, &str> = present(live)
        .map(|found| (&found.id, found.type_name.as_str()))
        .collect();
    let records = context.ledger.records.iter();
    records.filter(move |(_, record)| {
        let is_there = there.get(&record.id) == Some(&record.type_name.as_str());
        !is_there && live.unreadable_for_type(&record.type_name).is_none()
    })
}

impl Deletion {
    /// The note about values that are not shown, if there are any.
    pub(super) fn not_shown(&self) -> Option<Note> {
        let hidden = self.before.hidden();
        (!hidden.is_empty()).then(|| Note::NotShown {
            paths: hidden.to_vec(),
        })
    }

    /// Calls `visit` with every reference in the credentials.
    pub fn for_each_reference<'a>(&'a self, visit: &mut dyn FnMut(&'a Reference)) {
        for (_, value) in self.credentials.iter() {
            value.for_each_template(&mut |template| template.references().for_each(&mut *visit));
        }
    }
}
