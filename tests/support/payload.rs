//! Payloads made from the platforms' tables: for every way to log in, one that
//! uses every attribute that goes with it.

use std::collections::BTreeMap;

use integrationd::platform::{
    Attribute, Class, Condition, Evidence, Need, PLATFORMS, PayloadShape, Platform, Scalar, Shape,
};
use integrationd::simulator::Simulator;
use serde_json::{Map, Value, json};

use crate::in_process::{write_lines, writes};
use crate::texts::Texts;

/// One way in which an integration can be set up.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    pub(crate) platform: &'static Platform,
    pub(crate) auto: Option<bool>,
    /// The word that says how it logs in; left out where the table has a default.
    pub(crate) login: Option<&'static str>,
}

/// Every platform, set up in every way that is allowed.
pub(crate) fn every_case() -> Vec<Case> {
    let mut cases = Vec::new();
    for platform in PLATFORMS {
        let autos: &[Option<bool>] = match platform.payload {
            PayloadShape::Full => &[Some(true), Some(false)],
            PayloadShape::ManualOnly => &[Some(false)],
            PayloadShape::TypeOnly => &[None],
        };
        for auto in autos {
            for login in logins(platform) {
                cases.push(Case {
                    platform,
                    auto: *auto,
                    login,
                });
            }
        }
    }
    cases
}

/// The attribute that says how a platform is logged in to, with its words.
pub(crate) fn login_attribute(
    platform: &Platform,
) -> Option<(&'static Attribute, &'static [&'static str])> {
    platform.attributes.iter().find_map(|a| match a.shape {
        Shape::Enum(words, _) => Some((a, words)),
        Shape::Text(_)
        | Shape::Bool
        | Shape::Integer { .. }
        | Shape::Object(_)
        | Shape::TextList
        | Shape::Opaque => None,
    })
}

fn logins(platform: &Platform) -> Vec<Option<&'static str>> {
    let Some((attribute, words)) = login_attribute(platform) else {
        return vec![None];
    };
    let left_out = attribute.default.map(|_| None);
    words.iter().map(|w| Some(*w)).chain(left_out).collect()
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            platform,
            auto,
            login,
        } = self;
        write!(f, "{} {auto:?} {login:?}", platform.wire)
    }
}

impl Case {
    /// The word that says how it logs in, or that the server fills in.
    pub(crate) fn logs_in_with(&self) -> &str {
        let default = login_attribute(self.platform).and_then(|(login, _)| login.default);
        match (self.login, default) {
            (Some(word), _) | (None, Some(Scalar::Text(word))) => word,
            (None, Some(Scalar::Integer(_) | Scalar::Bool(_)) | None) => "",
        }
    }

    /// A payload with everything in it.
    pub(crate) fn payload(&self) -> Value {
        let mut payload = Map::new();
        payload.insert("type".into(), self.platform.wire.into());
        if let Some(auto) = self.auto {
            payload.insert("autoBootstrap".into(), auto.into());
            let config = self.object(self.platform.attributes, "");
            payload.insert("config".into(), Value::Object(config));
        }
        Value::Object(payload)
    }

    fn object(&self, attributes: &'static [Attribute], prefix: &str) -> Map<String, Value> {
        let wanted = attributes.iter().filter(|a| self.has(a));
        wanted
            .map(|a| {
                let path = format!("{prefix}{}", a.name);
                let value = match a.shape {
                    Shape::Object(children) => {
                        Value::Object(self.object(children, &format!("{path}/")))
                    }
                    Shape::Enum(..) if self.is_login(a) => self.login.into(),
                    Shape::Text(_)
                    | Shape::Bool
                    | Shape::Integer { .. }
                    | Shape::Enum(..)
                    | Shape::TextList
                    | Shape::Opaque => value(a, 1),
                };
                (a.name.to_owned(), value)
            })
            .collect()
    }

    fn is_login(&self, attribute: &Attribute) -> bool {
        login_attribute(self.platform).is_some_and(|(login, _)| login.name == attribute.name)
    }

