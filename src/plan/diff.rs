//! One generic comparison of a file with a live integration.
//!
//! It walks the platform's table and does two things at once: it collects the differences, and
//! it builds the body that an update would send. An update replaces the whole configuration on
//! the server, so the body is the file's payload together with the live values of attributes
//! that the file omits, unknown attributes included, but never a secret or a mask from the live
//! side: if the server keeps a secret that the file does not give, the path is collected as
//! lost. A secret that the server may keep without showing it is collected, too.
//!
//! With a record of what was last applied the comparison has three sides, and every difference
//! records its cause. An attribute that this tool had set and that was removed from the file is
//! removed from the body too.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

use super::body::Body;
use super::carry::{Carried, carry_unknown};
use super::change::{Change, ChangeKind, DisplayValue};
use super::compare::{covered, default_json, equals, is_absent, same, shown_live, to_json};
use super::history::{AUTO_BOOTSTRAP, DiffContext, OnDrift, SecretComparison};
use super::needs::{needed_secrets, replaced};
use super::stored;
use crate::ledger::Fingerprint;
use crate::live::{LiveIntegration, holds_secret, is_mask};
use crate::manifest::{Ignore, Integration};
use crate::platform::{
    Attribute, AttributePath, Class, ObjectPath, Platform, Shape, TablePath, find_attribute,
    value_at,
};
use crate::value::{Object, Value};

/// Difference between a file and a live integration.
#[derive(Debug)]
pub(super) struct Difference {
    /// Changes, in the order of the file.
    pub changes: Vec<Change>,
    /// Drift that the policy does not repair.
    pub drift: Vec<Change>,
    /// Body of an update.
    pub body: Body,
    /// Stored secrets of the file, which cannot be compared.
    pub not_compared: Vec<AttributePath>,
    /// Unknown live attributes that the body carries on.
    pub unknown_carried: Vec<AttributePath>,
    /// Stored secrets that the body would drop.
    pub secrets_lost: Vec<AttributePath>,
    /// Stored secrets that the server may have and that the body would drop.
    pub may_drop: Vec<AttributePath>,
    /// Values of the server that the body should keep and that the server does not show.
    pub hidden: Vec<AttributePath>,
}

impl Difference {
    /// Compares a file with the live integration that it means.
    pub(super) fn between(
        integration: &Integration,
        live: &LiveIntegration,
        history: DiffContext<'_>,
    ) -> Self {
        let Integration {
            platform,
            auto_bootstrap,
            config,
            without,
            options,
            ..
        } = integration;
        let mut walk = Walk::new(platform, *auto_bootstrap, &options.ignore, &options.extra);
        walk.history = history;
        walk.without = without;
        let config = walk.integration(*auto_bootstrap, config, live);
        walk.extra(None, &options.extra, Some(&live.config.0));
        walk.removed_secrets(integration);
        walk.show_dropped();
        let mut may_drop = needed_secrets(integration, &config, history.last);
        let body = Body::with_config(integration, config);
        may_drop.extend(stored::may_drop(integration, &body, live, history.last));
        may_drop.retain(|path| !walk.secrets_lost.contains(path));
        for paths in [&mut may_drop, &mut walk.secrets_lost] {
            paths.sort();
            paths.dedup();
        }
        Self {
            changes: walk.changes,
            drift: walk.drift,
            body,
            not_compared: walk.not_compared,
            unknown_carried: walk.unknown_carried,
            secrets_lost: walk.secrets_lost,
            may_drop,
            hidden: walk.hidden,
        }
    }
}

impl Body {
    /// True if the live integration shows every comparable value of this body.
    #[must_use]
    pub fn is_live(&self, live: &LiveIntegration) -> bool {
        let nothing = Object::new();
        let mut walk = Walk::new(self.platform, self.auto_bootstrap, &[], &nothing);
        walk.integration(self.auto_bootstrap, &self.config, live);
        walk.changes.is_empty()
    }
}

/// An object in the table: its path, and the attributes below it.
#[derive(Clone, Copy)]
struct Level {
    path: ObjectPath,
    attributes: &'static [Attribute],
}

impl Level {
    fn object(self, name: &'static str, attributes: &'static [Attribute]) -> Self {
        Self {
            path: self.path.object(name),
            attributes,
        }
    }
}

