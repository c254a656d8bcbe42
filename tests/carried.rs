//! The body that is sent is the body that was checked: bindings hold for what the
//! server has and an update carries, and the plan shows where that leads.

use integrationd::apply::ActionFailure;
use integrationd::ledger::{LedgerStore, MemoryLedger};
use integrationd::plan::{Policy, PreconditionFailure};
use integrationd::simulator::{DETAIL, SimulatedDrift, Simulator, SimulatorOptions, VOLATILE};
use integrationd::sync::Request;
use serde_json::json;

use crate::in_process::{Ran, Run, write_lines, writes};
use crate::support::recorded::warehouse_file;
use crate::texts::Texts;

const CANARY: &str = "CANARY-SECRET-77";

const BOUND: &str = "env:DBX=Databricks@*.azuredatabricks.net";

const GOOD: &str = "https://dbc-1.azuredatabricks.net/oidc";
const EVIL: &str = "https://evil.example/token";

/// A lake with an OAuth client, and further lines below `config` or next to it.
fn lake(authority: &str, secret: &str, rest: &str) -> String {
    format!(
        "type: Databricks\nautoBootstrap: false\nconfig:\n  \
         workspaceUrl: dbc-1.azuredatabricks.net\n  httpPath: /p\n  \
         authenticationType: oAuthM2M\n  oAuthClientConfig:\n    useCertificate: false\n    \
         clientId: id\n    clientSecret: '{secret}'\n    authorityUrl: {authority}\n{rest}"
    )
}

/// A warehouse that is set up by hand, and what follows.
fn warehouse(name: &str, secret: &str, rest: &str) -> String {
    format!(
        "type: Snowflake\nautoBootstrap: false\nconfig:\n  host: wh.azuredatabricks.net\n  \
         warehouse: {name}\n  database: IMMUTA\n  authenticationType: userPassword\n  \
         username: immuta\n  password: '{secret}'\n{rest}"
    )
}

const DBX: &str = "${env:DBX}";

const IGNORE_AUTHORITY: &str =
    "sync: {ignore: [{path: /oAuthClientConfig/authorityUrl, reason: x}]}\n";
const IGNORE_ARGS: &str = "sync: {ignore: [{path: /connectArgs, reason: x}]}\n";

fn files(text: impl Into<String>) -> Texts {
    Texts::none().file("one.yaml", text).secret("DBX", CANARY)
}

/// With one binding for each type of these tests, to one domain.
fn bound(text: impl Into<String>) -> Texts {
    files(text).bound(&[BOUND, "env:DBX=Snowflake@*.azuredatabricks.net"])
}

async fn synced(texts: &Texts, simulator: &Simulator, journal: &dyn LedgerStore) -> Ran {
    simulator.clear_log();
    let run = Run::of(texts, simulator).remembering(journal);
    run.sync().await
}

/// Applies the files, which succeeds.
async fn applied(texts: &Texts, simulator: &Simulator, journal: &dyn LedgerStore) {
    let ran = synced(texts, simulator, journal).await;
    assert!(ran.is_proved(), "{}", ran.shown());
}

fn plain(ran: &Ran) -> String {
    anstream::adapter::strip_str(&ran.shown()).to_string()
}

/// Nothing is sent, and the plan says which reference may not go where.
#[track_caller]
fn is_blocked(ran: &Ran, simulator: &Simulator, place: &str) {
    let shown = plain(ran);
    assert_eq!(write_lines(simulator), [""; 0], "{shown}");
    let reason = format!(
        "with the server's current values, `${{env:DBX}}` may not be sent to \
        {place}"
    );
    assert!(shown.contains(&reason), "{shown}");
    assert!(shown.contains("help: correct "), "{shown}");
    assert!(
        shown.contains("`--allow-secret`, which allows `env:DBX="),
        "{shown}"
    );
    assert_eq!(ran.exit_code(), 1, "{shown}");
    let action = &ran.json()["plan"]["actions"][0];
    assert_eq!(action["code"], "UnboundReference", "{action}");
    ran.shows_none_of([CANARY]);
}

