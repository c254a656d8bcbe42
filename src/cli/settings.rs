//! `settings`: checks a settings file, or prints its schema.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::args::ReferenceArgs;
use super::command::{CommandArgs, CommandContext};
use super::daemon::DaemonArgs;
use crate::command_line::{Line, declared};
use crate::daemon;
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::report::format::OutputFormat;
use crate::settings::file::{file_to_check, schema, shown};
use crate::text::escaped;

/// Check the settings file, or print its schema
#[derive(Debug, Args)]
pub(super) struct SettingsArgs {
    #[command(subcommand)]
    pub command: SettingsCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum SettingsCommand {
    /// Check a settings file and show what it sets
    Check {
        /// File to check [default: the one that the daemon reads]
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Print the JSON Schema of the settings file, for an editor
    Schema,
}

impl CommandArgs for SettingsArgs {
    const USES_SETTINGS: bool = false;

    fn references(&mut self) -> Option<&mut ReferenceArgs> {
        None
    }

    async fn run(self, context: CommandContext<'_>) -> Result<Exit, CommandFailure> {
        match &self.command {
            SettingsCommand::Check { file } => {
                check(file_to_check(file.as_deref(), context.config)?, &context)
            }
            SettingsCommand::Schema => {
                let schema = schema(&declared(context.program));
                context.terminal.out_unfolded(&format!("{schema:#}\n"));
                Ok(Exit::Success)
            }
        }
    }
}

/// Reports everything that the daemon would reject in these settings; the last problem is the
/// failure.
fn check(path: &Path, context: &CommandContext<'_>) -> Result<Exit, CommandFailure> {
    let terminal = &context.terminal;
    let line = Line::of_daemon(context.program, path)?;
    let args = DaemonArgs::of(&line)?;
    let mut rejected = args.map_or_else(Vec::new, |args| daemon::check(&args.into()));
    let last = rejected.pop();
    for failure in rejected {
        terminal.command_failure(&failure, OutputFormat::Text);
    }
    if let Some(last) = last {
        return Err(last);
    }
    let path = path.display().to_string();
    terminal.out(&format!("{} is valid.\n", escaped(&path)));
    for (key, values) in shown(&line.declared) {
        terminal.out(&format!("  {key} = {}\n", escaped(&values)));
    }
    Ok(Exit::Success)
}
