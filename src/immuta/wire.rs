//! From the bytes of an answer to what the tenant reports. Pure.
//!
//! Tolerant where the API is unknown: fields and statuses that this version
//! does not know pass through (API.md section 9). Strict where tolerance would
//! turn a failed read into an absence: an element that cannot be read makes its
//! scope unknown. No mistake repeats a value of the answer.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeSeed as _;
use serde_json::{Map, Value};

use super::bounded::{Bounded, Budget, MOST_VALUES};
use super::{Accepted, Refusal, StatusReport};
use crate::live::{FailingTest, LiveConfig, LiveIntegration, RemoteId, Status};
use crate::platform::Platform;
use crate::secret::{Scrubber, Secret, wipe};
use crate::text::is_unsafe;

/// The longest pause that a server can ask for. A longer one is cut to this:
/// nobody waits for it at a terminal, and the daemon comes again by itself.
pub(crate) const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60);

/// Integers up to here are exact in the floating point of JSON.
const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;

/// Failing tests of an integration that are kept. The documented set-ups run fewer
/// than ten (API.md 5.3).
const MOST_FAILING_TESTS: usize = 50;

/// Finds a platform by the value of `type`; the tests bring platforms of their own.
pub(super) type Lookup = fn(&str) -> Option<&'static Platform>;

