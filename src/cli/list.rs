//! `list`: what is live, and nothing secret.

use clap::Args;

use super::args::{ConnectionArgs, ReferenceArgs};
use super::command::{CommandArgs, CommandContext};
use super::help;
use crate::console::Terminal;
use crate::immuta::{KnownSecrets, ReadApi, RetryPolicy};
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::report::format::{OutputFormat, render};
use crate::report::list::Listing;
use crate::session::{OpenError, Tenant};
use crate::sync::owners_of_tenant;
use crate::text::escaped;

/// Show the live integrations of the tenant, without secrets
#[derive(Debug, Args)]
#[command(after_help = help::LIST, after_long_help = help::LIST_LONG)]
pub(super) struct ListArgs {
    /// Format of the result on standard output
    #[arg(long, short, value_name = "FORMAT", value_enum, default_value_t = OutputFormat::Text)]
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

    async fn run(
        self,
        CommandContext { terminal, .. }: CommandContext<'_>,
    ) -> Result<Exit, CommandFailure> {
        run(self, terminal).await
    }
}

async fn run(args: ListArgs, terminal: Terminal) -> Result<Exit, CommandFailure> {
    let tenant = Tenant::new(&args.connection.into(), RetryPolicy::default(), None)
        .map_err(OpenError::from)?;
    let url = tenant.url.clone();
    let reader = tenant.reader(KnownSecrets::none());
    let (live, owners) = futures::join!(reader.list(), owners_of_tenant(&reader));
    let mut live = live?;
    live.owners = owners;
    live.integrations.sort_by(|a, b| a.id.cmp(&b.id));
    let is_whole = live.unreadable.is_empty();
    let exit = if is_whole {
        Exit::Success
    } else {
        Exit::Failed
    };
    let listing = Listing::new(&url, &live, exit);
    terminal.result(&render(args.output, &listing));
    if args.output.is_told() {
        for reason in live.owners.unknown() {
            terminal.err(&format!("note: {}\n", escaped(reason)));
        }
        for unreadable in &live.unreadable {
            terminal.failure(
                escaped(&unreadable.reason),
                "the list is incomplete, so `sync` would create nothing: try again, or report the \
                problem to Immuta",
            );
        }
    }
    Ok(exit)
}
