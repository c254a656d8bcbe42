//! Liveness of the worker.
//!
//! A check goes to the worker's own task, which answers it between two steps of its work, and
//! only while it makes progress: so both a task that hangs and one that waits forever count as
//! dead. Without a check, no task wakes up.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use crate::progress::Progress;
use crate::source::git;

/// The longest that a run may go on without a step that ends. Of all steps a fetch has
/// the most time, since a server may pack for long before its first byte. A request
/// after the longest pause that a server can ask for takes less (60 and 75 seconds),
/// and so does a program that decrypts (60 seconds). A write is followed by one request
/// after the other.
pub(super) const LONGEST_STEP: Duration = git::TIMEOUT
    .saturating_add(git::GRACE)
    // To load and to plan ten thousand files on a machine that is busy.
    .saturating_add(Duration::from_secs(15));

/// Asks the worker for a sign of life.
#[derive(Debug, Clone, Default)]
pub struct Liveness {
    requests: Arc<Notify>,
    responses: watch::Sender<u64>,
    /// Time at which a step of the worker last ended.
    pub progress: Progress,
}

impl Liveness {
    /// True if the worker responds within this time.
    pub async fn responds_within(&self, limit: Duration) -> bool {
        let mut responses = self.responses.subscribe();
        self.requests.notify_one();
        matches!(timeout(limit, responses.changed()).await, Ok(Ok(())))
    }

    /// True if the worker makes progress.
    pub(super) fn is_progressing(&self) -> bool {
        self.progress.idle_for() <= LONGEST_STEP
    }

    /// Waits for a check.
    pub(super) async fn requested(&self) {
        self.requests.notified().await;
    }

    /// Answers all pending checks.
    pub(super) fn respond(&self) {
        self.responses
            .send_modify(|responses| *responses = responses.wrapping_add(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(5);

    #[tokio::test(start_paused = true)]
    async fn worker_that_hangs_is_not_reported_alive() {
        assert!(!Liveness::default().responds_within(LIMIT).await);
    }

    #[tokio::test(start_paused = true)]
    async fn simultaneous_requests_are_all_answered() {
        let liveness = Liveness::default();
        let worker = liveness.clone();
        let working = tokio::spawn(async move {
            loop {
                worker.requested().await;
                worker.respond();
            }
        });
        let asked = (0..50).map(|_| liveness.responds_within(LIMIT));
        let answers = futures::future::join_all(asked).await;
        assert!(answers.into_iter().all(|responded| responded));
        working.abort();
    }
}
