//! Objects that are larger than any that people make, and that unpack to far more
//! than what was pushed.

use integrationd::source::git::{GitFailure, GitOptions, GitReference};
use tempfile::TempDir;

use super::{Source, finally, lines, options, tag, told};
use crate::common::Tenant;
use crate::programs::{NGINX, needs};
use crate::support::git_lake::{BOUND, LAKE, run};
use crate::support::git_server::Server;
use crate::support::repository::{Repository, feed};

/// The most that a commit or a tag may have.
const LIMIT: usize = 1024 * 1024;

/// Commits what is at the head once more, with a message of so many letters.
fn wordy(repository: &Repository, letters: usize) -> String {
    let mut commit = repository.worker();
    commit.args(["commit-tree", "-p", "HEAD", "HEAD^{tree}"]);
    let id = feed(&mut commit, &vec![b'a'; letters]);
    repository.git(["reset", "--quiet", "--soft", &id]);
    repository.push();
    id
}

/// Tags the head with a message of so many letters.
fn wordy_tag(repository: &Repository, letters: usize) -> String {
    let mut git = repository.worker();
    git.args(["tag", "--annotate", "--file=-", "v1"]);
    feed(&mut git, &vec![b'a'; letters]);
    repository.push();
    repository.git(["rev-parse", "refs/tags/v1"])
}

/// Makes a tree the only thing on the branch.
fn commit_tree(repository: &Repository, lines: &str) {
    let tree = feed(repository.worker().args(["mktree"]), lines.as_bytes());
    let commit = repository.git(["commit-tree", "-m", "a tree", &tree]);
    repository.git(["update-ref", "refs/heads/main", &commit]);
    repository.push();
}

/// So many lines for `git mktree`, each with a name of so many letters.
fn entries(repository: &Repository, count: usize, letters: usize) -> String {
    let blob = repository.git(["rev-parse", "HEAD:a.yaml"]);
    let line = |number| format!("100644 blob {blob}\t{number:0letters$}\n");
    (0..count).map(line).collect()
}

/// Addresses of a repository: by path, and at a server.
fn urls(repository: &Repository, server: &Server) -> [String; 2] {
    [repository.path(), server.http("open/bare.git")]
}

#[tokio::test]
async fn commit_or_tag_beyond_a_mebibyte_is_refused() {
    needs!(NGINX);
    let repository = Repository::new();
    let server = Server::start(repository.place());
    wordy(&repository, LIMIT - 1000);
    wordy_tag(&repository, LIMIT - 1000);
    let source = |url: &str, reference: &GitReference| {
        Source::new(GitOptions {
            reference: reference.clone(),
            ..options(url)
        })
    };
    let both = [GitReference::Default, tag("v1")];
    for url in urls(&repository, &server) {
        for reference in &both {
            let fetched = source(&url, reference).fetch().await;
            assert_eq!(lines(&fetched), ["a.yaml: 1"], "{reference}");
        }
    }
    repository.git(["tag", "--delete", "v1"]);
    let large_tag = wordy_tag(&repository, LIMIT);
    let large_commit = wordy(&repository, LIMIT);
    for url in urls(&repository, &server) {
        for (reference, large) in [(&both[0], &large_commit), (&both[1], &large_tag)] {
            let error = source(&url, reference).refused().await;
            let kind = if *large == large_tag { "tag" } else { "commit" };
            let expected = format!(
                "cannot fetch {reference} from {url}: the {kind} {large} has more than 1048576 \
                bytes [push a commit or tag with a shorter message]"
            );
            assert_eq!(told(&error), expected);
            finally(error);
        }
    }
}

#[tokio::test]
async fn a_directory_with_more_than_can_be_read_is_refused() {
    let repository = Repository::new();
    commit_tree(&repository, &entries(&repository, 4_200, 4_000));
    let error = Source::new(options(&repository.path())).refused().await;
    let shown = told(&error);
    let expected = "has more than 16777216 bytes [put fewer files into one directory]";
    assert!(shown.ends_with(expected), "{shown}");
    let failure = finally(error);
    assert!(matches!(failure, GitFailure::LargeObject { .. }), "{shown}");
}

