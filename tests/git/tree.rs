//! Entries of a tree other than files.

use integrationd::manifest::MAX_FILE_SIZE;
use integrationd::source::git::GitFailure;

use super::{Source, finally, lines, options};
use crate::support::repository::{Repository, command, feed};

#[tokio::test]
async fn the_rules_for_names_are_those_of_a_directory() {
    let repository = Repository::empty();
    for path in [
        "b.yaml",
        "a/z.yml",
        "a.json",
        "x.yaml/inner.yaml",
        "A.YAML",
        "notes.txt",
        ".hidden.yaml",
        ".github/c.yaml",
        "a-b/c.yaml",
    ] {
        repository.write(path, "1");
    }
    repository.commit("last.yaml", "1");
    let fetched = Source::new(options(&repository.path())).fetch().await;
    let paths: Vec<_> = fetched.snapshot.files.iter().map(|f| &f.path).collect();
    let expected = [
        "a-b/c.yaml",
        "a.json",
        "a/z.yml",
        "b.yaml",
        "last.yaml",
        "x.yaml/inner.yaml",
    ];
    assert_eq!(paths, expected);
    // The same files in a directory come in the same order.
    let tree = repository.place().join("work");
    let read = integrationd::source::read_directory(&tree).unwrap();
    let prefix = format!("{}/", tree.display());
    let read: Vec<_> = read
        .files
        .iter()
        .map(|f| f.path.replace(&prefix, ""))
        .collect();
    assert_eq!(read, expected);
}

#[tokio::test]
async fn link_is_never_followed_and_reported_where_it_matters() {
    let repository = Repository::new();
    repository.write("real/b.yaml", "2");
    repository.write("real/notes.txt", "3");
    repository.link("one.yaml", "real/b.yaml");
    repository.link("passwd.yaml", "/etc/passwd");
    repository.link("dir", "real");
    repository.link("real/up", "..");
    repository.link("real/out", "../../elsewhere");
    repository.link("absolute", "/etc");
    repository.link("second", "dir");
    repository.link("readme", "real/notes.txt");
    repository.link("nowhere", "missing");
    repository.commit_with(["-m", "links"]);
    let fetched = Source::new(options(&repository.path())).fetch().await;
    assert_eq!(
        lines(&fetched),
        [
            "a.yaml: 1",
            "absolute: LeavesDirectory",
            "dir: Link",
            "one.yaml: Link",
            "passwd.yaml: Link",
            "real/b.yaml: 2",
            "real/out: LeavesDirectory",
            "real/up: Link",
            "second: Link",
        ]
    );
}

#[tokio::test]
async fn a_submodule_is_not_followed_and_is_reported() {
    let (repository, other) = (Repository::new(), Repository::new());
    let allow = "protocol.file.allow=always";
    let path = other.path();
    repository.git(["-c", allow, "submodule", "--quiet", "add", &path, "sub"]);
    repository.commit_with(["-m", "submodule"]);
    let fetched = Source::new(options(&repository.path())).fetch().await;
    assert_eq!(lines(&fetched), ["a.yaml: 1", "sub: Submodule"]);
}

#[tokio::test]
async fn a_huge_file_is_reported_and_does_not_stop_the_others() {
    let repository = Repository::new();
    let largest = usize::try_from(MAX_FILE_SIZE).unwrap();
    repository.write("fits.yaml", "a".repeat(largest));
    repository.commit("huge.yaml", "a".repeat(largest + 1));
    let fetched = Source::new(options(&repository.path())).fetch().await;
    let lines = lines(&fetched);
    assert_eq!(lines[0], "a.yaml: 1");
    assert_eq!(lines[1].len(), "fits.yaml: ".len() + largest);
    assert_eq!(
        lines[2],
        format!("huge.yaml: TooLarge {{ size: {} }}", largest + 1)
    );
}

/// Makes a tree of lines as `git mktree` reads them.
fn tree(repository: &Repository, lines: &[u8]) -> String {
    let mut git = command("git", repository.place());
    git.arg("-C").arg(repository.place().join("work"));
    feed(git.args(["mktree", "-z"]), lines)
}

/// Makes a tree the only thing on the branch.
fn commit_tree(repository: &Repository, tree: &str) {
    let commit = repository.git(["commit-tree", "-m", "a tree", tree]);
    repository.git(["update-ref", "refs/heads/main", &commit]);
    repository.push();
}

#[tokio::test]
async fn a_name_that_is_not_text_is_reported() {
    let repository = Repository::new();
    let blob = repository.git(["rev-parse", "HEAD:a.yaml"]);
    let line = format!("100644 blob {blob}\t\0");
    let (start, end) = line.as_bytes().split_at(line.len() - 1);
    let lines_of_tree = [start, b"\xff.yaml", end].concat();
    commit_tree(&repository, &tree(&repository, &lines_of_tree));
    let fetched = Source::new(options(&repository.path())).fetch().await;
    assert_eq!(lines(&fetched), ["\u{fffd}.yaml: NameNotUtf8"]);
}

#[tokio::test]
async fn a_tree_that_names_itself_ten_times_at_every_depth_is_refused() {
    let repository = Repository::new();
    let blob = repository.git(["rev-parse", "HEAD:a.yaml"]);
    let mut inner = tree(
        &repository,
        format!("100644 blob {blob}\ta.yaml\0").as_bytes(),
    );
    for _ in 0..10 {
        let line = |name: u8| format!("040000 tree {inner}\td{name}\0");
        let all: String = (0..10).map(line).collect();
        inner = tree(&repository, all.as_bytes());
    }
    commit_tree(&repository, &inner);
    let failure = finally(Source::new(options(&repository.path())).refused().await);
    assert!(matches!(failure, GitFailure::TooMuch { .. }), "{failure:?}");
}
