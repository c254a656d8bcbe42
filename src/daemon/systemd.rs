//! Notifications to systemd: ready, reloading, stopping, a line of status, and liveness.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use sd_notify::NotifyState;

use super::liveness::Liveness;

/// Notifies systemd, if it listens. If it is gone, nothing is sent.
fn notify_systemd(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "cannot notify systemd");
    }
}

/// The daemon has read its settings and begun.
pub fn ready() {
    notify_systemd(&[NotifyState::Ready]);
}

/// It reads its settings again; [`ready`] ends that.
pub fn reloading() {
    let now = NotifyState::monotonic_usec_now();
    match now {
        Ok(now) => notify_systemd(&[NotifyState::Reloading, now]),
        Err(error) => tracing::debug!(%error, "cannot read the monotonic clock"),
    }
}

/// It takes no new work.
pub fn stopping() {
    notify_systemd(&[NotifyState::Stopping]);
}

/// The status, in a line.
pub fn status(line: &str) {
    notify_systemd(&[NotifyState::Status(line)]);
}

/// Reports liveness to the watchdog and to checks: only while the worker's own task is polled
/// and makes progress, so that both kinds of hang are detected.
#[derive(Debug, Clone)]
pub(super) struct Heartbeat {
    watchdog: Option<Duration>,
    liveness: Liveness,
    notify_systemd: fn(&[NotifyState<'_>]),
}

impl Heartbeat {
    /// As the unit asks for it.
    pub(super) fn of_process(liveness: Liveness) -> Self {
        Self {
            watchdog: sd_notify::watchdog_enabled().map(|limit| limit / 3),
            liveness,
            notify_systemd,
        }
    }

    /// Waits for a run, and reports it as alive while it progresses.
    pub(super) async fn during<T>(&self, run: impl Future<Output = T>) -> T {
        self.liveness.progress.record();
        self.beat(run, || self.liveness.is_progressing()).await
    }

    /// Waits between two runs, and reports the worker as alive whenever it is polled.
    pub(super) async fn between<T>(&self, wait: impl Future<Output = T>) -> T {
        self.beat(wait, || true).await
    }

    async fn beat<T>(&self, work: impl Future<Output = T>, is_alive: impl Fn() -> bool) -> T {
        let mut work = pin!(work);
        self.feed();
        let mut due = pin!(self.due());
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = self.liveness.requested() => if is_alive() {
                    self.liveness.respond();
                },
                () = &mut due => {
                    if is_alive() {
                        self.feed();
                    } else {
                        let still_for = self.liveness.progress.idle_for().as_secs();
                        tracing::error!(still_for, "the run hangs; no longer notifying the \
                            watchdog");
                    }
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
            (self.notify_systemd)(&[NotifyState::Watchdog]);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::time::{sleep, timeout};

    use super::super::liveness::LONGEST_STEP;
    use super::*;

    thread_local! {
        static FED: Cell<u32> = const { Cell::new(0) };
    }

    /// Number of watchdog notifications in this time of a run.
    async fn fed<T>(heartbeat: &Heartbeat, run: impl Future<Output = T>, within: Duration) -> u32 {
        FED.set(0);
        let _ = timeout(within, heartbeat.during(run)).await;
        FED.get()
    }

    #[tokio::test(start_paused = true)]
    async fn watchdog_is_fed_during_progress_and_not_during_a_hang() {
        let beat = Duration::from_secs(40);
        let heartbeat = Heartbeat {
            watchdog: Some(beat),
            liveness: Liveness::default(),
            notify_systemd: |_| FED.set(FED.get() + 1),
        };
        let hour = 90 * beat;
        let gets_on = async {
            loop {
                sleep(LONGEST_STEP).await;
                heartbeat.liveness.progress.record();
            }
        };
        assert!(fed(&heartbeat, gets_on, hour).await >= 90);
        let hangs = std::future::pending::<()>();
        assert!(fed(&heartbeat, hangs, hour).await <= 6);
    }
}
