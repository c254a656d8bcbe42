//! The kinds of repositories that there are at a path: those that are read, and those
//! that are refused with what they are.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use integrationd::source::git::{Descent, GitFailure, GitOptions};
use rustix::process::getuid;
use tempfile::TempDir;

use super::{Source, finally, lines, options, tag, told};
use crate::common::Tenant;
use crate::programs::{NGINX, needs, output};
use crate::support::git_lake::{BOUND, LAKE, run};
use crate::support::git_server::Server;
use crate::support::repository::{Repository, command};

/// Runs git next to a repository; returns the path in the last argument.
fn made(repository: &Repository, args: &[&str]) -> PathBuf {
    let mut git = command("git", repository.place());
    output(git.current_dir(repository.place()).args(args));
    repository.place().join(args.last().unwrap())
}

fn source(place: &Path) -> Source {
    Source::new(options(place.to_str().unwrap()))
}

#[tokio::test]
async fn a_repository_is_read_in_whatever_way_it_lies_at_its_path() {
    let repository = Repository::new();
    repository.commit("a.yaml", "2");
    repository.git(["worktree", "add", "--quiet", "../linked", "-b", "linked"]);
    let linked = repository.place().join("linked");
    let url = format!("file://{}", repository.path());
    let shared = [
        "clone", "--quiet", "--shared", "--bare", "bare.git", "shared",
    ];
    let shallow = ["clone", "--quiet", "--bare", "--depth=1", &url, "shallow"];
    let (shared, shallow) = (made(&repository, &shared), made(&repository, &shallow));
    let detached = made(&repository, &["clone", "--quiet", "bare.git", "detached"]);
    let tree = detached.to_str().unwrap();
    made(
        &repository,
        &["-C", tree, "checkout", "--quiet", "--detach"],
    );
    let link = repository.place().join("link");
    symlink(repository.path(), &link).unwrap();
    // Each is what it is meant to be.
    assert!(linked.join(".git").is_file());
    assert!(shared.join("objects/info/alternates").is_file());
    assert!(shallow.join("shallow").is_file());
    let head = fs::read_to_string(detached.join(".git/HEAD")).unwrap();
    assert_eq!(head.trim(), repository.head().to_string());
    for place in [linked, shared, shallow, detached, link] {
        let fetched = source(&place).fetch().await;
        assert_eq!(lines(&fetched), ["a.yaml: 2"], "{}", place.display());
        assert_eq!(fetched.revision.id, repository.head());
    }
}

#[tokio::test]
async fn head_of_a_missing_branch_is_reported_and_a_branch_can_be_set() {
    let repository = Repository::new();
    repository.bare_git(["symbolic-ref", "HEAD", "refs/heads/gone"]);
    let url = repository.path();
    let error = Source::new(options(&url)).refused().await;
    let expected = format!(
        "cannot fetch the default branch from {url}: the repository does not have the default \
        branch [push the branch, tag or commit, or name another one]"
    );
    assert_eq!(told(&error), expected);
    finally(error);
    let named = Source::new(GitOptions {
        reference: super::branch("main"),
        ..options(&url)
    });
    assert_eq!(lines(&named.fetch().await), ["a.yaml: 1"]);
}

#[tokio::test]
async fn a_tag_of_a_tag_leads_to_its_commit() {
    needs!(NGINX);
    let repository = Repository::new();
    let head = repository.head();
    repository.git(["tag", "-a", "-m", "one", "inner"]);
    repository.git(["tag", "-a", "-m", "two", "outer", "inner"]);
    repository.commit("a.yaml", "2");
    let server = Server::start(repository.place());
    for url in [repository.path(), server.http("open/bare.git")] {
        let fetched = Source::new(GitOptions {
            reference: tag("outer"),
            ..options(&url)
        });
        assert_eq!(fetched.fetch().await.revision.id, head, "{url}");
    }
}

#[tokio::test]
async fn history_before_the_end_of_a_shallow_clone_is_unknown() {
    let repository = Repository::new();
    let previous = repository.head();
    let url = format!("file://{}", repository.path());
    let clone = ["clone", "--quiet", "--bare", "--depth=1", &url, "shallow"];
    let shallow = made(&repository, &clone);
    repository.history(3);
    let fetch = |depth| {
        let place = shallow.to_str().unwrap();
        let all = "+refs/heads/*:refs/heads/*";
        made(
            &repository,
            &["-C", place, "fetch", "--quiet", depth, "origin", all],
        );
    };
    let source = source(&shallow);
    for (depth, descent) in [
        ("--depth=1", Descent::Unknown),
        ("--depth=2", Descent::Unknown),
        // The last of them names it.
        ("--depth=3", Descent::Descends),
        ("--unshallow", Descent::Descends),
    ] {
        fetch(depth);
        let fetched = source.fetch_after(Some(previous)).await;
        assert_eq!(fetched.revision.id, repository.head());
        assert_eq!(fetched.descent, descent, "{depth}");
    }
}