    /// True if an attribute belongs to this login.
    fn has(&self, attribute: &Attribute) -> bool {
        if self.is_login(attribute) {
            return self.login.is_some();
        }
        let word = |name: &str| {
            self.login
                .filter(|_| login_name(self.platform) == Some(name))
        };
        let fits = |condition: &Condition| match condition {
            Condition::AutoBootstrap(_) => true,
            Condition::Is(..) => condition.holds(self.platform, self.auto, word),
        };
        match attribute.need {
            Need::Optional | Need::Always(_) => true,
            Need::When(conditions, _) => conditions.iter().all(fits),
        }
    }

    /// True if omitting an attribute results in a diagnostic.
    pub(crate) fn needs(&self, attribute: &Attribute) -> bool {
        let told = |evidence| !matches!(evidence, Evidence::Recalled | Evidence::Unknown);
        let word = |name: &str| {
            self.login
                .filter(|_| login_name(self.platform) == Some(name))
        };
        match attribute.need {
            Need::Optional => false,
            Need::Always(evidence) => told(evidence),
            Need::When(conditions, evidence) => {
                let holds = |c: &Condition| c.holds(self.platform, self.auto, word);
                told(evidence) && conditions.iter().all(holds)
            }
        }
    }

    /// The paths of what an update can change and a plan can compare.
    pub(crate) fn comparable(&self) -> Vec<(String, &'static Attribute)> {
        let mut leaves = Vec::new();
        collect(self.platform.attributes, "", &mut leaves);
        let payload = self.payload();
        let is_given = |path: &str| payload.pointer(&format!("/config/{path}")).is_some();
        let auto = self.auto.unwrap_or(false);
        leaves.retain(|(path, a)| {
            let class = a.class_for(auto);
            let can_change = matches!(class, Class::Mutable | Class::Immutable);
            is_given(path) && can_change && !a.is_fixed && !a.is_sensitive() && !self.is_login(a)
        });
        leaves
    }
}

fn login_name(platform: &Platform) -> Option<&'static str> {
    login_attribute(platform).map(|(attribute, _)| attribute.name)
}

