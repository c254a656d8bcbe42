//! The profile of a tenant, from the answers to its reads: what the API is like, and no value
//! of it. Pure.
//!
//! Names of attributes, types and statuses are words of the API. One that could be anything
//! else is replaced, and nothing is looked into that the table of a platform does not know:
//! the keys of an unknown object could be values.

mod deviation;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::live::is_mask;
use crate::platform::{
    AUTO_BOOTSTRAP, Attribute, CONFIG, Class, Platform, TYPE, by_wire, every_attribute,
    find_attribute,
};
use crate::simulator::{
    JsonKind, PROFILE_VERSION, ProfiledAttribute, ProfiledConnections, ProfiledDefaults,
    ProfiledType, SecretForm, TenantProfile,
};

pub use deviation::{Deviation, deviations};

/// The operations that are read, as the documentation names them.
pub const LIST: &str = "GET /integrations";
/// The answer for one integration.
pub const DETAIL: &str = "GET /integrations/{id}";
/// Its status.
pub const STATUS: &str = "GET /integrations/{id}/status";

/// Stands for a name that could be something else than a word of the API.
const UNNAMED: &str = "(no identifier)";

/// The longest name of an attribute, type or status.
const LONGEST_NAME: usize = 64;

/// The members of an integration that the documentation names (API.md section 4).
const DOCUMENTED: [&str; 7] = [
    "id",
    "status",
    TYPE,
    AUTO_BOOTSTRAP,
    CONFIG,
    "validationResults",
    "immutaApiKey",
];

/// The members that have a place of their own in a profile.
const OF_EVERY_TYPE: [&str; 3] = ["id", "status", TYPE];

/// Answers of a tenant. They may hold secrets.
#[derive(Default)]
pub struct TenantAnswers {
    /// The elements of the list.
    pub list: Vec<Value>,
    /// The integrations that were read more closely.
    pub samples: Vec<SampledIntegration>,
    /// The status codes, by operation.
    pub responses: BTreeMap<String, BTreeSet<u16>>,
    /// The number of answers that did not come, or could not be read, by operation.
    pub unusable: BTreeMap<String, usize>,
}

/// An integration that was read twice in each way.
pub struct SampledIntegration {
    /// Its elements of the two lists.
    pub list: [Option<Value>; 2],
    /// The two answers for it alone.
    pub detail: [Option<Value>; 2],
}

/// The profile of the tenant with these answers.
#[must_use]
pub fn describe(answers: &TenantAnswers, connections: ProfiledConnections) -> TenantProfile {
    let mut types: BTreeMap<String, ProfiledType> = BTreeMap::new();
    let mut ids = BTreeSet::new();
    for element in &answers.list {
        let Some(name) = type_of(element) else {
            continue;
        };
        ids.extend(element.get("id").map(JsonKind::of));
        let statuses = element.get("status").and_then(Value::as_str);
        let one = types.entry(word(name)).or_insert_with(|| ProfiledType {
            known: by_wire(name).is_some(),
            statuses: BTreeSet::new(),
            attributes: BTreeMap::new(),
            secrets_not_shown: BTreeSet::new(),
        });
        one.statuses.extend(statuses.map(word));
    }
    let mut secrets = BTreeSet::new();
    let mut has_secrets = false;
    for (name, one) in &mut types {
        let of_type =
            |it: &&SampledIntegration| it.type_name().is_some_and(|own| word(own) == *name);
        let samples: Vec<Sample> = answers
            .samples
            .iter()
            .filter(of_type)
            .map(Sample::new)
            .collect();
        one.attributes = attributes(&samples);
        one.secrets_not_shown = secrets_not_shown(name, &one.attributes);
        let forms = one.attributes.values().flat_map(|it| &it.secret);
        secrets.extend(forms);
        has_secrets |= by_wire(name).is_some_and(has_secret);
    }
    if secrets.is_empty() && has_secrets {
        secrets.insert(SecretForm::Omitted);
    }
    TenantProfile {
        format_version: PROFILE_VERSION,
        integrationd: env!("CARGO_PKG_VERSION").to_owned(),
        ids,
        connections,
        secrets,
        defaults: defaults(&types),
        responses: answers.responses.clone(),
        unusable_responses: answers.unusable.clone(),
        types,
    }
}

