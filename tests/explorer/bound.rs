//! Allowed destinations of a bound secret in the model. It reads a body for itself, so
//! that it shares no mistake with the tool.

use std::collections::BTreeSet;

use integrationd::platform::{Attribute, CredentialTarget, PLATFORMS, Platform, Shape, by_wire};
use serde_json::{Map, Value, json};

/// Every host to which a secret may go lies below it.
const GOOD: &str = ".good.example";

/// Bindings that operators allow in such a scenario.
pub(super) fn bindings() -> Vec<String> {
    let binding = |platform: &&Platform| match platform.host_attribute() {
        Some(_) => format!("env:*={}@*{GOOD}", platform.wire),
        None => format!("env:*={}", platform.wire),
    };
    PLATFORMS.iter().map(binding).collect()
}

/// The host in the good domain.
pub(super) fn good(host: &str) -> String {
    format!("{host}{GOOD}")
}

/// Value of a leading attribute, set in a file or by hand; `whose` makes it unique.
pub(super) fn value(attribute: &Attribute, is_good: bool, whose: &str) -> Value {
    match (attribute.target, is_good) {
        (CredentialTarget::ToHost, true) => json!(format!("https://login{GOOD}/{whose}")),
        (CredentialTarget::ToHost, false) => json!(format!("https://evil.example/{whose}")),
        (CredentialTarget::Nowhere | CredentialTarget::Anywhere, _) => {
            json!(format!("{whose};ProxyHost=evil.example"))
        }
    }
}

/// Takes a payload into the good domain, and everything out of it that is unclear.
pub(super) fn tame(platform: &'static Platform, payload: &mut Value) {
    let Some(host) = platform.host_attribute() else {
        return;
    };
    if let Some(config) = payload.get_mut("config").and_then(Value::as_object_mut) {
        if let Some(Value::String(own)) = config.get_mut(host)
            && !own.ends_with(GOOD)
        {
            *own = good(own);
        }
        tame_object(platform.attributes, config);
    }
}

fn tame_object(attributes: &'static [Attribute], config: &mut Map<String, Value>) {
    for attribute in attributes {
        if matches!(attribute.shape, Shape::Opaque)
            || attribute.target == CredentialTarget::Anywhere
        {
            config.shift_remove(attribute.name);
        } else if let Some(own) = config.get_mut(attribute.name) {
            if attribute.target == CredentialTarget::ToHost {
                *own = value(attribute, true, "first");
            } else if let Some(inner) = own.as_object_mut() {
                tame_object(attribute.children(), inner);
            }
        }
    }
}

/// The part of a configuration that may lead out of the good domain, if there is one.
pub(super) fn astray(platform: &Platform, config: &Value) -> Option<String> {
    let host = platform.host_attribute()?;
    let config = config.as_object()?;
    if !config.get(host).is_some_and(is_good) {
        return Some(host.to_owned());
    }
    astray_in(platform.attributes, config, "")
}

fn astray_in(
    attributes: &'static [Attribute],
    config: &Map<String, Value>,
    prefix: &str,
) -> Option<String> {
    let mut values = config.iter().filter(|(_, value)| !value.is_null());
    values.find_map(|(name, value)| {
        let path = format!("{prefix}{name}");
        let Some(attribute) = attributes.iter().find(|a| a.name == name) else {
            return Some(path);
        };
        let is_opaque = matches!(attribute.shape, Shape::Opaque);
        match attribute.target {
            CredentialTarget::ToHost => (!is_good(value)).then_some(path),
            CredentialTarget::Anywhere => Some(path),
            CredentialTarget::Nowhere if is_opaque => Some(path),
            CredentialTarget::Nowhere => match value.as_object() {
                Some(inner) => astray_in(attribute.children(), inner, &format!("{path}/")),
                None => value.to_string().contains([';', '&']).then_some(path),
            },
        }
    })
}

fn is_good(value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default().to_ascii_lowercase();
    let text = text.strip_prefix("https://").unwrap_or(&text);
    let host = text.split('/').next().unwrap_or_default();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    host.ends_with(GOOD) && host.chars().all(is_plain)
}

/// Complaint about a request that carries one of these secrets; `live` is the integration
/// of the request, as the server has it.
pub(super) fn complaint(
    request: &str,
    body: &Value,
    live: Option<&Value>,
    secrets: &BTreeSet<String>,
) -> Option<String> {
    if !holds_any(body, secrets) {
        return None;
    }
    let meant = match live {
        Some(live) => live,
        None => body,
    };
    let platform = by_wire(meant["type"].as_str()?)?;
    let to = astray(platform, &meant["config"])?;
    Some(format!(
        "{request} carries a bound secret, and {to} leads elsewhere"
    ))
}

fn holds_any(value: &Value, secrets: &BTreeSet<String>) -> bool {
    match value {
        Value::String(text) => secrets.contains(text),
        Value::Array(items) => items.iter().any(|item| holds_any(item, secrets)),
        Value::Object(inner) => inner.values().any(|item| holds_any(item, secrets)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
