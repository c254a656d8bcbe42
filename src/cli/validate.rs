//! `validate`: parse and check the files, offline.

use clap::Args;

use super::args::{FilesArgs, ReferenceArgs};
use super::command::{CommandArgs, CommandContext};
use super::help;
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::report::format::{OF_CHECK, OutputFormat, render};
use crate::report::validation::Validation;
use crate::session::check_directory;

/// Check the files offline, without a tenant, credentials or a network
#[derive(Debug, Args)]
#[command(after_help = help::VALIDATE, after_long_help = help::VALIDATE_LONG)]
pub(super) struct ValidateArgs {
    #[command(flatten)]
    pub files: FilesArgs,
    /// Format of the result on standard output
    #[arg(long, short, value_name = "FORMAT", value_parser = OutputFormat::among(OF_CHECK), default_value = "text")]
    pub output: OutputFormat,
}

impl CommandArgs for ValidateArgs {
    fn format(&self) -> OutputFormat {
        self.output
    }

    fn references(&mut self) -> Option<&mut ReferenceArgs> {
        Some(&mut self.files.references)
    }

    async fn run(self, context: CommandContext<'_>) -> Result<Exit, CommandFailure> {
        let manifest = check_directory(&self.files.into(), &context.terminal)?;
        let exit = Exit::of_files(&manifest);
        let document = Validation::new(&manifest, exit);
        context.terminal.result(&render(self.output, &document));
        Ok(exit)
    }
}
