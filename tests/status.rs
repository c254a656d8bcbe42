//! `status`: what a running daemon reports at its control socket.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use http::Method;
use integrationd::simulator::{Fault, FaultKind};
use tempfile::TempDir;

use crate::common::{Files, Integrationd, Ran, Running, eventually, lake};
use crate::programs::{ROOT, copy_program, needs};
use crate::web::{Served, Web};

/// A user who may trigger runs.
const FRIEND: u32 = 54_321;

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
        let all = ["--poll", "1h", "--socket", &socket];
        self.web.daemon(&[&all, args].concat())
    }

    /// After the first run.
    fn start(&self, args: &[&str]) -> Running {
        let daemon = self.daemon(&[&["--listen", "none"], args].concat()).start();
        daemon.prints("1 applied, 0 failed");
        self.web.tenant.simulator.clear_log();
        daemon
    }

    fn status(&self, args: &[&str]) -> Ran {
        let run = Integrationd::new(["status", "--socket"]).arg(self.socket());
        args.iter().fold(run, Integrationd::arg).run()
    }

    fn shown(&self) -> String {
        self.status(&[]).exits_with(0).stdout
    }

    /// Answer to these bytes at the control socket.
    fn answer(&self, request: &[u8]) -> String {
        let mut stream = UnixStream::connect(self.path("s.sock.control")).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        stream.write_all(request).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer).unwrap();
        answer
    }
}

fn ends(daemon: Running) {
    daemon.signal("TERM");
    daemon.wait().exits_with(0);
}

