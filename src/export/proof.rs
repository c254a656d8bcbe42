//! The proof that the files are true: a plan of them changes nothing.

use serde::Serialize;

use super::ExportDraft;
use crate::diagnostic::Diagnostic;
use crate::manifest::Name;
use crate::plan::{Action, Change, Operation, Plan};
use crate::platform::AttributePath;

/// Something that a plan of an exported file would do, or a mistake in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProofFinding {
    /// The file.
    pub file: String,
    /// The integration.
    pub integration: Name,
    /// The attribute, if it is one.
    pub attribute: Option<AttributePath>,
    /// The finding.
    pub message: String,
}

/// Everything that speaks against a file: mistakes in it, and what its plan would do.
/// Secrets that were not compared do not.
#[must_use]
pub fn findings(drafts: &[ExportDraft], plan: &Plan, mistakes: &[Diagnostic]) -> Vec<ProofFinding> {
    let mut findings = Vec::new();
    for draft in drafts {
        let finding = |attribute: Option<AttributePath>, message: String| ProofFinding {
            file: draft.file.clone(),
            integration: draft.name.clone(),
            attribute,
            message,
        };
        let own = mistakes.iter().filter(|it| it.is_error());
        let own = own.filter(|it| is_of_file(&it.place.file, &draft.file));
        let before = findings.len();
        findings.extend(own.map(|it| finding(None, it.message.clone())));
        if findings.len() > before {
            continue;
        }
        let mut actions = plan.actions.iter();
        match actions.find(|action| action.name == draft.name) {
            Some(action) => findings.extend(
                planned(action)
                    .into_iter()
                    .map(|(attribute, message)| finding(attribute, message)),
            ),
            None => findings.push(finding(
                None,
                "the plan does not contain the integration".to_owned(),
            )),
        }
    }
    findings
}

/// True if a path as it is shown is this file below the directory.
fn is_of_file(shown: &str, within: &str) -> bool {
    let before = shown.strip_suffix(within);
    before.is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

/// The effects of an action: attributes, each with a sentence.
fn planned(action: &Action) -> Vec<(Option<AttributePath>, String)> {
    let mut found = of_operation(&action.kind);
    let drift = action.notes().drift.iter();
    found.extend(drift.map(differs));
    found
}

fn of_operation(operation: &Operation) -> Vec<(Option<AttributePath>, String)> {
    match operation {
        Operation::Unchanged { .. } => Vec::new(),
        Operation::Create(_) => vec![(None, "a sync would create the integration".to_owned())],
        Operation::Delete(_) => vec![(None, "a sync would delete the integration".to_owned())],
        Operation::Update { changes, .. } if changes.is_empty() => {
            let message =
                "the last creation failed, and a sync would retry it with the values from the file";
            vec![(None, message.to_owned())]
        }
        Operation::Update { changes, .. } | Operation::Replace { changes, .. } => {
            changes.iter().map(differs).collect()
        }
        Operation::Withheld { would, .. } | Operation::Suspended { would, .. } => {
            of_operation(would)
        }
        Operation::Blocked(block) => vec![(None, block.to_string())],
    }
}

fn differs(change: &Change) -> (Option<AttributePath>, String) {
    let message = "the file and the server differ".to_owned();
    (Some(change.path.clone()), message)
}
