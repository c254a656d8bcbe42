//! Documents for programs. `format_version` changes when a key changes its meaning or goes
//! away; new keys do not change it.

use serde::Serialize;
use serde_json::Value as Json;

use super::{Document, Rendered};
use crate::text::escaped_json;

/// The version of all documents.
pub const FORMAT_VERSION: u32 = 1;

#[derive(Serialize)]
struct Versioned<'a, D> {
    format_version: u32,
    #[serde(flatten)]
    document: &'a D,
}

/// A document on many lines, as it is printed and served.
pub(super) fn render(document: &impl Document) -> Rendered {
    Rendered::of(escaped_json(&format!("{:#}\n", versioned(document))).into_owned())
}

/// A document on one line, as it is sent.
#[must_use]
pub fn line(document: &impl Serialize) -> String {
    escaped_json(&versioned(document).to_string()).into_owned()
}

/// Escaped afterwards, it is valid JSON in which no character moves the cursor or reverses
/// a line.
pub(super) fn versioned(document: &impl Serialize) -> Json {
    let versioned = Versioned {
        format_version: FORMAT_VERSION,
        document,
    };
    // It fails only for keys that are no texts, and there are none.
    serde_json::to_value(versioned).unwrap_or(Json::Null)
}
