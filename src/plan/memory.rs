//! What the ledger keeps of a file: what it said as far as that may be kept, and
//! how the integration may be removed once the file is gone.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::compare::to_json;
use super::history::{AUTO_BOOTSTRAP, History, MakeFingerprint, covers};
use super::{Context, Kind};
use crate::ledger::{Applied, Memory, Record, Removal};
use crate::live::{LiveIntegration, RemoteId};
use crate::manifest::{Integration, Name};
use crate::platform::{Attribute, Class};
use crate::secret::{Part, Template, escaped_literal};
use crate::value::{Object, Value};

/// Something to be recorded without a write.
#[derive(Debug, Clone, PartialEq)]
pub struct Noted {
    /// The name of the integration.
    pub name: Name,
    /// The value of `type`.
    pub type_name: String,
    /// The live integration.
    pub id: RemoteId,
    /// What is kept of its file.
    pub memory: Memory,
}

impl Noted {
    /// The record of it, with its name.
    #[must_use]
    pub fn record(&self, at: jiff::Timestamp) -> (Name, Record) {
        let Self {
            name,
            type_name,
            id,
            memory,
        } = self.clone();
        let record = Record {
            type_name,
            id,
            memory,
            at,
        };
        (name, record)
    }
}

/// What is recorded of a live integration, perhaps under a name that its file
/// does not have any more.
#[derive(Clone, Copy)]
pub(super) struct Past<'a> {
    pub name: &'a str,
    pub record: &'a Record,
}

/// What is kept of a file whose body is sent.
pub(super) fn of_write(integration: &Integration, owned: bool, context: &Context<'_>) -> Memory {
    let fingerprint =
        |path: &str, template: &Template| (context.fingerprint)(&integration.name, path, template);
    Memory {
        identity: integration.pairing_key(),
        owned,
        applied: applied(integration, &fingerprint),
        removal: removal(integration),
        rewritten: BTreeMap::new(),
        revision: context.revision.map(str::to_owned),
    }
}

/// What is to be recorded after a look at a live integration that will not be
/// written, or perhaps not. Nothing, if the ledger has it already.
pub(super) fn noted(
    integration: &Integration,
    found: &LiveIntegration,
    kind: &Kind,
    past: Option<Past<'_>>,
    context: &Context<'_>,
) -> Option<Noted> {
    let is_equal = matches!(kind, Kind::Unchanged { .. });
    let equal = is_equal.then(|| of_look(integration, past, context));
    let (name, memory) = match (equal.flatten(), past) {
        (Some(memory), _) => (integration.name.as_str(), memory),
        (None, None) => return None,
        (None, Some(Past { name, record })) => {
            let removal = removal(integration);
            let memory = record.memory.clone();
            (name, Memory { removal, ..memory })
        }
    };
    let is_known = past.is_some_and(|past| past.name == name && past.record.memory == memory);
    (!is_known).then(|| Noted {
        name: name.to_owned(),
        type_name: found.type_name.clone(),
        id: found.id.clone(),
        memory,
    })
}

/// What is kept of a file that equals the live side; `None` while a fingerprint
/// of it cannot be made under its new name, and would be lost.
fn of_look(
    integration: &Integration,
    past: Option<Past<'_>>,
    context: &Context<'_>,
) -> Option<Memory> {
    let Some(Past { name, record }) = past else {
        let mut memory = of_write(integration, false, context);
        // Nobody knows whether these are the secrets that the server has.
        memory
            .applied
            .secrets
            .values_mut()
            .for_each(|it| *it = None);
        return Some(memory);
    };
    let mut memory = of_write(integration, record.memory.owned, context);
    memory.revision.clone_from(&record.memory.revision);
    let history = History {
        last: Some(&record.memory.applied),
        fingerprint: &|path, template| (context.fingerprint)(name, path, template),
        on_drift: context.on_drift,
    };
    for (path, fingerprint) in &mut memory.applied.secrets {
        let is_same = integration
            .config
            .at(path)
            .map(|v| history.is_same_secret(path, v));
        if is_same == Some(Some(true)) {
            continue;
        }
        let last = record.memory.applied.secrets.get(path).cloned().flatten();
        if last.is_some() && name != integration.name {
            return None;
        }
        *fingerprint = last;
    }
    Some(memory)
}

/// How an integration may be removed when its file is gone.
pub(super) fn removal(integration: &Integration) -> Removal {
    let mut credentials = Vec::new();
    one_time(
        "",
        integration.platform.attributes,
        integration.auto_bootstrap.unwrap_or(false),
        &integration.config,
        &mut credentials,
    );
    Removal {
        protect: integration.options.protect,
        suspend: integration.options.suspend.clone(),
        credentials: credentials.into_iter().collect(),
    }
}

/// Gathers the credentials that only the set-up uses, as a file would give them.
fn one_time(
    prefix: &str,
    attributes: &'static [Attribute],
    auto: bool,
    object: &Object,
    credentials: &mut Vec<(String, Json)>,
) {
    for (key, value) in object.iter() {
        let Some(attribute) = attributes.iter().find(|a| a.name == key) else {
            continue;
        };
        let path = format!("{prefix}{key}");
        if let Some(inner) = value.as_object() {
            let children = attribute.children();
            one_time(&format!("{path}/"), children, auto, inner, credentials);
        } else if attribute.class_for(auto) == Class::OneTime {
            credentials.push((path, as_written(attribute, value)));
        }
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
        Part::Reference(reference) => Some(reference.to_string()),
        Part::Literal(_) => None,
    });
    parts.collect()
}

/// What a file says: harmless values in clear, stored secrets as fingerprints,
/// one-time credentials and what is ignored not at all.
pub(super) fn applied(integration: &Integration, fingerprint: MakeFingerprint<'_>) -> Applied {
    let mut applied = Applied::default();
    if let Some(auto) = integration.auto_bootstrap {
        applied
            .attributes
            .insert(AUTO_BOOTSTRAP.to_owned(), auto.into());
    }
    let keep = Keep {
        auto: integration.auto_bootstrap.unwrap_or(false),
        fingerprint,
    };
    keep.object(
        "",
        integration.platform.attributes,
        &integration.config,
        &mut applied,
    );
    for ignore in &integration.options.ignore {
        applied
            .attributes
            .retain(|path, _| !covers(&ignore.path, path));
    }
    applied
}

struct Keep<'a> {
    auto: bool,
    fingerprint: MakeFingerprint<'a>,
}

impl Keep<'_> {
    fn object(
        &self,
        prefix: &str,
        attributes: &'static [Attribute],
        object: &Object,
        applied: &mut Applied,
    ) {
        for (key, value) in object.iter() {
            let Some(attribute) = attributes.iter().find(|a| a.name == key) else {
                continue;
            };
            let path = format!("{prefix}{key}");
            match value
                .as_object()
                .filter(|_| !attribute.children().is_empty())
            {
                Some(inner) => {
                    self.object(&format!("{path}/"), attribute.children(), inner, applied);
                }
                None => self.leaf(path, attribute, value, applied),
            }
        }
    }

    fn leaf(&self, path: String, attribute: &Attribute, value: &Value, applied: &mut Applied) {
        match attribute.class_for(self.auto) {
            Class::OneTime | Class::ServerSet => return,
            Class::Identity | Class::Mutable | Class::Immutable | Class::Secret => {}
        }
        if let Value::Secret(template) = value {
            let fingerprint = (self.fingerprint)(&path, template);
            applied.secrets.insert(path, fingerprint);
        } else if let Some(json) = to_json(value).filter(|_| !attribute.is_sensitive()) {
            applied.attributes.insert(path, json);
        }
    }
}
