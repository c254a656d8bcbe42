//! The guard: how large a share of a tenant one run may touch.

use integrationd::ledger::MemoryLedger;
use integrationd::plan::Share;
use integrationd::simulator::Simulator;

use integrationd::sync::Request;

use crate::common::{Files, Integrationd, Ran, Tenant, snowflake};
use crate::in_process::write_lines;
use crate::support::recorded::{base, in_sync, lake_file, lakes, pruning, synced};

/// A tenant and the files for it, of integrations with these names.
struct World {
    tenant: Tenant,
    files: Files,
    state: tempfile::TempDir,
}

impl World {
    /// Nothing exists yet.
    fn described(names: &[&str]) -> Self {
        let file =
            |files: Files, name: &&str| files.with(&format!("{name}.yaml"), &snowflake(name));
        Self {
            tenant: Tenant::empty(),
            files: names.iter().fold(Files::none(), file),
            state: tempfile::TempDir::new().unwrap(),
        }
    }

    fn in_sync(names: &[&str]) -> Self {
        let world = Self::described(names);
        world.sync(&["--parallelism", "1"]).run().exits_with(0);
        world.tenant.simulator.clear_log();
        world
    }

    fn sync(&self, flags: &[&str]) -> Integrationd {
        let run = Integrationd::new(["sync", "--yes", "--state"]).arg(self.state.path());
        let run = flags.iter().fold(run, Integrationd::arg);
        run.on(&self.tenant).with(&self.files)
    }

    /// The guard refuses it, and nothing is sent.
    #[track_caller]
    fn refused(&self, run: Integrationd) -> Ran {
        let ran = run.run().exits_with(4);
        assert_eq!(self.tenant.writes(), [""; 0]);
        ran
    }

    fn change_all(&self, names: &[&str]) {
        for name in names {
            self.files
                .change(&format!("{name}.yaml"), "warehouse: WH", "warehouse: OTHER");
        }
    }
}

#[test]
fn refused_plan_is_printed_before_the_refusal() {
    let world = World::in_sync(&["a", "b"]);
    world.change_all(&["a"]);
    let ran = world.refused(world.sync(&["--max-changes", "0"]));
    insta::assert_snapshot!(ran.stdout, @r#"
      # a will be updated  [FILES]/a.yaml:1
      ~ Snowflake (id 1)
          ~ warehouse = "WH" -> "OTHER"
          before this, run the script of: integrationd script a

    Plan: 1 to update, 1 unchanged.

    Refused by the guard: nothing was applied.
      ✗ the plan changes 1 integration, but the limit is 0
     help: review the plan; if it is intended, allow it with `--max-changes 1`
    "#);
    let report = world
        .refused(world.sync(&["--max-changes", "0", "--output=json"]))
        .json();
    assert_eq!(report["plan"]["actions"][0]["action"], "update");
    assert_eq!(report["result"]["exceeded"][0]["lift"], "--max-changes 1");
}

#[test]
fn given_percentage_has_no_floor() {
    let names = ["a", "b", "c"];
    let world = World::in_sync(&names);
    world.change_all(&names);
    let ran = world.refused(world.sync(&["--max-change-percent", "50"]));
    let told = "the plan changes 3 of 3 integrations, but the limit is 1 (50%)";
    assert!(ran.stdout.contains(told), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("`--max-change-percent 100`"),
        "{}",
        ran.stdout
    );
    let by_environment = world.sync(&[]).env("INTEGRATIOND_MAX_CHANGE_PERCENT", "50");
    world.refused(by_environment);
    let settings = world.state.path().join("settings.yaml");
    std::fs::write(&settings, "max-change-percent: 50\n").unwrap();
    world.refused(world.sync(&["--config", settings.to_str().unwrap()]));
    // The default allows ten changes, whatever share they are.
    world.sync(&[]).run().exits_with(0);
    assert_eq!(world.tenant.writes().len(), 3);
}

#[test]
fn creates_count_for_a_given_percentage() {
    let world = World::described(&["a", "b", "c"]);
    let ran = world.refused(world.sync(&["--max-change-percent", "99"]));
    let told = "the plan changes 3 of 3 integrations, but the limit is 2 (99%)";
    assert!(ran.stdout.contains(told), "{}", ran.stdout);
    world
        .sync(&["--max-change-percent", "100"])
        .run()
        .exits_with(0);
    assert_eq!(world.tenant.writes().len(), 3);
}

#[test]
fn percentage_is_of_what_the_files_describe_if_that_is_more() {
    let world = World::in_sync(&["a"]);
    world.files.write("b.yaml", &snowflake("b"));
    world
        .sync(&["--max-change-percent", "50"])
        .run()
        .exits_with(0);
    assert_eq!(world.tenant.writes(), ["POST /integrations"]);
}

#[tokio::test(start_paused = true)]
async fn first_sync_needs_no_flag() {
    let (simulator, journal) = (Simulator::default(), MemoryLedger::default());
    let ran = synced(&lakes(30), &simulator, &journal, |_| {}).await;
    assert!(ran.is_proved(), "{}", ran.shown());
    assert_eq!(write_lines(&simulator).len(), 31);
}

/// The base, and as many new lakes.
fn with_new(count: usize) -> crate::texts::Texts {
    (2..2 + count).fold(base(), |texts, n| {
        let host = format!("lake-{n}.example.com");
        texts.file(&format!("lake-{n}.yaml"), lake_file(&host))
    })
}

#[tokio::test(start_paused = true)]
async fn given_delete_percentage_has_no_floor_and_a_larger_base() {
    let (simulator, journal) = in_sync(&lakes(1)).await;
    let given = |request: &mut Request| {
        pruning(request);
        request.limits.deletes.share = Share::Given(20);
    };
    // One of two goes.
    let ran = synced(&with_new(0), &simulator, &journal, given).await;
    assert_eq!((ran.exit_code(), write_lines(&simulator).len()), (4, 0));
    let told = "the plan deletes 1 of 2 integrations, but the limit is 0 (20%)";
    assert!(ran.ending().contains(told), "{}", ran.ending());
    // The files describe seven.
    let ran = synced(&with_new(6), &simulator, &journal, given).await;
    assert!(ran.is_proved(), "{}", ran.shown());
}

#[tokio::test(start_paused = true)]
async fn new_files_do_not_dilute_the_default_delete_percentage() {
    let (simulator, journal) = in_sync(&lakes(3)).await;
    // Two of four go; the files describe thirty-one.
    let ran = synced(&with_new(30), &simulator, &journal, |request| {
        pruning(request);
    })
    .await;
    assert_eq!((ran.exit_code(), write_lines(&simulator).len()), (4, 0));
    let told = "the plan deletes 2 of 4 integrations, but the limit is 1 (20%)";
    assert!(ran.ending().contains(told), "{}", ran.ending());
}
