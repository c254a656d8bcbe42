//! The results of an export, and what is wrong with the files or the tenant.

use std::path::Path;

use super::Terminal;
use crate::diagnostic;
use crate::follow_up::command;
use crate::manifest::{LossReason, LostVariable, Manifest, Name};
use crate::report::exit::Exit;
use crate::report::export::{ExportDocument, adopt_command};
use crate::report::failure::CommandFailure;
use crate::report::format::{OutputFormat, render};
use crate::report::update::UpdateDocument;
use crate::session::Watcher;
use crate::session::export::{ExportAdoption, ExportResult, ExportWishes};
use crate::session::update::update;
use crate::settings::run::RunSettings;
use crate::source::git::Revision;

/// The place where an export shows its results.
pub(crate) struct ExportConsole<'a> {
    /// The terminal.
    pub(crate) terminal: &'a Terminal,
    /// The format of the result.
    pub(crate) output: OutputFormat,
}

impl Watcher for ExportConsole<'_> {
    fn no_files(&self, _place: &str) {}

    /// Shows the mistakes in the files that exist.
    fn files(&self, _: Option<&Revision>, manifest: &Manifest) {
        let diagnostics = diagnostic::render(&manifest.diagnostics, true);
        self.terminal.err_unfolded(&diagnostics);
    }
}

impl ExportConsole<'_> {
    /// Writes live values into existing files, and shows the differences.
    ///
    /// # Errors
    /// A file cannot be updated.
    pub(crate) async fn update(
        &self,
        settings: &RunSettings,
        names: Vec<String>,
        is_dry_run: bool,
    ) -> Result<Exit, CommandFailure> {
        let directory = settings.files.dir.display().to_string();
        let names = names.into_iter().collect();
        let result = update(settings, &names, is_dry_run, self).await?;
        let document = UpdateDocument::new(&result, &directory, is_dry_run);
        self.terminal.result(&render(self.output, &document));
        Ok(document.exit())
    }

    /// Shows the result of an export, and its failure after the files were written.
    pub(crate) fn show(
        &self,
        dir: &Path,
        result: &ExportResult,
        wishes: &ExportWishes,
        failure: Option<&CommandFailure>,
    ) -> Exit {
        let (directory, terminal) = (dir.display().to_string(), self.terminal);
        let failure = failure.map(|it| incomplete(it, result, wishes, &directory));
        terminal.err_unfolded(&diagnostic::render(&result.diagnostics, true));
        let mut document = ExportDocument::new(result, &directory, wishes.is_dry_run);
        for (path, lost) in document.lost_variables() {
            let LostVariable {
                path: attribute,
                reference,
                reason,
            } = lost;
            let reason = match reason {
                LossReason::Differs => "the rewritten file has a different value",
                LossReason::LeftOut => "the rewritten file does not contain the attribute",
            };
            terminal.warning(
                format_args!("{path}: `{attribute}` no longer refers to {reference}: {reason}"),
                "restore the reference by hand if the value must come from the variable",
            );
        }
        if let Some(failure) = &failure {
            terminal.failure(failure.what(), failure.help());
            document = document.failed(failure);
        }
        terminal.result(&render(self.output, &document));
        if self.output.is_told() {
            gaps(result, &document, terminal);
        }
        document.exit()
    }
}

/// A failure after the files were written.
fn incomplete(
    failure: &CommandFailure,
    result: &ExportResult,
    wishes: &ExportWishes,
    directory: &str,
) -> CommandFailure {
    let files = result.drafts.files.iter().map(|draft| &draft.name);
    let names: Vec<Name> = files.chain(&result.not_recorded).cloned().collect();
    let command = adopt_command(directory, &names);
    match command.filter(|_| wishes.adoption != ExportAdoption::No) {
        Some(command) => CommandFailure::new(
            failure.exit(),
            format_args!(
                "the files were written, but their integrations were not adopted: {}",
                failure.what()
            ),
            format_args!("run `{command}`"),
        ),
        None => CommandFailure::new(
            failure.exit(),
            format_args!(
                "the files were written, but they were not compared with the tenant: {}",
                failure.what()
            ),
            failure.help(),
        ),
    }
}

/// Parts of the tenant that could not be read.
fn gaps(result: &ExportResult, document: &ExportDocument<'_>, terminal: &Terminal) {
    let unknown = result.unknown_owners.iter().map(String::as_str);
    let unreadable = result.unreadable.iter().map(String::as_str);
    let export = command("export", &[]);
    terminal.gaps(
        unknown,
        unreadable,
        &format!("an integration may still lack a file: run `{export}` again later"),
    );
    if !result.are_connections_unread {
        return;
    }
    let files: Vec<String> = document.of_unknown_owners().collect();
    if files.is_empty() {
        terminal.failure(
            "integrations may belong to connections that could not be read",
            format_args!("run `{export}` again when the connections can be read"),
        );
        return;
    }
    terminal.failure(
        format_args!(
            "the integrations of these files may belong to connections that could not be read: {}",
            files.join(", ")
        ),
        "remove each file whose integration belongs to a connection; if the tenant has no \
         connections, use `--connections none`",
    );
}
