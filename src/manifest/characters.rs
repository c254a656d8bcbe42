//! Characters that make the displayed text misleading.

use super::builder::DiagnosticBuilder;
use super::text::Span;
use crate::diagnostic::Code;

/// Characters that a text must not hold anywhere, not even in a comment.
pub(super) enum Forbidden {
    /// A control character, which YAML forbids.
    Control,
    /// A control of the direction of text.
    Direction,
    /// The end of a line for YAML, but not for a reviewer.
    Return,
}

/// The first character that a text must not hold.
pub(super) fn forbidden(source: &str) -> Option<(usize, char, Forbidden)> {
    let mut characters = source.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        let problem = match c {
            '\r' if characters.peek().is_some_and(|(_, next)| *next == '\n') => continue,
            '\r' => Forbidden::Return,
            '\t' | '\n' | '\u{85}' => continue,
            '\u{fffe}' | '\u{ffff}' => Forbidden::Control,
            c if is_direction(c) => Forbidden::Direction,
            c if c.is_control() => Forbidden::Control,
            _ => continue,
        };
        return Some((at, c, problem));
    }
    None
}

/// True for a control of the direction of text, which no file can hold.
pub(crate) fn is_direction(c: char) -> bool {
    matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

/// The error of a character that a text must not hold.
pub(super) fn error(span: Span, c: char, problem: &Forbidden) -> DiagnosticBuilder {
    let (what, help) = match problem {
        Forbidden::Control => (
            "a control character",
            "remove the character, or write it inside double quotes as an escape such as `\\u0000`",
        ),
        Forbidden::Direction => (
            "a bidirectional control character",
            "remove this character: it makes the displayed text misleading",
        ),
        Forbidden::Return => (
            "a carriage return without a line feed",
            "end lines with a line feed: a lone carriage return ends a line only in YAML",
        ),
    };
    let message = format!("this file contains {what}, U+{:04X}", u32::from(c));
    DiagnosticBuilder::new(Code::ControlCharacter, span, message)
        .label("here")
        .help(help)
}

/// The error of a scalar in which an escape stands for a control of the direction of text:
/// the file was searched for the character itself.
pub(super) fn escaped(scalar: &str, source: &str, span: Span) -> Option<DiagnosticBuilder> {
    let c = scalar.chars().find(|c| is_direction(*c))?;
    let written = source.get(span.start..span.end).unwrap_or_default();
    let span = place_of(c, written).map_or(span, |(start, end)| {
        Span::new(span.start + start, span.start + end)
    });
    Some(error(span, c, &Forbidden::Direction))
}

/// The bytes of the escape that stands for a character.
fn place_of(c: char, written: &str) -> Option<(usize, usize)> {
    let mut at = 0;
    while let Some(found) = written.get(at..)?.find('\\') {
        at += found;
        let digits = match written.as_bytes().get(at + 1)? {
            b'u' => 4,
            b'U' => 8,
            // Also a backslash that is escaped itself.
            _ => 0,
        };
        let end = at + 2 + digits;
        let code = written.get(at + 2..end);
        let code = code.and_then(|code| u32::from_str_radix(code, 16).ok());
        if code == Some(u32::from(c)) {
            return Some((at, end));
        }
        at += 2;
    }
    None
}

/// So many different characters are listed.
const MAX_POINTS: usize = 8;

/// The characters of a text that are not visible ASCII, as code points, each once.
pub(super) fn code_points(text: &str) -> String {
    let mut points: Vec<String> = Vec::new();
    for c in text
        .chars()
        .filter(|c| !c.is_ascii() || c.is_ascii_control())
    {
        let point = format!("U+{:04X}", u32::from(c));
        if !points.contains(&point) && points.len() < MAX_POINTS {
            points.push(point);
        }
    }
    points.join(", ")
}
