//! How integrations look in answers.

use serde_json::Value;

use super::fault::{Breakage, FaultKind, Twists};
use super::options::Options;
use super::store::Record;

/// The whole list, with what faults make of it. Elements are put together from
/// text that each record keeps: a list of ten thousand is a list of copies.
pub(super) fn list(records: Vec<&mut Record>, options: &Options, twists: &Twists) -> String {
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
        let element = element(record, options, twists.word.as_deref());
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

/// One integration; `word` stands for its status.
pub(super) fn element(record: &mut Record, options: &Options, word: Option<&str>) -> String {
    let id = options.ids.write(record.id);
    let status = word.map_or_else(|| record.status().word().into_owned(), str::to_owned);
    format!(
        "{{\"id\":{id},\"status\":{},{}}}",
        Value::from(status),
        record.view(options.secrets.mask()),
    )
}

/// An element with one member more.
pub(super) fn with_member(mut element: String, member: Option<(&str, String)>) -> String {
    if let Some((name, value)) = member {
        element.pop();
        element.push_str(&format!(",{}:{}}}", Value::from(name), Value::from(value)));
    }
    element
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
