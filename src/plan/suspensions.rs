//! What a human has suspended by word of mouth, besides what files say of themselves.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::manifest::{Name, Suspend};

/// Why writes wait, for all integrations or for some.
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
    /// What counts for an integration on this day.
    #[must_use]
    pub fn of(&self, name: &str, day: Date) -> Option<&Suspend> {
        let own = self
            .names
            .get(name)
            .filter(|suspend| suspend.counts_on(day));
        let all = self.all.as_ref().filter(|suspend| suspend.counts_on(day));
        own.or(all)
    }

    /// Those that count on this day.
    #[must_use]
    pub fn on(&self, day: Date) -> Self {
        let Self { all, names } = self;
        let counts = |suspend: &Suspend| suspend.counts_on(day);
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
    use jiff::civil::date;

    #[test]
    fn what_is_over_on_a_day_does_not_count_on_it() {
        let until = |day| Suspend {
            reason: "freeze".to_owned(),
            until: Some(day),
        };
        let mut suspensions = Suspensions::default();
        suspensions.suspend(&[], &until(date(2026, 12, 1)));
        suspensions.suspend(&["lake".to_owned()], &until(date(2026, 12, 2)));
        let counting = |day| {
            let on = suspensions.on(day);
            (on.all.is_some(), on.names.len())
        };
        assert_eq!(counting(date(2026, 11, 30)), (true, 1));
        assert_eq!(counting(date(2026, 12, 1)), (false, 1));
        assert_eq!(counting(date(2026, 12, 2)), (false, 0));
    }
}
