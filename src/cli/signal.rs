//! The signals that ask a running apply to end.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGINT, SIGTERM, and SIGHUP: a terminal that is closed must not cut a write
/// in half either. From here on none of them ends the process by itself.
pub(super) struct Signals([Option<Signal>; 3]);

impl Signals {
    /// Begins to listen.
    pub(super) fn listen() -> Self {
        let kinds = [
            SignalKind::interrupt(),
            SignalKind::terminate(),
            SignalKind::hangup(),
        ];
        // A signal that cannot be listened to goes on ending the process.
        Self(kinds.map(|kind| signal(kind).ok()))
    }

    /// Waits for the next one.
    pub(super) async fn next(&mut self) {
        let Self([interrupt, terminate, hangup]) = self;
        tokio::select! {
            () = received(interrupt) => {}
            () = received(terminate) => {}
            () = received(hangup) => {}
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
