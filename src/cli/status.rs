//! `status`: the running daemon's own report.

use std::path::PathBuf;

use clap::Args;

use super::args::ReferenceArgs;
use super::command::{CommandArgs, CommandContext};
use super::help;
use crate::client;
use crate::daemon::control::request::DaemonCommand;
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::report::format::OutputFormat;

/// Show the status of the running daemon, without contacting the tenant
///
/// Shows the state that the last run read. Neither starts a run nor waits for one.
#[derive(Debug, Args)]
#[command(after_help = help::STATUS)]
pub(super) struct StatusArgs {
    /// Socket of the daemon [default: /run/integrationd/integrationd.sock]
    #[arg(long, value_name = "PATH", env = "INTEGRATIOND_SOCKET")]
    pub socket: Option<PathBuf>,
    /// Format of the result on standard output
    #[arg(long, short, value_name = "FORMAT", value_enum, default_value_t = OutputFormat::Text)]
    pub output: OutputFormat,
}

impl CommandArgs for StatusArgs {
    fn format(&self) -> OutputFormat {
        self.output
    }

    fn references(&mut self) -> Option<&mut ReferenceArgs> {
        None
    }

    async fn run(self, context: CommandContext<'_>) -> Result<Exit, CommandFailure> {
        let result = client::request(self.socket.as_deref(), DaemonCommand::Status).await?;
        if self.output.is_told() {
            context.terminal.out(&result.text);
        } else {
            context.terminal.out_unfolded(&result.json);
        }
        Ok(result.exit)
    }
}
