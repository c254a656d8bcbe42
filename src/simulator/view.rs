//! Representation of integrations in responses.

use serde_json::{Value, json};

use super::fault::{Breakage, FaultKind, Twists};
use super::options::{DETAIL, DETAIL_KEY, PresentedAttribute, SimulatorOptions, VOLATILE};
use super::store::StoredIntegration;
use super::tree;

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
        let element = presented(element(record, look), look, |own| own.list);
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
    if let Some((name, key)) = key {
        element = with_member(element, name, &json!(key));
    }
    presented(element, look, |own| own.detail)
}

/// An element with the attributes that answers show in another way than they are stored.
fn presented(
    element: String,
    look: &Presentation<'_>,
    is_shown: impl Fn(&PresentedAttribute) -> bool,
) -> String {
    if look.options.presented.is_empty() {
        return element;
    }
    let Ok(Value::Object(mut whole)) = serde_json::from_str::<Value>(&element) else {
        return element;
    };
    let kind = whole.get("type").and_then(Value::as_str);
    let all = kind.and_then(|kind| look.options.presented.get(kind));
    for attribute in all.into_iter().flatten() {
        let is_there = tree::get(&whole, &attribute.path).is_some();
        if !is_shown(attribute) {
            // It would make the objects around an attribute that is not there.
            if is_there {
                tree::put(&mut whole, &attribute.path, Value::Null);
            }
        } else if attribute.changes && (is_there || attribute.is_added) {
            tree::put(
                &mut whole,
                &attribute.path,
                attribute.kind.changing(look.read),
            );
        } else if let Some(text) = attribute.text.as_ref().filter(|_| is_there) {
            tree::put(&mut whole, &attribute.path, Value::from(text.as_str()));
        } else if attribute.is_added && !is_there {
            tree::put(&mut whole, &attribute.path, attribute.kind.changing(0));
        }
    }
    Value::Object(whole).to_string()
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
