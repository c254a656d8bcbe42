//! The daemon as a process: what makes it look, what it does about failures, how
//! it ends, and what systemd hears of it.

use std::fs::{File, TryLockError};
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use http::Method;
use integrationd::simulator::{API_KEY, Fault, FaultKind, SimulatedDrift, SimulatorOptions};
use serde_json::json;
use tempfile::TempDir;

use crate::common::{Files, Integrationd, Pipe, Ran, Running, Tenant, eventually};
use crate::programs::{NAMESPACES, needs};
use crate::stub::Stub;
use crate::support::notify_socket::Systemd;
use crate::support::repository::Repository;

const LAKE: &str = "type: Databricks\nautoBootstrap: false\nconfig:\n  \
    workspaceUrl: lake.example.com\n  httpPath: /one\n  authenticationType: token\n  \
    token: ${env:LAKE_TOKEN}\n";

struct World {
    tenant: Tenant,
    files: Files,
    state: TempDir,
}

impl World {
    fn new() -> Self {
        Self {
            tenant: Tenant::empty(),
            files: Files::none().with("lake.yaml", LAKE),
            state: TempDir::new().unwrap(),
        }
    }

    /// The daemon, quick to look and quick to log.
    fn daemon(&self, args: &[&str]) -> Integrationd {
        let mut run = Integrationd::new([
            "daemon",
            "--debounce",
            "50ms",
            "--listen",
            "none",
            "--state",
        ]);
        run = run.arg(self.state.path());
        for arg in args {
            run = run.arg(arg);
        }
        run.on(&self.tenant)
            .with(&self.files)
            .env("LAKE_TOKEN", "token-of-the-lake")
            .env("INTEGRATIOND_LOG_LEVEL", "info")
    }

    /// The daemon, once it has made the tenant equal to the files.
    fn in_sync(&self, args: &[&str]) -> Running {
        let daemon = self.daemon(args).start();
        self.writes_come_to(&["POST /integrations"]);
        daemon.prints("1 applied, 0 failed");
        self.tenant.simulator.clear_log();
        daemon
    }

    /// True if a process holds the copy of a repository.
    fn is_fetching(&self) -> bool {
        let copies = std::fs::read_dir(self.state.path().join("git"));
        let mut copies = copies.into_iter().flatten().flatten();
        copies.any(|copy| {
            let lock = File::open(copy.path().join("lock"));
            lock.is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)))
        })
    }

    fn writes_come_to(&self, expected: &[&str]) {
        eventually("the writes", || self.tenant.writes() == expected);
    }
}

fn ends(daemon: Running) {
    daemon.signal("TERM");
    daemon.wait().exits_with(0);
}

/// Ends before those answer whom it waits for: they never do.
fn ends_at_once(mut daemon: Running) -> Ran {
    daemon.signal("TERM");
    eventually("the end", || daemon.has_ended());
    daemon.wait().exits_with(0)
}

/// The same, in a run that has not written yet.
fn is_given_up(daemon: Running) -> Ran {
    let ran = ends_at_once(daemon);
    let told = ran.all();
    assert!(
        told.contains("abandoned the run before its first write"),
        "{told}"
    );
    ran
}

/// Takes connections and never answers.
fn silent() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

fn never() -> FaultKind {
    FaultKind::Delay { ms: 3_600_000 }
}

#[test]
fn reverted_value_is_sent_once_more_and_then_blocked() {
    let world = World::new();
    let rewrite = FaultKind::Rewrite {
        path: "/httpPath".into(),
        value: json!("/ONE"),
    };
    world.tenant.simulator.fault(Fault::new(rewrite).always());
    // No interval, file or operator triggers the second run.
    let daemon = world.daemon(&["--interval", "1h"]).start();
    daemon.prints("the next run repeats the write");
    daemon.prints("A second plan still shows 1 blocked");
    let writes = ["POST /integrations", "PUT /integrations/1"];
    assert_eq!(world.tenant.writes(), writes);
    ends(daemon);
}