#[tokio::test(start_paused = true)]
async fn ignored_authority_of_the_server_gets_no_bound_secret() {
    for strict in [false, true] {
        let (simulator, journal) = (Simulator::default(), MemoryLedger::default());
        let of = |text: String| match strict {
            true => bound(text).strict(),
            false => bound(text),
        };
        applied(&of(lake(EVIL, "junk", "")), &simulator, &journal).await;
        let second = of(lake(GOOD, DBX, IGNORE_AUTHORITY));
        let ran = synced(&second, &simulator, &journal).await;
        let place = "the host `evil.example` in `oAuthClientConfig/authorityUrl`";
        is_blocked(&ran, &simulator, place);
        // The way out that the plan names.
        applied(&of(lake(GOOD, DBX, "")), &simulator, &journal).await;
        let sent = writes(&simulator)[0].body.clone().unwrap();
        let client = &sent["config"]["oAuthClientConfig"];
        assert_eq!(
            (&client["clientSecret"], &client["authorityUrl"]),
            (&json!(CANARY), &json!(GOOD))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn extra_that_was_dropped_gets_no_bound_secret() {
    let simulator = Simulator::new(SimulatorOptions {
        also_known: [("Databricks".to_owned(), vec!["config.jdbcUrl".to_owned()])].into(),
        ..SimulatorOptions::default()
    });
    let journal = MemoryLedger::default();
    let extra = "sync: {extra: {jdbcUrl: 'jdbc:evil.example'}}\n";
    applied(&bound(lake(GOOD, "junk", extra)), &simulator, &journal).await;
    let ran = synced(&bound(lake(GOOD, DBX, "")), &simulator, &journal).await;
    is_blocked(&ran, &simulator, "the unknown destination in `jdbcUrl`");
}

const UNCLEAR_ARGS: &str = "the unknown destination in `connectArgs`";

#[tokio::test(start_paused = true)]
async fn ignored_arguments_that_left_the_file_get_no_bound_secret() {
    let (simulator, journal) = (Simulator::default(), MemoryLedger::default());
    let args = format!("  connectArgs: proxyHost=evil\n{IGNORE_ARGS}");
    applied(&bound(warehouse("WH", "junk", &args)), &simulator, &journal).await;
    let second = bound(warehouse("WH", DBX, IGNORE_ARGS));
    let ran = synced(&second, &simulator, &journal).await;
    is_blocked(&ran, &simulator, UNCLEAR_ARGS);
}

#[tokio::test(start_paused = true)]
async fn arguments_left_out_without_a_ledger_get_no_bound_secret() {
    let simulator = Simulator::default();
    let args = "  connectArgs: proxyHost=evil\n";
    let first = bound(warehouse("WH", "junk", args));
    applied(&first, &simulator, &MemoryLedger::default()).await;
    let second = bound(warehouse("OTHER", DBX, ""));
    let ran = synced(&second, &simulator, &MemoryLedger::default()).await;
    is_blocked(&ran, &simulator, UNCLEAR_ARGS);
}

#[tokio::test(start_paused = true)]
async fn arguments_set_in_the_ui_get_no_bound_secret() {
    let (simulator, journal) = (Simulator::default(), MemoryLedger::default());
    applied(&bound(warehouse("WH", DBX, "")), &simulator, &journal).await;
    let edit = SimulatedDrift::value(1, "/connectArgs", json!("proxyHost=evil"));
    simulator.drift(edit).unwrap();
    let ran = synced(&bound(warehouse("OTHER", DBX, "")), &simulator, &journal).await;
    is_blocked(&ran, &simulator, UNCLEAR_ARGS);
}

#[tokio::test(start_paused = true)]
async fn drift_withheld_by_policy_gets_no_bound_secret() {
    use integrationd::plan::OnDrift;
    let (simulator, journal) = (Simulator::default(), MemoryLedger::default());
    applied(&bound(lake(GOOD, DBX, "")), &simulator, &journal).await;
    let edit = SimulatedDrift::value(1, "/oAuthClientConfig/authorityUrl", json!(EVIL));
    simulator.drift(edit).unwrap();
    let other = bound(lake(GOOD, DBX, "").replace("httpPath: /p", "httpPath: /q"));
    simulator.clear_log();
    let run = Run::of(&other, &simulator).remembering(&journal);
    let ran = run.on_drift(OnDrift::Report).sync().await;
    let place = "the host `evil.example` in `oAuthClientConfig/authorityUrl`";
    is_blocked(&ran, &simulator, place);
}

#[tokio::test(start_paused = true)]
async fn carried_properties_get_no_bound_secret() {
    let (simulator, journal) = (Simulator::default(), MemoryLedger::default());
    let ignored = "sync: {ignore: [{path: /httpPath, reason: x}]}\n";
    applied(&bound(lake(GOOD, DBX, ignored)), &simulator, &journal).await;
    let edit = SimulatedDrift::value(1, "/httpPath", json!("x;ProxyHost=evil.example;SSL=0"));
    simulator.drift(edit).unwrap();
    let other = lake(GOOD, DBX, ignored).replace("clientId: id", "clientId: other");
    let ran = synced(&bound(other), &simulator, &journal).await;
    is_blocked(&ran, &simulator, "the unknown destination in `httpPath`");
}

/// A run with an edit between the plan of a second commit and its write.
async fn meanwhile(first: &Texts, second: &Texts, edit: SimulatedDrift) -> (Ran, Simulator) {
    let (simulator, journal) = (Simulator::default(), MemoryLedger::default());
    applied(first, &simulator, &journal).await;
    simulator.clear_log();
    let run = Run::of(second, &simulator).remembering(&journal);
    let ran = run
        .meanwhile(|_| simulator.drift(edit.clone()).unwrap())
        .sync()
        .await;
    assert_eq!(write_lines(&simulator), [""; 0], "{}", plain(&ran));
    ran.shows_none_of([CANARY]);
    (ran, simulator)
}

#[tokio::test(start_paused = true)]
async fn destination_that_appears_before_the_write_stops_it() {
    let edit = SimulatedDrift::value(1, "/jdbcUrl", json!("jdbc:evil.example"));
    let (first, second) = (warehouse("WH", DBX, ""), warehouse("OTHER", DBX, ""));
    let (ran, _) = meanwhile(&bound(first), &bound(second), edit).await;
    assert!(matches!(ran.failure(), ActionFailure::Unbound(_)));
    insta::assert_snapshot!(ran.failure(), @"nothing was sent because of the server's current \
        values: `${env:DBX}` may not be sent to the unknown destination in `jdbcUrl`");
}

#[tokio::test(start_paused = true)]
async fn ignored_destination_that_moves_before_the_write_stops_it() {
    let edit = SimulatedDrift::value(1, "/oAuthClientConfig/authorityUrl", json!(EVIL));
    let first = lake(GOOD, DBX, IGNORE_AUTHORITY);
    let second = first.replace("httpPath: /p", "httpPath: /q");
    let (ran, _) = meanwhile(&files(first), &files(second), edit).await;
    let failure = ran.failure();
    let ActionFailure::Changed { what, .. } = failure else {
        panic!("{failure}");
    };
    let moved = ["oAuthClientConfig/authorityUrl".into()];
    assert_eq!(*what, PreconditionFailure::Attributes(moved.to_vec()));
}

#[tokio::test(start_paused = true)]
async fn carried_destinations_are_shown_without_bindings() {
    let (simulator, journal) = (Simulator::default(), MemoryLedger::default());
    let first = files(lake(GOOD, DBX, IGNORE_AUTHORITY));
    applied(&first, &simulator, &journal).await;
    for (path, value) in [
        ("/oAuthClientConfig/authorityUrl", json!(EVIL)),
        ("/proxyOptions", json!({ "host": "proxy.example:8080" })),
        ("/newAttribute", json!("hunter2")),
    ] {
        simulator
            .drift(SimulatedDrift::value(1, path, value))
            .unwrap();
    }
    let second = lake(GOOD, DBX, IGNORE_AUTHORITY).replace("httpPath: /p", "httpPath: /q");
    // The server never shows a proxy's password, so that the update could drop one.
    let proxy = "  proxyOptions: {password: p}\n";
    let second = second.replace("sync:", &format!("{proxy}sync:"));
    let texts = files(second);
    let run = Run::of(&texts, &simulator).remembering(&journal);
    let ran = run.dry_run().await;
    let shown = plain(&ran);
    for line in [
        "note: the server also has attributes that this version does not know: newAttribute; \
        they are sent back unchanged and may point to any host",
        "note: oAuthClientConfig/authorityUrl keeps the server's value, which points to \
        evil.example\n",
        "note: proxyOptions/host keeps the server's value, which points to proxy.example\n",
    ] {
        assert!(shown.contains(line), "{line}\n{shown}");
    }
    let notes = ran.json()["plan"]["actions"][0]["notes"].clone();
    let note = notes.as_array().unwrap().iter();
    let note = note.clone().find(|n| n["note"] == "destinations_carried");
    assert_eq!(
        note.unwrap()["destinations"],
        json!([
            { "path": "oAuthClientConfig/authorityUrl", "host": "evil.example" },
            { "path": "proxyOptions/host", "host": "proxy.example" },
        ])
    );
    ran.shows_none_of(["hunter2", CANARY]);
}

#[tokio::test(start_paused = true)]
async fn carried_arguments_are_shown_as_leading_anywhere() {
    let (simulator, journal) = (Simulator::default(), MemoryLedger::default());
    applied(&files(warehouse("WH", DBX, "")), &simulator, &journal).await;
    let edit = SimulatedDrift::value(1, "/connectArgs", json!("proxyHost=evil"));
    simulator.drift(edit).unwrap();
    let ran = synced(&files(warehouse("OTHER", DBX, "")), &simulator, &journal).await;
    let shown = plain(&ran);
    let line =
        "note: connectArgs keeps the server's value, which points to an unknown destination\n";
    assert!(shown.contains(line), "{shown}");
    assert!(ran.is_proved(), "{shown}");
    // What the file itself gives is in the plan as a change, and no note.
    let args = "  connectArgs: a=b\n";
    let ran = synced(&files(warehouse("OTHER", DBX, args)), &simulator, &journal).await;
    assert!(
        !plain(&ran).contains("the server's value"),
        "{}",
        plain(&ran)
    );
}

/// A warehouse that is set up automatically, and a file that stays.
fn automatic(described: bool) -> Texts {
    let texts = Texts::none()
        .file("stays.yaml", "type: Trino\n")
        .secret("DBX", CANARY)
        .bound(&["env:DBX=Snowflake@*.example.com"]);
    match described {
        true => texts.file("warehouse.yaml", warehouse_file(DBX)),
        false => texts,
    }
}

fn pruning(request: &mut Request) {
    request.policy = Policy::Sync;
}

#[tokio::test(start_paused = true)]
async fn credentials_of_a_delete_are_not_sent_to_a_drifted_target() {
    let (simulator, journal) = (Simulator::default(), MemoryLedger::default());
    applied(&automatic(true), &simulator, &journal).await;
    let edit = |value| {
        let live = simulator.state();
        let is_it = |one: &&serde_json::Value| one["type"] == "Snowflake";
        let id = live.iter().find(is_it).unwrap()["id"].as_str().unwrap();
        let edit = SimulatedDrift::value(id.parse().unwrap(), "/connectArgs", value);
        simulator.drift(edit).unwrap();
    };
    edit(json!("proxyHost=evil"));
    simulator.clear_log();
    let gone = automatic(false);
    let run = Run::of(&gone, &simulator).remembering(&journal);
    let ran = run.with(pruning).sync().await;
    let shown = plain(&ran);
    assert_eq!(write_lines(&simulator), [""; 0], "{shown}");
    // What was not applied is not shown, since its file and its secrets are gone.
    let hidden = "the hidden destination of `connectArgs`";
    assert!(shown.contains(hidden), "{shown}");
    // The same, between the plan and the write.
    edit(json!(null));
    let run = Run::of(&gone, &simulator).remembering(&journal);
    let run = run.with(pruning).meanwhile(|_| {
        let id = simulator.state().len() as u64;
        for id in 1..=id {
            let unknown = SimulatedDrift::value(id, "/jdbcUrl", json!("evil"));
            simulator.drift(unknown).unwrap();
        }
    });
    let ran = run.sync().await;
    assert!(
        matches!(ran.failure(), ActionFailure::Unbound(_)),
        "{}",
        plain(&ran)
    );
    assert_eq!(write_lines(&simulator), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn stored_secret_that_appears_before_the_write_is_not_dropped() {
    let (simulator, journal) = (Simulator::default(), MemoryLedger::default());
    applied(&files(lake(GOOD, DBX, "")), &simulator, &journal).await;
    let second = files(lake(GOOD, DBX, "").replace("httpPath: /p", "httpPath: /q"));
    simulator.set_options(SimulatorOptions {
        secrets: integrationd::simulator::StoredSecrets::Mask,
        ..simulator.options()
    });
    simulator.clear_log();
    let run = Run::of(&second, &simulator).remembering(&journal);
    let run = run.meanwhile(|_| {
        let proxy = SimulatedDrift::value(1, "/proxyOptions/password", json!("theirs"));
        simulator.drift(proxy).unwrap();
    });
    let ran = run.sync().await;
    assert!(
        matches!(
            ran.failure(),
            ActionFailure::Changed {
                what: PreconditionFailure::SecretsLost(_),
                ..
            }
        ),
        "{}",
        plain(&ran)
    );
    assert_eq!(write_lines(&simulator), [""; 0]);
}

#[test]
fn values_that_a_driver_reads_as_properties_are_unclear() {
    let refused = |from: &str, to: &str| {
        let file = warehouse("WH", DBX, "").replace(from, to);
        assert!(file.contains(to), "{to}");
        bound(file).diagnostics()
    };
    assert_eq!(refused("WH", "WH"), "");
    for (from, to, path) in [
        ("WH", "'W&proxyHost=evil.example'", "warehouse"),
        (
            "database: IMMUTA",
            "database: 'd;server=evil.example'",
            "database",
        ),
        ("WH", "'x%3BProxyHost=evil.example'", "warehouse"),
        (DBX, "${env:DBX};ProxyHost=evil.example", "password"),
        (DBX, "x${env:DBX}", "password"),
        (
            "username: immuta",
            "username: 'u;ProxyHost=evil.example'",
            "username",
        ),
    ] {
        let said = refused(from, to);
        let place = format!("may not be sent to the unknown destination in `{path}`");
        assert!(
            said.contains("E0404") && said.contains(&place),
            "{to}\n{said}"
        );
    }
    // With any host allowed, these values do not matter.
    let any = files(warehouse("'W&a=b'", DBX, "")).bound(&["env:DBX=Snowflake"]);
    assert_eq!(any.diagnostics(), "");
}

#[tokio::test(start_paused = true)]
async fn value_that_is_sent_is_shown_to_its_end() {
    let long = "sql/protocolv1/o/0/1234-".to_owned() + &"a".repeat(200);
    let hidden = format!("{long};UseProxy=1;ProxyHost=evil.example;SSL=0");
    let simulator = Simulator::default();
    let created = files(lake(GOOD, DBX, "").replace("/p", &hidden));
    let ran = Run::of(&created, &simulator).dry_run().await;
    let line = format!("httpPath                         = \"{hidden}\"\n");
    assert!(plain(&ran).contains(&line), "{}", plain(&ran));

    applied(
        &files(lake(GOOD, DBX, "").replace("/p", &long)),
        &simulator,
        &MemoryLedger::default(),
    )
    .await;
    let ran = Run::of(&created, &simulator).dry_run().await;
    assert!(
        plain(&ran).contains(&format!("-> \"{hidden}\"\n")),
        "{}",
        plain(&ran)
    );
}

/// A tenant whose answers show undocumented attributes, with another value each time, and
/// more of one integration than the list.
fn volatile() -> Simulator {
    Simulator::new(SimulatorOptions {
        volatile: true,
        detail_shows_more: true,
        ..SimulatorOptions::default()
    })
}

#[tokio::test(start_paused = true)]
async fn volatile_unknown_attribute_stops_no_update() {
    let (simulator, journal) = (volatile(), MemoryLedger::default());
    applied(&files(lake(GOOD, DBX, "")), &simulator, &journal).await;
    let second = lake(GOOD, DBX, "").replace("httpPath: /p", "httpPath: /q");
    let ran = synced(&files(second), &simulator, &journal).await;
    assert!(ran.is_proved(), "{}", plain(&ran));
    assert_eq!(write_lines(&simulator), ["PUT /integrations/1"]);
    // What is carried comes from the read just before the write.
    let reads = simulator.log().into_iter();
    let before = reads.take_while(|entry| entry.method == "GET").count();
    let sent = writes(&simulator)[0].body.clone().unwrap();
    let config = &sent["config"];
    assert!(config[DETAIL].is_string(), "{config}");
    assert_eq!(before, 2, "the list, and the integration");
    assert!(config[VOLATILE].as_u64().unwrap() >= 2, "{config}");
}

#[tokio::test(start_paused = true)]
async fn integration_whose_detail_shows_more_than_the_list_is_deleted() {
    let (simulator, journal) = (volatile(), MemoryLedger::default());
    let both = files(lake(GOOD, DBX, "")).file("trino.yaml", "type: Trino\n");
    applied(&both, &simulator, &journal).await;
    simulator.clear_log();
    let gone = files(lake(GOOD, DBX, ""));
    let run = Run::of(&gone, &simulator).remembering(&journal);
    let ran = run.with(pruning).sync().await;
    assert!(ran.is_proved(), "{}", plain(&ran));
    assert_eq!(write_lines(&simulator), ["DELETE /integrations/2"]);
    ran.shows_none_of(["simulated-key-"]);
}

/// A tenant that shows known attributes of one lake that the list lacks.
fn with_detail(attributes: serde_json::Value) -> Simulator {
    let attributes = serde_json::from_value(attributes).unwrap();
    Simulator::new(SimulatorOptions {
        detail_attributes: [("Databricks".to_owned(), attributes)].into(),
        ..SimulatorOptions::default()
    })
}

#[tokio::test(start_paused = true)]
async fn known_attribute_that_only_the_detail_shows_stops_no_write() {
    for attributes in [
        json!({"audit": {"enabled": true}}),
        json!({"groupPattern": {"deny": null}}),
    ] {
        let (simulator, journal) = (with_detail(attributes), MemoryLedger::default());
        applied(&files(lake(GOOD, DBX, "")), &simulator, &journal).await;
        let second = lake(GOOD, DBX, "").replace("httpPath: /p", "httpPath: /q");
        applied(&files(second), &simulator, &journal).await;
        assert_eq!(write_lines(&simulator), ["PUT /integrations/1"]);
        simulator.clear_log();
        let none = Texts::none().file("trino.yaml", "type: Trino\n");
        let run = Run::of(&none, &simulator).remembering(&journal);
        let ran = run.with(pruning).sync().await;
        let lines = write_lines(&simulator);
        assert!(
            lines.contains(&"DELETE /integrations/1".to_owned()),
            "{}",
            plain(&ran)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn value_of_the_file_that_is_changed_meanwhile_stops_the_update() {
    let (simulator, journal) = (Simulator::default(), MemoryLedger::default());
    applied(&files(lake(GOOD, DBX, "")), &simulator, &journal).await;
    let second = files(lake(GOOD, DBX, "").replace("httpPath: /p", "httpPath: /q"));
    simulator.clear_log();
    let drift = || SimulatedDrift::value(1, "/oAuthClientConfig/clientId", json!("other"));
    let run = Run::of(&second, &simulator).remembering(&journal);
    let ran = run
        .meanwhile(|_| simulator.drift(drift()).unwrap())
        .sync()
        .await;
    assert_eq!(write_lines(&simulator), [""; 0]);
    assert!(
        plain(&ran).contains("the server changed oAuthClientConfig/clientId"),
        "{}",
        plain(&ran)
    );
}

#[tokio::test(start_paused = true)]
async fn unknown_attribute_of_a_volatile_tenant_gets_no_bound_secret() {
    let (simulator, journal) = (volatile(), MemoryLedger::default());
    applied(&bound(lake(GOOD, DBX, "")), &simulator, &journal).await;
    let second = lake(GOOD, DBX, "").replace("httpPath: /p", "httpPath: /q");
    let ran = synced(&bound(second.clone()), &simulator, &journal).await;
    is_blocked(&ran, &simulator, "the unknown destination in `readNumber`");
    // The way out: to let the secret go to any host of the type.
    let any = files(second).bound(&["env:DBX=Databricks"]);
    applied(&any, &simulator, &journal).await;
    assert_eq!(write_lines(&simulator), ["PUT /integrations/1"]);
}

/// The live path of the lake, which its file leaves to the server, and another edit of the
/// file. The server does not show the path.
async fn edited_beside_a_hidden_path(value: &str, rest: &str, report: bool) -> (Ran, Simulator) {
    use integrationd::plan::OnDrift;
    let (simulator, journal) = (Simulator::default(), MemoryLedger::default());
    applied(&files(lake(GOOD, DBX, rest)), &simulator, &journal).await;
    simulator
        .drift(SimulatedDrift::value(1, "/httpPath", json!(value)))
        .unwrap();
    simulator.clear_log();
    let other = files(lake(GOOD, DBX, rest).replace("clientId: id", "clientId: other"));
    let run = Run::of(&other, &simulator).remembering(&journal);
    let run = if report {
        run.on_drift(OnDrift::Report)
    } else {
        run
    };
    (run.sync().await, simulator)
}

#[tokio::test(start_paused = true)]
async fn value_that_is_left_to_the_server_and_hidden_stops_an_update() {
    let ignored = "sync: {ignore: [{path: /httpPath, reason: x}]}\n";
    let secret = "/x/CANARY-SECRET-77";
    for (value, rest, report) in [
        (secret, ignored, false),
        (secret, "", true),
        ("[REDACTED]", "", true),
    ] {
        let (ran, simulator) = edited_beside_a_hidden_path(value, rest, report).await;
        assert_eq!(write_lines(&simulator), [""; 0], "{}", ran.shown());
        let shown = plain(&ran);
        let reason = "an update would change httpPath: the server's value cannot be sent back";
        assert!(shown.contains(reason), "{shown}");
        assert!(
            shown.contains("help: set a different value in Immuta"),
            "{shown}"
        );
        assert_eq!(ran.exit_code(), 1);
        ran.shows_none_of([CANARY]);
    }
}

#[tokio::test(start_paused = true)]
async fn hidden_value_that_is_left_to_the_server_is_no_change() {
    use integrationd::plan::OnDrift;
    for value in ["[REDACTED]", "/x/CANARY-SECRET-77"] {
        let (simulator, journal) = (Simulator::default(), MemoryLedger::default());
        let texts = files(lake(GOOD, DBX, ""));
        applied(&texts, &simulator, &journal).await;
        simulator
            .drift(SimulatedDrift::value(1, "/httpPath", json!(value)))
            .unwrap();
        simulator.clear_log();
        let run = Run::of(&texts, &simulator).remembering(&journal);
        let ran = run.on_drift(OnDrift::Report).sync().await;
        assert_eq!(write_lines(&simulator), [""; 0], "{}", ran.shown());
        assert_eq!(ran.exit_code(), 0, "{}", ran.shown());
    }
}

#[tokio::test(start_paused = true)]
async fn unknown_value_is_shown_with_its_host() {
    let (simulator, journal) = (Simulator::default(), MemoryLedger::default());
    applied(&files(lake(GOOD, DBX, "")), &simulator, &journal).await;
    let url = json!("jdbc:x://evil.example:443/y");
    simulator
        .drift(SimulatedDrift::value(1, "/jdbcUrl", url))
        .unwrap();
    let other = files(lake(GOOD, DBX, "").replace("httpPath: /p", "httpPath: /q"));
    let ran = synced(&other, &simulator, &journal).await;
    let shown = plain(&ran);
    let line = "jdbcUrl keeps the server's value, which points to evil.example";
    assert!(shown.contains(line), "{shown}");
    let notes = ran.json()["plan"]["actions"][0]["notes"].to_string();
    assert!(notes.contains(r#""host":"evil.example""#), "{notes}");
}
