//! The profile of a tenant, from the answers to its reads: what the API is like, and no value
//! of it. Pure.
//!
//! Names of attributes, types and statuses are words of the API. One that could be anything
//! else is replaced, and nothing is looked into that the table of a platform does not know:
//! the keys of an unknown object could be values.

mod deviation;
mod reads;
mod word;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::live::is_mask;
use crate::platform::{
    AUTO_BOOTSTRAP, Attribute, CONFIG, Class, Platform, TYPE, by_wire, every_attribute,
    find_attribute,
};
use crate::simulator::{
    JsonKind, PROFILE_VERSION, ProfiledAttribute, ProfiledConnections, ProfiledDefaults,
    ProfiledType, SecretForm, TenantProfile, UnusableResponse,
};

pub use deviation::{Deviation, deviations};
pub use reads::{FailedReads, ReadOutcome, TenantReads};
use word::{UNNAMED, type_word, word};

/// The operations that are read, as the documentation names them.
pub const LIST: &str = "GET /integrations";
/// The answer for one integration.
pub const DETAIL: &str = "GET /integrations/{id}";
/// Its status.
pub const STATUS: &str = "GET /integrations/{id}/status";

/// The most unknown names in an object inside `config`. More of them are the keys of a map, and
/// so values.
const MOST_UNKNOWN: usize = 5;

/// The results of the validation tests.
const VALIDATION: &str = "validationResults";

/// The members of an integration that the documentation names (API.md section 4).
const DOCUMENTED: [&str; 7] = [
    "id",
    "status",
    TYPE,
    AUTO_BOOTSTRAP,
    CONFIG,
    VALIDATION,
    "immutaApiKey",
];

/// The members that have a place of their own in a profile.
const OF_EVERY_TYPE: [&str; 3] = ["id", "status", TYPE];

/// Answers of a tenant. They may hold secrets.
#[derive(Default)]
pub struct TenantAnswers {
    /// The integrations of the list.
    pub list: Vec<Value>,
    /// True if the list has an element that is no integration.
    pub has_other_elements: bool,
    /// The integrations that were read more closely.
    pub samples: Vec<SampledIntegration>,
    /// Every read.
    pub reads: TenantReads,
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
        let one = types
            .entry(type_word(name))
            .or_insert_with(|| ProfiledType {
                known: by_wire(name).is_some(),
                statuses: BTreeSet::new(),
                attributes: BTreeMap::new(),
                secrets_not_shown: None,
            });
        one.statuses.extend(statuses.map(word));
    }
    let mut secrets = BTreeSet::new();
    let mut are_omitted = false;
    let mut read_types = BTreeSet::new();
    for (name, one) in &mut types {
        let of_type = |it: &&SampledIntegration| {
            let own = it.type_name();
            own.is_some_and(|own| type_word(own) == *name)
        };
        let samples: Vec<Sample> = answers
            .samples
            .iter()
            .filter(of_type)
            .map(Sample::new)
            .collect();
        one.attributes = attributes(&samples);
        let forms = one.attributes.values().flat_map(|it| &it.secret);
        secrets.extend(forms);
        if samples.iter().any(|it| it.has_detail) {
            one.secrets_not_shown = Some(secrets_not_shown(name, &one.attributes));
            are_omitted |= by_wire(name).is_some_and(has_secret);
            read_types.insert(name.clone());
        }
    }
    if secrets.is_empty() && are_omitted {
        secrets.insert(SecretForm::Omitted);
    }
    let mut unusable_responses = answers.reads.unusable();
    if answers.has_other_elements {
        let of_list = unusable_responses.entry(LIST.to_owned()).or_default();
        of_list.insert(UnusableResponse::OtherJson);
    }
    TenantProfile {
        format_version: PROFILE_VERSION,
        integrationd: env!("CARGO_PKG_VERSION").to_owned(),
        ids,
        connections,
        secrets,
        defaults: defaults(&types, &read_types),
        responses: answers.reads.codes(),
        unusable_responses,
        types,
    }
}

/// True if this is an integration: an object with a type and an id.
#[must_use]
pub fn is_integration(value: &Value) -> bool {
    type_of(value).is_some_and(|name| !name.is_empty()) && value.get("id").is_some()
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
        let is_map = around != CONFIG && count_unknown(table, object) > MOST_UNKNOWN;
        for (name, value) in object.as_object().into_iter().flatten() {
            let attribute = find_attribute(table, name);
            let other = again.map(|again| again.and_then(|again| again.get(name)));
            let path = if attribute.is_none() && is_map {
                format!("{around}/{UNNAMED}")
            } else {
                format!("{around}/{}", word(name))
            };
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

/// The members of an object that the table does not know.
fn count_unknown(table: &'static [Attribute], object: &Value) -> usize {
    let names = object.as_object().into_iter().flat_map(Map::keys);
    names
        .filter(|it| find_attribute(table, it).is_none())
        .count()
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
        // An attribute of the list is missing there, or it is only unread.
        let mut read = samples.iter().filter(|it| it.has_detail || one.list);
        one.sometimes_absent = read.any(|it| !it.shown.contains_key(path));
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

/// Compares the attributes that have a default with the objects around them. A type whose
/// integrations could be read only in the list may have more attributes than the list shows.
fn defaults(
    types: &BTreeMap<String, ProfiledType>,
    read_types: &BTreeSet<String>,
) -> ProfiledDefaults {
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
            if is_filled_in {
                found = ProfiledDefaults::FilledIn;
            } else if read_types.contains(name) {
                return ProfiledDefaults::NotFilledIn;
            }
        }
    }
    found
}
