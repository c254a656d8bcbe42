//! Live values that may be shown, and live values that may be sent back.
//!
//! Never a mask, such as `[REDACTED]` (API.md section 7): an update that sends one back stores
//! the mask. Below a known and harmless attribute, scalars are harmless too; everything else is
//! unknown, so that its texts count as secret.

use serde_json::Value as Json;

use crate::live::{is_mask, is_plain};
use crate::platform::{Attribute, every_attribute};
use crate::secret::Template;
use crate::value::Value;

/// A live value of a known attribute that is not secret, as an update sends it
/// back.
pub(super) enum Carried {
    /// It is harmless.
    Plain(Value),
    /// Nothing is known of its inside.
    Unknown(Value),
    /// The server does not show it, so it cannot be sent back.
    Lost,
}

/// Way in which an update keeps the live value of an attribute.
pub(super) fn carry(attribute: &Attribute, live: &Json) -> Carried {
    let mut inside = every_attribute(attribute.children());
    let hides_secrets = !live.is_object() && inside.any(|(_, it)| it.is_sensitive());
    if hides_secrets || is_mask(live) {
        Carried::Lost
    } else if is_plain(live) {
        Carried::Plain(plain(live))
    } else {
        carry_unknown(live)
    }
}

/// Way in which an update keeps a live value of an unknown attribute.
pub(super) fn carry_unknown(live: &Json) -> Carried {
    if may_be_masked(live) {
        Carried::Lost
    } else {
        Carried::Unknown(covered(live))
    }
}

/// A value that is known to be harmless.
pub(super) fn plain(json: &Json) -> Value {
    convert(json, &|scalar| match scalar {
        Json::Bool(truth) => Value::Bool(*truth),
        Json::Number(number) => Value::Number(number.clone()),
        Json::String(text) => Value::Text(text.clone()),
        Json::Null | Json::Array(_) | Json::Object(_) => Value::Null,
    })
}

/// A value of which nothing is known.
fn covered(json: &Json) -> Value {
    convert(json, &|scalar| match scalar {
        Json::String(text) => Value::Secret(Template::literal(text.clone())),
        Json::Null => Value::Null,
        Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => {
            Value::Hidden(scalar.clone())
        }
    })
}

fn convert(json: &Json, scalar: &impl Fn(&Json) -> Value) -> Value {
    match json {
        Json::Array(items) => Value::List(items.iter().map(|v| convert(v, scalar)).collect()),
        Json::Object(map) => Value::Object(
            map.iter()
                .map(|(k, v)| (k.clone(), convert(v, scalar)))
                .collect(),
        ),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => scalar(json),
    }
}

/// True if an unknown value may hide something, or says that it does.
fn may_be_masked(json: &Json) -> bool {
    match json {
        Json::Null | Json::Bool(_) | Json::Number(_) => false,
        Json::String(text) => {
            let text = text.to_ascii_lowercase();
            is_mask(json) || text.contains("redacted") || text.contains("masked")
        }
        Json::Array(items) => items.iter().any(may_be_masked),
        Json::Object(map) => map.values().any(may_be_masked),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_that_speaks_of_a_mask_is_not_carried() {
        assert!(may_be_masked(&json!({ "a": ["was redacted"] })));
    }
}
