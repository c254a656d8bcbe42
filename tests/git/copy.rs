//! The private copy of a repository that is served.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use integrationd::source::git::{GitFailure, GitOptions, GitReference, GitSource};

use super::{Source, below, lines, options, tag};
use crate::programs::{NGINX, needs};
use crate::support::git_server::Server;
use crate::support::repository::{Repository, command, feed};

fn served() -> (Repository, Server) {
    let repository = Repository::new();
    let server = Server::start(repository.place());
    (repository, server)
}

fn source(server: &Server) -> Source {
    Source::new(options(&server.http("open/bare.git")))
}

#[tokio::test]
async fn the_copy_is_private_bare_and_of_no_use_to_a_hook() {
    needs!(NGINX);
    let (_repository, server) = served();
    let source = source(&server);
    source.fetch().await;
    let directory = source.path().join("git");
    let mode = fs::metadata(&directory).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let names: Vec<_> = below(&directory);
    let has = |name: &str| names.iter().any(|path| path.ends_with(name));
    assert!(has("copy.git/HEAD"), "{names:?}");
    assert!(!has("a.yaml"), "{names:?}");
    let hooks = below(&directory.join("copy.git/hooks"));
    let is_sample = |path: &PathBuf| path.extension().is_some_and(|own| own == "sample");
    assert!(hooks.iter().all(is_sample), "{hooks:?}");
}

#[tokio::test]
async fn nothing_is_fetched_when_nothing_moved() {
    needs!(NGINX);
    let (repository, server) = served();
    let source = source(&server);
    let packs = || {
        let path = source.path().join("git/copy.git/objects/pack");
        below(&path).len()
    };
    source.fetch().await;
    let before = packs();
    source.fetch().await;
    assert_eq!(packs(), before);
    repository.commit("a.yaml", "2");
    assert_eq!(lines(&source.fetch().await), ["a.yaml: 2"]);
    assert!(packs() > before);
}

#[tokio::test]
async fn a_copy_that_is_damaged_is_made_anew() {
    needs!(NGINX);
    let (_repository, server) = served();
    let source = source(&server);
    let copy = source.path().join("git/copy.git");
    source.fetch().await;
    for ending in ["pack", "idx"] {
        for path in below(&copy.join("objects/pack")) {
            if path.extension().is_some_and(|own| own == ending) {
                fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
                fs::write(path, "damaged").unwrap();
            }
        }
        assert_eq!(lines(&source.fetch().await), ["a.yaml: 1"], "{ending}");
    }
    for name in ["HEAD", "config", "objects"] {
        let path = copy.join(name);
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap();
        } else {
            fs::write(path, "[damaged").unwrap();
        }
        assert_eq!(lines(&source.fetch().await), ["a.yaml: 1"], "{name}");
    }
}

#[tokio::test]
async fn a_copy_that_lacks_the_commit_of_a_tag_is_made_anew() {
    needs!(NGINX);
    let (repository, server) = served();
    repository.git(["tag", "-a", "-m", "one", "v1"]);
    repository.push();
    let source = Source::new(GitOptions {
        reference: tag("v1"),
        ..options(&server.http("open/bare.git"))
    });
    source.fetch().await;
    let copy = source.path().join("git/copy.git");
    let packs = copy.join("objects/pack");
    let is_pack = |path: &PathBuf| path.extension().is_some_and(|own| own == "pack");
    let pack = below(&packs).into_iter().find(is_pack).unwrap();
    let pack = fs::read(pack).unwrap();
    fs::remove_dir_all(&packs).unwrap();
    fs::create_dir(&packs).unwrap();
    let mut git = command("git", repository.place());
    git.arg("-C").arg(&copy).args(["unpack-objects", "-q"]);
    feed(&mut git, &pack);
    let head = repository.head().to_string();
    let (folder, name) = head.split_at(2);
    fs::remove_file(copy.join(format!("objects/{folder}/{name}"))).unwrap();
    assert_eq!(lines(&source.fetch().await), ["a.yaml: 1"]);
}

#[tokio::test]
async fn one_directory_for_two_repositories_mixes_nothing() {
    needs!(NGINX);
    let ((first, one), (_second, other)) = (served(), served());
    let secret = first.commit("a.yaml", "of the first");
    let directory = first.place().join("copy");
    let source = |server: &Server, reference| {
        let options = GitOptions {
            reference,
            ..options(&server.http("open/bare.git"))
        };
        GitSource::new(options, &directory).unwrap()
    };
    let pinned = GitReference::Commit(secret);
    source(&one, pinned.clone()).fetch(None).await.unwrap();
    let error = source(&other, pinned).fetch(None).await.unwrap_err();
    assert!(matches!(error.failure, GitFailure::MissingReference(_)));
}

#[tokio::test]
async fn what_lies_on_this_machine_needs_no_copy() {
    needs!(NGINX);
    let (repository, server) = served();
    let directory = repository.place().join("copy");
    let fetched = async |url: &str| {
        let source = GitSource::new(options(url), &directory).unwrap();
        lines(&source.fetch(None).await.unwrap())
    };
    assert_eq!(fetched(&server.http("open/bare.git")).await, ["a.yaml: 1"]);
    assert!(directory.join("copy.git").exists());
    assert_eq!(fetched(&repository.path()).await, ["a.yaml: 1"]);
    assert_eq!(below(&directory), [directory.join("lock")]);
}
