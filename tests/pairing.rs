//! The integration of a file if names, records and the tenant disagree: an outage is not an
//! absence, a hint is not a proof, and nothing is silently forgotten.

use http::Method;
use integrationd::ledger::MemoryLedger;
use integrationd::plan::Operation;
use integrationd::simulator::{
    Breakage, FailedTest, Fault, FaultKind, Seed, SimulatedDrift, SimulatedStatus, Simulator,
};
use integrationd::sync::Request;
use serde_json::json;
use tempfile::TempDir;

use crate::common::{Files, Integrationd, Tenant};
use crate::in_process::{Run, write_lines};
use crate::support::boundary::BOUNDARIES;
use crate::support::boundary::dying;
use crate::support::recorded::names;
use crate::support::recorded::{
    base, in_sync, lake_file, pruning, synced, warehouse_file, with_lake,
};
use crate::texts::Texts;

fn query_file(dataset: &str) -> String {
    format!(
        "type: Google BigQuery\nautoBootstrap: false\nconfig:\n  role: r\n  dataset: {dataset}\n  \
         datasetSuffix: _x\n  credential: ${{env:TOKEN}}\n"
    )
}

fn query_by_hand(dataset: &str) -> Seed {
    let config = json!({
        "role": "r", "dataset": dataset, "datasetSuffix": "_x", "credential": "c",
    });
    Seed::new("Google BigQuery", Some(false), Some(config))
}

/// The list lacks its last elements, and the server fails when it is asked for one.
fn outage(simulator: &Simulator, lacks: usize, id: u64) {
    let down = FaultKind::ServerError {
        code: 503,
        after_effect: false,
    };
    simulator.fault(Fault::new(FaultKind::PartialList { drop: lacks }).always());
    simulator.fault(
        Fault::new(down)
            .on(&Method::GET, &format!("/integrations/{id}"))
            .always(),
    );
}

#[tokio::test(start_paused = true)]
async fn type_changed_during_an_outage_is_no_second_integration() {
    let (simulator, journal) = in_sync(&with_lake()).await;
    let other = base().file("lake.yaml", warehouse_file("${env:PASSWORD}"));
    outage(&simulator, 2, 1);
    let ran = synced(&other, &simulator, &journal, pruning).await;
    assert_eq!(write_lines(&simulator), [""; 0]);
    assert!(
        ran.shown().contains("is not in the list"),
        "{}",
        ran.shown()
    );
    simulator.clear_faults();
    let ran = synced(&other, &simulator, &journal, pruning).await;
    assert_eq!(write_lines(&simulator), [""; 0]);
    assert!(
        ran.shown().contains("requires a replacement"),
        "{}",
        ran.shown()
    );
    assert_eq!(names(&journal), ["lake 1", "stays 2"]);
}

#[tokio::test(start_paused = true)]
async fn no_foreign_integration_is_taken_while_an_outage_hides_ours() {
    let (simulator, journal) = (Simulator::default(), MemoryLedger::default());
    let config = json!({
        "workspaceUrl": "moved.example.com", "httpPath": "/theirs",
        "authenticationType": "token", "token": "x",
    });
    simulator.seed(Seed::new("Databricks", Some(false), Some(config)));
    synced(
        &with_lake().without("stays.yaml"),
        &simulator,
        &journal,
        pruning,
    )
    .await;
    let moved = Texts::none().secret("TOKEN", "t0ken");
    let moved = moved.file("lake.yaml", lake_file("moved.example.com"));
    outage(&simulator, 1, 2);
    synced(&moved, &simulator, &journal, pruning).await;
    assert_eq!(write_lines(&simulator), [""; 0]);
    simulator.clear_faults();
    let ran = synced(&moved, &simulator, &journal, pruning).await;
    assert_eq!(write_lines(&simulator), [""; 0]);
    let told = "the file was applied to integration 2 with a different workspaceUrl, but now describes \
        integration 1";
    assert!(ran.shown().contains(told), "{}", ran.shown());
    assert_eq!(names(&journal), ["lake 2"]);
}

