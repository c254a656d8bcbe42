//! Changes one value in the text of a file, and nothing else.
//!
//! An edit replaces the bytes of one value, of one line, or of a few items of a list.
//! Comments, order, quotes and everything else stay. The new text is read again and
//! compared with the old one: an edit that would change another value, or another
//! document, is an error.

mod entry;
mod lines;
mod list;
mod mask;
mod scalar;
mod variables;

use serde_json::Value as Json;

pub use mask::without_secrets;
pub use variables::{KeptVariables, LossReason, LostVariable, keep_variables};

use super::text::{Span, Text};
use super::tree::{Node, Stream, Yaml, YamlEntry};
use super::yaml;
use crate::platform::{AUTO_BOOTSTRAP, AttributePath, CONFIG};
use crate::secret::escaped_literal;
use lines::{Lines, Patch};

/// The mark that some editors put at the start of a file.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// A value that is to be changed.
#[derive(Debug, Clone)]
pub struct Edit {
    /// The attribute, or `autoBootstrap`.
    pub path: AttributePath,
    /// Its new value, a scalar or a list of texts; `None` to remove it.
    pub to: Option<Json>,
}

/// Reason why a value cannot be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// A reference or a variable stands there.
    #[error("the value in the file contains a variable or a reference")]
    Reference,
    /// It is written elsewhere.
    #[error("the value comes from a YAML alias or merge key")]
    Alias,
    /// An anchor that others use.
    #[error("the edit would also change other values in the file, through a YAML anchor")]
    Shared,
    /// A comment that may be about it.
    #[error("a nearby comment may refer to this value")]
    Comment,
    /// The file does not have it.
    #[error("the file does not contain the attribute")]
    Missing,
    /// Without it, the mapping would be empty.
    #[error("the value is the only one in its mapping")]
    OnlyValue,
    /// A notation that is not handled.
    #[error("the file is written in a form that cannot be edited safely")]
    Notation,
    /// No file can hold the value.
    #[error("a file cannot contain the value that the server shows for the attribute")]
    Value,
    /// The file cannot be read.
    #[error("the file cannot be read")]
    Unreadable,
}

/// The position of the document that starts on a line.
#[must_use]
pub fn document_at(source: &str, line: usize) -> Option<usize> {
    let source = source.strip_prefix(BYTE_ORDER_MARK).unwrap_or(source);
    let text = Text::new("", source);
    let stream = yaml::parse(source);
    let mut documents = stream.documents.iter();
    documents.position(|document| text.line(document.span.start) == line)
}

/// Changes one value of one document.
///
/// # Errors
/// The value cannot be changed without changing something else.
pub fn edit(source: &str, document: usize, edit: &Edit) -> Result<String, EditError> {
    let (mark, text) = match source.strip_prefix(BYTE_ORDER_MARK) {
        Some(text) => (source.get(..BYTE_ORDER_MARK.len_utf8()), text),
        None => (None, source),
    };
    let lines = Lines::new(text).ok_or(EditError::Notation)?;
    let before = yaml::parse(text);
    let root = root(&before, document).ok_or(EditError::Unreadable)?;
    let path = edit.path.as_str();
    let keys: Vec<&str> = if path == AUTO_BOOTSTRAP {
        vec![path]
    } else {
        std::iter::once(CONFIG).chain(edit.path.keys()).collect()
    };
    let patches = patches(lines, root, &keys, edit.to.as_ref())?;
    let edited = lines::patched(text, patches).ok_or(EditError::Notation)?;
    verify(&before, &edited, document, &keys, edit)?;
    Ok(mark.unwrap_or("").to_owned() + &edited)
}

fn root(stream: &Stream, document: usize) -> Option<&Node> {
    stream.documents.get(document)?.root.as_ref()
}

/// Finds the place of the value, and changes it there.
fn patches(
    lines: Lines<'_>,
    root: &Node,
    keys: &[&str],
    to: Option<&Json>,
) -> Result<Vec<Patch>, EditError> {
    let mut map = root;
    for (depth, key) in keys.iter().enumerate() {
        let Some(entry) = map.get(key) else {
            return Err(EditError::Missing);
        };
        if !entry::is_own(map, entry) || lines.is_alias(entry) {
            return Err(EditError::Alias);
        }
        if depth + 1 < keys.len() {
            map = &entry.value;
            continue;
        }
        return match to {
            Some(to) => set(lines, entry, to),
            None => entry::removed(lines, map, entry),
        };
    }
    Err(EditError::Missing)
}

