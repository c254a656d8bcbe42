//! `export`: files for what is live.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;

use super::args::{
    ConnectionArgs, ConnectionsArgs, FilesArgs, HandOver, HandOverArgs, ReferenceArgs, StateArgs,
};
use super::command::{CommandArgs, CommandContext};
use super::handed::LedgerHolder;
use super::help;
use crate::console::Terminal;
use crate::diagnostic;
use crate::export::{ExportOptions, ReferenceTemplate};
use crate::manifest::{Manifest, Name};
use crate::report::exit::Exit;
use crate::report::export::{ExportDocument, adopt_command};
use crate::report::failure::CommandFailure;
use crate::report::format::{OutputFormat, render};
use crate::report::update::UpdateDocument;
use crate::session::Watcher;
use crate::session::export::{ExportAdoption, ExportResult, ExportWishes, export};
use crate::session::update::update;
use crate::settings::run::{GuardSettings, RunSettings};
use crate::source::git::Revision;

/// Write a file for each unmanaged integration, with references instead of secrets
///
/// Then makes a plan for the files: the exit code is 0 only if a sync of the files would
/// change nothing. Sends only reads to the tenant.
#[derive(Debug, Args)]
#[command(after_help = help::EXPORT)]
pub(super) struct ExportArgs {
    #[command(flatten)]
    pub files: FilesArgs,
    /// Print the files instead of writing them
    #[arg(long, conflicts_with = "adopt")]
    pub dry_run: bool,
    /// Also write values that equal the server's defaults
    #[arg(long)]
    pub with_defaults: bool,
    /// Template of the reference for each value that the server does not show; `{name}` and
    /// `{attribute}` are replaced, as in `vault:secret/data/immuta/{name}#{attribute}` [default:
    /// an environment variable such as WAREHOUSE_PROD_PASSWORD]
    #[arg(long, value_name = "TEMPLATE")]
    pub secret_reference: Option<ReferenceTemplate>,
    /// Rewrite the file that describes this integration; may be repeated
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub overwrite: Vec<String>,
    /// Export nothing, but write the values that were changed on the server into the existing file
    /// of this integration; may be repeated
    #[arg(
        long,
        value_name = "NAME",
        value_delimiter = ',',
        conflicts_with_all = ["overwrite", "adopt", "with_defaults", "secret_reference"]
    )]
    pub update: Vec<String>,
    /// Record the exported integrations as owned, as `adopt` does
    #[arg(long)]
    pub adopt: bool,
    /// Format of the result on standard output
    #[arg(long, short, value_name = "FORMAT", value_enum, default_value_t = OutputFormat::Text)]
    pub output: OutputFormat,
    #[command(flatten)]
    pub daemon: HandOverArgs,
    #[command(flatten)]
    pub place: StateArgs,
    #[command(flatten)]
    pub connection: ConnectionArgs,
    #[command(flatten)]
    pub connections: ConnectionsArgs,
}

impl CommandArgs for ExportArgs {
    fn format(&self) -> OutputFormat {
        self.output
    }

    fn references(&mut self) -> Option<&mut ReferenceArgs> {
        Some(&mut self.files.references)
    }

    async fn run(
        self,
        CommandContext {
            terminal,
            settings_file,
            ..
        }: CommandContext<'_>,
    ) -> Result<Exit, CommandFailure> {
        run(self, settings_file, &terminal).await
    }
}

/// Shows the mistakes in the files that exist.
struct Screen(Terminal);

impl Watcher for Screen {
    fn no_files(&self, _place: &str) {}

    fn files(&self, _: Option<&Revision>, manifest: &Manifest) {
        let diagnostics = diagnostic::render(&manifest.diagnostics, true);
        self.0.err_unfolded(&diagnostics);
    }
}

