//! Properties of every table, and the tables as a reviewer sees them.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::*;

/// The values of `type`, copied from API.md 4.1 by hand.
const WIRE_NAMES: [&str; 7] = [
    "Azure Synapse Analytics",
    "Databricks",
    "Google BigQuery",
    "Native S3",
    "Redshift",
    "Snowflake",
    "Trino",
];

/// Every attribute of every platform with its path, parents before children.
fn every_attribute() -> impl Iterator<Item = (&'static Platform, String, &'static Attribute)> {
    PLATFORMS.iter().flat_map(|platform| {
        below(platform.attributes, "")
            .into_iter()
            .map(move |(path, attribute)| (*platform, path, attribute))
    })
}

fn below(level: &'static [Attribute], prefix: &str) -> Vec<(String, &'static Attribute)> {
    let mut found = Vec::new();
    for attribute in level {
        let path = format!("{prefix}{}", attribute.name);
        let inside = below(attribute.children(), &format!("{path}/"));
        found.push((path, attribute));
        found.extend(inside);
    }
    found
}

/// Asserts a property of every attribute, and names those that lack it.
#[track_caller]
fn every_attribute_holds(property: impl Fn(&'static Platform, &'static Attribute) -> bool) {
    let lacking: Vec<String> = every_attribute()
        .filter(|(platform, _, attribute)| !property(platform, attribute))
        .map(|(platform, path, _)| format!("{}: {path}", platform.wire))
        .collect();
    assert!(lacking.is_empty(), "{lacking:#?}");
}

fn is_leaf(attribute: &Attribute) -> bool {
    !matches!(attribute.shape, Shape::Object(_))
}

fn fits(value: Scalar, shape: Shape) -> bool {
    match (shape, value) {
        (Shape::Text(format), Scalar::Text(text)) => (format.accepts)(text),
        (Shape::Enum(words, _), Scalar::Text(text)) => words.contains(&text),
        (Shape::Bool, Scalar::Bool(_)) => true,
        (Shape::Integer { min, max }, Scalar::Integer(number)) => (min..=max).contains(&number),
        _ => false,
    }
}

fn is_unique<'a>(words: impl IntoIterator<Item = &'a str>) -> bool {
    let mut seen = BTreeSet::new();
    words.into_iter().all(|w| seen.insert(w.to_lowercase()))
}

#[test]
fn the_seven_documented_types_are_known_and_no_others() {
    let mut known: Vec<_> = PLATFORMS.iter().map(|p| p.wire).collect();
    known.sort_unstable();
    assert_eq!(known, WIRE_NAMES);
}

#[test]
fn platforms_stand_in_the_order_of_their_titles() {
    assert!(PLATFORMS.is_sorted_by_key(|p| p.title));
}

#[test]
fn an_alias_means_one_platform_and_is_no_type_itself() {
    assert!(is_unique(PLATFORMS.iter().flat_map(|p| {
        std::iter::once(p.wire).chain(p.aliases.iter().copied())
    })));
}

#[test]
fn a_title_that_is_not_the_type_is_an_alias() {
    for platform in PLATFORMS {
        let (title, wire) = (platform.title, platform.wire);
        assert!(
            title == wire || platform.aliases.contains(&title),
            "{title}"
        );
    }
}

#[test]
fn the_names_on_one_level_are_unique() {
    for platform in PLATFORMS {
        let levels = below(platform.attributes, "");
        let levels = levels.iter().map(|(_, attribute)| attribute.children());
        for level in levels.chain([platform.attributes]) {
            assert!(is_unique(level.iter().map(|a| a.name)), "{}", platform.wire);
        }
    }
}

#[test]
fn an_attribute_is_found_by_its_path() {
    for (platform, path, attribute) in every_attribute() {
        let found = platform.attribute(&path).map(|found| found.doc);
        assert_eq!(found, Some(attribute.doc), "{}: {path}", platform.wire);
        assert!(platform.attribute(format!("{path}/no such")).is_none());
    }
}

#[test]
fn a_doc_is_one_sentence() {
    every_attribute_holds(|_, a| {
        a.doc.starts_with(|c: char| c.is_ascii_uppercase())
            && a.doc.ends_with('.')
            && !a.doc.ends_with("..")
            && !a.doc.contains('\n')
    });
}

