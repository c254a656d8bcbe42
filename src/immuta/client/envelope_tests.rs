//! Reading of rejections.

use serde_json::json;

use super::*;

fn rejection(code: u16, body: &str) -> Rejection {
    let status = StatusCode::from_u16(code).unwrap();
    let secrets = [Secret::new("hunter2\nline".into())];
    read_rejection(
        status,
        &HeaderMap::new(),
        body.as_bytes(),
        Some("7"),
        &secrets,
        SystemTime::UNIX_EPOCH,
    )
}

#[test]
fn the_error_envelope_is_recognised() {
    let read = rejection(
        422,
        r#"{"statusCode":422,"error":"Unprocessable entity","message":"Validation failed."}"#,
    );
    assert!(read.from_api);
    assert_eq!(read.message, "Validation failed.");
}

#[test]
fn an_error_of_a_proxy_is_not_the_api_speaking() {
    for body in [
        r#"{"message": "no Route matched"}"#,
        r#"{"statusCode": 500, "message": "x"}"#,
        r#"{"statusCode": 404}"#,
        "[]",
        "upstream timed out",
        "",
        "<html><b>404</b></html>",
    ] {
        assert!(!rejection(404, body).from_api, "{body}");
    }
    assert!(
        rejection(404, "<html>hunter2</html>")
            .message
            .contains("an HTML page")
    );
    assert_eq!(rejection(404, "upstream timed out").message, "");
}

#[test]
fn failing_tests_of_an_answer_are_found_on_two_levels() {
    let results = json!({"validationTests": [
        {"name": "Grants", "status": "failed", "message": "hunter2\nline is wrong"}]});
    for body in [
        json!({"statusCode": 422, "message": "m", "validationResults": results}),
        json!({"statusCode": 422, "message": "m", "data": {"validationResults": results}}),
    ] {
        let read = rejection(422, &body.to_string());
        assert_eq!(
            read.failing_tests,
            [FailingTest {
                name: "Grants".into(),
                message: "(secret) is wrong".into()
            }]
        );
    }
}

fn retry_after(value: &str, date: Option<&str>) -> Option<u64> {
    let mut headers = HeaderMap::new();
    headers.insert(header::RETRY_AFTER, value.parse().unwrap());
    if let Some(date) = date {
        headers.insert(header::DATE, date.parse().unwrap());
    }
    let now = httpdate::parse_http_date("Wed, 21 Oct 2026 07:28:00 GMT").unwrap();
    read_retry_after(&headers, now).map(|pause| pause.as_secs())
}

#[test]
fn retry_after_is_read_in_both_forms() {
    assert_eq!(retry_after("7", None), Some(7));
    assert_eq!(retry_after("Wed, 21 Oct 2026 07:28:09 GMT", None), Some(9));
    let date = Some("Wed, 21 Oct 2026 07:28:05 GMT");
    assert_eq!(retry_after("Wed, 21 Oct 2026 07:28:09 GMT", date), Some(4));
}

#[test]
fn a_pause_is_capped_and_nonsense_is_passed_over() {
    assert_eq!(retry_after("86400", None), Some(60));
    assert_eq!(retry_after("18446744073709551615", None), Some(60));
    assert_eq!(retry_after("99999999999999999999999", None), Some(60));
    assert_eq!(retry_after("Wed, 21 Oct 2037 07:28:00 GMT", None), Some(60));
    for nonsense in [
        "-1",
        "+1",
        "1.5",
        "soon",
        "",
        "Wed, 21 Oct 2020 07:28:00 GMT",
    ] {
        assert_eq!(retry_after(nonsense, None), None, "{nonsense}");
    }
}

#[test]
fn only_the_documented_words_name_an_absence() {
    let says = |code: u16, message: &str| {
        let body = json!({"statusCode": code, "error": "Not Found", "message": message});
        rejection(code, &body.to_string()).says_absent
    };
    for message in [
        "No Integration found with ID 7.",
        "No integration found with ID 7.",
        "No integration found with ID 7",
    ] {
        assert!(says(404, message), "{message}");
        assert!(!says(400, message), "{message}");
    }
    for message in [
        "Not Found",
        "Cannot GET /integrations/7",
        "Route GET:/integrations/7 not found",
        "Unknown tenant acme",
        "",
        "No Integration found with ID 77.",
        "No Integration found with ID 7. Unknown tenant",
        "No Integration found with ID .",
    ] {
        assert!(!says(404, message), "{message}");
    }
}
