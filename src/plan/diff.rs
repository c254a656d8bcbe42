//! One generic comparison of a file with a live integration.
//!
//! It walks the platform's table and does two things at once: it gathers what
//! differs, and it builds the body that an update would send. An update replaces
//! the whole configuration on the server, so the body is the file's payload
//! together with the live values of what the file leaves out, unknown attributes
//! included, but never a secret or a mask from the live side: where the server
//! keeps a secret that the file does not give, the path is gathered as lost.

use serde_json::{Map, Value as Json};

use super::body::Body;
use crate::live::LiveIntegration;
use crate::manifest::{Ignore, Integration};
use crate::platform::{
    Attribute, Class, Condition, Need, Platform, Scalar, Shape, normalised_host,
};
use crate::value::{Object, Value};

/// One attribute that will be different.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The attribute, such as `audit/enabled`.
    pub path: String,
    /// Who moved.
    pub kind: ChangeKind,
    /// The live value.
    pub before: Shown,
    /// The value in the file.
    pub after: Shown,
    /// Whether the server is believed to refuse the change (API.md 7: a guess).
    pub immutable: bool,
}

/// Who moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// File and server differ. Without a record of what was last applied nobody
    /// can tell which of them moved.
    Change,
}

/// A value as it may be shown.
#[derive(Debug, Clone, PartialEq)]
pub enum Shown {
    /// It is not there.
    Absent,
    /// It is harmless.
    Plain(Json),
    /// It is there and must not be shown.
    Hidden,
}

/// How a file and a live integration differ.
#[derive(Debug)]
pub(super) struct Difference {
    /// What will be different, in the order of the file.
    pub changes: Vec<Change>,
    /// What an update sends.
    pub body: Body,
    /// Stored secrets of the file, which nobody can compare.
    pub not_compared: Vec<String>,
    /// Unknown live attributes that the body carries on.
    pub unknown_carried: Vec<String>,
    /// Stored secrets that the body would drop.
    pub secrets_lost: Vec<String>,
}

impl Difference {
    /// Compares a file with the live integration that it means.
    pub(super) fn between(integration: &Integration, live: &LiveIntegration) -> Self {
        let Integration {
            platform,
            auto_bootstrap,
            config,
            options,
            ..
        } = integration;
        let mut walk = Walk::new(*auto_bootstrap, &options.ignore, &options.extra);
        let config = walk.integration(platform, *auto_bootstrap, config, live);
        walk.extra("", &options.extra, Some(&live.config.0));
        walk.secrets_lost
            .extend(needed_secrets(platform, *auto_bootstrap, &config));
        walk.secrets_lost.sort();
        walk.secrets_lost.dedup();
        Self {
            changes: walk.changes,
            body: Body::with_config(integration, config),
            not_compared: walk.not_compared,
            unknown_carried: walk.unknown_carried,
            secrets_lost: walk.secrets_lost,
        }
    }
}

impl Body {
    /// Whether the live integration shows everything that this body says and that can be compared.
    #[must_use]
    pub fn is_live(&self, live: &LiveIntegration) -> bool {
        let nothing = Object::new();
        let mut walk = Walk::new(self.auto_bootstrap, &[], &nothing);
        walk.integration(self.platform, self.auto_bootstrap, &self.config, live);
        walk.changes.is_empty()
    }
}

/// A place in the table: the path that led there, and the attributes below it.
#[derive(Clone, Copy)]
struct Level<'a> {
    path: &'a str,
    attributes: &'static [Attribute],
}

impl Level<'_> {
    fn join(self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}/{key}", self.path)
        }
    }

    fn find(self, key: &str) -> Option<&'static Attribute> {
        self.attributes.iter().find(|a| a.name == key)
    }
}

struct Walk<'a> {
    auto_bootstrap: bool,
    ignore: &'a [Ignore],
    extra: &'a Object,
    changes: Vec<Change>,
    not_compared: Vec<String>,
    unknown_carried: Vec<String>,
    secrets_lost: Vec<String>,
}

impl<'a> Walk<'a> {
    fn new(auto_bootstrap: Option<bool>, ignore: &'a [Ignore], extra: &'a Object) -> Self {
        Self {
            auto_bootstrap: auto_bootstrap.unwrap_or(false),
            ignore,
            extra,
            changes: Vec::new(),
            not_compared: Vec::new(),
            unknown_carried: Vec::new(),
            secrets_lost: Vec::new(),
        }
    }

    /// Compares everything and returns the configuration that an update sends.
    fn integration(
        &mut self,
        platform: &'static Platform,
        auto_bootstrap: Option<bool>,
        config: &Object,
        live: &LiveIntegration,
    ) -> Object {
        self.auto_bootstrap(auto_bootstrap, live.auto_bootstrap);
        let top = Level {
            path: "",
            attributes: platform.attributes,
        };
        self.object(top, Some(config), Some(&live.config.0))
    }

