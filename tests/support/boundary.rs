//! A process that dies at a boundary of its ledger.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use integrationd::ledger::history::{History, RunAction, RunEnd, RunId, RunStart};
use integrationd::ledger::{
    Fingerprint, Intent, KnownConnections, Ledger, LedgerStore, MemoryLedger, Observations, Record,
    StoreError, Suspensions,
};
use integrationd::live::RemoteId;
use jiff::Timestamp;

/// A journal of a process that dies at its first call of one kind.
pub(crate) struct Dying<'a> {
    pub(crate) journal: &'a MemoryLedger,
    pub(crate) at: Boundary,
    pub(crate) dead: AtomicBool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Boundary {
    /// The intent is not written.
    BeforeIntent,
    /// The intent is written and nothing is sent.
    AfterIntent,
    /// The write took effect, and that is not written.
    BeforeRecord,
}

impl Dying<'_> {
    fn dies(&self, at: Boundary) -> Result<(), StoreError> {
        if self.at == at {
            self.dead.store(true, Ordering::SeqCst);
        }
        if !self.dead.load(Ordering::SeqCst) {
            return Ok(());
        }
        Err(StoreError {
            operation: "go on with",
            object: "`lake`".to_owned(),
            source: "the process is dead".into(),
            help: "run it again".to_owned(),
        })
    }
}

#[async_trait]
impl LedgerStore for Dying<'_> {
    async fn read(&self) -> Result<Ledger, StoreError> {
        self.journal.read().await
    }

    async fn begin(&self, name: &str, intent: &Intent) -> Result<(), StoreError> {
        self.dies(Boundary::BeforeIntent)?;
        self.journal.begin(name, intent).await?;
        self.dies(Boundary::AfterIntent)
    }

    async fn confirm(&self, name: &str, record: &Record) -> Result<(), StoreError> {
        self.dies(Boundary::BeforeRecord)?;
        self.journal.confirm(name, record).await
    }

    async fn note(&self, seen: &Observations) -> Result<(), StoreError> {
        self.journal.note(seen).await
    }

    async fn forget(&self, name: &str, id: &RemoteId) -> Result<(), StoreError> {
        self.dies(Boundary::BeforeRecord)?;
        self.journal.forget(name, id).await
    }

    async fn abandon(&self, name: &str) -> Result<(), StoreError> {
        self.journal.abandon(name).await
    }

    async fn reject(
        &self,
        name: &str,
        inputs: &Fingerprint,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.journal.reject(name, inputs, at).await
    }

    async fn accept(&self, name: &str) -> Result<(), StoreError> {
        self.journal.accept(name).await
    }

    async fn set_revision(&self, revision: &str) -> Result<(), StoreError> {
        self.journal.set_revision(revision).await
    }

    async fn set_connections(&self, answer: Option<KnownConnections>) -> Result<(), StoreError> {
        self.journal.set_connections(answer).await
    }

    async fn begin_run(&self, start: &RunStart) -> Result<RunId, StoreError> {
        self.journal.begin_run(start).await
    }

    async fn add_action(&self, run: RunId, action: &RunAction) -> Result<(), StoreError> {
        self.journal.add_action(run, action).await
    }

    async fn end_run(&self, run: RunId, end: &RunEnd) -> Result<(), StoreError> {
        self.journal.end_run(run, end).await
    }

    async fn history(&self, runs: u32) -> Result<History, StoreError> {
        self.journal.history(runs).await
    }

    async fn suspensions(&self) -> Result<Suspensions, StoreError> {
        self.journal.suspensions().await
    }

    async fn set_suspensions(&self, suspensions: &Suspensions) -> Result<(), StoreError> {
        self.journal.set_suspensions(suspensions).await
    }
}

pub(crate) const BOUNDARIES: [Boundary; 3] = [
    Boundary::BeforeIntent,
    Boundary::AfterIntent,
    Boundary::BeforeRecord,
];

/// A journal that dies at this boundary, over another.
pub(crate) fn dying(journal: &MemoryLedger, at: Boundary) -> Dying<'_> {
    Dying {
        journal,
        at,
        dead: AtomicBool::new(false),
    }
}
