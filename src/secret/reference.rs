//! The grammar of references: `${source:argument}` inside a string, `$${` for a literal `${`.
//!
//! Pure: nothing is resolved here. An error gives its position in the string and repeats
//! nothing of the text, since the misspelt part may be the secret itself.

use super::provider::{PROVIDERS, Reference, by_word};
use super::{MASK, Secret};

/// The word for plain values that the operator declares. They never become secrets.
const VAR: &str = "var";

/// A text in the form in which it is read as itself: `${` as `$${`.
#[must_use]
pub fn escaped_literal(text: &str) -> String {
    text.replace("${", "$${")
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TemplatePart {
    /// Text from the file. It counts as secret.
    Literal(Secret),
    /// Text next to a secret. It may be shown.
    Shown(String),
    /// A secret from somewhere else.
    Reference(Reference),
}

/// A string that holds or names secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Its parts in order; never empty.
    pub parts: Vec<TemplatePart>,
}

impl Template {
    /// A template of one literal.
    #[must_use]
    pub fn literal(text: String) -> Self {
        Self {
            parts: vec![TemplatePart::Literal(Secret::new(text))],
        }
    }

    /// The secret parts of it that the file itself holds.
    pub fn literals(&self) -> impl Iterator<Item = &Secret> {
        self.parts.iter().filter_map(|part| match part {
            TemplatePart::Literal(literal) => Some(literal),
            TemplatePart::Shown(_) | TemplatePart::Reference(_) => None,
        })
    }

    /// Every text in it, secret or not.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            TemplatePart::Literal(literal) => Some(literal.expose()),
            TemplatePart::Shown(text) => Some(text.as_str()),
            TemplatePart::Reference(_) => None,
        })
    }

    /// The references in it, in order.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.parts.iter().filter_map(|part| match part {
            TemplatePart::Reference(reference) => Some(reference),
            TemplatePart::Literal(_) | TemplatePart::Shown(_) => None,
        })
    }

    /// The text with [`MASK`] in place of secrets; `None` if nothing of it may be shown.
    #[must_use]
    pub fn shown(&self) -> Option<String> {
        let mut is_shown = false;
        let mut text = String::new();
        for part in &self.parts {
            match part {
                TemplatePart::Shown(shown) => {
                    is_shown = true;
                    text.push_str(shown);
                }
                // One mask for the parts of one secret.
                TemplatePart::Literal(_) | TemplatePart::Reference(_) => {
                    if !text.ends_with(MASK) {
                        text.push_str(MASK);
                    }
                }
            }
        }
        is_shown.then_some(text)
    }

    /// True if it is this text; `None` if it contains a reference.
    #[must_use]
    pub fn is(&self, text: &str) -> Option<bool> {
        let mut rest = Some(text);
        for part in &self.parts {
            let text = match part {
                TemplatePart::Literal(literal) => literal.expose(),
                TemplatePart::Shown(text) => text.as_str(),
                TemplatePart::Reference(_) => return None,
            };
            rest = rest.and_then(|rest| rest.strip_prefix(text));
        }
        Some(rest == Some(""))
    }

    /// The value, with `resolve` asked for every reference; the first error otherwise.
    pub fn render<'a, E>(
        &'a self,
        mut resolve: impl FnMut(&Reference) -> Result<&'a Secret, E>,
    ) -> Result<Secret, E> {
        let values: Vec<&str> = self
            .parts
            .iter()
            .map(|part| match part {
                TemplatePart::Literal(text) => Ok(text.expose()),
                TemplatePart::Shown(text) => Ok(text.as_str()),
                TemplatePart::Reference(reference) => resolve(reference).map(Secret::expose),
            })
            .collect::<Result<_, E>>()?;
        // The exact size from the start: growing would keep pieces of the secret in freed memory.
        let size = values.iter().map(|value| value.len()).sum();
        let mut whole = String::with_capacity(size);
        for value in values {
            whole.push_str(value);
        }
        Ok(Secret::new(whole))
    }
}

/// Parsed string of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parsed {
    /// No reference to a secret: the text with escapes and variables replaced.
    Plain(String),
    /// At least one reference to a secret.
    Template(Template),
}

/// A mistake in a reference. It carries no text of the string but names of variables.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// `${` without `}`.
    #[error("this reference is not closed")]
    Unclosed {
        /// Byte offset of `${` in the string.
        at: usize,
    },
    /// No `source:` inside.
    #[error("this reference names no source")]
    NoSource {
        /// Byte offset of `${` in the string.
        at: usize,
    },
    /// A source that does not exist.
    #[error("this reference names an unknown source")]
    UnknownSource {
        /// Byte offset of `${` in the string.
        at: usize,
    },
    /// Nothing after the colon.
    #[error("this reference is empty")]
    EmptyArgument {
        /// Byte offset of `${` in the string.
        at: usize,
    },
    /// An argument that its source cannot be asked for.
    #[error("this reference is malformed for its source: write {form}")]
    WrongForm {
        /// Byte offset of `${` in the string.
        at: usize,
        /// The form.
        form: &'static str,
    },
    /// An undeclared variable.
    #[error("variable `{name}` is not declared")]
    UnknownVariable {
        /// Byte offset of `${` in the string.
        at: usize,
        /// The variable.
        name: String,
    },
}

