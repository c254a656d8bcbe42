//! The lines of a text, and changes of its bytes.

use super::{Span, between};
use crate::manifest::tree::{Node, Yaml, YamlEntry};

/// Other bytes in place of a part of a text.
#[derive(Debug)]
pub(super) struct Patch {
    pub(super) span: Span,
    pub(super) text: String,
}

impl Patch {
    pub(super) fn new(start: usize, end: usize, text: impl Into<String>) -> Self {
        Self {
            span: Span::new(start, end),
            text: text.into(),
        }
    }
}

/// Applies changes that do not overlap. `None` if they do.
pub(super) fn patched(source: &str, mut patches: Vec<Patch>) -> Option<String> {
    patches.sort_by_key(|patch| patch.span);
    let mut text = String::with_capacity(source.len());
    let mut done = 0;
    for patch in patches {
        text.push_str(source.get(done..patch.span.start)?);
        text.push_str(&patch.text);
        done = patch.span.end;
    }
    text.push_str(source.get(done..)?);
    Some(text)
}

/// A text by its lines, which all end in the same way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lines<'a> {
    pub(super) source: &'a str,
    /// The end of a line.
    pub(super) end: &'static str,
}

impl<'a> Lines<'a> {
    /// `None` for a text whose lines end in an unusual way.
    pub(super) fn new(source: &'a str) -> Option<Self> {
        let with_return = source.matches("\r\n").count();
        let all = source.matches('\n').count();
        let has_other = source.matches('\r').count() != with_return;
        (!has_other).then_some(Self {
            source,
            end: if with_return > 0 && with_return * 2 >= all {
                "\r\n"
            } else {
                "\n"
            },
        })
    }

    /// Start of the line of an offset.
    pub(super) fn start(self, at: usize) -> usize {
        let before = between(self.source, 0, at);
        before.rfind('\n').map_or(0, |newline| newline + 1)
    }

    /// End of the line of an offset, before its newline.
    pub(super) fn stop(self, at: usize) -> usize {
        let rest = between(self.source, at, self.source.len());
        let length = rest.find('\n').unwrap_or(rest.len());
        at + rest
            .get(..length)
            .unwrap_or("")
            .trim_end_matches('\r')
            .len()
    }

    /// Start of the line after the one of an offset, or the end of the text.
    pub(super) fn next(self, at: usize) -> usize {
        let rest = between(self.source, at, self.source.len());
        rest.find('\n')
            .map_or(self.source.len(), |newline| at + newline + 1)
    }

    /// The text before an offset on its line.
    pub(super) fn lead(self, at: usize) -> &'a str {
        between(self.source, self.start(at), at)
    }

    /// The line before the one that starts here, if it is a comment.
    pub(super) fn comment_above(self, start: usize) -> Option<usize> {
        let above = self.start(start.checked_sub(1)?);
        let line = between(self.source, above, start);
        line.trim_start().starts_with('#').then_some(above)
    }

    /// True if the value of an entry is an alias.
    pub(super) fn is_alias(self, entry: &YamlEntry) -> bool {
        let start = entry.value.span.start;
        let is_star = between(self.source, start, self.source.len()).starts_with('*');
        is_star && self.block_header(entry.key_span.end, start).is_none()
    }

    /// The indicator of a block scalar, such as `|-`, between a key and its content.
    pub(super) fn block_header(self, key_end: usize, content: usize) -> Option<Span> {
        let gap = between(self.source, key_end, content);
        if !gap.contains('\n') {
            return None;
        }
        let line = between(self.source, key_end, self.stop(key_end));
        let mut words = line.split([' ', '\t', ':']).filter(|word| !word.is_empty());
        let word = words.find(|word| !word.starts_with(['&', '!']))?;
        let offset = word.as_ptr() as usize - line.as_ptr() as usize;
        let start = key_end + offset;
        word.starts_with(['|', '>'])
            .then(|| Span::new(start, start + word.len()))
    }

    /// End of the last byte of an entry's value.
    pub(super) fn end_of(self, entry: &YamlEntry) -> usize {
        let last = end_of_node(self, &entry.value);
        last.max(entry.key_span.end)
    }
}

fn end_of_node(lines: Lines<'_>, node: &Node) -> usize {
    let first = between(lines.source, node.span.start, node.span.end);
    let is_flow = first.starts_with(['[', '{', '*']) && first.ends_with([']', '}']);
    let trimmed = || node.span.start + first.trim_end().len();
    match &node.value {
        Yaml::Map(entries) if !is_flow => {
            let is_inside = |entry: &&YamlEntry| {
                node.span.start <= entry.key_span.start && entry.key_span.end <= node.span.end
            };
            let ends = entries.iter().filter(is_inside);
            let ends = ends.map(|entry| lines.end_of(entry));
            ends.max().unwrap_or(node.span.end)
        }
        Yaml::List(items) if !is_flow => {
            let ends = items.iter().map(|item| end_of_node(lines, item));
            ends.max().unwrap_or(node.span.end)
        }
        Yaml::Null
        | Yaml::Bool(_)
        | Yaml::Number(_)
        | Yaml::Text(_)
        | Yaml::List(_)
        | Yaml::Map(_)
        | Yaml::Faulty => trimmed(),
    }
}