#[test]
fn nothing_is_adopted_while_an_outage_hides_the_created_one() {
    let (tenant, state) = (Tenant::empty(), TempDir::new().unwrap());
    let files = Files::none().with("query.yaml", &query_file("ours"));
    let run = |args: &[&str]| {
        let run = args.iter().fold(Integrationd::new([]), Integrationd::arg);
        let run = run.arg("--state").arg(state.path());
        run.env("TOKEN", "the-token").on(&tenant)
    };
    run(&["sync", "--yes"]).with(&files).run().exits_with(0);
    tenant.simulator.seed(query_by_hand("ours"));
    let broken = FaultKind::BrokenElement {
        index: 0,
        breakage: Breakage::Text,
    };
    tenant.simulator.fault(
        Fault::new(broken)
            .on(&Method::GET, "/integrations")
            .always(),
    );
    let down = FaultKind::ServerError {
        code: 400,
        after_effect: false,
    };
    tenant.simulator.fault(
        Fault::new(down)
            .on(&Method::GET, "/integrations/1")
            .always(),
    );
    let adopt = run(&["adopt", "query"]).arg("--dir").with(&files);
    let ran = adopt.run().exits_with(1);
    assert!(
        ran.stdout.contains("Adopted 0 integrations"),
        "{}",
        ran.stdout
    );
}

#[tokio::test(start_paused = true)]
async fn a_hint_that_fits_something_else_stops_its_file() {
    let query = |name: &str, dataset: &str| base().file(name, query_file(dataset));
    let both = query("p.yaml", "a").file("q.yaml", query_file("b"));
    for (before, after, told) in [
        // `mv p.yaml q.yaml`.
        (&both, query("q.yaml", "a"), "`sync: {previously: [p]}`"),
        // Swapped.
        (
            &both,
            query("p.yaml", "b").file("q.yaml", query_file("a")),
            "previously: [p]",
        ),
        // Renamed, and the name used again.
        (
            &query("q.yaml", "a"),
            query("p.yaml", "a").file("q.yaml", query_file("b")),
            "replacement",
        ),
    ] {
        let (simulator, journal) = in_sync(before).await;
        let ran = synced(&after, &simulator, &journal, pruning).await;
        assert_eq!(write_lines(&simulator), [""; 0], "{}", ran.shown());
        assert!(ran.shown().contains(told), "{}", ran.shown());
    }
}

#[tokio::test(start_paused = true)]
async fn a_hint_that_fits_nothing_else_may_change() {
    let (simulator, journal) = in_sync(&base().file("q.yaml", query_file("a"))).await;
    let texts = base().file("q.yaml", query_file("b"));
    let ran = synced(&texts, &simulator, &journal, pruning).await;
    assert!(ran.is_proved(), "{}", ran.shown());
    assert_eq!(write_lines(&simulator), ["PUT /integrations/1"]);
}

/// A file that had another name once, which another file took and lost again.
fn with_an_old_name(file: &str) -> Texts {
    let file = format!("{file}sync: {{previously: [p]}}\n");
    Texts::none().secret("TOKEN", "t0ken").file("q.yaml", file)
}

#[tokio::test(start_paused = true)]
async fn old_name_proves_nothing_while_ours_is_hidden_or_gone() {
    let both = Texts::none()
        .secret("TOKEN", "t0ken")
        .file("p.yaml", query_file("b"));
    let both = both.file("q.yaml", query_file("a"));
    for is_gone in [false, true] {
        let (simulator, journal) = in_sync(&both).await;
        let after = with_an_old_name(&query_file("a"));
        synced(&after, &simulator, &journal, |_| {}).await;
        if is_gone {
            simulator.drift(SimulatedDrift::remove(2)).unwrap();
        } else {
            outage(&simulator, 1, 2);
        }
        let ran = synced(&after, &simulator, &journal, pruning).await;
        assert_eq!(write_lines(&simulator), [""; 0], "{}", ran.shown());
        assert_eq!(journal.ledger().records["q"].id.as_str(), "2");
    }
}

#[tokio::test(start_paused = true)]
async fn other_type_needs_approval_although_an_old_name_fits() {
    let both = base().file("p.yaml", query_file("b"));
    let (simulator, journal) = in_sync(&both.file("q.yaml", lake_file("q.example.com"))).await;
    let other = with_an_old_name(&query_file("c")).file("stays.yaml", "type: Trino\n");
    let ran = synced(&other, &simulator, &journal, |_| {}).await;
    assert_eq!(write_lines(&simulator), [""; 0], "{}", ran.shown());
    assert!(
        ran.shown().contains("with a different type"),
        "{}",
        ran.shown()
    );
}

