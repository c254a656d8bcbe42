//! Metrics for Prometheus.
//!
//! Labels are closed sets: a word of ours, a platform, a method, a route, a code; never a name,
//! a revision or a text from outside. Every possible series exists from the beginning, except
//! those of requests, so that an alert need not distinguish "none" from "not yet".

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use http::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::WebhookRejection;
use super::disposition::RunFailureCause;
use super::view::{RunView, State};
use super::{DaemonStatus, Disposition};
use crate::net::{ExchangeObserver, Exchanged, TransportErrorKind};
use crate::platform::PLATFORMS;
use crate::reason::Reason;
use crate::report::Counts;

/// The media type of [`Metrics::text`].
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The label of a platform that is not known.
const UNKNOWN: &str = "unknown";

/// In seconds: from a run that finds nothing to slow writes.
const RECONCILE_BUCKETS: [f64; 9] = [0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0];

/// In seconds: up to the time-out of a request.
const REQUEST_BUCKETS: [f64; 9] = [0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0];

type Word = &'static str;
type Seconds = Gauge<f64, AtomicU64>;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabel {
    result: Word,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    reason: Word,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CauseLabel {
    cause: Word,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ActionLabel {
    action: Word,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabels {
    platform: Word,
    state: Word,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: Word,
    route: Word,
    code: String,
}

/// Everything that is counted. Clones share it.
#[derive(Debug, Clone)]
pub struct Metrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    registry: Registry,
    reconciles: Family<ResultLabel, Counter>,
    reconcile_duration: Histogram,
    last_reconcile: Seconds,
    last_success: Seconds,
    interval: Seconds,
    conditions: Family<ReasonLabel, Gauge>,
    last_failure: Family<CauseLabel, Gauge>,
    integrations: Family<StateLabels, Gauge>,
    reasons: Family<ReasonLabel, Gauge>,
    changes: Family<ActionLabel, Gauge>,
    drifted: Gauge,
    not_converging: Gauge,
    suspended: Gauge,
    requests: Family<RequestLabels, Counter>,
    request_duration: Histogram,
    rate_limited: Counter,
    git_fetches: Family<ResultLabel, Counter>,
    notifications: Family<ResultLabel, Counter>,
    rejections: Family<ReasonLabel, Counter>,
}

/// Result of sending a message of notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// It was taken.
    Taken,
    /// It was not, however often it was sent.
    Failed,
    /// Too many waited already: it was never sent.
    Dropped,
}

impl Delivery {
    const ALL: [Self; 3] = [Self::Taken, Self::Failed, Self::Dropped];

    fn word(self) -> Word {
        match self {
            Self::Taken => "success",
            Self::Failed => "failure",
            Self::Dropped => "dropped",
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut inner = Inner {
            registry: Registry::with_prefix("integrationd"),
            reconciles: Family::default(),
            reconcile_duration: Histogram::new(RECONCILE_BUCKETS),
            last_reconcile: Gauge::default(),
            last_success: Gauge::default(),
            interval: Gauge::default(),
            conditions: Family::default(),
            last_failure: Family::default(),
            integrations: Family::default(),
            reasons: Family::default(),
            changes: Family::default(),
            drifted: Gauge::default(),
            not_converging: Gauge::default(),
            suspended: Gauge::default(),
            requests: Family::default(),
            request_duration: Histogram::new(REQUEST_BUCKETS),
            rate_limited: Counter::default(),
            git_fetches: Family::default(),
            notifications: Family::default(),
            rejections: Family::default(),
        };
        inner.register();
        inner.begin();
        Self(Arc::new(inner))
    }
}

impl Inner {
    fn register(&mut self) {
        let version = vec![("version", env!("CARGO_PKG_VERSION"))];
        let it = &mut self.registry;
        it.register("build", "Version of the running daemon", Info::new(version));
        it.register("reconcile", "Runs by result", self.reconciles.clone());
        it.register(
            "reconcile_duration_seconds",
            "Duration of runs",
            self.reconcile_duration.clone(),
        );
        it.register(
            "last_reconcile_timestamp_seconds",
            "End time of the last run",
            self.last_reconcile.clone(),
        );
        it.register(
            "last_success_timestamp_seconds",
            "End time of the last run that ended in sync",
            self.last_success.clone(),
        );
        self.register_state();
        self.register_integrations();
        self.register_requests();
    }

    fn register_state(&mut self) {
        let it = &mut self.registry;
        it.register(
            "interval_seconds",
            "Interval between runs, as it is set",
            self.interval.clone(),
        );
        it.register(
            "condition",
            "1 for the reason of the daemon's state after the last run",
            self.conditions.clone(),
        );
        it.register(
            "last_run_failure",
            "1 for the cause if the last run came to no result",
            self.last_failure.clone(),
        );
    }

    fn register_integrations(&mut self) {
        let it = &mut self.registry;
        it.register(
            "integrations",
            "Integrations by platform and state",
            self.integrations.clone(),
        );
        it.register(
            "integrations_by_reason",
            "Integrations that are not in sync, by reason",
            self.reasons.clone(),
        );
        it.register(
            "plan_changes",
            "Planned actions of the last run, by kind",
            self.changes.clone(),
        );
        it.register(
            "drifted_integrations",
            "Integrations with drift in the last run",
            self.drifted.clone(),
        );
        it.register(
            "not_converging_integrations",
            "Integrations that do not converge",
            self.not_converging.clone(),
        );
        it.register(
            "suspended_integrations",
            "Integrations suspended by their files or by `suspend`",
            self.suspended.clone(),
        );
    }

    fn register_requests(&mut self) {
        let it = &mut self.registry;
        it.register(
            "http_requests",
            "Requests to the tenant, by status or kind of error",
            self.requests.clone(),
        );
        it.register(
            "http_request_duration_seconds",
            "Duration of requests to the tenant",
            self.request_duration.clone(),
        );
        it.register(
            "rate_limited",
            "Requests rejected by the tenant's rate limit",
            self.rate_limited.clone(),
        );
        it.register(
            "git_fetch",
            "Fetches from the git repository, by result",
            self.git_fetches.clone(),
        );
        it.register(
            "notifications",
            "Notification messages by result",
            self.notifications.clone(),
        );
        it.register(
            "rejected_requests",
            "Rejected requests to the page and to webhooks, by reason",
            self.rejections.clone(),
        );
    }

    /// Every series that there can be.
    fn begin(&self) {
        for result in ["success", "stalled", "failure"] {
            self.reconciles
                .get_or_create(&ResultLabel { result })
                .inc_by(0);
        }
        for result in ["success", "failure"] {
            self.git_fetches
                .get_or_create(&ResultLabel { result })
                .inc_by(0);
        }
        for result in Delivery::ALL.map(Delivery::word) {
            self.notifications
                .get_or_create(&ResultLabel { result })
                .inc_by(0);
        }
        for reason in WebhookRejection::ALL.map(WebhookRejection::word) {
            self.rejections
                .get_or_create(&ReasonLabel { reason })
                .inc_by(0);
        }
        self.set_condition(Some(Reason::Starting));
        self.set_failure(None);
        self.show(&RunView::default());
    }

    /// Shows the reason of the daemon's state, in one of the series.
    fn set_condition(&self, current: Option<Reason>) {
        for reason in Reason::ALL {
            let gauge = self.conditions.get_or_create(&label_of(*reason));
            gauge.set(i64::from(Some(*reason) == current));
        }
    }

    /// Shows the cause of a run without a result.
    fn set_failure(&self, current: Option<RunFailureCause>) {
        for cause in RunFailureCause::ALL {
            let label = CauseLabel {
                cause: cause.word(),
            };
            let gauge = self.last_failure.get_or_create(&label);
            gauge.set(i64::from(Some(cause) == current));
        }
    }

    fn show(&self, view: &RunView) {
        let known = PLATFORMS.iter().copied().map(Some);
        for platform in known.chain([None]) {
            for state in State::ALL {
                let labels = StateLabels {
                    platform: platform.map_or(UNKNOWN, |platform| platform.wire),
                    state: state.word(),
                };
                let gauge = self.integrations.get_or_create(&labels);
                gauge.set(number(view.of_platform(platform, state)));
            }
        }
        for reason in Reason::ALL {
            let rows = view.rows.iter().filter(|row| row.reason == Some(*reason));
            let gauge = self.reasons.get_or_create(&label_of(*reason));
            gauge.set(number(rows.count()));
        }
        for (action, count) in actions(view.counts) {
            let gauge = self.changes.get_or_create(&ActionLabel { action });
            gauge.set(number(count));
        }
        self.drifted.set(number(view.drifted));
        self.not_converging.set(number(view.not_converging()));
        self.suspended.set(number(view.suspended));
    }
}

fn label_of(reason: Reason) -> ReasonLabel {
    let reason = reason.as_str();
    ReasonLabel { reason }
}

/// Planned and blocked actions of a plan.
fn actions(counts: Counts) -> [(Word, usize); 7] {
    let Counts {
        create,
        update,
        replace,
        delete,
        withheld,
        unchanged: _,
        suspended: _,
        pending_suspended: _,
        blocked,
        invalid,
    } = counts;
    [
        ("create", create),
        ("update", update),
        ("replace", replace),
        ("delete", delete),
        ("withheld", withheld),
        ("blocked", blocked),
        ("invalid", invalid),
    ]
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl Metrics {
    /// Everything, in the text format of OpenMetrics.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // It fails only where the text cannot grow.
        if encode(&mut text, &self.0.registry).is_err() {
            let _ = writeln!(text);
        }
        text
    }

    /// A run has ended.
    pub(super) fn record_run(&self, status: &DaemonStatus, took: Duration) {
        let Some(last) = &status.last else { return };
        let result = match last.disposition {
            Disposition::InSync | Disposition::Suspended => "success",
            Disposition::Stalled(_) => "stalled",
            Disposition::Retry(_) | Disposition::Transient => "failure",
        };
        let inner = &self.0;
        inner
            .reconciles
            .get_or_create(&ResultLabel { result })
            .inc();
        inner.reconcile_duration.observe(took.as_secs_f64());
        inner.set_condition(status.phase.reason());
        for (gauge, time) in [
            (&inner.last_reconcile, status.at),
            (&inner.last_success, status.succeeded),
        ] {
            if let Some(time) = time {
                gauge.set(time.as_duration().as_secs_f64());
            }
        }
        if let Some(view) = &last.view {
            inner.show(view);
        }
    }

    /// The interval between runs, which a reload may change.
    pub(super) fn set_interval(&self, interval: Duration) {
        self.0.interval.set(interval.as_secs_f64());
    }

    /// The cause of a run without a result; none after any other run.
    pub(super) fn set_failure(&self, cause: Option<RunFailureCause>) {
        self.0.set_failure(cause);
    }

    /// The git repository was asked, with or without success.
    pub fn fetched(&self, success: bool) {
        let result = if success { "success" } else { "failure" };
        let fetches = &self.0.git_fetches;
        fetches.get_or_create(&ResultLabel { result }).inc();
    }

    /// A request to the daemon was rejected.
    pub(super) fn rejected(&self, rejection: WebhookRejection) {
        let reason = rejection.word();
        let rejections = &self.0.rejections;
        rejections.get_or_create(&ReasonLabel { reason }).inc();
    }

    /// A message of notifications has come to its end.
    pub fn notified(&self, delivery: Delivery) {
        let result = delivery.word();
        let notifications = &self.0.notifications;
        notifications.get_or_create(&ResultLabel { result }).inc();
    }
}

impl ExchangeObserver for Metrics {
    fn exchanged(&self, exchanged: &Exchanged<'_>) {
        let Exchanged {
            method,
            template,
            result,
            took,
        } = exchanged;
        let labels = RequestLabels {
            method: match method.as_str() {
                "GET" => "GET",
                "POST" => "POST",
                "PUT" => "PUT",
                "DELETE" => "DELETE",
                _ => "other",
            },
            route: template.0,
            code: code(*result),
        };
        self.0.requests.get_or_create(&labels).inc();
        self.0.request_duration.observe(took.as_secs_f64());
        if *result == Ok(StatusCode::TOO_MANY_REQUESTS) {
            self.0.rate_limited.inc();
        }
    }
}

/// A code that exists, or a word: a server cannot make series of its own.
fn code(result: Result<StatusCode, TransportErrorKind>) -> String {
    match result {
        Ok(status) if status.canonical_reason().is_some() => status.as_str().to_owned(),
        Ok(_) => "other".to_owned(),
        Err(TransportErrorKind::Connect) => "connect".to_owned(),
        Err(TransportErrorKind::Certificate) => "certificate".to_owned(),
        Err(TransportErrorKind::Timeout) => "timeout".to_owned(),
        Err(TransportErrorKind::Broken) => "broken".to_owned(),
    }
}

#[cfg(test)]
#[path = "metrics_tests.rs"]
mod tests;
