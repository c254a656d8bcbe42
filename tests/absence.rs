//! An integration counts as absent only when the API says so in its documented words,
//! and not even then when too much of what the ledger knows has disappeared at once.

use http::Method;
use integrationd::ledger::MemoryLedger;
use integrationd::plan::{GuardLimits, Limit, Share};
use integrationd::simulator::{Fault, FaultKind, SimulatedDrift, Simulator};
use integrationd::sync::Request;

use crate::in_process::{Ran, Run, write_lines};
use crate::support::recorded::{base, in_sync, lake_file, pruning, synced, with_lake};
use crate::texts::Texts;

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// Words with which servers answer 404 that know nothing of integration 1.
const FOREIGN: [&str; 6] = [
    "Cannot GET /integrations/1",
    "Route GET:/integrations/1 not found",
    "Unknown tenant acme",
    "",
    "No integration found with ID 12.",
    "No integration found with ID 1. Unknown tenant acme",
];

fn six_lakes() -> Texts {
    let texts = Texts::none().secret("TOKEN", "the-token");
    NAMES.iter().fold(texts, |texts, name| {
        let host = format!("{name}.example.com");
        texts.file(&format!("{name}.yaml"), lake_file(&host))
    })
}

fn is_lost(simulator: &Simulator, ids: &[u64]) {
    for id in ids {
        simulator.drift(SimulatedDrift::remove(*id)).unwrap();
    }
}

fn may_lose_everything(request: &mut Request) {
    let deletes = Limit {
        share: Share::Given(100),
        ..GuardLimits::default().deletes
    };
    request.limits = GuardLimits {
        deletes,
        ..request.limits
    };
}

fn not_found(message: &str) -> FaultKind {
    let message = message.to_owned();
    FaultKind::NotFound { message }
}

#[tokio::test(start_paused = true)]
async fn foreign_404_is_a_failed_read() {
    for message in FOREIGN {
        let texts = six_lakes();
        let (simulator, journal) = in_sync(&texts).await;
        let before = journal.ledger();
        let empty = FaultKind::PartialList { drop: 6 };
        simulator.fault(Fault::new(empty).always());
        let one = "/integrations/{id}";
        simulator.fault(
            Fault::new(not_found(message))
                .on(&Method::GET, one)
                .always(),
        );
        let ran = synced(&texts, &simulator, &journal, |_| {}).await;
        assert_eq!(write_lines(&simulator), [""; 0], "{message}");
        let shown = ran.shown();
        let why = "the integration may already exist: integration 1 is not in the list, and reading it failed";
        assert!(shown.contains(why), "{shown}");
        assert_eq!(ran.exit_code(), 1, "{shown}");
        assert_eq!(journal.ledger(), before);
    }
}

