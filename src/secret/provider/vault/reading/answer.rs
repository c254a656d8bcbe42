//! Meaning of a response. Pure.

use serde_json::Value;

use super::problem::VaultProblem;
use crate::secret::json::SecretJson;
use crate::text::{cut, escaped};

/// Position of the fields in a response of KV v2.
pub(super) const FIELDS: &str = "/data/data";

/// Position of the token in the response to a login.
pub(super) const TOKEN: &str = "/auth/client_token";

/// The longest piece of the list `errors` that is shown, in characters.
const LONGEST_WORDS: usize = 300;

/// The answer to a read: a document with fields in it, or why it has none.
pub(super) fn fields(
    operation: String,
    code: u16,
    document: Option<SecretJson>,
) -> Result<SecretJson, VaultProblem> {
    let server_message = server_message(document.as_ref());
    match (code, document) {
        (200, Some(document)) if has_fields(&document) => Ok(document),
        (200, _) => Err(VaultProblem::NotKv2 { operation }),
        (403, _) => Err(VaultProblem::Denied {
            operation,
            server_message,
        }),
        (404, Some(document)) if document.at("/data/metadata").is_some() => {
            Err(gone(operation, &document))
        }
        (404, _) => Err(VaultProblem::NotFound {
            operation,
            server_message,
        }),
        (code, _) => Err(refused(operation, code, server_message)),
    }
}

/// The answer to a login: a document with a token in it, or why it has none.
pub(super) fn login(
    operation: String,
    what: &'static str,
    code: u16,
    document: Option<SecretJson>,
) -> Result<SecretJson, VaultProblem> {
    let server_message = server_message(document.as_ref());
    match (code, document) {
        (200, Some(document)) if document.text_at(TOKEN).is_some() => Ok(document),
        (400 | 401 | 403 | 404, _) => Err(VaultProblem::Login {
            operation,
            what,
            server_message,
        }),
        (code, _) => Err(refused(operation, code, server_message)),
    }
}

fn refused(operation: String, code: u16, server_message: String) -> VaultProblem {
    match code {
        300..400 => VaultProblem::Redirect { operation },
        503 => VaultProblem::Unavailable {
            operation,
            server_message,
        },
        code => VaultProblem::Refused {
            operation,
            code,
            server_message,
        },
    }
}

fn has_fields(document: &SecretJson) -> bool {
    document.at(FIELDS).is_some_and(Value::is_object)
}

/// A deleted version answers with its metadata, and with 404.
fn gone(operation: String, document: &SecretJson) -> VaultProblem {
    let destroyed = document
        .at("/data/metadata/destroyed")
        .and_then(Value::as_bool);
    let (how, remedy) = if destroyed == Some(true) {
        ("destroyed", "write it again")
    } else {
        (
            "deleted",
            "restore it with `vault kv undelete`, or write it again",
        )
    };
    VaultProblem::Gone {
        operation,
        how,
        remedy,
    }
}

/// The list `errors` of an answer, to be put behind a text.
fn server_message(document: Option<&SecretJson>) -> String {
    let errors = document.and_then(|document| document.at("/errors")?.as_array());
    let words = errors.into_iter().flatten().filter_map(Value::as_str);
    let words: Vec<&str> = words.flat_map(str::split_whitespace).collect();
    if words.is_empty() {
        return String::new();
    }
    format!(" ({})", escaped(&cut(&words.join(" "), LONGEST_WORDS)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(code: u16, body: &Value) -> Result<(), String> {
        let document = SecretJson::parse(body.to_string().as_bytes());
        let answer = fields("GET kv/data/a".into(), code, document);
        answer.map(drop).map_err(|problem| problem.to_string())
    }

    #[test]
    fn an_answer_with_fields_is_taken_whatever_they_are() {
        assert_eq!(
            read(200, &json!({"data": {"data": {}, "metadata": {}}})),
            Ok(())
        );
    }

    #[test]
    fn an_answer_of_another_engine_is_not_taken_for_one() {
        for body in [
            json!({"data": {"password": "hunter2"}}),
            json!([]),
            json!({"data": {"data": null}}),
        ] {
            let error = read(200, &body).unwrap_err();
            assert!(error.contains("not from a KV version 2 engine"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn error_of_the_server_is_cut_and_escaped() {
        let long = "x".repeat(1000);
        let body =
            json!({"errors": ["per\u{1b}[31mmission\ndenied", long], "data": {"k": "hunter2"}});
        let error = read(403, &body).unwrap_err();
        assert!(
            error.contains("(per\\u{1b}[31mmission denied xxx"),
            "{error}"
        );
        assert!(error.contains("its policy grants `read`"), "{error}");
        assert!(error.len() < 600 && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn a_redirect_and_a_page_of_a_proxy_are_no_answer() {
        assert!(
            read(307, &json!(null))
                .unwrap_err()
                .contains("does not follow redirects")
        );
        assert!(
            read(502, &json!("<html>"))
                .unwrap_err()
                .contains("with status 502: ")
        );
    }
}