#[test]
fn saved_file_is_applied_and_a_touched_one_is_not() {
    let world = World::new();
    let daemon = world.in_sync(&[]);
    world.files.change("lake.yaml", "/one", "/two");
    world.writes_come_to(&["PUT /integrations/1"]);
    eventually("the end of the run", || {
        daemon.printed().matches("1 applied, 0 failed").count() == 2
    });
    world.tenant.simulator.clear_log();
    world.files.write("README.md", "not ours");
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(world.tenant.requests(), [""; 0]);
    ends(daemon);
}

#[test]
fn drift_is_repaired_at_the_interval_and_on_a_hangup() {
    for (args, hang_up) in [(&["--interval", "1s"][..], false), (&[], true)] {
        let world = World::new();
        let daemon = world.in_sync(args);
        let drift = SimulatedDrift::value(1, "/httpPath", json!("/by-hand"));
        world.tenant.simulator.drift(drift).unwrap();
        if hang_up {
            daemon.signal("HUP");
        }
        world.writes_come_to(&["PUT /integrations/1"]);
        ends(daemon);
    }
}

#[test]
fn an_outage_is_waited_out_and_nothing_is_created_twice() {
    let world = World::new();
    let refuse = Fault::new(FaultKind::ServerError {
        code: 503,
        after_effect: false,
    });
    world.tenant.simulator.fault(refuse.always());
    let daemon = world.daemon(&[]).start();
    daemon.prints("the tenant could not be read");
    world.tenant.simulator.clear_faults();
    // A new revision resets the backoff.
    world.files.change("lake.yaml", "/one", "/two");
    daemon.prints("1 applied, 0 failed");
    assert_eq!(world.tenant.writes(), ["POST /integrations"]);
    ends(daemon);
}

#[test]
fn invalid_file_stalls_until_it_is_fixed_and_stops_no_other() {
    let world = World::new();
    world.files.write("bad.yaml", "type: Trino\nwhat: 1\n");
    let daemon = world.daemon(&[]).start();
    world.writes_come_to(&["POST /integrations"]);
    world.files.write("bad.yaml", "type: Trino\n");
    world.writes_come_to(&["POST /integrations", "POST /integrations"]);
    ends(daemon);
}

#[test]
fn name_without_its_integration_is_reported_once() {
    let world = World::new();
    world.files.write("old.yaml", "type: Trino\n");
    let args = [
        "--policy",
        "sync",
        "--max-delete-percent",
        "100",
        "--only",
        "old",
    ];
    let daemon = world.daemon(&args).start();
    world.writes_come_to(&["POST /integrations"]);
    std::fs::remove_file(world.files.path().join("old.yaml")).unwrap();
    world.writes_come_to(&["POST /integrations", "DELETE /integrations/1"]);
    daemon.signal("HUP");
    daemon.prints("no integration is named old");
    daemon.signal("HUP");
    daemon.prints("1 not selected");
    daemon.signal("TERM");
    let ran = daemon.wait().exits_with(0);
    let told = ran.stderr.matches("no integration is named old").count();
    assert_eq!(told, 1, "{}", ran.stderr);
    // The next process knows it from the ledger.
    let daemon = world.daemon(&args).start();
    daemon.prints("1 not selected");
    ends(daemon);
    // A person who runs it once learns of the typing error.
    let sync = Integrationd::new(["sync", "--yes", "--only", "old", "--state"]);
    let sync = sync.arg(world.state.path()).on(&world.tenant);
    let sync = sync
        .with(&world.files)
        .env("LAKE_TOKEN", "token-of-the-lake");
    sync.run().exits_with(64);
}

#[test]
fn plan_that_the_guard_refuses_waits_for_an_operator() {
    let world = World::new();
    let daemon = world.in_sync(&[]);
    ends(daemon);
    let daemon = world.daemon(&["--max-changes", "0"]).start();
    world.files.change("lake.yaml", "/one", "/two");
    daemon.prints("lake will be updated");
    daemon.prints("Refused by the guard");
    daemon.prints("--max-changes 1");
    assert_eq!(world.tenant.writes(), [""; 0]);
    ends(daemon);
}

