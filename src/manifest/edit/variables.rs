//! References to variables that a file keeps when it is written anew.

use std::cell::RefCell;

use serde::Serialize;
use serde_json::Value as Json;

use super::lines::{Lines, Patch, patched};
use super::{between, document_at, root, tree_of};
use crate::manifest::quote::reference_scalar;
use crate::manifest::tree::{Node, Yaml, YamlEntry};
use crate::manifest::variables::{FillBudget, Variables, is_reference_in, whole_reference};
use crate::manifest::yaml;
use crate::platform::CONFIG;
use crate::secret::{Parsed, parse_template};

/// A reference to a variable that the new text of a file does not have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LostVariable {
    /// The attribute, or the option below `sync`.
    pub path: String,
    /// The reference, as in `${var:NAME}`.
    pub reference: String,
    /// The reason.
    pub reason: LossReason,
}

/// Reason why a reference to a variable is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LossReason {
    /// The new text has a different value.
    Differs,
    /// The new text does not have the attribute.
    LeftOut,
}

/// The new text of a file, with the references to variables that it keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptVariables {
    /// The text.
    pub text: String,
    /// References that the text does not have.
    pub lost: Vec<LostVariable>,
}

/// Puts references to variables into the new text of a file, wherever the document of the old
/// text has them and their value is the new one. `line` is where that document starts.
#[must_use]
pub fn keep_variables(old: &str, line: usize, new: &str, variables: &Variables) -> KeptVariables {
    let (before, after) = (yaml::parse(old), yaml::parse(new));
    let document = document_at(old, line);
    let document = document.and_then(|document| root(&before, document));
    let mut found = Vec::new();
    if let Some(document) = document {
        find(document, &mut Vec::new(), variables, &mut found);
    }
    let (Some(lines), Some(new_root)) = (Lines::new(new), root(&after, 0)) else {
        return KeptVariables::without(new, &found);
    };
    let mut patches = Vec::new();
    let mut lost = Vec::new();
    for one in &found {
        match one.patch(lines, new_root) {
            Ok(patch) => patches.push(patch),
            Err(reason) => lost.extend(one.lost(reason)),
        }
    }
    let text = patched(new, patches).filter(|text| yaml::parse(text).is_whole());
    match text {
        Some(text) => KeptVariables { text, lost },
        None => KeptVariables::without(new, &found),
    }
}

impl KeptVariables {
    fn without(new: &str, found: &[Found<'_>]) -> Self {
        let lost = found.iter().flat_map(|one| one.lost(LossReason::Differs));
        Self {
            text: new.to_owned(),
            lost: lost.collect(),
        }
    }
}

/// A step from a node to one inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step<'a> {
    Key(&'a str),
    Item(usize),
}

/// A string of the old text with references to variables.
struct Found<'a> {
    steps: Vec<Step<'a>>,
    text: &'a str,
    names: Vec<String>,
    /// Its value; `None` if it has a reference to a secret.
    value: Option<Json>,
}

/// Finds all strings with references to variables.
fn find<'a>(
    node: &'a Node,
    steps: &mut Vec<Step<'a>>,
    variables: &Variables,
    found: &mut Vec<Found<'a>>,
) {
    match &node.value {
        Yaml::Text(scalar) if is_reference_in(&scalar.text) => {
            let (names, value) = resolved(node, &scalar.text, variables);
            found.push(Found {
                steps: steps.clone(),
                text: &scalar.text,
                names,
                value,
            });
        }
        Yaml::List(items) => {
            for (index, item) in items.iter().enumerate() {
                steps.push(Step::Item(index));
                find(item, steps, variables, found);
                steps.pop();
            }
        }
        Yaml::Map(entries) => {
            for entry in entries.iter() {
                steps.push(Step::Key(&entry.key));
                find(&entry.value, steps, variables, found);
                steps.pop();
            }
        }
        Yaml::Null | Yaml::Bool(_) | Yaml::Number(_) | Yaml::Text(_) | Yaml::Faulty => {}
    }
}

/// The variables of a string, and its value.
fn resolved(node: &Node, text: &str, variables: &Variables) -> (Vec<String>, Option<Json>) {
    if let Some(name) = whole_reference(text) {
        let value = match variables.text(name) {
            Some(text) => Some(Json::from(text)),
            None => tree_of(&variables.filled(node, &mut FillBudget::new())).map(plain),
        };
        return (vec![name.to_owned()], value);
    }
    let names = RefCell::new(Vec::new());
    let parsed = parse_template(text, |name| {
        names.borrow_mut().push(name.to_owned());
        variables.text(name)
    });
    let value = match parsed {
        Ok(Parsed::Plain(text)) => Some(Json::from(text)),
        Ok(Parsed::Template(_)) | Err(_) => None,
    };
    (names.into_inner(), value)
}

