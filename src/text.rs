//! Text from files and servers, made fit to be shown.

use std::borrow::Cow;

/// The text with control and bidirectional characters escaped, so that nothing
/// which is shown can move the cursor, colour the terminal or reverse a line.
#[must_use]
pub fn escaped(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_unsafe(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Control characters, and those that change the direction of text or hide in it.
#[must_use]
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{00AD}'
                | '\u{061C}'
                | '\u{200B}'..='\u{200F}'
                | '\u{2028}'..='\u{202E}'
                | '\u{2060}'..='\u{2069}'
                | '\u{FEFF}'
        )
}

/// The text cut to this many characters, with `…` where something is missing.
#[must_use]
pub fn cut(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        None => Cow::Borrowed(text),
        Some(_) => {
            let kept: String = text.chars().take(most.saturating_sub(1)).collect();
            Cow::Owned(format!("{kept}…"))
        }
    }
}

/// JSON text with the same characters escaped. Outside of strings there are none but
/// the line breaks of the layout, and inside of them JSON has escaped those.
#[must_use]
pub fn escaped_json(json: &str) -> Cow<'_, str> {
    let is_layout = |c: char| c == '\n';
    if !json.chars().any(|c| is_unsafe(c) && !is_layout(c)) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 8);
    for c in json.chars() {
        if is_unsafe(c) && !is_layout(c) {
            // All of them have four digits at most.
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// `1 update`, `2 updates`.
#[must_use]
pub fn count(n: usize, one: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{n} {one}{s}")
}

/// One word for a shell, in quotes if it has characters that a shell may read in another way.
#[must_use]
pub fn shell_word(word: &[u8]) -> Vec<u8> {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-+,:@%=".contains(byte);
    if !word.is_empty() && word.iter().all(is_plain) {
        return word.to_vec();
    }
    let mut quoted = vec![b'\''];
    for byte in word {
        match byte {
            b'\'' => quoted.extend(b"'\\''"),
            byte => quoted.push(*byte),
        }
    }
    quoted.push(b'\'');
    quoted
}

/// As [`shell_word`], for text.
#[must_use]
pub fn shell_text(word: &str) -> String {
    String::from_utf8_lossy(&shell_word(word.as_bytes())).into_owned()
}

/// An error and its causes, on one line.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_drive_a_terminal_is_escaped() {
        assert_eq!(
            escaped("a\u{1b}[31m\nb\u{202e}c"),
            "a\\u{1b}[31m\\nb\\u{202e}c"
        );
        assert_eq!(escaped("Zürich 東京"), "Zürich 東京");
    }

    #[test]
    fn json_keeps_its_layout_and_its_values() {
        let value = serde_json::json!({"a": "x\u{202e}y\u{9b}\n"});
        let text = format!("{value:#}");
        let escaped = escaped_json(&text);
        assert_eq!(escaped, "{\n  \"a\": \"x\\u202ey\\u009b\\n\"\n}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&escaped).unwrap(),
            value
        );
    }

    #[test]
    fn a_cut_counts_characters_not_bytes() {
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöüß", 3), "äö…");
    }

    #[test]
    fn a_shell_reads_one_word_whatever_is_in_it() {
        for word in [
            "plain",
            "",
            "two words",
            "it's",
            "$(id) `id` \\",
            "a\nb",
            "~",
            "a=b",
        ] {
            let script = [b"printf %s ", shell_word(word.as_bytes()).as_slice()].concat();
            let script = String::from_utf8(script).unwrap();
            let output = std::process::Command::new("sh")
                .args(["-c", &script])
                .output();
            assert_eq!(String::from_utf8(output.unwrap().stdout).unwrap(), word);
        }
        assert_eq!(shell_text("/srv/files-1"), "/srv/files-1");
    }
}
