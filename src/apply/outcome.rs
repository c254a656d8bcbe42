//! Outcome of an action.

use std::time::Duration;

use crate::immuta::{ApiError, Rejection};
use crate::ledger::StoreError;
use crate::live::{FailingTest, IntegrationStatus, RemoteId};
use crate::manifest::{Name, Unbound};
use crate::plan::PreconditionFailure;
use crate::text::count;

/// The end of one action.
#[derive(Debug)]
pub struct Outcome {
    /// The integration.
    pub name: Name,
    /// The kind of write that was done or tried.
    pub verb: Verb,
    /// Its id on the server, as far as it is known.
    pub id: Option<RemoteId>,
    /// The result.
    pub result: Result<Success, ActionFailure>,
    /// Duration, including the wait for the server.
    pub took: Duration,
}

/// Kind of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// `POST`.
    Create,
    /// `PUT`.
    Update,
    /// `DELETE`.
    Delete,
    /// `DELETE`, then `POST`.
    Replace,
}

impl Verb {
    /// `create`, `update`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Replace => "replace",
        }
    }

    /// `creating`, `updating`.
    #[must_use]
    pub fn present(self) -> &'static str {
        match self {
            Self::Create => "creating",
            Self::Update => "updating",
            Self::Delete => "deleting",
            Self::Replace => "replacing",
        }
    }

    /// `created`, `updated`.
    #[must_use]
    pub fn past(self) -> &'static str {
        match self {
            Self::Create => "created",
            Self::Update => "updated",
            Self::Delete => "deleted",
            Self::Replace => "replaced",
        }
    }
}

/// The write took effect and its status has settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Success {
    /// `enabled`, or a health problem that is no failure of the write.
    pub status: IntegrationStatus,
    /// The validation tests that did not pass.
    pub failing_tests: Vec<FailingTest>,
}

