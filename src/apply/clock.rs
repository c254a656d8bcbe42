//! The time that is written down.
//!
//! An input like any other: how long ago a write was begun decides whether it may
//! still be under way, and a test has to be able to say so.

use jiff::Timestamp;

/// Time of day, as the ledger records it.
#[derive(Debug, Clone, Copy)]
pub struct Clock(fn() -> Timestamp);

impl Clock {
    /// That of the machine.
    pub const SYSTEM: Self = Self(Timestamp::now);

    /// Another one.
    #[must_use]
    pub const fn new(now: fn() -> Timestamp) -> Self {
        Self(now)
    }

    /// The current time.
    #[must_use]
    pub fn now(self) -> Timestamp {
        (self.0)()
    }
}
