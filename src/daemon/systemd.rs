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

/// Tells that the worker is alive, to the watchdog and to whoever asks: only while the
/// worker's own task is polled and gets on, so that a hang of either kind is seen.
#[derive(Debug, Clone)]
pub(super) struct Heartbeat {
    watchdog: Option<Duration>,
    pulse: Pulse,
    tell: fn(&[NotifyState<'_>]),
}

impl Heartbeat {
    /// As the unit asks for it.
    pub(super) fn of_process(pulse: Pulse) -> Self {
        Self {
            watchdog: sd_notify::watchdog_enabled().map(|limit| limit / 3),
            pulse,
            tell,
        }
    }

    /// Waits for a run, and beats as long as it gets on.
    pub(super) async fn during<T>(&self, run: impl Future<Output = T>) -> T {
        self.pulse.progress.moves();
        self.beat(run, || self.pulse.gets_on()).await
    }

    /// Waits between two runs, and beats: to be polled is all that there is to do.
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
                () = self.pulse.asked() => if is_alive() {
                    self.pulse.beat();
                },
                () = &mut due => {
                    if is_alive() {
                        self.feed();
                    } else {
                        let still_for = self.pulse.progress.still_for().as_secs();
                        tracing::error!(still_for, "the run hangs: the watchdog is not fed");
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
            (self.tell)(&[NotifyState::Watchdog]);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::time::{sleep, timeout};

    use super::super::pulse::LONGEST_STEP;
    use super::*;

    thread_local! {
        static FED: Cell<u32> = const { Cell::new(0) };
    }

    /// How often the watchdog is fed in this time of a run.
    async fn fed<T>(heartbeat: &Heartbeat, run: impl Future<Output = T>, within: Duration) -> u32 {
        FED.set(0);
        let _ = timeout(within, heartbeat.during(run)).await;
        FED.get()
    }

    #[tokio::test(start_paused = true)]
    async fn the_watchdog_is_fed_while_a_run_gets_on_and_no_more_when_it_hangs() {
        let beat = Duration::from_secs(40);
        let heartbeat = Heartbeat {
            watchdog: Some(beat),
            pulse: Pulse::default(),
            tell: |_| FED.set(FED.get() + 1),
        };
        let hour = 90 * beat;
        let gets_on = async {
            loop {
                sleep(LONGEST_STEP).await;
                heartbeat.pulse.progress.moves();
            }
        };
        assert!(fed(&heartbeat, gets_on, hour).await >= 90);
        let hangs = std::future::pending::<()>();
        assert!(fed(&heartbeat, hangs, hour).await <= 6);
    }
}
