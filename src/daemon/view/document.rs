//! The document of `/status`.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::{RunView, State};
use crate::daemon::{ClientCommand, DaemonStatus, RejectedSettings};
use crate::reason::Reason;
use crate::report::document::Document;
use crate::report::history::RunEntry;

/// Status of the daemon, with the last state that it read.
#[derive(Serialize)]
pub struct StatusDocument<'a> {
    version: &'static str,
    state: &'static str,
    reason: Option<Reason>,
    summary: Option<&'a str>,
    help: Option<&'a str>,
    runs: u64,
    last_reconcile: Option<Timestamp>,
    last_success: Option<Timestamp>,
    next_reconcile: Option<Timestamp>,
    command: Option<&'a ClientCommand>,
    settings_refused: Option<&'a RejectedSettings>,
    seen: Option<SeenEntry<'a>>,
    #[serde(skip)]
    status: &'a DaemonStatus,
}

#[derive(Serialize)]
struct SeenEntry<'a> {
    at: Timestamp,
    tenant: &'a str,
    source: &'a str,
    states: Map<String, Json>,
    #[serde(flatten)]
    view: &'a RunView,
    history: Vec<RunEntry<'a>>,
}

impl<'a> StatusDocument<'a> {
    /// Of the status as it is published.
    #[must_use]
    pub fn new(status: &'a DaemonStatus) -> Self {
        let last = status.last.as_ref();
        Self {
            version: env!("CARGO_PKG_VERSION"),
            state: status.phase.word(),
            reason: status.phase.reason(),
            summary: last.map(|outcome| outcome.summary.as_str()),
            help: last.and_then(|outcome| outcome.help.as_deref()),
            runs: status.runs,
            last_reconcile: status.at,
            last_success: status.succeeded,
            next_reconcile: status.next,
            command: status.command.as_ref(),
            settings_refused: status.rejected_settings.as_deref(),
            seen: status.view.as_deref().map(SeenEntry::from),
            status,
        }
    }
}

impl Document for StatusDocument<'_> {
    fn text(&self) -> String {
        self.status.line() + "\n"
    }
}

impl<'a> From<&'a RunView> for SeenEntry<'a> {
    fn from(view: &'a RunView) -> Self {
        let count = |state: State| (state.word().to_owned(), view.in_state(state).into());
        Self {
            at: view.at,
            tenant: &view.tenant,
            source: &view.source,
            states: State::ALL.into_iter().map(count).collect(),
            view,
            history: view.history.iter().map(RunEntry::from).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::daemon::view::{FileMistake, Row};
    use crate::ledger::history::{Run, RunAction, RunEnd, RunId, RunStart};
    use crate::live::{IntegrationStatus, RemoteId};
    use crate::manifest::Destination;
    use crate::platform::PLATFORMS;
    use crate::report::format::{OutputFormat, render};
    use crate::report::not_compared::NotCompared;
    use crate::report::run::UnmanagedItem;

    const AT: Timestamp = Timestamp::UNIX_EPOCH;

    fn mistake() -> FileMistake {
        FileMistake {
            code: "E0202",
            severity: "error",
            place: "a.yaml:1:1".to_owned(),
            message: "the type is unknown".to_owned(),
            help: Vec::new(),
        }
    }

    fn row() -> Row {
        Row {
            name: "lake".to_owned(),
            platform: Some(PLATFORMS[0]),
            file: Some("lake.yaml".to_owned()),
            line: Some(1),
            id: None,
            state: State::Stalled,
            reason: Some(Reason::Contested),
            about: Vec::new(),
            drift: Vec::new(),
            repaired: false,
            contested: Vec::new(),
            not_compared: Vec::new(),
            carried: vec![Destination::Unclear {
                path: "host".into(),
            }],
            failing_tests: Vec::new(),
            changed: Some(AT),
            revision: None,
        }
    }

    fn run() -> Run {
        Run {
            id: RunId::NONE,
            start: RunStart {
                begun: AT,
                source: "files".to_owned(),
                revision: None,
            },
            end: Some(RunEnd {
                ended: AT,
                outcome: "applied".to_owned(),
            }),
            actions: vec![RunAction {
                name: "lake".to_owned(),
                verb: "create".to_owned(),
                id: Some(RemoteId::new("7")),
                succeeded: true,
                what: "created".to_owned(),
                at: AT,
            }],
        }
    }

    fn status() -> DaemonStatus {
        let view = RunView {
            tenant: "https://acme.example".to_owned(),
            source: "files".to_owned(),
            rows: vec![row()],
            secrets_not_compared: vec![NotCompared {
                integration: "lake".to_owned(),
                paths: Vec::new(),
            }],
            mistakes: vec![mistake()],
            unmanaged: vec![UnmanagedItem {
                id: RemoteId::new("8"),
                type_name: "Other".to_owned(),
                identity: None,
                status: IntegrationStatus::Enabled,
                connection: None,
            }],
            history: Arc::new(vec![run()]),
            ..RunView::default()
        };
        DaemonStatus {
            rejected_settings: Some(Arc::new(RejectedSettings {
                at: AT,
                why: "the settings are wrong".to_owned(),
                help: "correct them".to_owned(),
                mistakes: Vec::new(),
            })),
            command: Some(ClientCommand {
                name: "sync".to_owned(),
                since: AT,
            }),
            view: Some(Arc::new(view)),
            ..DaemonStatus::default()
        }
    }

    #[test]
    fn status_document_has_these_keys_in_this_order() {
        let status = status();
        let document = render(OutputFormat::Json, &StatusDocument::new(&status));
        let shown = document
            .kept
            .replace(env!("CARGO_PKG_VERSION"), "[VERSION]");
        assert_eq!(shown, include_str!("../../../tests/data/status.json"));
    }
}
