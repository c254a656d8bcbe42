//! The report for programs. `format_version` changes when a key changes its
//! meaning or goes away; new keys do not change it.

use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use super::not_compared::{self, NotCompared};
use super::{Counts, NotConverged, Report, not_converged};
use crate::apply::Outcome;
use crate::ledger::Suspensions;
use crate::manifest::{Destination, Suspend, Until};
use crate::plan::{
    Action, Body, Change, Creation, DisplayValue, Exceeded, Note, Operation, Plan, Unmanaged,
};
use crate::platform::Field;
use crate::sync::{Afterwards, Approval, Ending};
use crate::text::{chain, escaped_json};
use crate::value::{Object, Value};

/// The version of everything below.
pub const FORMAT_VERSION: u32 = 1;

/// A document as it is printed and served: valid JSON in which no character moves
/// the cursor or reverses a line.
#[must_use]
pub fn printed(document: &Json) -> String {
    escaped_json(&format!("{document:#}\n")).into_owned()
}

/// The document of a command.
pub(super) fn document(document: &impl Serialize) -> String {
    #[derive(Serialize)]
    struct Versioned<'a, D> {
        format_version: u32,
        #[serde(flatten)]
        document: &'a D,
    }
    let versioned = Versioned {
        format_version: FORMAT_VERSION,
        document,
    };
    // It fails only for keys that are no texts, and there are none.
    printed(&serde_json::to_value(versioned).unwrap_or(Json::Null))
}

/// The whole report.
pub(super) fn report(report: &Report, exit_code: u8) -> Json {
    let not_compared = not_compared::secrets_not_compared(report.newest_plan());
    let Report {
        tenant,
        source,
        diagnostics,
        synced,
    } = report;
    json!({
        "tenant": tenant,
        "source": source,
        "diagnostics": diagnostics,
        "secrets_not_compared": secrets_not_compared(&not_compared),
        "plan": plan(&synced.plan),
        "result": result(report),
        "exit_code": exit_code,
    })
}

/// Stored secrets that were not compared.
#[must_use]
pub fn secrets_not_compared(not_compared: &[NotCompared]) -> Vec<Json> {
    let one = |NotCompared { integration, paths }: &_| json!({ "integration": integration, "paths": paths });
    not_compared.iter().map(one).collect()
}

fn plan(plan: &Plan) -> Json {
    let Plan {
        actions,
        unmanaged,
        is_empty_source: _,
        unreadable,
        unselected,
        // The mistakes in the files tell it.
        incomplete: _,
        state_updates: _,
        gone: _,
        managed: _,
        described: _,
        recorded: _,
        disappeared: _,
        unnamed: _,
        suspensions,
        bindings: _,
        owners,
    } = plan;
    let mut summary = counts(Counts::of(plan));
    extend(&mut summary, json!({ "unselected": unselected }));
    json!({
        "summary": summary,
        "actions": actions.iter().map(action).collect::<Vec<_>>(),
        "unmanaged": unmanaged.iter().map(self::unmanaged).collect::<Vec<_>>(),
        "unreadable": unreadable.iter().map(|u| &u.reason).collect::<Vec<_>>(),
        "suspensions": self::suspensions(suspensions),
        "unknown_owners": owners.unknown().collect::<Vec<_>>(),
    })
}

/// What a human has suspended: everything, and by name.
#[must_use]
pub fn suspensions(suspensions: &Suspensions) -> Json {
    let Suspensions { all, names } = suspensions;
    let named = names.iter();
    let named = named.map(|(name, suspend)| (name.clone(), self::suspend(suspend)));
    json!({
        "all": all.as_ref().map(suspend),
        "names": named.collect::<Map<_, _>>(),
    })
}

fn suspend(suspend: &Suspend) -> Json {
    let Suspend { reason, until } = suspend;
    json!({ "reason": reason, "until": until.map(Until::text) })
}

