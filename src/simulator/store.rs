//! The integrations of the simulator, and their transitions.
//!
//! Nothing runs in the background: a transition has a due time, and is carried out by the first
//! access to the integration after it. So the state depends only on the time, paused or not.
//! Every access first calls [`Store::settle`] or [`Store::settle_all`].

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::fault::FailedTest;
use super::schema::{Contract, TypeFacts, Uniqueness};
use super::status::SimulatedStatus;

/// All integrations.
pub(super) struct Store {
    records: BTreeMap<u64, StoredIntegration>,
    /// Integrations with a value that must be unique. More than one only after seeding.
    holders: HashMap<UniqueValue, BTreeSet<u64>>,
    next_id: u64,
}

/// One integration, as it is stored: secrets included, defaults filled in.
#[derive(Debug, Clone)]
pub(super) struct StoredIntegration {
    pub(super) id: u64,
    pub(super) type_name: String,
    pub(super) auto_bootstrap: Option<bool>,
    config: Option<Map<String, Value>>,
    status: SimulatedStatus,
    validation: Value,
    transition: Option<Transition>,
    /// Number of times that its API key was created anew.
    pub(super) key_generation: u64,
    /// Content of reads besides id and status, until it changes; with the mask that it was made
    /// for.
    view: Option<(Option<&'static str>, String)>,
}

/// Initial state of an integration.
pub(super) struct Beginning {
    pub(super) id: Option<u64>,
    pub(super) type_name: String,
    pub(super) auto_bootstrap: Option<bool>,
    pub(super) config: Option<Map<String, Value>>,
    pub(super) status: SimulatedStatus,
    pub(super) transition: Option<Transition>,
}

/// The end of work that is under way.
#[derive(Debug, Clone)]
pub(super) struct Transition {
    /// Due time; never if absent.
    pub(super) due: Option<Instant>,
    /// The status then.
    pub(super) end: SimulatedStatus,
    /// The validation test that failed, if one did.
    pub(super) failure: Option<FailedTest>,
    /// The configuration to return to, if the work is rolled back.
    pub(super) restore: Option<Map<String, Value>>,
    /// True if the integration vanishes altogether.
    pub(super) vanish: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct UniqueValue {
    type_name: String,
    attribute: String,
    normal_form: String,
}

impl Store {
    pub(super) fn new() -> Self {
        Self {
            records: BTreeMap::new(),
            holders: HashMap::new(),
            next_id: 1,
        }
    }

    /// Carries out what is due for one integration, and shows it.
    pub(super) fn settle(&mut self, id: u64, now: Instant) -> Option<&mut StoredIntegration> {
        let record = self.records.get_mut(&id)?;
        let due = record
            .transition
            .take_if(|transition| transition.due.is_some_and(|due| due <= now));
        if let Some(transition) = due {
            self.finish(id, transition);
        }
        self.records.get_mut(&id)
    }

    /// Carries out what is due for every integration, and shows them in the order of their ids.
    pub(super) fn settle_all(
        &mut self,
        now: Instant,
    ) -> impl Iterator<Item = &mut StoredIntegration> {
        let due = |record: &&StoredIntegration| {
            let transition = record.transition.as_ref();
            transition.is_some_and(|own| own.due.is_some_and(|due| due <= now))
        };
        let ids: Vec<u64> = self.records.values().filter(due).map(|r| r.id).collect();
        for id in ids {
            self.settle(id, now);
        }
        self.records.values_mut()
    }

    fn finish(&mut self, id: u64, transition: Transition) {
        let Transition {
            due: _,
            end,
            failure,
            restore,
            vanish,
        } = transition;
        if vanish {
            self.remove(id);
            return;
        }
        if restore.is_some() {
            self.set_config(id, restore);
        }
        if let Some(record) = self.records.get_mut(&id) {
            record.validation = validation(Contract::get().facts(&record.type_name), failure);
            record.status = end;
            record.view = None;
        }
    }

    /// Stores an integration and returns its id. A taken id is replaced.
    pub(super) fn insert(&mut self, beginning: Beginning) -> u64 {
        let id = beginning.id.unwrap_or(self.next_id);
        self.remove(id);
        self.next_id = self.next_id.max(id.saturating_add(1));
        let record = StoredIntegration {
            id,
            validation: validation(Contract::get().facts(&beginning.type_name), None),
            type_name: beginning.type_name,
            auto_bootstrap: beginning.auto_bootstrap,
            config: None,
            status: beginning.status,
            transition: beginning.transition,
            key_generation: 0,
            view: None,
        };
        self.records.insert(id, record);
        self.set_config(id, beginning.config);
        id
    }

    /// Takes an integration away without further ado.
    pub(super) fn remove(&mut self, id: u64) {
        self.set_config(id, None);
        self.records.remove(&id);
    }

