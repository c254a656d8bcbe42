//! A flat mapping, such as a settings file: the YAML and the diagnostics of integration files,
//! for keys that the caller knows.

use std::collections::BTreeMap;

use super::builder::DiagnosticBuilder;
use super::keys::{EntryReader, MappingFile, read_mapping};
use super::suggest::nearest;
use super::text::shown_key;
use super::tree::{Node, Yaml, YamlEntry};
use super::variables::{VariableReader, Variables};
use crate::diagnostic::{Code, Diagnostic};

/// Values of a key: one value, or the items of a list. The entries of a mapping are
/// `NAME=VALUE`.
pub type Flat = BTreeMap<String, Vec<String>>;

/// The key below which variables are declared.
pub const VARIABLES: &str = "vars";

/// The contents of a file of settings.
#[derive(Debug, Default)]
pub struct DeclaredSettings {
    /// Values of each key.
    pub flat: Flat,
    /// The variables that it declares.
    pub variables: Variables,
}

impl DeclaredSettings {
    /// True if nothing is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.flat.is_empty() && self.variables.is_empty()
    }
}

/// Says why a key cannot have these values.
pub type Accept<'a> = &'a dyn Fn(&str, &[String]) -> Result<(), RejectedValue>;

/// Reason why a key cannot have its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedValue {
    /// In a sentence.
    pub why: String,
    /// True if the values may contain a secret: then they are not shown.
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
) -> Result<DeclaredSettings, Vec<Diagnostic>> {
    let mut reader = SettingsReader {
        keys,
        accept,
        flat: Flat::new(),
        variables: VariableReader::default(),
    };
    read_mapping(path, bytes, "settings", &mut reader)?;
    Ok(DeclaredSettings {
        flat: reader.flat,
        variables: reader.variables.variables,
    })
}

struct SettingsReader<'a> {
    keys: &'a [&'a str],
    accept: Accept<'a>,
    flat: Flat,
    variables: VariableReader,
}

impl EntryReader for SettingsReader<'_> {
    fn entry(&mut self, file: &mut MappingFile<'_>, entry: &YamlEntry) {
        let key = &*entry.key;
        if key == VARIABLES {
            return self.variables(file, entry);
        }
        if !self.keys.contains(&key) {
            let known = self.keys.iter().copied().chain([VARIABLES]);
            let near = nearest(key, known);
            let help = near.map(|near| format!("did you mean `{near}`?"));
            let message = format!("unknown setting `{}`", shown_key(key));
            let draft = DiagnosticBuilder::new(Code::UnknownKey, entry.key_span, message);
            let draft = draft.label("no setting has this name").maybe_help(help);
            return file.report(draft);
        }
        let shown = file.redactions.shown.len();
        let Some(values) = values(file, key, &entry.value) else {
            // The other items of an invalid list were not checked.
            return file.redactions.shown.truncate(shown);
        };
        match (self.accept)(key, &values) {
            Ok(()) => drop(self.flat.insert(key.to_owned(), values)),
            Err(RejectedValue { why, is_secret }) => {
                if is_secret {
                    file.redactions.shown.truncate(shown);
                }
                file.complain(Code::Format, entry.value.span, why);
            }
        }
    }

    fn finish(&mut self, file: &MappingFile<'_>) {
        self.variables.finish(file);
    }
}

impl SettingsReader<'_> {
    fn variables(&mut self, file: &mut MappingFile<'_>, entry: &YamlEntry) {
        match &entry.value.value {
            Yaml::Map(entries) => {
                for entry in entries.iter() {
                    self.variable(file, entry);
                }
            }
            Yaml::Faulty => {}
            Yaml::Null | Yaml::Bool(_) | Yaml::Number(_) | Yaml::Text(_) | Yaml::List(_) => {
                let kind = entry.value.value.kind();
                let message =
                    format!("`{VARIABLES}` must be a mapping of names to values, found {kind}");
                file.complain(Code::WrongShape, entry.value.span, message);
            }
        }
    }

    /// A variable. Its value is held to the same rule as that of a setting.
    fn variable(&mut self, file: &mut MappingFile<'_>, entry: &YamlEntry) {
        let shown = file.redactions.shown.len();
        let values = texts(file, &entry.value).unwrap_or_default();
        // Its own reader says what of it may be shown.
        file.redactions.shown.truncate(shown);
        match (self.accept)(VARIABLES, &values) {
            Ok(()) => self.variables.entry(file, entry),
            Err(RejectedValue { why, .. }) => {
                file.complain(Code::Format, entry.value.span, why);
            }
        }
    }
}

/// The values of a key, if they have a shape that settings can have.
fn values(file: &mut MappingFile<'_>, key: &str, node: &Node) -> Option<Vec<String>> {
    let values = texts(file, node);
    if values.is_none() && !matches!(node.value, Yaml::Faulty) {
        let kind = node.value.kind();
        let message = format!("`{key}` must be a value or a list of values, found {kind}");
        file.complain(Code::WrongShape, node.span, message);
    }
    values
}

/// The texts of a value, of the items of a list, or of the entries of a mapping.
fn texts(file: &mut MappingFile<'_>, node: &Node) -> Option<Vec<String>> {
    match &node.value {
        Yaml::List(items) => items.iter().map(|item| scalar(file, item)).collect(),
        Yaml::Map(entries) => {
            let pair =
                |entry: &YamlEntry| Some(format!("{}={}", entry.key, scalar(file, &entry.value)?));
            entries.iter().map(pair).collect()
        }
        Yaml::Null | Yaml::Bool(_) | Yaml::Number(_) | Yaml::Text(_) | Yaml::Faulty => {
            scalar(file, node).map(|value| vec![value])
        }
    }
}

fn scalar(file: &mut MappingFile<'_>, node: &Node) -> Option<String> {
    let value = match &node.value {
        Yaml::Bool(truth) => truth.to_string(),
        Yaml::Number(number) => number.to_string(),
        Yaml::Text(scalar) => scalar.text.clone(),
        Yaml::Null | Yaml::List(_) | Yaml::Map(_) | Yaml::Faulty => return None,
    };
    file.show(node);
    Some(value)
}