/// How many actions of each kind there are.
#[must_use]
pub fn counts(counts: Counts) -> Json {
    let Counts {
        create,
        update,
        replace,
        delete,
        withheld,
        unchanged,
        suspended,
        pending_suspended,
        blocked,
        invalid,
    } = counts;
    json!({
        "create": create,
        "update": update,
        "replace": replace,
        "delete": delete,
        "withheld": withheld,
        "unchanged": unchanged,
        "suspended": suspended,
        "held": pending_suspended,
        "blocked": blocked,
        "invalid": invalid,
    })
}

fn action(action: &Action) -> Json {
    let Action {
        name,
        platform,
        origin,
        kind,
        notes,
    } = action;
    let mut out = json!({
        "name": name,
        "type": platform.map(|p| p.wire),
        "file": origin.as_ref().map(|o| &o.file),
        "line": origin.as_ref().map(|o| o.line),
    });
    extend(&mut out, details(kind));
    extend(
        &mut out,
        json!({ "notes": notes.iter().map(note).collect::<Vec<_>>() }),
    );
    out
}

/// What is to be done, and with what.
fn details(kind: &Operation) -> Json {
    let changes = |changes: &[Change]| changes.iter().map(change).collect::<Vec<_>>();
    match kind {
        Operation::Unchanged { id } => json!({ "action": "unchanged", "id": id.as_str() }),
        Operation::Create(Creation { body, .. }) => {
            json!({ "action": "create", "body": self::body(body) })
        }
        Operation::Update {
            id,
            changes: list,
            body,
            ..
        } => json!({
            "action": "update",
            "id": id.as_str(),
            "changes": changes(list),
            "body": self::body(body),
        }),
        Operation::Delete(deletion) => json!({
            "action": "delete",
            "id": deletion.id.as_str(),
            "before": deletion.before.to_json(),
            "credentials": object(&deletion.credentials),
        }),
        Operation::Replace {
            deletion,
            changes: list,
            creation,
        } => json!({
            "action": "replace",
            "id": deletion.id.as_str(),
            "changes": changes(list),
            "credentials": object(&deletion.credentials),
            "body": body(&creation.body),
        }),
        Operation::Withheld { policy, would } => json!({
            "action": "withheld",
            "policy": policy.as_str(),
            "would": details(would),
        }),
        Operation::Suspended { suspend, would } => json!({
            "action": "suspended",
            "reason": suspend.reason,
            "until": suspend.until.map(Until::text),
            "would": details(would),
        }),
        Operation::Blocked(block) => json!({
            "action": "blocked",
            "code": block.reason(),
            "reason": block.to_string(),
            "help": block.help(),
        }),
    }
}

fn extend(object: &mut Json, more: Json) {
    if let (Json::Object(object), Json::Object(more)) = (object, more) {
        object.extend(more);
    }
}

fn change(change: &Change) -> Json {
    let Change {
        path,
        kind,
        before,
        after,
        immutable,
        covered: _,
    } = change;
    json!({
        "path": path,
        "kind": kind.as_str(),
        "before": shown(before),
        "after": shown(after),
        "immutable": immutable,
    })
}

/// `null` for what is absent, an object that says so for what is secret.
fn shown(value: &DisplayValue) -> Json {
    match value {
        DisplayValue::Absent => Json::Null,
        DisplayValue::Plain(json) => json.clone(),
        DisplayValue::Hidden => json!({ "secret": true }),
    }
}

