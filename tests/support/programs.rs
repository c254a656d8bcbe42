//! Programs for the tests besides the tool: real ones, put into `target/tools/bin` by
//! `tests/tools`, which `tests/run` calls.

use std::cell::RefCell;
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::getuid;

/// The variable that makes a requirement that is not met a failure: `all`.
pub(crate) const TIER: &str = "TEST_TIER";

/// A part of a requirement.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part {
    /// A program, by its name or its path.
    Program(&'static str),
    /// A file, by its path.
    File(&'static str),
    /// A program that `tests/tools` puts into `target/tools/bin`.
    Tool(&'static str),
    /// The Debian that `tests/rootfs` makes.
    Rootfs,
    /// The right to become root: as root, or by `sudo` without a password.
    Sudo,
    /// The tests run as root.
    Root,
    /// The right to make name spaces of users and mounts.
    Namespaces,
}

/// Something that a test cannot do without.
#[derive(Debug)]
pub(crate) struct Requirement {
    name: &'static str,
    parts: &'static [Part],
}

/// Declares each requirement, and the list of them all.
macro_rules! requirements {
    ($($name:ident = [$($part:expr),+];)+) => {
        $(pub(crate) const $name: &Requirement = &Requirement {
            name: stringify!($name),
            parts: &[$($part),+],
        };)+
        /// Every requirement.
        pub(crate) const REQUIREMENTS: &[&Requirement] = &[$($name),+];
    };
}

use Part::{File, Namespaces, Program, Root, Rootfs, Sudo, Tool};

requirements! {
    CERTIFICATES = [File("/etc/ssl/certs/ca-certificates.crt")];
    CHROMIUM = [Program("chromium")];
    CURL = [Program("curl"), Program("bash")];
    FAKETIME = [Program("faketime")];
    GNUPG = [Program("gpg"), Program("gpgconf")];
    MACHINE = [Program("systemd-nspawn"), Program("nsenter"), Rootfs, Sudo];
    NAMESPACES = [Program("unshare"), Program("nsenter"), Namespaces];
    NGINX = [Program("/usr/sbin/nginx"), Program("/usr/sbin/fcgiwrap")];
    PROMTOOL = [Program("promtool")];
    PYTHON = [Program("python3")];
    OPENBAO = [Tool("bao")];
    PACKAGE = [Program("python3"), Program("dpkg-deb"), Program("dpkg-shlibdeps"), Tool("cargo-deb")];
    ROOT = [Root, Program("setpriv")];
    SOPS = [Tool("sops"), Program("age-keygen")];
    SSHD = [Program("/usr/sbin/sshd"), Program("ssh"), Program("ssh-keygen")];
    SSH_KEYGEN = [Program("ssh-keygen")];
    SYSTEMD_ANALYZE = [Program("systemd-analyze")];
}

thread_local! {
    /// Requirements of the test that this thread runs.
    static DECLARED: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
}

/// Ends the test here if the machine lacks one of these requirements.
macro_rules! needs {
    ($($requirement:expr),+) => {
        if !$crate::programs::are_met(&[$($requirement),+]) {
            return;
        }
    };
}
pub(crate) use needs;

/// Reports the first requirement that is not met, or fails where all must be.
#[track_caller]
pub(crate) fn are_met(requirements: &[&'static Requirement]) -> bool {
    let names = requirements.iter().map(|requirement| requirement.name);
    DECLARED.with_borrow_mut(|declared| declared.extend(names));
    let parts = requirements.iter().flat_map(|needed| needed.parts);
    let Some(missing) = parts.copied().find(|part| !part.is_there()) else {
        return true;
    };
    let test = current_test();
    let demands_all = std::env::var_os(TIER).is_some_and(|tier| tier == "all");
    if demands_all && matches!(missing, Root) && Sudo.is_there() {
        run_as_root(&test);
        return false;
    }
    let missing = missing.name();
    assert!(
        !demands_all,
        "{missing} is missing: run tests/run, which installs what the tests need"
    );
    // Printed past the harness, which captures `eprintln!` alone.
    let line = format!("skipped: {test}: {missing} is missing\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
    false
}

/// Fails a test that uses something without declaring it: it would fail, not be
/// skipped, on a machine that lacks it.
#[track_caller]
pub(crate) fn is_declared(requirement: &Requirement) {
    let thread = std::thread::current();
    let is_test = thread.name().is_some_and(|name| name.contains("::"));
    let name = requirement.name;
    let is_declared = DECLARED.with_borrow(|declared| declared.contains(&name));
    assert!(
        is_declared || !is_test,
        "this test begins without `needs!({name});`"
    );
}

/// The path of the test, which is the name of its thread.
#[track_caller]
fn current_test() -> String {
    match std::thread::current().name() {
        Some("main") | None => std::panic::Location::caller().to_string(),
        Some(name) => name.to_owned(),
    }
}

/// Runs one test once more, by root.
fn run_as_root(test: &str) {
    let mut sudo = Command::new("sudo");
    sudo.args(["--non-interactive", "env"]);
    for name in ["PATH", TIER] {
        let value = std::env::var(name).unwrap();
        sudo.arg(format!("{name}={value}"));
    }
    sudo.arg(std::env::current_exe().unwrap());
    let printed = output(sudo.args(["--exact", test]));
    assert!(printed.contains("1 passed"), "{printed}");
}

impl Part {
    /// The part as a message names it.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Program(name) | Self::File(name) | Self::Tool(name) => name.to_owned(),
            Self::Rootfs => rootfs().display().to_string(),
            Self::Sudo => "sudo without a password".to_owned(),
            Self::Root => "root".to_owned(),
            Self::Namespaces => "name spaces of users and mounts".to_owned(),
        }
    }

    fn is_there(self) -> bool {
        match self {
            Self::Program(name) => {
                let path = std::env::var_os("PATH").unwrap_or_default();
                let mut places = std::env::split_paths(&path);
                places.any(|place| place.join(name).is_file())
            }
            Self::File(name) => Path::new(name).is_file(),
            Self::Tool(name) => directory().join(name).is_file(),
            Self::Rootfs => rootfs().is_dir(),
            Self::Root => getuid().is_root(),
            Self::Sudo => getuid().is_root() || succeeds("sudo", &["--non-interactive", "true"]),
            Self::Namespaces => {
                let mount = "mount -t tmpfs tmpfs /tmp";
                let args = ["--map-root-user", "--mount", "sh", "-c", mount];
                succeeds("unshare", &args)
            }
        }
    }
}

impl Requirement {
    /// Everything that it consists of.
    pub(crate) fn parts(&self) -> &'static [Part] {
        self.parts
    }
}

fn succeeds(program: &str, args: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null());
    let output = command.output();
    output.is_ok_and(|output| output.status.success())
}

/// The Debian that `tests/rootfs` makes.
pub(crate) fn rootfs() -> PathBuf {
    let variable = |name| std::env::var_os(name).map(PathBuf::from);
    let cache = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
    cache.unwrap_or_default().join("integrationd/bookworm")
}

/// The directory of the programs of `tests/tools.txt`.
fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/bin")
}

/// A program of `tests/tools.txt`.
pub(crate) fn program(name: &str) -> PathBuf {
    directory().join(name)
}

/// A `PATH` with these programs in front.
pub(crate) fn path() -> OsString {
    let rest = std::env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(directory()).chain(std::env::split_paths(&rest));
    std::env::join_paths(all).unwrap()
}

/// Copies a program, in a process of its own: had this one the copy open for writing while
/// another test starts a program, the child would have it open, too, and the copy could not
/// be run.
#[track_caller]
pub(crate) fn copy_program(from: impl AsRef<Path>, to: impl AsRef<Path>) {
    output(Command::new("cp").args([from.as_ref(), to.as_ref()]));
}

/// Output of a command; it must succeed.
#[track_caller]
pub(crate) fn output(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}
