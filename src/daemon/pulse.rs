//! Whether the worker is alive, for whoever asks.
//!
//! The question goes to the worker's own task, which answers it between two steps
//! of its work, and only while one step follows the other: neither a task that hangs
//! does, nor one that waits for what never comes. Nobody wakes up while nobody asks.

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
pub struct Pulse {
    asked: Arc<Notify>,
    beats: watch::Sender<u64>,
    /// When a step of the worker last ended.
    pub progress: Progress,
}

impl Pulse {
    /// Whether the worker answers within this time.
    pub async fn is_felt(&self, patience: Duration) -> bool {
        let mut beats = self.beats.subscribe();
        self.asked.notify_one();
        matches!(timeout(patience, beats.changed()).await, Ok(Ok(())))
    }

    /// Whether the worker gets on.
    pub(super) fn gets_on(&self) -> bool {
        self.progress.still_for() <= LONGEST_STEP
    }

    /// Waits until somebody asks.
    pub(super) async fn asked(&self) {
        self.asked.notified().await;
    }

    /// Answers everybody who has asked.
    pub(super) fn beat(&self) {
        self.beats
            .send_modify(|beats| *beats = beats.wrapping_add(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    #[tokio::test(start_paused = true)]
    async fn nobody_answers_for_a_worker_that_hangs() {
        assert!(!Pulse::default().is_felt(PATIENCE).await);
    }

    #[tokio::test(start_paused = true)]
    async fn everybody_who_asks_at_once_is_answered() {
        let pulse = Pulse::default();
        let worker = pulse.clone();
        let working = tokio::spawn(async move {
            loop {
                worker.asked().await;
                worker.beat();
            }
        });
        let asked = (0..50).map(|_| pulse.is_felt(PATIENCE));
        let answers = futures::future::join_all(asked).await;
        assert!(answers.into_iter().all(|felt| felt));
        working.abort();
    }
}
