//! What systemd is told: ready, reloading, stopping, a line of status, and that
//! the worker is alive.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use sd_notify::NotifyState;

use super::pulse::Pulse;

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

/// Tells that the worker is alive, to the watchdog and to whoever asks: only while
/// the worker's own task is polled, so that a hang of it is seen.
#[derive(Debug, Clone)]
pub(super) struct Heartbeat {
    watchdog: Option<Duration>,
    pulse: Pulse,
}

impl Heartbeat {
    /// As the unit asks for it.
    pub(super) fn of_process(pulse: Pulse) -> Self {
        Self {
            watchdog: sd_notify::watchdog_enabled().map(|limit| limit / 3),
            pulse,
        }
    }

    /// Waits for this, and beats.
    pub(super) async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        self.feed();
        let mut due = pin!(self.due());
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = self.pulse.asked() => self.pulse.beat(),
                () = &mut due => {
                    self.feed();
                    due.set(self.due());
                }
            }
        }
    }

    /// Waits until the watchdog is to be fed: for ever, if there is none.
    async fn due(&self) {
        match self.watchdog {
            Some(beat) => tokio::time::sleep(beat).await,
            None => std::future::pending().await,
        }
    }

    fn feed(&self) {
        if self.watchdog.is_some() {
            tell(&[NotifyState::Watchdog]);
        }
    }
}
