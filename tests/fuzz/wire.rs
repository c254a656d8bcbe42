//! The reader of answers, on any bytes, by the calls of the client.
//!
//! No bytes make it panic, make an absence of anything but the API's documented words, or
//! lose an element of the list: each is read, makes a hole, or is of a type that
//! is not known. What an error shows is fit to be shown, and holds no secret.

#![no_main]

mod client;

use std::collections::HashSet;

use client::{Answer, SECRETS, body, client};
use futures::executor::block_on;
use http::{HeaderMap, StatusCode};
use integrationd::immuta::{ApiError, Effect, ReadApi, WriteApi};
use integrationd::live::{Live, LiveIntegration, RemoteId, Scope};
use integrationd::platform;
use integrationd::text::{chain, is_unsafe};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

/// The longest message of a server that is shown, in characters.
const LONGEST: usize = 2000;

const STATUSES: [u16; 8] = [200, 404, 422, 200, 429, 401, 500, 202];

fuzz_target!(|input: &[u8]| {
    let [call, status, bytes @ ..] = input else {
        return;
    };
    let status = STATUSES[usize::from(*status) % STATUSES.len()];
    let server = || {
        client(Answer {
            status: StatusCode::from_u16(status).expect("a status"),
            headers: HeaderMap::new(),
            body: bytes.to_vec(),
        })
    };
    let id = RemoteId::new("7");
    let is_absence = status == 404 && says_absent(bytes, &id);
    match call % 5 {
        0 => match block_on(server().list()) {
            Ok(live) => is_whole(&live, status, bytes),
            Err(error) => is_fit(&error),
        },
        1 => is_one(block_on(server().get(&id)), is_absence, |live| {
            live.id == id
        }),
        2 => is_one(block_on(server().status(&id)), is_absence, |_| true),
        3 => match block_on(server().into_writer().create(&body())) {
            Ok(accepted) => is_id(&accepted.id),
            Err(error) => {
                is_fit(&error);
                has_right_effect(&error, status);
            }
        },
        _ => match block_on(server().into_writer().update(&id, &body())) {
            Ok(accepted) => assert_eq!(accepted.id, id),
            Err(error) => {
                is_fit(&error);
                has_right_effect(&error, status);
            }
        },
    }
});

/// The answer to a question for one integration.
fn is_one<T>(answer: Result<Option<T>, ApiError>, is_absence: bool, is_it: impl Fn(&T) -> bool) {
    match answer {
        Ok(None) => assert!(is_absence),
        Ok(Some(found)) => assert!(is_it(&found)),
        Err(error) => {
            assert!(!is_absence, "{error}");
            is_fit(&error);
        }
    }
}

fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// True if this is the envelope for an absent integration.
fn says_absent(bytes: &[u8], id: &RemoteId) -> bool {
    let Ok(Value::Object(fields)) = serde_json::from_slice(without_mark(bytes)) else {
        return false;
    };
    let said = fields.get("message").or_else(|| fields.get("error"));
    let said = said.and_then(Value::as_str).unwrap_or_default().trim();
    let words = format!("No integration found with ID {id}");
    let is_said =
        said.eq_ignore_ascii_case(&words) || said.eq_ignore_ascii_case(&format!("{words}."));
    fields.get("statusCode").and_then(Value::as_u64) == Some(404) && is_said
}

/// Every element of the list is accounted for, and no id is there twice.
fn is_whole(live: &Live, status: u16, bytes: &[u8]) {
    assert_eq!(status, 200);
    let read: Value = serde_json::from_slice(without_mark(bytes)).expect("what was read is JSON");
    let elements = read.as_array().expect("what was read is a list");
    let is_hidden = live
        .unreadable
        .iter()
        .any(|hole| hole.scope == Scope::Everything);
    let ids: HashSet<&RemoteId> = live.integrations.iter().map(|found| &found.id).collect();
    assert_eq!(ids.len(), live.integrations.len());
    live.integrations.iter().for_each(|found| is_id(&found.id));
    for element in elements {
        let type_name = element
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let Some(platform) = platform::by_wire(type_name) else {
            assert!(is_hidden || !type_name.is_empty(), "{element}");
            continue;
        };
        let of_it = |found: &&LiveIntegration| found.platform == Some(platform);
        let found = live.integrations.iter().filter(of_it).count();
        let there = elements.iter().filter(|e| e["type"] == type_name).count();
        assert!(
            found == there || live.unreadable_for(platform).is_some(),
            "{element}"
        );
    }
    for unreadable in &live.unreadable {
        assert!(
            !unreadable.reason.chars().any(is_unsafe),
            "{}",
            unreadable.reason
        );
    }
}

/// It can stand in a path and be shown.
fn is_id(id: &RemoteId) {
    let text = id.as_str();
    assert!(!text.is_empty() && !text.chars().any(is_unsafe), "{text:?}");
}

/// Checks that the text of an error can be shown.
fn is_fit(error: &ApiError) {
    let said = chain(error);
    let tests = error
        .rejection()
        .map_or(&[][..], |rejection| &rejection.failing_tests);
    let tests = tests.iter().flat_map(|test| [&test.name, &test.message]);
    for text in std::iter::once(&said).chain(tests) {
        assert!(!text.chars().any(is_unsafe), "{text:?}");
        assert!(text.chars().count() < LONGEST + 100, "{text}");
        for secret in SECRETS {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

/// A write that the server did not refuse in so many words may have had an effect.
fn has_right_effect(error: &ApiError, status: u16) {
    let certain = (400..500).contains(&status) && status != 408;
    assert_eq!(error.effect() == Effect::None, certain, "{error}");
}