#[test]
fn stop_finishes_the_write_and_the_next_start_carries_on() {
    let world = World::new();
    world.files.write("other.yaml", "type: Trino\n");
    world.tenant.simulator.set_options(SimulatorOptions {
        settle: Duration::from_secs(2),
        ..world.tenant.simulator.options()
    });
    let hook = Stub::start(|_| (200, String::new()));
    let daemon = world
        .daemon(&["--parallelism", "1"])
        .env("INTEGRATIOND_NOTIFY_URL", &hook.url)
        .start();
    world.writes_come_to(&["POST /integrations"]);
    ends(daemon);
    assert_eq!(world.tenant.writes().len(), 1);
    assert_eq!(hook.lines(), [""; 0]);
    let daemon = world.daemon(&[]).start();
    world.writes_come_to(&["POST /integrations", "POST /integrations"]);
    ends(daemon);
    let kept = world.daemon(&[]).start();
    kept.prints("2 unchanged");
    ends(kept);
}

#[test]
fn a_stop_gives_up_a_fetch_that_is_not_answered() {
    let world = World::new();
    let (listener, url) = silent();
    let git = format!("--git={url}/x.git");
    let daemon = world.daemon(&[&git]).start();
    let _asked = listener.accept().unwrap();
    let ran = is_given_up(daemon);
    assert!(!ran.all().contains("cannot fetch"), "{}", ran.all());
    assert!(
        !ran.all().contains("a bug in integrationd"),
        "{}",
        ran.all()
    );
}

#[test]
fn a_stop_gives_up_a_fetch_that_hangs_and_its_lock_with_it() {
    let (world, repository) = (World::new(), Repository::empty());
    repository.commit("lake.yaml", LAKE);
    repository.bare_git(["pack-refs", "--all"]);
    let refs = Path::new(&repository.path()).join("packed-refs");
    std::fs::rename(&refs, refs.with_extension("away")).unwrap();
    Pipe::make(&refs);
    let git = format!("--git={}", repository.path());
    let args = [&*git, "--allow-secret=env:LAKE_TOKEN"];
    let daemon = world.daemon(&args).start();
    eventually("a fetch", || world.is_fetching());
    is_given_up(daemon);
    std::fs::rename(refs.with_extension("away"), &refs).unwrap();
    let daemon = world.daemon(&args).start();
    daemon.prints("1 applied, 0 failed");
    ends(daemon);
}

#[test]
fn stop_ends_an_unanswered_read_without_a_failure() {
    let world = World::new();
    let tenant = &world.tenant.simulator;
    tenant.fault(
        Fault::new(never())
            .on(&Method::GET, "/integrations")
            .always(),
    );
    let hook = Stub::start(|_| (200, String::new()));
    let daemon = world
        .daemon(&[])
        .env("INTEGRATIOND_NOTIFY_URL", &hook.url)
        .start();
    eventually("the question", || !world.tenant.requests().is_empty());
    is_given_up(daemon);
    assert_eq!(world.tenant.writes(), [""; 0]);
    assert_eq!(hook.lines(), [""; 0]);
}

#[test]
fn a_second_signal_ends_it_whatever_is_under_way() {
    let world = World::new();
    let daemon = world.in_sync(&[]);
    let put = Fault::new(never()).on(&Method::PUT, "/integrations/{id}");
    world.tenant.simulator.fault(put);
    world.files.change("lake.yaml", "/one", "/two");
    eventually("the write", || {
        world
            .tenant
            .requests()
            .iter()
            .any(|line| line.starts_with("PUT"))
    });
    daemon.signal("TERM");
    daemon.prints("stopping: no new writes");
    let ran = ends_at_once(daemon);
    assert!(
        !ran.all().contains("before the server responded"),
        "{}",
        ran.all()
    );
}

