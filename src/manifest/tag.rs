//! Tags of YAML: those that say what a node is anyway may stand.

use serde_yaml::granit_parser::Tag;

use super::builder::DiagnosticBuilder;
use super::scalar::Plain;
use super::text::Span;
use crate::diagnostic::Code;

/// `!!str`, or `!`, which means "not a plain scalar".
pub(super) fn is_string_tag(tag: &Tag) -> bool {
    tag.core_suffix() == Some("str") || (tag.handle().len() + tag.suffix().len() == 1)
}

/// True if a tag agrees with the plain meaning of the scalar.
pub(super) fn tag_fits(tag: &Tag, meaning: &Plain) -> bool {
    is_string_tag(tag)
        || match meaning {
            Plain::Null => tag.core_suffix() == Some("null"),
            Plain::Bool(_) => tag.core_suffix() == Some("bool"),
            Plain::Number(number) => {
                let own = if number.is_f64() { "float" } else { "int" };
                tag.core_suffix() == Some(own)
            }
            Plain::Text { .. } => false,
            Plain::Unrepresentable => true,
        }
}

/// The error of a tag.
pub(super) fn bad_tag(span: Span) -> DiagnosticBuilder {
    DiagnosticBuilder::new(Code::Tag, span, "this tag is not supported")
        .label("not supported")
        .help("remove the tag; for a secret, use a reference such as `${env:NAME}`")
}
