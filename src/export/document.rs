//! The attributes of a live integration as the entries of a file.
//!
//! Invariant: no value of an attribute that may hold a secret gets into an entry, shown by
//! the server or not. What cannot be written is named, and nothing is guessed but the way
//! to log in, which a comment says.

mod need;

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

use super::template::ReferenceTemplate;
use super::text::{Entry, EntryValue};
use super::value::{typed, usual, written};
use super::{Omission, ToProvide};
use crate::live::{LiveIntegration, is_mask};
use crate::manifest::{Integration, reference_scalar, text_scalar};
use crate::plan::default_of;
use crate::platform::{
    Attribute, AttributePath, Class, Evidence, ObjectPath, Platform, Shape, TablePath,
    find_attribute, value_at,
};
use crate::secret::{Template, TemplatePart, escaped_literal};
use crate::value::Value;

/// The attributes of one live integration.
pub(super) struct Config {
    pub(super) entries: Vec<Entry>,
    /// Values that the file refers to, in order.
    pub(super) to_provide: Vec<ToProvide>,
    /// Attributes that the server shows and the file does not have.
    pub(super) omitted: Vec<Omission>,
    /// Stored secrets that the server may have and never shows.
    pub(super) may_hold: Vec<AttributePath>,
    /// Attributes for which no reference could be made.
    pub(super) without_reference: Vec<AttributePath>,
}

/// Everything that the entries are made from.
#[derive(Clone, Copy)]
pub(super) struct LiveAttributes<'a> {
    pub(super) platform: &'static Platform,
    pub(super) found: &'a LiveIntegration,
    /// The name of the integration.
    pub(super) name: &'a str,
    /// Its file, if that is written anew.
    pub(super) existing: Option<&'a Integration>,
    /// The attributes whose secrets were applied before.
    pub(super) applied: &'a BTreeSet<&'a AttributePath>,
    pub(super) template: &'a ReferenceTemplate,
    pub(super) with_defaults: bool,
}

/// Reads the attributes of a live integration.
pub(super) fn config(source: LiveAttributes<'_>) -> Config {
    let LiveAttributes {
        platform, found, ..
    } = source;
    let mut walk = Walk {
        platform,
        auto_bootstrap: found.auto_bootstrap,
        live: &found.config.0,
        source,
        config: Config {
            entries: Vec::new(),
            to_provide: Vec::new(),
            omitted: Vec::new(),
            may_hold: Vec::new(),
            without_reference: Vec::new(),
        },
    };
    let top = Level {
        path: ObjectPath::TOP,
        is_needed: false,
        is_shown: true,
    };
    let live = &found.config.0;
    let entries = walk.object(platform.attributes, Some(live), top);
    walk.config.entries = entries;
    walk.config
}

/// An object.
#[derive(Clone, Copy)]
struct Level {
    path: ObjectPath,
    /// True if the table requires it here.
    is_needed: bool,
    /// True if the server shows anything of it.
    is_shown: bool,
}

/// The need for an attribute under the conditions that are live.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needed {
    /// It is.
    Yes(Evidence),
    /// It is not, and may be given.
    Optional,
    /// It goes with something else.
    No,
    /// The server does not show what decides it.
    Unknown,
}

struct Walk<'a> {
    platform: &'static Platform,
    auto_bootstrap: Option<bool>,
    live: &'a Map<String, Json>,
    source: LiveAttributes<'a>,
    config: Config,
}

