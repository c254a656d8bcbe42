//! The scripts of a manual set-up (API.md 3).
//!
//! A request for a script changes nothing. The answer may hold credentials: it is a secret
//! until it is printed or written, and no error repeats it.

use http::Method;
use serde_json::Value;
use zeroize::Zeroizing;

use super::calls::Reader;
use crate::immuta::client::{ApiError, Call, CallKind, Path, RequestBody, Transport};
use crate::live::RemoteId;
use crate::platform::ScriptKind;
use crate::secret::Secret;

/// An answer in which there is no script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum NoScript {
    #[error("the response is empty")]
    Empty,
    #[error("the response is not UTF-8 text")]
    NotText,
    #[error("the response is an HTML page, not a script")]
    Html,
    #[error("the response is JSON, but neither a string nor an object with a single string")]
    Json,
    #[error("the response begins like JSON, but is invalid JSON")]
    BrokenJson,
}

impl<T: Transport> Reader<T> {
    /// The script of this kind. `id` counts for the kinds that name an integration; `body` is
    /// left out for the script of a delete.
    ///
    /// # Errors
    /// The request fails, or there is no script in the answer.
    pub async fn script(
        &self,
        kind: ScriptKind,
        id: Option<&RemoteId>,
        body: Option<&RequestBody>,
    ) -> Result<Secret, ApiError> {
        let path = match id.filter(|_| kind.names_integration()) {
            Some(id) => Path::naming(kind.endpoint(), id.as_str()),
            None => Path::fixed(kind.endpoint()),
        };
        let call = Call::new(Method::POST, path, body, CallKind::Harmless);
        let answer = self.0.run(&call).await?;
        read_script(&answer.body, answer.is_text).map_err(|mistake| call.unreadable(&mistake))
    }
}

/// The script in an answer: plain text, a JSON string, or an object with one string. A text may
/// begin like JSON, as T-SQL does with a name in brackets.
fn read_script(body: &[u8], is_text: bool) -> Result<Secret, NoScript> {
    let text = std::str::from_utf8(body).map_err(|_| NoScript::NotText)?;
    if text.trim().is_empty() {
        return Err(NoScript::Empty);
    }
    let begins_with = |prefix: &str| {
        let start = text.trim_start().get(..prefix.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    if begins_with("<!doctype html") || begins_with("<html") {
        return Err(NoScript::Html);
    }
    let script = match serde_json::from_str(text) {
        Ok(Value::String(script)) => script,
        Ok(Value::Object(object)) => {
            let mut strings = object.into_iter().filter_map(|(_, value)| match value {
                Value::String(text) => Some(Zeroizing::new(text)),
                Value::Null
                | Value::Bool(_)
                | Value::Number(_)
                | Value::Array(_)
                | Value::Object(_) => None,
            });
            match (strings.next(), strings.next()) {
                (Some(script), None) => script.to_string(),
                _ => return Err(NoScript::Json),
            }
        }
        Ok(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_)) => {
            return Err(NoScript::Json);
        }
        // Cut off, perhaps.
        Err(_) if !is_text && text.trim_start().starts_with(['{', '[', '"']) => {
            return Err(NoScript::BrokenJson);
        }
        Err(_) => text.to_owned(),
    };
    if script.trim().is_empty() {
        return Err(NoScript::Empty);
    }
    Ok(Secret::new(script))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<String, NoScript> {
        read_script(body.as_bytes(), false).map(|script| script.expose().to_owned())
    }

    #[test]
    fn text_may_begin_like_json() {
        for body in [
            "[dbo].x; -- T-SQL\n",
            " { not json }",
            "\"a\" = 1;",
            "{\"a\": \"cut",
        ] {
            let read = read_script(body.as_bytes(), true);
            let read = read.map(|script| script.expose().to_owned());
            assert_eq!(read.as_deref(), Ok(body));
        }
        // JSON is JSON, whatever the server calls it.
        let read = |body: &str| {
            let read = read_script(body.as_bytes(), true);
            read.map(|script| script.expose().to_owned())
        };
        assert_eq!(read("\"CREATE\"").as_deref(), Ok("CREATE"));
        assert_eq!(read("{\"script\": \"CREATE\"}").as_deref(), Ok("CREATE"));
        for body in ["[\"a\"]", "{\"a\": \"x\", \"b\": \"y\"}", "null"] {
            assert_eq!(read(body), Err(NoScript::Json), "{body}");
        }
    }

    #[test]
    fn script_is_read_in_all_three_forms() {
        for body in [
            "CREATE ROLE x;\n",
            "\"CREATE ROLE x;\\n\"",
            "{\"script\": \"CREATE ROLE x;\\n\"}",
            "{\"status\": 1, \"script\": \"CREATE ROLE x;\\n\"}",
        ] {
            assert_eq!(read(body).as_deref(), Ok("CREATE ROLE x;\n"), "{body}");
        }
    }

    #[test]
    fn answer_without_a_script_is_an_error() {
        for (body, expected) in [
            ("", NoScript::Empty),
            (" \n", NoScript::Empty),
            ("\"\"", NoScript::Empty),
            ("{}", NoScript::Json),
            ("[\"a\"]", NoScript::Json),
            ("{\"a\": \"x\", \"b\": \"y\"}", NoScript::Json),
            ("{\"script\": \"CREATE", NoScript::BrokenJson),
            ("\"CREATE", NoScript::BrokenJson),
            ("<!DOCTYPE html><p>", NoScript::Html),
            ("<HTML>", NoScript::Html),
        ] {
            assert_eq!(read(body), Err(expected), "{body}");
        }
        assert!(read_script(b"\xff", true).is_err());
    }
}
