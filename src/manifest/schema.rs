//! The JSON Schema of integration files, made from the tables of the platforms.
//!
//! Invariant: a file that the schema rejects is one that `validate` rejects. The schema
//! rejects every mistake that a single document shows, except those that JSON cannot
//! state: the syntax of YAML, files, and references that are well-formed but lead
//! nowhere. A rule that is only likely is part of a description, since breaking it is a
//! warning.

mod sync;

use std::fmt::Write as _;

use serde_json::{Map, Value as Json, json};

use super::options::SYNC;
use crate::platform::{
    AUTO_BOOTSTRAP, Attribute, CONFIG, Class, Condition, Evidence, Need, PayloadShape, Platform,
    Scalar, Shape, StringRule, TYPE, every_attribute,
};
use crate::secret::source_words;
use sync::sync;

/// The dialect in which the schema is written.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// A string that refers to nothing but variables.
const PLAIN: &str = "#/$defs/plain";

/// A string that may refer to secrets.
const REFERRING: &str = "#/$defs/referring";

/// A value of any kind, whose strings may refer to secrets.
const ANYTHING: &str = "#/$defs/anything";

/// A value that a variable, or a reference, completes: its form is not known here.
const COMPLETED: &str = r"(?:^|[^$])\$\{";

/// The schema of a file that holds one integration of one of these platforms.
#[must_use]
pub fn schema(platforms: &[&'static Platform]) -> Json {
    let wires: Vec<&str> = platforms.iter().map(|platform| platform.wire).collect();
    let choices = platforms.iter().map(|platform| {
        json!({
            "if": { "properties": { TYPE: { "const": platform.wire } }, "required": [TYPE] },
            "then": { "$ref": format!("#/$defs/{}", definition(platform)) },
        })
    });
    let mut definitions = shared();
    definitions.extend(platforms.iter().map(|p| (definition(p), document(p))));
    json!({
        "$schema": DIALECT,
        "title": "Integration file of integrationd",
        "type": "object",
        "properties": {
            TYPE: {
                "description": TYPE_DOC,
                "enum": wires,
            },
        },
        "required": [TYPE],
        "allOf": choices.collect::<Vec<_>>(),
        "$defs": definitions,
    })
}

/// The name of a platform's definition: letters and hyphens, as a pointer needs it.
fn definition(platform: &Platform) -> String {
    platform.wire.replace(' ', "-")
}

/// The definitions that all platforms use.
fn shared() -> Map<String, Json> {
    let words: Vec<&str> = source_words().collect();
    let anything = json!({ "$ref": ANYTHING });
    let definitions = [
        ("plain", text(&references_to(&["var"]))),
        ("referring", text(&references_to(&words))),
        (
            "anything",
            json!({
                "if": { "type": "string" },
                "then": { "$ref": REFERRING },
                "items": anything,
                "additionalProperties": anything,
            }),
        ),
    ];
    definitions
        .map(|(name, schema)| (name.to_owned(), schema))
        .into_iter()
        .collect()
}

/// A string of this pattern.
fn text(pattern: &str) -> Json {
    json!({ "type": "string", "pattern": pattern })
}

/// The pattern of a string whose references begin with one of these words. A doubled
/// dollar sign before a brace is one that is meant literally.
fn references_to(words: &[&str]) -> String {
    let words = words.join("|");
    format!(r"^(?:[^$]|\$(?!\{{)|\$\$\{{|\$\{{(?:{words}):[^}}]+\}})*$")
}

/// The schema of a document of one platform.
fn document(platform: &'static Platform) -> Json {
    let mut properties = Map::new();
    let wire = json!({ "const": platform.wire });
    properties.insert(TYPE.to_owned(), described(&wire, TYPE_DOC));
    let required: &[&str] = match platform.payload {
        PayloadShape::TypeOnly => &[TYPE],
        PayloadShape::Full | PayloadShape::ManualOnly => {
            properties.insert(AUTO_BOOTSTRAP.to_owned(), auto_bootstrap(platform.payload));
            let config = described(&object(platform.attributes), CONFIG_DOC);
            properties.insert(CONFIG.to_owned(), config);
            &[TYPE, AUTO_BOOTSTRAP, CONFIG]
        }
    };
    properties.insert(SYNC.to_owned(), sync(platform));
    let mut document = json!({
        "title": platform.title,
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "required": required,
    });
    let rules = conditional(platform);
    if let (Json::Object(document), false) = (&mut document, rules.is_empty()) {
        document.insert("allOf".to_owned(), rules.into());
    }
    document
}

fn auto_bootstrap(payload: PayloadShape) -> Json {
    match payload {
        PayloadShape::ManualOnly => json!({
            "description": "This platform is always set up manually, with the script that Immuta \
                provides.",
            "const": false,
        }),
        PayloadShape::Full | PayloadShape::TypeOnly => json!({
            "description": "`true` if Immuta sets up the platform, `false` if you run its script.",
            "type": "boolean",
        }),
    }
}

/// The schema of an object with these attributes.
fn object(attributes: &'static [Attribute]) -> Json {
    let properties: Map<String, Json> = attributes
        .iter()
        .map(|a| (a.name.to_owned(), attribute(a)))
        .collect();
    let required: Vec<&str> = attributes
        .iter()
        .filter(|a| demand(a) == Some(&[]))
        .map(|a| a.name)
        .collect();
    json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "required": required,
    })
}

