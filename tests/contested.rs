//! Values that someone else keeps reverting: repaired three times within a day, and then not
//! until a file changes or an operator triggers a run.

use std::cell::Cell;
use std::io::Read;
use std::os::unix::net::UnixStream;

use integrationd::apply::Clock;
use integrationd::ledger::MemoryLedger;
use integrationd::plan::Operator;
use integrationd::simulator::{SimulatedDrift, Simulator, SimulatorOptions};
use jiff::{SignedDuration, Timestamp};
use rexpect::process::WaitStatus;
use rexpect::session::spawn_command;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::{Files, Integrationd, Running, Tenant, eventually};
use crate::forge::{HEARD, PUSH, SECRET, github};
use crate::in_process::{Ran, Run, write_lines};
use crate::stub::Stub;
use crate::texts::Texts;
use crate::web::{Served, TOKEN, address};

thread_local! {
    static HOURS: Cell<i64> = const { Cell::new(0) };
}

fn now() -> Timestamp {
    let beginning: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
    beginning + SignedDuration::from_hours(HOURS.get())
}

fn wait(hours: i64) {
    HOURS.set(HOURS.get() + hours);
}

fn file(path: &str, more: &str) -> String {
    format!(
        "type: Databricks\nautoBootstrap: false\nconfig:\n  workspaceUrl: lake.example.com\n  \
         httpPath: {path}\n  authenticationType: token\n  token: ${{env:TOKEN}}\n  \
         catalog: main\n{more}"
    )
}

fn lake(path: &str) -> Texts {
    Texts::none()
        .file("lake.yaml", file(path, ""))
        .secret("TOKEN", "t0ken")
}

struct Tug {
    simulator: Simulator,
    journal: MemoryLedger,
    edits: Cell<u32>,
}

impl Tug {
    async fn begun(texts: &Texts) -> Self {
        HOURS.set(0);
        let tug = Self {
            simulator: Simulator::default(),
            journal: MemoryLedger::default(),
            edits: Cell::new(0),
        };
        assert!(tug.sync(texts, &Operator::Absent).await.is_proved());
        tug
    }

    /// An edit by someone else, each time to another value.
    fn edit(&self, path: &str) {
        self.edits.set(self.edits.get() + 1);
        let value = json!(format!("/edit-{}", self.edits.get()));
        self.simulator
            .drift(SimulatedDrift::value(1, path, value))
            .unwrap();
    }

    async fn sync(&self, texts: &Texts, operator: &Operator) -> Ran {
        self.simulator.clear_log();
        Run::of(texts, &self.simulator)
            .remembering(&self.journal)
            .with(|request| {
                request.operator = operator.clone();
                request.apply.clock = Clock::new(now);
            })
            .sync()
            .await
    }

    /// Makes an edit, waits an hour and runs without an operator; true if the run wrote.
    async fn round(&self, texts: &Texts, path: &str) -> bool {
        self.edit(path);
        wait(1);
        self.writes(texts, &Operator::Absent).await
    }

    async fn writes(&self, texts: &Texts, operator: &Operator) -> bool {
        let ran = self.sync(texts, operator).await;
        let writes = write_lines(&self.simulator);
        assert!(writes.len() < 2, "{}", ran.shown());
        !writes.is_empty()
    }

    /// Until it is contested.
    async fn contested(texts: &Texts) -> Self {
        let tug = Self::begun(texts).await;
        for _ in 0..3 {
            assert!(tug.round(texts, "/httpPath").await);
        }
        assert!(!tug.round(texts, "/httpPath").await);
        tug
    }
}

fn told(ran: &Ran) -> String {
    anstream::adapter::strip_str(&ran.shown()).to_string()
}

