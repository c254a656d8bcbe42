//! Control of the simulator: as methods, and over HTTP below `/_simulator/`.
//!
//! | route | body, answer |
//! | --- | --- |
//! | `GET`, `POST`, `DELETE faults` | the faults that wait; `POST` adds a [`Fault`] or a list of them |
//! | `POST drift` | a [`SimulatedDrift`] or a list of them |
//! | `POST seed` | a [`Seed`] or a list of them; answers `{"ids": […]}` |
//! | `GET`, `POST`, `DELETE connections` | the [`SimulatedConnection`]s; `POST` adds one or a list of them |
//! | `GET`, `DELETE log` | every request received, with its body |
//! | `GET state` | every integration as it is stored |
//! | `GET`, `POST options` | [`SimulatorOptions`]; `POST` changes the attributes that it holds |
//! | `POST reset` | back to the beginning |
//!
//! These routes ask for no credentials and show secrets: they are for tests, on
//! loopback. They meet no faults and are not in the log.

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::answer::{ErrorReply, Reply};
use super::connections::SimulatedConnection;
use super::fault::Fault;
use super::log::LoggedRequest;
use super::options::SimulatorOptions;
use super::schema::Contract;
use super::status::SimulatedStatus;
use super::store::{Beginning, Transition};
use super::{Simulator, State, tree};

/// Prefix of the control routes.
pub(super) const PREFIX: &str = "/_simulator/";

/// An integration put in directly. Nothing about it is checked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Seed {
    /// Its id; the next free one when absent. A taken one is replaced.
    #[serde(default, deserialize_with = "optional_id")]
    pub id: Option<u64>,
    /// Its type, known or not.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Its `autoBootstrap`.
    #[serde(default)]
    pub auto_bootstrap: Option<bool>,
    /// Its configuration, with secrets; defaults are filled in.
    #[serde(default)]
    pub config: Option<Map<String, Value>>,
    /// Its status: `enabled` when absent.
    #[serde(default = "enabled")]
    pub status: SimulatedStatus,
    /// True if a status such as `editing` ends after the usual time. Otherwise it stays.
    #[serde(default)]
    pub settles: bool,
}

/// A change behind the API's back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimulatedDrift {
    /// The integration.
    #[serde(deserialize_with = "id")]
    pub id: u64,
    /// The attribute below `config`, such as `/audit/enabled` or `audit.enabled`.
    #[serde(default)]
    pub path: Option<String>,
    /// The new value of the attribute; `null` removes it.
    #[serde(default)]
    pub value: Value,
    /// The new status, which stays.
    #[serde(default)]
    pub status: Option<SimulatedStatus>,
    /// True if the integration vanishes.
    #[serde(default)]
    pub remove: bool,
}

/// An instruction that cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// There is no such integration.
    #[error("no integration has the id {0}")]
    NoIntegration(u64),
    /// There is no such control route.
    #[error("no such control route")]
    NoRoute,
    /// The body is not what the route takes.
    #[error("invalid body: {0}")]
    Body(String),
}

impl Seed {
    /// An enabled integration.
    #[must_use]
    pub fn new(type_name: &str, auto_bootstrap: Option<bool>, config: Option<Value>) -> Self {
        Self {
            id: None,
            type_name: type_name.to_owned(),
            auto_bootstrap,
            config: config.and_then(|config| config.as_object().cloned()),
            status: SimulatedStatus::Enabled,
            settles: false,
        }
    }

    /// With another status.
    #[must_use]
    pub fn status(mut self, status: SimulatedStatus) -> Self {
        self.status = status;
        self
    }
}

impl SimulatedDrift {
    /// A change of one attribute; `null` removes it.
    #[must_use]
    pub fn value(id: u64, path: &str, value: Value) -> Self {
        Self {
            path: Some(path.to_owned()),
            value,
            ..Self::none(id)
        }
    }

    /// A change of the status.
    #[must_use]
    pub fn status(id: u64, status: SimulatedStatus) -> Self {
        Self {
            status: Some(status),
            ..Self::none(id)
        }
    }

    /// The integration vanishes.
    #[must_use]
    pub fn remove(id: u64) -> Self {
        Self {
            remove: true,
            ..Self::none(id)
        }
    }

    fn none(id: u64) -> Self {
        Self {
            id,
            path: None,
            value: Value::Null,
            status: None,
            remove: false,
        }
    }
}

impl Simulator {
    /// Adds a fault behind those that wait.
    pub fn fault(&self, fault: Fault) {
        self.lock().faults.push(fault);
    }

    /// The faults that wait.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        self.lock().faults.clone()
    }

    /// Forgets all faults.
    pub fn clear_faults(&self) {
        self.lock().faults.clear();
    }

    /// Adds an integration and returns its id.
    pub fn seed(&self, seed: Seed) -> u64 {
        self.lock().seed(seed)
    }

    /// Changes an integration behind the API's back.
    ///
    /// # Errors
    ///
    /// When there is no such integration.
    pub fn drift(&self, drift: SimulatedDrift) -> Result<(), ControlError> {
        self.lock().drift(drift)
    }

    /// Adds a connection, in the place of one with its key.
    pub fn connect(&self, connection: SimulatedConnection) {
        let mut state = self.lock();
        state.connections.retain(|own| own.key != connection.key);
        state.connections.push(connection);
    }

    /// The connections.
    #[must_use]
    pub fn connections(&self) -> Vec<SimulatedConnection> {
        self.lock().connections.clone()
    }

    /// Forgets all connections.
    pub fn clear_connections(&self) {
        self.lock().connections.clear();
    }

    /// Every request received, in order, with secrets in clear.
    #[must_use]
    pub fn log(&self) -> Vec<LoggedRequest> {
        self.lock().log.entries().cloned().collect()
    }

    /// Forgets the requests received so far.
    pub fn clear_log(&self) {
        self.lock().log.clear();
    }

    /// Every integration as it is stored, with secrets in clear.
    #[must_use]
    pub fn state(&self) -> Vec<Value> {
        self.lock().store.dump(Instant::now())
    }

    /// The options.
    #[must_use]
    pub fn options(&self) -> SimulatorOptions {
        self.lock().options.clone()
    }

    /// Replaces the options.
    pub fn set_options(&self, options: SimulatorOptions) {
        self.lock().options = options;
    }

    /// Back to the beginning: no integrations, faults, tokens or log, the first options.
    pub fn reset(&self) {
        let first = self.shared.first_options.clone();
        *self.lock() = State::new(first);
    }
}