fn attribute(attribute: &'static Attribute) -> Json {
    let mut schema = value(attribute);
    if attribute.class == Class::Secret && demand(attribute) != Some(&[]) {
        schema = json!({ "anyOf": [schema, { "type": "null" }] });
    }
    if let Json::Object(schema) = &mut schema {
        schema.insert("description".to_owned(), description(attribute).into());
        if let Some(default) = attribute.default {
            schema.insert("default".to_owned(), scalar(default));
        }
        if demand(attribute) == Some(&[]) {
            schema.insert("minLength".to_owned(), 1.into());
        }
    }
    schema
}

fn scalar(scalar: Scalar) -> Json {
    match scalar {
        Scalar::Text(text) => text.into(),
        Scalar::Integer(number) => number.into(),
        Scalar::Bool(value) => value.into(),
    }
}

/// The schema of the values of an attribute.
fn value(attribute: &'static Attribute) -> Json {
    let string = json!({ "$ref": string(attribute) });
    match attribute.shape {
        Shape::Text(format) => match documented(&format) {
            Some(pattern) => json!({ "allOf": [string], "anyOf": [
                { "pattern": pattern },
                { "pattern": COMPLETED },
                // An empty string is reported where a value is required.
                { "maxLength": 0 },
            ] }),
            None => string,
        },
        Shape::Enum(words, Evidence::Documented) => json!({ "allOf": [string], "anyOf": [
            { "enum": words },
            { "pattern": COMPLETED },
        ] }),
        // Words are offered by an editor; another one is accepted.
        Shape::Enum(words, _) => json!({ "anyOf": [{ "enum": words }, string] }),
        Shape::Bool => json!({ "type": "boolean" }),
        Shape::Integer { min, max: i64::MAX } => json!({ "type": "integer", "minimum": min }),
        Shape::Integer { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Shape::Object(children) => object(children),
        Shape::TextList => json!({ "type": "array", "items": string }),
        Shape::Opaque => json!({ "$ref": ANYTHING, "not": { "type": "null" } }),
    }
}

/// The definition of the strings of an attribute, if nothing is known of `autoBootstrap`.
fn string(attribute: &Attribute) -> &'static str {
    if attribute.takes_references(None) {
        REFERRING
    } else {
        PLAIN
    }
}

/// The pattern of a format that is documented.
fn documented(format: &StringRule) -> Option<&'static str> {
    match format.evidence {
        Evidence::Documented => format.pattern,
        Evidence::SecondHand | Evidence::Inferred | Evidence::Recalled | Evidence::Unknown => None,
    }
}

/// The documentation of an attribute, with everything that the schema does not enforce.
fn description(attribute: &Attribute) -> String {
    let mut text = attribute.doc.to_owned();
    if let Shape::Text(format) = attribute.shape
        && matches!(format.evidence, Evidence::SecondHand | Evidence::Inferred)
    {
        let _ = write!(text, " The value should be {}.", format.expected);
    }
    if attribute.is_sensitive() {
        text.push_str(" This is a secret: use a reference, such as `${env:NAME}`.");
        if demand(attribute) != Some(&[]) {
            text.push_str(" Write `null` if the integration has no such secret.");
        }
    }
    if attribute.secret_parameters.is_some() {
        text.push_str(" Use a reference, such as `PWD=${env:NAME}`, for each secret parameter.");
    }
    if attribute.class_for(true) == Class::OneTime {
        text.push_str(
            " With `autoBootstrap: true`, the value is used only for the setup and is not stored.",
        );
    }
    if attribute.is_fixed {
        text.push_str(" The value cannot be changed once it is set.");
    }
    text
}

/// The conditions under which an attribute must be given; `None` if it may be left out.
/// Only documented ones: breaking another one is a warning.
fn demand(attribute: &Attribute) -> Option<&'static [Condition]> {
    match attribute.need {
        Need::Always(Evidence::Documented) => Some(&[]),
        Need::When(conditions, Evidence::Documented) => Some(conditions),
        Need::Optional
        | Need::Always(
            Evidence::SecondHand | Evidence::Inferred | Evidence::Recalled | Evidence::Unknown,
        )
        | Need::When(
            _,
            Evidence::SecondHand | Evidence::Inferred | Evidence::Recalled | Evidence::Unknown,
        ) => None,
    }
}