/// Gives a value that exists another content.
fn set(lines: Lines<'_>, entry: &YamlEntry, to: &Json) -> Result<Vec<Patch>, EditError> {
    if has_reference(&entry.value) {
        return Err(EditError::Reference);
    }
    match (&entry.value.value, to) {
        (Yaml::List(items), Json::Array(to)) => list::replaced(lines, entry, items, to),
        (Yaml::Bool(_) | Yaml::Number(_) | Yaml::Text(_), to) if !to.is_array() => {
            scalar::replaced(lines, entry.key_span.end, &entry.value, to)
        }
        (
            Yaml::Null
            | Yaml::Bool(_)
            | Yaml::Number(_)
            | Yaml::Text(_)
            | Yaml::List(_)
            | Yaml::Map(_)
            | Yaml::Faulty,
            _,
        ) => Err(EditError::Notation),
    }
}

/// True if a value has a reference or a variable in it.
fn has_reference(node: &Node) -> bool {
    match &node.value {
        Yaml::Text(scalar) => {
            let text = &scalar.text;
            let mut starts = text.match_indices("${");
            starts.any(|(at, _)| !text.get(..at).unwrap_or("").ends_with('$'))
        }
        Yaml::List(items) => items.iter().any(has_reference),
        Yaml::Map(entries) => entries.iter().any(|entry| has_reference(&entry.value)),
        Yaml::Null | Yaml::Bool(_) | Yaml::Number(_) | Yaml::Faulty => false,
    }
}

/// Reads the new text: the one value is as it is meant to be, and all others are as before.
fn verify(
    before: &Stream,
    edited: &str,
    document: usize,
    keys: &[&str],
    edit: &Edit,
) -> Result<(), EditError> {
    let after = yaml::parse(edited);
    let faults = |stream: &Stream| -> usize {
        let documents = stream.documents.iter();
        documents.map(|document| document.faults.len()).sum()
    };
    if faults(before) != faults(&after) || before.documents.len() != after.documents.len() {
        return Err(EditError::Notation);
    }
    let mut expected = trees(before);
    let Some(Some(tree)) = expected.get_mut(document) else {
        return Err(EditError::Unreadable);
    };
    let to = edit.to.as_ref().map(literal);
    change(tree, keys, to);
    if expected == trees(&after) {
        return Ok(());
    }
    let Some(changed) = root(&after, document).and_then(tree_of) else {
        return Err(EditError::Notation);
    };
    let pointer: String = keys.iter().map(|key| format!("/{key}")).collect();
    let is_set = changed.pointer(&pointer) == edit.to.as_ref().map(literal).as_ref();
    Err(if is_set {
        EditError::Shared
    } else {
        EditError::Notation
    })
}

/// A value as the file has it: a text that looks like a reference is written as text.
fn literal(value: &Json) -> Json {
    match value {
        Json::String(text) => escaped_literal(text).into(),
        Json::Array(items) => items.iter().map(literal).collect(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Object(_) => value.clone(),
    }
}

fn trees(stream: &Stream) -> Vec<Option<Json>> {
    let documents = stream.documents.iter();
    documents
        .map(|document| document.root.as_ref().and_then(tree_of))
        .collect()
}

/// The values of a tree; `None` if a part of it could not be read. The items of a list count
/// as texts.
fn tree_of(node: &Node) -> Option<Json> {
    Some(match &node.value {
        Yaml::Null => Json::Null,
        Yaml::Bool(truth) => Json::from(*truth),
        Yaml::Number(number) => Json::Number(number.clone()),
        Yaml::Text(scalar) => Json::from(scalar.text.as_str()),
        Yaml::List(items) => {
            let items = items.iter().map(|item| {
                let item = tree_of(item)?;
                let number = item.as_number().map(ToString::to_string);
                Some(number.map_or(item, Json::from))
            });
            Json::Array(items.collect::<Option<_>>()?)
        }
        Yaml::Map(entries) => {
            let pair = |entry: &YamlEntry| Some((entry.key.to_string(), tree_of(&entry.value)?));
            Json::Object(entries.iter().map(pair).collect::<Option<_>>()?)
        }
        Yaml::Faulty => return None,
    })
}

/// Sets, or removes, the value at a path.
fn change(tree: &mut Json, keys: &[&str], to: Option<Json>) {
    let (Some((key, rest)), Json::Object(map)) = (keys.split_first(), tree) else {
        return;
    };
    match (rest, to) {
        ([], Some(to)) => drop(map.insert((*key).to_owned(), to)),
        ([], None) => drop(map.remove(*key)),
        (rest, to) => {
            if let Some(inner) = map.get_mut(*key) {
                change(inner, rest, to);
            }
        }
    }
}

/// The text between two offsets.
fn between(source: &str, start: usize, end: usize) -> &str {
    source.get(start..end).unwrap_or("")
}

#[cfg(test)]
mod tests;
