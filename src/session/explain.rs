//! Everything that is known about one integration. Only reads are sent, and the ledger is not
//! written.

mod survey;

use jiff::Timestamp;

use super::export::Unwatched;
use super::{
    Access, OpenError, Opened, Preparation, Session, Source, Tenant, TenantError, Watcher, Wishes,
    tenant,
};
use crate::diagnostic::Diagnostic;
use crate::immuta::{ApiError, RetryPolicy};
use crate::ledger::history::{Deleted, KEPT_RUNS, RunAction};
use crate::ledger::place::Trust;
use crate::ledger::{Ledger, Record};
use crate::live::LiveIntegration;
use crate::manifest::{Ignore, Name, Origin, Suspend};
use crate::plan::{Action, Change, ChangedBy, Exceeded, Operation, Policy, Unmanaged};
use crate::platform::Platform;
use crate::settings::run::RunSettings;
use crate::source::git::Revision;
use crate::sync::{self, SyncError};
use crate::text::chain;
use survey::Survey;

/// An integration, and everything that decides what happens to it next.
#[derive(Debug)]
pub struct ExplainedIntegration {
    /// The tenant's URL; `None` if no tenant is configured.
    pub tenant: Option<String>,
    /// The name in the files or in the ledger; that of an export, if it has none.
    pub name: Name,
    /// Its platform, if that is known.
    pub platform: Option<&'static Platform>,
    /// The document that describes it; `None` without one.
    pub description: Option<Description>,
    /// The live integration; `None` if there is none, or if it is not certain which one it is.
    pub live: Option<LiveIntegration>,
    /// The key of the connection that it belongs to.
    pub connection: Option<String>,
    /// The record in the ledger.
    pub record: Option<Record>,
    /// The last write that succeeded, as far as the history has it.
    pub last_applied: Option<PastAction>,
    /// The latest writes, newest first.
    pub history: Vec<PastAction>,
    /// The action that a plan has for it. A plan has none for an unmanaged integration.
    pub action: Option<Action>,
    /// The differences, whatever the plan does about them.
    pub changes: Vec<CausedChange>,
    /// The live integration, if no file describes it.
    pub unmanaged: Option<Unmanaged>,
    /// Its suspension, with or without an action.
    pub suspend: Option<Suspend>,
    /// Its deletion, if it no longer exists or is named by the id that was deleted.
    pub deleted: Option<Deleted>,
    /// The write that deleted it, as far as the history has it.
    pub deleted_by: Option<PastAction>,
    /// True if the settings select it.
    pub is_selected: bool,
    /// The policy.
    pub policy: Policy,
    /// The limits that the whole plan exceeds.
    pub exceeded: Vec<Exceeded>,
    /// End of the pause after which a daemon repeats a rejected write.
    pub backing_off: Option<Timestamp>,
    /// Parts of the tenant that could not be read.
    pub unreadable: Vec<String>,
    /// The failure to read the tenant, if nothing of it could be read.
    pub failure: Option<UnreadTenant>,
}

impl ExplainedIntegration {
    /// True if it may be live all the same: the list is incomplete, and a plan does not rely on
    /// its absence.
    #[must_use]
    pub fn is_uncertain(&self) -> bool {
        let action = self.action.as_ref().map(|it| it.kind.without_limits());
        let is_absent = matches!(action, Some(Operation::Create(_)));
        self.live.is_none() && !self.unreadable.is_empty() && !is_absent
    }
}

/// The document that describes an integration.
#[derive(Debug)]
pub struct Description {
    /// Its position.
    pub origin: Origin,
    /// The revision of the files; `None` for a directory.
    pub revision: Option<Revision>,
    /// True if it has no error.
    pub is_valid: bool,
    /// True if `sync.protect` forbids the deletion.
    pub protect: bool,
    /// Attributes whose differences are ignored.
    pub ignore: Vec<Ignore>,
    /// The mistakes in its file.
    pub diagnostics: Vec<Diagnostic>,
}

/// A difference, and the side that caused it.
#[derive(Debug)]
pub struct CausedChange {
    /// The difference.
    pub change: Change,
    /// The side.
    pub by: ChangedBy,
}

/// A write of an earlier run.
#[derive(Debug, Clone)]
pub struct PastAction {
    /// The write.
    pub action: RunAction,
    /// The source of the files of its run.
    pub source: String,
    /// Their revision, if they had one.
    pub revision: Option<String>,
}