pub(super) struct Walk<'a> {
    platform: &'static Platform,
    auto_bootstrap: bool,
    ignore: &'a [Ignore],
    extra: &'a Object,
    pub(super) history: DiffContext<'a>,
    /// Stored secrets that the file says there are none of.
    without: &'a BTreeSet<AttributePath>,
    /// The live integration.
    pub(super) found: Option<&'a LiveIntegration>,
    pub(super) changes: Vec<Change>,
    pub(super) drift: Vec<Change>,
    not_compared: Vec<AttributePath>,
    unknown_carried: Vec<AttributePath>,
    secrets_lost: Vec<AttributePath>,
    pub(super) hidden: Vec<AttributePath>,
    /// Attributes of a way to log in that the file replaces by another.
    replaced: Vec<&'static str>,
    /// Those of them that the live side has, with what may be shown of them.
    dropped: Vec<(AttributePath, DisplayValue)>,
}

impl<'a> Walk<'a> {
    fn new(
        platform: &'static Platform,
        auto_bootstrap: Option<bool>,
        ignore: &'a [Ignore],
        extra: &'a Object,
    ) -> Self {
        Self {
            platform,
            auto_bootstrap: auto_bootstrap.unwrap_or(false),
            ignore,
            extra,
            history: DiffContext::NONE,
            found: None,
            without: const { &BTreeSet::new() },
            changes: Vec::new(),
            drift: Vec::new(),
            not_compared: Vec::new(),
            unknown_carried: Vec::new(),
            secrets_lost: Vec::new(),
            hidden: Vec::new(),
            replaced: Vec::new(),
            dropped: Vec::new(),
        }
    }

    /// Compares everything and returns the configuration that an update sends.
    fn integration(
        &mut self,
        auto_bootstrap: Option<bool>,
        config: &Object,
        live: &'a LiveIntegration,
    ) -> Object {
        self.found = Some(live);
        self.auto_bootstrap(auto_bootstrap, live.auto_bootstrap);
        let kept = |name: &str| self.ignores(ObjectPath::TOP.join(name));
        self.replaced = replaced(self.platform, auto_bootstrap, config, &live.config.0, kept);
        let top = Level {
            path: ObjectPath::TOP,
            attributes: self.platform.attributes,
        };
        self.object(top, Some(config), Some(&live.config.0))
    }

    fn auto_bootstrap(&mut self, file: Option<bool>, live: Option<bool>) {
        if let (Some(file), Some(live)) = (file, live)
            && file != live
        {
            self.changes.push(Change {
                path: AUTO_BOOTSTRAP.into(),
                kind: match self
                    .history
                    .attribute(AUTO_BOOTSTRAP)
                    .and_then(Json::as_bool)
                {
                    Some(last) if last == file => ChangeKind::Drift,
                    Some(_) | None => ChangeKind::Change,
                },
                before: DisplayValue::Plain(live.into()),
                after: DisplayValue::Plain(file.into()),
                immutable: true,
                covered: None,
            });
        }
    }

    /// Compares one object and returns what an update sends for it.
    fn object(
        &mut self,
        level: Level,
        file: Option<&Object>,
        live: Option<&Map<String, Json>>,
    ) -> Object {
        let mut body = Object::new();
        for (key, value) in file.into_iter().flat_map(Object::iter) {
            let before = live.and_then(|l| l.get(key)).filter(|v| !v.is_null());
            let sent = match find_attribute(level.attributes, key) {
                Some(attribute) => self.given(level, attribute, value, before),
                None => Some(value.clone()),
            };
            if let Some(sent) = sent {
                body.insert(key, sent);
            }
        }
        for (key, value) in live.into_iter().flatten() {
            let is_extra = value_at(self.extra, level.path.join(key).keys()).is_some();
            if body.get(key).is_none() && !value.is_null() && !is_extra {
                self.left_out(level, key, value, &mut body);
            }
        }
        body
    }

