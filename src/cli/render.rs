//! `render`: the files as they are applied.

use clap::Args;

use super::args::{FilesArgs, GitArgs, ReferenceArgs, StateArgs};
use super::command::{CommandArgs, CommandContext};
use super::help;
use crate::diagnostic;
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::report::format::{OutputFormat, render};
use crate::report::rendering::Rendering;
use crate::session::read_files;
use crate::settings::run::RunSettings;

/// Print the files with variables filled in and secrets as references
#[derive(Debug, Args)]
#[command(after_help = help::RENDER)]
pub(super) struct RenderArgs {
    #[command(flatten)]
    pub files: FilesArgs,
    #[command(flatten)]
    pub git: GitArgs,
    #[command(flatten)]
    pub place: StateArgs,
    /// Format of the result on standard output: `text` is YAML
    #[arg(long, short, value_name = "FORMAT", value_enum, default_value_t = OutputFormat::Text)]
    pub output: OutputFormat,
}

impl CommandArgs for RenderArgs {
    fn format(&self) -> OutputFormat {
        self.output
    }

    fn references(&mut self) -> Option<&mut ReferenceArgs> {
        Some(&mut self.files.references)
    }

    async fn run(self, context: CommandContext<'_>) -> Result<Exit, CommandFailure> {
        let terminal = context.terminal;
        let settings = RunSettings {
            files: self.files.into(),
            git: self.git.settings(),
            state: self.place.state,
            ..RunSettings::default()
        };
        let manifest = read_files(&settings, &terminal).await?;
        terminal.err_unfolded(&diagnostic::render(&manifest.diagnostics, true));
        let exit = Exit::of_files(&manifest);
        terminal.result(&render(self.output, &Rendering::new(&manifest, exit)));
        Ok(exit)
    }
}
