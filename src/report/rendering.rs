//! The files as they are applied.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value as Json;

use super::document::Document;
use super::exit::Exit;
use crate::diagnostic::Diagnostic;
use crate::manifest::{Integration, Manifest, document, yaml_text};

/// The document of `render`.
#[derive(Serialize)]
pub struct Rendering<'a> {
    integrations: Vec<RenderedIntegration<'a>>,
    diagnostics: &'a [Diagnostic],
    exit_code: Exit,
}

#[derive(Serialize)]
struct RenderedIntegration<'a> {
    name: &'a str,
    file: &'a str,
    line: usize,
    document: Json,
}

impl<'a> Rendering<'a> {
    /// Of the files that were read.
    #[must_use]
    pub fn new(manifest: &'a Manifest, exit_code: Exit) -> Self {
        let rendered = |integration: &'a Integration| RenderedIntegration {
            name: &integration.name,
            file: &integration.origin.file,
            line: integration.origin.line,
            document: document(integration),
        };
        Self {
            integrations: manifest.integrations.iter().map(rendered).collect(),
            diagnostics: &manifest.diagnostics,
            exit_code,
        }
    }
}

impl Document for Rendering<'_> {
    fn table(&self) -> String {
        let mut text = String::new();
        for rendered in &self.integrations {
            let RenderedIntegration {
                file,
                line,
                document,
                ..
            } = rendered;
            let separator = if text.is_empty() { "" } else { "---\n" };
            let _ = write!(text, "{separator}# {file}:{line}\n{}", yaml_text(document));
        }
        text
    }

    fn text(&self) -> String {
        String::new()
    }
}
