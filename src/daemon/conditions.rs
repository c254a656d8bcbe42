//! The daemon's log of how things are. A condition is logged when it begins, when it
//! changes and when it ends, not in every run: what is new must not be buried.

use std::collections::{BTreeMap, HashMap};

use super::notify::{AlertTracker, Notification, NotificationKind};
use super::view::{Row, State};
use super::{Disposition, RunOutcome, RunView};
use crate::manifest::Name;
use crate::plan::{KnownNames, Resend};
use crate::reason::Reason;
use crate::session::{UnknownNames, check_names, unknown_removals};
use crate::settings::daemon::DaemonSettings;
use crate::text::escaped;

/// Conditions that were logged and are not over.
#[derive(Debug)]
pub(super) struct Conditions {
    known: AlertTracker,
    run: Option<Outcome>,
    /// Mistakes in the files.
    mistakes: Vec<String>,
    /// Unreadable parts of the server's list.
    unreadable: Vec<String>,
    /// Integrations that differ and are left by the policy, and how they differ.
    withheld: BTreeMap<String, String>,
    /// Names in the settings that no integration has.
    names: Option<UnknownNames>,
    /// Names in `allow-removal` that meant nothing in the last run.
    idle_removals: Vec<Name>,
}

/// The most mistakes that are logged of one run: the page has more.
const MOST_MISTAKES: usize = 20;

/// The parts of a run's outcome whose change is logged.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    reason: Option<Reason>,
    is_in_sync: bool,
    text: String,
}

impl Outcome {
    fn of(outcome: &RunOutcome) -> Self {
        let reason = match outcome.disposition {
            Disposition::Stalled(reason) => Some(reason),
            Disposition::InSync
            | Disposition::Suspended
            | Disposition::Retry(_)
            | Disposition::Transient => None,
        };
        let text = match &outcome.view {
            Some(_) => &outcome.summary,
            None => outcome.head(),
        };
        Self {
            reason,
            is_in_sync: outcome.disposition == Disposition::InSync,
            text: text.to_owned(),
        }
    }
}

impl Default for Conditions {
    fn default() -> Self {
        Self {
            known: AlertTracker::including_transient(),
            run: None,
            mistakes: Vec::new(),
            unreadable: Vec::new(),
            withheld: BTreeMap::new(),
            names: None,
            idle_removals: Vec::new(),
        }
    }
}

impl Conditions {
    /// Logs what is new at the end of a run.
    pub(super) fn log(&mut self, outcome: &RunOutcome) {
        let news = self.known.after(outcome);
        let rows = outcome.view.iter().flat_map(|view| &view.rows);
        let rows: HashMap<&str, &Row> = if news.is_empty() {
            HashMap::new()
        } else {
            rows.map(|row| (row.name.as_str(), row)).collect()
        };
        for one in &news {
            match &one.integration {
                Some(name) => log_integration(one, name, rows.get(name.as_str()).copied()),
                // That a run failed is in its summary.
                None if one.kind == NotificationKind::Recovered => {
                    tracing::info!(
                        reason = one.reason.map(Reason::as_str),
                        "runs succeed again"
                    );
                }
                None => {}
            }
        }
        if let Some(view) = &outcome.view {
            self.log_mistakes(view);
            self.log_unreadable(view);
            self.log_withheld(view);
        }
        self.log_run(outcome);
    }

    /// Logs the new errors in the files.
    fn log_mistakes(&mut self, view: &RunView) {
        let errors = view.mistakes.iter().filter(|m| m.severity == "error");
        let errors: Vec<String> = errors
            .map(|m| format!("{}: error[{}]: {}", m.place, m.code, m.message))
            .collect();
        let is_new = |error: &&String| !self.mistakes.contains(error);
        for error in errors.iter().filter(is_new).take(MOST_MISTAKES) {
            tracing::error!("{}", escaped(error));
        }
        self.mistakes = errors;
    }

    /// Logs that the server's list cannot be read whole, and that it can again.
    fn log_unreadable(&mut self, view: &RunView) {
        if view.unreadable == self.unreadable {
            return;
        }
        if view.unreadable.is_empty() {
            tracing::info!("the tenant's list of integrations is complete again");
        } else {
            let error = view.unreadable.join("; ");
            let error = &*escaped(&error);
            tracing::warn!(
                error,
                "the tenant's list of integrations is incomplete: integrations that may already \
                exist are not created"
            );
        }
        self.unreadable.clone_from(&view.unreadable);
    }

