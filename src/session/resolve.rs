//! The operator's decision on a write whose outcome is unknown.

use jiff::Timestamp;

use super::{Access, LedgerEntry, OpenError, Session};
use crate::immuta::{ApiError, KnownSecrets, ReadApi, RetryPolicy};
use crate::ledger::StoreError;
use crate::live::RemoteId;
use crate::manifest::Name;
use crate::plan::{self, NotTheResult};
use crate::settings::run::RunSettings;

/// A decision that could not be recorded.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// The settings or the ledger.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The ledger could not be read or written.
    #[error(transparent)]
    Ledger(#[from] StoreError),
    /// The tenant could not be read.
    #[error(transparent)]
    Tenant(#[from] ApiError),
    /// There is nothing to decide.
    #[error("`{0}` has no write with an unknown outcome")]
    NothingUnknown(Name),
    /// The integration cannot be the result of the write.
    #[error(transparent)]
    NotTheResult(#[from] NotTheResult),
}

/// Records this integration as the result of the write; without one, the write had no effect.
///
/// # Errors
/// There is no such write, or its result cannot be this integration.
pub async fn resolve(
    settings: &RunSettings,
    entry: LedgerEntry,
    name: &str,
    result: Option<RemoteId>,
) -> Result<(), ResolveError> {
    let session = Session::open(settings, entry, Access::Write)?;
    let tenant = session.connect(settings, RetryPolicy::default())?;
    let ledger = session.store();
    let known = ledger.read().await?;
    let Some(intent) = known.intents.get(name) else {
        return Err(ResolveError::NothingUnknown(name.to_owned()));
    };
    let Some(id) = result else {
        return Ok(ledger.abandon(name).await?);
    };
    // Nothing of what is read is shown.
    let found = tenant.reader(KnownSecrets::none()).get(&id).await?;
    let now = Timestamp::now();
    let record = plan::resolve(name, intent, &id, found.as_ref(), &known.records, now)?;
    Ok(ledger.confirm(name, &record).await?)
}