/// The body of a request, with references where secrets will stand.
fn body(body: &Body) -> Json {
    let Body {
        platform,
        auto_bootstrap,
        config,
    } = body;
    let fields = platform.fields(*auto_bootstrap, config).into_iter();
    let shown = fields.map(|(name, field)| {
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
    Json::Object(
        config
            .iter()
            .map(|(k, v)| (k.to_owned(), value(v)))
            .collect::<Map<_, _>>(),
    )
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

fn note(note: &Note) -> Json {
    match note {
        Note::Drift(changes) => {
            json!({ "note": "drift", "changes": changes.iter().map(change).collect::<Vec<_>>() })
        }
        Note::DriftIgnored(paths) => json!({ "note": "drift_ignored", "paths": paths }),
        Note::SecretsNotCompared(paths) => {
            json!({ "note": "secrets_not_compared", "paths": paths })
        }
        Note::Health {
            status,
            failing_tests,
        } => json!({
            "note": "health",
            "status": status.as_str(),
            "failing_tests": failing_tests,
        }),
        Note::UnknownCarried(paths) => json!({ "note": "unknown_carried", "paths": paths }),
        Note::DestinationsCarried(destinations) => json!({
            "note": "destinations_carried",
            "destinations": self::destinations(destinations),
        }),
        Note::NoStoredSecrets => json!({ "note": "no_stored_secrets" }),
        Note::RepeatsCreation => json!({ "note": "repeats_creation" }),
        Note::HoldsSecret(paths) => json!({ "note": "holds_secret", "paths": paths }),
        Note::NotShown(paths) => json!({ "note": "not_shown", "paths": paths }),
        Note::SecretsMissing(reasons) => json!({ "note": "secrets_missing", "reasons": reasons }),
    }
}

/// Places to which secrets may be sent; the host is `null` if it is unknown.
#[must_use]
pub fn destinations(destinations: &[Destination]) -> Vec<Json> {
    let one = |d: &Destination| json!({ "path": d.path(), "host": d.host() });
    destinations.iter().map(one).collect()
}

fn unmanaged(live: &Unmanaged) -> Json {
    let Unmanaged {
        id,
        type_name,
        identity,
        status,
        connection,
        recorded,
        owned: _,
    } = live;
    json!({
        "id": id.as_str(),
        "type": type_name,
        "identity": identity,
        "status": status.as_str(),
        "connection": connection,
        "recorded": recorded,
    })
}

fn result(report: &Report) -> Json {
    match &report.synced.ending {
        Ending::Planned => json!({ "result": "planned" }),
        Ending::NothingToDo => json!({ "result": "nothing_to_do" }),
        Ending::Guarded(exceeded) => json!({
            "result": "refused",
            "reason": "guard",
            "exceeded": exceeded.iter().map(self::exceeded).collect::<Vec<_>>(),
        }),
        Ending::Refused(Approval::NotAsked) => {
            json!({ "result": "refused", "reason": "not_asked" })
        }
        Ending::Refused(Approval::Declined | Approval::Given) => {
            json!({ "result": "refused", "reason": "declined" })
        }
        Ending::Applied {
            outcomes,
            afterwards,
        } => json!({
            "result": "applied",
            "outcomes": outcomes.iter().map(outcome).collect::<Vec<_>>(),
            "afterwards": match afterwards {
                Afterwards::Planned(second) => plan(second),
                Afterwards::Unread(error) => {
                    json!({ "error": chain(error), "help": error.help() })
                }
                Afterwards::Skipped => Json::Null,
            },
            "not_converged": not_converged(&report.synced)
                .into_iter()
                .map(|NotConverged { name, changes, will_retry }| json!({
                    "name": name,
                    "changes": changes.iter().map(change).collect::<Vec<_>>(),
                    "will_retry": will_retry,
                }))
                .collect::<Vec<_>>(),
        }),
    }
}

fn exceeded(exceeded: &Exceeded) -> Json {
    let Exceeded {
        what,
        count,
        of,
        allowed,
        percent,
        lift,
        names,
    } = exceeded;
    json!({
        "what": what.as_str(),
        "count": count,
        "of": of,
        "allowed": allowed,
        "percent": percent,
        "lift": lift,
        "names": names,
    })
}

fn outcome(outcome: &Outcome) -> Json {
    let Outcome {
        name,
        verb,
        id,
        result,
        took,
    } = outcome;
    let mut out = json!({
        "name": name,
        "action": verb.as_str(),
        "id": id.as_ref().map(crate::live::RemoteId::as_str),
        "seconds": took.as_secs_f64(),
    });
    extend(
        &mut out,
        match result {
            Ok(success) => json!({
                "succeeded": true,
                "status": success.status.as_str(),
                "failing_tests": &success.failing_tests,
            }),
            Err(failure) => json!({
                "succeeded": false,
                "error": chain(failure),
                "help": failure.help(),
                "failing_tests": failure.failing_tests(),
            }),
        },
    );
    out
}
