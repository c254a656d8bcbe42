//! `validate`: parse and check the files, offline.

use clap::Args;
use serde_json::json;

use super::args::{FilesArgs, Format, ReferenceArgs};
use super::command::{CommandArgs, Context};
use super::help;
use super::terminal::Terminal;
use crate::diagnostic;
use crate::report::exit::Exit;
use crate::report::failure::Failure;
use crate::report::json::{FORMAT_VERSION, printed};
use crate::session::check_directory;
use crate::text::count;

/// Check the files and touch nothing: no tenant, no credentials, no network
#[derive(Debug, Args)]
#[command(after_help = help::VALIDATE, after_long_help = help::VALIDATE_LONG)]
pub(super) struct ValidateArgs {
    #[command(flatten)]
    pub files: FilesArgs,
    /// The form of the result on standard output
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
    match args.output {
        Format::Text => {
            terminal.out_unfolded(&diagnostic::render(&manifest.diagnostics, true));
            let valid = count(manifest.integrations.len(), "integration");
            let invalid = match manifest.invalid.len() {
                0 => String::new(),
                n => format!(", {n} with errors"),
            };
            terminal.out(&format!("{valid} valid{invalid}.\n"));
        }
        Format::Json => {
            let result = json!({
                "format_version": FORMAT_VERSION,
                "diagnostics": manifest.diagnostics,
                "valid": manifest.integrations.iter().map(|i| &i.name).collect::<Vec<_>>(),
                "invalid": manifest.invalid.iter().map(|i| &i.name).collect::<Vec<_>>(),
                "exit_code": exit as u8,
            });
            terminal.out_unfolded(&printed(&result));
        }
    }
    Ok(exit)
}
