//! The exit codes, and which of them a report means.

use super::{Counts, Report, Tally, not_converged};
use crate::diagnostic::Diagnostic;
use crate::manifest::Manifest;
use crate::sync::{Afterwards, Ending};

/// An exit code. The numbers are those of Terraform, decK and sysexits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// In sync, or applied.
    Success = 0,
    /// Failed.
    Failed = 1,
    /// Changes are pending; only with `--detailed-exitcode`.
    Pending = 2,
    /// Some actions were applied and some failed, or a signal cut the run short.
    Partial = 3,
    /// The plan was not approved.
    Refused = 4,
    /// The plan is not the approved one.
    Unexpected = 5,
    /// The command line is wrong.
    Usage = 64,
    /// An integration file is invalid.
    InvalidFile = 65,
    /// The settings are invalid.
    InvalidSettings = 78,
}

impl Exit {
    /// All codes, in the order of their numbers.
    pub const ALL: [Self; 9] = [
        Self::Success,
        Self::Failed,
        Self::Pending,
        Self::Partial,
        Self::Refused,
        Self::Unexpected,
        Self::Usage,
        Self::InvalidFile,
        Self::InvalidSettings,
    ];

    /// Its meaning, for the documentation.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Success => {
                "the tenant is in sync, the changes were applied, or a dry run produced a plan"
            }
            Self::Failed => {
                "a write failed, an integration is blocked, or the files, the tenant or the \
                ledger could not be read"
            }
            Self::Pending => "changes are pending (only with `--dry-run --detailed-exitcode`)",
            Self::Partial => {
                "some actions were applied and others failed, or a signal ended the run, \
                possibly before its first write"
            }
            Self::Refused => {
                "the plan was not approved (no terminal and no `--yes`, or the prompt was \
                declined), the guard refused the plan, or the history of the repository was rewritten"
            }
            Self::Unexpected => {
                "the plan is not the plan that `--expect` names; nothing was applied"
            }
            Self::Usage => "the command line is wrong",
            Self::InvalidFile => "an integration file is invalid; the others were processed",
            Self::InvalidSettings => "the settings are invalid",
        }
    }

    /// The code for files that were checked.
    #[must_use]
    pub fn of_files(manifest: &Manifest) -> Self {
        let mut diagnostics = manifest.diagnostics.iter();
        if manifest.invalid.is_empty() && !diagnostics.any(Diagnostic::is_error) {
            Self::Success
        } else {
            Self::InvalidFile
        }
    }

    /// Exit code of a number; an unknown number is a failure.
    #[must_use]
    pub fn of_code(code: u8) -> Self {
        let known = Self::ALL.into_iter().find(|exit| *exit as u8 == code);
        known.unwrap_or(Self::Failed)
    }
}

impl serde::Serialize for Exit {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(*self as u8)
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// The code for a report: the first that applies of 5, 4, 3, 1, 65, 2.
#[must_use]
pub fn exit(report: &Report, detailed: bool) -> Exit {
    let counts = Counts::of(&report.synced.plan);
    let has_errors = counts.invalid > 0 || report.diagnostics.iter().any(Diagnostic::is_error);
    let (tally, afterwards) = match &report.synced.ending {
        Ending::Unexpected { .. } => return Exit::Unexpected,
        Ending::Refused(_) | Ending::Guarded(_) => return Exit::Refused,
        Ending::Planned | Ending::NothingToDo => (Tally::default(), None),
        Ending::Applied {
            outcomes,
            afterwards,
        } => (Tally::of(outcomes), Some(afterwards)),
    };
    let failed = tally.failed + counts.blocked;
    let unproved = matches!(afterwards, Some(Afterwards::Unread(_)));
    let cut_short = tally.interrupted || matches!(afterwards, Some(Afterwards::Skipped));
    let is_dry_run = matches!(report.synced.ending, Ending::Planned);
    if cut_short || (tally.succeeded + tally.in_part > 0 && failed > 0) {
        Exit::Partial
    } else if failed > 0 || unproved || !not_converged(&report.synced).is_empty() {
        Exit::Failed
    } else if has_errors {
        Exit::InvalidFile
    } else if detailed
        && is_dry_run
        && counts.pending() + counts.withheld + counts.pending_suspended > 0
    {
        Exit::Pending
    } else {
        Exit::Success
    }
}
