//! Comparison of texts with parameters, such as `warehouse=x;PWD=y`, that hold secrets.
//!
//! The server returns such a text. So it is compared as a whole, secrets included, and only
//! its secrets are masked where the difference is shown.

use std::borrow::Cow;

use serde_json::Value as Json;

use super::carry::{Carried, carry};
use super::change::{Change, ChangeKind, DisplayValue};
use super::compare::covered;
use super::diff::Walk;
use super::history::OnDrift;
use crate::live::holds_secret;
use crate::platform::{Attribute, AttributePath, Class, TablePath};
use crate::secret::{Template, TemplatePart};
use crate::value::Value;

impl<'a> Walk<'a> {
    /// The text that the server has at a path, if it is shown only in part.
    pub(super) fn masked(&self, path: &AttributePath) -> Option<&'a Template> {
        self.found?.masked_texts.get(path)
    }

    /// A live value that an update keeps.
    pub(super) fn carry(
        &self,
        path: &AttributePath,
        attribute: &Attribute,
        live: &Json,
    ) -> Carried {
        match self.masked(path) {
            Some(text) => Carried::Plain(Value::Secret(text.clone())),
            None => carry(attribute, live),
        }
    }

    /// A value in the file for which an update keeps the server's value. If the server does not
    /// show it, it cannot be sent back, and an update would lose it.
    pub(super) fn kept(
        &mut self,
        path: TablePath<'_>,
        attribute: &Attribute,
        given: &Value,
        live: &Json,
    ) -> Value {
        match self.carry(&path.to_path(), attribute, live) {
            Carried::Plain(live) | Carried::Unknown(live) => live,
            Carried::Lost => {
                self.hidden.push(path.to_path());
                given.clone()
            }
        }
    }

    /// True if the attribute was in the file when that was last applied.
    pub(super) fn was_applied(&self, path: &AttributePath, attribute: &Attribute) -> bool {
        let secrets = self.history.last.map(|last| &last.secrets);
        let is_secret = secrets.is_some_and(|secrets| secrets.contains_key(path));
        self.history.attribute(path.as_str()).is_some()
            || (is_secret && attribute.secret_parameters.is_some())
    }

    /// Compares a text if at least one side holds a secret; what an update sends. A secret that
    /// is missing, or that the server hides, is compared with the last applied one.
    pub(super) fn text_with_secrets(
        &mut self,
        path: TablePath<'_>,
        attribute: &Attribute,
        value: &Value,
        live: Option<&Json>,
    ) -> Value {
        let kept = path.to_path();
        let found = self.found;
        let now = live.and_then(|_| found?.text_at(&kept));
        let Some(file) = text_of(value) else {
            return value.clone();
        };
        if let Some(live) = live.filter(|_| self.history.kept_texts.contains(&kept)) {
            return self.kept(path, attribute, value, live);
        }
        let is_same = match (live, &now) {
            (_, Some(now)) => (self.history.is_same_text)(&file, now),
            (Some(_), None) => None,
            (None, None) => Some(false),
        };
        match is_same {
            Some(true) => return value.clone(),
            Some(false) => {}
            None => {
                self.secret(kept, value);
                return value.clone();
            }
        }
        let change = Change {
            before: live.map_or(DisplayValue::Absent, shown_live_text),
            immutable: attribute.class == Class::Immutable,
            ..self.change_of_text(kept, &file, now.as_deref())
        };
        if let Some(live) = live
            && change.kind == ChangeKind::Drift
            && self.history.on_drift != OnDrift::Apply
        {
            self.drift.push(change);
            return self.kept(path, attribute, value, live);
        }
        self.changes.push(change);
        value.clone()
    }

    /// The difference of a text from that of the server, without the server's.
    fn change_of_text(
        &self,
        path: AttributePath,
        file: &Template,
        now: Option<&Template>,
    ) -> Change {
        let pair = [Some(file), now].into_iter().flatten();
        let pair = Value::List(pair.cloned().map(Value::Secret).collect());
        let shown = file.shown();
        Change {
            kind: self.history.who_moved_text(&path, file, now),
            covered: (self.history.fingerprint)(path.as_str(), &covered(&pair, None)),
            path,
            before: DisplayValue::Absent,
            after: shown.map_or(DisplayValue::Hidden, |text| {
                DisplayValue::Plain(text.into())
            }),
            immutable: false,
        }
    }
}

/// The text that a file gives.
fn text_of(value: &Value) -> Option<Cow<'_, Template>> {
    if let Value::Secret(template) = value {
        return Some(Cow::Borrowed(template));
    }
    let parts = vec![TemplatePart::Shown(value.as_text()?.to_owned())];
    Some(Cow::Owned(Template { parts }))
}

/// A text of the server, in which secrets are masked already.
fn shown_live_text(live: &Json) -> DisplayValue {
    if holds_secret(live) || !live.is_string() {
        return DisplayValue::Hidden;
    }
    DisplayValue::Plain(live.clone())
}
