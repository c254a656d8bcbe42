//! Reports for operators: one value, one file per format, one exit code.

pub mod adoption;
pub mod approved;
pub mod checks;
pub mod daemon_entry;
pub mod document;
pub mod exit;
pub mod explain;
pub mod export;
pub mod failure;
pub mod format;
pub mod history;
pub mod integration;
pub mod list;
pub mod next_step;
pub mod not_compared;
pub mod overview;
pub mod profile;
pub mod rendering;
mod result;
pub mod run;
mod run_overview;
pub mod script;
pub mod snippet;
mod style;
pub mod suspended;
pub mod text;
pub mod update;
pub mod validation;
mod value;

use std::collections::HashSet;

use serde::{Serialize, Serializer};

use crate::apply::{ActionFailure, Outcome};
use crate::diagnostic::Diagnostic;
use crate::manifest::Destination;
use crate::plan::{Block, Change, Operation, Plan};
use crate::platform::AttributePath;
use crate::session::RunResult;
use crate::source::git::Revision;
use crate::sync::{Afterwards, Ending, RunTrigger, Synced};
use approved::{ApprovedPlan, PlanDifference};
use document::Document;
use exit::Exit;
use overview::Overview;
use run::RunDocument;

/// Warns of attributes in which the server has the value of a secret.
#[must_use]
pub fn holds_secret(paths: &[AttributePath]) -> String {
    format!(
        "the server has a secret in plain text in {} (value hidden): rotate the secret and find \
        out who put it there",
        paths.join(", ")
    )
}

/// Explains why values of a deleted integration are hidden.
#[must_use]
pub fn not_shown(paths: &[AttributePath]) -> String {
    format!(
        "the values of {} are hidden because they have changed since the last apply and may \
        contain a secret that this run does not know",
        paths.join(", ")
    )
}

/// Names the destination of a server value that an update keeps.
#[must_use]
pub fn carried(destination: &Destination) -> String {
    let place = destination.host().unwrap_or("an unknown destination");
    let path = destination.path();
    format!("{path} keeps the server's value, which points to {place}")
}

/// Everything to report of one run.
#[derive(Debug)]
pub struct Report {
    /// The tenant's URL.
    pub tenant: String,
    /// The moment of the run.
    pub time: jiff::Timestamp,
    /// Source of the files.
    pub source: String,
    /// Their revision; `None` for a directory.
    pub revision: Option<Revision>,
    /// The reason for the run.
    pub trigger: RunTrigger,
    /// The mistakes in them.
    pub diagnostics: Vec<Diagnostic>,
    /// The plan and what came of it.
    pub synced: Synced,
    /// The differences from the approved plan, if it is another one whose document is known.
    pub differences: Option<Vec<PlanDifference>>,
}

/// The document of a run that came to a result.
pub struct Finished<'a> {
    report: &'a Report,
    exit: Exit,
}

impl<'a> Finished<'a> {
    /// Creates the document of a report.
    #[must_use]
    pub fn new(report: &'a Report, exit: Exit) -> Self {
        Self { report, exit }
    }
}

impl Serialize for Finished<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RunDocument::new(self.report, self.exit).serialize(serializer)
    }
}

impl Document for Finished<'_> {
    /// The plan, unless the operator was asked about it, and its result.
    fn text(&self) -> String {
        let Report { tenant, synced, .. } = self.report;
        let ending = text::ending(self.report);
        if synced.ending.was_asked() {
            return ending;
        }
        text::plan(&synced.plan, tenant) + &ending
    }

    fn parts(&self) -> (&'static [(&'static str, &'static str)], &'static str) {
        const PARTS: &[(&str, &str)] = &[
            ("/diagnostics", "diagnostic"),
            ("/plan/actions", "action"),
            ("/plan/unmanaged", "unmanaged"),
            ("/result/outcomes", "outcome"),
        ];
        (PARTS, "run")
    }

    fn overview(&self) -> Option<Overview<'_>> {
        Some(run_overview::overview(self.report, self.exit))
    }
}

impl From<RunResult> for Report {
    fn from(result: RunResult) -> Self {
        let RunResult {
            tenant,
            time,
            source,
            revision,
            trigger,
            diagnostics,
            synced,
        } = result;
        Self {
            tenant,
            time,
            source,
            revision,
            trigger,
            diagnostics,
            synced,
            differences: None,
        }
    }
}

impl Report {
    /// Finds the differences from the approved plan, if it was not that plan.
    #[must_use]
    pub fn compared_with(self, approved: Option<&ApprovedPlan>) -> Self {
        let is_other = matches!(self.synced.ending, Ending::Unexpected { .. });
        let approved = approved.filter(|_| is_other);
        Self {
            differences: approved.map(|it| it.differences(&self.synced.plan)),
            ..self
        }
    }

