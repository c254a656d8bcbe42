//! The state directory: the ledger of the tenant, and the key of its fingerprints.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use super::error::OpenError;
use super::tenant::credential;
use crate::ledger::key;
use crate::ledger::place::{PlaceError, StateDirectory, Trust};
use crate::ledger::sqlite::{self, ReadOnlyLedger, SqliteLedger};
use crate::ledger::{FingerprintKey, Fingerprinter, LedgerStore, MemoryLedger};
use crate::secret::own::FINGERPRINT_KEY;

/// Purpose for which a ledger is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Reads for a dry run. Nothing is created; without a state directory the ledger is
    /// empty.
    DryRun,
    /// Reads. Nothing is created.
    Read,
    /// Reads, and sets suspensions, while another process may write.
    Suspend,
    /// Writes, alone.
    Write,
}

/// The state directory that a flag or the environment names.
///
/// # Errors
/// None is named, or others can write it.
pub fn find(flag: Option<&Path>, trust: Trust) -> Result<StateDirectory, PlaceError> {
    StateDirectory::find(flag, &|name: &str| std::env::var_os(name), trust)
}

/// Opens the ledger of a tenant.
///
/// # Errors
/// The directory cannot be used, another process writes the ledger, or it is damaged.
pub fn open(
    flag: Option<&Path>,
    trust: Trust,
    tenant: &str,
    access: Access,
) -> Result<Arc<dyn LedgerStore>, OpenError> {
    let place = match (find(flag, trust), access) {
        (Err(PlaceError::Nowhere), Access::DryRun) => {
            return Ok(Arc::new(MemoryLedger::default()));
        }
        (found, _) => found?,
    };
    match access {
        Access::DryRun | Access::Read => {}
        Access::Suspend | Access::Write => place.create()?,
    }
    let file = place.ledger_file(tenant)?;
    Ok(match access {
        Access::DryRun | Access::Read | Access::Suspend => Arc::new(ReadOnlyLedger::new(&file)),
        Access::Write => Arc::new(SqliteLedger::open(&file)?),
    })
}

/// Device and inode of a tenant's ledger, which two processes can compare although one of them has
/// another view of the file system; `None` if there is no ledger.
#[must_use]
pub fn identity(flag: Option<&Path>, tenant: &str) -> Option<(u64, u64)> {
    let place = find(flag, Trust::AnyForRoot).ok()?;
    let file = place.ledger_file(tenant).ok()?;
    let metadata = std::fs::metadata(file).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

/// True if another process holds the ledger of a tenant for writing.
#[must_use]
pub fn is_held(flag: Option<&Path>, tenant: &str) -> bool {
    let place = find(flag, Trust::AnyForRoot);
    let file = place.and_then(|place| place.ledger_file(tenant));
    file.is_ok_and(|file| sqlite::is_held(&file))
}

/// Makes the fingerprints of a tenant's secrets, with the key as it is now: a systemd
/// credential, which replicas share, before the file. `None` where there is no key and
/// none may be created.
///
/// # Errors
/// The key cannot be read or created.
pub fn fingerprinter(
    flag: Option<&Path>,
    trust: Trust,
    tenant: &str,
    access: Access,
) -> Result<Option<Fingerprinter>, OpenError> {
    let place = match (find(flag, trust), access) {
        (Err(PlaceError::Nowhere), Access::DryRun) => return Ok(None),
        (found, _) => found?,
    };
    let key = key(&place, access)?;
    Ok(key.map(|key| Fingerprinter::new(key, tenant.to_owned())))
}

fn key(place: &StateDirectory, access: Access) -> Result<Option<FingerprintKey>, OpenError> {
    Ok(
        match (FINGERPRINT_KEY.credential.and_then(credential), access) {
            (Some(file), _) => Some(key::read_credential(&file)?),
            (None, Access::Write) => Some(key::read_or_create(&place.key_file()?)?),
            (None, Access::DryRun | Access::Read | Access::Suspend) => {
                key::read(&place.key_file()?)?
            }
        },
    )
}
