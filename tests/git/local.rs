//! A bare repository on this machine: references, revisions, its owner.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use integrationd::source::git::{CommitId, GitFailure, GitOptions, GitReference, Subdirectory};

use super::{Source, below, branch, finally, lines, options, tag, told};
use crate::common::Pipe;
use crate::programs::{ROOT, copy_program, needs};
use crate::support::repository::Repository;

#[tokio::test]
async fn the_newest_revision_of_the_default_branch_is_read() {
    let repository = Repository::new();
    let head = repository.commit("b/c.yml", "2");
    let fetched = Source::new(options(&repository.path())).fetch().await;
    assert_eq!(lines(&fetched), ["a.yaml: 1", "b/c.yml: 2"]);
    let revision = fetched.revision;
    assert_eq!(revision.id, head);
    assert_eq!(revision.reference, GitReference::Default);
    assert_eq!(revision.author, "Ada");
    assert_eq!(revision.subject, "Change b/c.yml");
    assert_eq!(revision.time.unwrap().to_string(), "2026-01-02T03:04:05Z");
}

#[tokio::test]
async fn a_url_of_a_file_and_a_working_tree_will_do() {
    let repository = Repository::new();
    let url = format!("file://{}", repository.path());
    let fetched = Source::new(options(&url)).fetch().await;
    assert_eq!(lines(&fetched), ["a.yaml: 1"]);
    let tree = repository.place().join("work");
    let fetched = Source::new(options(tree.to_str().unwrap())).fetch().await;
    assert_eq!(lines(&fetched), ["a.yaml: 1"]);
}

#[tokio::test]
async fn a_branch_a_tag_and_a_commit_are_each_what_they_name() {
    let repository = Repository::new();
    let first = repository.head();
    repository.git(["tag", "v1"]);
    repository.git(["tag", "-a", "-m", "two", "v1-annotated"]);
    repository.commit("a.yaml", "2");
    repository.git(["switch", "--quiet", "-c", "other"]);
    repository.commit("a.yaml", "3");
    for (reference, content) in [
        (GitReference::Default, "2"),
        (branch("main"), "2"),
        (branch("other"), "3"),
        (tag("v1"), "1"),
        (tag("v1-annotated"), "1"),
        (GitReference::Commit(first), "1"),
    ] {
        let fetched = Source::new(GitOptions {
            reference: reference.clone(),
            ..options(&repository.path())
        });
        let expected = [format!("a.yaml: {content}")];
        assert_eq!(lines(&fetched.fetch().await), expected, "{reference}");
    }
}

#[tokio::test]
async fn what_a_repository_does_not_have_is_a_final_error() {
    let repository = Repository::new();
    let missing = CommitId::parse(&"12".repeat(20)).unwrap();
    for reference in [branch("v1"), tag("main"), GitReference::Commit(missing)] {
        let source = Source::new(GitOptions {
            reference: reference.clone(),
            ..options(&repository.path())
        });
        let failure = finally(source.refused().await);
        let is_missing = matches!(&failure, GitFailure::MissingReference(own) if *own == reference);
        assert!(is_missing, "{failure:?}");
    }
    let none = Source::new(options(&Repository::empty().path()));
    let gone = finally(none.refused().await);
    assert!(matches!(gone, GitFailure::NotARepository(_)), "{gone:?}");
    let empty = Repository::empty();
    let failure = finally(Source::new(options(&empty.path())).refused().await);
    assert!(matches!(failure, GitFailure::Empty), "{failure:?}");
    let directory = repository.place().to_str().unwrap();
    let failure = finally(Source::new(options(directory)).refused().await);
    assert!(
        matches!(failure, GitFailure::NotARepository(_)),
        "{failure:?}"
    );
}

#[tokio::test]
async fn a_tag_of_something_else_than_a_commit_is_refused() {
    let repository = Repository::new();
    let blob = repository.git(["rev-parse", "HEAD:a.yaml"]);
    repository.git(["tag", "file", &blob]);
    repository.push();
    let source = Source::new(GitOptions {
        reference: tag("file"),
        ..options(&repository.path())
    });
    let failure = finally(source.refused().await);
    assert!(matches!(failure, GitFailure::NotACommit(_)), "{failure:?}");
}

#[tokio::test]
async fn only_the_subdirectory_is_read_and_it_must_be_there() {
    let repository = Repository::new();
    repository.write("deep/er/x.yaml", "2");
    repository.commit("deep/y.json", "3");
    let at = |path: &str| {
        Source::new(GitOptions {
            subdirectory: Subdirectory::parse(path).unwrap(),
            ..options(&repository.path())
        })
    };
    let expected = ["deep/er/x.yaml: 2", "deep/y.json: 3"];
    assert_eq!(lines(&at("deep").fetch().await), expected);
    assert_eq!(lines(&at("deep/er").fetch().await), ["deep/er/x.yaml: 2"]);
    // Nothing there is not the same as no files: that would mean to remove all.
    for path in ["shallow", "a.yaml", "deep/er/x.yaml/z"] {
        let failure = finally(at(path).refused().await);
        let is_missing = matches!(failure, GitFailure::MissingSubdirectory { .. });
        assert!(is_missing, "{path}: {failure:?}");
    }
}

#[tokio::test]
async fn what_an_author_writes_cannot_drive_a_terminal() {
    let repository = Repository::new();
    let author = "--author=E\u{1b}[31mve\u{202e} <e@example.com>";
    let message = format!("\u{1b}]0;x\u{7}{}\n\nmore", "long ".repeat(100));
    repository.commit_with([author, "-m", &message]);
    let revision = Source::new(options(&repository.path()))
        .fetch()
        .await
        .revision;
    assert_eq!(revision.author, "E\\u{1b}[31mve\\u{202e}");
    let subject = revision.subject;
    assert!(subject.starts_with("\\u{1b}]0;x\\u{7}long"), "{subject}");
    assert!(subject.ends_with('…') && subject.len() < 300, "{subject}");
}

