//! Effect of the ledger on a second run: causes of differences, rotated secrets, and
//! interrupted writes.

use std::sync::atomic::AtomicBool;

use http::Method;
use integrationd::ledger::{LedgerStore, MemoryLedger};
use integrationd::plan::{ChangeKind, OnConflict, OnDrift, Operation};
use integrationd::simulator::{Fault, FaultKind, Seed, SimulatedDrift, SimulatedStatus, Simulator};
use serde_json::{Value, json};

use crate::in_process::{Ran, Run, write_lines, writes};
use crate::support::boundary::{BOUNDARIES, Boundary, Dying};
use crate::texts::Texts;

/// A file with one plain attribute and one stored secret.
fn lake(path: &str, password: &str) -> Texts {
    let file = format!(
        "type: Databricks\nautoBootstrap: false\nconfig:\n  workspaceUrl: lake.example.com\n  \
         httpPath: {path}\n  authenticationType: token\n  token: ${{env:TOKEN}}\n"
    );
    Texts::none()
        .file("lake.yaml", file)
        .secret("TOKEN", password)
}

/// A run that knows what the journal remembers.
async fn sync(texts: &Texts, simulator: &Simulator, journal: &dyn LedgerStore) -> Ran {
    Run::of(texts, simulator).remembering(journal).sync().await
}

/// A tenant and a ledger in sync with the file.
async fn in_sync() -> (Simulator, MemoryLedger) {
    let (simulator, journal) = (Simulator::default(), MemoryLedger::default());
    let ran = sync(&lake("/one", "first"), &simulator, &journal).await;
    assert!(ran.is_proved(), "{}", ran.shown());
    simulator.clear_log();
    (simulator, journal)
}

fn moves(ran: &Ran) -> Vec<(String, ChangeKind)> {
    let Operation::Update { changes, .. } = &ran.only_action().kind else {
        panic!("no update: {}", ran.shown())
    };
    changes
        .iter()
        .map(|change| (change.path.to_string(), change.kind))
        .collect()
}

fn by_hand(simulator: &Simulator, path: &str) {
    simulator
        .drift(SimulatedDrift::value(1, "/httpPath", json!(path)))
        .unwrap();
}

fn live_path(simulator: &Simulator) -> Value {
    simulator.state()[0]["config"]["httpPath"].clone()
}

#[tokio::test(start_paused = true)]
async fn the_plan_says_whether_the_file_the_server_or_both_moved() {
    let cases = [
        ("/two", None, ChangeKind::Change),
        ("/one", Some("/by-hand"), ChangeKind::Drift),
        ("/two", Some("/by-hand"), ChangeKind::Conflict),
    ];
    for (file, server, kind) in cases {
        let (simulator, journal) = in_sync().await;
        if let Some(path) = server {
            by_hand(&simulator, path);
        }
        let ran = sync(&lake(file, "first"), &simulator, &journal).await;
        assert_eq!(moves(&ran), [("httpPath".to_owned(), kind)]);
        assert_eq!(live_path(&simulator), file);
        assert!(ran.is_proved(), "{}", ran.shown());
    }
}

#[tokio::test(start_paused = true)]
async fn a_rotated_secret_is_an_update_and_an_unchanged_one_is_none() {
    let (simulator, journal) = in_sync().await;
    let same = lake("/one", "first");
    let ran = sync(&same, &simulator, &journal).await;
    assert!(
        ran.is_in_sync() && write_lines(&simulator).is_empty(),
        "{}",
        ran.shown()
    );

    let rotated = lake("/one", "second");
    let ran = sync(&rotated, &simulator, &journal).await;
    assert_eq!(moves(&ran), [("token".to_owned(), ChangeKind::Rotation)]);
    let body = writes(&simulator)[0].body.clone().unwrap();
    assert_eq!(body["config"]["token"], "second");
    let ran = sync(&rotated, &simulator, &journal).await;
    assert!(ran.is_in_sync(), "{}", ran.shown());
}

