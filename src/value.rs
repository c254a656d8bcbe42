//! The tree of values in a file and in a request body.
//!
//! A [`Value`] is the desired state of one integration: plain leaves can be shown and compared,
//! [`Value::Secret`] leaves can be neither. Objects keep the order of the file, so that a body
//! reads like the payload in the file.

use crate::platform::{AttributePath, Attributes, first_key, keys, value_at};
use crate::secret::Template;

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// JSON `null`: only below `sync.extra`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, kept as it was written.
    Number(serde_json::Number),
    /// A string that may be shown.
    Text(String),
    /// A string that may not be shown, or that names a secret.
    Secret(Template),
    /// A number or a boolean that is not known to be harmless.
    Hidden(serde_json::Value),
    /// A list.
    List(Vec<Value>),
    /// An object.
    Object(Object),
}

impl Value {
    /// The object, if it is one.
    #[must_use]
    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Self::Object(object) => Some(object),
            Self::Null
            | Self::Bool(_)
            | Self::Number(_)
            | Self::Text(_)
            | Self::Secret(_)
            | Self::Hidden(_)
            | Self::List(_) => None,
        }
    }

    /// The text, if it is one that may be shown.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null
            | Self::Bool(_)
            | Self::Number(_)
            | Self::Secret(_)
            | Self::Hidden(_)
            | Self::List(_)
            | Self::Object(_) => None,
        }
    }

    /// Calls `visit` with every text in the tree that may be shown.
    fn for_each_text<'a>(&'a self, visit: &mut impl FnMut(&'a str)) {
        match self {
            Self::Text(text) => visit(text),
            Self::List(items) => items.iter().for_each(|v| v.for_each_text(visit)),
            Self::Object(object) => object.for_each_text(visit),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Secret(_) | Self::Hidden(_) => {}
        }
    }

    /// Calls `visit` with every template in the tree.
    pub fn for_each_template<'a>(&'a self, visit: &mut impl FnMut(&'a Template)) {
        match self {
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) | Self::Hidden(_) => {}
            Self::Secret(template) => visit(template),
            Self::List(items) => items.iter().for_each(|v| v.for_each_template(visit)),
            Self::Object(object) => object.iter().for_each(|(_, v)| v.for_each_template(visit)),
        }
    }
}

impl Object {
    /// Calls `visit` with every text that may be shown.
    pub fn for_each_text<'a>(&'a self, visit: &mut impl FnMut(&'a str)) {
        self.iter()
            .for_each(|(_, value)| value.for_each_text(visit));
    }
}

/// Keys and values in the order of the file. Keys are unique: the loader sees to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Object(Vec<(String, Value)>);

impl Object {
    /// An empty object.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The value under a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, v)| v)
    }

    /// The value under a key, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.0.iter_mut().find(|(k, _)| k == key).map(|(_, v)| v)
    }

    /// Sets a key: in its place if it was there, else at the end.
    pub fn insert(&mut self, key: impl Into<String>, value: Value) {
        let key = key.into();
        match self.get_mut(&key) {
            Some(slot) => *slot = value,
            None => self.0.push((key, value)),
        }
    }

    /// Sets the value at a path, and makes the objects that lead there.
    pub fn insert_at(&mut self, path: impl AsRef<str>, value: Value) {
        let (head, Some(rest)) = first_key(path.as_ref()) else {
            return self.insert(path.as_ref(), value);
        };
        if self.get(head).and_then(Value::as_object).is_none() {
            self.insert(head, Value::Object(Self::new()));
        }
        if let Some(Value::Object(inner)) = self.get_mut(head) {
            inner.insert_at(rest, value);
        }
    }

    /// Keys and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(k, v)| (k.as_str(), v))
    }

    /// Every value that holds no other, with its path.
    #[must_use]
    pub fn leaves(&self) -> Vec<(AttributePath, &Value)> {
        let mut leaves = Vec::new();
        self.gather_leaves(None, &mut leaves);
        leaves
    }

    fn gather_leaves<'v>(
        &'v self,
        around: Option<&AttributePath>,
        leaves: &mut Vec<(AttributePath, &'v Value)>,
    ) {
        for (key, value) in self.iter() {
            let path = AttributePath::inside(around, key);
            match value.as_object().filter(|inner| !inner.is_empty()) {
                Some(inner) => inner.gather_leaves(Some(&path), leaves),
                None => leaves.push((path, value)),
            }
        }
    }

    /// True if it is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value at a path.
    #[must_use]
    pub fn at(&self, path: impl AsRef<str>) -> Option<&Value> {
        value_at(self, keys(path.as_ref()))
    }
}

impl Attributes for Object {
    type Value = Value;

    fn entries(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.iter()
    }

    fn under(&self, key: &str) -> Option<&Value> {
        self.get(key)
    }

    fn object(value: &Value) -> Option<&Self> {
        value.as_object()
    }
}

impl FromIterator<(String, Value)> for Object {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}
