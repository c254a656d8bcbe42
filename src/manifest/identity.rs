//! What tells two integrations of a platform apart, in a form that compares.

use crate::platform::{Attribute, Format, Identity, Platform, Scalar, Shape};
use crate::value::Object;

/// The value of the identity attribute, or of the hint, of a `config`: its
/// default if it is left out, absent if nothing is known. Two integrations of a
/// platform are meant to be one if their keys are equal.
#[must_use]
pub fn identity_key(platform: &Platform, config: &Object) -> Option<String> {
    let name = match platform.identity {
        Identity::Attribute(name) | Identity::Hint(name) => name,
        Identity::Nothing => return None,
    };
    let attribute = platform.attribute(name)?;
    let text = match config.get(name) {
        Some(value) => value.as_text()?,
        None => match attribute.default? {
            Scalar::Text(text) => text,
            Scalar::Integer(_) | Scalar::Bool(_) => return None,
        },
    };
    Some(normalise(attribute, text))
}

/// Hosts compare without case, scheme and what may end them; other values as
/// they are.
fn normalise(attribute: &Attribute, text: &str) -> String {
    if !names_a_host(attribute) {
        return text.to_owned();
    }
    let lower = text.trim().to_ascii_lowercase();
    let bare = lower
        .split_once("://")
        .map_or(lower.as_str(), |(_, rest)| rest);
    bare.trim_end_matches(['/', '.']).to_owned()
}

/// Whether an attribute holds the name of a host: its format takes one, and
/// refuses it with a scheme.
fn names_a_host(attribute: &Attribute) -> bool {
    match attribute.shape {
        Shape::Text(Format { accepts, .. }) => {
            accepts("db.example.com") && !accepts("https://db.example.com")
        }
        Shape::Bool
        | Shape::Integer { .. }
        | Shape::Enum(..)
        | Shape::Object(_)
        | Shape::TextList
        | Shape::Opaque => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::fake::{CLOUD, LAKE};
    use crate::value::Value;

    fn config(key: &str, value: &str) -> Object {
        [(key.to_owned(), Value::Text(value.to_owned()))]
            .into_iter()
            .collect()
    }

    #[test]
    fn hosts_compare_without_case_scheme_and_ending() {
        let key = |host| identity_key(&CLOUD, &config("host", host));
        assert_eq!(
            key("HTTPS://Acme.Example.COM/"),
            Some("acme.example.com".into())
        );
        assert_eq!(key("acme.example.com."), Some("acme.example.com".into()));
    }

    #[test]
    fn names_compare_exactly_and_a_default_counts() {
        assert_eq!(
            identity_key(&LAKE, &config("name", "A/")),
            Some("A/".into())
        );
        assert_eq!(identity_key(&LAKE, &Object::new()), Some("main".into()));
        assert_eq!(identity_key(&CLOUD, &Object::new()), None);
    }
}
