//! `suspend` and `resume`: a human's word that writes wait, kept beside the ledger.
//!
//! It needs no lock: the daemon and every sync read it at the beginning of a run.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use clap::Args;
use rustix::fs::{Gid, Uid, fchown};
use rustix::process::getuid;
use tempfile::NamedTempFile;

use super::args::LedgerArgs;
use super::failure::Failure;
use super::terminal::Terminal;
use super::{connect, state};
use crate::ledger::Ledger;
use crate::ledger::place::Trust;
use crate::manifest::{Suspend, Until, nearest};
use crate::plan::Suspensions;
use crate::report::exit::Exit;
use crate::text::escaped;

/// Write nothing for a while: of all integrations, or of some
///
/// Counts from the next run of the daemon and of every sync with this state.
/// Plans are made and shown as ever: with `--detailed-exitcode` what waits is a
/// change, and nowhere a failure. For what is to be reviewed with a file there is
/// `sync: {suspend: ...}` in it.
#[derive(Debug, Args)]
pub(super) struct SuspendArgs {
    /// The names of the integrations; all if there are none
    #[arg(value_name = "NAME")]
    pub name: Vec<String>,
    /// Why, for those who wonder
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// When it ends: 2026-12-01 is the end of that day in UTC; a time has its zone,
    /// as in 2026-12-01T18:00+01:00
    #[arg(long, value_name = "DATE|TIME")]
    pub until: Option<Until>,
    /// Also names of which the ledger knows nothing: what their files describe was
    /// never written
    #[arg(long)]
    pub unknown: bool,
    #[command(flatten)]
    pub place: LedgerArgs,
}

/// End what `suspend` began
#[derive(Debug, Args)]
pub(super) struct ResumeArgs {
    /// The names of the integrations; everything if there are none
    #[arg(value_name = "NAME")]
    pub name: Vec<String>,
    #[command(flatten)]
    pub place: LedgerArgs,
}

/// What is suspended for a tenant. A file that cannot be read stops the run: it may
/// say that nothing is to be written.
pub(super) fn read(flag: Option<&Path>, tenant: &str) -> Result<Suspensions, Failure> {
    // Without a place for the state nothing can have been suspended.
    match state::find(flag, Trust::Own) {
        Ok(place) => read_file(&place.suspensions_file(tenant)?),
        Err(_) => Ok(Suspensions::default()),
    }
}

fn read_file(file: &Path) -> Result<Suspensions, Failure> {
    let failed = |why: &dyn std::fmt::Display| {
        let what = format!(
            "what is suspended cannot be read from {}: {why}",
            file.display()
        );
        let help = "mend the file, or remove it if nothing is to be suspended";
        Failure::new(Exit::Failed, what, help)
    };
    match std::fs::read(file) {
        Ok(text) => serde_json::from_slice(&text).map_err(|error| failed(&error)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Suspensions::default()),
        Err(error) => Err(failed(&error)),
    }
}

/// Whole or not at all, and for its owner alone.
fn write(file: &Path, suspensions: &Suspensions) -> Result<(), Failure> {
    let directory = file.parent().unwrap_or(Path::new("."));
    let written = serde_json::to_vec_pretty(suspensions)
        .map_err(io::Error::from)
        .and_then(|text| {
            let mut draft = NamedTempFile::new_in(directory)?;
            draft.write_all(&text)?;
            draft.as_file().sync_all()?;
            give_to_owner(draft.as_file(), directory)?;
            Ok(draft.persist(file)?)
        });
    written.map(drop).map_err(|error| {
        let what = format!(
            "what is suspended cannot be written to {}: {error}",
            file.display()
        );
        Failure::new(
            Exit::Failed,
            what,
            "check who may write to the state directory",
        )
    })
}

/// What root writes, the daemon has to read: it belongs to whom the directory does.
fn give_to_owner(file: &File, directory: &Path) -> io::Result<()> {
    let owner = directory.metadata()?;
    if owner.uid() == getuid().as_raw() {
        return Ok(());
    }
    let (user, group) = (Uid::from_raw(owner.uid()), Gid::from_raw(owner.gid()));
    Ok(fchown(file, Some(user), Some(group))?)
}

/// The tenant, the file, and what is in it.
fn open(args: &LedgerArgs) -> Result<(String, PathBuf, Suspensions), Failure> {
    let tenant = connect::url(args.url.as_deref())?;
    let place = state::find(args.state.as_deref(), Trust::AnyForRoot)?;
    place.create()?;
    let file = place.suspensions_file(&tenant)?;
    let suspensions = read_file(&file)?;
    Ok((tenant, file, suspensions))
}

pub(super) fn suspend(args: &SuspendArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let now = jiff::Timestamp::now();
    if let Some(until) = args.until.filter(|until| until.end() <= now) {
        return Err(over(until));
    }
    let (tenant, file, mut suspensions) = open(&args.place)?;
    if !args.unknown {
        let ledger = state::read_ledger(args.place.state.as_deref(), Trust::AnyForRoot, &tenant)?;
        check_names(&args.name, &ledger, &suspensions)?;
    }
    let suspend = Suspend {
        reason: args.reason.clone(),
        until: args.until,
    };
    suspensions.suspend(&args.name, &suspend);
    write(&file, &suspensions)?;
    let until = args.until.map(|until| format!(" until {until}"));
    let until = until.unwrap_or_default();
    let what = what(&args.name);
    terminal.out(&format!(
        "Suspended{until}: {what}. `integrationd resume` ends it.\n"
    ));
    Ok(Exit::Success)
}

pub(super) fn resume(args: &ResumeArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let (_, file, mut suspensions) = open(&args.place)?;
    let before: Vec<String> = suspensions.names.keys().cloned().collect();
    let was_not = suspensions.resume(&args.name);
    if !was_not.is_empty() {
        let what = format!("{} was not suspended", was_not.join(" and "));
        let meant = meant(&was_not, &before.iter().map(String::as_str).collect());
        let help = format!(
            "{meant}`integrationd resume` without a name ends everything that is suspended"
        );
        return Err(Failure::new(Exit::Failed, what, help));
    }
    write(&file, &suspensions)?;
    terminal.out(&format!(
        "Resumed: {}. The next run writes again.\n",
        what(&args.name)
    ));
    Ok(Exit::Success)
}

fn over(until: Until) -> Failure {
    let what = format!("nothing would be suspended until {until}: that is over already");
    let help = "give `--until` a date or a time to come, or leave it out and end it with `integrationd resume`";
    Failure::new(Exit::Usage, what, help)
}

/// A name that is none would let be written what was meant to wait.
fn check_names(
    names: &[String],
    ledger: &Ledger,
    suspensions: &Suspensions,
) -> Result<(), Failure> {
    let Ledger {
        records,
        intents,
        refusals,
        carried_out: _,
        connections: _,
    } = ledger;
    let known: BTreeSet<&str> = records
        .keys()
        .chain(intents.keys())
        .chain(refusals.keys())
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
    Err(Failure::new(Exit::Usage, what, help))
}

/// Which names may have been meant, as the beginning of a remedy.
fn meant(wrong: &[String], known: &BTreeSet<&str>) -> String {
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

fn what(names: &[String]) -> String {
    if names.is_empty() {
        return "all integrations".to_owned();
    }
    escaped(&names.join(", ")).into_owned()
}