#[tokio::test]
async fn directories_that_are_too_large_together_are_refused() {
    let repository = Repository::new();
    let lines = entries(&repository, 4_000, 4_000);
    let large = feed(repository.worker().args(["mktree"]), lines.as_bytes());
    // Twenty names of one directory: the repository itself stays small.
    let line = |number| format!("040000 tree {large}\td{number:02}\n");
    commit_tree(&repository, &(0..20).map(line).collect::<String>());
    let failure = finally(Source::new(options(&repository.path())).refused().await);
    assert!(matches!(failure, GitFailure::TooMuch { .. }), "{failure:?}");
}

/// M6: a tree may name one blob many times.
#[tokio::test]
async fn too_many_files_of_one_blob_are_refused() {
    let repository = Repository::new();
    let blob = repository.git(["rev-parse", "HEAD:a.yaml"]);
    let line = |number| format!("100644 blob {blob}\tf{number}.yaml\n");
    commit_tree(&repository, &(0..10_002).map(line).collect::<String>());
    let failure = finally(Source::new(options(&repository.path())).refused().await);
    assert!(matches!(failure, GitFailure::TooMuch { .. }), "{failure:?}");
}

/// L6: a server may list as many references as it likes.
#[tokio::test]
async fn too_long_list_of_references_is_refused() {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/a.git", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]).unwrap();
            let head = "HTTP/1.1 200 OK\r\nconnection: close\r\n\
                        content-type: application/x-git-upload-pack-advertisement\r\n\r\n";
            let mut body = "001e# service=git-upload-pack\n0000".to_owned();
            for number in 0..400_000 {
                let id = format!("{number:040x}");
                let line = format!("{id} refs/heads/b{number:09}\n");
                body += &format!("{:04x}{line}", line.len() + 4);
            }
            // The client may have read enough and be gone.
            let _ = stream.write_all((head.to_owned() + &body + "0000").as_bytes());
        }
    });
    let failure = finally(Source::new(options(&url)).refused().await);
    let is_refused = matches!(failure, GitFailure::TooManyReferences { .. });
    assert!(is_refused, "{failure:?}");
}

#[test]
fn bomb_of_a_hundred_megabytes_is_refused_in_little_memory() {
    needs!(NGINX);
    let repository = Repository::empty();
    let first = repository.commit("files/lake.yaml", LAKE);
    let server = Server::start(repository.place());
    let states = [TempDir::new().unwrap(), TempDir::new().unwrap()];
    let tenant = Tenant::empty();
    let sync = |url: &str, state: &TempDir| {
        let run = run((&tenant, state), "sync", url, &[BOUND, "--yes"]);
        // Without that commit it needs less than the half.
        run.under(&["prlimit", "--data=83886080"]).run()
    };
    for (url, state) in urls(&repository, &server).iter().zip(&states) {
        sync(url, state).exits_with(0);
    }
    let large = wordy(&repository, 100 * LIMIT);
    for (url, state) in urls(&repository, &server).iter().zip(&states) {
        let ran = sync(url, state).exits_with(1);
        let told = format!("the commit {large} has more than 1048576 bytes");
        assert!(ran.stderr.contains(&told), "{}", ran.stderr);
    }
    repository.record(["-m", "another"]);
    let head = repository.commit_with(["-m", "one more"]);
    for (url, state) in urls(&repository, &server).iter().zip(&states) {
        for _ in 0..2 {
            let ran = sync(url, state).exits_with(4);
            let told = format!(
                "cannot determine whether {head} (Ada: one more) descends from the applied \
                revision {first}: the available history does not reach the applied revision"
            );
            assert!(ran.stderr.contains(&told), "{}", ran.stderr);
        }
    }
}
