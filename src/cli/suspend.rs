//! `suspend`: writes that an operator pauses.

use clap::Args;

use super::args::{LedgerArgs, ReferenceArgs};
use super::command::{CommandArgs, CommandContext};
use super::help;
use crate::console::Terminal;
use crate::ledger::Suspensions;
use crate::ledger::place::Trust;
use crate::manifest::{Suspend, Until};
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::report::suspended::{check_suspended_names, named, over};
use crate::session::{Access, Session};

/// Suspend writes to all or some integrations
///
/// Takes effect with the next run of the daemon, or of a sync with this state directory. Plans
/// are still made and shown; suspended changes count as pending for `--detailed-exitcode`,
/// never as failures. To have a suspension reviewed, set `sync.suspend` in the file.
#[derive(Debug, Args)]
#[command(after_help = help::SUSPEND)]
pub(super) struct SuspendArgs {
    /// Names of the integrations [default: all]
    #[arg(value_name = "NAME")]
    pub name: Vec<String>,
    /// Reason, shown with the suspension
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// End of the suspension: a date such as 2026-12-01, meaning the end of that day in UTC, or a
    /// time with its zone, such as 2026-12-01T18:00+01:00
    #[arg(long, value_name = "DATE|TIME")]
    pub until: Option<Until>,
    /// Accept names that are not in the ledger (from files that were never applied)
    #[arg(long)]
    pub unknown: bool,
    #[command(flatten)]
    pub place: LedgerArgs,
}

impl CommandArgs for SuspendArgs {
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

/// The ledger, and the suspensions in it.
pub(super) async fn open(args: LedgerArgs) -> Result<(Session, Suspensions), CommandFailure> {
    let settings = args.into();
    let session = Session::open(&settings, Trust::AnyForRoot, Access::Suspend)?;
    let suspensions = session.store().suspensions().await?;
    Ok((session, suspensions))
}

async fn run(args: SuspendArgs, terminal: Terminal) -> Result<Exit, CommandFailure> {
    let now = jiff::Timestamp::now();
    if let Some(until) = args.until.filter(|until| until.end() <= now) {
        return Err(over(until));
    }
    let (session, mut suspensions) = open(args.place).await?;
    if !args.unknown {
        let ledger = session.store().read().await?;
        check_suspended_names(&args.name, &ledger, &suspensions)?;
    }
    let suspend = Suspend {
        reason: args.reason,
        until: args.until,
    };
    suspensions.suspend(&args.name, &suspend);
    session.store().set_suspensions(&suspensions).await?;
    let until = args.until.map(|until| format!(" until {until}"));
    let until = until.unwrap_or_default();
    let what = named(&args.name);
    terminal.out(&format!(
        "Suspended{until}: {what}. Run `integrationd resume` to end the suspension.\n"
    ));
    Ok(Exit::Success)
}