    /// The plan that was made last: after an apply the second one, if there is one.
    #[must_use]
    pub fn newest_plan(&self) -> &Plan {
        match &self.synced.ending {
            Ending::Applied {
                afterwards: Afterwards::Planned(second),
                ..
            } => second,
            Ending::Applied { .. }
            | Ending::Planned
            | Ending::NothingToDo
            | Ending::Unexpected { .. }
            | Ending::Guarded(_)
            | Ending::Refused(_) => &self.synced.plan,
        }
    }
}

/// Number of actions of each kind in a plan.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// To be created.
    pub create: usize,
    /// To be updated.
    pub update: usize,
    /// To be deleted and created again.
    pub replace: usize,
    /// To be deleted.
    pub delete: usize,
    /// Left as they are by the policy.
    pub withheld: usize,
    /// As they should be.
    pub unchanged: usize,
    /// Suspended on purpose.
    pub suspended: usize,
    /// Of these, those that are not as they should be.
    #[serde(rename = "held")]
    pub pending_suspended: usize,
    /// Blocked for another reason than an invalid file.
    pub blocked: usize,
    /// Blocked by an invalid file.
    pub invalid: usize,
}

impl Counts {
    /// Counts.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let mut counts = Self::default();
        for action in &plan.actions {
            counts.pending_suspended += usize::from(action.kind.is_pending_suspended());
            *match &action.kind {
                Operation::Create(_) => &mut counts.create,
                Operation::Update { .. } => &mut counts.update,
                Operation::Replace { .. } => &mut counts.replace,
                Operation::Delete(_) => &mut counts.delete,
                Operation::Withheld { .. } => &mut counts.withheld,
                Operation::Unchanged { .. } => &mut counts.unchanged,
                Operation::Suspended { .. } => &mut counts.suspended,
                Operation::Blocked(Block::InvalidFile | Block::EmptyFile { .. }) => {
                    &mut counts.invalid
                }
                Operation::Blocked(_) => &mut counts.blocked,
            } += 1;
        }
        counts
    }

    /// Writes that would be sent.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.create + self.update + self.replace + self.delete
    }

    /// True if nothing is left to do.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let Self {
            create,
            update,
            replace,
            delete,
            withheld,
            unchanged: _,
            suspended: _,
            pending_suspended,
            blocked,
            invalid,
        } = self;
        create + update + replace + delete + withheld + pending_suspended + blocked + invalid == 0
    }
}

/// Number of actions by result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Well.
    pub succeeded: usize,
    /// Not well.
    pub failed: usize,
    /// The outcome is unknown, because the apply was stopped first.
    pub cut_short: usize,
    /// Those of both that have changed the tenant all the same.
    pub in_part: usize,
    /// Not begun, because the apply was stopped before.
    pub not_started: usize,
    /// True if the apply was stopped before all actions were finished.
    pub interrupted: bool,
}

impl Tally {
    /// Counts.
    #[must_use]
    pub fn of(outcomes: &[Outcome]) -> Self {
        let mut tally = Self::default();
        for outcome in outcomes {
            match &outcome.result {
                Ok(_) => tally.succeeded += 1,
                Err(ActionFailure::NotStarted) => {
                    tally.not_started += 1;
                    tally.interrupted = true;
                }
                Err(failure) => {
                    if failure.is_interruption() {
                        tally.cut_short += 1;
                        tally.interrupted = true;
                    } else {
                        tally.failed += 1;
                    }
                    let is_half = matches!(failure, ActionFailure::NotRecreated { .. });
                    tally.in_part += usize::from(is_half);
                }
            }
        }
        tally
    }
}

/// An integration that was written with success and differs again all the same.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct NotConverged<'a> {
    /// Its name.
    pub name: &'a str,
    /// The differences.
    pub changes: &'a [Change],
    /// True if the next run sends it once more; otherwise it is blocked.
    pub will_retry: bool,
}

/// Every integration that did not converge.
#[must_use]
pub fn not_converged(synced: &Synced) -> Vec<NotConverged<'_>> {
    let Ending::Applied {
        outcomes,
        afterwards: Afterwards::Planned(afterwards),
    } = &synced.ending
    else {
        return Vec::new();
    };
    let written: HashSet<&str> = outcomes
        .iter()
        .filter(|outcome| outcome.result.is_ok())
        .map(|outcome| outcome.name.as_str())
        .collect();
    afterwards
        .actions
        .iter()
        .filter(|action| written.contains(action.name.as_str()))
        .filter_map(|action| {
            let (changes, will_retry) = match &action.kind {
                Operation::Update { changes, .. } => (changes.as_slice(), true),
                Operation::Blocked(Block::NotConverging { values }) => (values.as_slice(), false),
                Operation::Create(_) | Operation::Replace { .. } | Operation::Delete(_) => {
                    ([].as_slice(), true)
                }
                // A blocked integration may well have converged: the second plan shows the reason.
                Operation::Blocked(_) => return None,
                Operation::Unchanged { .. }
                | Operation::Withheld { .. }
                | Operation::Suspended { .. } => {
                    return None;
                }
            };
            Some(NotConverged {
                name: &action.name,
                changes,
                will_retry,
            })
        })
        .collect()
}
