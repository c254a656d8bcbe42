//! Writes that were lost or failed, if reading the tenant does not show the outcome.

use std::time::Duration;

use http::Method;
use integrationd::apply::ActionFailure;
use integrationd::ledger::MemoryLedger;
use integrationd::plan::Policy;
use integrationd::simulator::{FailedTest, Fault, FaultKind, Simulator};
use serde_json::Value;
use tokio::time::{sleep, timeout};

use crate::in_process::{Ran, Run, write_lines};
use crate::texts::Texts;

/// A file with a stored secret, and what else stands in it.
fn lake(token: &str, more: &str) -> Texts {
    let file = format!(
        "type: Databricks\nautoBootstrap: false\nconfig:\n  workspaceUrl: lake.example.com\n  \
         httpPath: /one\n  authenticationType: token\n  token: ${{env:TOKEN}}\n{more}"
    );
    Texts::none().file("lake.yaml", file).secret("TOKEN", token)
}

async fn sync(texts: &Texts, simulator: &Simulator, journal: &MemoryLedger) -> Ran {
    Run::of(texts, simulator).remembering(journal).sync().await
}

/// Brings one file in sync, then another whose update is lost on its way, and
/// runs again. Returns what is stored at a path in the end.
async fn after_a_lost_update(first: &Texts, second: &Texts, path: &str) -> Option<Value> {
    let (simulator, journal) = (Simulator::default(), MemoryLedger::default());
    assert!(sync(first, &simulator, &journal).await.is_proved());
    simulator.clear_log();
    simulator.fault(Fault::new(FaultKind::DropBefore).on(&Method::PUT, "/integrations/{id}"));

    let lost = sync(second, &simulator, &journal).await;
    assert!(
        matches!(lost.failure(), ActionFailure::Unconfirmed(_)),
        "{}",
        lost.shown()
    );
    let again = sync(second, &simulator, &journal).await;
    assert!(again.is_proved(), "{}", again.shown());
    assert_eq!(write_lines(&simulator).len(), 2);
    simulator.state()[0]["config"].pointer(path).cloned()
}

#[tokio::test(start_paused = true)]
async fn a_rotated_secret_is_sent_again() {
    let (first, second) = (lake("first", ""), lake("second", ""));
    let token = after_a_lost_update(&first, &second, "/token").await;
    assert_eq!(token, Some("second".into()));
}

#[tokio::test(start_paused = true)]
async fn attribute_removed_from_the_file_is_removed_again() {
    let (first, second) = (
        lake("first", "  groupPattern: {deny: x}\n"),
        lake("first", ""),
    );
    let deny = after_a_lost_update(&first, &second, "/groupPattern/deny").await;
    assert_eq!(deny, None);
}

#[tokio::test(start_paused = true)]
async fn attribute_of_a_failed_creation_is_removed_with_its_line() {
    let (simulator, journal) = (Simulator::default(), MemoryLedger::default());
    let (first, second) = (
        lake("first", "  groupPattern: {deny: x}\n"),
        lake("first", ""),
    );
    simulator.fault(Fault::new(FaultKind::CreateError(FailedTest {
        test: "Can connect".to_owned(),
        message: "it could not connect".to_owned(),
    })));
    assert_eq!(sync(&first, &simulator, &journal).await.failures().len(), 1);
    let again = sync(&second, &simulator, &journal).await;
    assert!(again.is_proved(), "{}", again.shown());
    let config = &simulator.state()[0]["config"];
    assert_eq!(config.pointer("/groupPattern/deny"), None);
    assert_eq!(config["token"], "first");
}

/// The process is killed while a create is on its way, which takes effect after so
/// long.
async fn killed_in_a_create(simulator: &Simulator, journal: &MemoryLedger, late: Duration) {
    let texts = lake("first", "");
    let fault = Fault::new(FaultKind::Delay {
        ms: late.as_millis() as u64,
    });
    simulator.fault(fault.on(&Method::POST, "/integrations"));
    let run = Run::of(&texts, simulator).remembering(journal);
    let killed = timeout(Duration::from_secs(5), run.sync()).await;
    assert!(killed.is_err());
    assert_eq!(journal.ledger().intents.len(), 1);
    simulator.clear_faults();
}

/// A run that deletes what has no file.
async fn prune(texts: &Texts, simulator: &Simulator, journal: &MemoryLedger) -> Ran {
    let run = Run::of(texts, simulator).remembering(journal);
    run.with(|request| request.policy = Policy::Sync)
        .sync()
        .await
}

/// Another file: with none at all nothing is deleted.
fn sea() -> Texts {
    Texts::none().file("sea.yaml", "type: Trino\n")
}

#[tokio::test(start_paused = true)]
async fn late_create_is_remembered_after_its_file_is_gone() {
    let (simulator, journal) = (Simulator::default(), MemoryLedger::default());
    assert!(sync(&sea(), &simulator, &journal).await.is_proved());
    killed_in_a_create(&simulator, &journal, Duration::from_secs(60)).await;

    let too_early = prune(&sea(), &simulator, &journal).await;
    let shown = too_early.shown();
    assert!(shown.contains("may still take effect"), "{shown}");
    assert!(!too_early.is_proved(), "{shown}");

    sleep(Duration::from_secs(60)).await;
    assert_eq!(simulator.state().len(), 2);
    let later = prune(&sea(), &simulator, &journal).await;
    assert!(later.is_proved(), "{}", later.shown());
    assert_eq!(simulator.state().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_a_create_made_before_its_repetition_was_refused_is_ours() {
    let (simulator, journal) = (Simulator::default(), MemoryLedger::default());
    assert!(sync(&sea(), &simulator, &journal).await.is_proved());
    let late = Duration::from_secs(20);
    killed_in_a_create(&simulator, &journal, late).await;
    let fault = Fault::new(FaultKind::Delay {
        ms: late.as_millis() as u64,
    });
    simulator.fault(fault.on(&Method::POST, "/integrations"));
    let both = lake("first", "").file("sea.yaml", "type: Trino\n");
    let refused = sync(&both, &simulator, &journal).await;
    let failure = refused.failure();
    assert!(
        matches!(failure, ActionFailure::Appeared { .. }),
        "{failure}"
    );

    // It is unknown which of the two secrets it is.
    simulator.clear_log();
    let again = sync(&both, &simulator, &journal).await;
    assert!(again.is_proved(), "{}", again.shown());
    assert_eq!(write_lines(&simulator), ["PUT /integrations/2"]);
    let last = prune(&sea(), &simulator, &journal).await;
    assert!(last.is_proved(), "{}", last.shown());
    assert_eq!(simulator.state().len(), 1);
}
