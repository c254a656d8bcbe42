//! `resolve`: the operator's decision on a write whose outcome is unknown.

use clap::Args;

use super::args::{ConnectionArgs, HandOver, HandOverArgs, ReferenceArgs, StateArgs};
use super::command::{CommandArgs, CommandContext};
use super::help;
use crate::follow_up::command;
use crate::ledger::place::Trust;
use crate::live::RemoteId;
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::session::resolve::resolve;
use crate::settings::run::RunSettings;

/// Resolve a write whose outcome is unknown
#[derive(Debug, Args)]
#[command(after_help = help::RESOLVE)]
#[command(group = clap::ArgGroup::new("verdict").required(true))]
pub(super) struct ResolveArgs {
    /// Name of the integration
    pub name: String,
    /// Record that the write created or changed this integration
    #[arg(long, value_name = "ID", group = "verdict")]
    pub adopt: Option<String>,
    /// Record that the write had no effect; the next sync repeats it
    #[arg(long, group = "verdict")]
    pub retry: bool,
    #[command(flatten)]
    pub daemon: HandOverArgs,
    #[command(flatten)]
    pub place: StateArgs,
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

impl CommandArgs for ResolveArgs {
    fn references(&mut self) -> Option<&mut ReferenceArgs> {
        None
    }

    fn hand_over(&self) -> Option<HandOver<'_>> {
        Some(HandOver {
            daemon: &self.daemon,
            state: self.place.state.as_deref(),
            url: self.connection.url.as_deref(),
            handles_stop: false,
        })
    }

    async fn run(self, context: CommandContext<'_>) -> Result<Exit, CommandFailure> {
        let settings = context.settings(RunSettings {
            state: self.place.state,
            tenant: self.connection.into(),
            ..RunSettings::default()
        });
        let entry = context.entry(Trust::AnyForRoot);
        resolve(&settings, entry, &self.name, self.adopt.map(RemoteId::new)).await?;
        let sync = command("sync", &["--dry-run"]);
        let text = format!("Resolved. Run `{sync}` to see the remaining changes.\n");
        context.terminal.out(&text);
        Ok(Exit::Success)
    }
}
