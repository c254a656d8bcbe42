//! Common parts of every response of the API: JSON of a bounded size, and the envelope of a
//! rejection. Pure. No mistake repeats a value of the response.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeSeed as _;
use serde_json::{Map, Value};

use super::Rejection;
use super::bounded::{Bounded, Budget, MOST_VALUES};
use crate::live::FailingTest;
use crate::secret::{Scrubber, Secret, wipe};

/// Longest pause that a server can ask for. A longer one is cut to this: no user at a terminal
/// waits for it, and the daemon retries by itself.
pub(crate) const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60);

/// Failing tests of an integration that are kept. The documented set-ups run fewer
/// than ten (API.md 5.3).
pub(crate) const MOST_FAILING_TESTS: usize = 50;

/// Reason why a response, or a part of it, could not be read; never with a value from it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AnswerError {
    /// Nothing came.
    #[error("the response is empty, not JSON")]
    Empty,
    /// Markup came.
    #[error("the response is an HTML page, not JSON")]
    Html,
    /// Something else came, or JSON that ends too early.
    #[error("the response is invalid JSON at line {line}, column {column}")]
    NotJson {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// JSON of another shape.
    #[error("expected {0}")]
    Not(&'static str),
    /// JSON with so much in it that it cannot be an answer of the API.
    #[error("more than {limit} {unit}, which is too many for a response from Immuta")]
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
        /// The expected value.
        expected: &'static str,
    },
    /// The status is one of success, but not that of a whole answer.
    #[error("the response has status {0}, which does not indicate a complete response")]
    NotWhole(StatusCode),
    /// The answer names another id than was asked for.
    #[error("the response is about a different integration")]
    OtherIntegration,
    /// A name that has to be shown and recorded, and must not be.
    #[error("{name} contains the value of a secret")]
    HoldsSecret {
        /// Name of the part that holds the secret.
        name: &'static str,
    },
}

pub(crate) fn field(name: &'static str, expected: &'static str) -> AnswerError {
    AnswerError::Field { name, expected }
}

pub(crate) fn too_many_values(limit: usize) -> AnswerError {
    AnswerError::TooMuch {
        limit,
        unit: "values",
    }
}

/// Parses JSON. The parser's own message is dropped but for the position.
pub(crate) fn parse(body: &[u8]) -> Result<Value, AnswerError> {
    parse_within(body, MOST_VALUES)
}

/// Reads JSON of at most so many values.
pub(crate) fn parse_within(body: &[u8], most: usize) -> Result<Value, AnswerError> {
    let body = without_mark(body);
    let mut json = serde_json::Deserializer::from_slice(body);
    let mut budget = Budget::of(most);
    let value = Bounded(&mut budget)
        .deserialize(&mut json)
        .and_then(|value| json.end().map(|()| value))
        .map_err(|error| not_json(body, &error))?;
    if budget.is_exceeded() {
        return Err(too_many_values(most));
    }
    Ok(value)
}

/// The body without a byte order mark.
pub(crate) fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

pub(crate) fn not_json(body: &[u8], error: &serde_json::Error) -> AnswerError {
    match body.trim_ascii_start().first() {
        None => AnswerError::Empty,
        Some(b'<') => AnswerError::Html,
        Some(_) => AnswerError::NotJson {
            line: error.line(),
            column: error.column(),
        },
    }
}

/// Reads a refusal. `asked` is the id that the request named; `secrets`
/// are the values just sent; `now` turns a date in `Retry-After` into a pause, if the
/// answer itself carries no date.
pub(crate) fn read_rejection(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    asked: Option<&str>,
    secrets: &[Secret],
    now: SystemTime,
) -> Rejection {
    let scrubber = Scrubber::new(secrets);
    let show = |text: &str| scrubber.scrub(text);
    let mut fields = match parse(body) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) => Map::new(),
        Err(mistake) => {
            let message = match mistake {
                AnswerError::Html => mistake.to_string(),
                AnswerError::Empty
                | AnswerError::NotJson { .. }
                | AnswerError::Not(_)
                | AnswerError::TooMuch { .. }
                | AnswerError::Field { .. }
                | AnswerError::NotWhole(_)
                | AnswerError::OtherIntegration
                | AnswerError::HoldsSecret { .. } => String::new(),
            };
            return Rejection {
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
    let rejection = Rejection {
        code: status.as_u16(),
        from_api,
        says_absent: status == StatusCode::NOT_FOUND && from_api && is_absence,
        message: said.map(show).unwrap_or_default(),
        failing_tests,
        retry_after: read_retry_after(headers, now),
    };
    // A server may repeat what it was sent.
    fields.values_mut().for_each(wipe);
    rejection
}

/// The documented words for an integration that does not exist, in lower case: the
/// API spells them in two ways (API.md section 6).
const ABSENT: &str = "no integration found with id ";

/// True if these are the documented words about the requested integration. Any other
/// sender of a 404 (a framework's unknown path, a gateway) knows nothing of it.
fn names_absent(message: &str, asked: &str) -> bool {
    let Some((words, id)) = message.trim().split_at_checked(ABSENT.len()) else {
        return false;
    };
    let id = id.strip_suffix('.').unwrap_or(id);
    words.eq_ignore_ascii_case(ABSENT) && id == asked
}

/// Validation results of a rejection: their position in it is unknown (API.md section 6), so
/// they are searched for at the top and one level below.
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

/// The tests that failed or warned, as far as they can be read (API.md 5.3).
pub(crate) fn read_failing_tests(results: Option<&Value>) -> Vec<FailingTest> {
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
#[path = "envelope_tests.rs"]
mod tests;
