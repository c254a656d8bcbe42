//! Texts as scalars of YAML.

use super::characters::is_direction;
use crate::secret::escaped_literal;

/// Words that YAML reads as something other than a text.
const WORDS: &[&str] = &[
    "true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf",
];

/// A text as the value of a key; `None` if no file can hold it. A reference in it is
/// written so that it is read as text.
pub(crate) fn text_scalar(text: &str) -> Option<String> {
    can_stand(text).then(|| {
        let literal = escaped_literal(text);
        if is_bare(&literal) {
            literal
        } else {
            quoted(&literal)
        }
    })
}

/// True if a file can hold a text.
pub(super) fn can_stand(text: &str) -> bool {
    !text.contains(is_direction) && !text.contains(['\u{fffe}', '\u{ffff}'])
}

/// True if a text needs no quotes.
pub(super) fn is_bare(text: &str) -> bool {
    let is_inner = |c: char| c.is_ascii_alphanumeric() || "_./:@+- ".contains(c);
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '_');
    begins
        && text.chars().all(is_inner)
        && !text.ends_with([':', ' '])
        && !text.contains(": ")
        && !WORDS.contains(&text.to_ascii_lowercase().as_str())
}

/// A text in double quotes, on one line.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            c if is_escaped(c) => quoted.push_str(&escape(c)),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A reference as the value of a key.
pub(crate) fn reference_scalar(reference: &str) -> String {
    let is_plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\'' | '`');
    if reference.starts_with("${") && reference.chars().all(is_plain) {
        reference.to_owned()
    } else {
        quoted(reference)
    }
}

/// True for a character that is not visible, or that YAML could take for the end of a line.
pub(super) fn is_escaped(c: char) -> bool {
    c.is_control() || crate::text::is_unsafe(c)
}

fn escape(c: char) -> String {
    let code = u32::from(c);
    if code > 0xffff {
        format!("\\U{code:08x}")
    } else {
        format!("\\u{code:04x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_yaml_reads_as_something_else_is_quoted() {
        for bare in [
            "IMMUTA",
            "a.example.com",
            "s3://bucket/x",
            "/sql/1.0",
            "_x",
            "two words",
        ] {
            assert_eq!(text_scalar(bare).unwrap(), bare);
        }
        for other in [
            "",
            "012345678901",
            "1e3",
            "Yes",
            "null",
            "a: b",
            "a #b",
            "x:",
            "-",
            "*",
        ] {
            assert_eq!(text_scalar(other).unwrap(), format!("\"{other}\""));
        }
        assert_eq!(
            text_scalar("a\n\u{7}\"\\").unwrap(),
            "\"a\\n\\u0007\\\"\\\\\""
        );
        assert_eq!(text_scalar("${env:X}").unwrap(), "\"$${env:X}\"");
        assert_eq!(text_scalar("\u{202e}"), None);
    }

    #[test]
    fn reference_is_written_as_people_write_it() {
        assert_eq!(reference_scalar("${env:A_B}"), "${env:A_B}");
        assert_eq!(reference_scalar("${vault:a/b#c}"), "${vault:a/b#c}");
        assert_eq!(reference_scalar("x${env:A}"), "\"x${env:A}\"");
        assert_eq!(reference_scalar("${file:/a b}"), "\"${file:/a b}\"");
    }
}
