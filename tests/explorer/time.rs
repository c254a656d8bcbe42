//! The clock of the machine, which can be set, over the paused time of the runtime.

use std::cell::Cell;
use std::time::Duration;

use integrationd::apply::Clock;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// Start of every scenario.
const BEGINNING: i64 = 1_795_000_000;

thread_local! {
    static START: Cell<Option<Instant>> = const { Cell::new(None) };
    static SET_BY: Cell<i64> = const { Cell::new(0) };
}

/// Clock of the tool.
pub(super) const CLOCK: Clock = Clock::new(now);

/// A scenario begins, on this thread.
pub(super) fn begin() {
    START.set(Some(Instant::now()));
    SET_BY.set(0);
}

/// Since it began.
pub(super) fn elapsed() -> Duration {
    START.get().map_or(Duration::ZERO, |start| start.elapsed())
}

/// Sets the clock, by so many seconds.
pub(super) fn set_by(seconds: i64) {
    SET_BY.set(SET_BY.get() + seconds);
}

fn now() -> Timestamp {
    let elapsed = SignedDuration::try_from(elapsed()).unwrap();
    let beginning = Timestamp::from_second(BEGINNING).unwrap();
    beginning + elapsed + SignedDuration::from_secs(SET_BY.get())
}
