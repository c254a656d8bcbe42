//! Suspensions, in a line.

use std::collections::BTreeSet;

use super::exit::Exit;
use super::failure::CommandFailure;
use crate::ledger::{Ledger, Suspensions};
use crate::manifest::{Suspend, Until, nearest};
use crate::plan::Operation;
use crate::text::escaped;

/// Maximum number of names in a line; the page and the JSON report list all.
const LISTED: usize = 5;

/// `everything (freeze), lake (vendor migration, until the end of 2026-12-01 UTC)`; nothing if nothing
/// is suspended.
#[must_use]
pub fn line(suspensions: &Suspensions) -> Option<String> {
    let Suspensions { all, names } = suspensions;
    let everything = all.iter().map(|suspend| one("everything", suspend));
    let named = names.iter().map(|(name, suspend)| one(name, suspend));
    let mut parts: Vec<String> = everything.chain(named.take(LISTED)).collect();
    if names.len() > LISTED {
        parts.push(format!("{} more", names.len() - LISTED));
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Headline of the suspended action.
pub(super) fn verdict(would: &Operation) -> &'static str {
    match would {
        Operation::Create(_) => "would be created but is suspended",
        Operation::Update { .. } => "would be updated but is suspended",
        Operation::Delete(_) => "would be deleted but is suspended",
        Operation::Replace { .. } => "would be deleted and recreated but is suspended",
        Operation::Blocked(_) => "would be blocked but is suspended",
        Operation::Unchanged { .. } | Operation::Withheld { .. } | Operation::Suspended { .. } => {
            "is suspended"
        }
    }
}

fn one(what: &str, suspend: &Suspend) -> String {
    let Suspend { reason, until } = suspend;
    let until = until.map(|until| format!(", until {until}"));
    let told = format!("{what} ({reason}{})", until.unwrap_or_default());
    escaped(&told).into_owned()
}

/// A suspension that would be over already.
#[must_use]
pub fn over(until: Until) -> CommandFailure {
    let what = format!("cannot suspend until {until}, which is in the past");
    let help = "give `--until` a date or time in the future, or omit it and end the suspension \
        with `integrationd resume`";
    CommandFailure::new(Exit::Usage, what, help)
}

/// A name that is none would let be written what was meant to wait.
///
/// # Errors
/// A name that the ledger does not know.
pub fn check_suspended_names(
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
        "nothing was suspended: the ledger has no integration named {}",
        unknown.join(" or ")
    );
    let meant = meant(&unknown, &known);
    let help = format!("{meant}use `--unknown` to suspend an integration that was never written");
    Err(CommandFailure::new(Exit::Usage, what, help))
}

/// Similar names, as the beginning of a remedy.
#[must_use]
pub fn meant(wrong: &[String], known: &BTreeSet<&str>) -> String {
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

/// The integrations that are meant.
#[must_use]
pub fn named(names: &[String]) -> String {
    if names.is_empty() {
        return "all integrations".to_owned();
    }
    escaped(&names.join(", ")).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_why_and_until_when_and_is_never_two() {
        let suspend = |reason: &str, until| Suspend {
            reason: reason.to_owned(),
            until,
        };
        let mut suspensions = Suspensions::default();
        assert_eq!(line(&suspensions), None);
        let day = "2026-12-01".parse().ok();
        suspensions.suspend(&[], &suspend("an\naudit", day));
        let told = "everything (an\\naudit, until the end of 2026-12-01 UTC)";
        assert_eq!(line(&suspensions).unwrap(), told);
        let names = ["a", "b", "c", "d", "e", "f", "g"].map(str::to_owned);
        suspensions.suspend(&names, &suspend("x", None));
        let named = "a (x), b (x), c (x), d (x), e (x), 2 more";
        assert_eq!(line(&suspensions).unwrap(), format!("{told}, {named}"));
    }
}
