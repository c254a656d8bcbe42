//! Commands that the running daemon carries out, because it holds the ledger.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use http::Method;
use integrationd::ledger::{Record, RecordedState};
use integrationd::live::RemoteId;
use integrationd::simulator::{Fault, FaultKind, Seed};
use rexpect::process::WaitStatus;
use rexpect::session::{PtySession, spawn_command};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::{Files, Integrationd, Ran, Running, eventually, lake};
use crate::support::notify_socket::Systemd;
use crate::web::Web;

/// No answer within this time, in milliseconds, fails the test.
const PATIENCE: u64 = 60_000;

/// A daemon's tenant, files, ledger and socket.
struct World {
    web: Web,
    place: TempDir,
}

impl World {
    fn new() -> Self {
        let files = Files::none().with("lake.yaml", &lake("lake", "${env:LAKE_TOKEN}"));
        Self {
            web: Web::new(files),
            place: TempDir::new().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    fn socket(&self) -> String {
        self.path("s.sock").display().to_string()
    }

    fn daemon(&self, args: &[&str]) -> Integrationd {
        let socket = self.socket();
        let all = ["--poll", "1h", "--listen", "none", "--socket", &socket];
        self.web.daemon(&[&all, args].concat())
    }

    /// After the first run, which found everything in sync.
    fn start(&self, args: &[&str]) -> Running {
        self.start_it(self.daemon(args))
    }

    fn start_it(&self, daemon: Integrationd) -> Running {
        self.alone(&["sync", "--yes"]).exits_with(0);
        let daemon = daemon.start();
        daemon.prints("1 unchanged");
        self.web.tenant.simulator.clear_log();
        daemon
    }

    /// The command without the API key and without the secrets of the files.
    fn command(&self, args: &[&str]) -> Integrationd {
        let run = Integrationd::new(["--color", "never"]);
        let run = args.iter().fold(run, Integrationd::arg);
        let run = run.arg("--state").arg(self.web.state.path());
        let run = run.arg("--socket").arg(self.socket());
        run.env("IMMUTA_URL", &self.web.tenant.url())
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.command(args).run()
    }

    /// The same command without a daemon.
    fn alone(&self, args: &[&str]) -> Ran {
        let run = Integrationd::new([]);
        let run = args.iter().fold(run, Integrationd::arg);
        let run = run.arg("--state").arg(self.web.state.path());
        let run = match args[0] {
            "adopt" => run.arg("--dir"),
            _ => run,
        };
        let run = run.with(&self.web.files).on(&self.web.tenant);
        run.env("LAKE_TOKEN", "token-of-the-lake").run()
    }

    /// A change of the file that the daemon does not see by itself.
    fn change(&self) {
        self.web.files.change("lake.yaml", "/p", "/q");
    }

    /// The next list takes this many milliseconds.
    fn delays_a_read(&self, ms: u64) {
        let late = Fault::new(FaultKind::Delay { ms });
        let simulator = &self.web.tenant.simulator;
        simulator.fault(late.on(&Method::GET, "/integrations"));
    }

    /// A connection to the control socket with this request.
    fn asks(&self, arguments: &[&str]) -> BufReader<UnixStream> {
        self.asks_for(arguments, &self.web.tenant.url())
    }

    fn asks_for(&self, arguments: &[&str], tenant: &str) -> BufReader<UnixStream> {
        self.sends(&json!({"run": {
            "arguments": arguments, "view": self.view(tenant), "can_ask": true,
            "has_colour": false,
        }}))
    }

    fn view(&self, tenant: &str) -> Value {
        let files = fs::read_dir(self.web.state.path()).unwrap();
        let mut paths = files.map(|file| file.unwrap().path());
        let ledger = paths.find(|path| path.extension().is_some_and(|it| it == "db"));
        let found = fs::metadata(ledger.unwrap()).unwrap();
        json!({"tenant": tenant, "ledger": [found.dev(), found.ino()], "settings_file": null})
    }

    fn sends(&self, command: &Value) -> BufReader<UnixStream> {
        let mut stream = UnixStream::connect(self.path("s.sock.control")).unwrap();
        let timeout = Some(Duration::from_secs(60));
        stream.set_read_timeout(timeout).unwrap();
        let version = env!("CARGO_PKG_VERSION");
        let request = json!({"protocol": 1, "version": version, "command": command});
        stream.write_all(format!("{request}\n").as_bytes()).unwrap();
        BufReader::new(stream)
    }
}

fn ends(daemon: Running) {
    daemon.signal("TERM");
    daemon.wait().exits_with(0);
}

#[test]
fn sync_is_carried_out_with_the_same_output() {
    let world = World::new();
    let daemon = world.start(&[]);
    world.change();
    let ran = world.run(&["sync", "--yes"]).exits_with(0);
    assert_eq!(world.web.tenant.writes(), ["PUT /integrations/1"]);
    assert_eq!(world.web.tenant.tokens(), ["token-of-the-lake"]);
    assert!(ran.stderr.contains("The daemon carries out this command"));
    daemon.prints("the command of a client ended");
    ends(daemon);
    // The same change again, and no daemon.
    world.web.files.change("lake.yaml", "/q", "/p");
    world.alone(&["sync", "--yes"]).exits_with(0);
    world.web.files.change("lake.yaml", "/p", "/q");
    let alone = world.alone(&["sync", "--yes"]).exits_with(0);
    let scrubbed = |ran: &Ran| {
        let lines = ran.stdout.lines().filter(|line| !line.contains(" s)"));
        let text = lines.collect::<Vec<_>>().join("\n");
        let text = text.replace(&world.web.tenant.url(), "[TENANT]");
        text.replace(&world.web.files.path().display().to_string(), "[FILES]")
    };
    assert!(ran.stdout.contains("Verified:"), "{}", ran.stdout);
    assert_eq!(scrubbed(&ran), scrubbed(&alone));
}

#[test]
fn json_and_exit_codes_are_those_of_the_command() {
    let world = World::new();
    let daemon = world.start(&[]);
    world.change();
    let refused = world.run(&["sync", "-o", "json"]).exits_with(4);
    assert_eq!(refused.json()["exit_code"], 4);
    assert_eq!(world.web.tenant.writes(), [""; 0]);
    let applied = world.run(&["sync", "-o", "json", "--yes"]).exits_with(0);
    let document = applied.json();
    assert_eq!(document["exit_code"], 0);
    assert_eq!(document["result"]["outcomes"][0]["name"], "lake");
    let unknown = world
        .run(&["sync", "--yes", "--only", "lkae"])
        .exits_with(64);
    assert!(
        unknown.stderr.contains("no integration is named lkae"),
        "{}",
        unknown.stderr
    );
    ends(daemon);
}

#[test]
fn flags_of_the_command_hold_for_this_run_alone() {
    let world = World::new();
    let daemon = world.start(&["--policy", "upsert-only"]);
    fs::remove_file(world.web.files.path().join("lake.yaml")).unwrap();
    world
        .web
        .files
        .write("sea.yaml", &lake("sea", "${env:LAKE_TOKEN}"));
    world.run(&["sync", "--yes", "--only", "sea"]).exits_with(0);
    assert_eq!(world.web.tenant.writes(), ["POST /integrations"]);
    let run = world.command(&["sync", "--parallelism=1"]);
    let run = run
        .env("INTEGRATIOND_POLICY", "sync")
        .env("INTEGRATIOND_YES", "1");
    run.run().exits_with(0);
    let writes = ["POST /integrations", "DELETE /integrations/1"];
    assert_eq!(world.web.tenant.writes(), writes);
    fs::remove_file(world.web.files.path().join("sea.yaml")).unwrap();
    world.run(&["sync", "--yes"]).exits_with(0);
    assert_eq!(world.web.tenant.writes(), writes);
    ends(daemon);
}

#[test]
fn daemon_environment_approves_nothing_for_a_client() {
    let world = World::new();
    let daemon = world.daemon(&[]).env("INTEGRATIOND_YES", "1");
    let daemon = world.start_it(daemon);
    world.change();
    world.run(&["sync"]).exits_with(4);
    assert_eq!(world.web.tenant.writes(), [""; 0]);
    ends(daemon);
}

#[test]
fn secrets_are_resent_on_demand() {
    let world = World::new();
    let daemon = world.start(&[]);
    let resend = ["sync", "--yes", "--resend-secrets", "lake"];
    world.run(&resend).exits_with(0);
    assert_eq!(world.web.tenant.tokens(), ["token-of-the-lake"]);
    ends(daemon);
}

#[test]
fn other_files_are_refused_and_the_same_directory_is_not() {
    let world = World::new();
    let daemon = world.start(&[]);
    let same = world.web.files.path().join(".").display().to_string();
    world.run(&["sync", &same, "--yes"]).exits_with(0);
    let other = Files::none().with("x.yaml", &lake("x", "${env:LAKE_TOKEN}"));
    let other = other.path().display().to_string();
    for flags in [
        vec!["sync", &other, "--yes"],
        vec!["adopt", "x", "--dir", &other],
        vec!["sync", "--yes", "--var", "a=b"],
        vec!["sync", "--yes", "--git", "https://git.example.com/x.git"],
        vec!["sync", "--yes", "--api-key-file", "/nowhere/key"],
        vec!["sync", "--yes", "--vault-token-file", "/nowhere/token"],
        vec!["sync", "--yes", "--var-file", "/nowhere/vars.yaml"],
    ] {
        let told = world.run(&flags).exits_with(64).stderr;
        assert!(told.contains("differs from the setting of"), "{told}");
        assert!(told.contains("help: omit this argument"), "{told}");
    }
    for (variable, value) in [
        ("INTEGRATIOND_GIT", "https://git.example.com/x.git"),
        ("INTEGRATIOND_VAR_FILE", "/nowhere/vars.yaml"),
        ("INTEGRATIOND_SECRET_ROOT", "/nowhere"),
        ("INTEGRATIOND_ALLOW_SECRET", "env:X"),
    ] {
        let run = world.command(&["sync", "--yes"]).env(variable, value);
        let told = run.run().exits_with(64).stderr;
        assert!(told.contains("differs from the setting of"), "{told}");
        let help = "or unset its variable";
        assert!(told.replace("\n    ", " ").contains(help), "{told}");
    }
    // Credentials in the environment are about the client.
    let run = world.command(&["sync", "--yes"]);
    run.env("INTEGRATIOND_AUTH", "token").run().exits_with(0);
    assert_eq!(world.web.tenant.writes(), [""; 0]);
    ends(daemon);
}

#[test]
fn other_settings_or_another_ledger_are_refused() {
    let world = World::new();
    let daemon = world.start(&[]);
    world.change();
    let settings = world.path("settings.yaml");
    fs::write(&settings, "policy: observe\n").unwrap();
    fs::set_permissions(&settings, Permissions::from_mode(0o600)).unwrap();
    let settings = settings.display().to_string();
    let told = world.run(&["sync", "--yes", "--config", &settings]);
    let told = told.exits_with(1).stderr;
    assert!(
        told.contains("the daemon does not use the settings"),
        "{told}"
    );
    // A run with another ledger is under way, and the socket is that of this daemon.
    let other = World::new();
    let second = other.daemon(&[]).without_env("IMMUTA_URL");
    let second = second.env("IMMUTA_URL", &world.web.tenant.url()).start();
    second.prints("INFO starting the daemon");
    let path = other.web.state.path().display().to_string();
    let run = Integrationd::new(["sync", "--yes", "--state", &path, "--socket"]);
    let run = run.arg(world.socket()).on(&world.web.tenant).run();
    let told = run.exits_with(1).stderr;
    assert!(
        told.contains("the daemon uses a different ledger"),
        "{told}"
    );
    ends(second);
    ends(daemon);
}

#[test]
fn export_into_other_files_is_refused_before_it_writes() {
    let world = World::new();
    let daemon = world.start(&["--policy=sync"]);
    let config = json!({
        "workspaceUrl": "sea.example.com", "httpPath": "/p",
        "authenticationType": "token", "token": "made-by-hand",
    });
    let seed = Seed::new("Databricks", Some(false), Some(config));
    world.web.tenant.simulator.seed(seed);
    let other = Files::none().with("lake.yaml", &lake("lake", "${env:LAKE_TOKEN}"));
    let path = other.path().display().to_string();
    let run = world.command(&["export", &path, "--adopt"]);
    let told = run.on(&world.web.tenant).run().exits_with(64).stderr;
    assert!(told.contains("does not read the files in"), "{told}");
    assert!(
        told.contains("export into the daemon's directory"),
        "{told}"
    );
    assert_eq!(fs::read_dir(other.path()).unwrap().count(), 1);
    ends(daemon);
    assert_eq!(world.web.tenant.writes(), [""; 0]);
}

#[test]
fn export_says_that_files_are_there_if_the_daemon_dies() {
    let world = World::new();
    let mut daemon = world.start(&[]);
    let config = json!({
        "workspaceUrl": "sea.example.com", "httpPath": "/p",
        "authenticationType": "token", "token": "made-by-hand",
    });
    let seed = Seed::new("Databricks", Some(false), Some(config));
    world.web.tenant.simulator.seed(seed);
    let late = Fault::new(FaultKind::Delay { ms: 1_000 });
    let late = late.on(&Method::GET, "/integrations").always();
    world.web.tenant.simulator.fault(late);
    let path = world.web.files.path().display().to_string();
    let run = world.command(&["export", &path, "--adopt"]);
    let export = run.on(&world.web.tenant).verbatim().start();
    // The daemon has accepted the export, and is gone when the files are written.
    daemon.prints("the command of a client ended");
    daemon.kill();
    daemon.wait();
    let ran = export.wait().exits_with(1);
    let told = &ran.stderr;
    assert!(told.contains("the files were written, but"), "{told}");
    assert!(
        told.contains("help: run `integrationd adopt databricks-sea "),
        "{told}"
    );
    assert!(told.contains(&format!(" --dir {path} ")), "{told}");
    let listed = &ran.stdout;
    assert!(
        listed.contains("databricks-sea.yaml: Databricks"),
        "{listed}"
    );
    assert!(listed.contains("${env:DATABRICKS_SEA_TOKEN}"), "{listed}");
    assert!(!listed.contains("Adopted"), "{listed}");
    assert_eq!(fs::read_dir(world.web.files.path()).unwrap().count(), 2);
}

#[test]
fn interrupt_of_a_command_that_waits_ends_it_at_once() {
    let world = World::new();
    let daemon = world.start(&[]);
    world.delays_a_read(30_000);
    daemon.signal("HUP");
    eventually("the run", || !world.web.tenant.requests().is_empty());
    let waiting = world.command(&["sync", "--yes"]).start();
    waiting.prints("Waiting for the daemon");
    waiting.signal("INT");
    let told = waiting.wait().exits_with(3).stderr;
    assert!(told.contains("nothing was written"), "{told}");
    ends(daemon);
}

#[test]
fn interrupt_ends_an_adoption_that_reads() {
    let world = World::new();
    let daemon = world.start(&[]);
    world.delays_a_read(30_000);
    let adopting = world.command(&["adopt", "lake"]).start();
    eventually("a read", || !world.web.tenant.requests().is_empty());
    adopting.signal("INT");
    let told = adopting.wait().exits_with(3).stderr;
    assert!(
        told.contains("stopped before anything was recorded"),
        "{told}"
    );
    ends(daemon);
}

#[test]
fn explanation_has_the_pause_of_the_daemon() {
    let world = World::new();
    let daemon = world.start(&[]);
    let kind = FaultKind::ServerError {
        code: 409,
        after_effect: false,
    };
    let fault = Fault::new(kind).on(&Method::PUT, "/integrations/1");
    world.web.tenant.simulator.fault(fault.always());
    let path = world.web.files.path().display().to_string();
    let explain = |flags: &[&str]| {
        let run = world.command(&["explain", "lake", "--dir", &path]);
        let run = flags.iter().fold(run, Integrationd::arg);
        let run = run
            .on(&world.web.tenant)
            .env("LAKE_TOKEN", "token-of-the-lake");
        run.run().exits_with(0)
    };
    let ready = explain(&[]).stdout;
    assert!(
        ready.contains("Daemon:        Ready; next run at "),
        "{ready}"
    );
    world.change();
    daemon.signal("HUP");
    daemon.prints("0 applied, 1 failed");
    eventually("the end of the run", || {
        let shown = explain(&[]).stdout;
        shown.contains("Daemon:        Stalled (") && shown.contains("; next run at ")
    });
    let json = explain(&["-o", "json"]).json();
    assert_eq!(json["daemon"]["state"], "Stalled");
    assert!(json["daemon"]["next_reconcile"].is_string());
    ends(daemon);
    assert_eq!(explain(&["-o", "json"]).json()["daemon"], Value::Null);
}

#[test]
fn standalone_refuses_instead() {
    let world = World::new();
    let daemon = world.start(&[]);
    world.change();
    let path = world.web.files.path().display().to_string();
    let alone = world.command(&["sync", &path, "--yes", "--standalone"]);
    let told = alone.env("LAKE_TOKEN", "t").run().exits_with(1).stderr;
    assert!(told.contains("is in use by process"), "{told}");
    let variable = world.command(&["resolve", "lake", "--retry"]);
    let told = variable.env("INTEGRATIOND_STANDALONE", "1").run();
    assert!(told.exits_with(1).stderr.contains("is in use by process"));
    assert_eq!(world.web.tenant.requests(), [""; 0]);
    ends(daemon);
}

#[test]
fn ledger_in_use_without_a_socket_is_the_error_it_was() {
    let world = World::new();
    let daemon = world.start_it(world.web.daemon(&["--poll=1h", "--socket=none"]));
    let path = world.web.files.path().display().to_string();
    let told = world.run(&["sync", &path, "--yes"]).exits_with(1).stderr;
    assert!(told.contains("is in use by process"), "{told}");
    assert!(told.contains("--socket"), "{told}");
    ends(daemon);
}

#[test]
fn adoption_is_recorded_by_the_daemon() {
    let world = World::new();
    let daemon = world.start(&[]);
    let config = json!({
        "workspaceUrl": "sea.example.com", "httpPath": "/p",
        "authenticationType": "token", "token": "made-by-hand",
    });
    let seed = Seed::new("Databricks", Some(false), Some(config));
    world.web.tenant.simulator.seed(seed);
    world
        .web
        .files
        .write("sea.yaml", &lake("sea", "${env:LAKE_TOKEN}"));
    let ran = world
        .run(&["adopt", "sea", "--secrets", "assume"])
        .exits_with(0);
    insta::assert_snapshot!(ran.stdout, @"
      ✓ sea (id 2) adopted; 1 stored secret recorded as applied
    Adopted 1 integration; nothing was sent to the tenant.
    ");
    assert_eq!(world.web.tenant.writes(), [""; 0]);
    ends(daemon);
    let plan = world
        .alone(&["sync", "--dry-run", "--detailed-exitcode"])
        .exits_with(0);
    assert!(plan.stdout.contains("2 unchanged"), "{}", plan.stdout);
}

#[test]
fn exported_integrations_are_recorded_by_the_daemon() {
    let world = World::new();
    let daemon = world.start(&[]);
    let config = json!({
        "workspaceUrl": "sea.example.com", "httpPath": "/p",
        "authenticationType": "token", "token": "made-by-hand",
    });
    let seed = Seed::new("Databricks", Some(false), Some(config));
    world.web.tenant.simulator.seed(seed);
    let path = world.web.files.path().display().to_string();
    let export = |flags: &[&str]| {
        let run = world.command(&["export", &path, "--adopt"]);
        let run = flags.iter().fold(run, Integrationd::arg);
        run.on(&world.web.tenant).run()
    };
    let alone = export(&["--standalone"]).exits_with(1);
    assert!(alone.stderr.contains("is in use by process"));
    let written = || fs::read_dir(world.web.files.path()).unwrap().count();
    assert_eq!(written(), 1);
    let ran = export(&[]).exits_with(0);
    let adopted = "Adopted 1 integration; nothing was sent";
    assert!(ran.stdout.contains(adopted), "{}", ran.stdout);
    assert_eq!(written(), 2);
    ends(daemon);
    assert_eq!(world.web.tenant.writes(), [""; 0]);
    // What is owned may be deleted.
    for file in fs::read_dir(world.web.files.path()).unwrap() {
        let file = file.unwrap().path();
        if !file.ends_with("lake.yaml") {
            fs::remove_file(file).unwrap();
        }
    }
    let sync = ["sync", "--yes", "--policy=sync"];
    world.alone(&sync).exits_with(0);
    assert_eq!(world.web.tenant.writes(), ["DELETE /integrations/2"]);
}

#[test]
fn records_for_a_ledger_that_has_changed_are_refused() {
    let world = World::new();
    let daemon = world.start(&[]);
    let record = Record {
        type_name: "Databricks".to_owned(),
        id: RemoteId::new("7".to_owned()),
        state: RecordedState::default(),
        at: jiff::Timestamp::now(),
    };
    let said = |name: &str, tenant: &str| {
        let command = json!({"record": {
            "view": world.view(tenant), "directory": world.web.files.path(),
            "read_at": "2020-01-01T00:00:00Z", "records": [[name, record]],
        }});
        let mut connection = world.sends(&command);
        let mut answer = String::new();
        while connection.read_line(&mut answer).unwrap() > 0 {}
        answer
    };
    let own = world.web.tenant.url();
    let taken = said("lake", &own);
    assert!(taken.contains("the ledger has changed: `lake`"), "{taken}");
    let other = said("sea", "https://other.example.com");
    assert!(other.contains("the daemon manages"), "{other}");
    ends(daemon);
}

#[test]
fn unknown_outcome_is_resolved_by_the_daemon() {
    let world = World::new();
    let late = Fault::new(FaultKind::Delay { ms: 60_000 });
    let simulator = &world.web.tenant.simulator;
    simulator.fault(late.on(&Method::POST, "/integrations"));
    let path = world.web.files.path().display().to_string();
    let run = Integrationd::new(["sync", "--yes", "--state"]).arg(world.web.state.path());
    let run = run.arg(&path).on(&world.web.tenant).env("LAKE_TOKEN", "t");
    let mut cut_short = run.start();
    eventually("the create is sent", || {
        !world.web.tenant.writes().is_empty()
    });
    cut_short.kill();
    let daemon = world.daemon(&["--policy", "observe"]).start();
    daemon.prints("1 withheld by policy");
    let told = world.run(&["resolve", "lake", "--retry"]).exits_with(0);
    assert!(told.stdout.starts_with("Resolved."), "{}", told.stdout);
    let again = world.run(&["resolve", "lake", "--retry"]).exits_with(1);
    let nothing = "`lake` has no write with an unknown outcome";
    assert!(again.stderr.contains(nothing), "{}", again.stderr);
    ends(daemon);
}

fn code(mut session: PtySession) -> i32 {
    session.exp_eof().unwrap();
    let status = session.process().wait().unwrap();
    let WaitStatus::Exited(_, code) = status else {
        panic!("{status:?}")
    };
    code
}

#[test]
fn person_at_the_client_is_asked() {
    let world = World::new();
    let daemon = world.start(&["--policy", "observe"]);
    world.change();
    let run = || world.command(&["sync", "--policy", "upsert-only"]);
    let ask = || {
        let (command, _state) = run().into_command();
        let mut session = spawn_command(command, Some(PATIENCE)).unwrap();
        session.exp_string("Plan: 1 to update.").unwrap();
        session.exp_string("Only `yes` is accepted: ").unwrap();
        session
    };
    let mut declined = ask();
    declined.send_line("no").unwrap();
    declined.exp_string("Nothing was applied").unwrap();
    assert_eq!(code(declined), 4);
    let mut gone = ask();
    gone.send_control('c').unwrap();
    gone.exp_string("interrupted").unwrap();
    assert_eq!(code(gone), 3);
    assert_eq!(world.web.tenant.writes(), [""; 0]);
    let mut approved = ask();
    approved.send_line("yes").unwrap();
    approved.exp_string("Verified:").unwrap();
    assert_eq!(code(approved), 0);
    assert_eq!(world.web.tenant.writes(), ["PUT /integrations/1"]);
    ends(daemon);
}

#[test]
fn daemon_is_alive_and_says_what_it_does_while_it_asks() {
    let world = World::new();
    let systemd = Systemd::new();
    let daemon = world.daemon(&["--policy", "observe"]);
    let daemon = daemon.env("NOTIFY_SOCKET", &systemd.socket());
    // A beat every 0.3 seconds.
    let daemon = world.start_it(daemon.env("WATCHDOG_USEC", "1000000"));
    world.change();
    let mut connection = world.asks(&["sync", "--policy=upsert-only"]);
    until(&mut connection, r#"{"type":"question""#);
    systemd.forget();
    systemd.hears("WATCHDOG=1");
    systemd.hears("WATCHDOG=1");
    let shown = |args: &[&str]| {
        let run = Integrationd::new(["status", "--socket"]).arg(world.socket());
        args.iter().fold(run, Integrationd::arg).run().exits_with(0)
    };
    let status = || shown(&["-o", "json"]).json();
    assert_eq!(status()["command"]["name"], "sync");
    let shown = shown(&[]).stdout;
    assert!(
        shown.contains("Command: sync for a client, since "),
        "{shown}"
    );
    drop(connection);
    eventually("the end of the command", || status()["command"].is_null());
    ends(daemon);
}

#[test]
fn daemon_that_dies_while_it_asks_ends_the_client() {
    let world = World::new();
    let mut daemon = world.start(&["--policy", "observe"]);
    world.change();
    let (command, _state) = world
        .command(&["sync", "--policy", "upsert-only"])
        .into_command();
    let mut session = spawn_command(command, Some(PATIENCE)).unwrap();
    session.exp_string("Only `yes` is accepted: ").unwrap();
    daemon.kill();
    session.exp_string("ended before the command did").unwrap();
    assert_eq!(code(session), 1);
    assert_eq!(world.web.tenant.writes(), [""; 0]);
}

#[test]
fn log_of_the_daemon_names_the_user_of_a_command() {
    let world = World::new();
    let daemon = world.start(&[]);
    world.run(&["sync", "--yes"]).exits_with(0);
    let uid = rustix::process::getuid().as_raw();
    daemon.prints(&format!("uid={uid}"));
    ends(daemon);
}

/// Reads messages of the daemon until one begins with this.
fn until(connection: &mut BufReader<UnixStream>, wanted: &str) {
    let mut line = String::new();
    while !line.starts_with(wanted) {
        line.clear();
        assert_ne!(connection.read_line(&mut line).unwrap(), 0);
    }
}

#[test]
fn daemon_that_stops_answers_the_question_with_no() {
    let world = World::new();
    let daemon = world.start(&["--policy", "observe"]);
    world.change();
    let mut connection = world.asks(&["sync", "--policy=upsert-only"]);
    until(&mut connection, r#"{"type":"question""#);
    ends(daemon);
    assert_eq!(world.web.tenant.writes(), [""; 0]);
}

#[test]
fn command_waits_for_the_run_under_way() {
    let world = World::new();
    let daemon = world.start(&[]);
    world.delays_a_read(3_000);
    daemon.signal("HUP");
    eventually("the run", || !world.web.tenant.requests().is_empty());
    world.change();
    let ran = world.run(&["sync", "--yes"]).exits_with(0);
    let waits = "Waiting for the daemon to finish the run under way.";
    assert!(ran.stderr.contains(waits), "{}", ran.stderr);
    assert_eq!(world.web.tenant.writes(), ["PUT /integrations/1"]);
    ends(daemon);
}

/// A command whose write is under way for long.
fn writing(world: &World) -> Running {
    let late = Fault::new(FaultKind::Delay { ms: 4_000 });
    let simulator = &world.web.tenant.simulator;
    simulator.fault(late.on(&Method::PUT, "/integrations/1"));
    world.change();
    let running = world.command(&["sync", "--yes"]).start();
    eventually("the write", || !world.web.tenant.writes().is_empty());
    running
}

#[test]
fn interrupt_lets_the_write_under_way_end() {
    let world = World::new();
    let daemon = world.start(&[]);
    let running = writing(&world);
    running.signal("INT");
    running.prints("Stopping: no new writes");
    let ran = running.wait().exits_with(3);
    assert!(ran.stdout.contains("Applied: 1 updated."), "{}", ran.stdout);
    assert_eq!(world.web.tenant.writes(), ["PUT /integrations/1"]);
    ends(daemon);
}

#[test]
fn stop_of_the_daemon_lets_the_write_under_way_end() {
    let world = World::new();
    let daemon = world.start(&[]);
    let running = writing(&world);
    daemon.signal("TERM");
    let ran = running.wait().exits_with(3);
    assert!(ran.stdout.contains("Applied: 1 updated."), "{}", ran.all());
    daemon.wait().exits_with(0);
    let plan = world
        .alone(&["sync", "--dry-run", "--detailed-exitcode"])
        .exits_with(0);
    assert!(plan.stdout.contains("1 unchanged"), "{}", plan.stdout);
    assert_eq!(world.web.tenant.writes(), ["PUT /integrations/1"]);
}

#[test]
fn write_of_a_client_that_is_gone_is_finished_and_recorded() {
    let world = World::new();
    let daemon = world.start(&[]);
    let mut running = writing(&world);
    running.kill();
    running.wait();
    daemon.prints("the command of a client ended");
    ends(daemon);
    let plan = world
        .alone(&["sync", "--dry-run", "--detailed-exitcode"])
        .exits_with(0);
    assert!(plan.stdout.contains("1 unchanged"), "{}", plan.stdout);
    assert_eq!(world.web.tenant.writes(), ["PUT /integrations/1"]);
}

#[test]
fn daemon_that_dies_in_the_middle_loses_nothing() {
    let world = World::new();
    let mut daemon = world.start(&[]);
    let running = writing(&world);
    daemon.kill();
    daemon.wait();
    let told = running.wait().exits_with(1).stderr;
    assert!(told.contains("ended before the command did"), "{told}");
    assert!(told.contains("help: start the daemon"), "{told}");
    let daemon = world.daemon(&[]).start();
    daemon.prints("1 applied, 0 failed");
    ends(daemon);
    let plan = world
        .alone(&["sync", "--dry-run", "--detailed-exitcode"])
        .exits_with(0);
    assert!(plan.stdout.contains("1 unchanged"), "{}", plan.stdout);
    let state = world.web.tenant.simulator.state();
    assert_eq!(state.len(), 1);
    assert_eq!(state[0]["config"]["httpPath"], "/q");
    let run = Integrationd::new(["history", "--state"]).arg(world.web.state.path());
    let history = run.on(&world.web.tenant).run().exits_with(0).stdout;
    assert!(!history.contains("unfinished"), "{history}");
    assert!(history.contains("as a later run detected"), "{history}");
}

#[test]
fn another_tenant_or_command_is_refused() {
    let world = World::new();
    let daemon = world.start(&[]);
    let said = |arguments: &[&str], tenant: &str| {
        let mut connection = world.asks_for(arguments, tenant);
        let mut answer = String::new();
        while connection.read_line(&mut answer).unwrap() > 0 {}
        answer
    };
    let own = world.web.tenant.url();
    let other = said(&["sync", "--yes"], "https://other.example.com");
    assert!(
        other.contains(r#"{"type":"refused","why":"the daemon manages"#),
        "{other}"
    );
    for refused in [
        &["daemon"][..],
        &["sync", "--simulate"],
        &["sync", "--dry-run"],
        &["snippet", "lake", "--out=-"],
    ] {
        let answer = said(refused, &own);
        assert!(
            answer.contains("does not carry out this command"),
            "{answer}"
        );
    }
    let wrong = said(&["sync", "--dance"], &own);
    assert!(wrong.contains("unexpected argument"), "{wrong}");
    assert!(wrong.contains(r#""exit_code":64"#), "{wrong}");
    assert_eq!(world.web.tenant.writes(), [""; 0]);
    ends(daemon);
}
