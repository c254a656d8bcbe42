//! Signals of the daemon.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch as published;

use super::http::Tls;
use super::reload::Reload;
use super::{Trigger, systemd};

/// SIGHUP reloads the settings and triggers a run. SIGTERM and SIGINT request the stop; a
/// second one ends the process at once.
pub(super) struct DaemonSignals {
    hangup: Option<Signal>,
    terminate: Option<Signal>,
    interrupt: Option<Signal>,
}

impl DaemonSignals {
    /// From now on they end nothing by themselves.
    pub(super) fn listen() -> Self {
        let listen = |kind| signal(kind).ok();
        Self {
            hangup: listen(SignalKind::hangup()),
            terminate: listen(SignalKind::terminate()),
            interrupt: listen(SignalKind::interrupt()),
        }
    }

    /// Waits for a request to end.
    pub(super) async fn stop_requested(&mut self) {
        tokio::select! {
            Some(()) = received(&mut self.terminate) => {}
            Some(()) = received(&mut self.interrupt) => {}
            else => std::future::pending().await,
        }
    }

    pub(super) async fn handle(
        &mut self,
        trigger: &Trigger,
        reload: &Reload,
        tls: &[Tls],
        stop: &published::Sender<bool>,
    ) {
        loop {
            tokio::select! {
                Some(()) = received(&mut self.hangup) => {
                    systemd::reloading();
                    tracing::info!("reloading the settings and starting a run");
                    tokio::select! {
                        () = reload.again(tls) => {}
                        // No longer of use: it ends.
                        () = self.stop_requested() => if request_stop(stop) { return } else { continue },
                    }
                    trigger.notify_manual();
                    systemd::ready();
                }
                Some(()) = received(&mut self.terminate) => if request_stop(stop) { return },
                Some(()) = received(&mut self.interrupt) => if request_stop(stop) { return },
            }
        }
    }
}

async fn received(signal: &mut Option<Signal>) -> Option<()> {
    match signal {
        Some(signal) => signal.recv().await,
        None => std::future::pending().await,
    }
}

/// Pulls the stop; whether it was pulled before.
fn request_stop(stop: &published::Sender<bool>) -> bool {
    tracing::info!("stopping: no new writes are started; waiting for the writes in progress");
    systemd::stopping();
    stop.send_replace(true)
}
