//! Comparison of two values, and the parts of them that may be shown.

use std::borrow::Cow;

use serde_json::Value as Json;

use super::change::DisplayValue;
use crate::live::is_plain;
use crate::platform::{Attribute, Scalar};
use crate::secret::{Secret, Template, TemplatePart};
use crate::value::Value;

/// True if a value of the file and one of the server mean the same.
pub(super) fn same(attribute: &Attribute, file: &Value, live: Option<&Json>) -> bool {
    let default = || default_json(attribute).map(Cow::Owned);
    let Some(live) = live.map(Cow::Borrowed).or_else(default) else {
        return false;
    };
    match (file, &*live) {
        (Value::Text(file), Json::String(live)) => file == live,
        // A server may answer with a number or a bool in quotes, or a text without.
        (Value::Text(file), Json::Number(live)) => *file == live.to_string(),
        (Value::Number(file), Json::String(live)) => file.to_string() == *live,
        (Value::Bool(file), Json::String(live)) => file.to_string() == *live,
        (Value::List(file), Json::Array(live)) => {
            file.len() == live.len()
                && file
                    .iter()
                    .zip(live)
                    .all(|(file, live)| same(attribute, file, Some(live)))
        }
        (file, live) => to_json(file).as_ref() == Some(live),
    }
}

/// The live value of an attribute that is not secret, or what stands for it.
pub(super) fn shown_live(attribute: &Attribute, live: Option<&Json>) -> DisplayValue {
    match live {
        Some(live) if is_plain(live) => DisplayValue::Plain(live.clone()),
        Some(_) => DisplayValue::Hidden,
        None => default_json(attribute).map_or(DisplayValue::Absent, DisplayValue::Plain),
    }
}

/// The value that the server fills in for an attribute, if that is known.
#[must_use]
pub fn default_json(attribute: &Attribute) -> Option<Json> {
    attribute.default.map(|default| match default {
        Scalar::Text(text) => Json::from(text),
        Scalar::Integer(number) => Json::from(number),
        Scalar::Bool(truth) => Json::from(truth),
    })
}

/// The value as JSON; `None` if there is anything in it that must not be shown.
#[must_use]
pub fn to_json(value: &Value) -> Option<Json> {
    Some(match value {
        Value::Null => Json::Null,
        Value::Bool(truth) => Json::from(*truth),
        Value::Number(number) => Json::Number(number.clone()),
        Value::Text(text) => Json::from(text.as_str()),
        Value::Secret(_) | Value::Hidden(_) => return None,
        Value::List(items) => Json::Array(items.iter().map(to_json).collect::<Option<_>>()?),
        Value::Object(object) => Json::Object(
            object
                .iter()
                .map(|(k, v)| Some((k.to_owned(), to_json(v)?)))
                .collect::<Option<_>>()?,
        ),
    })
}

/// True if a value that may not be shown is the live one; `None` if it contains a reference.
pub(super) fn equals(value: &Value, live: &Json) -> Option<bool> {
    match (value, live) {
        (Value::Secret(template), Json::String(live)) => template.is(live),
        (Value::Secret(template), _) => template.references().next().is_none().then_some(false),
        (Value::Hidden(scalar), live) => Some(scalar == live),
        (Value::List(items), Json::Array(live)) if items.len() == live.len() => items
            .iter()
            .zip(live)
            .try_fold(true, |all, (item, live)| Some(equals(item, live)? && all)),
        (value, live) => Some(to_json(value).as_ref() == Some(live)),
    }
}

/// Input of a fingerprint that distinguishes a pair of values from others, neither of which may
/// be shown.
pub(super) fn covered(value: &Value, live: Option<&Json>) -> Template {
    let mut parts = Vec::new();
    gather(value, &mut parts);
    let live = live.map_or_else(String::new, Json::to_string);
    parts.push(TemplatePart::Literal(Secret::new(format!("\0{live}"))));
    Template { parts }
}

fn gather(value: &Value, parts: &mut Vec<TemplatePart>) {
    let mut text = |text: String| parts.push(TemplatePart::Literal(Secret::new(text)));
    match value {
        Value::Secret(template) => {
            text("\0".to_owned());
            parts.extend(template.parts.iter().cloned());
        }
        Value::List(items) => {
            text(format!("[{}", items.len()));
            items.iter().for_each(|item| gather(item, parts));
        }
        Value::Object(object) => {
            text("{".to_owned());
            for (key, value) in object.iter() {
                parts.push(TemplatePart::Literal(Secret::new(format!("\0{key}"))));
                gather(value, parts);
            }
        }
        Value::Hidden(json) => text(json.to_string()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => {
            text(to_json(value).unwrap_or_default().to_string());
        }
    }
}

/// True if a value means the same as an absent one; `None` for a reference, because a server
/// that does not return its value looks as if it had none.
pub(super) fn is_absent(value: &Value) -> Option<bool> {
    let mut holds_reference = false;
    value.for_each_template(&mut |template| {
        holds_reference |= template.references().next().is_some();
    });
    (!holds_reference).then_some(matches!(value, Value::Null))
}