async fn run(
    args: ExportArgs,
    settings_file: Option<PathBuf>,
    terminal: &Terminal,
) -> Result<Exit, CommandFailure> {
    let ExportArgs {
        files,
        dry_run,
        with_defaults,
        secret_reference,
        overwrite,
        update,
        adopt,
        output,
        daemon,
        place,
        connection,
        connections,
    } = args;
    let wish = HandOver {
        daemon: &daemon,
        state: place.state.as_deref(),
        url: connection.url.as_deref(),
        handles_stop: false,
    };
    let holder = if adopt {
        LedgerHolder::find(&wish, settings_file).await
    } else {
        None
    };
    let settings = RunSettings {
        files: files.into(),
        state: place.state,
        guard: GuardSettings {
            connections: connections.connections,
            ..GuardSettings::default()
        },
        tenant: connection.into(),
        ..RunSettings::default()
    };
    if !update.is_empty() {
        return update_files(&settings, update, dry_run, output, terminal).await;
    }
    let wishes = ExportWishes {
        options: ExportOptions {
            with_defaults,
            template: secret_reference.unwrap_or_default(),
            overwrite: overwrite.into_iter().collect(),
        },
        is_dry_run: dry_run,
        adoption: match (adopt, holder.is_some()) {
            (false, _) => ExportAdoption::No,
            (true, false) => ExportAdoption::Recorded,
            (true, true) => ExportAdoption::HandedOver,
        },
    };
    write_files(&settings, &wishes, holder, output, terminal).await
}

async fn update_files(
    settings: &RunSettings,
    names: Vec<String>,
    is_dry_run: bool,
    output: OutputFormat,
    terminal: &Terminal,
) -> Result<Exit, CommandFailure> {
    let directory = settings.files.dir.display().to_string();
    let names = names.into_iter().collect();
    let result = update(settings, &names, is_dry_run, &Screen(terminal.clone())).await?;
    let document = UpdateDocument::new(&result, &directory, is_dry_run);
    terminal.result(&render(output, &document));
    Ok(document.exit())
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

async fn write_files(
    settings: &RunSettings,
    wishes: &ExportWishes,
    holder: Option<LedgerHolder>,
    output: OutputFormat,
    terminal: &Terminal,
) -> Result<Exit, CommandFailure> {
    let dir = settings.files.dir.as_path();
    let directory = dir.display().to_string();
    let read_at = Timestamp::now();
    if let Some(holder) = &holder {
        // Before anything is written.
        let nothing = Vec::new();
        holder.record(dir, read_at, nothing, terminal).await?;
    }
    let mut result = export(settings, wishes, &Screen(terminal.clone())).await?;
    let mut failure = result.failure.take().map(|it| CommandFailure::from(*it));
    if let (None, Some(holder)) = (&failure, &holder) {
        let records = std::mem::take(&mut result.handed_over);
        let recorded = holder.record(dir, read_at, records, terminal).await;
        failure = recorded.err();
    }
    let failure = failure.map(|it| incomplete(&it, &result, wishes, &directory));
    terminal.err_unfolded(&diagnostic::render(&result.diagnostics, true));
    let mut document = ExportDocument::new(&result, &directory, wishes.is_dry_run);
    if let Some(failure) = &failure {
        terminal.failure(failure.what(), failure.help());
        document = document.failed(failure);
    }
    terminal.result(&render(output, &document));
    if output.is_told() {
        gaps(&result, &document, terminal);
    }
    Ok(document.exit())
}

/// Parts of the tenant that could not be read.
fn gaps(result: &ExportResult, document: &ExportDocument<'_>, terminal: &Terminal) {
    let unknown = result.unknown_owners.iter().map(String::as_str);
    let unreadable = result.unreadable.iter().map(String::as_str);
    terminal.gaps(
        unknown,
        unreadable,
        "an integration may still lack a file: run `integrationd export` again later",
    );
    if !result.are_connections_unread {
        return;
    }
    let files: Vec<String> = document.of_unknown_owners().collect();
    if files.is_empty() {
        terminal.failure(
            "integrations may belong to connections that could not be read",
            "run `integrationd export` again when the connections can be read",
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