/// A value as it is read: an escaped reference is text.
fn plain(value: Json) -> Json {
    match value {
        Json::String(text) => match parse_template(&text, |_| None) {
            Ok(Parsed::Plain(text)) => text.into(),
            Ok(Parsed::Template(_)) | Err(_) => text.into(),
        },
        Json::Array(items) => items.into_iter().map(plain).collect(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Object(_) => value,
    }
}

/// True for equal values: a number and its text are equal.
fn is_same(one: &Json, other: &Json) -> bool {
    let text = |value: &Json| match value {
        Json::String(text) => Some(text.clone()),
        Json::Bool(_) | Json::Number(_) => Some(value.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    };
    one == other || text(one).is_some_and(|one| text(other) == Some(one))
}

impl Found<'_> {
    /// Puts the reference in the place of the value in the new text.
    fn patch(&self, lines: Lines<'_>, root: &Node) -> Result<Patch, LossReason> {
        let (entry, node) = self.place(root).ok_or(LossReason::LeftOut)?;
        let new = tree_of(node).map(plain);
        let is_kept = match (&self.value, &new) {
            (Some(value), Some(new)) => is_same(value, new),
            (None, _) | (_, None) => false,
        };
        let start = node.span.start;
        let header = entry.and_then(|entry| lines.block_header(entry.key_span.end, start));
        if !is_kept || (node.is_scalar() && header.is_some()) {
            return Err(LossReason::Differs);
        }
        let reference = reference_scalar(self.text);
        if node.is_scalar() {
            let text = between(lines.source, start, node.span.end).trim_end();
            return Ok(Patch::new(start, start + text.len(), reference));
        }
        let entry = entry.ok_or(LossReason::Differs)?;
        let (start, end) = (entry.key_span.end, lines.end_of(entry));
        Ok(Patch::new(start, end, format!(": {reference}")))
    }

    /// The node in the new text, with its entry unless it is an item.
    fn place<'n>(&self, root: &'n Node) -> Option<(Option<&'n YamlEntry>, &'n Node)> {
        let mut place = (None, root);
        for step in &self.steps {
            place = match (step, &place.1.value) {
                (Step::Key(key), _) => {
                    let entry = place.1.get(key)?;
                    (Some(entry), &entry.value)
                }
                (Step::Item(index), Yaml::List(items)) => (None, items.get(*index)?),
                (
                    Step::Item(_),
                    Yaml::Null
                    | Yaml::Bool(_)
                    | Yaml::Number(_)
                    | Yaml::Text(_)
                    | Yaml::Map(_)
                    | Yaml::Faulty,
                ) => return None,
            };
        }
        Some(place)
    }

    fn lost(&self, reason: LossReason) -> Vec<LostVariable> {
        let steps = self.steps.iter().filter_map(|step| match step {
            Step::Key(key) => Some(*key),
            Step::Item(_) => None,
        });
        let mut keys: Vec<&str> = steps.collect();
        if keys.first() == Some(&CONFIG) && keys.len() > 1 {
            keys.remove(0);
        }
        let path = keys.join("/");
        let names = self.names.iter();
        let lost = names.map(|name| LostVariable {
            path: path.clone(),
            reference: format!("${{var:{name}}}"),
            reason,
        });
        lost.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::SourceFile;

    const OLD: &str = "# Mine.\ntype: Lake\nautoBootstrap: ${var:AUTO}\nconfig:\n  \
        host: ${var:NAME}.example.com\n  port: ${var:PORT}\n  path: ${var:PATH}\n  \
        workspaces: ${var:IDS}\n  names: [a, '${var:NAME}']\n  gone: ${var:GONE}\n  \
        password: s3cret${var:NAME}${env:X}\nsync:\n  protect: ${var:PROTECT}\n";

    const NEW: &str = "type: Lake\nautoBootstrap: false\nconfig:\n  host: lake.example.com\n  \
        port: 8443\n  path: /other\n  workspaces:\n    - \"1\"\n    - $${x}\n  names:\n    \
        - a\n    - lake\n  password: ${env:Y}  # The password.\nsync:\n  protect: true\n";

    fn kept(old: &str, new: &str) -> KeptVariables {
        let text = "AUTO: false\nNAME: lake\nPORT: 8443\nPATH: /one\nIDS: [1, '${x}']\n\
            GONE: 1\nPROTECT: true\n";
        let file = SourceFile {
            path: "variables.yaml".to_owned(),
            content: Ok(text.as_bytes().to_vec()),
        };
        keep_variables(old, 2, new, &Variables::read(&[file]).unwrap())
    }

    #[test]
    fn equal_value_keeps_its_reference_and_others_are_named() {
        let KeptVariables { text, lost } = kept(OLD, NEW);
        insta::assert_snapshot!(text, @r"
        type: Lake
        autoBootstrap: ${var:AUTO}
        config:
          host: ${var:NAME}.example.com
          port: ${var:PORT}
          path: /other
          workspaces: ${var:IDS}
          names:
            - a
            - ${var:NAME}
          password: ${env:Y}  # The password.
        sync:
          protect: ${var:PROTECT}
        ");
        let lost: Vec<String> = lost
            .iter()
            .map(|it| format!("{} {} {:?}", it.path, it.reference, it.reason))
            .collect();
        assert_eq!(
            lost,
            [
                "path ${var:PATH} Differs",
                "gone ${var:GONE} LeftOut",
                "password ${var:NAME} Differs",
            ]
        );
    }

    #[test]
    fn text_without_variables_stays_as_it_is() {
        let old = "# Mine.\ntype: Lake\nconfig:\n  host: $${var:NAME}\n";
        let expected = KeptVariables {
            text: NEW.to_owned(),
            lost: Vec::new(),
        };
        assert_eq!(kept(old, NEW), expected);
    }
}
