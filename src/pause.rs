//! Pauses that grow with every failure, with jitter.

use std::time::Duration;

/// A pause that doubles from one failure to the next, up to a longest one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Doubling {
    /// After the first failure.
    pub(crate) first: Duration,
    /// No pause is longer.
    pub(crate) longest: Duration,
}

impl Doubling {
    /// The pause after so many failures in a row, from 1.
    #[must_use]
    pub(crate) fn after(self, failures: u32) -> Duration {
        let times = 2_u32.saturating_pow(failures.saturating_sub(1));
        self.first.saturating_mul(times).min(self.longest)
    }
}

/// Share by which a pause is changed at random, so that many daemons do not run at the same
/// moment.
const JITTER: f64 = 0.1;

/// The pause, up to a tenth shorter. `chance` is from 0 to 1.
#[must_use]
pub(crate) fn shorter(pause: Duration, chance: f64) -> Duration {
    pause.mul_f64(1.0 - JITTER * chance.clamp(0.0, 1.0))
}

/// The pause, up to a tenth longer. `chance` is from 0 to 1.
#[must_use]
pub(crate) fn longer(pause: Duration, chance: f64) -> Duration {
    pause.mul_f64(1.0 + JITTER * chance.clamp(0.0, 1.0))
}

#[test]
fn a_pause_doubles_up_to_the_longest() {
    let pause = Doubling {
        first: Duration::from_secs(5),
        longest: Duration::from_secs(60),
    };
    let seconds = [1, 2, 3, 4, 5, u32::MAX].map(|failures| pause.after(failures).as_secs());
    assert_eq!(seconds, [5, 10, 20, 40, 60, 60]);
    assert_eq!(pause.after(0), pause.after(1));
}

#[test]
fn a_chance_changes_a_pause_by_a_tenth() {
    let pause = Duration::from_secs(10);
    assert_eq!(shorter(pause, 0.0), pause);
    assert_eq!(shorter(pause, 7.0).as_secs_f64(), 9.0);
    assert_eq!(longer(pause, 1.0).as_secs_f64(), 11.0);
}