/// The type of an integration in an answer.
#[must_use]
pub fn type_of(element: &Value) -> Option<&str> {
    element.get(TYPE).and_then(Value::as_str)
}

impl SampledIntegration {
    fn type_name(&self) -> Option<&str> {
        let answers = self.list.iter().chain(&self.detail);
        answers.flatten().find_map(type_of)
    }
}

fn has_secret(platform: &Platform) -> bool {
    every_attribute(platform.attributes).any(|(_, attribute)| attribute.class == Class::Secret)
}

/// The name, if it can be nothing but a word of the API.
fn word(name: &str) -> String {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ' ' | '-');
    let is_word =
        name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(is_letter);
    if is_word && name.len() <= LONGEST_NAME {
        name.to_owned()
    } else {
        UNNAMED.to_owned()
    }
}

/// The attributes that one integration shows.
struct Sample {
    /// True if the answer for the integration alone could be read.
    has_detail: bool,
    shown: BTreeMap<String, ShownAttribute>,
}

/// An attribute of one integration.
#[derive(Default)]
struct ShownAttribute {
    known: bool,
    kinds: BTreeSet<JsonKind>,
    list: bool,
    detail: bool,
    changes: bool,
    secret: BTreeSet<SecretForm>,
}

/// One kind of answer for one integration.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AnswerOf {
    List,
    Detail,
}

impl Sample {
    fn new(integration: &SampledIntegration) -> Self {
        let mut sample = Self {
            has_detail: integration.detail.iter().any(Option::is_some),
            shown: BTreeMap::new(),
        };
        let platform = integration.type_name().and_then(by_wire);
        for (source, answers) in [
            (AnswerOf::List, &integration.list),
            (AnswerOf::Detail, &integration.detail),
        ] {
            // A read that failed shows nothing, and nothing is compared with it.
            let mut read = answers.iter().flatten().filter_map(Value::as_object);
            let Some(first) = read.next() else {
                continue;
            };
            let again = read.next();
            sample.add_members(source, platform, first, again);
        }
        sample
    }

    /// The members of an integration, `config` among them.
    fn add_members(
        &mut self,
        source: AnswerOf,
        platform: Option<&'static Platform>,
        first: &Map<String, Value>,
        again: Option<&Map<String, Value>>,
    ) {
        for (name, value) in first {
            if OF_EVERY_TYPE.contains(&name.as_str()) {
                continue;
            }
            let other = again.map(|again| again.get(name));
            let known = DOCUMENTED.contains(&name.as_str());
            let path = word(name);
            if name == CONFIG && value.is_object() {
                self.add(&path, source, known, value, None);
                let table = platform.map_or(&[][..], |platform| platform.attributes);
                self.add_object(&path, source, table, value, other);
                self.know_key(&path, platform);
            } else {
                self.add(&path, source, known, value, other);
            }
        }
    }

    /// The key of a cluster is known, inside `config` too.
    fn know_key(&mut self, around: &str, platform: Option<&'static Platform>) {
        let Some(snippet) = platform.and_then(|platform| platform.snippet.as_ref()) else {
            return;
        };
        if let Some(shown) = self.shown.get_mut(&format!("{around}/{}", snippet.key)) {
            shown.known = true;
        }
    }

    /// The members of an object that the table knows.
    fn add_object(
        &mut self,
        around: &str,
        source: AnswerOf,
        table: &'static [Attribute],
        object: &Value,
        again: Option<Option<&Value>>,
    ) {
        for (name, value) in object.as_object().into_iter().flatten() {
            let attribute = find_attribute(table, name);
            let other = again.map(|again| again.and_then(|again| again.get(name)));
            let path = format!("{around}/{}", word(name));
            let inner = attribute.map_or(&[][..], Attribute::children);
            if value.is_object() && !inner.is_empty() {
                self.add(&path, source, true, value, None);
                self.add_object(&path, source, inner, value, other);
            } else {
                self.add(&path, source, attribute.is_some(), value, other);
                // What lies in an opaque attribute may be a secret or not.
                if attribute.is_some_and(|it| it.class == Class::Secret) {
                    let shown = self.shown.entry(path).or_default();
                    shown.secret.extend(secret_form(value));
                }
            }
        }
    }

