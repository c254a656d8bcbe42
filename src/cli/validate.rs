//! `validate`: parse and check the files, offline.

use clap::Args;

use super::args::{FilesArgs, ReferenceArgs};
use super::command::{CommandArgs, Context};
use super::help;
use crate::console::Terminal;
use crate::diagnostic;
use crate::report::document::{Format, render};
use crate::report::exit::Exit;
use crate::report::failure::Failure;
use crate::report::validation::Validation;
use crate::session::check_directory;

/// Check the files, offline: no tenant, no credentials, no network
#[derive(Debug, Args)]
#[command(after_help = help::VALIDATE, after_long_help = help::VALIDATE_LONG)]
pub(super) struct ValidateArgs {
    #[command(flatten)]
    pub files: FilesArgs,
    /// Format of the result on standard output
    #[arg(long, short, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    pub output: Format,
}

impl CommandArgs for ValidateArgs {
    fn format(&self) -> Format {
        self.output
    }

    fn references(&mut self) -> Option<&mut ReferenceArgs> {
        Some(&mut self.files.references)
    }

    async fn run(self, Context { terminal, .. }: Context<'_>) -> Result<Exit, Failure> {
        run(self, terminal)
    }
}

fn run(args: ValidateArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let manifest = check_directory(&args.files.into(), &terminal)?;
    let is_valid = manifest.invalid.is_empty()
        && !manifest
            .diagnostics
            .iter()
            .any(diagnostic::Diagnostic::is_error);
    let exit = if is_valid {
        Exit::Success
    } else {
        Exit::InvalidFile
    };
    let document = Validation::new(&manifest, exit);
    terminal.result(&render(args.output, &document));
    Ok(exit)
}
