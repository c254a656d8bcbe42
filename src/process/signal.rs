//! The signals that ask a sync to end, and how far it has come by then.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

/// SIGINT and SIGTERM, and later SIGHUP. From here on none of them ends the process by
/// itself. A signal that cannot be listened to goes on doing so.
pub(crate) struct RunSignals {
    interrupt: Option<Signal>,
    terminate: Option<Signal>,
    hangup: Option<Signal>,
}

impl RunSignals {
    /// Begins to listen.
    pub(crate) fn listen() -> Self {
        Self {
            interrupt: signal(SignalKind::interrupt()).ok(),
            terminate: signal(SignalKind::terminate()).ok(),
            hangup: None,
        }
    }

    /// Waits for the next one.
    async fn next(&mut self) {
        let Self {
            interrupt,
            terminate,
            hangup,
        } = self;
        tokio::select! {
            () = received(interrupt) => {}
            () = received(terminate) => {}
            () = received(hangup) => {}
        }
    }

    /// Waits for the first one. Those of a run that writes come with it.
    pub(crate) async fn first(&mut self, writing: &mut oneshot::Receiver<Writing>) {
        tokio::select! {
            () = self.next() => {}
            Ok(Writing(hangup)) = writing => {
                self.hangup = hangup;
                self.next().await;
            }
        }
    }

    /// Waits for another one.
    pub(crate) async fn second(&mut self, writing: &mut oneshot::Receiver<Writing>) {
        if let Ok(Writing(hangup)) = writing.try_recv() {
            self.hangup = hangup;
        }
        self.next().await;
    }
}

/// A run writes from now on. A terminal that is closed must not cut a write in half
/// either; before, SIGHUP does what it always does.
pub(crate) struct Writing(Option<Signal>);

/// Phase of a run: before it writes or reports its result, a signal aborts it. Either the run
/// continues or the signal wins, never both.
#[derive(Clone)]
pub(crate) struct RunPhase(Arc<Mutex<Stage>>);

enum Stage {
    /// Before the first write; the receiver waits for signals and learns when writing begins.
    Reading(oneshot::Sender<Writing>),
    Writing,
    Reporting,
    Aborted,
}

/// Effect of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InterruptedPhase {
    /// Nothing was written, and nothing will be.
    Reading,
    /// Writes are under way.
    Writing,
    /// It is at its end.
    Reporting,
}

impl RunPhase {
    pub(crate) fn new() -> (Self, oneshot::Receiver<Writing>) {
        let (sender, receiver) = oneshot::channel();
        let stage = Mutex::new(Stage::Reading(sender));
        (Self(Arc::new(stage)), receiver)
    }

    fn stage(&self) -> std::sync::MutexGuard<'_, Stage> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It writes from now on; what was left where it is finds the stop pulled.
    pub(crate) fn begin_writes(&self) {
        let mut stage = self.stage();
        if matches!(*stage, Stage::Reading(_))
            && let Stage::Reading(waiting) = std::mem::replace(&mut *stage, Stage::Writing)
        {
            // After the run, nothing waits for signals.
            let _ = waiting.send(Writing(signal(SignalKind::hangup()).ok()));
        }
    }

    /// Starts the report of the result; true if it is still wanted.
    pub(crate) fn begin_report(&self) -> bool {
        let mut stage = self.stage();
        match *stage {
            Stage::Aborted => false,
            Stage::Reading(_) | Stage::Writing | Stage::Reporting => {
                *stage = Stage::Reporting;
                true
            }
        }
    }

    /// Aborts the run, if it has not started to write.
    pub(crate) fn try_abort(&self) -> InterruptedPhase {
        let mut stage = self.stage();
        match *stage {
            Stage::Reading(_) | Stage::Aborted => {
                *stage = Stage::Aborted;
                InterruptedPhase::Reading
            }
            Stage::Writing => InterruptedPhase::Writing,
            Stage::Reporting => InterruptedPhase::Reporting,
        }
    }
}

async fn received(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}