    /// An attribute in the file; `None` if an update omits it all the same.
    fn given(
        &mut self,
        level: Level,
        attribute: &'static Attribute,
        value: &Value,
        live: Option<&Json>,
    ) -> Option<Value> {
        let path = level.path.join(attribute.name);
        if let (Shape::Object(attributes), Value::Object(object)) = (attribute.shape, value) {
            let inner = level.object(attribute.name, attributes);
            let sent = self.object(inner, Some(object), live.and_then(Json::as_object));
            return Some(Value::Object(sent));
        }
        match attribute.class_for(self.auto_bootstrap) {
            Class::OneTime | Class::ServerSet => return Some(value.clone()),
            Class::Secret => {
                self.secret(path.to_path(), value);
                return Some(value.clone());
            }
            Class::Identity | Class::Mutable | Class::Immutable => {}
        }
        let is_secret = matches!(value, Value::Secret(_));
        let has_parameters = attribute.secret_parameters.is_some();
        if attribute.is_sensitive() || (is_secret && !has_parameters) {
            self.secret(path.to_path(), value);
            return Some(value.clone());
        }
        if self.ignores(path) {
            // Behind a mask the value is most likely the file's: it was sent, and is hidden.
            let shown = live.filter(|live| holds_secret(live) || !is_mask(live));
            let kept = shown.map(|live| self.kept(path, attribute, value, live));
            return Some(kept.unwrap_or_else(|| value.clone()));
        }
        if has_parameters && (is_secret || self.masked(&path.to_path()).is_some()) {
            return Some(self.text_with_secrets(path, attribute, value, live));
        }
        if let Some(spelling) = self.live_spelling(attribute, value, live) {
            return Some(spelling);
        }
        if same(attribute, value, live) {
            return Some(value.clone());
        }
        let kept = path.to_path();
        let change = Change {
            kind: self
                .history
                .who_moved(kept.as_str(), attribute, value, live),
            path: kept,
            before: shown_live(attribute, live),
            after: to_json(value).map_or(DisplayValue::Hidden, DisplayValue::Plain),
            immutable: attribute.class == Class::Immutable,
            covered: None,
        };
        if change.kind == ChangeKind::Drift && self.history.on_drift != OnDrift::Apply {
            self.drift.push(change);
            return live.map(|live| self.kept(path, attribute, value, live));
        }
        self.changes.push(change);
        Some(value.clone())
    }

    /// A secret of the file against the fingerprint of the one that was last applied.
    pub(super) fn secret(&mut self, path: AttributePath, value: &Value) {
        let kind = match self.history.secret(path.as_str(), value) {
            SecretComparison::Other => ChangeKind::Rotation,
            SecretComparison::Unproven => ChangeKind::Resend,
            SecretComparison::Same | SecretComparison::Unknown if self.history.resend => {
                ChangeKind::Resend
            }
            SecretComparison::Same => return,
            SecretComparison::Unknown => return self.not_compared.push(path),
        };
        self.changes.push(Change {
            path,
            kind,
            before: DisplayValue::Hidden,
            after: DisplayValue::Hidden,
            immutable: false,
            covered: None,
        });
    }

    /// Stored secrets that this tool had set and that left the file. A null says of one that was
    /// never sent that there was none.
    fn removed_secrets(&mut self, integration: &Integration) {
        let Some(last) = self.history.last else {
            return;
        };
        let is_removed = |path: &AttributePath, sent: &Option<Fingerprint>| {
            let was_none = sent.is_none() && integration.without.contains(path);
            integration.config.at(path).is_none() && !was_none
        };
        for (path, _) in last
            .secrets
            .iter()
            .filter(|(path, it)| is_removed(path, it))
            .filter(|(path, _)| !self.platform.has_parameters(path))
        {
            self.secrets_lost.retain(|lost| lost != path);
            self.changes.push(Change {
                path: path.clone(),
                kind: ChangeKind::Change,
                before: DisplayValue::Hidden,
                after: DisplayValue::Absent,
                immutable: false,
                covered: None,
            });
        }
    }

    /// A plain attribute that this tool had set and that was removed from the file: it is omitted
    /// from the body, so that the server uses its default.
    fn removed(&mut self, path: AttributePath, attribute: &Attribute, live: &Json) {
        if default_json(attribute).as_ref() != Some(live) {
            self.changes.push(Change {
                kind: self
                    .history
                    .who_moved_removed(path.as_str(), attribute, live),
                path,
                before: shown_live(attribute, Some(live)),
                after: DisplayValue::Absent,
                immutable: attribute.class == Class::Immutable,
                covered: None,
            });
        }
    }

