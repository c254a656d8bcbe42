//! The ledger of a tenant, and the key of its fingerprints.

use std::path::Path;

use super::args::RunArgs;
use super::connect;
use super::failure::Failure;
use crate::ledger::history::History;
use crate::ledger::key::{self, KeyError};
use crate::ledger::place::{PlaceError, StateDirectory, Trust};
use crate::ledger::sqlite::SqliteLedger;
use crate::ledger::{FingerprintKey, Fingerprinter, Journal, Ledger, LedgerError, MemoryJournal};
use crate::report::exit::Exit;
use crate::text::chain;

/// What is known of the past, and where the present is written down.
pub(super) struct State {
    pub journal: Box<dyn Journal>,
    /// Absent where there is no key yet: then secrets are not compared.
    pub fingerprinter: Option<Fingerprinter>,
}

impl State {
    /// Nothing is known, and nothing outlasts the process.
    pub(super) fn in_memory() -> Self {
        Self {
            journal: Box::new(MemoryJournal::default()),
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
    let (journal, key): (Box<dyn Journal>, _) = if dry_run {
        let ledger = SqliteLedger::open_read_only(&file)?.unwrap_or_default();
        (Box::new(MemoryJournal::new(ledger)), key(&place, false)?)
    } else {
        place.create()?;
        (Box::new(SqliteLedger::open(&file)?), key(&place, true)?)
    };
    let fingerprinter = key.map(|key| Fingerprinter::new(key, tenant.to_owned()));
    Ok(State {
        journal,
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

/// The latest runs of a tenant; none where there is no ledger.
pub(super) fn history(flag: Option<&Path>, tenant: &str, runs: u32) -> Result<History, Failure> {
    let place = find(flag, Trust::AnyForRoot)?;
    let history = SqliteLedger::history_read_only(&place.ledger_file(tenant)?, runs)?;
    Ok(history.unwrap_or_default())
}

/// What is known of a tenant, to look at; nothing where there is no place for a ledger.
pub(super) fn read_ledger(
    flag: Option<&Path>,
    trust: Trust,
    tenant: &str,
) -> Result<Ledger, Failure> {
    let place = match find(flag, trust) {
        Err(PlaceError::Nowhere) => return Ok(Ledger::default()),
        found => found?,
    };
    let ledger = SqliteLedger::open_read_only(&place.ledger_file(tenant)?)?;
    Ok(ledger.unwrap_or_default())
}

/// The ledger alone, for writing.
pub(super) fn open_ledger(
    flag: Option<&Path>,
    trust: Trust,
    tenant: &str,
) -> Result<SqliteLedger, Failure> {
    let place = find(flag, trust)?;
    place.create()?;
    Ok(SqliteLedger::open(&place.ledger_file(tenant)?)?)
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

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        Self::new(Exit::Failed, chain(&error), error.help())
    }
}
