//! Retry times of failed integrations, each on its own.
//!
//! An integration that fails repeatedly is retried after growing pauses, while the others
//! continue unaffected. A new revision or a manual trigger resets all pauses.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::manifest::Name;
use crate::pause::Doubling;

/// The pauses. The longest: a password that is wrong must not lock an account in a night.
const PAUSE: Doubling = Doubling {
    first: Duration::from_secs(5),
    longest: Duration::from_secs(60 * 60),
};

/// The integrations that failed, and when each may be tried again.
#[derive(Debug, Clone, Default)]
pub struct Backoff(BTreeMap<Name, BackoffEntry>);

#[derive(Debug, Clone, Copy)]
struct BackoffEntry {
    failures: u32,
    due: Instant,
}

impl Backoff {
    /// Integrations that back off now, each with its remaining pause.
    #[must_use]
    pub fn backing_off(&self, now: Instant) -> BTreeMap<Name, Duration> {
        let backing_off = self
            .0
            .iter()
            .filter(|(_, backing_off)| backing_off.due > now);
        backing_off
            .map(|(name, backing_off)| (name.clone(), backing_off.due - now))
            .collect()
    }

    /// Records the integrations that a run has tried, each with its success. The others keep their
    /// pauses.
    pub fn after<'n>(&mut self, tried: impl IntoIterator<Item = (&'n str, bool)>, now: Instant) {
        for (name, went_well) in tried {
            if went_well {
                self.0.remove(name);
                continue;
            }
            let before = self
                .0
                .get(name)
                .map_or(0, |backing_off| backing_off.failures);
            let failures = before.saturating_add(1);
            let due = now + PAUSE.after(failures);
            let backing_off = BackoffEntry { failures, due };
            self.0.insert(name.to_owned(), backing_off);
        }
    }

    /// Forgets the integrations that need no more changes, for example because their file was
    /// removed.
    pub fn retain(&mut self, is_concerned: impl Fn(&str) -> bool) {
        self.0.retain(|name, _| is_concerned(name));
    }

    /// Time until the first of them may be retried.
    #[must_use]
    pub fn pause(&self, now: Instant) -> Option<Duration> {
        let dues = self.0.values().map(|backing_off| backing_off.due);
        dues.min().map(|due| due.saturating_duration_since(now))
    }

    /// Forgets all failures: something is new.
    pub fn reset(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_lengthens_the_back_off_of_its_own_name_alone() {
        let (mut backoff, begun) = (Backoff::default(), Instant::now());
        let mut now = begun;
        let mut pauses = Vec::new();
        for _ in 0..12 {
            backoff.after([("bad", false), ("good", true)], now);
            assert_eq!(
                backoff.backing_off(now).into_keys().collect::<Vec<_>>(),
                ["bad"]
            );
            let pause = backoff.pause(now).unwrap();
            pauses.push(pause.as_secs());
            now += pause;
            assert!(backoff.backing_off(now).is_empty());
        }
        assert_eq!(pauses[..4], [5, 10, 20, 40]);
        assert_eq!(pauses[11], 3600);
        backoff.after([("bad", true)], now);
        assert_eq!(backoff.pause(now), None);
    }

    #[test]
    fn what_a_run_did_not_try_rests_on() {
        let (mut backoff, now) = (Backoff::default(), Instant::now());
        backoff.after([("slow", false)], now);
        backoff.after([("slow", false)], now);
        backoff.after([("quick", false)], now);
        assert_eq!(backoff.pause(now), Some(PAUSE.first));
        let later = now + PAUSE.first;
        assert_eq!(
            backoff.backing_off(later).into_keys().collect::<Vec<_>>(),
            ["slow"]
        );
        backoff.retain(|name| name != "quick");
        assert_eq!(backoff.pause(later), Some(PAUSE.first));
        backoff.reset();
        assert!(backoff.backing_off(later).is_empty());
    }
}
