//! The source of the files: a directory, or a revision of a git repository.

use std::panic::resume_unwind;
use std::path::PathBuf;

use super::error::OpenError;
use super::rejected_revision::RejectedRevision;
use super::{Watcher, git, secrets};
use crate::manifest::{FileChecks, Manifest, SourceFile, Variables, load_checked};
use crate::platform::PLATFORMS;
use crate::settings::run::{FileSettings, RunSettings};
use crate::source::git::{CommitId, Fetched, GitSource, Revision, advance};
use crate::source::{SeenDirectory, Snapshot, read_single, read_with_variables};
use crate::sync::Files;
use crate::text::escaped;

/// The source of the files.
#[derive(Debug, Clone)]
pub enum Source {
    /// A directory, or a single file.
    Directory,
    /// A git repository.
    Git(Box<GitSource>),
}

/// The contents of a source.
pub(super) struct Contents {
    pub(super) manifest: Manifest,
    pub(super) files: Files,
    /// Absent for a directory.
    pub(super) revision: Option<Revision>,
}

impl Source {
    /// Sets up the source that the settings name. Nothing is read yet.
    ///
    /// # Errors
    /// The repository cannot be set up.
    pub fn of(settings: &RunSettings) -> Result<Self, OpenError> {
        match &settings.git {
            None => Ok(Self::Directory),
            Some(repository) => {
                let variables = &settings.files.variable_files;
                let source = git::source(repository, variables, settings.state.as_deref())?;
                Ok(Self::Git(Box::new(source)))
            }
        }
    }

    /// Reads the files. A revision that does not follow the applied one is held.
    pub(super) async fn read(
        &self,
        settings: &RunSettings,
        applied: Option<CommitId>,
        watcher: &dyn Watcher,
    ) -> Result<Contents, OpenError> {
        let git = match self {
            Self::Directory => return directory_in_thread(settings, watcher).await,
            Self::Git(git) => git,
        };
        let Fetched {
            revision,
            snapshot,
            descent,
        } = git.fetch(applied).await?;
        let repository = settings.git.as_ref();
        let may_rewrite = repository.is_some_and(|it| it.may_rewrite(&revision.id));
        if !advance(applied.as_ref(), &revision.id, descent, may_rewrite).may_proceed() {
            let rejected = RejectedRevision::new(revision, applied, descent);
            return Err(OpenError::RejectedRevision(Box::new(rejected)));
        }
        let manifest = load(settings, &snapshot, Some(&revision), watcher)?;
        Ok(Contents {
            manifest,
            files: Files::Commit,
            revision: Some(revision),
        })
    }
}

/// Reads a directory in a thread: nothing else waits for a file system that hangs.
async fn directory_in_thread(
    settings: &RunSettings,
    watcher: &dyn Watcher,
) -> Result<Contents, OpenError> {
    let (dir, variables) = (
        settings.files.dir.clone(),
        settings.files.variable_files.clone(),
    );
    let read = tokio::task::spawn_blocking(move || read_with_variables(&dir, &variables)).await;
    let read = read.unwrap_or_else(|error| match error.try_into_panic() {
        Ok(panic) => resume_unwind(panic),
        Err(error) => resume_unwind(Box::new(error)),
    });
    watcher.directory(&read);
    let files = &settings.files;
    let seen = SeenDirectory::now(&files.dir, &files.variable_files, &read);
    Ok(Contents {
        manifest: load(settings, &read?, None, watcher)?,
        files: Files::Directory(Box::new(seen)),
        revision: None,
    })
}

/// Reads and checks the files of a source, without a tenant.
///
/// # Errors
/// The source cannot be read.
pub async fn read_files(
    settings: &RunSettings,
    watcher: &dyn Watcher,
) -> Result<Manifest, OpenError> {
    let contents = Source::of(settings)?.read(settings, None, watcher).await?;
    Ok(contents.manifest)
}

/// Reads and checks the files of a directory, offline.
///
/// # Errors
/// The directory cannot be read.
pub fn check_directory(files: &FileSettings, watcher: &dyn Watcher) -> Result<Manifest, OpenError> {
    let settings = RunSettings {
        files: files.clone(),
        ..RunSettings::default()
    };
    let snapshot = read_with_variables(&files.dir, &files.variable_files)?;
    load(&settings, &snapshot, None, watcher)
}

/// The mistakes in the files of variables, without those that a repository holds.
#[must_use]
pub fn check_variables(settings: &RunSettings) -> Option<OpenError> {
    let is_here = |path: &&PathBuf| settings.git.is_none() || path.is_absolute();
    let paths = settings.files.variable_files.iter().filter(is_here);
    let files: Vec<SourceFile> = paths.map(|path| read_single(path)).collect();
    Variables::read(&files).err().map(OpenError::Variables)
}

/// Checks files. No file at all is probably a mistake.
pub(super) fn load(
    settings: &RunSettings,
    snapshot: &Snapshot,
    revision: Option<&Revision>,
    watcher: &dyn Watcher,
) -> Result<Manifest, OpenError> {
    if snapshot.files.is_empty() {
        watcher.no_files(&shown(settings, None));
    }
    let bindings = secrets::bindings(settings);
    let variables = variables(settings, snapshot)?;
    let (root, files) = (&snapshot.root, &snapshot.files);
    let checks = FileChecks {
        variables: &variables,
        bindings: &bindings,
        denied: &settings.files.denied,
        platforms: PLATFORMS,
    };
    let manifest = load_checked(root, files, checks);
    watcher.files(revision, &manifest);
    Ok(manifest)
}

/// All variables that are declared.
pub(super) fn variables(
    settings: &RunSettings,
    snapshot: &Snapshot,
) -> Result<Variables, OpenError> {
    let mut variables = settings.files.declared_variables.clone();
    variables.extend(Variables::read(&snapshot.variables).map_err(OpenError::Variables)?);
    variables.extend(settings.files.variables.clone());
    Ok(variables)
}

/// The source for people and for the history.
pub(super) fn shown(settings: &RunSettings, revision: Option<&Revision>) -> String {
    let Some(repository) = &settings.git else {
        return settings.files.dir.display().to_string();
    };
    let url = escaped(&repository.url);
    let Some(revision) = revision else {
        return url.into_owned();
    };
    let Revision {
        id,
        author,
        subject,
        ..
    } = revision;
    format!("{url} at {id} ({author}: {subject})")
}
