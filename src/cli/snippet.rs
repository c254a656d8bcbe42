//! `snippet`: the configuration of a cluster that asks Immuta itself.

use std::path::PathBuf;

use clap::Args;

use super::adopt::NamedFilesArgs;
use super::args::ReferenceArgs;
use super::command::{CommandArgs, CommandContext};
use super::help;
use crate::console::SecretOutput;
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::report::snippet::{QUESTION, WARNING, WARNING_HELP, next_step};
use crate::session::snippet::snippet;

/// Write the configuration snippet of a cluster
#[derive(Debug, Args)]
#[command(after_help = help::SNIPPET)]
pub(super) struct SnippetArgs {
    /// Name of the integration, as in its file
    pub name: String,
    /// New file for the snippet, with mode 0600; `-` is standard output
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Make a new API key first; the old one stops working at once
    #[arg(long)]
    pub regenerate: bool,
    /// Make a new key without confirmation
    #[arg(long, requires = "regenerate")]
    pub yes: bool,
    #[command(flatten)]
    pub files: NamedFilesArgs,
}

impl CommandArgs for SnippetArgs {
    fn references(&mut self) -> Option<&mut ReferenceArgs> {
        Some(&mut self.files.references)
    }

    async fn run(self, context: CommandContext<'_>) -> Result<Exit, CommandFailure> {
        let terminal = context.terminal;
        let out = SecretOutput::create(&terminal, &self.out)?;
        let approve = || {
            terminal.warning(WARNING, WARNING_HELP);
            self.yes || (terminal.can_ask() && terminal.ask_here(QUESTION))
        };
        let approve: Option<&(dyn Fn() -> bool + Sync)> = self.regenerate.then_some(&approve);
        let settings = self.files.into();
        let watcher = terminal.clone().with_diagnostics();
        let result = snippet(&settings, &self.name, approve, &watcher).await?;
        out.write(&result.text)?;
        terminal.err(&next_step(&result));
        Ok(Exit::Success)
    }
}
