//! A secret that someone wrote into an attribute of an integration which is then removed: its
//! file is removed, and no run knows the secret. It must not appear anywhere.

use std::path::Path;

use integrationd::ledger::MemoryLedger;
use integrationd::simulator::{SimulatedDrift, Simulator};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::{Files, Integrationd, Tenant, eventually, lake};
use crate::in_process::{Run, write_lines};
use crate::stub::Stub;
use crate::support::recorded::{base, in_sync, lake_file, pruning, synced, warehouse_file};
use crate::texts::Texts;
use crate::web::Served;

const CANARY: &str = "Canary-tok-123456";

/// An integration without secrets.
const BUCKET: &str = "type: Native S3\nautoBootstrap: false\nconfig:\n  name: n\n  \
    awsAccountId: \"012345678901\"\n  awsRegion: us-east-1\n  awsLocationPath: s3://one/\n  \
    awsLocationRole: arn:aws:iam::012345678901:role/x\n  authenticationType: auto\n";

/// A ledger and a tenant with one integration more than the files, with the canary in it.
async fn removed(file: &str, path: &str, value: Value) -> (Simulator, MemoryLedger) {
    let texts = base().file("gone.yaml", file).secret("TOKEN", CANARY);
    let (simulator, journal) = in_sync(&texts).await;
    simulator
        .drift(SimulatedDrift::value(1, path, value))
        .unwrap();
    (simulator, journal)
}

fn left() -> Texts {
    base().without_secret("TOKEN").without_secret("PASSWORD")
}

