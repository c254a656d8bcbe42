//! The connections that the simulator holds, and the calls that read them (API.md
//! section 10). Nothing about them is checked, and no call of the API changes them.

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::State;
use super::answer::{ErrorReply, Reply};
use super::options::ConnectionsApi;

/// A connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimulatedConnection {
    /// Its key.
    pub key: String,
    /// Its technology.
    pub technology: String,
    /// The integration behind it; `null` for one that its details do not name.
    #[serde(default)]
    pub integration: Option<u64>,
    /// True if its details can be read.
    #[serde(default = "yes")]
    pub readable: bool,
    /// True if the search shows its technology.
    #[serde(default = "yes")]
    pub shows_technology: bool,
}

impl SimulatedConnection {
    /// A connection in front of an integration.
    #[must_use]
    pub fn new(key: &str, technology: &str, integration: Option<u64>) -> Self {
        Self {
            key: key.to_owned(),
            technology: technology.to_owned(),
            integration,
            readable: true,
            shows_technology: true,
        }
    }
}

fn yes() -> bool {
    true
}

/// `POST /data/object/search`.
pub(super) fn search(state: &State, has_body: bool) -> Result<Reply, ErrorReply> {
    let objects: Vec<Value> = state.connections.iter().map(object).collect();
    let first: Vec<&Value> = objects.iter().take(1).collect();
    let answer = match state.options.connections {
        ConnectionsApi::Missing => {
            return Err(ErrorReply::new(StatusCode::NOT_FOUND, "Not Found"));
        }
        ConnectionsApi::Html => return Ok(Reply::html()),
        ConnectionsApi::Forbidden => {
            return Err(ErrorReply::new(StatusCode::FORBIDDEN, "Forbidden"));
        }
        ConnectionsApi::WithoutBody if has_body => {
            return Err(ErrorReply::bad_request("\"value\" must be empty"));
        }
        ConnectionsApi::WithoutBody => json!({ "objects": objects, "count": objects.len() }),
        ConnectionsApi::Works => json!(objects),
        ConnectionsApi::Paged => json!({ "objects": first, "next": "2" }),
    };
    Ok(Reply::read(&answer))
}

fn object(connection: &SimulatedConnection) -> Value {
    let mut object = json!({ "objectPath": [connection.key], "state": "active" });
    if connection.shows_technology {
        object["technology"] = json!(connection.technology);
    }
    object
}

/// `GET /data/connection/{key}`.
pub(super) fn details(state: &State, key: &str) -> Result<Reply, ErrorReply> {
    let not_found = || ErrorReply::new(StatusCode::NOT_FOUND, "Not Found");
    match state.options.connections {
        ConnectionsApi::Missing | ConnectionsApi::Html => return Err(not_found()),
        ConnectionsApi::Forbidden => {
            return Err(ErrorReply::new(StatusCode::FORBIDDEN, "Forbidden"));
        }
        ConnectionsApi::Works | ConnectionsApi::WithoutBody | ConnectionsApi::Paged => {}
    }
    let mut connections = state.connections.iter();
    let connection = connections.find(|own| own.key == key && own.readable);
    let connection = connection.ok_or_else(not_found)?;
    let mut answer = json!({
        "connectionKey": connection.key,
        "connection": { "technology": connection.technology },
    });
    if let Some(id) = connection.integration {
        answer["nativeIntegrationId"] = state.options.connection_ids.write(id);
    }
    Ok(Reply::read(&answer))
}
