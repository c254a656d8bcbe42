//! The strings of attributes: plain, secret, or secret in part.

use super::builder::DiagnosticBuilder;
use super::check::Checker;
use super::shape::Occurrence;
use super::tree::YamlString;
use crate::diagnostic::Code;
use crate::platform::REFERENCE;
use crate::secret::{Parsed, Template, TemplatePart};
use crate::value::Value;

impl Checker<'_> {
    /// The value of a string: secret if the attribute is, or if it refers to one.
    pub(super) fn plain_text(
        &mut self,
        occurrence: &Occurrence<'_>,
        scalar: &YamlString,
    ) -> Option<Value> {
        let secrets = occurrence.attribute.takes_references(self.auto);
        let parsed = self.string(occurrence.node(), scalar, secrets, &occurrence.path)?;
        if occurrence.attribute.secret_parameters.is_some() {
            return Some(self.with_parameters(occurrence, parsed));
        }
        let span = occurrence.node().span;
        match parsed {
            Parsed::Template(template) => {
                let is_reference = |part: &TemplatePart| matches!(part, TemplatePart::Reference(_));
                if occurrence.is_harmless() || template.parts.iter().all(is_reference) {
                    self.mark_public(span);
                }
                Some(Value::Secret(template))
            }
            Parsed::Plain(text) if occurrence.is_harmless() => {
                self.mark_public(span);
                Some(Value::Text(text))
            }
            Parsed::Plain(text) => {
                if !text.is_empty() {
                    self.literal_secret(occurrence);
                }
                Some(Value::Secret(Template::literal(text)))
            }
        }
    }

    /// A text with parameters: plain if none of them is secret and it refers to nothing.
    fn with_parameters(&mut self, occurrence: &Occurrence<'_>, parsed: Parsed) -> Value {
        let find = |text: &str| occurrence.attribute.secrets_in(text);
        let span = occurrence.node().span;
        let (template, is_literal) = match parsed {
            Parsed::Template(template) => {
                let is_literal = template.holds_literal(REFERENCE, &find);
                (template.with_shown_parts(REFERENCE, &find), is_literal)
            }
            Parsed::Plain(text) => match Template::parted(&text, &find) {
                Some(template) => (template, true),
                None => {
                    self.mark_public(span);
                    return Value::Text(text);
                }
            },
        };
        if is_literal {
            self.literal_secret(occurrence);
        }
        if template.literals().next().is_none() {
            self.mark_public(span);
        }
        Value::Secret(template)
    }

    fn literal_secret(&mut self, occurrence: &Occurrence<'_>) {
        let path = &occurrence.path;
        let secret = match occurrence.attribute.secret_parameters {
            Some(_) => format!("a secret parameter in `{path}`"),
            None => format!("the secret `{path}`"),
        };
        self.report(
            DiagnosticBuilder::new(
                Code::LiteralSecret,
                occurrence.node().span,
                format!("the file contains {secret}"),
            )
            .label("anyone who can read the file can read this secret")
            .help(
                "use a reference instead: `${env:NAME}`, `${file:/path}` or `${cred:NAME}`; \
                    then rotate the secret, since it was exposed",
            ),
        );
    }
}
