//! Suspensions, in a line.

use crate::ledger::Suspensions;
use crate::manifest::Suspend;
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
