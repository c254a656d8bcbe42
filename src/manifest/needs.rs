//! Required attributes, and the conditions under which they are required.

use super::builder::DiagnosticBuilder;
use super::check::Checker;
use super::suggest::enumerate;
use super::tree::YamlEntry;
use crate::diagnostic::Code;
use crate::platform::{Attribute, Condition, Evidence, Need, Platform, Scalar};
use crate::secret::TemplatePart;
use crate::value::{Object, Value};

/// Attributes that are missing for one reason.
struct Missing {
    code: Code,
    conditions: &'static [Condition],
    attributes: Vec<&'static Attribute>,
}

impl Checker<'_> {
    /// Complains about what is missing in a `config`, at all its levels.
    pub(super) fn needs(&mut self, platform: &'static Platform, config: &YamlEntry, read: &Object) {
        self.needs_of(platform, platform.attributes, config, read, "");
    }

    fn needs_of(
        &mut self,
        platform: &'static Platform,
        attributes: &'static [Attribute],
        entry: &YamlEntry,
        config: &Object,
        prefix: &str,
    ) {
        let mut missing: Vec<Missing> = Vec::new();
        for attribute in attributes {
            let path = format!("{prefix}{}", attribute.name);
            let given = entry.value.get(attribute.name);
            if let Some(given) = given
                && !attribute.children().is_empty()
                && given.value.is_map()
            {
                self.needs_of(
                    platform,
                    attribute.children(),
                    given,
                    config,
                    &format!("{path}/"),
                );
            }
            let Some((code, conditions)) = self.need(platform, attribute, config) else {
                continue;
            };
            match given {
                Some(given) => self.not_empty(given, code, config.at(&path), &path),
                None if self.is_misspelt(&format!("config/{path}")) => {}
                None => match missing
                    .iter_mut()
                    .find(|m| (m.code, m.conditions) == (code, conditions))
                {
                    Some(group) => group.attributes.push(attribute),
                    None => missing.push(Missing {
                        code,
                        conditions,
                        attributes: vec![attribute],
                    }),
                },
            }
        }
        for group in missing {
            let draft = self.missing(&group, entry, prefix, platform, config);
            self.report(draft);
        }
    }

    /// The mistake that leaving an attribute out is, and why.
    fn need(
        &self,
        platform: &Platform,
        attribute: &Attribute,
        config: &Object,
    ) -> Option<(Code, &'static [Condition])> {
        let (conditions, evidence): (&'static [Condition], _) = match attribute.need {
            Need::Optional => return None,
            Need::Always(evidence) => (&[], evidence),
            Need::When(conditions, evidence) => (conditions, evidence),
        };
        let holds = |condition: &Condition| match *condition {
            Condition::AutoBootstrap(value) => self.auto == Some(value),
            Condition::Is(name, word) => value_or_default(platform, name, config) == Some(word),
        };
        let code = match evidence {
            Evidence::Documented => Code::MissingAttribute,
            Evidence::SecondHand | Evidence::Inferred => Code::LikelyMissing,
            Evidence::Recalled | Evidence::Unknown => return None,
        };
        conditions.iter().all(holds).then_some((code, conditions))
    }

    fn not_empty(&mut self, entry: &YamlEntry, code: Code, read: Option<&Value>, path: &str) {
        if code == Code::MissingAttribute && read.is_some_and(is_empty) {
            self.report(
                DiagnosticBuilder::new(
                    Code::EmptyValue,
                    entry.value.span,
                    format!("`{path}` is empty"),
                )
                .label("expected a value")
                .help("this attribute is required"),
            );
        }
    }

    fn missing(
        &self,
        missing: &Missing,
        entry: &YamlEntry,
        prefix: &str,
        platform: &Platform,
        config: &Object,
    ) -> DiagnosticBuilder {
        let names: Vec<String> = missing
            .attributes
            .iter()
            .map(|a| format!("{prefix}{}", a.name))
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let s = if names.len() == 1 { "" } else { "s" };
        let (message, label) = if missing.code == Code::MissingAttribute {
            (
                format!("missing attribute{s} {}", enumerate(&names, "and")),
                "required here",
            )
        } else {
            (
                format!(
                    "attribute{s} {} probably required",
                    enumerate(&names, "and")
                ),
                "missing here",
            )
        };
        let mut draft = DiagnosticBuilder::new(missing.code, entry.key_span, message).label(label);
        let reasons: Vec<String> = missing
            .conditions
            .iter()
            .map(|c| reason(*c, platform, config))
            .collect();
        if !reasons.is_empty() {
            draft = draft.help(format!("needed because {}", reasons.join(" and ")));
        }
        for attribute in &missing.attributes {
            draft = draft.help(format!("`{}`: {}", attribute.name, attribute.doc));
        }
        draft
    }

    /// Minimum content of a `config`, for a help text.
    pub(super) fn needed(&self, platform: &'static Platform) -> String {
        let always = |a: &&Attribute| matches!(a.need, Need::Always(Evidence::Documented));
        let names: Vec<&str> = platform
            .attributes
            .iter()
            .filter(always)
            .map(|a| a.name)
            .collect();
        if names.is_empty() {
            return "add `config:` with the attributes of the integration".to_owned();
        }
        format!("add `config:` with at least {}", enumerate(&names, "and"))
    }
}

fn reason(condition: Condition, platform: &Platform, config: &Object) -> String {
    match condition {
        Condition::AutoBootstrap(value) => format!("`autoBootstrap` is `{value}`"),
        Condition::Is(name, word)
            if config.get(name).is_some() || platform.attribute(name).is_none() =>
        {
            format!("`{name}` is `{word}`")
        }
        Condition::Is(name, word) => format!("`{name}` is `{word}` by default"),
    }
}

/// The word that an attribute is, or is if left out.
fn value_or_default<'v>(platform: &Platform, name: &str, config: &'v Object) -> Option<&'v str> {
    match config.get(name) {
        Some(value) => value.as_text(),
        None => match platform.attribute(name)?.default? {
            Scalar::Text(text) => Some(text),
            Scalar::Integer(_) | Scalar::Bool(_) => None,
        },
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Text(text) => text.is_empty(),
        Value::Secret(template) => template.parts.iter().all(|part| match part {
            TemplatePart::Literal(text) => text.is_empty(),
            TemplatePart::Reference(_) => false,
        }),
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::Hidden(_)
        | Value::List(_)
        | Value::Object(_) => false,
    }
}
