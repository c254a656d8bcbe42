//! One difference, as it is shown.

use serde::{Serialize, Serializer};
use serde_json::{Value as Json, json};

use crate::ledger::Fingerprint;

/// One attribute that will be different.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// The attribute, such as `audit/enabled`.
    pub path: String,
    /// Who moved.
    pub kind: ChangeKind,
    /// The live value.
    pub before: DisplayValue,
    /// The value in the file.
    pub after: DisplayValue,
    /// Whether the server is believed to refuse the change (API.md 7: a guess).
    pub immutable: bool,
    /// What tells these two values from others, where they must not be shown.
    #[serde(skip)]
    pub covered: Option<Fingerprint>,
}

impl Change {
    /// True if the server has changed the value since the last apply.
    #[must_use]
    pub fn is_drift(&self) -> bool {
        match self.kind {
            ChangeKind::Drift | ChangeKind::Conflict => true,
            ChangeKind::Change | ChangeKind::Rotation | ChangeKind::Resend => false,
        }
    }
}

/// Who moved since the last apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// The file. Also without a record of what was last applied, when nobody can tell.
    Change,
    /// The server.
    Drift,
    /// Both.
    Conflict,
    /// A stored secret: its fingerprint is another one.
    Rotation,
    /// A stored secret that is sent on purpose, or of which it is not known that the
    /// server has it.
    Resend,
}

/// A value as it may be shown.
#[derive(Debug, Clone, PartialEq)]
pub enum DisplayValue {
    /// It is not there.
    Absent,
    /// It is harmless.
    Plain(Json),
    /// It is there and must not be shown.
    Hidden,
}

/// `null` for what is absent, an object that says so for what is secret.
impl Serialize for DisplayValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Absent => serializer.serialize_none(),
            Self::Plain(json) => json.serialize(serializer),
            Self::Hidden => json!({ "secret": true }).serialize(serializer),
        }
    }
}
