//! `sync`: plan and apply once.

use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;

use super::args::{HandOver, HandOverArgs, ReferenceArgs, RunArgs};
use super::command::{CommandArgs, CommandContext};
use super::help;
use crate::console::{SyncCommand, sync};
use crate::ledger::place::Trust;
use crate::plan::PlanDigest;
use crate::report::approved::ApprovedPlan;
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::report::format::{OF_PLAN, OutputFormat};

/// Plan and apply once; `--dry-run` stops after the plan
///
/// Reads the files and the tenant, shows the plan, asks for confirmation, and applies the plan.
/// A failure of one integration does not stop the others. Nothing is deleted without `--policy
/// sync`.
#[derive(Debug, Args)]
#[command(after_help = help::SYNC, after_long_help = help::SYNC_LONG)]
pub(super) struct SyncArgs {
    /// Print the plan and stop, without writing to the tenant
    #[arg(long)]
    pub dry_run: bool,
    /// Apply to an empty tenant that is simulated in this process, without resolving secrets
    #[arg(long, conflicts_with_all = ["url", "api_key_file"])]
    pub simulate: bool,
    /// Exit with 2 instead of 0 if a dry run finds changes
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Apply without confirmation; required if there is no terminal
    #[arg(long, env = "INTEGRATIOND_YES", value_parser = BoolishValueParser::new())]
    pub yes: bool,
    /// Resend the secrets of this integration, even if they have not changed (`*` for all
    /// integrations); may be repeated
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub resend_secrets: Vec<String>,
    /// Apply only the plan with this digest, which `--dry-run -o json` shows
    #[arg(long, value_name = "DIGEST")]
    pub expect: Option<PlanDigest>,
    /// JSON document of the approved plan, to show how the plan differs from it
    #[arg(long, value_name = "FILE", requires = "expect")]
    pub approved: Option<PathBuf>,
    /// Format of the result on standard output
    #[arg(long, short, value_name = "FORMAT", value_parser = OutputFormat::among(OF_PLAN), default_value = "text")]
    pub output: OutputFormat,
    #[command(flatten)]
    pub daemon: HandOverArgs,
    #[command(flatten)]
    pub run: Box<RunArgs>,
}

impl CommandArgs for SyncArgs {
    fn format(&self) -> OutputFormat {
        self.output
    }

    fn references(&mut self) -> Option<&mut ReferenceArgs> {
        Some(&mut self.run.files.references)
    }

    fn hand_over(&self) -> Option<HandOver<'_>> {
        let writes = !(self.dry_run || self.simulate);
        writes.then_some(HandOver {
            daemon: &self.daemon,
            state: self.run.place.state.as_deref(),
            url: self.run.connection.url.as_deref(),
            handles_stop: true,
        })
    }

    async fn run(self, context: CommandContext<'_>) -> Result<Exit, CommandFailure> {
        let approved = self.approved.zip(self.expect);
        let approved = approved.map(|(path, expect)| ApprovedPlan::read(&path, expect));
        let options = SyncCommand {
            dry_run: self.dry_run,
            simulate: self.simulate,
            detailed_exitcode: self.detailed_exitcode,
            asks: !(self.yes || self.simulate),
            resend_secrets: self.resend_secrets,
            expect: self.expect,
            approved: approved.transpose()?,
            output: self.output,
        };
        let (settings, entry) = (context.settings(*self.run), context.entry(Trust::Own));
        sync(settings, options, entry, context.terminal).await
    }
}
