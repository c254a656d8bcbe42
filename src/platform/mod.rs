//! The vocabulary in which the platforms are described, and the list of them.
//!
//! A platform is data: one `const` table in a file of its own. The loader, the
//! diff, the wire format and the tests are generic over the table, so an eighth
//! platform is one file, one line in [`PLATFORMS`] and one example. A
//! platform's name appears nowhere else; a test holds that.
//!
//! Every rule carries its [`Evidence`], because the API is known from public
//! documents only: what is documented is enforced, what is inferred is a
//! warning, and what only memory says never rejects a file.

mod bigquery;
mod databricks;
mod format;
mod parameters;
mod path;
mod payload;
mod redshift;
mod rule;
mod s3;
mod script;
mod shared;
mod snippet;
mod snowflake;
mod stored;
mod synapse;
mod trino;
mod walk;

#[cfg(test)]
mod tests;

pub use parameters::REFERENCE;
pub use path::{AttributePath, ObjectPath, TablePath, first_key, keys};
pub use payload::{AUTO_BOOTSTRAP, CONFIG, Field, PayloadShape, TYPE};
pub use rule::{Condition, Evidence, Lack, Need, Rule, Scalar};
pub use script::{ScriptKind, Scripts};
pub use snippet::Snippet;
pub use stored::{StoredSign, VisibleSign};
pub use walk::{Attributes, Visited, change_each, every_attribute, value_at, walk};

/// Every platform that this version knows, in the order of their titles.
pub const PLATFORMS: &[&Platform] = &[
    &redshift::PLATFORM,
    &s3::PLATFORM,
    &synapse::PLATFORM,
    &databricks::PLATFORM,
    &bigquery::PLATFORM,
    &snowflake::PLATFORM,
    &trino::PLATFORM,
];

/// Finds a platform by the exact value of `type` on the wire.
#[must_use]
pub fn by_wire(wire: &str) -> Option<&'static Platform> {
    PLATFORMS.iter().copied().find(|p| p.wire == wire)
}

/// One platform that Immuta integrates with: everything specific to it.
pub struct Platform {
    /// The value of `type`, exact in case and spaces (API.md 4.1).
    pub wire: &'static str,
    /// The name that people use.
    pub title: &'static str,
    /// Other words for it, for "did you mean".
    pub aliases: &'static [&'static str],
    /// Keys of a request.
    pub payload: PayloadShape,
    /// Identity that pairs a file with a live integration.
    pub identity: Identity,
    /// True if the deletion of an automatic setup needs its credentials; everything else is deleted
    /// without any (API.md 3.3).
    pub deleted_with_credentials: bool,
    /// The technology of connections that such an integration can be behind (API.md 10.3,
    /// 10.8); `None` where no connection has one.
    pub connection_technology: Option<&'static str>,
    /// The scripts of a manual set-up.
    pub scripts: Scripts,
    /// The snippet that a cluster is configured with.
    pub snippet: Option<Snippet>,
    /// The attributes of `config`.
    pub attributes: &'static [Attribute],
    /// Rules over more than one attribute or more than one file.
    pub rules: &'static [Rule],
}

impl std::fmt::Debug for Platform {
    /// The name alone: a table is long, and the same in every plan.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Platform({:?})", self.wire)
    }
}

impl PartialEq for Platform {
    fn eq(&self, other: &Self) -> bool {
        self.wire == other.wire
    }
}

impl Eq for Platform {}

impl Platform {
    /// True if an integration can be updated (API.md 7.7).
    #[must_use]
    pub fn can_be_updated(&self) -> bool {
        match self.payload {
            PayloadShape::Full | PayloadShape::ManualOnly => true,
            PayloadShape::TypeOnly => false,
        }
    }

    /// The attribute of `config` that pairs a file with a live integration.
    #[must_use]
    pub fn pairing_attribute(&self) -> Option<&'static str> {
        match self.identity {
            Identity::Host(name) | Identity::Name(name) | Identity::Hint(name) => Some(name),
            Identity::Nothing => None,
        }
    }

    /// The attribute of `config` that names the host of the platform.
    #[must_use]
    pub fn host_attribute(&self) -> Option<&'static str> {
        match self.identity {
            Identity::Host(name) => Some(name),
            Identity::Name(_) | Identity::Hint(_) | Identity::Nothing => None,
        }
    }

    /// True if two integrations with the same pairing key are certainly the same one.
    #[must_use]
    pub fn pairs_with_certainty(&self) -> bool {
        match self.identity {
            Identity::Host(_) | Identity::Name(_) => true,
            Identity::Hint(_) | Identity::Nothing => false,
        }
    }

    /// The form in which two values of the pairing attribute are compared; the
    /// attribute's default stands in for one that is left out. `None` if an
    /// identity is missing.
    #[must_use]
    pub fn pairing_key(&self, value: Option<&str>) -> Option<String> {
        match self.identity {
            Identity::Host(_) => value.map(normalised_host),
            Identity::Name(_) => value.map(str::to_owned),
            Identity::Hint(name) => {
                let default = match self.attribute(name).and_then(|a| a.default) {
                    Some(Scalar::Text(text)) => text,
                    Some(Scalar::Integer(_) | Scalar::Bool(_)) | None => "",
                };
                Some(value.unwrap_or(default).to_owned())
            }
            Identity::Nothing => Some(String::new()),
        }
    }

    /// Finds an attribute of `config` by a `/`-separated path such as `audit/enabled`.
    #[must_use]
    pub fn attribute(&self, path: impl AsRef<str>) -> Option<&'static Attribute> {
        let mut keys = keys(path.as_ref());
        let attribute = find_attribute(self.attributes, keys.next()?)?;
        keys.try_fold(attribute, |it, key| find_attribute(it.children(), key))
    }
}

