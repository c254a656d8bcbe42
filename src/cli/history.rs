//! `history`: what was done and when, from the ledger alone.

use clap::Args;

use super::args::{LedgerArgs, ReferenceArgs};
use super::command::{CommandArgs, CommandContext};
use super::help;
use crate::ledger::place::Trust;
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::report::format::{OutputFormat, render};
use crate::report::history::HistoryDocument;
use crate::session::{Access, Session};

/// Show past runs, without contacting the tenant
#[derive(Debug, Args)]
#[command(after_help = help::HISTORY)]
pub(super) struct HistoryArgs {
    /// Number of runs to show, newest first
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub limit: u32,
    /// Format of the result on standard output
    #[arg(long, short, value_name = "FORMAT", value_enum, default_value_t = OutputFormat::Text)]
    pub output: OutputFormat,
    #[command(flatten)]
    pub ledger: LedgerArgs,
}

impl CommandArgs for HistoryArgs {
    fn format(&self) -> OutputFormat {
        self.output
    }

    fn references(&mut self) -> Option<&mut ReferenceArgs> {
        None
    }

    async fn run(self, context: CommandContext<'_>) -> Result<Exit, CommandFailure> {
        let settings = self.ledger.into();
        let session = Session::open(&settings, Trust::AnyForRoot, Access::Read)?;
        let history = session.store().history(self.limit).await?;
        let document = HistoryDocument::new(session.tenant(), &history);
        context.terminal.result(&render(self.output, &document));
        Ok(Exit::Success)
    }
}
