//! A git repository as the source: pushed, fetched, applied; what was rewritten is
//! held, and no secret goes where it is not bound.

use std::os::unix::fs::chown;

use integrationd::simulator::{FailedTest, Fault, FaultKind, SimulatedDrift};
use tempfile::TempDir;

use crate::common::{Files, Integrationd, Ran, Running, Tenant, eventually};
use crate::programs::{ROOT, needs, output};
use crate::stub::Stub;
use crate::support::git_lake::{BOUND, LAKE, ends, run};
use crate::support::repository::{Repository, command};
use crate::web::Served;

struct World {
    tenant: Tenant,
    repository: Repository,
    state: TempDir,
}

impl World {
    fn new() -> Self {
        let repository = Repository::empty();
        repository.commit("files/lake.yaml", LAKE);
        Self {
            tenant: Tenant::empty(),
            repository,
            state: TempDir::new().unwrap(),
        }
    }

    fn run(&self, command: &str, args: &[&str]) -> Integrationd {
        let Self { tenant, state, .. } = self;
        run((tenant, state), command, &self.repository.path(), args)
    }

    fn sync(&self, args: &[&str]) -> Ran {
        self.run("sync", args).arg("--yes").run()
    }

    fn daemon(&self, args: &[&str]) -> Running {
        self.run("daemon", args).arg("--listen=none").start()
    }

    fn writes_come_to(&self, expected: &[&str]) {
        eventually("the writes", || self.tenant.writes() == expected);
    }
}

#[test]
fn revision_is_applied_and_is_in_report_and_history() {
    let world = World::new();
    let ran = world.sync(&[BOUND, "-o", "json"]).exits_with(0);
    let head = world.repository.head().to_string();
    let told = format!("{head} (Ada: Change files/lake.yaml)");
    let source = ran.json()["source"].as_str().unwrap().to_owned();
    assert!(source.contains(&told), "{source}");
    let history = Integrationd::new(["history", "--state"]).arg(world.state.path());
    let history = history.on(&world.tenant).run().exits_with(0);
    assert!(history.stdout.contains(&told), "{}", history.stdout);
    assert_eq!(world.tenant.writes(), ["POST /integrations"]);
}

/// An author and a subject that would steer a terminal.
const HOSTILE: [&str; 4] = [
    "--author=A\u{202e}da <a@example.com>",
    "-m",
    "Twice\u{1b}[2J as fast",
    "--allow-empty",
];

#[test]
fn text_report_begins_with_revision_author_and_subject() {
    let world = World::new();
    world
        .repository
        .write("files/lake.yaml", LAKE.replace("/one", "/two"));
    let head = world.repository.commit_with(HOSTILE);
    let told = format!("Revision {head} by A\\u{{202e}}da: Twice\\u{{1b}}[2J as fast\n\n");
    for args in [&["--dry-run"][..], &["--dry-run", "--simulate"], &[]] {
        let args = [&[BOUND], args].concat();
        let ran = world.sync(&args).exits_with(0);
        assert!(ran.stdout.starts_with(&told), "{}", ran.stdout);
    }
    // There is nothing to do now, and the revision is reported all the same.
    let ran = world.sync(&[BOUND]).exits_with(0);
    assert!(ran.stdout.starts_with(&told), "{}", ran.stdout);
}

#[test]
fn daemon_shows_the_revision_in_plan_and_notifications() {
    let world = World::new();
    let stub = Stub::start(|_| (204, String::new()));
    let url = world.repository.place().join("url");
    std::fs::write(&url, &stub.url).unwrap();
    let notify = format!("--notify-url-file={}", url.display());
    let failed = FailedTest {
        test: "Some test".into(),
        message: "no".into(),
    };
    let fault = Fault::new(FaultKind::EditError(failed)).on(&http::Method::PUT, "/integrations/1");
    world.tenant.simulator.fault(fault.always());
    let daemon = world.daemon(&[BOUND, "--poll=200ms", &notify]);
    let told = |head: &dyn std::fmt::Display, plan: &str| {
        let line = format!("Revision {head} by Ada: Change files/lake.yaml\n\n");
        daemon.prints(&format!("{line}  # lake will be {plan}"));
    };
    told(&world.repository.head(), "created");
    daemon.prints("1 applied, 0 failed");
    let changed = LAKE.replace("/one", "/two");
    let head = world.repository.commit("files/lake.yaml", changed);
    told(&head, "updated");
    eventually("a notification", || !stub.requests().is_empty());
    let sent: serde_json::Value = serde_json::from_str(&stub.requests()[0].body).unwrap();
    let revision = serde_json::json!({
        "id": head.to_string(), "author": "Ada", "subject": "Change files/lake.yaml",
    });
    assert_eq!(sent["revision"], revision);
    ends(daemon);
}