#[test]
fn object_has_no_class_and_no_default_of_its_own() {
    every_attribute_holds(|_, a| {
        is_leaf(a)
            || (a.class == Class::Mutable
                && a.class_when_auto.is_none()
                && a.default.is_none()
                && !a.children().is_empty())
    });
}

#[test]
fn the_identity_is_always_there_to_pair_by() {
    for platform in PLATFORMS {
        let by = match platform.identity {
            Identity::Host(path) | Identity::Name(path) | Identity::Hint(path) => Some(path),
            Identity::Nothing => None,
        };
        if let Some(by) = by {
            let attribute = platform.attribute(by).expect(platform.wire);
            assert!(
                matches!(attribute.need, Need::Always(_)) || attribute.default.is_some(),
                "{}: {by} may be missing",
                platform.wire
            );
        }
        let of_class: Vec<_> = below(platform.attributes, "")
            .into_iter()
            .filter(|(_, attribute)| attribute.class == Class::Identity)
            .map(|(path, _)| path)
            .collect();
        let expected: Vec<_> = by.map(str::to_owned).into_iter().collect();
        assert_eq!(of_class, expected, "{}", platform.wire);
    }
}

#[test]
fn a_condition_speaks_of_an_attribute_and_a_word_that_exist() {
    every_attribute_holds(|platform, a| match a.need {
        Need::Optional | Need::Always(_) => true,
        Need::When(conditions, _) => {
            !conditions.is_empty() && conditions.iter().all(|c| is_possible(*c, platform))
        }
    });
}

fn is_possible(condition: Condition, platform: &Platform) -> bool {
    match condition {
        Condition::AutoBootstrap(_) => platform.payload == PayloadShape::Full,
        Condition::Is(name, word) => platform
            .attributes
            .iter()
            .find(|a| a.name == name)
            .is_some_and(|a| fits(Scalar::Text(word), a.shape)),
    }
}

#[test]
fn a_default_fits_its_shape() {
    every_attribute_holds(|_, a| a.default.is_none_or(|value| fits(value, a.shape)));
}

#[test]
fn what_is_secret_has_no_default_and_no_words_to_choose_from() {
    every_attribute_holds(|_, a| {
        !a.is_sensitive()
            || (a.default.is_none() && matches!(a.shape, Shape::Text(_) | Shape::Opaque))
    });
}

#[test]
fn what_sounds_like_a_secret_is_one() {
    const WORDS: &[&str] = &["password", "secret", "token", "credential", "accesskey"];
    every_attribute_holds(|_, a| {
        let name = a.name.to_lowercase();
        !is_leaf(a) || a.is_sensitive() || !WORDS.iter().any(|word| name.contains(word))
    });
}

#[test]
fn one_time_credentials_need_an_automatic_set_up() {
    every_attribute_holds(|platform, a| match a.class_when_auto {
        None => true,
        Some(class) => class == Class::OneTime && platform.payload == PayloadShape::Full,
    });
}

#[test]
fn a_rule_speaks_of_attributes_that_exist() {
    for platform in PLATFORMS {
        for rule in platform.rules {
            let Rule::Unique(path, _) = rule;
            assert!(platform.attribute(path).is_some(), "{path}");
        }
    }
}

#[test]
fn a_payload_of_type_alone_has_no_attributes() {
    for platform in PLATFORMS {
        let alone = platform.payload == PayloadShape::TypeOnly;
        assert_eq!(alone, platform.attributes.is_empty(), "{}", platform.wire);
    }
}

#[test]
fn every_platform_has_one_example_and_every_example_a_platform() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/integrations.d");
    let mut types: Vec<String> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| type_of(&std::fs::read_to_string(entry.unwrap().path()).unwrap()))
        .collect();
    types.sort_unstable();
    assert_eq!(types, WIRE_NAMES);
}

fn type_of(example: &str) -> String {
    let line = example.lines().find_map(|line| line.strip_prefix("type: "));
    let line = line.expect("a line with the type");
    // A comment may stand behind it.
    let (name, _) = line.split_once(" #").unwrap_or((line, ""));
    name.trim_end().to_owned()
}

/// A change of a table shows here, so that it is reviewed as a change of
/// behaviour. `INSTA_UPDATE=always cargo test` writes it anew.
#[test]
fn the_tables() {
    insta::assert_snapshot!(PLATFORMS.iter().map(|p| render(p)).collect::<String>());
}