/// A repository of a special kind, with one file.
fn special(repository: &Repository, kind: &str) {
    made(
        repository,
        &["init", "--quiet", "--initial-branch=main", kind, "special"],
    );
    fs::write(repository.place().join("special/a.yaml"), "1").unwrap();
    made(repository, &["-C", "special", "add", "a.yaml"]);
    made(
        repository,
        &["-C", "special", "commit", "--quiet", "-m", "first"],
    );
}

#[tokio::test]
async fn sha256_repository_is_refused_and_the_hash_named() {
    needs!(NGINX);
    let repository = Repository::new();
    special(&repository, "--object-format=sha256");
    let server = Server::start(repository.place());
    let place = repository.place().join("special");
    for url in [place.to_str().unwrap(), &server.http("open/special/.git")] {
        let error = Source::new(options(url)).refused().await;
        let shown = told(&error);
        let what = format!("{url}: unsupported object format: the repository does not use SHA-1: ");
        let help = "[use a SHA-1 repository, created with `git init --object-format=sha1`]";
        assert!(shown.contains(&what) && shown.ends_with(help), "{shown}");
        assert!(shown.contains("object format 'sha256'"), "{shown}");
        finally(error);
    }
}

#[tokio::test]
async fn reftable_repository_is_refused_with_a_remedy() {
    needs!(NGINX);
    let repository = Repository::new();
    special(&repository, "--ref-format=reftable");
    let place = repository.place().join("special");
    let error = source(&place).refused().await;
    let shown = told(&error);
    let what = "libgit2 does not support the format of the repository: unsupported extension name \
        extensions.refstorage";
    let help = "[use a copy created with `git clone --bare`, or the SSH or HTTPS address of the \
        repository]";
    assert!(shown.contains(what) && shown.ends_with(help), "{shown}");
    finally(error);
    let copy = made(
        &repository,
        &["clone", "--quiet", "--bare", "special", "copy"],
    );
    let server = Server::start(repository.place());
    let url = server.http("open/special/.git");
    for url in [copy.to_str().unwrap(), &url] {
        let fetched = Source::new(options(url)).fetch().await;
        assert_eq!(lines(&fetched), ["a.yaml: 1"], "{url}");
    }
}

#[tokio::test]
async fn repository_with_broken_settings_cannot_be_read() {
    let repository = Repository::new();
    fs::write(Path::new(&repository.path()).join("config"), "[broken").unwrap();
    let error = Source::new(options(&repository.path())).refused().await;
    let is_unreadable = matches!(error.failure, GitFailure::Unreadable(_));
    assert!(is_unreadable, "{}", told(&error));
}

/// Without the leave that root has to enter every directory.
const WITHOUT_LEAVE: [&str; 2] = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"];

#[test]
fn closed_directory_is_named_with_user_and_remedy() {
    let repository = Repository::empty();
    repository.commit("files/lake.yaml", LAKE);
    let (tenant, state) = (Tenant::empty(), TempDir::new().unwrap());
    let work = repository.place().join("work");
    for (url, closed) in [
        (repository.path(), PathBuf::from(repository.path())),
        (repository.path(), repository.place().to_owned()),
        (work.display().to_string(), work.join(".git")),
    ] {
        let before = fs::metadata(&closed).unwrap().permissions();
        fs::set_permissions(&closed, Permissions::from_mode(0o000)).unwrap();
        let sync = run((&tenant, &state), "sync", &url, &[BOUND, "--dry-run"]);
        let sync = match getuid().is_root() {
            true => sync.under(&WITHOUT_LEAVE),
            false => sync,
        };
        let ran = sync.run().exits_with(1);
        fs::set_permissions(&closed, before).unwrap();
        let what = format!(
            ", the user running integrationd, has no access to {}: Permission denied",
            closed.display()
        );
        assert!(ran.stderr.contains(&what), "{}", ran.stderr);
        let help = "help: give the user that runs integrationd access to the directory, or move the \
            repository; under systemd, `ProtectHome=` also blocks home directories";
        assert!(ran.stderr.contains(help), "{}", ran.stderr);
    }
    assert_eq!(tenant.requests(), [""; 0]);
}
