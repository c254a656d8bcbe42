//! The wire and the journal of a run, both at the mercy of its [`Fate`].

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::poll;
use integrationd::embedded::Embedded;
use integrationd::immuta::{Transport, TransportError, TransportErrorKind};
use integrationd::ledger::history::{History, RunAction, RunEnd, RunId, RunStart};
use integrationd::ledger::{
    Fingerprint, Intent, KnownConnections, Ledger, LedgerStore, Observations, Record, StoreError,
    Suspensions,
};
use integrationd::live::RemoteId;
use integrationd::simulator::{Fault, FaultKind, Simulator};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::fate::Fate;
use super::scenario::Entry;

/// Time that the command waits for a response.
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

/// The response in a word, and whether it shows the outcome of a write.
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
    pub(super) store: &'a dyn LedgerStore,
    pub(super) fate: &'a Fate,
}

impl Mortal<'_> {
    async fn entry(
        &self,
        entry: Entry,
        name: &str,
        intent: Option<&Intent>,
        write: impl Future<Output = Result<(), StoreError>>,
    ) -> Result<(), StoreError> {
        if !self.fate.before_entry(entry, name) {
            return Err(dead(name));
        }
        write.await?;
        if self.fate.after_entry(entry, name, intent) {
            Ok(())
        } else {
            Err(dead(name))
        }
    }
}

#[async_trait]
impl LedgerStore for Mortal<'_> {
    async fn read(&self) -> Result<Ledger, StoreError> {
        self.store.read().await
    }

    async fn begin(&self, name: &str, intent: &Intent) -> Result<(), StoreError> {
        let begin = self.store.begin(name, intent);
        self.entry(Entry::Begin, name, Some(intent), begin).await
    }

    async fn confirm(&self, name: &str, record: &Record) -> Result<(), StoreError> {
        let confirm = self.store.confirm(name, record);
        self.entry(Entry::Confirm, name, None, confirm).await
    }

    async fn note(&self, seen: &Observations) -> Result<(), StoreError> {
        let note = self.store.note(seen);
        self.entry(Entry::Note, "the observation", None, note).await
    }

    async fn forget(&self, name: &str, id: &RemoteId) -> Result<(), StoreError> {
        let forget = self.store.forget(name, id);
        self.entry(Entry::Forget, name, None, forget).await
    }

    async fn abandon(&self, name: &str) -> Result<(), StoreError> {
        let abandon = self.store.abandon(name);
        self.entry(Entry::Abandon, name, None, abandon).await
    }

    async fn reject(
        &self,
        name: &str,
        inputs: &Fingerprint,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.store.reject(name, inputs, at).await
    }

    async fn accept(&self, name: &str) -> Result<(), StoreError> {
        self.store.accept(name).await
    }

    async fn set_revision(&self, revision: &str) -> Result<(), StoreError> {
        self.store.set_revision(revision).await
    }

    async fn set_connections(&self, answer: Option<KnownConnections>) -> Result<(), StoreError> {
        self.store.set_connections(answer).await
    }

    async fn begin_run(&self, start: &RunStart) -> Result<RunId, StoreError> {
        self.store.begin_run(start).await
    }

    async fn add_action(&self, run: RunId, action: &RunAction) -> Result<(), StoreError> {
        self.store.add_action(run, action).await
    }

    async fn end_run(&self, run: RunId, end: &RunEnd) -> Result<(), StoreError> {
        self.store.end_run(run, end).await
    }

    async fn history(&self, runs: u32) -> Result<History, StoreError> {
        self.store.history(runs).await
    }

    async fn suspensions(&self) -> Result<Suspensions, StoreError> {
        self.store.suspensions().await
    }

    async fn set_suspensions(&self, suspensions: &Suspensions) -> Result<(), StoreError> {
        self.store.set_suspensions(suspensions).await
    }
}

/// The process does not live to read it.
fn dead(name: &str) -> StoreError {
    StoreError {
        operation: "go on with",
        object: format!("`{name}`"),
        source: "the process is dead".into(),
        help: String::new(),
    }
}
