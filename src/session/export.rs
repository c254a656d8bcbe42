//! An export: files for what is live, and the proof that they are true.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use super::adopt::adopted;
use super::source::{load, variables};
use super::{
    Access, OpenError, Opened, Preparation, Prepared, SecretSelection, Session, Source, Watcher,
    Wishes,
};
use crate::diagnostic::Diagnostic;
use crate::export::disk::{ExportWriteError, FileToWrite, remove_leftovers, write_all};
use crate::export::proof::{ProofFinding, failed_creations, findings, leave_out_invalid};
use crate::export::{ExportDrafts, ExportOptions, ExportRefusal, draft};
use crate::immuta::{HttpTransport, ReadApi};
use crate::ledger::place::Trust;
use crate::ledger::{Ledger, Observations, Record};
use crate::live::{Live, OwnersSource, RemoteId};
use crate::manifest::{Manifest, Name, SourceFile, keep_variables};
use crate::plan::{self, AdoptedSecrets, Adoption, Coverage};
use crate::settings::run::RunSettings;
use crate::source::{Snapshot, read_with_variables};
use crate::sync::{self, Files, SyncError};
use crate::text::escaped;

/// Wishes for an export.
#[derive(Debug, Clone, Default)]
pub struct ExportWishes {
    /// The content of the files.
    pub options: ExportOptions,
    /// True if nothing is written.
    pub is_dry_run: bool,
    /// The adoption of the integrations whose files are true.
    pub adoption: ExportAdoption,
}

/// Adoption after an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExportAdoption {
    /// None.
    #[default]
    No,
    /// The integrations are recorded as owned.
    Recorded,
    /// The result contains the records, for the daemon that holds the ledger.
    HandedOver,
}

/// Result of an export.
#[derive(Debug)]
pub struct ExportResult {
    /// The tenant's URL.
    pub tenant: String,
    /// The files, and what has none.
    pub drafts: ExportDrafts,
    /// Parts of the tenant that could not be read.
    pub unreadable: Vec<String>,
    /// Reasons why the owners of integrations are not all known.
    pub unknown_owners: Vec<String>,
    /// True if the connections could not be read, so that a file may describe an integration
    /// that belongs to one.
    pub are_connections_unread: bool,
    /// Live integrations that files already describe and that are not recorded as owned; empty
    /// without the wish to adopt.
    pub not_recorded: Vec<Name>,
    /// The failure after the files were written.
    pub failure: Option<Box<ExportError>>,
    /// Mistakes in the files that are written, warnings included.
    pub diagnostics: Vec<Diagnostic>,
    /// Everything that speaks against the files.
    pub findings: Vec<ProofFinding>,
    /// The adoption of each integration; empty without the wish.
    pub adoptions: Vec<Adoption>,
    /// Records for the daemon that holds the ledger.
    pub handed_over: Vec<(Name, Record)>,
}

