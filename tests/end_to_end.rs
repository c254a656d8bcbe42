//! From a push to the tenant with real parts all the way: git's own client, nginx
//! or sshd before the repository, the daemon as a process, and HTTP to a simulated
//! tenant. What each part does by itself is tested elsewhere.

mod credentials;
mod https;
mod signatures;
mod ssh;
mod stops;

use std::fs;

use integrationd::source::git::CommitId;
use tempfile::TempDir;

use crate::common::{Integrationd, Running, Tenant, eventually};
use crate::forge::{HEARD, PUSH, SECRET, github};
use crate::programs::output;
use crate::support::git_lake::{BOUND, LAKE, run};
use crate::support::git_server::{PASSWORD, Server, USER};
use crate::support::repository::Repository;
use crate::web::{self, Answer};

/// The branch of the recorded push.
const BRANCH: &str = "master";

/// The file of the lake, with another path in it.
fn lake(path: &str) -> String {
    LAKE.replace("/one", path)
}

/// A tenant, and what the daemon remembers of it.
struct World {
    tenant: Tenant,
    state: TempDir,
}

impl World {
    fn new() -> Self {
        Self {
            tenant: Tenant::empty(),
            state: TempDir::new().unwrap(),
        }
    }

    /// A daemon with a status page.
    fn daemon(&self, url: &str, args: &[&str]) -> Integrationd {
        let all = [&[BOUND, "--listen=127.0.0.1:0"], args].concat();
        run((&self.tenant, &self.state), "daemon", url, &all)
    }

    fn writes_come_to(&self, expected: &[&str]) {
        eventually("the writes", || self.tenant.writes() == expected);
    }

    /// The paths that the tenant was sent, in order.
    fn paths(&self) -> Vec<String> {
        let path = |body: serde_json::Value| body["config"]["httpPath"].as_str().map(str::to_owned);
        self.tenant.written().into_iter().filter_map(path).collect()
    }
}

/// A repository behind nginx, with the file of the lake in it.
struct Forge {
    repository: Repository,
    server: Server,
    place: TempDir,
}

impl Forge {
    fn new() -> Self {
        let repository = Repository::empty();
        repository.git(["symbolic-ref", "HEAD", &format!("refs/heads/{BRANCH}")]);
        repository.commit("files/lake.yaml", LAKE);
        let place = TempDir::new().unwrap();
        fs::write(place.path().join("token"), format!("{PASSWORD}\n")).unwrap();
        Self {
            server: Server::start(repository.place()),
            repository,
            place,
        }
    }

    /// Commits, and pushes as a person does.
    fn push(&self, path: &str, content: &str) -> CommitId {
        self.repository.write(path, content);
        let id = self.repository.record(["-m", &format!("Change {path}")]);
        self.send(&[]);
        id
    }

    /// Pushes over https what was committed.
    fn send(&self, args: &[&str]) {
        let ca = format!("http.sslCAInfo={}", self.server.ca().display());
        let mut git = self.repository.worker();
        git.args(["-c", &ca, "push", "--quiet"]).args(args);
        output(git.args([&self.server.as_pusher("bare.git"), BRANCH]));
    }

    /// Number of requests of readers for new commits.
    fn asked(&self) -> usize {
        let log = self.server.log();
        let asks = |line: &&str| line.starts_with("/basic/bare.git/info/refs");
        log.lines().filter(asks).count()
    }

    /// A daemon on it that runs when the forge sends a webhook.
    fn daemon(&self, world: &World, args: &[&str]) -> Integrationd {
        let token = self.place.path().join("token");
        let token = format!("--git-token-file={}", token.display());
        self.without_secrets(world, args)
            .arg(token)
            .env("INTEGRATIOND_WEBHOOK_SECRET", SECRET)
    }

    fn without_secrets(&self, world: &World, args: &[&str]) -> Integrationd {
        let own = [
            format!("--git-ca-file={}", self.server.ca().display()),
            format!("--git-user={USER}"),
            format!("--git-branch={BRANCH}"),
            format!("--webhook-branch={BRANCH}"),
            "--webhook-listen=127.0.0.1:0".to_owned(),
            "--poll=1h".to_owned(),
        ];
        let own: Vec<&str> = own.iter().map(String::as_str).collect();
        let run = world.daemon(&self.server.https("basic/bare.git"), &own);
        args.iter().fold(run, Integrationd::arg)
    }
}

/// Notifies the daemon of a push as GitHub does: with a recorded payload.
fn told(daemon: &Running) -> Answer {
    github(web::address(daemon, HEARD), "push", PUSH)
}