    fn auto_bootstrap(&mut self, file: Option<bool>, live: Option<bool>) {
        if let (Some(file), Some(live)) = (file, live)
            && file != live
        {
            self.changes.push(Change {
                path: "autoBootstrap".into(),
                kind: ChangeKind::Change,
                before: Shown::Plain(live.into()),
                after: Shown::Plain(file.into()),
                immutable: true,
            });
        }
    }

    /// Compares one object and returns what an update sends for it.
    fn object(
        &mut self,
        level: Level<'_>,
        file: Option<&Object>,
        live: Option<&Map<String, Json>>,
    ) -> Object {
        let mut body = Object::new();
        for (key, value) in file.into_iter().flat_map(Object::iter) {
            let before = live.and_then(|l| l.get(key)).filter(|v| !v.is_null());
            let sent = match level.find(key) {
                Some(attribute) => self.given(level, attribute, value, before),
                None => value.clone(),
            };
            body.insert(key, sent);
        }
        for (key, value) in live.into_iter().flatten() {
            let is_extra = self.extra.at(&level.join(key)).is_some();
            if body.get(key).is_none() && !value.is_null() && !is_extra {
                self.left_out(level, key, value, &mut body);
            }
        }
        body
    }

    /// An attribute that the file gives.
    fn given(
        &mut self,
        level: Level<'_>,
        attribute: &'static Attribute,
        value: &Value,
        live: Option<&Json>,
    ) -> Value {
        let path = level.join(attribute.name);
        if let (Shape::Object(attributes), Value::Object(object)) = (attribute.shape, value) {
            let inner = Level {
                path: &path,
                attributes,
            };
            return Value::Object(self.object(inner, Some(object), live.and_then(Json::as_object)));
        }
        match attribute.class_for(self.auto_bootstrap) {
            Class::OneTime | Class::ServerSet => return value.clone(),
            Class::Secret => {
                self.not_compared.push(path);
                return value.clone();
            }
            Class::Identity | Class::Mutable | Class::Immutable => {}
        }
        if attribute.is_sensitive() || matches!(value, Value::Secret(_)) {
            self.not_compared.push(path);
            return value.clone();
        }
        if self.ignores(&path) {
            return live.map_or_else(|| value.clone(), from_json);
        }
        if !same(attribute, value, live) {
            self.changes.push(Change {
                path,
                kind: ChangeKind::Change,
                before: live
                    .cloned()
                    .or_else(|| default_json(attribute))
                    .map_or(Shown::Absent, Shown::Plain),
                after: to_json(value).map_or(Shown::Hidden, Shown::Plain),
                immutable: attribute.class == Class::Immutable,
            });
        }
        value.clone()
    }

    /// A live attribute that the file leaves out: the server keeps its value.
    fn left_out(&mut self, level: Level<'_>, key: &str, value: &Json, body: &mut Object) {
        let path = level.join(key);
        let Some(attribute) = level.find(key) else {
            if looks_masked(value) {
                self.secrets_lost.push(path);
            } else {
                body.insert(key, from_unknown_json(value));
                self.unknown_carried.push(path);
            }
            return;
        };
        if let (Shape::Object(attributes), Json::Object(inner)) = (attribute.shape, value) {
            self.lost_inside(&path, attributes, inner);
            let carried = self.object(
                Level {
                    path: &path,
                    attributes,
                },
                None,
                Some(inner),
            );
            if !carried.is_empty() {
                body.insert(key, Value::Object(carried));
            }
            return;
        }
        match attribute.class_for(self.auto_bootstrap) {
            Class::OneTime | Class::ServerSet => {}
            Class::Secret => self.secrets_lost.push(path),
            Class::Identity | Class::Mutable | Class::Immutable if attribute.is_sensitive() => {
                self.secrets_lost.push(path);
            }
            Class::Identity | Class::Mutable | Class::Immutable => {
                body.insert(key, from_json(value));
            }
        }
    }

    /// A server that leaves secrets out of its answers may keep one in an object
    /// that is in use there and that the file does not mention.
    fn lost_inside(
        &mut self,
        path: &str,
        attributes: &'static [Attribute],
        live: &Map<String, Json>,
    ) {
        let in_use = attributes.iter().any(|a| {
            live.get(a.name)
                .is_some_and(|v| !v.is_null() && Some(v) != default_json(a).as_ref())
        });
        if in_use {
            let secrets = attributes
                .iter()
                .filter(|a| a.class_for(self.auto_bootstrap) == Class::Secret);
            self.secrets_lost
                .extend(secrets.map(|a| format!("{path}/{}", a.name)));
        }
    }

