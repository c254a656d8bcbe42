//! Tests of the stores: what was written down is there, whatever happens.

mod damage;
mod history;
mod journal;
mod process;
mod read_only;
mod round_trip;
mod version;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use std::collections::BTreeMap;

use futures::FutureExt as _;
use serde_json::json;
use tempfile::TempDir;

use super::schema::MIGRATIONS;
use super::{LedgerError, ReadOnlyLedger, SqliteLedger, read_only as reading};
use crate::ledger::store::Remedy;
use crate::ledger::{
    Applied, Fingerprint, IntendedWrite, Intent, Ledger, LedgerStore as _, Record, RecordedState,
};
use crate::live::RemoteId;
use crate::text::chain;

/// A directory, and the path of a ledger in it.
pub(super) fn place() -> (TempDir, PathBuf) {
    let place = TempDir::new().unwrap();
    let file = place.path().join("tenant.db");
    (place, file)
}

/// The result of a store that never waits.
pub(super) fn done<T>(work: impl Future<Output = T>) -> T {
    work.now_or_never().expect("it waits for nothing")
}

/// A ledger that is open for reading only.
pub(super) fn read_only(file: &Path) -> Result<Option<Ledger>, LedgerError> {
    reading::read(file, MIGRATIONS)
}

pub(super) fn at(second: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(1_700_000_000 + second).unwrap()
}

pub(super) fn applied() -> Applied {
    let secret = Fingerprint {
        key: "0123".into(),
        hash: "abcd".into(),
    };
    Applied {
        attributes: [
            ("host".into(), json!("a.example")),
            ("port".into(), json!(443)),
        ]
        .into(),
        secrets: [("password".into(), Some(secret)), ("token".into(), None)].into(),
        withheld: BTreeMap::new(),
        extra_secrets: false,
        bound_to: None,
    }
}

pub(super) fn state() -> RecordedState {
    RecordedState {
        identity: Some("a.example".into()),
        owned: true,
        applied: applied(),
        ..RecordedState::default()
    }
}

pub(super) fn record(id: &str) -> Record {
    Record {
        type_name: "Warehouse".into(),
        id: RemoteId::new(id),
        state: state(),
        at: at(1),
    }
}

pub(super) fn intent(write: IntendedWrite) -> Intent {
    Intent {
        type_name: "Warehouse".into(),
        write,
        state: state(),
        at: at(0),
    }
}

pub(super) fn create() -> Intent {
    let listed = ["9", "10"].map(RemoteId::new).into();
    intent(IntendedWrite::Create { listed })
}

pub(super) fn update(id: &str) -> Intent {
    let id = RemoteId::new(id);
    intent(IntendedWrite::Update { id })
}

pub(super) fn delete(id: &str) -> Intent {
    intent(IntendedWrite::Delete {
        id: RemoteId::new(id),
        before: json!({ "warehouse": "WH" }),
    })
}

/// A ledger with a record and an intent, closed again.
pub(super) fn written(file: &Path) {
    let ledger = SqliteLedger::open(file).unwrap();
    done(ledger.confirm("a", &record("1"))).unwrap();
    done(ledger.begin("b", &create())).unwrap();
}

pub(super) fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o7777
}

/// An error and its remedy, with the directory of the test taken out.
pub(super) fn told(error: &impl Remedy, place: &TempDir) -> String {
    let text = format!("{}\nhelp: {}", chain(error), error.remedy());
    text.replace(place.path().to_str().unwrap(), "STATE")
}

/// The names of the files in a directory.
pub(super) fn files(place: &TempDir) -> Vec<String> {
    let entries = place.path().read_dir().unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}
