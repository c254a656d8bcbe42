//! Integration files, written from what was read of them.
//!
//! Invariant: no secret is in the result. A reference is written as a reference, and a
//! secret that a file holds is masked.

use serde_json::{Map, Value as Json, json};

use super::options::{SYNC, SyncKey};
use super::{Ignore, Integration, Suspend, SyncOptions};
use crate::platform::Field;
use crate::secret::{MASK, Template, TemplatePart, escaped_literal};
use crate::value::{Object, Value};

/// An integration as a document of a file: variables filled in, secrets as references.
#[must_use]
pub fn document(integration: &Integration) -> Json {
    let Integration {
        name,
        platform,
        auto_bootstrap,
        config,
        without,
        options,
        origin: _,
    } = integration;
    let fields = platform.fields(*auto_bootstrap, ());
    let field = |(key, field): (&str, Field<()>)| {
        let value = match field {
            Field::Type(wire) => wire.into(),
            Field::AutoBootstrap(value) => value.into(),
            Field::Config(()) => {
                let mut config = config.clone();
                for path in without {
                    config.insert_at(path, Value::Null);
                }
                object(&config)
            }
        };
        (key.to_owned(), value)
    };
    let mut document: Map<String, Json> = fields.into_iter().map(field).collect();
    document.insert(SYNC.to_owned(), Json::Object(sync(Some(name), options)));
    Json::Object(document)
}

/// The options as the last lines of a file; none if they say nothing.
#[must_use]
pub fn sync_text(name: Option<&str>, options: &SyncOptions) -> String {
    let sync = sync(name, options);
    if sync.is_empty() {
        String::new()
    } else {
        yaml_text(&json!({ SYNC: sync }))
    }
}

/// The options, those that say nothing left out.
fn sync(name: Option<&str>, options: &SyncOptions) -> Map<String, Json> {
    let SyncOptions {
        id,
        previously,
        protect,
        suspend,
        ignore,
        extra,
    } = options;
    let mut sync = Map::new();
    let mut add = |option: SyncKey, value: Json| sync.insert(option.key().to_owned(), value);
    if let Some(name) = name {
        add(SyncKey::Name, name.into());
    }
    if let Some(id) = id {
        add(SyncKey::Id, id.as_str().into());
    }
    if !previously.is_empty() {
        add(SyncKey::Previously, json!(previously));
    }
    if *protect {
        add(SyncKey::Protect, true.into());
    }
    if let Some(Suspend { reason, until }) = suspend {
        let mut suspend = json!({ "reason": escaped_literal(reason) });
        if let (Some(until), Json::Object(suspend)) = (until, &mut suspend) {
            suspend.insert("until".to_owned(), until.text().into());
        }
        add(SyncKey::Suspend, suspend);
    }
    if !ignore.is_empty() {
        let item = |Ignore { path, reason }: &Ignore| json!({ "path": format!("/{path}"), "reason": escaped_literal(reason) });
        add(SyncKey::Ignore, ignore.iter().map(item).collect());
    }
    if !extra.is_empty() {
        add(SyncKey::Extra, object(extra));
    }
    sync
}

/// A document as YAML. Strings that could be read as something else are quoted.
#[must_use]
pub fn yaml_text(document: &Json) -> String {
    // It fails only for a writer that fails, and a string does not.
    serde_yaml::to_string(document).unwrap_or_default()
}

fn object(object: &Object) -> Json {
    let pairs = object
        .iter()
        .map(|(key, inner)| (key.to_owned(), value(inner)));
    Json::Object(pairs.collect())
}

fn value(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(truth) => (*truth).into(),
        Value::Number(number) => Json::Number(number.clone()),
        Value::Text(text) => escaped_literal(text).into(),
        Value::Secret(template) => masked(template).into(),
        Value::Hidden(_) => MASK.into(),
        Value::List(items) => items.iter().map(self::value).collect(),
        Value::Object(inner) => object(inner),
    }
}

/// A template with a mask in place of the secrets that the file holds.
fn masked(template: &Template) -> String {
    let parts = template.parts.iter().map(|part| match part {
        TemplatePart::Literal(_) => MASK.to_owned(),
        TemplatePart::Shown(text) => escaped_literal(text),
        TemplatePart::Reference(reference) => reference.to_string(),
    });
    parts.collect()
}
