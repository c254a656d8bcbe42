//! Paths of attributes, from the outside in.

use std::borrow::Borrow;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Attribute, PLATFORMS};

/// Stands between two keys.
const SEPARATOR: char = '/';

/// The path of an attribute below `config`, such as `audit/enabled`.
///
/// A field next to `config` that is compared has its key as its path.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AttributePath(String);

impl AttributePath {
    /// The path of a key in the object at a path, or at the top.
    #[must_use]
    pub fn inside(around: Option<&Self>, key: &str) -> Self {
        around.map_or_else(
            || Self(key.to_owned()),
            |around| Self(format!("{around}{SEPARATOR}{key}")),
        )
    }

    /// The text, as it is shown and recorded.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The keys, from the outside in.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        keys(&self.0)
    }

    /// The paths of the objects around it, from the outside in.
    pub fn around(&self) -> impl Iterator<Item = Self> {
        let ends = self.0.match_indices(SEPARATOR);
        ends.map(|(end, _)| Self(self.0[..end].to_owned()))
    }

    /// True if it is the path of the attribute with these keys, or of an object around it.
    #[must_use]
    pub fn covers<'k>(&self, keys: impl IntoIterator<Item = &'k str>) -> bool {
        let mut keys = keys.into_iter();
        self.keys().all(|key| keys.next() == Some(key))
    }
}

/// The keys of a path, from the outside in.
pub fn keys(path: &str) -> impl Iterator<Item = &str> {
    path.split(SEPARATOR)
}

/// The first key of a path, and the path from there on, if it goes on.
#[must_use]
pub fn first_key(path: &str) -> (&str, Option<&str>) {
    path.split_once(SEPARATOR)
        .map_or((path, None), |(key, rest)| (key, Some(rest)))
}

impl fmt::Display for AttributePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for AttributePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl From<&str> for AttributePath {
    fn from(path: &str) -> Self {
        Self(path.to_owned())
    }
}

impl Borrow<str> for AttributePath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for AttributePath {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for AttributePath {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for AttributePath {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

/// The most objects of a table that lie in each other. No table may have more.
const MOST_AROUND: usize = 3;

const _: () = {
    let mut index = 0;
    while index < PLATFORMS.len() {
        assert!(objects_in_each_other(PLATFORMS[index].attributes) <= MOST_AROUND);
        index += 1;
    }
};

const fn objects_in_each_other(attributes: &[Attribute]) -> usize {
    let mut most = 0;
    let mut index = 0;
    while index < attributes.len() {
        let children = attributes[index].children();
        if !children.is_empty() {
            let here = 1 + objects_in_each_other(children);
            if here > most {
                most = here;
            }
        }
        index += 1;
    }
    most
}

/// The path of a key in an object of a platform's table, known or not. It is made without
/// an allocation, for an attribute that may have nothing to be said of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TablePath<'k> {
    around: ObjectPath,
    key: &'k str,
}

/// The path of an object of a platform's table, `config` itself included.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct ObjectPath {
    /// The keys from the outside in; the rest is empty.
    keys: [&'static str; MOST_AROUND],
}

impl ObjectPath {
    /// `config` itself.
    pub const TOP: Self = Self {
        keys: [""; MOST_AROUND],
    };

    /// True if it is `config` itself.
    #[must_use]
    pub fn is_top(self) -> bool {
        self == Self::TOP
    }

    /// The path of a key in it.
    #[must_use]
    pub fn join(self, key: &str) -> TablePath<'_> {
        TablePath { around: self, key }
    }

    /// The path of an object in it.
    #[must_use]
    pub fn object(mut self, key: &'static str) -> Self {
        if let Some(slot) = self.keys.iter_mut().find(|it| it.is_empty()) {
            *slot = key;
        }
        self
    }

    /// The keys, from the outside in.
    pub fn keys(self) -> impl DoubleEndedIterator<Item = &'static str> {
        self.keys.into_iter().filter(|key| !key.is_empty())
    }
}

impl<'k> TablePath<'k> {
    /// The object that it lies in.
    #[must_use]
    pub fn around(self) -> ObjectPath {
        self.around
    }

    /// The keys, from the outside in.
    pub fn keys(self) -> impl Iterator<Item = &'k str> {
        let around = self.around.keys().map(|key| -> &'k str { key });
        around.chain([self.key])
    }

    /// The last key.
    #[must_use]
    pub fn key(self) -> &'k str {
        self.key
    }

    /// The same path, to be kept.
    #[must_use]
    pub fn to_path(self) -> AttributePath {
        AttributePath(self.to_string())
    }
}

impl fmt::Display for TablePath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for key in self.around.keys() {
            write!(f, "{key}{SEPARATOR}")?;
        }
        f.write_str(self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_is_built_and_taken_apart_from_the_outside_in() {
        let inner = ObjectPath::TOP.object("a").object("b").join("c");
        let path = inner.to_path();
        assert_eq!(path, "a/b/c");
        let keys: Vec<&str> = path.keys().collect();
        assert_eq!(keys, ["a", "b", "c"]);
        assert_eq!(inner.keys().collect::<Vec<_>>(), keys);
        assert_eq!(path.around().collect::<Vec<_>>(), ["a", "a/b"]);
        assert_eq!(first_key("a/b/c"), ("a", Some("b/c")));
        assert_eq!(first_key("c"), ("c", None));
        let outer = AttributePath::inside(None, "a");
        assert_eq!(outer, "a");
        let between = AttributePath::inside(Some(&outer), "b");
        assert_eq!(AttributePath::inside(Some(&between), "c"), path);
        assert_eq!(ObjectPath::TOP.join("a").to_path(), outer);
    }

    #[test]
    fn object_covers_its_own_paths_alone() {
        let covers = |outer: &str, inner: &str| {
            AttributePath::from(outer).covers(AttributePath::from(inner).keys())
        };
        assert!(covers("audit", "audit") && covers("audit", "audit/enabled"));
        assert!(!covers("audit", "audits") && !covers("audit", "config/audit"));
        assert!(!covers("audit/enabled", "audit") && !covers("audit/", "audit/enabled"));
        let enabled = ObjectPath::TOP.object("audit").join("enabled");
        assert!(AttributePath::from("audit").covers(enabled.keys()));
    }
}
