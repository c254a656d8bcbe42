//! The formats in which a document can be written.
//!
//! A format is a file with a function that renders any document, and its line in
//! `formats!`: the commands and their documents know none of them.

pub mod json;
mod text;

use clap::ValueEnum;

use super::document::Document;

/// A document in one of the formats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// Paragraphs, which are wrapped where a person reads them.
    pub prose: String,
    /// Preformatted text.
    pub kept: String,
    /// Text to be wrapped for people.
    pub folded: String,
}

/// Declares the formats: a line for each, with its help and the module that renders it.
macro_rules! formats {
    ($($name:ident($module:ident) $help:literal;)*) => {
        /// The format of the result on standard output.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
        pub enum OutputFormat {
            $(#[doc = $help] $name,)*
        }

        /// Renders a document.
        #[must_use]
        pub fn render(format: OutputFormat, document: &impl Document) -> Rendered {
            match format {
                $(OutputFormat::$name => $module::render(document),)*
            }
        }
    };
}

formats! {
    Text(text) "Text for people";
    Json(json) "JSON for programs: one document with a `format_version`";
}

impl OutputFormat {
    /// True if the result is printed piece by piece, and not as one document at the end.
    #[must_use]
    pub fn is_told(self) -> bool {
        self == Self::Text
    }
}
