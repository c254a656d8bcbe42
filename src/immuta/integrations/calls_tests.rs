//! The calls, with scripted answers in paused time.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::immuta::client::script::{Script, ScriptedAnswer};
use crate::immuta::{ApiKey, Effect, TransportErrorKind};
use crate::live::IntegrationStatus;
use crate::platform::ScriptKind;
use crate::secret::Secret;
use crate::text::chain;

const ABSENT: ScriptedAnswer = ScriptedAnswer::Reply(
    404,
    r#"{"statusCode":404,"error":"Not Found","message":"No Integration found with ID 7."}"#,
);
const BUSY: &str = r#"{"statusCode":429,"message":"Too many requests"}"#;
const CREATED: ScriptedAnswer = ScriptedAnswer::Reply(200, r#"{"id":"7","status":"creating"}"#);

fn known(secrets: &[&str]) -> KnownSecrets {
    let secrets = secrets.iter().map(|s| Secret::new((*s).into()));
    KnownSecrets::of_files(secrets.collect(), std::iter::empty())
}

fn reader(answers: impl IntoIterator<Item = ScriptedAnswer>) -> (Script, Reader<Script>) {
    reader_knowing(&[], answers)
}

fn reader_knowing(
    secrets: &[&str],
    answers: impl IntoIterator<Item = ScriptedAnswer>,
) -> (Script, Reader<Script>) {
    let script = Script::new(answers);
    let key = ApiKey::new(Secret::new("the-key".into())).unwrap();
    let credentials = Credentials::ApiKey(key);
    let reader = Reader::new(
        script.clone(),
        credentials,
        RetryPolicy::default(),
        known(secrets),
    );
    (script, reader)
}

fn writer(answers: impl IntoIterator<Item = ScriptedAnswer>) -> (Script, Writer<Script>) {
    let (script, reader) = reader(answers);
    (script, reader.into_writer())
}

fn body() -> RequestBody {
    RequestBody {
        json: br#"{"type":"Lake","password":"hunter2"}"#.to_vec().into(),
        secrets: vec![Secret::new("hunter2".into())],
    }
}

fn seven() -> RemoteId {
    RemoteId::new("7")
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_any_call_is_scrubbed_of_every_secret_of_the_run() {
    let said = r#"{"statusCode":500,"message":"cannot log in with hunter2","validationResults":
        [{"name":"hunter2","status":"failed","message":"no hunter2"}]}"#;
    let (_, reader) = reader_knowing(
        &["hunter2"],
        (0..9).map(|_| ScriptedAnswer::Reply(422, said)),
    );
    let list = reader.list().await.unwrap_err();
    let get = reader.get(&seven()).await.unwrap_err();
    let status = reader.status(&seven()).await.unwrap_err();
    for error in [list, get, status] {
        let rejection = error.rejection().unwrap();
        assert_eq!(rejection.message, "cannot log in with (secret)");
        let test = &rejection.failing_tests[0];
        assert_eq!((&*test.name, &*test.message), ("(secret)", "no (secret)"));
    }
}

/// Within a secret, `\xBe` may be four characters of it and the line break one.
const AWKWARD: &str = "T\\xBe\nghié1jk2'lm3<no4&pq5%";

#[tokio::test(start_paused = true)]
async fn text_is_scrubbed_before_it_is_escaped_and_cut() {
    let text = format!("{}{AWKWARD} rest\u{1b}", "x".repeat(1991));
    let test = json!({"name": "a\u{1b}b", "status": "failed", "message": text});
    let results = json!({"validationTests": [test]});
    let refused = json!({"statusCode": 422, "message": text, "validationResults": results});
    let found = json!({"id": "7", "status": "createError", "type": "Lake", "config": {},
        "validationResults": results});
    let (_, reader) = reader_knowing(
        &[AWKWARD],
        [
            ScriptedAnswer::Owned(422, refused.to_string()),
            ScriptedAnswer::Owned(200, found.to_string()),
        ],
    );
    let error = reader.get(&seven()).await.unwrap_err();
    let rejection = error.rejection().unwrap();
    let found = reader.get(&seven()).await.unwrap().unwrap();
    let expected = format!("{}(secret)…", "x".repeat(1991));
    assert_eq!(rejection.message, expected);
    for test in [&rejection.failing_tests[0], &found.failing_tests[0]] {
        assert_eq!(test.name, "a\\u{1b}b");
        assert_eq!(test.message, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn the_calls_go_to_their_paths() {
    let (script, writer) = writer([
        ScriptedAnswer::Reply(200, "[]"),
        ScriptedAnswer::Reply(200, r#"{"id":"7","type":"T","status":"enabled"}"#),
        ScriptedAnswer::Reply(200, r#"{"id":7,"status":"enabled"}"#),
        CREATED,
        ScriptedAnswer::Reply(200, r#"{"status":"editing"}"#),
    ]);
    assert!(writer.list().await.unwrap().integrations.is_empty());
    assert_eq!(writer.get(&seven()).await.unwrap().unwrap().id, seven());
    let report = writer.status(&seven()).await.unwrap().unwrap();
    assert_eq!(report.status, IntegrationStatus::Enabled);
    assert_eq!(writer.create(&body()).await.unwrap().id, seven());
    let accepted = writer.update(&seven(), &body()).await.unwrap();
    assert_eq!(
        (accepted.id, accepted.status),
        (seven(), IntegrationStatus::Editing)
    );
    assert_eq!(
        script.lines(),
        [
            "GET /integrations [the-key]",
            "GET /integrations/7 [the-key]",
            "GET /integrations/7/status [the-key]",
            r#"POST /integrations [the-key] {"type":"Lake","password":"hunter2"}"#,
            r#"PUT /integrations/7 [the-key] {"type":"Lake","password":"hunter2"}"#,
        ]
    );
    let sent = script.sent();
    assert_eq!(sent[0].request.headers()["accept"], "application/json");
    assert!(!sent[0].request.headers().contains_key("content-type"));
    assert_eq!(
        sent[4].request.headers()["content-type"],
        "application/json"
    );
}

#[tokio::test(start_paused = true)]
async fn only_the_api_itself_can_say_that_an_integration_is_absent() {
    let (_, client) = reader([ABSENT, ABSENT]);
    assert!(client.get(&seven()).await.unwrap().is_none());
    assert!(client.status(&seven()).await.unwrap().is_none());
    for other in [
        "<html>404</html>",
        "",
        r#"{"message":"no Route matched with those values"}"#,
        r#"{"statusCode":404,"error":"Not Found","message":"Not Found"}"#,
        r#"{"statusCode":404,"error":"Not Found"}"#,
    ] {
        let (_, client) = reader([
            ScriptedAnswer::Reply(404, other),
            ScriptedAnswer::Reply(404, other),
        ]);
        assert!(client.get(&seven()).await.is_err(), "{other}");
        assert!(client.status(&seven()).await.is_err(), "{other}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_not_there_is_an_error_that_says_what_to_do() {
    let (_, client) = reader([ABSENT]);
    let help = client.list().await.unwrap_err().help();
    assert!(
        help.contains("check that the URL is the tenant's address"),
        "{help}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_the_apis_is_an_error_and_no_absence() {
    for answer in ["<html></html>", "", "[{", "{}", "null"] {
        let (script, client) = reader([
            ScriptedAnswer::Reply(200, answer),
            ScriptedAnswer::Reply(200, answer),
        ]);
        assert!(client.list().await.is_err(), "{answer}");
        assert!(client.get(&seven()).await.is_err(), "{answer}");
        assert_eq!(script.sent().len(), 2, "it came whole: not repeated");
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_answer_cannot_be_read_may_have_had_an_effect() {
    let (script, client) = writer([ScriptedAnswer::Reply(200, "<html>")]);
    let error = client.create(&body()).await.unwrap_err();
    assert_eq!(error.effect(), Effect::Unknown);
    assert_eq!(script.sent().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_read_is_repeated_until_it_succeeds() {
    let (script, client) = reader([
        ScriptedAnswer::Fail(TransportErrorKind::Connect),
        ScriptedAnswer::Reply(502, "<html>bad gateway</html>"),
        ScriptedAnswer::Fail(TransportErrorKind::Broken),
        ScriptedAnswer::Reply(429, BUSY),
        ScriptedAnswer::Reply(200, "[]"),
    ]);
    client.list().await.unwrap();
    assert_eq!(script.sent().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn read_ends_after_the_last_attempt_with_the_last_error() {
    let (script, client) = reader(vec![ScriptedAnswer::Reply(503, ""); 9]);
    let error = client.list().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "GET /integrations: 503 Service Unavailable: no message"
    );
    assert_eq!(script.sent().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn pause_requested_by_the_server_is_kept_within_the_deadline() {
    let patient = ScriptedAnswer::ReplyWith(429, BUSY, &[("retry-after", "55")]);
    let (script, client) = reader(vec![patient; 9]);
    assert!(client.list().await.is_err());
    let sent = script.sent();
    assert_eq!(sent.len(), 3, "a third pause would end after the deadline");
    for pair in sent.windows(2) {
        assert!(pair[1].at - pair[0].at >= Duration::from_secs(55));
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_was_never_sent_is_sent_again() {
    let (script, client) = writer([
        ScriptedAnswer::Fail(TransportErrorKind::Connect),
        ScriptedAnswer::Reply(429, BUSY),
        CREATED,
    ]);
    client.create(&body()).await.unwrap();
    assert_eq!(script.sent().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_may_have_had_an_effect_is_sent_once() {
    for answer in [
        ScriptedAnswer::Fail(TransportErrorKind::Timeout),
        ScriptedAnswer::Fail(TransportErrorKind::Broken),
        ScriptedAnswer::Fail(TransportErrorKind::Certificate),
        ScriptedAnswer::Reply(500, ""),
        ScriptedAnswer::Reply(503, BUSY),
        ScriptedAnswer::Reply(429, "<html>"),
        ScriptedAnswer::Reply(409, r#"{"statusCode":409,"message":"m"}"#),
    ] {
        let (script, client) = writer([answer.clone()]);
        assert!(client.create(&body()).await.is_err());
        assert_eq!(script.sent().len(), 1);
        let (script, client) = writer([answer]);
        assert!(client.update(&seven(), &body()).await.is_err());
        assert_eq!(script.sent().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_never_got_its_token_had_no_effect() {
    let script = Script::new(vec![ScriptedAnswer::Fail(TransportErrorKind::Broken); 5]);
    let key = ApiKey::new(Secret::new("the-key".into())).unwrap();
    let credentials = Credentials::Exchange(key);
    let client = Reader::new(
        script.clone(),
        credentials,
        RetryPolicy::default(),
        known(&[]),
    )
    .into_writer();
    let error = client.create(&body()).await.unwrap_err();
    assert_eq!(error.effect(), Effect::None);
    assert!(
        script
            .lines()
            .iter()
            .all(|line| line.contains("authenticate"))
    );
}

#[tokio::test(start_paused = true)]
async fn secrets_that_the_server_says_back_are_scrubbed() {
    let echo = r#"{"statusCode":422,"message":"cannot log in with hunter2 (key the-key)"}"#;
    let (_, client) = writer([ScriptedAnswer::Reply(422, echo)]);
    let error = client.create(&body()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "POST /integrations: 422 Unprocessable Entity: cannot log in with (secret) (key (secret))"
    );
}

#[tokio::test(start_paused = true)]
async fn a_redirect_is_a_refusal_that_says_what_to_do() {
    let (script, client) = reader([ScriptedAnswer::Reply(302, "")]);
    let error = client.list().await.unwrap_err();
    assert!(error.to_string().contains("302 Found"), "{error}");
    assert!(error.help().contains("does not follow redirects"));
    assert_eq!(script.sent().len(), 1);
}

/// Collects what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn log_shows_every_request_and_no_value() {
    let log = Log::default();
    let sink = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .without_time()
        .with_writer(move || sink.clone())
        .finish();
    // With a single subscriber, the tests of other threads would decide whether
    // a call site is on at all.
    let _second = tracing::Dispatch::new(tracing_subscriber::fmt().finish());
    let guard = tracing::subscriber::set_default(subscriber);
    let (_, client) = writer([
        ScriptedAnswer::Reply(429, BUSY),
        ScriptedAnswer::Reply(422, r#"{"statusCode":422,"message":"hunter2"}"#),
    ]);
    assert!(
        client
            .update(&RemoteId::new("id-of-the-lake"), &body())
            .await
            .is_err()
    );
    drop(guard);
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    for field in [
        "http.request.method=PUT",
        "url.template=\"/integrations/{id}\"",
        "http.response.status_code=429",
    ] {
        assert!(lines[0].contains(field), "{text}");
        assert!(lines[1].contains(field), "{text}");
    }
    assert!(lines[0].contains("DEBUG") && lines[0].contains("duration_ms="));
    assert!(lines[1].contains("WARN") && lines[1].contains("attempt=1"));
    assert!(lines[1].contains("delay_ms="));
    for value in ["hunter2", "the-key", "id-of-the-lake", "Too many"] {
        assert!(!text.contains(value), "{value}: {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn script_that_begins_like_json_counts_by_its_content_type() {
    let answer = |kind| ScriptedAnswer::ReplyWith(200, "[dbo].x;\n", kind);
    let (_, reader) = reader([
        answer(&[("content-type", "Text/Plain; charset=utf-8")]),
        answer(&[("content-type", "application/json")]),
        answer(&[]),
    ]);
    let fetch = || reader.script(ScriptKind::Create, None, None);
    assert_eq!(fetch().await.unwrap().expose(), "[dbo].x;\n");
    for _ in 0..2 {
        let error = fetch().await.unwrap_err();
        let reason = "the response begins like JSON, but is invalid JSON";
        assert!(chain(&error).contains(reason), "{error}");
    }
}
