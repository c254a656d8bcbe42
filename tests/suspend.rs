//! Writes that are suspended by an operator, for one integration or for all.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use http::Method;
use integrationd::simulator::{Fault, FaultKind, SimulatedDrift};
use serde_json::json;

use crate::common::{Files, Integrationd, Ran, Tenant, eventually, lake};
use crate::support::notify_socket::Systemd;
use crate::web::{Served, Web};

struct World {
    tenant: Tenant,
    files: Files,
    state: TempDir,
}

impl World {
    fn new() -> Self {
        let lake = "type: Databricks\nautoBootstrap: false\nconfig:\n  \
            workspaceUrl: lake.example.com\n  httpPath: /one\n  authenticationType: token\n  \
            token: ${env:LAKE_TOKEN}\n";
        Self {
            tenant: Tenant::empty(),
            files: Files::none()
                .with("lake.yaml", lake)
                .with("trino.yaml", "type: Trino\n"),
            state: TempDir::new().unwrap(),
        }
    }

    fn run(&self, command: &str, args: &[&str]) -> Integrationd {
        let run = Integrationd::new([command, "--state"]).arg(self.state.path());
        let run = args.iter().fold(run, Integrationd::arg).on(&self.tenant);
        run.env("LAKE_TOKEN", "t0ken")
    }

    fn file(&self) -> PathBuf {
        suspensions(self.state.path()).unwrap()
    }

    fn sync(&self) -> Ran {
        self.run("sync", &["--yes"])
            .with(&self.files)
            .run()
            .exits_with(0)
    }

    /// In sync, and then `lake` is changed by hand.
    fn drifted() -> Self {
        let world = Self::new();
        world
            .run("sync", &["--yes", "--parallelism", "1"])
            .with(&world.files)
            .run()
            .exits_with(0);
        world.tenant.simulator.clear_log();
        drift(&world.tenant);
        world
    }

    fn suspend(&self, args: &[&str]) {
        self.run("suspend", args).run().exits_with(0);
    }

    /// Output of a plan, with a check that nothing was written for it.
    fn plan(&self, args: &[&str], code: i32) -> Ran {
        let args = [args, &["--dry-run"]].concat();
        let ran = self.run("sync", &args).with(&self.files).run();
        assert_eq!(self.tenant.writes(), [""; 0]);
        ran.exits_with(code)
    }
}

/// File of the suspensions, if there are any.
fn suspensions(state: &Path) -> Option<PathBuf> {
    let is_it = |path: &PathBuf| path.to_string_lossy().ends_with(".suspended.json");
    let files = std::fs::read_dir(state).unwrap();
    let mut files = files.map(|file| file.unwrap().path());
    files.find(is_it)
}

/// Socket of the daemon.
fn socket(web: &Web) -> PathBuf {
    web.state.path().join("it.sock")
}

/// Changes the first integration manually.
fn drift(tenant: &Tenant) {
    let by_hand = SimulatedDrift::value(1, "/httpPath", json!("/by-hand"));
    tenant.simulator.drift(by_hand).unwrap();
}

#[test]
fn suspended_integration_is_not_written_until_it_is_resumed() {
    let world = World::new();
    let args = [
        "lake",
        "--reason",
        "vendor migration",
        "--until",
        "2999-12-01",
        "--unknown",
    ];
    world.run("suspend", &args).run().exits_with(0);
    let ran = world.sync();
    assert!(
        ran.stdout
            .contains("vendor migration (until the end of 2999-12-01 UTC)"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout
            .contains("A second plan still shows 1 suspended with changes."),
        "{}",
        ran.stdout
    );
    assert_eq!(world.tenant.writes(), ["POST /integrations"]);
    world.run("resume", &["lake"]).run().exits_with(0);
    world.sync();
    assert_eq!(world.tenant.writes().len(), 2);
}

#[test]
fn no_name_suspends_everything_and_a_past_day_does_not_count() {
    let world = World::new();
    world
        .run("suspend", &["--reason", "an audit"])
        .run()
        .exits_with(0);
    let ran = world.sync();
    // One line for both, and one at each.
    assert_eq!(ran.stdout.matches("an audit").count(), 3, "{}", ran.stdout);
    assert_eq!(world.tenant.writes(), [""; 0]);
    let for_long = ["--reason", "an audit", "--until", "2999-12-01"];
    world.run("suspend", &for_long).run().exits_with(0);
    world.sync();
    assert_eq!(world.tenant.writes(), [""; 0]);
    let file = world.file();
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("2999-", "2020-")).unwrap();
    world.sync();
    assert_eq!(world.tenant.writes().len(), 2);
}

