//! Retries of calls, and the pauses between them. The decisions are pure; [`Retries`] is the
//! state of the loop and the only type here that sleeps.
//!
//! A call that changes nothing is repeated after any transient failure. A write is repeated
//! only if it certainly had no effect: the connection was never made, or the API itself said
//! "too many requests". A rejected certificate is never retried: it needs an operator.

use std::time::Duration;

use tokio::time::Instant;

use super::call::Call;
use super::{ApiError, TransportErrorKind};
use crate::pause::Doubling;

/// Number of retries, and their pauses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Maximum number of attempts, including the first.
    pub attempts: u32,
    /// The longest pause before the second attempt; it doubles with each one after it.
    pub first_pause: Duration,
    /// No pause grows beyond this, unless the server asks for a longer one.
    pub longest_pause: Duration,
    /// No pause begins that would end later than this after the first attempt.
    pub deadline: Duration,
}

impl RetryPolicy {
    /// Every request is sent once.
    pub const NEVER: Self = Self {
        attempts: 1,
        first_pause: Duration::ZERO,
        longest_pause: Duration::ZERO,
        deadline: Duration::ZERO,
    };
}

impl Default for RetryPolicy {
    /// Five attempts outlast the restart of a server behind a load balancer, and fail within
    /// seconds when it is really down. The deadline allows two of the longest pauses that a server
    /// can ask for.
    fn default() -> Self {
        Self {
            attempts: 5,
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(15),
            deadline: Duration::from_secs(150),
        }
    }
}

/// Kind of a call: it decides whether the call may be repeated freely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallKind {
    /// It changes nothing, or nothing that matters.
    Harmless,
    /// It changes the tenant.
    Write,
}

/// True if a call that ended with this error may be sent again.
pub(super) fn may_repeat(kind: CallKind, error: &ApiError) -> bool {
    match error {
        ApiError::Transport { source, .. } => match source.kind {
            TransportErrorKind::Connect => true,
            TransportErrorKind::Certificate => false,
            TransportErrorKind::Timeout | TransportErrorKind::Broken => kind == CallKind::Harmless,
        },
        ApiError::Refused { rejection, .. } => match kind {
            CallKind::Harmless => matches!(rejection.code, 408 | 425 | 429 | 500 | 502 | 503 | 504),
            CallKind::Write => rejection.code == 429 && rejection.from_api,
        },
        // The exchange has been repeated already.
        ApiError::NoCredentials(_) => false,
        // It came whole, and the next one would be as unreadable.
        ApiError::Unreadable { .. } => false,
    }
}

/// The pause after an attempt (counted from 1): exponential with full jitter
/// (`random` lies in 0..1), so that replicas do not return together; never
/// shorter than the server asks for.
fn pause_after(
    policy: &RetryPolicy,
    attempt: u32,
    asked: Option<Duration>,
    random: f64,
) -> Duration {
    let doubling = Doubling {
        first: policy.first_pause,
        longest: policy.longest_pause,
    };
    let jittered = doubling.after(attempt).mul_f64(random);
    asked.map_or(jittered, |asked| asked.saturating_add(jittered))
}

/// The attempts of one call.
pub(super) struct Retries<'a> {
    policy: &'a RetryPolicy,
    call: &'a Call<'a>,
    /// Number of finished attempts.
    ended: u32,
    started: Instant,
}

impl<'a> Retries<'a> {
    /// Before the first attempt.
    pub(super) fn new(policy: &'a RetryPolicy, call: &'a Call<'a>) -> Self {
        Self {
            policy,
            call,
            ended: 0,
            started: Instant::now(),
        }
    }

    /// After a failed attempt: waits until the next one is due, or gives the
    /// error back if there is none.
    pub(super) async fn pause(&mut self, error: ApiError) -> Result<(), ApiError> {
        self.ended += 1;
        if self.ended >= self.policy.attempts || !may_repeat(self.call.kind, &error) {
            return Err(error);
        }
        let rejection = error.rejection();
        let asked = rejection.and_then(|rejection| rejection.retry_after);
        let pause = pause_after(self.policy, self.ended, asked, fastrand::f64());
        if self.started.elapsed() + pause > self.policy.deadline {
            return Err(error);
        }
        tracing::warn!(
            http.request.method = %self.call.method,
            url.template = self.call.path.template,
            attempt = self.ended,
            http.response.status_code = rejection.map(|rejection| rejection.code),
            error.type = kind_of(&error),
            delay_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
            "retrying the request"
        );
        tokio::time::sleep(pause).await;
        Ok(())
    }
}

