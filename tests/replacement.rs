//! Replacing what cannot be edited: only with leave, and only what no other file
//! could mean.

use integrationd::apply::Event;
use integrationd::ledger::MemoryLedger;
use integrationd::simulator::{
    Fault, FaultKind, Seed, SimulatedDrift, Simulator, SimulatorOptions,
};
use integrationd::sync::Request;
use serde_json::json;

use crate::in_process::{Run, write_lines};
use crate::support::boundary::BOUNDARIES;
use crate::support::boundary::dying;
use crate::support::recorded::names;
use crate::support::recorded::{
    base, in_sync, lake_file, pruning, synced, types, warehouse_file, with_lake, with_warehouse,
};
use crate::texts::Texts;

/// Permits the replacement of these, and the deletion of integrations without a file.
fn leave(names: &'static [&'static str]) -> impl Fn(&mut Request) {
    |request| {
        pruning(request);
        request.allow_replace = names.iter().map(|name| (*name).to_owned()).collect();
    }
}

fn lake_by_hand(host: &str) -> Seed {
    let config = json!({
        "workspaceUrl": host, "httpPath": "/one", "authenticationType": "token", "token": "x",
    });
    Seed::new("Databricks", Some(false), Some(config))
}

#[tokio::test(start_paused = true)]
async fn new_identity_is_a_replacement_that_needs_approval() {
    let (simulator, journal) = in_sync(&with_lake()).await;
    let moved = base().file("lake.yaml", lake_file("moved.example.com"));
    let ran = synced(&moved, &simulator, &journal, pruning).await;
    assert_eq!(write_lines(&simulator), [""; 0]);
    assert!(
        ran.shown().contains("`--allow-replace lake`"),
        "{}",
        ran.shown()
    );

    let ran = synced(&moved, &simulator, &journal, |request| {
        request.allow_replace = ["lake".to_owned()].into();
    })
    .await;
    assert_eq!(
        write_lines(&simulator),
        ["DELETE /integrations/1", "POST /integrations"]
    );
    assert!(ran.is_proved(), "{}", ran.shown());
    assert_eq!(journal.ledger().records["lake"].id.as_str(), "3");
}

#[tokio::test(start_paused = true)]
async fn other_type_under_a_name_is_a_replacement_and_loses_nothing() {
    let (simulator, journal) = in_sync(&with_lake()).await;
    let other = base().file("lake.yaml", warehouse_file("${env:PASSWORD}"));
    let ran = synced(&other, &simulator, &journal, pruning).await;
    assert_eq!(write_lines(&simulator), [""; 0]);
    assert!(
        ran.shown()
            .contains("the file was applied to integration 1 with a different type"),
        "{}",
        ran.shown()
    );
    let ran = synced(&other, &simulator, &journal, |request| {
        request.allow_replace = ["lake".to_owned()].into();
    })
    .await;
    assert!(ran.is_proved(), "{}", ran.shown());
    assert_eq!(types(&simulator), ["Trino", "Snowflake"]);
}

#[tokio::test(start_paused = true)]
async fn what_another_file_describes_now_is_not_replaced() {
    // The file was renamed, and another one has taken its name.
    for other in [
        lake_file("new.example.com"),
        warehouse_file("${env:PASSWORD}"),
    ] {
        let (simulator, journal) = in_sync(&with_lake()).await;
        let texts = base()
            .file("sea.yaml", lake_file("lake.example.com"))
            .file("lake.yaml", other);
        let ran = synced(&texts, &simulator, &journal, |request| {
            pruning(request);
            request.allow_replace = ["lake".to_owned()].into();
        })
        .await;
        assert!(ran.is_proved(), "{}", ran.shown());
        assert_eq!(write_lines(&simulator), ["POST /integrations"]);
        let records = journal.ledger().records;
        assert_eq!(records["sea"].id.as_str(), "1");
        assert_eq!(records["lake"].id.as_str(), "3");
    }
}

