//! `export`: files for what is live.

use clap::Args;

use super::args::{ConnectionArgs, ConnectionsArgs, FilesArgs, ReferenceArgs, StateArgs};
use super::command::{CommandArgs, CommandContext};
use super::help;
use crate::console::Terminal;
use crate::diagnostic;
use crate::export::{ExportOptions, ReferenceTemplate};
use crate::manifest::Manifest;
use crate::report::exit::Exit;
use crate::report::export::ExportDocument;
use crate::report::failure::CommandFailure;
use crate::report::format::{OutputFormat, render};
use crate::report::update::UpdateDocument;
use crate::session::Watcher;
use crate::session::export::{ExportWishes, export};
use crate::session::update::update;
use crate::settings::run::{GuardSettings, RunSettings};
use crate::source::git::Revision;

/// Write files for live integrations that no file describes, with secrets as references
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
    /// Write the values that the server changed into the file of this integration, and nothing
    /// else; may be repeated
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
        CommandContext { terminal, .. }: CommandContext<'_>,
    ) -> Result<Exit, CommandFailure> {
        run(self, terminal).await
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

async fn run(args: ExportArgs, terminal: Terminal) -> Result<Exit, CommandFailure> {
    let ExportArgs {
        files,
        dry_run,
        with_defaults,
        secret_reference,
        overwrite,
        update: updated,
        adopt,
        output,
        place,
        connection,
        connections,
    } = args;
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
    let directory = settings.files.dir.display().to_string();
    if !updated.is_empty() {
        let names = updated.into_iter().collect();
        let result = update(&settings, &names, dry_run, &Screen(terminal)).await?;
        let document = UpdateDocument::new(&result, &directory, dry_run);
        terminal.result(&render(output, &document));
        return Ok(document.exit());
    }
    let wishes = ExportWishes {
        options: ExportOptions {
            with_defaults,
            template: secret_reference.unwrap_or_default(),
            overwrite: overwrite.into_iter().collect(),
        },
        is_dry_run: dry_run,
        adopts: adopt,
    };
    let result = export(&settings, &wishes, &Screen(terminal)).await?;
    terminal.err_unfolded(&diagnostic::render(&result.diagnostics, true));
    let document = ExportDocument::new(&result, &directory, dry_run);
    terminal.result(&render(output, &document));
    if output.is_told() {
        let unknown = result.unknown_owners.iter().map(String::as_str);
        let unreadable = result.unreadable.iter().map(String::as_str);
        terminal.gaps(
            unknown,
            unreadable,
            "an integration may have no file yet: export again later",
        );
    }
    Ok(document.exit())
}
