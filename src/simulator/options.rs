//! Behaviour of the simulator where the documentation is silent, and its speed.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::profile::JsonKind;

/// The API key that may do everything.
pub const API_KEY: &str = "simulator0key0with0every0permission";

/// An API key that is known and lacks the permission `APPLICATION_ADMIN`.
pub const POWERLESS_API_KEY: &str = "simulator0key0without0permissions";

/// The settings of a simulator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SimulatorOptions {
    /// The key with the permission `APPLICATION_ADMIN`.
    pub admin_key: String,
    /// A key without it.
    pub powerless_key: String,
    /// Duration of a creation, an edit or a deletion.
    #[serde(rename = "settle_ms", with = "milliseconds")]
    pub settle: Duration,
    /// Lifetime of a token.
    #[serde(rename = "token_lifetime_ms", with = "milliseconds")]
    pub token_lifetime: Duration,
    /// Replacement for stored secrets in responses.
    pub secrets: StoredSecrets,
    /// Form of ids.
    pub ids: Ids,
    /// The connections API.
    pub connections: ConnectionsApi,
    /// Form in which a connection writes the id of its integration.
    pub connection_ids: Ids,
    /// The HTTP status of a write that was taken on.
    pub success: u16,
    /// True if a deleted integration stays, with the status `deleted`.
    pub deleted_lingers: bool,
    /// Form of the answer to a request for a script.
    pub scripts: ScriptForm,
    /// By type, the attributes of `config` that a PUT may not change, in place of the built-in guess.
    pub immutable: BTreeMap<String, Vec<String>>,
    /// By type, attributes that are accepted although no documentation knows
    /// them, such as `config.newAttribute`.
    pub also_known: BTreeMap<String, Vec<String>>,
    /// True if every answer shows undocumented attributes, with another value each time:
    /// [`VOLATILE`], next to `config` and in it.
    pub volatile: bool,
    /// True if the answer for one integration shows more in `config` than the list: the
    /// API key of the types that have one, and [`DETAIL`] of the others.
    pub detail_shows_more: bool,
    /// By type, objects of `config` whose members only the answer for one integration shows,
    /// unless it has them. A member that is `null` stands for another text in each answer.
    pub detail_attributes: BTreeMap<String, BTreeMap<String, Value>>,
    /// True if attributes that a write omits get their defaults.
    pub fills_defaults: bool,
    /// By type, the attributes that answers show in another way than they are stored.
    pub presented: BTreeMap<String, Vec<PresentedAttribute>>,
}

/// An attribute that answers show in another way than it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PresentedAttribute {
    /// Its path, such as `config/host`.
    pub path: String,
    /// The kind of the values that the simulator makes for it.
    pub kind: JsonKind,
    /// True if the list shows it.
    pub list: bool,
    /// True if the answer for one integration shows it.
    pub detail: bool,
    /// True if it is shown of integrations that do not have it, too.
    pub is_added: bool,
    /// True if it has another value in every answer.
    pub changes: bool,
    /// The text that is shown in the place of its value.
    pub text: Option<String>,
}

impl PresentedAttribute {
    /// One that no answer shows.
    pub(super) fn hidden(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            kind: JsonKind::Null,
            list: false,
            detail: false,
            is_added: false,
            changes: false,
            text: None,
        }
    }
}

/// An attribute that is another one in every answer, if the options say so.
pub const VOLATILE: &str = "readNumber";

/// An attribute that the list lacks, if the options say so.
pub const DETAIL: &str = "detail";

/// The attribute of the API key in `config`, if the options say so.
pub(super) const DETAIL_KEY: &str = "immutaApiKey";

/// Content of a read in place of a stored secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoredSecrets {
    /// Nothing: the attribute is absent.
    Omit,
    /// `********`.
    Mask,
    /// `[REDACTED]`, as the connections API has it (API.md section 7).
    Redacted,
    /// Another text that stands for a secret.
    OtherMask,
    /// A text that could be the secret itself; it is the same for each.
    Shown,
}

/// Behaviour of the search for connections (API.md 10.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionsApi {
    /// 404: the tenant has no connections API
    Missing,
    /// An HTML page, which some tenants without a connections API return
    Html,
    /// 403: the API key lacks the permission
    Forbidden,
    /// All connections, as an array
    Works,
    /// All connections, as an object, but only for requests without a body
    WithoutBody,
    /// The first connection, with a hint that there are more
    Paged,
}

/// Form of a script in responses (API.md 3.2: undocumented).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScriptForm {
    /// As plain text.
    Text,
    /// As a JSON string.
    String,
    /// As the only attribute of a JSON object.
    Object,
}

/// Form of ids in responses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ids {
    /// As strings, as in the documentation's examples.
    Text,
    /// As numbers, as in its tables.
    Number,
}

impl Default for SimulatorOptions {
    fn default() -> Self {
        Self {
            admin_key: API_KEY.to_owned(),
            powerless_key: POWERLESS_API_KEY.to_owned(),
            // Long enough to be seen, short enough to wait for.
            settle: Duration::from_secs(1),
            token_lifetime: Duration::from_secs(3600),
            secrets: StoredSecrets::Omit,
            ids: Ids::Text,
            connections: ConnectionsApi::Missing,
            connection_ids: Ids::Number,
            success: 200,
            deleted_lingers: false,
            scripts: ScriptForm::Text,
            immutable: BTreeMap::new(),
            also_known: BTreeMap::new(),
            volatile: false,
            detail_shows_more: false,
            detail_attributes: BTreeMap::new(),
            fills_defaults: true,
            presented: BTreeMap::new(),
        }
    }
}

impl SimulatorOptions {
    /// These options with the attributes of a JSON object put in.
    pub(super) fn patched(&self, patch: &Value) -> Result<Self, serde_json::Error> {
        let mut whole = serde_json::to_value(self)?;
        match (whole.as_object_mut(), patch.as_object()) {
            (Some(whole), Some(patch)) => whole.extend(patch.clone()),
            // Left to the deserializer, which says what it expected.
            (_, None) | (None, _) => whole = patch.clone(),
        }
        serde_json::from_value(whole)
    }
}

impl SimulatorOptions {
    /// The attributes of `config` that answers show and no integration has. The server
    /// sets them, so that it takes them back and forgets them.
    pub(super) fn shown_only(&self) -> impl Iterator<Item = &'static str> {
        let volatile = self.volatile.then_some(VOLATILE);
        let detail = self.detail_shows_more.then_some([DETAIL, DETAIL_KEY]);
        volatile.into_iter().chain(detail.into_iter().flatten())
    }
}

impl StoredSecrets {
    pub(super) fn mask(self) -> Option<&'static str> {
        match self {
            Self::Omit => None,
            Self::Mask => Some("********"),
            Self::Redacted => Some("[REDACTED]"),
            Self::OtherMask => Some("<hidden>"),
            Self::Shown => Some("simulated-secret"),
        }
    }
}

impl Ids {
    pub(super) fn write(self, id: u64) -> Value {
        match self {
            Self::Text => Value::from(id.to_string()),
            Self::Number => Value::from(id),
        }
    }
}

/// Durations as whole milliseconds.
mod milliseconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(
        duration: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let whole = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        whole.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}
