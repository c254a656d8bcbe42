//! The document of a run: its plan, and the result of the plan.

use serde::Serialize;
use serde_json::{Value as Json, json};

use super::exit::Exit;
use super::not_compared::{NotCompared, secrets_not_compared};
use super::{Counts, NotConverged, Report, not_converged};
use crate::apply::Outcome;
use crate::diagnostic::Diagnostic;
use crate::ledger::Suspensions;
use crate::live::{FailingTest, IntegrationStatus, RemoteId};
use crate::manifest::Until;
use crate::plan::{
    Action, Body, Change, Exceeded, Note, Operation, Plan, Unmanaged, needed_scripts,
    script_command,
};
use crate::platform::{Field, Platform, ScriptKind};
use crate::reason::Reason;
use crate::sync::{Afterwards, Approval, Ending};
use crate::text::chain;
use crate::value::{Object, Value};

#[derive(Serialize)]
pub(super) struct RunDocument<'a> {
    tenant: &'a str,
    source: &'a str,
    diagnostics: &'a [Diagnostic],
    secrets_not_compared: Vec<NotCompared>,
    scripts: Vec<NeededScripts<'a>>,
    plan: PlanEntry<'a>,
    result: ResultEntry<'a>,
    exit_code: Exit,
}

/// Scripts of a manual set-up to run before an action.
#[derive(Serialize)]
struct NeededScripts<'a> {
    integration: &'a str,
    kinds: Vec<ScriptKind>,
    command: String,
}

/// The scripts that the actions of a plan need.
fn needed(plan: &Plan) -> Vec<NeededScripts<'_>> {
    let needed = plan.actions.iter().map(|action| NeededScripts {
        integration: &action.name,
        kinds: needed_scripts(action),
        command: script_command(&action.name),
    });
    needed.filter(|it| !it.kinds.is_empty()).collect()
}

#[derive(Serialize)]
struct PlanEntry<'a> {
    summary: Summary,
    actions: Vec<ActionEntry<'a>>,
    unmanaged: Vec<UnmanagedEntry<'a>>,
    unreadable: Vec<&'a str>,
    suspensions: &'a Suspensions,
    unknown_owners: Vec<&'a str>,
}

#[derive(Serialize)]
struct Summary {
    #[serde(flatten)]
    counts: Counts,
    unselected: usize,
}

#[derive(Serialize)]
struct ActionEntry<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    platform: Option<&'static Platform>,
    file: Option<&'a str>,
    line: Option<usize>,
    #[serde(flatten)]
    operation: OperationEntry<'a>,
    notes: &'a [Note],
}

#[derive(Serialize)]
#[serde(tag = "action", rename_all = "snake_case")]
enum OperationEntry<'a> {
    Unchanged {
        id: &'a RemoteId,
    },
    Create {
        body: Json,
    },
    Update {
        id: &'a RemoteId,
        changes: &'a [Change],
        body: Json,
    },
    Delete {
        id: &'a RemoteId,
        before: Json,
        credentials: Json,
    },
    Replace {
        id: &'a RemoteId,
        changes: &'a [Change],
        credentials: Json,
        body: Json,
    },
    Withheld {
        policy: &'static str,
        would: Box<Self>,
    },
    Suspended {
        reason: &'a str,
        until: Option<Until>,
        would: Box<Self>,
    },
    Blocked {
        code: Reason,
        reason: String,
        help: String,
    },
}

/// A live integration that no file describes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnmanagedItem {
    /// Its id.
    pub id: RemoteId,
    /// The value of its `type`.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Its identity, if that is known.
    pub identity: Option<String>,
    /// Its status.
    pub status: IntegrationStatus,
    /// The key of the connection that it belongs to.
    pub connection: Option<String>,
}

#[derive(Serialize)]
struct UnmanagedEntry<'a> {
    #[serde(flatten)]
    item: UnmanagedItem,
    recorded: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(tag = "result", rename_all = "snake_case")]
enum ResultEntry<'a> {
    Planned,
    NothingToDo,
    Refused {
        reason: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        exceeded: Option<&'a [Exceeded]>,
    },
    Applied {
        outcomes: Vec<OutcomeEntry<'a>>,
        afterwards: Box<AfterwardsEntry<'a>>,
        not_converged: Vec<NotConverged<'a>>,
    },
}

#[derive(Serialize)]
struct OutcomeEntry<'a> {
    name: &'a str,
    action: &'static str,
    id: Option<&'a RemoteId>,
    seconds: f64,
    succeeded: bool,
    #[serde(flatten)]
    end: EndEntry<'a>,
    failing_tests: &'a [FailingTest],
}

#[derive(Serialize)]
#[serde(untagged)]
enum EndEntry<'a> {
    Succeeded { status: &'a IntegrationStatus },
    Failed { error: String, help: &'static str },
}

#[derive(Serialize)]
#[serde(untagged)]
enum AfterwardsEntry<'a> {
    Planned(PlanEntry<'a>),
    Unread { error: String, help: String },
    Skipped,
}

impl<'a> RunDocument<'a> {
    pub(super) fn new(report: &'a Report, exit_code: Exit) -> Self {
        let Report {
            tenant,
            source,
            diagnostics,
            synced,
        } = report;
        Self {
            tenant,
            source,
            diagnostics,
            secrets_not_compared: secrets_not_compared(report.newest_plan()),
            scripts: needed(&synced.plan),
            plan: (&synced.plan).into(),
            result: report.into(),
            exit_code,
        }
    }
}

impl<'a> From<&'a Plan> for PlanEntry<'a> {
    fn from(plan: &'a Plan) -> Self {
        Self {
            summary: Summary {
                counts: Counts::of(plan),
                unselected: plan.unselected,
            },
            actions: plan.actions.iter().map(ActionEntry::from).collect(),
            unmanaged: plan.unmanaged.iter().map(UnmanagedEntry::from).collect(),
            unreadable: plan.unreadable.iter().map(|u| u.reason.as_str()).collect(),
            suspensions: &plan.suspensions,
            unknown_owners: plan.owners.unknown().collect(),
        }
    }
}

