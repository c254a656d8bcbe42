//! `list`: what is live, and nothing secret.

use clap::Args;

use super::args::{ConnectionArgs, ReferenceArgs};
use super::command::{CommandArgs, CommandContext};
use super::help;
use crate::immuta::{KnownSecrets, ReadApi, RetryPolicy};
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::report::format::{OF_LIST, OutputFormat, render};
use crate::report::list::Listing;
use crate::session::{OpenError, Tenant};
use crate::sync::owners_of_tenant;

/// Help text for a part that could not be read.
const INCOMPLETE: &str = "the list is incomplete, so `sync` would create nothing: try again, or \
    report the problem to Immuta";

/// Show the live integrations of the tenant, without secrets
#[derive(Debug, Args)]
#[command(after_help = help::LIST, after_long_help = help::LIST_LONG)]
pub(super) struct ListArgs {
    /// Format of the result on standard output
    #[arg(long, short, value_name = "FORMAT", value_parser = OutputFormat::among(OF_LIST), default_value = "text")]
    pub output: OutputFormat,
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

impl CommandArgs for ListArgs {
    fn format(&self) -> OutputFormat {
        self.output
    }

    fn references(&mut self) -> Option<&mut ReferenceArgs> {
        None
    }

    async fn run(self, context: CommandContext<'_>) -> Result<Exit, CommandFailure> {
        let tenant = Tenant::new(&self.connection.into(), RetryPolicy::default(), None)
            .map_err(OpenError::from)?;
        let url = tenant.url.clone();
        let reader = tenant.reader(KnownSecrets::none());
        let (live, owners) = futures::join!(reader.list(), owners_of_tenant(&reader));
        let mut live = live?;
        live.owners = owners;
        live.integrations.sort_by(|a, b| a.id.cmp(&b.id));
        let exit = if live.unreadable.is_empty() {
            Exit::Success
        } else {
            Exit::Failed
        };
        let listing = Listing::new(&url, &live, exit);
        context.terminal.result(&render(self.output, &listing));
        if self.output.is_told() {
            let unreadable = live.unreadable.iter().map(|it| it.reason.as_str());
            context
                .terminal
                .gaps(live.owners.unknown(), unreadable, INCOMPLETE);
        }
        Ok(exit)
    }
}
