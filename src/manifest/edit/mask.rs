//! The text of a file without the secrets that stand in it.

use super::lines::{Patch, patched};
use super::{BYTE_ORDER_MARK, between};
use crate::manifest::tree::{Node, Yaml, YamlEntry};
use crate::manifest::{quoted, yaml};
use crate::platform::{Attribute, CONFIG, Platform, TYPE, by_wire};
use crate::secret::MASK;

/// The key of the options of a file, and the one below it that counts as secret.
const SYNC: &str = "sync";
const EXTRA: &str = "extra";

/// A text as it may be shown: every value that may be a secret is masked. References stay.
/// `None` for a file of which not every document can be read.
#[must_use]
pub fn without_secrets(source: &str) -> Option<String> {
    let text = source.strip_prefix(BYTE_ORDER_MARK).unwrap_or(source);
    let stream = yaml::parse(text);
    if !stream.is_whole() {
        return None;
    }
    let mut hidden = Hidden {
        source: text,
        patches: Vec::new(),
    };
    for root in stream.documents.iter().filter_map(|it| it.root.as_ref()) {
        hidden.document(root);
    }
    // An anchored value is found at each of its aliases.
    hidden.patches.sort_by_key(|patch| patch.span);
    hidden.patches.dedup_by_key(|patch| patch.span);
    patched(text, hidden.patches)
}

struct Hidden<'a> {
    source: &'a str,
    patches: Vec<Patch>,
}

impl Hidden<'_> {
    fn document(&mut self, root: &Node) {
        let wire = root.get(TYPE).and_then(|entry| entry.value.text());
        let platform = wire.and_then(|wire| by_wire(&wire.text));
        for entry in entries(root) {
            match &*entry.key {
                CONFIG => self.config(&entry.value, platform, ""),
                SYNC => {
                    let inner = entries(&entry.value).iter();
                    for inner in inner.filter(|inner| &*inner.key == EXTRA) {
                        self.hide(&inner.value);
                    }
                }
                _ => {}
            }
        }
    }

    fn config(&mut self, map: &Node, platform: Option<&'static Platform>, around: &str) {
        for entry in entries(map) {
            let path = format!("{around}{}", entry.key);
            let attribute = platform.and_then(|platform| platform.attribute(&path));
            match attribute {
                Some(attribute) if attribute.secret_parameters.is_some() => {
                    self.hide_parameters(&entry.value, attribute);
                }
                Some(attribute) if !attribute.is_sensitive() => {
                    self.harmless(&entry.value, platform, &path);
                }
                Some(_) | None => self.hide(&entry.value),
            }
        }
    }

    /// A value that a plan shows, too, unless a reference makes a secret of its text.
    fn harmless(&mut self, node: &Node, platform: Option<&'static Platform>, path: &str) {
        if node.text().is_some_and(|it| has_secret_reference(&it.text)) {
            self.hide(node);
        } else {
            self.config(node, platform, &format!("{path}/"));
        }
    }

    /// Masks the secret parameters in a text. References stay.
    fn hide_parameters(&mut self, node: &Node, attribute: &Attribute) {
        let Some(scalar) = node.text() else {
            return self.hide(node);
        };
        let shown = between(self.source, node.span.start, node.span.end);
        let secrets = attribute.secrets_in(&scalar.text);
        let secrets = secrets.iter().rev();
        let secrets: Vec<_> = secrets
            .filter(|range| !is_reference(&scalar.text[(*range).clone()]))
            .collect();
        if secrets.is_empty() || shown.starts_with('*') {
            return;
        }
        let mut text = scalar.text.to_string();
        for range in secrets {
            text.replace_range(range.clone(), MASK);
        }
        let end = node.span.start + shown.trim_end().len();
        let masked = quoted(&text);
        self.patches.push(Patch::new(node.span.start, end, masked));
    }

    /// Masks every scalar of a value.
    fn hide(&mut self, node: &Node) {
        match &node.value {
            Yaml::List(items) => items.iter().for_each(|item| self.hide(item)),
            Yaml::Map(_) => entries(node).iter().for_each(|it| self.hide(&it.value)),
            Yaml::Null | Yaml::Bool(_) | Yaml::Number(_) | Yaml::Text(_) | Yaml::Faulty => {
                let shown = between(self.source, node.span.start, node.span.end);
                let end = node.span.start + shown.trim_end().len();
                let is_reference = node.text().is_some_and(|it| is_reference(&it.text));
                if !is_reference && !shown.starts_with('*') && !shown.trim().is_empty() {
                    self.patches.push(Patch::new(node.span.start, end, MASK));
                }
            }
        }
    }
}

fn entries(node: &Node) -> &[YamlEntry] {
    match &node.value {
        Yaml::Map(entries) => entries,
        Yaml::Null
        | Yaml::Bool(_)
        | Yaml::Number(_)
        | Yaml::Text(_)
        | Yaml::List(_)
        | Yaml::Faulty => &[],
    }
}

/// True if a text refers to a value that is not a variable.
fn has_secret_reference(text: &str) -> bool {
    let text = text.replace("$${", "");
    let mut references = text.split("${").skip(1);
    references.any(|reference| !reference.starts_with("var:"))
}

/// True for one reference and nothing else.
fn is_reference(text: &str) -> bool {
    let inner = text.strip_prefix("${").and_then(|it| it.strip_suffix('}'));
    inner.is_some_and(|inner| !inner.contains(['{', '}']))
}
