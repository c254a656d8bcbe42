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

/// How many messages wait at most; what comes then is not sent.
pub const QUEUE: usize = 64;

/// How often a message is sent at most, the first time included.
const ATTEMPTS: u32 = 4;

/// The pauses between them.
const PAUSE: Doubling = Doubling {
    first: Duration::from_secs(1),
    longest: Duration::from_secs(60),
};

/// Looks at the end of every run until the stop is pulled, and queues what is news.
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
            // What happened before the stop is still told.
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
            tracing::error!("too many notifications wait: one is not sent");
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

/// Sends what is queued, one after the other, until nobody queues any more.
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
                tracing::debug!(attempt, "a notification was sent");
                return Delivery::Taken;
            }
            Attempt::Never(why) => {
                let why = &*escaped(&why);
                tracing::error!(attempt, why, "a notification was not taken");
                return Delivery::Failed;
            }
            Attempt::Later(why) => why,
        };
        let why = &*escaped(&why);
        if attempt == ATTEMPTS {
            tracing::error!(attempt, why, "a notification was not sent");
            return Delivery::Failed;
        }
        tracing::warn!(attempt, why, "a notification is sent again");
        let pause = PAUSE.after(attempt);
        sleep(pause.mul_f64(1.0 - 0.5 * fastrand::f64())).await;
        attempt += 1;
    }
}
