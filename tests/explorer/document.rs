//! One integration file as the model knows it, and how it changes.

use std::collections::{BTreeMap, BTreeSet};

use integrationd::platform::{
    Attribute, Class, CredentialTarget, Need, PayloadShape, Platform, Rule,
};
use serde_json::{Value, json};

use super::bound;
use super::scenario::Torn;
use crate::payload::{Case, each_secret, put, remove, value};
use crate::texts::Texts;

/// Stands in every secret, at its beginning and at its end, and nowhere else.
pub(super) const CANARY: &str = "c4n4ry";

/// Common key of two integrations that are the same one, in the model.
pub(super) type Key = (&'static str, String);

/// Defect of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// It is no YAML.
    Garbage,
    /// It has an unknown key.
    UnknownKey,
    /// It has no `type`.
    NoType,
}

/// A file.
#[derive(Debug, Clone)]
pub(super) struct Document {
    /// Distinguishes it from every other document, past or present.
    pub(super) uid: usize,
    pub(super) name: String,
    /// True if the name is in `sync.name`, and the file has another.
    pub(super) says_its_name: bool,
    pub(super) case: Case,
    /// With its secrets in clear.
    pub(super) payload: Value,
    /// True if it contains its secrets literally.
    pub(super) literal: bool,
    pub(super) flaw: Option<Flaw>,
    pub(super) previously: Vec<String>,
    pub(super) id: Option<u64>,
    pub(super) suspended: bool,
    pub(super) protected: bool,
    pub(super) ignored: BTreeSet<String>,
    /// True if the first of its secrets is missing.
    pub(super) lacks_secret: bool,
    /// Attributes that it no longer has, with the last value.
    pub(super) unsaid: BTreeMap<String, Value>,
    /// It got another name, and does not say that it had one before.
    pub(super) renamed_in_silence: bool,
    /// True if its secrets may go to one domain only.
    pub(super) bound: bool,
    /// True if it has an attribute that no table lists.
    pub(super) extra: bool,
}

/// An attribute that no table knows, of a file.
pub(super) const EXTRA: &str = "extraAttribute";

