//! A ledger that lasts as long as the process: for trying a plan out, and for tests.

use std::collections::btree_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;

use super::history::{History, RunAction, RunEnd, RunId, RunStart};
use super::store::Remedy;
use super::{
    Fingerprint, Intent, KnownConnections, Ledger, LedgerStore, Observations, Record,
    RejectedWrite, StoreError, Suspensions,
};
use crate::live::RemoteId;

/// Keeps a [`Ledger`] in memory, and no history.
#[derive(Debug, Default)]
pub struct MemoryLedger {
    ledger: Mutex<Ledger>,
    suspensions: Mutex<Suspensions>,
}

impl MemoryLedger {
    /// Begins with this ledger.
    #[must_use]
    pub fn new(ledger: Ledger) -> Self {
        Self {
            ledger: Mutex::new(ledger),
            suspensions: Mutex::default(),
        }
    }

    /// The ledger as it is now.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An intent that would be lost.
#[derive(Debug, thiserror::Error)]
#[error("the outcome of an earlier write is unknown")]
struct Unsettled;

impl Remedy for Unsettled {
    fn remedy(&self) -> &str {
        "resolve the earlier write first"
    }
}

#[async_trait]
impl LedgerStore for MemoryLedger {
    async fn read(&self) -> Result<Ledger, StoreError> {
        Ok(self.lock().clone())
    }

    async fn begin(&self, name: &str, intent: &Intent) -> Result<(), StoreError> {
        match self.lock().intents.entry(name.to_owned()) {
            Entry::Vacant(place) => {
                place.insert(intent.clone());
                Ok(())
            }
            Entry::Occupied(mut place) if intent.is_again(place.get()) => {
                place.insert(intent.clone());
                Ok(())
            }
            Entry::Occupied(_) => Err(StoreError::about("begin the write of", name)(Unsettled)),
        }
    }

    async fn confirm(&self, name: &str, record: &Record) -> Result<(), StoreError> {
        let mut ledger = self.lock();
        ledger.record_as(name, record);
        ledger.intents.remove(name);
        Ok(())
    }

    async fn note(&self, seen: &Observations) -> Result<(), StoreError> {
        let mut ledger = self.lock();
        for id in &seen.gone {
            ledger.forget(id);
        }
        for (name, record) in &seen.records {
            ledger.record_as(name, record);
        }
        Ok(())
    }

    async fn forget(&self, name: &str, id: &RemoteId) -> Result<(), StoreError> {
        let mut ledger = self.lock();
        ledger.forget(id);
        ledger.intents.remove(name);
        Ok(())
    }

    async fn abandon(&self, name: &str) -> Result<(), StoreError> {
        self.lock().intents.remove(name);
        Ok(())
    }

    async fn reject(
        &self,
        name: &str,
        inputs: &Fingerprint,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut ledger = self.lock();
        let rejected = RejectedWrite::again(ledger.rejections.get(name), inputs, at);
        ledger.rejections.insert(name.to_owned(), rejected);
        Ok(())
    }

    async fn accept(&self, name: &str) -> Result<(), StoreError> {
        self.lock().rejections.remove(name);
        Ok(())
    }

    async fn set_revision(&self, revision: &str) -> Result<(), StoreError> {
        self.lock().carried_out = Some(revision.to_owned());
        Ok(())
    }

    async fn set_connections(&self, answer: Option<KnownConnections>) -> Result<(), StoreError> {
        self.lock().connections = answer;
        Ok(())
    }

    async fn begin_run(&self, _: &RunStart) -> Result<RunId, StoreError> {
        Ok(RunId::NONE)
    }

    async fn add_action(&self, _: RunId, _: &RunAction) -> Result<(), StoreError> {
        Ok(())
    }

    async fn end_run(&self, _: RunId, _: &RunEnd) -> Result<(), StoreError> {
        Ok(())
    }

    async fn history(&self, _: u32) -> Result<History, StoreError> {
        Ok(History::default())
    }

    async fn suspensions(&self) -> Result<Suspensions, StoreError> {
        let suspensions = self.suspensions.lock();
        Ok(suspensions.unwrap_or_else(PoisonError::into_inner).clone())
    }

    async fn set_suspensions(&self, suspensions: &Suspensions) -> Result<(), StoreError> {
        let own = self.suspensions.lock();
        *own.unwrap_or_else(PoisonError::into_inner) = suspensions.clone();
        Ok(())
    }
}