    /// `again` is the value of the second read, if there was one.
    fn add(
        &mut self,
        path: &str,
        source: AnswerOf,
        known: bool,
        value: &Value,
        again: Option<Option<&Value>>,
    ) {
        let shown = self.shown.entry(path.to_owned()).or_default();
        shown.known = known;
        shown.kinds.insert(JsonKind::of(value));
        shown.list |= source == AnswerOf::List;
        shown.detail |= source == AnswerOf::Detail;
        shown.changes |= again.is_some_and(|again| again != Some(value));
    }
}

/// The form of a value of a sensitive attribute.
fn secret_form(value: &Value) -> Option<SecretForm> {
    Some(match value.as_str()? {
        "" => return None,
        "********" => SecretForm::Mask,
        "[REDACTED]" => SecretForm::Redacted,
        _ if is_mask(value) => SecretForm::OtherMask,
        _ => SecretForm::Shown,
    })
}

/// The attributes of a type, from some of its integrations.
fn attributes(samples: &[Sample]) -> BTreeMap<String, ProfiledAttribute> {
    let mut all: BTreeMap<String, ProfiledAttribute> = BTreeMap::new();
    let shown = samples.iter().flat_map(|sample| {
        let shown = sample.shown.iter();
        shown.map(|(path, shown)| (path, shown, sample.has_detail))
    });
    for (path, shown, has_detail) in shown {
        let one = all
            .entry(path.clone())
            .or_insert_with(|| ProfiledAttribute {
                known: shown.known,
                kinds: BTreeSet::new(),
                list: false,
                detail: None,
                sometimes_absent: false,
                changes: false,
                secret: BTreeSet::new(),
            });
        one.kinds.extend(&shown.kinds);
        one.list |= shown.list;
        if has_detail {
            one.detail = Some(one.detail.unwrap_or_default() || shown.detail);
        }
        one.changes |= shown.changes;
        one.secret.extend(&shown.secret);
    }
    for (path, one) in &mut all {
        one.sometimes_absent = samples.iter().any(|it| !it.shown.contains_key(path));
    }
    all
}

/// Stored secrets that no answer shows: the server omits them, or the integrations have none.
fn secrets_not_shown(
    type_name: &str,
    attributes: &BTreeMap<String, ProfiledAttribute>,
) -> BTreeSet<String> {
    let table = by_wire(type_name).map_or(&[][..], |platform| platform.attributes);
    let secrets = every_attribute(table).filter(|(_, it)| it.class == Class::Secret);
    let paths = secrets.map(|(path, _)| format!("{CONFIG}/{path}"));
    let is_not_shown = |path: &String| {
        let around = path.rsplit_once('/').map_or(CONFIG, |(around, _)| around);
        !attributes.contains_key(path) && attributes.contains_key(around)
    };
    paths.filter(is_not_shown).collect()
}

/// Compares the attributes that have a default with the objects around them.
fn defaults(types: &BTreeMap<String, ProfiledType>) -> ProfiledDefaults {
    let mut found = ProfiledDefaults::Unknown;
    for (name, one) in types {
        let table = by_wire(name).map_or(&[][..], |platform| platform.attributes);
        let with_default = every_attribute(table).filter(|(_, it)| it.default.is_some());
        for (path, _) in with_default {
            let path = format!("{CONFIG}/{path}");
            let around = path.rsplit_once('/').map_or(CONFIG, |(around, _)| around);
            let Some(around) = one.attributes.get(around) else {
                continue;
            };
            let is_filled_in = one
                .attributes
                .get(&path)
                .is_some_and(|own| around.sometimes_absent || !own.sometimes_absent);
            if !is_filled_in {
                return ProfiledDefaults::NotFilledIn;
            }
            found = ProfiledDefaults::FilledIn;
        }
    }
    found
}