/// In sync; from now on, a reader of the key waits for the other end of a pipe.
fn whose_key_is_a_pipe() -> (World, Running, Pipe) {
    let world = World::new();
    let key = world.files.path().join(".key");
    std::fs::write(&key, API_KEY).unwrap();
    let flag = format!("--api-key-file={}", key.display());
    let daemon = world.daemon(&[&flag]).without_env("IMMUTA_API_KEY").start();
    daemon.prints("1 applied, 0 failed");
    std::fs::remove_file(&key).unwrap();
    let pipe = Pipe::make(&key);
    (world, daemon, pipe)
}

#[test]
fn a_second_signal_ends_it_while_it_waits_for_a_file() {
    let (world, daemon, pipe) = whose_key_is_a_pipe();
    world.files.change("lake.yaml", "/one", "/two");
    let _held = pipe.is_read();
    daemon.signal("TERM");
    daemon.prints("stopping: no new writes");
    ends_at_once(daemon);
}

#[test]
fn a_stop_is_heard_while_the_settings_are_read_again() {
    let (_world, daemon, pipe) = whose_key_is_a_pipe();
    daemon.signal("HUP");
    let _held = pipe.is_read();
    let ran = ends_at_once(daemon);
    let told = ran.all();
    assert!(!told.contains("the new settings are invalid"), "{told}");
}

#[test]
fn a_second_signal_skips_the_farewells() {
    let world = World::new();
    world.files.write("bad.yaml", "type: Trino\nwhat: 1\n");
    let (listener, url) = silent();
    let run = world.daemon(&[]).env("INTEGRATIOND_NOTIFY_URL", &url);
    let daemon = run.start();
    daemon.prints("1 applied, 0 failed");
    let _asked = listener.accept().unwrap();
    daemon.signal("TERM");
    daemon.prints("stopping: no new writes");
    let ran = ends_at_once(daemon);
    let waited = "before all notifications were sent";
    assert!(!ran.all().contains(waited), "{}", ran.all());
}

#[test]
fn a_kill_is_survived_through_the_ledger() {
    let world = World::new();
    let late = Fault::new(FaultKind::DelayAfter { ms: 60_000 });
    world
        .tenant
        .simulator
        .fault(late.on(&Method::POST, "/integrations"));
    let mut daemon = world.daemon(&[]).start();
    world.writes_come_to(&["POST /integrations"]);
    daemon.kill();
    daemon.wait();
    let daemon = world.daemon(&[]).start();
    daemon.prints("1 unchanged");
    assert_eq!(world.tenant.writes().len(), 1);
    ends(daemon);
}

#[test]
fn second_daemon_names_the_holder_of_the_ledger() {
    let world = World::new();
    let daemon = world.in_sync(&[]);
    let second = world.daemon(&[]).run().exits_with(1);
    assert!(second.stderr.contains("is in use by"), "{}", second.stderr);
    ends(daemon);
}

#[test]
fn vanished_directory_deletes_nothing_and_is_read_when_back() {
    let world = World::new();
    let daemon = world.in_sync(&["--policy", "sync"]);
    let away = world.files.path().with_extension("away");
    std::fs::rename(world.files.path(), &away).unwrap();
    daemon.prints("does not exist");
    std::fs::rename(&away, world.files.path()).unwrap();
    world.files.change("lake.yaml", "/one", "/two");
    world.writes_come_to(&["PUT /integrations/1"]);
    // Deleted file by file, and made anew.
    let looks = || daemon.printed().matches("does not exist").count();
    let before = looks();
    std::fs::remove_dir_all(world.files.path()).unwrap();
    eventually("it is gone again", || looks() > before);
    world
        .files
        .write("lake.yaml", &LAKE.replace("/one", "/three"));
    world.writes_come_to(&["PUT /integrations/1"; 2]);
    ends(daemon);
}

