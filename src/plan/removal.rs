//! Deleting what no file describes any more, and replacing what cannot be edited.
//!
//! Only an integration that this tool created or adopted is ever deleted, only
//! when that was asked for, and only while the files are known whole. What the
//! deletion needs comes from the record: the file that said it is gone.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::Value as Json;

use super::carry::plain;
use super::decide::missing;
use super::{
    Action, Block, Context, Kind, Note, Policy, StatePrecondition, Undeletable, Unmanaged,
};
use crate::ledger::{Ledger, Memory, Record};
use crate::live::{Live, LiveIntegration, Phase, RemoteId};
use crate::manifest::{Manifest, Name};
use crate::platform::{Platform, by_wire};
use crate::secret::{Parsed, Reference, parse_template};
use crate::value::{Object, Value};

/// A `DELETE`, complete.
#[derive(Debug, Clone)]
pub struct Deletion {
    /// The live integration.
    pub id: RemoteId,
    /// Its platform.
    pub platform: &'static Platform,
    /// The credentials that the deletion needs; empty if it must have none
    /// (API.md 3.3). References stand where secrets will.
    pub credentials: Object,
    /// What is known to be harmless of it, as it is now.
    pub before: Json,
    /// What the ledger keeps of it until it is gone.
    pub memory: Memory,
    /// What must still be so.
    pub precondition: StatePrecondition,
}

/// Why nothing is deleted now, whatever the files say.
pub(super) fn freeze(manifest: &Manifest) -> Option<String> {
    if manifest.incomplete {
        return Some("a file could not be read, and may describe it".to_owned());
    }
    if let Some(invalid) = manifest.invalid.first() {
        return Some(format!(
            "{} is invalid, and may describe it",
            invalid.origin.file
        ));
    }
    manifest
        .integrations
        .is_empty()
        .then(|| "the files describe nothing at all".to_owned())
}

/// The deletions of what was recorded and is described no more.
pub(super) fn deletions(
    manifest: &Manifest,
    live: &Live,
    unmanaged: &[Unmanaged],
    context: &Context<'_>,
) -> Vec<Action> {
    if context.policy != Policy::Sync {
        return Vec::new();
    }
    let freeze = freeze(manifest);
    let names: HashSet<&str> = manifest.names().collect();
    let unmanaged: HashSet<&RemoteId> = unmanaged.iter().map(|u| &u.id).collect();
    let left: HashMap<&RemoteId, &LiveIntegration> = live
        .integrations
        .iter()
        .filter(|l| unmanaged.contains(&l.id))
        .map(|l| (&l.id, l))
        .collect();
    let recorded = context.ledger.records.iter();
    recorded
        .filter(|(name, record)| record.memory.owned && !names.contains(name.as_str()))
        .filter(|(name, _)| context.selection.includes(name))
        .filter_map(|(name, record)| {
            let found = left.get(&record.id)?;
            Some(removed(
                name,
                record,
                found,
                freeze.as_deref(),
                live,
                context,
            ))
        })
        .collect()
}

fn removed(
    name: &Name,
    record: &Record,
    found: &LiveIntegration,
    freeze: Option<&str>,
    live: &Live,
    context: &Context<'_>,
) -> Action {
    let suspend = record.memory.removal.suspend.as_ref();
    let suspend = suspend.filter(|suspend| suspend.counts_on(context.today));
    let mut notes = Vec::new();
    let kind = match (freeze, suspend) {
        (Some(reason), _) => {
            let reason = reason.to_owned();
            Kind::Blocked(Block::NotDeleted(Undeletable::Frozen {
                id: found.id.clone(),
                reason,
            }))
        }
        (None, Some(suspend)) => Kind::Suspended(suspend.clone()),
        (None, None) => match deletion(name, record, found, live, context) {
            Ok(deletion) => {
                notes.extend(missing_credentials(&deletion, context));
                Kind::Delete(Box::new(deletion))
            }
            Err(block) => Kind::Blocked(block),
        },
    };
    Action {
        name: name.clone(),
        platform: found.platform,
        origin: None,
        kind,
        notes,
    }
}

/// The credentials of a deletion that are not available here.
pub(super) fn missing_credentials(deletion: &Deletion, context: &Context<'_>) -> Option<Note> {
    missing(context, |visit| deletion.for_each_reference(visit))
}

