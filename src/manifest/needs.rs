//! Required attributes, the conditions under which they are required, and attributes that are null.

use super::builder::DiagnosticBuilder;
use super::check::Checker;
use super::suggest::enumerate;
use super::tree::YamlEntry;
use crate::diagnostic::Code;
use crate::platform::{
    Attribute, Class, Condition, Evidence, Need, ObjectPath, Platform, Scalar, TablePath,
    every_attribute, value_at,
};
use crate::secret::TemplatePart;
use crate::value::{Object, Value};

/// Attributes of one object that are missing for one reason.
struct Missing<'e> {
    object: ObjectPath,
    entry: &'e YamlEntry,
    code: Code,
    conditions: &'static [Condition],
    attributes: Vec<&'static Attribute>,
}

impl Checker<'_> {
    /// Complains about what is missing in a `config`, at all its levels.
    pub(super) fn needs(&mut self, platform: &'static Platform, config: &YamlEntry, read: &Object) {
        let mut missing: Vec<Missing<'_>> = Vec::new();
        for (path, attribute) in every_attribute(platform.attributes) {
            let object = path.around();
            let Some(entry) = object_at(config, object) else {
                continue;
            };
            let Some((code, conditions)) = self.need(platform, attribute, read) else {
                continue;
            };
            let given = entry.value.get(attribute.name);
            let is_none = self.without.contains(&path.to_path());
            if let Some(given) = given.filter(|_| !is_none) {
                self.not_empty(given, code, value_at(read, path.keys()), path);
                continue;
            }
            // The file says that there is none: only a documented need contradicts that.
            let is_allowed = is_none && code != Code::MissingAttribute;
            if is_allowed || self.suggested_attributes.contains(&path.to_path()) {
                continue;
            }
            match missing
                .iter_mut()
                .find(|m| (m.object, m.code, m.conditions) == (object, code, conditions))
            {
                Some(group) => group.attributes.push(attribute),
                None => missing.push(Missing {
                    object,
                    entry,
                    code,
                    conditions,
                    attributes: vec![attribute],
                }),
            }
        }
        for group in missing {
            let draft = missing_draft(&group, platform, read);
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

    /// A null: the integration does not have this stored secret. Anywhere else it is a mistake, and
    /// so is a key without a value, which a template may have failed to fill in.
    pub(super) fn null(
        &mut self,
        attribute: &Attribute,
        entry: &YamlEntry,
        path: TablePath<'static>,
    ) {
        let span = entry.value.span;
        let is_stored = attribute.class_for(self.auto.unwrap_or(false)) == Class::Secret;
        if is_stored && !self.text.slice(span).is_empty() {
            self.mark_public(span);
            self.without.insert(path.to_path());
            return;
        }
        let help = match attribute.need {
            Need::Always(Evidence::Documented) => "give this attribute a value: it is required",
            Need::Always(_) | Need::Optional | Need::When(..) if is_stored => {
                "add a reference, or write `null` if the integration has no such secret"
            }
            Need::Always(_) | Need::Optional | Need::When(..) => {
                "omit the key to let the server keep its own value"
            }
        };
        let message = format!("`{path}` has no value");
        let draft = DiagnosticBuilder::new(Code::NullValue, entry.key_span, message);
        self.report(draft.label("null in YAML").help(help));
    }

    fn not_empty(
        &mut self,
        entry: &YamlEntry,
        code: Code,
        read: Option<&Value>,
        path: TablePath<'_>,
    ) {
        if code == Code::MissingAttribute && read.is_some_and(is_empty) {
            self.report(
                DiagnosticBuilder::new(
                    Code::EmptyValue,
                    entry.value.span,
                    format!("`{path}` is empty"),
                )
                .label("expected a value")
                .help("give this attribute a value: it is required"),
            );
        }
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

/// The entry of an object, if the file gives one.
fn object_at(config: &YamlEntry, path: ObjectPath) -> Option<&YamlEntry> {
    path.keys().try_fold(config, |entry, key| {
        entry.value.get(key).filter(|it| it.value.is_map())
    })
}

fn missing_draft(missing: &Missing<'_>, platform: &Platform, config: &Object) -> DiagnosticBuilder {
    let names: Vec<String> = missing
        .attributes
        .iter()
        .map(|a| missing.object.join(a.name).to_string())
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
            format!("the server probably requires {}", enumerate(&names, "and")),
            "missing here",
        )
    };
    let mut draft =
        DiagnosticBuilder::new(missing.code, missing.entry.key_span, message).label(label);
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
            TemplatePart::Shown(text) => text.is_empty(),
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