impl State {
    fn seed(&mut self, seed: Seed) -> u64 {
        let Seed {
            id,
            type_name,
            auto_bootstrap,
            mut config,
            status,
            settles,
        } = seed;
        let attributes = &Contract::get().facts(&type_name).config;
        if let Some(config) = &mut config {
            if self.options.fills_defaults {
                attributes.fill_defaults(config);
            }
            if auto_bootstrap == Some(true) {
                attributes.drop_one_time(config);
            }
        }
        let end = status.natural_end().filter(|_| settles);
        let transition = end.map(|end| Transition {
            due: Some(Instant::now() + self.options.settle),
            vanish: end == SimulatedStatus::Deleted && !self.options.deleted_lingers,
            end,
            failure: None,
            restore: None,
        });
        self.store.insert(Beginning {
            id,
            type_name,
            auto_bootstrap,
            config,
            status,
            transition,
        })
    }

    fn drift(&mut self, drift: SimulatedDrift) -> Result<(), ControlError> {
        let SimulatedDrift {
            id,
            path,
            value,
            status,
            remove,
        } = drift;
        let record = self.store.settle(id, Instant::now());
        let record = record.ok_or(ControlError::NoIntegration(id))?;
        let mut config = record.config().cloned().unwrap_or_default();
        if let Some(status) = status {
            record.begin(status, None);
        }
        if let Some(path) = path {
            tree::put(&mut config, &path, value);
            self.store.set_config(id, Some(config));
        }
        if remove {
            self.store.remove(id);
        }
        Ok(())
    }
}

/// Answers a control route; `path` is what follows the prefix.
pub(super) fn answer(
    simulator: &Simulator,
    method: &Method,
    path: &str,
    body: &Bytes,
) -> Response<Bytes> {
    match dispatch(simulator, method, path, body) {
        Ok(value) => Reply::read(&value).into_response(),
        Err(error) => {
            let code = match &error {
                ControlError::NoIntegration(_) | ControlError::NoRoute => StatusCode::NOT_FOUND,
                ControlError::Body(_) => StatusCode::BAD_REQUEST,
            };
            ErrorReply::new(code, error.to_string()).into_response()
        }
    }
}

fn dispatch(
    simulator: &Simulator,
    method: &Method,
    path: &str,
    body: &Bytes,
) -> Result<Value, ControlError> {
    match (method.as_str(), path) {
        ("GET", "faults") => return Ok(json!(simulator.faults())),
        ("POST", "faults") => many(body)?.into_iter().for_each(|own| simulator.fault(own)),
        ("DELETE", "faults") => simulator.clear_faults(),
        ("POST", "seed") => {
            let ids = many(body)?.into_iter().map(|seed| simulator.seed(seed));
            let ids: Vec<String> = ids.map(|id| id.to_string()).collect();
            return Ok(json!({ "ids": ids }));
        }
        ("POST", "drift") => many(body)?
            .into_iter()
            .try_for_each(|drift| simulator.drift(drift))?,
        ("GET", "connections") => return Ok(json!(simulator.connections())),
        ("POST", "connections") => many(body)?
            .into_iter()
            .for_each(|own| simulator.connect(own)),
        ("DELETE", "connections") => simulator.clear_connections(),
        ("GET", "log") => return Ok(json!(simulator.log())),
        ("DELETE", "log") => simulator.clear_log(),
        ("GET", "state") => return Ok(Value::Array(simulator.state())),
        ("GET", "options") => return Ok(json!(simulator.options())),
        ("POST", "options") => {
            let patch = value(body)?;
            let patched = simulator.options().patched(&patch);
            simulator.set_options(patched.map_err(unfit)?);
            return Ok(json!(simulator.options()));
        }
        ("POST", "reset") => simulator.reset(),
        _ => return Err(ControlError::NoRoute),
    }
    Ok(json!({}))
}

/// One thing, or a list of them.
fn many<T: DeserializeOwned>(body: &Bytes) -> Result<Vec<T>, ControlError> {
    let mut items = vec![value(body)?];
    if let [Value::Array(list)] = items.as_mut_slice() {
        items = std::mem::take(list);
    }
    let items = items.into_iter().map(serde_json::from_value);
    items.collect::<Result<_, _>>().map_err(unfit)
}

fn value(body: &Bytes) -> Result<Value, ControlError> {
    serde_json::from_slice(body).map_err(unfit)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "`map_err` passes the error by value"
)]
fn unfit(error: serde_json::Error) -> ControlError {
    ControlError::Body(error.to_string())
}

fn enabled() -> SimulatedStatus {
    SimulatedStatus::Enabled
}

/// An id, as a number or as text.
fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let text = value.as_str().and_then(|text| text.parse().ok());
    let id = value.as_u64().or(text);
    id.ok_or_else(|| serde::de::Error::custom("an id must be a number or a string of digits"))
}

fn optional_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    id(deserializer).map(Some)
}
