//! The status for programs. `format_version` changes when a key changes its meaning
//! or goes away; new keys do not change it.

use serde_json::{Value as Json, json};

use super::{FileMistake, Row, RunView, State, UnmanagedItem};
use crate::daemon::{DaemonStatus, RejectedSettings};
use crate::ledger::history::{Run, RunAction};
use crate::live::RemoteId;
use crate::report::json::{self as report, FORMAT_VERSION};

/// The whole document.
#[must_use]
pub fn status(status: &DaemonStatus) -> Json {
    let DaemonStatus {
        phase,
        last,
        at,
        succeeded,
        view: last_view,
        changed: _,
        runs,
        refused,
    } = status;
    json!({
        "format_version": FORMAT_VERSION,
        "version": env!("CARGO_PKG_VERSION"),
        "state": phase.word(),
        "reason": phase.reason(),
        "summary": last.as_ref().map(|outcome| &outcome.summary),
        "help": last.as_ref().and_then(|outcome| outcome.help.as_ref()),
        "runs": runs,
        "last_reconcile": at.map(|at| at.to_string()),
        "last_success": succeeded.map(|at| at.to_string()),
        "settings_refused": refused.as_deref().map(refusal),
        "seen": last_view.as_deref().map(view),
    })
}

fn refusal(refusal: &RejectedSettings) -> Json {
    let RejectedSettings {
        at,
        why,
        help,
        mistakes,
    } = refusal;
    json!({
        "at": at.to_string(),
        "why": why,
        "help": help,
        "mistakes": mistakes.iter().map(mistake).collect::<Vec<_>>(),
    })
}

fn view(view: &RunView) -> Json {
    let RunView {
        tenant,
        source,
        at,
        rows,
        counts,
        drifted,
        secrets_not_compared,
        suspensions,
        suspended,
        plan: _,
        mistakes,
        unreadable,
        unmanaged,
        history,
    } = view;
    let states = State::ALL.map(|state| (state.word().to_owned(), json!(view.in_state(state))));
    json!({
        "at": at.to_string(),
        "tenant": tenant,
        "source": source,
        "states": Json::Object(states.into_iter().collect()),
        "drifted": drifted,
        "secrets_not_compared": report::secrets_not_compared(secrets_not_compared),
        "suspended": suspended,
        "suspensions": report::suspensions(suspensions),
        "plan": report::counts(*counts),
        "integrations": rows.iter().map(row).collect::<Vec<_>>(),
        "mistakes": mistakes.iter().map(mistake).collect::<Vec<_>>(),
        "unreadable": unreadable,
        "unmanaged": unmanaged.iter().map(unmanaged_item).collect::<Vec<_>>(),
        "history": history.iter().map(run).collect::<Vec<_>>(),
    })
}

fn row(row: &Row) -> Json {
    let Row {
        name,
        platform,
        place,
        id,
        state,
        reason,
        about,
        drift,
        not_compared,
        contested,
        repaired,
        carried,
        failing_tests,
        changed,
        revision,
    } = row;
    json!({
        "name": name,
        "type": platform.map(|platform| platform.wire),
        "file": place.as_ref().map(|(file, _)| file),
        "line": place.as_ref().map(|(_, line)| line),
        "id": id,
        "state": state.word(),
        "reason": reason,
        "about": about,
        "drift": drift,
        "drift_repaired": repaired,
        "contested": contested,
        "secrets_not_compared": not_compared,
        "destinations_carried": report::destinations(carried),
        "failing_tests": failing_tests,
        "last_change": changed.map(|at| at.to_string()),
        "revision": revision,
    })
}

fn mistake(mistake: &FileMistake) -> Json {
    let FileMistake {
        code,
        severity,
        place,
        message,
        help,
    } = mistake;
    json!({
        "code": code,
        "severity": severity,
        "place": place,
        "message": message,
        "help": help,
    })
}

fn unmanaged_item(item: &UnmanagedItem) -> Json {
    let UnmanagedItem {
        id,
        type_name,
        identity,
        status,
        connection,
    } = item;
    json!({
        "id": id,
        "type": type_name,
        "identity": identity,
        "status": status,
        "connection": connection,
    })
}

fn run(run: &Run) -> Json {
    let Run {
        id: _,
        start,
        end,
        actions,
    } = run;
    json!({
        "begun": start.begun.to_string(),
        "ended": end.as_ref().map(|end| end.ended.to_string()),
        "source": start.source,
        "revision": start.revision,
        "outcome": end.as_ref().map(|end| &end.outcome),
        "actions": actions.iter().map(action).collect::<Vec<_>>(),
    })
}

fn action(action: &RunAction) -> Json {
    let RunAction {
        name,
        verb,
        id,
        succeeded,
        what,
        at,
    } = action;
    json!({
        "name": name,
        "action": verb,
        "id": id.as_ref().map(RemoteId::as_str),
        "succeeded": succeeded,
        "what": what,
        "at": at.to_string(),
    })
}
