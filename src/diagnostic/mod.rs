//! A located mistake in a user's file: what, where, and what to do.
//!
//! A [`Diagnostic`] is self-contained. It carries its excerpts, so that nothing
//! has to keep the text of the files, and the excerpts were masked when they
//! were made: no diagnostic holds a value that is not known to be harmless, so
//! rendering, logging and serialising one is always safe.

mod code;
mod example;
mod render;

pub use code::Code;
pub use example::{Example, ExampleSetting, FileExample};
pub use render::{render, render_one, summary};

use serde::Serialize;

use crate::text::escaped;

/// Severity of a mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The document is not applied.
    Error,
    /// The document is applied.
    Warning,
}

impl Severity {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// The kind of mistake.
    pub code: Code,
    /// The severity.
    pub severity: Severity,
    /// The flag that makes an error of this warning, such as `--deny W0602`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub denied_by: Option<String>,
    /// The problem, in one line without a full stop.
    pub message: String,
    /// Its position.
    pub place: Location,
    /// The line at which its document begins; `None` for a mistake that no document makes.
    #[serde(skip)]
    pub document: Option<usize>,
    /// Other places that have to do with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<Location>,
    /// The remedies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub help: Vec<String>,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Location {
    /// The file, as shown to people.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// Text at the place; may be empty.
    pub label: String,
    /// The masked line; absent when the place is the file as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<Excerpt>,
}

impl Diagnostic {
    /// True if it stops its document.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl Location {
    /// A file as a whole.
    #[must_use]
    pub fn file(file: &str) -> Self {
        Self {
            file: escaped(file).into_owned(),
            line: 1,
            column: 1,
            label: String::new(),
            excerpt: None,
        }
    }

    /// The same place with another label.
    #[must_use]
    pub fn labelled(&self, label: &str) -> Self {
        Self {
            label: label.to_owned(),
            ..self.clone()
        }
    }
}

/// One line of a file as it may be shown, and the part of it that is meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Excerpt {
    /// The line, masked and escaped.
    pub text: String,
    /// First byte of the part in `text`.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

/// Stands for text that is not shown.
pub const MASK: char = '…';
