//! `script`: the script of a manual set-up.

use std::path::PathBuf;

use clap::Args;

use super::adopt::NamedFilesArgs;
use super::args::ReferenceArgs;
use super::command::{CommandArgs, CommandContext};
use super::help;
use crate::console::SecretOutput;
use crate::platform::ScriptKind;
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::report::script::next_steps;
use crate::session::script::script;

/// Print the script that a manual set-up needs next
#[derive(Debug, Args)]
#[command(after_help = help::SCRIPT)]
pub(super) struct ScriptArgs {
    /// Name of the integration, as in its file
    pub name: String,
    /// Kind of script [default: the one that is needed next]
    #[arg(long, value_enum)]
    pub kind: Option<ScriptKind>,
    /// New file for the script, with mode 0600; `-` is standard output
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub out: PathBuf,
    #[command(flatten)]
    pub files: NamedFilesArgs,
}

impl CommandArgs for ScriptArgs {
    fn references(&mut self) -> Option<&mut ReferenceArgs> {
        Some(&mut self.files.references)
    }

    async fn run(self, context: CommandContext<'_>) -> Result<Exit, CommandFailure> {
        let terminal = context.terminal;
        let out = SecretOutput::create(&terminal, &self.out)?;
        let watcher = terminal.clone().with_diagnostics();
        let result = script(&self.files.into(), &self.name, self.kind, &watcher).await?;
        if let Some((_, text)) = &result.script {
            out.write(text)?;
        }
        terminal.err(&next_steps(&result));
        Ok(Exit::Success)
    }
}
