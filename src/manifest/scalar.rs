//! Meaning of plain YAML scalars: the core schema of YAML 1.2, stricter in one place.
//!
//! YAML readers disagree about numbers with leading zeros (octal, decimal or a string), and an
//! account id that loses its zero is another account. So such a scalar is a string here, and is
//! marked as one that looks like a number.

use serde_json::Number;

/// The meaning of a plain scalar.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Plain {
    Null,
    Bool(bool),
    Number(Number),
    /// A string. `numeric` if another reader would make a number of it.
    Text {
        numeric: bool,
    },
    /// A number that cannot be kept as it is.
    Unrepresentable,
}

pub(super) fn resolve(text: &str) -> Plain {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Plain::Null,
        "true" | "True" | "TRUE" => return Plain::Bool(true),
        "false" | "False" | "FALSE" => return Plain::Bool(false),
        _ => {}
    }
    let starts_like_a_number = |b: &u8| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.');
    if text
        .bytes()
        .next()
        .as_ref()
        .is_some_and(starts_like_a_number)
    {
        number(text)
    } else {
        Plain::Text { numeric: false }
    }
}

fn number(text: &str) -> Plain {
    let unsigned = text.trim_start_matches(['+', '-']);
    if text.len() - unsigned.len() > 1 {
        return Plain::Text { numeric: false };
    }
    for (prefix, radix) in [("0o", 8), ("0x", 16)] {
        if let Some(digits) = text.strip_prefix(prefix)
            && !digits.is_empty()
            && digits.chars().all(|c| c.is_digit(radix))
        {
            return u64::from_str_radix(digits, radix)
                .map_or(Plain::Unrepresentable, |n| Plain::Number(n.into()));
        }
    }
    if !unsigned.is_empty() && unsigned.bytes().all(|b| b.is_ascii_digit()) {
        return integer(text, unsigned);
    }
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Plain::Unrepresentable;
    }
    if !is_float(unsigned) {
        return Plain::Text { numeric: false };
    }
    text.parse()
        .ok()
        .and_then(Number::from_f64)
        .map_or(Plain::Unrepresentable, Plain::Number)
}

fn integer(text: &str, digits: &str) -> Plain {
    if digits.len() > 1 && digits.starts_with('0') {
        return Plain::Text { numeric: true };
    }
    let signed = text.parse::<i64>().map(Number::from);
    signed
        .or_else(|_| text.parse::<u64>().map(Number::from))
        .map_or(Plain::Unrepresentable, Plain::Number)
}

/// `(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(text: &str) -> bool {
    let (mantissa, exponent) = text
        .split_once(['e', 'E'])
        .map_or((text, None), |(m, e)| (m, Some(e)));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent_holds = exponent.is_none_or(|e| {
        let e = e.strip_prefix(['+', '-']).unwrap_or(e);
        !e.is_empty() && digits(e)
    });
    !(whole.is_empty() && fraction.is_empty())
        && digits(whole)
        && digits(fraction)
        && exponent_holds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_yaml_1_1_are_strings() {
        for text in [
            "no",
            "yes",
            "on",
            "off",
            "y",
            "NO",
            "tRUE",
            "1_000",
            "12:30:45",
            "2026-12-01",
            "-",
            "+",
            ".",
            "--1",
            "0o",
            "0x",
            "1e",
            "e5",
            "..1",
        ] {
            assert_eq!(resolve(text), Plain::Text { numeric: false }, "{text}");
        }
    }

    #[test]
    fn leading_zeros_are_kept() {
        for text in ["012345", "-007", "00"] {
            assert_eq!(resolve(text), Plain::Text { numeric: true }, "{text}");
        }
    }

    #[test]
    fn numbers_are_numbers() {
        for (text, number) in [
            ("0", Number::from(0)),
            ("-0", Number::from(0)),
            ("+5", Number::from(5)),
            ("0x1F", Number::from(31)),
            ("0o17", Number::from(15)),
            ("18446744073709551615", Number::from(u64::MAX)),
            ("-9223372036854775808", Number::from(i64::MIN)),
            ("1.50", Number::from_f64(1.5).unwrap()),
            ("1.", Number::from_f64(1.0).unwrap()),
            (".5e-1", Number::from_f64(0.05).unwrap()),
        ] {
            assert_eq!(resolve(text), Plain::Number(number), "{text}");
        }
    }

    #[test]
    fn numbers_that_would_change_are_refused() {
        for text in [
            "18446744073709551616",
            "-9223372036854775809",
            "1e999",
            ".inf",
            "-.INF",
            ".nan",
            "0xFFFFFFFFFFFFFFFFF",
        ] {
            assert_eq!(resolve(text), Plain::Unrepresentable, "{text}");
        }
    }
}