#[tokio::test(start_paused = true)]
async fn the_fourth_drift_within_a_day_is_left() {
    let texts = lake("/one");
    let tug = Tug::contested(&texts).await;
    let ran = tug.sync(&texts, &Operator::Absent).await;
    assert_eq!(ran.exit_code(), 1);
    insta::assert_snapshot!(told(&ran), @"
      # lake is blocked  lake.yaml:1
      ! Databricks Unity Catalog
          someone else keeps changing httpPath, which was repaired 3 times within one day: at 2026-11-22T13:00:00Z, 2026-11-22T14:00:00Z and 2026-11-22T15:00:00Z
          help: find out who or what changes the value, such as another installation of integrationd; then run `systemctl reload integrationd` or `integrationd sync --only lake` to repair the integration and reset the count; until then, integrationd writes to it only if its file or a secret changes

    Plan: 1 blocked.
    ");
    assert_eq!(ran.json()["plan"]["actions"][0]["code"], "Contested");
}

#[tokio::test(start_paused = true)]
async fn suspension_by_an_operator_holds_for_what_is_contested() {
    use integrationd::ledger::Suspensions;
    let tug = Tug::contested(&lake("/one")).await;
    let mut suspended = Suspensions::default();
    let suspend = integrationd::manifest::Suspend {
        reason: "r".to_owned(),
        until: None,
    };
    suspended.suspend(&["lake".to_owned()], &suspend);
    let texts = lake("/one");
    let run = Run::of(&texts, &tug.simulator).remembering(&tug.journal);
    let ran = run
        .with(|request| request.suspended = suspended)
        .sync()
        .await;
    assert_eq!(ran.exit_code(), 0, "{}", ran.shown());
    assert!(
        ran.shown().contains("would be blocked but is suspended"),
        "{}",
        ran.shown()
    );
}

#[tokio::test(start_paused = true)]
async fn a_contested_value_is_not_repaired_as_time_passes() {
    let texts = lake("/one");
    let tug = Tug::contested(&texts).await;
    for hours in [1, 25, 1000] {
        wait(hours);
        assert!(!tug.writes(&texts, &Operator::Absent).await, "{hours}");
        assert!(!tug.round(&texts, "/httpPath").await, "{hours}");
    }
}

#[tokio::test(start_paused = true)]
async fn repairs_that_are_spread_over_days_do_not_count() {
    let texts = lake("/one");
    let tug = Tug::begun(&texts).await;
    for _ in 0..8 {
        wait(9);
        assert!(tug.round(&texts, "/httpPath").await);
    }
}

#[tokio::test(start_paused = true)]
async fn each_attribute_is_counted_by_itself() {
    let texts = lake("/one");
    let tug = Tug::begun(&texts).await;
    for path in [
        "/httpPath",
        "/catalog",
        "/httpPath",
        "/catalog",
        "/httpPath",
    ] {
        assert!(tug.round(&texts, path).await, "{path}");
    }
    assert!(tug.round(&texts, "/catalog").await);
    assert!(!tug.round(&texts, "/catalog").await);
}

#[tokio::test(start_paused = true)]
async fn another_file_or_secret_is_sent_and_counts_anew() {
    let before = lake("/one");
    for changed in [lake("/two"), lake("/one").secret("TOKEN", "another")] {
        let tug = Tug::contested(&before).await;
        assert!(tug.writes(&changed, &Operator::Absent).await);
        assert!(tug.writes(&before, &Operator::Absent).await);
        for _ in 0..3 {
            assert!(tug.round(&before, "/httpPath").await);
        }
        assert!(!tug.round(&before, "/httpPath").await);
    }
}

#[tokio::test(start_paused = true)]
async fn an_operator_has_it_repaired_and_counts_anew() {
    let texts = lake("/one");
    let named = |name: &str| Operator::Names([name.to_owned()].into());
    let tug = Tug::contested(&texts).await;
    assert!(!tug.writes(&texts, &named("sea")).await);
    for operator in [Operator::Present, named("lake")] {
        assert!(tug.writes(&texts, &operator).await);
        for _ in 0..3 {
            assert!(tug.round(&texts, "/httpPath").await);
        }
        assert!(!tug.round(&texts, "/httpPath").await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_day_of_peace_is_forgotten_and_an_hour_is_not() {
    let texts = lake("/one");
    for (hours, writes) in [(1, false), (25, true)] {
        let tug = Tug::contested(&texts).await;
        let back = SimulatedDrift::value(1, "/httpPath", json!("/one"));
        tug.simulator.drift(back).unwrap();
        wait(hours);
        let ran = tug.sync(&texts, &Operator::Absent).await;
        assert!(ran.is_in_sync() && ran.exit_code() == 0, "{}", told(&ran));
        assert_eq!(tug.round(&texts, "/httpPath").await, writes, "{hours}");
    }
}

#[tokio::test(start_paused = true)]
async fn two_installations_on_one_tenant_stop_writing() {
    HOURS.set(0);
    let simulator = Simulator::default();
    let sides = [lake("/one"), lake("/two")].map(|texts| (texts, MemoryLedger::default()));
    let mut writes = Vec::new();
    for _ in 0..12 {
        wait(1);
        for (texts, journal) in &sides {
            simulator.clear_log();
            let run = Run::of(texts, &simulator).remembering(journal);
            let run = run.with(|request| request.apply.clock = Clock::new(now));
            run.sync().await;
            writes.push(write_lines(&simulator).len());
        }
    }
    // The create or the first update, and three repairs, of each.
    assert_eq!(writes.iter().sum::<usize>(), 8, "{writes:?}");
    assert_eq!(writes[8..], [0; 16]);
}

#[tokio::test(start_paused = true)]
async fn an_attribute_of_sync_extra_is_counted_too() {
    let texts = lake("/one").file("lake.yaml", file("/one", "sync: {extra: {newer: small}}\n"));
    HOURS.set(0);
    let simulator = Simulator::new(SimulatorOptions {
        also_known: [("Databricks".to_owned(), vec!["config.newer".to_owned()])].into(),
        ..SimulatorOptions::default()
    });
    let tug = Tug {
        simulator,
        journal: MemoryLedger::default(),
        edits: Cell::new(0),
    };
    assert!(tug.sync(&texts, &Operator::Absent).await.is_proved());
    for _ in 0..3 {
        assert!(tug.round(&texts, "/newer").await);
    }
    assert!(!tug.round(&texts, "/newer").await);
}

/// A tenant that a program synchronizes, as a timer does, until it is contested.
fn contested_on_disk() -> (Tenant, Files, TempDir) {
    let world = (Tenant::empty(), Files::none(), TempDir::new().unwrap());
    world.1.write("lake.yaml", &file("/one", ""));
    sync(&world, &[], 0);
    for code in [0, 0, 0, 1] {
        let drift = SimulatedDrift::value(1, "/httpPath", json!("/by-hand"));
        world.0.simulator.drift(drift).unwrap();
        sync(&world, &[], code);
    }
    world.0.simulator.clear_log();
    world
}

fn sync((tenant, files, state): &(Tenant, Files, TempDir), args: &[&str], code: i32) {
    let run = Integrationd::new(["sync", "--yes", "--state"]).arg(state.path());
    let run = args.iter().fold(run, Integrationd::arg);
    let run = run.on(tenant).with(files).env("TOKEN", "t0ken");
    run.run().exits_with(code);
}

#[test]
fn a_sync_without_a_terminal_repairs_only_what_it_names() {
    let world = contested_on_disk();
    sync(&world, &[], 1);
    assert_eq!(world.0.writes(), [""; 0]);
    sync(&world, &["--only", "lake"], 0);
    assert_eq!(world.0.writes(), ["PUT /integrations/1"]);
}

/// A daemon on a contested tenant, after the runs of its start and of its interval.
fn daemon((tenant, files, state): &(Tenant, Files, TempDir), args: &[&str]) -> Running {
    let run = Integrationd::new(["daemon", "--debounce=50ms", "--interval=1s", "--state"]);
    let run = args.iter().fold(run.arg(state.path()), Integrationd::arg);
    let run = run.on(tenant).with(files).env("TOKEN", "t0ken");
    let daemon = run.env("INTEGRATIOND_LISTEN_TOKEN", TOKEN).start();
    eventually("two runs", || runs(tenant) >= 2);
    assert_eq!(tenant.writes(), [""; 0]);
    daemon
}

/// Runs of a daemon on a tenant: each reads the list.
fn runs(tenant: &Tenant) -> usize {
    let requests = tenant.requests();
    let lists = requests.iter().filter(|line| *line == "GET /integrations");
    lists.count()
}

fn repairs_it(world: &(Tenant, Files, TempDir), daemon: Running) {
    let is_repaired = || world.0.writes() == ["PUT /integrations/1"];
    eventually("the repair", is_repaired);
    daemon.signal("TERM");
    daemon.wait().exits_with(0);
}

#[test]
fn daemon_retries_it_after_a_hangup_alone() {
    let world = contested_on_disk();
    let daemon = daemon(&world, &["--listen=none"]);
    daemon.signal("HUP");
    repairs_it(&world, daemon);
}

#[test]
fn daemon_retries_it_after_a_click_on_sync_now_alone() {
    let world = contested_on_disk();
    let served = Served::of(daemon(&world, &["--listen=127.0.0.1:0"]));
    let login = served.ask("POST", "/login", &[], &format!("token={TOKEN}"));
    let cookie = [("cookie", login.cookie())];
    let page = served.ask("GET", "/", &cookie, "");
    assert!(page.body.contains("Sync now"), "{}", page.body);
    let form = format!("csrf={}", page.csrf());
    assert_eq!(served.ask("POST", "/sync", &cookie, &form).code, 303);
    repairs_it(&world, served.daemon);
}

#[test]
fn daemon_retries_it_after_a_request_over_the_socket_alone() {
    let world = contested_on_disk();
    let place = TempDir::new().unwrap();
    let socket = place.path().join("s.sock");
    let arg = format!("--socket={}", socket.display());
    let daemon = daemon(&world, &["--listen=none", &arg]);
    let mut stream = UnixStream::connect(&socket).unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    assert!(said.contains("1 updated"), "{said}");
    repairs_it(&world, daemon);
}

#[test]
fn daemon_retries_it_after_a_change_of_its_file_alone() {
    let world = contested_on_disk();
    let daemon = daemon(&world, &["--listen=none"]);
    world.1.change("lake.yaml", "/one", "/two");
    repairs_it(&world, daemon);
}

#[test]
fn a_webhook_and_another_file_are_no_operator() {
    let world = contested_on_disk();
    std::fs::write(world.2.path().join("webhook"), SECRET).unwrap();
    let secret = format!(
        "--webhook-secret-file={}",
        world.2.path().join("webhook").display()
    );
    let daemon = daemon(
        &world,
        &[
            "--listen=none",
            "--webhook-listen=127.0.0.1:0",
            "--webhook-branch=master",
            &secret,
        ],
    );
    let before = runs(&world.0);
    let answer = github(address(&daemon, HEARD), "push", PUSH);
    assert_eq!((answer.code, &*answer.body), (202, "run triggered\n"));
    eventually("two runs more", || runs(&world.0) >= before + 2);
    assert_eq!(world.0.writes(), [""; 0]);
    world.1.write("other.yaml", "type: Trino\n");
    let is_created = || world.0.writes() == ["POST /integrations"];
    eventually("the other file", is_created);
    let before = runs(&world.0);
    eventually("two runs more", || runs(&world.0) >= before + 2);
    assert!(is_created());
    daemon.signal("TERM");
    daemon.wait().exits_with(0);
}

#[test]
fn a_sync_at_a_terminal_repairs_it() {
    for args in [&["--yes"][..], &[]] {
        let (tenant, files, state) = contested_on_disk();
        let run = Integrationd::new(["sync", "--state"]).arg(state.path());
        let run = args.iter().fold(run, Integrationd::arg);
        let run = run.on(&tenant).with(&files).env("TOKEN", "t0ken");
        let (command, _state) = run.into_command();
        let mut session = spawn_command(command, Some(60_000)).unwrap();
        if args.is_empty() {
            session.exp_string("Only `yes` is accepted: ").unwrap();
            session.send_line("yes").unwrap();
        }
        let said = session.exp_eof().unwrap();
        let status = session.process().wait().unwrap();
        assert!(matches!(status, WaitStatus::Exited(_, 0)), "{said}");
        assert_eq!(tenant.writes(), ["PUT /integrations/1"], "{args:?}");
    }
}

#[test]
fn a_daemon_reports_it_once_with_its_attribute_and_times() {
    let world = contested_on_disk();
    let stub = Stub::start(|_| (204, String::new()));
    std::fs::write(world.2.path().join("url"), &stub.url).unwrap();
    let url = world.2.path().join("url");
    let url = format!("--notify-url-file={}", url.display());
    let served = Served::of(daemon(&world, &["--listen=127.0.0.1:0", &url]));
    let status = served.get_as_bearer("/status").body;
    let status: Value = serde_json::from_str(&status).unwrap();
    let row = &status["seen"]["integrations"][0];
    assert_eq!(
        (&row["name"], &row["state"], &row["reason"]),
        (&json!("lake"), &json!("Stalled"), &json!("Contested"))
    );
    let about = row["about"][0].as_str().unwrap().to_owned();
    let (attribute, times) = about.split_once("which was repaired 3 times").unwrap();
    assert!(attribute.contains("keeps changing httpPath"), "{about}");
    assert_eq!(times.matches('T').count(), 3, "{about}");
    let page = served.get_as_bearer("/").body;
    assert!(
        page.contains("<code class=\"reason\">Contested</code>"),
        "{page}"
    );
    assert!(page.contains(&about), "{page}");
    let before = runs(&world.0);
    eventually("some runs more", || runs(&world.0) >= before + 3);
    served.end();
    let told = stub.requests();
    assert_eq!(told.len(), 1, "{told:?}");
    let body: Value = serde_json::from_str(&told[0].body).unwrap();
    let told = body["notifications"].as_array().unwrap();
    assert_eq!(told.len(), 1, "{body}");
    assert_eq!(
        (&told[0]["integration"], &told[0]["reason"]),
        (&json!("lake"), &json!("Contested"))
    );
    assert!(told[0].to_string().contains(&about), "{body}");
    assert_eq!(told[0]["attributes"], json!(["httpPath"]));
    assert_eq!(world.0.writes(), [""; 0]);
}

#[test]
fn value_that_goes_forth_and_back_is_reported_once() {
    let world = contested_on_disk();
    let stub = Stub::start(|_| (204, String::new()));
    std::fs::write(world.2.path().join("url"), &stub.url).unwrap();
    let url = format!("--notify-url-file={}", world.2.path().join("url").display());
    let served = Served::of(daemon(&world, &["--listen=127.0.0.1:0", &url]));
    let row = || {
        let status = served.get_as_bearer("/status").body;
        let status: Value = serde_json::from_str(&status).unwrap();
        status["seen"]["integrations"][0].clone()
    };
    let told = || {
        let requests = stub.requests().into_iter();
        let bodies = requests.map(|it| serde_json::from_str::<Value>(&it.body).unwrap());
        let told = bodies.flat_map(|it| it["notifications"].as_array().unwrap().clone());
        told.map(|it| it["kind"].clone()).collect::<Vec<_>>()
    };
    for (value, state) in [
        ("/one", "Ready"),
        ("/by-hand", "Stalled"),
        ("/one", "Ready"),
    ] {
        let drift = SimulatedDrift::value(1, "/httpPath", json!(value));
        world.0.simulator.drift(drift).unwrap();
        eventually("it is seen", || row()["state"] == state);
        assert_eq!(row()["contested"], json!(["httpPath"]));
        let before = runs(&world.0);
        eventually("a run more", || runs(&world.0) > before + 1);
    }
    assert_eq!(told().len(), 1, "{:?}", told());
    // The end is reported: another value in the file.
    world.1.change("lake.yaml", "/one", "/two");
    eventually("it is over", || told().len() > 1);
    assert_eq!(told()[1..], ["Recovered"], "{:?}", told());
    assert_eq!(row()["contested"], json!([]));
    served.end();
}

/// The contested values stay the same.
#[test]
fn a_comment_and_another_name_of_the_file_free_nothing() {
    let world = contested_on_disk();
    let text = std::fs::read_to_string(world.1.path().join("lake.yaml")).unwrap();
    world.1.write("lake.yaml", &format!("# a comment\n{text}"));
    sync(&world, &[], 1);
    std::fs::create_dir(world.1.path().join("below")).unwrap();
    let (from, to) = ("lake.yaml", "below/lake.yaml");
    std::fs::rename(world.1.path().join(from), world.1.path().join(to)).unwrap();
    sync(&world, &[], 1);
    assert_eq!(world.0.writes(), [""; 0]);
}

#[test]
fn repairs_before_a_restart_of_the_daemon_count() {
    let world = (Tenant::empty(), Files::none(), TempDir::new().unwrap());
    world.1.write("lake.yaml", &file("/one", ""));
    sync(&world, &[], 0);
    for repairs in 1..=3 {
        let drift = SimulatedDrift::value(1, "/httpPath", json!("/by-hand"));
        world.0.simulator.drift(drift).unwrap();
        let run = Integrationd::new(["daemon", "--listen=none", "--state"]).arg(world.2.path());
        let run = run.on(&world.0).with(&world.1).env("TOKEN", "t0ken");
        let daemon = run.start();
        daemon.prints("1 applied, 0 failed");
        daemon.signal("TERM");
        daemon.wait().exits_with(0);
        assert_eq!(world.0.writes().len(), 1 + repairs);
    }
    let drift = SimulatedDrift::value(1, "/httpPath", json!("/by-hand"));
    world.0.simulator.drift(drift).unwrap();
    world.0.simulator.clear_log();
    let left = daemon(&world, &["--listen=none"]);
    left.prints("someone else keeps changing httpPath");
    left.signal("TERM");
    left.wait().exits_with(0);
    assert_eq!(world.0.writes(), [""; 0]);
}
