//! Keeps a tenant in sync without anyone at a keyboard.
//!
//! Triggers carry no data: each rings a [`Bell`], which only says "look again", and
//! whether it is a human who does.
//! One worker runs the pipeline, one [`Activation`] at a time, so that a burst
//! becomes one more run, and one that nothing new caused is followed by a pause (see
//! `throttle`). After a run the [`Schedule`] says when to look again by
//! itself: at the resync interval, or sooner and later again after a failure.
//!
//! A new revision, and whoever rings, resets the backoff of what failed; what the server
//! refused waits for other inputs, its time, or a human. A stop lets the writes under
//! way end, within a deadline, and gives up at once what has not written yet; what is
//! left is carried on by the next start, through the ledger.

mod backoff;
mod board;
mod conditions;
mod console;
mod disposition;
pub mod endpoints;
pub mod http;
mod loosened;
pub mod metrics;
pub mod notify;
mod pulse;
pub mod push;
mod rejections;
mod reload;
mod schedule;
pub mod service;
mod signals;
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
pub use board::Board;
pub use console::{Console, NewSettings};
pub use pulse::Pulse;
pub use rejections::{Rejections, WebhookRejection};
pub use reload::restart;
pub use schedule::Schedule;
pub use status::{DaemonPhase, DaemonStatus, RejectedSettings};
pub use view::RunView;

use throttle::{RunFinding, Throttle};

use crate::apply::Stop;
use crate::reason::Reason;
use crate::report::exit::Exit;
use crate::source::git::Revision;

/// Says "look again", and whether a human does.
#[derive(Debug, Clone, Default)]
pub struct Bell(Arc<Chime>);

#[derive(Debug, Default)]
struct Chime {
    rung: Notify,
    is_new: AtomicBool,
    by_a_human: AtomicBool,
}

impl Bell {
    /// Asks for a run. However often it rings during one run, one more follows.
    pub fn ring(&self) {
        self.0.rung.notify_one();
    }

    /// The same, by somebody who has seen that the source is another one than the last
    /// run has read.
    pub fn ring_for_news(&self) {
        self.0.is_new.store(true, Ordering::Relaxed);
        self.ring();
    }

    /// The same, by a human who wants everything tried: a webhook may be replayed, and
    /// a file may be saved every minute.
    pub fn ask(&self) {
        self.0.by_a_human.store(true, Ordering::Relaxed);
        self.ring();
    }

    /// Waits until it rings.
    pub async fn rung(&self) -> Occasion {
        self.0.rung.notified().await;
        let is_new = self.0.is_new.swap(false, Ordering::Relaxed);
        if self.0.by_a_human.swap(false, Ordering::Relaxed) {
            Occasion::Asked
        } else if is_new {
            Occasion::New
        } else {
            Occasion::Triggered
        }
    }
}

/// Reason for a run. Of two reasons the greater one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Occasion {
    /// It was due.
    Due,
    /// Something may be new: what failed is tried again, but not what was refused.
    Triggered,
    /// The source is another one than the last run has read.
    New,
    /// A human asks: everything is tried.
    Asked,
}

impl Occasion {
    /// The word for it in the log.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Due => "interval",
            Self::New => "source-changed",
            Self::Triggered => "triggered",
            Self::Asked => "manual",
        }
    }
}

/// One run of the pipeline, as the worker needs it.
pub trait Activation {
    /// How often to look although nothing is new.
    fn interval(&self) -> Duration;

    /// A hash of what the last run was made from: settings and files.
    fn inputs(&self) -> u64;

    /// Runs it. A stop lets the writes under way end; a run without any is given up, and
    /// `None` comes of it.
    fn run(&mut self, stop: &Stop, occasion: Occasion) -> impl Future<Output = Option<RunOutcome>>;
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunOutcome {
    /// What is to be done about it.
    pub disposition: Disposition,
    /// How a command that did the same would have exited.
    pub exit: Exit,
    /// In a line, for people: `7 unchanged`, or what went wrong.
    pub summary: String,
    /// What helps, where it came to no result.
    pub help: Option<String>,
    /// What was read; `None` for a directory, or if nothing was.
    pub revision: Option<Arc<Revision>>,
    /// What was seen; `None` if the files or the tenant could not be read.
    pub seen: Option<Arc<RunView>>,
}

impl RunOutcome {
    /// The failure without its cause, which has a different number every time.
    #[must_use]
    pub fn head(&self) -> &str {
        let summary = &self.summary;
        summary.split_once(": ").map_or(summary, |(head, _)| head)
    }
}

/// What is to be done about the end of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// Nothing: the tenant equals the files.
    InSync,
    /// Nothing: what differs is suspended.
    Suspended,
    /// Nothing but to wait for a new revision or a human; the reason.
    Stalled(Reason),
    /// Some of it failed, and may be tried again after this pause.
    Retry(Duration),
    /// It may go better the next time.
    Transient,
}

/// Runs the pipeline until the stop is pulled.
pub async fn work(
    activation: &mut impl Activation,
    bell: &Bell,
    schedule: &mut Schedule,
    board: &Board,
    stop: &Stop,
) {
    let heartbeat = systemd::Heartbeat::of_process(board.pulse.clone());
    let mut throttle = Throttle::default();
    let mut occasion = Occasion::New;
    while !stop.is_requested() {
        let begun = board.begin();
        let Some(ran) = heartbeat.during(activation.run(stop, occasion)).await else {
            return;
        };
        let finding = RunFinding::of(&ran, activation.inputs());
        throttle.ended(occasion, finding, begun, Instant::now());
        schedule.set_interval(activation.interval());
        let pause = schedule.after(ran.disposition, fastrand::f64());
        board.end(begun, ran, pause);
        tokio::select! {
            biased;
            () = stop.requested() => {}
            next = heartbeat.between(next_occasion(bell, &throttle, pause)) => occasion = next,
        }
        if occasion != Occasion::Due {
            schedule.reset();
        }
    }
}

/// Waits until the next run is due: after this pause, or sooner for a trigger. The
/// triggers that come meanwhile are all answered by that run.
async fn next_occasion(bell: &Bell, throttle: &Throttle, pause: Duration) -> Occasion {
    let now = Instant::now();
    let mut due = now.checked_add(pause).unwrap_or(now + FAR_FUTURE);
    let mut occasion = Occasion::Due;
    loop {
        tokio::select! {
            biased;
            () = sleep_until(due) => return occasion,
            heard = bell.rung() => {
                occasion = occasion.max(heard);
                due = due.min(throttle.due(heard, Instant::now()));
            }
        }
    }
}

/// Longer than any daemon runs.
const FAR_FUTURE: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

#[cfg(test)]
mod tests;
