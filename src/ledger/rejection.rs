//! Writes that the server refused, and when each may be sent again.
//!
//! The same inputs are not sent in a hurry: a password that is wrong locks an
//! account. This outlasts the process, since a daemon that is started again and
//! again must not knock each time. Other inputs are another write.

use std::time::Duration;

use jiff::Timestamp;

use super::Fingerprint;
use crate::pause::Doubling;

/// The pauses. The first is long enough for an operator on call; an account that is locked
/// after some failures is unlocked within the longest.
const PAUSE: Doubling = Doubling {
    first: Duration::from_secs(5 * 60),
    longest: Duration::from_secs(24 * 60 * 60),
};

/// A write that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedWrite {
    /// Fingerprint of the file and its secrets.
    pub inputs: Fingerprint,
    /// Number of consecutive rejections.
    pub times: u32,
    /// Time of the last rejection.
    pub at: Timestamp,
}

impl RejectedWrite {
    /// Refused now, perhaps not for the first time.
    #[must_use]
    pub fn again(before: Option<&Self>, inputs: &Fingerprint, at: Timestamp) -> Self {
        let times = before
            .filter(|before| before.is_of(inputs))
            .map_or(0, |before| before.times);
        Self {
            inputs: inputs.clone(),
            times: times.saturating_add(1),
            at,
        }
    }

    /// True if these are the rejected inputs.
    #[must_use]
    pub fn is_of(&self, inputs: &Fingerprint) -> bool {
        self.inputs.same_secret(inputs) == Some(true)
    }

    /// Until when the same is not sent again by itself.
    #[must_use]
    pub fn until(&self) -> Timestamp {
        let pause = PAUSE.after(self.times);
        self.at.checked_add(pause).unwrap_or(Timestamp::MAX)
    }

    /// Remaining pause; `None` once it is over.
    #[must_use]
    pub fn pause(&self, now: Timestamp) -> Option<Duration> {
        let left = Duration::try_from(self.until() - now).ok()?;
        (!left.is_zero()).then_some(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs(hash: &str) -> Fingerprint {
        Fingerprint {
            key: "k".to_owned(),
            hash: hash.to_owned(),
        }
    }

    #[test]
    fn the_same_rests_for_longer_each_time_up_to_a_day() {
        let at = Timestamp::UNIX_EPOCH;
        let mut last = None;
        let mut minutes = Vec::new();
        for _ in 0..11 {
            let refused = RejectedWrite::again(last.as_ref(), &inputs("one"), at);
            minutes.push((refused.until() - at).get_seconds() / 60);
            last = Some(refused);
        }
        assert_eq!(minutes[..4], [5, 10, 20, 40]);
        assert_eq!(minutes[9..], [24 * 60, 24 * 60]);
    }

    #[test]
    fn a_pause_that_is_over_asks_for_nothing() {
        let refused = RejectedWrite::again(None, &inputs("one"), Timestamp::UNIX_EPOCH);
        let after = |seconds| refused.pause(Timestamp::from_second(seconds).unwrap());
        assert_eq!(after(60), Some(Duration::from_secs(240)));
        assert_eq!((after(300), after(86_400)), (None, None));
    }

    #[test]
    fn other_inputs_begin_anew() {
        let at = Timestamp::UNIX_EPOCH;
        let first = RejectedWrite::again(None, &inputs("one"), at);
        let second = RejectedWrite::again(Some(&first), &inputs("one"), at);
        assert_eq!((first.times, second.times), (1, 2));
        assert_eq!(
            RejectedWrite::again(Some(&second), &inputs("two"), at).times,
            1
        );
        assert!(second.is_of(&inputs("one")) && !second.is_of(&inputs("two")));
    }
}
