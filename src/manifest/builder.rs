//! A diagnostic in the making: it knows spans, but not yet what may be shown.
//!
//! What is harmless is known only when the whole document has been checked, so
//! the masked excerpts are made last.

use super::text::{Redactions, Span, Text};
use crate::diagnostic::{Code, Diagnostic};
use crate::text::escaped;

/// See the module.
#[derive(Debug)]
pub(super) struct DiagnosticBuilder {
    pub(super) code: Code,
    message: String,
    span: Span,
    label: String,
    related: Vec<(Span, String)>,
    pub(super) help: Vec<String>,
}

impl DiagnosticBuilder {
    pub(super) fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            span,
            label: String::new(),
            related: Vec::new(),
            help: Vec::new(),
        }
    }

    /// Text at the caret.
    pub(super) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Another place of the same file.
    pub(super) fn related(mut self, span: Span, label: impl Into<String>) -> Self {
        self.related.push((span, label.into()));
        self
    }

    /// Adds a remedy.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// Adds a remedy, if there is one.
    pub(super) fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help.extend(help);
        self
    }

    pub(super) fn finish(self, text: &Text<'_>, redactions: &Redactions) -> Diagnostic {
        let related = self.related.iter();
        Diagnostic {
            code: self.code,
            severity: self.code.severity(),
            denied_by: None,
            message: escaped(&self.message).into_owned(),
            place: text.place(self.span, &self.label, redactions),
            document: None,
            related: related
                .map(|(span, label)| text.place(*span, label, redactions))
                .collect(),
            help: self
                .help
                .iter()
                .map(|help| escaped(help).into_owned())
                .collect(),
        }
    }
}
