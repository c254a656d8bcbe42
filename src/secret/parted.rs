//! Templates of which only some parts are secret.

use std::ops::Range;

use zeroize::Zeroizing;

use super::{Secret, Template, TemplatePart};

/// Finds the ranges of a text that are secret, in order and apart from one another.
pub(super) type FindSecrets<'f> = &'f dyn Fn(&str) -> Vec<Range<usize>>;

impl Template {
    /// A text that may be shown but for its secrets; `None` if it has none.
    #[must_use]
    pub fn parted(text: &str, find: FindSecrets<'_>) -> Option<Self> {
        let secrets = find(text);
        let mut parts = Vec::new();
        push_parts(text, 0, &secrets, &mut parts);
        (!secrets.is_empty()).then_some(Self { parts })
    }

    /// The same text, in which only the secrets are literals. `stand_in` stands for each
    /// reference during the search.
    #[must_use]
    pub fn with_shown_parts(self, stand_in: char, find: FindSecrets<'_>) -> Self {
        let text = self.joined(stand_in);
        let secrets = find(&text);
        let mut parts = Vec::new();
        let mut at = 0;
        for part in self.parts {
            match part {
                TemplatePart::Literal(literal) => {
                    push_parts(literal.expose(), at, &secrets, &mut parts);
                    at += literal.expose().len();
                }
                TemplatePart::Shown(shown) => {
                    push_parts(&shown, at, &secrets, &mut parts);
                    at += shown.len();
                }
                TemplatePart::Reference(_) => {
                    parts.push(part);
                    at += stand_in.len_utf8();
                }
            }
        }
        Self { parts }
    }

    /// True if one of the secrets in the text is completely in the file.
    #[must_use]
    pub fn holds_literal(&self, stand_in: char, find: FindSecrets<'_>) -> bool {
        let text = self.joined(stand_in);
        let mut secrets = find(&text).into_iter();
        secrets.any(|secret| !text[secret].contains(stand_in))
    }

    /// True if both are the same text; `None` if one of them contains a reference.
    #[must_use]
    pub fn is_text_of(&self, other: &Self) -> Option<bool> {
        let whole = other.render(|_| Err(())).ok()?;
        self.is(whole.expose())
    }

    /// The whole text, with a sign in place of each reference.
    fn joined(&self, stand_in: char) -> Zeroizing<String> {
        let sizes = self.parts.iter().map(|part| match part {
            TemplatePart::Literal(literal) => literal.expose().len(),
            TemplatePart::Shown(text) => text.len(),
            TemplatePart::Reference(_) => stand_in.len_utf8(),
        });
        let mut text = Zeroizing::new(String::with_capacity(sizes.sum()));
        for part in &self.parts {
            match part {
                TemplatePart::Literal(literal) => text.push_str(literal.expose()),
                TemplatePart::Shown(shown) => text.push_str(shown),
                TemplatePart::Reference(_) => text.push(stand_in),
            }
        }
        text
    }
}

impl Secret {
    /// The text with its secret parts apart; `None` if it has none.
    #[must_use]
    pub fn parted(&self, find: FindSecrets<'_>) -> Option<Template> {
        Template::parted(self.expose(), find)
    }
}

/// Adds the parts of a text that begins at this offset of the whole.
fn push_parts(text: &str, at: usize, secrets: &[Range<usize>], parts: &mut Vec<TemplatePart>) {
    let within = |offset: usize| offset.saturating_sub(at).min(text.len());
    let mut done = 0;
    for secret in secrets {
        let (start, end) = (within(secret.start), within(secret.end));
        if start < end {
            push_shown(&text[done..start], parts);
            let literal = Secret::new(text[start..end].to_owned());
            parts.push(TemplatePart::Literal(literal));
            done = end;
        }
    }
    push_shown(&text[done..], parts);
}

fn push_shown(text: &str, parts: &mut Vec<TemplatePart>) {
    if !text.is_empty() {
        parts.push(TemplatePart::Shown(text.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::{Parsed, parse_template};

    const STAND_IN: char = '\u{fffc}';

    /// Everything behind an equals sign, up to a semicolon.
    fn find(text: &str) -> Vec<Range<usize>> {
        let starts = text.match_indices('=').map(|(at, _)| at + 1);
        let range = |start: usize| {
            let end = text[start..].find(';').map_or(text.len(), |at| start + at);
            start..end
        };
        starts.map(range).collect()
    }

    fn template(text: &str) -> Template {
        match parse_template(text, |_| None) {
            Ok(Parsed::Template(template)) => template,
            Ok(Parsed::Plain(text)) => Template::literal(text),
            Err(error) => panic!("{error}"),
        }
    }

    fn parted(text: &str) -> Template {
        template(text).with_shown_parts(STAND_IN, &find)
    }

    #[test]
    fn only_the_secret_is_masked() {
        let shown = |text| parted(text).shown();
        assert_eq!(shown("a=hunter2;b").as_deref(), Some("a=(secret);b"));
        assert_eq!(shown("a=${env:X};b").as_deref(), Some("a=(secret);b"));
        assert_eq!(shown("a=x${env:X}y;b").as_deref(), Some("a=(secret);b"));
        assert_eq!(shown("${env:X}"), None);
        let literals: Vec<String> = parted("a=hunter2;b")
            .literals()
            .map(|it| it.expose().to_owned())
            .collect();
        assert_eq!(literals, ["hunter2"]);
    }

    #[test]
    fn text_stays_the_same() {
        let text = "a=hunter2;b";
        assert_eq!(parted(text).is(text), Some(true));
        assert_eq!(parted(text).is_text_of(&template(text)), Some(true));
        assert_eq!(
            parted(text).is_text_of(&template("a=hunter3;b")),
            Some(false)
        );
        assert_eq!(parted("a=${env:X}").is_text_of(&template(text)), None);
    }

    #[test]
    fn reference_is_no_literal_secret() {
        let holds = |text| template(text).holds_literal(STAND_IN, &find);
        assert!(holds("a=hunter2;b=${env:X}"));
        assert!(!holds("a=x${env:X}"));
        assert!(!holds("${env:X}"));
    }
}
