//! The need for an attribute of a file, by the rest of the live integration.

use serde_json::Value as Json;

use super::{Needed, Walk, usual};
use crate::live::is_mask;
use crate::platform::{Attribute, Class, Condition, Lack, Need, TablePath};
use crate::value::Value;

impl Walk<'_> {
    /// True if the live integration may do without an attribute that is required.
    pub(super) fn may_lack(&self, attribute: &Attribute, path: TablePath<'static>) -> bool {
        match attribute.lack {
            None => false,
            Some(Lack::Perhaps) => true,
            Some(Lack::With(switch)) => {
                let mut keys = path.around().keys();
                let object = keys.try_fold(self.live, |live, key| live.get(key)?.as_object());
                let shown = object.and_then(|object| object.get(switch));
                shown.is_some_and(|shown| *shown == true || *shown == "true")
            }
        }
    }

    /// The need for an attribute, by what is live.
    pub(super) fn need(&self, attribute: &Attribute) -> Needed {
        let (conditions, evidence) = match attribute.need {
            Need::Optional => return Needed::Optional,
            Need::Always(evidence) => return Needed::Yes(evidence),
            Need::When(conditions, evidence) => (conditions, evidence),
        };
        let mut is_unknown = false;
        for condition in conditions {
            let holds = condition.holds(self.platform, self.auto_bootstrap, |name| self.word(name));
            let is_open = match *condition {
                Condition::AutoBootstrap(_) => false,
                Condition::Is(name, _) => self.is_open(name),
            };
            if !holds && !is_open {
                return Needed::No;
            }
            is_unknown |= !holds;
        }
        if is_unknown {
            Needed::Unknown
        } else {
            Needed::Yes(evidence)
        }
    }

    /// The word of an attribute at the top: as the server shows it, as the file has it, or
    /// the usual one where the server does not keep it.
    pub(super) fn word(&self, name: &str) -> Option<&str> {
        let shown = self.live.get(name).filter(|value| !is_mask(value));
        if let Some(word) = shown.and_then(Json::as_str) {
            return Some(word);
        }
        let attribute = self.platform.attribute(name)?;
        if attribute.class_for(self.auto_bootstrap.unwrap_or(false)) != Class::OneTime {
            return None;
        }
        let existing = self.source.existing.and_then(|file| file.config.get(name));
        existing
            .and_then(Value::as_text)
            .or_else(|| usual(attribute))
    }

    /// True if the word of an attribute at the top is unknown.
    pub(super) fn is_open(&self, name: &str) -> bool {
        let default = self.platform.attribute(name).and_then(|a| a.default);
        self.word(name).is_none() && default.is_none()
    }
}
