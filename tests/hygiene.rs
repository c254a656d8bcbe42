//! Access of other users on the machine: the memory of the process, its arguments, its files.
//! With the real process.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use integrationd::simulator::SimulatorOptions;
use serde_json::Value;
use tempfile::TempDir;

use crate::common::{Files, Integrationd, SECRETS, Tenant, eventually, send_signal, under};
use crate::support::unprivileged::Unprivileged;

/// A running simulator: a process that stays until it is ended.
struct Simulator {
    child: Child,
    place: TempDir,
}

impl Simulator {
    fn start(prefix: &[&str]) -> Self {
        let run = Integrationd::new(["simulator", "--listen=127.0.0.1:0"]);
        let place = TempDir::new().unwrap();
        let mut command = under(prefix, &run.into_command().0);
        command.current_dir(place.path());
        Self::spawn(command, place)
    }

    /// By a user who is not root, if the tests run as root.
    fn start_unprivileged() -> Self {
        let binary = Unprivileged::new();
        let mut command = binary.command();
        command.args(["simulator", "--listen=127.0.0.1:0"]);
        Self::spawn(command, TempDir::new().unwrap())
    }

    fn spawn(mut command: Command, place: TempDir) -> Self {
        let out = std::fs::File::create(place.path().join("out")).unwrap();
        let child = command
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let simulator = Self { child, place };
        eventually("it serves", || {
            let out = std::fs::read_to_string(simulator.place.path().join("out"));
            out.unwrap().contains("Control: ")
        });
        simulator
    }

    fn proc(&self, name: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{name}", self.child.id())).unwrap()
    }

    fn signal(mut self, name: &str) -> ExitStatus {
        killed_by(name, &mut self.child)
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        // It may have been ended by the test.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn killed_by(signal: &str, child: &mut Child) -> ExitStatus {
    send_signal(child.id(), signal);
    child.wait().unwrap()
}

fn limit(process: &Simulator, name: &str) -> Vec<String> {
    let limits = process.proc("limits");
    let line = limits.lines().find(|line| line.starts_with(name)).unwrap();
    let values = line[name.len()..].split_whitespace().take(2);
    values.map(str::to_owned).collect()
}

#[test]
fn a_core_dump_is_forbidden_and_what_is_made_is_private() {
    let process = Simulator::start(&["sh", "-c", "umask 0; exec \"$0\" \"$@\""]);
    assert_eq!(limit(&process, "Max core file size"), ["0", "0"]);
    let status = process.proc("status");
    let umask = status.lines().find(|line| line.starts_with("Umask:"));
    assert_eq!(umask, Some("Umask:\t0077"));
}

#[test]
fn the_memory_is_closed_to_other_processes_of_the_user() {
    let process = Simulator::start_unprivileged();
    let proc = format!("/proc/{}", process.child.id());
    for name in ["mem", "environ", "maps"] {
        // What belongs to root although the process does not is closed to its user.
        let owner = Path::new(&proc).join(name).metadata().unwrap().uid();
        assert_eq!(owner, 0, "{name}");
    }
    assert!(process.proc("status").contains("\nUid:\t"));
}

#[test]
fn aborted_process_writes_no_core() {
    // A shell that started the tests in the background ignores QUIT, and so would the child.
    let unlimited = [
        "env",
        "--default-signal=ABRT,QUIT",
        "sh",
        "-c",
        "ulimit -c unlimited 2>/dev/null; exec \"$0\" \"$@\"",
    ];
    // Not SEGV: the handler for overflows of the stack takes the first one.
    for signal in ["ABRT", "QUIT"] {
        let status = Simulator::start(&unlimited).signal(signal);
        assert!(status.signal().is_some(), "{status}");
        assert!(!status.core_dumped(), "{signal}");
    }
}

/// The name and mode of everything in a directory.
fn modes(directory: &Path) -> Vec<(String, u32)> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut modes: Vec<(String, u32)> = entries
        .filter_map(|entry| {
            let entry = entry.unwrap();
            // It may disappear during the check.
            let mode = entry.metadata().ok()?.permissions().mode() & 0o7777;
            Some((entry.file_name().into_string().unwrap(), mode))
        })
        .collect();
    modes.sort();
    modes
}

