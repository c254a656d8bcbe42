//! The profile of a tenant: what its API is like, and no value of it.
//!
//! A profile is a JSON document with a version. It names attributes, types and statuses, which
//! are words of the API, and the kinds of their values. From a profile the simulator makes a
//! tenant that answers in the same way, with values of its own.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::options::{ConnectionsApi, Ids, PresentedAttribute, SimulatorOptions, StoredSecrets};
use super::schema::Contract;
use super::store::Beginning;
use super::{SimulatedStatus, Simulator};

/// The version of the document.
pub const PROFILE_VERSION: u64 = 1;

/// The separator of the keys in the path of an attribute.
const SEPARATOR: char = '/';

/// The object of a platform's attributes, as a path.
const CONFIG: &str = "config";

/// The attributes next to `config` that an integration of the simulator has by itself.
const OWN: [&str; 3] = [CONFIG, "autoBootstrap", "validationResults"];

/// The one integration of a type, if there are more, that lacks what may be absent.
const SPARSE: usize = 1;

/// Description of a tenant's API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantProfile {
    /// The version of the document.
    pub format_version: u64,
    /// The version of integrationd that made it.
    pub integrationd: String,
    /// The kinds of values that ids have.
    pub ids: BTreeSet<JsonKind>,
    /// The connections API.
    pub connections: ProfiledConnections,
    /// The forms in which stored secrets are shown; none if there is no type that has secrets, or
    /// no integration of such a type could be read alone.
    pub secrets: BTreeSet<SecretForm>,
    /// The attributes with a default.
    pub defaults: ProfiledDefaults,
    /// The status codes of the reads, by operation.
    pub responses: BTreeMap<String, BTreeSet<u16>>,
    /// The answers that could not be used, by operation.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unusable_responses: BTreeMap<String, BTreeSet<UnusableResponse>>,
    /// The types of integrations.
    pub types: BTreeMap<String, ProfiledType>,
}

/// The kind of a JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JsonKind {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean,
    /// A number.
    Number,
    /// A string.
    String,
    /// A list.
    Array,
    /// An object.
    Object,
}

/// An answer to a read that could not be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnusableResponse {
    /// None came.
    NoResponse,
    /// It was empty.
    Empty,
    /// It was a page of HTML.
    Html,
    /// It was text that is neither JSON nor HTML.
    NotJson,
    /// It was JSON of another shape.
    OtherJson,
    /// It had more values than are read.
    TooLarge,
}

/// The connections API of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProfiledConnections {
    /// There is none.
    Missing,
    /// The API key may not read them.
    Hidden,
    /// They are listed.
    Listed,
    /// The answer could not be used.
    Unreadable,
}

/// The form in which a stored secret is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretForm {
    /// The attribute is absent.
    Omitted,
    /// `********`.
    Mask,
    /// `[REDACTED]`.
    Redacted,
    /// Another text that stands for a secret.
    OtherMask,
    /// A text that may be the secret itself.
    Shown,
}

/// Treatment of attributes that have a default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProfiledDefaults {
    /// They are never absent.
    FilledIn,
    /// Some are absent.
    NotFilledIn,
    /// There is no integration that could have one.
    Unknown,
}

/// A type of integrations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfiledType {
    /// True if this version of integrationd knows it.
    pub known: bool,
    /// The statuses of its integrations.
    pub statuses: BTreeSet<String>,
    /// Its attributes, by path, such as `config/host`.
    pub attributes: BTreeMap<String, ProfiledAttribute>,
    /// Stored secrets that no answer shows, although it shows the object around them; `None` if
    /// no answer for one integration could be read.
    pub secrets_not_shown: Option<BTreeSet<String>>,
}

/// An attribute of a type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfiledAttribute {
    /// True if this version of integrationd knows it.
    pub known: bool,
    /// The kinds of its values.
    pub kinds: BTreeSet<JsonKind>,
    /// True if the list shows it.
    pub list: bool,
    /// True if the answer for one integration shows it; `None` if no such answer could be read.
    pub detail: Option<bool>,
    /// True if some integrations lack it.
    pub sometimes_absent: bool,
    /// True if its value was another one in a second read.
    pub changes: bool,
    /// The forms in which it is shown, if it is a stored secret.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub secret: BTreeSet<SecretForm>,
}

