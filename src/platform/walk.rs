//! Objects whose keys are attributes, and their values by path.

use serde_json::{Map, Value as Json};

/// An object whose keys are attributes: what a file gives, or what a server answers.
pub trait Attributes {
    /// What is under a key.
    type Value;

    /// Keys and values, in order.
    fn entries(&self) -> impl Iterator<Item = (&str, &Self::Value)>;

    /// The value under a key.
    fn under(&self, key: &str) -> Option<&Self::Value>;

    /// The value as an object, if it is one.
    fn object(value: &Self::Value) -> Option<&Self>;
}

impl Attributes for Map<String, Json> {
    type Value = Json;

    fn entries(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.iter().map(|(key, value)| (key.as_str(), value))
    }

    fn under(&self, key: &str) -> Option<&Json> {
        self.get(key)
    }

    fn object(value: &Json) -> Option<&Self> {
        value.as_object()
    }
}

/// The value behind these keys, from the outside in.
pub fn value_at<'o, 'k, O: Attributes>(
    object: &'o O,
    keys: impl IntoIterator<Item = &'k str>,
) -> Option<&'o O::Value> {
    let mut keys = keys.into_iter();
    let value = object.under(keys.next()?)?;
    keys.try_fold(value, |value, key| O::object(value)?.under(key))
}
