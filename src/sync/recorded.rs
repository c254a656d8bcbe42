//! Ledger entries after a read of the tenant, without a write.

use super::Request;
use crate::ledger::{LedgerStore, Observations, Record, StoreError};
use crate::live::RemoteId;
use crate::manifest::Name;
use crate::plan::{Plan, Recovery, Settled};

/// Records the outcome of writes that were cut short.
pub(super) async fn write_down(
    store: &dyn LedgerStore,
    recovery: &Recovery,
) -> Result<(), StoreError> {
    for (name, settled) in &recovery.settled {
        match settled {
            Settled::Confirmed(record) => store.confirm(name, record).await?,
            Settled::Abandoned => store.abandon(name).await?,
            Settled::Gone(id) => store.forget(name, id).await?,
        }
    }
    Ok(())
}

/// Records that a plan makes of integrations that are not written.
pub(super) fn records(plan: &Plan, request: &Request) -> Vec<(Name, Record)> {
    let now = request.apply.clock.now();
    plan.state_updates
        .iter()
        .map(|update| update.record(now))
        .collect()
}

/// Records what was seen, and forgets what is gone.
pub(super) async fn note(
    store: &dyn LedgerStore,
    records: Vec<(Name, Record)>,
    gone: Vec<RemoteId>,
) -> Result<(), StoreError> {
    let seen = Observations { records, gone };
    if seen == Observations::default() {
        return Ok(());
    }
    store.note(&seen).await
}