/// A text that is no profile.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// It is not what a profile is.
    #[error("the document is not the profile of a tenant")]
    Invalid(#[from] serde_json::Error),
    /// It has another version.
    #[error("the profile has version {0}, but this program reads only version {PROFILE_VERSION}")]
    Version(u64),
}

/// The only part of a document that is the same in each version.
#[derive(Deserialize)]
struct Versioned {
    format_version: u64,
}

impl JsonKind {
    /// The kind of a value.
    #[must_use]
    pub fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Boolean,
            Value::Number(_) => Self::Number,
            Value::String(_) => Self::String,
            Value::Array(_) => Self::Array,
            Value::Object(_) => Self::Object,
        }
    }

    /// A value of this kind that is another one with another number, where the kind has one.
    pub(super) fn changing(self, number: u64) -> Value {
        match self {
            Self::Object => json!({ "simulated": number }),
            Self::Null | Self::Boolean | Self::Number | Self::String | Self::Array => {
                self.sample(number)
            }
        }
    }

    /// A value of this kind. An object is empty.
    fn sample(self, number: u64) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Boolean => json!(number % 2 == 1),
            Self::Number => json!(number),
            Self::String => json!(format!("simulated-{number}")),
            Self::Array => json!([format!("simulated-{number}")]),
            Self::Object => json!({}),
        }
    }
}

impl TenantProfile {
    /// Reads the document.
    ///
    /// # Errors
    /// The text is no profile, or one of another version.
    pub fn read(text: &str) -> Result<Self, ProfileError> {
        let Versioned { format_version } = serde_json::from_str(text)?;
        if format_version != PROFILE_VERSION {
            return Err(ProfileError::Version(format_version));
        }
        Ok(serde_json::from_str(text)?)
    }

    /// A tenant with this profile: integrations with values of the simulator, as many of each
    /// type as the profile needs. The options are those of the simulator where the profile says
    /// nothing.
    #[must_use]
    pub fn simulator(&self, options: SimulatorOptions) -> Simulator {
        let presented = self.types.iter().map(|(name, one)| {
            let presented = one.presented(name);
            (name.clone(), presented)
        });
        let simulator = Simulator::new(SimulatorOptions {
            secrets: stored(self.secrets.last()),
            ids: if self.ids.contains(&JsonKind::Number) {
                Ids::Number
            } else {
                Ids::Text
            },
            connections: match self.connections {
                ProfiledConnections::Missing => ConnectionsApi::Missing,
                ProfiledConnections::Hidden => ConnectionsApi::Forbidden,
                ProfiledConnections::Listed => ConnectionsApi::Works,
                ProfiledConnections::Unreadable => ConnectionsApi::Paged,
            },
            fills_defaults: match self.defaults {
                ProfiledDefaults::NotFilledIn => false,
                ProfiledDefaults::FilledIn | ProfiledDefaults::Unknown => true,
            },
            presented: presented.collect(),
            ..options
        });
        let mut state = simulator.lock();
        for (name, one) in &self.types {
            for index in 0..one.needed() {
                state.store.insert(one.integration(name, index));
            }
        }
        drop(state);
        simulator
    }
}

/// The simulator's way to show a stored secret. Of several forms, the last shows the most.
fn stored(form: Option<&SecretForm>) -> StoredSecrets {
    match form {
        None | Some(SecretForm::Omitted) => StoredSecrets::Omit,
        Some(SecretForm::Mask) => StoredSecrets::Mask,
        Some(SecretForm::Redacted) => StoredSecrets::Redacted,
        Some(SecretForm::OtherMask) => StoredSecrets::OtherMask,
        Some(SecretForm::Shown) => StoredSecrets::Shown,
    }
}

