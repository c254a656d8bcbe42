//! The wire and the journal of a run, both at the mercy of its [`Fate`].

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::poll;
use integrationd::embedded::Embedded;
use integrationd::immuta::{Transport, TransportError, TransportErrorKind};
use integrationd::ledger::{
    Fingerprint, Intent, Journal, JournalError, KnownConnections, Ledger, Record, Seen,
};
use integrationd::live::RemoteId;
use integrationd::simulator::{Fault, FaultKind, Simulator};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::fate::Fate;
use super::scenario::Entry;

/// How long the command waits for an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// The wire to the simulated tenant.
pub(super) struct Wire {
    pub(super) simulator: Simulator,
    pub(super) fate: Arc<Fate>,
    /// A secret that the server says in the messages of its tests and errors.
    pub(super) gossip: Option<String>,
}

impl Wire {
    fn gossiping(&self, answer: http::Response<Bytes>) -> http::Response<Bytes> {
        let (Some(said), false) = (&self.gossip, answer.status() == 404) else {
            return answer;
        };
        let Ok(mut body) = serde_json::from_slice::<Value>(answer.body()) else {
            return answer;
        };
        let elements = match &mut body {
            Value::Array(elements) => elements.as_mut_slice(),
            other => std::slice::from_mut(other),
        };
        for element in elements.iter_mut().filter_map(Value::as_object_mut) {
            if element.contains_key("statusCode") {
                element.insert("message".to_owned(), said.as_str().into());
            } else if element.contains_key("status") {
                let test = json!({"name": said, "status": "failed", "message": said});
                let results = json!({ "validationTests": [test] });
                element.insert("validationResults".to_owned(), results);
            }
        }
        answer.map(|_| body.to_string().into())
    }
}

impl Wire {
    /// The integration of a path, as the server has it.
    fn integration_at(&self, path: &str) -> Option<Value> {
        let id = path.rsplit('/').next();
        let mut all = self.simulator.state().into_iter();
        all.find(|one| one["id"].as_str() == id)
    }
}

impl Transport for Wire {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let method = request.method().to_string();
        let path = request.uri().path().to_owned();
        let Some(passage) = self.fate.before(&method, &path, request.body()) else {
            return self.fate.nothing_more().await;
        };
        let line = format!("{method} {path}");
        let live = (method == "DELETE").then(|| self.integration_at(&path));
        let live = live.flatten();
        self.fate
            .heeds_bindings(&line, request.body(), live.as_ref());
        self.fate.heeds_connections(&passage, &self.simulator);
        for kind in &passage.troubles {
            self.simulator.fault(Fault::new(kind.clone()));
        }
        let simulator = Embedded(self.simulator.clone());
        let mut answer = pin!(tokio::time::timeout(PATIENCE, simulator.send(request)));
        // The request arrives now, and what it does not meet is gone.
        let first = poll!(&mut answer);
        let left: Vec<FaultKind> = self
            .simulator
            .faults()
            .into_iter()
            .map(|f| f.kind)
            .collect();
        self.simulator.clear_faults();
        let mut met = passage.troubles.clone();
        met.retain(|kind| !left.contains(kind));
        self.fate.meets(&method, &path, &passage, &met);
        if passage.dies_at_it {
            return self.fate.nothing_more().await;
        }
        let answer = match first {
            std::task::Poll::Ready(answer) => answer,
            std::task::Poll::Pending => answer.await,
        };
        let answer = answer.unwrap_or(Err(TransportError {
            kind: TransportErrorKind::Timeout,
            source: None,
        }));
        if self.fate.is_dead() {
            return self.fate.nothing_more().await;
        }
        self.fate
            .hears(&path, answer.as_ref().ok(), &self.simulator);
        let (told, is_certain) = told(&answer);
        self.fate.answered(&passage, &told, is_certain);
        if self.fate.is_dead() {
            return self.fate.nothing_more().await;
        }
        answer.map(|answer| self.gossiping(answer))
    }
}

/// The answer in a word, and whether it tells what became of a write.
fn told(answer: &Result<http::Response<Bytes>, TransportError>) -> (String, bool) {
    match answer {
        Ok(response) => {
            let code = response.status().as_u16();
            let is_json = serde_json::from_slice::<Value>(response.body()).is_ok();
            (code.to_string(), code < 500 && code != 408 && is_json)
        }
        Err(error) => {
            let is_certain = error.kind == TransportErrorKind::Connect;
            (error.to_string(), is_certain)
        }
    }
}

/// A journal whose process may die at every entry.
pub(super) struct Mortal<'a> {
    pub(super) journal: &'a dyn Journal,
    pub(super) fate: &'a Fate,
}

impl Mortal<'_> {
    fn entry(
        &self,
        entry: Entry,
        name: &str,
        intent: Option<&Intent>,
        write: impl FnOnce() -> Result<(), JournalError>,
    ) -> Result<(), JournalError> {
        if !self.fate.before_entry(entry, name) {
            return Err(dead(name));
        }
        write()?;
        if self.fate.after_entry(entry, name, intent) {
            Ok(())
        } else {
            Err(dead(name))
        }
    }
}

impl Journal for Mortal<'_> {
    fn ledger(&self) -> Result<Ledger, JournalError> {
        self.journal.ledger()
    }

    fn begin(&self, name: &str, intent: &Intent) -> Result<(), JournalError> {
        self.entry(Entry::Begin, name, Some(intent), || {
            self.journal.begin(name, intent)
        })
    }

    fn confirm(&self, name: &str, record: &Record) -> Result<(), JournalError> {
        self.entry(Entry::Confirm, name, None, || {
            self.journal.confirm(name, record)
        })
    }

    fn note(&self, seen: &Seen) -> Result<(), JournalError> {
        self.entry(Entry::Note, "what was seen", None, || {
            self.journal.note(seen)
        })
    }

    fn forget(&self, name: &str, id: &RemoteId) -> Result<(), JournalError> {
        self.entry(Entry::Forget, name, None, || self.journal.forget(name, id))
    }

    fn abandon(&self, name: &str) -> Result<(), JournalError> {
        self.entry(Entry::Abandon, name, None, || self.journal.abandon(name))
    }

    fn refused(&self, name: &str, inputs: &Fingerprint, at: Timestamp) -> Result<(), JournalError> {
        self.journal.refused(name, inputs, at)
    }

    fn accepted(&self, name: &str) -> Result<(), JournalError> {
        self.journal.accepted(name)
    }

    fn connections(&self, answer: Option<KnownConnections>) -> Result<(), JournalError> {
        self.journal.connections(answer)
    }

    fn carried_out(&self, revision: &str) -> Result<(), JournalError> {
        self.journal.carried_out(revision)
    }
}

/// Nobody lives to read it.
fn dead(name: &str) -> JournalError {
    JournalError {
        operation: "go on with",
        object: name.to_owned(),
        reason: "the process is dead".to_owned(),
        help: String::new(),
    }
}
