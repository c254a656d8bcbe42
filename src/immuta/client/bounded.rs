//! JSON of a bounded number of values.
//!
//! The transport limits the bytes of an answer, but a value in memory takes up
//! to seventy times the two bytes that it has on the wire. So values are counted
//! while they are read, and the ones over the limit are skipped: they are checked
//! to be JSON, and nothing of them is kept.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Values of one integration, or of any answer about one. An integration has about
/// a hundred; with this many it takes some two megabytes.
pub(crate) const MOST_VALUES: usize = 20_000;

/// The field that is read although the limit is reached: it says which platform
/// becomes unknown.
const TYPE: &str = "type";

/// The values that may still be read.
pub(crate) struct Budget {
    left: usize,
    exceeded: bool,
}

impl Default for Budget {
    /// That of one integration.
    fn default() -> Self {
        Self::of(MOST_VALUES)
    }
}

impl Budget {
    /// So many.
    pub(crate) fn of(values: usize) -> Self {
        Self {
            left: values,
            exceeded: false,
        }
    }

    /// The values that are left.
    pub(crate) fn left(&self) -> usize {
        self.left
    }

    /// True if a value had to be skipped.
    pub(crate) fn is_exceeded(&self) -> bool {
        self.exceeded
    }

    /// Counts one value; false if there is no room for it.
    fn take(&mut self) -> bool {
        if self.left == 0 {
            self.exceeded = true;
            return false;
        }
        self.left -= 1;
        true
    }
}

/// Reads one value that counts itself.
struct Counted<'b>(&'b mut Budget);

impl<'de> DeserializeSeed<'de> for Counted<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Value, D::Error> {
        self.0.take();
        Bounded(self.0).deserialize(json)
    }
}

/// Reads one value, without the values in it that the budget has no room for.
pub(crate) struct Bounded<'b>(pub(crate) &'b mut Budget);

impl<'de> DeserializeSeed<'de> for Bounded<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Bounded<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while self.0.left > 0 {
            let Some(value) = elements.next_element_seed(Counted(self.0))? else {
                return Ok(Value::Array(values));
            };
            values.push(value);
        }
        while elements.next_element::<IgnoredAny>()?.is_some() {
            self.0.exceeded = true;
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut values = Map::new();
        while let Some(key) = fields.next_key::<String>()? {
            if self.0.take() || key == TYPE {
                let value = fields.next_value_seed(Bounded(self.0))?;
                values.insert(key, value);
            } else {
                fields.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Value::Object(values))
    }
}
