//! Notes about an action.

use serde::Serialize;

use super::{Action, Change};
use crate::live::{FailingTest, IntegrationStatus};
use crate::manifest::Destination;
use crate::platform::AttributePath;

/// Something to know about an action that changes nothing about it. An action has at most
/// one note of each kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "note", rename_all = "snake_case")]
pub enum Note {
    /// Stored secrets that could not be compared.
    SecretsNotCompared {
        /// Their attributes.
        paths: Vec<AttributePath>,
    },
    /// Values that the server moved and that are left there.
    Drift {
        /// The differences.
        changes: Vec<Change>,
    },
    /// Attributes with such values, where nothing is to be reported of them.
    DriftIgnored {
        /// The attributes.
        paths: Vec<AttributePath>,
    },
    /// The status is not `enabled`.
    Health {
        /// The status.
        status: IntegrationStatus,
        /// The validation tests that did not pass.
        failing_tests: Vec<FailingTest>,
    },
    /// Attributes that this version does not know and an update sends back as they are.
    UnknownCarried {
        /// The attributes.
        paths: Vec<AttributePath>,
    },
    /// Places to which secrets may be sent and whose server value an update keeps.
    DestinationsCarried {
        /// The places.
        destinations: Vec<Destination>,
    },
    /// The creation failed before; the update repeats it.
    RepeatsCreation,
    /// Its secrets were to be sent again, and the server stores none.
    NoStoredSecrets,
    /// Secrets that the body needs and that are not available here.
    SecretsMissing {
        /// The reason for each.
        reasons: Vec<String>,
    },
    /// Attributes in which the server has the value of a secret.
    HoldsSecret {
        /// The attributes.
        paths: Vec<AttributePath>,
    },
    /// Attributes of what is deleted that are hidden: their values are not those that were
    /// last applied, and may hold a secret.
    NotShown {
        /// The attributes.
        paths: Vec<AttributePath>,
    },
}

/// The notes of an action by their kind; empty for a kind that it has no note of.
#[derive(Debug, Clone, Copy, Default)]
pub struct Notes<'a> {
    /// Stored secrets that could not be compared.
    pub secrets_not_compared: &'a [AttributePath],
    /// Values that the server moved and that are left there.
    pub drift: &'a [Change],
    /// Attributes with such values, where nothing is to be reported of them.
    pub drift_ignored: &'a [AttributePath],
    /// The status, if it is not `enabled`.
    pub status: Option<&'a IntegrationStatus>,
    /// The validation tests that did not pass.
    pub failing_tests: &'a [FailingTest],
    /// Places to which secrets may be sent and whose server value an update keeps.
    pub destinations_carried: &'a [Destination],
    /// Reasons for secrets that the body needs and that are not available here.
    pub secrets_missing: &'a [String],
    /// Attributes in which the server has the value of a secret.
    pub holds_secret: &'a [AttributePath],
    /// True if its secrets were to be sent again, and the server stores none.
    pub no_stored_secrets: bool,
}

impl Action {
    /// Its notes by their kind.
    #[must_use]
    pub fn notes(&self) -> Notes<'_> {
        let mut all = Notes::default();
        for note in &self.notes {
            match note {
                Note::SecretsNotCompared { paths } => all.secrets_not_compared = paths,
                Note::Drift { changes } => all.drift = changes,
                Note::DriftIgnored { paths } => all.drift_ignored = paths,
                Note::Health {
                    status,
                    failing_tests,
                } => {
                    all.status = Some(status);
                    all.failing_tests = failing_tests;
                }
                Note::DestinationsCarried { destinations } => {
                    all.destinations_carried = destinations;
                }
                Note::SecretsMissing { reasons } => all.secrets_missing = reasons,
                Note::HoldsSecret { paths } => all.holds_secret = paths,
                Note::NoStoredSecrets => all.no_stored_secrets = true,
                Note::UnknownCarried { .. } | Note::RepeatsCreation | Note::NotShown { .. } => {}
            }
        }
        all
    }
}
