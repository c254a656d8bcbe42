//! State of the tenant: integrations, their statuses, and its unreadable parts.
//!
//! Pure data, made by the wire reader and read by the planner. The invariant that matters: an
//! integration that could not be read is never absent. It makes its [`Scope`] unknown, and
//! nothing is created or deleted from there.

mod mask;
mod owners;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use crate::platform::{
    Attribute, AttributePath, Platform, by_wire, find_attribute, keys, value_at, walk,
};
use crate::secret::{MASK, Scrubber, Template};

pub use mask::is_mask;
pub use owners::{Backing, Connection, Connections, OwnedWrite, Owners, OwnersSource};

/// The id of an integration on the server, kept as text: the documentation says
/// number, its examples show strings (API.md section 4).
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct RemoteId(String);

impl RemoteId {
    /// Takes an id over.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The text, as it goes into a path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for RemoteId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Ord for RemoteId {
    /// By number where both are numbers, so that 9 comes before 10.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let number = |id: &Self| id.0.parse::<u64>().unwrap_or(u64::MAX);
        (number(self), &self.0).cmp(&(number(other), &other.0))
    }
}

impl PartialOrd for RemoteId {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// Result of one read of the tenant.
#[derive(Debug, Clone, Default)]
pub struct Live {
    /// The readable integrations, in the order of the server.
    pub integrations: Vec<LiveIntegration>,
    /// The unreadable parts.
    pub unreadable: Vec<Unreadable>,
    /// The connections that integrations belong to.
    pub owners: Owners,
}

impl Live {
    /// The unreadable part that may be an integration of this platform.
    #[must_use]
    pub fn unreadable_for(&self, platform: &Platform) -> Option<&Unreadable> {
        self.unreadable.iter().find(|u| u.scope.covers(platform))
    }

    /// The unreadable part that may be an integration of this type, known or not.
    #[must_use]
    pub fn unreadable_for_type(&self, type_name: &str) -> Option<&Unreadable> {
        by_wire(type_name).map_or_else(
            || self.unreadable.first(),
            |platform| self.unreadable_for(platform),
        )
    }
}

/// An element of the list that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The scope that it makes unknown.
    pub scope: Scope,
    /// The reason, in words for the operator; never a value from the element.
    pub reason: String,
}

/// Maximum number of reasons that are kept for each scope. Ten elements that cannot be
/// read show the pattern; a broken server may send a million of them.
pub(crate) const MOST_REASONS: usize = 10;

/// Parts that could not be read, while they are gathered: the first few reasons for
/// each scope, and a count of the others. Every scope keeps at least one reason, so
/// that what became unknown stays unknown.
#[derive(Debug, Default)]
pub struct UnreadableParts {
    kept: Vec<Unreadable>,
    /// The number of parts by scope. There are few scopes.
    counts: Vec<(Scope, usize)>,
}

impl Extend<Unreadable> for UnreadableParts {
    fn extend<I: IntoIterator<Item = Unreadable>>(&mut self, parts: I) {
        for part in parts {
            if self.count(part.scope) <= MOST_REASONS {
                self.kept.push(part);
            }
        }
    }
}

impl UnreadableParts {
    /// Counts one part more of a scope; the number of parts that it now has.
    fn count(&mut self, scope: Scope) -> usize {
        match self.counts.iter_mut().find(|(known, _)| *known == scope) {
            Some((_, count)) => {
                *count += 1;
                *count
            }
            None => {
                self.counts.push((scope, 1));
                1
            }
        }
    }

    /// The reasons, and for each scope with more of them a line that says how many.
    #[must_use]
    pub fn into_reasons(self) -> Vec<Unreadable> {
        let Self { mut kept, counts } = self;
        for (scope, count) in counts {
            let more = count.saturating_sub(MOST_REASONS);
            if more > 0 {
                let of = match scope {
                    Scope::Everything => String::new(),
                    Scope::Platform(platform) => format!(" of type {}", platform.wire),
                };
                let reason = format!("and {more} more{of}");
                kept.push(Unreadable { scope, reason });
            }
        }
        kept
    }
}

/// A part of the tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All of it: not even the type of the element could be read.
    Everything,
    /// The integrations of one platform.
    Platform(&'static Platform),
}

impl Scope {
    /// True if integrations of this platform belong to it.
    #[must_use]
    pub fn covers(self, platform: &Platform) -> bool {
        match self {
            Self::Everything => true,
            Self::Platform(own) => own == platform,
        }
    }
}

