//! Makes text that the server sent fit to be shown: without the secrets that
//! were just sent to it, without characters that would fool a terminal, and short.
//!
//! Everywhere else sensitivity is a type. Text from the server is the one place
//! where only a search helps, so it looks for every form in which a server may
//! say a value back. A value shorter than four characters is not looked for: it
//! would be found in half the words and tell by its absence what it is.

use zeroize::{Zeroize, Zeroizing};

use super::encode::escape;
use crate::live::FailingTest;
use crate::secret::Secret;
use crate::text::{cut, escaped};

/// What stands where a secret was.
const MASK: &str = "(secret)";

/// The shortest form that is looked for, in characters.
const SHORTEST: usize = 4;

/// The shortest piece of a longer secret (a line of a key, a string in a key
/// file) that is looked for alone: shorter ones are everyday words.
const SHORTEST_PIECE: usize = 16;

/// The longest text that is shown, in characters: about twenty-five lines of a
/// terminal. The documented messages have fewer than 250 (API.md section 6).
const LONGEST: usize = 2000;

/// The most bytes that one byte of a value becomes in a form: `\u0000` in JSON.
const LONGEST_ESCAPE: usize = 6;

/// The end of a text that [`cut`] has cut.
const CUT: char = '…';

/// Replaces every secret in a text, in each form in which a server may say it
/// back, and a secret that was cut off at the end of the text.
#[must_use]
pub fn scrub<'a>(text: &str, secrets: impl IntoIterator<Item = &'a Secret>) -> String {
    Scrubber::new(secrets).scrub(text)
}

/// Secrets to be taken out of many texts: looking for ten thousand of them in
/// each of ten thousand texts must not take the product of both.
pub struct Scrubber {
    /// Every form of every secret, in ascending order, so that those which begin
    /// like a text are found by halving.
    forms: Vec<Zeroizing<String>>,
}

impl Scrubber {
    /// Prepares to look for these.
    #[must_use]
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let mut forms = Vec::new();
        for secret in secrets {
            collect_forms(secret.expose(), &mut forms);
        }
        forms.retain(|form| form.chars().nth(SHORTEST - 1).is_some());
        forms.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
        forms.dedup();
        Self { forms }
    }

    /// The text without them.
    #[must_use]
    pub fn scrub(&self, text: &str) -> String {
        let mut clean = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            if let Some(length) = self.match_at_start(rest) {
                clean.push_str(MASK);
                rest = &rest[length..];
            } else {
                clean.push(next);
                rest = &rest[next.len_utf8()..];
            }
        }
        clean
    }

    /// What the server says about a failing test, without them.
    #[must_use]
    pub fn scrub_test(&self, test: &FailingTest) -> FailingTest {
        let FailingTest { name, message } = test;
        FailingTest {
            name: self.scrub(name),
            message: self.scrub(message),
        }
    }

    /// How much of the start of a text is one of the forms: the longest that
    /// fits. A text that was cut may end in the middle of one.
    fn match_at_start(&self, text: &str) -> Option<usize> {
        let forms = self.alike(text);
        let whole = forms.iter().filter(|form| text.starts_with(form.as_str()));
        if let Some(length) = whole.map(|form| form.len()).max() {
            return Some(length);
        }
        let head = text.strip_suffix(CUT)?;
        let cut = head.chars().nth(SHORTEST - 1).is_some()
            && forms.iter().any(|form| form.starts_with(head));
        cut.then_some(head.len())
    }

    /// The forms that begin with the same bytes as a text: so many bytes as the
    /// shortest form has.
    fn alike(&self, text: &str) -> &[Zeroizing<String>] {
        let wanted = beginning(text);
        let from = self.forms.partition_point(|form| beginning(form) < wanted);
        let forms = &self.forms[from..];
        &forms[..forms.partition_point(|form| beginning(form) == wanted)]
    }
}

fn beginning(text: &str) -> Option<&[u8]> {
    text.as_bytes().get(..SHORTEST)
}

/// The forms in which a value may come back.
fn collect_forms(value: &str, forms: &mut Vec<Zeroizing<String>>) {
    // Large enough at once: growing would leave pieces of the secret in freed memory.
    let mut json = Zeroizing::new(Vec::with_capacity(value.len() * LONGEST_ESCAPE));
    escape(value, &mut |bytes| json.extend_from_slice(bytes));
    forms.extend(std::str::from_utf8(&json).ok().map(owned));
    forms.push(owned(value));
    forms.push(owned(value.trim()));
    forms.push(Zeroizing::new(escaped(value).into_owned()));
    let mut url = String::with_capacity(value.len() * LONGEST_ESCAPE);
    url.extend(url::form_urlencoded::byte_serialize(value.as_bytes()));
    forms.push(Zeroizing::new(url.replace('+', "%20")));
    forms.push(Zeroizing::new(url));
    if value.contains('\n') {
        for line in value.lines().map(str::trim) {
            if is_piece(line) && !line.starts_with("-----") {
                forms.push(owned(line));
            }
        }
    }
    // A key file is a document of its own, whose strings may come back alone.
    if value.trim_start().starts_with('{')
        && let Ok(mut document) = serde_json::from_str::<serde_json::Value>(value)
    {
        collect_strings(&document, forms);
        wipe(&mut document);
    }
}

