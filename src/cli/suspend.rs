//! `suspend`: writes that an operator pauses.

use clap::Args;

use super::args::{LedgerArgs, NotifiedDaemonArgs, ReferenceArgs};
use super::command::{CommandArgs, CommandContext};
use super::help;
use crate::follow_up::command;
use crate::manifest::{Suspend, Until};
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::report::suspended::named;
use crate::session::suspend::suspend;

/// Suspend writes to all or some integrations
///
/// Takes effect at once, for the daemon and for every sync that uses this state directory: a run
/// under way finishes the writes that have begun, and fails the others. Plans are still made and
/// shown; suspended changes count as pending for `--detailed-exitcode`. To have a suspension reviewed, set `sync.suspend` in the file instead.
#[derive(Debug, Args)]
#[command(after_help = help::SUSPEND)]
pub(super) struct SuspendArgs {
    /// Names of the integrations [default: all]
    #[arg(value_name = "NAME")]
    pub name: Vec<String>,
    /// Reason for the suspension, shown with it
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// End of the suspension: a date such as 2026-12-01, meaning the end of that day in UTC, or a
    /// time with a time zone, such as 2026-12-01T18:00+01:00
    #[arg(long, value_name = "DATE|TIME")]
    pub until: Option<Until>,
    /// Accept names that are not in the ledger, such as those of files that were never applied
    #[arg(long)]
    pub unknown: bool,
    #[command(flatten)]
    pub place: LedgerArgs,
    #[command(flatten)]
    pub daemon: NotifiedDaemonArgs,
}

impl CommandArgs for SuspendArgs {
    fn references(&mut self) -> Option<&mut ReferenceArgs> {
        None
    }

    async fn run(self, context: CommandContext<'_>) -> Result<Exit, CommandFailure> {
        let (settings, names, until) = (self.place.into(), self.name, self.until);
        let suspension = Suspend {
            reason: self.reason,
            until,
        };
        let access = self.daemon.access();
        suspend(&settings, access, &names, &suspension, self.unknown).await?;
        let until = until.map(|until| format!(" until {until}"));
        context.terminal.out(&format!(
            "Suspended{}: {}. Run `{}` to end the suspension.\n",
            until.unwrap_or_default(),
            named(&names),
            command("resume", &[])
        ));
        self.daemon.notify(&settings, &context.terminal).await;
        Ok(Exit::Success)
    }
}
