//! The forms in which a server may say a value back: as it is, escaped for the
//! language of an answer, a log or a URL, encoded, or a part of it alone.
//!
//! Every buffer is wiped, and large enough at once where that can be said:
//! growing would leave pieces of the secret in freed memory.

use base64::Engine;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::Value;
use zeroize::{Zeroize, Zeroizing};

use super::encode::escape;
use crate::text::escaped;

/// The shortest piece of a longer secret (a line of a key, a string in a key
/// file) that is looked for alone: shorter ones are everyday words.
const SHORTEST_PIECE: usize = 16;

/// The shortest encoded text that is looked for: what is shorter tells little,
/// and is found in words that mean something else.
const SHORTEST_ENCODED: usize = 8;

/// The most bytes that one byte of a value becomes in a form: `\u0000` in JSON.
const LONGEST_ESCAPE: usize = 6;

/// What a form is written into.
pub(super) type Form = Zeroizing<String>;

/// Adds every form of a value, each once.
pub(super) fn collect(value: &str, forms: &mut Vec<Form>) {
    let mut own = Vec::new();
    collect_all(value, &mut own);
    own.sort_unstable_by(|a: &Form, b: &Form| a.as_str().cmp(b.as_str()));
    own.dedup();
    // They were made with room to grow: ten thousand secrets have many of them.
    own.iter_mut().for_each(|form| *form = owned(form));
    forms.append(&mut own);
}

fn collect_all(value: &str, forms: &mut Vec<Form>) {
    forms.push(owned(value));
    forms.push(owned(value.trim()));
    forms.push(shown(value));
    let json = json(value);
    forms.push(self::json(&json));
    forms.push(json);
    if !value.is_ascii() {
        forms.push(ascii_json(value));
    }
    in_urls(value, forms);
    let html = html(value);
    forms.push(shown(&html));
    forms.push(html);
    encoded(value, forms);
    pieces(value, forms);
}

/// As it is after it was made fit to be shown.
fn shown(text: &str) -> Form {
    Zeroizing::new(escaped(text).into_owned())
}

/// The inside of a JSON string.
fn json(text: &str) -> Form {
    let mut form = room(text);
    escape(text, &mut |bytes| {
        // What is escaped is cut between characters.
        form.push_str(std::str::from_utf8(bytes).unwrap_or_default());
    });
    form
}

