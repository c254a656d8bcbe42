//! Writes that an operator pauses, and lets continue.

use std::collections::BTreeSet;

use super::{Access, OpenError, Session};
use crate::follow_up::command;
use crate::ledger::place::Trust;
use crate::ledger::{Ledger, StoreError, Suspensions};
use crate::manifest::{Name, Suspend, Until, nearest};
use crate::settings::run::RunSettings;

/// A suspension that was neither begun nor ended.
#[derive(Debug, thiserror::Error)]
pub enum SuspendError {
    /// The settings or the ledger.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The ledger could not be read or written.
    #[error(transparent)]
    Ledger(#[from] StoreError),
    /// It would be over already.
    #[error("cannot suspend until {0}, which is in the past")]
    Over(Until),
    /// A name that is none would let be written what was meant to wait.
    #[error("nothing was suspended: the ledger has no integration named {}", .unknown.join(" or "))]
    Unknown {
        /// The names.
        unknown: Vec<Name>,
        /// Similar names in the ledger.
        near: BTreeSet<Name>,
    },
    /// Nothing was suspended of these names.
    #[error("there is no suspension of {}", .not_suspended.join(" or "))]
    NotSuspended {
        /// The names.
        not_suspended: Vec<Name>,
        /// Similar names that were.
        near: BTreeSet<Name>,
    },
}

impl SuspendError {
    /// The remedy.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Open(error) => error.help(),
            Self::Ledger(error) => error.help.clone(),
            Self::Over(_) => format!(
                "give `--until` a date or time in the future, or omit `--until` and end the \
                suspension with `{}`",
                command("resume", &[])
            ),
            Self::Unknown { near, .. } => format!(
                "{}use `--unknown` to suspend an integration that was never written",
                meant(near)
            ),
            Self::NotSuspended { near, .. } => format!(
                "{}run `{}` without a name to end all suspensions",
                meant(near),
                command("resume", &[])
            ),
        }
    }
}

/// Suspends writes to these integrations, or to all if no name is given. With
/// `accepts_unknown`, names need not be in the ledger. Opens the ledger with this access.
///
/// # Errors
/// The suspension would be over, the ledger cannot be used, or it does not know a name.
pub async fn suspend(
    settings: &RunSettings,
    access: Access,
    names: &[Name],
    suspend: &Suspend,
    accepts_unknown: bool,
) -> Result<(), SuspendError> {
    let now = jiff::Timestamp::now();
    if let Some(until) = suspend.until.filter(|until| until.end() <= now) {
        return Err(SuspendError::Over(until));
    }
    let (session, mut suspensions) = open(settings, access).await?;
    if !accepts_unknown {
        let ledger = session.store().read().await?;
        check_known(names, &ledger, &suspensions)?;
    }
    suspensions.suspend(names, suspend);
    Ok(session.store().set_suspensions(&suspensions).await?)
}

/// Ends the suspension of these integrations, or all suspensions if no name is given.
///
/// # Errors
/// The ledger cannot be used, or a name was not suspended.
pub async fn resume(
    settings: &RunSettings,
    access: Access,
    names: &[Name],
) -> Result<(), SuspendError> {
    let (session, mut suspensions) = open(settings, access).await?;
    let before: BTreeSet<Name> = suspensions.names.keys().cloned().collect();
    let not_suspended = suspensions.resume(names);
    if !not_suspended.is_empty() {
        let near = near(&not_suspended, &before.iter().map(String::as_str).collect());
        return Err(SuspendError::NotSuspended {
            not_suspended,
            near,
        });
    }
    Ok(session.store().set_suspensions(&suspensions).await?)
}

/// The ledger, and the suspensions in it.
async fn open(
    settings: &RunSettings,
    access: Access,
) -> Result<(Session, Suspensions), SuspendError> {
    let session = Session::open(settings, Trust::AnyForRoot, access)?;
    let suspensions = session.store().suspensions().await?;
    Ok((session, suspensions))
}

fn check_known(
    names: &[Name],
    ledger: &Ledger,
    suspensions: &Suspensions,
) -> Result<(), SuspendError> {
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
    let is_unknown = |name: &&Name| !known.contains(name.as_str());
    let unknown: Vec<Name> = names.iter().filter(is_unknown).cloned().collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let near = near(&unknown, &known);
    Err(SuspendError::Unknown { unknown, near })
}

fn near(wrong: &[Name], known: &BTreeSet<&str>) -> BTreeSet<Name> {
    wrong
        .iter()
        .filter_map(|name| nearest(name, known.iter().copied()))
        .map(str::to_owned)
        .collect()
}

/// Similar names, as the beginning of a remedy.
fn meant(near: &BTreeSet<Name>) -> String {
    if near.is_empty() {
        return String::new();
    }
    let near: Vec<String> = near.iter().map(|name| format!("`{name}`")).collect();
    format!("did you mean {}? If not, ", near.join(" and "))
}
