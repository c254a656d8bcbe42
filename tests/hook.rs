//! A `git push` that shows the pusher what it changed: a real repository with the hook, and a
//! real daemon at a socket.
//!
//! The daemon reads a directory only when it is triggered; a test changes a file and pushes.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use http::Method;
use integrationd::simulator::{Fault, FaultKind, SimulatorOptions};
use tempfile::TempDir;

use crate::common::{Files, Integrationd, Ran, Running, eventually, lake};
use crate::programs::{ROOT, copy_program, needs, output};
use crate::support::repository::remote;
use crate::web::Web;

/// A user without permission.
const STRANGER: u32 = 65_534;
/// A permitted user.
const FRIEND: u32 = 54_321;

const TOKEN: &str = "token-of-the-lake";

struct World {
    web: Web,
    place: TempDir,
}

impl World {
    /// A bare repository with a clone of it, and a file that differs from nothing yet.
    fn new() -> Self {
        let files = Files::none().with("lake.yaml", &lake("lake", "${env:LAKE_TOKEN}"));
        let world = Self {
            web: Web::new(files),
            place: TempDir::new().unwrap(),
        };
        // Other users have to get to the socket.
        fs::set_permissions(world.place.path(), Permissions::from_mode(0o755)).unwrap();
        for arguments in [
            "init --quiet --bare --initial-branch=main bare.git",
            "init --quiet --initial-branch=main work",
        ] {
            output(world.git().args(arguments.split(' ')));
        }
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    fn bare(&self) -> String {
        self.path("bare.git").display().to_string()
    }

    fn socket(&self) -> String {
        self.path("s.sock").display().to_string()
    }

    /// Git with nothing of the machine's settings.
    fn git(&self) -> Command {
        let mut git = Command::new("git");
        git.current_dir(self.place.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.place.path())
            .env("GIT_CONFIG_NOSYSTEM", "1");
        for who in ["AUTHOR", "COMMITTER"] {
            git.env(format!("GIT_{who}_NAME"), "Ada")
                .env(format!("GIT_{who}_EMAIL"), "ada@example.com");
        }
        git
    }

    /// Output of a push of a new commit; it must succeed.
    fn push(&self, branch: &str) -> String {
        let commit = "-C work commit --quiet --allow-empty -m change";
        output(self.git().args(commit.split(' ')));
        let push = format!("-C work push {} HEAD:refs/heads/{branch}", self.bare());
        let pushed = self.git().args(push.split(' ')).output().unwrap();
        let shown = String::from_utf8(pushed.stderr).unwrap();
        assert!(pushed.status.success(), "{shown}");
        shown
    }

    fn hook(&self, args: &[&str]) -> Ran {
        let run = Integrationd::new(["hook"]);
        let run = args.iter().fold(run, Integrationd::arg);
        run.arg("--socket").arg(self.socket()).run()
    }

    fn install(&self, args: &[&str]) {
        let bare = self.bare();
        let all = [&["install", bare.as_str()], args].concat();
        self.hook(&all).exits_with(0);
    }

    fn daemon(&self, args: &[&str]) -> Integrationd {
        let socket = self.socket();
        let all = ["--poll", "1h", "--listen", "none", "--socket", &socket];
        self.web.daemon(&[&all, args].concat())
    }

    /// After the first run.
    fn start(&self, args: &[&str]) -> Running {
        let daemon = self.daemon(args).start();
        daemon.prints("1 applied, 0 failed");
        self.web.tenant.simulator.clear_log();
        daemon
    }

    fn connect(&self) -> UnixStream {
        let stream = UnixStream::connect(self.socket()).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        stream
    }

    /// `hook run` as another user, with a program that this user can reach.
    fn as_user(&self, user: u32) -> Ran {
        let program = self.path("integrationd");
        if !program.exists() {
            copy_program(env!("CARGO_BIN_EXE_integrationd"), &program);
        }
        let user = format!("--reuid={user}");
        let output = Command::new("setpriv")
            .args([&user, "--clear-groups"])
            .arg(program)
            .args(["hook", "run", "--socket", &self.socket()])
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        Ran {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

fn ends(daemon: Running) {
    daemon.signal("TERM");
    daemon.wait().exits_with(0);
}

#[test]
fn a_push_shows_the_plan_and_what_came_of_it_and_no_secret() {
    let world = World::new();
    let daemon = world.start(&[]);
    world.install(&[]);
    world.web.files.change("lake.yaml", "/p", "/q");
    let shown = world.push("main");
    assert!(!shown.contains('\u{1b}'), "{shown}");
    assert!(!shown.contains(TOKEN), "{shown}");
    let files = world.web.files.path().display().to_string();
    insta::assert_snapshot!(remote(&shown).replace(&files, "[FILES]"), @r#"
      # lake will be updated  [FILES]/lake.yaml:1
      ~ Databricks Unity Catalog (id 1)
          ~ httpPath = "/p" -> "/q"
          before this, run the script of: integrationd script lake

    Plan: 1 to update.

    Applied: 1 updated.
    Verified: a second plan has no changes.
    integrationd: 1 applied, 0 failed
    "#);
    assert_eq!(world.web.tenant.writes(), ["PUT /integrations/1"]);
    // Once more, and there is nothing to do.
    assert!(world.push("main").contains("integrationd: 1 unchanged"));
    let ran = world.hook(&["run"]).exits_with(0);
    assert!(ran.stdout.contains("1 unchanged"), "{}", ran.all());
    ends(daemon);
}

#[test]
fn pusher_sees_the_plan_of_the_pushed_revision() {
    let world = World::new();
    let write = |path: &str| {
        let text = lake("lake", "${env:LAKE_TOKEN}").replace("/p", path);
        fs::write(world.path("work/lake.yaml"), text).unwrap();
        output(world.git().args(["-C", "work", "add", "lake.yaml"]));
    };
    write("/one");
    world.push("main");
    let (bare, socket) = (world.bare(), world.socket());
    let args = ["--poll=1h", "--listen=none", "--git", &bare, "--socket"];
    let run = args
        .iter()
        .fold(Integrationd::new(["daemon"]), Integrationd::arg);
    let run = run
        .arg(&socket)
        .arg("--allow-secret=env:LAKE_TOKEN=Databricks@lake.example.com")
        .on(&world.web.tenant)
        .env("LAKE_TOKEN", TOKEN)
        .env("INTEGRATIOND_LOG_LEVEL", "info");
    let daemon = run.start();
    daemon.prints("1 applied, 0 failed");
    world.install(&["--branch=main"]);
    write("/two");
    let shown = world.push("main");
    let head = output(world.git().args(["-C", "work", "rev-parse", "HEAD"]));
    let told = format!("Revision {} by Ada: change", head.trim());
    assert!(remote(&shown).starts_with(&told), "{shown}");
    assert_eq!(shown.matches("Revision ").count(), 1, "{shown}");
    assert!(shown.contains("httpPath = \"/one\" -> \"/two\""), "{shown}");
    assert!(
        shown.contains("integrationd: 1 applied, 0 failed"),
        "{shown}"
    );
    assert!(!shown.contains(TOKEN), "{shown}");
    ends(daemon);
}

#[test]
fn push_of_another_branch_is_reported_as_ignored() {
    let world = World::new();
    let daemon = world.start(&[]);
    world.install(&["--branch", "main"]);
    let shown = world.push("topic");
    let told = "remote: integrationd: ignored: the push updates topic, not main";
    assert!(shown.contains(told), "{shown}");
    assert_eq!(world.web.tenant.requests(), [""; 0]);
    assert!(world.push("main").contains("integrationd: 1 unchanged"));
    ends(daemon);
}

#[test]
fn where_no_daemon_is_the_push_succeeds_and_a_line_says_so() {
    let world = World::new();
    world.install(&[]);
    let shown = remote(&world.push("main"));
    let told = format!(
        "integrationd: no daemon is listening at {}; the daemon's next run applies the push\n",
        world.socket()
    );
    assert_eq!(shown, told);
    world.hook(&["run"]).exits_with(1);
}

#[test]
fn failed_run_is_reported_and_the_push_succeeds() {
    let world = World::new();
    let daemon = world.start(&[]);
    world.install(&[]);
    let error = FaultKind::ServerError {
        code: 500,
        after_effect: false,
    };
    let fault = Fault::new(error).on(&Method::PUT, "/integrations/1");
    world.web.tenant.simulator.fault(fault.always());
    world.web.files.change("lake.yaml", "/p", "/q");
    let shown = world.push("main");
    assert!(
        shown.contains("integrationd: 0 applied, 1 failed"),
        "{shown}"
    );
    assert!(!shown.contains(TOKEN), "{shown}");
    world.hook(&["run"]).exits_with(1);
    world.web.tenant.simulator.clear_faults();
    let away = world.web.files.path().with_extension("away");
    fs::rename(world.web.files.path(), &away).unwrap();
    let shown = world.push("main");
    assert!(shown.contains("does not exist"), "{shown}");
    assert!(
        shown.contains(" help: give an existing, readable directory"),
        "{shown}"
    );
    fs::rename(&away, world.web.files.path()).unwrap();
    ends(daemon);
}

#[test]
fn pusher_sees_the_place_of_a_mistake_and_no_value() {
    let world = World::new();
    let daemon = world.start(&[]);
    world.install(&[]);
    let bad = lake("other", "canary-Rq7w-literal").replace("httpPath", "httpPaht");
    world.web.files.write("bad.yaml", &bad);
    let shown = world.push("main");
    assert!(shown.contains("bad.yaml:5:3: error[E0301]"), "{shown}");
    assert!(shown.contains("did you mean `httpPath`"), "{shown}");
    assert!(!shown.contains("canary-Rq7w"), "{shown}");
    world.hook(&["run"]).exits_with(65);
    ends(daemon);
}

#[test]
fn a_pusher_waits_no_longer_than_was_said_and_the_run_goes_on() {
    let world = World::new();
    let daemon = world.start(&[]);
    world.web.tenant.simulator.set_options(SimulatorOptions {
        settle: Duration::from_secs(4),
        ..world.web.tenant.simulator.options()
    });
    world.install(&["--timeout", "1s"]);
    world.web.files.change("lake.yaml", "/p", "/q");
    let shown = world.push("main");
    assert!(
        shown.contains("integrationd: the run did not finish within 1 s"),
        "{shown}"
    );
    assert!(shown.contains("Plan: 1 to update"), "{shown}");
    eventually("the end of the run", || {
        daemon.printed().matches("1 applied, 0 failed").count() >= 2
    });
    ends(daemon);
}

#[test]
fn open_standard_input_is_read_until_the_timeout_alone() {
    let world = World::new();
    let socket = world.socket();
    let args = ["hook", "run", "--branch=main", "--timeout=1s", "--socket"];
    let (mut command, _state) = Integrationd::new(args).arg(socket).into_command();
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut asking = command.spawn().unwrap();
    let open = asking.stdin.take();
    eventually("the end", || asking.try_wait().unwrap().is_some());
    let said = asking.wait_with_output().unwrap();
    assert_eq!(said.status.code(), Some(1));
    let said = String::from_utf8(said.stdout).unwrap();
    assert_eq!(
        said,
        "integrationd: no run was triggered: standard input, which lists the pushed references, \
        was still open after 1 s; to trigger a run manually, redirect standard input with \
        `</dev/null`\n"
    );
    drop(open);
}

#[test]
fn request_during_a_run_gets_the_result_of_the_next() {
    let world = World::new();
    let daemon = world.start(&[]);
    world.web.tenant.simulator.set_options(SimulatorOptions {
        settle: Duration::from_secs(2),
        ..world.web.tenant.simulator.options()
    });
    world.web.files.change("lake.yaml", "/p", "/q");
    let first = world.connect();
    eventually("the write", || world.web.tenant.writes().len() == 1);
    world.web.files.change("lake.yaml", "/q", "/r");
    let second = world.connect();
    let told = |stream: UnixStream| {
        let lines = BufReader::new(stream).lines();
        lines.map(Result::unwrap).collect::<Vec<_>>().join("\n")
    };
    let (first, second) = (told(first), told(second));
    assert!(first.contains("/q") && !first.contains("/r"), "{first}");
    assert!(second.contains("/r"), "{second}");
    for told in [first, second] {
        let end = r#"{"type":"end","exit_code":0,"summary":"1 applied, 0 failed"}"#;
        assert!(told.ends_with(end), "{told}");
    }
    ends(daemon);
}

#[test]
fn client_is_informed_of_the_shutdown_and_does_not_delay_it() {
    let world = World::new();
    let daemon = world.start(&[]);
    let late = Fault::new(FaultKind::Delay { ms: 60_000 });
    let fault = late.on(&Method::GET, "/integrations");
    world.web.tenant.simulator.fault(fault.always());
    // The run that they all wait for.
    let mut waiting: Vec<_> = (0..16).map(|_| world.connect()).collect();
    eventually("all of them are in", || {
        let printed = daemon.printed();
        printed.matches("socket client triggered a run").count() == 16
    });
    // One more than there is room for.
    let mut answer = String::new();
    world.connect().read_to_string(&mut answer).unwrap();
    assert!(answer.contains("too many clients"), "{answer}");
    // A client that disconnects frees its slot.
    drop(waiting.pop());
    let mut more = Vec::new();
    eventually("room", || {
        more.push(world.connect());
        let printed = daemon.printed();
        printed.matches("socket client triggered a run").count() == 17
    });
    // The run would last another minute, and is given up.
    daemon.signal("TERM");
    for mut stream in waiting {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.contains("the daemon is shutting down"), "{answer}");
    }
    daemon.wait().exits_with(0);
    assert!(!world.path("s.sock").exists());
}

#[test]
fn only_root_the_daemon_and_who_is_named_may_ask() {
    needs!(ROOT);
    let world = World::new();
    let daemon = world.start(&[]);
    let told = world.as_user(STRANGER).exits_with(1).stdout;
    assert!(
        told.contains("this user is not allowed to connect to"),
        "{told}"
    );
    ends(daemon);
    let daemon = world
        .daemon(&["--socket-user", &FRIEND.to_string()])
        .start();
    daemon.prints("1 unchanged");
    let told = world.as_user(STRANGER).exits_with(1).stdout;
    assert!(
        told.contains("integrationd: this user is not allowed to trigger runs:"),
        "{told}"
    );
    assert!(!told.contains("unchanged"), "{told}");
    daemon.prints("rejected a socket client: the user is not allowed");
    let told = world.as_user(FRIEND).exits_with(0).stdout;
    assert!(told.contains("integrationd: 1 unchanged"), "{told}");
    ends(daemon);
    for nobody in ["nobody", "65534", "no-such-user"] {
        let refused = world.daemon(&["--socket-user", nobody]).run();
        let told = refused.exits_with(78).stderr;
        assert!(
            told.contains(&format!("`--socket-user {nobody}`")),
            "{told}"
        );
    }
}

#[test]
fn stale_socket_of_a_killed_daemon_alone_is_replaced() {
    let world = World::new();
    let mut daemon = world.start(&[]);
    let mode = fs::metadata(world.socket()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // Another daemon, for another tenant, at the same path.
    let other = World::new();
    let told = |args: &[&str], code| {
        let all = [&["--poll", "1h", "--listen", "none"], args].concat();
        other.web.daemon(&all).run().exits_with(code).stderr
    };
    let said = told(&["--socket", &world.socket()], 1);
    assert!(
        said.contains("another daemon is already listening at"),
        "{said}"
    );
    daemon.kill();
    daemon.wait();
    assert!(world.path("s.sock").exists());
    let daemon = world.daemon(&[]).start();
    daemon.prints("1 unchanged");
    world.hook(&["run"]).exits_with(0);
    ends(daemon);
    let file = world.path("file");
    fs::write(&file, "mine").unwrap();
    let said = told(&["--socket", file.to_str().unwrap()], 1);
    assert!(said.contains("exists but is not a socket"), "{said}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    let said = told(&["--socket", "/nowhere/s.sock"], 1);
    assert!(said.contains("cannot listen at /nowhere/s.sock"), "{said}");
}

#[test]
fn socket_is_in_the_runtime_directory_unless_configured() {
    let world = World::new();
    let runtime = world.place.path().to_str().unwrap().to_owned();
    let daemon = |args: &[&str]| {
        let all = [&["--listen", "none"], args].concat();
        world.web.daemon(&all).env("RUNTIME_DIRECTORY", &runtime)
    };
    let running = daemon(&[]).start();
    running.prints("listening on the socket");
    let found = fs::symlink_metadata(world.path("integrationd.sock")).unwrap();
    assert!(found.file_type().is_socket());
    running.prints("1 applied, 0 failed");
    ends(running);
    let running = daemon(&["--socket", "none"]).start();
    running.prints("starting the daemon");
    running.prints("1 unchanged");
    assert!(!world.path("integrationd.sock").exists());
    ends(running);
}

#[test]
fn the_hook_of_another_is_never_overwritten() {
    let world = World::new();
    let bare = world.bare();
    let hook = world.path("bare.git/hooks/post-receive");
    let theirs = "#!/bin/sh\nexec mail-everybody\n";
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(&hook, theirs).unwrap();
    for args in [
        &["install", bare.as_str()][..],
        &["install", &bare, "--uninstall"],
    ] {
        let ran = world.hook(args).exits_with(1);
        assert!(
            ran.stderr
                .contains("exists and was not installed by integrationd"),
            "{}",
            ran.stderr
        );
        assert_eq!(fs::read_to_string(&hook).unwrap(), theirs);
    }
    let ran = world.hook(&["install", &bare]);
    assert!(
        ran.stderr.contains("help: add this line to the hook: /"),
        "{}",
        ran.stderr
    );
    fs::remove_file(&hook).unwrap();
    // Not even where a link leads to.
    symlink("/nowhere", &hook).unwrap();
    world.hook(&["install", &bare]).exits_with(1);
    fs::remove_file(&hook).unwrap();
    world.install(&[]);
    let ours = fs::metadata(&hook).unwrap().permissions().mode();
    assert_eq!(ours & 0o777, 0o755);
    world.install(&["--branch", "it's main"]);
    let script = fs::read_to_string(&hook).unwrap();
    assert!(script.contains(r"--branch='it'\''s main'"), "{script}");
    for said in ["post-receive.", "No integrationd hook is installed."] {
        let ran = world.hook(&["install", &bare, "--uninstall"]).exits_with(0);
        assert!(ran.stdout.contains(said), "{}", ran.stdout);
        assert!(!hook.exists());
    }
}

#[test]
fn hook_is_written_into_the_hooks_of_a_bare_repository_alone() {
    let world = World::new();
    let elsewhere = world.path("hooks-of-all");
    let hooks = elsewhere.to_str().unwrap();
    let config = ["-C", "bare.git", "config", "core.hooksPath", hooks];
    output(world.git().args(config));
    world.install(&[]);
    assert!(elsewhere.join("post-receive").exists());
    assert!(!world.path("bare.git/hooks/post-receive").exists());
    assert!(world.push("main").contains("no daemon is listening"));
    let work = world.path("work/.git").display().to_string();
    for (repository, why) in [
        (work.as_str(), "it is not a bare repository"),
        ("/nowhere", "not a git"),
    ] {
        let ran = world.hook(&["install", repository]).exits_with(64);
        assert!(ran.stderr.contains(why), "{}", ran.stderr);
    }
}

#[test]
fn client_that_closes_its_writing_side_gets_the_result() {
    let world = World::new();
    let daemon = world.start(&[]);
    let mut stream = world.connect();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("1 unchanged"), "{answer}");
    ends(daemon);
}

#[test]
fn input_of_the_socket_is_ignored() {
    let world = World::new();
    let daemon = world.start(&[]);
    let mut stream = world.connect();
    // It may be closed before all of it was sent.
    let _ = stream.write_all("GET / HTTP/1.1\r\n\r\n".repeat(1000).as_bytes());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.contains("1 unchanged"), "{answer}");
    ends(daemon);
}
