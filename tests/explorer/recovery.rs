//! Everything goes well again: what must be so in the end.

use std::time::Duration;

use integrationd::ledger::{Ledger, Record};
use integrationd::plan::{
    Action, Block, Note, OnConflict, OnDrift, Operation, Plan, Policy, Undeletable, UnknownOutcome,
};
use integrationd::platform::{Attribute, AttributePath, Class, Scalar};
use integrationd::simulator::{SimulatedDrift, SimulatedStatus};
use serde_json::Value;

use super::checks::{complaints, doubles};
use super::document::Document;
use super::excuses::{Standing, clashes, judge};
use super::run::{Keeper, Ran, run};
use super::scenario::{End, Sync};
use super::world::{World, contested};

/// By then whatever was under way has come to its end.
const PAUSE: Duration = Duration::from_secs(900);

/// So many repairs of one attribute are made before it is contested.
const REPAIRS: usize = 3;

/// So many runs have to be enough.
const ROUNDS: usize = 6;

/// A run in which everything goes well.
pub(super) fn calm(policy: Policy) -> Sync {
    Sync {
        troubles: Vec::new(),
        end: End::Itself,
        meanwhile: Vec::new(),
        on_drift: OnDrift::Apply,
        on_conflict: OnConflict::Apply,
        policy,
        operator: false,
        may_replace: false,
        parallelism: 4,
        wait: PAUSE,
        saves: Vec::new(),
    }
}

/// Result of the recovery.
pub(super) struct Recovered {
    pub(super) complaints: Vec<String>,
    /// Final state of each file.
    pub(super) standings: Vec<Standing>,
    pub(super) trace: Vec<String>,
}

/// Runs the tool until it has nothing left to do, and checks the result.
pub(super) async fn recover(
    world: &mut World,
    keeper: &Keeper,
    (policy, token): (Policy, bool),
    set_back: Duration,
) -> Recovered {
    let mut recovered = Recovered {
        complaints: Vec::new(),
        standings: Vec::new(),
        trace: Vec::new(),
    };
    tokio::time::sleep(PAUSE + set_back).await;
    free_the_stuck(world);
    world.mend_connections();
    for _ in 0..ROUNDS {
        let before = keeper.ledger();
        let ran = run(world, keeper, &calm(policy), token).await;
        world.after(&keeper.ledger(), &ran);
        recovered.trace.push("recovery".to_owned());
        recovered.trace.extend(ran.trace.iter().cloned());
        recovered
            .complaints
            .extend(complaints(world, &before, &calm(policy), &ran));
        if !recovered.complaints.is_empty() {
            return recovered;
        }
        if ran.sent.is_empty() {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    // What is contested was rightly left, and an operator ends it.
    let ledger = keeper.ledger();
    for (name, id) in contested(&ledger) {
        let times = world.times_disturbed(id);
        if times <= REPAIRS {
            let complaint = format!("{name} is contested, and was changed {times} times");
            recovered.complaints.push(complaint);
        }
    }
    if contested(&ledger).next().is_some() {
        let by_operator = Sync {
            operator: true,
            ..calm(policy)
        };
        let ran = run(world, keeper, &by_operator, token).await;
        world.after(&keeper.ledger(), &ran);
        recovered.trace.push("an operator".to_owned());
        recovered.trace.extend(ran.trace.iter().cloned());
        tokio::time::sleep(PAUSE).await;
    }
    let ran = run(world, keeper, &calm(policy), token).await;
    recovered.trace.push("the end".to_owned());
    recovered.trace.extend(ran.trace.iter().cloned());
    look(world, &keeper.ledger(), &ran, &mut recovered);
    recovered
}

/// Ends the states that the server never ends by itself, as its operator would.
fn free_the_stuck(world: &World) {
    for (id, one) in world.live() {
        let word = one["status"].as_str().unwrap_or_default();
        if ["creating", "editing", "deleting"].contains(&word) {
            let end = SimulatedDrift::status(id, SimulatedStatus::Enabled);
            world.simulator.drift(end).unwrap();
        }
    }
}

fn look(world: &World, ledger: &Ledger, ran: &Ran, recovered: &mut Recovered) {
    recovered.complaints.extend(ran.complaints.iter().cloned());
    recovered.complaints.extend(doubles(world));
    recovered.complaints.extend(lost(world));
    let plan = match &ran.report {
        Some(Ok(report)) => &report.synced.plan,
        Some(Err(error)) => {
            recovered.complaints.push(format!("the end: {error}"));
            return;
        }
        None => {
            recovered.complaints.push("the end never came".to_owned());
            return;
        }
    };
    for document in &world.documents {
        let Some(action) = action_of(plan, document) else {
            let complaint = format!("{document} is not in the plan");
            recovered.complaints.push(complaint);
            continue;
        };
        let standing = judge(world, ledger, document, action);
        match &standing {
            Standing::InSync => {
                let differing = differing(world, document, action);
                recovered.complaints.extend(differing);
            }
            Standing::Excused(_) => {}
            Standing::Inexcusable(why) => {
                recovered.complaints.push(format!("not in sync: {why}"));
            }
        }
        recovered.standings.push(standing);
    }
    recovered.complaints.extend(undeleted(world, ledger, plan));
    let all_are_in_sync = recovered.standings.iter().all(|s| *s == Standing::InSync);
    if all_are_in_sync && !ran.sent.is_empty() {
        let complaint = format!("nothing was left to do, and it sent {:?}", ran.sent);
        recovered.complaints.push(complaint);
    }
    if all_are_in_sync && !ledger.intents.is_empty() && world.foreign_keys.is_empty() {
        let names: Vec<_> = ledger.intents.keys().collect();
        recovered
            .complaints
            .push(format!("intents stay open: {names:?}"));
    }
}

fn action_of<'p>(plan: &'p Plan, document: &Document) -> Option<&'p Action> {
    let is_of_it = |a: &&Action| {
        let file = a.origin.as_ref().map(|origin| origin.file.as_str());
        file == Some(document.path().as_str())
    };
    plan.actions.iter().find(is_of_it)
}

