//! Recorded state of one integration, and its meaning for a difference.

use serde_json::Value as Json;

use super::carry::plain;
use super::change::ChangeKind;
use super::compare::same;
use crate::ledger::{Applied, Fingerprint};
use crate::platform::{Attribute, AttributePath};
use crate::secret::Template;
use crate::value::Value;

/// Path of the one key next to `config` that is compared.
pub(super) use crate::platform::AUTO_BOOTSTRAP;

/// Makes the fingerprint of a secret at a path; `None` if it cannot be made here.
pub(super) type MakeFingerprint<'a> = &'a dyn Fn(&str, &Template) -> Option<Fingerprint>;

/// True if two templates are the same text; `None` if a secret in them is missing.
pub(super) type CompareTexts<'a> = &'a dyn Fn(&Template, &Template) -> Option<bool>;

/// Action for a value that was changed on the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum OnDrift {
    /// Apply the file's value
    #[default]
    Apply,
    /// Report the drift and keep the server's value
    Report,
    /// Ignore the drift
    Ignore,
}

/// Action for a value that was changed both in the file and on the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum OnConflict {
    /// Apply the file's value
    #[default]
    Apply,
    /// Block the integration until an operator decides
    Stop,
}

/// Recorded state of one integration.
#[derive(Clone, Copy)]
pub(super) struct DiffContext<'a> {
    /// Last applied values.
    pub last: Option<&'a Applied>,
    /// Makes the fingerprints of the file's secrets.
    pub fingerprint: MakeFingerprint<'a>,
    /// Action for drift.
    pub on_drift: OnDrift,
    /// True if its stored secrets are sent again.
    pub resend: bool,
    /// Compares two texts that hold secrets.
    pub is_same_text: CompareTexts<'a>,
    /// Texts with secrets for which the update that was planned keeps the server's value.
    pub kept_texts: &'a [AttributePath],
}

/// Comparison of a secret of the file with the one that was last applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SecretComparison {
    /// It is the one that was last applied.
    Same,
    /// It is another one.
    Other,
    /// One was sent, or is to be, and may not have arrived.
    Unproven,
    /// It cannot be determined.
    Unknown,
}

impl DiffContext<'_> {
    /// Nothing is known.
    pub(super) const NONE: Self = Self {
        last: None,
        fingerprint: &|_, _| None,
        on_drift: OnDrift::Apply,
        resend: false,
        is_same_text: &Template::is_text_of,
        kept_texts: &[],
    };

    /// Last applied value of this attribute.
    pub(super) fn attribute(&self, path: &str) -> Option<&Json> {
        self.last?.attributes.get(path)
    }

    /// A secret of the file against the one that was last applied.
    pub(super) fn secret(&self, path: &str, value: &Value) -> SecretComparison {
        let (Value::Secret(template), Some(last)) = (value, self.last) else {
            return SecretComparison::Unknown;
        };
        let then = last.secrets.get(path);
        if let Some(Some(then)) = then
            && then.is_unproven()
        {
            return SecretComparison::Unproven;
        }
        let Some(now) = (self.fingerprint)(path, template) else {
            return SecretComparison::Unknown;
        };
        match then {
            Some(Some(then)) => match then.same_secret(&now) {
                Some(true) => SecretComparison::Same,
                Some(false) => SecretComparison::Other,
                None => SecretComparison::Unknown,
            },
            // It was not in what was applied: it is new, and has to be sent.
            None if !last.attributes.is_empty() => SecretComparison::Other,
            Some(None) | None => SecretComparison::Unknown,
        }
    }

    /// Cause of the difference of an attribute between file and server.
    pub(super) fn who_moved(
        &self,
        path: &str,
        attribute: &Attribute,
        file: &Value,
        live: Option<&Json>,
    ) -> ChangeKind {
        let Some(last) = self.attribute(path) else {
            return ChangeKind::Change;
        };
        let file_moved = !same(attribute, file, Some(last));
        let server_moved = !same(attribute, &plain(last), live);
        match (file_moved, server_moved) {
            (true, true) => ChangeKind::Conflict,
            (true, false) => ChangeKind::Change,
            (false, _) => ChangeKind::Drift,
        }
    }

    /// Cause of the difference of a text with parameters, if one side holds a secret. The server
    /// may have none.
    pub(super) fn who_moved_text(
        &self,
        path: &AttributePath,
        file: &Template,
        live: Option<&Template>,
    ) -> ChangeKind {
        let Some(last) = self.last else {
            return ChangeKind::Change;
        };
        let has_moved = |now: &Template| -> Option<bool> {
            if let Some(then) = last.attributes.get(path) {
                let then = Template::literal(then.as_str()?.to_owned());
                return Some(!(self.is_same_text)(now, &then)?);
            }
            let then = last.secrets.get(path)?.as_ref()?;
            let now = (self.fingerprint)(path.as_str(), now).filter(|_| !then.is_unproven());
            Some(!then.same_secret(&now?)?)
        };
        let server_moved = live.map_or(Some(true), has_moved);
        match (has_moved(file), server_moved) {
            (Some(true), Some(true)) => ChangeKind::Conflict,
            (Some(true), Some(false) | None) | (None, _) => ChangeKind::Change,
            (Some(false), _) => ChangeKind::Drift,
        }
    }

    /// Cause of the difference of an attribute that was removed from the file.
    pub(super) fn who_moved_removed(
        &self,
        path: &str,
        attribute: &Attribute,
        live: &Json,
    ) -> ChangeKind {
        match self.attribute(path) {
            Some(last) if !same(attribute, &plain(last), Some(live)) => ChangeKind::Conflict,
            Some(_) | None => ChangeKind::Change,
        }
    }
}