#[tokio::test(start_paused = true)]
async fn immutable_attribute_is_replaced_with_approval() {
    let (simulator, journal) = in_sync(&with_warehouse()).await;
    let file = warehouse_file("${env:PASSWORD}").replace("IMMUTA", "OTHER");
    let texts = base().file("warehouse.yaml", file);
    let ran = synced(&texts, &simulator, &journal, |request| {
        request.allow_replace = ["warehouse".to_owned()].into();
    })
    .await;
    assert!(ran.is_proved(), "{}", ran.shown());
    let lines = write_lines(&simulator);
    assert_eq!(lines, ["DELETE /integrations/2", "POST /integrations"]);
    assert_eq!(simulator.state().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_protected_or_not_its_own_is_not_replaced() {
    let (simulator, journal) = in_sync(&with_lake()).await;
    let moved = lake_file("moved.example.com");
    let texts = base().file("lake.yaml", format!("{moved}sync: {{protect: true}}\n"));
    let leave = |request: &mut Request| request.allow_replace = ["lake".to_owned()].into();
    let ran = synced(&texts, &simulator, &journal, leave).await;
    assert!(ran.shown().contains("is protected"), "{}", ran.shown());

    let mut ledger = journal.ledger();
    ledger.records.get_mut("lake").unwrap().state.owned = false;
    let journal = MemoryLedger::new(ledger);
    let texts = base().file("lake.yaml", moved);
    let ran = synced(&texts, &simulator, &journal, leave).await;
    assert!(
        ran.shown().contains("integrationd adopt lake"),
        "{}",
        ran.shown()
    );
    assert_eq!(write_lines(&simulator), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_replacement_that_was_cut_short_ends_with_one_integration() {
    let moved = base().file("lake.yaml", lake_file("moved.example.com"));
    let leave = |request: &mut Request| request.allow_replace = ["lake".to_owned()].into();
    for at in BOUNDARIES {
        let (simulator, journal) = in_sync(&with_lake()).await;
        synced(&moved, &simulator, &dying(&journal, at), leave).await;
        let ran = synced(&moved, &simulator, &journal, leave).await;
        assert!(ran.is_proved(), "{at:?}: {}", ran.shown());
        assert_eq!(types(&simulator), ["Trino", "Databricks"], "{at:?}");
        let state = simulator.state();
        assert_eq!(state[1]["config"]["workspaceUrl"], "moved.example.com");
    }
}

#[tokio::test(start_paused = true)]
async fn replacement_deletes_nothing_while_its_identity_is_taken() {
    let (simulator, journal) = in_sync(&with_lake()).await;
    simulator.seed(lake_by_hand("moved.example.com"));
    let moved = base().file("lake.yaml", lake_file("moved.example.com"));
    let ran = synced(&moved, &simulator, &journal, leave(&["lake"])).await;
    assert_eq!(write_lines(&simulator), [""; 0]);
    let shown = ran.shown();
    let told = "the file was applied to integration 1 with a different workspaceUrl, but now describes \
        integration 3";
    assert!(shown.contains(told), "{shown}");

    // The help helps.
    let renamed = moved
        .without("lake.yaml")
        .file("sea.yaml", lake_file("moved.example.com"))
        .file("lake.yaml", lake_file("lake.example.com"));
    let ran = synced(&renamed, &simulator, &journal, leave(&["lake"])).await;
    assert!(ran.is_proved(), "{}", ran.shown());
    assert_eq!(names(&journal), ["lake 1", "sea 3", "stays 2"]);
}

#[tokio::test(start_paused = true)]
async fn files_that_swap_contents_swap_records_without_replacement() {
    let before = with_lake().file("sea.yaml", lake_file("sea.example.com"));
    let (simulator, journal) = in_sync(&before).await;
    let swapped = base()
        .file("lake.yaml", lake_file("sea.example.com"))
        .file("sea.yaml", lake_file("lake.example.com"));
    for _ in 0..2 {
        let ran = synced(&swapped, &simulator, &journal, leave(&["lake", "sea"])).await;
        assert!(ran.is_proved(), "{}", ran.shown());
        assert_eq!(write_lines(&simulator), [""; 0]);
    }
    assert_eq!(names(&journal), ["lake 2", "sea 1", "stays 3"]);
    // Their secrets are still known.
    let rotated = swapped.secret("TOKEN", "another");
    synced(&rotated, &simulator, &journal, pruning).await;
    let mut puts = write_lines(&simulator);
    puts.sort();
    assert_eq!(puts, ["PUT /integrations/1", "PUT /integrations/2"]);
}

#[tokio::test(start_paused = true)]
async fn integration_of_a_renamed_file_is_not_replaced() {
    for options in ["sync: {previously: [lake]}\n", ""] {
        let (simulator, journal) = in_sync(&with_lake()).await;
        let sea = format!("{}{options}", lake_file("lake.example.com"));
        let texts = base()
            .file("sea.yaml", sea)
            .file("lake.yaml", warehouse_file("${env:PASSWORD}"));
        let ran = synced(&texts, &simulator, &journal, leave(&["lake"])).await;
        assert!(ran.is_proved(), "{}", ran.shown());
        assert_eq!(write_lines(&simulator), ["POST /integrations"]);
        assert_eq!(names(&journal), ["lake 3", "sea 1", "stays 2"]);
    }
}

#[tokio::test(start_paused = true)]
async fn ambiguous_file_stops_a_replacement() {
    let trino = || Texts::none().secret("TOKEN", "t0ken");
    let (simulator, journal) = in_sync(&trino().file("lake.yaml", "type: Trino\n")).await;
    let texts = trino()
        .file("sea.yaml", "type: Trino\n")
        .file("lake.yaml", lake_file("lake.example.com"));
    let ran = synced(&texts, &simulator, &journal, leave(&["lake"])).await;
    assert_eq!(write_lines(&simulator), [""; 0]);
    let shown = ran.shown();
    let told = "integration 1 will not be replaced: sea may describe it";
    assert!(shown.contains(told), "{shown}");

    // The help helps.
    let told = texts.file("sea.yaml", "type: Trino\nsync: {previously: [lake]}\n");
    let ran = synced(&told, &simulator, &journal, leave(&["lake"])).await;
    assert!(ran.is_proved(), "{}", ran.shown());
    assert_eq!(write_lines(&simulator), ["POST /integrations"]);
    assert_eq!(types(&simulator), ["Trino", "Databricks"]);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_cannot_be_read_stops_replacements() {
    for (bad, told) in [
        ("type: Trino\nwhat: 1\n", "bad.yaml has errors"),
        ("type: [\n", "bad.yaml"),
    ] {
        let (simulator, journal) = in_sync(&with_lake()).await;
        let texts = base()
            .file("lake.yaml", lake_file("moved.example.com"))
            .file("bad.yaml", bad);
        let ran = synced(&texts, &simulator, &journal, leave(&["lake"])).await;
        assert_eq!(write_lines(&simulator), [""; 0]);
        assert!(ran.shown().contains(told), "{}", ran.shown());
    }
}

#[tokio::test(start_paused = true)]
async fn a_fixed_value_that_the_server_rewrites_is_replaced_once() {
    let (simulator, journal) = in_sync(&with_warehouse()).await;
    let rewrite = FaultKind::Rewrite {
        path: "/database".to_owned(),
        value: json!("UPPER"),
    };
    simulator.fault(Fault::new(rewrite).always());
    let file = warehouse_file("${env:PASSWORD}").replace("IMMUTA", "lower");
    let texts = base().file("warehouse.yaml", file);
    synced(&texts, &simulator, &journal, leave(&["warehouse"])).await;
    let lines = write_lines(&simulator);
    assert_eq!(lines, ["DELETE /integrations/2", "POST /integrations"]);
    for _ in 0..2 {
        let ran = synced(&texts, &simulator, &journal, leave(&["warehouse"])).await;
        assert_eq!(write_lines(&simulator), [""; 0]);
        assert!(ran.shown().contains("does not converge"), "{}", ran.shown());
    }
}

#[tokio::test(start_paused = true)]
async fn an_id_that_another_type_has_now_is_not_what_was_recorded() {
    // The tenant was built anew, and counts from 1 again.
    let trinos = Texts::none().file("lake.yaml", "type: Trino\n");
    let (_, journal) = in_sync(&trinos).await;
    let rebuilt = Simulator::default();
    rebuilt.seed(lake_by_hand("lake.example.com"));
    let others = Texts::none()
        .secret("TOKEN", "t0ken")
        .file("stays.yaml", lake_file("other.example.com"));
    let ran = synced(&others, &rebuilt, &journal, pruning).await;
    assert!(ran.is_proved(), "{}", ran.shown());
    assert_eq!(write_lines(&rebuilt), ["POST /integrations"]);
    assert_eq!(names(&journal), ["stays 2"]);
}

#[tokio::test(start_paused = true)]
async fn a_dataset_that_is_not_the_recorded_one_is_not_deleted() {
    let query = |dataset: &str| {
        let config = json!({
            "role": "r", "dataset": dataset, "datasetSuffix": "_x", "credential": "c",
        });
        Seed::new("Google BigQuery", Some(false), Some(config))
    };
    let file = "type: Google BigQuery\nautoBootstrap: false\nconfig:\n  role: r\n  \
                dataset: ours\n  datasetSuffix: _x\n  credential: ${env:TOKEN}\n";
    let (_, journal) = in_sync(&base().file("a-query.yaml", file)).await;
    assert_eq!(names(&journal)[0], "a-query 1");
    let rebuilt = Simulator::default();
    rebuilt.seed(query("theirs"));
    let ran = synced(&base(), &rebuilt, &journal, pruning).await;
    assert_eq!(write_lines(&rebuilt), ["POST /integrations"]);
    let shown = ran.shown();
    assert!(
        shown.contains("will not be deleted: its dataset differs from the one in the ledger"),
        "{shown}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_stands_against_the_create_is_found_before_the_delete() {
    let (simulator, journal) = in_sync(&with_lake()).await;
    let texts = base().file("lake.yaml", lake_file("moved.example.com"));
    let by_hand = simulator.clone();
    let run = Run::of(&texts, &simulator).remembering(&journal);
    simulator.clear_log();
    let ran = run
        .with(leave(&["lake"]))
        .meanwhile(move |_| {
            by_hand.seed(lake_by_hand("moved.example.com"));
        })
        .sync()
        .await;
    assert_eq!(write_lines(&simulator), [""; 0], "{}", ran.shown());
    assert!(
        ran.shown().contains("appeared after the plan was made"),
        "{}",
        ran.shown()
    );
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_pinned_is_not_replaced() {
    let (simulator, journal) = in_sync(&with_warehouse()).await;
    let file = warehouse_file("${env:PASSWORD}").replace("IMMUTA", "OTHER");
    let texts = base().file("warehouse.yaml", format!("{file}sync: {{id: \"2\"}}\n"));
    let ran = synced(&texts, &simulator, &journal, leave(&["warehouse"])).await;
    assert_eq!(write_lines(&simulator), [""; 0]);
    assert!(ran.shown().contains("remove `sync.id`"), "{}", ran.shown());
}

#[tokio::test(start_paused = true)]
async fn replaced_renamed_file_has_no_old_record() {
    let (simulator, journal) = in_sync(&with_lake()).await;
    let moved = lake_file("moved.example.com");
    let texts = base().file("sea.yaml", format!("{moved}sync: {{previously: [lake]}}\n"));
    let ran = synced(&texts, &simulator, &journal, leave(&["sea"])).await;
    assert!(ran.is_proved(), "{}", ran.shown());
    assert_eq!(names(&journal), ["sea 3", "stays 2"]);
}

#[tokio::test(start_paused = true)]
async fn half_done_replacement_is_reported_as_such() {
    let (simulator, journal) = in_sync(&with_lake()).await;
    let texts = base().file("lake.yaml", lake_file("moved.example.com"));
    let refusal = FaultKind::ServerError {
        code: 503,
        after_effect: false,
    };
    simulator.fault(
        Fault::new(refusal)
            .on(&http::Method::POST, "/integrations")
            .always(),
    );
    let ran = synced(&texts, &simulator, &journal, leave(&["lake"])).await;
    let ending = ran.ending();
    let told = "integration 1 was deleted, but creating its replacement failed";
    assert!(ending.contains(told), "{ending}");
    assert!(ending.contains("Partly applied: 1 failed."), "{ending}");
    assert_eq!(ran.exit_code(), 3);
    simulator.clear_faults();
    tokio::time::sleep(std::time::Duration::from_secs(600)).await;
    let ran = synced(&texts, &simulator, &journal, leave(&["lake"])).await;
    assert!(ran.is_proved(), "{}", ran.shown());
}

#[tokio::test(start_paused = true)]
async fn a_replacement_shows_what_goes_and_does_not_come_back() {
    let (simulator, journal) = in_sync(&with_warehouse()).await;
    simulator.set_options(SimulatorOptions {
        also_known: [("Snowflake".to_owned(), vec!["config.newer".to_owned()])].into(),
        ..simulator.options()
    });
    for (path, value) in [("/port", json!(444)), ("/newer", json!("by-hand"))] {
        simulator
            .drift(SimulatedDrift::value(2, path, value))
            .unwrap();
    }
    let file = warehouse_file("${env:PASSWORD}").replace("IMMUTA", "OTHER");
    let ignore = "sync:\n  ignore: [{path: /warehouse, reason: theirs}]\n";
    simulator
        .drift(SimulatedDrift::value(2, "/warehouse", json!("BIG")))
        .unwrap();
    let texts = base().file("warehouse.yaml", format!("{file}{ignore}"));
    let run = Run::of(&texts, &simulator).remembering(&journal);
    let ran = run.with(leave(&["warehouse"])).dry_run().await;
    let shown = anstream::adapter::strip_str(&ran.shown()).to_string();
    insta::assert_snapshot!(shown, @r#"
      # warehouse will be deleted and recreated  warehouse.yaml:1
      ± Snowflake (id 2)
          ~ database  = "IMMUTA" -> "OTHER"  # cannot be edited
          ~ warehouse = "BIG" -> "WH"
          ~ port      = 444 -> (absent)
          ~ newer     = (secret) -> (absent)
          note: the deletion request includes the setup credentials from ${env:PASSWORD}

    Plan: 1 to replace, 1 unchanged.
    "#);
}

#[tokio::test(start_paused = true)]
async fn a_name_in_use_again_keeps_the_record_of_what_had_it() {
    // The file was renamed, and only the one that took its name is synced.
    let (simulator, journal) = in_sync(&with_lake()).await;
    let texts = base()
        .file("sea.yaml", lake_file("lake.example.com"))
        .file("lake.yaml", lake_file("new.example.com"));
    let ran = synced(&texts, &simulator, &journal, |request| {
        request.selection.only = ["lake".to_owned()].into();
    })
    .await;
    assert!(ran.is_proved(), "{}", ran.shown());
    assert_eq!(names(&journal), ["lake 3", "lake#1 1", "stays 2"]);

    let rotated = texts.secret("TOKEN", "another");
    synced(&rotated, &simulator, &journal, pruning).await;
    let mut puts = write_lines(&simulator);
    puts.sort();
    assert_eq!(puts, ["PUT /integrations/1", "PUT /integrations/3"]);
    assert_eq!(names(&journal), ["lake 3", "sea 1", "stays 2"]);
    assert!(journal.ledger().records["sea"].state.owned);
}

#[tokio::test(start_paused = true)]
async fn integration_that_lost_its_name_is_deleted_in_the_same_run() {
    let before = with_lake().file("sea.yaml", lake_file("sea.example.com"));
    let (simulator, journal) = in_sync(&before).await;
    let file = lake_file("sea.example.com");
    let unsaid = base().file("lake.yaml", file.clone());
    let ran = synced(&unsaid, &simulator, &journal, pruning).await;
    assert_eq!(write_lines(&simulator), [""; 0]);
    let help = "declare the rename with `sync: {previously: [sea]}`";
    assert!(ran.shown().contains(help), "{}", ran.shown());

    let said = base().file("lake.yaml", format!("{file}sync: {{previously: [sea]}}\n"));
    // In a directory its file still exists, and a name is needed.
    let ran = synced(&said, &simulator, &journal, pruning).await;
    let help = "use `--allow-removal lake#1`";
    assert!(ran.shown().contains(help), "{}", ran.shown());
    assert_eq!(write_lines(&simulator), [""; 0]);

    let said = said.committed();
    let ran = synced(&said, &simulator, &journal, pruning).await;
    assert!(ran.is_proved(), "{}", ran.shown());
    assert_eq!(write_lines(&simulator), ["DELETE /integrations/1"]);
    let shown = anstream::adapter::strip_str(&ran.shown()).to_string();
    assert!(shown.contains("# lake#1 will be deleted"), "{shown}");
    assert_eq!(names(&journal), ["lake 2", "stays 3"]);
}

#[tokio::test(start_paused = true)]
async fn a_rename_is_no_second_create_while_the_list_is_not_whole() {
    let trino = |name: &str| Texts::none().file(name, "type: Trino\n");
    let (simulator, journal) = in_sync(&trino("lake.yaml")).await;
    simulator.fault(Fault::new(FaultKind::PartialList { drop: 1 }).always());
    let ran = synced(&trino("sea.yaml"), &simulator, &journal, |_| {}).await;
    assert_eq!(write_lines(&simulator), [""; 0], "{}", ran.shown());
}

#[tokio::test(start_paused = true)]
async fn unknown_outcome_without_a_file_is_reported() {
    let (simulator, journal) = (Simulator::default(), MemoryLedger::default());
    let at = BOUNDARIES[2];
    let trino = base()
        .file("lake.yaml", "type: Trino\n")
        .without("stays.yaml");
    synced(&trino, &simulator, &dying(&journal, at), |_| {}).await;
    assert_eq!(journal.ledger().intents.len(), 1, "{at:?}");
    simulator.seed(Seed::new("Trino", None, None));
    let others = Texts::none()
        .file("b.yaml", lake_file("b.example.com"))
        .secret("TOKEN", "t0ken");
    let ran = synced(&others, &simulator, &journal, |_| {}).await;
    let shown = ran.shown();
    assert!(shown.contains("integrationd resolve lake"), "{shown}");
    assert_eq!(ran.exit_code(), 3);
}

#[tokio::test(start_paused = true)]
async fn stop_during_the_delete_still_creates_the_replacement() {
    let (simulator, journal) = in_sync(&with_lake()).await;
    simulator.clear_log();
    let moved = base().file("lake.yaml", lake_file("moved.example.com"));
    let ran = Run::of(&moved, &simulator)
        .remembering(&journal)
        .with(|request| request.allow_replace = ["lake".to_owned()].into())
        .on_event(|event, stop| {
            if let Event::Status { .. } = event {
                stop.send_replace(true);
            }
        })
        .sync()
        .await;
    assert_eq!(
        write_lines(&simulator),
        ["DELETE /integrations/1", "POST /integrations"]
    );
    assert!(ran.outcomes()[0].result.is_ok(), "{}", ran.shown());
}
