//! When the work last moved, for whoever watches that it does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// A mark that is set anew whenever a step of the work has come to its end, well or
/// not. Clones share it.
#[derive(Debug, Clone)]
pub struct Progress {
    begun: Instant,
    /// Milliseconds since then.
    moved: Arc<AtomicU64>,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            begun: Instant::now(),
            moved: Arc::default(),
        }
    }
}

impl Progress {
    /// A step has ended.
    pub fn moves(&self) {
        self.moved.store(self.age(), Ordering::Relaxed);
    }

    /// How long no step has ended.
    #[must_use]
    pub fn still_for(&self) -> Duration {
        let moved = self.moved.load(Ordering::Relaxed);
        Duration::from_millis(self.age().saturating_sub(moved))
    }

    fn age(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
