//! Changes at a path inside a configuration.

use serde_json::{Map, Value};

/// Puts a value at a path, making the objects on the way; `null` removes what is there.
/// The path may be written `/audit/enabled`, `audit/enabled` or `audit.enabled`.
pub(super) fn put(config: &mut Map<String, Value>, path: &str, value: Value) {
    let separator = if path.contains('/') { '/' } else { '.' };
    let mut segments: Vec<&str> = path.trim_start_matches('/').split(separator).collect();
    let Some(last) = segments.pop() else {
        return;
    };
    let mut object = config;
    for segment in segments {
        let inner = object
            .entry(segment)
            .or_insert_with(|| Value::Object(Map::new()));
        if !inner.is_object() {
            *inner = Value::Object(Map::new());
        }
        let Some(inner) = inner.as_object_mut() else {
            return;
        };
        object = inner;
    }
    if value.is_null() {
        object.shift_remove(last);
    } else {
        object.insert(last.to_owned(), value);
    }
}

/// The value at a path, written as for [`put`] with `/`.
pub(super) fn get<'v>(object: &'v Map<String, Value>, path: &str) -> Option<&'v Value> {
    match path.split_once('/') {
        None => object.get(path),
        Some((name, rest)) => get(object.get(name)?.as_object()?, rest),
    }
}