/// The attributes by which two integrations of a platform differ.
fn distinct(platform: &'static Platform) -> impl Iterator<Item = &'static str> {
    let unique = platform.rules.iter().map(|Rule::Unique(name, _)| *name);
    unique.chain(platform.pairing_attribute())
}

/// Attribute that distinguishes documents of a platform without an identity.
const MARK: &str = "datasetSuffix";

impl Document {
    /// A file with everything in it, and secrets of its own.
    pub(super) fn new(uid: usize, case: Case, identity: u16) -> Self {
        let mut document = Self {
            uid,
            name: format!("file-{uid}"),
            says_its_name: uid.is_multiple_of(3),
            case,
            payload: case.payload(),
            literal: false,
            flaw: None,
            previously: Vec::new(),
            id: None,
            suspended: false,
            protected: false,
            ignored: BTreeSet::new(),
            lacks_secret: false,
            unsaid: BTreeMap::new(),
            renamed_in_silence: false,
            bound: false,
            extra: false,
        };
        if let Some(mark) = case.platform.attribute(MARK) {
            let number = u16::try_from(1000 + uid).unwrap();
            put(&mut document.payload, MARK, value(mark, number));
        }
        document.becomes(identity);
        document.rotate_all(&format!("{uid}-first"));
        document
    }

    /// Takes this name; `says` is true if it names the previous one.
    pub(super) fn takes_name(&mut self, name: String, says: bool) {
        let old = std::mem::replace(&mut self.name, name);
        if says {
            self.previously.push(old);
        } else {
            self.renamed_in_silence = true;
        }
        self.previously.retain(|other| *other != self.name);
    }

    /// Takes the identity of this number.
    pub(super) fn becomes(&mut self, number: u16) {
        for name in distinct(self.case.platform) {
            let attribute = self.case.platform.attribute(name).unwrap();
            let mut value = value(attribute, number);
            if self.bound && self.platform().host_attribute() == Some(name) {
                value = bound::good(value.as_str().unwrap()).into();
            }
            put(&mut self.payload, name, value);
        }
    }

    /// Lets its secrets go to one domain only, where it leads from now on.
    pub(super) fn binds(&mut self) {
        self.bound = true;
        bound::tame(self.platform(), &mut self.payload);
    }

    /// True if the tool must refuse the document: it has something wrong, or leads
    /// elsewhere.
    pub(super) fn is_broken(&self) -> bool {
        let leads_elsewhere = || {
            let is_extra = self.extra && self.platform().host_attribute().is_some();
            let astray = bound::astray(self.platform(), &self.payload["config"]);
            is_extra || astray.is_some()
        };
        let holds_reference = || !self.literal && !self.secrets().is_empty();
        self.flaw.is_some() || (self.bound && holds_reference() && leads_elsewhere())
    }

    pub(super) fn platform(&self) -> &'static Platform {
        self.case.platform
    }

    pub(super) fn is_strong(&self) -> bool {
        self.platform().pairs_with_certainty()
    }

    /// Its names, past ones included.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.name).chain(&self.previously)
    }

    /// By which the tool pairs it.
    pub(super) fn key(&self) -> Key {
        key_of(self.platform(), &self.payload)
    }

    /// By which the model counts what was made for it.
    pub(super) fn mark(&self) -> Key {
        mark_of(self.platform(), &self.payload)
    }

    /// True if the tool is to act on it.
    pub(super) fn is_active(&self) -> bool {
        !self.is_broken() && !self.suspended
    }

    /// New values for all secrets.
    pub(super) fn rotate_all(&mut self, salt: &str) {
        self.rotate(salt, |_| true);
    }

    /// A new value for one secret.
    pub(super) fn rotate_one(&mut self, salt: &str, pick: usize) {
        let count = self.secrets().len();
        self.rotate(salt, |at| count > 0 && at == pick % count);
    }

    fn rotate(&mut self, salt: &str, is_meant: impl Fn(usize) -> bool) {
        let mut at = 0;
        self.each_secret(|text| {
            if is_meant(at) {
                // A key file stays one.
                let secret = format!("{CANARY}-{salt}-{at}-{CANARY}");
                *text = if text.starts_with('{') {
                    json!({ "private_key": secret }).to_string()
                } else {
                    secret
                };
            }
            at += 1;
        });
    }

    fn each_secret(&mut self, mut visit: impl FnMut(&mut String)) {
        let attributes = self.platform().attributes;
        if let Some(config) = self.payload.get_mut("config") {
            each_secret(attributes, config, false, &mut visit);
        }
    }

    /// The values of its secrets, in order.
    pub(super) fn secrets(&self) -> Vec<String> {
        let mut secrets = Vec::new();
        self.clone()
            .each_secret(|text| secrets.push(std::mem::take(text)));
        secrets
    }

    /// Those of them that lead somewhere.
    pub(super) fn leading(&self) -> Vec<(String, &'static Attribute)> {
        let mut leading = self.editable();
        leading.retain(|(_, attribute)| attribute.target != CredentialTarget::Nowhere);
        leading
    }

    /// Attributes that can be changed, omitted and compared without a new identity.
    pub(super) fn editable(&self) -> Vec<(String, &'static Attribute)> {
        let own: Vec<_> = distinct(self.platform()).collect();
        let mut editable = self.case.comparable();
        editable.retain(|(path, _)| !own.contains(&&**path) && path != MARK);
        editable
    }

    pub(super) fn says(&self, path: &str) -> bool {
        self.payload.pointer(&format!("/config/{path}")).is_some()
    }

    /// Gives an attribute this value; it may have been left out.
    pub(super) fn say(&mut self, path: &str, value: Value) {
        if self.says(path) {
            put(&mut self.payload, path, value);
        } else {
            let pointer = format!("/config/{path}");
            let (object, name) = pointer.rsplit_once('/').unwrap();
            let object = self.payload.pointer_mut(object).unwrap();
            object[name] = value;
        }
        self.unsaid.remove(path);
    }

    /// Leaves an attribute out, if that is allowed.
    pub(super) fn unsay(&mut self, path: &str, attribute: &Attribute) -> bool {
        let is_optional = matches!(attribute.need, Need::Optional);
        if !is_optional || !self.says(path) {
            return false;
        }
        let pointer = format!("/config/{path}");
        let value = self.payload.pointer(&pointer).unwrap().clone();
        remove(&mut self.payload, path);
        self.unsaid.insert(path.to_owned(), value);
        true
    }

    /// The path of the file.
    pub(super) fn path(&self) -> String {
        if self.says_its_name {
            format!("some-{}.yaml", self.uid)
        } else {
            format!("{}.yaml", self.name)
        }
    }

    /// The file among others.
    pub(super) fn written(&self, texts: Texts) -> Texts {
        let (mut file, environment) = self.referring();
        let sync = self.options();
        if sync.as_object().is_some_and(|options| !options.is_empty()) {
            file.payload["sync"] = sync;
        }
        let lacking = usize::from(self.lacks_secret);
        let available = environment.iter().skip(lacking);
        texts
            .file(&self.path(), spoilt(file.payload, self.flaw))
            .secrets(available.map(|(name, value)| (name.as_str(), value.as_str())))
    }

    /// The file among others during a save.
    pub(super) fn torn(&self, texts: Texts, torn: Torn) -> Texts {
        let path = self.path();
        let whole = self.written(Texts::none());
        let whole = whole.text(&path).unwrap_or_default().to_owned();
        let texts = self.written(texts);
        match torn {
            Torn::Empty => texts.file(&path, ""),
            Torn::Comment => texts.file(&path, "# Managed by integrationd.\n"),
            Torn::Half => texts.file(&path, &whole[..whole.len() / 2]),
            Torn::Missing => texts.without(&path),
        }
    }

    /// The secrets of a file that is gone.
    pub(super) fn remembered(&self, texts: Texts) -> Texts {
        let (_, environment) = self.referring();
        let all = environment.iter();
        texts.secrets(all.map(|(name, value)| (name.as_str(), value.as_str())))
    }

    /// With references in the place of secrets, and what they stand for.
    fn referring(&self) -> (Self, Vec<(String, String)>) {
        let mut file = self.clone();
        let mut environment = Vec::new();
        if !self.literal {
            let uid = self.uid;
            file.each_secret(|text| {
                let name = format!("D{uid}S{}", environment.len());
                let reference = format!("${{env:{name}}}");
                environment.push((name, std::mem::replace(text, reference)));
            });
        }
        (file, environment)
    }

    fn options(&self) -> Value {
        let mut sync = json!({});
        if self.says_its_name {
            sync["name"] = json!(self.name);
        }
        if !self.previously.is_empty() {
            sync["previously"] = json!(self.previously);
        }
        if let Some(id) = self.id {
            sync["id"] = json!(id.to_string());
        }
        if self.suspended {
            sync["suspend"] = json!({ "reason": "a migration" });
        }
        if self.protected {
            sync["protect"] = json!(true);
        }
        if !self.ignored.is_empty() {
            let ignore =
                |path: &String| json!({ "path": format!("/{path}"), "reason": "set elsewhere" });
            sync["ignore"] = self.ignored.iter().map(ignore).collect();
        }
        if self.extra && !self.is_bare() {
            sync["extra"] = json!({ EXTRA: "jdbc:evil.example" });
        }
        sync
    }

    /// Class of the attribute here: it decides whether the tool can know the server's value.
    pub(super) fn class(&self, attribute: &Attribute) -> Class {
        attribute.class_for(self.case.auto.unwrap_or(false))
    }

    pub(super) fn is_bare(&self) -> bool {
        self.platform().payload == PayloadShape::TypeOnly
    }
}

impl std::fmt::Display for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, case, .. } = self;
        let (_, key) = self.key();
        write!(f, "{name}: {case:?} {key:?}")
    }
}

/// By which the tool pairs an integration with this payload.
pub(super) fn key_of(platform: &'static Platform, payload: &Value) -> Key {
    let named = platform
        .pairing_attribute()
        .and_then(|name| payload["config"][name].as_str());
    (
        platform.wire,
        platform.pairing_key(named).unwrap_or_default(),
    )
}

/// By which the model counts integrations with this payload.
pub(super) fn mark_of(platform: &'static Platform, payload: &Value) -> Key {
    match payload["config"][MARK].as_str() {
        Some(mark) => (platform.wire, mark.to_owned()),
        None => key_of(platform, payload),
    }
}

fn spoilt(mut payload: Value, flaw: Option<Flaw>) -> String {
    match flaw {
        None => {}
        Some(Flaw::Garbage) => return format!("{payload:#}\n}}: ["),
        Some(Flaw::UnknownKey) => payload["nonsense"] = json!(true),
        Some(Flaw::NoType) => {
            payload.as_object_mut().unwrap().shift_remove("type");
        }
    }
    format!("{payload:#}")
}
