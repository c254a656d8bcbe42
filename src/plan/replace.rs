//! Replacement of integrations that cannot be edited: only with permission, only of owned
//! integrations, and only if no other file could mean them.

use super::against::{Against, creation, missing};
use super::compare::{default_json, to_json};
use super::diff::Difference;
use super::history::DiffContext;
use super::pairing::TYPE;
use super::removal::deletion;
use super::stored;
use super::{
    Block, Body, Change, ChangeKind, Deletion, DisplayValue, Note, Operation, PlanContext,
    StatePrecondition, Undeletable,
};
use crate::live::LiveIntegration;
use crate::manifest::Integration;
use crate::platform::{AttributePath, Platform};
use crate::value::Value;

/// True if the replacement is permitted.
pub(super) fn is_replaceable(integration: &Integration, context: &PlanContext<'_>) -> bool {
    context.allow_replace.contains(&integration.name)
}

/// A file that describes another integration than the one that was made from it.
pub(super) fn replace_moved(
    integration: &Integration,
    found: &LiveIntegration,
    attribute: &'static str,
    against: &Against<'_>,
) -> (Operation, Vec<Note>) {
    if !is_replaceable(integration, against.context) {
        let block = Block::Replacement {
            name: integration.name.clone(),
            id: found.id.clone(),
            attribute,
        };
        return (Operation::Blocked(block), Vec::new());
    }
    let changes = if attribute == TYPE {
        let name = |text: &str| DisplayValue::Plain(text.into());
        let types = (name(&found.type_name), name(integration.platform.wire));
        vec![change(attribute.into(), types.0, types.1)]
    } else {
        Vec::new()
    };
    replace(integration, found, changes, against)
}

/// Deletes what is there, and creates it as the file says.
pub(super) fn replace(
    integration: &Integration,
    found: &LiveIntegration,
    changes: Vec<Change>,
    against: &Against<'_>,
) -> (Operation, Vec<Note>) {
    let both = deletable(integration, found, against)
        .and_then(|deletion| Ok((deletion, creation(integration, against)?)));
    let (deletion, creation) = match both {
        Ok(both) => both,
        Err(block) => return (Operation::Blocked(block), Vec::new()),
    };
    let missing = missing(against.context, |visit| {
        creation.body.for_each_reference(visit);
        deletion.for_each_reference(visit);
    });
    // Of another platform nothing is in the file: the rest is shown as an update shows it.
    let is_other = found.platform != Some(integration.platform);
    let not_shown = deletion.not_shown().filter(|_| is_other);
    let kind = Operation::Replace {
        changes: with_what_goes(changes, integration, found, &deletion),
        deletion: Box::new(deletion),
        creation,
    };
    (kind, missing.into_iter().chain(not_shown).collect())
}

/// The deletion, if nothing stands against it.
fn deletable(
    integration: &Integration,
    found: &LiveIntegration,
    against: &Against<'_>,
) -> Result<Deletion, Block> {
    let id = found.id.clone();
    let owned = against
        .recorded
        .of(found)
        .filter(|recorded| recorded.record.state.owned);
    let Some(recorded) = owned else {
        let name = integration.name.clone();
        return Err(Undeletable::NotOwned { id, name }.into());
    };
    if integration.options.protect {
        return Err(Undeletable::Protected { id }.into());
    }
    if integration.options.id.is_some() {
        return Err(Undeletable::Pinned { id }.into());
    }
    if let Some(reason) = against.freeze.clone() {
        return Err(Undeletable::Frozen { id, reason }.into());
    }
    let others = against.claims.others(&id, &integration.name);
    if !others.is_empty() {
        return Err(Undeletable::Described { id, others }.into());
    }
    let last = &recorded.record.state.applied;
    let precondition = StatePrecondition::of_replacement(found, integration, last);
    Ok(Deletion {
        precondition,
        ..deletion(recorded, found, against)?
    })
}

fn change(path: AttributePath, before: DisplayValue, after: DisplayValue) -> Change {
    Change {
        path,
        kind: ChangeKind::Change,
        before,
        after,
        immutable: false,
        covered: None,
    }
}

/// The changes, and whatever else a creation from the file alone does not bring back:
/// what an update would have carried on, and what the file ignores.
fn with_what_goes(
    mut changes: Vec<Change>,
    integration: &Integration,
    found: &LiveIntegration,
    deletion: &Deletion,
) -> Vec<Change> {
    let plain = |value: &Value| to_json(value).map_or(DisplayValue::Hidden, DisplayValue::Plain);
    let goes: Vec<Change> = if found.platform == Some(integration.platform) {
        let mut heedless = integration.clone();
        heedless.options.ignore.clear();
        let created = Body::for_create(integration).config;
        let difference = Difference::between(&heedless, found, DiffContext::NONE);
        let carried = difference.body.config.leaves().into_iter();
        let carried = carried.filter(|(path, value)| {
            created.at(path).is_none() && !is_default(integration.platform, path, value)
        });
        let is_unknown = |path: &AttributePath| difference.unknown_carried.contains(path);
        let carried = carried.map(|(path, value)| match is_unknown(&path) {
            true => change(path, DisplayValue::Hidden, DisplayValue::Absent),
            false => change(path, plain(value), DisplayValue::Absent),
        });
        let last = &deletion.state.applied;
        let may_go = stored::may_drop(&heedless, &difference.body, found, Some(last));
        let lost = difference.secrets_lost.iter().chain(&may_go);
        let lost =
            lost.map(|path| change(path.clone(), DisplayValue::Hidden, DisplayValue::Absent));
        let differing = difference.changes.iter().cloned();
        differing.chain(carried).chain(lost).collect()
    } else {
        let before = deletion.before.shown();
        let gone = before.leaves().into_iter();
        gone.map(|(path, value)| change(path, plain(value), DisplayValue::Absent))
            .collect()
    };
    for change in goes {
        if changes.iter().all(|known| known.path != change.path) {
            changes.push(change);
        }
    }
    changes
}

/// True if it is the server's default.
fn is_default(platform: &Platform, path: &AttributePath, value: &Value) -> bool {
    let default = platform.attribute(path).and_then(default_json);
    default.is_some() && default == to_json(value)
}