    /// An identity as the server has it, where the file means the same one. It is
    /// sent so, because no change of it is shown and the server may refuse one.
    fn live_spelling(
        &self,
        attribute: &Attribute,
        file: &Value,
        live: Option<&Json>,
    ) -> Option<Value> {
        let (file, live) = (file.as_text()?, live?.as_str()?);
        let key = |value| self.platform.pairing_key(Some(value));
        (attribute.class == Class::Identity && key(file) == key(live))
            .then(|| Value::Text(live.to_owned()))
    }

    /// A live attribute that the file omits: the server keeps its value.
    fn left_out(&mut self, level: Level, key: &str, value: &Json, body: &mut Object) {
        let path = level.path.join(key).to_path();
        let Some(attribute) = find_attribute(level.attributes, key) else {
            return self.carried(key, path, carry_unknown(value), body);
        };
        if level.path.is_top() && self.replaced.contains(&attribute.name) {
            let holds_secret = attribute.is_sensitive() || !attribute.children().is_empty();
            let shown = if holds_secret {
                DisplayValue::Hidden
            } else {
                shown_live(attribute, Some(value))
            };
            self.dropped.push((path, shown));
            return;
        }
        if let (Shape::Object(attributes), Json::Object(inner)) = (attribute.shape, value) {
            let level = level.object(attribute.name, attributes);
            let carried = self.object(level, None, Some(inner));
            if !carried.is_empty() {
                body.insert(key, Value::Object(carried));
            }
            return;
        }
        match attribute.class_for(self.auto_bootstrap) {
            Class::OneTime | Class::ServerSet => {}
            Class::Secret if self.without.contains(&path) => {
                self.dropped.push((path, DisplayValue::Hidden));
            }
            Class::Secret => self.secrets_lost.push(path),
            Class::Identity | Class::Mutable | Class::Immutable if attribute.is_sensitive() => {
                self.secrets_lost.push(path);
            }
            Class::Identity | Class::Mutable | Class::Immutable
                if self.was_applied(&path, attribute) =>
            {
                self.removed(path, attribute, value);
            }
            Class::Identity | Class::Mutable | Class::Immutable => {
                let carried = self.carry(&path, attribute, value);
                self.carried(key, path, carried, body);
            }
        }
    }

    fn carried(&mut self, key: &str, path: AttributePath, carried: Carried, body: &mut Object) {
        match carried {
            Carried::Plain(value) => body.insert(key, value),
            Carried::Unknown(value) => {
                body.insert(key, value);
                self.unknown_carried.push(path);
            }
            Carried::Lost => self.secrets_lost.push(path),
        }
    }

    /// Shows the attributes that an update omits on purpose. They are no reason for an update: a
    /// server may keep unused values.
    fn show_dropped(&mut self) {
        if self.changes.is_empty() {
            return;
        }
        self.changes
            .extend(self.dropped.drain(..).map(|(path, before)| Change {
                path,
                kind: ChangeKind::Change,
                before,
                after: DisplayValue::Absent,
                immutable: false,
                covered: None,
            }));
    }

    /// `sync.extra` against the live side. What a reference stands for is not compared.
    fn extra(
        &mut self,
        around: Option<&AttributePath>,
        extra: &Object,
        live: Option<&Map<String, Json>>,
    ) {
        for (key, value) in extra.iter() {
            let path = AttributePath::inside(around, key);
            let before = live.and_then(|live| live.get(key)).filter(|v| !v.is_null());
            if let (Value::Object(inner), Some(Json::Object(before))) = (value, before) {
                self.extra(Some(&path), inner, Some(before));
                continue;
            }
            let covered = (self.history.fingerprint)(path.as_str(), &covered(value, before));
            match before.map_or_else(|| is_absent(value), |before| equals(value, before)) {
                Some(true) => {}
                None if !self.history.resend => self.not_compared.push(path),
                differs => self.changes.push(Change {
                    path,
                    kind: match differs {
                        Some(_) => ChangeKind::Change,
                        None => ChangeKind::Resend,
                    },
                    before: before.map_or(DisplayValue::Absent, |_| DisplayValue::Hidden),
                    after: DisplayValue::Hidden,
                    immutable: false,
                    covered,
                }),
            }
        }
    }

    /// True if `sync.ignore` covers this attribute or an object around it.
    fn ignores(&self, path: TablePath<'_>) -> bool {
        self.ignore.iter().any(|it| it.path.covers(path.keys()))
    }
}
