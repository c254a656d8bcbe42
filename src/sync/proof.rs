//! The second plan after an apply: nothing should be left in it.

use std::collections::HashSet;

use super::{Afterwards, Desired, Request, SyncError, fetch, note, plan, records};
use crate::apply::Outcome;
use crate::immuta::ReadApi;
use crate::ledger::LedgerStore;
use crate::plan::{self as planning, Approved, Plan, Resend};

/// Reads the tenant once more.
pub(super) async fn look_again<R: ReadApi>(
    api: &R,
    approved: &Approved,
    desired: &Desired,
    request: &Request,
    store: &dyn LedgerStore,
    outcomes: &[Outcome],
) -> Afterwards {
    prove(api, approved, desired, request, store, outcomes)
        .await
        .map_or_else(Afterwards::Unread, |plan| {
            Afterwards::Planned(Box::new(plan))
        })
}

/// The second plan. What differs although it was just written is remembered, so
/// that it is not written again and again.
async fn prove<R: ReadApi>(
    api: &R,
    approved: &Approved,
    desired: &Desired,
    request: &Request,
    store: &dyn LedgerStore,
    outcomes: &[Outcome],
) -> Result<Plan, SyncError> {
    // The secrets that were to be sent again have been sent: this request is done.
    let request = &Request {
        resend: Resend::default(),
        ..request.clone()
    };
    let ledger = store.read().await?;
    let mut live = fetch(api, &ledger).await?;
    // The connections are read once a run.
    live.owners = approved.plan().owners.clone();
    let mut recovery = planning::recover(&ledger, &live, request.apply.clock.now());
    let second = plan(desired, &live, request, &recovery);
    let written = outcomes.iter().filter(|o| o.result.is_ok());
    let written: HashSet<&str> = written.map(|o| o.name.as_str()).collect();
    let not_kept = planning::not_kept(&written, &second, &recovery.ledger);
    let mut second = if not_kept.is_empty() {
        second
    } else {
        for (name, record) in &not_kept {
            recovery.ledger.record_as(name, record);
        }
        note(store, not_kept, Vec::new()).await?;
        plan(desired, &live, request, &recovery)
    };
    // The first plan had the same blocks: they must not be taken for future writes.
    planning::block_without_secrets(&mut second);
    let is_believed = request.limits.disappeared(&second).is_none()
        && desired.files.confirm(&second).await.is_ok();
    let gone = second.gone.iter().filter(|_| is_believed).cloned();
    note(store, records(&second, request), gone.collect()).await?;
    Ok(second)
}
