//! The attributes of each platform, from its table.

use std::fmt::Write as _;

use integrationd::platform::{
    Attribute, Class, Condition, Evidence, Identity, Need, PLATFORMS, PayloadShape, Platform, Rule,
    Scalar, Shape, StringRule,
};

use super::{head, row};

pub(super) fn attributes() -> String {
    let mut out = String::new();
    for platform in PLATFORMS {
        describe_platform(platform, &mut out);
    }
    out
}

fn describe_platform(platform: &Platform, out: &mut String) {
    let wire = platform.wire;
    write!(out, "## {}\n\n`type: {wire}`. ", platform.title).unwrap();
    *out += match platform.payload {
        PayloadShape::Full => "`autoBootstrap` is `true` or `false`. ",
        PayloadShape::ManualOnly => "`autoBootstrap` must be `false`. ",
        PayloadShape::TypeOnly => {
            "The payload is only `type`, without `autoBootstrap` and `config`. Such an integration is never updated. "
        }
    };
    match platform.identity {
        Identity::Host(name) | Identity::Name(name) => {
            write!(
                out,
                "A file and its live integration have the same `{name}`. "
            )
            .unwrap();
        }
        Identity::Hint(name) => {
            let text = "No attribute identifies an integration with certainty: an update requires `sync.id`, unless this installation created the integration.";
            write!(out, "{text} `{name}` is only a hint. ").unwrap();
        }
        Identity::Nothing => {
            *out += "No attribute identifies an integration: a file is paired with the only live integration of this type. ";
        }
    }
    for rule in platform.rules {
        let Rule::Unique(name, _) = rule;
        write!(out, "No two integrations share the same `{name}`. ").unwrap();
    }
    if platform.deleted_with_credentials {
        *out += "Deleting an integration that was set up automatically requires the credentials of its setup. ";
    }
    out.truncate(out.trim_end().len());
    *out += "\n\n";
    if !platform.attributes.is_empty() {
        *out += &head(&["attribute", "value", "required", "a change", "purpose"]);
        describe_attributes(platform.attributes, "", out);
        out.push('\n');
    }
}

fn describe_attributes(attributes: &[Attribute], above: &str, out: &mut String) {
    for attribute in attributes {
        let path = format!("{above}{}", attribute.name);
        let cells = [
            format!("`{path}`"),
            value(attribute),
            required(attribute.need),
            change(attribute),
            attribute.doc.to_owned(),
        ];
        *out += &row(&cells.each_ref().map(String::as_str));
        describe_attributes(attribute.children(), &format!("{path}/"), out);
    }
}

fn value(attribute: &Attribute) -> String {
    let shape = match attribute.shape {
        Shape::Text(_) if attribute.secret_parameters.is_some() => {
            "text; may contain [secret parameters](secrets.md#secrets-inside-a-text)".to_owned()
        }
        Shape::Text(format) if format.expected == StringRule::ANY.expected => "text".to_owned(),
        Shape::Text(format) => format!("text: {}", format.expected),
        Shape::Bool => "`true` or `false`".to_owned(),
        Shape::Integer { min, max: i64::MAX } => format!("number from {min}"),
        Shape::Integer { min, max } => format!("number from {min} to {max}"),
        Shape::Enum(words, _) => {
            let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            words.join(", ")
        }
        Shape::Object(_) => "object".to_owned(),
        Shape::TextList => "list of texts".to_owned(),
        Shape::Opaque => "anything".to_owned(),
    };
    match attribute.default {
        None => shape,
        Some(Scalar::Text(text)) => format!("{shape}; default `{text}`"),
        Some(Scalar::Integer(number)) => format!("{shape}; default `{number}`"),
        Some(Scalar::Bool(value)) => format!("{shape}; default `{value}`"),
    }
}

fn required(need: Need) -> String {
    let word = |evidence| match evidence {
        Evidence::Documented => "yes",
        Evidence::SecondHand | Evidence::Inferred => "likely",
        Evidence::Recalled | Evidence::Unknown => "perhaps",
    };
    match need {
        Need::Optional => String::new(),
        Need::Always(evidence) => word(evidence).to_owned(),
        Need::When(conditions, evidence) => {
            let conditions = conditions.iter().map(|condition| match condition {
                Condition::AutoBootstrap(value) => format!("`autoBootstrap` is `{value}`"),
                Condition::Is(name, word) => format!("`{name}` is `{word}`"),
            });
            let conditions: Vec<String> = conditions.collect();
            format!("{}, if {}", word(evidence), conditions.join(" and "))
        }
    }
}

fn change(attribute: &Attribute) -> String {
    let word = |class| match class {
        Class::Identity => "identity",
        Class::Mutable => "update",
        Class::Immutable => "replacement",
        Class::Secret => "secret",
        Class::OneTime => "one-time",
        Class::ServerSet => "never compared",
    };
    match (attribute.shape, attribute.class, attribute.class_when_auto) {
        (Shape::Object(_), ..) => String::new(),
        (_, class, None) => word(class).to_owned(),
        (_, class, Some(auto)) => {
            format!(
                "{}; {} if `autoBootstrap` is `true`",
                word(class),
                word(auto)
            )
        }
    }
}
