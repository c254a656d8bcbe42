//! Names that settings give: each must be that of an integration.

use std::collections::BTreeSet;

use super::Wishes;
use crate::follow_up::command;
use crate::ledger::history::History;
use crate::manifest::Name;
use crate::plan::{KnownNames, Operator, Resend, Selection};
use crate::settings::run::RunSettings;

/// The most names that a message lists.
const LISTED: usize = 12;

/// Stands for all integrations in `--resend-secrets`: no integration has this name.
const ALL: &str = "*";

/// A name in the settings that means nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownNames {
    /// No integration has these names.
    #[error("no integration is named {}", .unknown.join(" or "))]
    Unknown {
        /// The names.
        unknown: Vec<Name>,
        /// The names that the files describe; `None` if they are too many to list.
        described: Option<Vec<Name>>,
    },
    /// Its secrets are to be sent, but it is not selected.
    #[error("the secrets of {0} cannot be sent: the integration is not selected")]
    LeftOut(Name),
}

impl UnknownNames {
    /// The remedy.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Unknown {
                described: Some(names),
                ..
            } => format!("use one of the names in the files: {}", names.join(", ")),
            Self::Unknown {
                described: None, ..
            } => format!(
                "run `{}` to list the names",
                command("validate", &["-o", "json"])
            ),
            Self::LeftOut(_) => {
                "give `--resend-secrets` only names that `--only` and `--exclude` select".to_owned()
            }
        }
    }
}

impl Wishes {
    /// Requests of the operator for one `sync`: to resend secrets, and to repair even contested
    /// integrations. The latter needs a terminal, or a name.
    #[must_use]
    pub fn of(settings: &RunSettings, resend: Vec<String>, is_at_terminal: bool) -> Self {
        let all = resend.iter().any(|name| name == ALL);
        let names: BTreeSet<String> = resend.into_iter().filter(|name| name != ALL).collect();
        let operator = if is_at_terminal {
            Operator::Present
        } else {
            let named = settings.selection.only.union(&names);
            Operator::Names(named.cloned().collect())
        };
        Self {
            operator,
            resend: Resend { all, names },
            ..Self::default()
        }
    }
}

/// The names of a list that neither the files nor the ledger know.
#[must_use]
pub fn unknown_removals(allow_removal: &BTreeSet<Name>, known: &KnownNames) -> Vec<Name> {
    let unknown = allow_removal.iter().filter(|name| !known.knows(name));
    unknown.cloned().collect()
}

/// Checks the names of integrations that may be deleted although their file still exists.
/// What was deleted already is no mistake: the same command may be run again. Not for a
/// daemon, whose settings keep a name for longer.
///
/// # Errors
/// A name that neither the files nor the ledger know.
pub fn check_removals(
    allow_removal: &BTreeSet<Name>,
    known: &KnownNames,
    history: &History,
) -> Result<(), UnknownNames> {
    let mut unknown = unknown_removals(allow_removal, known);
    unknown.retain(|name| history.deleted.iter().all(|deleted| deleted.name != *name));
    match unknown.as_slice() {
        [] => Ok(()),
        _ => Err(unknown_names(unknown, known)),
    }
}

/// Lets names pass that only outlast their integrations: an earlier run knew them, or the
/// ledger has their deletion.
///
/// # Errors
/// The names that nothing ever had.
pub(super) fn outlasted(
    unknown: UnknownNames,
    known_before: &BTreeSet<Name>,
    history: &History,
) -> Result<(), UnknownNames> {
    let UnknownNames::Unknown {
        mut unknown,
        described,
    } = unknown
    else {
        return Err(unknown);
    };
    let is_deleted = |name: &Name| history.deleted.iter().any(|deleted| deleted.name == *name);
    unknown.retain(|name| !known_before.contains(name) && !is_deleted(name));
    if unknown.is_empty() {
        return Ok(());
    }
    Err(UnknownNames::Unknown { unknown, described })
}

fn unknown_names(unknown: Vec<Name>, known: &KnownNames) -> UnknownNames {
    let described: BTreeSet<&str> = known.described().collect();
    let is_short = described.len() <= LISTED;
    let described = is_short.then(|| described.into_iter().map(str::to_owned).collect());
    UnknownNames::Unknown { unknown, described }
}

/// Checks the names that a run is given: its selection, the integrations that may be
/// replaced, and those whose secrets are sent again.
///
/// # Errors
/// A name belongs to no integration, or to one that is not selected.
pub fn check_names(
    selection: &Selection,
    allow_replace: &BTreeSet<Name>,
    resend: &Resend,
    known: &KnownNames,
) -> Result<(), UnknownNames> {
    let mut unknown = known.unknown_of(selection);
    let named = allow_replace.iter().chain(&resend.names);
    unknown.extend(named.filter(|name| !known.is_of_file(name)).cloned());
    if !unknown.is_empty() {
        return Err(unknown_names(unknown, known));
    }
    match resend.names.iter().find(|name| !selection.includes(name)) {
        None => Ok(()),
        Some(name) => Err(UnknownNames::LeftOut(name.clone())),
    }
}
