//! Keeps a tenant in sync without anyone at a keyboard.
//!
//! Triggers carry no data: each notifies a [`Trigger`], which only requests a run, and records
//! whether the trigger is manual. One worker runs the pipeline, one [`Activation`] at a time,
//! so that a burst becomes one more run, and one that nothing new caused is followed by a pause
//! (see `throttle`). After a run the [`Schedule`] determines the time of the next: at the
//! resync interval, or sooner, with growing pauses, after a failure.
//!
//! A new revision or a manual trigger resets the backoff of failures; a write that the server
//! rejected waits for other inputs, its retry time, or an operator. A stop lets the writes
//! under way finish, within a deadline, and abandons at once all that has not been written yet;
//! the next start continues from the ledger.

mod backoff;
mod carry_out;
mod check;
mod conditions;
mod console;
pub mod control;
mod disposition;
pub mod endpoints;
pub mod http;
mod liveness;
mod loosened;
pub mod metrics;
pub mod notify;
mod publisher;
pub mod push;
mod rejections;
mod reload;
mod schedule;
pub mod service;
mod signals;
pub mod socket;
mod source;
mod status;
pub mod systemd;
mod throttle;
pub mod view;
pub mod watch;
mod worker;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

pub use backoff::Backoff;
pub use check::check;
pub use console::{Console, NewSettings};
pub use liveness::Liveness;
pub use publisher::StatusPublisher;
pub use rejections::{Rejections, WebhookRejection};
pub use reload::restart;
pub use schedule::Schedule;
pub use status::{ClientCommand, DaemonPhase, DaemonStatus, RejectedSettings};
pub use view::RunView;

pub use crate::sync::TriggerReason;

use control::handed::HandedRun;
use throttle::{RunFinding, Throttle};

use crate::apply::Stop;
use crate::reason::Reason;
use crate::report::exit::Exit;
use crate::source::git::Revision;

/// Requests a run, with the reason for it.
#[derive(Debug, Clone, Default)]
pub struct Trigger(Arc<TriggerState>);

#[derive(Debug, Default)]
struct TriggerState {
    wake: Notify,
    source_changed: AtomicBool,
    is_manual: AtomicBool,
}

impl Trigger {
    /// Requests a run. However many requests arrive during one run, one more run follows.
    pub fn notify(&self) {
        self.0.wake.notify_one();
    }

    /// Requests a run because the source differs from the content that the last run has read.
    pub fn notify_source_changed(&self) {
        self.0.source_changed.store(true, Ordering::Relaxed);
        self.notify();
    }

    /// Requests a run by an operator, which retries everything: a webhook may be replayed, and a
    /// file may be saved every minute.
    pub fn notify_manual(&self) {
        self.0.is_manual.store(true, Ordering::Relaxed);
        self.notify();
    }

    /// Waits for a request.
    pub async fn notified(&self) -> TriggerReason {
        self.0.wake.notified().await;
        let is_new = self.0.source_changed.swap(false, Ordering::Relaxed);
        if self.0.is_manual.swap(false, Ordering::Relaxed) {
            TriggerReason::Manual
        } else if is_new {
            TriggerReason::SourceChanged
        } else {
            TriggerReason::Triggered
        }
    }
}

/// One run of the pipeline, as the worker needs it.
pub trait Activation {
    /// Time between runs if nothing changes.
    fn interval(&self) -> Duration;

    /// A hash of what the last run was made from: settings and files.
    fn inputs(&self) -> u64;

    /// Runs it. A stop lets the writes under way end; a run without any is given up, and
    /// `None` comes of it.
    fn run(
        &mut self,
        stop: &Stop,
        reason: TriggerReason,
    ) -> impl Future<Output = Option<RunOutcome>>;

    /// Waits for a command of a client.
    fn command(&mut self) -> impl Future<Output = HandedRun> {
        std::future::pending()
    }

    /// Carries out the command of a client, between two runs; true if it may have written.
    fn carry_out(&mut self, _command: HandedRun, _stop: &Stop) -> impl Future<Output = bool> {
        std::future::ready(false)
    }
}

