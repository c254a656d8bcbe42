//! The text of one file, and the parts of it that may be shown.
//!
//! Everything is masked except the parts that were marked as public: keys that look like
//! identifiers, punctuation between the nodes, and scalars that `check` knows to be harmless.
//! Spaces outside of scalars stay, so that an excerpt keeps its layout; a masked run becomes
//! one `…`, so that not even its length shows.

use crate::diagnostic::{Excerpt, Location, MASK};
use crate::text::{escaped, is_unsafe};

/// A part of a file, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Span {
    pub(super) fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    fn contains(self, offset: usize) -> bool {
        (self.start..self.end).contains(&offset)
    }
}

/// An excerpt is cut to this many characters before and after its mark: wide
/// enough for any sensible line, and a bound for a document in one line.
const WINDOW: usize = 70;

/// A line longer than this, in bytes, is not processed as a whole.
const LONG_LINE: usize = 4_096;

/// A key longer than this is masked: it is not an identifier.
const KEY_LENGTH: usize = 64;

/// True if a key looks like an identifier, and can be shown.
pub(super) fn is_identifier(key: &str) -> bool {
    (1..=KEY_LENGTH).contains(&key.len())
        && key
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}

/// A key as it may be shown in a message.
pub(super) fn shown_key(key: &str) -> &str {
    if is_identifier(key) { key } else { "…" }
}

/// A harmless value as it may be shown in a message: what is long or runs over
/// several lines is none of the words that were meant to stand there.
pub(super) fn shown_word(word: &str) -> &str {
    if word.len() <= KEY_LENGTH && !word.contains(char::is_control) {
        word
    } else {
        "…"
    }
}

/// The name of a file without its directory and its last ending.
pub(super) fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// Parts of a file that can be shown.
#[derive(Debug, Default)]
pub(super) struct Redactions {
    /// Keys that look like identifiers, and harmless scalars.
    pub(super) shown: Vec<Span>,
    /// Every other scalar, tag, anchor and alias, in ascending order.
    pub(super) hidden: Vec<Span>,
    /// Regions that the parser gave up: nothing is known about their nodes.
    pub(super) unparsed: Vec<Span>,
}

impl Redactions {
    /// Brings the spans into order after `check` has added its own.
    pub(super) fn settle(&mut self) {
        self.shown.sort_unstable();
        self.hidden.sort_unstable();
    }
}

/// True if one of these ordered spans, which do not overlap, contains the offset.
fn holds(spans: &[Span], offset: usize) -> bool {
    spans
        .get(spans.partition_point(|span| span.end <= offset))
        .is_some_and(|span| span.contains(offset))
}

/// One file in memory.
#[derive(Debug)]
pub(super) struct Text<'a> {
    /// The path, escaped for showing.
    pub(super) file: String,
    pub(super) source: &'a str,
    line_starts: Vec<usize>,
}

impl<'a> Text<'a> {
    pub(super) fn new(file: &str, source: &'a str) -> Self {
        let bytes = source.as_bytes();
        let ends = bytes.iter().enumerate().filter(|(at, byte)| match byte {
            b'\n' => true,
            b'\r' => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        });
        Self {
            file: escaped(file).into_owned(),
            source,
            line_starts: std::iter::once(0)
                .chain(ends.map(|(at, _)| at + 1))
                .collect(),
        }
    }

    /// The name that a document has after its file.
    pub(super) fn stem(&self) -> &str {
        stem(&self.file)
    }

