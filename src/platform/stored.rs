//! Signs that the server stores a secret that it does not show.
//!
//! An update replaces the whole configuration, so it drops every stored secret that it does not
//! send. A server that omits secrets from its responses still shows the attributes next to them: a
//! proxy user probably has a password. Each table states these signs.

use serde_json::Value as Json;

use super::{
    Attribute, AttributePath, Condition, Lack, Need, ObjectPath, Platform, Scalar, TablePath,
};

/// A visible value next to which the server may store a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoredSign {
    /// This attribute of the same object has a value.
    Beside(&'static str),
    /// This object at the top of `config` has a value in this attribute.
    Inside(&'static str, &'static str),
    /// This attribute at the top of `config` is this word.
    Is(&'static str, &'static str),
    /// This attribute at the top of `config` is a word that contains this one, in any case: its
    /// words are not documented.
    Contains(&'static str, &'static str),
}

/// A sign that a configuration shows.
#[derive(Debug, Clone, PartialEq)]
pub struct VisibleSign {
    /// The attribute.
    pub path: AttributePath,
    /// Its value.
    pub value: Json,
}

/// Reads the value of an attribute; `None` for null, too.
type ReadValue<'a> = &'a dyn Fn(TablePath<'static>) -> Option<Json>;

impl StoredSign {
    /// The attribute that the sign is read from.
    pub(super) fn path(self, secret: TablePath<'static>) -> TablePath<'static> {
        match self {
            Self::Beside(name) => secret.around().join(name),
            Self::Inside(object, name) => ObjectPath::TOP.object(object).join(name),
            Self::Is(name, _) | Self::Contains(name, _) => ObjectPath::TOP.join(name),
        }
    }

    /// True if this value of the attribute is the sign.
    fn is_seen_in(self, value: &Json) -> bool {
        match self {
            Self::Beside(_) | Self::Inside(..) => *value != "",
            Self::Is(_, word) => *value == word,
            Self::Contains(_, part) => {
                let word = value.as_str().map(str::to_ascii_lowercase);
                word.is_some_and(|word| word.contains(part))
            }
        }
    }
}

impl Platform {
    /// The signs in a configuration that the server stores the secret at this path.
    #[must_use]
    pub fn stored_signs(
        &self,
        path: TablePath<'static>,
        secret: &Attribute,
        value_of: ReadValue<'_>,
    ) -> Vec<VisibleSign> {
        let outer = path.keys().next().and_then(|name| self.attribute(name));
        let is_other = |attribute: &Attribute| self.is_of_another_login(attribute, value_of);
        if is_other(secret) || outer.is_some_and(is_other) || is_replaced(path, secret, value_of) {
            return Vec::new();
        }
        let signs = secret.stored_with.iter().filter_map(|sign| {
            let path = sign.path(path);
            let value = value_of(path).filter(|value| sign.is_seen_in(value))?;
            let path = path.to_path();
            Some(VisibleSign { path, value })
        });
        signs.collect()
    }

    /// True if the configuration names a login that does not use this attribute.
    fn is_of_another_login(&self, attribute: &Attribute, value_of: ReadValue<'_>) -> bool {
        let Need::When(conditions, _) = attribute.need else {
            return false;
        };
        let is_another = |condition: &Condition| match *condition {
            Condition::AutoBootstrap(_) => false,
            Condition::Is(name, word) => match value_of(ObjectPath::TOP.join(name)) {
                Some(value) => value.is_string() && value != word,
                None => self
                    .attribute(name)
                    .and_then(|it| it.default)
                    .is_some_and(|default| default != Scalar::Text(word)),
            },
        };
        conditions.iter().any(is_another)
    }
}

/// True if a switch next to a secret says that something else takes its place. A server may write
/// `true` in quotes.
fn is_replaced(path: TablePath<'static>, secret: &Attribute, value_of: ReadValue<'_>) -> bool {
    match secret.lack {
        None | Some(Lack::Perhaps) => false,
        Some(Lack::With(switch)) => {
            let switch = value_of(path.around().join(switch));
            switch.is_some_and(|it| it == true || it == "true")
        }
    }
}