#[tokio::test(start_paused = true)]
async fn integration_with_the_name_is_not_dropped_for_its_former_one() {
    let before = with_lake().file("sea.yaml", lake_file("sea.example.com"));
    let (simulator, journal) = in_sync(&before).await;
    let sea = format!(
        "{}sync: {{previously: [sea]}}\n",
        lake_file("sea.example.com")
    );
    synced(&base().file("lake.yaml", sea), &simulator, &journal, |_| {}).await;
    assert_eq!(names(&journal), ["lake 2", "lake#1 1", "stays 3"]);
    let back = base().file("lake.yaml", lake_file("lake.example.com"));
    let ran = synced(&back, &simulator, &journal, pruning).await;
    assert_eq!(write_lines(&simulator), [""; 0], "{}", ran.shown());
    assert!(
        ran.shown()
            .contains("the file was applied to integration 2"),
        "{}",
        ran.shown()
    );
    // With the other file back, too, nothing is left to do.
    let back = back.file("sea.yaml", lake_file("sea.example.com"));
    let ran = synced(&back, &simulator, &journal, pruning).await;
    assert!(ran.is_proved(), "{}", ran.shown());
    assert_eq!(names(&journal), ["lake 1", "sea 2", "stays 3"]);
}

#[tokio::test(start_paused = true)]
async fn a_hint_may_become_that_of_another_file() {
    let both = base()
        .file("p.yaml", query_file("a"))
        .file("q.yaml", query_file("b"));
    let (simulator, journal) = in_sync(&both).await;
    let same = both.file("q.yaml", query_file("a"));
    let ran = synced(&same, &simulator, &journal, pruning).await;
    assert!(ran.is_proved(), "{}", ran.shown());
    assert_eq!(write_lines(&simulator), ["PUT /integrations/2"]);
}

