//! Credentials, with scripted answers in paused time.

use super::super::script::{Script, ScriptedAnswer};
use super::*;
use crate::immuta::KnownSecrets;
use crate::immuta::{Effect, ReadApi, Reader, TransportErrorKind};

const LIST: ScriptedAnswer = ScriptedAnswer::Reply(200, "[]");
const REFUSED: ScriptedAnswer =
    ScriptedAnswer::Reply(401, r#"{"statusCode":401,"message":"Invalid"}"#);

fn token(text: &str) -> ScriptedAnswer {
    ScriptedAnswer::Owned(200, format!(r#"{{"token":"{text}"}}"#))
}

fn token_for(text: &str, lifetime: Duration) -> ScriptedAnswer {
    let expires = Timestamp::now() + lifetime;
    ScriptedAnswer::Owned(
        200,
        format!(r#"{{"token":"{text}","tokenExpiration":"{expires}"}}"#),
    )
}

fn key() -> ApiKey {
    ApiKey::new(Secret::new("k3y\"sample".into())).unwrap()
}

fn exchanging(answers: impl IntoIterator<Item = ScriptedAnswer>) -> (Script, Reader<Script>) {
    let script = Script::new(answers);
    let credentials = Credentials::Exchange(key());
    let reader = Reader::new(
        script.clone(),
        credentials,
        RetryPolicy::default(),
        KnownSecrets::none(),
    );
    (script, reader)
}

const EXCHANGED: &str = r#"POST /bim/apikey/authenticate [] {"apikey":"k3y\"sample"}"#;

#[test]
fn what_cannot_be_a_key_is_refused_without_repeating_it() {
    let new = |text: &str| ApiKey::new(Secret::new(text.into()));
    assert_eq!(new("").unwrap_err(), ApiKeyError::Empty);
    for text in ["hunter2\n", "two words", "schlüssel"] {
        let error = new(text).unwrap_err();
        assert_eq!(error, ApiKeyError::Characters);
        assert!(!error.to_string().contains(text));
    }
    assert_eq!(format!("{:?}", key()), "ApiKey((secret))");
}

#[tokio::test(start_paused = true)]
async fn raw_key_is_sent_unchanged_and_marked_as_sensitive() {
    let script = Script::new([LIST]);
    let credentials = Credentials::ApiKey(key());
    let reader = Reader::new(
        script.clone(),
        credentials,
        RetryPolicy::default(),
        KnownSecrets::none(),
    );
    reader.list().await.unwrap();
    assert_eq!(script.lines(), ["GET /integrations [k3y\"sample]"]);
    let sent = &script.sent()[0].request;
    assert!(sent.headers()["authorization"].is_sensitive());
    assert!(!format!("{sent:?}").contains("k3y"));
}

#[tokio::test(start_paused = true)]
async fn a_refused_raw_key_is_not_tried_again() {
    let script = Script::new([REFUSED]);
    let credentials = Credentials::ApiKey(key());
    let reader = Reader::new(
        script.clone(),
        credentials,
        RetryPolicy::default(),
        KnownSecrets::none(),
    );
    let error = reader.list().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "GET /integrations: 401 Unauthorized: Invalid"
    );
    assert_eq!(script.sent().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_fetched_once_and_used_again() {
    let (script, reader) = exchanging([token("t1"), LIST, LIST]);
    reader.list().await.unwrap();
    reader.list().await.unwrap();
    assert_eq!(
        script.lines(),
        [
            EXCHANGED,
            "GET /integrations [Bearer t1]",
            "GET /integrations [Bearer t1]"
        ]
    );
    let exchange = &script.sent()[0].request;
    assert!(!exchange.headers().contains_key("authorization"));
    assert_eq!(exchange.headers()["content-type"], "application/json");
}

#[tokio::test(start_paused = true)]
async fn many_tasks_share_one_exchange() {
    let (script, reader) = exchanging([token("t1"), LIST, LIST, LIST]);
    let (a, b, c) = tokio::join!(reader.list(), reader.list(), reader.list());
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    assert_eq!(script.sent().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn those_who_waited_for_a_refused_key_share_the_refusal() {
    let (script, reader) = exchanging([REFUSED]);
    let (a, b, c) = tokio::join!(reader.list(), reader.list(), reader.list());
    for outcome in [a, b, c] {
        assert_eq!(
            outcome.unwrap_err().to_string(),
            "POST /bim/apikey/authenticate: 401 Unauthorized: Invalid"
        );
    }
    assert_eq!(script.sent().len(), 1);
    script.push(token("t1"));
    script.push(LIST);
    assert!(reader.list().await.is_ok(), "a later request tries again");
}

#[tokio::test(start_paused = true)]
async fn rejected_token_is_renewed_once_and_the_request_resent_once() {
    let (script, reader) = exchanging([token("t1"), REFUSED, token("t2"), LIST]);
    reader.list().await.unwrap();
    assert_eq!(
        script.lines(),
        [
            EXCHANGED,
            "GET /integrations [Bearer t1]",
            EXCHANGED,
            "GET /integrations [Bearer t2]"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_second_refusal_of_a_token_is_final() {
    let (script, reader) = exchanging([token("t1"), REFUSED, token("t2"), REFUSED]);
    assert!(reader.list().await.is_err());
    assert_eq!(script.sent().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_crowd_whose_token_was_refused_renews_it_once() {
    let (script, reader) = exchanging([token("t1"), LIST]);
    reader.list().await.unwrap();
    for answer in [REFUSED, REFUSED, REFUSED, token("t2"), LIST, LIST, LIST] {
        script.push(answer);
    }
    let (a, b, c) = tokio::join!(reader.list(), reader.list(), reader.list());
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    let exchanges = script.lines().iter().filter(|l| *l == EXCHANGED).count();
    assert_eq!(exchanges, 2);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_shortly_before_it_expires() {
    let hour = Duration::from_secs(3600);
    let (script, reader) = exchanging([token_for("t1", hour), LIST, LIST, token("t2"), LIST]);
    reader.list().await.unwrap();
    tokio::time::sleep(hour - MARGIN - Duration::from_secs(5)).await;
    reader.list().await.unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    reader.list().await.unwrap();
    let last = script.lines().pop().unwrap();
    assert_eq!(last, "GET /integrations [Bearer t2]");
    assert_eq!(script.sent().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn token_is_renewed_half_way_and_an_expired_one_on_rejection() {
    let now = Timestamp::now();
    let seconds = |n: i64| now + jiff::SignedDuration::from_secs(n);
    let start = Instant::now();
    let after = |expires| renew_at(expires, now).map(|at| at - start);
    assert_eq!(after(seconds(60)), Some(Duration::from_secs(30)));
    assert_eq!(after(seconds(600)), Some(Duration::from_secs(600) - MARGIN));
    assert_eq!(after(seconds(0)), None);
    assert_eq!(after(seconds(-5)), None);
    assert!(after(Timestamp::MAX).is_some());
}

#[tokio::test(start_paused = true)]
async fn an_exchange_is_repeated_like_a_read() {
    let (script, reader) = exchanging([
        ScriptedAnswer::Fail(TransportErrorKind::Timeout),
        ScriptedAnswer::Reply(503, ""),
        token("t1"),
        LIST,
    ]);
    reader.list().await.unwrap();
    assert_eq!(script.sent().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn no_error_of_an_exchange_holds_the_key_or_the_token() {
    let echo = r#"{"statusCode":400,"message":"bad key k3y\"sample, k3y%22sample"}"#;
    for answer in [
        ScriptedAnswer::Reply(400, echo),
        ScriptedAnswer::Reply(200, r#"{"token":"t0k3n\u0000"}"#),
        ScriptedAnswer::Reply(200, r#"{"authenticated":false,"token":"t0k3n"}"#),
        ScriptedAnswer::Reply(200, r#"{"t0k3n":"#),
    ] {
        let (_, reader) = exchanging([answer]);
        let error = reader.list().await.unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(!text.contains("k3y") && !text.contains("t0k3n"), "{text}");
        assert!(text.contains("POST /bim/apikey/authenticate"), "{text}");
        assert_eq!(error.effect(), Effect::None, "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_the_server_says_back_is_scrubbed() {
    let echo = r#"{"statusCode":403,"message":"token t0k3n lacks rights"}"#;
    let (_, reader) = exchanging([token("t0k3n"), ScriptedAnswer::Reply(403, echo)]);
    let error = reader.list().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "GET /integrations: 403 Forbidden: token (secret) lacks rights"
    );
}

#[test]
fn an_exchange_gives_a_token_or_says_that_it_does_not() {
    let read = |text: &str| read_exchanged(text.as_bytes());
    let full = read(
        r#"{"authenticated": true, "token": "t0k", "tokenExpiration": "2021-09-29T19:12:51.467Z"}"#,
    )
    .ok()
    .unwrap();
    assert_eq!(full.token, Some(Secret::new("t0k".into())));
    assert_eq!(
        full.expires.unwrap().to_string(),
        "2021-09-29T19:12:51.467Z"
    );
    let bare = read(r#"{"token": "t0k", "tokenExpiration": "later"}"#)
        .ok()
        .unwrap();
    assert!(bare.expires.is_none());
    let refused = read(r#"{"authenticated": false, "token": ""}"#)
        .ok()
        .unwrap();
    assert!(refused.token.is_none());
    assert!(read(r#"{"token": ""}"#).is_err());
    assert!(read(r#"{"token": 7}"#).is_err());
    assert!(read("[]").is_err());
}