fn collect_strings(document: &serde_json::Value, forms: &mut Vec<Zeroizing<String>>) {
    if let Some(text) = document.as_str().filter(|text| is_piece(text)) {
        collect_forms(text, forms);
    }
    let items = document.as_array().into_iter().flatten();
    let values = document.as_object().into_iter().flatten().map(|(_, v)| v);
    items
        .chain(values)
        .for_each(|inner| collect_strings(inner, forms));
}

/// Overwrites the texts of a tree that holds secrets or repeats them.
pub(super) fn wipe(tree: &mut serde_json::Value) {
    use serde_json::Value;
    match tree {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(fields) => fields.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn is_piece(text: &str) -> bool {
    text.chars().nth(SHORTEST_PIECE - 1).is_some()
}

fn owned(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.to_owned())
}

/// Text as it may be shown: escaped and cut. Secrets have to be scrubbed before,
/// where they are known; [`scrub`] also finds what this has cut.
pub(super) fn presentable(text: &str) -> String {
    cut(&escaped(text.trim()), LONGEST).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scrubbed(text: &str, secrets: &[&str]) -> String {
        let secrets: Vec<Secret> = secrets.iter().map(|s| Secret::new((*s).into())).collect();
        scrub(text, &secrets)
    }

    #[test]
    fn a_secret_is_replaced_wherever_it_stands() {
        assert_eq!(
            scrubbed("hunter2 and hunter2!", &["hunter2"]),
            "(secret) and (secret)!"
        );
    }

    #[test]
    fn the_longer_of_two_secrets_is_replaced_first() {
        assert_eq!(
            scrubbed("token-extended", &["token", "token-extended"]),
            "(secret)"
        );
    }

    #[test]
    fn one_of_many_secrets_is_found() {
        let secrets: Vec<String> = (0..1_000).map(|n| format!("hunter{n:03}")).collect();
        let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
        assert_eq!(
            scrubbed("hunter 7 is no hunter007é", &secrets),
            "hunter 7 is no (secret)é"
        );
    }

    #[test]
    fn a_very_short_value_is_left_alone() {
        assert_eq!(scrubbed("abc abcd", &["abc", ""]), "abc abcd");
        assert_eq!(scrubbed("abc abcd", &["abcd"]), "abc (secret)");
    }

    #[test]
    fn escaped_and_encoded_forms_are_found() {
        let secret = "p\"a/s s\nw+rd";
        for form in [
            r#"p\"a/s s\nw+rd"#,
            "p%22a%2Fs+s%0Aw%2Brd",
            "p%22a%2Fs%20s%0Aw%2Brd",
            r#"p"a/s s\nw+rd"#,
        ] {
            assert_eq!(scrubbed(&format!("<{form}>"), &[secret]), "<(secret)>");
        }
    }

    #[test]
    fn a_line_of_a_key_is_found_alone() {
        let key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG\n-----END KEY-----\n";
        assert_eq!(
            scrubbed(
                "bad line MIIEvQIBADANBgkqhkiG in -----BEGIN KEY-----",
                &[key]
            ),
            "bad line (secret) in -----BEGIN KEY-----"
        );
    }

    #[test]
    fn a_string_inside_a_key_file_is_found_alone() {
        let file = r#"{"a": {"private_key": "line-of-the-key-one\nline-of-the-key-two\n"}}"#;
        assert_eq!(
            scrubbed("cannot read line-of-the-key-two", &[file]),
            "cannot read (secret)"
        );
    }

    #[test]
    fn a_tree_that_is_wiped_has_no_text_left() {
        let mut tree = serde_json::json!({"a": ["hunter2", {"b": "hunter2"}], "c": 7});
        wipe(&mut tree);
        assert_eq!(tree, serde_json::json!({"a": ["", {"b": ""}], "c": 7}));
    }

    #[test]
    fn a_secret_that_was_cut_off_is_found_by_its_start() {
        assert_eq!(scrubbed("login hunt…", &["hunter2"]), "login (secret)…");
        assert_eq!(scrubbed("login hun…", &["hunter2"]), "login hun…");
        assert_eq!(scrubbed("login hunt", &["hunter2"]), "login hunt");
    }

    #[test]
    fn characters_that_fool_a_terminal_are_escaped() {
        assert_eq!(
            presentable("a\u{1b}[31m\u{202e}b\u{200b}\u{9b}\n é"),
            "a\\u{1b}[31m\\u{202e}b\\u{200b}\\u{9b}\\n é"
        );
    }

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        let shown = presentable(&"é".repeat(LONGEST + 1));
        assert_eq!(shown.chars().count(), LONGEST);
        assert!(shown.ends_with("é…"));
        assert!(!presentable(&"é".repeat(LONGEST)).ends_with('…'));
    }
}
