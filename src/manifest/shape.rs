//! The attributes of `config`: known or not, of the right shape, within bounds.

use std::fmt::Display;

use super::builder::DiagnosticBuilder;
use super::characters::code_points;
use super::check::Checker;
use super::suggest::{enumerate, nearest};
use super::tree::{Node, Yaml, YamlEntry, YamlString};
use crate::diagnostic::Code;
use crate::platform::{
    Attribute, CredentialTarget, Evidence, ObjectPath, Platform, Shape, StringRule, TablePath,
    find_attribute,
};
use crate::secret::{Parsed, Template};
use crate::value::{Object, Value};

/// Words of YAML 1.1 for booleans, and what they meant.
const OLD_BOOLEANS: &[(&str, bool)] = &[
    ("yes", true),
    ("y", true),
    ("on", true),
    ("true", true),
    ("no", false),
    ("n", false),
    ("off", false),
    ("false", false),
];

/// An attribute in the file.
pub(super) struct Occurrence<'g> {
    pub(super) attribute: &'static Attribute,
    entry: &'g YamlEntry,
    pub(super) path: TablePath<'static>,
}

impl Occurrence<'_> {
    pub(super) fn node(&self) -> &Node {
        &self.entry.value
    }

    /// True if its value may be shown.
    pub(super) fn is_harmless(&self) -> bool {
        !self.attribute.is_sensitive()
    }
}

