//! The lines of a file: keys, values and comments.

use crate::manifest::is_direction;
use crate::secret::escaped_literal;
use crate::text::escaped;

/// A key with its value.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: &'static str,
    pub(super) value: EntryValue,
    /// A comment behind the value.
    pub(super) comment: Option<String>,
}

/// A value as it is written.
#[derive(Debug)]
pub(super) enum EntryValue {
    /// One line.
    Scalar(String),
    /// One line for each item.
    List(Vec<String>),
    /// The lines of its keys.
    Object(Vec<Entry>),
}

/// Words that YAML reads as something other than a text.
const WORDS: &[&str] = &[
    "true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf",
];

/// A text as the value of a key; `None` if no file can hold it. A reference in it is
/// written so that it is read as text.
pub(super) fn text_scalar(text: &str) -> Option<String> {
    let can_stand = !text.contains(is_direction) && !text.contains(['\u{fffe}', '\u{ffff}']);
    can_stand.then(|| {
        let literal = escaped_literal(text);
        if is_bare(&literal) {
            literal
        } else {
            quoted(&literal)
        }
    })
}

/// A reference as the value of a key.
pub(super) fn reference_scalar(reference: &str) -> String {
    let is_plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\'' | '`');
    if reference.starts_with("${") && reference.chars().all(is_plain) {
        reference.to_owned()
    } else {
        quoted(reference)
    }
}

/// True if a text needs no quotes.
fn is_bare(text: &str) -> bool {
    let is_inner = |c: char| c.is_ascii_alphanumeric() || "_./:@+- ".contains(c);
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '_');
    begins
        && text.chars().all(is_inner)
        && !text.ends_with([':', ' '])
        && !text.contains(": ")
        && !WORDS.contains(&text.to_ascii_lowercase().as_str())
}

/// A text in double quotes, on one line.
fn quoted(text: &str) -> String {
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

/// True for a character that is not visible, or that YAML could take for the end of a line.
fn is_escaped(c: char) -> bool {
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

/// The lines of entries at a depth.
pub(super) fn write_entries(out: &mut String, entries: &[Entry], depth: usize) {
    let indent = "  ".repeat(depth);
    for Entry {
        key,
        value,
        comment,
    } in entries
    {
        let comment = comment.as_ref();
        let comment =
            comment.map_or_else(String::new, |comment| format!("  # {}", escaped(comment)));
        match value {
            EntryValue::Scalar(scalar) => {
                out.push_str(&format!("{indent}{key}: {scalar}{comment}\n"));
            }
            EntryValue::List(items) if items.is_empty() => {
                out.push_str(&format!("{indent}{key}: []{comment}\n"));
            }
            EntryValue::List(items) => {
                out.push_str(&format!("{indent}{key}:{comment}\n"));
                for item in items {
                    out.push_str(&format!("{indent}  - {item}\n"));
                }
            }
            EntryValue::Object(entries) => {
                out.push_str(&format!("{indent}{key}:{comment}\n"));
                write_entries(out, entries, depth + 1);
            }
        }
    }
}

/// A comment on a line of its own.
pub(super) fn write_comment(out: &mut String, comment: &str) {
    out.push_str(&format!("# {}\n", escaped(comment)));
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
