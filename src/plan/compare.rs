//! Whether two values mean the same, and what may be shown of them.

use std::borrow::Cow;

use serde_json::Value as Json;

use super::diff::Shown;
use crate::live::is_plain;
use crate::platform::{Attribute, Scalar};
use crate::value::Value;

/// Whether a value of the file and one of the server mean the same.
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
        (file, live) => to_json(file).as_ref() == Some(live),
    }
}

/// The live value of an attribute that is not secret, or what stands for it.
pub(super) fn shown_live(attribute: &Attribute, live: Option<&Json>) -> Shown {
    match live {
        Some(live) if is_plain(live) => Shown::Plain(live.clone()),
        Some(_) => Shown::Hidden,
        None => default_json(attribute).map_or(Shown::Absent, Shown::Plain),
    }
}

pub(super) fn default_json(attribute: &Attribute) -> Option<Json> {
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
        Value::Secret(_) => return None,
        Value::List(items) => Json::Array(items.iter().map(to_json).collect::<Option<_>>()?),
        Value::Object(object) => Json::Object(
            object
                .iter()
                .map(|(k, v)| Some((k.to_owned(), to_json(v)?)))
                .collect::<Option<_>>()?,
        ),
    })
}
