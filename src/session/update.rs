//! Accepts drift: live values go into the files that describe the integrations.
//!
//! Every edited text is loaded again before anything is written: the differences that were
//! to go must be gone, and every document must still be valid.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::export::{ExportError, Unwatched, prepared, read, survey};
use super::source::load;
use super::{Access, OpenError, Session, Watcher};
use crate::export::ExportRefusal;
use crate::export::disk::{FileToWrite, write_all};
use crate::export::update::{FileUpdate, accept_drift};
use crate::ledger::Ledger;
use crate::ledger::place::Trust;
use crate::live::LiveIntegration;
use crate::manifest::{Integration, Manifest, Name, SourceFile, document_at};
use crate::plan::{coverage, differences};
use crate::platform::AttributePath;
use crate::settings::run::RunSettings;
use crate::source::{Snapshot, read_with_variables};

/// Result of an update of files.
#[derive(Debug)]
pub struct UpdateResult {
    /// The tenant's URL.
    pub tenant: String,
    /// The integrations that were named, in order.
    pub updates: Vec<FileUpdate>,
}

/// Writes the live values of what the server changed into the files of the named
/// integrations.
///
/// # Errors
/// Nothing was written.
pub async fn update(
    settings: &RunSettings,
    names: &BTreeSet<Name>,
    is_dry_run: bool,
    watcher: &dyn Watcher,
) -> Result<UpdateResult, ExportError> {
    let files = &settings.files;
    let snapshot =
        read_with_variables(&files.dir, &files.variable_files).map_err(OpenError::from)?;
    let manifest = load(settings, &snapshot, None, watcher)?;
    let session = Session::open(settings, Trust::AnyForRoot, Access::DryRun)?;
    let ledger = read(&session).await?;
    let first = prepared(&session, settings, manifest, ledger.clone()).await?;
    let (live, recovered) = survey(&first, &ledger).await?;
    let manifest = &first.desired.manifest;
    let described = coverage(manifest, &live, &recovered).described;
    let mut texts = Texts::of(&snapshot);
    let mut updates = Vec::new();
    for name in names {
        let integration = named(manifest, name)?;
        let found = described.get(name.as_str());
        let found = found.ok_or_else(|| ExportRefusal::NotLive(name.clone()))?;
        if let Some(key) = live.owners.of_integration(&found.id) {
            return Err(ExportError::Refused(ExportRefusal::Owned {
                name: name.clone(),
                id: found.id.clone(),
                key: key.to_owned(),
            }));
        }
        updates.push(texts.accept(integration, found, &recovered)?);
    }
    let edited = load(settings, &texts.edited(&snapshot), None, &Unwatched)?;
    check_valid(manifest, &edited)?;
    for update in &updates {
        if let Some(found) = described.get(update.name.as_str()) {
            verify(update, &edited, found, &recovered)?;
        }
    }
    if !is_dry_run {
        write(&files.dir, &snapshot, &updates, &texts)?;
    }
    Ok(UpdateResult {
        tenant: session.tenant().to_owned(),
        updates,
    })
}

/// The integration of a name.
fn named<'m>(manifest: &'m Manifest, name: &Name) -> Result<&'m Integration, ExportRefusal> {
    if let Some(integration) = manifest.find(name) {
        return Ok(integration);
    }
    let name = name.clone();
    let mut invalid = manifest.invalid.iter();
    Err(match invalid.find(|invalid| invalid.name == name) {
        Some(invalid) => ExportRefusal::Invalid {
            name,
            file: invalid.origin.file.clone(),
        },
        None => ExportRefusal::NotDescribed {
            near: manifest.nearest_name(&name),
            name,
        },
    })
}

/// The texts of the files by their shown paths, as far as they are texts.
struct Texts<'s> {
    read: BTreeMap<&'s str, &'s str>,
    edited: BTreeMap<&'s str, String>,
}

