//! git over HTTPS, with a private authority and credentials.

use std::fs;
use std::path::Path;

use integrationd::net::TransportErrorKind;
use integrationd::secret::Secret;
use integrationd::source::git::{GitCredentials, GitFailure, GitOptions, GitReference, GitSource};

use super::{Source, branch, finally, lines, options, told};
use crate::common::Integrationd;
use crate::programs::{CERTIFICATES, NGINX, needs};
use crate::support::git_server::{PASSWORD, Server, TOKEN, USER, free_port};
use crate::support::repository::{Repository, holds};

fn served() -> (Repository, Server) {
    let repository = Repository::new();
    let server = Server::start(repository.place());
    (repository, server)
}

fn basic(password: &str) -> Option<GitCredentials> {
    Some(GitCredentials::Basic {
        user: USER.to_owned(),
        password: Secret::new(password.to_owned()),
    })
}

fn bearer(token: &str) -> Option<GitCredentials> {
    Some(GitCredentials::Bearer(Secret::new(token.to_owned())))
}

fn source(server: &Server, path: &str, credentials: Option<GitCredentials>) -> Source {
    Source::new(GitOptions {
        ca_files: vec![server.ca()],
        credentials,
        ..options(&server.https(path))
    })
}

#[tokio::test]
async fn repository_behind_basic_credentials_is_fetched_again() {
    needs!(NGINX);
    let (repository, server) = served();
    let source = source(&server, "basic/bare.git", basic(PASSWORD));
    assert_eq!(lines(&source.fetch().await), ["a.yaml: 1"]);
    repository.commit("b.yaml", "2");
    assert_eq!(lines(&source.fetch().await), ["a.yaml: 1", "b.yaml: 2"]);
    for text in [PASSWORD, "Basic "] {
        assert!(!holds(source.path(), text), "{text}");
    }
    // The address stands in the note of the copy alone: libgit2 never knew it.
    fs::remove_file(source.path().join("git/copy.git/integrationd-source")).unwrap();
    assert!(!holds(source.path(), "127.0.0.1"));
}

#[tokio::test]
async fn a_repository_behind_a_bearer_token_is_fetched() {
    needs!(NGINX);
    let (_repository, server) = served();
    let source = source(&server, "bearer/bare.git", bearer(TOKEN));
    assert_eq!(lines(&source.fetch().await), ["a.yaml: 1"]);
}

