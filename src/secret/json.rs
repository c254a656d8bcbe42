//! JSON documents with secrets in them.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;
use zeroize::{Zeroize, Zeroizing};

use super::Secret;
use super::missing::MissingReason;

/// A document whose strings are wiped when it is dropped.
pub(super) struct SecretJson(Value);

impl SecretJson {
    /// Reads it. The error says nothing of what is in it.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok().map(Self)
    }

    /// Value at a JSON pointer (RFC 6901).
    pub(super) fn at(&self, pointer: &str) -> Option<&Value> {
        self.0.pointer(pointer)
    }

    /// The string at a pointer.
    pub(super) fn text_at(&self, pointer: &str) -> Option<&str> {
        self.at(pointer).and_then(Value::as_str)
    }
}

impl Drop for SecretJson {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(entries) => entries.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A value as a secret: a string that is not empty, and never what could be made
/// into one.
pub(super) fn secret(value: &Value) -> Result<Secret, MissingReason> {
    let kind = match value {
        Value::String(text) if text.is_empty() => return Err(MissingReason::Empty),
        Value::String(text) => return Ok(Secret::new(text.clone())),
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    Err(MissingReason::NotAString(kind))
}

/// The JSON text of a value, in a buffer of exactly its size: it is measured first, so
/// that no half-grown copy stays behind in freed memory. The buffer is wiped when dropped.
///
/// # Panics
/// If the value cannot be written: nothing is better than half a body.
#[expect(
    clippy::expect_used,
    reason = "a write to memory cannot fail, and all keys are strings: only a bug can cause an error"
)]
pub(crate) fn to_json(value: &impl Serialize) -> Zeroizing<Vec<u8>> {
    let mut size = Size(0);
    serde_json::to_writer(&mut size, value).expect("the body can be serialized");
    let mut json = Zeroizing::new(Vec::with_capacity(size.0));
    serde_json::to_writer(&mut *json, value).expect("the body can be serialized");
    json
}

/// Counts what is written.
struct Size(usize);

impl Write for Size {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_string_with_something_in_it_is_a_secret() {
        assert_eq!(secret(&json!("v")), Ok(Secret::new("v".into())));
        assert_eq!(secret(&json!("")), Err(MissingReason::Empty));
        for (value, kind) in [
            (json!(5), "a number"),
            (json!(true), "a boolean"),
            (json!(null), "null"),
            (json!(["v"]), "a list"),
            (json!({"v": "v"}), "an object"),
        ] {
            assert_eq!(secret(&value), Err(MissingReason::NotAString(kind)));
        }
    }

    #[test]
    fn every_string_of_a_tree_is_wiped() {
        let mut value = json!({"a": "hunter2", "b": ["hunter3", {"c": "hunter4"}], "n": 1});
        wipe(&mut value);
        assert_eq!(value, json!({"a": "", "b": ["", {"c": ""}], "n": 1}));
    }
}
