//! A flat mapping, such as a file of settings: the YAML and the diagnostics of
//! integration files, for keys that somebody else knows.

use std::collections::BTreeMap;

use super::builder::DiagnosticBuilder;
use super::load::decode;
use super::suggest::nearest;
use super::text::{Redactions, Span, Text, shown_key};
use super::tree::{Node, Stream, Yaml, YamlDocument, YamlEntry};
use super::yaml;
use crate::diagnostic::{Code, Diagnostic};

/// What a key is set to: one value, or the items of a list. The entries of a
/// mapping are `NAME=VALUE`.
pub type Flat = BTreeMap<String, Vec<String>>;

/// Says why a key cannot have these values.
pub type Accept<'a> = &'a dyn Fn(&str, &[String]) -> Result<(), RejectedValue>;

/// Why a key cannot have its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedValue {
    /// In a sentence.
    pub why: String,
    /// Whether the values may hold a secret: then they are not shown.
    pub is_secret: bool,
}

/// Reads a flat mapping. Nothing in it is meant to be secret, so that values are shown
/// unless they are refused for being so.
///
/// # Errors
/// Every mistake, if there is one.
pub fn flat(
    path: &str,
    bytes: &[u8],
    keys: &[&str],
    accept: Accept<'_>,
) -> Result<Flat, Vec<Diagnostic>> {
    let source = decode(path, bytes).map_err(|diagnostic| vec![*diagnostic])?;
    let text = Text::new(path, source);
    let Stream {
        mut documents,
        mut veil,
    } = yaml::parse(source);
    let mut reader = Reader {
        keys,
        accept,
        text: &text,
        veil: &mut veil,
        drafts: Vec::new(),
        flat: Flat::new(),
    };
    let rest = documents.split_off(documents.len().min(1));
    for document in documents {
        reader.document(document);
    }
    for document in rest {
        reader.drafts.push(
            DiagnosticBuilder::new(
                Code::NotAMapping,
                document.span,
                "this is a second document",
            )
            .label("begins here")
            .help("settings are one document: remove the `---`"),
        );
    }
    let Reader { drafts, flat, .. } = reader;
    if drafts.is_empty() {
        return Ok(flat);
    }
    veil.settle();
    let drafts = drafts.into_iter();
    Err(drafts.map(|draft| draft.finish(&text, &veil)).collect())
}

struct Reader<'a> {
    keys: &'a [&'a str],
    accept: Accept<'a>,
    text: &'a Text<'a>,
    veil: &'a mut Redactions,
    drafts: Vec<DiagnosticBuilder>,
    flat: Flat,
}

impl Reader<'_> {
    fn document(&mut self, document: YamlDocument) {
        self.drafts.extend(document.faults);
        match document.root.map(|root| (root.span, root.value)) {
            None | Some((_, Yaml::Null | Yaml::Faulty)) => {}
            Some((_, Yaml::Map(entries))) => entries.iter().for_each(|entry| self.entry(entry)),
            Some((span, other)) => self.drafts.push(
                DiagnosticBuilder::new(
                    Code::NotAMapping,
                    span,
                    format!("settings are a mapping, and this is {}", other.kind()),
                )
                .label("not a mapping")
                .help("write `key: value`, a line for each setting"),
            ),
        }
    }

    fn entry(&mut self, entry: &YamlEntry) {
        let key = &*entry.key;
        if !self.keys.contains(&key) {
            let near = nearest(key, self.keys.iter().copied());
            let help = near.map(|near| format!("did you mean `{near}`?"));
            let message = format!("unknown setting `{}`", shown_key(key));
            let draft = DiagnosticBuilder::new(Code::UnknownKey, entry.key_span, message);
            let draft = draft.label("no setting has this name").maybe_help(help);
            return self.drafts.push(draft);
        }
        let shown = self.veil.shown.len();
        let Some(values) = self.values(key, &entry.value) else {
            // Nobody has looked at the others of a list that is wrong.
            return self.veil.shown.truncate(shown);
        };
        match (self.accept)(key, &values) {
            Ok(()) => drop(self.flat.insert(key.to_owned(), values)),
            Err(RejectedValue { why, is_secret }) => {
                if is_secret {
                    self.veil.shown.truncate(shown);
                }
                self.complain(Code::Format, entry.value.span, why);
            }
        }
    }

    /// The values of a key, if they have a shape that settings can have.
    fn values(&mut self, key: &str, node: &Node) -> Option<Vec<String>> {
        let values: Option<Vec<String>> = match &node.value {
            Yaml::List(items) => items.iter().map(|item| self.scalar(item)).collect(),
            Yaml::Map(entries) => {
                let pair = |entry: &YamlEntry| {
                    Some(format!("{}={}", entry.key, self.scalar(&entry.value)?))
                };
                entries.iter().map(pair).collect()
            }
            Yaml::Faulty => return None,
            Yaml::Null | Yaml::Bool(_) | Yaml::Number(_) | Yaml::Text(_) => {
                self.scalar(node).map(|value| vec![value])
            }
        };
        if values.is_none() {
            let kind = node.value.kind();
            let message = format!("`{key}` must be a value or a list of values, found {kind}");
            self.complain(Code::WrongShape, node.span, message);
        }
        values
    }

    fn scalar(&mut self, node: &Node) -> Option<String> {
        let value = match &node.value {
            Yaml::Bool(truth) => truth.to_string(),
            Yaml::Number(number) => number.to_string(),
            Yaml::Text(scalar) => scalar.text.clone(),
            Yaml::Null | Yaml::List(_) | Yaml::Map(_) | Yaml::Faulty => return None,
        };
        if !self.text.slice(node.span).contains(['\n', '\r']) {
            self.veil.shown.push(node.span);
        }
        Some(value)
    }

    fn complain(&mut self, code: Code, span: Span, message: String) {
        self.drafts
            .push(DiagnosticBuilder::new(code, span, message).label("here"));
    }
}
