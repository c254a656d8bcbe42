//! The grammar of references, on any text and on any template.
//!
//! Any text: no panic, and a mistake points to the reference that it is about.
//! Any template: what is printed is read back as it was.

#![no_main]

use integrationd::secret::{
    Parsed, Reference, ReferenceError, Secret, Template, TemplatePart, parse_template,
    provider_words,
};
use libfuzzer_sys::fuzz_target;

/// Stands between the parts of a template in the input.
const BORDER: char = '\u{1}';

fuzz_target!(|text: &str| {
    match parse(text) {
        Ok(Parsed::Plain(plain)) => assert_eq!(parse(&escaped(&plain)), Ok(Parsed::Plain(plain))),
        Ok(Parsed::Template(template)) => {
            assert!(template.references().next().is_some());
            assert!(template.is(text).is_none());
        }
        Err(error) => {
            let at = place(&error);
            assert!(
                text.get(at..).is_some_and(|rest| rest.starts_with("${")),
                "{error}"
            );
        }
    }
    let parts = parts(text);
    let printed: String = parts.iter().map(Piece::print).collect();
    assert_eq!(parse(&printed), Ok(expected(&parts)), "{printed:?}");
});

fn parse(text: &str) -> Result<Parsed, ReferenceError> {
    parse_template(text, |name| (name == "REGION").then_some("eu-west-1"))
}

fn place(error: &ReferenceError) -> usize {
    match error {
        ReferenceError::Unclosed { at }
        | ReferenceError::NoSource { at }
        | ReferenceError::UnknownSource { at }
        | ReferenceError::EmptyArgument { at }
        | ReferenceError::WrongForm { at, .. }
        | ReferenceError::UnknownVariable { at, .. } => *at,
    }
}

/// A part of a template.
enum Piece {
    Literal(String),
    Reference(Reference),
}

impl Piece {
    fn print(&self) -> String {
        match self {
            Self::Literal(text) => escaped(text),
            Self::Reference(reference) => reference.to_string(),
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace("${", "$${")
}

/// Makes a template of any text: literals and references in turn.
fn parts(text: &str) -> Vec<Piece> {
    let mut parts = Vec::new();
    for (index, piece) in text.split(BORDER).enumerate() {
        if index % 2 == 0 {
            // A dollar before a reference would make a literal of it.
            let literal = piece.trim_end_matches('$');
            if !literal.is_empty() {
                parts.push(Piece::Literal(literal.to_owned()));
            }
        } else {
            let mut characters = piece.chars();
            let index = characters.next().map_or(0, |c| c as usize) % provider_words().count();
            let word = provider_words().nth(index).unwrap();
            let argument: String = characters.filter(|c| *c != '}').collect();
            // What no provider can be asked for is not a reference.
            let reference = Reference::new(word, &argument);
            parts.extend(reference.map(Piece::Reference));
        }
    }
    parts
}

/// Meaning of these parts: adjacent literals are one.
fn expected(parts: &[Piece]) -> Parsed {
    let mut merged: Vec<Result<String, Reference>> = Vec::new();
    for part in parts {
        match (part, merged.last_mut()) {
            (Piece::Literal(text), Some(Ok(last))) => last.push_str(text),
            (Piece::Literal(text), _) => merged.push(Ok(text.clone())),
            (Piece::Reference(reference), _) => merged.push(Err(reference.clone())),
        }
    }
    if merged.iter().all(Result::is_ok) {
        return Parsed::Plain(merged.into_iter().filter_map(Result::ok).collect());
    }
    let part = |part| match part {
        Ok(text) => TemplatePart::Literal(Secret::new(text)),
        Err(reference) => TemplatePart::Reference(reference),
    };
    Parsed::Template(Template {
        parts: merged.into_iter().map(part).collect(),
    })
}