#[tokio::test(start_paused = true)]
async fn both_spellings_of_the_documented_404_are_an_absence() {
    for spelling in [
        "No Integration found with ID 1.",
        "No integration found with ID 1",
    ] {
        let (simulator, journal) = in_sync(&with_lake()).await;
        is_lost(&simulator, &[1]);
        let one = "/integrations/{id}";
        simulator.fault(Fault::new(not_found(spelling)).on(&Method::GET, one));
        let ran = synced(&with_lake(), &simulator, &journal, |_| {}).await;
        assert_eq!(
            write_lines(&simulator),
            ["POST /integrations"],
            "{}",
            ran.shown()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn too_many_disappeared_at_once_is_refused() {
    let texts = six_lakes();
    let (simulator, journal) = in_sync(&texts).await;
    let before = journal.ledger();
    is_lost(&simulator, &[2, 5]);
    // The file of one of them is gone too: a run that is believed would forget it.
    let fewer = texts.clone().without("b.yaml");
    let ran = synced(&fewer, &simulator, &journal, |_| {}).await;
    assert_eq!(write_lines(&simulator), [""; 0]);
    assert_eq!((ran.exit_code(), journal.ledger()), (4, before));
    insta::assert_snapshot!(ran.ending(), @"
    Refused by the guard: nothing was applied.
      ✗ the tenant no longer has 2 of the 6 integrations in the ledger, but the limit is 1 (20%)
     help: review the plan; if it is intended, allow it with `--max-delete-percent 34`
    ");
    let exceeded = &ran.json()["result"]["exceeded"][0];
    assert_eq!(exceeded["what"], "disappeared");
    assert_eq!(exceeded["names"], serde_json::json!(["b", "e"]));

    let again = synced(&fewer, &simulator, &journal, |_| {}).await;
    assert_eq!(again.exit_code(), 4, "{}", again.shown());
    let dry = Run::of(&fewer, &simulator)
        .remembering(&journal)
        .dry_run()
        .await;
    assert_eq!(dry.exit_code(), 4, "{}", dry.shown());

    let allowed = synced(&fewer, &simulator, &journal, may_lose_everything).await;
    assert_eq!(write_lines(&simulator), ["POST /integrations"]);
    assert!(allowed.is_proved(), "{}", allowed.shown());
    let records: Vec<String> = journal.ledger().records.into_keys().collect();
    assert_eq!(records, ["a", "c", "d", "e", "f"]);
}

#[tokio::test(start_paused = true)]
async fn one_that_disappeared_is_created_again() {
    let texts = six_lakes();
    let (simulator, journal) = in_sync(&texts).await;
    is_lost(&simulator, &[3]);
    let ran = synced(&texts, &simulator, &journal, |_| {}).await;
    assert_eq!(write_lines(&simulator), ["POST /integrations"]);
    assert!(ran.is_proved(), "{}", ran.shown());
}

#[tokio::test(start_paused = true)]
async fn partial_content_is_a_failed_read() {
    let (simulator, journal) = in_sync(&with_lake()).await;
    simulator.fault(Fault::new(FaultKind::PartialContent).on(&Method::GET, "/integrations"));
    let ran = synced(&with_lake(), &simulator, &journal, |_| {}).await;
    assert_eq!(
        ran.errors(),
        [
            "GET /integrations: the response has status 206 Partial Content, which does not \
            indicate a complete response"
        ]
    );
    assert_eq!(write_lines(&simulator), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn status_404_in_foreign_words_proves_no_delete() {
    let (simulator, journal) = in_sync(&with_lake()).await;
    let status = "/integrations/{id}/status";
    let foreign = Fault::new(not_found("Cannot GET /integrations/1/status"));
    simulator.fault(foreign.on(&Method::GET, status).always());
    let ran = synced(&base(), &simulator, &journal, pruning).await;
    let failure = ran.failure().to_string();
    assert!(failure.contains("the status cannot be read"), "{failure}");
    assert!(journal.ledger().intents.contains_key("lake"));
}

#[tokio::test(start_paused = true)]
async fn write_refused_with_a_foreign_404_failed() {
    let (simulator, journal) = in_sync(&with_lake()).await;
    for (method, texts) in [
        (Method::DELETE, base()),
        (Method::PUT, with_lake().secret("TOKEN", "another-token")),
    ] {
        let message = format!("Cannot {method} /integrations/1");
        simulator.fault(Fault::new(not_found(&message)).on(&method, "/integrations/{id}"));
        let ran = synced(&texts, &simulator, &journal, pruning).await;
        assert_eq!(
            ran.failure().to_string(),
            format!("{method} /integrations/1: 404 Not Found: {message}")
        );
        assert!(journal.ledger().records.contains_key("lake"));
    }
}

async fn created_as(id: u64, faults: &[Fault]) -> (Simulator, MemoryLedger, Ran) {
    let (simulator, journal) = in_sync(&base()).await;
    simulator.fault(Fault::new(FaultKind::NamesAnother { id }));
    faults
        .iter()
        .for_each(|fault| simulator.fault(fault.clone()));
    let ran = synced(&with_lake(), &simulator, &journal, |_| {}).await;
    (simulator, journal, ran)
}

#[tokio::test(start_paused = true)]
async fn id_that_was_listed_is_not_what_a_create_made() {
    let (simulator, journal, ran) = created_as(1, &[]).await;
    assert!(ran.is_proved(), "{}", ran.shown());
    assert_eq!(write_lines(&simulator), ["POST /integrations"]);
    let made = ran.outcomes()[0].id.as_ref();
    assert_eq!(made.map(ToString::to_string).as_deref(), Some("2"));
    let records = journal.ledger().records;
    let id = |name: &str| records[name].id.to_string();
    assert_eq!((id("stays"), id("lake")), ("1".to_owned(), "2".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn create_that_only_names_another_is_not_recorded() {
    // The server's list lacks what was created.
    let short = Fault::new(FaultKind::PartialList { drop: 1 }).skip(2);
    let (_, journal, ran) = created_as(1, &[short.always()]).await;
    let failure = integrationd::text::chain(ran.failure());
    insta::assert_snapshot!(failure, @"the response was lost, and the tenant does not show the \
        change: POST /integrations: the response names integration 1, which existed before the \
        request");
    let ledger = journal.ledger();
    assert!(!ledger.records.contains_key("lake") && ledger.intents.contains_key("lake"));
}
