//! Integrations that this tool created, their last applied values, and pending writes.
//!
//! A [`Ledger`] is a value: the planner reads it and decides. A [`LedgerStore`]
//! keeps it while writes are under way: on disk ([`sqlite`]), or in memory ([`MemoryLedger`]). Three invariants:
//!
//! * An [`Intent`] is on disk before its write is sent, and resolved after it. A
//!   create's intent holds the ids that the list showed, so that after a crash or a lost response
//!   only a new one can be ours.
//! * A [`Record`] is written by a confirmed write, by adopting, or by a read
//!   that found the file and the server equal. A fingerprint in it comes from a write.
//! * Only what is known to be harmless is stored in clear. Of a secret there is a
//!   fingerprint, keyed and bound to tenant, integration and attribute.

mod files;
mod fingerprint;
pub mod history;
pub mod key;
mod memory;
pub mod place;
mod record;
mod rejection;
pub mod sqlite;
mod store;
mod suspensions;

pub use fingerprint::{Fingerprint, FingerprintKey, Fingerprinter, KEY_LENGTH};
pub use memory::MemoryLedger;
pub use record::{
    Applied, IntendedWrite, Intent, KnownConnections, Ledger, Observations, Record, RecordedState,
    Removal, Repairs, Rewritten, Withheld, parked_name, taken_name,
};
pub use rejection::RejectedWrite;
pub use sqlite::LedgerError;
pub use store::{LedgerStore, StoreError};
pub use suspensions::Suspensions;
