//! Log of the received requests, in order, with their results.
//!
//! Bodies are kept as received: they contain secrets in clear, so that tests can check what was
//! sent. Never use real secrets with a simulator.

use std::collections::VecDeque;

use serde::Serialize;
use serde_json::Value;

/// Number of requests to keep; the oldest are dropped first. Enough to create and follow ten
/// thousand integrations.
pub(super) const CAPACITY: usize = 100_000;

/// One request.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LoggedRequest {
    /// Its number, from 1 since the start.
    pub sequence: u64,
    /// Its method.
    pub method: String,
    /// Its path, with the query.
    pub path: String,
    /// Its body, if it had one: as JSON, or as a string when it is none.
    pub body: Option<Value>,
    /// True if it changed anything.
    pub effect: bool,
    /// The HTTP status that was answered; none when there was no answer, or not yet.
    pub answer: Option<u16>,
}

/// All of them.
#[derive(Default)]
pub(super) struct RequestLog {
    entries: VecDeque<LoggedRequest>,
    count: u64,
}

impl RequestLog {
    /// Records a request and returns its number.
    pub(super) fn receive(&mut self, method: String, path: String, body: Option<Value>) -> u64 {
        if self.entries.len() == CAPACITY {
            self.entries.pop_front();
        }
        self.count += 1;
        self.entries.push_back(LoggedRequest {
            sequence: self.count,
            method,
            path,
            body,
            effect: false,
            answer: None,
        });
        self.count
    }

    /// Changes an entry, unless it was forgotten.
    pub(super) fn update(&mut self, sequence: u64, change: impl FnOnce(&mut LoggedRequest)) {
        let first = self.entries.front().map_or(0, |entry| entry.sequence);
        let index = sequence.checked_sub(first).map(usize::try_from);
        if let Some(entry) = index.and_then(|index| self.entries.get_mut(index.ok()?)) {
            change(entry);
        }
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = &LoggedRequest> {
        self.entries.iter()
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
    }
}
