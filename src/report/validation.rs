//! Diagnostics of the files.

use serde::Serialize;

use super::document::Document;
use super::exit::Exit;
use crate::diagnostic::{self, Diagnostic};
use crate::manifest::Manifest;
use crate::text::count;

/// The document of `validate`.
#[derive(Serialize)]
pub struct Validation<'a> {
    diagnostics: &'a [Diagnostic],
    valid: Vec<&'a str>,
    invalid: Vec<&'a str>,
    exit_code: Exit,
}

impl<'a> Validation<'a> {
    /// Of the files that were read.
    #[must_use]
    pub fn new(manifest: &'a Manifest, exit: Exit) -> Self {
        let valid = manifest.integrations.iter();
        let invalid = manifest.invalid.iter();
        Self {
            diagnostics: &manifest.diagnostics,
            valid: valid.map(|it| it.name.as_str()).collect(),
            invalid: invalid.map(|it| it.name.as_str()).collect(),
            exit_code: exit,
        }
    }
}

impl Document for Validation<'_> {
    fn table(&self) -> String {
        diagnostic::render(self.diagnostics, true)
    }

    fn text(&self) -> String {
        let valid = count(self.valid.len(), "integration");
        match self.invalid.len() {
            0 => format!("{valid} valid.\n"),
            invalid => format!("{valid} valid, {invalid} with errors.\n"),
        }
    }
}
