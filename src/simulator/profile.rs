//! The profile of a tenant: what its API is like, and no value of it.
//!
//! A profile is a JSON document with a version. It names attributes, types and statuses, which
//! are words of the API, and the kinds of their values. From a profile the simulator makes a
//! tenant that answers in the same way, with values of its own.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Simulator;
use super::fault::{Fault, FaultKind};
use super::invented::integrations;
use super::options::{ConnectionsApi, Ids, PresentedAttribute, SimulatorOptions, StoredSecrets};
use super::schema::Contract;

/// The version of the document.
pub const PROFILE_VERSION: u64 = 1;

/// The separator of the keys in the path of an attribute.
pub(super) const SEPARATOR: char = '/';

/// The object of a platform's attributes, as a path.
pub(super) const CONFIG: &str = "config";

/// The read of one integration.
const DETAIL: &str = "GET /integrations/{id}";

/// The read of its status.
const STATUS: &str = "GET /integrations/{id}/status";

/// The attributes next to `config` that an integration of the simulator has by itself.
const OWN: [&str; 3] = [CONFIG, AUTO_BOOTSTRAP, "validationResults"];

/// The attribute that says how the platform is set up.
pub(super) const AUTO_BOOTSTRAP: &str = "autoBootstrap";

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
    pub(super) fn sample(self, number: u64) -> Value {
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
        for (name, one) in &self.types {
            for integration in integrations(name, one) {
                let id = simulator.lock().store.insert(integration);
                for fault in self.faults(one, id) {
                    simulator.fault(fault);
                }
            }
        }
        simulator
    }
}

impl TenantProfile {
    /// The reads of an integration that fail: those of which none succeeded, as far as known.
    fn faults(&self, of_type: &ProfiledType, id: u64) -> Vec<Fault> {
        let mut attributes = of_type.attributes.values();
        let has_no_detail = attributes.any(|it| it.detail.is_none());
        let codes = self.responses.get(STATUS);
        let has_no_status = codes.is_some_and(|codes| !codes.contains(&200));
        let reads = [
            (DETAIL, has_no_detail, format!("/integrations/{id}")),
            (STATUS, has_no_status, format!("/integrations/{id}/status")),
        ];
        let failing = reads.into_iter().filter(|(_, fails, _)| *fails);
        failing
            .filter_map(|(operation, _, path)| {
                let kind = self.failure(operation)?;
                Some(Fault::new(kind).always().on(&Method::GET, &path))
            })
            .collect()
    }

    /// The way in which a read fails.
    fn failure(&self, operation: &str) -> Option<FaultKind> {
        let codes = self.responses.get(operation).into_iter().flatten();
        let code = codes.copied().find(|code| *code != 200);
        let mut forms = self.unusable_responses.get(operation).into_iter().flatten();
        match (code, forms.next()) {
            (Some(404), _) => Some(FaultKind::NotFound {
                message: "Not Found".to_owned(),
            }),
            (Some(code), _) => Some(FaultKind::ServerError {
                code,
                after_effect: false,
            }),
            (None, Some(form)) => Some(form.fault(operation)),
            (None, None) => None,
        }
    }
}

impl UnusableResponse {
    /// The fault that is most like it.
    fn fault(self, operation: &str) -> FaultKind {
        match self {
            Self::NoResponse => FaultKind::DropBefore,
            Self::OtherJson => FaultKind::Misplace {
                path: if operation == DETAIL {
                    "/type"
                } else {
                    "/status"
                }
                .to_owned(),
                value: Value::Null,
            },
            Self::Html | Self::Empty | Self::NotJson | Self::TooLarge => FaultKind::Html {
                after_effect: false,
            },
        }
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
    /// The attributes that answers show in another way than they are stored.
    fn presented(&self, type_name: &str) -> Vec<PresentedAttribute> {
        let mut presented = Vec::new();
        for (path, attribute) in &self.attributes {
            let is_stored = OWN.contains(&path.as_str()) || inside_config(path).is_some();
            let has = |kind| attribute.kinds.contains(&kind);
            let is_text =
                path == AUTO_BOOTSTRAP && has(JsonKind::String) && !has(JsonKind::Boolean);
            let text = stored(attribute.secret.last()).mask();
            let text = text.or(is_text.then_some("false"));
            let is_plain = is_stored && !attribute.changes && text.is_none();
            // Without an answer for an integration alone, it shows what the list shows.
            let has_detail = attribute.detail.unwrap_or(attribute.list);
            if !(is_plain && attribute.list && has_detail) {
                presented.push(PresentedAttribute {
                    path: path.clone(),
                    kind: attribute.kinds.first().copied().unwrap_or(JsonKind::String),
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

/// The path below `config`, if it is in there.
pub(super) fn inside_config(path: &str) -> Option<&str> {
    path.strip_prefix(CONFIG)?.strip_prefix(SEPARATOR)
}
