//! Stored secrets that are sent on purpose. The server never returns them, and without a
//! record of what was sent, the tool cannot know if the server has those of the files.

use integrationd::ledger::MemoryLedger;
use integrationd::plan::Resend;
use integrationd::simulator::{Seed, SimulatedDrift, Simulator};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::{Files, Integrationd, Ran as Printed, Tenant, eventually};
use crate::in_process::{Ran, Run, write_lines};
use crate::texts::Texts;
use crate::web::Served;

const LAKE: &str = "type: Databricks\nautoBootstrap: false\nconfig:\n  \
    workspaceUrl: lake.example.com\n  httpPath: /one\n  authenticationType: token\n  \
    token: ${env:LAKE_TOKEN}\n";

/// Integrations made by hand: the lake has a stored secret, and Trino has none.
fn by_hand() -> Vec<Seed> {
    let lake = json!({
        "workspaceUrl": "lake.example.com", "httpPath": "/one",
        "authenticationType": "token", "token": "of-yesterday",
    });
    vec![
        Seed::new("Databricks", Some(false), Some(lake)),
        Seed::new("Trino", None, None),
    ]
}

fn tenant() -> Simulator {
    let simulator = Simulator::default();
    for seed in by_hand() {
        simulator.seed(seed);
    }
    simulator
}

fn texts() -> Texts {
    Texts::none()
        .file("lake.yaml", LAKE)
        .file("starburst.yaml", "type: Trino\n")
        .secret("LAKE_TOKEN", "of-today")
}

fn named(name: &str) -> Resend {
    Resend {
        names: [name.to_owned()].into(),
        ..Resend::default()
    }
}

fn all() -> Resend {
    Resend {
        all: true,
        ..Resend::default()
    }
}

async fn sync(simulator: &Simulator, journal: &MemoryLedger, resend: Resend) -> Ran {
    simulator.clear_log();
    let texts = texts();
    let run = Run::of(&texts, simulator).remembering(journal);
    run.with(|request| request.resend = resend).sync().await
}

fn told(ran: &Ran) -> String {
    anstream::adapter::strip_str(&ran.shown()).to_string()
}

fn token(simulator: &Simulator) -> Value {
    let log = simulator.log();
    let body = log.iter().rev().find_map(|entry| entry.body.clone());
    body.unwrap()["config"]["token"].clone()
}

