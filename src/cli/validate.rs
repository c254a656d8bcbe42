//! `validate`: parse and check the files, offline.

use clap::Args;

use super::args::{FilesArgs, ReferenceArgs};
use super::command::{CommandArgs, CommandContext};
use super::help;
use crate::console::Terminal;
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::report::format::{OutputFormat, render};
use crate::report::validation::Validation;
use crate::session::check_directory;

/// Check the files offline, without tenant, credentials or network
#[derive(Debug, Args)]
#[command(after_help = help::VALIDATE, after_long_help = help::VALIDATE_LONG)]
pub(super) struct ValidateArgs {
    #[command(flatten)]
    pub files: FilesArgs,
    /// Format of the result on standard output
    #[arg(long, short, value_name = "FORMAT", value_enum, default_value_t = OutputFormat::Text)]
    pub output: OutputFormat,
}

impl CommandArgs for ValidateArgs {
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
        run(self, terminal)
    }
}

fn run(args: ValidateArgs, terminal: Terminal) -> Result<Exit, CommandFailure> {
    let manifest = check_directory(&args.files.into(), &terminal)?;
    let exit = Exit::of_files(&manifest);
    let document = Validation::new(&manifest, exit);
    terminal.result(&render(args.output, &document));
    Ok(exit)
}