/// Integrations that should have been deleted and without an excuse were not.
fn undeleted(world: &World, ledger: &Ledger, plan: &Plan) -> Vec<String> {
    let mut undeleted = Vec::new();
    // The guard refuses that.
    if world.documents.is_empty() {
        return undeleted;
    }
    for action in plan.actions.iter().filter(|action| action.origin.is_none()) {
        let Some(record) = ledger.records.get(&action.name) else {
            continue;
        };
        let is_excused = match &action.kind {
            Operation::Suspended { .. } => record.state.removal.suspend.is_some(),
            Operation::Blocked(block) => may_stay(world, ledger, record, block),
            _ => false,
        };
        if !is_excused {
            undeleted.push(format!("{} is not deleted: {:?}", action.name, action.kind));
        }
    }
    undeleted
}

fn may_stay(world: &World, ledger: &Ledger, record: &Record, block: &Block) -> bool {
    let mut documents = world.documents.iter();
    match block {
        Block::NotDeleted(Undeletable::Protected { .. }) => record.state.removal.protect,
        Block::NotDeleted(Undeletable::Frozen { .. }) => {
            documents.any(|d| d.is_broken() || clashes(world, d))
        }
        // Another document has taken the place of its own, in a file that still exists.
        Block::NotDeleted(Undeletable::NotRemoved { .. }) => {
            let file = record.state.file.as_deref();
            documents.any(|d| Some(d.path().as_str()) == file)
        }
        Block::NotDeleted(Undeletable::CredentialsNotKept { .. }) => {
            let kept = &record.state.removal.credentials;
            kept.is_empty() || kept.values().any(Value::is_null)
        }
        Block::MissingSecret { .. } => world.retired.iter().any(|d| d.lacks_secret),
        Block::Unbound(_) => world.leads_elsewhere(&record.type_name),
        Block::OwnersUnknown { .. } => world.may_be_owned(&record.type_name),
        Block::Disabled { .. } => true,
        Block::UnknownOutcome {
            outcome: UnknownOutcome::Tie { .. },
            ..
        } => !ledger.intents.is_empty(),
        _ => false,
    }
}

/// Integrations that disappeared although no one removed them, and values set by others that
/// the tool did not keep.
fn lost(world: &World) -> Vec<String> {
    let live = world.live();
    let stays = |id: &u64| live.iter().any(|(own, _)| own == id);
    let others = world
        .foreign
        .iter()
        .filter(|id| world.contested.is_empty() && !world.taken.contains(id));
    let gone = world.strangers.iter().chain(others).filter(|id| !stays(id));
    let mut lost: Vec<String> = gone.map(|id| format!("integration {id} is gone")).collect();
    for theirs in &world.theirs {
        let Some((id, one)) = live.iter().find(|(id, _)| *id == theirs.id) else {
            continue;
        };
        let is_said = |d: &Document| d.says(&theirs.path) || d.unsaid.contains_key(&theirs.path);
        // A file that is gone may have taken the attribute over before.
        let mark = world.marks.get(id);
        let mut retired = world.retired.iter().filter(|d| mark == Some(&d.mark()));
        if world.documents.iter().any(is_said) || retired.any(is_said) {
            continue;
        }
        let now = one.pointer(&format!("/config/{}", theirs.path));
        if now != Some(&theirs.value) {
            lost.push(format!(
                "somebody set {} of integration {id} to {}, and now it is {now:?}",
                theirs.path, theirs.value
            ));
        }
    }
    lost
}

