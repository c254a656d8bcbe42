//! A Debian with a systemd of its own, booted in a container for one test: its
//! files are as new each time, and its network is a loopback interface alone.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use integrationd::simulator::API_KEY;

use crate::common::{comes_true, eventually};
use crate::programs;
use crate::support::package::package;

/// Search path for commands without a shell of the machine that runs the tests.
const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Without a systemd of the machine that runs the tests, every container has the
/// same control groups: one at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// The container, with the package installed in it.
pub(super) struct Machine {
    container: Child,
    init: String,
    _alone: MutexGuard<'static, ()>,
}

/// Exit of a command in it, and all its output.
pub(super) struct Done {
    pub(super) code: Option<i32>,
    pub(super) printed: String,
}

impl Machine {
    /// Boots it and installs the package.
    pub(super) fn boot() -> Self {
        programs::is_declared(programs::MACHINE);
        let package = package();
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let mut nspawn = as_root("systemd-nspawn");
        nspawn.args(["--quiet", "--boot", "--register=no"]);
        if !Path::new("/run/systemd/system").exists() {
            nspawn.arg("--keep-unit");
        }
        nspawn.args(["--volatile=overlay", "--private-network", "--console=pipe"]);
        nspawn.arg("--directory").arg(programs::rootfs());
        let bind = format!("{}:/package.deb", package.display());
        nspawn.arg("--bind-ro").arg(bind);
        let streams = nspawn.stdin(Stdio::null()).stdout(Stdio::null());
        let container = streams.stderr(Stdio::null()).spawn().unwrap();
        let mut machine = Self {
            init: String::new(),
            container,
            _alone: alone,
        };
        eventually("the container has an init", || {
            let found = init_below(machine.container.id());
            machine.init = found.unwrap_or_default();
            !machine.init.is_empty()
        });
        eventually("the container is up", || {
            let state = machine.tries("systemctl is-system-running").printed;
            ["running", "degraded"].contains(&state.trim())
        });
        machine.runs("dpkg --install /package.deb");
        machine
    }

    /// Runs a script in it.
    pub(super) fn tries(&self, script: &str) -> Done {
        let mut enter = as_root("nsenter");
        enter.args(["--target", &self.init, "--all", "--"]);
        enter.args(["env", "-i", PATH, "HOME=/root", "sh", "-ec", script]);
        let output = enter.stdin(Stdio::null()).output().unwrap();
        let Output {
            status,
            stdout,
            stderr,
        } = output;
        Done {
            code: status.code(),
            printed: String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned(),
        }
    }

    /// Runs a script that must succeed, and gives what it printed.
    #[track_caller]
    pub(super) fn runs(&self, script: &str) -> String {
        let Done { code, printed } = self.tries(script);
        assert_eq!(code, Some(0), "{script}\n{printed}\n{}", self.journal());
        printed
    }

    /// Everything that was logged.
    pub(super) fn journal(&self) -> String {
        self.tries(
            "journalctl --no-pager --output=short-monotonic --unit=integrationd* --unit=simulator*",
        )
        .printed
    }

    /// Writes a file in it, and the directories that it lies in.
    pub(super) fn write(&self, path: &str, text: &str) {
        let directory = Path::new(path).parent().unwrap().display();
        self.runs(&format!(
            "mkdir -p {directory}; cat >{path} <<'THE_END'\n{text}\nTHE_END"
        ));
    }

    /// Serves a simulated tenant at a port, and gives its URL.
    pub(super) fn simulator(&self, port: u16, settle: &str) -> String {
        self.runs(&format!(
            "systemd-run --quiet --unit=simulator-{port} \
             integrationd simulator --listen 127.0.0.1:{port} --settle {settle}"
        ));
        let url = format!("http://127.0.0.1:{port}");
        eventually("the simulator answers", || !self.list(&url).is_empty());
        url
    }

    /// Integrations of the tenant at a URL, a line for each.
    pub(super) fn list(&self, url: &str) -> String {
        let list = format!("IMMUTA_URL={url} IMMUTA_API_KEY={API_KEY} integrationd list");
        let done = self.tries(&list);
        if done.code == Some(0) {
            done.printed
        } else {
            String::new()
        }
    }

    /// A property of a unit.
    pub(super) fn property(&self, unit: &str, name: &str) -> String {
        let shown = self.runs(&format!("systemctl show --value --property={name} {unit}"));
        shown.trim().to_owned()
    }

    /// Waits until a property of a unit is this.
    #[track_caller]
    pub(super) fn comes_to(&self, unit: &str, name: &str, value: &str) {
        let mut last = String::new();
        let came = comes_true(|| {
            last = self.property(unit, name);
            last == value
        });
        assert!(came, "{name}={last}, not {value}\n{}", self.journal());
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // It powers off on request.
        let pid = self.container.id().to_string();
        let _ = as_root("kill").arg(pid).status();
        let _ = self.container.wait();
    }
}

fn as_root(program: &str) -> Command {
    if rustix::process::getuid().is_root() {
        return Command::new(program);
    }
    let mut sudo = Command::new("sudo");
    sudo.args(["--non-interactive", program]);
    sudo
}

/// The process of systemd among those that this one has started.
fn init_below(pid: u32) -> Option<String> {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    children.split_whitespace().find_map(|child| {
        let name = std::fs::read_to_string(format!("/proc/{child}/comm")).ok()?;
        if name.trim() == "systemd" {
            return Some(child.to_owned());
        }
        init_below(child.parse().ok()?)
    })
}
