//! Requests that the API rejects, and the messages.

use serde_json::{Map, Value};

use super::answer::ErrorReply;
use super::options::SimulatorOptions;
use super::schema::{Contract, DeleteCredentials, Violation};
use super::status::SimulatedStatus;
use super::store::StoredIntegration;

/// A checked body of a POST or PUT.
pub(super) struct CheckedBody {
    pub(super) type_name: String,
    pub(super) auto_bootstrap: Option<bool>,
    pub(super) config: Option<Map<String, Value>>,
}

/// Checks a body against the closed schemas. What is already stored for the
/// integration is known to the server, whatever its documentation says.
pub(super) fn payload(
    body: &Value,
    stored: Option<&StoredIntegration>,
    options: &SimulatorOptions,
) -> Result<CheckedBody, ErrorReply> {
    let type_name = body["type"].as_str().unwrap_or_default();
    let body = &without(body, options.shown_only());
    let also_known = options.also_known.get(type_name);
    let stored = stored.and_then(StoredIntegration::config);
    let known = |violation: &Violation| {
        let listed = also_known.is_some_and(|known| known.contains(&violation.path));
        violation.unknown && (listed || holds(stored, &violation.path))
    };
    let mut violations = Contract::get().check(body);
    violations.retain(|violation| !known(violation));
    if !violations.is_empty() {
        let texts: Vec<String> = violations.iter().map(Violation::to_string).collect();
        return Err(ErrorReply::bad_request(texts.join(". ")));
    }
    Ok(CheckedBody {
        type_name: type_name.to_owned(),
        auto_bootstrap: body["autoBootstrap"].as_bool(),
        config: body["config"].as_object().cloned(),
    })
}

/// A body without these attributes of `config`.
fn without(body: &Value, attributes: impl Iterator<Item = &'static str>) -> Value {
    let mut body = body.clone();
    if let Some(config) = body.get_mut("config").and_then(Value::as_object_mut) {
        for attribute in attributes {
            config.shift_remove(attribute);
        }
    }
    body
}

/// A creation that failed may be pointed elsewhere; only its type stands.
pub(super) fn immutable(
    record: &StoredIntegration,
    payload: &CheckedBody,
    options: &SimulatorOptions,
) -> Result<(), ErrorReply> {
    let facts = Contract::get().facts(&record.type_name);
    let never_made = *record.status() == SimulatedStatus::CreateError;
    let mut changed = Vec::new();
    if record.type_name != payload.type_name {
        changed.push("type".to_owned());
    }
    let beside = &facts.immutable_beside_config;
    let fixed = beside.iter().any(|name| name == "autoBootstrap") && !never_made;
    if fixed && record.auto_bootstrap != payload.auto_bootstrap {
        changed.push("autoBootstrap".to_owned());
    }
    let own = options.immutable.get(&record.type_name);
    let immutable = own.cloned().unwrap_or_else(|| facts.immutable());
    let normal = |config: Option<&Map<String, Value>>, name: &str| {
        let value = config.and_then(|config| config.get(name)).cloned();
        match value {
            Some(Value::String(text)) => {
                Some(Value::from(facts.uniqueness(name).normal_form(&text)))
            }
            Some(Value::Object(inner)) if facts.config.is_default(name, &inner) => None,
            other => other,
        }
    };
    changed.extend(immutable.into_iter().filter(|name| {
        !never_made && normal(record.config(), name) != normal(payload.config.as_ref(), name)
    }));
    if changed.is_empty() {
        return Ok(());
    }
    Err(ErrorReply::bad_request(format!(
        "Unable to edit integration due to changes of non-editable attribute(s). {}",
        changed.join(", ")
    )))
}

/// True if a configuration has the attribute at a path such as `config.audit.enabled`.
fn holds(config: Option<&Map<String, Value>>, path: &str) -> bool {
    let Some((first, rest)) = path.strip_prefix("config.").map(|path| {
        path.split_once('.')
            .map_or((path, None), |(first, rest)| (first, Some(rest)))
    }) else {
        return false;
    };
    let value = config.and_then(|config| config.get(first));
    let pointer = rest.map_or_else(String::new, |rest| format!("/{}", rest.replace('.', "/")));
    value.is_some_and(|value| value.pointer(&pointer).is_some())
}

/// A DELETE's credentials, at the top level of its body or in its `config`.
pub(super) fn credentials(
    record: &StoredIntegration,
    body: Option<&Value>,
) -> Result<(), ErrorReply> {
    let facts = Contract::get().facts(&record.type_name);
    let top = body.and_then(Value::as_object);
    let inner = body.and_then(|body| body["config"].as_object());
    let places = || top.into_iter().chain(inner);
    let mentioned = places().any(|attributes| facts.mentions_credentials(attributes));
    let automatic = record.auto_bootstrap == Some(true);
    let advice = "If you need to update your integration credentials, use PUT to update the \
                  integration before disabling.";
    match facts.credentials {
        DeleteCredentials::WhenAutomatic if automatic => {
            if places().any(|attributes| facts.has_credential(attributes)) {
                return Ok(());
            }
            Err(ErrorReply::bad_request(
                "Integrations that are automatically configured require privileged credentials to \
                 disable. Please provide them in your payload.",
            ))
        }
        DeleteCredentials::Never if mentioned => Err(ErrorReply::bad_request(format!(
            "Credentials are not required to disable a {} integration. {advice}",
            record.type_name
        ))),
        DeleteCredentials::WhenAutomatic | DeleteCredentials::Manual if mentioned => {
            Err(ErrorReply::bad_request(format!(
                "Credentials are not required for disable unless the integration was configured \
                 automatically. {advice}"
            )))
        }
        DeleteCredentials::WhenAutomatic | DeleteCredentials::Manual | DeleteCredentials::Never => {
            Ok(())
        }
    }
}