/// Why an answer, or a part of it, could not be read; never with a value from it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Mistake {
    /// Nothing came.
    #[error("an empty answer, not JSON")]
    Empty,
    /// Markup came.
    #[error("an HTML page, not JSON")]
    Html,
    /// Something else came, or JSON that ends too early.
    #[error("not JSON, at line {line}, column {column}")]
    NotJson {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// JSON of another shape.
    #[error("not {0}")]
    Not(&'static str),
    /// JSON with so much in it that it cannot be an answer of the API.
    #[error("more than {limit} {unit}: no answer of Immuta is that large")]
    TooMuch {
        /// Maximum that is read.
        limit: usize,
        /// Of which things.
        unit: &'static str,
    },
    /// A field that is missing or of another shape.
    #[error("`{name}` is not {expected}")]
    Field {
        /// The field.
        name: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// The status is one of success, but not that of a whole answer.
    #[error("the answer has the status {0}, which is not that of a whole answer")]
    NotWhole(StatusCode),
    /// The answer names another id than was asked for.
    #[error("the answer is about another integration")]
    OtherIntegration,
    /// A name that has to be shown and recorded, and must not be.
    #[error("{name} holds the value of a secret")]
    HoldsSecret {
        /// Name of the part that holds the secret.
        name: &'static str,
    },
}

fn field(name: &'static str, expected: &'static str) -> Mistake {
    Mistake::Field { name, expected }
}

pub(super) fn too_many_values(limit: usize) -> Mistake {
    Mistake::TooMuch {
        limit,
        unit: "values",
    }
}

/// An element of the list that could not be read.
pub(super) struct Broken {
    pub(super) type_name: Option<String>,
    pub(super) mistake: Mistake,
}

/// Reads the answer to `GET /integrations/{id}`.
pub(super) fn read_integration(
    body: &[u8],
    asked: &RemoteId,
    lookup: Lookup,
) -> Result<LiveIntegration, Mistake> {
    let element = parse(body)?;
    let integration =
        read_element(element, &Budget::default(), lookup).map_err(|broken| broken.mistake)?;
    if integration.id == *asked {
        Ok(integration)
    } else {
        Err(Mistake::OtherIntegration)
    }
}

/// Reads the answer to `GET /integrations/{id}/status`. Its exact body is
/// unknown (API.md 3.2): an object with a `status`, or the word alone.
pub(super) fn read_status(body: &[u8], asked: &RemoteId) -> Result<StatusReport, Mistake> {
    let fields = match parse(body)? {
        Value::Object(fields) => fields,
        Value::String(word) => {
            return Ok(StatusReport {
                status: Status::from_wire(&word),
                failing_tests: Vec::new(),
            });
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
            return Err(Mistake::Not("a status"));
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
pub(super) fn read_accepted(body: &[u8], asked: Option<&RemoteId>) -> Result<Accepted, Mistake> {
    let Value::Object(fields) = parse(body)? else {
        return Err(Mistake::Not("an object"));
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

/// What the API answers with to a request for credentials (API.md 2.2).
pub(super) struct Exchanged {
    /// The token; absent when the key was not accepted.
    pub(super) token: Option<Secret>,
    /// When it expires, if the answer says so.
    pub(super) expires: Option<jiff::Timestamp>,
}

/// Reads the answer to `POST /bim/apikey/authenticate`.
pub(super) fn read_exchanged(body: &[u8]) -> Result<Exchanged, Mistake> {
    let Value::Object(mut fields) = parse(body)? else {
        return Err(Mistake::Not("an object"));
    };
    let expires = fields
        .get("tokenExpiration")
        .and_then(Value::as_str)
        .and_then(|text| text.parse().ok());
    if fields.get("authenticated") == Some(&Value::Bool(false)) {
        return Ok(Exchanged {
            token: None,
            expires,
        });
    }
    match fields.remove("token") {
        Some(Value::String(token)) if !token.is_empty() => Ok(Exchanged {
            token: Some(Secret::new(token)),
            expires,
        }),
        Some(_) | None => Err(field("token", "a string with something in it")),
    }
}

/// Reads a refusal. `asked` is the integration that the request was about; `secrets`
/// are the values just sent; `now` turns a date in `Retry-After` into a pause, if the
/// answer itself carries no date.
pub(super) fn read_refusal(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    asked: Option<&RemoteId>,
    secrets: &[Secret],
    now: SystemTime,
) -> Refusal {
    let scrubber = Scrubber::new(secrets);
    let show = |text: &str| scrubber.scrub(text);
    let mut fields = match parse(body) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) => Map::new(),
        Err(mistake) => {
            let message = match mistake {
                Mistake::Html => mistake.to_string(),
                Mistake::Empty
                | Mistake::NotJson { .. }
                | Mistake::Not(_)
                | Mistake::TooMuch { .. }
                | Mistake::Field { .. }
                | Mistake::NotWhole(_)
                | Mistake::OtherIntegration
                | Mistake::HoldsSecret { .. } => String::new(),
            };
            return Refusal {
                code: status.as_u16(),
                from_api: false,
                says_absent: false,
                message,
                failing_tests: Vec::new(),
                retry_after: read_retry_after(headers, now),
            };
        }
    };
    let said = fields.get("message").or_else(|| fields.get("error"));
    let said = said.and_then(Value::as_str);
    let code = fields.get("statusCode").and_then(Value::as_u64);
    let mut failing_tests = find_failing_tests(&fields);
    for test in &mut failing_tests {
        let FailingTest { name, message } = test;
        *name = show(name);
        *message = show(message);
    }
    let from_api = said.is_some() && code == Some(status.as_u16().into());
    let is_absence = said
        .zip(asked)
        .is_some_and(|(said, asked)| names_absent(said, asked));
    let refusal = Refusal {
        code: status.as_u16(),
        from_api,
        says_absent: status == StatusCode::NOT_FOUND && from_api && is_absence,
        message: said.map(show).unwrap_or_default(),
        failing_tests,
        retry_after: read_retry_after(headers, now),
    };
    // A server may repeat what it was sent.
    fields.values_mut().for_each(wipe);
    refusal
}

/// The documented words for an integration that does not exist, in lower case: the
/// API spells them in two ways (API.md section 6).
const ABSENT: &str = "no integration found with id ";

/// True if these are the documented words about the requested integration. Any other
/// sender of a 404 (a framework's unknown path, a gateway) knows nothing of it.
fn names_absent(message: &str, asked: &RemoteId) -> bool {
    let Some((words, id)) = message.trim().split_at_checked(ABSENT.len()) else {
        return false;
    };
    let id = id.strip_suffix('.').unwrap_or(id);
    words.eq_ignore_ascii_case(ABSENT) && id == asked.as_str()
}

/// The validation results of a refusal: where they stand in it is unknown
/// (API.md section 6), so they are looked for at the top and one level below.
fn find_failing_tests(fields: &Map<String, Value>) -> Vec<FailingTest> {
    let below = fields.values().filter_map(Value::as_object);
    let results = std::iter::once(fields)
        .chain(below)
        .find_map(|object| object.get("validationResults"));
    read_failing_tests(results)
}

fn read_retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let pause = if is_number {
        // What does not fit is longer than anything.
        text.parse().map_or(Duration::MAX, Duration::from_secs)
    } else {
        let until = httpdate::parse_http_date(text).ok()?;
        let date = headers.get(header::DATE).and_then(|d| d.to_str().ok());
        // By the server's own clock where it shows it: ours may be off.
        let now = date
            .and_then(|date| httpdate::parse_http_date(date).ok())
            .unwrap_or(now);
        until.duration_since(now).ok()?
    };
    Some(pause.min(LONGEST_RETRY_AFTER))
}

/// Parses JSON. The parser's own message is dropped but for the position.
pub(super) fn parse(body: &[u8]) -> Result<Value, Mistake> {
    let body = without_mark(body);
    let mut json = serde_json::Deserializer::from_slice(body);
    let mut budget = Budget::default();
    let value = Bounded(&mut budget)
        .deserialize(&mut json)
        .and_then(|value| json.end().map(|()| value))
        .map_err(|error| not_json(body, &error))?;
    if budget.is_exceeded() {
        return Err(too_many_values(MOST_VALUES));
    }
    Ok(value)
}

/// The body without a byte order mark.
pub(super) fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

pub(super) fn not_json(body: &[u8], error: &serde_json::Error) -> Mistake {
    match body.trim_ascii_start().first() {
        None => Mistake::Empty,
        Some(b'<') => Mistake::Html,
        Some(_) => Mistake::NotJson {
            line: error.line(),
            column: error.column(),
        },
    }
}

/// Reads an element of the list; `budget` is what its values were counted against.
pub(super) fn read_element(
    element: Value,
    budget: &Budget,
    lookup: Lookup,
) -> Result<LiveIntegration, Broken> {
    let Value::Object(mut fields) = element else {
        return Err(Broken {
            type_name: None,
            mistake: Mistake::Not("an object"),
        });
    };
    let type_name = match fields.get("type").and_then(Value::as_str) {
        Some(name) if !name.is_empty() => name.to_owned(),
        Some(_) | None => {
            return Err(Broken {
                type_name: None,
                mistake: field("type", "a string with something in it"),
            });
        }
    };
    let read = if budget.is_exceeded() {
        Err(too_many_values(MOST_VALUES))
    } else {
        read_fields(&mut fields, &type_name, lookup)
    };
    read.map_err(|mistake| Broken {
        type_name: Some(type_name),
        mistake,
    })
}

fn read_fields(
    fields: &mut Map<String, Value>,
    type_name: &str,
    lookup: Lookup,
) -> Result<LiveIntegration, Mistake> {
    let auto_bootstrap = match fields.get("autoBootstrap") {
        None | Some(Value::Null) => None,
        Some(value) => {
            let value = value.as_bool();
            Some(value.ok_or_else(|| field("autoBootstrap", "true or false"))?)
        }
    };
    let config = match fields.remove("config") {
        None | Some(Value::Null) => LiveConfig::default(),
        Some(Value::Object(config)) => LiveConfig(config),
        Some(_) => return Err(field("config", "an object")),
    };
    Ok(LiveIntegration {
        id: read_id(fields)?,
        type_name: type_name.to_owned(),
        platform: lookup(type_name),
        auto_bootstrap,
        status: read_status_word(fields)?,
        failing_tests: read_failing_tests(fields.get("validationResults")),
        config,
    })
}

/// The documentation says number, its examples show strings (API.md section 4).
/// An id that could not stand alone in a path is none.
pub(super) fn read_id(fields: &Map<String, Value>) -> Result<RemoteId, Mistake> {
    let mistake = || field("id", "a whole number or a string that can name something");
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

/// An answer may leave the id out, but it may not give another.
fn check_id(fields: &Map<String, Value>, asked: &RemoteId) -> Result<(), Mistake> {
    match fields.get("id") {
        None | Some(Value::Null) => Ok(()),
        Some(_) if read_id(fields)? == *asked => Ok(()),
        Some(_) => Err(Mistake::OtherIntegration),
    }
}

fn read_status_word(fields: &Map<String, Value>) -> Result<Status, Mistake> {
    match fields.get("status").and_then(Value::as_str) {
        Some(word) if !word.is_empty() => Ok(Status::from_wire(word)),
        Some(_) | None => Err(field("status", "a string with something in it")),
    }
}

/// The tests that failed or warned, as far as they can be read (API.md 5.3).
fn read_failing_tests(results: Option<&Value>) -> Vec<FailingTest> {
    let tests = results.and_then(|results| {
        let listed = results.get("validationTests").unwrap_or(results);
        listed.as_array()
    });
    let text = |test: &Value, key: &str| {
        let value = test.get(key).and_then(Value::as_str);
        value.unwrap_or_default().to_owned()
    };
    let mut failing = tests.into_iter().flatten().filter(|test| {
        let status = test.get("status").and_then(Value::as_str);
        matches!(status, Some("failed" | "warning"))
    });
    let mut shown: Vec<FailingTest> = failing
        .by_ref()
        .take(MOST_FAILING_TESTS)
        .map(|test| FailingTest {
            name: text(test, "name"),
            message: text(test, "message"),
        })
        .collect();
    let more = failing.count();
    if more > 0 {
        shown.push(FailingTest {
            name: format!("and {more} more"),
            message: String::new(),
        });
    }
    shown
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