#[tokio::test(start_paused = true)]
async fn drift_is_reported_or_ignored_as_the_policy_says() {
    for (policy, told) in [(OnDrift::Report, true), (OnDrift::Ignore, false)] {
        let (simulator, journal) = in_sync().await;
        by_hand(&simulator, "/by-hand");
        let texts = lake("/one", "first");
        let ran = Run::of(&texts, &simulator)
            .remembering(&journal)
            .on_drift(policy)
            .sync()
            .await;
        assert_eq!(write_lines(&simulator), [""; 0]);
        assert_eq!(
            ran.shown().contains("the server changed httpPath"),
            told,
            "{}",
            ran.shown()
        );

        // An update for another reason leaves it there, too.
        let rotated = lake("/one", "second");
        let ran = Run::of(&rotated, &simulator)
            .remembering(&journal)
            .on_drift(policy)
            .sync()
            .await;
        assert_eq!(moves(&ran), [("token".to_owned(), ChangeKind::Rotation)]);
        assert_eq!(live_path(&simulator), "/by-hand");
    }
}

#[tokio::test(start_paused = true)]
async fn a_conflict_stops_where_the_policy_says_so() {
    let (simulator, journal) = in_sync().await;
    by_hand(&simulator, "/by-hand");
    let texts = lake("/two", "first");
    let run = Run::of(&texts, &simulator).remembering(&journal);
    let ran = run.on_conflict(OnConflict::Stop).sync().await;
    assert!(
        ran.shown().contains("both changed httpPath"),
        "{}",
        ran.shown()
    );
    assert_eq!(write_lines(&simulator), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn attribute_removed_from_the_file_is_removed_on_the_server() {
    let (simulator, journal) = (Simulator::default(), MemoryLedger::default());
    let with = lake("/one", "first");
    let text = "type: Databricks\nautoBootstrap: false\nconfig:\n  workspaceUrl: lake.example.com\n  \
         httpPath: /one\n  authenticationType: token\n  token: ${env:TOKEN}\n  groupPattern: {deny: x}\n";
    let more = Texts::none()
        .file("lake.yaml", text)
        .secret("TOKEN", "first");
    sync(&more, &simulator, &journal).await;
    let ran = sync(&with, &simulator, &journal).await;
    assert_eq!(
        moves(&ran),
        [("groupPattern/deny".to_owned(), ChangeKind::Change)]
    );
    assert_eq!(
        simulator.state()[0]["config"]["groupPattern"]["deny"],
        Value::Null
    );
    assert!(ran.is_proved(), "{}", ran.shown());
}

#[tokio::test(start_paused = true)]
async fn new_identity_under_a_name_is_a_replacement_and_no_create() {
    let (simulator, journal) = in_sync().await;
    let text = "type: Databricks\nautoBootstrap: false\nconfig:\n  workspaceUrl: other.example.com\n  \
         httpPath: /one\n  authenticationType: token\n  token: ${env:TOKEN}\n";
    let moved = Texts::none()
        .file("lake.yaml", text)
        .secret("TOKEN", "first");
    let ran = sync(&moved, &simulator, &journal).await;
    assert!(
        ran.shown().contains("so the change requires a replacement"),
        "{}",
        ran.shown()
    );
    assert_eq!(write_lines(&simulator), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn recorded_integration_missing_in_the_list_is_read_by_its_id() {
    let (simulator, journal) = in_sync().await;
    let texts = lake("/one", "first");
    simulator.fault(Fault::new(FaultKind::PartialList { drop: 1 }).always());
    let ran = sync(&texts, &simulator, &journal).await;
    assert!(ran.is_in_sync(), "{}", ran.shown());
    assert_eq!(write_lines(&simulator), [""; 0]);

    simulator.clear_faults();
    simulator.drift(SimulatedDrift::remove(1)).unwrap();
    let ran = sync(&texts, &simulator, &journal).await;
    assert_eq!(write_lines(&simulator), ["POST /integrations"]);
    assert!(ran.is_proved(), "{}", ran.shown());
}

/// Runs until nothing is left to do, and returns the writes.
async fn recover(texts: &Texts, simulator: &Simulator, journal: &MemoryLedger) -> Vec<String> {
    simulator.clear_log();
    for _ in 0..3 {
        // Longer than a request can be on its way.
        tokio::time::sleep(std::time::Duration::from_secs(300)).await;
        let ran = sync(texts, simulator, journal).await;
        if ran.is_in_sync() {
            return write_lines(simulator);
        }
    }
    panic!("it does not converge")
}

#[tokio::test(start_paused = true)]
async fn interrupted_create_is_found_or_repeated_and_never_doubled() {
    for at in BOUNDARIES {
        let (simulator, journal) = (Simulator::default(), MemoryLedger::default());
        let texts = lake("/one", "first");
        let dying = Dying {
            journal: &journal,
            at,
            dead: AtomicBool::new(false),
        };
        let ran = sync(&texts, &simulator, &dying).await;
        assert_eq!(ran.failures().len(), 1, "{at:?}: {}", ran.shown());

        let again = recover(&texts, &simulator, &journal).await;
        let expected: &[&str] = if at == Boundary::BeforeRecord {
            &[]
        } else {
            &["POST /integrations"]
        };
        assert_eq!(again, expected, "{at:?}");
        assert_eq!(simulator.state().len(), 1, "{at:?}");
        assert!(journal.ledger().intents.is_empty(), "{at:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn interrupted_update_is_no_conflict_with_its_own_write() {
    for at in BOUNDARIES {
        let (simulator, journal) = in_sync().await;
        let second = lake("/two", "first");
        let dying = Dying {
            journal: &journal,
            at,
            dead: AtomicBool::new(false),
        };
        sync(&second, &simulator, &dying).await;

        // The file changes again before the next run.
        let third = lake("/three", "first");
        tokio::time::sleep(std::time::Duration::from_secs(300)).await;
        let ran = sync(&third, &simulator, &journal).await;
        assert_eq!(
            moves(&ran),
            [("httpPath".to_owned(), ChangeKind::Change)],
            "{at:?}"
        );
        assert!(ran.is_proved(), "{at:?}: {}", ran.shown());
    }
}

#[tokio::test(start_paused = true)]
async fn a_rotation_that_was_cut_short_is_sent_again() {
    for at in BOUNDARIES {
        let (simulator, journal) = in_sync().await;
        let rotated = lake("/one", "second");
        let dying = Dying {
            journal: &journal,
            at,
            dead: AtomicBool::new(false),
        };
        sync(&rotated, &simulator, &dying).await;
        assert_eq!(
            recover(&rotated, &simulator, &journal).await,
            ["PUT /integrations/1"],
            "{at:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn lost_answer_without_an_identity_creates_nothing_twice() {
    let (simulator, journal) = (Simulator::default(), MemoryLedger::default());
    let texts = Texts::none().file("t.yaml", "type: Trino\n");
    // The answer is lost, and so is every look after it.
    simulator.fault(Fault::new(FaultKind::DropAfter).on(&Method::POST, "/integrations"));
    let lists = Fault::new(FaultKind::Html {
        after_effect: false,
    });
    simulator.fault(lists.on(&Method::GET, "/integrations").skip(2).times(5));
    let ran = sync(&texts, &simulator, &journal).await;
    assert_eq!(ran.failures().len(), 1, "{}", ran.shown());
    simulator.clear_faults();

    assert_eq!(recover(&texts, &simulator, &journal).await, [""; 0]);
    assert_eq!(simulator.state().len(), 1);
}

/// Runs once with a journal that dies there.
async fn cut_short(run: Run<'_>, journal: &MemoryLedger, at: Boundary) {
    let dying = Dying {
        journal,
        at,
        dead: AtomicBool::new(false),
    };
    run.remembering(&dying).sync().await;
    tokio::time::sleep(std::time::Duration::from_secs(300)).await;
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_was_cut_short_is_not_forgotten() {
    for at in BOUNDARIES {
        let (simulator, journal) = (Simulator::default(), MemoryLedger::default());
        let text = "type: Databricks\nautoBootstrap: false\nconfig:\n  workspaceUrl: lake.example.com\n  \
             httpPath: /one\n  authenticationType: token\n  token: ${env:TOKEN}\n  groupPattern: {deny: x}\n";
        let more = Texts::none()
            .file("lake.yaml", text)
            .secret("TOKEN", "first");
        sync(&more, &simulator, &journal).await;
        let less = lake("/one", "first");
        cut_short(Run::of(&less, &simulator), &journal, at).await;
        recover(&less, &simulator, &journal).await;
        let deny = &simulator.state()[0]["config"]["groupPattern"]["deny"];
        assert_eq!(*deny, Value::Null, "{at:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn update_with_withheld_drift_is_no_conflict_with_itself() {
    let text = |deny: &str| {
        let file = format!(
            "type: Databricks\nautoBootstrap: false\nconfig:\n  workspaceUrl: https://Lake.example.com/\n  \
             httpPath: /one\n  authenticationType: token\n  token: ${{env:TOKEN}}\n  groupPattern: {{deny: {deny}}}\n"
        );
        Texts::none()
            .file("lake.yaml", file)
            .secret("TOKEN", "first")
    };
    let (simulator, journal) = (Simulator::default(), MemoryLedger::default());
    let texts = text("x");
    sync(&texts, &simulator, &journal).await;
    by_hand(&simulator, "/by-hand");
    let texts = text("y");
    let run = Run::of(&texts, &simulator).on_drift(OnDrift::Report);
    cut_short(run, &journal, Boundary::BeforeRecord).await;

    let texts = text("z");
    let run = Run::of(&texts, &simulator).remembering(&journal);
    let ran = run.on_drift(OnDrift::Report).sync().await;
    assert_eq!(
        moves(&ran),
        [("groupPattern/deny".to_owned(), ChangeKind::Change)]
    );
    assert_eq!(live_path(&simulator), "/by-hand");
}

fn lake_at(name: &str, host: &str) -> String {
    format!(
        "type: Databricks\nautoBootstrap: false\nsync: {{name: {name}}}\nconfig:\n  workspaceUrl: {host}\n  \
         httpPath: /one\n  authenticationType: token\n  token: ${{env:TOKEN}}\n"
    )
}

#[tokio::test(start_paused = true)]
async fn renamed_file_is_found_although_its_old_name_is_reused() {
    let (simulator, journal) = in_sync().await;
    let texts = Texts::none()
        .file("lake.yaml", lake_at("lake", "other.example.com"))
        .file("moved.yaml", lake_at("moved", "lake.example.com"))
        .secret("TOKEN", "first");
    let ran = sync(&texts, &simulator, &journal).await;
    // The integration with its old name is another one now, and is created separately.
    assert_eq!(write_lines(&simulator), ["POST /integrations"]);
    assert!(ran.is_proved(), "{}", ran.shown());
    let records = journal.ledger().records;
    let ids = ["moved", "lake"].map(|name| records[name].id.as_str());
    assert_eq!(ids, ["1", "2"]);
}

#[tokio::test(start_paused = true)]
async fn two_files_never_write_to_one_integration() {
    let (simulator, journal) = (Simulator::default(), MemoryLedger::default());
    let one = Texts::none().file("old.yaml", "type: Trino\n");
    sync(&one, &simulator, &journal).await;
    simulator.clear_log();
    let two = Texts::none()
        .file("old.yaml", "type: Trino\n")
        .file("new.yaml", "type: Trino\nsync: {previously: [old]}\n");
    let ran = sync(&two, &simulator, &journal).await;
    assert_eq!(write_lines(&simulator), [""; 0], "{}", ran.shown());
    // A name of its own is more than one that another file says it had.
    let shown = ran.shown();
    assert!(
        shown.contains("the integration cannot be distinguished from old"),
        "{shown}"
    );
    assert!(shown.contains("1 unchanged"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn record_of_a_gone_integration_is_not_used_for_its_successor() {
    let (simulator, journal) = in_sync().await;
    simulator.drift(SimulatedDrift::remove(1)).unwrap();
    let config = json!({
        "workspaceUrl": "lake.example.com", "httpPath": "/by-hand",
        "authenticationType": "token", "token": "by-hand",
    });
    simulator.seed(Seed::new("Databricks", Some(false), Some(config)));
    let ran = sync(&lake("/one", "second"), &simulator, &journal).await;
    assert_eq!(moves(&ran), [("httpPath".to_owned(), ChangeKind::Change)]);
}

#[tokio::test(start_paused = true)]
async fn create_under_way_is_not_repeated_under_another_name() {
    let (simulator, journal) = (Simulator::default(), MemoryLedger::default());
    let dying = Dying {
        journal: &journal,
        at: Boundary::AfterIntent,
        dead: AtomicBool::new(false),
    };
    let texts = Texts::none().file("old.yaml", "type: Trino\n");
    sync(&texts, &simulator, &dying).await;
    for options in ["", "sync: {previously: [old]}\n"] {
        let texts = Texts::none().file("new.yaml", format!("type: Trino\n{options}"));
        let ran = sync(&texts, &simulator, &journal).await;
        assert_eq!(write_lines(&simulator), [""; 0], "{}", ran.shown());
        assert!(
            ran.shown().contains("may still take effect"),
            "{}",
            ran.shown()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn slow_create_is_recorded_with_its_secrets_when_it_ends() {
    let (simulator, journal) = (Simulator::default(), MemoryLedger::default());
    let first = lake("/one", "first");
    let dying = Dying {
        journal: &journal,
        at: Boundary::BeforeRecord,
        dead: AtomicBool::new(false),
    };
    sync(&first, &simulator, &dying).await;
    let status = |status| simulator.drift(SimulatedDrift::status(1, status)).unwrap();
    status(SimulatedStatus::Creating);
    let ran = sync(&first, &simulator, &journal).await;
    assert!(ran.shown().contains("still `creating`"), "{}", ran.shown());

    status(SimulatedStatus::Enabled);
    let ran = sync(&lake("/one", "second"), &simulator, &journal).await;
    assert_eq!(moves(&ran), [("token".to_owned(), ChangeKind::Rotation)]);
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_new_in_a_recorded_file_is_sent() {
    let (simulator, journal) = in_sync().await;
    let text = "type: Databricks\nautoBootstrap: false\nconfig:\n  workspaceUrl: lake.example.com\n  \
         httpPath: /one\n  authenticationType: token\n  token: ${env:TOKEN}\n  \
         proxyOptions: {password: '${env:TOKEN}'}\n";
    let more = Texts::none()
        .file("lake.yaml", text)
        .secret("TOKEN", "first");
    let ran = sync(&more, &simulator, &journal).await;
    assert_eq!(
        moves(&ran),
        [("proxyOptions/password".to_owned(), ChangeKind::Rotation)]
    );
    let ran = sync(&more, &simulator, &journal).await;
    assert!(ran.is_in_sync(), "{}", ran.shown());
}

#[tokio::test(start_paused = true)]
async fn recorded_integration_is_read_until_the_server_lacks_it() {
    let (simulator, journal) = in_sync().await;
    simulator.drift(SimulatedDrift::remove(1)).unwrap();
    let other = Texts::none().file("t.yaml", "type: Trino\n");
    let run = Run::of(&other, &simulator).remembering(&journal);
    assert_eq!(run.dry_run().await.errors(), [""; 0]);
    let asked = |simulator: &Simulator| {
        let log = simulator.log();
        let paths = log.iter().map(|entry| entry.path.clone());
        paths.filter(|path| path == "/integrations/1").count()
    };
    assert_eq!(asked(&simulator), 1);
    for expected in [1, 0] {
        simulator.clear_log();
        let run = Run::of(&other, &simulator).remembering(&journal);
        assert_eq!(run.sync().await.errors(), [""; 0]);
        assert_eq!(asked(&simulator), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn credential_of_an_unknown_form_is_not_kept_for_the_removal() {
    let file = "type: Azure Synapse Analytics\nautoBootstrap: true\nconfig:\n  \
                host: acme.sql.azuresynapse.net\n  database: analytics\n  schema: immuta\n  \
                username: admin\n  password: ${env:PASSWORD}\n  \
                oAuthClientConfig: {clientSecret: \"${env:CLIENT}\"}\n";
    let texts = Texts::none().file("dw.yaml", file.to_owned());
    let texts = texts.secret("PASSWORD", "first").secret("CLIENT", "second");
    let (simulator, journal) = (Simulator::default(), MemoryLedger::default());
    let ran = sync(&texts, &simulator, &journal).await;
    assert!(ran.is_proved(), "{}", ran.shown());
    assert_eq!(write_lines(&simulator), ["POST /integrations"]);
    let kept = json!(journal.ledger().records["dw"].state.removal.credentials);
    assert_eq!(
        kept,
        json!({ "username": "admin", "password": "${env:PASSWORD}" })
    );
}