    /// The text of a span; empty if it is none of this file's.
    pub(super) fn slice(&self, span: Span) -> &'a str {
        self.source.get(span.start..span.end).unwrap_or("")
    }

    /// True if anything but space comes before an offset in its line.
    pub(super) fn follows_on_its_line(&self, offset: usize) -> bool {
        let before = self.source.get(..offset).unwrap_or("");
        let before = before.trim_end_matches([' ', '\t']);
        !before.is_empty() && !before.ends_with(['\n', '\r'])
    }

    /// The word that starts at an offset, for a mark that can be seen.
    pub(super) fn word(&self, start: usize) -> Span {
        let rest = self.source.get(start..).unwrap_or("");
        let is_word = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
        let length: usize = rest.chars().take_while(is_word).map(char::len_utf8).sum();
        Span::new(start, start + length.max(1))
    }

    /// The number of the line, from 1.
    pub(super) fn line(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= offset)
    }

    /// The line around an offset, without its end.
    fn line_span(&self, offset: usize) -> Span {
        let line = self.line(offset);
        let start = self.line_starts.get(line - 1).copied().unwrap_or(0);
        let next = self.line_starts.get(line).copied();
        let end = next.unwrap_or(self.source.len());
        let text = self.slice(Span::new(start, end));
        Span::new(start, start + text.trim_end_matches(['\n', '\r']).len())
    }

    /// A place of this file, with the line as it may be shown.
    pub(super) fn place(&self, span: Span, label: &str, redactions: &Redactions) -> Location {
        let start = self.floor(span.start.min(self.source.len()));
        let end = self.floor(span.end.min(self.source.len())).max(start);
        let line = self.line_span(start);
        Location {
            file: self.file.clone(),
            line: self.line(start),
            column: self.slice(Span::new(line.start, start)).chars().count() + 1,
            label: escaped(label).into_owned(),
            excerpt: Some(self.excerpt(line, Span::new(start, end.min(line.end)), redactions)),
        }
    }

    /// The nearest border between characters at or before an offset.
    fn floor(&self, offset: usize) -> usize {
        (0..=offset)
            .rev()
            .find(|at| self.source.is_char_boundary(*at))
            .unwrap_or(0)
    }

    fn excerpt(&self, line: Span, mark: Span, redactions: &Redactions) -> Excerpt {
        let mut out = Masked::default();
        let public_end = self.public_prefix(line, redactions);
        let near = self.near(line, mark);
        // Where a line was cut, it may have been in a comment.
        let mut comment = near.start > line.start;
        let line = near;
        for (at, c) in self.slice(line).char_indices() {
            let at = line.start + at;
            let marked = mark.contains(at) || at == mark.start;
            let shown = holds(&redactions.shown, at)
                || public_end.map_or_else(
                    || {
                        let in_node = holds(&redactions.hidden, at);
                        comment |= c == '#' && !in_node;
                        !in_node && !comment && is_structural(c)
                    },
                    |end| at < end,
                );
            out.push(c, shown, marked);
        }
        out.finish()
    }

    /// Relevant part of a line: all of it, or the surroundings of the mark in a document that is a
    /// single line.
    fn near(&self, line: Span, mark: Span) -> Span {
        if line.end - line.start <= LONG_LINE {
            return line;
        }
        let start = self.floor(mark.start.saturating_sub(LONG_LINE / 4));
        let end = self.floor(mark.start.saturating_add(LONG_LINE / 4).min(line.end));
        Span::new(start.max(line.start), end)
    }

    /// Public prefix of a line that the parser gave up: the offset after the colon of its key, or
    /// the start of the line if it has no key.
    fn public_prefix(&self, line: Span, redactions: &Redactions) -> Option<usize> {
        let unparsed =
            |span: &&Span| span.start < line.end.max(line.start + 1) && line.start < span.end;
        let region = redactions.unparsed.iter().find(unparsed)?;
        let text = self.slice(line);
        let key_start = text.len() - text.trim_start_matches([' ', '-']).len();
        let key = text.get(key_start..).and_then(|rest| rest.split_once(':'));
        let shown = key.is_some_and(|(key, rest)| {
            is_identifier(key.trim_matches(['"', '\'']))
                && (rest.is_empty() || rest.starts_with([' ', '\t']))
                && !self.in_block_scalar(line, key_start, *region)
        });
        let end = match key {
            Some((key, rest)) if shown => {
                let space = rest.len() - rest.trim_start_matches(' ').len();
                key_start + key.len() + 1 + space
            }
            Some(_) | None => key_start,
        };
        Some(line.start + end)
    }

    /// True if a line that the parser did not reach belongs to a block scalar: an earlier line with
    /// less indentation ends in `|` or `>`.
    fn in_block_scalar(&self, line: Span, indent: usize, region: Span) -> bool {
        let before = self.slice(Span::new(region.start.min(line.start), line.start));
        let header = |text: &str| {
            let text = text.split(" #").next().unwrap_or(text).trim_end();
            text.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-'))
                .ends_with(['|', '>'])
        };
        let mut least = indent;
        for text in before.lines().rev().filter(|text| !text.trim().is_empty()) {
            let own = text.len() - text.trim_start_matches([' ', '-']).len();
            if own < least {
                if header(text) {
                    return true;
                }
                least = own;
            }
        }
        false
    }
}

/// True for a character that may appear between nodes and has no meaning of its own.
fn is_structural(c: char) -> bool {
    c.is_whitespace() || matches!(c, ':' | '-' | ',' | '?' | '{' | '}' | '[' | ']')
}

/// A masked line in the making.
#[derive(Default)]
struct Masked {
    text: String,
    /// True if the last character is a mask.
    masked: bool,
    start: Option<usize>,
    end: usize,
}

impl Masked {
    /// Adds a character of the line; `marked` if it is in the part that is meant.
    fn push(&mut self, c: char, shown: bool, marked: bool) {
        let mut from = self.text.len();
        if shown {
            self.show(c);
        } else if self.masked {
            from -= MASK.len_utf8();
        } else {
            self.text.push(MASK);
        }
        self.masked = !shown;
        if marked {
            self.start.get_or_insert(from);
            self.end = self.text.len();
        }
    }

