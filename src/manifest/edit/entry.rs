//! Entries that are removed from a mapping.

use super::lines::{Lines, Patch};
use super::{EditError, between};
use crate::manifest::tree::{Node, Yaml, YamlEntry};

/// True if an entry stands in the mapping itself, and does not come from a merge key.
pub(super) fn is_own(map: &Node, entry: &YamlEntry) -> bool {
    map.span.start <= entry.key_span.start && entry.key_span.end <= map.span.end
}

fn entries(map: &Node) -> &[YamlEntry] {
    match &map.value {
        Yaml::Map(entries) => entries,
        Yaml::Null
        | Yaml::Bool(_)
        | Yaml::Number(_)
        | Yaml::Text(_)
        | Yaml::List(_)
        | Yaml::Faulty => &[],
    }
}

fn own(map: &Node) -> Vec<&YamlEntry> {
    let own = entries(map).iter().filter(|entry| is_own(map, entry));
    let mut own: Vec<&YamlEntry> = own.collect();
    own.sort_by_key(|entry| entry.key_span);
    own
}

/// True if a mapping that is removed has a comment on a line of its own.
fn has_comment_inside(text: &str, entry: &YamlEntry) -> bool {
    let mut lines = text.lines().skip(1);
    entry.value.is_map() && lines.any(|line| line.trim_start().starts_with('#'))
}

fn is_flow(lines: Lines<'_>, map: &Node) -> bool {
    between(lines.source, map.span.start, map.span.end).starts_with('{')
}

/// Removes an entry with its line, and the comment at the end of it.
pub(super) fn removed(
    lines: Lines<'_>,
    map: &Node,
    entry: &YamlEntry,
) -> Result<Vec<Patch>, EditError> {
    let own = own(map);
    let index = own.iter().position(|one| one.key_span == entry.key_span);
    let Some(index) = index else {
        return Err(EditError::Notation);
    };
    if super::has_reference(&entry.value) {
        return Err(EditError::Reference);
    }
    if own.len() == 1 {
        let has_merged = entries(map).len() > own.len();
        return Err(if has_merged {
            EditError::Alias
        } else {
            EditError::OnlyValue
        });
    }
    let end = lines.end_of(entry);
    if has_comment_inside(between(lines.source, entry.key_span.end, end), entry) {
        return Err(EditError::Comment);
    }
    if is_flow(lines, map) {
        let previous = index.checked_sub(1).and_then(|before| own.get(before));
        let (start, end) = match (own.get(index + 1), previous) {
            (Some(next), _) => (entry.key_span.start, next.key_span.start),
            (None, Some(previous)) => (lines.end_of(previous), end),
            (None, None) => return Err(EditError::Notation),
        };
        if between(lines.source, start, end).contains('#') {
            return Err(EditError::Comment);
        }
        return Ok(vec![Patch::new(start, end, "")]);
    }
    let start = lines.start(entry.key_span.start);
    if !lines.lead(entry.key_span.start).trim().is_empty() {
        return Err(EditError::Notation);
    }
    if lines.comment_above(start).is_some() {
        return Err(EditError::Comment);
    }
    let next = lines.next(end);
    let is_unended = next == lines.source.len() && !lines.source.ends_with('\n');
    if !is_unended {
        return Ok(vec![Patch::new(start, next, "")]);
    }
    let before = between(lines.source, 0, start);
    let before = before.strip_suffix('\n').unwrap_or(before);
    let before = before.strip_suffix('\r').unwrap_or(before);
    Ok(vec![Patch::new(before.len(), next, "")])
}
