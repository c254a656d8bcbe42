//! The exit codes, and which of them a report means.

use super::{Counts, Report, not_converged};
use crate::apply::Failure;
use crate::sync::Ending;

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
    /// There was no leave to write.
    Refused = 4,
    /// The command line is wrong.
    Usage = 64,
    /// An integration file is invalid.
    InvalidFile = 65,
    /// The settings are invalid.
    InvalidSettings = 78,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// The code for a report: the first that applies of 4, 3, 1, 65, 2.
#[must_use]
pub fn exit(report: &Report, detailed: bool) -> Exit {
    let counts = Counts::of(&report.synced.plan);
    let tally = Tally::of(&report.synced.ending);
    let has_errors = counts.invalid > 0
        || report
            .diagnostics
            .iter()
            .any(crate::diagnostic::Diagnostic::is_error);
    if matches!(report.synced.ending, Ending::Refused(_)) {
        Exit::Refused
    } else if tally.interrupted || (tally.succeeded > 0 && tally.failed + counts.blocked > 0) {
        Exit::Partial
    } else if tally.failed + counts.blocked > 0
        || tally.unproved
        || !not_converged(&report.synced).is_empty()
    {
        Exit::Failed
    } else if has_errors {
        Exit::InvalidFile
    } else if detailed && tally.is_plan_only && counts.pending() > 0 {
        Exit::Pending
    } else {
        Exit::Success
    }
}

/// What came of the actions that were carried out.
#[derive(Default)]
struct Tally {
    succeeded: usize,
    failed: usize,
    interrupted: bool,
    /// Applied, and then the tenant could not be read.
    unproved: bool,
    is_plan_only: bool,
}

impl Tally {
    fn of(ending: &Ending) -> Self {
        match ending {
            Ending::Planned => Self {
                is_plan_only: true,
                ..Self::default()
            },
            Ending::NothingToDo | Ending::Refused(_) => Self::default(),
            Ending::Applied {
                outcomes,
                afterwards,
            } => {
                let succeeded = outcomes.iter().filter(|o| o.result.is_ok()).count();
                let interrupted = outcomes.iter().any(|o| {
                    matches!(
                        o.result,
                        Err(Failure::NotStarted | Failure::Interrupted { .. })
                    )
                });
                Self {
                    succeeded,
                    failed: outcomes.len() - succeeded,
                    interrupted,
                    unproved: afterwards.is_err(),
                    is_plan_only: false,
                }
            }
        }
    }
}