/// The rules that hold under conditions.
fn conditional(platform: &'static Platform) -> Vec<Json> {
    let mut rules = Vec::new();
    for conditions in all_conditions(platform.attributes) {
        let holds: Vec<Json> = conditions.iter().map(|c| condition(*c, platform)).collect();
        if let Some(config) = demanded(platform.attributes, conditions) {
            rules.push(json!({
                "if": { "allOf": holds },
                "then": { "properties": { CONFIG: config } },
            }));
        }
    }
    if let Some(config) = plain_when_manual(platform.attributes) {
        rules.push(json!({
            "if": condition(Condition::AutoBootstrap(false), platform),
            "then": { "properties": { CONFIG: config } },
        }));
    }
    if let Some(config) = given_when_auto(platform.attributes) {
        rules.push(json!({
            "if": condition(Condition::AutoBootstrap(true), platform),
            "then": { "properties": { CONFIG: config } },
        }));
    }
    rules
}

/// Every set of conditions under which an attribute is required, once.
fn all_conditions(attributes: &'static [Attribute]) -> Vec<&'static [Condition]> {
    let mut all: Vec<&'static [Condition]> = Vec::new();
    for (_, attribute) in every_attribute(attributes) {
        if let Some(conditions) = demand(attribute).filter(|it| !it.is_empty())
            && !all.contains(&conditions)
        {
            all.push(conditions);
        }
    }
    all
}

/// The part of an object's schema that requires attributes under these conditions.
fn demanded(attributes: &'static [Attribute], conditions: &[Condition]) -> Option<Json> {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for attribute in attributes {
        let inner = demanded(attribute.children(), conditions);
        if demand(attribute) == Some(conditions) {
            required.push(attribute.name);
            let given = || match attribute.class {
                Class::Secret => json!({ "type": "string", "minLength": 1 }),
                Class::Identity
                | Class::Mutable
                | Class::Immutable
                | Class::OneTime
                | Class::ServerSet => json!({ "minLength": 1 }),
            };
            let inner = inner.unwrap_or_else(given);
            properties.insert(attribute.name.to_owned(), inner);
        } else if let Some(inner) = inner {
            properties.insert(attribute.name.to_owned(), inner);
        }
    }
    (!properties.is_empty()).then(|| json!({ "properties": properties, "required": required }))
}

/// The part of an object's schema that keeps references out of attributes which are
/// credentials of an automatic set-up only.
fn plain_when_manual(attributes: &'static [Attribute]) -> Option<Json> {
    let mut properties = Map::new();
    for attribute in attributes {
        let is_plain = attribute.takes_references(None) && !attribute.takes_references(Some(false));
        if let Some(inner) = plain_when_manual(attribute.children()) {
            properties.insert(attribute.name.to_owned(), inner);
        } else if is_plain {
            properties.insert(attribute.name.to_owned(), json!({ "$ref": PLAIN }));
        }
    }
    (!properties.is_empty()).then(|| json!({ "properties": properties }))
}

/// The part of an object's schema that keeps null out of secrets which an automatic set-up does not
/// store.
fn given_when_auto(attributes: &'static [Attribute]) -> Option<Json> {
    let mut properties = Map::new();
    for attribute in attributes {
        let is_one_time =
            attribute.class == Class::Secret && attribute.class_for(true) == Class::OneTime;
        if let Some(inner) = given_when_auto(attribute.children()) {
            properties.insert(attribute.name.to_owned(), inner);
        } else if is_one_time {
            let given = json!({ "not": { "type": "null" } });
            properties.insert(attribute.name.to_owned(), given);
        }
    }
    (!properties.is_empty()).then(|| json!({ "properties": properties }))
}

/// The schema of a document for which a condition holds.
fn condition(condition: Condition, platform: &Platform) -> Json {
    match condition {
        Condition::AutoBootstrap(value) => json!({
            "properties": { AUTO_BOOTSTRAP: { "const": value } },
            "required": [AUTO_BOOTSTRAP],
        }),
        Condition::Is(name, word) => {
            let default = platform.attribute(name).and_then(|a| a.default);
            // Where it is the default, leaving the attribute out means the same.
            let required: &[&str] = if default == Some(Scalar::Text(word)) {
                &[]
            } else {
                &[name]
            };
            json!({ "properties": { CONFIG: {
                "properties": { name: { "const": word } },
                "required": required,
            } } })
        }
    }
}

const TYPE_DOC: &str = "The platform, as the Immuta API calls it.";

const CONFIG_DOC: &str = "The attributes of the integration, as in the payload of the Immuta API.";

/// A schema with a description.
fn described(schema: &Json, description: &str) -> Json {
    let mut schema = schema.clone();
    if let Json::Object(schema) = &mut schema {
        schema.insert("description".to_owned(), description.into());
    }
    schema
}
