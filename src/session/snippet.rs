//! The configuration snippet of a cluster that asks Immuta itself.

use super::export::ExportError;
use super::{Access, OpenError, Preparation, Prepared, SecretSelection, Session, Watcher, Wishes};
use crate::immuta::{ApiError, Effect, HttpTransport, Reader};
use crate::ledger::Ledger;
use crate::ledger::place::Trust;
use crate::live::{OwnedWrite, RemoteId};
use crate::manifest::{Integration, Name};
use crate::plan::{Block, Operation, coverage};
use crate::platform::{Platform, Snippet};
use crate::secret::Secret;
use crate::settings::run::RunSettings;
use crate::sync::{self, PlannedTenant, SyncError};

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
    /// Its file has errors.
    #[error("the file of {0} has errors")]
    InvalidFile(Name),
    /// The platform is configured in Immuta alone.
    #[error("{0} has no configuration snippet")]
    NoSnippet(&'static str),
    /// It was not created yet.
    #[error("no live integration matches {0}")]
    NotLive(Name),
    /// It is not known which live integration the file describes.
    #[error("{name} is blocked: {block}")]
    Blocked {
        /// The name.
        name: Name,
        /// The obstacle.
        block: Box<Block>,
    },
    /// The server does not show the key.
    #[error("the server does not show the API key of integration {0}")]
    NoKey(RemoteId),
    /// The operator did not approve a new key.
    #[error("a new key was not approved: nothing was changed")]
    NotApproved,
    /// Its writes are suspended, and a new key is a write.
    #[error("no new key can be made because writes to {0} are suspended")]
    Suspended(Name),
    /// It belongs, or may belong, to a connection, which has a key of its own.
    #[error("no new key can be made for {name}: {reason}")]
    Owned {
        /// The name.
        name: Name,
        /// The reason.
        reason: String,
    },
    /// The request for a new key was sent, and no new key was read after it.
    #[error("cannot determine whether a new key was made: the server shows no new key")]
    Unknown(#[source] Option<ApiError>),
}

/// The snippet of an integration, and the file that it goes into.
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
    let opening = Session::open_with_files(settings, Trust::AnyForRoot, Access::DryRun, watcher);
    let (session, opened) = opening.await?;
    let manifest = opened.manifest();
    let Some(integration) = manifest.find(name) else {
        let name = name.to_owned();
        if manifest.invalid.iter().any(|it| it.name == name) {
            return Err(SnippetError::InvalidFile(name));
        }
        let near = manifest.nearest_name(&name);
        return Err(SnippetError::NotDescribed { name, near });
    };
    let platform: &'static Platform = integration.platform;
    let Some(form) = &platform.snippet else {
        return Err(SnippetError::NoSnippet(platform.title));
    };
    let (own, ledger) = (integration.clone(), opened.ledger().clone());
    // No secret is compared.
    let preparation = Preparation {
        lookup: SecretSelection::Nothing,
        ..Preparation::new(Wishes::default())
    };
    let first = session.prepare(settings, opened, preparation).await?;
    let id = live_id(&first, &ledger, name).await?;
    let url = session.tenant().to_owned();
    let key = first.reader.cluster_key(&id, form.key).await?;
    // A server that hides the key would not show a new one either.
    let key = key.ok_or_else(|| SnippetError::NoKey(id.clone()))?;
    let Some(approve) = approve else {
        return Ok(result(form, &url, &key, false));
    };
    check_writable(&first, &ledger, &own, &id).await?;
    if !approve() {
        return Err(SnippetError::NotApproved);
    }
    let key = new_key(first.reader, &id, form, &key).await?;
    Ok(result(form, &url, &key, true))
}

/// The live integration of a file. Without one, the plan says why.
async fn live_id(
    prepared: &Prepared<HttpTransport>,
    ledger: &Ledger,
    name: &str,
) -> Result<RemoteId, SnippetError> {
    let (reader, desired) = (&prepared.reader, &prepared.desired);
    let planned = sync::make_plan(reader, desired, &prepared.request, ledger).await;
    let PlannedTenant {
        plan,
        recovery,
        live,
    } = planned.map_err(|error| ExportError::from(SyncError::from(error)))?;
    let coverage = coverage(&desired.manifest, &live, &recovery.ledger);
    if let Some(found) = coverage.described.get(name) {
        return Ok(found.id.clone());
    }
    let mut actions = plan.actions.iter();
    let action = actions.find(|action| action.name == name);
    Err(match action.map(|action| action.kind.without_limits()) {
        Some(Operation::Blocked(block)) => SnippetError::Blocked {
            name: name.to_owned(),
            block: Box::new(block.clone()),
        },
        Some(
            Operation::Create(_)
            | Operation::Update { .. }
            | Operation::Delete(_)
            | Operation::Replace { .. }
            | Operation::Unchanged { .. }
            | Operation::Withheld { .. }
            | Operation::Suspended { .. },
        )
        | None => SnippetError::NotLive(name.to_owned()),
    })
}

/// Refuses a new key for an integration that must not be written. Like a deletion, a new key
/// rests on a fresh answer about connections.
async fn check_writable(
    prepared: &Prepared<HttpTransport>,
    ledger: &Ledger,
    integration: &Integration,
    id: &RemoteId,
) -> Result<(), SnippetError> {
    let (name, request) = (&integration.name, &prepared.request);
    let now = request.apply.clock.now();
    let by_file = integration.options.suspend.as_ref();
    let by_operator = request.suspended.of(name, now);
    if by_operator.is_some() || by_file.is_some_and(|suspend| suspend.counts_at(now)) {
        return Err(SnippetError::Suspended(name.clone()));
    }
    let owners = sync::fresh_owners(&prepared.reader, request, ledger).await;
    let reason = match owners.of_integration(id) {
        Some(key) => Some(format!("it belongs to connection {key}")),
        None => owners
            .objection(integration.platform, OwnedWrite::Removal)
            .map(str::to_owned),
    };
    match reason {
        None => Ok(()),
        Some(reason) => Err(SnippetError::Owned {
            name: name.clone(),
            reason,
        }),
    }
}

/// Makes a new key, and reads it if the answer does not have it: the server may show the old
/// one for a while. The request is sent once, whatever becomes of its answer.
async fn new_key(
    reader: Reader<HttpTransport>,
    id: &RemoteId,
    form: &Snippet,
    old: &Secret,
) -> Result<Secret, SnippetError> {
    let writer = reader.into_writer();
    let lost = match writer.regenerate(id, form.key, old).await {
        Ok(Some(key)) => return Ok(key),
        Ok(None) => None,
        Err(error) if error.effect() == Effect::Unknown => Some(error),
        Err(error) => return Err(error.into()),
    };
    match writer.reader().cluster_key(id, form.key).await {
        Ok(Some(key)) if key != *old => Ok(key),
        Ok(_) => Err(SnippetError::Unknown(lost)),
        Err(unread) => Err(SnippetError::Unknown(Some(lost.unwrap_or(unread)))),
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