impl Checker<'_> {
    /// Reads `config`.
    pub(super) fn attributes(&mut self, entry: &YamlEntry, platform: &'static Platform) -> Object {
        let Yaml::Map(_) = &entry.value.value else {
            let help = self.needed(platform);
            self.wrong_shape(
                &entry.value,
                &"config",
                "a mapping of attributes",
                Some(help),
            );
            return Object::new();
        };
        let object = self.object(entry, platform.attributes, platform, ObjectPath::TOP);
        self.needs(platform, entry, &object);
        object
    }

    fn object(
        &mut self,
        entry: &YamlEntry,
        attributes: &'static [Attribute],
        platform: &'static Platform,
        around: ObjectPath,
    ) -> Object {
        let mut object = Object::new();
        let Yaml::Map(entries) = &entry.value.value else {
            return object;
        };
        for entry in entries.iter() {
            match find_attribute(attributes, &entry.key) {
                None => self.unknown_attribute(entry, attributes, platform, around),
                Some(attribute) => {
                    let occurrence = Occurrence {
                        attribute,
                        entry,
                        path: around.join(attribute.name),
                    };
                    if let Some(value) = self.value(&occurrence, platform) {
                        object.insert(&*entry.key, value);
                    }
                }
            }
        }
        object
    }

    fn value(&mut self, occurrence: &Occurrence<'_>, platform: &'static Platform) -> Option<Value> {
        let node = occurrence.node();
        match (&occurrence.attribute.shape, &node.value) {
            (_, Yaml::Faulty) => None,
            (_, Yaml::Null) => {
                self.null(occurrence.attribute, occurrence.entry, occurrence.path);
                None
            }
            (Shape::Opaque, _) => Some(self.free(node, &occurrence.path)),
            (Shape::Text(format), Yaml::Text(scalar)) if !scalar.numeric => {
                let value = self.text_value(occurrence, scalar, *format)?;
                self.host(occurrence, platform, &value);
                Some(value)
            }
            (Shape::Enum(words, evidence), Yaml::Text(scalar)) => {
                let value = self.plain_text(occurrence, scalar)?;
                self.check_word(occurrence, words, *evidence, &value);
                Some(value)
            }
            (Shape::Bool, Yaml::Bool(value)) => {
                self.mark_public(node.span);
                Some(Value::Bool(*value))
            }
            (Shape::Integer { min, max }, Yaml::Number(number)) if !number.is_f64() => {
                self.mark_public(node.span);
                self.check_bounds(occurrence, number, *min, *max)
            }
            (Shape::Object(children), Yaml::Map(_)) => {
                let around = occurrence.path.around().object(occurrence.attribute.name);
                let entries = self.without.len();
                let object = self.object(occurrence.entry, children, platform, around);
                // An object with nothing but nulls is not sent.
                let is_empty = object.is_empty() && self.without.len() > entries;
                (!is_empty).then_some(Value::Object(object))
            }
            (Shape::TextList, Yaml::List(items)) => self.text_list(occurrence, items),
            (
                Shape::Text(_)
                | Shape::Bool
                | Shape::Integer { .. }
                | Shape::Enum(..)
                | Shape::Object(_)
                | Shape::TextList,
                _,
            ) => {
                self.other_shape(occurrence);
                None
            }
        }
    }

    /// Checks for a misleading host name: secrets are sent there.
    fn host(&mut self, occurrence: &Occurrence<'_>, platform: &Platform, value: &Value) {
        let host = platform.host_attribute();
        let is_host = host.is_some_and(|host| occurrence.path == ObjectPath::TOP.join(host));
        if !is_host && occurrence.attribute.target != CredentialTarget::ToHost {
            return;
        }
        let Some(text) = value.as_text() else { return };
        let points = code_points(text);
        if points.is_empty() {
            return;
        }
        let message = format!(
            "the host name in `{}` contains characters that are invisible or not ASCII: {points}",
            occurrence.path
        );
        let draft = DiagnosticBuilder::new(Code::MisleadingHost, occurrence.node().span, message);
        self.report(draft.label("this host").help(
            "if you copied the name, type it instead; write a non-ASCII name in its `xn--` form",
        ));
    }

    /// True if an attribute may contain a reference to a secret.
    fn text_value(
        &mut self,
        occurrence: &Occurrence<'_>,
        scalar: &YamlString,
        format: StringRule,
    ) -> Option<Value> {
        let value = self.plain_text(occurrence, scalar)?;
        // What the references in it will be is not known here.
        let literal = match value.as_text() {
            Some(text) => text,
            None if refers(&value) => return Some(value),
            None => scalar.text.as_str(),
        };
        // An empty string where one is needed is complained about with the needs.
        if !literal.is_empty() && !(format.accepts)(literal) {
            let code = match format.evidence {
                Evidence::Documented => Code::Format,
                Evidence::SecondHand | Evidence::Inferred => Code::UnlikelyFormat,
                Evidence::Recalled | Evidence::Unknown => return Some(value),
            };
            let (path, expected) = (&occurrence.path, format.expected);
            let must = if code == Code::Format {
                "must"
            } else {
                "should"
            };
            self.report(
                DiagnosticBuilder::new(
                    code,
                    occurrence.node().span,
                    format!("`{path}` {must} be {expected}"),
                )
                .label("has a different form"),
            );
        }
        Some(value)
    }

    fn check_word(
        &mut self,
        occurrence: &Occurrence<'_>,
        words: &'static [&'static str],
        evidence: Evidence,
        value: &Value,
    ) {
        let Some(word) = value.as_text().filter(|word| !words.contains(word)) else {
            return;
        };
        let (code, verb) = match evidence {
            Evidence::Documented => (Code::UnknownWord, "cannot be"),
            Evidence::SecondHand | Evidence::Inferred => (Code::UnlikelyWord, "probably cannot be"),
            Evidence::Recalled | Evidence::Unknown => return,
        };
        let help = match nearest(word, words.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("use one of {}", enumerate(words, "or")),
        };
        self.report(
            DiagnosticBuilder::new(
                code,
                occurrence.node().span,
                format!(
                    "`{}` {verb} `{}`",
                    occurrence.path,
                    self.shown(occurrence.node().span, word)
                ),
            )
            .label(format!("expected {}", enumerate(words, "or")))
            .help(help),
        );
    }

    fn check_bounds(
        &mut self,
        occurrence: &Occurrence<'_>,
        number: &serde_json::Number,
        min: i64,
        max: i64,
    ) -> Option<Value> {
        if number.as_i64().is_some_and(|n| (min..=max).contains(&n)) {
            return Some(Value::Number(number.clone()));
        }
        let bounds = if max == i64::MAX {
            format!("not below {min}")
        } else {
            format!("from {min} to {max}")
        };
        self.report(
            DiagnosticBuilder::new(
                Code::OutOfBounds,
                occurrence.node().span,
                format!("`{}` is out of range", occurrence.path),
            )
            .label(format!("expected a number {bounds}")),
        );
        None
    }

    fn text_list(&mut self, occurrence: &Occurrence<'_>, items: &[Node]) -> Option<Value> {
        let mut list = Vec::new();
        for item in items {
            let entry = YamlEntry {
                value: item.clone(),
                ..occurrence.entry.clone()
            };
            let item = Occurrence {
                attribute: occurrence.attribute,
                entry: &entry,
                path: occurrence.path,
            };
            match &entry.value.value {
                Yaml::Text(scalar) if !scalar.numeric => list.push(self.plain_text(&item, scalar)?),
                Yaml::Faulty => {}
                Yaml::Null
                | Yaml::Bool(_)
                | Yaml::Number(_)
                | Yaml::Text(_)
                | Yaml::List(_)
                | Yaml::Map(_) => {
                    let help = self.quote_help(&item);
                    let what = format!("an item of `{}`", occurrence.path);
                    self.wrong_shape_of(&entry.value, &what, "a string", help);
                }
            }
        }
        Some(Value::List(list))
    }

    /// Anything, as it is; strings count as secret.
    pub(super) fn free(&mut self, node: &Node, path: &dyn Display) -> Value {
        match &node.value {
            Yaml::Null | Yaml::Faulty => Value::Null,
            Yaml::Bool(value) => Value::Hidden((*value).into()),
            Yaml::Number(number) => Value::Hidden(number.clone().into()),
            Yaml::Text(scalar) => match self.string(node, scalar, true, path) {
                Some(Parsed::Template(template)) => Value::Secret(template),
                Some(Parsed::Plain(text)) => Value::Secret(Template::literal(text)),
                None => Value::Null,
            },
            Yaml::List(items) => {
                Value::List(items.iter().map(|item| self.free(item, path)).collect())
            }
            Yaml::Map(entries) => {
                let pairs = entries
                    .iter()
                    .map(|e| (e.key.to_string(), self.free(&e.value, path)));
                Value::Object(pairs.collect())
            }
        }
    }

    fn other_shape(&mut self, occurrence: &Occurrence<'_>) {
        let expected = expected(&occurrence.attribute.shape);
        // Where an object is due, the scalar may be what belongs to a secret in it.
        let is_object = matches!(occurrence.attribute.shape, Shape::Object(_));
        if occurrence.is_harmless() && occurrence.node().is_scalar() && !is_object {
            self.mark_scalar_public(occurrence.node());
        }
        let help = match occurrence.attribute.shape {
            Shape::Text(_) | Shape::Enum(..) => self.quote_help(occurrence),
            Shape::Bool => bool_help(occurrence.node(), expected),
            Shape::Integer { .. } => integer_help(occurrence),
            Shape::TextList if occurrence.node().is_scalar() => Some(format!(
                "write a list: `{}: [\"…\"]`",
                occurrence.attribute.name
            )),
            Shape::Object(children) => {
                let names: Vec<&str> = children.iter().map(|a| a.name).collect();
                Some(format!(
                    "write a mapping; its attributes are {}",
                    enumerate(&names, "and")
                ))
            }
            Shape::TextList | Shape::Opaque => None,
        };
        self.wrong_shape(occurrence.node(), &occurrence.path, expected, help);
    }

    fn wrong_shape(
        &mut self,
        node: &Node,
        path: &dyn Display,
        expected: &str,
        help: Option<String>,
    ) {
        self.wrong_shape_of(node, &format!("`{path}`"), expected, help);
    }

    fn wrong_shape_of(&mut self, node: &Node, what: &str, expected: &str, help: Option<String>) {
        if self.is_reported(node) {
            return;
        }
        let kind = node.value.kind();
        let written = self.text.slice(node.span).trim_matches(['"', '\'']);
        let help = self.context.variables.type_help(written).or(help);
        self.report(
            DiagnosticBuilder::new(
                Code::WrongShape,
                node.span,
                format!("{what} must be {expected}, found {kind}"),
            )
            .label(format!("expected {expected}"))
            .maybe_help(help),
        );
    }

    /// Form of a number, or a boolean, as a string.
    fn quote_help(&self, occurrence: &Occurrence<'_>) -> Option<String> {
        let node = occurrence.node();
        if !node.is_scalar() || matches!(node.value, Yaml::Null) {
            return None;
        }
        let written = self.text.slice(node.span);
        Some(
            if occurrence.is_harmless() && !written.contains(['\n', '"', '\\', '*', '&', '!']) {
                format!("put the value in quotes: `\"{written}\"`")
            } else {
                "put the value in quotes".to_owned()
            },
        )
    }
}