/// The text with fixed times and paths.
fn scrubbed(world: &World, text: &str) -> String {
    let lines = text.lines().map(|line| match line.split_once(": 20") {
        Some((name, _)) => format!("{name}: [TIME]"),
        None => line.to_owned(),
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    text.replace(&world.web.files.path().display().to_string(), "[FILES]")
        .replace(&world.web.tenant.url(), "[TENANT]")
        .replace(env!("CARGO_PKG_VERSION"), "[VERSION]")
}

#[test]
fn status_shows_the_last_run_and_starts_none() {
    let world = World::new();
    let daemon = world.start(&[]);
    insta::assert_snapshot!(scrubbed(&world, &world.shown()), @r"
    State: Ready
    Result: 1 applied, 0 failed
    Tenant: [TENANT]
    Source: [FILES]
    Last run: [TIME]
    Last success: [TIME]
    Next run: [TIME]
    Runs: 1
    Version: [VERSION]

    Integrations: 1 Ready
    ");
    let json = world.status(&["-o", "json"]).exits_with(0).json();
    assert_eq!(json["runs"], 1);
    assert_eq!(world.web.tenant.requests(), [""; 0]);
    assert!(!daemon.printed().contains("triggered a run"));
    ends(daemon);
}

#[test]
fn json_is_the_document_of_the_status_page() {
    let world = World::new();
    let served = Served::of(world.daemon(&["--listen", "127.0.0.1:0"]).start());
    served.daemon.prints("1 applied, 0 failed");
    let status = world.status(&["--output=json"]).exits_with(0);
    assert_eq!(status.stdout, served.get("/status").body);
    assert!(!status.stdout.contains("token-of-the-lake"));
    assert!(!world.shown().contains("token-of-the-lake"));
    served.end();
}

#[test]
fn integration_that_needs_attention_has_its_reason() {
    let world = World::new();
    let daemon = world.start(&[]);
    let bad = lake("other", "${env:LAKE_TOKEN}").replace("httpPath", "httpPaht");
    world.web.files.write("bad.yaml", &bad);
    daemon.signal("HUP");
    eventually("the mistake", || world.shown().contains("E0301"));
    let shown = scrubbed(&world, &world.shown());
    let (_, seen) = shown.split_once("\n\n").unwrap();
    insta::assert_snapshot!(seen, @r"
    Integrations: 1 Stalled, 1 Ready

    Integrations that need attention:
      bad (InvalidFile)
        the file has errors
        fix the errors in the file; until then, integrationd does not write to the live integration

    Mistakes in files:
      [FILES]/bad.yaml:5:3: error[E0301]: unknown attribute `httpPaht`
    ");
    ends(daemon);
}

#[test]
fn suspensions_and_pending_changes_are_listed() {
    let world = World::new();
    let daemon = world.start(&[]);
    let suspend = Integrationd::new(["suspend", "lake", "--reason", "a\nfreeze", "--state"]);
    let suspend = suspend.arg(world.web.state.path()).on(&world.web.tenant);
    suspend.run().exits_with(0);
    world.web.files.change("lake.yaml", "/p", "/q");
    daemon.signal("HUP");
    eventually("the suspension", || world.shown().contains("freeze"));
    let shown = scrubbed(&world, &world.shown());
    let (_, seen) = shown.split_once("\n\n").unwrap();
    insta::assert_snapshot!(seen, @r"
    Integrations: 1 Suspended

    Suspended:
      lake (Pending)
        a\nfreeze
        the integration differs from its file and would be updated

    Suspended by operators: lake (a\nfreeze)
    ");
    ends(daemon);
}

#[test]
fn status_answers_while_a_run_waits_for_the_tenant() {
    let world = World::new();
    let daemon = world.start(&[]);
    let late = Fault::new(FaultKind::Delay { ms: 60_000 });
    let fault = late.on(&Method::GET, "/integrations");
    world.web.tenant.simulator.fault(fault.always());
    daemon.signal("HUP");
    let waits = "Next run: after the run under way";
    eventually("the run", || world.shown().contains(waits));
    assert!(world.shown().starts_with("State: Reconciling\n"));
    ends(daemon);
}

#[test]
fn without_a_daemon_the_error_names_the_socket() {
    let world = World::new();
    let says = |stderr: &str| {
        let told = format!("no daemon is listening at {}", world.socket());
        assert!(stderr.contains(&told), "{stderr}");
        assert!(stderr.contains("help: start the daemon"), "{stderr}");
    };
    says(&world.status(&[]).exits_with(1).stderr);
    let mut daemon = world.start(&[]);
    daemon.kill();
    daemon.wait();
    // Both files are still there.
    says(&world.status(&[]).exits_with(1).stderr);
    let json = world.status(&["-o", "json"]).exits_with(1).json();
    assert_eq!(json["exit_code"], 1);
}

#[test]
fn socket_is_in_the_flag_environment_or_settings() {
    let world = World::new();
    let daemon = world.start(&[]);
    let (settings, other) = (world.path("settings.yaml"), world.path("other.yaml"));
    fs::write(&settings, format!("socket: {}\n", world.socket())).unwrap();
    fs::write(&other, "socket: none\n").unwrap();
    for file in [&settings, &other] {
        fs::set_permissions(file, Permissions::from_mode(0o600)).unwrap();
    }
    let with = |file: &PathBuf| Integrationd::new(["status", "--config"]).arg(file);
    let by_file = with(&settings).run().exits_with(0).stdout;
    assert!(by_file.starts_with("State: Ready"), "{by_file}");
    let by_environment = with(&other).env("INTEGRATIOND_SOCKET", &world.socket());
    by_environment.run().exits_with(0);
    let disabled = with(&other).run().exits_with(1).stderr;
    assert!(
        disabled.contains("the settings disable the socket"),
        "{disabled}"
    );
    let by_flag = with(&other).arg("--socket").arg(world.socket());
    by_flag.run().exits_with(0);
    ends(daemon);
}

#[test]
fn daemon_without_control_socket_gets_no_connection() {
    let world = World::new();
    let listener = UnixListener::bind(world.socket()).unwrap();
    listener.set_nonblocking(true).unwrap();
    let told = world.status(&[]).exits_with(1).stderr;
    assert!(told.contains("has no control socket"), "{told}");
    assert!(
        told.contains("restart the daemon with this version"),
        "{told}"
    );
    // A connection would start a run of an earlier version.
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[test]
fn user_who_may_trigger_runs_may_not_ask() {
    needs!(ROOT);
    let world = World::new();
    fs::set_permissions(world.place.path(), Permissions::from_mode(0o755)).unwrap();
    let daemon = world.start(&["--socket-user", &FRIEND.to_string()]);
    let control = fs::metadata(world.path("s.sock.control")).unwrap();
    assert_eq!(control.permissions().mode() & 0o777, 0o600);
    let program = world.path("integrationd");
    copy_program(env!("CARGO_BIN_EXE_integrationd"), &program);
    let as_friend = || {
        let ran = Command::new("setpriv")
            .args([&format!("--reuid={FRIEND}"), "--clear-groups"])
            .arg(&program)
            .args(["status", "--socket", &world.socket()])
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert_eq!(ran.status.code(), Some(1));
        String::from_utf8(ran.stderr).unwrap()
    };
    let told = as_friend();
    assert!(
        told.contains("this user is not allowed to connect to"),
        "{told}"
    );
    // The mode of the file is not the only check.
    let open = Permissions::from_mode(0o666);
    fs::set_permissions(world.path("s.sock.control"), open).unwrap();
    let told = as_friend();
    assert!(told.contains("not allowed to send requests"), "{told}");
    assert!(!told.contains("lake"), "{told}");
    ends(daemon);
}

#[test]
fn request_of_another_form_or_version_is_refused() {
    let world = World::new();
    let daemon = world.start(&[]);
    let refusals = [
        (&b""[..], "the request is not valid"),
        (b"GET /status HTTP/1.1\r\n\r\n", "the request is not valid"),
        (
            br#"{"protocol":9,"version":"9.0.0","command":"status"}"#,
            "the client (version 9.0.0) uses protocol 9",
        ),
        (
            br#"{"protocol":1,"version":"9.0.0","command":{"dance":{}}}"#,
            "does not know this request from the client (version 9.0.0)",
        ),
    ];
    for (request, why) in refusals {
        let answer = world.answer(request);
        assert!(answer.starts_with(r#"{"type":"refused""#), "{answer}");
        assert!(answer.contains(why), "{answer}");
    }
    let answer = world.answer(&vec![b'x'; 16 * 1024 * 1024 + 1]);
    assert!(answer.contains("the request is too long"), "{answer}");
    assert_eq!(world.web.tenant.requests(), [""; 0]);
    world.status(&[]).exits_with(0);
    ends(daemon);
}

#[test]
fn daemon_that_dies_before_the_answer_is_reported() {
    let world = World::new();
    let listener = UnixListener::bind(world.path("s.sock.control")).unwrap();
    let dies = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        // It has read the request, and sent half of an answer.
        let mut request = [0; 8];
        stream.read_exact(&mut request).unwrap();
        stream
            .write_all(br#"{"type":"result","exit_code":0"#)
            .unwrap();
    });
    let ran = world.status(&[]).exits_with(1);
    dies.join().unwrap();
    assert!(
        ran.stderr
            .contains("closed the connection without an answer"),
        "{}",
        ran.stderr
    );
    assert_eq!(ran.stdout, "");
}
