//! What systemd is told: ready, reloading, stopping, a line of status, and that
//! the worker is alive.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use sd_notify::NotifyState;

/// Tells systemd, if it listens. It may have gone: then nobody is there to tell.
fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "systemd could not be told");
    }
}

/// The daemon has read its settings and begun.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// It reads its settings again; [`ready`] ends that.
pub fn reloading() {
    let now = NotifyState::monotonic_usec_now();
    match now {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::debug!(%error, "there is no monotonic clock"),
    }
}

/// It takes no new work.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// What it is doing, in a line.
pub fn status(line: &str) {
    tell(&[NotifyState::Status(line)]);
}

/// Tells the watchdog that the worker is alive: only while the worker's own task
/// is polled, so that a hang of it is seen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heartbeat(Option<Duration>);

impl Heartbeat {
    /// As the unit asks for it.
    pub(super) fn of_process() -> Self {
        Self(sd_notify::watchdog_enabled().map(|limit| limit / 3))
    }

    /// Waits for this, and beats.
    pub(super) async fn during<T>(self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        let Some(beat) = self.0 else {
            return work.await;
        };
        loop {
            tell(&[NotifyState::Watchdog]);
            tokio::select! {
                done = &mut work => return done,
                () = tokio::time::sleep(beat) => {}
            }
        }
    }
}