impl<'s> Texts<'s> {
    fn of(snapshot: &'s Snapshot) -> Self {
        let text = |file: &'s SourceFile| {
            let content = file.content.as_ref().ok()?;
            Some((file.path.as_str(), std::str::from_utf8(content).ok()?))
        };
        Self {
            read: snapshot.files.iter().filter_map(text).collect(),
            edited: BTreeMap::new(),
        }
    }

    /// Accepts the drift of one integration. A file may describe several.
    fn accept(
        &mut self,
        integration: &Integration,
        found: &LiveIntegration,
        ledger: &Ledger,
    ) -> Result<FileUpdate, ExportRefusal> {
        let file = integration.origin.file.as_str();
        let read = self.read.get_key_value(file);
        let (&path, &original) = read.ok_or_else(|| ExportRefusal::Changed(file.to_owned()))?;
        // An edit changes no position of a document.
        let document = document_at(original, integration.origin.line);
        let text = self.edited.get(path).map_or(original, String::as_str);
        let update = accept_drift(integration, found, ledger, text, document);
        self.edited.insert(path, update.text.clone());
        Ok(update)
    }

    /// The directory with the edited texts.
    fn edited(&self, snapshot: &Snapshot) -> Snapshot {
        let mut edited = snapshot.clone();
        for file in &mut edited.files {
            if let Some(text) = self.edited.get(file.path.as_str()) {
                file.content = Ok(text.clone().into_bytes());
            }
        }
        edited
    }
}

/// Every document is still valid. An error names the one that is not.
fn check_valid(before: &Manifest, after: &Manifest) -> Result<(), ExportRefusal> {
    let is_valid = |it: &&Integration| after.find(&it.name).is_some();
    let mut lost = before.integrations.iter().filter(|it| !is_valid(it));
    match lost.next() {
        None => Ok(()),
        Some(lost) => Err(ExportRefusal::NotVerified {
            name: lost.name.clone(),
            why: invalid_edit(&lost.origin.file, after),
        }),
    }
}

/// The edited file has the live values.
fn verify(
    update: &FileUpdate,
    after: &Manifest,
    found: &LiveIntegration,
    ledger: &Ledger,
) -> Result<(), ExportRefusal> {
    let refused = |why: String| ExportRefusal::NotVerified {
        name: update.name.clone(),
        why,
    };
    let Some(integration) = after.find(&update.name) else {
        return Err(refused(invalid_edit(&update.shown, after)));
    };
    let remaining = differences(integration, found, ledger).changes;
    let differs = |path: &AttributePath| remaining.iter().any(|change| change.path == *path);
    let updated = update.updated.iter().map(|updated| &updated.path);
    let wrong: Vec<String> = updated
        .filter(|path| differs(path))
        .map(|path| format!("`{path}`"))
        .collect();
    if wrong.is_empty() {
        return Ok(());
    }
    let wrong = wrong.join(", ");
    Err(refused(format!(
        "the edited file would not have the live value of {wrong}"
    )))
}

/// The mistakes that an edit would make in a file.
fn invalid_edit(file: &str, after: &Manifest) -> String {
    let mistakes = after.diagnostics.iter();
    let mistakes = mistakes.filter(|it| it.is_error() && it.place.file == file);
    let mistakes: Vec<String> = mistakes
        .map(|it| format!("{}: {}", it.code, it.message))
        .collect();
    if mistakes.is_empty() {
        return "the edited file would be invalid".to_owned();
    }
    format!("the edited file would be invalid: {}", mistakes.join("; "))
}

/// Writes the files with a new text, unless one has changed since it was read.
fn write(
    dir: &Path,
    snapshot: &Snapshot,
    updates: &[FileUpdate],
    texts: &Texts<'_>,
) -> Result<(), ExportError> {
    let files = &snapshot.files;
    let mut written: BTreeMap<&str, FileToWrite<'_>> = BTreeMap::new();
    for update in updates.iter().filter(|update| !update.updated.is_empty()) {
        let file = files.iter().find(|file| file.path == update.shown);
        let now = std::fs::read(dir.join(&update.file)).ok();
        if file.and_then(|file| file.content.as_ref().ok()) != now.as_ref() {
            return Err(ExportRefusal::Changed(update.shown.clone()).into());
        }
        let Some(text) = texts.edited.get(update.shown.as_str()) else {
            continue;
        };
        let to_write = FileToWrite {
            file: &update.file,
            text,
            overwrites: true,
        };
        written.insert(&update.shown, to_write);
    }
    let written: Vec<FileToWrite<'_>> = written.into_values().collect();
    if !written.is_empty() {
        write_all(dir, &written)?;
    }
    Ok(())
}
