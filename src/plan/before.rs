//! Last recorded values of an integration that is deleted.
//!
//! Its file was removed, and the references to its secrets with it: this run cannot determine
//! whether a live value contains one. So, of an integration that had secrets, a value is shown
//! only if it is the one that was last applied.

use serde_json::{Map, Value as Json, json};

use super::carry::plain;
use super::compare::{default_json, same};
use super::pairing::found_key;
use crate::ledger::RecordedState;
use crate::live::LiveIntegration;
use crate::platform::{Attribute, AttributePath, change_each};
use crate::secret::{Parsed, parse_template};
use crate::value::{Object, Value};

/// A configuration as far as it may be shown and recorded. It holds nothing else: whatever
/// prints it cannot forget to hide something.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Before {
    attributes: Map<String, Json>,
    hidden: Vec<AttributePath>,
}

impl Before {
    /// The configuration of a live integration, of which this is recorded.
    pub(super) fn of(found: &LiveIntegration, state: &RecordedState) -> Self {
        let mut attributes = found.harmless_config();
        let mut hidden = Vec::new();
        if let Some(platform) = found.platform.filter(|_| had_secrets(state)) {
            change_each(
                platform.attributes,
                &mut attributes,
                &mut |path, attribute, value| {
                    let path = path.to_path();
                    if !attribute.is_some_and(|it| is_known(&path, it, value, state)) {
                        hidden.push(path);
                        *value = hidden_mark();
                    }
                },
            );
        }
        Self { attributes, hidden }
    }

    /// As JSON; what is hidden is marked as a secret is.
    #[must_use]
    pub fn to_json(&self) -> Json {
        Json::Object(self.attributes.clone())
    }

    /// As a tree.
    #[must_use]
    pub fn shown(&self) -> Object {
        object(&self.attributes)
    }

    /// The attributes whose values are hidden.
    #[must_use]
    pub fn hidden(&self) -> &[AttributePath] {
        &self.hidden
    }

    /// True if the value of this attribute is hidden.
    #[must_use]
    pub fn hides(&self, path: &AttributePath) -> bool {
        self.hidden.iter().any(|hidden| hidden == path)
    }
}

/// The identity of a live integration, of which this is recorded: `None` if it may not be
/// shown.
pub(super) fn identity(
    shown: Option<String>,
    found: &LiveIntegration,
    state: &RecordedState,
) -> Option<String> {
    let now = found
        .platform
        .and_then(|platform| found_key(platform, found));
    shown.filter(|_| !had_secrets(state) || now == state.identity)
}

/// True if an integration had secrets when it was last applied.
fn had_secrets(state: &RecordedState) -> bool {
    let is_secret = |kept: &Json| match kept {
        // A literal one is not kept.
        Json::Null => true,
        Json::String(text) => !matches!(parse_template(text, |_| None), Ok(Parsed::Plain(_))),
        Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => false,
    };
    let applied = &state.applied;
    !applied.secrets.is_empty()
        || applied.extra_secrets
        || state.removal.credentials.values().any(is_secret)
}

/// True if a value is known not to be a secret: it was last applied, or it is the default,
/// or it is too small to be one.
fn is_known(
    path: &AttributePath,
    attribute: &Attribute,
    live: &Json,
    state: &RecordedState,
) -> bool {
    if matches!(live, Json::Null | Json::Bool(_)) {
        return true;
    }
    let last = state.applied.attributes.get(path);
    let is_last = last.is_some_and(|last| same(attribute, &plain(last), Some(live)));
    is_last || default_json(attribute).as_ref() == Some(live)
}

fn hidden_mark() -> Json {
    json!({ "secret": true })
}

fn object(attributes: &Map<String, Json>) -> Object {
    let leaves = attributes.iter().map(|(key, value)| {
        let value = match value.as_object() {
            // No attribute is an object of this kind.
            Some(_) if *value == hidden_mark() => Value::Hidden(Json::Null),
            Some(inner) => Value::Object(object(inner)),
            None => plain(value),
        };
        (key.clone(), value)
    });
    leaves.collect()
}
