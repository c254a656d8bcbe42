//! Representation of integrations in responses.

use serde_json::{Value, json};

use super::fault::{Breakage, FaultKind, Twists};
use super::options::{DETAIL, DETAIL_KEY, SimulatorOptions, VOLATILE};
use super::store::StoredIntegration;

/// Presentation of integrations in an answer.
pub(super) struct Presentation<'a> {
    pub(super) options: &'a SimulatorOptions,
    /// Stands for every status.
    pub(super) word: Option<&'a str>,
    /// The number of the answer.
    pub(super) read: u64,
}

/// The whole list, with what faults make of it. Elements are put together from
/// text that each record keeps: a list of ten thousand is a list of copies.
pub(super) fn list(
    records: Vec<&mut StoredIntegration>,
    look: &Presentation<'_>,
    twists: &Twists,
) -> String {
    let mut left = records.len();
    let mut broken = None;
    let mut not_array = false;
    for kind in &twists.list {
        if let FaultKind::PartialList { drop } = kind {
            left = left.saturating_sub(*drop);
        } else if let FaultKind::BrokenElement { index, breakage } = kind {
            broken = Some((*index, *breakage));
        } else {
            not_array = true;
        }
    }
    let mut text = String::from("[");
    for (index, record) in records.into_iter().take(left).enumerate() {
        if index > 0 {
            text.push(',');
        }
        let element = element(record, look);
        match broken {
            Some((at, breakage)) if at == index => text.push_str(&broken_text(&element, breakage)),
            Some(_) | None => text.push_str(&element),
        }
    }
    text.push(']');
    if not_array {
        text = format!("{{\"integrations\":{text}}}");
    }
    text
}

/// One integration, as the list shows it.
pub(super) fn element(record: &mut StoredIntegration, look: &Presentation<'_>) -> String {
    let element = stable(record, look);
    if !look.options.volatile {
        return element;
    }
    let read = json!(look.read);
    let in_config = with_attribute(element, VOLATILE, &read);
    with_member(in_config, VOLATILE, &read)
}

fn stable(record: &mut StoredIntegration, look: &Presentation<'_>) -> String {
    let id = look.options.ids.write(record.id);
    let word = look.word.map(str::to_owned);
    let status = word.unwrap_or_else(|| record.status().word().into_owned());
    format!(
        "{{\"id\":{id},\"status\":{},{}}}",
        Value::from(status),
        record.view(look.options.secrets.mask()),
    )
}

/// One integration, as it is shown alone, with its API key if it has one.
pub(super) fn detail(
    record: &mut StoredIntegration,
    look: &Presentation<'_>,
    key: Option<(&str, String)>,
) -> String {
    let mut element = element(record, look);
    if look.options.detail_shows_more {
        let (name, value) = match &key {
            Some((_, key)) => (DETAIL_KEY, json!(key)),
            None => (DETAIL, json!(format!("detail of {}", record.id))),
        };
        element = with_attribute(element, name, &value);
    }
    element = with_known(element, look);
    match key {
        Some((name, key)) => with_member(element, name, &json!(key)),
        None => element,
    }
}

/// An element with the attributes of its type that the list lacks.
fn with_known(element: String, look: &Presentation<'_>) -> String {
    if look.options.detail_attributes.is_empty() {
        return element;
    }
    let Ok(mut whole) = serde_json::from_str::<Value>(&element) else {
        return element;
    };
    let kind = whole["type"].as_str().unwrap_or_default();
    let more = look.options.detail_attributes.get(kind).cloned();
    for (name, value) in more.into_iter().flatten() {
        let inner = value.as_object().into_iter().flatten();
        for (leaf, value) in inner {
            let shown = &mut whole["config"][&name];
            if !(shown.is_null() || shown.is_object()) || !shown[leaf].is_null() {
                continue;
            }
            shown[leaf] = if value.is_null() {
                json!(format!("read {}", look.read))
            } else {
                value.clone()
            };
        }
    }
    whole.to_string()
}

/// An element with one member more.
fn with_member(mut element: String, name: &str, value: &Value) -> String {
    element.pop();
    element.push_str(&format!(",{}:{value}}}", Value::from(name)));
    element
}

/// An element with one attribute more in its `config`.
fn with_attribute(element: String, name: &str, value: &Value) -> String {
    let Ok(mut whole) = serde_json::from_str::<Value>(&element) else {
        return element;
    };
    whole["config"][name] = value.clone();
    whole.to_string()
}

fn broken_text(element: &str, breakage: Breakage) -> String {
    let mut value: Value = serde_json::from_str(element).unwrap_or_default();
    let mut without = |name: &str| {
        value
            .as_object_mut()
            .map(|object| object.shift_remove(name));
    };
    match breakage {
        Breakage::Text => return "\"not an integration\"".to_owned(),
        Breakage::NoId => without("id"),
        Breakage::NoType => without("type"),
        Breakage::NoStatus => without("status"),
    }
    value.to_string()
}
