//! The stop of a run: when it is heard, and how long what is under way still has.

use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use tokio::sync::watch;
use tokio::time::sleep;

/// How long what is under way still has after the stop was pulled: an edit settles in
/// seconds, and systemd's unit kills 40 seconds after it has asked.
pub const DRAIN: Duration = Duration::from_secs(20);

/// Tells a running apply to take no new work and to finish what is under way.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// A switch, and what listens to it.
    #[must_use]
    pub fn new() -> (watch::Sender<bool>, Self) {
        let (sender, receiver) = watch::channel(false);
        (sender, Self(receiver))
    }

    /// Whether it was pulled.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is pulled: for ever, if whoever could is gone.
    pub(crate) async fn requested(&self) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|pulled| *pulled).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// The time that is left after a stop: one for all that is under way, so that no
/// step of a write begins it anew.
#[derive(Clone)]
pub(super) struct Drain {
    stop: Stop,
    over: Shared<BoxFuture<'static, ()>>,
}

impl Drain {
    pub(super) fn of(stop: &Stop) -> Self {
        let pulled = stop.clone();
        let over = async move {
            pulled.requested().await;
            sleep(DRAIN).await;
        };
        Self {
            stop: stop.clone(),
            over: over.boxed().shared(),
        }
    }

    /// Whether the stop was pulled.
    pub(super) fn has_begun(&self) -> bool {
        self.stop.is_requested()
    }

    /// Waits until the stop is pulled.
    pub(super) async fn begins(&self) {
        self.stop.requested().await;
    }

    /// Waits until the stop is pulled and the time after it is over.
    pub(super) async fn is_over(&self) {
        self.over.clone().await;
    }
}