    /// Logs the integrations that the policy starts or stops to withhold.
    fn log_withheld(&mut self, view: &RunView) {
        let is_withheld = |row: &&Row| row.reason == Some(Reason::WithheldByPolicy);
        let withheld = view.rows.iter().filter(is_withheld);
        let withheld: BTreeMap<String, String> = withheld
            .map(|row| (row.name.clone(), row.about.join("; ")))
            .collect();
        for (integration, about) in &withheld {
            if self.withheld.get(integration) != Some(about) {
                let about = &*escaped(about);
                tracing::warn!(
                    integration,
                    about,
                    "changes to the integration are withheld by \
                    the policy"
                );
            }
        }
        let before = std::mem::replace(&mut self.withheld, withheld);
        for integration in before.keys() {
            if !self.withheld.contains_key(integration) {
                tracing::info!(
                    integration,
                    "the policy no longer withholds changes to the \
                    integration"
                );
            }
        }
    }

    /// Logs the names in the settings that no longer belong to an integration, when they change. An
    /// integration may be removed while the settings still name it.
    pub(super) fn log_names(&mut self, settings: &DaemonSettings, known: &KnownNames) {
        let run = &settings.run;
        let (chosen, replaced) = (&run.selection, &run.guard.allow_replace);
        let unknown = check_names(chosen, replaced, &Resend::default(), known).err();
        if unknown != self.names {
            match &unknown {
                Some(unknown) => {
                    let help =
                        "remove the name from the settings, or restore the integration's file";
                    tracing::warn!(help, "{unknown}");
                }
                None => {
                    tracing::info!("all names in the settings match integrations again");
                }
            }
        }
        self.names = unknown;
        self.log_removals(unknown_removals(&run.guard.allow_removal, known));
    }

    /// Warns once of each name in `allow-removal` that means nothing. It outlives its
    /// removal, and stops no run.
    fn log_removals(&mut self, idle: Vec<Name>) {
        let is_new = |name: &&Name| !self.idle_removals.contains(name);
        for name in idle.iter().filter(is_new) {
            tracing::warn!("`allow-removal` names {name}, but no integration has this name");
        }
        self.idle_removals = idle;
    }

    fn log_run(&mut self, outcome: &RunOutcome) {
        let now = Outcome::of(outcome);
        let has_written = outcome.view.as_ref().is_some_and(|view| view.plan.applied);
        let persists = self.run.as_ref() == Some(&now) && !has_written;
        let summary = &*escaped(&outcome.summary);
        let help = outcome.help.as_deref();
        if persists {
            tracing::debug!(reason = now.reason.map(Reason::as_str), help, "{summary}");
            return;
        }
        match outcome.disposition {
            Disposition::InSync | Disposition::Suspended => tracing::info!("{summary}"),
            Disposition::Stalled(reason) => {
                tracing::error!(reason = reason.as_str(), help, "{summary}");
            }
            Disposition::Retry(_) | Disposition::Transient => tracing::warn!(help, "{summary}"),
        }
        self.run = Some(now);
    }
}

/// Its texts are escaped already.
fn log_integration(news: &Notification, integration: &str, row: Option<&Row>) {
    let Notification {
        kind,
        integration: _,
        platform,
        reason,
        about,
        attributes,
        repaired,
    } = news;
    let platform = *platform;
    let reason = reason.map(Reason::as_str);
    let error = about.join("; ");
    let attributes = attributes.join(", ");
    let passes = row.is_some_and(|row| row.state == State::Reconciling);
    match kind {
        NotificationKind::Failed if passes => {
            tracing::info!(
                integration,
                platform,
                reason,
                error,
                "integration is waiting"
            );
        }
        NotificationKind::Failed => tracing::error!(
            integration,
            platform,
            reason,
            error,
            "integration needs attention"
        ),
        NotificationKind::NotConverging => tracing::error!(
            integration,
            platform,
            reason,
            error,
            "integration does not converge"
        ),
        // The action that has repaired it is logged.
        NotificationKind::Drift if *repaired => {}
        NotificationKind::Drift => tracing::warn!(
            integration,
            platform,
            attributes,
            "integration has drifted, and the drift is not repaired"
        ),
        NotificationKind::Recovered => {
            tracing::info!(integration, platform, reason, "integration has recovered");
        }
    }
}