#[test]
fn systemd_gets_ready_status_watchdog_and_stopping() {
    let world = World::new();
    let systemd = Systemd::new();
    let hears = |wanted: &str| systemd.hears(wanted);
    let daemon = world
        .daemon(&[])
        .env("NOTIFY_SOCKET", &systemd.socket())
        .env("WATCHDOG_USEC", "600000")
        .start();
    hears("READY=1");
    hears("WATCHDOG=1");
    hears("STATUS=Ready: 1 applied, 0 failed");
    daemon.signal("HUP");
    assert!(hears("RELOADING=1").contains("MONOTONIC_USEC="));
    hears("READY=1");
    hears("STATUS=Ready: 1 unchanged");
    daemon.signal("TERM");
    hears("STOPPING=1");
    daemon.wait().exits_with(0);
}

#[test]
fn rejected_write_is_repeated_on_request_or_new_content_alone() {
    let world = World::new();
    let daemon = world.in_sync(&[]);
    let refuse = Fault::new(FaultKind::Unprocessable {
        message: "the password is wrong".to_owned(),
    });
    let refuse = refuse.on(&Method::PUT, "/integrations/1").always();
    world.tenant.simulator.fault(refuse);
    world.files.change("lake.yaml", "/one", "/two");
    let puts = || {
        let writes = world.tenant.writes();
        writes
            .iter()
            .filter(|write| **write == "PUT /integrations/1")
            .count()
    };
    eventually("the refusal", || puts() == 1);
    // Another file is no reason, and neither is another start.
    world.files.write("other.yaml", "type: Trino\n");
    daemon.prints("the last write failed; the next attempt is at");
    ends(daemon);
    let daemon = world.daemon(&[]).start();
    daemon.prints("the last write failed; the next attempt is at");
    assert_eq!(puts(), 1);
    daemon.signal("HUP");
    eventually("another try by a human", || puts() == 2);
    world.files.change("lake.yaml", "/two", "/three");
    eventually("another try with another content", || puts() == 3);
    world.tenant.simulator.clear_faults();
    daemon.signal("HUP");
    daemon.prints("1 applied, 0 failed");
    ends(daemon);
}

#[test]
fn late_success_of_a_write_hurries_no_later_run() {
    let world = World::new();
    world.tenant.simulator.set_options(SimulatorOptions {
        settle: Duration::from_secs(3),
        ..world.tenant.simulator.options()
    });
    let daemon = world.daemon(&["--wait-timeout", "1s"]).start();
    daemon.prints("0 applied, 1 failed");
    daemon.prints("1 unchanged");
    world.tenant.simulator.clear_log();
    std::thread::sleep(Duration::from_secs(1));
    let requests = world.tenant.requests();
    assert!(requests.len() < 3, "{requests:?}");
    ends(daemon);
}

#[test]
fn unwatched_folder_is_reported_once_and_read() {
    needs!(NAMESPACES);
    let world = World::new();
    // In a namespace of its own, so that the limit affects no other process.
    let limit = "echo 6 >/proc/sys/user/max_inotify_watches && exec \"$0\" \"$@\"";
    let daemon = world.daemon(&["--interval", "1s"]);
    let prefix = ["unshare", "--user", "--map-root-user", "sh", "-c", limit];
    let daemon = daemon.under(&prefix).start();
    daemon.prints("1 applied, 0 failed");
    let told = "cannot watch the whole directory; polling it instead";
    assert!(!daemon.printed().contains(told), "{}", daemon.printed());
    for folder in 0..20 {
        let name = format!("team-{folder}/note.txt");
        world.files.write(&name, "a folder more");
    }
    daemon.prints(told);
    world.tenant.simulator.clear_log();
    let other = LAKE.replace("lake.example.com", "sea.example.com");
    world.files.write("team-19/sea.yaml", &other);
    world.writes_come_to(&["POST /integrations"]);
    let count = daemon.printed().matches(told).count();
    assert_eq!(count, 1, "{}", daemon.printed());
    ends(daemon);
}