/// An export that came to no result.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The settings, the files or the ledger.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The tenant could not be read.
    #[error(transparent)]
    Tenant(#[from] SyncError),
    /// Something stands in the way: nothing was written.
    #[error(transparent)]
    Refused(#[from] ExportRefusal),
    /// A file could not be written: none was.
    #[error(transparent)]
    Write(#[from] ExportWriteError),
}

/// A source of which nothing is shown.
pub(super) struct Unwatched;

impl Watcher for Unwatched {
    fn no_files(&self, _place: &str) {}
}

/// Writes a file for each live integration that no file of the directory describes, and
/// plans the files.
///
/// # Errors
/// Nothing was written. A failure after that is in the result.
pub async fn export(
    settings: &RunSettings,
    wishes: &ExportWishes,
    watcher: &dyn Watcher,
) -> Result<ExportResult, ExportError> {
    let dir = settings.files.dir.as_path();
    let manifest = if may_exist(dir) {
        let contents = Source::Directory.read(settings, None, watcher).await?;
        contents.manifest
    } else {
        Manifest::default()
    };
    let access = match wishes.adoption {
        ExportAdoption::Recorded => Access::Write,
        ExportAdoption::No | ExportAdoption::HandedOver => Access::DryRun,
    };
    let session = Session::open(settings, Trust::AnyForRoot, access)?;
    let ledger = read(&session).await?;
    let first = prepared(&session, settings, manifest, ledger.clone()).await?;
    let (live, recovered) = survey(&first, &ledger).await?;
    let existing = &first.desired.manifest;
    let coverage = plan::coverage(existing, &live, &recovered);
    let (options, tenant) = (&wishes.options, session.tenant());
    let drafts = draft(existing, &live, &coverage, &recovered, options, tenant)?;
    let mut drafts = with_variables(settings, existing, drafts)?;
    let texts = directory_with(settings, &drafts, Texts::NotWritten)?;
    let checked = load(settings, &texts, None, &Unwatched)?;
    leave_out_invalid(&mut drafts, &checked.diagnostics)?;
    check_free(dir, &drafts)?;
    if !wishes.is_dry_run {
        remove_leftovers(dir);
    }
    if !wishes.is_dry_run && !drafts.files.is_empty() {
        write_all(dir, &to_write(&drafts))?;
    }
    let mut result = ExportResult {
        tenant: session.tenant().to_owned(),
        unreadable: live.unreadable.iter().map(|it| it.reason.clone()).collect(),
        unknown_owners: live.owners.unknown().map(str::to_owned).collect(),
        are_connections_unread: are_connections_unread(&live, &drafts),
        not_recorded: not_recorded(&coverage, &recovered, &drafts, wishes.adoption),
        findings: failed_creations(existing, &coverage, &drafts),
        failure: None,
        drafts,
        diagnostics: Vec::new(),
        adoptions: Vec::new(),
        handed_over: Vec::new(),
    };
    if !result.drafts.files.is_empty() {
        let proven = prove(&session, settings, wishes, &mut result).await;
        match proven {
            Err(error) if wishes.is_dry_run => return Err(error),
            Err(error) => result.failure = Some(Box::new(error)),
            Ok(()) => {}
        }
    }
    Ok(result)
}

/// Keeps the references to variables in the files that are written anew.
fn with_variables(
    settings: &RunSettings,
    existing: &Manifest,
    mut drafts: ExportDrafts,
) -> Result<ExportDrafts, ExportError> {
    if !drafts.files.iter().any(|draft| draft.overwrites) {
        return Ok(drafts);
    }
    let directory = directory_with(settings, &drafts, Texts::Written)?;
    let variables = variables(settings, &directory)?;
    for draft in drafts.files.iter_mut().filter(|draft| draft.overwrites) {
        let origin = existing.find(&draft.name).map(|file| &file.origin);
        let file = directory.files.iter().find(|file| {
            let origin = origin.map(|origin| origin.file.as_str());
            origin == Some(escaped(&file.path).as_ref())
        });
        let text = file.and_then(|file| std::str::from_utf8(file.content.as_ref().ok()?).ok());
        let (Some(text), Some(origin)) = (text, origin) else {
            return Err(ExportRefusal::Changed(draft.file.clone()).into());
        };
        let kept = keep_variables(text, origin.line, &draft.text, &variables);
        draft.text = kept.text;
        draft.lost_variables = kept.lost;
    }
    Ok(drafts)
}

/// True if an integration may belong to a connection that could not be read. Where the API key
/// has no permission, only the new files count.
fn are_connections_unread(live: &Live, drafts: &ExportDrafts) -> bool {
    let mut files = drafts.files.iter();
    files.any(|draft| draft.may_belong_to_connection)
        || (live.owners.source() != OwnersSource::Hidden && live.owners.unknown().next().is_some())
}

/// The live integrations that files other than the new ones describe, and that the ledger does
/// not record.
fn not_recorded(
    coverage: &Coverage<'_, '_>,
    ledger: &Ledger,
    drafts: &ExportDrafts,
    adoption: ExportAdoption,
) -> Vec<Name> {
    if adoption == ExportAdoption::No {
        return Vec::new();
    }
    let recorded: BTreeSet<&RemoteId> = ledger.records.values().map(|it| &it.id).collect();
    let new: BTreeSet<&str> = drafts.files.iter().map(|it| it.name.as_str()).collect();
    let described = coverage.described.iter();
    described
        .filter(|(name, found)| !recorded.contains(&found.id) && !new.contains(*name))
        .map(|(name, _)| Name::from(*name))
        .collect()
}

/// Plans the files that were written, and records them if that is wanted.
async fn prove(
    session: &Session,
    settings: &RunSettings,
    wishes: &ExportWishes,
    result: &mut ExportResult,
) -> Result<(), ExportError> {
    let texts = if wishes.is_dry_run {
        Texts::NotWritten
    } else {
        Texts::Written
    };
    let directory = directory_with(settings, &result.drafts, texts)?;
    let whole = load(settings, &directory, None, &Unwatched)?;
    let paths: BTreeSet<String> = paths(settings, &result.drafts).collect();
    let mut written = directory;
    written.files.retain(|file| paths.contains(&file.path));
    result.diagnostics = whole.diagnostics;
    let diagnostics = &mut result.diagnostics;
    diagnostics.retain(|diagnostic| paths.contains(&diagnostic.place.file));
    let manifest = load(settings, &written, None, &Unwatched)?;
    let ledger = read(session).await?;
    let prepared = prepared(session, settings, manifest, ledger.clone()).await?;
    let (desired, request) = (&prepared.desired, &prepared.request);
    let planned = sync::make_plan(&prepared.reader, desired, request, &ledger).await;
    let plan = planned.map_err(SyncError::from)?.plan;
    let found = findings(&result.drafts.files, &plan, &result.diagnostics);
    result.findings.extend(found);
    if wishes.adoption == ExportAdoption::No {
        return Ok(());
    }
    let (adoptions, seen) = adopt(&prepared, result).await?;
    result.adoptions = adoptions;
    if wishes.adoption == ExportAdoption::HandedOver {
        result.handed_over = seen.records;
        return Ok(());
    }
    let noted = session.store().note(&seen).await;
    Ok(noted.map_err(SyncError::from)?)
}

/// Adopts the integrations whose files are true.
async fn adopt(
    prepared: &Prepared<HttpTransport>,
    result: &ExportResult,
) -> Result<(Vec<Adoption>, Observations), ExportError> {
    let untrue: BTreeSet<&str> = result
        .findings
        .iter()
        .map(|finding| finding.integration.as_str())
        .collect();
    let files = result.drafts.files.iter().map(|file| file.name.as_str());
    let names: HashSet<&str> = files.filter(|name| !untrue.contains(name)).collect();
    if names.is_empty() {
        return Ok((Vec::new(), Observations::default()));
    }
    Ok(adopted(prepared, &names, AdoptedSecrets::Unknown).await?)
}

pub(super) async fn read(session: &Session) -> Result<Ledger, ExportError> {
    let ledger = session.store().read().await;
    Ok(ledger.map_err(SyncError::from)?)
}

/// Connects with the files. No secret is resolved: none is compared.
pub(super) async fn prepared(
    session: &Session,
    settings: &RunSettings,
    manifest: Manifest,
    ledger: Ledger,
) -> Result<Prepared<HttpTransport>, OpenError> {
    let opened = Opened {
        manifest,
        // Nothing is deleted, so that no second read is needed.
        files: Files::Commit,
        revision: None,
        ledger,
    };
    let preparation = Preparation {
        lookup: SecretSelection::Nothing,
        ..Preparation::new(Wishes::default())
    };
    session.prepare(settings, opened, preparation).await
}

/// Reads the tenant. The ledger is as the writes that were cut short left it.
pub(super) async fn survey<T>(
    prepared: &Prepared<T>,
    ledger: &Ledger,
) -> Result<(Live, Ledger), ExportError>
where
    crate::immuta::Reader<T>: ReadApi,
{
    let request = &prepared.request;
    let live = sync::read_tenant(&prepared.reader, request, ledger).await;
    let live = live.map_err(SyncError::from)?;
    let recovery = plan::recover(ledger, &live, request.apply.clock.now());
    Ok((live, recovery.ledger))
}

/// False if there is certainly nothing in this place.
fn may_exist(dir: &Path) -> bool {
    !matches!(dir.try_exists(), Ok(false))
}

/// Nothing that exists is in the place of a new file.
fn check_free(dir: &Path, drafts: &ExportDrafts) -> Result<(), ExportRefusal> {
    for draft in drafts.files.iter().filter(|draft| !draft.overwrites) {
        let path = dir.join(&draft.file);
        if path.symlink_metadata().is_ok() {
            return Err(ExportRefusal::Taken(path.display().to_string()));
        }
    }
    Ok(())
}

fn to_write(drafts: &ExportDrafts) -> Vec<FileToWrite<'_>> {
    let files = drafts.files.iter().map(|draft| FileToWrite {
        file: &draft.file,
        text: &draft.text,
        overwrites: draft.overwrites,
    });
    files.collect()
}

/// The paths of the files, as they are shown.
fn paths(settings: &RunSettings, drafts: &ExportDrafts) -> impl Iterator<Item = String> {
    let dir = &settings.files.dir;
    let files = drafts.files.iter();
    files.map(|draft| dir.join(&draft.file).display().to_string())
}

/// State of the texts of an export.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Texts {
    Written,
    NotWritten,
}

/// The directory as it is after the export: read again, or, where nothing was written, with
/// the texts in it.
fn directory_with(
    settings: &RunSettings,
    drafts: &ExportDrafts,
    texts: Texts,
) -> Result<Snapshot, OpenError> {
    let dir = &settings.files.dir;
    let mut snapshot = if may_exist(dir) {
        read_with_variables(dir, &settings.files.variable_files)?
    } else {
        Snapshot {
            root: dir.display().to_string(),
            files: Vec::new(),
            variables: Vec::new(),
        }
    };
    if texts == Texts::NotWritten {
        for (draft, path) in drafts.files.iter().zip(paths(settings, drafts)) {
            snapshot.files.retain(|file| file.path != path);
            snapshot.files.push(SourceFile {
                path,
                content: Ok(draft.text.clone().into_bytes()),
            });
        }
    }
    Ok(snapshot)
}
