//! Connections in the model: who is behind one, what a run could know of that by the
//! answers that it got, and which writes it must then not send. It reads the answers and
//! the simulator for itself, so that it shares no mistake with the tool.

use std::collections::BTreeSet;

use fastrand::Rng;
use integrationd::platform::{Platform, by_wire};
use integrationd::simulator::{ConnectionsApi, FaultKind, SimulatedConnection, Simulator};
use serde_json::Value;

use super::fate::Write;
use super::generator::weighted;
use super::recovery::calm;
use super::scenario::{Change, Deed, Doing, Edit, Front, Scenario, Step, Trouble, Which};
use super::world::live_key;

/// A day: for so long the tool may go by the answer that there are no connections.
const DAY: u64 = 25 * 3600;

/// The technology of the connections that can take an integration of this type over.
pub(super) fn technology(type_name: &str) -> Option<&'static str> {
    match type_name {
        "Snowflake" => Some("Snowflake"),
        "Databricks" => Some("Databricks"),
        "Trino" => Some("Trino"),
        _ => None,
    }
}

/// Puts integrations behind connections, at first and in the course of a scenario.
pub(super) fn connect(scenario: &mut Scenario, rng: &mut Rng) {
    scenario.connected = true;
    scenario.tenant.connections = api(rng);
    for step in &mut scenario.steps {
        if let Step::Sync(sync) = step {
            let troubles = [0, 0, 0, 1, 2][rng.usize(0..5)];
            sync.troubles.extend((0..troubles).map(|_| trouble(rng)));
            if rng.u32(0..6) == 0 {
                sync.meanwhile.push(deed(rng));
            }
        }
    }
    for _ in 0..rng.usize(1..7) {
        let at = rng.usize(0..=scenario.steps.len());
        let step = Step::Deed(deed(rng));
        scenario.steps.insert(at, step);
        if rng.u32(0..4) == 0 {
            // The tool must ask again now.
            let wait = Step::Wait(std::time::Duration::from_secs(DAY));
            scenario.steps.insert(at + 1, wait);
        }
    }
    for _ in 0..rng.usize(0..3) {
        let at = rng.usize(0..=scenario.steps.len());
        scenario.steps.splice(at..at, taken_over(scenario, rng));
    }
    for _ in 0..rng.usize(0..3) {
        let which = rng.usize(0..1000);
        let what = Doing::Connect(front(rng));
        scenario.steps.insert(0, Step::Deed(Deed { which, what }));
    }
}

/// The tool makes an integration, a connection takes it over, and its file changes or goes.
fn taken_over(scenario: &Scenario, rng: &mut Rng) -> Vec<Step> {
    let file = rng.usize(0..1000);
    let run = || Step::Sync(calm(scenario.policy));
    let deed = |what| Step::Deed(Deed { which: file, what });
    let mut steps = vec![run()];
    if rng.bool() {
        let choices = vec![
            (4, ConnectionsApi::Works),
            (2, ConnectionsApi::Forbidden),
            (1, ConnectionsApi::Paged),
        ];
        steps.push(deed(Doing::Api(weighted(rng, choices))));
    }
    steps.push(deed(Doing::Connect(front(rng))));
    if rng.bool() {
        steps.push(Step::Wait(std::time::Duration::from_secs(DAY)));
    }
    if rng.bool() {
        steps.push(run());
    }
    let change = weighted(
        rng,
        vec![
            (3, Change::Remove),
            (3, Change::Rotate { pick: file }),
            (1, Change::Identity { number: 30 }),
        ],
    );
    steps.push(Step::Edit(Edit { file, change }));
    let mut last = calm(scenario.policy);
    last.may_replace = rng.bool();
    if rng.u32(0..3) == 0 {
        last.troubles.push(trouble(rng));
    }
    steps.push(Step::Sync(last));
    if rng.u32(0..3) == 0 {
        steps.push(deed(Doing::Disconnect));
        steps.push(run());
    }
    steps
}

/// The API at first: it may be missing and come later.
fn api(rng: &mut Rng) -> ConnectionsApi {
    let choices = vec![
        (5, ConnectionsApi::Works),
        (2, ConnectionsApi::WithoutBody),
        (3, ConnectionsApi::Missing),
        (1, ConnectionsApi::Html),
        (1, ConnectionsApi::Forbidden),
    ];
    weighted(rng, choices)
}

