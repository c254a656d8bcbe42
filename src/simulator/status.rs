//! The statuses of an integration (API.md section 5).

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// Status of an integration. A word that the API does not document is kept as it is: tests use
/// it to stand for a later version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum SimulatedStatus {
    /// Being created and set up.
    Creating,
    /// The creation failed.
    CreateError,
    /// Active.
    Enabled,
    /// Being edited.
    Editing,
    /// The edit failed and was rolled back.
    EditError,
    /// Being migrated by the server.
    Migrating,
    /// The migration failed and was rolled back.
    MigrateError,
    /// Being deleted.
    Deleting,
    /// The deletion failed and was rolled back.
    DeleteError,
    /// Gone, and still listed.
    Deleted,
    /// Disabled by force.
    Disabled,
    /// A periodic check failed.
    RecurringValidationError,
    /// Any other word.
    Other(String),
}

const WORDS: [(&str, SimulatedStatus); 12] = [
    ("creating", SimulatedStatus::Creating),
    ("createError", SimulatedStatus::CreateError),
    ("enabled", SimulatedStatus::Enabled),
    ("editing", SimulatedStatus::Editing),
    ("editError", SimulatedStatus::EditError),
    ("migrating", SimulatedStatus::Migrating),
    ("migrateError", SimulatedStatus::MigrateError),
    ("deleting", SimulatedStatus::Deleting),
    ("deleteError", SimulatedStatus::DeleteError),
    ("deleted", SimulatedStatus::Deleted),
    ("disabled", SimulatedStatus::Disabled),
    (
        "recurringValidationError",
        SimulatedStatus::RecurringValidationError,
    ),
];

impl SimulatedStatus {
    /// The word on the wire.
    #[must_use]
    pub fn word(&self) -> Cow<'static, str> {
        if let Self::Other(word) = self {
            return Cow::Owned(word.clone());
        }
        let known = WORDS.iter().find(|(_, status)| status == self);
        known.map_or(Cow::Borrowed(""), |(word, _)| Cow::Borrowed(word))
    }

    /// Final status of the server's own work if nothing fails; `None` if no work is under way.
    pub(super) fn natural_end(&self) -> Option<Self> {
        match self {
            Self::Creating | Self::Editing | Self::Migrating => Some(Self::Enabled),
            Self::Deleting => Some(Self::Deleted),
            Self::CreateError
            | Self::Enabled
            | Self::EditError
            | Self::MigrateError
            | Self::DeleteError
            | Self::Deleted
            | Self::Disabled
            | Self::RecurringValidationError
            | Self::Other(_) => None,
        }
    }

    /// True if a DELETE may begin. A PUT may not from `disabled` either.
    pub(super) fn may_be_deleted(&self) -> bool {
        self.natural_end().is_none() && !matches!(self, Self::Other(_))
    }

    /// True if a PUT may begin.
    pub(super) fn may_be_edited(&self) -> bool {
        self.may_be_deleted() && *self != Self::Disabled
    }
}

impl From<String> for SimulatedStatus {
    fn from(word: String) -> Self {
        let known = WORDS.iter().find(|(known, _)| *known == word);
        known.map_or(Self::Other(word), |(_, status)| status.clone())
    }
}

impl From<&str> for SimulatedStatus {
    fn from(word: &str) -> Self {
        Self::from(word.to_owned())
    }
}

impl From<SimulatedStatus> for String {
    fn from(status: SimulatedStatus) -> Self {
        status.word().into_owned()
    }
}

impl std::fmt::Display for SimulatedStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.word())
    }
}
