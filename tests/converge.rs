//! Values that the server does not keep: sent twice, reported, and not sent again.

use http::Method;
use integrationd::ledger::MemoryLedger;
use integrationd::simulator::{Fault, FaultKind, SimulatedDrift, Simulator};
use serde_json::{Value, json};

use crate::in_process::{Ran, Run, write_lines};
use crate::texts::Texts;

fn lake(path: &str, more: &str) -> Texts {
    let file = format!(
        "type: Databricks\nautoBootstrap: false\nconfig:\n  workspaceUrl: lake.example.com\n  \
         httpPath: {path}\n  authenticationType: token\n  token: ${{env:TOKEN}}\n{more}"
    );
    Texts::none()
        .file("lake.yaml", file)
        .secret("TOKEN", "t0ken")
}

async fn sync(texts: &Texts, simulator: &Simulator, journal: &MemoryLedger) -> Ran {
    simulator.clear_log();
    Run::of(texts, simulator).remembering(journal).sync().await
}

/// A server that stores this in place of every path that it is sent.
fn rewriting(value: &Value) -> Simulator {
    let simulator = Simulator::default();
    let rewrite = FaultKind::Rewrite {
        path: "/httpPath".to_owned(),
        value: value.clone(),
    };
    simulator.fault(Fault::new(rewrite).always());
    simulator
}

/// Writes it twice: only then is it known that the server insists.
async fn give_up(texts: &Texts, simulator: &Simulator, journal: &MemoryLedger) {
    sync(texts, simulator, journal).await;
    sync(texts, simulator, journal).await;
    assert_eq!(write_lines(simulator), ["PUT /integrations/1"]);
}

fn told(ran: &Ran) -> String {
    anstream::adapter::strip_str(&ran.shown()).to_string()
}