/// An integration that could not be explained.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// The settings, the files or the ledger.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The tenant or the ledger could not be read.
    #[error(transparent)]
    Sync(#[from] SyncError),
    /// Nothing has the name.
    #[error("no integration is named {name}")]
    Unknown {
        /// The name.
        name: Name,
        /// The most similar name.
        near: Option<Name>,
        /// True if the tenant's list could not be read completely.
        is_incomplete: bool,
    },
}

/// Reason why nothing of the tenant was read.
#[derive(Debug, thiserror::Error)]
pub enum UnreadTenant {
    /// No tenant or no API key is configured.
    #[error(transparent)]
    Absent(TenantError),
    /// The tenant did not answer as it should.
    #[error(transparent)]
    Api(ApiError),
}

impl UnreadTenant {
    /// The remedy.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Absent(error) => error.help(),
            Self::Api(error) => error.help(),
        }
    }
}

impl From<UnreadTenant> for ExplainError {
    fn from(unread: UnreadTenant) -> Self {
        match unread {
            UnreadTenant::Absent(error) => Self::Open(error.into()),
            UnreadTenant::Api(error) => Self::Sync(error.into()),
        }
    }
}

/// Finds out everything about one integration, by its name or by its id. Without a tenant or an
/// API key, that is what the files and the ledger know.
///
/// # Errors
/// The settings, the files, the tenant or the ledger cannot be used, or nothing has the name.
pub async fn explain(
    settings: &RunSettings,
    name: &str,
    watcher: &dyn Watcher,
) -> Result<ExplainedIntegration, ExplainError> {
    let (session, opened) = open(settings, watcher).await?;
    let revision = opened.revision().cloned();
    let store = session.store();
    let tenant = match Tenant::new(&settings.tenant, RetryPolicy::default(), None) {
        Err(error) if !error.is_absence() => return Err(OpenError::Tenant(error).into()),
        tenant => tenant,
    };
    // All secrets, as for a dry run: one of another integration may be in a value that is shown.
    let preparation = Preparation::new(Wishes::default());
    let (desired, request) = session.desired(settings, opened, preparation).await?;
    let (desired, request) = (&desired, &request);
    let ledger = store.read().await.map_err(SyncError::from)?;
    let history = store.history(KEPT_RUNS).await.map_err(SyncError::from)?;
    let planned = match tenant {
        Err(error) => Err(UnreadTenant::Absent(error)),
        Ok(tenant) => {
            let reader = tenant.reader(desired.known_secrets());
            let planning = sync::make_confirmed_plan(&reader, desired, request, &ledger);
            match planning.await {
                Err(SyncError::Tenant(error)) => Err(UnreadTenant::Api(error)),
                planned => Ok(planned?),
            }
        }
    };
    let (planned, failure) = match planned {
        Ok(planned) => (planned, None),
        Err(unread) => {
            let planned = sync::unread_tenant(desired, request, &ledger, chain(&unread));
            (planned, Some(unread))
        }
    };
    let survey = Survey {
        desired,
        request,
        planned: &planned,
        history: &history,
        revision,
    };
    match (survey.explained(name), failure) {
        // It may be live under this name or id.
        (Err(ExplainError::Unknown { .. }), Some(unread)) => Err(unread.into()),
        (explained, failure) => Ok(ExplainedIntegration {
            tenant: Some(session.tenant().to_owned()).filter(|it| !it.is_empty()),
            failure,
            ..explained?
        }),
    }
}

/// Opens the ledger and reads the files. Without a tenant, the ledger is empty.
async fn open(
    settings: &RunSettings,
    watcher: &dyn Watcher,
) -> Result<(Session, Opened), OpenError> {
    let is_absent = tenant::url(&settings.tenant).is_err_and(|error| error.is_absence());
    if !is_absent {
        let (trust, access) = (Trust::AnyForRoot, Access::DryRun);
        return Session::open_with_files(settings, trust, access, watcher).await;
    }
    let contents = Source::of(settings)?.read(settings, None, watcher).await?;
    let opened = Opened::new(contents, Ledger::default(), watcher);
    Ok((Session::in_memory(""), opened))
}

/// True if the files, the ledger or the history have an integration of this name. The tenant is
/// not read.
pub async fn is_known(settings: &RunSettings, name: &str) -> bool {
    let Ok((session, opened)) = open(settings, &Unwatched).await else {
        return false;
    };
    if opened.manifest.names().any(|it| it == name) || opened.ledger.records.contains_key(name) {
        return true;
    }
    let history = session.store().history(KEPT_RUNS).await;
    history.is_ok_and(|history| history.last_name(name).is_some())
}
