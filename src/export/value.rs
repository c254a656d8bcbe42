//! Live values in the types of the platform's table.

use serde_json::Value as Json;

use super::text::EntryValue;
use crate::live::is_plain;
use crate::manifest::text_scalar;
use crate::platform::{Attribute, Scalar, Shape};

/// The usual word of an attribute that the server does not keep.
pub(super) fn usual(attribute: &Attribute) -> Option<&'static str> {
    match (attribute.default, attribute.shape) {
        (Some(Scalar::Text(word)), _) => Some(word),
        (_, Shape::Enum(words, _)) => words.first().copied(),
        (
            _,
            Shape::Text(_)
            | Shape::Bool
            | Shape::Integer { .. }
            | Shape::Object(_)
            | Shape::TextList
            | Shape::Opaque,
        ) => None,
    }
}

/// A live value in the type of the table: servers write numbers as texts, and the other
/// way round. `None` for a value of another shape.
pub(super) fn typed(attribute: &Attribute, shown: &Json) -> Option<Json> {
    match (attribute.shape, shown) {
        (Shape::Text(_) | Shape::Enum(..), Json::String(_)) | (Shape::Bool, Json::Bool(_)) => {
            Some(shown.clone())
        }
        (Shape::Text(_) | Shape::Enum(..), Json::Number(number)) => Some(number.to_string().into()),
        (Shape::Bool, Json::String(text)) => text.parse::<bool>().ok().map(Json::from),
        (Shape::Integer { .. }, Json::Number(number)) => number.as_i64().map(Json::from),
        (Shape::Integer { .. }, Json::String(text)) => text.parse::<i64>().ok().map(Json::from),
        (Shape::TextList, Json::Array(items)) => {
            let is_text = |item: &Json| item.is_string() || item.is_number();
            let fits = is_plain(shown) && items.iter().all(is_text);
            let texts = items.iter().map(|item| match item {
                Json::Number(number) => number.to_string().into(),
                Json::Null | Json::Bool(_) | Json::String(_) | Json::Array(_) | Json::Object(_) => {
                    item.clone()
                }
            });
            fits.then(|| Json::Array(texts.collect()))
        }
        (
            Shape::Text(_)
            | Shape::Bool
            | Shape::Integer { .. }
            | Shape::Enum(..)
            | Shape::Object(_)
            | Shape::TextList
            | Shape::Opaque,
            _,
        ) => None,
    }
}

/// A value of the table's type as it is written; `None` if no file can hold it.
pub(super) fn written(typed: &Json) -> Option<EntryValue> {
    Some(match typed {
        Json::String(text) => EntryValue::Scalar(text_scalar(text)?),
        Json::Array(items) => {
            let items = items.iter().map(|item| text_scalar(item.as_str()?));
            EntryValue::List(items.collect::<Option<_>>()?)
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Object(_) => {
            EntryValue::Scalar(typed.to_string())
        }
    })
}
