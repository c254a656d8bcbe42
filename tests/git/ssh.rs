//! git over ssh, with a real server.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use integrationd::source::git::{GitError, GitFailure, GitOptions, SshProblem, SshSettings};
use rustix::process::getuid;
use tempfile::TempDir;

use super::repository::{Repository, command};
use super::server::{Process, answers, free_port};
use super::{Source, finally, lines, options, told};
use crate::common::eventually;
use crate::programs::{SSHD, is_declared, needs, output};

/// Two tests may find the same free port; so often another one is tried.
const ATTEMPTS: usize = 5;

/// An ssh server for one user, who may run git alone.
pub(crate) struct Sshd {
    port: u16,
    place: TempDir,
    _process: Process,
}

/// Makes a key without a passphrase; its public half.
fn key(path: &Path) -> String {
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

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    /// The address of a repository.
    pub(crate) fn url(&self, path: &str) -> String {
        let user = output(command("id", self.place.path()).arg("-un"));
        format!("ssh://{}@127.0.0.1:{}{path}", user.trim(), self.port)
    }

    /// A source with a key and known hosts of this server's directory.
    fn source(&self, path: &str, identity: &str, known: &str) -> Source {
        let url = self.url(path);
        Source::new(GitOptions {
            ssh: SshSettings {
                identity_file: Some(self.path(identity)),
                known_hosts_file: Some(self.path(known)),
            },
            ..options(&url)
        })
    }

    /// Makes known hosts whose file has a name that needs care.
    fn known(&self, content: &str) -> String {
        let name = "known %h \"hosts\"";
        fs::write(self.path(name), content).unwrap();
        name.to_owned()
    }
}

#[track_caller]
fn is(error: GitError, expected: SshProblem) {
    let shown = told(&error);
    let failure = finally(error);
    let GitFailure::Ssh { problem, .. } = failure else {
        panic!("{failure:?}")
    };
    assert_eq!(problem, expected, "{shown}");
}

#[tokio::test]
async fn a_repository_is_fetched_with_a_key_and_keeps_up() {
    needs!(SSHD);
    let (repository, server) = (Repository::new(), Sshd::start());
    let content = fs::read_to_string(server.path("known")).unwrap();
    let known = server.known(&content);
    let source = server.source(&repository.path(), "user", &known);
    let first = source.fetch().await;
    assert_eq!(lines(&first), ["a.yaml: 1"]);
    repository.history(5);
    let fetched = source.fetch_after(Some(first.revision.id)).await;
    assert_eq!(lines(&fetched), ["a.yaml: 4"]);
    let descends = integrationd::source::git::Descent::Descends;
    assert_eq!(fetched.descent, descends);
}

#[tokio::test]
async fn a_host_that_is_not_known_is_refused_and_does_not_become_known() {
    needs!(SSHD);
    let (repository, server) = (Repository::new(), Sshd::start());
    let known = server.known("");
    let source = server.source(&repository.path(), "user", &known);
    for _ in 0..2 {
        is(source.refused().await, SshProblem::HostUnknown);
    }
    assert_eq!(fs::read_to_string(server.path(&known)).unwrap(), "");
}

#[tokio::test]
async fn a_host_with_another_key_than_before_is_refused() {
    needs!(SSHD);
    let (repository, server) = (Repository::new(), Sshd::start());
    let other = key(&server.path("other"));
    let known = server.known(&format!("[127.0.0.1]:{} {other}", server.port));
    let source = server.source(&repository.path(), "user", &known);
    is(source.refused().await, SshProblem::HostChanged);
}

#[tokio::test]
async fn a_key_that_the_server_does_not_know_is_refused() {
    needs!(SSHD);
    let (repository, server) = (Repository::new(), Sshd::start());
    let source = server.source(&repository.path(), "stranger", "known");
    is(source.refused().await, SshProblem::Denied);
}

#[tokio::test]
async fn a_missing_repository_is_a_final_error_and_a_missing_server_is_not() {
    needs!(SSHD);
    let server = Sshd::start();
    let source = server.source("/none/such.git", "user", "known");
    is(source.refused().await, SshProblem::NoRepository);
    let nobody = format!("ssh://127.0.0.1:{}/x.git", free_port());
    let error = Source::new(options(&nobody)).refused().await;
    assert!(error.is_transient(), "{}", told(&error));
}
