//! What this tool made, last applied, and intends.
//!
//! A [`Ledger`] is a value: the planner reads it and decides. A [`Journal`] keeps
//! it while writes are under way: on disk ([`sqlite`]), or in memory. Three invariants:
//!
//! * An [`Intent`] is on disk before its write is sent, and resolved after it. A
//!   create's intent holds the ids that the list showed, so that after a crash or
//!   a lost answer only a new one can be ours.
//! * A [`Record`] is written by a confirmed write, or by adopting, and by nothing else.
//! * Only what is known to be harmless is stored in clear. Of a secret there is a
//!   fingerprint, keyed and bound to tenant, integration and attribute.

mod error;
mod files;
mod fingerprint;
pub mod history;
pub mod key;
mod lock;
mod memory;
pub mod place;
mod read_only;
mod rows;
mod schema;
pub mod sqlite;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

pub use error::LedgerError;
pub use fingerprint::{Fingerprint, FingerprintKey, Fingerprinter, KEY_LENGTH};
pub use memory::MemoryJournal;

use crate::live::RemoteId;
use crate::manifest::{Integration, Name};

/// Everything that is known of the past, at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ledger {
    /// What was created or adopted, by name.
    pub records: BTreeMap<Name, Record>,
    /// Writes that were begun and of which nobody knows the end, by name.
    pub intents: BTreeMap<Name, Intent>,
}

impl Ledger {
    /// The record of an integration, under its name or one that it had before.
    #[must_use]
    pub fn record(&self, integration: &Integration) -> Option<&Record> {
        std::iter::once(&integration.name)
            .chain(&integration.options.previously)
            .find_map(|name| self.records.get(name))
            .filter(|record| record.type_name == integration.platform.wire)
    }
}

impl Ledger {
    /// The ids of what these names made, and of every write of which nobody knows
    /// the end, with the type of the integration.
    pub fn known_ids(
        &self,
        is_named: impl Fn(&str) -> bool,
    ) -> impl Iterator<Item = (&str, &RemoteId)> {
        let recorded = self
            .records
            .iter()
            .filter(move |(name, _)| is_named(name))
            .map(|(_, record)| (record.type_name.as_str(), &record.id));
        let intended = self
            .intents
            .values()
            .filter_map(|intent| match &intent.write {
                IntendedWrite::Create { .. } => None,
                IntendedWrite::Update { id } => Some((intent.type_name.as_str(), id)),
            });
        recorded.chain(intended)
    }
}

/// An integration that this tool created or adopted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The value of `type`.
    pub type_name: String,
    /// What pairs it with a file, in the form that compares.
    pub identity: Option<String>,
    /// Its id on the server.
    pub id: RemoteId,
    /// What was last applied.
    pub applied: Applied,
    /// When.
    pub at: jiff::Timestamp,
}

/// What a body said, as far as it may be kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Applied {
    /// Harmless attributes of the file by their path, such as `audit/enabled`.
    pub attributes: BTreeMap<String, Json>,
    /// Fingerprints of the stored secrets of the file by their path.
    pub secrets: BTreeMap<String, Fingerprint>,
}

/// What a write is about to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// The value of `type`.
    pub type_name: String,
    /// What pairs it with a file, in the form that compares.
    pub identity: Option<String>,
    /// Whether it creates, or which integration it updates.
    pub write: IntendedWrite,
    /// What will have been applied if it succeeds.
    pub applied: Applied,
    /// When it was begun.
    pub at: jiff::Timestamp,
}

/// The kind of a write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntendedWrite {
    /// A `POST`, with the ids of its type that existed before it.
    Create {
        /// They cannot be what it creates.
        listed: BTreeSet<RemoteId>,
    },
    /// A `PUT` to this id.
    Update {
        /// The id.
        id: RemoteId,
    },
}

/// What is written down around a write.
///
/// A method that returned has done its work for good: whatever happens next, the
/// ledger that is read afterwards tells of it.
pub trait Journal: Send + Sync {
    /// Everything that was written down, as it is now.
    ///
    /// # Errors
    /// It could not be read.
    fn ledger(&self) -> Result<Ledger, JournalError>;

    /// Before a write: what it is about to do.
    ///
    /// # Errors
    /// It could not be written down, so the write must not be sent; or an earlier
    /// write of this name is not settled, whose intent must not be lost.
    fn begin(&self, name: &str, intent: &Intent) -> Result<(), JournalError>;

    /// After a write that succeeded, or an adoption: what is there now. The
    /// intent is gone with it.
    ///
    /// # Errors
    /// It could not be written down; the intent is still there.
    fn confirm(&self, name: &str, record: &Record) -> Result<(), JournalError>;

    /// After a write that certainly had no effect: its intent is gone.
    ///
    /// # Errors
    /// It could not be written down; the intent is still there.
    fn abandon(&self, name: &str) -> Result<(), JournalError>;
}

/// Something could not be written down.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot {operation} `{object}`: {reason}")]
pub struct JournalError {
    /// What was to be written down.
    pub operation: &'static str,
    /// The integration.
    pub object: String,
    /// What stood in the way, with all its causes.
    pub reason: String,
    /// What to do about it.
    pub help: String,
}