/// In what a live integration differs from its file although the plan is empty.
fn differing(world: &World, document: &Document, action: &Action) -> Vec<String> {
    let Operation::Unchanged { id } = &action.kind else {
        return Vec::new();
    };
    let all = world.live();
    let Some((number, live)) = all.iter().find(|(own, _)| own.to_string() == id.as_str()) else {
        return vec![format!(
            "{document} is paired with {id}, which is not there"
        )];
    };
    if document.is_strong() && world.live_of(&document.key()).len() != 1 {
        return vec![format!("{document} is there more than once, or not")];
    }
    let not_compared: Vec<&AttributePath> = action
        .notes
        .iter()
        .flat_map(|note| match note {
            Note::SecretsNotCompared { paths } => paths.iter(),
            _ => [].iter(),
        })
        .collect();
    let is_overtaken = world.overtaken.contains(&document.key());
    let is_contested = world.foreign.contains(number) && world.contested.contains(&document.key());
    let is_theirs = document.lacks_secret
        || world.foreign.contains(number)
        || document.renamed_in_silence
        || world.misled.contains(&document.key());
    let mut differing = Vec::new();
    let attributes = document.platform().attributes;
    let own = &document.payload["config"];
    walk(
        "",
        attributes,
        own,
        &live["config"],
        &mut |path, attribute, wanted, found| {
            if document.ignored.contains(path) || is_same(document, attribute, wanted, found) {
                return;
            }
            let is_hidden = not_compared.iter().any(|own| *own == path);
            // There is no fingerprint of an object of which nothing is known.
            let is_opaque = wanted.is_object();
            let is_secret = document.class(attribute) == Class::Secret;
            let may_be_old = is_contested || (is_secret && is_overtaken);
            if !may_be_old && !(is_hidden && (is_theirs || is_opaque)) {
                differing.push(format!("{document}: {path} is {found:?} and not {wanted}"));
            }
        },
    );
    if !is_theirs && !is_overtaken {
        // What is ignored was the server's before it was taken out.
        let unsaid = document.unsaid.iter();
        for (path, said) in unsaid.filter(|(path, _)| !document.ignored.contains(*path)) {
            let found = live.pointer(&format!("/config/{path}"));
            let attribute = document.platform().attribute(path).unwrap();
            if found == Some(said) && !is_default(attribute, said) {
                differing.push(format!("{document}: {path} was taken out, and is {said}"));
            }
        }
    }
    differing
}

type Visit<'v> = &'v mut dyn FnMut(&str, &'static Attribute, &Value, Option<&Value>);

fn walk(
    prefix: &str,
    attributes: &'static [Attribute],
    own: &Value,
    live: &Value,
    visit: Visit<'_>,
) {
    for (key, wanted) in own.as_object().into_iter().flatten() {
        let path = format!("{prefix}{key}");
        let attribute = attributes.iter().find(|a| a.name == key).unwrap();
        let found = live.get(key);
        if attribute.children().is_empty() {
            visit(&path, attribute, wanted, found);
        } else {
            let inner = found.unwrap_or(&Value::Null);
            walk(
                &format!("{path}/"),
                attribute.children(),
                wanted,
                inner,
                visit,
            );
        }
    }
}

fn is_same(
    document: &Document,
    attribute: &Attribute,
    wanted: &Value,
    found: Option<&Value>,
) -> bool {
    match document.class(attribute) {
        Class::OneTime | Class::ServerSet => true,
        Class::Identity | Class::Mutable | Class::Immutable | Class::Secret => {
            found == Some(wanted)
        }
    }
}

pub(super) fn is_default(attribute: &Attribute, found: &Value) -> bool {
    attribute.default.is_some_and(|default| match default {
        Scalar::Text(text) => found == text,
        Scalar::Integer(number) => *found == number,
        Scalar::Bool(truth) => *found == truth,
    })
}
