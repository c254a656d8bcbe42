//! A tenant, files, and the daemon that keeps the one equal to the other.

use std::time::Duration;

use integrationd::simulator::SimulatorOptions;
use serde_json::Value;
use tempfile::TempDir;

use crate::common::{Files, Integrationd, SECRETS, Tenant, eventually};
use crate::repository::Repository;
use crate::web::{Served, TOKEN};
use crate::{fleet, forge};

/// The directory of the files in a repository.
const IN_REPOSITORY: &str = "integrations.d";

/// Source of the files.
pub(crate) enum Source {
    Directory(Files),
    Repository {
        repository: Repository,
        /// Address of the repository for the daemon.
        url: String,
    },
}

pub(crate) struct Stage {
    pub(crate) tenant: Tenant,
    pub(crate) source: Source,
    pub(crate) state: TempDir,
}

impl Source {
    /// So many files in a directory.
    pub(crate) fn directory(len: usize) -> Self {
        let files = (0..len).map(fleet::file);
        Self::Directory(files.fold(Files::none(), |files, (path, text)| {
            files.with(&path, &text)
        }))
    }

    /// So many files in a commit.
    pub(crate) fn repository(len: usize) -> Self {
        let repository = Repository::empty();
        for (path, text) in (0..len).map(fleet::file) {
            repository.write(&in_repository(&path), text);
        }
        repository.commit_with(["-m", "The first"]);
        let url = repository.path();
        Self::Repository { repository, url }
    }
}

/// The path of a file in a repository.
pub(crate) fn in_repository(path: &str) -> String {
    format!("{IN_REPOSITORY}/{path}")
}

impl Stage {
    /// With an empty tenant that settles at once.
    pub(crate) fn new(source: Source) -> Self {
        let options = SimulatorOptions {
            settle: Duration::ZERO,
            ..SimulatorOptions::default()
        };
        Self {
            tenant: Tenant::with(options),
            source,
            state: TempDir::new().unwrap(),
        }
    }

    /// The repository; there must be one.
    pub(crate) fn repository(&self) -> &Repository {
        match &self.source {
            Source::Repository { repository, .. } => repository,
            Source::Directory(_) => panic!("the files are in a directory"),
        }
    }

    /// A command on these files, that tenant and the ledger.
    pub(crate) fn command(&self, command: &str, args: &[&str]) -> Integrationd {
        let run = Integrationd::new([command, "--state"]).arg(self.state.path());
        let run = args.iter().fold(run, Integrationd::arg).on(&self.tenant);
        match &self.source {
            Source::Directory(files) => run.with(files),
            Source::Repository { url, .. } => {
                let run = run.arg("--git").arg(url);
                let run = run.arg("--git-directory").arg(IN_REPOSITORY);
                let secrets = SECRETS.iter();
                secrets.fold(run.arg("--allow-secret=env:*"), |run, (name, value)| {
                    run.env(name, value)
                })
            }
        }
    }

    /// The daemon with its page on a free port, as soon as it listens.
    pub(crate) fn daemon(&self, args: &[&str]) -> Served {
        let run = self.command("daemon", args).arg("--listen=127.0.0.1:0");
        let run = run
            .env("INTEGRATIOND_LISTEN_TOKEN", TOKEN)
            .env("INTEGRATIOND_WEBHOOK_SECRET", forge::SECRET)
            .env("INTEGRATIOND_LOG_LEVEL", "info")
            // As the units have it.
            .env("MALLOC_ARENA_MAX", "1");
        Served::of(run.start())
    }

    /// The same, once the tenant equals the files.
    pub(crate) fn in_sync(&self, args: &[&str]) -> Served {
        let served = self.daemon(args);
        eventually("the daemon is ready", || is_ready(&served));
        served
    }
}

/// Status document of the daemon.
pub(crate) fn status(served: &Served) -> Value {
    let answer = served.get_as_bearer("/status");
    assert_eq!(answer.code, 200, "{}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

pub(crate) fn is_ready(served: &Served) -> bool {
    status(served)["state"] == "Ready"
}