/// Reason for the failure of an action.
#[derive(Debug, thiserror::Error)]
pub enum ActionFailure {
    /// The apply was stopped before its turn came.
    #[error("the action was not started")]
    NotStarted,
    /// An operator has suspended its writes since the plan was made.
    #[error("nothing was sent because writes to it were suspended after the plan was made")]
    Suspended,
    /// A secret is missing.
    #[error("{0}")]
    MissingSecret(String),
    /// The intent could not be recorded in the ledger.
    #[error("nothing was sent because the ledger could not be written")]
    NotWrittenDown(#[source] StoreError),
    /// It was applied, and that could not be written down.
    #[error("the change was applied, but could not be recorded in the ledger")]
    NotRecorded(#[source] StoreError),
    /// Something could not be read that has to be known before the write.
    #[error("nothing was sent because the tenant could not be read")]
    Unread(#[source] ApiError),
    /// The list does not show whether the integration exists.
    #[error("nothing was sent because the integration may already exist: {0}")]
    Unclear(String),
    /// The live integration is not as it was when the plan was made.
    #[error(
        "nothing was sent because integration {id} has changed since the plan was made: {what}"
    )]
    Changed {
        /// The live integration.
        id: RemoteId,
        /// The difference.
        what: PreconditionFailure,
    },
    /// A reference may not go where the live integration leads now.
    #[error("nothing was sent because of the server's current values: {0}")]
    Unbound(Unbound),
    /// It exists although it did not when the plan was made.
    #[error("integration {id} appeared after the plan was made")]
    Appeared {
        /// The live integration.
        id: RemoteId,
    },
    /// It is gone.
    #[error("integration {id} no longer exists")]
    Gone {
        /// The live integration.
        id: RemoteId,
    },
    /// The server refused the write.
    #[error(transparent)]
    Refused(ApiError),
    /// The server cannot change this attribute.
    #[error(transparent)]
    NotEditable(ApiError),
    /// The response was lost, and reading the tenant did not reveal the outcome.
    #[error("the response was lost, and the tenant does not show the change")]
    Unconfirmed(#[source] ApiError),
    /// The server took the write on and then failed.
    #[error("the integration ended in status `{status}`{}", tests(failing_tests))]
    Server {
        /// The status.
        status: IntegrationStatus,
        /// The validation tests that did not pass.
        failing_tests: Vec<FailingTest>,
    },
    /// The server took the delete on, and the integration is still there.
    #[error("the server accepted the deletion, but the status is `{status}` again")]
    NotDeleted {
        /// The status.
        status: IntegrationStatus,
    },
    /// A replacement has deleted the one and could not create the other.
    #[error("integration {id} was deleted, but creating its replacement failed")]
    NotRecreated {
        /// The integration that is gone.
        id: RemoteId,
        /// The cause of the failed creation.
        #[source]
        failure: Box<ActionFailure>,
    },
    /// It did not settle in time.
    #[error("the status was still `{status}` after {}", seconds(*waited))]
    TimedOut {
        /// The last status.
        status: IntegrationStatus,
        /// Time for which it was followed.
        waited: Duration,
    },
    /// It was written, and how it goes on could not be read until time ran out.
    #[error("the request was sent, but the status cannot be read")]
    Unfollowed(#[source] ApiError),
    /// The apply was stopped while the server was working: the outcome is unknown.
    #[error("the run was stopped {}", before(status.as_ref()))]
    Interrupted {
        /// The last status; `None` if the write was not answered.
        status: Option<IntegrationStatus>,
    },
}

impl ActionFailure {
    /// The remedy.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::NotStarted | Self::Interrupted { .. } => "run the command again to continue",
            Self::Suspended => {
                "run `integrationd resume` to end the suspension: the next run continues"
            }
            Self::MissingSecret(_) => "provide the secret, then try again",
            Self::NotWrittenDown(_) => "fix the state directory, then try again",
            Self::NotRecorded(_) => {
                "fix the state directory, then try again: the next run detects what was applied"
            }
            Self::Unclear(_) => {
                "try again later: nothing is created while it is unclear whether the integration \
                exists"
            }
            Self::Changed { .. } | Self::Unbound(_) | Self::Appeared { .. } | Self::Gone { .. } => {
                "try again: the new plan will show the current state"
            }
            Self::Unread(error) | Self::Refused(error) => error.help(),
            Self::NotEditable(_) => {
                "this attribute cannot be edited: change it back, or allow integrationd to delete \
                and recreate the integration with `--allow-replace NAME`"
            }
            Self::NotRecreated { failure, .. } => failure.help(),
            Self::Unconfirmed(_) => {
                "try again in a minute: the new plan will show whether the write took effect"
            }
            Self::Server { status, .. } => match status {
                IntegrationStatus::CreateError => {
                    "fix the problems that the failing tests report; the next run retries the \
                    creation with an update"
                }
                IntegrationStatus::EditError => {
                    "the old configuration is still active; fix the problems that the failing \
                    tests report, then try again"
                }
                IntegrationStatus::DeleteError => {
                    "the integration still exists; fix the problems that the failing tests \
                    report, then try again"
                }
                IntegrationStatus::Creating
                | IntegrationStatus::Enabled
                | IntegrationStatus::Editing
                | IntegrationStatus::Migrating
                | IntegrationStatus::MigrateError
                | IntegrationStatus::Deleting
                | IntegrationStatus::Deleted
                | IntegrationStatus::Disabled
                | IntegrationStatus::RecurringValidationError
                | IntegrationStatus::Unknown(_) => "check the integration in Immuta's settings",
            },
            Self::TimedOut { .. } => {
                "the server is still working: try again later, or allow more time with \
                `--wait-timeout`"
            }
            Self::NotDeleted { .. } => "check the integration in Immuta's settings",
            Self::Unfollowed(_) => {
                "try again when the tenant responds: the new plan will show the outcome"
            }
        }
    }

    /// True if the write certainly changed nothing: it was rejected, or the server has rolled it
    /// back.
    #[must_use]
    pub fn had_no_effect(&self) -> bool {
        match self {
            Self::NotStarted
            | Self::Suspended
            | Self::MissingSecret(_)
            | Self::NotWrittenDown(_)
            | Self::Unread(_)
            | Self::Unclear(_)
            | Self::Changed { .. }
            | Self::Unbound(_)
            | Self::Appeared { .. }
            | Self::Refused(_)
            | Self::NotEditable(_) => true,
            Self::Server { status, .. } => {
                matches!(
                    status,
                    IntegrationStatus::EditError | IntegrationStatus::DeleteError
                )
            }
            Self::NotRecorded(_)
            | Self::NotDeleted { .. }
            | Self::NotRecreated { .. }
            | Self::Gone { .. }
            | Self::Unconfirmed(_)
            | Self::TimedOut { .. }
            | Self::Unfollowed(_)
            | Self::Interrupted { .. } => false,
        }
    }

    /// True if the server has examined and rejected the write: an identical write would fail in the
    /// same way.
    #[must_use]
    pub fn is_rejection(&self) -> bool {
        match self {
            Self::Refused(error) => error.rejection().is_some_and(|rejection| {
                let code = rejection.code;
                // Not permissions, time, a passing state, or a rate limit.
                (400..500).contains(&code) && !matches!(code, 401 | 403 | 408 | 409 | 425 | 429)
            }),
            Self::NotEditable(_) | Self::Server { .. } => true,
            Self::NotRecreated { failure, .. } => failure.is_rejection(),
            Self::NotStarted
            | Self::Suspended
            | Self::MissingSecret(_)
            | Self::NotWrittenDown(_)
            | Self::NotRecorded(_)
            | Self::Unread(_)
            | Self::Unclear(_)
            | Self::Changed { .. }
            | Self::Unbound(_)
            | Self::Appeared { .. }
            | Self::Gone { .. }
            | Self::Unconfirmed(_)
            | Self::NotDeleted { .. }
            | Self::TimedOut { .. }
            | Self::Unfollowed(_)
            | Self::Interrupted { .. } => false,
        }
    }

    /// True if the apply was stopped while the server was working.
    #[must_use]
    pub fn is_interruption(&self) -> bool {
        if let Self::NotRecreated { failure, .. } = self {
            return failure.is_interruption();
        }
        matches!(self, Self::Interrupted { .. })
    }

    /// True if the stop came before the action ended or started: it is neither done nor failed.
    #[must_use]
    pub fn is_unfinished(&self) -> bool {
        matches!(self, Self::NotStarted) || self.is_interruption()
    }

    /// The refusal behind it, if there is one.
    #[must_use]
    pub fn rejection(&self) -> Option<&Rejection> {
        match self {
            Self::Unread(error)
            | Self::Refused(error)
            | Self::NotEditable(error)
            | Self::Unconfirmed(error)
            | Self::Unfollowed(error) => error.rejection(),
            Self::NotRecreated { failure, .. } => failure.rejection(),
            Self::NotStarted
            | Self::Suspended
            | Self::MissingSecret(_)
            | Self::NotWrittenDown(_)
            | Self::NotRecorded(_)
            | Self::Unclear(_)
            | Self::Changed { .. }
            | Self::Unbound(_)
            | Self::Appeared { .. }
            | Self::Gone { .. }
            | Self::Server { .. }
            | Self::NotDeleted { .. }
            | Self::TimedOut { .. }
            | Self::Interrupted { .. } => None,
        }
    }

    /// The validation tests that did not pass.
    #[must_use]
    pub fn failing_tests(&self) -> &[FailingTest] {
        if let Self::Server { failing_tests, .. } = self {
            return failing_tests;
        }
        if let Self::NotRecreated { failure, .. } = self {
            return failure.failing_tests();
        }
        self.rejection()
            .map_or(&[], |rejection| &rejection.failing_tests)
    }
}

/// Numbers of successes and failures, in a line.
#[must_use]
pub fn in_a_line(outcomes: &[Outcome]) -> String {
    let failures = outcomes.iter().filter_map(|o| o.result.as_ref().err());
    let (unfinished, failed): (Vec<_>, Vec<_>) = failures.partition(|f| f.is_unfinished());
    let (unfinished, failed) = (unfinished.len(), failed.len());
    let done = outcomes.len() - failed - unfinished;
    let line = format!("{done} applied, {failed} failed");
    match unfinished {
        0 => line,
        unfinished => format!("{line}, {unfinished} unfinished"),
    }
}

fn before(status: Option<&IntegrationStatus>) -> String {
    status.map_or_else(
        || "before the server responded".to_owned(),
        |status| format!("while the integration had status `{status}`"),
    )
}

fn tests(failing: &[FailingTest]) -> String {
    if failing.is_empty() {
        return String::new();
    }
    format!("; {} failed", count(failing.len(), "validation test"))
}

fn seconds(duration: Duration) -> String {
    count(
        usize::try_from(duration.as_secs()).unwrap_or(usize::MAX),
        "second",
    )
}
