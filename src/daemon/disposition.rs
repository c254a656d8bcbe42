//! The daemon's reaction to the end of a run.

use std::time::Duration;

use super::Disposition;
use crate::reason::Reason;
use crate::report::exit::{Exit, exit};
use crate::report::failure::CommandFailure;
use crate::report::{Counts, Report};
use crate::session::OpenError;
use crate::sync::{Afterwards, Ending, SyncError};

/// Cause of a run without a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RunFailureCause {
    /// The settings of the tenant or of Vault, or a name in the settings.
    Settings,
    /// The directory or the repository with the files.
    Source,
    /// The tenant.
    Tenant,
    /// The ledger and its key.
    Ledger,
}

impl RunFailureCause {
    pub(super) const ALL: [Self; 4] = [Self::Settings, Self::Source, Self::Tenant, Self::Ledger];

    /// The word for it in metrics.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::Source => "source",
            Self::Tenant => "tenant",
            Self::Ledger => "ledger",
        }
    }
}

/// A run that came to no result, and the reaction to it.
pub(super) struct NoResult {
    pub(super) failure: CommandFailure,
    pub(super) disposition: Disposition,
    pub(super) cause: RunFailureCause,
}

impl From<OpenError> for NoResult {
    fn from(error: OpenError) -> Self {
        Self {
            disposition: of_open_error(&error),
            cause: cause_of_open_error(&error),
            failure: error.into(),
        }
    }
}

impl From<SyncError> for NoResult {
    fn from(error: SyncError) -> Self {
        Self {
            disposition: of_error(&error),
            cause: cause_of_error(&error),
            failure: error.into(),
        }
    }
}

/// Reaction to a run that could not begin.
fn of_open_error(error: &OpenError) -> Disposition {
    match error {
        OpenError::Tenant(_)
        | OpenError::Vault(_)
        | OpenError::Names(_)
        | OpenError::Suspensions(_) => Disposition::Stalled(Reason::InvalidSettings),
        OpenError::Variables(_) => Disposition::Stalled(Reason::InvalidFile),
        OpenError::RejectedRevision(_) => Disposition::Stalled(Reason::SourceRefused),
        OpenError::Git(error) if error.is_transient() => Disposition::Transient,
        OpenError::Git(error) if error.is_refusal() => Disposition::Stalled(Reason::SourceRefused),
        OpenError::Git(_) | OpenError::GitSettings(_) => {
            Disposition::Stalled(Reason::SourceUnreadable)
        }
        OpenError::Directory(_)
        | OpenError::Place(_)
        | OpenError::Key(_)
        | OpenError::Ledger(_)
        | OpenError::Store(_) => Disposition::Transient,
    }
}

/// Cause of a run that could not begin.
fn cause_of_open_error(error: &OpenError) -> RunFailureCause {
    match error {
        OpenError::Tenant(_) | OpenError::Vault(_) | OpenError::Names(_) => {
            RunFailureCause::Settings
        }
        OpenError::Variables(_)
        | OpenError::RejectedRevision(_)
        | OpenError::Git(_)
        | OpenError::GitSettings(_)
        | OpenError::Directory(_) => RunFailureCause::Source,
        OpenError::Place(_)
        | OpenError::Key(_)
        | OpenError::Ledger(_)
        | OpenError::Store(_)
        | OpenError::Suspensions(_) => RunFailureCause::Ledger,
    }
}

/// Cause of a run whose tenant, ledger or files could not be read.
fn cause_of_error(error: &SyncError) -> RunFailureCause {
    match error {
        SyncError::Tenant(_) => RunFailureCause::Tenant,
        SyncError::Ledger(_) => RunFailureCause::Ledger,
        SyncError::Files(_) => RunFailureCause::Source,
    }
}

/// Reaction to a tenant or a ledger that could not be read.
fn of_error(error: &SyncError) -> Disposition {
    match error {
        SyncError::Tenant(error) => match error.rejection().map(|rejection| rejection.code) {
            // Asking again with the same key could lock it.
            Some(401 | 403) => Disposition::Stalled(Reason::NotAuthorized),
            Some(_) | None => Disposition::Transient,
        },
        SyncError::Ledger(_) | SyncError::Files(_) => Disposition::Transient,
    }
}

/// Reaction to a run that came to a result. `pause` is the time until something is retried.
pub(super) fn of_report(report: &Report, pause: Option<Duration>) -> Disposition {
    let failed = match &report.synced.ending {
        Ending::Guarded(_) => return Disposition::Stalled(Reason::GuardRefused),
        // The stop came, and nothing is wrong: the next start goes on.
        Ending::Applied {
            afterwards: Afterwards::Skipped,
            ..
        } => return Disposition::Transient,
        Ending::Applied { outcomes, .. } => outcomes.iter().any(|o| o.result.is_err()),
        Ending::Planned | Ending::NothingToDo | Ending::Unexpected { .. } | Ending::Refused(_) => {
            false
        }
    };
    match (exit(report, false), pause) {
        (_, Some(pause)) => Disposition::Retry(pause),
        _ if failed => Disposition::Transient,
        (Exit::Success, None) if Counts::of(&report.synced.plan).pending_suspended > 0 => {
            Disposition::Suspended
        }
        (Exit::Success, None) => Disposition::InSync,
        (Exit::InvalidFile, None) => Disposition::Stalled(Reason::InvalidFile),
        (
            Exit::Failed
            | Exit::Pending
            | Exit::Partial
            | Exit::Refused
            | Exit::Unexpected
            | Exit::Usage
            | Exit::InvalidSettings,
            None,
        ) => Disposition::Stalled(Reason::Blocked),
    }
}
