//! Files, a tenant and a ledger that are in sync.

use integrationd::ledger::{LedgerStore, MemoryLedger};
use integrationd::plan::Policy;
use integrationd::simulator::Simulator;
use integrationd::sync::Request;
use serde_json::Value;

use crate::in_process::{Ran, Run};
use crate::texts::Texts;

pub(crate) fn lake_file(host: &str) -> String {
    format!(
        "type: Databricks\nautoBootstrap: false\nconfig:\n  workspaceUrl: {host}\n  \
         httpPath: /one\n  authenticationType: token\n  token: ${{env:TOKEN}}\n"
    )
}

/// A warehouse that is set up automatically.
pub(crate) fn warehouse_file(password: &str) -> String {
    format!(
        "type: Snowflake\nautoBootstrap: true\nconfig:\n  host: wh.example.com\n  \
         warehouse: WH\n  database: IMMUTA\n  authenticationType: userPassword\n  \
         username: taylor\n  password: {password}\n  role: ACCOUNTADMIN\n"
    )
}

const STAYS: &str = "type: Trino\n";

/// A file that stays, and secrets.
pub(crate) fn base() -> Texts {
    Texts::none()
        .file("stays.yaml", STAYS)
        .secret("TOKEN", "the-token")
        .secret("PASSWORD", "the-password")
}

pub(crate) fn with_lake() -> Texts {
    base().file("lake.yaml", lake_file("lake.example.com"))
}

pub(crate) fn with_warehouse() -> Texts {
    base().file("warehouse.yaml", warehouse_file("${env:PASSWORD}"))
}

pub(crate) fn pruning(request: &mut Request) {
    request.policy = Policy::Sync;
}

pub(crate) async fn synced(
    texts: &Texts,
    simulator: &Simulator,
    journal: &dyn LedgerStore,
    set: impl FnOnce(&mut Request),
) -> Ran {
    let run = Run::of(texts, simulator).remembering(journal);
    simulator.clear_log();
    run.with(set).sync().await
}

/// A tenant and a ledger in sync with these files.
pub(crate) async fn in_sync(texts: &Texts) -> (Simulator, MemoryLedger) {
    let (simulator, journal) = (Simulator::default(), MemoryLedger::default());
    let ran = synced(texts, &simulator, &journal, |_| {}).await;
    assert!(ran.is_proved(), "{}", ran.shown());
    (simulator, journal)
}

pub(crate) fn types(simulator: &Simulator) -> Vec<Value> {
    let state = simulator.state();
    state.iter().map(|live| live["type"].clone()).collect()
}

/// Six lakes, and one file for each of them.
pub(crate) fn lakes(how_many: usize) -> Texts {
    (0..how_many).fold(base(), |texts, n| {
        texts.file(
            &format!("lake-{n}.yaml"),
            lake_file(&format!("lake-{n}.example.com")),
        )
    })
}

pub(crate) fn names(journal: &MemoryLedger) -> Vec<String> {
    let records = journal.ledger().records;
    let named = records
        .iter()
        .map(|(name, record)| format!("{name} {}", record.id));
    named.collect()
}
