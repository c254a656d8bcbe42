//! The lines of a file: keys, values and comments.

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
