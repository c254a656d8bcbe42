//! The configuration snippet of a cluster that asks Immuta itself.

use super::export::{ExportError, prepared, read, survey};
use super::{Access, OpenError, Session, Source, Watcher};
use crate::immuta::{ApiError, Effect};
use crate::ledger::place::Trust;
use crate::live::RemoteId;
use crate::manifest::{Name, nearest};
use crate::plan::coverage;
use crate::platform::{Platform, Snippet};
use crate::secret::Secret;
use crate::settings::run::RunSettings;

/// A snippet that was not made.
#[derive(Debug, thiserror::Error)]
pub enum SnippetError {
    /// The settings, the files, the ledger or the tenant.
    #[error(transparent)]
    Read(#[from] ExportError),
    /// The key could not be read, or a new one could not be made.
    #[error(transparent)]
    Key(#[from] ApiError),
    /// No file has the name.
    #[error("no valid file describes {name}")]
    NotDescribed {
        /// The name.
        name: Name,
        /// The most similar name in the files.
        near: Option<Name>,
    },
    /// The platform is configured in Immuta alone.
    #[error("{0} has no configuration snippet")]
    NoSnippet(&'static str),
    /// It was not created yet.
    #[error("no live integration is known for {0}")]
    NotLive(Name),
    /// The server does not show the key.
    #[error("the server does not show the API key of integration {0}")]
    NoKey(RemoteId),
    /// The operator did not approve a new key.
    #[error("a new key was not approved: nothing was changed")]
    NotApproved,
    /// The response to the request for a new key was lost, and the key is the old one.
    #[error(
        "it is unknown whether a new key was made: the response was lost, and the server still shows the old key"
    )]
    Unknown(#[source] ApiError),
}

/// The snippet of an integration, and the file that it belongs into.
#[derive(Debug)]
pub struct SnippetResult {
    /// The text.
    pub text: Secret,
    /// The name of the file.
    pub file: &'static str,
    /// True if the key is a new one.
    pub is_new: bool,
}

/// Makes the snippet, with a new key if `approve` is given and says yes.
///
/// # Errors
/// There is no snippet. After a request for a new key, the error says what is unknown.
pub async fn snippet(
    settings: &RunSettings,
    name: &str,
    approve: Option<&(dyn Fn() -> bool + Sync)>,
    watcher: &dyn Watcher,
) -> Result<SnippetResult, SnippetError> {
    let contents = Source::Directory.read(settings, None, watcher).await?;
    let manifest = contents.manifest;
    let described = &manifest.integrations;
    let Some(integration) = described.iter().find(|it| it.name == name) else {
        let names = described.iter().map(|it| it.name.as_str());
        return Err(SnippetError::NotDescribed {
            name: name.to_owned(),
            near: nearest(name, names).map(str::to_owned),
        });
    };
    let platform: &'static Platform = integration.platform;
    let Some(form) = &platform.snippet else {
        return Err(SnippetError::NoSnippet(platform.title));
    };
    let session = Session::open(settings, Trust::AnyForRoot, Access::DryRun)?;
    let ledger = read(&session).await?;
    let first = prepared(&session, settings, manifest, ledger.clone()).await?;
    let (live, recovered) = survey(&first, &ledger).await?;
    let coverage = coverage(&first.desired.manifest, &live, &recovered);
    let Some(found) = coverage.described.get(name) else {
        return Err(SnippetError::NotLive(name.to_owned()));
    };
    let id = found.id.clone();
    let url = session.tenant().to_owned();
    let reader = first.reader;
    let key = reader.cluster_key(&id, form.key).await?;
    let Some(approve) = approve else {
        let key = key.ok_or(SnippetError::NoKey(id))?;
        return Ok(result(form, &url, &key, false));
    };
    if !approve() {
        return Err(SnippetError::NotApproved);
    }
    let writer = reader.into_writer();
    let asked = writer.regenerate(&id, key.as_ref()).await;
    let lost = match asked {
        Ok(()) => None,
        Err(error) if error.effect() == Effect::Unknown => Some(error),
        Err(error) => return Err(error.into()),
    };
    let new = writer.reader().cluster_key(&id, form.key).await?;
    let new = new.ok_or(SnippetError::NoKey(id))?;
    let is_old = key.is_some_and(|old| old.expose() == new.expose());
    match lost {
        Some(error) if is_old => Err(SnippetError::Unknown(error)),
        Some(_) | None => Ok(result(form, &url, &new, true)),
    }
}

fn result(form: &'static Snippet, url: &str, key: &Secret, is_new: bool) -> SnippetResult {
    SnippetResult {
        text: Secret::new(form.text(url, key.expose())),
        file: form.file,
        is_new,
    }
}

/// The error of settings, for a command that opens a session.
impl From<OpenError> for SnippetError {
    fn from(error: OpenError) -> Self {
        Self::Read(error.into())
    }
}
