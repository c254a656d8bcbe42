//! The result of `export`.

use std::fmt::Write as _;

use serde::Serialize;

use super::document::Document;
use super::exit::Exit;
use super::failure::CommandFailure;
use super::style::{BOLD, CHANGE, paint};
use crate::export::proof::ProofFinding;
use crate::export::{ExportDraft, ExportSkip, ToProvide};
use crate::follow_up::command_in;
use crate::manifest::{LostVariable, Name};
use crate::plan::{Adoption, AdoptionResult};
use crate::session::export::ExportResult;
use crate::text::{count, escaped};

/// The document of `export`.
#[derive(Serialize)]
pub struct ExportDocument<'a> {
    tenant: &'a str,
    directory: &'a str,
    dry_run: bool,
    files: &'a [ExportDraft],
    skipped: &'a [ExportSkip],
    to_provide: Vec<&'a ToProvide>,
    proof: &'a [ProofFinding],
    adopted: Vec<&'a str>,
    not_adopted: Vec<NotAdopted>,
    not_recorded: Vec<&'a str>,
    adopt_command: Option<String>,
    unknown_owners: &'a [String],
    unreadable: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ExportFailure<'a>>,
    exit_code: Exit,
}

/// A failure after the files were written.
#[derive(Serialize)]
struct ExportFailure<'a> {
    message: &'a str,
    help: &'a str,
}

/// An integration that could not be recorded.
#[derive(Serialize)]
struct NotAdopted {
    integration: String,
    reason: String,
}

impl<'a> ExportDocument<'a> {
    /// Of an export into this directory.
    #[must_use]
    pub fn new(result: &'a ExportResult, directory: &'a str, dry_run: bool) -> Self {
        let drafts = &result.drafts;
        let files = drafts.files.iter();
        let adopted = result.adoptions.iter().filter(|one| is_recorded(one));
        let not_adopted: Vec<NotAdopted> = result.adoptions.iter().filter_map(blocked).collect();
        let is_whole = result.unreadable.is_empty()
            && result.findings.is_empty()
            && not_adopted.is_empty()
            && result.not_recorded.is_empty()
            && !result.are_connections_unread
            && !drafts.skipped.iter().any(ExportSkip::is_failure);
        Self {
            tenant: &result.tenant,
            directory,
            dry_run,
            files: &drafts.files,
            skipped: &drafts.skipped,
            to_provide: files.flat_map(|draft| &draft.to_provide).collect(),
            proof: &result.findings,
            adopted: adopted.map(|one| one.name.as_str()).collect(),
            not_adopted,
            not_recorded: result.not_recorded.iter().map(String::as_str).collect(),
            adopt_command: adopt_command(directory, &result.not_recorded),
            error: None,
            unknown_owners: &result.unknown_owners,
            unreadable: &result.unreadable,
            exit_code: if is_whole {
                Exit::Success
            } else {
                Exit::Failed
            },
        }
    }

    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        self.exit_code
    }

    /// The same after a failure: nothing is known to be true or recorded.
    #[must_use]
    pub fn failed(mut self, failure: &'a CommandFailure) -> Self {
        self.adopted = Vec::new();
        self.error = Some(ExportFailure {
            message: failure.what(),
            help: failure.help(),
        });
        self.exit_code = failure.exit();
        self
    }

    /// The paths of the files whose integrations may belong to a connection.
    pub fn of_unknown_owners(&self) -> impl Iterator<Item = String> {
        let files = self.files.iter();
        let files = files.filter(|draft| draft.may_belong_to_connection);
        files.map(|draft| self.path(&draft.file))
    }

    /// The references to variables that rewritten files lost, each with the path of its file.
    pub fn lost_variables(&self) -> impl Iterator<Item = (String, &LostVariable)> {
        let files = self.files.iter();
        files.flat_map(|draft| {
            let lost = draft.lost_variables.iter();
            lost.map(|lost| (self.path(&draft.file), lost))
        })
    }

    fn path(&self, file: &str) -> String {
        let directory = self.directory.trim_end_matches('/');
        escaped(&format!("{directory}/{file}")).into_owned()
    }

    /// The texts, where they are not written.
    fn texts(&self, out: &mut String) {
        for draft in self.files.iter().filter(|_| self.dry_run) {
            let path = paint(BOLD, format_args!("# {}", self.path(&draft.file)));
            let _ = writeln!(out, "{path}\n{}", draft.text);
        }
    }

    fn written(&self, out: &mut String) {
        let files = count(self.files.len(), "file");
        let verb = if self.dry_run { "Would write" } else { "Wrote" };
        if self.files.is_empty() {
            let has_failure = self.skipped.iter().any(ExportSkip::is_failure);
            out.push_str(if has_failure || !self.unreadable.is_empty() {
                "Nothing was written.\n"
            } else {
                "Nothing was written: every integration that can have a file already has one.\n"
            });
            return;
        }
        let _ = writeln!(out, "{verb} {files}:");
        for draft in self.files {
            let path = self.path(&draft.file);
            let id = escaped(draft.id.as_str());
            let _ = writeln!(out, "  {path}: {} integration {id}", draft.type_name);
        }
    }

    fn skipped(&self, out: &mut String) {
        if self.skipped.is_empty() {
            return;
        }
        let _ = writeln!(out, "\nNo file was written for:");
        for skip in self.skipped {
            let (id, type_name) = (escaped(skip.id.as_str()), escaped(&skip.type_name));
            let _ = writeln!(out, "  {type_name} integration {id}: {}", skip.reason);
        }
    }

    fn provided(&self, out: &mut String) {
        if self.to_provide.is_empty() {
            return;
        }
        let _ = writeln!(
            out,
            "\nProvide these values, which the server does not show:"
        );
        for value in &self.to_provide {
            let ToProvide {
                integration,
                attribute,
                reference,
                purpose: _,
            } = value;
            let reference = escaped(reference);
            let _ = writeln!(out, "  {reference}: `{attribute}` of {integration}");
        }
    }

    /// Stored secrets whose presence is unknown.
    fn may_hold(&self, out: &mut String) {
        let files = self.files.iter().filter(|draft| !draft.may_hold.is_empty());
        for (index, draft) in files.enumerate() {
            if index == 0 {
                let _ = writeln!(
                    out,
                    "\nAdd these values if they are in use, because an update removes \
                    values that are not in the file:"
                );
            }
            let paths: Vec<String> = draft.may_hold.iter().map(|it| format!("`{it}`")).collect();
            let _ = writeln!(out, "  {}: {}", draft.name, paths.join(", "));
        }
    }

    fn findings(&self, out: &mut String) {
        if self.proof.is_empty() {
            return;
        }
        let is_new = |finding: &ProofFinding| {
            let mut drafts = self.files.iter();
            drafts.any(|draft| draft.name == finding.integration)
        };
        let heading = if self.proof.iter().all(is_new) {
            "These files and the tenant differ, or a sync would be blocked:"
        } else {
            "The files and the tenant differ, or a sync would be blocked:"
        };
        let _ = writeln!(out, "\n{heading}");
        for finding in self.proof {
            let file = self.path(&finding.file);
            let message = escaped(&finding.message);
            let attribute = finding.attribute.as_ref();
            let attribute =
                attribute.map_or_else(String::new, |it| format!(" `{}`:", escaped(it.as_str())));
            let line = format!("  {file}:{attribute} {message}");
            let _ = writeln!(out, "{}", paint(CHANGE, line));
        }
    }
}

