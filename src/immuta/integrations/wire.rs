//! From the bytes of an answer to what the tenant reports. Pure.
//!
//! Tolerant where the API is unknown: fields and statuses that this version
//! does not know pass through (API.md section 9). Strict where tolerance would
//! turn a failed read into an absence: an element that cannot be read makes its
//! scope unknown. No mistake repeats a value of the answer.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Accepted, StatusReport};
use crate::immuta::client::{
    AnswerError, Budget, MOST_VALUES, field, parse, read_failing_tests, too_many_values,
};
use crate::live::{IntegrationStatus, LiveConfig, LiveIntegration, RemoteId};
use crate::platform::{AUTO_BOOTSTRAP, CONFIG, Platform, TYPE};
use crate::text::is_unsafe;

/// Integers up to here are exact in the floating point of JSON.
const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;

/// Finds a platform by the value of `type`; the tests bring platforms of their own.
pub(super) type PlatformLookup = fn(&str) -> Option<&'static Platform>;

/// An element of the list that could not be read.
pub(super) struct UnreadableElement {
    pub(super) type_name: Option<String>,
    pub(super) mistake: AnswerError,
}

/// Reads the answer to `GET /integrations/{id}`.
pub(super) fn read_integration(
    body: &[u8],
    asked: &RemoteId,
    lookup: PlatformLookup,
) -> Result<LiveIntegration, AnswerError> {
    let element = parse(body)?;
    let integration =
        read_element(element, &Budget::default(), lookup).map_err(|broken| broken.mistake)?;
    if integration.id == *asked {
        Ok(integration)
    } else {
        Err(AnswerError::OtherIntegration)
    }
}

/// Reads the answer to `GET /integrations/{id}/status`. Its exact body is
/// unknown (API.md 3.2): an object with a `status`, or the word alone.
pub(super) fn read_status(body: &[u8], asked: &RemoteId) -> Result<StatusReport, AnswerError> {
    let fields = match parse(body)? {
        Value::Object(fields) => fields,
        Value::String(word) => {
            return Ok(StatusReport {
                status: IntegrationStatus::from_wire(&word),
                failing_tests: Vec::new(),
            });
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
            return Err(AnswerError::Not("a status"));
        }
    };
    check_id(&fields, asked)?;
    Ok(StatusReport {
        status: read_status_word(&fields)?,
        failing_tests: read_failing_tests(fields.get("validationResults")),
    })
}

/// Reads the answer to a create (`asked` is `None`) or to an update, which need
/// not repeat the id that it was asked to change.
pub(super) fn read_accepted(
    body: &[u8],
    asked: Option<&RemoteId>,
) -> Result<Accepted, AnswerError> {
    let Value::Object(fields) = parse(body)? else {
        return Err(AnswerError::Not("an object"));
    };
    let id = match asked {
        None => read_id(&fields)?,
        Some(asked) => {
            check_id(&fields, asked)?;
            asked.clone()
        }
    };
    let status = read_status_word(&fields)?;
    Ok(Accepted { id, status })
}

/// Reads an element of the list; `budget` is what its values were counted against.
pub(super) fn read_element(
    element: Value,
    budget: &Budget,
    lookup: PlatformLookup,
) -> Result<LiveIntegration, UnreadableElement> {
    let Value::Object(mut fields) = element else {
        return Err(UnreadableElement {
            type_name: None,
            mistake: AnswerError::Not("an object"),
        });
    };
    let type_name = match fields.get(TYPE).and_then(Value::as_str) {
        Some(name) if !name.is_empty() => name.to_owned(),
        Some(_) | None => {
            return Err(UnreadableElement {
                type_name: None,
                mistake: field(TYPE, "a non-empty string"),
            });
        }
    };
    let read = if budget.is_exceeded() {
        Err(too_many_values(MOST_VALUES))
    } else {
        read_fields(&mut fields, &type_name, lookup)
    };
    read.map_err(|mistake| UnreadableElement {
        type_name: Some(type_name),
        mistake,
    })
}

fn read_fields(
    fields: &mut Map<String, Value>,
    type_name: &str,
    lookup: PlatformLookup,
) -> Result<LiveIntegration, AnswerError> {
    let auto_bootstrap = match fields.get(AUTO_BOOTSTRAP) {
        None | Some(Value::Null) => None,
        Some(value) => {
            let value = value.as_bool();
            Some(value.ok_or_else(|| field(AUTO_BOOTSTRAP, "true or false"))?)
        }
    };
    let config = match fields.remove(CONFIG) {
        None | Some(Value::Null) => LiveConfig::default(),
        Some(Value::Object(config)) => LiveConfig(config),
        Some(_) => return Err(field(CONFIG, "an object")),
    };
    Ok(LiveIntegration {
        id: read_id(fields)?,
        type_name: type_name.to_owned(),
        platform: lookup(type_name),
        auto_bootstrap,
        status: read_status_word(fields)?,
        failing_tests: read_failing_tests(fields.get("validationResults")),
        config,
        masked_texts: BTreeMap::new(),
    })
}

/// The documentation says number, its examples show strings (API.md section 4).
/// An id that could not stand alone in a path is none.
pub(super) fn read_id(fields: &Map<String, Value>) -> Result<RemoteId, AnswerError> {
    let mistake = || field("id", "an integer or a non-empty string");
    match fields.get("id") {
        Some(Value::String(text)) => {
            let usable = text.chars().any(|c| c != '.' && !c.is_whitespace())
                && !text.chars().any(is_unsafe);
            usable.then(|| RemoteId::new(text)).ok_or_else(mistake)
        }
        Some(Value::Number(number)) => {
            let whole = number.as_f64().filter(|n| n.fract() == 0.0);
            let exact = whole.filter(|n| n.abs() <= LARGEST_EXACT);
            match (number.as_i64(), number.as_u64(), exact) {
                (Some(id), _, _) => Ok(RemoteId::new(id.to_string())),
                (_, Some(id), _) => Ok(RemoteId::new(id.to_string())),
                (_, _, Some(id)) => Ok(RemoteId::new(format!("{id:.0}"))),
                (None, None, None) => Err(mistake()),
            }
        }
        Some(_) | None => Err(mistake()),
    }
}

/// Checks an answer of any shape about one integration.
pub(super) fn check_about(answer: &Value, asked: &RemoteId) -> Result<(), AnswerError> {
    match answer {
        Value::Object(fields) => check_id(fields, asked),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Ok(())
        }
    }
}

/// A response may omit the id, but must not give another one.
fn check_id(fields: &Map<String, Value>, asked: &RemoteId) -> Result<(), AnswerError> {
    match fields.get("id") {
        None | Some(Value::Null) => Ok(()),
        Some(_) if read_id(fields)? == *asked => Ok(()),
        Some(_) => Err(AnswerError::OtherIntegration),
    }
}

fn read_status_word(fields: &Map<String, Value>) -> Result<IntegrationStatus, AnswerError> {
    match fields.get("status").and_then(Value::as_str) {
        Some(word) if !word.is_empty() => Ok(IntegrationStatus::from_wire(word)),
        Some(_) | None => Err(field("status", "a non-empty string")),
    }
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