#[test]
fn state_files_are_their_owners_alone_from_the_first_moment() {
    let tenant = Tenant::with(SimulatorOptions {
        settle: Duration::from_millis(500),
        ..SimulatorOptions::default()
    });
    let (files, place) = (Files::examples(), TempDir::new().unwrap());
    let state = place.path().join("a/state");
    let run = Integrationd::new(["sync", "--yes", "--state"]).arg(&state);
    let (command, _home) = run.on(&tenant).with(&files).into_command();
    let mut child = under(&["sh", "-c", "umask 0; exec \"$0\" \"$@\""], &command)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut seen = std::collections::BTreeMap::new();
    while child.try_wait().unwrap().is_none() {
        if state.exists() {
            seen.extend(modes(&state));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    seen.extend(modes(&state));
    for ending in [".db", ".db-wal", ".db-shm", ".db.lock", "fingerprint.key"] {
        let found = seen.keys().any(|name| name.ends_with(ending));
        assert!(found, "{ending}: {seen:?}");
    }
    assert!(seen.values().all(|mode| *mode == 0o600), "{seen:?}");
    let above = modes(place.path());
    assert_eq!(above, [("a".to_owned(), 0o700)]);
    assert_eq!(
        modes(&place.path().join("a")),
        [("state".to_owned(), 0o700)]
    );
}

/// A simulated run under a limit, by an ordinary user; killed if it does not end.
fn limited(limit: &str, line: &[&str]) -> Output {
    let binary = Unprivileged::new();
    let mut command = binary.command_under(&["timeout", "--kill-after=1", "30", "prlimit", limit]);
    command.args(line).envs(SECRETS.iter().copied());
    command.output().unwrap()
}

#[test]
fn too_few_threads_end_the_run_at_once() {
    for allowed in ["0", "1", "2", "3", "4", "5"] {
        let limit = format!("--nproc={allowed}");
        let output = limited(&limit, &["sync", "--simulate", "-o", "json"]);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{allowed}: {stderr}");
        let told = format!("`ulimit -u` is {allowed} for all processes of this user");
        assert!(stderr.contains(&told), "{allowed}: {stderr}");
        assert!(stderr.contains("`TasksMax=`"), "{allowed}: {stderr}");
        assert!(!stderr.contains("panicked"), "{allowed}: {stderr}");
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(document["exit_code"], 1, "{allowed}");
    }
}

/// Result of a simulated sync with so much address space.
fn with_address_space(mebibytes: u64) -> (Option<i32>, String, Vec<u8>) {
    let limit = format!("--as={}", mebibytes * 1024 * 1024);
    let output = limited(&limit, &["sync", "--simulate", "-o", "json"]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), stderr, output.stdout)
}

/// Every limit ends in the error or in success, whatever it is: nothing hangs or aborts.
#[test]
fn too_little_address_space_ends_the_run_at_once() {
    let mut is_enough = false;
    for mebibytes in (64..=256).step_by(8) {
        let (code, stderr, stdout) = with_address_space(mebibytes);
        if code == Some(0) {
            is_enough = true;
            continue;
        }
        assert!(!is_enough, "{mebibytes}: {stderr}");
        let told = format!("the address space limit is {mebibytes} MiB (`ulimit -v`)");
        assert!(stderr.contains(&told), "{mebibytes}: {stderr}");
        assert!(
            stderr.contains("help: raise the limit"),
            "{mebibytes}: {stderr}"
        );
        assert_eq!(code, Some(1), "{mebibytes}: {stderr}");
        let document: Value = serde_json::from_slice(&stdout).unwrap();
        assert_eq!(document["exit_code"], 1, "{mebibytes}");
    }
    assert!(is_enough);
}

#[test]
fn enough_address_space_and_threads_let_a_run_be() {
    for limit in ["--as=17179869184", "--as=419430400", "--nproc=4096"] {
        let output = limited(limit, &["sync", "--simulate", "-o", "json"]);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{limit}: {stderr}");
    }
}

/// Panics come on request in a debug build alone.
#[cfg(debug_assertions)]
#[test]
fn panic_is_reported_by_its_place_and_is_an_error() {
    for (form, place) in [("text", "panicked at "), ("json", "\"location\":")] {
        let run = Integrationd::new(["sync", "--simulate", "-o", "json", "--log-format", form]);
        let run = run.env("INTEGRATIOND_DEBUG_PANIC", "hunter2-of-the-panic");
        let ran = run.run().exits_with(1);
        assert!(ran.stderr.contains(place), "{}", ran.stderr);
        assert!(
            ran.stderr.contains("could contain a secret"),
            "{}",
            ran.stderr
        );
        assert!(!ran.all().contains("hunter2"), "{}", ran.stderr);
        assert_eq!(ran.json()["exit_code"], 1);
    }
}
