//! The document of a run: its plan, and the result of the plan.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value as Json;

use super::approved::PlanDifference;
use super::exit::Exit;
use super::not_compared::{NotCompared, secrets_not_compared};
use super::{Counts, NotConverged, Report, not_converged, script};
use crate::apply::Outcome;
use crate::diagnostic::Diagnostic;
use crate::ledger::Suspensions;
use crate::live::{FailingTest, IntegrationStatus, RemoteId};
use crate::manifest::Until;
use crate::plan::{
    Action, Change, Exceeded, Note, Operation, Plan, PlanDigest, Unmanaged, needed_scripts,
    script_command, with_references,
};
use crate::platform::{Platform, ScriptKind};
use crate::reason::Reason;
use crate::source::git::Revision;
use crate::sync::{Afterwards, Approval, Ending, RunTrigger};
use crate::text::chain;

#[derive(Serialize)]
pub(super) struct RunDocument<'a> {
    version: &'static str,
    time: Timestamp,
    tenant: &'a str,
    source: &'a str,
    revision: Option<&'a Revision>,
    trigger: RunTrigger,
    plan_digest: PlanDigest,
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
    /// `None` if it cannot succeed yet.
    command: Option<String>,
    /// The way to the scripts, where the command alone is not enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

/// The scripts that the actions of a plan need.
fn needed(plan: &Plan) -> Vec<NeededScripts<'_>> {
    let needed = plan.actions.iter().map(|action| {
        let remedy = script::remedy(action);
        NeededScripts {
            integration: &action.name,
            kinds: needed_scripts(action),
            command: remedy.is_none().then(|| script_command(&action.name)),
            remedy,
        }
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
    Unexpected {
        expected: PlanDigest,
        #[serde(skip_serializing_if = "Option::is_none")]
        differences: Option<&'a [PlanDifference]>,
    },
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
            time,
            source,
            revision,
            trigger,
            diagnostics,
            synced,
            differences: _,
        } = report;
        Self {
            version: env!("CARGO_PKG_VERSION"),
            time: *time,
            tenant,
            source,
            revision: revision.as_ref(),
            trigger: *trigger,
            plan_digest: synced.plan.digest,
            diagnostics,
            secrets_not_compared: secrets_not_compared(report.newest_plan()),
            scripts: needed(&synced.plan),
            plan: (&synced.plan).into(),
            result: report.into(),
            exit_code,
        }
    }
}

/// The actions of a plan that write, as its document shows them.
pub(super) fn write_entries(plan: &Plan) -> Vec<Json> {
    let writes = plan.actions.iter().filter(|action| action.kind.is_write());
    let entries = writes.map(|action| serde_json::to_value(ActionEntry::from(action)));
    // It fails only for keys that are no texts, and there are none.
    entries.filter_map(Result::ok).collect()
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
                body: creation.body.shown(),
            },
            Operation::Update {
                id, changes, body, ..
            } => Self::Update {
                id,
                changes,
                body: body.shown(),
            },
            Operation::Delete(deletion) => Self::Delete {
                id: &deletion.id,
                before: deletion.before.to_json(),
                credentials: with_references(&deletion.credentials),
            },
            Operation::Replace {
                deletion,
                changes,
                creation,
            } => Self::Replace {
                id: &deletion.id,
                changes,
                credentials: with_references(&deletion.credentials),
                body: creation.body.shown(),
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
            Ending::Unexpected { expected } => Self::Unexpected {
                expected: *expected,
                differences: report.differences.as_deref(),
            },
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