/// End of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunOutcome {
    /// Its consequence for the next run.
    pub disposition: Disposition,
    /// Exit code of an equivalent command.
    pub exit: Exit,
    /// In a line, for people: `7 unchanged`, or what went wrong.
    pub summary: String,
    /// Remedy, if the run produced no result.
    pub help: Option<String>,
    /// The revision that was read; `None` for a directory, or if none was read.
    pub revision: Option<Arc<Revision>>,
    /// The state that was read; `None` if the files or the tenant could not be read.
    pub view: Option<Arc<RunView>>,
}

impl RunOutcome {
    /// The failure without its cause, which has a different number every time.
    #[must_use]
    pub fn head(&self) -> &str {
        let summary = &self.summary;
        summary.split_once(": ").map_or(summary, |(head, _)| head)
    }
}

/// Consequence of the end of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// Nothing: the tenant equals the files.
    InSync,
    /// Nothing: what differs is suspended.
    Suspended,
    /// Wait for a new revision or an operator; with the reason.
    Stalled(Reason),
    /// Some of it failed, and may be tried again after this pause.
    Retry(Duration),
    /// It may go better the next time.
    Transient,
}

/// Runs the pipeline until the stop is pulled.
pub async fn work(
    activation: &mut impl Activation,
    trigger: &Trigger,
    schedule: &mut Schedule,
    publisher: &StatusPublisher,
    stop: &Stop,
) {
    let heartbeat = systemd::Heartbeat::of_process(publisher.liveness.clone());
    let mut throttle = Throttle::default();
    let mut reason = TriggerReason::SourceChanged;
    while !stop.is_requested() {
        let begun = publisher.begin();
        let Some(outcome) = heartbeat.during(activation.run(stop, reason)).await else {
            return;
        };
        let finding = RunFinding::of(&outcome, activation.inputs());
        throttle.ended(reason, finding, begun, Instant::now());
        schedule.set_interval(activation.interval());
        let pause = schedule.after(outcome.disposition, fastrand::f64());
        publisher.end(begun, outcome, pause);
        let mut next = NextRun::after(pause);
        reason = next
            .reason(activation, trigger, &throttle, &heartbeat, stop)
            .await;
        if reason != TriggerReason::Interval {
            schedule.reset();
        }
    }
}

/// The next run, as far as it is known.
struct NextRun {
    due: Instant,
    reason: TriggerReason,
}

impl NextRun {
    fn after(pause: Duration) -> Self {
        let now = Instant::now();
        Self {
            due: now.checked_add(pause).unwrap_or(now + FAR_FUTURE),
            reason: TriggerReason::Interval,
        }
    }

    /// Waits until the next run is due or the stop is pulled, and carries out the commands of
    /// clients meanwhile: a stop lets their writes under way end. The run after a command that
    /// may have written publishes what it changed; none follows a plan that was not approved.
    async fn reason(
        &mut self,
        activation: &mut impl Activation,
        trigger: &Trigger,
        throttle: &Throttle,
        heartbeat: &systemd::Heartbeat,
        stop: &Stop,
    ) -> TriggerReason {
        loop {
            let waiting = async {
                tokio::select! {
                    biased;
                    () = stop.requested() => None,
                    () = self.due(trigger, throttle) => None,
                    command = activation.command() => Some(command),
                }
            };
            let Some(command) = heartbeat.between(waiting).await else {
                return self.reason;
            };
            if heartbeat.during(activation.carry_out(command, stop)).await {
                return self.reason.max(TriggerReason::Triggered);
            }
        }
    }

    /// Waits until the next run is due: after its pause, or sooner for a trigger. The triggers
    /// that come meanwhile are all answered by that run.
    async fn due(&mut self, trigger: &Trigger, throttle: &Throttle) {
        loop {
            tokio::select! {
                biased;
                () = sleep_until(self.due) => return,
                heard = trigger.notified() => {
                    self.reason = self.reason.max(heard);
                    self.due = self.due.min(throttle.due(heard, Instant::now()));
                }
            }
        }
    }
}

/// Longer than any daemon runs.
const FAR_FUTURE: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

#[cfg(test)]
mod tests;
