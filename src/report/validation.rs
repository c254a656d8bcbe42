//! Diagnostics of the files.

use serde::Serialize;

use super::document::Document;
use super::exit::Exit;
use super::overview::{ItemLevel, Overview, OverviewItem};
use crate::diagnostic::{self, Diagnostic};
use crate::manifest::{Manifest, Origin};
use crate::platform::Platform;
use crate::text::count;

/// The document of `validate`.
#[derive(Serialize)]
pub struct Validation<'a> {
    #[serde(skip)]
    manifest: &'a Manifest,
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
            manifest,
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

    fn parts(&self) -> (&'static [(&'static str, &'static str)], &'static str) {
        (&[("/diagnostics", "diagnostic")], "check")
    }

    fn overview(&self) -> Option<Overview<'_>> {
        Some(Overview {
            title: "Check of the integration files".to_owned(),
            summary: self.text().trim_end().to_owned(),
            diagnostics: self.diagnostics,
            items: items(self.manifest),
            ..Overview::new(self.exit_code)
        })
    }
}

/// Every document with its mistakes, and every file with mistakes that belong to no document.
fn items(manifest: &Manifest) -> Vec<OverviewItem<'_>> {
    let valid = manifest.integrations.iter();
    let valid = valid.map(|it| (&*it.name, Some(it.platform), &it.origin, ItemLevel::Nothing));
    let invalid = manifest.invalid.iter();
    let invalid = invalid.map(|it| (&*it.name, it.platform, &it.origin, ItemLevel::Error));
    let mut items: Vec<_> = valid
        .chain(invalid)
        .map(|(name, platform, origin, level)| item(name, platform, origin, level, manifest))
        .collect();
    let is_alone = |it: &&Diagnostic| it.is_error() && document_of(it, manifest).is_none();
    items.extend(
        manifest
            .diagnostics
            .iter()
            .filter(is_alone)
            .map(|mistake| OverviewItem {
                name: &mistake.place.file,
                platform: "",
                verdict: "invalid".to_owned(),
                level: ItemLevel::Error,
                place: Some((&mistake.place.file, mistake.place.line)),
                problem: mistake.message.clone(),
                details: diagnostic::render_one(mistake, false),
            }),
    );
    items
}

fn item<'a>(
    name: &'a str,
    platform: Option<&'static Platform>,
    origin: &'a Origin,
    level: ItemLevel,
    manifest: &'a Manifest,
) -> OverviewItem<'a> {
    let own = manifest.diagnostics.iter();
    let own = own.filter(|mistake| document_of(mistake, manifest) == Some(origin));
    let own: Vec<&Diagnostic> = own.collect();
    let error = own.iter().find(|mistake| mistake.is_error());
    OverviewItem {
        name,
        platform: platform.map_or("", |platform| platform.title),
        verdict: if level == ItemLevel::Error {
            "invalid"
        } else {
            "valid"
        }
        .to_owned(),
        level,
        place: Some((&origin.file, origin.line)),
        problem: error.map_or(String::new(), |mistake| mistake.message.clone()),
        details: own
            .iter()
            .map(|mistake| diagnostic::render_one(mistake, false))
            .collect(),
    }
}

/// The beginning of the document that a mistake belongs to.
fn document_of<'a>(mistake: &Diagnostic, manifest: &'a Manifest) -> Option<&'a Origin> {
    let valid = manifest.integrations.iter().map(|it| &it.origin);
    let origins = valid.chain(manifest.invalid.iter().map(|it| &it.origin));
    let before = origins
        .filter(|origin| origin.file == mistake.place.file && origin.line <= mistake.place.line);
    before.max_by_key(|origin| origin.line)
}
