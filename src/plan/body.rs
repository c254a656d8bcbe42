//! The body of a write, as the plan shows it and the encoder sends it.

use serde_json::{Value as Json, json};

use super::compare::to_json;
use crate::manifest::Integration;
use crate::platform::{Field, Platform};
use crate::secret::Reference;
use crate::value::{Object, Value};

/// Body of one request, with references in place of secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// Says which keys the payload has.
    pub platform: &'static Platform,
    /// As in the file.
    pub auto_bootstrap: Option<bool>,
    /// The whole configuration.
    pub config: Object,
}

impl Body {
    /// The file's payload and nothing else.
    pub(super) fn for_create(integration: &Integration) -> Self {
        Self::with_config(integration, integration.config.clone())
    }

    /// This configuration, with `sync.extra` merged into it.
    pub(super) fn with_config(integration: &Integration, mut config: Object) -> Self {
        merge(&mut config, &integration.options.extra);
        Self {
            platform: integration.platform,
            auto_bootstrap: integration.auto_bootstrap,
            config,
        }
    }

    /// The whole body as JSON, with references where secrets will stand.
    #[must_use]
    pub fn shown(&self) -> Json {
        let fields = self.platform.fields(self.auto_bootstrap, &self.config);
        let shown = fields.into_iter().map(|(name, field)| {
            let value = match field {
                Field::Type(wire) => wire.into(),
                Field::AutoBootstrap(value) => value.into(),
                Field::Config(config) => with_references(config),
            };
            (name.to_owned(), value)
        });
        Json::Object(shown.collect())
    }

    /// Calls `visit` with every reference in the body.
    pub(super) fn for_each_reference<'a>(&'a self, visit: &mut dyn FnMut(&'a Reference)) {
        for (_, value) in self.config.iter() {
            value.for_each_template(&mut |template| template.references().for_each(&mut *visit));
        }
    }
}

/// Merges `extra` into `config`, object by object: an unknown attribute may lie
/// inside of a known one.
fn merge(config: &mut Object, extra: &Object) {
    for (key, value) in extra.iter() {
        match (config.get_mut(key), value) {
            (Some(Value::Object(inner)), Value::Object(more)) => merge(inner, more),
            (_, value) => config.insert(key, value.clone()),
        }
    }
}

/// An object as JSON, with references where secrets will stand.
#[must_use]
pub fn with_references(object: &Object) -> Json {
    let members = object.iter();
    Json::Object(
        members
            .map(|(key, it)| (key.to_owned(), value(it)))
            .collect(),
    )
}

fn value(value: &Value) -> Json {
    match value {
        Value::Secret(template) => {
            let references: Vec<String> = template.references().map(ToString::to_string).collect();
            let mut document = json!({ "secret": true, "references": references });
            if let (Some(shown), Json::Object(fields)) = (template.shown(), &mut document) {
                fields.insert("shown".to_owned(), shown.into());
            }
            document
        }
        Value::Hidden(_) => json!({ "secret": true, "references": [] }),
        Value::Object(inner) => with_references(inner),
        Value::List(items) => Json::Array(items.iter().map(self::value).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => {
            to_json(value).unwrap_or(Json::Null)
        }
    }
}
