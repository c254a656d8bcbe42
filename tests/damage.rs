//! A state that cannot be used, or not as it should: a full disk, a directory
//! that is read-only, a damaged ledger, a clock that was set, two processes at
//! once. Each is a clear error or a correct run, and nothing is made twice.

mod disk;

use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use integrationd::simulator::SimulatorOptions;
use rustix::process::{getgid, getuid};
use serde_json::Value;
use tempfile::TempDir;

use crate::common::{Files, Integrationd, Ran, Running, Tenant, eventually, under};
use crate::programs::{FAKETIME, NAMESPACES, needs};
use crate::support::unprivileged::Unprivileged;
use disk::Disk;

/// Result of a command that is run in another way.
fn output(mut command: Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Integrations of a fleet: enough that a disk fills up in the middle of them.
const FILES: usize = 4;

fn fleet() -> Files {
    (0..FILES).fold(Files::none(), |files, n| {
        let name = format!("lake-{n}");
        let text = format!(
            "type: Databricks\nautoBootstrap: false\nconfig: {{workspaceUrl: {name}.example.com, \
             httpPath: /one, authenticationType: token, token: '${{env:SYNAPSE_PASSWORD}}'}}\n"
        );
        files.with(&format!("{name}.yaml"), &text)
    })
}

fn change(files: &Files, to: &str) {
    for n in 0..FILES {
        files.change(
            &format!("lake-{n}.yaml"),
            "httpPath: /",
            &format!("httpPath: {to}/"),
        );
    }
}

fn sync(tenant: &Tenant, files: &Files, state: &Path) -> Integrationd {
    sync_with(tenant, files, state, "--yes")
}

fn sync_with(tenant: &Tenant, files: &Files, state: &Path, arg: &str) -> Integrationd {
    let run = Integrationd::new(["sync", arg, "--parallelism=1", "--state"]);
    run.arg(state).on(tenant).with(files)
}

fn tenant() -> Tenant {
    Tenant::with(SimulatorOptions {
        settle: Duration::from_millis(1),
        ..SimulatorOptions::default()
    })
}

/// A fleet that is in sync, with its state.
fn in_sync() -> (Tenant, Files, TempDir) {
    let (tenant, files, state) = (tenant(), fleet(), TempDir::new().unwrap());
    sync(&tenant, &files, state.path()).run().exits_with(0);
    tenant.simulator.clear_log();
    (tenant, files, state)
}

/// Fails the test unless the tenant has each integration once.
#[track_caller]
fn has_each_once(tenant: &Tenant) {
    let host = |integration: &Value| integration["config"]["workspaceUrl"].to_string();
    let mut hosts: Vec<String> = tenant.simulator.state().iter().map(host).collect();
    hosts.sort();
    let all: Vec<String> = (0..FILES)
        .map(|n| format!("\"lake-{n}.example.com\""))
        .collect();
    assert_eq!(hosts, all);
}

/// Fails the test unless a run gets there, and another finds nothing to do.
#[track_caller]
fn converges(tenant: &Tenant, files: &Files, state: &Path) {
    converges_by(tenant, || sync(tenant, files, state).run());
}

#[track_caller]
fn converges_by(tenant: &Tenant, run: impl Fn() -> Ran) {
    run().exits_with(0);
    has_each_once(tenant);
    let ran = run().exits_with(0);
    assert!(ran.stdout.contains("No changes."), "{}", ran.stdout);
}

/// Fails the test unless a run was refused with a remedy and sent nothing.
#[track_caller]
fn is_refused(ran: Ran, tenant: &Tenant, words: &[&str]) {
    let ran = ran.exits_with(1);
    for word in words.iter().chain(&["error:", "help:"]) {
        assert!(
            ran.stderr.contains(word),
            "{word:?} is not in {}",
            ran.stderr
        );
    }
    assert_eq!(tenant.requests(), [""; 0]);
}

fn ledger(state: &Path) -> PathBuf {
    let entries = std::fs::read_dir(state).unwrap();
    let mut paths = entries.map(|entry| entry.unwrap().path());
    paths
        .find(|path| path.extension().is_some_and(|e| e == "db"))
        .unwrap()
}

#[test]
fn full_disk_stops_unsent_writes_and_loses_no_sent_one() {
    needs!(NAMESPACES);
    let disk = Disk::of(1024);
    // What the first runs met: nothing could be begun, or something was not recorded.
    let (mut held_back, mut not_recorded, mut whole) = (0, 0, 0);
    for free in (0..400).step_by(16) {
        let (tenant, files) = (tenant(), fleet());
        let run = || output(disk.enter(sync(&tenant, &files, disk.path())));
        disk.empty();
        disk.fill_but(free);
        let ran = run();
        let made = tenant.simulator.state().len();
        assert!(
            ran.code == 0 || ran.all().contains("help:"),
            "{free}: {}",
            ran.all()
        );
        let count = |text: &str| ran.all().matches(text).count();
        let unsent = count("nothing was sent because the ledger could not be written");
        if ran.code == 0 {
            whole += 1;
        } else if ran.stdout.contains("Plan: ") {
            // What could not be begun was not sent, and the others were.
            assert_eq!(made + unsent, FILES, "{free}: {}", ran.all());
            held_back += unsent;
            not_recorded +=
                count("the change was applied, but could not be recorded in the ledger");
        } else {
            assert_eq!(made, 0, "{free}: {}", ran.all());
        }
        assert_eq!(tenant.writes().len(), made, "{free}");
        disk.free();
        converges_by(&tenant, run);
    }
    let seen = (held_back > 0, not_recorded > 0, whole > 0);
    assert_eq!(
        seen,
        (true, true, true),
        "{held_back}, {not_recorded}, {whole}"
    );
}

#[test]
fn disk_full_between_runs_is_reported_before_any_write() {
    needs!(NAMESPACES);
    let disk = Disk::of(1024);
    let (tenant, files) = (tenant(), fleet());
    let run = |arg: &str| output(disk.enter(sync_with(&tenant, &files, disk.path(), arg)));
    run("--yes").exits_with(0);
    change(&files, "/new");
    disk.fill_but(0);
    tenant.simulator.clear_log();
    is_refused(
        run("--yes"),
        &tenant,
        &["No space left on device", "free disk space"],
    );
    // What is there can be read.
    let ran = run("--dry-run").exits_with(0);
    assert!(ran.stdout.contains("Plan: 4 to update."), "{}", ran.stdout);
    disk.free();
    converges_by(&tenant, || run("--yes"));
}

#[test]
fn limit_of_file_size_is_reported_like_a_full_disk() {
    let (mut refused, mut whole) = (0, 0);
    for kilobytes in (0..200).step_by(20) {
        let (tenant, files, state) = (tenant(), fleet(), TempDir::new().unwrap());
        // Without the signal a write fails, as on a full disk.
        let limit = format!(
            "trap '' XFSZ; exec prlimit --fsize={} \"$0\" \"$@\"",
            kilobytes * 1024
        );
        let (command, _home) = sync(&tenant, &files, state.path()).into_command();
        let ran = output(under(&["sh", "-c", &limit], &command));
        if ran.code == 0 {
            whole += 1;
        } else {
            refused += 1;
            assert!(ran.all().contains("help:"), "{kilobytes}: {}", ran.all());
        }
        assert_eq!(tenant.writes().len(), tenant.simulator.state().len());
        converges(&tenant, &files, state.path());
    }
    assert!(refused > 2 && whole > 0, "{refused}, {whole}");
}

/// Makes a directory and what is in it an ordinary user's own, or the tests' own.
fn give(directory: &Path, owner: u32, mode: u32) {
    let group = if owner == getuid().as_raw() {
        getgid().as_raw()
    } else {
        owner
    };
    for entry in std::fs::read_dir(directory).unwrap() {
        chown(entry.unwrap().path(), Some(owner), Some(group)).unwrap();
    }
    chown(directory, Some(owner), Some(group)).unwrap();
    std::fs::set_permissions(directory, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn read_only_state_is_reported_and_a_dry_run_reads_it() {
    let (tenant, files, place) = (tenant(), fleet(), TempDir::new().unwrap());
    give(place.path(), getuid().as_raw(), 0o755);
    std::fs::set_permissions(files.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let binary = Unprivileged::new();
    for is_new in [true, false] {
        let state = place.path().join(format!("new-{is_new}"));
        std::fs::create_dir(&state).unwrap();
        if !is_new {
            sync(&tenant, &files, &state).run().exits_with(0);
            change(&files, "/new");
        }
        give(&state, binary.user(), 0o555);
        let run = |arg: &str| {
            let (command, _home) = sync_with(&tenant, &files, &state, arg).into_command();
            tenant.simulator.clear_log();
            output(binary.instead_of(&command))
        };
        is_refused(run("--yes"), &tenant, &[state.to_str().unwrap(), "--state"]);
        let plan = if is_new { "4 to create" } else { "4 to update" };
        let ran = run("--dry-run").exits_with(0);
        assert!(ran.stdout.contains(plan), "{}", ran.stdout);
        give(&state, getuid().as_raw(), 0o700);
    }
}

/// Damage to the file of a ledger.
type Damage = fn(&Path);

const DAMAGES: &[(&str, &str, Damage)] = &[
    (
        "its first bytes",
        "is damaged: file is not a database",
        |file| flip(file, 0..16),
    ),
    ("its header", "is ", |file| flip(file, 16..100)),
    (
        "its application",
        "is a database but not an integrationd ledger",
        |file| flip(file, 68..72),
    ),
    ("a page", "is damaged: ", |file| flip(file, 4096..8192)),
    ("cut to half", "is damaged: ", |file| {
        let half = file.metadata().unwrap().len() / 2;
        open(file).set_len(half).unwrap();
    }),
    ("cut in a page", "is damaged: ", |file| {
        open(file).set_len(10_000).unwrap();
    }),
    ("emptied", "is damaged: it is empty", |file| {
        open(file).set_len(0).unwrap();
    }),
    ("a directory", "cannot open the ledger", |file| {
        std::fs::remove_file(file).unwrap();
        std::fs::create_dir(file).unwrap();
    }),
    ("a log alone", "only its write-ahead log", |file| {
        std::fs::rename(file, format!("{}-wal", file.display())).unwrap();
    }),
];

fn open(file: &Path) -> std::fs::File {
    std::fs::OpenOptions::new().write(true).open(file).unwrap()
}

fn flip(file: &Path, range: std::ops::Range<usize>) {
    let mut bytes = std::fs::read(file).unwrap();
    bytes[range].iter_mut().for_each(|byte| *byte ^= 0xff);
    std::fs::write(file, bytes).unwrap();
}

/// Every file of the state with what is in it, but for the lock.
fn content(state: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = std::fs::read_dir(state).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let kept = paths.filter(|path| path.is_file() && path.extension().is_none_or(|e| e != "lock"));
    let mut content: Vec<_> = kept
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect();
    content.sort();
    content
}

#[test]
fn damaged_ledger_is_reported_unchanged_and_nothing_sent() {
    for (what, told, damage) in DAMAGES {
        let (tenant, files, state) = in_sync();
        let file = ledger(state.path());
        change(&files, "/new");
        damage(&file);
        let before = content(state.path());
        let ran = sync(&tenant, &files, state.path()).run();
        is_refused(ran, &tenant, &[told, file.to_str().unwrap()]);
        assert_eq!(content(state.path()), before, "{what}");
        if file.exists() {
            let ran = sync_with(&tenant, &files, state.path(), "--dry-run").run();
            is_refused(ran, &tenant, &[file.to_str().unwrap()]);
            assert_eq!(content(state.path()), before, "{what}");
        }
    }
}

#[test]
fn the_remedy_for_a_damaged_ledger_leads_to_a_correct_run() {
    let (tenant, files, state) = in_sync();
    flip(&ledger(state.path()), 0..16);
    std::fs::rename(ledger(state.path()), state.path().join("moved-away")).unwrap();
    converges(&tenant, &files, state.path());
}

#[test]
fn a_single_byte_that_changed_is_noticed_or_does_no_harm() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let (tenant, files, state) = in_sync();
    let file = ledger(state.path());
    let good = std::fs::read(&file).unwrap();
    let mut refused = 0;
    for _ in 0..40 {
        let at = random.usize(..good.len());
        let mut bytes = good.clone();
        bytes[at] ^= 1 << random.u32(..8);
        std::fs::write(&file, &bytes).unwrap();
        tenant.simulator.clear_log();
        let ran = sync(&tenant, &files, state.path()).run();
        let what = || format!("byte {at}, seed {seed}: {}", ran.all());
        if ran.code != 0 {
            refused += 1;
            assert!(ran.all().contains("help:"), "{}", what());
            assert_eq!(tenant.writes(), [""; 0], "{}", what());
        }
        has_each_once(&tenant);
    }
    std::fs::write(&file, &good).unwrap();
    converges(&tenant, &files, state.path());
    assert!(refused < 40, "every byte matters, seed {seed}");
}

/// A state as a run leaves it that is killed while it follows its first write.
fn killed() -> (Tenant, Files, TempDir) {
    let (tenant, files, state) = (tenant(), fleet(), TempDir::new().unwrap());
    let settle = |settle| SimulatorOptions {
        settle,
        ..tenant.simulator.options()
    };
    tenant.simulator.set_options(settle(Duration::from_secs(1)));
    let mut running = sync(&tenant, &files, state.path()).start();
    eventually("it follows a write", || {
        tenant
            .requests()
            .iter()
            .any(|line| line.ends_with("/status"))
    });
    running.kill();
    running.wait();
    tenant
        .simulator
        .set_options(settle(Duration::from_millis(1)));
    (tenant, files, state)
}

/// The write-ahead log that a killed run leaves.
fn log_of(state: &Path) -> PathBuf {
    let file = ledger(state);
    PathBuf::from(format!("{}-wal", file.display()))
}

#[test]
fn lost_or_damaged_write_ahead_log_creates_nothing_twice() {
    let damages: [(&str, Damage); 5] = [
        ("whole", |_| {}),
        ("gone", |log| std::fs::remove_file(log).unwrap()),
        ("garbage", |log| {
            std::fs::write(log, "garbage".repeat(5_000)).unwrap();
        }),
        ("cut", |log| {
            open(log)
                .set_len(log.metadata().unwrap().len() / 2)
                .unwrap();
        }),
        ("flipped", |log| flip(log, 40..200)),
    ];
    for (what, damage) in damages {
        let (tenant, files, state) = killed();
        assert_eq!(tenant.simulator.state().len(), 1);
        let log = log_of(state.path());
        assert!(log.metadata().unwrap().len() > 0, "{what}");
        damage(&log);
        // What the server is still at work on is in doubt until it has settled.
        eventually(what, || sync(&tenant, &files, state.path()).run().code == 0);
        converges(&tenant, &files, state.path());
    }
}

#[test]
fn a_clock_that_was_set_changes_nothing_that_is_done() {
    needs!(FAKETIME);
    for offset in ["-1h", "-400d", "+2h"] {
        for auth in ["--auth=key", "--auth=token"] {
            let (tenant, files, state) = killed();
            let run = || {
                sync(&tenant, &files, state.path())
                    .arg(auth)
                    .arg("--log-level=info")
            };
            let clock = ["faketime", "-f", offset];
            let set = || output(under(&clock, &run().into_command().0));
            eventually("what was begun by the other clock is settled", || {
                set().code == 0
            });
            has_each_once(&tenant);
            change(&files, "/new");
            tenant.simulator.clear_log();
            let ran = set().exits_with(0);
            assert!(!ran.stderr.contains("lock"), "{}", ran.stderr);
            assert_eq!(tenant.writes().len(), FILES, "{offset}: {}", ran.all());
            for ran in [set(), run().run()] {
                assert!(ran.stdout.contains("No changes."), "{}", ran.all());
            }
            assert_eq!(tenant.writes().len(), FILES, "{offset}");
        }
    }
}

#[test]
fn of_processes_started_at_once_one_wins_and_others_name_it() {
    for round in 0..3 {
        let (tenant, files, state) = (tenant(), fleet(), TempDir::new().unwrap());
        let slow = SimulatorOptions {
            settle: Duration::from_millis(400),
            ..tenant.simulator.options()
        };
        tenant.simulator.set_options(slow);
        let running: Vec<_> = (0..3)
            .map(|_| sync(&tenant, &files, state.path()).start())
            .collect();
        let ids: Vec<u32> = running.iter().map(Running::id).collect();
        let dry = sync_with(&tenant, &files, state.path(), "--dry-run").run();
        // What is under way is in doubt for it.
        let planned = dry.code <= 1 && dry.stdout.contains("Plan: ");
        assert!(planned, "round {round}: {}", dry.all());
        let ran: Vec<Ran> = running.into_iter().map(Running::wait).collect();
        let winners: Vec<usize> = (0..3).filter(|n| ran[*n].code == 0).collect();
        assert_eq!(winners.len(), 1, "round {round}");
        let holder = format!("is in use by process {} on ", ids[winners[0]]);
        for loser in ran.iter().filter(|ran| ran.code != 0) {
            assert!(loser.stderr.contains(&holder), "{holder}: {}", loser.stderr);
        }
        has_each_once(&tenant);
        assert_eq!(tenant.writes().len(), FILES);
    }
}
