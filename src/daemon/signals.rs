//! Signals of the daemon.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch as published;

use super::http::Tls;
use super::reload::Reload;
use super::{Trigger, systemd};

/// SIGHUP reads the settings again and triggers a run. SIGTERM and SIGINT pull the stop;
/// a second one ends at once, whatever is under way.
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

    /// Waits until somebody asks for the end.
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
                    tracing::info!("asked to read the settings and to look again");
                    tokio::select! {
                        () = reload.again(tls) => {}
                        // Of no use any more: it ends.
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
    tracing::info!("asked to end: no new write, those under way are finished");
    systemd::stopping();
    stop.send_replace(true)
}
