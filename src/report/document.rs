//! The result of a command as a document, whatever the format in which it is written.

use serde::Serialize;

use super::overview::Overview;

/// The result of a command. Programs get what is serialised.
pub trait Document: Serialize {
    /// Paragraphs for people: one line each, which a terminal wraps. They come first.
    fn prose(&self) -> String {
        String::new()
    }

    /// Preformatted text for people, such as tables. It comes next.
    fn table(&self) -> String {
        String::new()
    }

    /// Sentences for people, which a terminal folds.
    fn text(&self) -> String;

    /// The lists of the document that have a line for each item where a document has many lines:
    /// a JSON pointer and the `type` of the items; and the `type` of the rest.
    fn parts(&self) -> (&'static [(&'static str, &'static str)], &'static str) {
        (&[], "result")
    }

    /// The result for pipelines and forges; `None` for a result that they have no use for.
    fn overview(&self) -> Option<Overview<'_>> {
        None
    }
}