#[test]
fn two_commits_send_no_secret_to_a_host_that_is_not_bound() {
    let world = World::new();
    let properties = "httpPath: x;ProxyHost=evil.example";
    let first = LAKE.replace("httpPath: /one", properties);
    let first = first.replace("${env:LAKE_TOKEN}", "junk");
    world.repository.commit("files/lake.yaml", first);
    world.sync(&[BOUND]).exits_with(0);
    let ignore = "sync: {ignore: [{path: /httpPath, reason: x}]}\n";
    // What else differs is the reason of the update.
    let edit = SimulatedDrift::value(1, "/port", serde_json::json!(444));
    world.tenant.simulator.drift(edit).unwrap();
    world.tenant.simulator.clear_log();
    let second = LAKE.replace("token: $", "port: 443\n  token: $") + ignore;
    world.repository.commit("files/lake.yaml", second);
    let ran = world.sync(&[BOUND]).exits_with(1);
    assert_eq!(world.tenant.writes(), [""; 0]);
    let reason = "`${env:LAKE_TOKEN}` may not be sent to the unknown destination in `httpPath`";
    assert!(ran.stdout.contains(reason), "{}", ran.stdout);
}

#[test]
fn a_secret_that_is_not_bound_goes_nowhere_from_a_repository() {
    let world = World::new();
    for args in [&[][..], &["--allow-secret=env:OTHER"]] {
        let ran = world.sync(args).exits_with(65);
        assert!(ran.stderr.contains("E0404"), "{}", ran.stderr);
    }
    assert_eq!(world.tenant.writes(), [""; 0]);
    // Anyone who can push may try another host.
    let theirs = LAKE.replace("lake.example.com", "theirs.example.com");
    world.repository.commit("files/lake.yaml", theirs);
    world.sync(&[BOUND]).exits_with(65);
    assert_eq!(world.tenant.writes(), [""; 0]);
}

#[test]
fn rewritten_history_is_held_until_it_is_accepted() {
    let world = World::new();
    world.sync(&[BOUND]).exits_with(0);
    world
        .repository
        .git(["checkout", "--quiet", "--orphan", "other"]);
    world
        .repository
        .write("files/lake.yaml", LAKE.replace("/one", "/two"));
    let rewritten = world.repository.commit_with(["-m", "All new"]);
    world
        .repository
        .git(["branch", "--quiet", "--force", "main", "other"]);
    world.repository.push();
    let ran = world.sync(&[BOUND]).exits_with(4);
    let help = format!("accept it with `--git-allow-rewrite={rewritten}`");
    assert!(ran.stderr.contains(&help), "{}", ran.stderr);
    assert_eq!(world.tenant.writes(), ["POST /integrations"]);

    let other = "--git-allow-rewrite=1111111111111111111111111111111111111111";
    world.sync(&[BOUND, other]).exits_with(4);
    let this = format!("--git-allow-rewrite={rewritten}");
    world.sync(&[BOUND, &this]).exits_with(0);
    assert_eq!(
        world.tenant.writes(),
        ["POST /integrations", "PUT /integrations/1"]
    );
}

#[test]
fn unsigned_revision_is_not_applied_if_signatures_are_required() {
    let world = World::new();
    let signers = world.repository.place().join("signers");
    std::fs::write(&signers, "").unwrap();
    let signers = format!("--git-allowed-signers={}", signers.display());
    let args = [BOUND, "--git-verify=head", &signers];
    let ran = world.sync(&args).exits_with(1);
    assert!(ran.stderr.contains("is not signed"), "{}", ran.stderr);
    assert_eq!(world.tenant.requests(), [""; 0]);
}

#[test]
fn repository_of_another_user_is_refused_with_a_remedy() {
    needs!(ROOT);
    let world = World::new();
    let bare = world.repository.path();
    chown(&bare, Some(54_321), None).unwrap();
    let why = format!("{bare} belongs to user 54321, but integrationd runs as root (0)");
    let help =
        "run integrationd as the owner, or give ownership to the user that runs integrationd";
    let ran = world.sync(&[BOUND]).exits_with(1);
    let told = format!("{why}\n help: {help}\n");
    assert!(ran.stderr.ends_with(&told), "{}", ran.stderr);
    let listening = world.run("daemon", &[BOUND]).arg("--listen=127.0.0.1:0");
    let served = Served::of(listening.start());
    served.daemon.prints(&why);
    served.daemon.prints(help);
    eventually("the status tells of it", || {
        let status = served.status();
        let summary = status["summary"].as_str().unwrap_or_default();
        summary.ends_with(&why) && status["help"] == help
    });
    assert_eq!(world.tenant.requests(), [""; 0]);
    served.end();
}