#[test]
fn unreadable_suspensions_stop_the_run_and_resume_reports_none() {
    let world = World::new();
    let ran = world.run("resume", &["lake"]).run().exits_with(1);
    assert!(
        ran.stderr.contains("there is no suspension of lake"),
        "{}",
        ran.stderr
    );
    world
        .run("suspend", &["--reason", "an audit"])
        .run()
        .exits_with(0);
    std::fs::write(world.file(), "{").unwrap();
    let ran = world
        .run("sync", &["--yes"])
        .with(&world.files)
        .run()
        .exits_with(1);
    assert!(
        ran.stderr.contains("cannot read the suspensions in"),
        "{}",
        ran.stderr
    );
    assert_eq!(world.tenant.writes(), [""; 0]);
}

#[test]
fn unknown_name_is_reported_with_a_suggestion() {
    let world = World::new();
    world.sync();
    let suspend = |args: &[&str]| {
        let args = [args, &["--reason", "stop it"]].concat();
        world.run("suspend", &args).run()
    };
    let refused = suspend(&["lkae", "trino"]).exits_with(64);
    insta::assert_snapshot!(refused.all(), @r"
    error: nothing was suspended: the ledger has no integration named lkae
     help: did you mean `lake`? If not, use `--unknown` to suspend an integration that was never written
    ");
    let resumed = world.run("resume", &["trino"]).run().exits_with(1);
    assert!(resumed.stderr.contains("there is no suspension of trino"));
    suspend(&["lake"]).exits_with(0);
    let resumed = world.run("resume", &["lkae"]).run().exits_with(1);
    insta::assert_snapshot!(resumed.all(), @"
    error: there is no suspension of lkae
     help: did you mean `lake`? If not, run `integrationd resume` without a name to end all suspensions
    ");
    // The name of a future integration is only that of its file.
    suspend(&["new-lake"]).exits_with(64);
    suspend(&["new-lake", "--unknown"]).exits_with(0);
    world
        .run("resume", &["lake", "new-lake"])
        .run()
        .exits_with(0);
}

#[test]
fn end_that_is_over_suspends_nothing() {
    let world = World::new();
    for (end, told) in [
        (
            "2020-01-01",
            "the end of 2020-01-01 UTC, which is in the past",
        ),
        (
            "2020-01-01T12:00+02:00",
            "2020-01-01T10:00:00Z, which is in the past",
        ),
        ("2999-01-01T12:00", "add a time zone"),
        (
            "soon",
            "expected a date such as `2026-12-01`, or a time with a time zone",
        ),
    ] {
        let args = ["--reason", "an audit", "--until", end];
        let ran = world.run("suspend", &args).run().exits_with(64);
        assert!(ran.stderr.contains(told), "{}", ran.stderr);
    }
    world.sync();
    assert_eq!(world.tenant.writes().len(), 2);
}

#[test]
fn suspend_says_which_end_it_understood() {
    let world = World::new();
    // The whole of this day is still to come, or under way.
    let today = jiff::Timestamp::now()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .date();
    for (end, told) in [
        (today.to_string(), format!("the end of {today} UTC")),
        (
            "2999-12-01T18:00+01:00".to_owned(),
            "2999-12-01T17:00:00Z".to_owned(),
        ),
        (
            "2999-12-01T18:00[Europe/Berlin]".to_owned(),
            "2999-12-01T17:00:00Z".to_owned(),
        ),
    ] {
        let args = ["--reason", "an audit", "--until", &end];
        let ran = world.run("suspend", &args).run().exits_with(0);
        let answer = format!("Suspended until {told}: all integrations.");
        assert!(ran.stdout.starts_with(&answer), "{}", ran.stdout);
        let ran = world.sync();
        let line = format!("Suspended: everything (an audit, until {told}).");
        assert!(ran.stdout.contains(&line), "{}", ran.stdout);
    }
    assert_eq!(world.tenant.writes(), [""; 0]);
}

#[test]
fn drift_of_what_is_suspended_is_shown_and_counts_as_a_change() {
    let world = World::drifted();
    world.suspend(&["lake", "--reason", "vendor migration"]);
    let ran = world.plan(&["--detailed-exitcode"], 2);
    insta::assert_snapshot!(ran.stdout, @r#"
      # lake would be updated but is suspended  [FILES]/lake.yaml:1
      . Databricks Unity Catalog (id 1)
          ~ httpPath = "/by-hand" -> "/one"  # drift: the server changed it
          note: the integration is suspended: vendor migration

    Suspended: lake (vendor migration).
    Plan: 1 suspended with changes, 1 unchanged.
    "#);
    // A suspension is no failure.
    world.plan(&[], 0);
    let report = world.plan(&["--output=json"], 0).json();
    let action = &report["plan"]["actions"][0];
    assert_eq!(action["action"], "suspended");
    assert_eq!(action["would"]["action"], "update");
    assert_eq!(action["would"]["changes"][0]["kind"], "drift");
    assert_eq!(report["plan"]["summary"]["held"], 1);
    assert_eq!(
        report["plan"]["suspensions"],
        json!({ "all": null, "names": { "lake": { "reason": "vendor migration", "until": null } } })
    );
    world.sync();
    assert_eq!(world.tenant.writes(), [""; 0]);
    world.run("resume", &["lake"]).run().exits_with(0);
    world.sync();
    assert_eq!(world.tenant.writes(), ["PUT /integrations/1"]);
}

#[test]
fn what_its_file_suspends_is_compared_and_differs_or_not() {
    let world = World::drifted();
    world.files.change(
        "lake.yaml",
        "type: ",
        "sync: {suspend: {reason: vendor migration}}\ntype: ",
    );
    let ran = world.plan(&["--detailed-exitcode"], 2);
    insta::assert_snapshot!(ran.stdout, @r#"
      # lake would be updated but is suspended  [FILES]/lake.yaml:1
      . Databricks Unity Catalog (id 1)
          ~ httpPath = "/by-hand" -> "/one"  # drift: the server changed it
          note: the integration is suspended: vendor migration

    Plan: 1 suspended with changes, 1 unchanged.
    "#);
    let put_back = SimulatedDrift::value(1, "/httpPath", json!("/one"));
    world.tenant.simulator.drift(put_back).unwrap();
    let ran = world.plan(&["--detailed-exitcode"], 0);
    insta::assert_snapshot!(ran.stdout, @"
      # lake is suspended  [FILES]/lake.yaml:1
      . Databricks Unity Catalog (id 1)
          vendor migration

    No changes. [TENANT] matches the files.
    Plan: 1 suspended, 1 unchanged.
    ");
}

#[test]
fn plan_without_changes_shows_that_everything_is_suspended() {
    let world = World::new();
    world.sync();
    world.tenant.simulator.clear_log();
    world.suspend(&["--reason", "freeze", "--until", "2999-12-01"]);
    let ran = world.plan(&["--detailed-exitcode"], 0);
    insta::assert_snapshot!(ran.stdout, @"
    Suspended: everything (freeze, until the end of 2999-12-01 UTC).
    No changes. [TENANT] matches the files.
    Plan: 2 unchanged.
    ");
    let report = world.plan(&["--output=json"], 0).json();
    assert_eq!(
        report["plan"]["suspensions"],
        json!({ "all": { "reason": "freeze", "until": "2999-12-01" }, "names": {} })
    );
}

#[test]
fn missing_secret_of_a_suspended_integration_blocks_nothing() {
    let world = World::drifted();
    world.suspend(&["lake", "--reason", "vendor migration"]);
    let run = world.run("sync", &["--dry-run"]).with(&world.files);
    let ran = run.without_env("LAKE_TOKEN").run().exits_with(0);
    assert!(ran.stdout.contains("LAKE_TOKEN"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("would block"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("apply would be"), "{}", ran.stdout);
}

/// A daemon that has made two integrations, and what systemd hears of it.
struct Watched {
    web: Web,
    served: Served,
    systemd: Systemd,
}

impl Watched {
    fn new() -> Self {
        let web = Web::new(
            Files::none()
                .with("lake.yaml", &lake("lake", "${env:LAKE_TOKEN}"))
                .with("trino.yaml", "type: Trino\n"),
        );
        let systemd = Systemd::new();
        let socket = format!("--socket={}", socket(&web).display());
        let daemon = web.daemon(&["--parallelism", "1", &socket]);
        let served = Served::of(daemon.env("NOTIFY_SOCKET", &systemd.socket()).start());
        systemd.hears("STATUS=Ready: 2 applied, 0 failed");
        web.tenant.simulator.clear_log();
        Self {
            web,
            served,
            systemd,
        }
    }

    fn run(&self, command: &str, args: &[&str]) -> Ran {
        let run = Integrationd::new([command, "--state"]).arg(self.web.state.path());
        let run = args.iter().fold(run, Integrationd::arg);
        run.on(&self.web.tenant).run()
    }

    /// `suspend` or `resume`, and a run after it of which systemd hears this.
    fn tell(&self, command: &str, args: &[&str], heard: &str) {
        self.run(command, args).exits_with(0);
        self.served.daemon.signal("HUP");
        self.systemd.hears(heard);
    }

    fn metric(&self, name: &str) -> f64 {
        let text = self.served.get("/metrics").body;
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name} in {text}"))
            .trim()
            .parse()
            .unwrap()
    }
}

#[test]
fn daemon_shows_the_suspension_and_writes_once_resumed() {
    let it = Watched::new();
    let freeze = ["--reason", "freeze", "--until", "2999-12-01"];
    let heard = "STATUS=Ready: 2 unchanged; suspended: everything (freeze, until the end of 2999-12-01 UTC)";
    it.tell("suspend", &freeze, heard);
    let status = it.served.status();
    assert_eq!(status["state"], "Ready");
    assert_eq!(status["seen"]["suspended"], 2);
    assert_eq!(
        status["seen"]["suspensions"]["all"],
        json!({ "reason": "freeze", "until": "2999-12-01" })
    );
    assert_eq!(it.metric("integrationd_suspended_integrations"), 2.0);
    let page = it.served.get("/").body;
    assert!(
        page.contains("<strong>everything</strong>: freeze (until the end of 2999-12-01 UTC)"),
        "{page}"
    );
    it.web.files.change("lake.yaml", "/p", "/q");
    it.systemd.hears(
        "STATUS=Ready (Suspended): 1 suspended with changes, 1 unchanged; suspended: everything",
    );
    assert_eq!(it.served.row("lake")["reason"], "Pending");
    let page = it.served.get("/").body;
    assert!(page.contains("would be updated but is suspended"), "{page}");
    assert_eq!(it.web.tenant.writes(), [""; 0]);
    it.tell("resume", &[], "STATUS=Ready: 1 applied, 0 failed\n");
    assert_eq!(it.web.tenant.writes(), ["PUT /integrations/1"]);
    assert_eq!(it.metric("integrationd_suspended_integrations"), 0.0);
    assert!(!it.served.get("/").body.contains("freeze"));
    it.served.end();
}

#[test]
fn daemon_counts_drift_of_suspended_integrations() {
    let it = Watched::new();
    let lake = ["lake", "--reason", "vendor migration"];
    it.tell(
        "suspend",
        &lake,
        "STATUS=Ready: 2 unchanged; suspended: lake (vendor migration)",
    );
    assert_eq!(it.metric("integrationd_suspended_integrations"), 1.0);
    let in_sync = it.served.status()["last_success"].clone();
    drift(&it.web.tenant);
    it.served.daemon.signal("HUP");
    it.systemd
        .hears("STATUS=Ready (Suspended): 1 suspended with changes, 1 unchanged");
    let status = it.served.status();
    assert_eq!(status["seen"]["drifted"], 1);
    assert_eq!(status["last_success"], in_sync);
    assert_ne!(status["last_reconcile"], in_sync);
    assert_eq!(it.metric("integrationd_drifted_integrations"), 1.0);
    assert_eq!(it.served.row("lake")["drift"], json!(["httpPath"]));
    // In the log, too.
    it.served
        .daemon
        .prints("lake would be updated but is suspended");
    assert_eq!(it.web.tenant.writes(), [""; 0]);
    it.tell("resume", &["lake"], "STATUS=Ready: 1 applied, 0 failed\n");
    assert_ne!(it.served.status()["last_success"], in_sync);
    it.served.end();
}

#[test]
fn a_suspension_ends_by_itself_while_the_daemon_runs() {
    let it = Watched::new();
    let freeze = ["--reason", "freeze", "--until", "2999-12-01"];
    it.tell("suspend", &freeze, "suspended: everything");
    it.web.files.change("lake.yaml", "/p", "/q");
    it.systemd.hears("STATUS=Ready (Suspended)");
    // As if the day had come.
    let file = suspensions(it.web.state.path()).unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("2999-", "2020-")).unwrap();
    it.served.daemon.signal("HUP");
    it.systemd.hears("STATUS=Ready: 1 applied, 0 failed\n");
    assert_eq!(it.web.tenant.writes(), ["PUT /integrations/1"]);
    assert_eq!(
        it.served.status()["seen"]["suspensions"]["all"],
        json!(null)
    );
    it.served.end();
}

#[test]
fn daemon_is_notified_of_a_suspension_and_of_its_end() {
    let it = Watched::new();
    let socket = socket(&it.web);
    let socket = ["--socket", socket.to_str().unwrap()];
    let suspend = [&["lake", "--reason", "freeze"], &socket[..]].concat();
    let ran = it.run("suspend", &suspend).exits_with(0);
    assert_eq!(ran.stderr, "");
    it.systemd
        .hears("STATUS=Ready: 2 unchanged; suspended: lake (freeze)");
    drift(&it.web.tenant);
    let ran = it.run("resume", &socket).exits_with(0);
    assert_eq!(ran.stderr, "");
    it.systemd.hears("STATUS=Ready: 1 applied, 0 failed\n");
    assert_eq!(it.web.tenant.writes(), ["PUT /integrations/1"]);
    it.served.end();
}

#[test]
fn suspension_holds_although_the_daemon_cannot_be_notified() {
    let it = Watched::new();
    let place = tempfile::tempdir().unwrap();
    let socket = place.path().join("it.sock");
    // It answers nothing that a client understands.
    let listener = std::os::unix::net::UnixListener::bind(socket.with_extension("sock.control"));
    let listener = listener.unwrap();
    std::thread::spawn(move || drop(listener.accept()));
    let args = ["--reason", "freeze", "--socket", socket.to_str().unwrap()];
    let ran = it.run("suspend", &args).exits_with(0);
    assert!(ran.stdout.starts_with("Suspended: "), "{}", ran.stdout);
    assert!(
        ran.stderr
            .starts_with("The daemon was not notified: the daemon at "),
        "{}",
        ran.stderr
    );
    assert!(suspensions(it.web.state.path()).is_some());
    it.served.end();
}

#[test]
fn standalone_suspension_is_refused_while_a_daemon_runs() {
    let it = Watched::new();
    for command in [
        &["suspend", "--reason", "freeze"][..],
        &["resume", "lake"][..],
    ] {
        let args = [&command[1..], &["--standalone"]].concat();
        let ran = it.run(command[0], &args).exits_with(1);
        assert!(ran.stderr.contains("is in use by"), "{}", ran.stderr);
    }
    assert!(suspensions(it.web.state.path()).is_none());
    let Watched { web, served, .. } = it;
    served.end();
    let run = Integrationd::new(["suspend", "lake", "--reason=freeze", "--standalone"]);
    let run = run.arg("--state").arg(web.state.path()).on(&web.tenant);
    run.run().exits_with(0);
    assert!(suspensions(web.state.path()).is_some());
}

#[test]
fn suspension_stops_the_writes_of_a_run_under_way() {
    let world = World::new();
    let late = Fault::new(FaultKind::Delay { ms: 2_000 });
    let simulator = &world.tenant.simulator;
    simulator.fault(late.on(&Method::POST, "/integrations"));
    let args = ["--yes", "--parallelism", "1"];
    let running = world.run("sync", &args).with(&world.files).start();
    eventually("the first write", || !world.tenant.writes().is_empty());
    world.suspend(&["trino", "--reason", "now", "--unknown"]);
    let ran = running.wait().exits_with(3);
    assert_eq!(world.tenant.writes(), ["POST /integrations"]);
    assert!(
        ran.stdout.contains("suspended after the plan was made"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains("`integrationd resume`"),
        "{}",
        ran.stdout
    );
}