fn render(platform: &Platform) -> String {
    let mut text = format!("{} ({})\n", platform.wire, platform.title);
    let Platform {
        payload,
        identity,
        rules,
        aliases,
        ..
    } = platform;
    writeln!(text, "  {payload:?}, identity {identity:?}").unwrap();
    writeln!(text, "  also called {}", aliases.join(", ")).unwrap();
    for rule in *rules {
        writeln!(text, "  rule {rule:?}").unwrap();
    }
    for (path, attribute) in below(platform.attributes, "") {
        let line = [
            format!("{path:38}"),
            format!("{:22}", class(attribute)),
            format!("{:53}", need(attribute.need)),
            shape(attribute.shape),
            default(attribute.default),
        ];
        writeln!(text, "  {}", line.join(" ").trim_end()).unwrap();
    }
    text.push('\n');
    text
}

fn class(attribute: &Attribute) -> String {
    match (attribute.class, attribute.class_when_auto) {
        _ if !is_leaf(attribute) => String::new(),
        (class, None) => format!("{class:?}"),
        (class, Some(auto)) => format!("{class:?}, auto {auto:?}"),
    }
}

fn need(need: Need) -> String {
    match need {
        Need::Optional => "-".to_owned(),
        Need::Always(evidence) => format!("required {}", tag(evidence)),
        Need::When(conditions, evidence) => {
            let all: Vec<_> = conditions.iter().map(|c| condition(*c)).collect();
            format!("when {} {}", all.join(" and "), tag(evidence))
        }
    }
}

fn condition(condition: Condition) -> String {
    match condition {
        Condition::AutoBootstrap(value) => format!("auto={value}"),
        Condition::Is(name, word) => format!("{name}={word}"),
    }
}

fn shape(shape: Shape) -> String {
    match shape {
        Shape::Text(format) if format.expected == StringRule::ANY.expected => "text".to_owned(),
        Shape::Text(format) => format!("text: {} {}", format.expected, tag(format.evidence)),
        Shape::Bool => "bool".to_owned(),
        Shape::Integer { min, max } => format!("{min}..={max}"),
        Shape::Enum(words, evidence) => format!("{} {}", words.join("|"), tag(evidence)),
        Shape::Object(_) => "object".to_owned(),
        Shape::TextList => "list of text".to_owned(),
        Shape::Opaque => "opaque".to_owned(),
    }
}

fn default(default: Option<Scalar>) -> String {
    match default {
        None => String::new(),
        Some(Scalar::Text(text)) => format!("= {text:?}"),
        Some(Scalar::Integer(number)) => format!("= {number}"),
        Some(Scalar::Bool(value)) => format!("= {value}"),
    }
}

/// The tag of API.md section 0.
fn tag(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Documented => "[D]",
        Evidence::SecondHand => "[2]",
        Evidence::Inferred => "[I]",
        Evidence::Recalled => "[R]",
        Evidence::Unknown => "[U]",
    }
}

/// A name that says so is not a proof, and one that is forgotten would let a
/// file send secrets where no operator allowed it.
#[test]
fn an_attribute_that_sounds_like_an_address_leads_somewhere() {
    let sounds = ["host", "url", "uri", "endpoint", "server", "args", "domain"];
    every_attribute_holds(|platform, attribute| {
        let name = attribute.name.to_lowercase();
        let is_host = platform.host_attribute() == Some(attribute.name);
        let target = is_host || attribute.target != CredentialTarget::Nowhere;
        target || !sounds.iter().any(|sound| name.contains(sound))
    });
}

#[test]
fn a_stored_secret_has_a_sign_or_is_required() {
    every_attribute_holds(|_, attribute| {
        let is_required = matches!(
            attribute.need,
            Need::Always(Evidence::Documented) | Need::When(_, Evidence::Documented)
        );
        attribute.class != Class::Secret
            || is_required
            || attribute.lack == Some(Lack::Perhaps)
            || !attribute.stored_with.is_empty()
    });
}

#[test]
fn a_sign_is_a_visible_attribute_of_the_table() {
    for platform in PLATFORMS {
        for (path, attribute) in super::every_attribute(platform.attributes) {
            for sign in attribute.stored_with {
                let sign = sign.path(path).to_path();
                let read = platform.attribute(&sign);
                let read = read.unwrap_or_else(|| panic!("{}: {sign}", platform.wire));
                assert!(is_leaf(read) && !read.is_sensitive(), "{path}: {sign}");
                assert_eq!(attribute.class, Class::Secret, "{path}");
            }
        }
    }
}