#[test]
fn push_is_applied_and_a_removed_file_deletes_nothing_unasked() {
    let world = World::new();
    let daemon = world.daemon(&[BOUND, "--poll=200ms"]);
    world.writes_come_to(&["POST /integrations"]);
    let changed = LAKE.replace("/one", "/two");
    world.repository.commit("files/lake.yaml", changed);
    world.writes_come_to(&["POST /integrations", "PUT /integrations/1"]);
    world.repository.git(["rm", "--quiet", "files/lake.yaml"]);
    world.repository.commit("files/readme.txt", "none");
    daemon.prints(&format!(
        "no integration files in {}",
        world.repository.path()
    ));
    daemon.prints("no integrations");
    assert_eq!(world.tenant.writes().len(), 2);
    ends(daemon);
}

#[test]
fn daemon_holds_rewritten_history_until_the_settings_accept_it() {
    let world = World::new();
    let settings = Files::none().with("settings.yaml", "poll: 200ms\n");
    let file = settings.path().join("settings.yaml");
    let config = format!("--config={}", file.display());
    let daemon = world.daemon(&[BOUND, &config]);
    world.writes_come_to(&["POST /integrations"]);
    daemon.prints("1 applied, 0 failed");
    world
        .repository
        .write("files/lake.yaml", LAKE.replace("/one", "/two"));
    let rewritten = world.repository.commit_with(["--amend", "-m", "Rewritten"]);
    daemon.prints("history was rewritten");
    daemon.prints(&format!("accept it with `--git-allow-rewrite={rewritten}`"));
    assert_eq!(world.tenant.writes(), ["POST /integrations"]);

    // Settings that are wrong are refused, and the old ones go on.
    settings.write("settings.yaml", "poll: soon\n");
    daemon.signal("HUP");
    daemon.prints("the new settings are invalid; keeping the previous ones");
    let taken = format!("poll: 200ms\ngit-allow-rewrite: {rewritten}\n");
    settings.write("settings.yaml", &taken);
    daemon.signal("HUP");
    world.writes_come_to(&["POST /integrations", "PUT /integrations/1"]);
    ends(daemon);
}

#[test]
fn end_of_a_shallow_clone_is_not_called_rewritten_history() {
    let world = World::new();
    let place = world.repository.place();
    let url = format!("file://{}", world.repository.path());
    let shallow = place.join("shallow").display().to_string();
    let git = |args: &[&str]| output(command("git", place).args(args));
    git(&["clone", "--quiet", "--bare", "--depth=1", &url, &shallow]);
    let fetch = |depth| {
        let all = "+refs/heads/*:refs/heads/*";
        git(&["-C", &shallow, "fetch", "--quiet", depth, "origin", all]);
    };
    let args = [BOUND, "--poll=200ms", "--interval=1s"];
    let daemon = run((&world.tenant, &world.state), "daemon", &shallow, &args);
    let served = Served::of(daemon.arg("--listen=127.0.0.1:0").start());
    served.daemon.prints("1 applied, 0 failed");
    let applied = world.repository.head();
    for path in ["/two", "/three", "/four"] {
        let changed = LAKE.replace("/one", path);
        world.repository.commit("files/lake.yaml", changed);
    }
    fetch("--depth=1");
    let head = world.repository.head();
    let what = format!(
        "cannot determine whether {head} (Ada: Change files/lake.yaml) descends from the applied \
        revision {applied}: the available history does not reach the applied revision"
    );
    let help = format!(
        "if the repository is a shallow clone, fetch more history; or, if the revision is correct, \
        accept it with `--git-allow-rewrite={head}`"
    );
    eventually("the status tells of it", || {
        let status = served.status();
        status["summary"] == what && status["help"] == help && status["reason"] == "SourceRefused"
    });
    served.daemon.prints(&what);
    served.daemon.prints(&help);
    assert!(served.get("/").body.contains(&what));
    assert!(!served.daemon.printed().contains("rewritten:"));
    assert_eq!(world.tenant.writes(), ["POST /integrations"]);
    // It helps.
    fetch("--depth=3");
    world.writes_come_to(&["POST /integrations", "PUT /integrations/1"]);
    served.end();
}

