//! Connections, which are only read (API.md section 10).
//!
//! The search is documented without its request, its answer or its paging, so every
//! plausible form of an answer is taken, and everything else is a failed read: an answer
//! that hints at more than it holds is none.

use http::Method;
use serde_json::{Map, Value};

use super::calls::Reader;
use super::wire::read_id;
use crate::immuta::client::{
    AnswerError, ApiError, Call, CallKind, CallResponse, Path, RequestBody, Transport, parse,
};
use crate::live::{Backing, Connection, Connections};
use crate::secret::json::to_json;

/// The search for objects; without a path, for connections (API.md 10.2).
const SEARCH: &str = "/data/object/search";

/// One connection. Its key is a display name.
const CONNECTION: &str = "/data/connection/{key}";

/// Members in which an answer can say that there is more, other than by a count.
const MORE: [&str; 7] = [
    "next",
    "nextPage",
    "nextToken",
    "cursor",
    "hasMore",
    "hasNext",
    "hasNextPage",
];

/// Members in which an answer can say how many there are.
const COUNTS: [&str; 5] = ["count", "total", "totalCount", "totalHits", "hits"];

impl<T: Transport> Reader<T> {
    /// `POST /data/object/search`, and what its answer means (API.md 10.3).
    pub(super) async fn search_connections(&self) -> Result<Connections, ApiError> {
        let body = RequestBody {
            json: to_json(&Map::new()),
            secrets: Vec::new(),
        };
        let answer = self.search(Some(&body)).await;
        match answer.as_ref().err().and_then(code) {
            // No page shows the form of the request: perhaps it has no body.
            Some(400) => self.search(None).await,
            Some(_) | None => answer,
        }
    }

    async fn search(&self, body: Option<&RequestBody>) -> Result<Connections, ApiError> {
        // It reads, whatever its method.
        let call = Call::new(Method::POST, Path::fixed(SEARCH), body, CallKind::Harmless);
        match self.0.run(&call).await {
            Ok(answer) => match self.connections_of(&answer) {
                Ok(listed) => Ok(Connections::Listed(listed)),
                Err(AnswerError::Html) => Ok(Connections::Missing),
                Err(mistake) => Err(call.unreadable(&mistake)),
            },
            Err(error) => match code(&error) {
                Some(404) => Ok(Connections::Missing),
                Some(403) => Ok(Connections::Hidden),
                Some(_) | None => Err(error),
            },
        }
    }

    /// `GET /data/connection/{key}`.
    pub(super) async fn read_backing(&self, key: &str) -> Result<Backing, ApiError> {
        let call = Call::read(Path::naming(CONNECTION, key));
        let answer = self.0.run(&call).await?;
        let backing = read_backing(&answer.body);
        let backing = backing.and_then(|it| self.0.redaction(&answer).backing(it));
        backing.map_err(|mistake| call.unreadable(&mistake))
    }

    fn connections_of(&self, answer: &CallResponse) -> Result<Vec<Connection>, AnswerError> {
        let listed = read_connections(&answer.body)?;
        self.0.redaction(answer).connections(listed)
    }
}

fn code(error: &ApiError) -> Option<u16> {
    error.rejection().map(|rejection| rejection.code)
}

/// Reads the answer to the search: an array, or an object with one array in it.
fn read_connections(body: &[u8]) -> Result<Vec<Connection>, AnswerError> {
    let elements = match parse(body)? {
        Value::Array(elements) => elements,
        Value::Object(fields) => only_array(fields)?,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            return Err(AnswerError::Not("a list of connections"));
        }
    };
    elements.iter().map(read_connection).collect()
}

fn only_array(mut fields: Map<String, Value>) -> Result<Vec<Value>, AnswerError> {
    let arrays: Vec<String> = fields
        .iter()
        .filter(|(_, value)| value.is_array())
        .map(|(name, _)| name.clone())
        .collect();
    let [name] = arrays.as_slice() else {
        return Err(AnswerError::Not("a list of connections"));
    };
    let Some(Value::Array(elements)) = fields.remove(name) else {
        return Err(AnswerError::Not("a list of connections"));
    };
    let says_more = MORE.iter().any(|name| match fields.get(*name) {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Bool(true) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => true,
    });
    let has_fewer = COUNTS.iter().any(|name| {
        let count = fields.get(*name).and_then(Value::as_u64);
        count.is_some_and(|count| usize::try_from(count).map_or(true, |n| n > elements.len()))
    });
    if says_more || has_fewer {
        return Err(AnswerError::Not("the complete list of connections"));
    }
    Ok(elements)
}

