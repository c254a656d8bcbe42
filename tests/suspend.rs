//! Writes that wait for a human's word, for one integration or for all.

use std::path::PathBuf;

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

    /// Where it is kept what is suspended.
    fn file(&self) -> PathBuf {
        let is_it = |path: &PathBuf| path.to_string_lossy().ends_with(".suspended.json");
        let files = std::fs::read_dir(self.state.path()).unwrap();
        let mut files = files.map(|file| file.unwrap().path());
        files.find(is_it).unwrap()
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
        "--unknown",
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
    let for_long = ["--reason", "an audit", "--until", "2999-12-01"];
    world.run("suspend", &for_long).run().exits_with(0);
    world.sync();
    assert_eq!(world.tenant.writes(), [""; 0]);
    let file = world.file();
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("2999-", "2020-")).unwrap();
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
    std::fs::write(world.file(), "{").unwrap();
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

#[test]
fn a_name_that_is_none_is_told_with_the_nearest_and_suspends_nothing() {
    let world = World::new();
    world.sync();
    let suspend = |args: &[&str]| {
        let args = [args, &["--reason", "stop it"]].concat();
        world.run("suspend", &args).run()
    };
    let refused = suspend(&["lkae", "trino"]).exits_with(64);
    insta::assert_snapshot!(refused.all(), @r"
    error: nothing was suspended: the ledger knows no integration named lkae
     help: did you mean `lake`? what was never written is suspended with `--unknown`
    ");
    let resumed = world.run("resume", &["trino"]).run().exits_with(1);
    assert!(resumed.stderr.contains("trino was not suspended"));
    suspend(&["lake"]).exits_with(0);
    let resumed = world.run("resume", &["lkae"]).run().exits_with(1);
    insta::assert_snapshot!(resumed.all(), @r"
    error: lkae was not suspended
     help: did you mean `lake`? `integrationd resume` without a name ends everything that is suspended
    ");
    // What somebody is about to write has no other name than that of its file.
    suspend(&["new-lake"]).exits_with(64);
    suspend(&["new-lake", "--unknown"]).exits_with(0);
    world
        .run("resume", &["lake", "new-lake"])
        .run()
        .exits_with(0);
}

#[test]
fn a_day_that_is_there_already_suspends_nothing_and_is_told() {
    let world = World::new();
    let today = jiff::Zoned::now().date().to_string();
    for day in ["2020-01-01", &today] {
        let args = ["--reason", "an audit", "--until", day];
        let ran = world.run("suspend", &args).run().exits_with(64);
        let told = format!("nothing would be suspended until {day}");
        assert!(ran.stderr.contains(&told), "{}", ran.stderr);
    }
    world.sync();
    assert_eq!(world.tenant.writes().len(), 2);
}