fn refers(value: &Value) -> bool {
    let mut refers = false;
    value.for_each_template(&mut |template| refers |= template.references().next().is_some());
    refers
}

fn expected(shape: &Shape) -> &'static str {
    match shape {
        Shape::Text(_) | Shape::Enum(..) => "a string",
        Shape::Bool => "`true` or `false`",
        Shape::Integer { .. } => "an integer",
        Shape::Object(_) => "a mapping",
        Shape::TextList => "a list of strings",
        Shape::Opaque => "a value",
    }
}

/// Form of the boolean that a string was meant to be.
pub(super) fn bool_help(node: &Node, expected: &str) -> Option<String> {
    let scalar = node.text().filter(|_| expected.contains("`true`"))?;
    let word = scalar.text.to_lowercase();
    let (_, meant) = OLD_BOOLEANS.iter().find(|(old, _)| *old == word)?;
    Some(if scalar.plain {
        format!("write `{meant}`: in YAML 1.2 only `true` and `false` are booleans")
    } else {
        format!("write `{meant}` without quotes")
    })
}

/// Form of the number that a string was meant to be.
fn integer_help(occurrence: &Occurrence<'_>) -> Option<String> {
    let scalar = occurrence.node().text()?;
    let number: i64 = scalar.text.trim().parse().ok()?;
    let name = occurrence.attribute.name;
    Some(if scalar.numeric {
        format!("write the number without leading zeros: `{name}: {number}`")
    } else {
        format!("write the number without quotes: `{name}: {number}`")
    })
}
