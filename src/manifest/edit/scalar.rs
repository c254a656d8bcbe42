//! Another content for a scalar, in the same notation where that is possible.

use serde_json::Value as Json;

use super::lines::{Lines, Patch};
use super::{EditError, between};
use crate::manifest::quote::{can_stand, is_escaped, quoted, text_scalar};
use crate::manifest::text::Span;
use crate::manifest::tree::Node;
use crate::secret::escaped_literal;

/// Notation of a scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Notation {
    Plain,
    Single,
    Double,
}

impl Notation {
    /// The notation of what starts at an offset.
    pub(super) fn at(source: &str, start: usize) -> Self {
        match source.as_bytes().get(start) {
            Some(b'\'') => Self::Single,
            Some(b'"') => Self::Double,
            Some(_) | None => Self::Plain,
        }
    }

    /// A value in this notation, or in double quotes if it does not allow the value.
    pub(super) fn write(self, value: &Json) -> Result<String, EditError> {
        let Json::String(text) = value else {
            return Ok(value.to_string());
        };
        if !can_stand(text) {
            return Err(EditError::Value);
        }
        let literal = escaped_literal(text);
        match self {
            Self::Plain => text_scalar(text).ok_or(EditError::Value),
            Self::Single if !text.contains(is_escaped) => {
                Ok(format!("'{}'", literal.replace('\'', "''")))
            }
            Self::Single | Self::Double => Ok(quoted(&literal)),
        }
    }
}

/// Changes a scalar. `after` is the end of its key.
pub(super) fn replaced(
    lines: Lines<'_>,
    after: usize,
    node: &Node,
    to: &Json,
) -> Result<Vec<Patch>, EditError> {
    let span = node.span;
    if span.start == span.end {
        return Err(EditError::Notation);
    }
    if let Some(header) = lines.block_header(after, span.start) {
        return block(lines, header, span, to);
    }
    let notation = Notation::at(lines.source, span.start);
    let text = between(lines.source, span.start, span.end);
    let end = span.start + text.trim_end().len();
    Ok(vec![Patch::new(span.start, end, notation.write(to)?)])
}

/// A block scalar. A text that no block can hold gets double quotes; the comment behind the
/// header stays.
fn block(lines: Lines<'_>, header: Span, span: Span, to: &Json) -> Result<Vec<Patch>, EditError> {
    let content = between(lines.source, span.start, span.end);
    let last = span.start + content.trim_end().len();
    let start = lines.start(span.start);
    let Some(text) = to.as_str().filter(|text| is_block(text)) else {
        let header_end = lines.stop(header.start);
        return Ok(vec![
            Patch::new(header.start, header.end, Notation::Double.write(to)?),
            Patch::new(header_end, last, ""),
        ]);
    };
    if !can_stand(text) {
        return Err(EditError::Value);
    }
    let literal = escaped_literal(text);
    let body = literal.trim_end_matches('\n');
    let newlines = literal.len() - body.len();
    let is_folded = between(lines.source, header.start, header.end).starts_with('>');
    let style = if is_folded && !body.contains('\n') {
        '>'
    } else {
        '|'
    };
    let (chomping, further) = match newlines {
        0 => ("-", 0),
        1 => ("", 0),
        more => ("+", more),
    };
    let indent = lines.lead(span.start);
    let mut new = String::new();
    for (number, line) in body.split('\n').enumerate() {
        if number > 0 {
            new.push_str(lines.end);
        }
        if !line.is_empty() {
            new.push_str(indent);
            new.push_str(line);
        }
    }
    new.push_str(&lines.end.repeat(further));
    let end = if further > 0 { span.end } else { last };
    Ok(vec![
        Patch::new(header.start, header.end, format!("{style}{chomping}")),
        Patch::new(start, end, new),
    ])
}

/// True if a block can hold a text whose first line shows the indentation.
fn is_block(text: &str) -> bool {
    let is_inner = |c: char| c == '\n' || !is_escaped(c);
    !text.starts_with([' ', '\t', '\n'])
        && !text.trim_end_matches('\n').is_empty()
        && text.chars().all(is_inner)
        && text
            .split('\n')
            .all(|line| line.is_empty() || !line.trim().is_empty())
}
