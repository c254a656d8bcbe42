//! Derives news from the earlier alerts and the end of a run.

use std::collections::{BTreeMap, BTreeSet};

use super::{Notification, NotificationKind, attributes, name, sentences};
use crate::daemon::view::{Row, State};
use crate::daemon::{Disposition, RunOutcome, RunView};
use crate::platform::AttributePath;
use crate::reason::{Outlook, Reason};

/// Active alerts. The news of a run is the difference from them.
#[derive(Debug, Clone, Default)]
pub struct AlertTracker {
    reports_busy: bool,
    run: Option<Alert>,
    integrations: BTreeMap<String, AlertState>,
}

/// An alert. It is sent again only if its `key` changes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Alert {
    reason: Reason,
    key: String,
}

/// Alert state of an integration.
#[derive(Debug, Clone, Default)]
struct AlertState {
    alert: Option<Alert>,
    drift: Option<ReportedDrift>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct ReportedDrift {
    paths: Vec<AttributePath>,
    repaired: bool,
}

/// Condition of an integration, as far as notifications are concerned.
enum Condition {
    /// As its file says.
    Healthy,
    /// Something is wrong.
    Failing(NotificationKind, Alert),
    /// The condition is unknown: the alert state remains.
    Unknown,
    /// It is intentionally not written to: neither a failure nor a recovery.
    Ignored,
}

impl AlertTracker {
    /// For a log: an integration that waits for the server is news, too.
    #[must_use]
    pub fn including_transient() -> Self {
        Self {
            reports_busy: true,
            ..Self::default()
        }
    }

    /// Takes the end of a run in; what is news.
    #[must_use]
    pub fn after(&mut self, outcome: &RunOutcome) -> Vec<Notification> {
        let mut news: Vec<Notification> = self.of_run(outcome).into_iter().collect();
        // Without a view nothing is known of the integrations.
        if let Some(view) = &outcome.view {
            for row in &view.rows {
                let state = self.integrations.entry(row.name.clone()).or_default();
                news.extend(state.after(row, self.reports_busy));
            }
            news.extend(self.removed(view));
            self.integrations.retain(|_, state| !state.is_nothing());
        }
        news
    }

    fn of_run(&mut self, outcome: &RunOutcome) -> Option<Notification> {
        let now = of_run(outcome);
        let (alert, about) = now.map_or((None, Vec::new()), |(t, about)| (Some(t), about));
        let before = std::mem::replace(&mut self.run, alert);
        match (&before, &self.run) {
            (Some(before), Some(now)) if before == now => None,
            (_, Some(now)) => Some(Notification::of_run(
                NotificationKind::Failed,
                now.reason,
                &about,
            )),
            (Some(before), None) => {
                let about = [outcome.summary.clone()];
                Some(Notification::of_run(
                    NotificationKind::Recovered,
                    before.reason,
                    &about,
                ))
            }
            (None, None) => None,
        }
    }

