//! Writes that wait for a human's word, for one integration or for all.

use tempfile::TempDir;

use crate::common::{Files, Integrationd, Ran, Tenant};

struct World {
    tenant: Tenant,
    files: Files,
    state: TempDir,
}

impl World {
    fn new() -> Self {
        let lake = "type: Databricks\nautoBootstrap: false\nconfig:\n  \
            workspaceUrl: lake.example.com\n  httpPath: /one\n  authenticationType: token\n  \
            token: ${env:LAKE_TOKEN}\n";
        Self {
            tenant: Tenant::empty(),
            files: Files::none()
                .with("lake.yaml", lake)
                .with("trino.yaml", "type: Trino\n"),
            state: TempDir::new().unwrap(),
        }
    }

    fn run(&self, command: &str, args: &[&str]) -> Integrationd {
        let run = Integrationd::new([command, "--state"]).arg(self.state.path());
        let run = args.iter().fold(run, Integrationd::arg).on(&self.tenant);
        run.env("LAKE_TOKEN", "t0ken")
    }

    fn sync(&self) -> Ran {
        self.run("sync", &["--yes"])
            .with(&self.files)
            .run()
            .exits_with(0)
    }
}

#[test]
fn what_is_suspended_is_planned_and_not_written_until_it_is_resumed() {
    let world = World::new();
    let args = [
        "lake",
        "--reason",
        "vendor migration",
        "--until",
        "2999-12-01",
    ];
    world.run("suspend", &args).run().exits_with(0);
    let ran = world.sync();
    assert!(
        ran.stdout.contains("vendor migration (until 2999-12-01)"),
        "{}",
        ran.stdout
    );
    assert_eq!(world.tenant.writes(), ["POST /integrations"]);
    world.run("resume", &["lake"]).run().exits_with(0);
    world.sync();
    assert_eq!(world.tenant.writes().len(), 2);
}

#[test]
fn everything_is_suspended_without_a_name_and_a_day_that_is_over_does_not_count() {
    let world = World::new();
    world
        .run("suspend", &["--reason", "an audit"])
        .run()
        .exits_with(0);
    let ran = world.sync();
    assert_eq!(ran.stdout.matches("an audit").count(), 2, "{}", ran.stdout);
    assert_eq!(world.tenant.writes(), [""; 0]);
    let over = ["--reason", "an audit", "--until", "2020-01-01"];
    world.run("suspend", &over).run().exits_with(0);
    world.sync();
    assert_eq!(world.tenant.writes().len(), 2);
}

#[test]
fn what_cannot_be_read_stops_the_run_and_what_was_not_suspended_is_told() {
    let world = World::new();
    let ran = world.run("resume", &["lake"]).run().exits_with(1);
    assert!(
        ran.stderr.contains("lake was not suspended"),
        "{}",
        ran.stderr
    );
    world
        .run("suspend", &["--reason", "an audit"])
        .run()
        .exits_with(0);
    let is_it = |path: &std::path::Path| path.to_string_lossy().ends_with(".suspended.json");
    let mut files = std::fs::read_dir(world.state.path())
        .unwrap()
        .map(|file| file.unwrap().path());
    let file = files.find(|path| is_it(path)).unwrap();
    std::fs::write(file, "{").unwrap();
    let ran = world
        .run("sync", &["--yes"])
        .with(&world.files)
        .run()
        .exits_with(1);
    assert!(
        ran.stderr.contains("what is suspended cannot be read"),
        "{}",
        ran.stderr
    );
    assert_eq!(world.tenant.writes(), [""; 0]);
}
