//! Ledger entries after a read of the tenant, without a write.

use super::Request;
use crate::ledger::{Journal, JournalError, Record, Seen};
use crate::live::RemoteId;
use crate::manifest::Name;
use crate::plan::{Plan, Recovery, Settled};

/// Records the outcome of writes that were cut short.
pub(super) fn write_down(journal: &dyn Journal, recovery: &Recovery) -> Result<(), JournalError> {
    for (name, settled) in &recovery.settled {
        match settled {
            Settled::Confirmed(record) => journal.confirm(name, record)?,
            Settled::Abandoned => journal.abandon(name)?,
            Settled::Gone(id) => journal.forget(name, id)?,
        }
    }
    Ok(())
}

/// Records that a plan makes of integrations that are not written.
pub(super) fn records(plan: &Plan, request: &Request) -> Vec<(Name, Record)> {
    let now = request.apply.clock.now();
    plan.noted.iter().map(|noted| noted.record(now)).collect()
}

/// Records what was seen, and forgets what is gone.
pub(super) fn note(
    journal: &dyn Journal,
    records: Vec<(Name, Record)>,
    gone: Vec<RemoteId>,
) -> Result<(), JournalError> {
    let seen = Seen { records, gone };
    if seen == Seen::default() {
        return Ok(());
    }
    journal.note(&seen)
}
