//! `suspend`: writes that an operator pauses.

use std::collections::BTreeSet;

use clap::Args;

use super::args::{LedgerArgs, ReferenceArgs};
use super::command::{CommandArgs, CommandContext};
use super::help;
use crate::console::Terminal;
use crate::ledger::place::Trust;
use crate::ledger::{Ledger, Suspensions};
use crate::manifest::{Suspend, Until, nearest};
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::session::{Access, Session};
use crate::text::escaped;

/// Suspend writes to all integrations, or to some
///
/// Takes effect with the next run of the daemon, and of every sync with this state. Plans are
/// still made and shown; suspended changes count as pending for `--detailed-exitcode`, never as
/// failures. To have a suspension reviewed, set `sync.suspend` in the file.
#[derive(Debug, Args)]
#[command(after_help = help::SUSPEND)]
pub(super) struct SuspendArgs {
    /// Names of the integrations; all if none is given
    #[arg(value_name = "NAME")]
    pub name: Vec<String>,
    /// Reason, shown with the suspension
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// End: 2026-12-01 is the end of that day in UTC; a time has its zone, as in
    /// 2026-12-01T18:00+01:00
    #[arg(long, value_name = "DATE|TIME")]
    pub until: Option<Until>,
    /// Accept names that are not in the ledger, of files that were never applied
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
        check_names(&args.name, &ledger, &suspensions)?;
    }
    let suspend = Suspend {
        reason: args.reason,
        until: args.until,
    };
    suspensions.suspend(&args.name, &suspend);
    session.store().set_suspensions(&suspensions).await?;
    let until = args.until.map(|until| format!(" until {until}"));
    let until = until.unwrap_or_default();
    let what = what(&args.name);
    terminal.out(&format!(
        "Suspended{until}: {what}. `integrationd resume` ends it.\n"
    ));
    Ok(Exit::Success)
}

fn over(until: Until) -> CommandFailure {
    let what = format!("nothing would be suspended until {until}: that is over already");
    let help = "give `--until` a date or a time to come, or leave it out and end it with `integrationd resume`";
    CommandFailure::new(Exit::Usage, what, help)
}

/// A name that is none would let be written what was meant to wait.
fn check_names(
    names: &[String],
    ledger: &Ledger,
    suspensions: &Suspensions,
) -> Result<(), CommandFailure> {
    let Ledger {
        records,
        intents,
        rejections,
        carried_out: _,
        connections: _,
    } = ledger;
    let known: BTreeSet<&str> = records
        .keys()
        .chain(intents.keys())
        .chain(rejections.keys())
        .chain(suspensions.names.keys())
        .map(String::as_str)
        .collect();
    let is_unknown = |name: &&String| !known.contains(name.as_str());
    let unknown: Vec<String> = names.iter().filter(is_unknown).cloned().collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let what = format!(
        "nothing was suspended: the ledger knows no integration named {}",
        unknown.join(" or ")
    );
    let meant = meant(&unknown, &known);
    let help = format!("{meant}what was never written is suspended with `--unknown`");
    Err(CommandFailure::new(Exit::Usage, what, help))
}

/// Which names may have been meant, as the beginning of a remedy.
pub(super) fn meant(wrong: &[String], known: &BTreeSet<&str>) -> String {
    let near = wrong
        .iter()
        .filter_map(|name| nearest(name, known.iter().copied()));
    let near: BTreeSet<String> = near.map(|name| format!("`{name}`")).collect();
    if near.is_empty() {
        return String::new();
    }
    let near: Vec<String> = near.into_iter().collect();
    format!("did you mean {}? ", near.join(" and "))
}

pub(super) fn what(names: &[String]) -> String {
    if names.is_empty() {
        return "all integrations".to_owned();
    }
    escaped(&names.join(", ")).into_owned()
}