/// The attribute of this name among those of one object.
#[must_use]
pub fn find_attribute(attributes: &'static [Attribute], name: &str) -> Option<&'static Attribute> {
    attributes.iter().find(|it| it.name == name)
}

/// A host as it is compared: in lower case, without a scheme and what may trail it.
fn normalised_host(host: &str) -> String {
    let lower = host.trim().to_ascii_lowercase();
    let bare = lower
        .split_once("://")
        .map_or(lower.as_str(), |(_, rest)| rest);
    bare.trim_end_matches(['/', '.']).to_owned()
}

/// Identity that distinguishes two integrations of one platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// This attribute of `config`, a host: the server allows one integration for each.
    Host(&'static str),
    /// This attribute of `config`, compared to the letter: unique on the server.
    Name(&'static str),
    /// Nothing certain; this attribute, or being the only one, is enough to
    /// compare and to prevent a second create, but never to update.
    Hint(&'static str),
    /// Nothing at all; being the only one is enough to prevent a second create.
    Nothing,
}

/// One attribute of `config`, or of an object inside it.
#[derive(Debug, Clone, Copy)]
pub struct Attribute {
    /// The key on the wire and in the file.
    pub name: &'static str,
    /// Shape of its value.
    pub shape: Shape,
    /// Treatment of a difference. An object has no class of its own: its attributes have.
    pub class: Class,
    /// The class when `autoBootstrap` is true, where that differs.
    pub class_when_auto: Option<Class>,
    /// Condition under which it is required, with the evidence.
    pub need: Need,
    /// Integrations that do without it although it is required.
    pub lack: Option<Lack>,
    /// Signs that the server stores it although it does not show it.
    pub stored_with: &'static [StoredSign],
    /// The value that the server fills in if it is omitted, as far as known. It decides what a
    /// [`Condition`] reads; its certainty is not documented.
    pub default: Option<Scalar>,
    /// True if the attribute is documented as unchangeable once it is set.
    pub is_fixed: bool,
    /// Role of the attribute in the destination of the integration's secrets.
    pub target: CredentialTarget,
    /// Names of secret parameters in its text, besides those with a usual ending; `None` if its
    /// text has no parameters.
    pub secret_parameters: Option<&'static [&'static str]>,
    /// Its purpose, in one line.
    pub doc: &'static str,
}

impl Attribute {
    /// An optional, mutable attribute.
    #[must_use]
    pub const fn new(name: &'static str, shape: Shape, doc: &'static str) -> Self {
        Self {
            name,
            shape,
            class: Class::Mutable,
            class_when_auto: None,
            need: Need::Optional,
            lack: None,
            stored_with: &[],
            default: None,
            is_fixed: false,
            target: CredentialTarget::Nowhere,
            secret_parameters: None,
            doc,
        }
    }

    /// Names a host, or the URL of one, to which secrets may be sent.
    #[must_use]
    pub const fn targets_host(mut self) -> Self {
        self.target = CredentialTarget::ToHost;
        self
    }

    /// Marks an attribute that may name, in a form that integrationd does not parse, a destination
    /// of secrets.
    #[must_use]
    pub const fn targets_any_host(mut self) -> Self {
        self.target = CredentialTarget::Anywhere;
        self
    }

    /// Marks a text that may contain parameters of a driver. Those with these names, and those
    /// whose names have a usual ending, are secret.
    #[must_use]
    pub const fn parameters(mut self, secret: &'static [&'static str]) -> Self {
        self.secret_parameters = Some(secret);
        self
    }

    /// Sets the class.
    #[must_use]
    pub const fn class(mut self, class: Class) -> Self {
        self.class = class;
        self
    }

    /// Cannot be changed once it is set: a documented fact, where [`Class::Immutable`]
    /// alone is a guess.
    #[must_use]
    pub const fn fixed(mut self) -> Self {
        self.class = Class::Immutable;
        self.is_fixed = true;
        self
    }

    /// A stored secret: never returned, never printed.
    #[must_use]
    pub const fn secret(self) -> Self {
        self.class(Class::Secret)
    }

    /// With `autoBootstrap: true` a one-time credential: sent, never stored.
    #[must_use]
    pub const fn one_time_when_auto(mut self) -> Self {
        self.class_when_auto = Some(Class::OneTime);
        self
    }

    /// Must always be given.
    #[must_use]
    pub const fn required(mut self, evidence: Evidence) -> Self {
        self.need = Need::Always(evidence);
        self
    }

    /// Must be given when all conditions hold.
    #[must_use]
    pub const fn required_when(
        mut self,
        conditions: &'static [Condition],
        evidence: Evidence,
    ) -> Self {
        self.need = Need::When(conditions, evidence);
        self
    }

    /// May be absent although it is required.
    #[must_use]
    pub const fn may_lack(mut self, lack: Lack) -> Self {
        self.lack = Some(lack);
        self
    }

    /// A stored secret that exists next to these signs.
    #[must_use]
    pub const fn stored_with(mut self, signs: &'static [StoredSign]) -> Self {
        self.stored_with = signs;
        self
    }

    /// The value that the server fills in.
    #[must_use]
    pub const fn default(mut self, default: Scalar) -> Self {
        self.default = Some(default);
        self
    }

    /// The class under this value of `autoBootstrap`.
    #[must_use]
    pub fn class_for(&self, auto_bootstrap: bool) -> Class {
        match self.class_when_auto {
            Some(class) if auto_bootstrap => class,
            Some(_) | None => self.class,
        }
    }

    /// True if its value must never be shown, for any setup.
    #[must_use]
    pub fn is_sensitive(&self) -> bool {
        self.class == Class::Secret || matches!(self.shape, Shape::Opaque)
    }

    /// True if references to secrets may stand in its strings. `None`: nothing is known of
    /// `autoBootstrap`.
    #[must_use]
    pub fn takes_references(&self, auto_bootstrap: Option<bool>) -> bool {
        self.is_sensitive()
            || self.secret_parameters.is_some()
            || self.class_for(auto_bootstrap.unwrap_or(true)) == Class::OneTime
    }

    /// The attributes of an object; none for anything else.
    #[must_use]
    pub const fn children(&self) -> &'static [Attribute] {
        match self.shape {
            Shape::Object(children) => children,
            Shape::Text(_)
            | Shape::Bool
            | Shape::Integer { .. }
            | Shape::Enum(..)
            | Shape::TextList
            | Shape::Opaque => &[],
        }
    }
}

