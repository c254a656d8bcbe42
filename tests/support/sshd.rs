//! An ssh server with a key for one user.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::process::getuid;
use tempfile::TempDir;

use super::git_server::{Process, answers, free_port};
use super::repository::command;
use crate::common::eventually;
use crate::programs::{SSHD, is_declared, output};

/// Two tests may find the same free port; so often another one is tried.
const ATTEMPTS: usize = 5;

/// An ssh server for one user, who may run git alone.
pub(crate) struct Sshd {
    port: u16,
    place: TempDir,
    _process: Process,
}

/// Makes a key without a passphrase; its public half.
pub(crate) fn key(path: &Path) -> String {
    let mut keygen = command("ssh-keygen", path.parent().unwrap());
    keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f"]);
    output(keygen.arg(path));
    fs::read_to_string(path.with_extension("pub")).unwrap()
}

impl Sshd {
    pub(crate) fn start() -> Self {
        is_declared(SSHD);
        let mut started = (0..ATTEMPTS).filter_map(|_| Self::try_start());
        started.next().expect("sshd does not start")
    }

    fn try_start() -> Option<Self> {
        let place = TempDir::new().unwrap();
        let port = free_port();
        let path = |name: &str| place.path().join(name);
        let host = key(&path("host"));
        let user = key(&path("user"));
        key(&path("stranger"));
        let line =
            format!("restrict,command=\"git-shell -c \\\"$SSH_ORIGINAL_COMMAND\\\"\" {user}");
        fs::write(path("authorized"), line).unwrap();
        fs::write(path("known"), format!("[127.0.0.1]:{port} {host}")).unwrap();
        if getuid().is_root() {
            // Where sshd of root wants to be shut in; made anew at every boot.
            fs::create_dir_all("/run/sshd").unwrap();
            fs::set_permissions("/run/sshd", Permissions::from_mode(0o755)).unwrap();
        }
        let mut sshd = command("/usr/sbin/sshd", place.path());
        sshd.args(["-D", "-e", "-f", "/dev/null", "-h"]);
        sshd.arg(path("host"));
        for option in [
            format!("Port={port}"),
            "ListenAddress=127.0.0.1".to_owned(),
            format!("AuthorizedKeysFile={}", path("authorized").display()),
            format!("PidFile={}", path("pid").display()),
            "StrictModes=no".to_owned(),
            "UsePAM=no".to_owned(),
            "PasswordAuthentication=no".to_owned(),
            "KbdInteractiveAuthentication=no".to_owned(),
            format!("SetEnv=PATH={}", std::env::var("PATH").unwrap()),
        ] {
            sshd.arg("-o").arg(option);
        }
        let mut process = Process::start(&mut sshd);
        let mut has_ended = false;
        eventually("sshd answers", || {
            has_ended = process.has_ended();
            has_ended || answers(port)
        });
        (!has_ended).then_some(Self {
            port,
            place,
            _process: process,
        })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    /// The address of a repository.
    pub(crate) fn url(&self, path: &str) -> String {
        let user = output(command("id", self.place.path()).arg("-un"));
        format!("ssh://{}@127.0.0.1:{}{path}", user.trim(), self.port)
    }
}