#[test]
fn sync_logs_in_with_the_token_or_user_of_its_settings() {
    needs!(NGINX);
    let repository = Repository::empty();
    repository.commit("trino.yaml", "type: Trino\n");
    let server = Server::start(repository.place());
    let file = |name: &str, text: &str| {
        let path = repository.place().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (token, password) = (file("token", TOKEN), file("password", PASSWORD));
    let ca = server.ca().display().to_string();
    let sync = |path: &str, settings: &str| {
        let git = server.https(path);
        let settings = format!("git: {git}\ngit-ca-file: {ca}\n{settings}");
        let settings = file("settings.yaml", &settings);
        let run = Integrationd::new(["sync", "--simulate", "--yes", "--config"]);
        run.arg(settings).run()
    };
    let bearer = format!("git-token-file: {token}\ngit-auth: bearer\n");
    let ran = sync("bearer/bare.git", &bearer).exits_with(0);
    assert!(ran.stdout.contains("1 created"), "{}", ran.all());
    let basic = format!("git-token-file: {password}\ngit-user: {USER}\n");
    sync("basic/bare.git", &basic).exits_with(0);
    // Each where the other one is asked for.
    for (path, settings) in [("basic/bare.git", &bearer), ("bearer/bare.git", &basic)] {
        let ran = sync(path, settings).exits_with(1);
        assert!(
            ran.stderr.contains("rejected the credentials"),
            "{}",
            ran.stderr
        );
        assert!(!ran.all().contains("s3cr3t"), "{}", ran.all());
    }
}

#[tokio::test]
async fn wrong_credentials_are_refused_for_good_and_never_shown() {
    needs!(NGINX);
    let (_repository, server) = served();
    let wrong = "s3cr3t-but-wrong-Bn5d";
    for (path, credentials, expected) in [
        ("basic/bare.git", basic(wrong), 401),
        ("basic/bare.git", None, 401),
        ("bearer/bare.git", bearer(wrong), 403),
    ] {
        let source = source(&server, path, credentials);
        let error = source.refused().await;
        let shown = format!(
            "{} {error:?} {source:?}",
            told(&error),
            source = source.source
        );
        assert!(!shown.contains("s3cr3t"), "{shown}");
        assert!(told(&error).contains(&server.https(path)), "{shown}");
        let failure = finally(error);
        let is_denied = matches!(failure, GitFailure::Denied { status } if status == expected);
        assert!(is_denied, "{failure:?}");
    }
}

#[tokio::test]
async fn an_unknown_authority_is_refused() {
    needs!(NGINX);
    let (_repository, server) = served();
    let source = Source::new(GitOptions {
        credentials: basic(PASSWORD),
        ..options(&server.https("basic/bare.git"))
    });
    let failure = finally(source.refused().await);
    let GitFailure::Transport(error) = failure else {
        panic!("{failure:?}")
    };
    assert_eq!(error.kind, TransportErrorKind::Certificate);
    assert_eq!(server.log(), "");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    needs!(NGINX);
    let (_repository, server) = served();
    let source = source(&server, "moved/bare.git", basic(PASSWORD));
    let failure = finally(source.refused().await);
    assert!(
        matches!(failure, GitFailure::Redirected { status: 307 }),
        "{failure:?}"
    );
    assert!(!server.log().contains("/basic"), "{}", server.log());
}

#[tokio::test]
async fn missing_repository_is_final_and_a_server_error_is_not() {
    needs!(NGINX);
    let (_repository, server) = served();
    let missing = finally(source(&server, "open/none.git", None).refused().await);
    assert!(
        matches!(missing, GitFailure::Status { status: 404 }),
        "{missing:?}"
    );
    let page = finally(source(&server, "page", None).refused().await);
    assert!(matches!(page, GitFailure::NotGit), "{page:?}");
    let busy = source(&server, "busy/bare.git", None).refused().await;
    assert!(busy.is_transient(), "{}", told(&busy));
    let nobody = format!("https://127.0.0.1:{}/x", free_port());
    let error = Source::new(options(&nobody)).refused().await;
    assert!(error.is_transient(), "{}", told(&error));
}

#[tokio::test]
async fn empty_repository_and_missing_branch_are_distinguished() {
    needs!(NGINX);
    let (_repository, server) = served();
    let source = Source::new(GitOptions {
        reference: branch("none"),
        ..options(&server.http("open/bare.git"))
    });
    let failure = finally(source.refused().await);
    assert!(
        matches!(failure, GitFailure::MissingReference(_)),
        "{failure:?}"
    );
    let empty = Repository::empty();
    let server = Server::start(empty.place());
    let source = Source::new(options(&server.http("open/bare.git")));
    let failure = finally(source.refused().await);
    assert!(matches!(failure, GitFailure::Empty), "{failure:?}");
}

#[tokio::test]
async fn commit_is_found_with_and_without_fetch_by_id() {
    needs!(NGINX);
    let (repository, server) = served();
    let first = repository.head();
    repository.commit("a.yaml", "2");
    let mut sources = Vec::new();
    for gives in ["false", "true"] {
        for setting in ["AnySHA1InWant", "ReachableSHA1InWant", "TipSHA1InWant"] {
            repository.bare_git(["config", &format!("uploadpack.allow{setting}"), gives]);
        }
        let source = Source::new(GitOptions {
            reference: GitReference::Commit(first),
            ..options(&server.http("open/bare.git"))
        });
        assert_eq!(lines(&source.fetch().await), ["a.yaml: 1"], "{gives}");
        sources.push(source);
    }
    drop(server);
    // It exists now: no request is sent.
    for source in sources {
        assert_eq!(lines(&source.fetch().await), ["a.yaml: 1"]);
    }
}

#[tokio::test]
async fn credentials_that_no_header_can_hold_are_refused_at_once() {
    needs!(CERTIFICATES);
    let options = GitOptions {
        credentials: bearer("s3cr3t\nX-Other: 1"),
        ..options("https://git.example.com/a.git")
    };
    let error = GitSource::new(options, Path::new("/nowhere")).unwrap_err();
    assert!(!format!("{error:?}").contains("s3cr3t"), "{error:?}");
    assert!(matches!(finally(error), GitFailure::Credentials));
}