#[test]
fn daemon_waits_for_another_fetch_without_a_failure() {
    let world = World::new();
    let stub = Stub::start(|_| (204, String::new()));
    let url = world.repository.place().join("url");
    std::fs::write(&url, &stub.url).unwrap();
    let notify = format!("--notify-url-file={}", url.display());
    let daemon = world.daemon(&[BOUND, "--poll=200ms", "--interval=1s", &notify]);
    daemon.prints("1 applied, 0 failed");
    let sources = std::fs::read_dir(world.state.path().join("git")).unwrap();
    let source = sources.flatten().next().unwrap().path();
    let lock = std::fs::File::open(source.join("lock")).unwrap();
    lock.lock().unwrap();
    let changed = LAKE.replace("/one", "/two");
    world.repository.commit("files/lake.yaml", changed);
    // As `sync --dry-run` of an operator does, while the server packs.
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert_eq!(world.tenant.writes(), ["POST /integrations"]);
    lock.unlock().unwrap();
    world.writes_come_to(&["POST /integrations", "PUT /integrations/1"]);
    let printed = daemon.printed();
    assert!(!printed.contains("under way"), "{printed}");
    let failures = stub
        .requests()
        .into_iter()
        .filter(|sent| sent.body.contains("Failed"));
    assert_eq!(failures.count(), 0);
    ends(daemon);
}

#[test]
fn refused_revision_may_be_rewritten_as_it_was_not_applied() {
    let world = World::new();
    let daemon = world.daemon(&[BOUND, "--poll=200ms", "--max-changes=1"]);
    world.writes_come_to(&["POST /integrations"]);
    daemon.prints("1 applied, 0 failed");
    world
        .repository
        .write("files/lake.yaml", LAKE.replace("/one", "/two"));
    world.repository.commit("files/sea.yaml", "type: Trino\n");
    daemon.prints("the guard refused the plan");
    world.repository.git(["rm", "--quiet", "files/sea.yaml"]);
    world
        .repository
        .commit_with(["--amend", "-m", "One thing at a time"]);
    world.writes_come_to(&["POST /integrations", "PUT /integrations/1"]);
    ends(daemon);
}

#[test]
fn what_fails_again_and_again_rests_while_the_others_go_on() {
    let world = World::new();
    let failed = FailedTest {
        test: "Some test".into(),
        message: "no".into(),
    };
    let fault = Fault::new(FaultKind::EditError(failed)).on(&http::Method::PUT, "/integrations/1");
    let daemon = world.daemon(&[BOUND, "--poll=200ms", "--interval=1s"]);
    world.writes_come_to(&["POST /integrations"]);
    world.tenant.simulator.fault(fault.always());
    world
        .repository
        .commit("files/lake.yaml", LAKE.replace("/one", "/two"));
    // It is not sent at every interval.
    daemon.prints("the last write failed; the next attempt is at");
    world.repository.commit("files/sea.yaml", "type: Trino\n");
    eventually("the other one", || {
        world
            .tenant
            .writes()
            .iter()
            .filter(|write| write.starts_with("POST"))
            .count()
            == 2
    });
    let puts = || {
        let writes = world.tenant.writes();
        writes
            .iter()
            .filter(|write| write.starts_with("PUT"))
            .count()
    };
    // A new revision tries it again at once, and then it rests again.
    eventually("another try", || puts() >= 2);
    world.tenant.simulator.clear_faults();
    daemon.signal("HUP");
    eventually("an end", || daemon.printed().contains("2 unchanged"));
    ends(daemon);
}

#[test]
fn applied_revision_without_a_change_survives_a_restart() {
    let world = World::new();
    let daemon = world.daemon(&[BOUND, "--poll=200ms"]);
    world.writes_come_to(&["POST /integrations"]);
    daemon.prints("1 applied, 0 failed");
    let first = world.repository.head().to_string();
    let comment = format!("# A comment.\n{LAKE}");
    world.repository.commit("files/lake.yaml", comment);
    daemon.prints("1 unchanged");
    ends(daemon);
    world.repository.git(["reset", "--quiet", "--hard", &first]);
    let other = LAKE.replace("/one", "/two");
    world.repository.commit("files/lake.yaml", other);
    let daemon = world.daemon(&[BOUND]);
    daemon.prints("history was rewritten");
    ends(daemon);
    world.sync(&[BOUND]).exits_with(4);
    assert_eq!(world.tenant.writes(), ["POST /integrations"]);
}

#[test]
fn a_repository_that_was_away_is_read_when_it_is_back() {
    let world = World::new();
    let daemon = world.daemon(&[BOUND, "--poll=200ms"]);
    daemon.prints("1 applied, 0 failed");
    let (here, away) = (world.repository.path(), world.repository.path() + ".away");
    std::fs::rename(&here, &away).unwrap();
    // The next look says so, and not only the next run that is due.
    daemon.prints("reason=\"SourceUnreadable\"");
    std::fs::rename(&away, &here).unwrap();
    daemon.prints("1 unchanged");
    ends(daemon);
}
