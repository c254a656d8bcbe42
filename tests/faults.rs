//! Every fault of the simulator at every request that the pipeline sends.
//!
//! One cell of the matrix is a start, a request and a fault. It is run once with
//! the fault, then without it until nothing is left to do. Whatever happens,
//! nothing is created twice, nothing is lost, no secret is shown, and it
//! converges. What the first run comes to is in the snapshots, the same for
//! every platform.

use std::collections::BTreeSet;

use integrationd::apply::ActionFailure;
use integrationd::plan::{Block, Operation};
use integrationd::simulator::{FaultKind, LoggedRequest, SimulatedDrift, SimulatedStatus};
use integrationd::sync::SyncError;

use crate::fault_kinds::{Call, KINDS, concerns, samples, word};
use crate::in_process::{Auth, Ran, Run, writes};
use crate::payload::Case;
use crate::world::{STARTS, Start, World, cases};

#[test]
fn every_kind_of_fault_is_in_the_matrix() {
    let sampled: BTreeSet<&str> = samples("x").iter().map(word).collect();
    assert_eq!(sampled, BTreeSet::from(KINDS));
    for kind in samples("x") {
        let json = serde_json::to_value(&kind).unwrap();
        let own = json.as_str().unwrap_or_else(|| {
            let object = json.as_object().unwrap();
            object.keys().next().unwrap()
        });
        assert_eq!(word(&kind), own, "the word is that of the wire");
    }
}

/// One cell: the line about the result of the first run.
async fn cell(
    case: Case,
    start: Start,
    call: Call,
    kind: &FaultKind,
    auth: Auth,
    always: bool,
) -> String {
    let world = World::new(case, start);
    let fault = call.once(kind.clone(), start);
    let fault = if always { fault.always() } else { fault };
    let times = if always { "always" } else { "once" };
    let told = serde_json::to_string(kind).unwrap();
    let told = told.replace(&world.attribute, "…").replace('"', "");
    let context = format!("{case:?} {auth:?} {start:?} {call:?} {times} {told}");
    world.simulator.fault(fault);

    let first = Run::of(&world.texts, &world.simulator)
        .auth(auth)
        .sync()
        .await;
    let writes = writes(&world.simulator);
    world.is_sound(&first, &context);
    let met = concerns(kind, call) && (call != Call::Exchange || auth == Auth::Token);
    if !always {
        let waits = !world.simulator.faults().is_empty();
        assert_eq!(
            waits, !met,
            "{context}: the fault was not met, or should not be"
        );
    }
    if first.result.is_err() {
        assert!(writes.is_empty(), "{context}: written without a list");
    }
    let line = format!("{call:?} {times} {told}: {}", summary(&first, &writes));

    if *kind == FaultKind::Stuck && met {
        // Nothing but an operator at the server ends this.
        let ours = world.ours();
        let id = ours[0]["id"].as_str().unwrap().parse().unwrap();
        let end = SimulatedDrift::status(id, SimulatedStatus::Enabled);
        world.simulator.drift(end).unwrap();
    }
    world.recover(&context).await;
    let log = world.simulator.log();
    let created = log.iter().filter(|e| is_create(e) && e.effect).count();
    assert_eq!(created, usize::from(start == Start::Absent), "{context}");
    line
}

fn is_create(entry: &LoggedRequest) -> bool {
    entry.method == "POST" && entry.path == "/integrations"
}

/// Result of a run in one line: the writes, with the response and a mark for an effect, and the
/// end.
fn summary(ran: &Ran, writes: &[LoggedRequest]) -> String {
    let sent: Vec<String> = writes
        .iter()
        .map(|entry| {
            let answer = entry.answer.map_or("-".to_owned(), |code| code.to_string());
            let effect = if entry.effect { "!" } else { "" };
            format!("{} {answer}{effect}", entry.method)
        })
        .collect();
    let end = match &ran.result {
        Err(SyncError::Tenant(error)) => format!("no plan: {}", error.operation()),
        Err(SyncError::Ledger(error)) => format!("no ledger: {error}"),
        Err(SyncError::Files(error)) => format!("no files: {error}"),
        Ok(_) if ran.is_proved() => "proved".to_owned(),
        Ok(report) => {
            let mut words: Vec<String> = ran.failures().into_iter().map(failed).collect();
            let actions = &report.synced.plan.actions;
            words.extend(actions.iter().filter_map(|action| match &action.kind {
                Operation::Blocked(block) => Some(format!("blocked: {}", blocked(block))),
                Operation::Unchanged { .. }
                | Operation::Create(_)
                | Operation::Update { .. }
                | Operation::Replace { .. }
                | Operation::Delete(_)
                | Operation::Withheld { .. }
                | Operation::Suspended { .. } => None,
            }));
            if words.is_empty() {
                words.push("differs afterwards".to_owned());
            }
            words.join(", ")
        }
    };
    format!("[{}] {end}", sent.join(", "))
}