/// Role of an attribute in the destination of the secrets next to it. Anyone who writes the
/// attribute can have them sent there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialTarget {
    /// Nothing.
    Nowhere,
    /// To this host, or the host of this URL.
    ToHost,
    /// The destination is uncertain.
    Anywhere,
}

/// Treatment of a difference in an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Pairs a file with a live integration.
    Identity,
    /// Can be changed by an update.
    Mutable,
    /// A change is believed to need a replacement (API.md 7: a guess).
    Immutable,
    /// Stored by the server, never returned, never printed.
    Secret,
    /// Used by an automatic set-up and not stored: sent in the body of every
    /// write, never compared.
    OneTime,
    /// Set by the server and never compared.
    ServerSet,
}

/// Shape of a value.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// A string.
    Text(StringRule),
    /// `true` or `false`.
    Bool,
    /// A whole number within bounds, both included.
    Integer {
        /// The smallest value.
        min: i64,
        /// The largest value.
        max: i64,
    },
    /// One of these words. The evidence is for the completeness of the list, and so decides about
    /// another word: an error, a warning, or nothing.
    Enum(&'static [&'static str], Evidence),
    /// An object with these attributes.
    Object(&'static [Attribute]),
    /// A list of strings.
    TextList,
    /// Anything: the attribute exists, its inside is unknown, so it counts as secret.
    Opaque,
}

impl Shape {
    /// A string without further rules.
    pub const TEXT: Self = Self::Text(StringRule::ANY);
    /// A TCP port (API.md 7.2: 0 to 65535).
    pub const PORT: Self = Self::Integer {
        min: 0,
        max: 65_535,
    };
    /// A count.
    pub const COUNT: Self = Self::Integer {
        min: 0,
        max: i64::MAX,
    };
}

/// A rule for the inside of a string.
#[derive(Clone, Copy)]
pub struct StringRule {
    /// Completes "must be …" in a message.
    pub expected: &'static str,
    /// True if a value follows the rule.
    pub accepts: fn(&str) -> bool,
    /// The rule as a regular expression, for the schema of files; at least as lenient.
    pub pattern: Option<&'static str>,
    /// Evidence for the rule.
    pub evidence: Evidence,
}

impl StringRule {
    /// No rule.
    pub const ANY: Self = Self {
        expected: "a string",
        accepts: |_| true,
        pattern: None,
        evidence: Evidence::Unknown,
    };
}

impl std::fmt::Debug for StringRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Format({}, {:?})", self.expected, self.evidence)
    }
}