#[tokio::test(start_paused = true)]
async fn rewritten_value_is_reported_and_not_sent_again() {
    let (simulator, journal) = (rewriting(&json!("/ONE")), MemoryLedger::default());
    let texts = lake("/one", "");
    for (write, then) in [
        ("POST /integrations", "the next run repeats the write"),
        (
            "PUT /integrations/1",
            "set the value in the file to the one that the server returns",
        ),
    ] {
        let ran = sync(&texts, &simulator, &journal).await;
        assert_eq!(write_lines(&simulator), [write]);
        let shown = told(&ran);
        let what = r#"httpPath: sent "/one", found "/ONE""#;
        assert!(shown.contains(what) && shown.contains(then), "{shown}");
        assert_eq!(ran.exit_code(), 1);
    }

    for _ in 0..2 {
        let ran = sync(&texts, &simulator, &journal).await;
        assert_eq!(write_lines(&simulator), [""; 0]);
        assert_eq!(ran.exit_code(), 1);
        insta::allow_duplicates! {
            insta::assert_snapshot!(told(&ran), @r#"
              # lake is blocked  lake.yaml:1
              ! Databricks Unity Catalog
                  the integration does not converge: the server does not keep httpPath (sent "/one", found "/ONE")
                  help: set the value in the file to the one that the server returns, or ignore the attribute with `sync: {ignore: [{path: /httpPath, reason: ...}]}`; integrationd retries only if the file or the server changes

            Plan: 1 blocked.
            "#);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_edit_right_after_a_write_is_repaired_by_the_next_run() {
    let (simulator, journal) = (Simulator::default(), MemoryLedger::default());
    let edit = FaultKind::Rewrite {
        path: "/httpPath".to_owned(),
        value: json!("/by-hand"),
    };
    simulator.fault(Fault::new(edit));
    let texts = lake("/one", "");
    let ran = sync(&texts, &simulator, &journal).await;
    assert_eq!(ran.exit_code(), 1);
    insta::assert_snapshot!(told(&ran).split_once("Applied").unwrap().1, @r#"
    : 1 created.
    Not converged: lake: the write succeeded, but the server still differs from the file
          httpPath: sent "/one", found "/by-hand"
     help: check whether someone else changed the integration at the same time; the next run repeats the write
    A second plan still shows 1 to update.
    "#);
    let ran = sync(&texts, &simulator, &journal).await;
    assert_eq!(write_lines(&simulator), ["PUT /integrations/1"]);
    assert!(ran.is_proved() && ran.exit_code() == 0, "{}", told(&ran));
    let rewritten = &journal.ledger().records["lake"].state.rewritten;
    assert!(rewritten.is_empty(), "{rewritten:?}");
}

#[tokio::test(start_paused = true)]
async fn another_value_each_time_is_not_a_server_that_insists() {
    let (simulator, journal) = (Simulator::default(), MemoryLedger::default());
    let texts = lake("/one", "");
    for edit in 0..4 {
        let edit = FaultKind::Rewrite {
            path: "/httpPath".to_owned(),
            value: json!(format!("/edit-{edit}")),
        };
        simulator.fault(Fault::new(edit));
        let ran = sync(&texts, &simulator, &journal).await;
        assert_eq!(write_lines(&simulator).len(), 1, "{}", told(&ran));
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_or_a_server_that_moves_is_a_reason_to_try_again() {
    let (simulator, journal) = (rewriting(&json!("/ONE")), MemoryLedger::default());
    give_up(&lake("/one", ""), &simulator, &journal).await;
    give_up(&lake("/two", ""), &simulator, &journal).await;
    sync(&lake("/two", ""), &simulator, &journal).await;
    assert_eq!(write_lines(&simulator), [""; 0]);

    simulator
        .drift(SimulatedDrift::value(1, "/httpPath", json!("/by-hand")))
        .unwrap();
    sync(&lake("/two", ""), &simulator, &journal).await;
    assert_eq!(write_lines(&simulator), ["PUT /integrations/1"]);

    // Written as the server keeps it, there is nothing to do.
    let ran = sync(&lake("/ONE", ""), &simulator, &journal).await;
    assert!(ran.is_proved(), "{}", ran.shown());
    let rewritten = &journal.ledger().records["lake"].state.rewritten;
    assert!(rewritten.is_empty(), "{rewritten:?}");
}

#[tokio::test(start_paused = true)]
async fn the_advice_to_ignore_it_helps() {
    let (simulator, journal) = (rewriting(&json!("/ONE")), MemoryLedger::default());
    give_up(&lake("/one", ""), &simulator, &journal).await;
    let ignoring = "sync:\n  ignore: [{path: /httpPath, reason: the server writes it}]\n";
    let ran = sync(&lake("/one", ignoring), &simulator, &journal).await;
    assert!(ran.is_proved(), "{}", ran.shown());
}

#[tokio::test(start_paused = true)]
async fn another_change_is_sent_although_one_value_does_not_converge() {
    let (simulator, journal) = (rewriting(&json!("/ONE")), MemoryLedger::default());
    give_up(&lake("/one", ""), &simulator, &journal).await;
    let rotated = lake("/one", "").secret("TOKEN", "another");
    sync(&rotated, &simulator, &journal).await;
    assert_eq!(write_lines(&simulator), ["PUT /integrations/1"]);
    sync(&rotated, &simulator, &journal).await;
    assert_eq!(write_lines(&simulator), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_value_that_must_not_be_shown_is_not_sent_again_either() {
    let (simulator, journal) = (Simulator::default(), MemoryLedger::default());
    simulator.set_options(integrationd::simulator::SimulatorOptions {
        also_known: [("Databricks".to_owned(), vec!["config.newer".to_owned()])].into(),
        ..simulator.options()
    });
    let rewrite = FaultKind::Rewrite {
        path: "/newer".to_owned(),
        value: json!("BIG"),
    };
    simulator.fault(Fault::new(rewrite).always());
    let texts = lake("/one", "sync: {extra: {newer: small}}\n");
    let ran = sync(&texts, &simulator, &journal).await;
    assert_eq!(write_lines(&simulator), ["POST /integrations"]);
    assert!(told(&ran).contains("Not converged: lake"), "{}", told(&ran));
    sync(&texts, &simulator, &journal).await;
    assert_eq!(write_lines(&simulator), ["PUT /integrations/1"]);
    let ran = sync(&texts, &simulator, &journal).await;
    assert_eq!(write_lines(&simulator), [""; 0], "{}", told(&ran));
    ran.shows_none_of(["BIG", "small"]);
    let kept = format!("{:?}", journal.ledger());
    assert!(!kept.contains("BIG") && !kept.contains("small"), "{kept}");

    let moved = lake("/one", "sync: {extra: {newer: tiny}}\n");
    sync(&moved, &simulator, &journal).await;
    assert_eq!(write_lines(&simulator), ["PUT /integrations/1"]);
}

#[tokio::test(start_paused = true)]
async fn removed_attribute_that_the_server_keeps_does_not_converge() {
    let (simulator, journal) = (Simulator::default(), MemoryLedger::default());
    let with_catalog = lake("/one", "  catalog: mine\n");
    let ran = sync(&with_catalog, &simulator, &journal).await;
    assert!(ran.is_proved(), "{}", ran.shown());
    let keep = FaultKind::Rewrite {
        path: "/catalog".to_owned(),
        value: json!("mine"),
    };
    simulator.fault(
        Fault::new(keep)
            .on(&Method::PUT, "/integrations/{id}")
            .always(),
    );
    let without = lake("/one", "");
    let ran = sync(&without, &simulator, &journal).await;
    assert_eq!(write_lines(&simulator), ["PUT /integrations/1"]);
    assert!(told(&ran).contains("catalog"), "{}", told(&ran));
    assert_eq!(ran.exit_code(), 1);
    sync(&without, &simulator, &journal).await;
    assert_eq!(write_lines(&simulator), ["PUT /integrations/1"]);
    let ran = sync(&without, &simulator, &journal).await;
    assert_eq!(write_lines(&simulator), [""; 0]);
    assert!(told(&ran).contains("does not converge"), "{}", told(&ran));
}