/// The leaves of a table, each with its path.
fn collect(
    attributes: &'static [Attribute],
    prefix: &str,
    leaves: &mut Vec<(String, &'static Attribute)>,
) {
    for attribute in attributes {
        let path = format!("{prefix}{}", attribute.name);
        match attribute.children() {
            [] => leaves.push((path, attribute)),
            children => collect(children, &format!("{path}/"), leaves),
        }
    }
}

/// A value that the table allows; another one for another number.
pub(crate) fn value(attribute: &Attribute, number: u16) -> Value {
    let name = if attribute.is_sensitive() {
        format!("s3cr3t-of-{}", attribute.name)
    } else {
        attribute.name.to_owned()
    };
    match attribute.shape {
        Shape::Text(format) => {
            let candidates = [
                format!("{name}-{number}"),
                format!("immuta_{number}"),
                format!("_{name}_{number}"),
                format!("{number:012}"),
                format!("us-east-{number}"),
                format!("arn:aws:iam::012345678901:role/{name}-{number}"),
                format!("s3://bucket-{number}/"),
                json!({ "private_key": format!("key-of-{name}-{number}") }).to_string(),
            ];
            let fitting = candidates.into_iter().find(|c| (format.accepts)(c));
            fitting.unwrap().into()
        }
        Shape::Bool => (number % 2 == 1).into(),
        Shape::Integer { min, max } => {
            let value = 1000 + i64::from(number);
            assert!((min..=max).contains(&value), "{name}");
            value.into()
        }
        Shape::Enum(words, _) => words[usize::from(number) % words.len()].into(),
        Shape::TextList => json!([format!("{name}-{number}"), "another"]),
        Shape::Opaque => json!({
            "inside": { "of": format!("{name}-{number}-secret") },
            "flag": true,
            "list": [number, format!("{name}-{number}-item")],
        }),
        Shape::Object(_) => panic!("{name} is an object"),
    }
}

/// The file for a payload: JSON is YAML. What the table calls secret is named
/// by a reference, whose value is the one in the payload.
pub(crate) fn file_of(platform: &'static Platform, payload: &Value) -> (String, Texts) {
    let mut file = payload.clone();
    let mut secrets = BTreeMap::new();
    if let Some(config) = file.get_mut("config") {
        each_secret(platform.attributes, config, false, &mut |text| {
            let name = name_of(text);
            let reference = format!("${{env:{name}}}");
            secrets.insert(name, std::mem::replace(text, reference));
        });
    }
    let pairs = secrets.iter().map(|(n, v)| (n.as_str(), v.as_str()));
    (format!("{file:#}"), Texts::none().secrets(pairs))
}

/// A payload as the only file.
pub(crate) fn texts_of(platform: &'static Platform, payload: &Value) -> Texts {
    let (file, texts) = file_of(platform, payload);
    texts.file("one.yaml", file)
}

pub(crate) fn each_secret(
    attributes: &'static [Attribute],
    value: &mut Value,
    secret: bool,
    visit: &mut impl FnMut(&mut String),
) {
    match value {
        Value::Object(object) => {
            for (key, inner) in object {
                let attribute = attributes.iter().find(|a| a.name == key);
                let children = attribute.map_or(&[][..], Attribute::children);
                let secret = secret || attribute.is_some_and(Attribute::is_sensitive);
                each_secret(children, inner, secret, visit);
            }
        }
        Value::Array(items) => {
            for item in items {
                each_secret(&[], item, secret, visit);
            }
        }
        Value::String(text) if secret => visit(text),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A name for a variable, its own for every value.
fn name_of(value: &str) -> String {
    let bytes = value.bytes().map(|byte| format!("{byte:02X}"));
    format!("S{}", bytes.collect::<String>())
}

/// Puts a value at a path below `config`.
#[track_caller]
pub(crate) fn put(payload: &mut Value, path: &str, value: Value) {
    let pointer = format!("/config/{path}");
    *payload.pointer_mut(&pointer).unwrap() = value;
}

/// The only integration of a tenant, as it is stored.
#[track_caller]
pub(crate) fn stored(simulator: &Simulator) -> Value {
    match simulator.state().as_slice() {
        [one] => one.clone(),
        several => panic!("{} integrations", several.len()),
    }
}

/// Asserts that a run has sent this one request.
#[track_caller]
pub(crate) fn sent(simulator: &Simulator, line: &str, body: &Value, context: &str) {
    assert_eq!(write_lines(simulator), [line], "{context}");
    let sent = writes(simulator)[0].body.clone().unwrap();
    // As text: the order of the file is kept.
    assert_eq!(sent.to_string(), body.to_string(), "{context}");
}

/// Adds what the server holds and the file leaves out, at every depth.
pub(crate) fn fill_in(config: &mut Value, live: &Map<String, Value>) {
    let Some(config) = config.as_object_mut() else {
        return;
    };
    for (key, value) in live {
        match (config.get_mut(key), value.as_object()) {
            (Some(inner), Some(more)) => fill_in(inner, more),
            (Some(_), None) => {}
            (None, _) => {
                config.insert(key.clone(), value.clone());
            }
        }
    }
}

/// Removes what is at a path below `config`.
#[track_caller]
pub(crate) fn remove(payload: &mut Value, path: &str) {
    let pointer = format!("/config/{path}");
    let (object, name) = pointer.rsplit_once('/').unwrap();
    let object = payload.pointer_mut(object).unwrap();
    assert!(object.as_object_mut().unwrap().shift_remove(name).is_some());
}

/// The payload with secrets of its own: each ends in this text.
pub(crate) fn with_secrets(platform: &'static Platform, mut payload: Value, salt: &str) -> Value {
    if let Some(config) = payload.get_mut("config") {
        each_secret(platform.attributes, config, false, &mut |text| {
            // A key file stays one.
            match serde_json::from_str::<Value>(text) {
                Ok(mut file) if file.is_object() => {
                    file["private_key"] = salt.into();
                    *text = file.to_string();
                }
                Ok(_) | Err(_) => text.push_str(salt),
            }
        });
    }
    payload
}
