//! References in the strings of a document: where they may stand, and where
//! exactly a mistake in one is.

use super::builder::DiagnosticBuilder;
use super::check::Checker;
use super::suggest::{enumerate, nearest};
use super::text::Span;
use super::tree::{Node, Yaml, YamlString};
use super::variables::whole_reference;
use crate::diagnostic::Code;
use crate::live::is_mask;
use crate::secret::{MASK, Parsed, ReferenceError, Template, is_own, parse_template, source_words};

/// So many declared variables are listed in a help text.
const LISTED_VARIABLES: usize = 6;

/// True if a program wrote a mask in place of a secret.
fn has_mask(parsed: &Parsed) -> bool {
    match parsed {
        Parsed::Plain(text) => is_mask(&text.as_str().into()),
        Parsed::Template(template) => {
            let mut literals = template.literals();
            literals.any(|literal| literal.expose() == MASK)
        }
    }
}

impl Checker<'_> {
    /// Reads a string. References to secrets are a mistake unless `secrets`.
    pub(super) fn string(
        &mut self,
        node: &Node,
        scalar: &YamlString,
        secrets: bool,
        what: &dyn std::fmt::Display,
    ) -> Option<Parsed> {
        let variables = self.context.variables;
        match parse_template(&scalar.text, |name| variables.text(name)) {
            Ok(Parsed::Template(_)) if !secrets => {
                self.mark_public(node.span);
                self.report(
                    DiagnosticBuilder::new(
                        Code::ReferenceNotAllowed,
                        node.span,
                        format!(
                            "`{what}` cannot \
                        contain a reference to a secret"
                        ),
                    )
                    .label("this value is shown in plans and logs")
                    .help(
                        "write the value itself, or use a declared variable: `${var:NAME}`; \
                            write `$${` for a literal `${`",
                    ),
                );
                None
            }
            Ok(parsed) if self.is_own(&parsed) => {
                self.report(
                    DiagnosticBuilder::new(
                        Code::OwnCredential,
                        node.span,
                        "this is one of integrationd's own credentials",
                    )
                    .label("integrationd authenticates with this value")
                    .help("give the integration its own credential"),
                );
                None
            }
            Ok(parsed) if secrets && has_mask(&parsed) => {
                self.refuse_mask(node, what);
                None
            }
            Ok(parsed) => {
                if let Parsed::Template(template) = &parsed {
                    self.refuse_own(template, node, scalar);
                    self.remember(template, node, scalar);
                }
                Some(parsed)
            }
            Err(error) => {
                let draft = self.reference_error(node, scalar, &error);
                self.report(draft);
                None
            }
        }
    }

    /// True if a value of the wrong kind has a mistake of its own, which is reported: an
    /// undeclared variable could be of any kind.
    pub(super) fn is_reported(&mut self, node: &Node) -> bool {
        let scalar = match &node.value {
            Yaml::Faulty => return true,
            Yaml::Text(scalar) => scalar,
            Yaml::Null | Yaml::Bool(_) | Yaml::Number(_) | Yaml::List(_) | Yaml::Map(_) => {
                return false;
            }
        };
        let variables = self.context.variables;
        let is_undeclared = whole_reference(&scalar.text)
            .is_some_and(|name| !variables.names().any(|declared| declared == name));
        if is_undeclared && let Err(error) = parse_template(&scalar.text, |_| None) {
            let draft = self.reference_error(node, scalar, &error);
            self.report(draft);
            return true;
        }
        false
    }

    /// True if a text without references is an own credential.
    fn is_own(&self, parsed: &Parsed) -> bool {
        match parsed {
            Parsed::Plain(text) => self.context.bindings.is_own_value(text),
            // Its value is known once its references are.
            Parsed::Template(_) => false,
        }
    }

    fn refuse_mask(&mut self, node: &Node, what: &dyn std::fmt::Display) {
        self.report(
            DiagnosticBuilder::new(
                Code::Mask,
                node.span,
                format!("`{what}` contains a mask instead of a secret"),
            )
            .label("this mask would be sent as the secret")
            .help(
                "use a reference, such as `${env:NAME}`; `render` and exports of other programs \
                    show a mask in place of a secret",
            ),
        );
    }

    /// Reports every reference to an own credential.
    fn refuse_own(&mut self, template: &Template, node: &Node, scalar: &YamlString) {
        for reference in template.references() {
            if !is_own(reference) && !self.context.bindings.is_own_file(reference) {
                continue;
            }
            let at = scalar.text.find(&reference.to_string()).unwrap_or_default();
            let span = self.within(node.span, scalar, at);
            let message = format!("`{reference}` refers to one of integrationd's own credentials");
            self.report(
                DiagnosticBuilder::new(Code::OwnCredential, span, message)
                    .label("integrationd authenticates with this value")
                    .help("give the integration its own credential under a different name"),
            );
        }
    }

    fn reference_error(
        &self,
        node: &Node,
        scalar: &YamlString,
        error: &ReferenceError,
    ) -> DiagnosticBuilder {
        let at = match error {
            ReferenceError::Unclosed { at }
            | ReferenceError::NoSource { at }
            | ReferenceError::UnknownSource { at }
            | ReferenceError::EmptyArgument { at }
            | ReferenceError::WrongForm { at, .. }
            | ReferenceError::UnknownVariable { at, .. } => *at,
        };
        let span = self.within(node.span, scalar, at);
        let forms: Vec<String> = source_words()
            .map(|word| format!("${{{word}:…}}"))
            .collect();
        let forms: Vec<&str> = forms.iter().map(String::as_str).collect();
        let help = format!(
            "write a reference as {}; write `$${{` for a literal `${{`",
            enumerate(&forms, "or")
        );
        let draft = |message: &str, label: &str| {
            DiagnosticBuilder::new(Code::MalformedReference, span, message).label(label)
        };
        match error {
            ReferenceError::Unclosed { .. } => {
                draft("this reference is not closed", "no `}` after this").help(help)
            }
            ReferenceError::NoSource { .. } => {
                draft("this reference names no source", "no `source:` in it").help(help)
            }
            ReferenceError::UnknownSource { .. } => {
                draft("this reference names an unknown source", "unknown source").help(help)
            }
            ReferenceError::EmptyArgument { .. } => {
                draft("this reference is empty", "nothing after the `:`").help(help)
            }
            ReferenceError::WrongForm { form, .. } => draft(
                "this reference does not have the form that its source requires",
                "malformed",
            )
            .help(format!("write it as `{form}`")),
            ReferenceError::UnknownVariable { name, .. }
                if self.context.variables.is_list(name) =>
            {
                DiagnosticBuilder::new(Code::WrongShape, span, "a list cannot be part of a string")
                    .label("this variable is a list")
                    .help("to insert the list, make the reference the whole value")
            }
            ReferenceError::UnknownVariable { name, .. } => {
                DiagnosticBuilder::new(Code::UnknownVariable, span, "this variable is not declared")
                    .label("not declared")
                    .help(self.variables(name))
            }
        }
    }

    /// Replacement for an undeclared variable, whose name is not repeated.
    fn variables(&self, name: &str) -> String {
        let declared: Vec<&str> = self.context.variables.names().collect();
        if let Some(near) = nearest(name, declared.iter().copied()) {
            return format!("did you mean `${{var:{near}}}`?");
        }
        match declared.as_slice() {
            [] => "no variables are declared: declare this one with `--var` or `--var-file`"
                .to_owned(),
            some => {
                let listed = &some[..some.len().min(LISTED_VARIABLES)];
                let more = if listed.len() < some.len() {
                    ", among others"
                } else {
                    ""
                };
                format!("declared variables: {}{more}", enumerate(listed, "and"))
            }
        }
    }

    /// The reference at a byte of a scalar, if the scalar is written without
    /// escapes; else the whole scalar.
    pub(super) fn within(&self, span: Span, scalar: &YamlString, at: usize) -> Span {
        let written = self.text.slice(span);
        let Some(offset) = written.find(scalar.text.as_str()) else {
            return span;
        };
        let start = span.start + offset + at;
        let reference = scalar.text.get(at..).unwrap_or("");
        let length = reference.find('}').map_or(reference.len(), |end| end + 1);
        Span::new(start, start + length)
    }
}
