//! A journal that lasts as long as the process: for trying a plan out, and for tests.

use std::collections::btree_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::{
    Fingerprint, Intent, Journal, JournalError, KnownConnections, Ledger, Record, Refused, Seen,
};
use crate::live::RemoteId;

/// Keeps a [`Ledger`] in memory.
#[derive(Debug, Default)]
pub struct MemoryJournal(Mutex<Ledger>);

impl MemoryJournal {
    /// Begins with this ledger.
    #[must_use]
    pub fn new(ledger: Ledger) -> Self {
        Self(Mutex::new(ledger))
    }

    /// The ledger as it is now.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Ledger> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Journal for MemoryJournal {
    fn ledger(&self) -> Result<Ledger, JournalError> {
        Ok(self.lock().clone())
    }

    fn begin(&self, name: &str, intent: &Intent) -> Result<(), JournalError> {
        match self.lock().intents.entry(name.to_owned()) {
            Entry::Vacant(place) => {
                place.insert(intent.clone());
                Ok(())
            }
            Entry::Occupied(mut place) if intent.is_again(place.get()) => {
                place.insert(intent.clone());
                Ok(())
            }
            Entry::Occupied(_) => Err(JournalError {
                operation: "begin the write of",
                object: name.to_owned(),
                reason: "an earlier write of it is not settled".to_owned(),
                help: "look up what became of the earlier write first".to_owned(),
            }),
        }
    }

    fn confirm(&self, name: &str, record: &Record) -> Result<(), JournalError> {
        let mut ledger = self.lock();
        ledger.record_as(name, record);
        ledger.intents.remove(name);
        Ok(())
    }

    fn note(&self, seen: &Seen) -> Result<(), JournalError> {
        let mut ledger = self.lock();
        for id in &seen.gone {
            ledger.forget(id);
        }
        for (name, record) in &seen.records {
            ledger.record_as(name, record);
        }
        Ok(())
    }

    fn forget(&self, name: &str, id: &RemoteId) -> Result<(), JournalError> {
        let mut ledger = self.lock();
        ledger.forget(id);
        ledger.intents.remove(name);
        Ok(())
    }

    fn refused(&self, name: &str, inputs: &Fingerprint, at: Timestamp) -> Result<(), JournalError> {
        let mut ledger = self.lock();
        let refused = Refused::again(ledger.refusals.get(name), inputs, at);
        ledger.refusals.insert(name.to_owned(), refused);
        Ok(())
    }

    fn accepted(&self, name: &str) -> Result<(), JournalError> {
        self.lock().refusals.remove(name);
        Ok(())
    }

    fn carried_out(&self, revision: &str) -> Result<(), JournalError> {
        self.lock().carried_out = Some(revision.to_owned());
        Ok(())
    }

    fn connections(&self, answer: Option<KnownConnections>) -> Result<(), JournalError> {
        self.lock().connections = answer;
        Ok(())
    }

    fn abandon(&self, name: &str) -> Result<(), JournalError> {
        self.lock().intents.remove(name);
        Ok(())
    }
}