fn front(rng: &mut Rng) -> Front {
    let shows_technology = rng.bool();
    let choices = vec![
        (6, Front::Named),
        (1, Front::NamesNone { shows_technology }),
        (1, Front::Unreadable { shows_technology }),
    ];
    weighted(rng, choices)
}

fn deed(rng: &mut Rng) -> Deed {
    let which = rng.usize(0..1000);
    let choices = vec![
        (6, Doing::Connect(front(rng))),
        (3, Doing::Disconnect),
        (3, Doing::Api(ConnectionsApi::Works)),
        (1, Doing::Api(api(rng))),
        (1, Doing::Api(ConnectionsApi::Paged)),
    ];
    let what = weighted(rng, choices);
    Deed { which, what }
}

/// A read of connections that goes wrong.
fn trouble(rng: &mut Rng) -> Trouble {
    let code = [500, 502, 503, 504][rng.usize(0..4)];
    let message = "Forbidden".to_owned();
    let choices = vec![
        (
            4,
            FaultKind::ServerError {
                code,
                after_effect: false,
            },
        ),
        (
            2,
            FaultKind::Html {
                after_effect: false,
            },
        ),
        (3, FaultKind::DropAfter),
        (2, FaultKind::Truncate),
        (2, FaultKind::Forbid { message }),
    ];
    Trouble {
        at: Which::Connections,
        nth: rng.usize(0..4),
        times: [1, 1, 100, 100][rng.usize(0..4)],
        kind: weighted(rng, choices),
    }
}

/// Changes the connections of a tenant; false if that makes no sense now.
pub(super) fn done(simulator: &Simulator, which: usize, what: &Doing) -> bool {
    match what {
        Doing::Connect(front) => appears(simulator, which, *front),
        Doing::Disconnect => vanishes(simulator, which),
        Doing::Api(api) => {
            answers(simulator, *api);
            true
        }
        Doing::Change { .. }
        | Doing::Lead { .. }
        | Doing::Unknown { .. }
        | Doing::Remove
        | Doing::Create(_)
        | Doing::Status(_)
        | Doing::Stranger => false,
    }
}

fn appears(simulator: &Simulator, which: usize, front: Front) -> bool {
    let mut live = simulator.state();
    live.retain(|one| one["status"] != "deleted" && technology_of(one).is_some());
    let Some(one) = live.get(which % live.len().max(1)) else {
        return false;
    };
    let technology = technology_of(one).unwrap_or_default();
    let key = format!("Sales & Ops {}", simulator.connections().len());
    let named = SimulatedConnection::new(&key, technology, id_of(one));
    simulator.connect(match front {
        Front::Named => named,
        Front::NamesNone { shows_technology } => SimulatedConnection {
            integration: None,
            shows_technology,
            ..named
        },
        Front::Unreadable { shows_technology } => SimulatedConnection {
            readable: false,
            shows_technology,
            ..named
        },
    });
    true
}

fn vanishes(simulator: &Simulator, which: usize) -> bool {
    let mut all = simulator.connections();
    if all.is_empty() {
        return false;
    }
    all.remove(which % all.len());
    simulator.clear_connections();
    for connection in all {
        simulator.connect(connection);
    }
    true
}

/// Sets how the search for connections is answered from now on.
pub(super) fn answers(simulator: &Simulator, api: ConnectionsApi) {
    let mut options = simulator.options();
    options.connections = api;
    simulator.set_options(options);
}

/// Answer to the search for connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// All of them, and whether there are any.
    Whole { any: bool },
    /// There is no such API.
    Missing,
    /// The tool may not look.
    Denied,
    /// Nothing that says anything.
    Failed,
}

/// Answers of a run about connections, the last one to each question.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    pub(super) search: Option<Told>,
    /// The connections that the search has shown, as they were.
    shown: Vec<SimulatedConnection>,
    /// The keys of those whose details were read.
    read: BTreeSet<String>,
}

impl Asked {
    /// Integrations that the answers say belong to a connection.
    pub(super) fn owned(&self) -> impl Iterator<Item = u64> {
        let is_whole = matches!(self.search, Some(Told::Whole { .. }));
        let shown = self.shown.iter().filter(move |_| is_whole);
        let read = shown.filter(|own| self.read.contains(&own.key));
        read.filter_map(|own| own.integration)
    }

