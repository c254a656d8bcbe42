//! The ledger of a tenant, and the key of its fingerprints.

use std::path::Path;

use super::args::RunArgs;
use super::connect;
use super::failure::Failure;
use crate::ledger::key::{self, KeyError};
use crate::ledger::place::{PlaceError, StateDirectory, Trust};
use crate::ledger::sqlite::{ReadOnlyLedger, SqliteLedger};
use crate::ledger::{
    FingerprintKey, Fingerprinter, LedgerError, LedgerStore, MemoryLedger, StoreError,
};
use crate::report::exit::Exit;
use crate::text::chain;

/// The ledger of a tenant, and what compares its secrets.
pub(super) struct State {
    pub store: Box<dyn LedgerStore>,
    /// Absent where there is no key yet: then secrets are not compared.
    pub fingerprinter: Option<Fingerprinter>,
}

impl State {
    /// Nothing is known, and nothing outlasts the process.
    pub(super) fn in_memory() -> Self {
        Self {
            store: Box::new(MemoryLedger::default()),
            fingerprinter: None,
        }
    }
}

/// The state for a sync. A dry run reads it and changes nothing; without a place
/// for it, it knows nothing.
pub(super) fn open(args: &RunArgs, dry_run: bool, tenant: &str) -> Result<State, Failure> {
    let place = match find(args.state.as_deref(), Trust::Own) {
        Err(PlaceError::Nowhere) if dry_run => return Ok(State::in_memory()),
        found => found?,
    };
    let file = place.ledger_file(tenant)?;
    let (store, key): (Box<dyn LedgerStore>, _) = if dry_run {
        (Box::new(ReadOnlyLedger::new(&file)), key(&place, false)?)
    } else {
        place.create()?;
        (Box::new(SqliteLedger::open(&file)?), key(&place, true)?)
    };
    let fingerprinter = key.map(|key| Fingerprinter::new(key, tenant.to_owned()));
    Ok(State {
        store,
        fingerprinter,
    })
}

/// The state directory, wherever the environment or this flag says that it is.
pub(super) fn find(flag: Option<&Path>, trust: Trust) -> Result<StateDirectory, PlaceError> {
    StateDirectory::find(flag, &|name: &str| std::env::var_os(name), trust)
}

/// What makes the fingerprints of a tenant, with the key as it is now.
pub(super) fn fingerprinter(
    flag: Option<&Path>,
    trust: Trust,
    tenant: &str,
) -> Result<Fingerprinter, Failure> {
    let place = find(flag, trust)?;
    let key = match connect::credential(key::KEY_CREDENTIAL) {
        Some(file) => key::read_credential(&file)?,
        None => key::read_or_create(&place.key_file()?)?,
    };
    Ok(Fingerprinter::new(key, tenant.to_owned()))
}

/// The ledger of a tenant, without its lock: to read it, and to suspend its writes.
pub(super) fn read_only(
    flag: Option<&Path>,
    trust: Trust,
    tenant: &str,
) -> Result<ReadOnlyLedger, Failure> {
    let place = find(flag, trust)?;
    Ok(ReadOnlyLedger::new(&place.ledger_file(tenant)?))
}

/// The same, for reading; an empty one where there is no place for a ledger.
pub(super) fn read_only_if_any(
    flag: Option<&Path>,
    trust: Trust,
    tenant: &str,
) -> Result<Box<dyn LedgerStore>, Failure> {
    match find(flag, trust) {
        Err(PlaceError::Nowhere) => Ok(Box::new(MemoryLedger::default())),
        found => {
            let file = found?.ledger_file(tenant)?;
            Ok(Box::new(ReadOnlyLedger::new(&file)))
        }
    }
}

/// The ledger of a tenant, for writing.
pub(super) fn open_ledger(
    flag: Option<&Path>,
    trust: Trust,
    tenant: &str,
) -> Result<Box<dyn LedgerStore>, Failure> {
    let place = find(flag, trust)?;
    place.create()?;
    Ok(Box::new(SqliteLedger::open(&place.ledger_file(tenant)?)?))
}

/// The key: a systemd credential, which replicas share, before the file.
fn key(place: &StateDirectory, may_create: bool) -> Result<Option<FingerprintKey>, Failure> {
    Ok(match connect::credential(key::KEY_CREDENTIAL) {
        Some(file) => Some(key::read_credential(&file)?),
        None if may_create => Some(key::read_or_create(&place.key_file()?)?),
        None => key::read(&place.key_file()?)?,
    })
}

impl From<PlaceError> for Failure {
    fn from(error: PlaceError) -> Self {
        Self::new(Exit::InvalidSettings, chain(&error), error.help())
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        Self::new(Exit::Failed, chain(&error), error.help())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::new(Exit::Failed, chain(&error), &error.help)
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        Self::new(Exit::Failed, chain(&error), error.help())
    }
}