/// The command that records integrations of the files in this directory.
#[must_use]
pub fn adopt_command(directory: &str, names: &[Name]) -> Option<String> {
    if names.is_empty() {
        return None;
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Some(command_in(directory, "adopt", &names))
}

fn is_recorded(adoption: &Adoption) -> bool {
    match adoption.verdict {
        AdoptionResult::Adopted(_) | AdoptionResult::SecretsOnly(_) | AdoptionResult::Owned => true,
        AdoptionResult::Absent | AdoptionResult::Blocked(_) => false,
    }
}

fn blocked(adoption: &Adoption) -> Option<NotAdopted> {
    let reason = match &adoption.verdict {
        AdoptionResult::Adopted(_) | AdoptionResult::SecretsOnly(_) | AdoptionResult::Owned => {
            return None;
        }
        AdoptionResult::Absent => "the tenant no longer has the integration".to_owned(),
        AdoptionResult::Blocked(block) => block.to_string(),
    };
    let integration = adoption.name.clone();
    Some(NotAdopted {
        integration,
        reason,
    })
}

impl Document for ExportDocument<'_> {
    fn table(&self) -> String {
        let mut out = String::new();
        self.texts(&mut out);
        self.written(&mut out);
        self.skipped(&mut out);
        self.provided(&mut out);
        self.may_hold(&mut out);
        self.findings(&mut out);
        out
    }

    fn text(&self) -> String {
        let mut out = String::new();
        if !self.files.is_empty() && self.proof.is_empty() && self.error.is_none() {
            out.push_str("\nA sync of these files would change nothing.");
            let has_secrets = |draft: &ExportDraft| {
                draft.overwrites || !(draft.to_provide.is_empty() && draft.may_hold.is_empty())
            };
            out.push_str(if self.files.iter().any(has_secrets) {
                " Stored secrets were not compared.\n"
            } else {
                "\n"
            });
        }
        if !self.adopted.is_empty() {
            let adopted = count(self.adopted.len(), "integration");
            let _ = writeln!(out, "Adopted {adopted}; nothing was sent to the tenant.");
        }
        for NotAdopted {
            integration,
            reason,
        } in &self.not_adopted
        {
            let _ = writeln!(out, "Not adopted: {integration}: {}", escaped(reason));
        }
        if let Some(command) = self.adopt_command.as_ref().filter(|_| self.error.is_none()) {
            let described = count(self.not_recorded.len(), "integration");
            let command = escaped(command);
            let _ = writeln!(
                out,
                "\nNot adopted: {described} with a file from before this export. To adopt, run:\n  \
                {command}"
            );
        }
        out
    }
}
