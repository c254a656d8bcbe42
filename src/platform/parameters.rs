//! Parameters inside one text, such as `warehouse=x;PWD=y`, some of which are secret.
//!
//! The text belongs to a driver, and no grammar of it is documented. So the search prefers to
//! hide too much: a secret ends where the next parameter certainly begins, and a name counts by
//! its ending. A parameter with another name stays visible.

use std::ops::Range;

use super::{Attribute, AttributePath, Platform};

/// Endings of the names of secret parameters, in lower case and without separators.
const SECRET_ENDINGS: &[&str] = &[
    "pwd",
    "passwd",
    "password",
    "passphrase",
    "passcode",
    "secret",
    "token",
    "credential",
    "credentials",
    "assertion",
    "key",
];

/// Stands for a reference in a text whose references are not resolved. It is a part of the value
/// around it.
pub const REFERENCE: char = '\u{fffc}';

/// Signs between a name and its value; `%3d` is an equals sign in a URL.
const ASSIGNMENTS: [&str; 3] = ["=", ":", "%3d"];

/// Separators of parameters, outside and inside a URL. `&` ends a secret only in a text without
/// `;`, and `,` only in one that is written as JSON.
const SEPARATORS: [&str; 6] = [";", "%3b", "\n", "&", "%26", ","];

impl Platform {
    /// True if the attribute at a path is a text with parameters.
    #[must_use]
    pub fn has_parameters(&self, path: &AttributePath) -> bool {
        let attribute = self.attribute(path);
        attribute.is_some_and(|it| it.secret_parameters.is_some())
    }
}

impl Attribute {
    /// The ranges of a text that are the values of secret parameters, in order.
    #[must_use]
    pub fn secrets_in(&self, text: &str) -> Vec<Range<usize>> {
        let names = self.secret_parameters;
        names.map_or_else(Vec::new, |names| secret_parameters(text, names))
    }
}

/// The ranges of a text that are the values of secret parameters, in order. `names` are the names
/// that the documentation of the drivers gives, besides those with a usual ending.
fn secret_parameters(text: &str, names: &[&str]) -> Vec<Range<usize>> {
    // The same length, and separators and names in one case.
    let lower = text.to_ascii_lowercase();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some((start, value)) = next_assignment(&lower, at) {
        at = value;
        if !is_secret(name_before(&lower[..start]), names) {
            continue;
        }
        let end = end_of_value(&lower, value, &lower[start..value]);
        let range = trimmed(&lower, value..end);
        at = end.max(value);
        if !matches!(&lower[range.clone()], "" | "true" | "false") {
            found.push(range);
        }
    }
    found.extend(passwords_of_hosts(&lower));
    found.sort_unstable_by_key(|range| (range.start, range.end));
    merged(found)
}

/// The next assignment from an offset on: its beginning, and that of the value behind it.
fn next_assignment(lower: &str, from: usize) -> Option<(usize, usize)> {
    let rest = lower.get(from..)?;
    let signs = ASSIGNMENTS.iter();
    let found = signs.filter_map(|sign| Some((from + rest.find(sign)?, sign.len())));
    let (start, length) = found.min()?;
    Some((start, start + length))
}

/// The name that a text ends with. Quotes and spaces around it do not belong to it.
fn name_before(text: &str) -> &str {
    let text = text.trim_end_matches([' ', '\t', '"', '\'', '\\']);
    let start = text.trim_end_matches(is_in_name).len();
    &text[start..]
}

/// A name without its separators.
fn bare(name: &str) -> String {
    let letters = name.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

fn is_secret(name: &str, names: &[&str]) -> bool {
    let name = bare(name);
    SECRET_ENDINGS.iter().any(|ending| name.ends_with(ending))
        || names.iter().any(|known| name.ends_with(&bare(known)))
}

/// The end of a secret value: the separator before the next parameter, or the end of the text.
fn end_of_value(lower: &str, start: usize, assignment: &str) -> usize {
    let from = start + quoted_length(&lower[start..]);
    let counts = |separator: &str| match separator {
        "&" | "%26" => !lower.contains([';']) && !lower.contains("%3b"),
        "," => assignment == ":",
        _ => true,
    };
    let rest = &lower[from..];
    let ends = rest.char_indices().map(|(at, _)| at).find(|at| {
        let mut separators = SEPARATORS.iter().filter(|it| counts(it));
        let separator = separators.find(|it| rest[*at..].starts_with(**it));
        separator.is_some_and(|it| begins_with_parameter(&rest[at + it.len()..], assignment))
    });
    ends.map_or(lower.len(), |at| from + at)
}

/// True for a text that begins with a name and an assignment of the same kind.
fn begins_with_parameter(text: &str, assignment: &str) -> bool {
    let Some((start, value)) = next_assignment(text, 0) else {
        return false;
    };
    let name = text[..start].trim_matches([' ', '\t', '"', '\'']);
    let is_json = |assignment: &str| assignment == ":";
    is_json(&text[start..value]) == is_json(assignment)
        && !name.is_empty()
        && name.chars().all(is_in_name)
}

fn is_in_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ')
}

