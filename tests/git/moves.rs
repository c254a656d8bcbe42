//! Descent of a revision from the previous one: continued history, and rewritten history.

use integrationd::source::git::{Advance, Descent, GitOptions, GitSource, GitUrl, advance};

use super::broken::Cutter;
use super::{Source, lines, options};
use crate::programs::{NGINX, needs, output};
use crate::support::git_server::Server;
use crate::support::repository::Repository;

/// The same repository in the two ways of reaching history: whole, and shallow.
fn sources(repository: &Repository, server: &Server) -> [Source; 2] {
    [
        Source::new(options(&repository.path())),
        Source::new(options(&server.http("open/bare.git"))),
    ]
}

#[tokio::test]
async fn only_the_revision_itself_is_brought_at_first() {
    needs!(NGINX);
    let repository = Repository::new();
    let before = repository.head();
    repository.commit("a.yaml", "2");
    let server = Server::start(repository.place());
    let source = Source::new(options(&server.http("open/bare.git")));
    source.fetch().await;
    let copy = source.path().join("git/copy.git");
    let shallow = std::fs::read_to_string(copy.join("shallow")).unwrap();
    assert_eq!(shallow.trim(), repository.head().to_string());
    let copy = git2::Repository::open_bare(copy).unwrap();
    let before = git2::Oid::from_str(&before.to_string()).unwrap();
    assert!(!copy.odb().unwrap().exists(before));
}

#[tokio::test]
async fn descent_is_found_over_any_number_of_pushed_commits() {
    needs!(NGINX);
    let repository = Repository::new();
    let server = Server::start(repository.place());
    for source in sources(&repository, &server) {
        let mut previous = source.fetch().await.revision.id;
        for between in [1, 2, 40, 500] {
            repository.history(between);
            let fetched = source.fetch_after(Some(previous)).await;
            assert_eq!(fetched.descent, Descent::Descends, "{between}");
            assert_eq!(fetched.revision.id, repository.head());
            previous = fetched.revision.id;
        }
        let same = source.fetch_after(Some(previous)).await;
        let id = same.revision.id;
        assert_eq!(
            advance(Some(&previous), &id, same.descent, false),
            Advance::Same
        );
    }
}

#[tokio::test]
async fn descent_is_found_over_any_number_of_merged_branches() {
    needs!(NGINX);
    let repository = Repository::new();
    let root = repository.head();
    let chains = 20;
    let names: Vec<_> = (0..chains).map(|chain| format!("chain-{chain}")).collect();
    for name in &names {
        repository.git(["switch", "--quiet", "-C", "main", &root.to_string()]);
        repository.record(["-m", name]);
        repository.history(300);
        repository.git(["branch", name]);
    }
    let merge = ["merge", "--quiet", "--no-ff", "--no-edit", "-s", "ours"];
    let mut git = repository.worker();
    output(git.args(merge).args(&names[..chains - 1]));
    repository.history(20);
    // More commits than the greatest depth that is asked for.
    let commits = repository.git(["rev-list", "--count", "HEAD"]);
    assert!(commits.parse::<usize>().unwrap() > 6_000, "{commits}");
    let server = Server::start(repository.place());
    for source in sources(&repository, &server) {
        let fetched = source.fetch_after(Some(root)).await;
        assert_eq!(fetched.descent, Descent::Descends);
    }
}

#[tokio::test]
async fn a_merge_descends_from_both_its_sides() {
    needs!(NGINX);
    let repository = Repository::new();
    repository.git(["switch", "--quiet", "-c", "side"]);
    repository.commit("b.yaml", "2");
    let side = repository.commit("b.yaml", "3");
    repository.git(["switch", "--quiet", "main"]);
    let main = repository.commit("a.yaml", "4");
    repository.git(["merge", "--quiet", "--no-ff", "--no-edit", "side"]);
    repository.push();
    let server = Server::start(repository.place());
    for source in sources(&repository, &server) {
        for previous in [side, main] {
            let fetched = source.fetch_after(Some(previous)).await;
            assert_eq!(fetched.descent, Descent::Descends);
        }
    }
}

#[tokio::test]
async fn a_rewritten_history_is_held_until_it_is_allowed() {
    needs!(NGINX);
    let repository = Repository::new();
    repository.history(30);
    let server = Server::start(repository.place());
    let sources = sources(&repository, &server);
    let previous = repository.head();
    for source in &sources {
        source.fetch().await;
    }
    let new = repository.commit_with(["--amend", "-m", "another past"]);
    for source in &sources {
        let fetched = source.fetch_after(Some(previous)).await;
        assert_eq!(fetched.revision.id, new);
        assert_eq!(fetched.descent, Descent::Unrelated);
        let moved = |allow| advance(Some(&previous), &new, fetched.descent, allow);
        assert_eq!(moved(false), Advance::Rejected);
        assert_eq!(moved(true), Advance::Rewritten);
        // A rejected revision is checked again, until an operator decides.
        let again = source.fetch_after(Some(previous)).await;
        assert_eq!(again.descent, Descent::Unrelated);
    }
    // A way back is also one that does not go on.
    repository.git(["reset", "--quiet", "--hard", "HEAD~3"]);
    repository.push();
    for source in &sources {
        let fetched = source.fetch_after(Some(new)).await;
        assert_eq!(fetched.descent, Descent::Unrelated);
        assert_eq!(lines(&fetched), ["a.yaml: 26"]);
    }
}

#[tokio::test]
async fn an_entirely_new_history_is_held() {
    needs!(NGINX);
    let repository = Repository::new();
    let server = Server::start(repository.place());
    let previous = repository.commit("a.yaml", "2");
    let sources = sources(&repository, &server);
    for source in &sources {
        source.fetch().await;
    }
    repository.git(["switch", "--quiet", "--orphan", "new"]);
    repository.commit("b.yaml", "3");
    repository.git(["branch", "--force", "main", "new"]);
    repository.push();
    for source in &sources {
        let fetched = source.fetch_after(Some(previous)).await;
        assert_eq!(lines(&fetched), ["b.yaml: 3"]);
        assert_eq!(fetched.descent, Descent::Unrelated);
    }
}

#[tokio::test]
async fn history_too_long_to_compare_is_held_and_fetched_once() {
    needs!(NGINX);
    let repository = Repository::new();
    repository.history(5_000);
    let previous = repository.head();
    let new = repository.commit_with(["--amend", "-m", "another past"]);
    let server = Server::start(repository.place());
    let cutter = Cutter::before(server.http_port());
    let url = GitUrl::parse(&cutter.url).unwrap();
    let directory = repository.place().join("copy");
    // Each run has a source of its own. How much is asked of the server is counted.
    let look = async |previous| {
        let before = cutter.passed();
        let source = GitSource::new(GitOptions::new(url.clone()), &directory).unwrap();
        let fetched = source.fetch(previous).await.unwrap();
        (fetched.descent, cutter.passed() - before)
    };
    let (descent, _) = look(Some(previous)).await;
    assert_eq!(descent, Descent::Unknown);
    let moved = advance(Some(&previous), &new, descent, false);
    assert_eq!(moved, Advance::Rejected);
    let (_, of_the_head_alone) = look(None).await;
    let again = look(Some(previous)).await;
    assert_eq!(again, (Descent::Unknown, of_the_head_alone));
}
