//! Looks for values, and for pieces of them, in whatever form they may hide.

use std::collections::{HashMap, HashSet};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// The shortest piece of a value that counts as found, in bytes of the value.
const PIECE: usize = 8;

/// A way to write a value down, and how many bytes of it a piece takes.
struct Form {
    name: &'static str,
    write: fn(&[u8]) -> Vec<u8>,
    piece: usize,
}

const fn form(name: &'static str, write: fn(&[u8]) -> Vec<u8>, piece: usize) -> Form {
    Form { name, write, piece }
}

/// Every form. What is escaped only grows, so that a piece of eight bytes holds
/// no more of the value than in clear.
const FORMS: &[Form] = &[
    form("in clear", <[u8]>::to_vec, PIECE),
    form("reversed", reversed, PIECE),
    form("in upper case", upper, PIECE),
    form("in lower case", lower, PIECE),
    form("as JSON", |value| json(value, false), PIECE),
    form("as JSON in ASCII", |value| json(value, true), PIECE),
    form("as JSON in JSON", |v| json(&json(v, false), false), PIECE),
    form("as Rust shows it", debug, PIECE),
    form("in a URL", |value| percent(value, "%20", false), PIECE),
    form("in a URL, small", |v| percent(v, "%20", true), PIECE),
    form("in a form", |value| percent(value, "+", false), PIECE),
    form("as HTML", html, PIECE),
    form("in hex", |value| hex(value, false), 2 * PIECE),
    form("in hex, large", |value| hex(value, true), 2 * PIECE),
    form("in base64", |v| STANDARD.encode(v).into(), 11),
    form("in base64, 1 off", |v| STANDARD.encode(&v[1..]).into(), 11),
    form("in base64, 2 off", |v| STANDARD.encode(&v[2..]).into(), 11),
    form("in base64 for URLs", |v| URL_SAFE.encode(v).into(), 11),
];

fn upper(value: &[u8]) -> Vec<u8> {
    text(value).to_uppercase().into()
}

fn lower(value: &[u8]) -> Vec<u8> {
    text(value).to_lowercase().into()
}

fn reversed(value: &[u8]) -> Vec<u8> {
    value.iter().rev().copied().collect()
}

fn text(value: &[u8]) -> &str {
    std::str::from_utf8(value).unwrap()
}

/// The inside of a JSON string.
pub(crate) fn json(value: &[u8], ascii: bool) -> Vec<u8> {
    let quoted = serde_json::to_string(text(value)).unwrap();
    let inside = quoted[1..quoted.len() - 1].chars();
    let escaped = inside.flat_map(|c| match c.is_ascii() || !ascii {
        true => vec![c],
        false => format!("\\u{:04x}", u32::from(c)).chars().collect(),
    });
    escaped.collect::<String>().into_bytes()
}

fn debug(value: &[u8]) -> Vec<u8> {
    let quoted = format!("{:?}", text(value));
    quoted[1..quoted.len() - 1].into()
}

/// As JavaScript's `encodeURIComponent` does it, but for the space.
pub(crate) fn percent(value: &[u8], space: &str, small: bool) -> Vec<u8> {
    let mut out = String::new();
    for byte in value {
        match byte {
            b' ' => out.push_str(space),
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => out.push(char::from(*byte)),
            b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'\'' | b'(' | b')' => {
                out.push(char::from(*byte));
            }
            byte if small => out.push_str(&format!("%{byte:02x}")),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out.into_bytes()
}

pub(crate) fn html(value: &[u8]) -> Vec<u8> {
    let pairs = [
        ("&", "&amp;"),
        ("<", "&lt;"),
        (">", "&gt;"),
        ("\"", "&quot;"),
        ("'", "&#39;"),
    ];
    let text = text(value).to_owned();
    let escaped = pairs
        .iter()
        .fold(text, |text, (from, to)| text.replace(from, to));
    escaped.into_bytes()
}

pub(crate) fn hex(value: &[u8], large: bool) -> Vec<u8> {
    let digits = value.iter().map(|byte| match large {
        true => format!("{byte:02X}"),
        false => format!("{byte:02x}"),
    });
    digits.collect::<String>().into_bytes()
}

/// The secrets to search for.
pub(crate) struct Canaries {
    /// By the length of a piece: the piece, whose it is, and in which form.
    pieces: HashMap<usize, HashMap<Vec<u8>, (String, &'static str)>>,
}

impl Canaries {
    /// Prepares to look for values, each with a name.
    pub(crate) fn new(values: &[(String, String)]) -> Self {
        let mut pieces: HashMap<usize, HashMap<_, _>> = HashMap::new();
        for (name, value) in values {
            assert!(
                value.chars().count() >= 16,
                "{name} could be there by chance"
            );
            for Form {
                name: form,
                write,
                piece,
            } in FORMS
            {
                let written = write(value.as_bytes());
                let found = pieces.entry(*piece).or_default();
                for window in written.windows(*piece) {
                    found
                        .entry(window.to_vec())
                        .or_insert_with(|| (name.clone(), *form));
                }
            }
        }
        Self { pieces }
    }

    /// Every value of which a piece is there, with its form and what is around it.
    pub(crate) fn found_in(&self, bytes: &[u8]) -> Vec<String> {
        let mut seen = HashSet::new();
        let mut found = Vec::new();
        for (length, pieces) in &self.pieces {
            for (at, window) in bytes.windows(*length).enumerate() {
                let Some((name, form)) = pieces.get(window) else {
                    continue;
                };
                if seen.insert((name, form)) {
                    let around = &bytes[at.saturating_sub(60)..(at + 60).min(bytes.len())];
                    let around = String::from_utf8_lossy(around).into_owned();
                    found.push(format!("{name} {form}: …{around}…"));
                }
            }
        }
        found
    }

    /// Fails the test if a value is there.
    #[track_caller]
    pub(crate) fn are_not_in(&self, place: &str, bytes: &[u8]) {
        let found = self.found_in(bytes);
        assert!(found.is_empty(), "{place} holds\n{}", found.join("\n"));
    }
}

#[test]
fn a_piece_of_a_value_is_found_in_every_form() {
    let value = "vK3\"xQ\\9p\nZr é7'Wd<4&Tb%m".to_owned();
    let canaries = Canaries::new(&[("it".into(), value.clone())]);
    for form in FORMS {
        let written = (form.write)(value.as_bytes());
        let middle = &written[2..2 + form.piece];
        let hidden = [b"before", middle, b"after"].concat();
        assert!(!canaries.found_in(&hidden).is_empty(), "{}", form.name);
        let less = [b"before", &middle[..form.piece - 1], b"\x00after"].concat();
        assert_eq!(canaries.found_in(&less), [""; 0], "{}", form.name);
    }
}
