//! Time of the last progress of the work, for liveness checks.

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
    last_step: Arc<AtomicU64>,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            begun: Instant::now(),
            last_step: Arc::default(),
        }
    }
}

impl Progress {
    /// A step has ended.
    pub fn record(&self) {
        self.last_step.store(self.age(), Ordering::Relaxed);
    }

    /// Time since the last finished step.
    #[must_use]
    pub fn idle_for(&self) -> Duration {
        let last_step = self.last_step.load(Ordering::Relaxed);
        Duration::from_millis(self.age().saturating_sub(last_step))
    }

    fn age(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