#[tokio::test]
async fn no_program_of_a_repository_is_run() {
    let repository = Repository::new();
    let marker = repository.place().join("it-ran");
    let program = repository.place().join("program");
    let script = format!("#!/bin/sh\ntouch '{}'\n", marker.display());
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let path = program.to_str().unwrap();
    for setting in [
        "uploadpack.packObjectsHook",
        "core.fsmonitor",
        "core.sshCommand",
        "core.alternateRefsCommand",
        "gpg.program",
        "filter.x.smudge",
    ] {
        repository.bare_git(["config", setting, path]);
    }
    let hooks = Path::new(&repository.path()).join("hooks");
    fs::create_dir_all(&hooks).unwrap();
    for hook in ["post-checkout", "reference-transaction", "pre-receive"] {
        copy_program(&program, hooks.join(hook));
    }
    let fetched = Source::new(options(&repository.path())).fetch().await;
    assert_eq!(lines(&fetched), ["a.yaml: 1"]);
    assert!(!marker.exists());
}

#[tokio::test]
async fn repository_of_another_user_needs_approval() {
    needs!(ROOT);
    let repository = Repository::new();
    for path in below(Path::new(&repository.path())) {
        chown(path, Some(65534), None).unwrap();
    }
    chown(repository.path(), Some(65534), None).unwrap();
    let failure = finally(Source::new(options(&repository.path())).refused().await);
    let is_refused = matches!(failure, GitFailure::ForeignOwner { .. });
    assert!(is_refused, "{failure:?}");
    let allowed = Source::new(GitOptions {
        allow_other_owner: true,
        ..options(&repository.path())
    });
    assert_eq!(lines(&allowed.fetch().await), ["a.yaml: 1"]);
}

/// The file that holds an object.
fn object(repository: &Repository, name: &str) -> PathBuf {
    let id = repository.git(["rev-parse", name]);
    let (folder, name) = id.split_at(2);
    Path::new(&repository.path()).join(format!("objects/{folder}/{name}"))
}

#[tokio::test]
async fn unreadable_repository_is_reported_and_read_once_it_can_be() {
    let repository = Repository::new();
    let source = Source::new(options(&repository.path()));
    let object = object(&repository, "HEAD:a.yaml");
    let away = repository.place().join("away");
    fs::rename(&object, &away).unwrap();
    // As with whatever a push or git gc is about to change.
    let error = source.refused().await;
    assert!(error.is_transient(), "{}", told(&error));
    assert!(told(&error).contains("git fsck"), "{}", told(&error));
    let is_unreadable = matches!(error.failure, GitFailure::Unreadable(_));
    assert!(is_unreadable, "{}", told(&error));
    fs::rename(&away, &object).unwrap();
    assert_eq!(lines(&source.fetch().await), ["a.yaml: 1"]);
}

#[tokio::test]
async fn unreadable_commit_behind_a_tag_is_no_other_kind_of_object() {
    let repository = Repository::new();
    repository.git(["tag", "-a", "-m", "one", "v1"]);
    repository.push();
    let source = Source::new(GitOptions {
        reference: tag("v1"),
        ..options(&repository.path())
    });
    let object = object(&repository, "HEAD");
    let away = repository.place().join("away");
    fs::rename(&object, &away).unwrap();
    let error = source.refused().await;
    assert!(error.is_transient(), "{}", told(&error));
    let is_unreadable = matches!(error.failure, GitFailure::Unreadable(_));
    assert!(is_unreadable, "{}", told(&error));
    fs::rename(&away, &object).unwrap();
    assert_eq!(lines(&source.fetch().await), ["a.yaml: 1"]);
}

#[tokio::test]
async fn a_repository_is_read_however_its_objects_are_kept() {
    let repository = Repository::new();
    let source = Source::new(options(&repository.path()));
    for (number, packed) in ["--loose", "-ad", "-adf"].into_iter().enumerate() {
        repository.commit("a.yaml", number.to_string());
        if packed != "--loose" {
            repository.bare_git(["repack", "--quiet", packed]);
            repository.bare_git(["pack-refs", "--all"]);
        }
        let expected = [format!("a.yaml: {number}")];
        assert_eq!(lines(&source.fetch().await), expected, "{packed}");
    }
}

#[tokio::test]
async fn file_system_that_hangs_times_out_and_is_read_when_back() {
    let repository = Repository::new();
    repository.bare_git(["pack-refs", "--all"]);
    let refs = Path::new(&repository.path()).join("packed-refs");
    fs::rename(&refs, refs.with_extension("away")).unwrap();
    let pipe = Pipe::make(&refs);
    let source = Source::new(GitOptions {
        timeout: Duration::from_millis(200),
        ..options(&repository.path())
    });
    let error = source.refused().await;
    assert!(error.is_transient(), "{}", told(&error));
    assert!(
        matches!(error.failure, GitFailure::Hangs { .. }),
        "{}",
        told(&error)
    );
    // Only one thread hangs.
    let error = source.refused().await;
    assert!(
        matches!(error.failure, GitFailure::Busy),
        "{}",
        told(&error)
    );
    let held = pipe.is_read();
    fs::rename(refs.with_extension("away"), &refs).unwrap();
    drop(held);
    while let Err(error) = source.source.fetch(None).await {
        assert!(
            matches!(error.failure, GitFailure::Busy),
            "{}",
            told(&error)
        );
    }
    assert_eq!(lines(&source.fetch().await), ["a.yaml: 1"]);
}
