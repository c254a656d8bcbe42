//! The result of a command as a document, whatever the format in which it is written.

use serde::Serialize;

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
}