#[tokio::test(start_paused = true)]
async fn value_that_moved_before_a_removal_is_hidden() {
    let file = lake_file("lake.example.com");
    let (simulator, journal) = removed(&file, "/httpPath", json!(format!("/x/{CANARY}"))).await;
    let ran = synced(&left(), &simulator, &journal, pruning).await;
    assert!(ran.is_proved(), "{}", ran.shown());
    assert_eq!(write_lines(&simulator), ["DELETE /integrations/1"]);
    let shown = anstream::adapter::strip_str(&ran.shown()).to_string();
    insta::assert_snapshot!(shown, @r#"
      # gone will be deleted  no longer described by any file
      - Databricks Unity Catalog (id 1)
          - workspaceUrl       = "lake.example.com"
          - httpPath           = (secret)
          - authenticationType = "token"
          - catalog            = "immuta"
          - port               = 443
          note: the values of httpPath are hidden because they have changed since the last apply and may contain a secret that this run does not know
          before this, run the script of: integrationd script gone

    Plan: 1 to delete, 1 unchanged.

    Applied: 1 deleted.
    Verified: a second plan has no changes.
    "#);
    let plan = &ran.json()["plan"]["actions"][0];
    assert_eq!(plan["before"]["httpPath"], json!({ "secret": true }));
    assert_eq!(plan["before"]["workspaceUrl"], json!("lake.example.com"));
    let note = json!({ "note": "not_shown", "paths": ["httpPath"] });
    assert_eq!(plan["notes"], json!([note]));
    let everything = format!("{}{}{:?}", ran.output(), ran.json(), ran.plan());
    assert!(!everything.contains(CANARY), "{everything}");
}

#[tokio::test(start_paused = true)]
async fn value_as_it_was_applied_is_shown() {
    let file = lake_file("lake.example.com");
    let (simulator, journal) = removed(&file, "/httpPath", json!("/one")).await;
    let ran = synced(&left(), &simulator, &journal, pruning).await;
    let shown = ran.shown();
    assert!(shown.contains("\"/one\""), "{shown}");
    assert!(!shown.contains("are hidden"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn without_secrets_every_value_is_shown() {
    let file = BUCKET;
    let role = json!("arn:aws:iam::012345678901:role/other");
    let (simulator, journal) = removed(file, "/awsLocationRole", role).await;
    let ran = synced(&left(), &simulator, &journal, pruning).await;
    let shown = ran.shown();
    assert!(shown.contains("role/other"), "{shown}");
    assert!(!shown.contains("are hidden"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn credentials_of_a_set_up_are_secrets_too() {
    let texts = base().file("gone.yaml", warehouse_file("${env:PASSWORD}"));
    let texts = texts.secret("PASSWORD", CANARY);
    let (simulator, journal) = in_sync(&texts).await;
    let moved = SimulatedDrift::value(1, "/warehouse", json!(CANARY));
    simulator.drift(moved).unwrap();
    let left = left();
    let run = Run::of(&left, &simulator)
        .remembering(&journal)
        .with(pruning);
    let shown = run.dry_run().await;
    assert!(!shown.output().contains(CANARY), "{}", shown.output());
    assert!(
        shown.shown().contains("the values of warehouse are hidden"),
        "{}",
        shown.shown()
    );
}

#[tokio::test(start_paused = true)]
async fn texts_of_extra_are_secrets_too() {
    let file = format!("{BUCKET}sync:\n  extra:\n    token: ${{env:TOKEN}}\n");
    let journal = MemoryLedger::default();
    let options = integrationd::simulator::SimulatorOptions {
        also_known: [("Native S3".to_owned(), vec!["config.token".to_owned()])].into(),
        ..integrationd::simulator::SimulatorOptions::default()
    };
    let simulator = Simulator::new(options);
    let texts = base().file("gone.yaml", file).secret("TOKEN", CANARY);
    let ran = synced(&texts, &simulator, &journal, |_| {}).await;
    assert!(ran.is_proved(), "{}", ran.shown());
    let moved = SimulatedDrift::value(1, "/awsLocationRole", json!(CANARY));
    simulator.drift(moved).unwrap();
    let ran = synced(&left(), &simulator, &journal, pruning).await;
    assert!(!ran.output().contains(CANARY), "{}", ran.output());
}

#[tokio::test(start_paused = true)]
async fn identity_that_moved_is_hidden_where_nothing_is_deleted() {
    let host = json!(format!("{CANARY}.example.com"));
    let file = lake_file("lake.example.com");
    let (simulator, journal) = removed(&file, "/workspaceUrl", host).await;
    let left = left();
    for policy in [false, true] {
        let run = Run::of(&left, &simulator).remembering(&journal);
        let run = if policy { run.with(pruning) } else { run };
        let ran = run.dry_run().await;
        let told = ran.output().to_lowercase();
        assert!(told.contains("gone"), "{told}");
        assert!(!told.contains(&CANARY.to_lowercase()), "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn value_that_moved_before_a_replacement_is_hidden() {
    let file = lake_file("lake.example.com");
    let (simulator, journal) = removed(&file, "/httpPath", json!(format!("/x/{CANARY}"))).await;
    // Another type, and no reference.
    let texts = left().file("gone.yaml", BUCKET);
    let ran = synced(&texts, &simulator, &journal, |request| {
        request.allow_replace.insert("gone".to_owned());
    })
    .await;
    let writes = write_lines(&simulator);
    assert_eq!(
        writes,
        ["DELETE /integrations/1", "POST /integrations"],
        "{}",
        ran.shown()
    );
    assert!(
        ran.shown().contains("the values of httpPath are hidden"),
        "{}",
        ran.shown()
    );
    assert!(!ran.output().contains(CANARY), "{}", ran.output());
}

/// Everything that a ledger keeps, as it is kept.
fn everything_in(state: &Path) -> String {
    let files = std::fs::read_dir(state).unwrap();
    let contents = files.map(|entry| std::fs::read(entry.unwrap().path()).unwrap());
    let texts = contents.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    texts.collect()
}

#[test]
fn daemon_that_deletes_shows_and_records_no_canary() {
    let (tenant, files) = (Tenant::empty(), Files::none());
    let state = TempDir::new().unwrap();
    files.write("gone.yaml", &lake("gone", "${env:TOKEN}"));
    files.write("stays.yaml", "type: Trino\n");
    let hook = Stub::start(|_| (204, String::new()));
    std::fs::write(state.path().join("url"), &hook.url).unwrap();
    let daemon = Integrationd::new([
        "daemon",
        "--debounce=50ms",
        "--interval=1h",
        "--policy=sync",
        "--max-delete-percent=100",
        "--parallelism=1",
        "--listen=127.0.0.1:0",
        "--log-level=debug",
        "--state",
    ]);
    let url = format!("--notify-url-file={}", state.path().join("url").display());
    let daemon = daemon.arg(state.path().join("state")).arg(url);
    let daemon = daemon.on(&tenant).with(&files).env("TOKEN", CANARY);
    let served = Served::of(daemon.start());
    eventually("it is ready", || served.get("/readyz").code == 200);
    eventually("both are there", || tenant.writes().len() == 2);
    let moved = SimulatedDrift::value(1, "/httpPath", json!(format!("/x/{CANARY}")));
    tenant.simulator.drift(moved).unwrap();
    std::fs::remove_file(files.path().join("gone.yaml")).unwrap();
    let is_deleted = || {
        tenant
            .writes()
            .contains(&"DELETE /integrations/1".to_owned())
    };
    eventually("it is deleted", is_deleted);
    served.daemon.prints("the values of httpPath are hidden");
    eventually("it says so", || {
        served.status()["seen"]["integrations"]
            .as_array()
            .is_some_and(|all| all.len() == 1)
    });
    let mut told =
        served.get("/").body + &served.get("/status").body + &served.get("/metrics").body;
    for request in hook.requests() {
        told.push_str(&request.body);
    }
    let state_path = state.path().join("state");
    served.daemon.signal("TERM");
    told.push_str(&served.daemon.wait().all());
    told.push_str(&everything_in(&state_path));
    let history = Integrationd::new(["history", "--output=json", "--state"]);
    let history = history.arg(&state_path).on(&tenant).run().exits_with(0);
    let deleted = &history.json()["deleted"][0];
    assert_eq!(
        deleted["config"]["httpPath"],
        json!({ "secret": true }),
        "{deleted}"
    );
    assert_eq!(deleted["config"]["workspaceUrl"], json!("gone.example.com"));
    told.push_str(&history.all());
    assert!(!told.contains(CANARY), "{told}");
}
