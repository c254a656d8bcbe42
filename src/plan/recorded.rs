//! Recorded state of a file: its content as far as that may be recorded, and the conditions of
//! the integration's removal once the file is removed.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::compare::to_json;
use super::history::{AUTO_BOOTSTRAP, MakeFingerprint};
use super::records::{RecordedIntegration, label};
use super::{Block, Body, Operation, PlanContext, contest, stored};
use crate::ledger::{Applied, Record, RecordedState, Removal, Repairs};
use crate::live::{LiveIntegration, RemoteId};
use crate::manifest::{Integration, Name};
use crate::platform::{Attribute, AttributePath, Class, walk};
use crate::secret::{Template, TemplatePart, escaped_literal};
use crate::value::Value;

/// Something to be recorded without a write.
#[derive(Debug, Clone, PartialEq)]
pub struct StateUpdate {
    /// The name of the integration.
    pub name: Name,
    /// The value of `type`.
    pub type_name: String,
    /// The live integration.
    pub id: RemoteId,
    /// Recorded state of its file.
    pub state: RecordedState,
    /// Time of its last change, if that is known.
    pub changed: Option<jiff::Timestamp>,
}

impl StateUpdate {
    /// The record of it, with its name. What was never changed by us is seen now.
    #[must_use]
    pub fn record(&self, now: jiff::Timestamp) -> (Name, Record) {
        let Self {
            name,
            type_name,
            id,
            state,
            changed,
        } = self.clone();
        let record = Record {
            type_name,
            id,
            state,
            at: changed.unwrap_or(now),
        };
        (name, record)
    }
}

/// State to record of a file whose body is sent to create it.
pub(super) fn of_create(
    integration: &Integration,
    body: &Body,
    context: &PlanContext<'_>,
) -> RecordedState {
    RecordedState {
        owned: true,
        repairs: contest::after_create(integration, context),
        ..of_write(integration, None, body, context)
    }
}

/// State to record of a file whose body is sent.
pub(super) fn of_write(
    integration: &Integration,
    recorded: Option<RecordedIntegration<'_>>,
    body: &Body,
    context: &PlanContext<'_>,
) -> RecordedState {
    let mut state = of_file(integration, recorded, context);
    state.applied.withheld = stored::withheld(body);
    state
}

/// State to record of a file, as if it had been applied. Nothing in it comes from a write.
pub(super) fn of_file(
    integration: &Integration,
    recorded: Option<RecordedIntegration<'_>>,
    context: &PlanContext<'_>,
) -> RecordedState {
    let label = label(integration, recorded);
    let fingerprint =
        |path: &str, template: &Template| (context.fingerprint)(label, path, template);
    RecordedState {
        identity: integration.pairing_key(),
        owned: recorded.is_some_and(|recorded| recorded.record.state.owned),
        applied: Applied {
            bound_to: Some(label.to_owned()),
            ..applied(integration, &fingerprint)
        },
        removal: removal(integration, context),
        rewritten: BTreeMap::new(),
        repairs: Repairs::default(),
        revision: context.revision.map(str::to_owned),
        file: Some(integration.origin.within.clone()),
    }
}

/// State to record after an observation of a live integration that will not be written, or
/// perhaps not. Nothing, if the ledger has it already.
pub(super) fn state_update(
    integration: &Integration,
    found: &LiveIntegration,
    kind: &Operation,
    recorded: Option<RecordedIntegration<'_>>,
    context: &PlanContext<'_>,
) -> Option<StateUpdate> {
    let state = match (kind, recorded) {
        (Operation::Unchanged { .. }, _) => of_look(integration, found, recorded, context),
        (_, None) => return None,
        (kind, Some(recorded)) => {
            let mut state = still_applied(integration, recorded, context);
            if matches!(kind, Operation::Blocked(Block::Contested { .. })) {
                contest::left(&mut state.repairs, context.repairs_at);
            }
            state
        }
    };
    let name = integration.name.as_str();
    let is_known =
        recorded.is_some_and(|recorded| recorded.name == name && recorded.record.state == state);
    (!is_known).then(|| StateUpdate {
        name: name.to_owned(),
        type_name: found.type_name.clone(),
        id: found.id.clone(),
        state,
        changed: recorded.map(|recorded| recorded.record.at),
    })
}

/// State to record of a file that differs and is not written: the applied values stay, with the
/// credentials of the setup. The permission to remove it comes from the file.
pub(super) fn still_applied(
    integration: &Integration,
    recorded: RecordedIntegration<'_>,
    context: &PlanContext<'_>,
) -> RecordedState {
    let mut state = recorded.record.state.clone();
    state.applied.bound_to = Some(recorded.label().to_owned());
    state.file = Some(integration.origin.within.clone());
    state.removal = Removal {
        credentials: state.removal.credentials,
        ..removal(integration, context)
    };
    state
}

