//! The YAML parser's complaints, reworded for people who do not write parsers.
//!
//! Nothing of the text is repeated: where YAML breaks, a secret may stand.

use super::builder::DiagnosticBuilder;
use super::text::Span;
use super::yaml::ErrorKind;
use crate::diagnostic::Code;

/// Message, label and help for common mistakes; the others are distinguished only by their
/// place.
const WORDS: &[(&[ErrorKind], [&str; 3])] = &[
    (
        &[ErrorKind::UnclosedQuotedScalar],
        [
            "this quoted string is not closed",
            "the quote opens here",
            "close it with the same quote; write a quote inside `'…'` as `''`, and inside `\"…\"` \
            as `\\\"`",
        ],
    ),
    (
        &[
            ErrorKind::UnexpectedEofFlowSequence,
            ErrorKind::UnexpectedEofFlowMapping,
            ErrorKind::UnexpectedEofImplicitFlowMapping,
            ErrorKind::ExpectedFlowMappingSeparator,
            ErrorKind::ExpectedFlowSequenceSeparator,
            ErrorKind::UnclosedFlowCollection { open: '[' },
            ErrorKind::UnclosedFlowCollection { open: '{' },
        ],
        [
            "this list or mapping in brackets is not closed or lacks a comma",
            "expected `,` or the closing bracket before this",
            "",
        ],
    ),
    (
        &[
            ErrorKind::MisplacedFlowCollectionEnd,
            ErrorKind::MismatchedFlowCollectionEnd {
                open: '[',
                close: '}',
            },
            ErrorKind::MismatchedFlowCollectionEnd {
                open: '{',
                close: ']',
            },
        ],
        [
            "this closing bracket has no opening bracket",
            "no bracket of this kind is open",
            "",
        ],
    ),
    (
        &[
            ErrorKind::MappingValueNotAllowed,
            ErrorKind::InvalidColonPlacement,
        ],
        [
            "a `:` is not allowed here",
            "a value starts before this `:`",
            "put a value that contains `: ` in quotes, or start a new line for a new key",
        ],
    ),
    (
        &[
            ErrorKind::SimpleKeyExpected,
            ErrorKind::InvalidSimpleKey,
            ErrorKind::ExpectedBlockMappingKey,
            ErrorKind::MappingKeyNotAllowed,
        ],
        [
            "expected a key and a `:`",
            "here",
            "check the indentation, and put a space after the `:`",
        ],
    ),
    (
        &[
            ErrorKind::InvalidIndentation,
            ErrorKind::ExpectedBlockSequenceEntry,
            ErrorKind::BlockSequenceEntryNotAllowed,
            ErrorKind::InvalidQuotedScalarIndent,
            ErrorKind::InvalidFlowScalarIndent,
            ErrorKind::InvalidBlockScalarIndent,
        ],
        [
            "this line is indented wrongly",
            "not aligned with the lines above",
            "align all keys of a mapping in the same column",
        ],
    ),
    (
        &[
            ErrorKind::UnknownQuotedScalarEscape,
            ErrorKind::InvalidQuotedScalarHexEscape,
            ErrorKind::InvalidUnicodeEscape,
            ErrorKind::InvalidLowSurrogate,
            ErrorKind::InvalidLowSurrogateHexEscape,
            ErrorKind::MissingLowSurrogate,
            ErrorKind::UnpairedLowSurrogate,
        ],
        [
            "this escape does not exist",
            "inside `\"…\"` a backslash starts an escape",
            "write `\\\\` for a backslash, or use single quotes",
        ],
    ),
    (
        &[
            ErrorKind::InvalidTrailingSingleQuotedScalar,
            ErrorKind::InvalidTrailingDoubleQuotedScalar,
        ],
        [
            "text follows a quoted string",
            "the string ends before this",
            "put the whole value in quotes",
        ],
    ),
    (
        &[ErrorKind::DocumentIndicatorInQuotedScalar],
        [
            "a quoted string continues into the next document",
            "`---` or `...` inside a quoted string",
            "close the quote before this line",
        ],
    ),
    (
        &[ErrorKind::CommentNotSeparated],
        [
            "a comment needs a space before its `#`",
            "",
            "put a value that contains `#` in quotes",
        ],
    ),
];

/// Words that stand for every kind of tab.
const TABS: &[ErrorKind] = &[
    ErrorKind::TabNotAllowed,
    ErrorKind::TabInBlockIndentation,
    ErrorKind::TabAtBlockScalarStart,
    ErrorKind::TabInIndentation,
    ErrorKind::TabInPlainScalar,
];

/// The mistake behind an error of the parser, at a byte of the text.
pub(super) fn fault(kind: &ErrorKind, at: usize, source: &str) -> DiagnosticBuilder {
    let here = Span::new(at, next_char(source, at));
    let tab = tab_indentation(source, at);
    if TABS.contains(kind) || tab.is_some() {
        return DiagnosticBuilder::new(
            Code::Tab,
            tab.unwrap_or(here),
            "this line is indented with a tab",
        )
        .label("a tab")
        .help("use two spaces for each level");
    }
    if *kind == ErrorKind::RecursionLimitExceeded {
        return DiagnosticBuilder::new(
            Code::TooComplex,
            here,
            "this document is nested too deeply",
        )
        .label("one level too many");
    }
    let found = WORDS.iter().find(|(kinds, _)| kinds.contains(kind));
    let [message, label, help] = found.map_or(
        [
            "this is not valid YAML",
            "cannot be parsed from here on",
            "check the indentation, the quotes and the brackets around this place",
        ],
        |(_, words)| *words,
    );
    let help = (!help.is_empty()).then(|| help.to_owned());
    DiagnosticBuilder::new(Code::Syntax, here, message)
        .label(label)
        .maybe_help(help)
}

/// The tabs that indent the line of an offset, or the line after it.
fn tab_indentation(source: &str, at: usize) -> Option<Span> {
    let start = source.get(..at)?.rfind('\n').map_or(0, |n| n + 1);
    let mut line_start = start;
    for line in source.get(start..)?.split_inclusive('\n').take(2) {
        let indentation = line.len() - line.trim_start_matches([' ', '\t']).len();
        if let Some(tab) = line.get(..indentation)?.find('\t') {
            return Some(Span::new(line_start + tab, line_start + indentation));
        }
        line_start += line.len();
    }
    None
}

/// The end of the character at `at`.
fn next_char(source: &str, at: usize) -> usize {
    let c = source.get(at..).and_then(|rest| rest.chars().next());
    at + c.map_or(0, char::len_utf8)
}
