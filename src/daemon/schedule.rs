//! Times of the runs without a trigger.

use std::time::Duration;

use super::Disposition;
use crate::pause::{Doubling, longer, shorter};

/// The first pause after a failure.
const FIRST: Duration = Duration::from_secs(5);

/// Time of the next run. After consecutive failures the pauses double, up to the interval.
#[derive(Debug, Clone)]
pub struct Schedule {
    interval: Duration,
    failures: u32,
}

impl Schedule {
    /// With this resync interval.
    #[must_use]
    pub fn every(interval: Duration) -> Self {
        Self {
            interval,
            failures: 0,
        }
    }

    /// With another interval from now on.
    pub fn set_interval(&mut self, interval: Duration) {
        self.interval = interval;
    }

    /// Pause after a run with this end. `chance` is from 0 to 1.
    pub fn after(&mut self, disposition: Disposition, chance: f64) -> Duration {
        let pause = match disposition {
            Disposition::InSync | Disposition::Suspended | Disposition::Stalled(_) => {
                self.failures = 0;
                self.interval
            }
            // Not sooner: until then it backs off.
            Disposition::Retry(pause) => {
                self.failures = 0;
                // Whatever it is that is due: not without a pause.
                return longer(pause.max(FIRST), chance).min(self.interval);
            }
            Disposition::Transient => {
                self.failures = self.failures.saturating_add(1);
                let doubling = Doubling {
                    first: FIRST,
                    longest: self.interval,
                };
                doubling.after(self.failures)
            }
        };
        shorter(pause, chance)
    }

    /// Forgets the failures: something is new.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reason::Reason;

    const INTERVAL: Duration = Duration::from_secs(60);

    #[test]
    fn pauses_double_up_to_the_interval_and_success_resets_them() {
        let mut schedule = Schedule::every(INTERVAL);
        let mut after = |disposition| schedule.after(disposition, 0.0).as_secs();
        let failed = [(); 6].map(|()| after(Disposition::Transient));
        assert_eq!(failed, [5, 10, 20, 40, 60, 60]);
        assert_eq!(after(Disposition::InSync), 60);
        assert_eq!(after(Disposition::Transient), 5);
        assert_eq!(after(Disposition::Stalled(Reason::GuardRefused)), 60);
    }

    #[test]
    fn nothing_is_due_without_a_pause() {
        let mut schedule = Schedule::every(INTERVAL);
        let pause = schedule.after(Disposition::Retry(Duration::ZERO), 0.0);
        assert_eq!(pause, FIRST);
    }

    #[test]
    fn something_new_resets_the_backoff() {
        let mut schedule = Schedule::every(INTERVAL);
        for _ in 0..5 {
            schedule.after(Disposition::Transient, 0.0);
        }
        schedule.reset();
        assert_eq!(schedule.after(Disposition::Transient, 0.0).as_secs(), 5);
    }

    #[test]
    fn pause_is_never_longer_and_at_most_a_tenth_shorter() {
        for chance in [0.0, 0.5, 1.0, 7.0] {
            let pause = Schedule::every(INTERVAL).after(Disposition::InSync, chance);
            assert!(
                pause <= INTERVAL && pause >= INTERVAL.mul_f64(0.9),
                "{pause:?}"
            );
        }
    }

    #[test]
    fn a_thousand_failures_are_no_overflow() {
        let mut schedule = Schedule::every(Duration::from_secs(86_400));
        let last = (0..1000).map(|_| schedule.after(Disposition::Transient, 0.0));
        assert_eq!(last.last().map(|pause| pause.as_secs()), Some(86_400));
    }
}