/// One integration as the server reports it.
#[derive(Debug, Clone)]
pub struct LiveIntegration {
    /// The server's id.
    pub id: RemoteId,
    /// The value of `type`, known or not.
    pub type_name: String,
    /// The platform, if this version knows the type.
    pub platform: Option<&'static Platform>,
    /// Absent for platforms that have none, or if the server omits it.
    pub auto_bootstrap: Option<bool>,
    /// Its status.
    pub status: IntegrationStatus,
    /// The validation tests that did not pass.
    pub failing_tests: Vec<FailingTest>,
    /// `config`, as it came but for the secrets that are known or in a text with parameters.
    pub config: LiveConfig,
    /// The texts with parameters that `config` shows only in part, or not at all.
    pub masked_texts: BTreeMap<AttributePath, Template>,
}

impl LiveIntegration {
    /// The attributes of `config` that are known to be harmless.
    #[must_use]
    pub fn harmless_config(&self) -> Map<String, Json> {
        self.platform
            .map(|p| harmless(p.attributes, &self.config.0))
            .unwrap_or_default()
    }
}

impl LiveIntegration {
    /// The attributes in which the server has the value of a secret that does not belong there.
    #[must_use]
    pub fn paths_with_secrets(&self) -> Vec<AttributePath> {
        let attributes = self.platform.map_or(&[][..], |p| p.attributes);
        walk(attributes, &self.config.0)
            .filter(|it| it.attribute.is_some_and(|it| !it.is_sensitive()))
            .filter(|it| holds_secret(it.value))
            .map(|it| it.path.to_path())
            .filter(|path| !self.masked_texts.contains_key(path))
            .collect()
    }

    /// The whole text of an attribute with parameters; `None` if the server hides it.
    #[must_use]
    pub fn text_at(&self, path: &AttributePath) -> Option<Cow<'_, Template>> {
        if let Some(template) = self.masked_texts.get(path) {
            return Some(Cow::Borrowed(template));
        }
        let shown = self.config.at(path).filter(|value| !is_mask(value))?;
        Some(Cow::Owned(Template::literal(shown.as_str()?.to_owned())))
    }
}

fn harmless(attributes: &'static [Attribute], config: &Map<String, Json>) -> Map<String, Json> {
    config
        .iter()
        .filter_map(|(key, value)| {
            let attribute = find_attribute(attributes, key).filter(|it| !it.is_sensitive())?;
            let shown = match (attribute.children(), value) {
                ([], value) if is_plain(value) => value.clone(),
                ([], _) => return None,
                (children, Json::Object(inner)) => Json::Object(harmless(children, inner)),
                (_, _) => return None,
            };
            Some((key.clone(), shown))
        })
        .collect()
}

/// A scalar or a list of scalars: what can stand below an attribute that has none of its own.
#[must_use]
pub fn is_plain(json: &Json) -> bool {
    match json {
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => true,
        Json::Array(items) => items.iter().all(|item| !item.is_array() && is_plain(item)),
        Json::Object(_) => false,
    }
}

/// True if the server has the value of a secret here. The client puts [`MASK`] in its
/// place, so that the value itself is unknown.
#[must_use]
pub fn holds_secret(json: &Json) -> bool {
    json.as_str() == Some(MASK)
}

/// `config` from the server. It may contain values that must not be shown: masks, unknown
/// attributes, and for some platforms a key in a normal read (API.md 7.7), so its `Debug`
/// reveals nothing.
#[derive(Clone, Default, PartialEq)]
pub struct LiveConfig(pub Map<String, Json>);

impl LiveConfig {
    /// The value at a path.
    #[must_use]
    pub fn at(&self, path: impl AsRef<str>) -> Option<&Json> {
        value_at(&self.0, keys(path.as_ref()))
    }
}

impl std::fmt::Debug for LiveConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LiveConfig({} attributes)", self.0.len())
    }
}

/// A validation test that failed or warned (API.md 5.3).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FailingTest {
    /// The test's name.
    pub name: String,
    /// Message of the server about it; may be empty.
    pub message: String,
}

/// Text in place of a message that may hold a secret unknown to this run.
pub const HIDDEN_MESSAGE: &str =
    "message hidden because the secrets of this integration are not known here";

impl FailingTest {
    /// The test without these secrets.
    #[must_use]
    pub fn scrubbed(&self, scrubber: &Scrubber) -> Self {
        Self {
            name: scrubber.scrub(&self.name),
            message: scrubber.scrub(&self.message),
        }
    }

