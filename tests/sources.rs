//! Commands other than `sync` that read a repository: by flags, or by the settings file.

use serde_json::json;
use tempfile::TempDir;

use crate::common::{Files, Integrationd, Ran, Tenant};
use crate::support::repository::Repository;

const TRINO: &str = "type: Trino\n";

const LAKE: &str = "type: Databricks\nautoBootstrap: false\nconfig:\n  \
    workspaceUrl: lake.example.com\n  httpPath: /one\n  authenticationType: token\n  \
    token: ${env:LAKE_TOKEN}\n";

/// A repository that was applied, and a settings file that names it.
struct World {
    tenant: Tenant,
    repository: Repository,
    place: TempDir,
}

impl World {
    fn new() -> Self {
        let repository = Repository::empty();
        repository.commit("files/cluster.yaml", TRINO);
        let world = Self {
            tenant: Tenant::empty(),
            repository,
            place: TempDir::new().unwrap(),
        };
        let settings = json!({
            "git": world.repository.path(),
            "git-directory": "files",
            "allow-secret": ["env:LAKE_TOKEN=Databricks@lake.example.com"],
        });
        std::fs::write(world.settings(), settings.to_string()).unwrap();
        world.by_file(&["sync", "--yes"]).run().exits_with(0);
        world.repository.commit("files/lake.yaml", LAKE);
        world.tenant.simulator.clear_log();
        world
    }

    fn settings(&self) -> std::path::PathBuf {
        self.place.path().join("settings.yaml")
    }

    fn command(&self, args: &[&str]) -> Integrationd {
        let [command, args @ ..] = args else {
            panic!("no command");
        };
        let run = Integrationd::new([command, "--state"]).arg(self.place.path().join("state"));
        let run = args.iter().fold(run, Integrationd::arg);
        run.env("LAKE_TOKEN", "s3cr3t-of-sources-Zx81")
            .on(&self.tenant)
    }

    fn by_file(&self, args: &[&str]) -> Integrationd {
        self.command(args).arg("--config").arg(self.settings())
    }

    fn by_flags(&self, args: &[&str]) -> Integrationd {
        let run = self.command(args).arg("--git").arg(self.repository.path());
        let allowed = "--allow-secret=env:LAKE_TOKEN=Databricks@lake.example.com";
        run.arg("--git-directory=files").arg(allowed)
    }

    /// The result of a command, however it is given the repository.
    #[track_caller]
    fn both(&self, args: &[&str], code: i32) -> Ran {
        let by_file = self.by_file(args).run().exits_with(code);
        let by_flags = self.by_flags(args).run().exits_with(code);
        assert_eq!(by_file.stdout, by_flags.stdout);
        assert_eq!(by_file.stderr, by_flags.stderr);
        by_file
    }
}

#[test]
fn script_is_made_from_the_file_of_a_revision() {
    let world = World::new();
    let ran = world.both(&["script", "lake"], 0);
    assert!(
        ran.stdout.contains("script for Databricks"),
        "{}",
        ran.stdout
    );
    let log = world.tenant.simulator.log();
    let asked = log.iter().rev().find(|it| it.path.contains("/scripts/"));
    let body = asked.unwrap().body.clone().unwrap();
    assert_eq!(body["config"]["httpPath"], "/one");
    assert_eq!(body["config"]["token"], "s3cr3t-of-sources-Zx81");
    let ran = world.both(&["script", "laek"], 1);
    assert!(
        ran.stderr.contains("did you mean `lake`?"),
        "{}",
        ran.stderr
    );
}

#[test]
fn snippet_is_made_for_the_file_of_a_revision() {
    let world = World::new();
    let ran = world.both(&["snippet", "cluster", "--out", "-"], 0);
    assert!(ran.stdout.contains("immuta.apikey="), "{}", ran.stdout);
    assert_eq!(world.tenant.writes(), [""; 0]);
}

#[test]
fn render_prints_the_files_of_a_revision() {
    let world = World::new();
    let ran = world.both(&["render"], 0);
    for place in ["# files/cluster.yaml:1\n", "# files/lake.yaml:1\n"] {
        assert!(ran.stdout.contains(place), "{}", ran.stdout);
    }
    assert!(ran.stdout.contains("${env:LAKE_TOKEN}"), "{}", ran.stdout);
    assert_eq!(world.tenant.requests(), Vec::<String>::new());
    let tag = ["render", "--git-tag", "missing"];
    let ran = world.by_flags(&tag).run().exits_with(1);
    assert!(ran.stderr.contains("missing"), "{}", ran.stderr);
}

#[test]
fn integration_of_a_repository_is_adopted() {
    let world = World::new();
    let state = TempDir::new().unwrap();
    let run = Integrationd::new(["adopt", "cluster", "--state"]).arg(state.path());
    let run = run.arg("--config").arg(world.settings()).on(&world.tenant);
    let ran = run.run().exits_with(0);
    assert!(ran.stdout.contains("cluster"), "{}", ran.all());
    assert_eq!(world.tenant.writes(), [""; 0]);
}

#[test]
fn directory_on_the_line_takes_the_place_of_the_repository() {
    let world = World::new();
    let files = Files::none().with("local.yaml", TRINO);
    let ran = world.by_file(&["render"]).arg(files.path()).run();
    let ran = ran.exits_with(0);
    assert!(ran.stdout.contains("local.yaml:1"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("lake"), "{}", ran.stdout);
    let repository = world.repository.path();
    let run = world.command(&["render"]).arg(files.path());
    let run = run.env("INTEGRATIOND_GIT", &repository);
    let ran = run.run().exits_with(0);
    assert!(ran.stdout.contains("local.yaml:1"), "{}", ran.stdout);
    let named = ["snippet", "local", "--out", "-"];
    let run = world.by_file(&named).arg("--dir").arg(files.path());
    run.run().exits_with(0);
}
