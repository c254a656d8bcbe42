//! `export`: files for what is live.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;

use super::args::{
    ConnectionArgs, ConnectionsArgs, FilesArgs, HandOver, HandOverArgs, ReferenceArgs, StateArgs,
};
use super::command::{CommandArgs, CommandContext};
use super::help;
use crate::command_line::holder::LedgerHolder;
use crate::console::{ExportConsole, Terminal};
use crate::export::{ExportOptions, ReferenceTemplate};
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::report::format::OutputFormat;
use crate::session::export::{ExportAdoption, ExportWishes, export};
use crate::settings::run::{GuardSettings, RunSettings};

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
        wish.holder(settings_file).await
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
    let console = ExportConsole { terminal, output };
    if !update.is_empty() {
        return console.update(&settings, update, dry_run).await;
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
    write_files(&settings, &wishes, holder, &console).await
}

async fn write_files(
    settings: &RunSettings,
    wishes: &ExportWishes,
    holder: Option<LedgerHolder>,
    console: &ExportConsole<'_>,
) -> Result<Exit, CommandFailure> {
    let (dir, terminal) = (settings.files.dir.as_path(), console.terminal);
    let read_at = Timestamp::now();
    if let Some(holder) = &holder {
        // Before anything is written.
        let nothing = Vec::new();
        holder.record(dir, read_at, nothing, terminal).await?;
    }
    let mut result = export(settings, wishes, console).await?;
    let mut failure = result.failure.take().map(|it| CommandFailure::from(*it));
    if let (None, Some(holder)) = (&failure, &holder) {
        let records = std::mem::take(&mut result.handed_over);
        let recorded = holder.record(dir, read_at, records, terminal).await;
        failure = recorded.err();
    }
    Ok(console.show(dir, &result, wishes, failure.as_ref()))
}
