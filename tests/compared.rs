//! "Matches the files" stands in a plan only if everything that the files describe was
//! compared.

use integrationd::simulator::SimulatedDrift;
use serde_json::json;
use tempfile::TempDir;

use crate::common::{Files, Integrationd, Tenant, lake};

const MATCHES: &str = "matches the files";

/// Two integrations that are in sync, and the ledger that knows it.
struct World {
    tenant: Tenant,
    files: Files,
    state: TempDir,
}

impl World {
    fn in_sync() -> Self {
        let world = Self {
            tenant: Tenant::empty(),
            files: Files::none()
                .with("a.yaml", &lake("a", "${env:TOKEN}"))
                .with("b.yaml", &lake("b", "${env:TOKEN}")),
            state: TempDir::new().unwrap(),
        };
        world.run(&["sync", "--yes", "--parallelism=1"], 0);
        let told = world.run(&["sync", "--dry-run"], 0);
        assert!(told.contains(MATCHES), "{told}");
        world
    }

    fn run(&self, args: &[&str], code: i32) -> String {
        let run = args[1..]
            .iter()
            .fold(Integrationd::new([args[0]]), Integrationd::arg);
        let run = run.env("TOKEN", "t").arg("--state").arg(self.state.path());
        let ran = run.on(&self.tenant).with(&self.files).run();
        ran.exits_with(code).all()
    }

    /// Output of a dry run, which does not claim that everything matches.
    #[track_caller]
    fn plan(&self, args: &[&str], code: i32) -> String {
        let told = self.run(&[&["sync", "--dry-run"], args].concat(), code);
        assert!(!told.contains(MATCHES), "{told}");
        told
    }
}

#[test]
fn selection_is_not_everything() {
    let world = World::in_sync();
    for part in ["--only=a", "--exclude=a", "--exclude=a,b"] {
        let told = world.plan(&[part], 0);
        assert!(told.contains("Not everything in"), "{told}");
        assert!(told.contains("not selected"), "{told}");
    }
    let told = world.run(&["sync", "--dry-run", "--only=a,b"], 0);
    assert!(told.contains(MATCHES), "{told}");
}

#[test]
fn removal_that_is_not_selected_is_not_compared() {
    let world = World::in_sync();
    std::fs::remove_file(world.files.path().join("b.yaml")).unwrap();
    for part in ["--only=a", "--exclude=b"] {
        let told = world.plan(&["--policy=sync", part, "--detailed-exitcode"], 0);
        assert!(told.contains("Not everything in"), "{told}");
        assert!(told.contains("1 unchanged, 1 not selected"), "{told}");
        let told = world.run(&["sync", "--dry-run", "--policy=sync", part, "-o=json"], 0);
        assert!(told.contains("\"unselected\": 1"), "{told}");
    }
    // It is not to be deleted.
    let told = world.run(&["sync", "--dry-run", "--only=a"], 0);
    assert!(told.contains(MATCHES), "{told}");
}

#[test]
fn too_many_documents_are_not_compared() {
    let world = World::in_sync();
    let documents = "type: Trino\n---\n".repeat(1000);
    for n in 0..25 {
        world.files.write(&format!("{n}.yaml"), &documents);
    }
    let told = world.plan(&[], 65);
    assert!(told.contains("E0115"), "{told}");
    let line = "Not compared: integrations in files that could not be read.";
    assert!(told.contains(line), "{told}");
}

#[test]
fn broken_and_emptied_files_are_not_compared() {
    for content in ["", "type: [", "type: Databricks\n"] {
        let world = World::in_sync();
        world.files.write("b.yaml", content);
        let told = world.plan(&[], 65);
        assert!(told.contains("1 blocked"), "{told}");
        // A file without a document is no error by itself.
        let code = if content.is_empty() { 0 } else { 65 };
        let told = world.plan(&["--only=a"], code);
        assert!(told.contains("Not everything in"), "{told}");
    }
}

#[test]
fn drift_that_is_ignored_is_counted() {
    let world = World::in_sync();
    let drift = SimulatedDrift::value(1, "/httpPath", json!("/by-hand"));
    world.tenant.simulator.drift(drift).unwrap();
    let told = world.plan(&["--on-drift=ignore"], 0);
    assert!(told.contains("Drift in 1 attribute is ignored"), "{told}");
    world.plan(&["--on-drift=report"], 0);
    assert_eq!(world.tenant.writes().len(), 2);
}

#[test]
fn secret_without_a_value_is_not_compared() {
    let world = World::in_sync();
    let run = Integrationd::new(["sync", "--dry-run", "--state"]).arg(world.state.path());
    let told = run.on(&world.tenant).with(&world.files).run().exits_with(0);
    assert!(!told.stdout.contains(MATCHES), "{}", told.stdout);
    assert!(
        told.stdout
            .contains("Not compared: 2 secrets of 2 integrations.")
    );
}
