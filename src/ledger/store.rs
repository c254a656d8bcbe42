//! The one door to a ledger.
//!
//! Commands, the pipeline and the daemon read and write a ledger through [`LedgerStore`],
//! whichever store is behind it. The trait is asynchronous because a store may lie behind
//! a network.

use async_trait::async_trait;
use jiff::Timestamp;

use super::history::{History, RunAction, RunEnd, RunId, RunStart};
use super::{Fingerprint, Intent, KnownConnections, Ledger, Observations, Record, Suspensions};
use crate::live::RemoteId;

/// A ledger that is open.
///
/// Whatever a method has written outlasts the process when it returns. Only
/// [`begin`](Self::begin) has to outlast a loss of power: without what comes after it
/// the intent is still there, and the next run finds out how the write ended.
///
/// Every method fails if the store cannot be read or written; nothing of its own change is
/// then in effect.
#[async_trait]
pub trait LedgerStore: Send + Sync {
    /// Returns records, intents and rejections as they are now.
    async fn read(&self) -> Result<Ledger, StoreError>;

    /// Records an intent before its write is sent.
    ///
    /// Fails also if an earlier write of this name is not settled, unless this is a create
    /// that is sent once more ([`Intent::is_again`]). The write must then not be sent.
    async fn begin(&self, name: &str, intent: &Intent) -> Result<(), StoreError>;

    /// Records an integration after a write that succeeded, and removes the intent of this
    /// name. Any other record of the same integration goes; a record that had this name is
    /// kept under a name that no file can have.
    async fn confirm(&self, name: &str, record: &Record) -> Result<(), StoreError>;

    /// Records integrations that were read and not written, and forgets those that are
    /// gone: all of them or none. No intent of theirs is open.
    async fn note(&self, seen: &Observations) -> Result<(), StoreError>;

    /// Removes the record of a deleted integration, and the intent of this name. Its last
    /// known configuration stays in the history.
    async fn forget(&self, name: &str, id: &RemoteId) -> Result<(), StoreError>;

    /// Removes the intent of a write that certainly had no effect.
    async fn abandon(&self, name: &str) -> Result<(), StoreError>;

    /// Records that the server rejected a write with these inputs.
    async fn reject(
        &self,
        name: &str,
        inputs: &Fingerprint,
        at: Timestamp,
    ) -> Result<(), StoreError>;

    /// Removes a rejection, after a write that succeeded or a read that found nothing to do.
    async fn accept(&self, name: &str) -> Result<(), StoreError>;

    /// Records the revision that was carried out, whether or not it changed anything.
    async fn set_revision(&self, revision: &str) -> Result<(), StoreError>;

    /// Records the tenant's answer about connections; `None` removes it.
    async fn set_connections(&self, answer: Option<KnownConnections>) -> Result<(), StoreError>;

    /// Begins a run in the history.
    async fn begin_run(&self, start: &RunStart) -> Result<RunId, StoreError>;

    /// Adds an action to a run.
    async fn add_action(&self, run: RunId, action: &RunAction) -> Result<(), StoreError>;

    /// Ends a run.
    async fn end_run(&self, run: RunId, end: &RunEnd) -> Result<(), StoreError>;

    /// Returns the latest runs, at most this many, and all deletions.
    async fn history(&self, runs: u32) -> Result<History, StoreError>;

    /// Returns the suspensions that operators have set.
    async fn suspensions(&self) -> Result<Suspensions, StoreError>;

    /// Replaces the suspensions. Possible while another process writes the ledger.
    async fn set_suspensions(&self, suspensions: &Suspensions) -> Result<(), StoreError>;
}

/// A ledger could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} {object}")]
pub struct StoreError {
    /// The operation, in a few words.
    pub operation: &'static str,
    /// The object, such as a name in backticks.
    pub object: String,
    /// The cause, as the store says it.
    pub source: Box<dyn std::error::Error + Send + Sync>,
    /// The remedy.
    pub help: String,
}

/// The cause of a [`StoreError`], which knows its remedy.
pub(super) trait Remedy: std::error::Error + Send + Sync + 'static {
    /// The remedy.
    fn remedy(&self) -> &str;
}

impl Remedy for StoreError {
    fn remedy(&self) -> &str {
        &self.help
    }
}

impl StoreError {
    /// The error of an operation on an object that has no name of its own.
    pub(super) fn because<E: Remedy>(
        operation: &'static str,
        object: impl Into<String>,
    ) -> impl FnOnce(E) -> Self {
        let object = object.into();
        move |error| Self {
            operation,
            object,
            help: error.remedy().to_owned(),
            source: Box::new(error),
        }
    }

    /// The error of an operation on an object with this name.
    pub(super) fn about<E: Remedy>(
        operation: &'static str,
        name: &str,
    ) -> impl FnOnce(E) -> Self + use<E> {
        Self::because(operation, format!("`{name}`"))
    }
}
