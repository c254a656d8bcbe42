//! The formats in which a document can be written.
//!
//! A format is a file with a function that renders any document, and its line in
//! `formats!`: the commands and their documents know none of them.

mod github;
mod gitlab;
pub mod json;
mod junit;
mod markdown;
mod ndjson;
mod sarif;
mod text;

use std::fmt::Write as _;

use clap::ValueEnum;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use super::document::Document;

/// A document in one of the formats.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rendered {
    /// Paragraphs, which are wrapped where a person reads them.
    pub prose: String,
    /// Preformatted text.
    pub kept: String,
    /// Text to be wrapped for people.
    pub folded: String,
    /// Markdown for the summary of a job, where the format has one.
    pub summary: String,
}

impl Rendered {
    /// A document as it is, on standard output alone.
    fn of(kept: String) -> Self {
        Self {
            kept,
            ..Self::default()
        }
    }
}

/// Declares the formats: a line for each, with its word, its help and the module that renders
/// it.
macro_rules! formats {
    ($($name:ident($module:ident) $word:literal $help:literal;)*) => {
        /// The format of the result on standard output.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum OutputFormat {
            $(#[doc = $help] $name,)*
        }

        impl OutputFormat {
            const ALL: &[Self] = &[$(Self::$name,)*];

            fn word_and_help(self) -> (&'static str, &'static str) {
                match self {
                    $(Self::$name => ($word, $help),)*
                }
            }
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
    Text(text) "text" "Text for people";
    Json(json) "json" "JSON for programs: one document with a `format_version`";
    Ndjson(ndjson) "ndjson" "JSON for programs: one object on each line, each with a `type`";
    Markdown(markdown) "markdown" "A comment for a pull request";
    Github(github) "github" "Annotations and the job summary of GitHub Actions";
    Gitlab(gitlab) "gitlab" "Code quality, or the counts of a plan, for a merge request of GitLab";
    Sarif(sarif) "sarif" "SARIF 2.1.0, for code scanning";
    Junit(junit) "junit" "JUnit XML: a test case for each integration";
}

/// The formats of a plan.
pub const OF_PLAN: &[OutputFormat] = &[
    OutputFormat::Text,
    OutputFormat::Json,
    OutputFormat::Ndjson,
    OutputFormat::Markdown,
    OutputFormat::Github,
    OutputFormat::Gitlab,
];

/// The formats of a check of the files.
pub const OF_CHECK: &[OutputFormat] = OutputFormat::ALL;

/// The formats of a list.
pub const OF_LIST: &[OutputFormat] = &[
    OutputFormat::Text,
    OutputFormat::Json,
    OutputFormat::Ndjson,
    OutputFormat::Markdown,
];

/// Most commands have a text and a document.
impl ValueEnum for OutputFormat {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Text, Self::Json]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (word, help) = self.word_and_help();
        Some(PossibleValue::new(word).help(help))
    }
}

impl OutputFormat {
    /// True if the result is printed piece by piece, and not as one document at the end.
    #[must_use]
    pub fn is_told(self) -> bool {
        self == Self::Text
    }

    /// Reads one of these formats.
    #[must_use]
    pub fn among(formats: &'static [Self]) -> impl TypedValueParser<Value = Self> {
        let words = formats.iter().filter_map(Self::to_possible_value);
        PossibleValuesParser::new(words).map(|word| {
            let mut all = Self::ALL.iter().copied();
            all.find(|format| format.word_and_help().0 == word)
                .unwrap_or(Self::Text)
        })
    }
}

/// A path relative to the working directory, if it lies below it: forges find files by that.
fn relative(file: &str) -> String {
    let directory = std::env::current_dir().unwrap_or_default();
    let path = std::path::Path::new(file);
    let path = path.strip_prefix(&directory).unwrap_or(path);
    let path = path.strip_prefix(".").unwrap_or(path);
    path.display().to_string()
}

/// A path as a reference in a URI.
fn uri(file: &str) -> String {
    let mut uri = String::new();
    for byte in relative(file).bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    if uri.starts_with('/') {
        uri.insert_str(0, "file://");
    }
    uri
}
