//! One JSON object on each line, each with a `type`: the parts of the document first, and the
//! rest of it last. A `type` of a part that is the one of an integration is its `platform` here.

use serde_json::{Map, Value as Json};

use super::json::versioned;
use super::{Document, Rendered};
use crate::text::escaped_json;

pub(super) fn render(document: &impl Document) -> Rendered {
    let mut whole = versioned(document);
    let (parts, rest) = document.parts();
    let mut lines = Vec::new();
    for (pointer, word) in parts {
        let list = whole.pointer_mut(pointer).map(Json::take);
        let Some(Json::Array(items)) = list else {
            continue;
        };
        lines.extend(items.into_iter().map(|item| line(word, item)));
    }
    for (pointer, _) in parts {
        remove(&mut whole, pointer);
    }
    lines.push(line(rest, whole));
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    Rendered::of(escaped_json(&text).into_owned())
}

/// An object with its `type` first.
fn line(word: &str, item: Json) -> Json {
    let mut line = Map::new();
    line.insert("type".to_owned(), word.into());
    match item {
        Json::Object(members) => line.extend(members.into_iter().map(|(key, value)| {
            let key = if key == "type" {
                "platform".to_owned()
            } else {
                key
            };
            (key, value)
        })),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => {
            line.insert("name".to_owned(), item);
        }
    }
    Json::Object(line)
}

/// Removes the member at a pointer.
fn remove(whole: &mut Json, pointer: &str) {
    let Some((around, key)) = pointer.rsplit_once('/') else {
        return;
    };
    if let Some(Json::Object(members)) = whole.pointer_mut(around) {
        members.shift_remove(key);
    }
}
