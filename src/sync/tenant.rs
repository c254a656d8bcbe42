//! Reading the tenant: the list, what it lacks, and the owners of what it shows.

use std::collections::HashSet;

use futures::StreamExt;

use super::{Desired, PlannedTenant, Request, owners, plan};
use crate::immuta::{ApiError, ReadApi};
use crate::ledger::Ledger;
use crate::live::{Live, RemoteId, Scope, Unreadable, UnreadableParts};
use crate::plan as planning;
use crate::platform::by_wire;

/// Maximum number of concurrent requests for integrations that the list lacks.
pub(super) const QUESTIONS: usize = 8;

/// Reads the tenant and, at the same time, the connections that integrations belong to.
///
/// # Errors
/// The list could not be read.
pub async fn read_tenant<R: ReadApi>(
    api: &R,
    request: &Request,
    ledger: &Ledger,
) -> Result<Live, ApiError> {
    let (live, owners) = futures::join!(fetch(api, ledger), owners::read(api, request, ledger));
    let mut live = live?;
    live.owners = owners;
    Ok(live)
}

/// Stands for a tenant that could not be read, with the reason: nothing is certain, and nothing is written.
#[must_use]
pub fn unread_tenant(
    desired: &Desired,
    request: &Request,
    ledger: &Ledger,
    reason: String,
) -> PlannedTenant {
    let live = Live {
        unreadable: vec![Unreadable {
            scope: Scope::Everything,
            reason,
        }],
        ..Live::default()
    };
    let recovery = planning::recover(ledger, &live, request.apply.clock.now());
    PlannedTenant {
        plan: plan(desired, &live, request, &recovery),
        recovery,
        live,
    }
}

/// Reads the tenant without its connections. What the ledger has and the list lacks is
/// absent only if the server says so itself.
///
/// # Errors
/// The list could not be read.
pub(super) async fn fetch<R: ReadApi>(api: &R, ledger: &Ledger) -> Result<Live, ApiError> {
    let mut live = api.list().await?;
    let listed: HashSet<RemoteId> = live.integrations.iter().map(|l| l.id.clone()).collect();
    // Whatever its name: a file that was renamed must find what was made from it.
    let missing: Vec<(&RemoteId, &str)> = ledger
        .known_ids()
        .filter(|(id, _)| !listed.contains(id))
        .collect();
    let mut answers = futures::stream::iter(missing)
        .map(|(id, type_name)| async move { (type_name, id, api.get(id).await) })
        .buffered(QUESTIONS);
    let mut unread = UnreadableParts::default();
    while let Some((type_name, id, answer)) = answers.next().await {
        match answer {
            Ok(None) => {}
            Ok(Some(found)) => live.integrations.push(found),
            Err(error) => unread.extend([Unreadable {
                scope: by_wire(type_name).map_or(Scope::Everything, Scope::Platform),
                reason: format!(
                    "integration {id} is not in the list, and reading it failed: {error}"
                ),
            }]),
        }
    }
    live.unreadable.extend(unread.into_reasons());
    Ok(live)
}