/// The words of all providers.
pub fn provider_words() -> impl Iterator<Item = &'static str> {
    PROVIDERS.iter().map(|provider| provider.word)
}

/// The form of a reference of each provider.
pub fn provider_forms() -> impl Iterator<Item = &'static str> {
    PROVIDERS.iter().map(|provider| provider.form)
}

/// Every word that a reference can begin with, for help texts.
pub fn source_words() -> impl Iterator<Item = &'static str> {
    provider_words().chain([VAR])
}

/// Reads a string of a file. `variable` returns the value of a declared variable.
///
/// # Errors
/// The first mistake in a reference, with its place.
pub fn parse_template<'v>(
    text: &str,
    variable: impl Fn(&str) -> Option<&'v str>,
) -> Result<Parsed, ReferenceError> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(dollar) = rest.find("${") {
        let at = text.len() - rest.len() + dollar;
        let (before, from) = rest.split_at(dollar);
        if let Some(escaped) = before.strip_suffix('$') {
            literal.push_str(escaped);
            literal.push_str("${");
            rest = &from[2..];
            continue;
        }
        literal.push_str(before);
        let end = from.find('}').ok_or(ReferenceError::Unclosed { at })?;
        match parse_inside(&from[2..end], at)? {
            Inside::Variable(name) => {
                let unknown = || ReferenceError::UnknownVariable {
                    at,
                    name: name.to_owned(),
                };
                literal.push_str(variable(name).ok_or_else(unknown)?);
            }
            Inside::Secret(reference) => {
                push_literal(&mut parts, &mut literal);
                parts.push(TemplatePart::Reference(reference));
            }
        }
        rest = &from[end + 1..];
    }
    literal.push_str(rest);
    if parts.is_empty() {
        return Ok(Parsed::Plain(literal));
    }
    push_literal(&mut parts, &mut literal);
    Ok(Parsed::Template(Template { parts }))
}

fn push_literal(parts: &mut Vec<TemplatePart>, literal: &mut String) {
    if !literal.is_empty() {
        parts.push(TemplatePart::Literal(Secret::new(std::mem::take(literal))));
    }
}

/// Text between the braces.
enum Inside<'a> {
    Variable(&'a str),
    Secret(Reference),
}

fn parse_inside(inside: &str, at: usize) -> Result<Inside<'_>, ReferenceError> {
    let (word, argument) = inside
        .split_once(':')
        .ok_or(ReferenceError::NoSource { at })?;
    if argument.is_empty() {
        return Err(ReferenceError::EmptyArgument { at });
    }
    if word == VAR {
        return Ok(Inside::Variable(argument));
    }
    let provider = by_word(word).ok_or(ReferenceError::UnknownSource { at })?;
    let form = provider.form;
    let reference = (provider.parse)(argument);
    let reference = reference.ok_or(ReferenceError::WrongForm { at, form })?;
    Ok(Inside::Secret(reference))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Parsed, ReferenceError> {
        parse_template(text, |name| (name == "REGION").then_some("eu-west-1"))
    }

    #[test]
    fn text_without_a_reference_stays_as_it_is() {
        assert_eq!(parse("a $b {c} $"), Ok(Parsed::Plain("a $b {c} $".into())));
    }

    #[test]
    fn a_doubled_dollar_is_a_literal_brace() {
        assert_eq!(parse("a$${env:X}"), Ok(Parsed::Plain("a${env:X}".into())));
    }

    #[test]
    fn a_variable_is_replaced_and_stays_plain() {
        assert_eq!(
            parse("x-${var:REGION}"),
            Ok(Parsed::Plain("x-eu-west-1".into()))
        );
    }

    #[test]
    fn a_reference_between_literals_makes_three_parts() {
        let Ok(Parsed::Template(template)) = parse("a${env:B}c") else {
            panic!("expected a template")
        };
        let references: Vec<_> = template.references().map(ToString::to_string).collect();
        assert_eq!(
            (template.parts.len(), references),
            (3, vec!["${env:B}".to_owned()])
        );
    }

    #[test]
    fn mistakes_show_their_place_and_nothing_of_the_text() {
        assert_eq!(parse("ab${env:X"), Err(ReferenceError::Unclosed { at: 2 }));
        assert_eq!(parse("${hunter2}"), Err(ReferenceError::NoSource { at: 0 }));
        assert_eq!(
            parse("${evn:X}"),
            Err(ReferenceError::UnknownSource { at: 0 })
        );
        assert_eq!(
            parse("${env:}"),
            Err(ReferenceError::EmptyArgument { at: 0 })
        );
        let form = "${sops:FILE#/KEY/KEY}";
        assert_eq!(
            parse("x${sops:f.yaml}"),
            Err(ReferenceError::WrongForm { at: 1, form })
        );
        assert_eq!(
            parse("${var:nope}"),
            Err(ReferenceError::UnknownVariable {
                at: 0,
                name: "nope".into()
            })
        );
    }
}
