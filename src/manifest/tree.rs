//! The spanned tree of a YAML document.
//!
//! Nodes are shared, not copied, where aliases repeat them; each knows its expanded size, so
//! that the builder of the tree can set a limit.

use std::rc::Rc;

use serde_json::Number;

use super::builder::DiagnosticBuilder;
use super::text::{Redactions, Span};

/// So many bytes of a string count as one more node.
const BYTES_PER_NODE: usize = 64;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// Position of its use; for an alias, that of the alias.
    pub(super) span: Span,
    pub(super) value: Yaml,
    /// Nodes in it, aliases followed.
    pub(super) cost: usize,
    /// Levels of collections in it, aliases followed.
    pub(super) depth: usize,
}

/// Content of a node.
#[derive(Debug, Clone)]
pub(super) enum Yaml {
    Null,
    Bool(bool),
    Number(Number),
    Text(Rc<YamlString>),
    List(Rc<[Node]>),
    Map(Rc<[YamlEntry]>),
    /// Reported already.
    Faulty,
}

/// A string.
#[derive(Debug)]
pub(super) struct YamlString {
    pub(super) text: String,
    /// Neither quoted nor a block.
    pub(super) plain: bool,
    /// Another YAML reader would make a number of it.
    pub(super) numeric: bool,
}

/// A key and its value.
#[derive(Debug, Clone)]
pub(super) struct YamlEntry {
    pub(super) key: Rc<str>,
    pub(super) key_span: Span,
    pub(super) value: Node,
}

/// One document of a file.
#[derive(Debug)]
pub(super) struct YamlDocument {
    /// Its readable content; absent if there is none.
    pub(super) root: Option<Node>,
    /// Start and end of its text.
    pub(super) span: Span,
    /// True if all of it could be read.
    pub(super) whole: bool,
    pub(super) faults: Vec<DiagnosticBuilder>,
}

/// All documents of a file but the empty ones, and what may be shown of it.
#[derive(Debug, Default)]
pub(super) struct Stream {
    pub(super) documents: Vec<YamlDocument>,
    pub(super) redactions: Redactions,
}

impl Stream {
    /// True if every document could be read to its end.
    pub(super) fn is_whole(&self) -> bool {
        self.documents.iter().all(|document| document.whole)
    }
}

impl Node {
    pub(super) fn leaf(span: Span, value: Yaml) -> Self {
        Self::new(span, value)
    }

    pub(super) fn new(span: Span, value: Yaml) -> Self {
        let (cost, depth) = match &value {
            Yaml::Null | Yaml::Bool(_) | Yaml::Number(_) | Yaml::Faulty => (0, 0),
            Yaml::Text(scalar) => (scalar.text.len() / BYTES_PER_NODE, 0),
            Yaml::List(items) => measure(items.iter().map(|item| (0, item))),
            Yaml::Map(entries) => measure(
                entries
                    .iter()
                    .map(|e| (1 + e.key.len() / BYTES_PER_NODE, &e.value)),
            ),
        };
        Self {
            span,
            value,
            cost: cost.saturating_add(1),
            depth,
        }
    }
}

/// The cost and the depth of a collection.
fn measure<'n>(children: impl Iterator<Item = (usize, &'n Node)>) -> (usize, usize) {
    children.fold((0, 1), |(cost, depth): (usize, usize), (own, child)| {
        (
            cost.saturating_add(own + child.cost),
            depth.max(child.depth + 1),
        )
    })
}

impl Yaml {
    /// Its kind, for "expected …, found …".
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(number) if number.is_f64() => "a fraction",
            Self::Number(_) => "a number",
            Self::Text(scalar) if scalar.numeric => "a number with a leading zero",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
            Self::Faulty => "something else",
        }
    }
}

impl Node {
    /// The value under a key, if this is a mapping.
    pub(super) fn get(&self, key: &str) -> Option<&YamlEntry> {
        match &self.value {
            Yaml::Map(entries) => entries.iter().find(|entry| &*entry.key == key),
            Yaml::Null
            | Yaml::Bool(_)
            | Yaml::Number(_)
            | Yaml::Text(_)
            | Yaml::List(_)
            | Yaml::Faulty => None,
        }
    }

    /// True if this is neither a collection nor faulty.
    pub(super) fn is_scalar(&self) -> bool {
        match self.value {
            Yaml::Null | Yaml::Bool(_) | Yaml::Number(_) | Yaml::Text(_) => true,
            Yaml::List(_) | Yaml::Map(_) | Yaml::Faulty => false,
        }
    }

    /// True if this is a mapping.
    pub(super) fn is_map(&self) -> bool {
        matches!(self.value, Yaml::Map(_))
    }

    /// The string, if it is one.
    pub(super) fn text(&self) -> Option<&YamlString> {
        match &self.value {
            Yaml::Text(scalar) => Some(scalar),
            Yaml::Null
            | Yaml::Bool(_)
            | Yaml::Number(_)
            | Yaml::List(_)
            | Yaml::Map(_)
            | Yaml::Faulty => None,
        }
    }
}