    /// Replaces a configuration.
    pub(super) fn set_config(&mut self, id: u64, config: Option<Map<String, Value>>) {
        let Some(record) = self.records.get_mut(&id) else {
            return;
        };
        for value in unique_values(&record.type_name, record.config.as_ref()) {
            if let Some(holders) = self.holders.get_mut(&value) {
                holders.remove(&id);
            }
        }
        record.config = config;
        record.view = None;
        for value in unique_values(&record.type_name, record.config.as_ref()) {
            self.holders.entry(value).or_default().insert(id);
        }
    }

    /// Another integration that already holds a value of this configuration which
    /// must be unique, with that value.
    pub(super) fn holder(
        &mut self,
        type_name: &str,
        config: &Map<String, Value>,
        except: Option<u64>,
        now: Instant,
    ) -> Option<(&StoredIntegration, String)> {
        for value in unique_values(type_name, Some(config)) {
            let holders = self.holders.get(&value).into_iter().flatten();
            let others: Vec<u64> = holders.copied().filter(|id| Some(*id) != except).collect();
            for id in others {
                let record = self.settle(id, now);
                if record.is_some_and(|record| record.status != SimulatedStatus::Deleted) {
                    let shown = config.get(&value.attribute).and_then(Value::as_str);
                    return Some((self.records.get(&id)?, shown.unwrap_or_default().to_owned()));
                }
            }
        }
        None
    }

    /// An integration as of the last access.
    pub(super) fn get(&self, id: u64) -> Option<&StoredIntegration> {
        self.records.get(&id)
    }

    /// Everything, as it is stored.
    pub(super) fn dump(&mut self, now: Instant) -> Vec<Value> {
        let dump = |record: &mut StoredIntegration| {
            json!({
                "id": record.id.to_string(),
                "status": record.status,
                "validationResults": record.validation,
                "type": record.type_name,
                "autoBootstrap": record.auto_bootstrap,
                "config": record.config,
            })
        };
        self.settle_all(now).map(dump).collect()
    }
}

impl StoredIntegration {
    pub(super) fn status(&self) -> &SimulatedStatus {
        &self.status
    }

    pub(super) fn config(&self) -> Option<&Map<String, Value>> {
        self.config.as_ref()
    }

    pub(super) fn validation(&self) -> &Value {
        &self.validation
    }

    /// Puts it into a status, with or without an end in sight.
    pub(super) fn begin(&mut self, status: SimulatedStatus, transition: Option<Transition>) {
        self.status = status;
        self.transition = transition;
    }

    /// The members that a read shows besides id and status, as JSON text without braces.
    pub(super) fn view(&mut self, mask: Option<&'static str>) -> &str {
        let current = self.view.take_if(|(made_for, _)| *made_for == mask);
        let view = current.map_or_else(|| self.render(mask), |(_, text)| text);
        &self.view.insert((mask, view)).1
    }

    fn render(&self, mask: Option<&'static str>) -> String {
        let type_name = Value::from(self.type_name.as_str());
        let mut text = format!(
            "\"validationResults\":{},\"type\":{type_name}",
            self.validation
        );
        if let Some(automatic) = self.auto_bootstrap {
            text.push_str(&format!(",\"autoBootstrap\":{automatic}"));
        }
        if let Some(mut config) = self.config.clone() {
            let facts = Contract::get().facts(&self.type_name);
            facts.config.redact(&mut config, mask);
            text.push_str(&format!(",\"config\":{}", Value::Object(config)));
        }
        text
    }
}

/// `validationResults`: every test passes but the one that failed.
fn validation(facts: &TypeFacts, failure: Option<FailedTest>) -> Value {
    let passed = |name: &String| json!({"name": name, "status": "passed", "result": []});
    let failed_name = failure.as_ref().map(|failure| failure.test.clone());
    let others = facts
        .tests
        .iter()
        .filter(|name| Some(*name) != failed_name.as_ref());
    let mut tests: Vec<Value> = others.map(passed).collect();
    let status = if failure.is_some() {
        "failed"
    } else {
        "passed"
    };
    if let Some(FailedTest { test, message }) = failure {
        tests.push(json!({"name": test, "status": "failed", "message": message, "result": []}));
    }
    json!({"status": status, "validationTests": tests})
}

fn unique_values(type_name: &str, config: Option<&Map<String, Value>>) -> Vec<UniqueValue> {
    let Some(config) = config else {
        return Vec::new();
    };
    let value = |(name, uniqueness): (&str, Uniqueness)| {
        let text = config.get(name)?.as_str()?;
        Some(UniqueValue {
            type_name: type_name.to_owned(),
            attribute: name.to_owned(),
            normal_form: uniqueness.normal_form(text),
        })
    };
    let unique = Contract::get().facts(type_name).unique();
    unique.filter_map(value).collect()
}