impl ProfiledType {
    /// The number of integrations in which everything occurs.
    fn needed(&self) -> usize {
        let values = self.attributes.values().map(|it| {
            let sparse = usize::from(it.sometimes_absent);
            it.kinds.len() + sparse
        });
        values.chain([self.statuses.len(), 1]).max().unwrap_or(1)
    }

    /// One of its integrations.
    fn integration(&self, type_name: &str, index: usize) -> Beginning {
        let mut statuses = self.statuses.iter().cycle().skip(index);
        let status = statuses.next().map_or("enabled", String::as_str);
        Beginning {
            id: None,
            type_name: type_name.to_owned(),
            auto_bootstrap: self.has("autoBootstrap", index).then_some(true),
            config: self
                .has(CONFIG, index)
                .then(|| self.config(type_name, index)),
            status: SimulatedStatus::from(status),
            transition: None,
        }
    }

    fn has(&self, path: &str, index: usize) -> bool {
        let attribute = self.attributes.get(path);
        attribute.is_some_and(|it| !(it.sometimes_absent && index == SPARSE))
    }

    /// The `config` of one of its integrations. An object stands before what is in it.
    fn config(&self, type_name: &str, index: usize) -> Map<String, Value> {
        let facts = Contract::get().facts(type_name);
        let mut config = Map::new();
        let mut left_out: Vec<&str> = Vec::new();
        for (path, attribute) in &self.attributes {
            let Some(inner) = inside_config(path) else {
                continue;
            };
            let is_in = |around: &&str| path.starts_with(&format!("{around}{SEPARATOR}"));
            if left_out.iter().any(is_in) || !self.has(path, index) {
                left_out.push(path);
                continue;
            }
            let kind = attribute.kind(index);
            let known = facts.config.sample(inner.split(SEPARATOR));
            let known = known.filter(|value| JsonKind::of(value) == kind);
            let number = u64::try_from(index).unwrap_or_default() + 1;
            put(
                &mut config,
                inner,
                known.unwrap_or_else(|| kind.sample(number)),
            );
        }
        config
    }

    /// The attributes that answers show in another way than they are stored.
    fn presented(&self, type_name: &str) -> Vec<PresentedAttribute> {
        let mut presented = Vec::new();
        for (path, attribute) in &self.attributes {
            let is_stored = OWN.contains(&path.as_str()) || inside_config(path).is_some();
            let text = stored(attribute.secret.last()).mask();
            let is_plain = is_stored && !attribute.changes && text.is_none();
            // Without an answer for an integration alone, it shows what the list shows.
            let has_detail = attribute.detail.unwrap_or(attribute.list);
            if !(is_plain && attribute.list && has_detail) {
                presented.push(PresentedAttribute {
                    path: path.clone(),
                    kind: attribute.kind(0),
                    list: attribute.list,
                    detail: has_detail,
                    is_added: !is_stored,
                    changes: attribute.changes,
                    text: text.map(str::to_owned),
                });
            }
        }
        let key = Contract::get().facts(type_name).api_key.as_deref();
        let own = key.into_iter().chain(["validationResults"]);
        let absent = own.filter(|path| !self.attributes.contains_key(*path));
        presented.extend(absent.map(PresentedAttribute::hidden));
        presented
    }
}

impl ProfiledAttribute {
    /// The kind of its value in one of the integrations: each kind occurs.
    fn kind(&self, index: usize) -> JsonKind {
        let is_after_sparse = self.sometimes_absent && index > SPARSE;
        let index = index - usize::from(is_after_sparse);
        let mut kinds = self.kinds.iter().copied().cycle().skip(index);
        kinds.next().unwrap_or(JsonKind::String)
    }
}

/// The path below `config`, if it is in there.
fn inside_config(path: &str) -> Option<&str> {
    path.strip_prefix(CONFIG)?.strip_prefix(SEPARATOR)
}

/// Puts a value at a path whose objects are there. In an object that is none, nothing is put.
fn put(config: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once(SEPARATOR) {
        None => {
            config.insert(path.to_owned(), value);
        }
        Some((object, rest)) => {
            if let Some(inner) = config.get_mut(object).and_then(Value::as_object_mut) {
                put(inner, rest, value);
            }
        }
    }
}