impl<'a> From<&'a Action> for ActionEntry<'a> {
    fn from(action: &'a Action) -> Self {
        let origin = action.origin.as_ref();
        Self {
            name: &action.name,
            platform: action.platform,
            file: origin.map(|origin| origin.file.as_str()),
            line: origin.map(|origin| origin.line),
            operation: (&action.kind).into(),
            notes: &action.notes,
        }
    }
}

impl<'a> From<&'a Operation> for OperationEntry<'a> {
    fn from(operation: &'a Operation) -> Self {
        match operation {
            Operation::Unchanged { id } => Self::Unchanged { id },
            Operation::Create(creation) => Self::Create {
                body: body(&creation.body),
            },
            Operation::Update {
                id, changes, body, ..
            } => Self::Update {
                id,
                changes,
                body: self::body(body),
            },
            Operation::Delete(deletion) => Self::Delete {
                id: &deletion.id,
                before: deletion.before.to_json(),
                credentials: object(&deletion.credentials),
            },
            Operation::Replace {
                deletion,
                changes,
                creation,
            } => Self::Replace {
                id: &deletion.id,
                changes,
                credentials: object(&deletion.credentials),
                body: body(&creation.body),
            },
            Operation::Withheld { policy, would } => Self::Withheld {
                policy: policy.as_str(),
                would: Box::new((&**would).into()),
            },
            Operation::Suspended { suspend, would } => Self::Suspended {
                reason: &suspend.reason,
                until: suspend.until,
                would: Box::new((&**would).into()),
            },
            Operation::Blocked(block) => Self::Blocked {
                code: block.reason(),
                reason: block.to_string(),
                help: block.help(),
            },
        }
    }
}

impl From<&Unmanaged> for UnmanagedItem {
    fn from(live: &Unmanaged) -> Self {
        Self {
            id: live.id.clone(),
            type_name: live.type_name.clone(),
            identity: live.identity.clone(),
            status: live.status.clone(),
            connection: live.connection.clone(),
        }
    }
}

impl<'a> From<&'a Unmanaged> for UnmanagedEntry<'a> {
    fn from(live: &'a Unmanaged) -> Self {
        Self {
            item: live.into(),
            recorded: live.recorded.as_deref(),
        }
    }
}

impl<'a> From<&'a Report> for ResultEntry<'a> {
    fn from(report: &'a Report) -> Self {
        let refused = |reason| Self::Refused {
            reason,
            exceeded: None,
        };
        match &report.synced.ending {
            Ending::Planned => Self::Planned,
            Ending::NothingToDo => Self::NothingToDo,
            Ending::Guarded(exceeded) => Self::Refused {
                reason: "guard",
                exceeded: Some(exceeded),
            },
            Ending::Refused(Approval::NotAsked) => refused("not_asked"),
            Ending::Refused(Approval::Declined | Approval::Given) => refused("declined"),
            Ending::Applied {
                outcomes,
                afterwards,
            } => Self::Applied {
                outcomes: outcomes.iter().map(OutcomeEntry::from).collect(),
                afterwards: Box::new(afterwards.into()),
                not_converged: not_converged(&report.synced),
            },
        }
    }
}

impl<'a> From<&'a Outcome> for OutcomeEntry<'a> {
    fn from(outcome: &'a Outcome) -> Self {
        let (end, failing_tests) = match &outcome.result {
            Ok(success) => {
                let status = &success.status;
                let tests = success.failing_tests.as_slice();
                (EndEntry::Succeeded { status }, tests)
            }
            Err(failure) => {
                let (error, help) = (chain(failure), failure.help());
                (EndEntry::Failed { error, help }, failure.failing_tests())
            }
        };
        Self {
            name: &outcome.name,
            action: outcome.verb.as_str(),
            id: outcome.id.as_ref(),
            seconds: outcome.took.as_secs_f64(),
            succeeded: outcome.result.is_ok(),
            end,
            failing_tests,
        }
    }
}

impl<'a> From<&'a Afterwards> for AfterwardsEntry<'a> {
    fn from(afterwards: &'a Afterwards) -> Self {
        match afterwards {
            Afterwards::Planned(second) => Self::Planned((&**second).into()),
            Afterwards::Unread(error) => Self::Unread {
                error: chain(error),
                help: error.help(),
            },
            Afterwards::Skipped => Self::Skipped,
        }
    }
}

/// The body of a request, with references where secrets will stand.
fn body(body: &Body) -> Json {
    let fields = body.platform.fields(body.auto_bootstrap, &body.config);
    let shown = fields.into_iter().map(|(name, field)| {
        let value = match field {
            Field::Type(wire) => wire.into(),
            Field::AutoBootstrap(value) => value.into(),
            Field::Config(config) => object(config),
        };
        (name.to_owned(), value)
    });
    Json::Object(shown.collect())
}

fn object(config: &Object) -> Json {
    let members = config.iter().map(|(key, it)| (key.to_owned(), value(it)));
    Json::Object(members.collect())
}

fn value(value: &Value) -> Json {
    match value {
        Value::Secret(template) => {
            let references: Vec<String> = template.references().map(ToString::to_string).collect();
            json!({ "secret": true, "references": references })
        }
        Value::Hidden(_) => json!({ "secret": true, "references": [] }),
        Value::Object(inner) => object(inner),
        Value::List(items) => Json::Array(items.iter().map(self::value).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => {
            crate::plan::shown(value).unwrap_or(Json::Null)
        }
    }
}