/// The key is the first name of `objectPath`, or else `connectionKey`.
fn read_connection(element: &Value) -> Result<Connection, AnswerError> {
    let path = element.get("objectPath");
    let first = match path {
        Some(Value::Array(names)) => names.first().and_then(Value::as_str),
        Some(Value::String(path)) => path.split('/').next(),
        _ => None,
    };
    let key = first.or_else(|| element.get("connectionKey").and_then(Value::as_str));
    match key {
        Some(key) if !key.is_empty() => Ok(Connection {
            key: key.to_owned(),
            technology: technology(element),
        }),
        Some(_) | None => Err(AnswerError::Not("a list of connections with keys")),
    }
}

fn read_backing(body: &[u8]) -> Result<Backing, AnswerError> {
    let Value::Object(mut fields) = parse(body)? else {
        return Err(AnswerError::Not("an object"));
    };
    let named = fields.remove("nativeIntegrationId");
    let integration = match named.filter(|id| !id.is_null()) {
        None => None,
        Some(id) => Some(read_id(&Map::from_iter([("id".to_owned(), id)]))?),
    };
    let inner = fields.get("connection").and_then(technology);
    Ok(Backing {
        integration,
        technology: inner.or_else(|| technology(&Value::Object(fields))),
    })
}

fn technology(object: &Value) -> Option<String> {
    let word = object.get("technology")?.as_str()?;
    (!word.is_empty()).then(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::live::RemoteId;

    fn keys(answer: &Value) -> Option<Vec<String>> {
        let read = read_connections(answer.to_string().as_bytes()).ok()?;
        Some(read.into_iter().map(|connection| connection.key).collect())
    }

    #[test]
    fn keys_are_read_from_every_plausible_form() {
        let one = Some(vec!["a b".to_owned()]);
        for answer in [
            json!([{ "objectPath": ["a b"] }]),
            json!([{ "objectPath": ["a b", "schema"] }]),
            json!([{ "objectPath": "a b/schema" }]),
            json!([{ "connectionKey": "a b" }]),
            json!({ "objects": [{ "connectionKey": "a b" }], "next": null, "count": 1 }),
            json!({ "hits": [{ "connectionKey": "a b" }], "hasMore": false }),
        ] {
            assert_eq!(keys(&answer), one, "{answer}");
        }
        assert_eq!(keys(&json!([])), Some(Vec::new()));
        assert_eq!(keys(&json!({ "objects": [] })), Some(Vec::new()));
    }

    #[test]
    fn answers_that_may_lack_something_are_not_read() {
        let one = json!([{ "connectionKey": "a" }]);
        for answer in [
            json!({ "objects": one, "next": "2" }),
            json!({ "objects": one, "nextPage": 2 }),
            json!({ "objects": one, "hasMore": true }),
            json!({ "objects": one, "total": 2 }),
            json!({ "objects": one, "others": [] }),
            json!({ "objects": {} }),
            json!([{ "connectionKey": "" }]),
            json!([{ "name": "a" }]),
            json!(["a"]),
            json!(null),
        ] {
            assert_eq!(keys(&answer), None, "{answer}");
        }
    }

    #[test]
    fn id_of_the_integration_is_a_number_or_a_text() {
        let read = |answer: Value| read_backing(answer.to_string().as_bytes());
        let one = Some(RemoteId::new("1"));
        for id in [json!(1), json!("1")] {
            let backing = read(json!({ "nativeIntegrationId": id })).unwrap();
            assert_eq!(backing.integration, one);
        }
        let none = read(json!({ "connection": { "technology": "Glue" } })).unwrap();
        assert_eq!(
            (none.integration, none.technology.as_deref()),
            (None, Some("Glue"))
        );
        assert!(read(json!({ "nativeIntegrationId": true })).is_err());
        assert!(read(json!([])).is_err());
    }
}