#[tokio::test(start_paused = true)]
async fn pin_to_another_hint_does_not_delete_the_better_match() {
    let (simulator, journal) = in_sync(&base().file("q.yaml", query_file("a"))).await;
    let id = simulator.seed(query_by_hand("theirs"));
    let pinned = format!("{}sync: {{id: \"{id}\"}}\n", query_file("a"));
    let ran = synced(
        &base().file("q.yaml", pinned),
        &simulator,
        &journal,
        pruning,
    )
    .await;
    let lines = write_lines(&simulator);
    assert!(
        !lines.contains(&"DELETE /integrations/1".to_owned()),
        "{}",
        ran.shown()
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_only_likely_hides_nothing_and_lifts_no_limit() {
    let mut before = base().without("stays.yaml");
    for n in 0..8 {
        let file = lake_file(&format!("lake-{n}.example.com"));
        before = before.file(&format!("lake-{n}.yaml"), file);
    }
    let (simulator, journal) = in_sync(&before).await;
    for n in 0..30 {
        simulator.seed(query_by_hand(&format!("dataset_{n}")));
    }
    let few = (2..8).fold(before, |texts, n| texts.without(&format!("lake-{n}.yaml")));
    let few = few.file("q.yaml", query_file("dataset_1"));
    let ran = synced(&few, &simulator, &journal, pruning).await;
    assert_eq!(
        (ran.exit_code(), ran.plan().managed),
        (4, 9),
        "{}",
        ran.shown()
    );
    assert_eq!(ran.plan().unmanaged.len(), 29);
}

#[tokio::test(start_paused = true)]
async fn other_type_needs_approval_although_another_record_has_it() {
    let (simulator, journal) = in_sync(&with_lake()).await;
    let was_lake = |file: String| format!("{file}sync: {{previously: [lake]}}\n");
    let warehouse = warehouse_file("${env:PASSWORD}");
    let texts = base()
        .file("sea.yaml", was_lake(lake_file("lake.example.com")))
        .file("lake.yaml", warehouse.clone());
    synced(&texts, &simulator, &journal, pruning).await;
    assert_eq!(names(&journal), ["lake 3", "sea 1", "stays 2"]);
    let other = warehouse
        .replace("wh.example", "other.example")
        .replace("IMMUTA", "SEA");
    let texts = texts.file("sea.yaml", was_lake(other));
    let ran = synced(&texts, &simulator, &journal, pruning).await;
    assert_eq!(write_lines(&simulator), [""; 0], "{}", ran.shown());
    assert!(
        ran.shown().contains("with a different type"),
        "{}",
        ran.shown()
    );
}

#[tokio::test(start_paused = true)]
async fn chain_of_files_that_swap_places_is_stopped_whole() {
    let before = with_lake().file("sea.yaml", lake_file("sea.example.com"));
    let (simulator, journal) = in_sync(&before).await;
    let chain = base()
        .file("lake.yaml", lake_file("sea.example.com"))
        .file("sea.yaml", lake_file("new.example.com"));
    let ran = synced(&chain, &simulator, &journal, pruning).await;
    assert_eq!(write_lines(&simulator), [""; 0], "{}", ran.shown());
    // The help helps.
    let lake = format!(
        "{}sync: {{previously: [sea]}}\n",
        lake_file("sea.example.com")
    );
    let ran = synced(
        &chain.file("lake.yaml", lake).committed(),
        &simulator,
        &journal,
        pruning,
    )
    .await;
    assert!(ran.is_proved(), "{}", ran.shown());
    assert_eq!(names(&journal), ["lake 2", "sea 4", "stays 3"]);
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_may_not_have_arrived_is_sent_again() {
    let lake = with_lake().without("stays.yaml");
    let rotated = lake.clone().secret("TOKEN", "rotated");
    for status in [SimulatedStatus::MigrateError, SimulatedStatus::EditError] {
        let (simulator, journal) = (Simulator::default(), MemoryLedger::default());
        synced(&lake, &simulator, &dying(&journal, BOUNDARIES[2]), pruning).await;
        simulator.drift(SimulatedDrift::status(1, status)).unwrap();
        tokio::time::sleep(std::time::Duration::from_secs(300)).await;
        synced(&rotated, &simulator, &journal, pruning).await;
        assert_eq!(write_lines(&simulator), ["PUT /integrations/1"]);
    }
    // The update that repairs a failed creation is cut short.
    let (simulator, journal) = (Simulator::default(), MemoryLedger::default());
    let failed = FailedTest {
        test: "T".into(),
        message: "m".into(),
    };
    simulator.fault(Fault::new(FaultKind::CreateError(failed)).on(&Method::POST, "/integrations"));
    synced(&lake, &simulator, &journal, pruning).await;
    synced(&lake, &simulator, &dying(&journal, BOUNDARIES[2]), pruning).await;
    tokio::time::sleep(std::time::Duration::from_secs(300)).await;
    for sent in [&["PUT /integrations/1"][..], &[]] {
        let ran = synced(&rotated, &simulator, &journal, pruning).await;
        assert_eq!(write_lines(&simulator), sent, "{}", ran.shown());
    }
}

#[test]
fn delete_under_an_old_name_uses_its_own_credentials() {
    let (tenant, state) = (Tenant::empty(), TempDir::new().unwrap());
    let warehouse = |host: &str, database: &str, password: &str| {
        let file = warehouse_file(&format!("${{env:{password}}}"));
        file.replace("wh.example.com", host)
            .replace("IMMUTA", database)
    };
    let files = Files::none()
        .with("lake.yaml", &warehouse("a.example.com", "DA", "PA"))
        .with("sea.yaml", &warehouse("b.example.com", "DB", "PB"));
    let sync = || {
        let run = Integrationd::new(["sync", "--yes", "--policy=sync", "--state"]);
        let run = run
            .arg(state.path())
            .env("PA", "pa-secret")
            .env("PB", "pb-secret");
        run.on(&tenant).with(&files).run()
    };
    sync().exits_with(0);
    std::fs::remove_file(files.path().join("lake.yaml")).unwrap();
    let sea = warehouse("b.example.com", "DB", "PB");
    files.write("sea.yaml", &format!("{sea}sync: {{previously: [lake]}}\n"));
    sync().exits_with(0);
    assert_eq!(tenant.writes()[2..], ["DELETE /integrations/1"]);
    assert_eq!(tenant.written()[2]["config"]["password"], "pa-secret");
}

#[tokio::test(start_paused = true)]
async fn an_exclusion_holds_for_what_lost_its_name() {
    let before = with_lake().file("sea.yaml", lake_file("sea.example.com"));
    let lake = format!(
        "{}sync: {{previously: [sea]}}\n",
        lake_file("sea.example.com")
    );
    let after = base().file("lake.yaml", lake);
    for (excluded, is_parked) in [("lake", false), ("lake", true), ("lake#1", false)] {
        let (simulator, journal) = in_sync(&before).await;
        if is_parked {
            synced(&after, &simulator, &journal, |_| {}).await;
        }
        let exclude = |request: &mut Request| {
            pruning(request);
            request.selection.exclude = [excluded.to_owned()].into();
        };
        let selection = Run::of(&after, &simulator)
            .remembering(&journal)
            .with(exclude);
        let plan = selection.dry_run().await;
        let deletes = plan
            .plan()
            .actions
            .iter()
            .filter(|a| matches!(a.kind, Operation::Delete(_)));
        assert_eq!(deletes.count(), 0, "{excluded}: {}", plan.shown());
    }
}

#[tokio::test(start_paused = true)]
async fn invalid_file_is_reported_once() {
    let (simulator, journal) = in_sync(&with_lake()).await;
    let invalid = format!("{}nonsense: 1\n", lake_file("lake.example.com"));
    let ran = synced(
        &base().file("lake.yaml", invalid),
        &simulator,
        &journal,
        pruning,
    )
    .await;
    let shown = ran.shown();
    assert_eq!(shown.matches(" is blocked").count(), 1, "{shown}");
    assert!(ran.plan().unmanaged.is_empty(), "{shown}");
}