    fn show(&mut self, c: char) {
        if c == '\t' {
            self.text.push(' ');
        } else if is_unsafe(c) {
            self.text.extend(c.escape_unicode());
        } else {
            self.text.push(c);
        }
    }

    fn finish(mut self) -> Excerpt {
        let start = self.start.unwrap_or(self.text.len());
        let end = self.end.max(start);
        self.text.truncate(self.text.trim_end().len().max(end));
        crop(&self.text, start, end)
    }
}

/// Cuts a long line down to what surrounds the mark.
fn crop(text: &str, start: usize, end: usize) -> Excerpt {
    let from = text[..start]
        .char_indices()
        .rev()
        .nth(WINDOW)
        .map(|(at, _)| at);
    let marked = text[start..end]
        .char_indices()
        .nth(WINDOW)
        .map_or(end, |(at, _)| start + at);
    let to = text[marked..]
        .char_indices()
        .nth(WINDOW)
        .map(|(at, _)| marked + at);
    let mut cut = String::new();
    cut.extend(from.map(|_| MASK));
    let shift = cut.len();
    let from = from.unwrap_or(0);
    cut.push_str(&text[from..to.unwrap_or(text.len())]);
    cut.extend(to.map(|_| MASK));
    Excerpt {
        text: cut,
        start: start - from + shift,
        end: marked - from + shift,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The masked line around `marked`, with the marked part in angle brackets.
    fn excerpt(source: &str, marked: &str, redactions: &Redactions) -> String {
        let text = Text::new("f.yaml", source);
        let start = source.find(marked).unwrap();
        let place = text.place(Span::new(start, start + marked.len()), "", redactions);
        let Excerpt {
            mut text,
            start,
            end,
        } = place.excerpt.unwrap();
        text.insert(end, '>');
        text.insert(start, '<');
        text
    }

    fn spans(source: &str, parts: &[&str]) -> Vec<Span> {
        let span = |part: &&str| {
            let start = source.find(part).unwrap();
            Span::new(start, start + part.len())
        };
        parts.iter().map(span).collect()
    }

    #[test]
    fn a_value_is_masked_and_the_mark_covers_the_mask() {
        let source = "config:\n  pasword: hunter2 # or swordfish\n";
        let redactions = Redactions {
            shown: spans(source, &["pasword"]),
            hidden: spans(source, &["hunter2"]),
            unparsed: vec![],
        };
        assert_eq!(excerpt(source, "pasword", &redactions), "  <pasword>: … …");
        assert_eq!(excerpt(source, "hunter2", &redactions), "  pasword: <…> …");
        assert_eq!(excerpt(source, "ter2", &redactions), "  pasword: <…> …");
    }

    #[test]
    fn a_vouched_value_is_shown_and_its_controls_are_written_out() {
        let source = "host: a\u{202e}b";
        let redactions = Redactions {
            shown: spans(source, &["host", "a\u{202e}b"]),
            ..Redactions::default()
        };
        assert_eq!(
            excerpt(source, "a\u{202e}b", &redactions),
            "host: <a\\u{202e}b>"
        );
    }

    #[test]
    fn without_spans_only_punctuation_remains() {
        assert_eq!(
            excerpt("- {a: b} # c", "{", &Redactions::default()),
            "- <{>…: …} …"
        );
    }

    #[test]
    fn unparsed_lines_show_their_key_only() {
        let source = "a: x\n  pass: hunter2: y\nhunter3\npem: |\n  Proc-Type: 4\nlast: 1";
        let redactions = Redactions {
            unparsed: vec![Span::new(0, source.len())],
            ..Redactions::default()
        };
        assert_eq!(excerpt(source, "pass", &redactions), "  <pass>: …");
        assert_eq!(excerpt(source, "hunter3", &redactions), "<…>");
        assert_eq!(excerpt(source, "Proc", &redactions), "  <…>");
        assert_eq!(excerpt(source, "last", &redactions), "<last>: …");
    }

    #[test]
    fn a_document_in_one_line_is_cut_around_the_mark() {
        let source = format!("{}x{}", ",".repeat(1000), ",".repeat(1000));
        let text = excerpt(&source, "x", &Redactions::default());
        assert!(text.chars().count() < 160, "{text}");
        assert!(text.contains("<…>"), "{text}");
    }

    #[test]
    fn columns_count_characters_and_lines_every_kind_of_line_end() {
        let text = Text::new("f", "a\r\nb\rc\né x");
        let place = text.place(Span::new(10, 11), "", &Redactions::default());
        assert_eq!((place.line, place.column), (4, 3));
    }
}
