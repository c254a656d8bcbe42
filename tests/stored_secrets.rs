//! Stored secrets that a file does not have. An update replaces the whole configuration, so it
//! would make the server forget them.

use integrationd::ledger::{IntendedWrite, Intent, LedgerStore, MemoryLedger};
use integrationd::plan::{OnDrift, Resend};
use integrationd::simulator::{
    LoggedRequest, Seed, SimulatedDrift, Simulator, SimulatorOptions, StoredSecrets,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::{Files, Integrationd, Tenant};
use crate::in_process::{Ran, Run, done, write_lines, writes};
use crate::support::planned::{files, kinds, live, tenant};
use crate::texts::Texts;

const SECRET: &str = "CANARY-PROXY-PASSWORD";

/// A lake behind a proxy, with further lines of `proxyOptions`.
fn lake(path: &str, proxy: &str) -> String {
    format!(
        "type: Databricks\nautoBootstrap: false\nconfig:\n  workspaceUrl: lake.example.com\n  \
         httpPath: {path}\n  authenticationType: token\n  token: ${{env:TOKEN}}\n  \
         proxyOptions:\n    host: proxy.example.com\n    username: immuta\n{proxy}"
    )
}

const GIVEN: &str = "    password: ${env:PROXY}\n";
const NONE: &str = "    password: null\n";

/// The line of a plan for a password that goes.
const GONE: &str = "proxyOptions/password = (secret) -> (absent)";

fn texts(text: impl Into<String>) -> Texts {
    let texts = Texts::none().file("lake.yaml", text);
    texts.secrets([("TOKEN", "CANARY-TOKEN"), ("PROXY", SECRET)])
}

/// A tenant with a lake that was set up by hand, and whose proxy has a password.
fn by_hand(secrets: StoredSecrets) -> Simulator {
    let simulator = Simulator::new(SimulatorOptions {
        secrets,
        ..SimulatorOptions::default()
    });
    let config = json!({
        "workspaceUrl": "lake.example.com", "httpPath": "/one", "authenticationType": "token",
        "token": "of-yesterday",
        "proxyOptions": {
            "host": "proxy.example.com", "username": "immuta", "password": "by-hand",
        },
    });
    simulator.seed(Seed::new("Databricks", Some(false), Some(config)));
    simulator
}

fn all() -> Resend {
    Resend {
        all: true,
        ..Resend::default()
    }
}

async fn sync(texts: &Texts, simulator: &Simulator, ledger: &MemoryLedger) -> Ran {
    simulator.clear_log();
    Run::of(texts, simulator).remembering(ledger).sync().await
}

async fn resend(texts: &Texts, simulator: &Simulator, ledger: &MemoryLedger) -> Ran {
    simulator.clear_log();
    let run = Run::of(texts, simulator).remembering(ledger);
    run.with(|request| request.resend = all()).sync().await
}

/// The proxy as the server has stored it.
fn stored_proxy(simulator: &Simulator) -> Value {
    simulator.state()[0]["config"]["proxyOptions"].clone()
}

fn told(ran: &Ran) -> String {
    anstream::adapter::strip_str(&ran.shown()).to_string()
}

/// Nothing was sent, the server still has the password, and the plan names it.
#[track_caller]
fn is_blocked(ran: &Ran, simulator: &Simulator, verb: &str) {
    let shown = told(ran);
    assert_eq!(write_lines(simulator), [""; 0], "{shown}");
    assert_eq!(stored_proxy(simulator)["password"], "by-hand");
    let line = format!(
        "an update {verb} drop stored secrets that are not in the file: proxyOptions/password"
    );
    assert!(shown.contains(&line), "{shown}");
    assert_eq!(ran.exit_code(), 1, "{shown}");
    let action = &ran.json()["plan"]["actions"][0];
    assert_eq!(action["code"], "SecretNotGiven", "{action}");
}

/// One update was sent and confirmed; its body.
#[track_caller]
fn sent(ran: &Ran, simulator: &Simulator) -> Value {
    assert!(ran.is_proved(), "{}", told(ran));
    match writes(simulator).as_slice() {
        [LoggedRequest { method, body, .. }] if method == "PUT" => body.clone().unwrap(),
        several => panic!("{several:?}\n{}", told(ran)),
    }
}

#[tokio::test(start_paused = true)]
async fn omitted_secret_with_a_visible_sign_blocks_the_update() {
    let (simulator, ledger) = (by_hand(StoredSecrets::Omit), MemoryLedger::default());
    // In sync, there is nothing to drop.
    let ran = sync(&texts(lake("/one", "")), &simulator, &ledger).await;
    assert_eq!(ran.exit_code(), 0, "{}", told(&ran));
    assert_eq!(write_lines(&simulator), [""; 0]);
    let ran = sync(&texts(lake("/two", "")), &simulator, &ledger).await;
    is_blocked(&ran, &simulator, "may");
    insta::assert_snapshot!(told(&ran), @"
      # lake is blocked  lake.yaml:1
      ! Databricks Unity Catalog
          an update may drop stored secrets that are not in the file: proxyOptions/password
          help: add each secret to the file as a reference, such as `password: ${env:NAME}`; if the integration has no such secret, write `password: null`

    Plan: 1 blocked.
    Not compared: 1 secret of 1 integration. The server never returns secrets.
     help: send them with `integrationd sync --resend-secrets lake`; or, if the server already has them, run `integrationd adopt lake --secrets assume`
    ");
    let ran = resend(&texts(lake("/one", "")), &simulator, &ledger).await;
    is_blocked(&ran, &simulator, "may");
}

/// The secrets that an update may drop, of an integration that was set up by hand: its live
/// configuration, and a file that changes `port` and gives what else is in `given`.
fn dropped(wire: &str, config: &Value, given: &str) -> String {
    let mut config = config.as_object().unwrap().clone();
    let base = json!({ "host": "a.example.com", "database": "d", "warehouse": "w", "schema": "s" });
    config.extend(base.as_object().unwrap().clone());
    let attributes = match wire {
        "Snowflake" => "host: a.example.com, database: d, warehouse: w",
        "Redshift" => "host: a.example.com, database: d",
        _ => "host: a.example.com, database: d, schema: s, username: u",
    };
    let file =
        format!("type: {wire}\nautoBootstrap: false\nconfig: {{{attributes}, port: 7{given}}}\n");
    let kinds = kinds(
        &files(&[("one.yaml", &file)]),
        &tenant([live("1", wire, config.into())]),
    );
    let kinds = kinds.concat();
    let dropped = "blocked: an update may drop stored secrets that are not in the file: ";
    kinds.strip_prefix(dropped).unwrap_or(&kinds).to_owned()
}

#[test]
fn signs_of_each_platform_name_its_secrets() {
    let snowflake = |config: Value, given: &str| dropped("Snowflake", &config, given);
    let redshift = |config: Value| dropped("Redshift", &config, "");
    let synapse = |config: Value| dropped("Azure Synapse Analytics", &config, ", password: null");
    assert_eq!(snowflake(json!({}), ""), "update 1");
    assert_eq!(snowflake(json!({ "username": "u" }), ""), "password");
    let login = |word: &str| json!({ "authenticationType": word, "username": "u" });
    assert_eq!(snowflake(login("userPassword"), ""), "password");
    assert_eq!(
        snowflake(login("keyPair"), ""),
        "privateKey/content and privateKeyPassword"
    );
    let key = json!({ "privateKey": { "keyName": "PRIV_KEY_FILE" } });
    assert_eq!(
        snowflake(key.clone(), ", privateKeyPassword: null"),
        "privateKey/content"
    );
    // The file chooses another login, and gives its secret.
    let other = ", authenticationType: userPassword, username: u, password: '${env:P}'";
    assert_eq!(snowflake(key, other), "update 1");
    let client = |certificate: bool| json!({ "oAuthClientConfig": { "clientId": "c", "useCertificate": certificate } });
    assert_eq!(
        snowflake(client(false), ""),
        "oAuthClientConfig/clientSecret"
    );
    assert_eq!(snowflake(client(true), ""), "update 1");

    assert_eq!(redshift(login("userPassword")), "password");
    assert_eq!(redshift(login("accessKey")), "accessKeyId and secretKey");
    assert_eq!(
        redshift(json!({ "okta": { "username": "u" } })),
        "okta/password"
    );

    assert_eq!(synapse(json!({ "username": "u" })), "update 1");
    let word = json!({ "username": "u", "authenticationType": "azureOAuth" });
    assert_eq!(synapse(word), "oAuthClientConfig");
    let synapse = dropped("Azure Synapse Analytics", &json!({ "username": "u" }), "");
    assert_eq!(synapse, "password");
}

#[tokio::test(start_paused = true)]
async fn masked_secret_blocks_the_update_for_certain() {
    for secrets in [StoredSecrets::Mask, StoredSecrets::Redacted] {
        let (simulator, ledger) = (by_hand(secrets), MemoryLedger::default());
        let ran = sync(&texts(lake("/two", "")), &simulator, &ledger).await;
        is_blocked(&ran, &simulator, "would");
        let help = "help: add each secret to the file as a reference; to drop a stored secret, \
                    write `null` as its value";
        assert!(told(&ran).contains(help), "{}", told(&ran));
        let ran = resend(&texts(lake("/one", "")), &simulator, &ledger).await;
        is_blocked(&ran, &simulator, "would");
    }
}

#[tokio::test(start_paused = true)]
async fn object_that_the_file_omits_blocks_the_update_too() {
    let (simulator, ledger) = (by_hand(StoredSecrets::Omit), MemoryLedger::default());
    let file = lake("/two", "");
    let without = file.split("  proxyOptions").next().unwrap();
    let ran = sync(&texts(without), &simulator, &ledger).await;
    is_blocked(&ran, &simulator, "may");
    // Nothing but the null: the rest keeps the server's values.
    let null = format!("{without}  proxyOptions: {{password: null}}\n");
    let ran = sync(&texts(null), &simulator, &ledger).await;
    let proxy = json!({ "host": "proxy.example.com", "username": "immuta" });
    assert_eq!(sent(&ran, &simulator)["config"]["proxyOptions"], proxy);
}

#[tokio::test(start_paused = true)]
async fn given_secret_or_null_lets_the_update_go() {
    for secrets in [StoredSecrets::Omit, StoredSecrets::Mask] {
        for (proxy, expected) in [(GIVEN, json!(SECRET)), (NONE, Value::Null)] {
            let (simulator, ledger) = (by_hand(secrets), MemoryLedger::default());
            let file = texts(lake("/two", proxy));
            let ran = sync(&file, &simulator, &ledger).await;
            let body = sent(&ran, &simulator);
            let options = body["config"]["proxyOptions"].as_object().unwrap();
            assert_eq!(options.contains_key("password"), proxy == GIVEN, "{body}");
            assert_eq!(stored_proxy(&simulator)["password"], expected);
            // A null is no difference.
            let ran = sync(&file, &simulator, &ledger).await;
            assert_eq!(write_lines(&simulator), [""; 0], "{}", told(&ran));
            assert!(told(&ran).contains("matches the files"), "{}", told(&ran));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn null_plans_nothing_but_shows_a_masked_secret_that_goes() {
    let (simulator, ledger) = (by_hand(StoredSecrets::Mask), MemoryLedger::default());
    let ran = sync(&texts(lake("/one", NONE)), &simulator, &ledger).await;
    assert_eq!(write_lines(&simulator), [""; 0], "{}", told(&ran));
    let ran = sync(&texts(lake("/two", NONE)), &simulator, &ledger).await;
    let line = GONE;
    assert!(told(&ran).contains(line), "{}", told(&ran));
    // Of a secret that the server does not show, it is not known that anything goes.
    let simulator = by_hand(StoredSecrets::Omit);
    let ran = sync(
        &texts(lake("/two", NONE)),
        &simulator,
        &MemoryLedger::default(),
    )
    .await;
    assert!(!told(&ran).contains(line), "{}", told(&ran));
}

#[tokio::test(start_paused = true)]
async fn own_integration_without_the_secret_is_never_blocked() {
    let (simulator, ledger) = (Simulator::default(), MemoryLedger::default());
    let ran = sync(&texts(lake("/one", "")), &simulator, &ledger).await;
    assert_eq!(write_lines(&simulator), ["POST /integrations"]);
    assert!(ran.is_proved(), "{}", told(&ran));
    // An unchanged run, a change in the file, a resend, and another change.
    sync(&texts(lake("/one", "")), &simulator, &ledger).await;
    let ran = sync(&texts(lake("/two", "")), &simulator, &ledger).await;
    sent(&ran, &simulator);
    let ran = resend(&texts(lake("/two", "")), &simulator, &ledger).await;
    sent(&ran, &simulator);
    let renamed = lake("/two", "").replace("username: immuta", "username: other");
    let ran = sync(&texts(renamed.clone()), &simulator, &ledger).await;
    sent(&ran, &simulator);
    let ran = sync(
        &texts(renamed.replace("/two", "/three")),
        &simulator,
        &ledger,
    )
    .await;
    sent(&ran, &simulator);
    // A repair of the sign itself brings back what our last write sent.
    drift(&simulator, "/proxyOptions/username", json!("by-hand"));
    let ran = sync(
        &texts(renamed.replace("/two", "/three")),
        &simulator,
        &ledger,
    )
    .await;
    sent(&ran, &simulator);
    // Ours to remove, too.
    let without = renamed.split("  proxyOptions").next().unwrap();
    let ran = sync(&texts(without), &simulator, &ledger).await;
    let body = sent(&ran, &simulator);
    assert_eq!(body["config"].get("proxyOptions"), None, "{body}");
}

fn drift(simulator: &Simulator, path: &str, value: Value) {
    let drift = SimulatedDrift::value(1, path, value);
    simulator.drift(drift).unwrap();
}

#[tokio::test(start_paused = true)]
async fn ignored_sign_of_an_own_integration_blocks_nothing() {
    let (simulator, ledger) = (Simulator::default(), MemoryLedger::default());
    let file = |path: &str| {
        let ignore = "sync: {ignore: [{path: /proxyOptions, reason: x}]}\n";
        texts(lake(path, ignore))
    };
    sync(&file("/one"), &simulator, &ledger).await;
    sync(&file("/one"), &simulator, &ledger).await;
    let ran = sync(&file("/two"), &simulator, &ledger).await;
    sent(&ran, &simulator);
    // Another user may have come with a password, and the update would keep the user.
    drift(&simulator, "/proxyOptions/username", json!("theirs"));
    drift(&simulator, "/proxyOptions/password", json!("by-hand"));
    let ran = sync(&file("/three"), &simulator, &ledger).await;
    is_blocked(&ran, &simulator, "may");
}

#[tokio::test(start_paused = true)]
async fn own_integration_without_a_usual_secret_is_updated() {
    let (simulator, ledger) = (Simulator::default(), MemoryLedger::default());
    let file = |port: u16| {
        texts(format!(
            "type: Redshift\nautoBootstrap: false\nconfig: {{host: a.example.com, port: {port}, \
             database: d, authenticationType: accessKey, databaseUser: u}}\n"
        ))
    };
    let ran = sync(&file(1), &simulator, &ledger).await;
    assert!(ran.is_proved(), "{}", told(&ran));
    let ran = sync(&file(2), &simulator, &ledger).await;
    sent(&ran, &simulator);
    // Without a record of the write, the server may have them.
    let ran = sync(&file(3), &simulator, &MemoryLedger::default()).await;
    let line = "an update may drop stored secrets that are not in the file: accessKeyId and \
                secretKey";
    assert!(told(&ran).contains(line), "{}", told(&ran));
}

#[tokio::test(start_paused = true)]
async fn replacement_shows_a_possible_secret_that_goes() {
    let replaced = async |is_own: bool| {
        let (simulator, ledger) = (Simulator::default(), MemoryLedger::default());
        sync(&texts(lake("/one", "")), &simulator, &ledger).await;
        let mut record = done(ledger.read()).unwrap().records["lake"].clone();
        if !is_own {
            record.state.applied.withheld.clear();
            done(ledger.confirm("lake", &record)).unwrap();
        }
        let file = lake("/one", "").replace("  httpPath", "  catalog: other\n  httpPath");
        let file = texts(file);
        let run = Run::of(&file, &simulator).remembering(&ledger);
        let replace = ["lake".to_owned()];
        let run = run.with(|request| request.allow_replace = replace.into());
        told(&run.dry_run().await)
    };
    for is_own in [true, false] {
        let shown = replaced(is_own).await;
        assert!(shown.contains("will be deleted and recreated"), "{shown}");
        assert_eq!(shown.contains("proxyOptions/password"), !is_own, "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn proxy_that_was_added_by_hand_blocks_the_update() {
    let (simulator, ledger) = (Simulator::default(), MemoryLedger::default());
    let file = |path: &str| {
        let file = lake(path, "");
        texts(file.split("  proxyOptions").next().unwrap())
    };
    sync(&file("/one"), &simulator, &ledger).await;
    let proxy = json!({
        "host": "proxy.example.com", "username": "immuta", "password": "by-hand",
    });
    drift(&simulator, "/proxyOptions", proxy);
    let ran = sync(&file("/two"), &simulator, &ledger).await;
    is_blocked(&ran, &simulator, "may");
}

#[tokio::test(start_paused = true)]
async fn changed_sign_that_the_update_keeps_blocks_it() {
    let (simulator, ledger) = (Simulator::default(), MemoryLedger::default());
    sync(&texts(lake("/one", "")), &simulator, &ledger).await;
    drift(&simulator, "/proxyOptions/username", json!("theirs"));
    drift(&simulator, "/proxyOptions/password", json!("by-hand"));
    simulator.clear_log();
    let file = texts(lake("/two", ""));
    let run = Run::of(&file, &simulator).remembering(&ledger);
    let ran = run.on_drift(OnDrift::Report).sync().await;
    is_blocked(&ran, &simulator, "may");
}

#[tokio::test(start_paused = true)]
async fn own_secret_removed_from_the_file_is_shown_as_removed() {
    for removed in ["", NONE] {
        let (simulator, ledger) = (Simulator::default(), MemoryLedger::default());
        sync(&texts(lake("/one", GIVEN)), &simulator, &ledger).await;
        assert_eq!(stored_proxy(&simulator)["password"], SECRET);
        let ran = sync(&texts(lake("/one", removed)), &simulator, &ledger).await;
        let line = GONE;
        assert!(told(&ran).contains(line), "{}", told(&ran));
        sent(&ran, &simulator);
        assert_eq!(stored_proxy(&simulator).get("password"), None);
        let ran = sync(&texts(lake("/two", "")), &simulator, &ledger).await;
        sent(&ran, &simulator);
    }
}

#[tokio::test(start_paused = true)]
async fn null_after_a_reference_that_was_never_sent_is_no_change() {
    let (simulator, ledger) = (by_hand(StoredSecrets::Omit), MemoryLedger::default());
    sync(&texts(lake("/one", GIVEN)), &simulator, &ledger).await;
    assert_eq!(write_lines(&simulator), [""; 0]);
    let ran = sync(&texts(lake("/one", NONE)), &simulator, &ledger).await;
    assert_eq!(write_lines(&simulator), [""; 0], "{}", told(&ran));
    assert_eq!(stored_proxy(&simulator)["password"], "by-hand");
    // Without the null, the reason to know it is gone again.
    let ran = sync(&texts(lake("/two", "")), &simulator, &ledger).await;
    is_blocked(&ran, &simulator, "may");
}

#[tokio::test(start_paused = true)]
async fn sign_that_appears_before_the_write_stops_it() {
    let (simulator, ledger) = (Simulator::default(), MemoryLedger::default());
    let file = |path: &str| {
        let file = lake(path, "");
        texts(file.split("  proxyOptions").next().unwrap())
    };
    sync(&file("/one"), &simulator, &ledger).await;
    simulator.clear_log();
    let second = file("/two");
    let run = Run::of(&second, &simulator).remembering(&ledger);
    let run = run.meanwhile(|_| {
        drift(&simulator, "/proxyOptions/username", json!("theirs"));
        drift(&simulator, "/proxyOptions/password", json!("by-hand"));
    });
    let ran = run.sync().await;
    let failure = "the update may now drop these stored secrets: proxyOptions/password";
    assert!(told(&ran).contains(failure), "{}", told(&ran));
    assert_eq!(write_lines(&simulator), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn interrupted_update_counts_as_an_own_write() {
    let (simulator, ledger) = (by_hand(StoredSecrets::Omit), MemoryLedger::default());
    let before = MemoryLedger::default();
    sync(&texts(lake("/two", NONE)), &simulator, &before).await;
    let record = done(before.read()).unwrap().records["lake"].clone();
    // As if the process had ended before it recorded the outcome.
    let intent = Intent {
        type_name: record.type_name,
        write: IntendedWrite::Update { id: record.id },
        state: record.state,
        at: record.at,
    };
    done(ledger.begin("lake", &intent)).unwrap();
    sync(&texts(lake("/two", "")), &simulator, &ledger).await;
    let ran = sync(&texts(lake("/three", "")), &simulator, &ledger).await;
    sent(&ran, &simulator);
}

#[tokio::test(start_paused = true)]
async fn record_of_an_earlier_version_counts_for_nothing() {
    let (simulator, ledger) = (by_hand(StoredSecrets::Omit), MemoryLedger::default());
    let own = MemoryLedger::default();
    sync(&texts(lake("/one", "")), &Simulator::default(), &own).await;
    let mut record = done(own.read()).unwrap().records["lake"].clone();
    assert!(!record.state.applied.withheld.is_empty());
    record.state.applied.withheld.clear();
    done(ledger.confirm("lake", &record)).unwrap();
    let ran = sync(&texts(lake("/two", "")), &simulator, &ledger).await;
    is_blocked(&ran, &simulator, "may");
}

/// Runs a command on a tenant with a lake that was set up by hand.
struct World {
    tenant: Tenant,
    files: Files,
    state: TempDir,
}

impl World {
    fn new(file: &str) -> Self {
        let tenant = Tenant::empty();
        let seed = by_hand(StoredSecrets::Omit).state()[0].clone();
        let config = seed["config"].clone();
        tenant
            .simulator
            .seed(Seed::new("Databricks", Some(false), Some(config)));
        Self {
            tenant,
            files: Files::none().with("lake.yaml", file),
            state: TempDir::new().unwrap(),
        }
    }

    fn run(&self, args: &[&str]) -> crate::common::Ran {
        let mut run = Integrationd::new([args[0], "--state"]).arg(self.state.path());
        for arg in &args[1..] {
            run = run.arg(arg);
        }
        let run = if args[0] == "adopt" {
            run.arg("--dir")
        } else {
            run
        };
        let run = run.with(&self.files).on(&self.tenant);
        run.env("TOKEN", "CANARY-TOKEN").env("PROXY", SECRET).run()
    }
}

#[test]
fn adoption_is_no_own_write() {
    for secrets in ["assume", "send"] {
        let world = World::new(&lake("/one", ""));
        world
            .run(&["adopt", "lake", "--secrets", secrets])
            .exits_with(0);
        world.files.change("lake.yaml", "/one", "/two");
        let ran = world.run(&["sync", "--yes"]).exits_with(1);
        let line = "an update may drop stored secrets that are not in the file";
        assert!(ran.stdout.contains(line), "{}", ran.stdout);
        assert_eq!(world.tenant.writes(), [""; 0]);
        world.files.change(
            "lake.yaml",
            "username: immuta\n",
            "username: immuta\n    password: null\n",
        );
        world.run(&["sync", "--yes"]).exits_with(0);
        assert_eq!(world.tenant.writes(), ["PUT /integrations/1"]);
    }
}

#[test]
fn exported_file_has_a_reference_for_each_possible_secret() {
    let world = World::new("type: Trino\n");
    std::fs::remove_file(world.files.path().join("lake.yaml")).unwrap();
    world.run(&["export"]).exits_with(0);
    let name = "databricks-lake.yaml";
    let text = std::fs::read_to_string(world.files.path().join(name)).unwrap();
    let line = "    password: ${env:DATABRICKS_LAKE_PROXY_OPTIONS_PASSWORD}  # The password of \
                the proxy user. Write null if the integration has none.\n";
    assert!(text.contains(line), "{text}");
    let ran = world.run(&["sync", "--dry-run", "--detailed-exitcode"]);
    ran.exits_with(0);

    // Without the line, an update is blocked.
    world.files.change(name, line, "");
    world.files.change(name, "/one", "/two");
    let token = "${env:DATABRICKS_LAKE_TOKEN}";
    world.files.change(name, token, "${env:TOKEN}");
    let ran = world.run(&["sync", "--yes"]).exits_with(1);
    assert!(
        ran.stdout.contains("may drop stored secrets"),
        "{}",
        ran.stdout
    );
    assert_eq!(world.tenant.writes(), [""; 0]);
    world.files.change(
        name,
        "username: immuta\n",
        "username: immuta\n    password: null\n",
    );
    // An overwritten file keeps the null.
    world
        .run(&["export", "--overwrite", "databricks-lake"])
        .exits_with(0);
    let text = std::fs::read_to_string(world.files.path().join(name)).unwrap();
    assert!(
        text.contains("    password: null  # The password"),
        "{text}"
    );
    let ran = Integrationd::new(["render"]).with(&world.files).run();
    let ran = ran.exits_with(0);
    assert!(
        ran.stdout.contains("    password: null\n"),
        "{}",
        ran.stdout
    );
}

#[test]
fn only_a_stored_secret_that_is_not_required_can_be_null() {
    let none = |from: &str, to: &str| {
        let file = lake("/one", NONE).replace(from, to);
        texts(file).diagnostics()
    };
    assert_eq!(none("", ""), "");
    assert_eq!(none("password: null", "password: ~"), "");
    // A template may have failed to fill it in.
    let empty = none("password: null", "password:");
    assert!(
        empty.contains("E0307") && empty.contains("or write `null`"),
        "{empty}"
    );
    let token = none("token: ${env:TOKEN}", "token: null");
    assert!(token.contains("E0306"), "{token}");
    let user = none("username: immuta", "username: null");
    assert!(user.contains("E0307"), "{user}");
    // An automatic setup does not store its credentials.
    let automatic = "type: Snowflake\nautoBootstrap: true\nconfig: {host: a.example.com, \
        warehouse: W, database: D, authenticationType: keyPair, username: u, role: r, \
        privateKeyPassword: null}\n";
    let told = Texts::none().file("a.yaml", automatic).diagnostics();
    assert!(told.contains("E0307"), "{told}");
}