#[tokio::test(start_paused = true)]
async fn a_rotated_secret_that_nothing_shows_is_sent_on_purpose() {
    let (simulator, journal) = (tenant(), MemoryLedger::default());
    let ran = sync(&simulator, &journal, Resend::default()).await;
    assert_eq!(write_lines(&simulator), [""; 0]);
    assert_eq!(ran.exit_code(), 0);
    insta::assert_snapshot!(told(&ran), @"
    No changes. Not everything in the simulated tenant was compared.
    Plan: 2 unchanged.
    Not compared: 1 secret of 1 integration. The server never returns secrets.
     help: send them with `integrationd sync --resend-secrets lake`; or, if the server already has them, run `integrationd adopt lake --secrets assume`
    ");
    let not_compared = json!([{ "integration": "lake", "paths": ["token"] }]);
    assert_eq!(ran.json()["secrets_not_compared"], not_compared);

    let ran = sync(&simulator, &journal, named("lake")).await;
    insta::assert_snapshot!(told(&ran), @"
      # lake will be updated  lake.yaml:1
      ~ Databricks Unity Catalog (id 1)
          ~ token = (secret) -> (secret)  # resend: the server may have a different secret
          before this, run the script of: integrationd script lake

    Plan: 1 to update, 1 unchanged.

    Applied: 1 updated.
    Verified: a second plan has no changes.
    ");
    assert_eq!(write_lines(&simulator), ["PUT /integrations/1"]);
    assert_eq!(token(&simulator), "of-today");
    assert_eq!(ran.json()["secrets_not_compared"], json!([]));
    ran.shows_none_of(["of-today", "of-yesterday"]);

    let ran = sync(&simulator, &journal, Resend::default()).await;
    assert_eq!(write_lines(&simulator), [""; 0]);
    assert!(told(&ran).contains("matches the files"), "{}", told(&ran));
}

#[tokio::test(start_paused = true)]
async fn a_known_secret_is_sent_again_once_a_run() {
    let (simulator, journal) = (tenant(), MemoryLedger::default());
    sync(&simulator, &journal, all()).await;
    for resend in [named("lake"), all()] {
        let ran = sync(&simulator, &journal, resend).await;
        assert_eq!(write_lines(&simulator), ["PUT /integrations/1"]);
        assert!(ran.is_proved() && ran.exit_code() == 0, "{}", told(&ran));
        let actions = &ran.json()["plan"]["actions"];
        assert_eq!(actions[0]["changes"][0]["kind"], "resend", "{actions}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_resend_and_a_drift_are_one_update() {
    let (simulator, journal) = (tenant(), MemoryLedger::default());
    sync(&simulator, &journal, all()).await;
    let drift = SimulatedDrift::value(1, "/httpPath", json!("/by-hand"));
    simulator.drift(drift).unwrap();
    let ran = sync(&simulator, &journal, all()).await;
    assert_eq!(write_lines(&simulator), ["PUT /integrations/1"]);
    let changes = &ran.json()["plan"]["actions"][0]["changes"];
    let kinds = [&changes[0]["kind"], &changes[1]["kind"]];
    assert_eq!(kinds, ["drift", "resend"], "{changes}");
    assert!(ran.is_proved(), "{}", told(&ran));
}

#[tokio::test(start_paused = true)]
async fn name_without_a_stored_secret_is_reported() {
    let (simulator, journal) = (tenant(), MemoryLedger::default());
    let ran = sync(&simulator, &journal, named("starburst")).await;
    assert_eq!(write_lines(&simulator), [""; 0]);
    assert_eq!(ran.exit_code(), 0);
    let note = "no secret is resent: the server stores no secret for this integration";
    assert!(told(&ran).contains(note), "{}", told(&ran));
    let ran = sync(&simulator, &journal, all()).await;
    assert!(!told(&ran).contains(note), "{}", told(&ran));
    assert_eq!(write_lines(&simulator), ["PUT /integrations/1"]);
}

#[tokio::test(start_paused = true)]
async fn a_secret_in_sync_extra_is_sent_too() {
    let (simulator, journal) = (tenant(), MemoryLedger::default());
    let texts = texts().file(
        "lake.yaml",
        format!("{LAKE}sync: {{extra: {{newer: \"${{env:LAKE_TOKEN}}\"}}}}\n"),
    );
    let run = Run::of(&texts, &simulator).remembering(&journal);
    let ran = run.with(|request| request.resend = all()).dry_run().await;
    let changes = &ran.json()["plan"]["actions"][0]["changes"];
    assert_eq!(changes[1]["path"], "newer", "{changes}");
    assert_eq!(changes[1]["kind"], "resend", "{changes}");
}

struct World {
    tenant: Tenant,
    files: Files,
    state: TempDir,
}

impl World {
    fn new() -> Self {
        let tenant = Tenant::empty();
        for seed in by_hand() {
            tenant.simulator.seed(seed);
        }
        let files = Files::none().with("lake.yaml", LAKE);
        files.write("starburst.yaml", "type: Trino\n");
        Self {
            tenant,
            files,
            state: TempDir::new().unwrap(),
        }
    }

    fn run(&self, args: &[&str], token: Option<&str>) -> Printed {
        let run = Integrationd::new([args[0], "--state"]).arg(self.state.path());
        let run = args[1..].iter().fold(run, Integrationd::arg);
        let run = if args[0] == "adopt" {
            run.arg("--dir")
        } else {
            run
        };
        let run = run.with(&self.files).on(&self.tenant);
        match token {
            Some(token) => run.env("LAKE_TOKEN", token).run(),
            None => run.run(),
        }
    }

    fn sync(&self, token: &str) -> Printed {
        self.run(&["sync", "--yes"], Some(token)).exits_with(0)
    }
}

#[test]
fn a_name_that_nothing_has_or_that_is_left_out_is_an_error() {
    let world = World::new();
    let ran = world.run(&["sync", "--resend-secrets", "sea"], Some("t"));
    let ran = ran.exits_with(64);
    assert!(
        ran.stderr.contains("no integration is named sea"),
        "{}",
        ran.stderr
    );
    let args = ["sync", "--resend-secrets", "lake", "--exclude", "lake"];
    let ran = world.run(&args, Some("t")).exits_with(64);
    let what = "the secrets of lake cannot be sent: the integration is not selected";
    assert!(ran.stderr.contains(what), "{}", ran.stderr);
}

#[test]
fn a_resend_counts_for_the_guard_as_a_change() {
    let world = World::new();
    let args = [
        "sync",
        "--yes",
        "--resend-secrets",
        "*",
        "--max-changes",
        "0",
    ];
    let ran = world.run(&args, Some("t")).exits_with(4);
    assert!(ran.stdout.contains("--max-changes 1"), "{}", ran.stdout);
    assert_eq!(world.tenant.writes(), [""; 0]);
    let args = [
        "sync",
        "--dry-run",
        "--detailed-exitcode",
        "--resend-secrets",
        "*",
    ];
    world.run(&args, Some("t")).exits_with(2);
}

#[test]
fn without_a_word_an_adopted_secret_is_not_compared() {
    let world = World::new();
    world.run(&["adopt", "--all"], None).exits_with(0);
    let ran = world.sync("of-today");
    assert!(ran.stdout.contains("was compared"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("matches the files"), "{}", ran.stdout);
    assert_eq!(world.tenant.writes(), [""; 0]);
}

#[test]
fn an_adopted_secret_that_is_assumed_is_compared_from_then_on() {
    let world = World::new();
    let args = ["adopt", "lake", "--secrets", "assume"];
    let ran = world.run(&args, Some("of-yesterday")).exits_with(0);
    insta::assert_snapshot!(ran.stdout, @"
      ✓ lake (id 1) adopted; 1 stored secret recorded as applied
    Adopted 1 integration; nothing was sent to the tenant.
    ");
    let ran = world.sync("of-yesterday");
    assert!(ran.stdout.contains("matches the files"), "{}", ran.stdout);
    assert_eq!(world.tenant.writes(), [""; 0]);
    let ran = world.sync("of-today");
    assert!(ran.stdout.contains("rotation"), "{}", ran.stdout);
    assert_eq!(world.tenant.writes(), ["PUT /integrations/1"]);
}

#[test]
fn adopted_secret_is_sent_by_the_next_sync_on_request() {
    let world = World::new();
    world.run(&["adopt", "lake"], None).exits_with(0);
    // Also of what is its own already.
    let ran = world.run(&["adopt", "lake", "--secrets", "send"], None);
    insta::assert_snapshot!(ran.exits_with(0).stdout, @"
      ✓ lake is already owned by integrationd; the next sync sends 1 stored secret
    Adopted 0 integrations; nothing was sent to the tenant.
    ");
    let ran = world.run(&["sync", "--dry-run"], None).exits_with(0);
    assert!(ran.stdout.contains("resend"), "{}", ran.stdout);
    assert_eq!(world.tenant.writes(), [""; 0]);
    let ran = world.sync("of-today");
    assert!(ran.stdout.contains("Verified:"), "{}", ran.stdout);
    let ran = world.sync("of-today");
    assert!(ran.stdout.contains("matches the files"), "{}", ran.stdout);
    assert_eq!(world.tenant.writes(), ["PUT /integrations/1"]);
}

#[test]
fn a_secret_that_is_missing_cannot_be_assumed() {
    let world = World::new();
    for args in [&["lake"][..], &["--all"]] {
        let args = [&["adopt", "--secrets", "assume"], args].concat();
        let ran = world.run(&args, None).exits_with(1);
        assert!(ran.stdout.contains("LAKE_TOKEN"), "{}", ran.stdout);
    }
    let ran = world.run(&["adopt", "lake"], None).exits_with(0);
    assert!(ran.stdout.contains("adopted"), "{}", ran.stdout);
}

#[test]
fn json_names_the_secrets_that_were_not_compared() {
    let world = World::new();
    let not_compared = json!([{ "integration": "lake", "paths": ["token"] }]);
    for args in [
        &["sync", "--dry-run", "-o", "json"][..],
        &["sync", "--yes", "-o", "json"],
    ] {
        let ran = world.run(args, Some("of-today")).exits_with(0);
        assert_eq!(ran.json()["secrets_not_compared"], not_compared, "{args:?}");
        assert!(!ran.all().contains("matches the files"), "{}", ran.all());
    }
    assert_eq!(world.tenant.writes(), [""; 0]);
    let args = ["sync", "--yes", "--resend-secrets=lake", "-o", "json"];
    let ran = world.run(&args, Some("of-today")).exits_with(0);
    assert_eq!(ran.json()["secrets_not_compared"], json!([]));
    assert_eq!(world.tenant.writes(), ["PUT /integrations/1"]);
}

#[test]
fn a_daemon_says_what_it_could_not_compare() {
    let world = World::new();
    let daemon = Integrationd::new(["daemon", "--listen=127.0.0.1:0", "--state"])
        .arg(world.state.path())
        .on(&world.tenant)
        .with(&world.files)
        .env("LAKE_TOKEN", "of-today")
        .start();
    daemon.prints("2 unchanged; 1 secret of 1 integration not compared");
    let served = Served::of(daemon);
    eventually("it is ready", || served.get("/readyz").code == 200);
    let status = served.status();
    let not_compared = json!([{ "integration": "lake", "paths": ["token"] }]);
    assert_eq!(status["seen"]["secrets_not_compared"], not_compared);
    assert_eq!(served.row("lake")["secrets_not_compared"], json!(["token"]));
    let summary = status["summary"].as_str().unwrap();
    assert!(
        summary.contains("1 secret of 1 integration not compared"),
        "{summary}"
    );
    let page = served.get("/").body;
    let line = "Secrets not compared: <code>token</code>. <code>integrationd sync \
        --resend-secrets lake</code> sends them.";
    assert!(page.contains(line), "{page}");
    for text in [page, status.to_string(), served.daemon.printed()] {
        assert!(!text.contains("matches the files"), "{text}");
    }
    served.end();
    assert_eq!(world.tenant.writes(), [""; 0]);
}
