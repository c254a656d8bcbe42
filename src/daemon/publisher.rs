//! Publishes the worker's status: one value, and the metrics.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::metrics::Metrics;
use super::push::RunEvents;
use super::{ClientCommand, DaemonStatus, Liveness, RejectedSettings, RunOutcome};
use crate::net::{ExchangeObserver, Exchanged};

/// Everything that the worker publishes.
#[derive(Debug, Clone, Default)]
pub struct StatusPublisher {
    status: watch::Sender<DaemonStatus>,
    /// The metrics.
    pub metrics: Metrics,
    /// Liveness of the worker.
    pub liveness: Liveness,
    /// Events of a run, for the clients that triggered it.
    pub events: RunEvents,
}

impl StatusPublisher {
    /// Nothing has happened.
    #[must_use]
    pub fn new(metrics: Metrics) -> Self {
        Self {
            metrics,
            ..Self::default()
        }
    }

    /// Current and future statuses of the worker.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<DaemonStatus> {
        self.status.subscribe()
    }

    /// A step of the run has ended.
    pub fn record_progress(&self) {
        self.liveness.progress.record();
    }

    /// Settings were read: they are refused, or in force.
    pub fn settings(&self, rejected: Option<RejectedSettings>) {
        self.status.send_if_modified(|status| {
            let is_news = status.rejected_settings.is_some() || rejected.is_some();
            status.rejected_settings = rejected.map(Arc::new);
            is_news
        });
    }

    /// A command of a client begins, or has ended.
    pub(super) fn command(&self, command: Option<ClientCommand>) {
        self.status.send_modify(|status| status.command = command);
    }

    /// A run begins.
    pub(super) fn begin(&self) -> Instant {
        self.status.send_modify(DaemonStatus::begin);
        self.events.begun();
        Instant::now()
    }

    /// A run has ended, and the next is due after this pause.
    pub(super) fn end(&self, begun: Instant, outcome: RunOutcome, pause: Duration) {
        let took = begun.elapsed();
        let (exit, summary) = (outcome.exit, outcome.summary.clone());
        if let Some(help) = &outcome.help {
            self.events
                .text(&format!("error: {summary}\n help: {help}\n"));
        }
        self.status.send_modify(|status| {
            status.end(outcome, pause);
            // Before the status is visible, so that its readers find both.
            self.metrics.record_run(status, took);
        });
        self.events.ended(exit, &summary);
    }
}

impl ExchangeObserver for StatusPublisher {
    fn exchanged(&self, exchanged: &Exchanged<'_>) {
        self.record_progress();
        self.metrics.exchanged(exchanged);
    }
}
