//! `ping`: is the tenant there, and may we manage it? One line for each
//! question, and what to do about the first one that fails.

use std::path::PathBuf;

use clap::Args;

use super::args::{ConnectionArgs, ReferenceArgs};
use super::command::{CommandArgs, CommandContext};
use super::help;
use crate::console::ProfileConsole;
use crate::immuta::{KnownSecrets, ReadApi, RetryPolicy};
use crate::report::checks::{answer, checks, help_line};
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::session::{OpenError, Tenant};
use crate::settings::run::TenantSettings;

/// Check the tenant's URL and certificate, the API key, and its permission
#[derive(Debug, Args)]
#[command(after_help = help::PING, after_long_help = help::PING_LONG)]
pub(super) struct PingArgs {
    /// Write a profile of the tenant's API to a new file, for a bug report; the profile contains
    /// attributes, their JSON types, and statuses, but no values from the tenant; `-` is standard
    /// output
    #[arg(long, value_name = "FILE")]
    pub profile: Option<PathBuf>,
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

impl CommandArgs for PingArgs {
    fn references(&mut self) -> Option<&mut ReferenceArgs> {
        None
    }

    async fn run(self, context: CommandContext<'_>) -> Result<Exit, CommandFailure> {
        let console = ProfileConsole::new(context.terminal, self.profile);
        let settings = TenantSettings::from(self.connection);
        // A ping reports the current state.
        let tenant = Tenant::new(&settings, RetryPolicy::NEVER, None).map_err(OpenError::from)?;
        let url = tenant.url.clone();
        console.write(&answer("url", Ok(&url)));
        let answered = tenant.reader(KnownSecrets::none()).list().await;
        console.write(&checks(&url, &answered));
        if let Err(error) = answered {
            console.write(&help_line(&error));
            return Ok(Exit::Failed);
        }
        console.profile(&settings).await
    }
}
