//! One walk over the attributes of an object, by a platform's table.

use serde_json::{Map, Value as Json};

use super::path::{ObjectPath, TablePath};
use super::{Attribute, find_attribute};

/// An object whose keys are attributes: what a file gives, or what a server answers.
pub trait Attributes {
    /// The value of a key.
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

/// A value of an object, with what the table says of it.
pub struct Visited<'o, V> {
    /// Its path.
    pub path: TablePath<'o>,
    /// Its attribute; `None` if the table has none.
    pub attribute: Option<&'static Attribute>,
    /// The value.
    pub value: &'o V,
}

/// Every value of an object, in order. Of an object that the table knows, the values in it
/// come in its place; whatever else is found is one value.
pub fn walk<'o, O: Attributes>(
    attributes: &'static [Attribute],
    object: &'o O,
) -> impl Iterator<Item = Visited<'o, O::Value>> {
    let mut levels = vec![(ObjectPath::TOP, attributes, object.entries())];
    std::iter::from_fn(move || {
        loop {
            let (around, attributes, entries) = levels.last_mut()?;
            let Some((key, value)) = entries.next() else {
                levels.pop();
                continue;
            };
            let path = around.join(key);
            let attribute = find_attribute(attributes, key);
            let known = attribute.filter(|it| !it.children().is_empty());
            let Some((known, inner)) = known.zip(O::object(value)) else {
                return Some(Visited {
                    path,
                    attribute,
                    value,
                });
            };
            let below = (around.object(known.name), known.children(), inner.entries());
            levels.push(below);
        }
    })
}

/// Calls `change` with every value of an object, as [`walk`] finds them.
pub fn change_each(
    attributes: &'static [Attribute],
    object: &mut Map<String, Json>,
    change: &mut impl FnMut(TablePath<'_>, Option<&'static Attribute>, &mut Json),
) {
    change_below(ObjectPath::TOP, attributes, object, change);
}

fn change_below(
    around: ObjectPath,
    attributes: &'static [Attribute],
    object: &mut Map<String, Json>,
    change: &mut impl FnMut(TablePath<'_>, Option<&'static Attribute>, &mut Json),
) {
    for (key, value) in object {
        let attribute = find_attribute(attributes, key);
        match (attribute.filter(|it| !it.children().is_empty()), value) {
            (Some(known), Json::Object(inner)) => {
                change_below(around.object(known.name), known.children(), inner, change);
            }
            (_, value) => change(around.join(key), attribute, value),
        }
    }
}

/// Every attribute of a table with its path, each object before what lies in it.
pub fn every_attribute(
    attributes: &'static [Attribute],
) -> impl Iterator<Item = (TablePath<'static>, &'static Attribute)> {
    let mut levels = vec![(ObjectPath::TOP, attributes.iter())];
    std::iter::from_fn(move || {
        loop {
            let (around, rest) = levels.last_mut()?;
            let Some(attribute) = rest.next() else {
                levels.pop();
                continue;
            };
            let path = around.join(attribute.name);
            let below = around.object(attribute.name);
            levels.push((below, attribute.children().iter()));
            return Some((path, attribute));
        }
    })
}
