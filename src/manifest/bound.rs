//! The references of a document against what operators allow.

use super::binding::Unbound;
use super::builder::DiagnosticBuilder;
use super::check::{Checker, Read};
use super::destination::destinations;
use super::tree::{Node, YamlString};
use crate::diagnostic::Code;
use crate::secret::Template;

impl Checker<'_> {
    /// Remembers references for [`Checker::bindings`], each with its place.
    pub(super) fn remember(&mut self, template: &Template, node: &Node, scalar: &YamlString) {
        if self.context.bindings.is_empty() {
            return;
        }
        for reference in template.references() {
            let at = scalar.text.find(&reference.to_string());
            let span = at.map_or(node.span, |at| self.within(node.span, scalar, at));
            self.references.push((span, reference.clone()));
        }
    }

    /// Reports every reference that may not go where this document sends it.
    pub(super) fn bindings(&mut self, read: &Read) {
        let Some(platform) = read.platform else {
            return;
        };
        if self.references.is_empty() {
            return;
        }
        let destinations = destinations(platform, &read.config, &read.options.extra);
        for (span, reference) in std::mem::take(&mut self.references) {
            let checked = self
                .context
                .bindings
                .check(&reference, platform, &destinations);
            if let Err(unbound) = checked {
                let message = unbound.to_string();
                let Unbound { allowed, .. } = unbound;
                self.report(
                    DiagnosticBuilder::new(Code::UnboundReference, span, message)
                        .label("not allowed here")
                        .help(allowed),
                );
            }
        }
    }
}
