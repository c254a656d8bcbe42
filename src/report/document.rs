//! The result of a command as a document, and the forms in which it can be written.
//!
//! A form is a file that renders any document, a variant of [`OutputFormat`] and its arm in
//! [`render`]: the commands and their documents know none of them.

use clap::ValueEnum;
use serde::Serialize;

use super::json;

/// What a command has to say.
pub trait Document: Serialize {
    /// What keeps its lines, for people: tables and the like. It comes first.
    fn table(&self) -> String {
        String::new()
    }

    /// Sentences for people, which a terminal folds.
    fn text(&self) -> String;
}

/// The form of the result on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// For people
    Text,
    /// For programs: one document with a `format_version`
    Json,
}

impl OutputFormat {
    /// True if the result is told as it comes, and not as one document at the end.
    #[must_use]
    pub fn is_told(self) -> bool {
        self == Self::Text
    }
}

/// A document in one of the forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// What keeps its lines.
    pub kept: String,
    /// What is folded where a person reads it.
    pub folded: String,
}

/// Renders a document.
#[must_use]
pub fn render(format: OutputFormat, document: &impl Document) -> Rendered {
    match format {
        OutputFormat::Text => Rendered {
            kept: document.table(),
            folded: document.text(),
        },
        OutputFormat::Json => Rendered {
            kept: json::document(document),
            folded: String::new(),
        },
    }
}