impl Walk<'_> {
    /// The entries of an object, in the order of the table.
    fn object(
        &mut self,
        attributes: &'static [Attribute],
        live: Option<&Map<String, Json>>,
        level: Level,
    ) -> Vec<Entry> {
        let mut entries = Vec::new();
        for attribute in attributes {
            let path = level.path.join(attribute.name);
            let shown = live.and_then(|live| live.get(attribute.name));
            let shown = shown.filter(|value| !value.is_null());
            let written = match attribute.shape {
                Shape::Object(children) => self.inner(attribute, children, shown, path),
                Shape::Text(_)
                | Shape::Bool
                | Shape::Integer { .. }
                | Shape::Enum(..)
                | Shape::TextList
                | Shape::Opaque => self.leaf(attribute, shown, level, path),
            };
            entries.extend(written);
        }
        for (key, value) in live.into_iter().flatten() {
            if find_attribute(attributes, key).is_none() && !value.is_null() {
                let path = level.path.join(key).to_path();
                self.config.omitted.push(Omission::Unknown { path });
            }
        }
        entries
    }

    /// An object below the top. One that would be empty is left out.
    fn inner(
        &mut self,
        attribute: &'static Attribute,
        children: &'static [Attribute],
        shown: Option<&Json>,
        path: TablePath<'static>,
    ) -> Option<Entry> {
        let is_needed = matches!(self.need(attribute), Needed::Yes(_));
        let live = shown.and_then(Json::as_object);
        if live.is_none() && !is_needed {
            if shown.is_some() {
                let path = path.to_path();
                self.config.omitted.push(Omission::Hidden { path });
            }
            return None;
        }
        let path = path.around().object(attribute.name);
        let level = Level {
            path,
            is_needed,
            is_shown: live.is_some(),
        };
        let entries = self.object(children, live, level);
        (!entries.is_empty()).then_some(Entry {
            key: attribute.name,
            value: EntryValue::Object(entries),
            comment: None,
        })
    }

    fn leaf(
        &mut self,
        attribute: &'static Attribute,
        shown: Option<&Json>,
        level: Level,
        path: TablePath<'static>,
    ) -> Option<Entry> {
        let class = attribute.class_for(self.auto_bootstrap.unwrap_or(false));
        if attribute.is_sensitive() {
            return self.sensitive(attribute, class, shown, level, path);
        }
        if self.source.found.masked_texts.contains_key(&path.to_path()) {
            return self.text_with_secrets(attribute, path);
        }
        match class {
            Class::ServerSet => None,
            Class::OneTime => match shown {
                Some(value) if !is_mask(value) => self.plain(attribute, shown, level, path),
                Some(_) | None => self.one_time(attribute, shown, level, path),
            },
            Class::Identity | Class::Mutable | Class::Immutable | Class::Secret => {
                self.plain(attribute, shown, level, path)
            }
        }
    }

    /// An attribute whose value must never be shown.
    fn sensitive(
        &mut self,
        attribute: &'static Attribute,
        class: Class,
        shown: Option<&Json>,
        level: Level,
        path: TablePath<'static>,
    ) -> Option<Entry> {
        let is_stored = class == Class::Secret;
        if is_stored && shown.is_none() && self.existing_none(path) {
            return Some(Entry {
                key: attribute.name,
                value: EntryValue::Scalar("null".to_owned()),
                comment: Some(attribute.doc.to_owned()),
            });
        }
        let may_lack = self.may_lack(attribute, path);
        let need = match self.need(attribute) {
            Needed::Yes(_) if may_lack => Needed::Unknown,
            need @ (Needed::Yes(_) | Needed::Optional | Needed::No | Needed::Unknown) => need,
        };
        if matches!(attribute.shape, Shape::Opaque) {
            let path = path.to_path();
            if shown.is_some() {
                self.config.omitted.push(Omission::Opaque { path });
            } else if class == Class::Secret {
                self.config.may_hold.push(path);
            }
            return None;
        }
        let is_given = match need {
            Needed::Yes(_) => true,
            Needed::Optional => shown.is_some() || level.is_needed,
            Needed::No | Needed::Unknown => shown.is_some(),
        };
        let is_known =
            self.source.applied.contains(&path.to_path()) || self.existing_value(path).is_some();
        if is_given || is_known {
            return self.reference(attribute, path, need);
        }
        if is_stored && self.has_sign(attribute, path) {
            let mut entry = self.reference(attribute, path, need)?;
            let comment = entry.comment.get_or_insert_default();
            comment.push_str(" Write null if the integration has none.");
            return Some(entry);
        }
        let is_sent_again = class != Class::OneTime || may_lack;
        if is_sent_again && matches!(need, Needed::Optional | Needed::Unknown) {
            self.config.may_hold.push(path.to_path());
        }
        None
    }

    /// A text with parameters, of which the server shows a secret. The reference stands for the
    /// whole text, so that a plan compares it with that of the server.
    fn text_with_secrets(
        &mut self,
        attribute: &'static Attribute,
        path: TablePath<'static>,
    ) -> Option<Entry> {
        let is_new = self.existing_value(path).is_none();
        let mut entry = self.reference(attribute, path, Needed::Optional)?;
        if let Some(comment) = entry.comment.as_mut().filter(|_| is_new) {
            comment.push_str(
                " The server's value contains a secret: provide the whole value, which a plan \
                 then compares with the server's.",
            );
        }
        Some(entry)
    }

    /// An attribute that the server used once, and masks or does not show.
    fn one_time(
        &mut self,
        attribute: &'static Attribute,
        mask: Option<&Json>,
        level: Level,
        path: TablePath<'static>,
    ) -> Option<Entry> {
        if self.existing_value(path).is_some() {
            return self.reference(attribute, path, Needed::Optional);
        }
        let need = self.need(attribute);
        if !matches!(need, Needed::Yes(_)) && mask.is_none() {
            // The set-up may have used it.
            if level.is_needed && need == Needed::Optional {
                self.config.may_hold.push(path.to_path());
            }
            return None;
        }
        if let Some(usual) = usual(attribute) {
            return Some(Entry {
                key: attribute.name,
                value: EntryValue::Scalar(text_scalar(usual)?),
                comment: Some(format!(
                    "{} The server does not store the value; this is the usual one.",
                    attribute.doc
                )),
            });
        }
        match attribute.shape {
            Shape::Text(_) => self.reference(attribute, path, need),
            Shape::Bool
            | Shape::Integer { .. }
            | Shape::Enum(..)
            | Shape::TextList
            | Shape::Object(_)
            | Shape::Opaque => {
                let path = path.to_path();
                self.config.omitted.push(Omission::NotShown { path });
                None
            }
        }
    }

    /// The value in the file that is written anew: a reference, or the text of a credential
    /// that is no secret.
    fn existing_value(&self, path: TablePath<'static>) -> Option<String> {
        match value_at(&self.source.existing?.config, path.keys())? {
            Value::Secret(template) => references(template),
            Value::Text(text) => text_scalar(text),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Hidden(_)
            | Value::List(_)
            | Value::Object(_) => None,
        }
    }

    /// True if the file that is written anew says that there is no such secret.
    fn existing_none(&self, path: TablePath<'static>) -> bool {
        let existing = self.source.existing;
        existing.is_some_and(|file| file.has_none_at(path))
    }

    /// True if something that the server shows is a sign of this secret: without the secret in
    /// the file, no update is possible.
    fn has_sign(&self, attribute: &Attribute, path: TablePath<'static>) -> bool {
        let value_of = |path: TablePath<'static>| {
            let shown = value_at(self.live, path.keys());
            shown.filter(|value| !value.is_null()).cloned()
        };
        let signs = self.platform.stored_signs(path, attribute, &value_of);
        !signs.is_empty()
    }

    /// A reference in place of a value that the server does not show.
    fn reference(
        &mut self,
        attribute: &'static Attribute,
        path: TablePath<'static>,
        need: Needed,
    ) -> Option<Entry> {
        let probably = match need {
            Needed::Yes(Evidence::Documented) | Needed::Optional | Needed::No | Needed::Unknown => {
                ""
            }
            Needed::Yes(
                Evidence::SecondHand | Evidence::Inferred | Evidence::Recalled | Evidence::Unknown,
            ) => " Probably required, although this is not documented.",
        };
        let comment = Some(format!("{}{probably}", attribute.doc));
        if let Some(scalar) = self.existing_value(path) {
            return Some(Entry {
                key: attribute.name,
                value: EntryValue::Scalar(scalar),
                comment,
            });
        }
        let Some(reference) = self.source.template.fill(self.source.name, path.keys()) else {
            self.config.without_reference.push(path.to_path());
            return None;
        };
        let reference = reference.to_string();
        let value = EntryValue::Scalar(reference_scalar(&reference));
        self.config.to_provide.push(ToProvide {
            integration: self.source.name.to_owned(),
            attribute: path.to_path(),
            reference,
            purpose: attribute.doc,
        });
        Some(Entry {
            key: attribute.name,
            value,
            comment,
        })
    }

    /// An attribute as the server shows it. Its default is left out.
    fn plain(
        &mut self,
        attribute: &'static Attribute,
        shown: Option<&Json>,
        level: Level,
        path: TablePath<'static>,
    ) -> Option<Entry> {
        let need = self.need(attribute);
        let path = path.to_path();
        let Some(shown) = shown else {
            let is_told = match need {
                Needed::Yes(Evidence::Documented | Evidence::Inferred | Evidence::SecondHand) => {
                    true
                }
                Needed::Yes(Evidence::Recalled | Evidence::Unknown) => {
                    !level.is_shown && attribute.default.is_none()
                }
                Needed::Optional | Needed::No | Needed::Unknown => false,
            };
            if is_told {
                self.config.omitted.push(Omission::NotShown { path });
            }
            return None;
        };
        if is_mask(shown) {
            self.config.omitted.push(Omission::Hidden { path });
            return None;
        }
        let Some(typed) = typed(attribute, shown) else {
            self.config.omitted.push(Omission::Shape { path });
            return None;
        };
        let is_default = default_of(attribute).as_ref() == Some(&typed);
        if is_default && !self.source.with_defaults && !matches!(need, Needed::Yes(_)) {
            return None;
        }
        let Some(value) = written(&typed) else {
            self.config.omitted.push(Omission::Shape { path });
            return None;
        };
        Some(Entry {
            key: attribute.name,
            value,
            comment: None,
        })
    }
}

/// The text of a template that holds no secret itself.
fn references(template: &Template) -> Option<String> {
    let mut text = String::new();
    for part in &template.parts {
        match part {
            TemplatePart::Reference(reference) => text.push_str(&reference.to_string()),
            TemplatePart::Shown(shown) => text.push_str(&escaped_literal(shown)),
            TemplatePart::Literal(_) => return None,
        }
    }
    Some(reference_scalar(&text))
}