/// The same from a program that writes ASCII alone.
fn ascii_json(text: &str) -> Form {
    let mut form = room(text);
    let mut units = [0; 2];
    for c in json(text).chars() {
        if c.is_ascii() {
            form.push(c);
        } else {
            for unit in c.encode_utf16(&mut units) {
                form.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    form
}

/// In a URL: by RFC 3986, by JavaScript's `encodeURIComponent` and as in a form,
/// each with both ways to write a space, and with large and with small digits.
fn in_urls(value: &str, forms: &mut Vec<Form>) {
    let kept: [&[u8]; 3] = [b"-_.~", b"-_.~!*'()", b"-_.*"];
    for (kept, space) in kept.iter().flat_map(|kept| [(kept, "%20"), (kept, "+")]) {
        for digits in [b"0123456789ABCDEF", b"0123456789abcdef"] {
            let mut text = room(value);
            for byte in value.bytes() {
                match byte {
                    b' ' => text.push_str(space),
                    _ if byte.is_ascii_alphanumeric() || kept.contains(&byte) => {
                        text.push(char::from(byte));
                    }
                    _ => {
                        text.push('%');
                        push_hex(byte, digits, &mut text);
                    }
                }
            }
            forms.push(text);
        }
    }
}

fn push_hex(byte: u8, digits: &[u8; 16], text: &mut String) {
    for digit in [byte >> 4, byte & 0xf] {
        text.push(char::from(digits[usize::from(digit)]));
    }
}

fn html(text: &str) -> Form {
    let mut form = room(text);
    for c in text.chars() {
        match c {
            '&' => form.push_str("&amp;"),
            '<' => form.push_str("&lt;"),
            '>' => form.push_str("&gt;"),
            '"' => form.push_str("&quot;"),
            '\'' => form.push_str("&#39;"),
            c => form.push(c),
        }
    }
    form
}

/// In hexadecimal and in base64.
fn encoded(value: &str, forms: &mut Vec<Form>) {
    let first = forms.len();
    for digits in [b"0123456789ABCDEF", b"0123456789abcdef"] {
        let mut text = room(value);
        value
            .bytes()
            .for_each(|byte| push_hex(byte, digits, &mut text));
        forms.push(text);
    }
    for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
        for before in 0..3 {
            forms.extend(in_base64(value, &engine, before));
        }
    }
    let short = |form: &Form| form.len() < SHORTEST_ENCODED;
    // They were added behind the others.
    let kept = forms
        .split_off(first)
        .into_iter()
        .filter(|form| !short(form));
    forms.extend(kept);
}

/// What a value becomes where so many bytes, of a multiple of three, stand before
/// it, such as the user and the colon of a `Basic` header: without the characters
/// that it shares with them. Once as the end of a text and once with more behind it.
fn in_base64(value: &str, engine: &GeneralPurpose, before: usize) -> [Form; 2] {
    let mut bytes = Zeroizing::new(Vec::with_capacity(before + value.len()));
    bytes.resize(before, 0);
    bytes.extend_from_slice(value.as_bytes());
    let mut text = Zeroizing::new(String::with_capacity(bytes.len() * 2 + 4));
    engine.encode_string(&bytes, &mut text);
    let shared = (before * 8).div_ceil(6);
    let whole = if bytes.len().is_multiple_of(3) {
        text.len()
    } else {
        text.len().saturating_sub(1)
    };
    let part = |end: usize| owned(text.get(shared..end).unwrap_or_default());
    [part(text.len()), part(whole)]
}

/// What may come back alone: a line of a key, a string of a key file.
fn pieces(value: &str, forms: &mut Vec<Form>) {
    if value.contains('\n') {
        for line in value.lines().map(str::trim) {
            if is_piece(line) && !line.starts_with("-----") {
                collect(line, forms);
            }
        }
    }
    if value.trim_start().starts_with('{')
        && let Ok(mut document) = serde_json::from_str(value)
    {
        strings(&document, forms);
        wipe(&mut document);
    }
}

fn strings(document: &Value, forms: &mut Vec<Form>) {
    if let Some(text) = document.as_str().filter(|text| is_piece(text)) {
        collect(text, forms);
    }
    let items = document.as_array().into_iter().flatten();
    let values = document.as_object().into_iter().flatten().map(|(_, v)| v);
    items.chain(values).for_each(|inner| strings(inner, forms));
}

fn is_piece(text: &str) -> bool {
    text.chars().nth(SHORTEST_PIECE - 1).is_some()
}

/// Overwrites the texts of a tree that holds secrets or repeats them.
pub(super) fn wipe(tree: &mut Value) {
    match tree {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(fields) => fields.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn owned(text: &str) -> Form {
    Zeroizing::new(text.to_owned())
}

/// An empty form that need not grow.
fn room(text: &str) -> Form {
    Zeroizing::new(String::with_capacity(text.len() * LONGEST_ESCAPE))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn forms(value: &str) -> Vec<String> {
        let mut forms = Vec::new();
        collect(value, &mut forms);
        forms.iter().map(|form| form.to_string()).collect()
    }

    #[test]
    fn a_value_has_a_form_for_each_language() {
        let forms = forms("Ab\"1\\2\né ~!😀");
        for form in [
            "Ab\"1\\2\né ~!😀",
            r#"Ab\"1\\2\né ~!😀"#,
            r#"Ab\\\"1\\\\2\\né ~!😀"#,
            r#"Ab\"1\\2\n\u00e9 ~!\ud83d\ude00"#,
            "Ab%221%5C2%0A%C3%A9%20~!%F0%9F%98%80",
            "Ab%221%5c2%0a%c3%a9%20~%21%f0%9f%98%80",
            "Ab%221%5C2%0A%C3%A9+%7E%21%F0%9F%98%80",
            "Ab&quot;1\\2\né ~!😀",
            "416222315c320ac3a9207e21f09f9880",
            "QWIiMVwyCsOpIH4h8J+YgA",
            "QWIiMVwyCsOpIH4h8J-YgA",
        ] {
            assert!(
                forms.iter().any(|f| f == form),
                "{form} is not in {forms:#?}"
            );
        }
    }

    #[test]
    fn base64_is_known_wherever_the_value_begins_and_ends() {
        let value = "hunter2-swordfish";
        let forms = forms(value);
        for before in ["", "a", "ab", "abc", "abcd"] {
            for after in ["", "a", "ab", "abc"] {
                let text = STANDARD_NO_PAD.encode(format!("{before}{value}{after}"));
                let found = forms
                    .iter()
                    .filter(|form| text.contains(*form))
                    .map(String::len);
                let longest = found.max().unwrap_or_default();
                // But for the characters that the value shares with what is around it.
                assert!(
                    longest >= value.len() * 8 / 6 - 1,
                    "{before}…{after}: {longest}"
                );
            }
        }
    }

    #[test]
    fn an_encoded_text_that_is_too_short_is_none() {
        assert!(forms("pass").iter().all(|form| !form.contains("cGFzc")));
    }

    #[test]
    fn a_tree_that_is_wiped_has_no_text_left() {
        let mut tree = json!({"a": ["hunter2", {"b": "hunter2"}], "c": 7});
        wipe(&mut tree);
        assert_eq!(tree, json!({"a": ["", {"b": ""}], "c": 7}));
    }
}
