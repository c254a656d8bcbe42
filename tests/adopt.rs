//! Taking live integrations over: recorded, never written, and from then on
//! treated as if this tool had made them.

use integrationd::simulator::Seed;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::{Files, Integrationd, Ran, Tenant};

const LAKE: &str = "type: Databricks\nautoBootstrap: false\nconfig:\n  \
    workspaceUrl: lake.example.com\n  httpPath: /one\n  authenticationType: token\n  \
    token: ${env:LAKE_TOKEN}\n";

/// A lake that was created manually, with this path.
fn by_hand(path: &str) -> (Tenant, Files, TempDir) {
    let tenant = Tenant::empty();
    let config = json!({
        "workspaceUrl": "lake.example.com", "httpPath": path,
        "authenticationType": "token", "token": "made-by-hand",
    });
    let seed = Seed::new("Databricks", Some(false), Some(config));
    tenant.simulator.seed(seed);
    let files = Files::none().with("lake.yaml", LAKE);
    (tenant, files, TempDir::new().unwrap())
}

fn adopt(what: &[&str], (tenant, files, state): &(Tenant, Files, TempDir)) -> Ran {
    let mut run = Integrationd::new(["adopt", "--state"]).arg(state.path());
    for arg in what {
        run = run.arg(arg);
    }
    run.arg("--dir").with(files).on(tenant).run()
}

fn sync(args: &[&str], (tenant, files, state): &(Tenant, Files, TempDir)) -> Ran {
    let mut run = Integrationd::new(["sync", "--state"]).arg(state.path());
    for arg in args {
        run = run.arg(arg);
    }
    let run = run.with(files).on(tenant);
    run.env("LAKE_TOKEN", "token-of-the-lake").run()
}

#[test]
fn an_adopted_integration_is_not_written_and_may_be_deleted() {
    let world = by_hand("/one");
    let ran = adopt(&["lake"], &world).exits_with(0);
    insta::assert_snapshot!(ran.stdout, @"
      ✓ lake (id 1) adopted
    Adopted 1 integration; nothing was sent to the tenant.
    Not compared: 1 stored secret. Use `--secrets assume` if the server already has them, or `--secrets send` to send them with the next sync.
    ");
    assert_eq!(world.0.writes(), [""; 0]);
    let ran = sync(&["--dry-run", "--detailed-exitcode"], &world).exits_with(0);
    assert!(ran.stdout.contains("1 unchanged"), "{}", ran.stdout);

    std::fs::remove_file(world.1.path().join("lake.yaml")).unwrap();
    world.1.write("other.yaml", "type: Trino\n");
    sync(&["--yes", "--policy=sync", "--parallelism=1"], &world).exits_with(0);
    assert_eq!(
        world.0.writes(),
        ["DELETE /integrations/1", "POST /integrations"]
    );
}

#[test]
fn what_differs_when_it_is_adopted_is_a_change_afterwards() {
    let world = by_hand("/other");
    adopt(&["--all"], &world).exits_with(0);
    let ran = sync(&["--dry-run"], &world).exits_with(0);
    let line = r#"~ httpPath = "/other" -> "/one""#;
    assert!(ran.stdout.contains(line), "{}", ran.stdout);
    assert!(!ran.stdout.contains("drift"), "{}", ran.stdout);
}

#[test]
fn what_cannot_be_adopted_says_why() {
    let world = by_hand("/one");
    world.1.write("new.yaml", "type: Trino\n");
    let ran = adopt(&["lake", "new"], &world).exits_with(3);
    let line = "new: no live integration matches the file; run `integrationd sync` to create the \
                integration";
    assert!(ran.stdout.contains(line), "{}", ran.stdout);
    let ran = adopt(&["lake"], &world).exits_with(0);
    assert!(ran.stdout.contains("is already owned"), "{}", ran.stdout);
    let ran = adopt(&["sea"], &world).exits_with(64);
    assert!(
        ran.stderr.contains("no valid file describes sea"),
        "{}",
        ran.stderr
    );
    adopt(&["--all"], &world).exits_with(0);
    adopt(&[], &world).exits_with(64);
}

#[test]
fn likely_match_is_adopted_by_name_and_updated_from_then_on() {
    let query = |dataset: &str| {
        format!(
            "type: Google BigQuery\nautoBootstrap: false\nconfig:\n  role: r\n  \
             dataset: {dataset}\n  datasetSuffix: _x\n  credential: ${{env:LAKE_TOKEN}}\n"
        )
    };
    let tenant = Tenant::empty();
    let config = json!({
        "role": "r", "dataset": "d", "datasetSuffix": "_x", "credential": "c", "location": "eu",
    });
    let seed = Seed::new("Google BigQuery", Some(false), Some(config));
    tenant.simulator.seed(seed);
    let files = Files::none().with("query.yaml", &query("d"));
    let world = (tenant, files, TempDir::new().unwrap());
    let ran = adopt(&["--all"], &world).exits_with(0);
    assert!(
        ran.stdout
            .contains("is only a probable match, and such a match is adopted only by name"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains("run `integrationd adopt query`"),
        "{}",
        ran.stdout
    );
    adopt(&["query"], &world).exits_with(0);
    world.1.change("query.yaml", "role: r", "role: other");
    sync(&["--yes"], &world).exits_with(0);
    assert_eq!(world.0.writes(), ["PUT /integrations/1"]);
}

#[test]
fn history_shows_writes_and_the_state_before_a_delete() {
    let world = by_hand("/one");
    adopt(&["lake"], &world).exits_with(0);
    world.1.write("other.yaml", "type: Trino\n");
    std::fs::remove_file(world.1.path().join("lake.yaml")).unwrap();
    sync(&["--yes", "--policy", "sync"], &world).exits_with(0);
    let history = |args: &[&str]| {
        let mut run = Integrationd::new(["history", "--state"]).arg(world.2.path());
        for arg in args {
            run = run.arg(arg);
        }
        run.on(&world.0).run().exits_with(0)
    };
    let text = history(&[]).stdout;
    assert!(text.contains("✓ delete lake (id 1): deleted"), "{text}");
    assert!(text.contains("✓ create other (id 2): enabled"), "{text}");
    assert!(text.contains("2 applied, 0 failed"), "{text}");
    let json: Value = history(&["-o", "json"]).json();
    assert_eq!(json["deleted"][0]["config"]["httpPath"], "/one");
    assert_eq!(json["runs"][0]["actions"].as_array().unwrap().len(), 2);
    assert!(!json.to_string().contains("token-of-the-lake"));
}
