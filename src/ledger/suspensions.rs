//! Suspensions by operators, in addition to those in files.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::manifest::{Name, Suspend};

/// Suspensions of all integrations or of some.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suspensions {
    /// Of all of them.
    pub all: Option<Suspend>,
    /// By name.
    #[serde(default)]
    pub names: BTreeMap<Name, Suspend>,
}

impl Suspensions {
    /// The suspension that counts for an integration at this moment.
    #[must_use]
    pub fn of(&self, name: &str, now: Timestamp) -> Option<&Suspend> {
        let own = self.names.get(name).filter(|own| own.counts_at(now));
        let all = self.all.as_ref().filter(|all| all.counts_at(now));
        own.or(all)
    }

    /// Those that count at this moment.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> Self {
        let Self { all, names } = self;
        let counts = |suspend: &Suspend| suspend.counts_at(now);
        let names = names.iter().filter(|(_, suspend)| counts(suspend));
        Self {
            all: all.clone().filter(counts),
            names: names.map(|(n, s)| (n.clone(), s.clone())).collect(),
        }
    }

    /// Suspends these, or all if there are none.
    pub fn suspend(&mut self, names: &[Name], suspend: &Suspend) {
        if names.is_empty() {
            self.all = Some(suspend.clone());
        }
        let named = names.iter().map(|name| (name.clone(), suspend.clone()));
        self.names.extend(named);
    }

    /// Ends what was suspended: of these, or everything if there are none. Those of
    /// which nothing was.
    pub fn resume(&mut self, names: &[Name]) -> Vec<Name> {
        if names.is_empty() {
            *self = Self::default();
        }
        let mut was_not = Vec::new();
        for name in names {
            if self.names.remove(name).is_none() {
                was_not.push(name.clone());
            }
        }
        was_not
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suspension_that_is_over_does_not_count() {
        let until = |text: &str| Suspend {
            reason: "freeze".to_owned(),
            until: Some(text.parse().unwrap()),
        };
        let mut suspensions = Suspensions::default();
        suspensions.suspend(&[], &until("2026-12-01"));
        suspensions.suspend(&["lake".to_owned()], &until("2026-12-02T12:00Z"));
        let counting = |now: &str| {
            let at = suspensions.at(now.parse().unwrap());
            (at.all.is_some(), at.names.len())
        };
        assert_eq!(counting("2026-12-01T23:59:59Z"), (true, 1));
        assert_eq!(counting("2026-12-02T00:00:00Z"), (false, 1));
        assert_eq!(counting("2026-12-02T12:00:00Z"), (false, 0));
    }
}
