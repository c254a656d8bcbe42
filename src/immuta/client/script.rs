//! A transport for tests: it plays answers in order and remembers what it was sent.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use tokio::time::Instant;

use super::{Transport, TransportError, TransportErrorKind};

/// Response to one request.
#[derive(Clone)]
pub(crate) enum ScriptedAnswer {
    Reply(u16, &'static str),
    ReplyWith(u16, &'static str, &'static [(&'static str, &'static str)]),
    Owned(u16, String),
    Fail(TransportErrorKind),
}

/// One request as it was sent.
#[derive(Debug, Clone)]
pub(crate) struct SentRequest {
    /// Method, path, credentials, body.
    pub(crate) line: String,
    pub(crate) at: Instant,
    pub(crate) request: Request<Bytes>,
}

#[derive(Clone, Default)]
pub(crate) struct Script {
    answers: Arc<Mutex<VecDeque<ScriptedAnswer>>>,
    sent: Arc<Mutex<Vec<SentRequest>>>,
}

impl Script {
    pub(crate) fn new(answers: impl IntoIterator<Item = ScriptedAnswer>) -> Self {
        Self {
            answers: Arc::new(Mutex::new(answers.into_iter().collect())),
            sent: Arc::default(),
        }
    }

    pub(crate) fn sent(&self) -> Vec<SentRequest> {
        self.sent.lock().unwrap().clone()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.sent().into_iter().map(|sent| sent.line).collect()
    }

    pub(crate) fn push(&self, answer: ScriptedAnswer) {
        self.answers.lock().unwrap().push_back(answer);
    }
}

impl Transport for Script {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let credentials = request.headers().get("authorization");
        let line = format!(
            "{} {} [{}] {}",
            request.method(),
            request.uri(),
            credentials.map_or("", |value| value.to_str().unwrap()),
            std::str::from_utf8(request.body()).unwrap()
        );
        self.sent.lock().unwrap().push(SentRequest {
            line: line.trim_end().to_owned(),
            at: Instant::now(),
            request,
        });
        let answer = self.answers.lock().unwrap().pop_front();
        // Long enough for others to come in meanwhile.
        tokio::time::sleep(Duration::from_millis(10)).await;
        let (status, body, headers) = match answer.expect("the script has another answer") {
            ScriptedAnswer::Reply(status, body) => (status, body.to_owned(), &[][..]),
            ScriptedAnswer::ReplyWith(status, body, headers) => (status, body.to_owned(), headers),
            ScriptedAnswer::Owned(status, body) => (status, body, &[][..]),
            ScriptedAnswer::Fail(kind) => return Err(TransportError { kind, source: None }),
        };
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        Ok(response.body(body.into()).unwrap())
    }
}