    /// `sync.extra` against the live side. Its strings count as secret and are not compared.
    fn extra(&mut self, prefix: &str, extra: &Object, live: Option<&Map<String, Json>>) {
        for (key, value) in extra.iter() {
            let path = format!("{prefix}{key}");
            let before = live.and_then(|live| live.get(key)).filter(|v| !v.is_null());
            if let (Value::Object(inner), Some(Json::Object(before))) = (value, before) {
                self.extra(&format!("{path}/"), inner, Some(before));
                continue;
            }
            match (before, to_json(value)) {
                (Some(before), Some(after)) if *before == after => {}
                (Some(_), None) => self.not_compared.push(path),
                (before, _) => self.changes.push(Change {
                    path,
                    kind: ChangeKind::Change,
                    before: before.map_or(Shown::Absent, |_| Shown::Hidden),
                    after: Shown::Hidden,
                    immutable: false,
                }),
            }
        }
    }

    /// Whether `sync.ignore` covers this attribute or an object around it.
    fn ignores(&self, path: &str) -> bool {
        self.ignore.iter().any(|ignore| {
            path.strip_prefix(&ignore.path)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }
}

/// Stored secrets that the platform needs with this configuration and that it does not hold.
fn needed_secrets(
    platform: &'static Platform,
    auto_bootstrap: Option<bool>,
    config: &Object,
) -> Vec<String> {
    let holds = |condition: &Condition| {
        condition.holds(platform, auto_bootstrap, |name| config.get(name)?.as_text())
    };
    let is_needed = |need: Need| match need {
        Need::Optional => false,
        Need::Always(_) => true,
        Need::When(conditions, _) => conditions.iter().all(holds),
    };
    platform
        .attributes
        .iter()
        .filter(|a| a.class_for(auto_bootstrap.unwrap_or(false)) == Class::Secret)
        .filter(|a| is_needed(a.need) && config.get(a.name).is_none())
        .map(|a| a.name.to_owned())
        .collect()
}

/// Whether a value of the file and one of the server mean the same.
fn same(attribute: &Attribute, file: &Value, live: Option<&Json>) -> bool {
    let default = default_json(attribute);
    let Some(live) = live.or(default.as_ref()) else {
        return false;
    };
    match (file, live) {
        (Value::Text(file), Json::String(live)) if attribute.class == Class::Identity => {
            file == live || normalised_host(file) == normalised_host(live)
        }
        (Value::Text(file), Json::String(live)) => file == live,
        // A server may answer with a number or a bool in quotes, or a text without.
        (Value::Text(file), Json::Number(live)) => *file == live.to_string(),
        (Value::Number(file), Json::String(live)) => file.to_string() == *live,
        (Value::Bool(file), Json::String(live)) => file.to_string() == *live,
        (file, live) => to_json(file).as_ref() == Some(live),
    }
}

fn default_json(attribute: &Attribute) -> Option<Json> {
    attribute.default.map(|default| match default {
        Scalar::Text(text) => Json::from(text),
        Scalar::Integer(number) => Json::from(number),
        Scalar::Bool(truth) => Json::from(truth),
    })
}

/// The value as JSON; `None` if there is anything in it that must not be shown.
#[must_use]
pub fn to_json(value: &Value) -> Option<Json> {
    Some(match value {
        Value::Null => Json::Null,
        Value::Bool(truth) => Json::from(*truth),
        Value::Number(number) => Json::Number(number.clone()),
        Value::Text(text) => Json::from(text.as_str()),
        Value::Secret(_) => return None,
        Value::List(items) => Json::Array(items.iter().map(to_json).collect::<Option<_>>()?),
        Value::Object(object) => Json::Object(
            object
                .iter()
                .map(|(k, v)| Some((k.to_owned(), to_json(v)?)))
                .collect::<Option<_>>()?,
        ),
    })
}

/// A live value that is known to be harmless.
fn from_json(json: &Json) -> Value {
    convert(json, &|text| Value::Text(text.to_owned()))
}

/// A live value of which nothing is known: its texts count as secret.
fn from_unknown_json(json: &Json) -> Value {
    convert(json, &|text| {
        Value::Secret(crate::secret::Template::literal(text.to_owned()))
    })
}

fn convert(json: &Json, text: &impl Fn(&str) -> Value) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::Bool(*truth),
        Json::Number(number) => Value::Number(number.clone()),
        Json::String(string) => text(string),
        Json::Array(items) => Value::List(items.iter().map(|v| convert(v, text)).collect()),
        Json::Object(map) => Value::Object(
            map.iter()
                .map(|(k, v)| (k.clone(), convert(v, text)))
                .collect(),
        ),
    }
}

/// Whether a server hides something behind stars, or says that it does.
fn looks_masked(json: &Json) -> bool {
    match json {
        Json::Null | Json::Bool(_) | Json::Number(_) => false,
        Json::String(text) => {
            let stars = text.chars().count() >= 3 && text.chars().all(|c| matches!(c, '*' | '•'));
            let word = text.to_ascii_lowercase();
            stars || word.contains("redacted") || word.contains("masked")
        }
        Json::Array(items) => items.iter().any(looks_masked),
        Json::Object(map) => map.values().any(looks_masked),
    }
}