/// The deletion of what is recorded under this name.
pub(super) fn deletion(
    name: &str,
    record: &Record,
    found: &LiveIntegration,
    live: &Live,
    context: &Context<'_>,
) -> Result<Deletion, Block> {
    let id = found.id.clone();
    if let Some(doubt) = context.doubts.get(name) {
        let (name, doubt) = (name.to_owned(), doubt.clone());
        return Err(Block::InDoubt { name, doubt });
    }
    if record.memory.removal.protect {
        return Err(Block::NotDeleted(Undeletable::Protected { id }));
    }
    let Some(platform) = found.platform else {
        let reason = format!("its type is `{}`", found.type_name);
        return Err(Block::UnknownScope { reason });
    };
    if let Some(hole) = live.hole(platform) {
        let reason = hole.reason.clone();
        return Err(Block::UnknownScope { reason });
    }
    if platform.pairs_with_certainty()
        && super::pairing::found_key(platform, found) != record.memory.identity
    {
        let attribute = platform.pairing_attribute().unwrap_or("identity");
        return Err(Block::NotDeleted(Undeletable::IdentityMoved {
            id,
            attribute,
        }));
    }
    match found.status.phase() {
        Phase::Settled => {}
        Phase::Blocked => return Err(Block::Disabled { id }),
        Phase::Busy | Phase::Absent => {
            let status = found.status.clone();
            return Err(Block::Busy { id, status });
        }
    }
    Ok(Deletion {
        credentials: credentials(name, record, found, platform)?,
        before: Json::Object(found.harmless_config()),
        memory: record.memory.clone(),
        precondition: StatePrecondition::of(found),
        platform,
        id,
    })
}

/// What was set up automatically is deleted with the credentials of the set-up,
/// and everything else without any (API.md 3.3).
fn credentials(
    name: &str,
    record: &Record,
    found: &LiveIntegration,
    platform: &Platform,
) -> Result<Object, Block> {
    let attributes = &record.memory.applied.attributes;
    let recorded = || attributes.get(super::history::AUTO_BOOTSTRAP)?.as_bool();
    let automatic = found.auto_bootstrap.or_else(recorded).unwrap_or(false);
    if !(automatic && platform.deleted_with_credentials) {
        return Ok(Object::new());
    }
    let name = name.to_owned();
    let kept = &record.memory.removal.credentials;
    let literal: Vec<String> = kept
        .iter()
        .filter(|(_, value)| value.is_null())
        .map(|(path, _)| path.clone())
        .collect();
    if kept.is_empty() || !literal.is_empty() {
        return Err(Block::NotDeleted(Undeletable::CredentialsNotKept {
            name,
            paths: literal,
        }));
    }
    let mut credentials = Object::new();
    for (path, value) in kept {
        let Some(value) = as_value(value) else {
            let paths = vec![path.clone()];
            return Err(Block::NotDeleted(Undeletable::CredentialsNotKept {
                name,
                paths,
            }));
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

/// The references that deletions may need: of what no file describes, if deleting
/// is meant, and of what may be replaced.
#[must_use]
pub fn deletion_references(
    manifest: &Manifest,
    ledger: &Ledger,
    policy: Policy,
    allow_replace: &BTreeSet<Name>,
) -> Vec<Reference> {
    let names: HashSet<&str> = manifest.names().collect();
    let is_meant = |name: &Name| {
        allow_replace.contains(name) || (policy == Policy::Sync && !names.contains(name.as_str()))
    };
    let records = ledger.records.iter();
    let mut references = Vec::new();
    for (_, record) in records.filter(|(name, r)| r.memory.owned && is_meant(name)) {
        let credentials = record.memory.removal.credentials.values();
        for value in credentials.filter_map(as_value) {
            value.for_each_template(&mut |template| {
                references.extend(template.references().cloned());
            });
        }
    }
    references
}

/// Records of what no file describes and the server says is gone. Only where
/// deleting is meant the server was asked for them.
pub(super) fn gone(manifest: &Manifest, live: &Live, context: &Context<'_>) -> Vec<Name> {
    if context.policy != Policy::Sync || freeze(manifest).is_some() {
        return Vec::new();
    }
    let names: HashSet<&str> = manifest.names().collect();
    let there: HashSet<&RemoteId> = live
        .integrations
        .iter()
        .filter(|l| l.status.phase() != Phase::Absent)
        .map(|l| &l.id)
        .collect();
    let is_unreadable = |record: &Record| {
        let mut holes = live.unreadable.iter();
        holes.any(|hole| by_wire(&record.type_name).is_none_or(|p| hole.scope.covers(p)))
    };
    let records = context.ledger.records.iter();
    records
        .filter(|(name, record)| !names.contains(name.as_str()) && !there.contains(&record.id))
        .filter(|(name, record)| !context.doubts.contains_key(*name) && !is_unreadable(record))
        .map(|(name, _)| name.clone())
        .collect()
}

impl Deletion {
    /// What is known to be harmless of it, as a tree.
    #[must_use]
    pub fn shown(&self) -> Object {
        let shown = plain(&self.before);
        shown.as_object().cloned().unwrap_or_default()
    }

    /// Calls `visit` with every reference in the credentials.
    pub fn for_each_reference<'a>(&'a self, visit: &mut dyn FnMut(&'a Reference)) {
        for (_, value) in self.credentials.iter() {
            value.for_each_template(&mut |template| template.references().for_each(&mut *visit));
        }
    }
}