    /// Alerts of integrations that no longer exist.
    fn removed(&mut self, view: &RunView) -> Vec<Notification> {
        let there: BTreeSet<&str> = view.rows.iter().map(|row| row.name.as_str()).collect();
        let is_gone = |name: &&String| !there.contains(name.as_str());
        let names: Vec<String> = self.integrations.keys().filter(is_gone).cloned().collect();
        let removed = names.into_iter().filter_map(|removed| {
            let state = self.integrations.remove(&removed)?;
            let reason = state.open()?;
            let about = vec!["the file of the integration was removed".to_owned()];
            Some(Notification {
                integration: Some(name(&removed)),
                ..Notification::of_run(NotificationKind::Recovered, reason, &about)
            })
        });
        removed.collect()
    }
}

/// The alert of the run as a whole.
fn of_run(outcome: &RunOutcome) -> Option<(Alert, Vec<String>)> {
    let summary = || {
        std::iter::once(&outcome.summary)
            .chain(&outcome.help)
            .cloned()
            .collect()
    };
    let alert = |reason, key: &str| Alert {
        reason,
        key: key.to_owned(),
    };
    match (&outcome.view, outcome.disposition) {
        // The summary names the revision, and another one is news.
        (None, Disposition::Stalled(Reason::SourceRefused)) => {
            Some((alert(Reason::SourceRefused, &outcome.summary), summary()))
        }
        (None, Disposition::Stalled(reason)) => Some((alert(reason, outcome.head()), summary())),
        (
            None,
            Disposition::InSync
            | Disposition::Suspended
            | Disposition::Retry(_)
            | Disposition::Transient,
        ) => Some((alert(Reason::NoResult, outcome.head()), summary())),
        (Some(view), Disposition::Stalled(Reason::GuardRefused)) => {
            let requested = requested(view);
            Some((
                alert(Reason::GuardRefused, &requested),
                vec![outcome.summary.clone(), requested],
            ))
        }
        (Some(view), Disposition::Stalled(reason)) if !view.rows.iter().any(has_alert) => {
            let about = of_files(view);
            Some((alert(reason, &about.join("\n")), about))
        }
        (
            Some(_),
            Disposition::Stalled(_)
            | Disposition::InSync
            | Disposition::Suspended
            | Disposition::Retry(_)
            | Disposition::Transient,
        ) => None,
    }
}

/// The changes that the guard was to approve.
fn requested(view: &RunView) -> String {
    let counts = view.counts;
    format!(
        "{} to create, {} to update, {} to replace, {} to delete",
        counts.create, counts.update, counts.replace, counts.delete
    )
}

/// Problems that belong to no integration.
fn of_files(view: &RunView) -> Vec<String> {
    let errors = view.mistakes.iter().filter(|m| m.severity == "error");
    let errors = errors.map(|m| format!("{}: {}: {}", m.place, m.code, m.message));
    errors.chain(view.unreadable.iter().cloned()).collect()
}

fn has_alert(row: &Row) -> bool {
    matches!(condition(row, false), Condition::Failing(..))
}

fn condition(row: &Row, reports_busy: bool) -> Condition {
    match (row.state, row.reason) {
        // Someone else has restored the value, and may change it again: the alert state remains.
        (State::Ready, _) if !row.contested.is_empty() => Condition::Unknown,
        (State::Ready, _) => Condition::Healthy,
        (State::Suspended, _) | (_, Some(Reason::WithheldByPolicy)) => Condition::Ignored,
        (_, None) => Condition::Unknown,
        (_, Some(Reason::Busy)) if reports_busy => {
            let (reason, key) = (Reason::Busy, String::new());
            Condition::Failing(NotificationKind::Failed, Alert { reason, key })
        }
        (_, Some(reason)) if reason.outlook() == Outlook::Quiet => Condition::Unknown,
        (_, Some(Reason::NotConverging)) => {
            // In the next run it is blocked for it, and not compared.
            let (reason, key) = (Reason::NotConverging, String::new());
            Condition::Failing(NotificationKind::NotConverging, Alert { reason, key })
        }
        (_, Some(reason)) => {
            // Their messages can be other ones each time; which tests fail is what counts.
            let mut tests: Vec<&str> = row.failing_tests.iter().map(|t| t.name.as_str()).collect();
            tests.sort_unstable();
            let key = tests.join("\n");
            Condition::Failing(NotificationKind::Failed, Alert { reason, key })
        }
    }
}

impl AlertState {
    fn after(&mut self, row: &Row, reports_busy: bool) -> Vec<Notification> {
        let before = self.open();
        let condition = condition(row, reports_busy);
        let mut news = Vec::new();
        let is_healthy = matches!(condition, Condition::Healthy);
        // It may be drift, or a value that the server rewrites: the next run shows which.
        let mut is_reported = row.reason == Some(Reason::Retrying);
        match condition {
            Condition::Healthy | Condition::Ignored => self.alert = None,
            Condition::Unknown => {}
            Condition::Failing(kind, alert) => {
                is_reported = kind == NotificationKind::NotConverging;
                if self.alert.as_ref() != Some(&alert) {
                    news.push(failure(row, kind, alert.reason));
                    self.alert = Some(alert);
                }
            }
        }
        // What does not converge differs by that, and it is one piece of news.
        if !is_reported {
            news.extend(self.drifted(row));
        }
        if let Some(reason) = before.filter(|_| is_healthy && self.open().is_none()) {
            news.push(of_row(row, NotificationKind::Recovered, Some(reason)));
        }
        news
    }

    /// The drift of an integration, if it differs from the one reported.
    fn drifted(&mut self, row: &Row) -> Option<Notification> {
        if row.drift.is_empty() {
            // What is blocked is not compared.
            let is_compared = match (row.state, row.reason) {
                (State::Ready, _) => true,
                (State::Suspended, reason) => reason.is_none_or(|word| word == Reason::Pending),
                (State::Stalled | State::Reconciling, _) => false,
            };
            if is_compared {
                self.drift = None;
            }
            return None;
        }
        let now = ReportedDrift {
            paths: row.drift.clone(),
            repaired: row.repaired,
        };
        let before = self.drift.replace(now);
        (before != self.drift).then(|| Notification {
            attributes: attributes(&row.drift),
            repaired: row.repaired,
            ..of_row(row, NotificationKind::Drift, None)
        })
    }

    /// The reason of what is not over.
    fn open(&self) -> Option<Reason> {
        let alert = self.alert.as_ref().map(|alert| alert.reason);
        let drift = self.drift.as_ref().filter(|drift| !drift.repaired);
        alert.or(drift.map(|_| Reason::Drift))
    }

    fn is_nothing(&self) -> bool {
        let Self { alert, drift } = self;
        alert.is_none() && drift.is_none()
    }
}

fn failure(row: &Row, kind: NotificationKind, reason: Reason) -> Notification {
    let tests = row.failing_tests.iter();
    let tests = tests.map(|test| format!("{}: {}", test.name, test.message));
    let about: Vec<String> = row.about.iter().cloned().chain(tests).collect();
    // What is blocked has no drift of its own.
    let paths = if row.contested.is_empty() {
        &row.drift
    } else {
        &row.contested
    };
    Notification {
        about: sentences(&about),
        attributes: attributes(paths),
        ..of_row(row, kind, Some(reason))
    }
}

fn of_row(row: &Row, kind: NotificationKind, reason: Option<Reason>) -> Notification {
    Notification {
        kind,
        integration: Some(name(&row.name)),
        platform: row.platform.map(|platform| platform.wire),
        reason,
        about: Vec::new(),
        attributes: Vec::new(),
        repaired: false,
    }
}
