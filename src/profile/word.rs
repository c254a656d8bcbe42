//! Names that a profile repeats. A name comes from the tenant, so it is repeated only if it can be
//! nothing but a word of the API.

use crate::platform::by_wire;

/// Stands for a name that could be something else.
pub(super) const UNNAMED: &str = "(no identifier)";

/// The longest name.
const LONGEST: usize = 40;

/// The most digits of a name. An account, a date or a key has more.
const MOST_DIGITS: usize = 3;

/// The name of an attribute, or a status.
pub(super) fn word(name: &str) -> String {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    checked(name, is_letter)
}

/// The name of a type.
pub(super) fn type_word(name: &str) -> String {
    if by_wire(name).is_some() {
        return name.to_owned();
    }
    let is_letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ' ');
    checked(name, is_letter)
}

fn checked(name: &str, is_letter: impl Fn(char) -> bool) -> String {
    let digits = name.chars().filter(char::is_ascii_digit).count();
    let is_word = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(is_letter)
        && name.len() <= LONGEST
        && digits <= MOST_DIGITS;
    if is_word { name } else { UNNAMED }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::{PLATFORMS, every_attribute};

    #[test]
    fn every_known_name_is_a_word() {
        for platform in PLATFORMS {
            assert_eq!(type_word(platform.wire), platform.wire);
            for (path, attribute) in every_attribute(platform.attributes) {
                assert_eq!(word(attribute.name), attribute.name, "{path}");
            }
        }
    }

    #[test]
    fn host_id_key_and_user_are_no_words() {
        for name in [
            "",
            "acme.example.com",
            "a@example.com",
            "012345678901",
            "a1b2c3d4-e5f6-7a8b-9c0d-112233445566",
            "AKIAIOSFODNN7EXAMPLE1234",
            "by John Smith",
            "finance-admins",
            "s3://bucket",
            "(no identifier)",
            "aVeryLongNameThatNoAttributeOfThisApiHasOrWillHave",
        ] {
            assert_eq!(word(name), UNNAMED, "{name}");
        }
        assert_eq!(type_word("Lake Formation"), "Lake Formation");
        assert_eq!(type_word("Acme 2024-01-01"), UNNAMED);
    }
}
