//! Other items for a list. Items that stay keep their notation and their comments.

use serde_json::Value as Json;

use super::lines::{Lines, Patch};
use super::scalar::{Notation, replaced as replaced_scalar};
use super::{EditError, between};
use crate::manifest::tree::{Node, Yaml, YamlEntry};
use crate::secret::escaped_literal;

/// Changes the items of a list.
pub(super) fn replaced(
    lines: Lines<'_>,
    entry: &YamlEntry,
    items: &[Node],
    to: &[Json],
) -> Result<Vec<Patch>, EditError> {
    let old: Vec<String> = items.iter().map(text_of).collect::<Result<_, _>>()?;
    let new: Vec<&str> = to.iter().filter_map(Json::as_str).collect();
    let literal: Vec<String> = new.iter().map(|text| escaped_literal(text)).collect();
    if new.len() != to.len() {
        return Err(EditError::Value);
    }
    let list = List {
        lines,
        items,
        is_flow: is_flow(lines, entry),
    };
    if items.iter().any(|item| list.is_unusual(item)) {
        return Err(EditError::Notation);
    }
    if old.is_empty() || new.is_empty() {
        return list.whole(entry, &new);
    }
    let same = |pair: &(&String, &String)| pair.0 == pair.1;
    let first = old.iter().zip(&literal).take_while(same).count();
    let rest = old.len().min(new.len()) - first;
    let backwards = old.iter().rev().zip(literal.iter().rev());
    let last = backwards.take(rest).take_while(same).count();
    let (old_end, new_end) = (old.len() - last, new.len() - last);
    let common = (old_end - first).min(new_end - first);
    let mut patches = Vec::new();
    for offset in first..first + common {
        let (item, text) = (items.get(offset), new.get(offset));
        if let (Some(item), Some(text)) = (item, text) {
            let to = Json::from(*text);
            patches.extend(replaced_scalar(lines, item.span.start, item, &to)?);
        }
    }
    let at = first + common;
    patches.extend(list.added(at, new.get(at..new_end).unwrap_or_default())?);
    patches.extend(list.dropped(at, old_end)?);
    Ok(patches)
}

fn text_of(item: &Node) -> Result<String, EditError> {
    match &item.value {
        Yaml::Text(scalar) => Ok(scalar.text.clone()),
        Yaml::Number(number) => Ok(number.to_string()),
        Yaml::Null | Yaml::Bool(_) | Yaml::List(_) | Yaml::Map(_) | Yaml::Faulty => {
            Err(EditError::Notation)
        }
    }
}

/// True if a list is written in brackets.
fn is_flow(lines: Lines<'_>, entry: &YamlEntry) -> bool {
    let span = entry.value.span;
    let text = between(lines.source, span.start, span.end);
    text.starts_with('[') && text.ends_with(']')
}

#[derive(Clone, Copy)]
struct List<'a> {
    lines: Lines<'a>,
    items: &'a [Node],
    is_flow: bool,
}

impl List<'_> {
    /// True for an alias, and for an item that does not directly follow its dash.
    fn is_unusual(self, item: &Node) -> bool {
        let start = item.span.start;
        let lead = self.lines.lead(start);
        let is_alias = between(self.lines.source, start, item.span.end).starts_with('*');
        let follows_dash = lead.trim_end().ends_with('-') && lead.trim() == "-";
        is_alias || (!self.is_flow && !follows_dash)
    }

    /// All items, where there are none on one side.
    fn whole(self, entry: &YamlEntry, new: &[&str]) -> Result<Vec<Patch>, EditError> {
        let (lines, span) = (self.lines, entry.value.span);
        let texts = new
            .iter()
            .map(|text| Notation::Plain.write(&Json::from(*text)));
        let texts: Vec<String> = texts.collect::<Result<_, _>>()?;
        let flow = format!("[{}]", texts.join(", "));
        if self.is_flow {
            let old = between(lines.source, span.start, span.end);
            if old.contains('#') {
                return Err(EditError::Comment);
            }
            return Ok(vec![Patch::new(span.start, span.end, flow)]);
        }
        let gap = between(lines.source, entry.key_span.end, span.start);
        let end = lines.end_of(entry);
        let old = between(lines.source, entry.key_span.end, lines.stop(end));
        if old.contains('#') {
            return Err(EditError::Comment);
        }
        let colon = gap.find(':').ok_or(EditError::Notation)?;
        let start = entry.key_span.end + colon + 1;
        Ok(vec![Patch::new(start, end, format!(" {flow}"))])
    }

    /// New items before the one at a position, or at the end.
    fn added(self, at: usize, new: &[&str]) -> Result<Vec<Patch>, EditError> {
        let previous = at.checked_sub(1).and_then(|before| self.items.get(before));
        let neighbour = previous.or_else(|| self.items.first());
        let (Some(neighbour), false) = (neighbour, new.is_empty()) else {
            return Ok(Vec::new());
        };
        let (lines, start) = (self.lines, neighbour.span.start);
        let notation = Notation::at(lines.source, start);
        let texts = new.iter().map(|text| notation.write(&Json::from(*text)));
        let texts: Vec<String> = texts.collect::<Result<_, _>>()?;
        let lead = lines.lead(start);
        let patch = match (self.is_flow, previous) {
            (true, Some(item)) => {
                let text: Vec<String> = texts.iter().map(|text| format!(", {text}")).collect();
                Patch::new(item.span.end, item.span.end, text.concat())
            }
            (true, None) => Patch::new(start, start, format!("{}, ", texts.join(", "))),
            (false, Some(item)) => {
                let at = lines.stop(item.span.end);
                let text = texts
                    .iter()
                    .map(|text| format!("{}{lead}{text}", lines.end));
                Patch::new(at, at, text.collect::<Vec<_>>().concat())
            }
            (false, None) => {
                let at = lines.start(start);
                let text = texts
                    .iter()
                    .map(|text| format!("{lead}{text}{}", lines.end));
                Patch::new(at, at, text.collect::<Vec<_>>().concat())
            }
        };
        Ok(vec![patch])
    }

    /// Removes the items from one position to another.
    fn dropped(self, from: usize, to: usize) -> Result<Vec<Patch>, EditError> {
        let lines = self.lines;
        let (Some(first), Some(last)) = (self.items.get(from), self.items.get(to.wrapping_sub(1)))
        else {
            return Ok(Vec::new());
        };
        if from >= to {
            return Ok(Vec::new());
        }
        let (start, end) = if !self.is_flow {
            let (start, end) = (lines.start(first.span.start), lines.stop(last.span.end));
            let dropped = self.items.get(from..to).unwrap_or_default();
            let above = |item: &Node| lines.comment_above(lines.start(item.span.start));
            if dropped.iter().any(|item| above(item).is_some()) {
                return Err(EditError::Comment);
            }
            // The newline before the first one goes, so that the last line keeps its end.
            let before = between(lines.source, 0, start).trim_end_matches(['\r', '\n']);
            (before.len(), end)
        } else if let Some(next) = self.items.get(to) {
            (first.span.start, next.span.start)
        } else {
            let previous = from
                .checked_sub(1)
                .and_then(|before| self.items.get(before));
            let start = previous.map_or(first.span.start, |item| item.span.end);
            (start, last.span.end)
        };
        if self.is_flow && between(lines.source, start, end).contains('#') {
            return Err(EditError::Comment);
        }
        Ok(vec![Patch::new(start, end, "")])
    }
}