/// The length of a value in braces or quotes, which may contain separators. A closing sign that is
/// doubled belongs to the value. Zero for another value.
fn quoted_length(value: &str) -> usize {
    let inner = value.trim_start();
    let close = match inner.chars().next() {
        Some('{') => '}',
        Some(quote @ ('"' | '\'')) => quote,
        Some(_) | None => return 0,
    };
    let open = value.len() - inner.len() + 1;
    let mut signs = value[open..].char_indices().peekable();
    while let Some((at, sign)) = signs.next() {
        if sign == close && signs.next_if(|(_, next)| *next == close).is_none() {
            return open + at + 1;
        }
    }
    value.len()
}

/// Passwords in front of a host, as in `user:password@proxy:3128`.
fn passwords_of_hosts(lower: &str) -> Vec<Range<usize>> {
    let ends = lower.match_indices('@').map(|(at, _)| at);
    let passwords = ends.filter_map(|end| {
        let before = &lower[..end];
        let start = match before.rfind("://") {
            Some(scheme) if !before[scheme..].contains([';', ' ', '\n']) => scheme + 3,
            Some(_) | None => before
                .rfind(['=', ';', '&', ' ', '/', '\n'])
                .map_or(0, |at| at + 1),
        };
        let colon = start + before[start..].find(':')?;
        (colon + 1 < end).then(|| colon + 1..end)
    });
    passwords.collect()
}

/// A range without the white space around its text, and the separators behind it.
fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let value = &text[range.clone()];
    let start = range.start + (value.len() - value.trim_start().len());
    let end = range.start + value.trim_end_matches([';', '&', ' ', '\t', '\n']).len();
    start..end.max(start)
}

/// Ordered ranges as ranges that do not overlap.
fn merged(ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let mut merged: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            Some(_) | None => merged.push(range),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text with stars in place of its secrets.
    fn masked(text: &str) -> String {
        let mut masked = text.to_owned();
        for range in secret_parameters(text, &["PRIV_KEY_BASE64"])
            .into_iter()
            .rev()
        {
            masked.replace_range(range, "*");
        }
        masked
    }

    #[test]
    fn value_of_a_secret_parameter_is_found() {
        for (text, shown) in [
            (
                "PRIV_KEY_FILE_PWD=hunter2;foo=bar",
                "PRIV_KEY_FILE_PWD=*;foo=bar",
            ),
            ("foo=bar;Pwd=hunter2", "foo=bar;Pwd=*"),
            ("foo=bar;PWD=hunter2;", "foo=bar;PWD=*;"),
            (
                "role=a&privateKeyPassword=x&db=b",
                "role=a&privateKeyPassword=*&db=b",
            ),
            ("?token=x&warehouse=w", "?token=*&warehouse=w"),
            ("priv_key_base64=TUlJ==;a=b", "priv_key_base64=*;a=b"),
            ("Client_Secret = x y ; a = b", "Client_Secret = * ; a = b"),
            ("a=b\npassword=x\nc=d", "a=b\npassword=*\nc=d"),
            ("x%3BPWD%3Dhunter2%3Ba%3Db", "x%3BPWD%3D*%3Ba%3Db"),
            (
                r#"{"password": "x,y", "role": "r"}"#,
                r#"{"password": *, "role": "r"}"#,
            ),
            ("SecretAccessKey=a/b+c=;x=y", "SecretAccessKey=*;x=y"),
            ("PASSWORD=ключ;x=y", "PASSWORD=*;x=y"),
        ] {
            assert_eq!(masked(text), shown, "{text}");
        }
    }

    #[test]
    fn separator_inside_of_a_secret_does_not_end_it() {
        for (text, shown) in [
            ("PWD={a;b=c};x=y", "PWD=*;x=y"),
            ("PWD={a}};b=c};x=y", "PWD=*;x=y"),
            ("PWD=\"a;b=c\";x=y", "PWD=*;x=y"),
            ("PWD={a;b=c", "PWD=*"),
            ("PWD=a;b;x=y", "PWD=*;x=y"),
            ("PWD=a&b=c;x=y", "PWD=*;x=y"),
            ("PWD=a=b;x=y", "PWD=*;x=y"),
            ("PWD=a b=c", "PWD=*"),
            ("extra={x;PWD=y}", "extra={x;PWD=*"),
        ] {
            assert_eq!(masked(text), shown, "{text}");
        }
    }

    #[test]
    fn password_in_front_of_a_host_is_found() {
        for (text, shown) in [
            (
                "Proxy=http://u:hunter2@proxy:3128;a=b",
                "Proxy=http://u:*@proxy:3128;a=b",
            ),
            ("Proxy=u:hunter2@proxy:3128", "Proxy=u:*@proxy:3128"),
            ("a=b;c=u@example.com", "a=b;c=u@example.com"),
        ] {
            assert_eq!(masked(text), shown, "{text}");
        }
    }

    #[test]
    fn harmless_parameter_is_not_masked() {
        for text in [
            "",
            "warehouse=x",
            "LOGINTIMEOUT=30;warehouse=x&role=y",
            "PRIV_KEY_FILE=/keys/rsa.p8",
            "token_file_path=/run/token",
            "passcodeInPassword=true;CLIENT_REQUEST_MFA_TOKEN=False",
            "PWD=;x=y",
            "authenticator=https://acme.okta.com:443/a;b=c",
            "proxyHost=evil",
            "UID=immuta",
            "ключ",
        ] {
            assert_eq!(masked(text), text, "{text}");
        }
    }
}
