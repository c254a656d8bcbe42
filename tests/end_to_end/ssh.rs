//! A bare repository behind sshd, with the hook in it: the pusher sees the result of the daemon
//! on the same machine.

use std::process::Output;

use super::{World, lake};
use crate::common::Integrationd;
use crate::programs::{SSHD, needs};
use crate::support::git_lake::{LAKE, ends};
use crate::support::repository::Repository;
use crate::support::repository::remote;
use crate::support::sshd::Sshd;

/// Pushes over ssh with one of the server's keys.
fn push(repository: &Repository, server: &Sshd, key: &str, branch: &str) -> Output {
    let path = |name: &str| server.path(name).display().to_string();
    let ssh = format!(
        "ssh -F none -o BatchMode=yes -o IdentitiesOnly=yes -i {} -o UserKnownHostsFile={} \
         -o GlobalKnownHostsFile=/dev/null",
        path(key),
        path("known")
    );
    let mut git = repository.worker();
    git.env("GIT_SSH_COMMAND", ssh).arg("push");
    git.arg(server.url(&repository.path()));
    git.arg(format!("HEAD:refs/heads/{branch}"))
        .output()
        .unwrap()
}

/// Output of the daemon for the pusher; the push must succeed.
fn shown(pushed: &Output) -> String {
    let text = String::from_utf8_lossy(&pushed.stderr);
    assert!(pushed.status.success(), "{text}");
    remote(&text)
}

#[test]
fn push_over_ssh_shows_the_plan_and_its_result() {
    needs!(SSHD);
    let (world, repository, server) = (World::new(), Repository::empty(), Sshd::start());
    repository.commit("files/lake.yaml", LAKE);
    let bare = repository.path();
    let socket = world.state.path().join("s.sock").display().to_string();
    let key = format!("--git-ssh-key={}", server.path("user").display());
    let known = format!("--git-known-hosts={}", server.path("known").display());
    let args = [&key, &known, "--poll=1h", "--socket", &socket];
    let daemon = world.daemon(&server.url(&bare), &args).start();
    daemon.prints("1 applied, 0 failed");
    world.tenant.simulator.clear_log();
    let install = [
        "hook",
        "install",
        &bare,
        "--branch=main",
        "--socket",
        &socket,
    ];
    Integrationd::new(install).run().exits_with(0);

    repository.write("files/lake.yaml", lake("/two"));
    repository.record(["-m", "Another path"]);
    let refused = push(&repository, &server, "stranger", "main");
    assert!(!refused.status.success());
    let told = shown(&push(&repository, &server, "user", "topic"));
    assert_eq!(
        told,
        "integrationd: ignored: the push updates topic, not main\n"
    );
    assert_eq!(world.tenant.requests(), [""; 0]);

    let told = shown(&push(&repository, &server, "user", "main"));
    let told = told.replace(&repository.head().to_string(), "[HEAD]");
    insta::assert_snapshot!(told, @r#"
    Revision [HEAD] by Ada: Another path

      # lake will be updated  files/lake.yaml:1
      ~ Databricks Unity Catalog (id 1)
          ~ httpPath = "/one" -> "/two"
          before this, run the script of: integrationd script lake

    Plan: 1 to update.

    Applied: 1 updated.
    Verified: a second plan has no changes.
    integrationd: 1 applied, 0 failed
    "#);
    assert_eq!(world.tenant.writes(), ["PUT /integrations/1"]);
    assert_eq!(world.paths(), ["/two"]);
    let printed = daemon.printed();
    assert!(!printed.contains("token-of-the-lake"), "{printed}");
    ends(daemon);
}