    /// The test without its message, where that cannot be scrubbed: the server may
    /// repeat a password in it that this run has never seen.
    #[must_use]
    pub fn without_message(mut self) -> Self {
        if !self.message.is_empty() {
            HIDDEN_MESSAGE.clone_into(&mut self.message);
        }
        self
    }
}

/// The status of an integration (API.md 5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IntegrationStatus {
    /// Being created and set up.
    Creating,
    /// The creation failed; only an update can fix it.
    CreateError,
    /// Active.
    Enabled,
    /// Being edited.
    Editing,
    /// The edit failed; the old configuration runs.
    EditError,
    /// A migration by the server is running.
    Migrating,
    /// The migration failed; the old state runs.
    MigrateError,
    /// Being deleted.
    Deleting,
    /// The deletion failed; it still runs.
    DeleteError,
    /// Gone.
    Deleted,
    /// Disabled by force, without a clean-up on the platform.
    Disabled,
    /// A periodic check failed: a health problem, not a difference.
    RecurringValidationError,
    /// A word that this version does not know.
    Unknown(String),
}

/// Operations that a status allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusPhase {
    /// Nothing is going on: it may be written.
    Settled,
    /// A change is in progress, or the status is unknown: it must not be written now.
    Busy,
    /// It no longer exists.
    Absent,
    /// It exists and must not be written before an operator has checked it.
    Blocked,
}

/// The words of the documented statuses, each with its value.
const STATUSES: &[(&str, IntegrationStatus)] = &[
    ("creating", IntegrationStatus::Creating),
    ("createError", IntegrationStatus::CreateError),
    ("enabled", IntegrationStatus::Enabled),
    ("editing", IntegrationStatus::Editing),
    ("editError", IntegrationStatus::EditError),
    ("migrating", IntegrationStatus::Migrating),
    ("migrateError", IntegrationStatus::MigrateError),
    ("deleting", IntegrationStatus::Deleting),
    ("deleteError", IntegrationStatus::DeleteError),
    ("deleted", IntegrationStatus::Deleted),
    ("disabled", IntegrationStatus::Disabled),
    (
        "recurringValidationError",
        IntegrationStatus::RecurringValidationError,
    ),
];

/// The word on the wire.
impl serde::Serialize for IntegrationStatus {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl IntegrationStatus {
    /// Reads the word on the wire.
    #[must_use]
    pub fn from_wire(word: &str) -> Self {
        STATUSES
            .iter()
            .find(|(known, _)| *known == word)
            .map_or_else(
                || Self::Unknown(word.to_owned()),
                |(_, status)| status.clone(),
            )
    }

    /// The word on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        if let Self::Unknown(word) = self {
            return word;
        }
        STATUSES
            .iter()
            .find(|(_, status)| status == self)
            .map_or("", |(word, _)| word)
    }

    /// Operations that this status allows.
    #[must_use]
    pub fn phase(&self) -> StatusPhase {
        match self {
            Self::Enabled
            | Self::CreateError
            | Self::EditError
            | Self::MigrateError
            | Self::DeleteError
            | Self::RecurringValidationError => StatusPhase::Settled,
            Self::Creating
            | Self::Editing
            | Self::Migrating
            | Self::Deleting
            | Self::Unknown(_) => StatusPhase::Busy,
            Self::Deleted => StatusPhase::Absent,
            Self::Disabled => StatusPhase::Blocked,
        }
    }
}

impl std::fmt::Display for IntegrationStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::platform::PLATFORMS;

    #[test]
    fn value_of_an_unexpected_shape_is_not_known_to_be_harmless() {
        let config = json!({
            "httpPath": { "pass": "hunter2" },
            "workspaceIds": ["1", { "pass": "hunter2" }],
            "oAuthClientConfig": "hunter2",
            "catalog": "immuta",
        });
        let Json::Object(config) = config else {
            panic!("an object")
        };
        let platform = PLATFORMS
            .iter()
            .find(|p| p.attribute("workspaceIds").is_some())
            .unwrap();
        let live = LiveIntegration {
            id: RemoteId::new("1"),
            type_name: platform.wire.into(),
            platform: Some(platform),
            auto_bootstrap: None,
            status: IntegrationStatus::Enabled,
            failing_tests: Vec::new(),
            config: LiveConfig(config),
            masked_texts: BTreeMap::new(),
        };
        let shown = Json::Object(live.harmless_config());
        assert_eq!(shown, json!({ "catalog": "immuta" }));
    }
}