/// State to record of a file that equals the live side. A fingerprint stays that of the secret
/// that was sent, except for a text that was compared with the live one.
fn of_look(
    integration: &Integration,
    found: &LiveIntegration,
    recorded: Option<RecordedIntegration<'_>>,
    context: &PlanContext<'_>,
) -> RecordedState {
    let mut state = of_file(integration, recorded, context);
    let is_compared = |path: &AttributePath| {
        integration.platform.has_parameters(path) && found.text_at(path).is_some()
    };
    let secrets = state.applied.secrets.iter();
    let compared: Vec<_> = secrets
        .filter(|(path, _)| is_compared(path))
        .map(|(path, fingerprint)| (path.clone(), fingerprint.clone()))
        .collect();
    let Some(recorded) = recorded else {
        let mut state = unknown_secrets(state);
        state.applied.secrets.extend(compared);
        return state;
    };
    state.repairs = contest::after_look(integration, recorded, context);
    let record = recorded.record;
    state.revision.clone_from(&record.state.revision);
    let withheld = &record.state.applied.withheld;
    state.applied.withheld.clone_from(withheld);
    let last = &record.state.applied.secrets;
    for (path, fingerprint) in &mut state.applied.secrets {
        *fingerprint = last.get(path).cloned().flatten();
    }
    state.applied.secrets.extend(compared);
    state
}

/// Marks the secrets as unknown: the server may have others.
pub(super) fn unknown_secrets(mut state: RecordedState) -> RecordedState {
    let secrets = state.applied.secrets.values_mut();
    secrets.for_each(|it| *it = None);
    state
}

/// Conditions for the removal of an integration after its file was removed.
pub(super) fn removal(integration: &Integration, context: &PlanContext<'_>) -> Removal {
    let auto = integration.auto_bootstrap.unwrap_or(false);
    let credentials = walk(integration.platform.attributes, &integration.config)
        .filter(|it| it.value.as_object().is_none())
        .filter_map(|it| {
            let attribute = it.attribute?;
            let is_one_time = attribute.class_for(auto) == Class::OneTime;
            is_one_time.then(|| (it.path.to_path(), as_written(attribute, it.value)))
        });
    Removal {
        protect: integration.options.protect,
        suspend: integration.options.suspend.clone(),
        credentials: credentials.collect(),
        beside: context.empty_files.clone(),
    }
}

/// A credential as a file would give it; `null` if it holds a literal secret.
fn as_written(attribute: &Attribute, value: &Value) -> Json {
    if let Value::Secret(template) = value {
        return text_of(template).map_or(Json::Null, Json::from);
    }
    if attribute.is_sensitive() {
        return Json::Null;
    }
    let text = value.as_text().map(|text| escaped_literal(text).into());
    text.or_else(|| to_json(value)).unwrap_or(Json::Null)
}

/// The text of a template that holds nothing but references.
fn text_of(template: &Template) -> Option<String> {
    let parts = template.parts.iter().map(|part| match part {
        TemplatePart::Reference(reference) => Some(reference.to_string()),
        TemplatePart::Literal(_) | TemplatePart::Shown(_) => None,
    });
    parts.collect()
}

/// Content of a file: harmless values in clear, stored secrets as fingerprints, one-time
/// credentials and ignored values not at all.
pub(super) fn applied(integration: &Integration, fingerprint: MakeFingerprint<'_>) -> Applied {
    let mut applied = Applied::default();
    if let Some(auto) = integration.auto_bootstrap {
        applied
            .attributes
            .insert(AUTO_BOOTSTRAP.into(), auto.into());
    }
    let auto = integration.auto_bootstrap.unwrap_or(false);
    for it in walk(integration.platform.attributes, &integration.config) {
        let Some(attribute) = it.attribute else {
            continue;
        };
        match attribute.class_for(auto) {
            Class::OneTime | Class::ServerSet => continue,
            Class::Identity | Class::Mutable | Class::Immutable | Class::Secret => {}
        }
        let path = it.path.to_path();
        if let Value::Secret(template) = it.value {
            let fingerprint = fingerprint(path.as_str(), template);
            applied.secrets.insert(path, fingerprint);
        } else if let Some(json) = to_json(it.value).filter(|_| !attribute.is_sensitive()) {
            applied.attributes.insert(path, json);
        }
    }
    let extra = integration.options.extra.iter();
    for (_, value) in extra {
        value.for_each_template(&mut |_| applied.extra_secrets = true);
    }
    for ignore in &integration.options.ignore {
        applied
            .attributes
            .retain(|path, _| !ignore.path.covers(path.keys()));
        applied.secrets.retain(|path, _| {
            !ignore.path.covers(path.keys()) || !integration.platform.has_parameters(path)
        });
    }
    applied
}
