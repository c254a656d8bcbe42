//! `Retry-After`, with or without a `Date`, of any bytes: no panic, no pause beyond the limit,
//! and a plain number has its value.

#![no_main]

mod client;

use std::time::Duration;

use client::{Answer, client};
use futures::executor::block_on;
use http::StatusCode;
use http::header::{DATE, HeaderMap, HeaderValue, RETRY_AFTER};
use integrationd::immuta::ReadApi;
use libfuzzer_sys::fuzz_target;

/// The longest pause.
const LONGEST: Duration = Duration::from_secs(60);

fuzz_target!(|input: &[u8]| {
    let mut lines = input.split(|byte| *byte == b'\n');
    let mut headers = HeaderMap::new();
    for name in [RETRY_AFTER, DATE] {
        let value = lines.next().map(HeaderValue::from_bytes);
        if let Some(Ok(value)) = value {
            headers.insert(name, value);
        }
    }
    let asked = headers
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok());
    let asked = asked.map(|text| text.trim().to_owned());
    let answer = Answer {
        status: StatusCode::TOO_MANY_REQUESTS,
        headers,
        body: Vec::new(),
    };
    let error = block_on(client(answer).list()).expect_err("a refusal");
    let pause = error.rejection().expect("a refusal").retry_after;
    assert!(pause.is_none_or(|pause| pause <= LONGEST), "{pause:?}");
    match asked.as_deref() {
        None | Some("") => assert_eq!(pause, None),
        Some(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
            // What does not fit a number is longer than anything.
            let seconds = text.parse().map_or(LONGEST, Duration::from_secs);
            assert_eq!(pause, Some(seconds.min(LONGEST)), "{text}");
        }
        Some(_) => {}
    }
});
