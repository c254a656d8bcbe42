//! A tenant with neighbours, a file, and what holds of them at every time.

use std::time::Duration;

use integrationd::platform::{Attribute, Class, PLATFORMS, Platform, Rule};
use integrationd::simulator::{Seed, SimulatedStatus, Simulator};
use serde_json::Value;

use crate::in_process::{Ran, Run};
use crate::payload::{Case, every_case, put, texts_of, value};
use crate::texts::Texts;

/// State of the tenant for the file at the start of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// It has no such integration.
    Absent,
    /// It has the integration, with one attribute that differs.
    Differs,
    /// It has the integration, and its creation failed.
    CreateError,
}

pub(crate) const STARTS: [Start; 3] = [Start::Absent, Start::Differs, Start::CreateError];

/// The platforms with certain matches, each set up in a way that has secrets.
pub(crate) fn cases() -> Vec<Case> {
    let has_secrets = |case: &&Case| texts_of(case.platform, &case.payload()).values().count() > 0;
    let all = every_case();
    let of = |platform: &&'static Platform| {
        let mut own = all.iter().filter(|case| case.platform == *platform);
        own.find(has_secrets).copied()
    };
    let certain = PLATFORMS.iter().filter(|p| p.pairs_with_certainty());
    certain.filter_map(of).collect()
}

/// A tenant with two neighbours, and a file.
pub(crate) struct World {
    pub(crate) simulator: Simulator,
    pub(crate) texts: Texts,
    pub(crate) case: Case,
    /// Content of the file.
    pub(crate) payload: Value,
    /// An attribute that can be compared and holds a text.
    pub(crate) attribute: String,
    neighbours: Vec<Value>,
    neighbour_secrets: Vec<String>,
}

/// The identity of another integration: everything that must be unique is another.
pub(crate) fn neighbour(case: &Case) -> Value {
    let mut payload = case.payload();
    let unique = case
        .platform
        .rules
        .iter()
        .map(|Rule::Unique(name, _)| *name);
    let names = unique.chain(case.platform.pairing_attribute());
    for name in names {
        let attribute = case.platform.attribute(name).unwrap();
        put(&mut payload, name, value(attribute, 7));
    }
    payload
}

impl World {
    pub(crate) fn new(case: Case, start: Start) -> Self {
        let simulator = Simulator::default();
        let beside = neighbour(&case);
        simulator.seed(seed(&case, &beside));
        simulator.seed(Seed::new("Trino", None, None));
        let neighbours = simulator.state();
        let payload = case.payload();
        let is_text = |path: &str| {
            payload
                .pointer(&format!("/config/{path}"))
                .unwrap()
                .is_string()
        };
        let mut comparable = case.comparable();
        comparable.retain(|(path, a)| is_text(path) && a.class == Class::Mutable);
        let (attribute, other) = comparable[0].clone();
        let mut live = payload.clone();
        put(&mut live, &attribute, value(other, 2));
        match start {
            Start::Absent => {}
            Start::Differs => {
                simulator.seed(seed(&case, &live));
            }
            Start::CreateError => {
                simulator.seed(seed(&case, &live).status(SimulatedStatus::CreateError));
            }
        }
        let neighbour_secrets = texts_of(case.platform, &beside);
        Self {
            texts: texts_of(case.platform, &payload),
            simulator,
            case,
            payload,
            attribute,
            neighbours,
            neighbour_secrets: neighbour_secrets.values().map(str::to_owned).collect(),
        }
    }

    /// Any world, for what does not depend on the platform.
    pub(crate) fn any(start: Start) -> Self {
        Self::new(cases()[0], start)
    }

    /// The integrations that the file means, as they are stored.
    pub(crate) fn ours(&self) -> Vec<Value> {
        let name = self.case.platform.pairing_attribute().unwrap();
        let mut state = self.simulator.state();
        state.retain(|one| {
            one["type"] == self.payload["type"]
                && one["config"][name] == self.payload["config"][name]
        });
        state
    }

    /// Asserts what holds at every time.
    #[track_caller]
    pub(crate) fn is_sound(&self, ran: &Ran, context: &str) {
        let state = self.simulator.state();
        assert_eq!(
            state[..2],
            self.neighbours,
            "{context}: a neighbour changed"
        );
        assert!(self.ours().len() <= 1, "{context}: created twice");
        assert!(state.len() <= 3, "{context}: something else was created");
        let secrets = self.neighbour_secrets.iter().map(String::as_str);
        ran.shows_none_of(self.texts.values().chain(secrets));
        for error in ran.errors() {
            assert!(!error.trim().is_empty(), "{context}");
            assert!(!error.contains(['\n', '\u{1b}']), "{context}: {error:?}");
        }
        for failure in ran.failures() {
            assert!(!failure.help().is_empty(), "{context}: {failure}");
        }
    }

    /// Runs until nothing is left to do.
    pub(crate) async fn recover(&self, context: &str) -> Ran {
        self.simulator.clear_faults();
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_secs(600)).await;
            let ran = Run::of(&self.texts, &self.simulator).sync().await;
            self.is_sound(&ran, context);
            if ran.is_in_sync() {
                self.is_as_the_file_says(context);
                return ran;
            }
        }
        let ran = Run::of(&self.texts, &self.simulator).dry_run().await;
        panic!("{context}: does not converge\n{}", ran.shown());
    }

    #[track_caller]
    fn is_as_the_file_says(&self, context: &str) {
        let ours = self.ours();
        let [ours] = ours.as_slice() else {
            panic!("{context}: {} integrations", ours.len());
        };
        assert_eq!(ours["status"], "enabled", "{context}");
        let auto = self.case.auto == Some(true);
        let table = self.case.platform.attributes;
        for (key, wanted) in self.payload["config"].as_object().unwrap() {
            let attribute = table.iter().find(|a| a.name == key).unwrap();
            if !is_used_once(attribute, auto) {
                assert_eq!(ours["config"][key], *wanted, "{context}: {key}");
            }
        }
    }
}

pub(crate) fn is_used_once(attribute: &Attribute, auto: bool) -> bool {
    let class = |a: &Attribute| a.class_for(auto) == Class::OneTime;
    class(attribute) || attribute.children().iter().any(class)
}

pub(crate) fn seed(case: &Case, payload: &Value) -> Seed {
    Seed::new(
        case.platform.wire,
        case.auto,
        payload.get("config").cloned(),
    )
}
