//! An adoption: live integrations become owned, without a write to the tenant.

use std::collections::HashSet;

use jiff::Timestamp;

use super::{
    Access, LedgerEntry, OpenError, Preparation, Prepared, SecretSelection, Session, Watcher,
    Wishes,
};
use crate::immuta::HttpTransport;
use crate::ledger::Observations;
use crate::manifest::{Manifest, Name};
use crate::plan::{AdoptedSecrets, Adoption, AdoptionResult};
use crate::settings::run::RunSettings;
use crate::sync::SyncError;

/// An adoption that came to no result. Nothing was recorded.
#[derive(Debug, thiserror::Error)]
pub enum AdoptError {
    /// The settings, the files or the ledger.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A name that no file has.
    #[error("no valid file describes {0}")]
    NotDescribed(Name),
    /// The tenant or the ledger.
    #[error(transparent)]
    Sync(#[from] SyncError),
}

/// Records the live integrations of these files as owned; those of all files if no name is
/// given.
///
/// # Errors
/// The settings, the files, the tenant or the ledger cannot be used.
pub async fn adopt(
    settings: &RunSettings,
    entry: LedgerEntry,
    names: &[Name],
    secrets: AdoptedSecrets,
    watcher: &dyn Watcher,
) -> Result<Vec<Adoption>, AdoptError> {
    let opening = Session::open_with_files(settings, entry, Access::Write, watcher);
    let (session, opened) = opening.await?;
    check_described(names, opened.manifest())?;
    let named: HashSet<&str> = names.iter().map(String::as_str).collect();
    let preparation = Preparation {
        lookup: match secrets {
            AdoptedSecrets::Applied => SecretSelection::Of(&named),
            AdoptedSecrets::Unknown | AdoptedSecrets::ToSend => SecretSelection::Nothing,
        },
        ..Preparation::new(Wishes::default())
    };
    let prepared = session.prepare(settings, opened, preparation).await?;
    Ok(record_adopted(&session, &prepared, &named, secrets).await?)
}

/// Finds the live integrations of these files, or of all, and records them as owned.
async fn record_adopted(
    session: &Session,
    prepared: &Prepared<HttpTransport>,
    names: &HashSet<&str>,
    secrets: AdoptedSecrets,
) -> Result<Vec<Adoption>, SyncError> {
    let (adoptions, seen) = adopted(prepared, names, secrets).await?;
    session.store().note(&seen).await?;
    Ok(adoptions)
}

/// Finds the live integrations of these files, or of all, and what is to be recorded of them.
pub(super) async fn adopted(
    prepared: &Prepared<HttpTransport>,
    names: &HashSet<&str>,
    secrets: AdoptedSecrets,
) -> Result<(Vec<Adoption>, Observations), SyncError> {
    let adoptions = prepared.adopt(names, secrets).await?;
    let at = Timestamp::now();
    let records = adoptions
        .iter()
        .filter_map(|adoption| match &adoption.verdict {
            AdoptionResult::Adopted(update) | AdoptionResult::SecretsOnly(update) => {
                Some(update.record(at))
            }
            AdoptionResult::Owned | AdoptionResult::Absent | AdoptionResult::Blocked(_) => None,
        });
    let seen = Observations {
        records: records.collect(),
        gone: Vec::new(),
    };
    Ok((adoptions, seen))
}

fn check_described(names: &[Name], manifest: &Manifest) -> Result<(), AdoptError> {
    let described: HashSet<&str> = manifest
        .integrations
        .iter()
        .map(|it| it.name.as_str())
        .collect();
    match names.iter().find(|name| !described.contains(name.as_str())) {
        None => Ok(()),
        Some(name) => Err(AdoptError::NotDescribed(name.clone())),
    }
}