    /// Takes note of an answer; `None` for one that never came.
    pub(super) fn hears(
        &mut self,
        path: &str,
        answer: Option<&http::Response<bytes::Bytes>>,
        simulator: &Simulator,
    ) {
        let code = answer.map_or(0, |answer| answer.status().as_u16());
        let body = answer.map_or(&[][..], |answer| answer.body());
        let is_json = serde_json::from_slice::<Value>(body).is_ok();
        if let Some(key) = path.strip_prefix("/data/connection/") {
            let connections = self.shown.iter().map(|own| own.key.clone());
            let is_it = |own: &String| own.replace(' ', "%20").replace('&', "%26") == key;
            let key: BTreeSet<String> = connections.filter(is_it).collect();
            if code == 200 && is_json {
                self.read.extend(key);
            }
        } else if path == "/data/object/search" {
            let connections = simulator.connections();
            let api = simulator.options().connections;
            let is_whole = matches!(api, ConnectionsApi::Works | ConnectionsApi::WithoutBody);
            let any = !connections.is_empty();
            self.search = Some(match code {
                200 if is_json && is_whole => Told::Whole { any },
                200 if body.starts_with(b"<") => Told::Missing,
                403 => Told::Denied,
                404 => Told::Missing,
                _ => Told::Failed,
            });
            self.shown = connections;
        }
    }
}

/// Complaint about a write that the answers do not allow. `had_some` is true if a run
/// before has seen connections: then it is no answer that there are none.
pub(super) fn complaint(
    write: &Write,
    asked: &Asked,
    had_some: bool,
    simulator: &Simulator,
) -> Option<String> {
    let state = simulator.state();
    let live = |id: u64| state.iter().find(|one| id_of(one) == Some(id));
    let (type_name, id) = match write {
        Write::Create(key) => (key.0, None),
        Write::Update(id, _) | Write::Delete(id) => {
            (live(*id).and_then(|one| one["type"].as_str())?, Some(*id))
        }
    };
    let can_be_owned = technology(type_name).is_some();
    let is_delete = matches!(write, Write::Delete(_));
    // A create doubles an integration at most, and only one that can be owned.
    let may_be_owned = id.is_some() || can_be_owned;
    let (any, why) = match asked.search {
        None => (is_delete && can_be_owned, "nobody asked for connections"),
        Some(Told::Failed) => (may_be_owned, "connections could not be read"),
        Some(Told::Missing | Told::Denied) if had_some => (may_be_owned, "there were connections"),
        Some(Told::Missing) => (false, ""),
        Some(Told::Denied) => (is_delete && can_be_owned, "connections are hidden"),
        Some(Told::Whole { .. }) => (false, ""),
    };
    if any {
        return Some(format!("{write:?} was sent although {why}"));
    }
    if !matches!(asked.search, Some(Told::Whole { .. })) {
        return None;
    }
    let connections = simulator.connections();
    let stays = |shown: &SimulatedConnection| connections.contains(shown);
    let is_its = |shown: &SimulatedConnection| match (shown.integration, write) {
        (Some(own), Write::Update(id, _) | Write::Delete(id)) => own == *id,
        (Some(own), Write::Create(key)) => {
            let is_strong = by_wire(key.0).is_some_and(Platform::pairs_with_certainty);
            let one = live(own).filter(|one| one["status"] != "deleted");
            is_strong && one.and_then(live_key).as_ref() == Some(key)
        }
        (None, _) => false,
    };
    asked.shown.iter().find_map(|shown| {
        let is_read = asked.read.contains(&shown.key);
        let owner = &shown.key;
        if is_read && shown.integration.is_some() {
            let is_wrong = is_its(shown) && stays(shown);
            return is_wrong.then(|| format!("{write:?} was sent although {owner} owns it"));
        }
        let told = (is_read || shown.shows_technology).then_some(shown.technology.as_str());
        let covers = told.is_none() || told == technology(type_name);
        (covers && may_be_owned).then(|| format!("{write:?} was sent although {owner} may own it"))
    })
}

/// True if a connection that does not say what it owns may own an integration of a type.
pub(super) fn may_own(simulator: &Simulator, type_name: &str) -> bool {
    simulator.connections().iter().any(|own| {
        let is_known = own.readable && own.integration.is_some();
        let shows_technology = own.readable || own.shows_technology;
        let is_of_it = technology(type_name) == Some(own.technology.as_str());
        !is_known && (is_of_it || !shows_technology)
    })
}

fn technology_of(one: &Value) -> Option<&'static str> {
    technology(one["type"].as_str()?)
}

fn id_of(one: &Value) -> Option<u64> {
    one["id"].as_str()?.parse().ok()
}
