//! Texts that servers write in place of a value.

use serde_json::Value as Json;

use super::holds_secret;

/// Texts that servers write in place of a value, without the brackets and stars around them.
const MASKS: &[&str] = &["redacted", "masked", "hidden"];

/// True if this is nothing but a mask. Names of roles and groups may well sound like one in a
/// tool that masks columns.
#[must_use]
pub fn is_mask(json: &Json) -> bool {
    let Json::String(text) = json else {
        return matches!(json, Json::Array(items) if items.iter().any(is_mask));
    };
    if holds_secret(json) {
        return true;
    }
    let word = text.trim_matches(|c: char| !c.is_alphanumeric());
    if word.is_empty() {
        text.chars().filter(|c| matches!(c, '*' | '•')).count() >= 3
    } else {
        MASKS.iter().any(|mask| word.eq_ignore_ascii_case(mask))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn mask_is_distinguished_from_a_name() {
        for mask in [
            "***",
            "********",
            "••••",
            "<redacted>",
            "[REDACTED]",
            "**hidden**",
        ] {
            assert!(is_mask(&json!(mask)), "{mask}");
        }
        for name in [
            "",
            "*",
            "s3://bucket/**",
            "IMMUTA_MASKED",
            "masked_users",
            "|",
        ] {
            assert!(!is_mask(&json!(name)), "{name}");
        }
    }
}
