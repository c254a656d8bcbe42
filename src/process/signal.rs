//! The signals that ask a sync to end, and how far it has come by then.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use crate::apply::Stop;

/// SIGINT and SIGTERM, and later SIGHUP. From here on none of them ends the process by
/// itself. A signal that cannot be listened to goes on doing so.
pub(crate) struct RunSignals {
    interrupt: Option<Signal>,
    terminate: Option<Signal>,
    hangup: Option<Signal>,
    /// The stop of a client for which the daemon carries out the command: the signals are the
    /// daemon's.
    client: Option<Stop>,
}

impl RunSignals {
    /// Listens to a client alone. It can stop the command once.
    pub(crate) fn of_client(stop: Stop) -> Self {
        Self {
            interrupt: None,
            terminate: None,
            hangup: None,
            client: Some(stop),
        }
    }

    /// Begins to listen.
    pub(crate) fn listen() -> Self {
        Self {
            interrupt: signal(SignalKind::interrupt()).ok(),
            terminate: signal(SignalKind::terminate()).ok(),
            hangup: None,
            client: None,
        }
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) {
        let Self {
            interrupt,
            terminate,
            hangup,
            client,
        } = self;
        tokio::select! {
            () = received(interrupt) => {}
            () = received(terminate) => {}
            () = received(hangup) => {}
            () = stopped(client) => {}
        }
    }

    /// Takes over the signal that a run listens to from its first write on.
    fn take(&mut self, Writing(hangup): Writing) {
        if self.interrupt.is_some() || self.terminate.is_some() {
            self.hangup = hangup;
        }
    }

    /// Waits for the first one. Those of a run that writes come with it.
    pub(crate) async fn first(&mut self, writing: &mut oneshot::Receiver<Writing>) {
        tokio::select! {
            () = self.next() => {}
            Ok(begun) = writing => {
                self.take(begun);
                self.next().await;
            }
        }
    }

    /// Waits for another one.
    pub(crate) async fn second(&mut self, writing: &mut oneshot::Receiver<Writing>) {
        if let Ok(begun) = writing.try_recv() {
            self.take(begun);
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

/// Waits for the stop, which comes once.
async fn stopped(client: &mut Option<Stop>) {
    match client {
        Some(stop) => stop.requested().await,
        None => std::future::pending().await,
    }
    *client = None;
}