/// The kind of a failure: its words may change.
fn failed(failure: &ActionFailure) -> String {
    let code = failure
        .rejection()
        .map(|rejection| rejection.code.to_string());
    match failure {
        ActionFailure::NotStarted => "not started".to_owned(),
        ActionFailure::Suspended => "suspended".to_owned(),
        ActionFailure::MissingSecret(_) => "missing secret".to_owned(),
        ActionFailure::Unread(error) => format!("unread: {}", error.operation()),
        ActionFailure::NotWrittenDown(_) => "not written down".to_owned(),
        ActionFailure::NotRecorded(_) => "not recorded".to_owned(),
        ActionFailure::Unclear(_) => "unclear".to_owned(),
        ActionFailure::Changed { what, .. } => format!("changed: {what}"),
        ActionFailure::Unbound(_) => "unbound".to_owned(),
        ActionFailure::Appeared { id } => format!("{id} appeared"),
        ActionFailure::Gone { id } => format!("{id} is gone"),
        ActionFailure::Refused(error) => {
            format!(
                "refused: {}",
                code.unwrap_or_else(|| error.operation().to_owned())
            )
        }
        ActionFailure::NotEditable(_) => "not editable".to_owned(),
        ActionFailure::Unconfirmed(_) => "unconfirmed".to_owned(),
        ActionFailure::Server {
            status,
            failing_tests,
        } => format!("ended in {status}, {} tests failed", failing_tests.len()),
        ActionFailure::NotDeleted { status } => format!("not deleted, but {status}"),
        ActionFailure::NotRecreated { .. } => "not created again".to_owned(),
        ActionFailure::TimedOut { status, .. } => format!("still {status}"),
        ActionFailure::Unfollowed(error) => format!("not followed: {}", error.operation()),
        ActionFailure::Interrupted { status } => format!("interrupted in {status:?}"),
    }
}

/// The kind of a block.
fn blocked(block: &Block) -> &'static str {
    match block {
        Block::Busy { .. } => "busy",
        Block::Disabled { .. } => "disabled",
        Block::UnknownScope { .. } => "unknown",
        Block::OwnedByConnection { .. }
        | Block::OwnersUnknown { .. }
        | Block::InvalidFile
        | Block::EmptyFile { .. }
        | Block::AmbiguousLive { .. }
        | Block::AmbiguousFiles { .. }
        | Block::PinMissing { .. }
        | Block::PinType { .. }
        | Block::PinIdentity { .. }
        | Block::NeedsPin { .. }
        | Block::NeedsName { .. }
        | Block::NeverUpdated { .. }
        | Block::UnknownOutcome { .. }
        | Block::Conflict { .. }
        | Block::NotDeleted(_)
        | Block::NotConverging { .. }
        | Block::Contested { .. }
        | Block::Replacement { .. }
        | Block::Moved { .. }
        | Block::BackingOff { .. }
        | Block::SecretNotGiven { .. }
        | Block::ValueHidden { .. }
        | Block::Unbound(_)
        | Block::MissingSecret { .. } => "for another reason",
    }
}

/// A share of the matrix: the lines of the cells whose number leaves this
/// remainder, and nothing for the others.
#[derive(Clone, Copy)]
struct Share {
    remainder: usize,
    of: usize,
}

const WHOLE: Share = Share {
    remainder: 0,
    of: 1,
};

async fn matrix(
    case: Case,
    start: Start,
    auth: Auth,
    always: bool,
    share: Share,
) -> Vec<Option<String>> {
    let samples = samples(&World::new(case, start).attribute);
    let calls = Call::of(start).iter();
    let cells = calls.flat_map(|call| samples.iter().map(move |kind| (*call, kind)));
    let mut lines = Vec::new();
    // Impossible combinations are skipped.
    for (number, (call, kind)) in cells.enumerate() {
        if !concerns(kind, call) && always {
            continue;
        }
        lines.push(if number % share.of == share.remainder {
            let line = cell(case, start, call, kind, auth, always).await;
            concerns(kind, call).then_some(line)
        } else {
            None
        });
    }
    lines
}

/// Fails where a share comes to something else than the whole.
#[track_caller]
fn is_part_of(share: &[Option<String>], whole: &[Option<String>]) {
    assert_eq!(share.len(), whole.len());
    let both = share.iter().zip(whole);
    let mut known = 0;
    for (own, whole) in both.filter(|(own, _)| own.is_some()) {
        assert_eq!(own, whole);
        known += 1;
    }
    assert!(known > 0, "the share is empty");
}

/// Every cell for one platform; the others have a share of it each.
async fn same_for_all(always: bool) {
    let cases = cases();
    let [first, others @ ..] = cases.as_slice() else {
        panic!("no platform has an identity");
    };
    for start in STARTS {
        let whole = matrix(*first, start, Auth::Token, always, WHOLE).await;
        let times = if always { "always" } else { "once" };
        let lines: Vec<&str> = whole.iter().flatten().map(String::as_str).collect();
        insta::assert_snapshot!(format!("{times}_{start:?}"), lines.join("\n"));
        for (remainder, case) in others.iter().enumerate() {
            let of = others.len();
            let share = Share { remainder, of };
            is_part_of(
                &matrix(*case, start, Auth::Token, always, share).await,
                &whole,
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn single_fault_is_survived_by_every_platform_alike() {
    same_for_all(false).await;
}

#[tokio::test(start_paused = true)]
async fn lasting_fault_is_survived_by_every_platform_once_it_ends() {
    same_for_all(true).await;
}

#[tokio::test(start_paused = true)]
async fn fault_is_survived_with_a_key_as_with_a_token() {
    let case = cases()[0];
    let share = Share {
        remainder: 1,
        of: 4,
    };
    // Without a token there is nothing to exchange and nothing that expires.
    let same = |line: &Option<String>| {
        let line = line.as_deref();
        line.is_none_or(|line| !line.starts_with("Exchange") && !line.contains("expire_token"))
    };
    for start in STARTS {
        let mut with_key = matrix(case, start, Auth::Key, false, share).await;
        let mut with_token = matrix(case, start, Auth::Token, false, share).await;
        with_key.retain(same);
        with_token.retain(same);
        is_part_of(&with_key, &with_token);
    }
}
