//! `completion`: what lets a shell complete the command line.

use clap::Args;
use clap_complete::Shell;

use super::args::ReferenceArgs;
use super::command::{CommandArgs, CommandContext};
use super::help;
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;

/// Print a completion script for a shell
#[derive(Debug, Args)]
#[command(after_help = help::COMPLETION)]
pub(super) struct CompletionArgs {
    /// Shell for which to print the script
    #[arg(value_enum)]
    pub shell: Shell,
}

impl CommandArgs for CompletionArgs {
    const USES_SETTINGS: bool = false;

    fn references(&mut self) -> Option<&mut ReferenceArgs> {
        None
    }

    async fn run(self, context: CommandContext<'_>) -> Result<Exit, CommandFailure> {
        let mut command = (context.program.definition)();
        let name = command.get_name().to_owned();
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut command, name, &mut text);
        context
            .terminal
            .out_unfolded(&String::from_utf8_lossy(&text));
        Ok(Exit::Success)
    }
}
