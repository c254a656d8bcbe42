//! One difference, as it is shown.

use serde::{Serialize, Serializer};
use serde_json::{Value as Json, json};

use crate::ledger::Fingerprint;
use crate::platform::AttributePath;

/// One attribute that will be different.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// The attribute, such as `audit/enabled`.
    pub path: AttributePath,
    /// Cause of the change.
    pub kind: ChangeKind,
    /// The live value.
    pub before: DisplayValue,
    /// The value in the file.
    pub after: DisplayValue,
    /// True if the server is believed to refuse the change (API.md 7: a guess).
    pub immutable: bool,
    /// Fingerprint that distinguishes these two values from others, if they must not be shown.
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

/// Cause of a difference since the last apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// Changed in the file; also without a record of the last applied value, if the cause is
    /// unknown.
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
