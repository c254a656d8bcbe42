//! The edge: watches what the daemon publishes, and sends what is news.

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch as published};
use tokio::time::sleep;

use super::webhook::{Attempt, WebhookSender};
use super::{AlertTracker, NotificationBatch};
use crate::apply::Stop;
use crate::daemon::DaemonStatus;
use crate::daemon::metrics::{Delivery, Metrics};
use crate::pause::Doubling;
use crate::text::escaped;

/// Maximum length of the queue; later messages are dropped.
pub const QUEUE: usize = 64;

/// Maximum number of attempts to send a message.
const ATTEMPTS: u32 = 4;

/// The pauses between them.
const PAUSE: Doubling = Doubling {
    first: Duration::from_secs(1),
    longest: Duration::from_secs(60),
};

/// Queues the news of every run until the stop is requested.
pub async fn watch(
    mut status: published::Receiver<DaemonStatus>,
    tenant: String,
    queue: mpsc::Sender<NotificationBatch>,
    metrics: Metrics,
    stop: Stop,
) {
    let mut tracker = AlertTracker::default();
    let mut runs = 0;
    loop {
        tokio::select! {
            // Events before the stop are still reported.
            biased;
            changed = status.changed() => if changed.is_err() { return },
            () = stop.requested() => return,
        }
        let batch = {
            let status = status.borrow_and_update();
            let is_new = status.runs != runs;
            runs = status.runs;
            let is_new = is_new.then_some(());
            is_new.and_then(|()| batch(&mut tracker, &status, &tenant))
        };
        if let Some(batch) = batch
            && queue.try_send(batch).is_err()
        {
            tracing::error!("dropped a notification: the queue is full");
            metrics.notified(Delivery::Dropped);
        }
    }
}

/// The news of the run that ended last, if there are any.
fn batch(
    tracker: &mut AlertTracker,
    status: &DaemonStatus,
    tenant: &str,
) -> Option<NotificationBatch> {
    let outcome = status.last.as_ref()?;
    let notifications = tracker.after(outcome);
    (!notifications.is_empty()).then(|| NotificationBatch {
        id: format!("{:016x}", fastrand::u64(..)),
        at: status.at.unwrap_or_else(Timestamp::now),
        tenant: tenant.to_owned(),
        summary: outcome.summary.clone(),
        revision: outcome.revision.clone(),
        notifications,
    })
}

/// Sends queued messages one after the other, until every sender is gone.
pub async fn deliver(
    mut queue: mpsc::Receiver<NotificationBatch>,
    webhook: WebhookSender,
    metrics: Metrics,
) {
    while let Some(batch) = queue.recv().await {
        metrics.notified(send(&webhook, &batch).await);
    }
}

async fn send(webhook: &WebhookSender, batch: &NotificationBatch) -> Delivery {
    let body = webhook.format.body(batch);
    let mut attempt = 1;
    loop {
        let why = match webhook.send(&body).await {
            Attempt::Taken => {
                tracing::debug!(attempt, "sent a notification");
                return Delivery::Taken;
            }
            Attempt::Never(why) => {
                let why = &*escaped(&why);
                tracing::error!(attempt, why, "the receiver rejected a notification");
                return Delivery::Failed;
            }
            Attempt::Later(why) => why,
        };
        let why = &*escaped(&why);
        if attempt == ATTEMPTS {
            tracing::error!(attempt, why, "cannot send a notification");
            return Delivery::Failed;
        }
        tracing::warn!(attempt, why, "retrying a notification");
        let pause = PAUSE.after(attempt);
        sleep(pause.mul_f64(1.0 - 0.5 * fastrand::f64())).await;
        attempt += 1;
    }
}