/// A word for the log: few, and never made from text that came from outside.
fn kind_of(error: &ApiError) -> &'static str {
    match error {
        ApiError::Transport { source, .. } => match source.kind {
            TransportErrorKind::Connect => "connect",
            TransportErrorKind::Certificate => "certificate",
            TransportErrorKind::Timeout => "timeout",
            TransportErrorKind::Broken => "broken",
        },
        ApiError::NoCredentials(error) => kind_of(error),
        ApiError::Refused { .. } => "refused",
        ApiError::Unreadable { .. } => "unreadable",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::immuta::{Rejection, TransportError};

    fn refused(code: u16, from_api: bool) -> ApiError {
        ApiError::Refused {
            operation: String::new(),
            rejection: Box::new(Rejection {
                code,
                from_api,
                says_absent: false,
                message: String::new(),
                failing_tests: Vec::new(),
                retry_after: None,
            }),
        }
    }

    fn failed(kind: TransportErrorKind) -> ApiError {
        ApiError::Transport {
            operation: String::new(),
            source: TransportError { kind, source: None },
        }
    }

    #[test]
    fn a_read_is_repeated_after_what_may_pass() {
        let repeated =
            (100..600).filter(|code| may_repeat(CallKind::Harmless, &refused(*code, false)));
        assert_eq!(
            repeated.collect::<Vec<_>>(),
            [408, 425, 429, 500, 502, 503, 504]
        );
        for kind in [
            TransportErrorKind::Connect,
            TransportErrorKind::Timeout,
            TransportErrorKind::Broken,
        ] {
            assert!(may_repeat(CallKind::Harmless, &failed(kind)), "{kind}");
        }
    }

    #[test]
    fn a_write_is_repeated_only_if_it_certainly_had_no_effect() {
        let repeated = (100..600).filter(|code| may_repeat(CallKind::Write, &refused(*code, true)));
        assert_eq!(repeated.collect::<Vec<_>>(), [429]);
        assert!(!may_repeat(CallKind::Write, &refused(429, false)));
        assert!(may_repeat(
            CallKind::Write,
            &failed(TransportErrorKind::Connect)
        ));
        assert!(!may_repeat(
            CallKind::Write,
            &failed(TransportErrorKind::Timeout)
        ));
        assert!(!may_repeat(
            CallKind::Write,
            &failed(TransportErrorKind::Broken)
        ));
    }

    #[test]
    fn whatever_is_repeated_for_a_write_had_no_effect() {
        let errors = (100..600)
            .flat_map(|code| [refused(code, true), refused(code, false)])
            .chain([
                failed(TransportErrorKind::Connect),
                failed(TransportErrorKind::Timeout),
                failed(TransportErrorKind::Broken),
                failed(TransportErrorKind::Certificate),
            ]);
        for error in errors.filter(|error| may_repeat(CallKind::Write, error)) {
            assert_eq!(error.effect(), crate::immuta::Effect::None, "{error}");
        }
    }

    #[test]
    fn a_certificate_is_never_tried_again() {
        let error = failed(TransportErrorKind::Certificate);
        assert!(!may_repeat(CallKind::Harmless, &error));
        assert!(!may_repeat(CallKind::Write, &error));
    }

    #[test]
    fn pauses_double_up_to_a_limit_and_are_jittered_from_zero() {
        let policy = RetryPolicy::default();
        let longest = |attempt| pause_after(&policy, attempt, None, 1.0).as_millis();
        let pauses: Vec<_> = (1..=7).map(longest).collect();
        assert_eq!(pauses, [500, 1000, 2000, 4000, 8000, 15000, 15000]);
        assert_eq!(longest(200), 15000);
        assert_eq!(pause_after(&policy, 3, None, 0.0), Duration::ZERO);
    }

    #[test]
    fn the_pause_that_the_server_asks_for_is_kept() {
        let policy = RetryPolicy::default();
        let asked = Some(Duration::from_secs(30));
        assert_eq!(pause_after(&policy, 1, asked, 0.0).as_secs(), 30);
        assert_eq!(pause_after(&policy, 1, asked, 1.0).as_millis(), 30_500);
    }
}
