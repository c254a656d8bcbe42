//! The parts of a secret that a server may repeat alone: the lines of a key, the
//! strings of a key file.

use serde_json::Value;
use zeroize::Zeroize;

/// The shortest string of a key file that is searched for on its own, in characters: shorter
/// ones, such as `service_account`, are words that every such file has.
const SHORTEST_STRING: usize = 16;

/// Begins the first and the last line of a key, which are no secret.
const BANNER: &str = "-----";

/// A part of a secret.
pub(super) enum SecretPart<'a> {
    /// A value that counts as a whole, and of which pieces count.
    Value(&'a str),
    /// A document: its strings are parts of their own, and its other words are those
    /// of every document of its kind.
    Document(&'a str),
}

/// Calls `visit` with each part of a secret.
pub(super) fn for_each_part(secret: &str, visit: &mut dyn FnMut(SecretPart<'_>)) {
    if secret.trim_start().starts_with('{')
        && let Ok(mut document) = serde_json::from_str::<Value>(secret)
    {
        visit(SecretPart::Document(secret));
        strings(&document, visit);
        wipe(&mut document);
        return;
    }
    if !secret.contains(BANNER) {
        return visit(SecretPart::Value(secret));
    }
    for line in secret.lines().filter(|line| !line.contains(BANNER)) {
        visit(SecretPart::Value(line));
    }
}

fn strings(document: &Value, visit: &mut dyn FnMut(SecretPart<'_>)) {
    match document {
        Value::String(text) if text.chars().nth(SHORTEST_STRING - 1).is_some() => {
            for_each_part(text, visit);
        }
        Value::Array(items) => items.iter().for_each(|item| strings(item, visit)),
        Value::Object(fields) => fields.values().for_each(|field| strings(field, visit)),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Overwrites the texts of a tree that holds secrets or repeats them.
pub(crate) fn wipe(tree: &mut Value) {
    match tree {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(fields) => fields.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::wipe;

    #[test]
    fn a_tree_that_is_wiped_has_no_text_left() {
        let mut tree = json!({"a": ["hunter2", {"b": "hunter2"}], "c": 7});
        wipe(&mut tree);
        assert_eq!(tree, json!({"a": ["", {"b": ""}], "c": 7}));
    }
}
