//! The keys of a mapping: each once, each a string, and merge keys worked in.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::builder::DiagnosticBuilder;
use super::text::{Span, shown_key};
use super::tree::{Node, Yaml, YamlEntry};
use crate::diagnostic::Code;

/// A map smaller than this is searched for equal keys one by one.
const SMALL_MAP: usize = 16;

/// The key that waits for its value.
pub(super) enum YamlKey {
    Text(Rc<str>, Span),
    Merge,
    Faulty,
}

pub(super) fn read_key(node: &Node, faults: &mut Vec<DiagnosticBuilder>) -> YamlKey {
    match &node.value {
        Yaml::Text(scalar) if scalar.plain && scalar.text == "<<" => YamlKey::Merge,
        Yaml::Text(scalar) => YamlKey::Text(scalar.text.as_str().into(), node.span),
        Yaml::Faulty => YamlKey::Faulty,
        Yaml::Null | Yaml::Bool(_) | Yaml::Number(_) | Yaml::List(_) | Yaml::Map(_) => {
            let kind = node.value.kind();
            faults.push(
                DiagnosticBuilder::new(
                    Code::KeyNotText,
                    node.span,
                    format!("a key must be a string, found {kind}"),
                )
                .label("not a string")
                .help("if the key is the name of an attribute, put it in quotes"),
            );
            YamlKey::Faulty
        }
    }
}

/// Reports equal keys and works the merge keys in: what is written in the
/// map itself wins, then the merged maps in their order.
pub(super) fn finish_map(
    faults: &mut Vec<DiagnosticBuilder>,
    entries: Vec<YamlEntry>,
    merges: &[Node],
) -> Rc<[YamlEntry]> {
    let mut entries = without_duplicates(faults, entries);
    if merges.is_empty() {
        return entries.into();
    }
    for again in merges.iter().skip(1) {
        faults.push(
            DiagnosticBuilder::new(Code::DuplicateKey, again.span, "duplicate merge key `<<`")
                .label("second occurrence")
                .help("merge several mappings with a list: `<<: [*one, *two]`"),
        );
    }
    let mut known: HashSet<Rc<str>> = entries.iter().map(|e| Rc::clone(&e.key)).collect();
    let maps: Vec<Node> = merges
        .iter()
        .flat_map(|merge| maps_to_merge(faults, merge))
        .collect();
    for map in maps {
        if let Yaml::Map(merged) = map.value {
            let new = merged
                .iter()
                .filter(|entry| known.insert(Rc::clone(&entry.key)));
            entries.extend(new.cloned());
        }
    }
    entries.into()
}

fn maps_to_merge(faults: &mut Vec<DiagnosticBuilder>, merge: &Node) -> Vec<Node> {
    let maps = match &merge.value {
        Yaml::List(items) => items.to_vec(),
        Yaml::Map(_) => vec![merge.clone()],
        Yaml::Faulty => return Vec::new(),
        Yaml::Null | Yaml::Bool(_) | Yaml::Number(_) | Yaml::Text(_) => Vec::new(),
    };
    let is_map = |node: &Node| matches!(node.value, Yaml::Map(_) | Yaml::Faulty);
    if !maps.is_empty() && maps.iter().all(is_map) {
        return maps;
    }
    faults.push(
        DiagnosticBuilder::new(
            Code::MergeKey,
            merge.span,
            "a merge key needs a mapping or a list of mappings",
        )
        .label(format!("found {}", merge.value.kind()))
        .help("write `<<: *name`, where `&name` is the anchor of a mapping"),
    );
    Vec::new()
}

fn without_duplicates(
    faults: &mut Vec<DiagnosticBuilder>,
    entries: Vec<YamlEntry>,
) -> Vec<YamlEntry> {
    let is_unique = if entries.len() < SMALL_MAP {
        let new = |(index, entry): (usize, &YamlEntry)| {
            entries[..index].iter().all(|e| e.key != entry.key)
        };
        entries.iter().enumerate().all(new)
    } else {
        let keys: HashSet<&str> = entries.iter().map(|e| &*e.key).collect();
        keys.len() == entries.len()
    };
    if is_unique {
        return entries;
    }
    let mut first: HashMap<Rc<str>, Span> = HashMap::new();
    let mut kept = Vec::new();
    for entry in entries {
        if let Some(first) = first.get(&entry.key) {
            let key = shown_key(&entry.key);
            faults.push(
                DiagnosticBuilder::new(
                    Code::DuplicateKey,
                    entry.key_span,
                    format!("duplicate key `{key}`"),
                )
                .label("second occurrence")
                .related(*first, "first occurrence")
                .help("keep one of the two"),
            );
        } else {
            first.insert(Rc::clone(&entry.key), entry.key_span);
            kept.push(entry);
        }
    }
    kept
}
