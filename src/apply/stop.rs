//! The stop of a run: when it is heard, and how long what is under way still has.

use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use tokio::sync::watch;
use tokio::time::sleep;

/// Time for writes under way after a stop is requested: an edit settles in seconds, and
/// systemd's unit kills the process 40 seconds after its stop request.
pub const DRAIN: Duration = Duration::from_secs(20);

/// Requests a running apply to start no new work and to finish the writes under way.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// A switch, and what listens to it.
    #[must_use]
    pub fn new() -> (watch::Sender<bool>, Self) {
        let (sender, receiver) = watch::channel(false);
        (sender, Self(receiver))
    }

    /// True if the stop was requested.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the stop is requested: for ever, if every requester is gone.
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

    /// True if the stop was requested.
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
