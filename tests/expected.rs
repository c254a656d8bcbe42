//! `--expect`: only the plan that was approved is applied.

use std::fs;
use std::path::PathBuf;

use integrationd::simulator::SimulatedDrift;
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::common::{Files, Integrationd, Ran, Tenant, lake, snowflake};

const OTHER: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// A tenant in sync with two files, and the ledger of that.
struct World {
    tenant: Tenant,
    files: Files,
    state: TempDir,
}

impl World {
    fn new() -> Self {
        let files = Files::none()
            .with("lake.yaml", &lake("lake", "${env:LAKE_TOKEN}"))
            .with("wh.yaml", &snowflake("wh"));
        let world = Self {
            tenant: Tenant::empty(),
            files,
            state: TempDir::new().unwrap(),
        };
        world.sync(&["--yes"]).exits_with(0);
        world.tenant.simulator.clear_log();
        world
    }

    /// With a pending update of one integration.
    fn changed() -> Self {
        let world = Self::new();
        world
            .files
            .change("wh.yaml", "warehouse: WH", "warehouse: SMALL_WH");
        world
    }

    fn run(&self, args: &[&str]) -> Ran {
        let run = Integrationd::new(["sync", "--state"]).arg(self.state.path());
        let run = args.iter().fold(run, Integrationd::arg);
        let run = run.env("LAKE_TOKEN", "token-of-the-lake").on(&self.tenant);
        run.with(&self.files).run()
    }

    fn sync(&self, args: &[&str]) -> Ran {
        self.run(&[&["-o", "json"], args].concat())
    }

    /// The digest of the plan, as a dry run shows it.
    fn digest(&self) -> String {
        let plan = self.sync(&["--dry-run"]).json();
        plan["plan_digest"].as_str().unwrap().to_owned()
    }

    /// A file with the document of the plan.
    fn approved(&self) -> PathBuf {
        let path = self.state.path().join("approved.json");
        fs::write(&path, self.sync(&["--dry-run"]).stdout).unwrap();
        path
    }

    /// Nothing is applied, because the plan is not the approved plan.
    #[track_caller]
    fn refuses(&self, digest: &str, args: &[&str]) -> Json {
        let approval = ["--yes", "--expect", digest];
        let report = self.sync(&[&approval, args].concat()).exits_with(5).json();
        assert_eq!(report["result"]["result"], "unexpected");
        assert_eq!(report["result"]["expected"], digest);
        assert_eq!(self.tenant.writes(), [""; 0]);
        report
    }
}

#[test]
fn approved_plan_is_applied_once() {
    let world = World::changed();
    let digest = world.digest();
    let applied = world.sync(&["--yes", "--expect", &digest]).exits_with(0);
    assert_eq!(applied.json()["plan_digest"], digest.as_str());
    assert_eq!(world.tenant.writes().len(), 1);
    world.tenant.simulator.clear_log();
    // What has been applied is no longer the plan.
    world.refuses(&digest, &[]);
}

#[test]
fn another_plan_is_not_applied() {
    let world = World::changed();
    let digest = world.digest();
    world.files.change("lake.yaml", "/p", "/q");
    let report = world.refuses(&digest, &[]);
    assert_ne!(report["plan_digest"], digest.as_str());
    assert!(report["result"].get("differences").is_none());
}

#[test]
fn differences_from_the_approved_plan_are_shown() {
    let world = World::changed();
    let (digest, approved) = (world.digest(), world.approved());
    let approved = approved.to_str().unwrap();
    world.files.change("wh.yaml", "SMALL_WH", "LARGE_WH");
    world.files.change("lake.yaml", "/p", "/q");
    let report = world.refuses(&digest, &["--approved", approved]);
    let differences = &report["result"]["differences"];
    assert_eq!(differences[0]["integration"], "lake");
    assert_eq!(differences[0]["approved"], Json::Null);
    assert_eq!(differences[0]["planned"], "update");
    let paths = json!(["warehouse"]);
    assert_eq!(differences[1]["paths"], paths, "{differences:#}");
    let args = ["--yes", "--expect", &digest, "--approved", approved];
    let text = world.run(&args).exits_with(5);
    let end = text.stdout.split("Nothing was applied:").nth(1).unwrap();
    assert!(end.contains("lake: this update was not approved"), "{end}");
    assert!(end.contains("wh: the update differs in warehouse"), "{end}");
}

#[test]
fn drift_after_the_approval_makes_another_plan() {
    let world = World::changed();
    let (digest, approved) = (world.digest(), world.approved());
    let drift = SimulatedDrift::value(world.tenant.id_of("Snowflake"), "/port", json!(444));
    world.tenant.simulator.drift(drift).unwrap();
    let report = world.refuses(&digest, &["--approved", approved.to_str().unwrap()]);
    assert_eq!(report["result"]["differences"][0]["integration"], "wh");
}

#[test]
fn digest_is_equal_on_every_machine() {
    let world = World::changed();
    let digest = world.digest();
    // Another ledger, another place of the files, other lines, and no secret.
    let elsewhere = Files::none()
        .with("lake.yaml", &lake("lake", "${env:LAKE_TOKEN}"))
        .with("wh.yaml", &format!("# a comment\n{}", snowflake("wh")));
    elsewhere.change("wh.yaml", "warehouse: WH", "warehouse: SMALL_WH");
    let run = Integrationd::new(["sync", "-o", "json", "--dry-run"]).on(&world.tenant);
    let run = run.without_env("SNOWFLAKE_PASSWORD").with(&elsewhere).run();
    assert_eq!(run.json()["plan_digest"], digest.as_str(), "{}", run.stdout);
}

#[test]
fn dry_run_compares_the_digest_too() {
    let world = World::changed();
    let digest = world.digest();
    world
        .sync(&["--dry-run", "--expect", &digest])
        .exits_with(0);
    world.sync(&["--dry-run", "--expect", OTHER]).exits_with(5);
}

#[test]
fn digest_neither_answers_the_prompt_nor_lifts_the_guard() {
    let world = World::changed();
    let digest = world.digest();
    world.sync(&["--expect", &digest]).exits_with(4);
    world
        .sync(&["--yes", "--expect", &digest, "--max-changes", "0"])
        .exits_with(4);
    world
        .sync(&["--yes", "--expect", OTHER, "--max-changes", "0"])
        .exits_with(5);
    assert_eq!(world.tenant.writes(), [""; 0]);
}

#[test]
fn wrong_digest_or_document_is_a_usage_error() {
    let world = World::changed();
    let (digest, approved) = (world.digest(), world.approved());
    for wrong in [&digest[..20], &digest[7..], "latest"] {
        let ran = world.sync(&["--yes", "--expect", wrong]).exits_with(64);
        assert!(
            ran.stderr.contains("64 hexadecimal digits"),
            "{}",
            ran.stderr
        );
    }
    let approved = approved.to_str().unwrap();
    world
        .sync(&["--yes", "--approved", approved])
        .exits_with(64);
    let ran = world.sync(&["--yes", "--expect", OTHER, "--approved", approved]);
    assert!(ran.exits_with(64).stdout.contains(&digest));
    for path in ["nowhere.json", "/dev/zero"] {
        let nowhere = ["--yes", "--expect", &digest, "--approved", path];
        world.sync(&nowhere).exits_with(64);
    }
    assert_eq!(world.tenant.writes(), [""; 0]);
}
