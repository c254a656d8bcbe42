//! git over ssh, with a real server.

use std::fs::{self};

use integrationd::source::git::{GitError, GitFailure, GitOptions, SshProblem, SshSettings};

use super::{Source, finally, lines, options, told};
use crate::programs::{SSHD, needs};
use crate::support::git_server::free_port;
use crate::support::repository::Repository;
use crate::support::sshd::{Sshd, key};

impl Sshd {
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
async fn unknown_host_is_refused_and_stays_unknown() {
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
    let known = server.known(&format!("[127.0.0.1]:{} {other}", server.port()));
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
async fn missing_repository_is_final_and_a_missing_server_is_not() {
    needs!(SSHD);
    let server = Sshd::start();
    let source = server.source("/none/such.git", "user", "known");
    is(source.refused().await, SshProblem::NoRepository);
    let nobody = format!("ssh://127.0.0.1:{}/x.git", free_port());
    let error = Source::new(options(&nobody)).refused().await;
    assert!(error.is_transient(), "{}", told(&error));
}
