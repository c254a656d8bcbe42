//! Makes text that the server sent fit to be shown: without the secrets that
//! were just sent to it, without characters that would fool a terminal, and short.
//!
//! Everywhere else sensitivity is a type. Text from the server is the one place
//! where only a search helps, so it looks for every form in which a server may
//! say a value back. A value shorter than four characters is not looked for: it
//! would be found in half the words and tell by its absence what it is.

use super::forms::{self, Form};
use crate::live::FailingTest;
use crate::secret::Secret;
use crate::text::{cut, escaped};

/// What stands where a secret was.
const MASK: &str = "(secret)";

/// The shortest form that is looked for, in characters.
const SHORTEST: usize = 4;

/// The longest text that is shown, in characters: about twenty-five lines of a
/// terminal. The documented messages have fewer than 250 (API.md section 6).
const LONGEST: usize = 2000;

/// The shortest beginning of a form that counts where the rest is missing and
/// nothing says so: a shorter one may be a word that the secret begins with.
const SHORTEST_BEGINNING: usize = 8;

/// What stands where a text was cut: by [`cut`], or by the server.
const CUTS: [&str; 2] = ["…", "..."];

/// What the first line of a key begins with, which is no secret.
const BANNER: &str = "-----";

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
    forms: Vec<Form>,
}

impl Scrubber {
    /// Prepares to look for these.
    #[must_use]
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let mut forms = Vec::new();
        for secret in secrets {
            forms::collect(secret.expose(), &mut forms);
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
    /// fits, else the longest beginning of one that was cut.
    fn match_at_start(&self, text: &str) -> Option<usize> {
        let forms = self.alike(text);
        let whole = forms.iter().filter(|form| text.starts_with(form.as_str()));
        if let Some(length) = whole.map(|form| form.len()).max() {
            return Some(length);
        }
        let secret = forms.iter().filter(|form| !form.starts_with(BANNER));
        let length = secret.map(|form| common(form, text)).max()?;
        let (head, rest) = text.split_at(length);
        let is_cut = CUTS.iter().any(|cut| rest.starts_with(cut));
        let shortest = if is_cut { SHORTEST } else { SHORTEST_BEGINNING };
        head.chars().nth(shortest - 1).is_some().then_some(length)
    }

    /// The forms that begin with the same bytes as a text: so many bytes as the
    /// shortest form has.
    fn alike(&self, text: &str) -> &[Form] {
        let wanted = beginning(text);
        let from = self.forms.partition_point(|form| beginning(form) < wanted);
        let forms = &self.forms[from..];
        &forms[..forms.partition_point(|form| beginning(form) == wanted)]
    }
}

/// How many bytes at the beginning of two texts are the same, in whole characters.
fn common(a: &str, b: &str) -> usize {
    let same = a.chars().zip(b.chars()).take_while(|(a, b)| a == b);
    same.map(|(c, _)| c.len_utf8()).sum()
}

fn beginning(text: &str) -> Option<&[u8]> {
    text.as_bytes().get(..SHORTEST)
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
    fn a_secret_that_was_cut_off_is_found_by_its_start() {
        assert_eq!(scrubbed("login hunt…", &["hunter2"]), "login (secret)…");
        assert_eq!(scrubbed("login hun…", &["hunter2"]), "login hun…");
        assert_eq!(scrubbed("login hunt", &["hunter2"]), "login hunt");
        assert_eq!(
            scrubbed("hunt... is cut", &["hunter2"]),
            "(secret)... is cut"
        );
    }

    #[test]
    fn a_long_beginning_of_a_secret_is_found_where_nothing_says_that_it_was_cut() {
        let secret = ["swordfish-and-hunter2"];
        assert_eq!(
            scrubbed("<swordfish-an> is wrong", &secret),
            "<(secret)> is wrong"
        );
        assert_eq!(scrubbed("a sword is wrong", &secret), "a sword is wrong");
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
