//! The proof that the files are true: they are valid, and a plan of them changes nothing.

use serde::Serialize;

use super::{ExportDraft, ExportDrafts, ExportRefusal, ExportSkip, ExportSkipReason, Omission};
use crate::diagnostic::{Code, Diagnostic};
use crate::live::IntegrationStatus;
use crate::manifest::{Integration, Manifest, Name};
use crate::plan::{Action, Change, Coverage, Operation, Plan};
use crate::platform::AttributePath;

/// The finding of an integration that exists and was never set up.
const CREATION_FAILED: &str =
    "the last creation failed, and a sync would retry it with the values from the file";

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

/// Removes the files that `validate` would reject. `mistakes` are those in the texts.
///
/// # Errors
/// The references are refused wherever there are some, so that another form is needed.
pub fn leave_out_invalid(
    drafts: &mut ExportDrafts,
    mistakes: &[Diagnostic],
) -> Result<(), ExportRefusal> {
    check_references(&drafts.files, mistakes)?;
    let files = std::mem::take(&mut drafts.files);
    for draft in files {
        let own = mistakes_of(&draft, mistakes);
        if own.is_empty() {
            drafts.files.push(draft);
            continue;
        }
        drafts.skipped.push(ExportSkip {
            id: draft.id,
            type_name: draft.type_name.to_owned(),
            identity: draft.identity,
            reason: ExportSkipReason::Invalid(own.join("; ")),
            is_requested: draft.overwrites,
        });
    }
    drafts.skipped.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(())
}

/// Some file with new references has to be allowed to have them.
fn check_references(files: &[ExportDraft], mistakes: &[Diagnostic]) -> Result<(), ExportRefusal> {
    let mut refused = None;
    for draft in files.iter().filter(|draft| !draft.to_provide.is_empty()) {
        let mut errors = errors_in(draft, mistakes);
        let of_reference =
            |it: &&Diagnostic| it.code == Code::UnboundReference || it.code == Code::OwnCredential;
        match errors.find(of_reference) {
            Some(error) => refused = Some(error),
            None => return Ok(()),
        }
    }
    match refused {
        Some(error) => Err(ExportRefusal::ReferencesRefused(told(error))),
        None => Ok(()),
    }
}

/// The errors in the text of a file.
fn errors_in<'m>(
    draft: &ExportDraft,
    mistakes: &'m [Diagnostic],
) -> impl Iterator<Item = &'m Diagnostic> {
    let errors = mistakes.iter().filter(|it| it.is_error());
    errors.filter(|it| is_of_file(&it.place.file, &draft.file))
}

/// The mistakes in the text of a file. A required attribute is missing because the server hides
/// its value, or shows one that no file can have.
fn mistakes_of(draft: &ExportDraft, mistakes: &[Diagnostic]) -> Vec<String> {
    let mut own = Vec::new();
    for error in errors_in(draft, mistakes) {
        let is_of = |omission: &&Omission| match omission {
            Omission::Hidden { path } | Omission::Shape { path } => {
                error.message.contains(&format!("`{path}`"))
            }
            Omission::Unknown { .. } | Omission::Opaque { .. } | Omission::NotShown { .. } => false,
        };
        let before = own.len();
        if error.code == Code::MissingAttribute {
            let omitted = draft.not_in_file.iter().filter(is_of);
            own.extend(omitted.map(|omission| {
                let (path, reason) = (omission.path(), omission.reason());
                format!("`{path}` is required, but {reason}")
            }));
        }
        if own.len() == before {
            own.push(told(error));
        }
    }
    own
}

/// An error as a part of a line.
fn told(error: &Diagnostic) -> String {
    format!("{}: {}", error.code, error.message)
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
        let own = errors_in(draft, mistakes);
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

/// The files from before an export whose integrations exist and were never set up.
#[must_use]
pub fn failed_creations(
    existing: &Manifest,
    coverage: &Coverage<'_, '_>,
    drafts: &ExportDrafts,
) -> Vec<ProofFinding> {
    let has_failed = |name: &str| {
        let found = coverage.described.get(name);
        found.is_some_and(|found| found.status == IntegrationStatus::CreateError)
    };
    let is_drafted = |name: &str| drafts.files.iter().any(|draft| draft.name == name);
    let files = existing.integrations.iter();
    let failed = files.filter(|file| has_failed(&file.name) && !is_drafted(&file.name));
    let finding = |file: &Integration| ProofFinding {
        file: file.origin.within.clone(),
        integration: file.name.clone(),
        attribute: None,
        message: CREATION_FAILED.to_owned(),
    };
    failed.map(finding).collect()
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
            vec![(None, CREATION_FAILED.to_owned())]
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
