//! The ledger through the command: what a second run shows, who may write it,
//! and what happens when it cannot be used.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use integrationd::simulator::SimulatedDrift;
use serde_json::json;
use tempfile::TempDir;

use crate::common::{Files, Integrationd, Tenant};
use crate::programs::{ROOT, needs};

const LAKE: &str = "type: Databricks\nautoBootstrap: false\nconfig:\n  \
    workspaceUrl: lake.example.com\n  httpPath: /one\n  authenticationType: token\n  \
    token: ${env:LAKE_TOKEN}\n";

fn sync(tenant: &Tenant, files: &Files, state: &Path, args: &[&str]) -> Integrationd {
    let mut run = Integrationd::new(["sync"]).arg("--state").arg(state);
    for arg in args {
        run = run.arg(arg);
    }
    run.on(tenant)
        .with(files)
        .env("LAKE_TOKEN", "first-token-of-the-lake")
}

fn in_sync() -> (Tenant, Files, TempDir) {
    let (tenant, files) = (Tenant::empty(), Files::none().with("lake.yaml", LAKE));
    let state = TempDir::new().unwrap();
    sync(&tenant, &files, state.path(), &["--yes"])
        .run()
        .exits_with(0);
    tenant.simulator.clear_log();
    (tenant, files, state)
}

/// The files of a directory, with their modes.
fn modes(directory: &Path) -> Vec<(String, u32)> {
    let mut modes: Vec<(String, u32)> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            (entry.file_name().into_string().unwrap(), mode)
        })
        .collect();
    modes.sort();
    modes
}

#[test]
fn a_dry_run_shows_drift_and_a_rotation_and_writes_nothing_down() {
    let (tenant, files, state) = in_sync();
    tenant
        .simulator
        .drift(SimulatedDrift::value(1, "/httpPath", json!("/by-hand")))
        .unwrap();
    let before = modes(state.path());
    let ran = sync(&tenant, &files, state.path(), &["--dry-run"])
        .env("LAKE_TOKEN", "second-token-of-the-lake")
        .run()
        .exits_with(0);
    insta::assert_snapshot!(ran.stdout, @r#"
      # lake will be updated  [FILES]/lake.yaml:1
      ~ Databricks Unity Catalog (id 1)
          ~ httpPath = "/by-hand" -> "/one"  # drift: the server changed it
          ~ token    = (secret) -> (secret)  # rotation: the secret was changed
          before this, run the script of: integrationd script lake

    Plan: 1 to update.
    "#);
    assert_eq!(modes(state.path()), before);
}

#[test]
fn an_unchanged_secret_is_compared_and_nothing_is_said_of_it() {
    let (tenant, files, state) = in_sync();
    let ran = sync(&tenant, &files, state.path(), &["--yes"])
        .run()
        .exits_with(0);
    insta::assert_snapshot!(ran.stdout, @"
    No changes. [TENANT] matches the files.
    Plan: 1 unchanged.
    ");
}

#[test]
fn the_state_is_its_owners_alone_and_holds_no_secret() {
    let (_tenant, _files, state) = in_sync();
    for (name, mode) in modes(state.path()) {
        assert_eq!(mode, 0o600, "{name}");
        let bytes = std::fs::read(state.path().join(&name)).unwrap();
        let holds = bytes.windows(5).any(|window| window == b"first");
        assert!(!holds, "{name} holds the secret");
    }
}

#[test]
fn second_process_names_the_holder_of_the_ledger() {
    let (tenant, files, state) = in_sync();
    files.change("lake.yaml", "/one", "/two");
    tenant
        .simulator
        .set_options(integrationd::simulator::SimulatorOptions {
            settle: std::time::Duration::from_secs(3),
            ..tenant.simulator.options()
        });
    let first = sync(&tenant, &files, state.path(), &["--yes"]).start();
    first.prints("updating");
    let second = sync(&tenant, &files, state.path(), &["--yes"])
        .run()
        .exits_with(1);
    assert!(second.stderr.contains("is in use by"), "{}", second.stderr);
    // A dry run takes no lock.
    sync(&tenant, &files, state.path(), &["--dry-run"]).run();
    first.wait().exits_with(0);
}

#[test]
fn damaged_ledger_is_reported_and_nothing_is_written() {
    let (tenant, files, state) = in_sync();
    let ledger = modes(state.path())
        .into_iter()
        .find(|(name, _)| name.ends_with(".db"))
        .unwrap();
    std::fs::write(
        state.path().join(&ledger.0),
        "not a database, but long enough to be one",
    )
    .unwrap();
    files.change("lake.yaml", "/one", "/two");
    let ran = sync(&tenant, &files, state.path(), &["--yes"])
        .run()
        .exits_with(1);
    assert!(ran.stderr.contains("help:"), "{}", ran.stderr);
    assert_eq!(tenant.writes(), [""; 0]);
}

#[test]
fn a_state_that_cannot_be_made_is_a_setting_that_is_wrong() {
    let (tenant, files) = (Tenant::empty(), Files::none().with("lake.yaml", LAKE));
    let ran = sync(&tenant, &files, Path::new("/proc/state"), &["--yes"])
        .run()
        .exits_with(78);
    assert!(
        ran.stderr.contains("cannot create the state directory"),
        "{}",
        ran.stderr
    );
    assert_eq!(tenant.requests(), [""; 0]);
}

#[test]
fn resolve_says_so_when_nothing_is_in_doubt() {
    let (tenant, _files, state) = in_sync();
    let ran = Integrationd::new(["resolve", "lake", "--retry", "--state"])
        .arg(state.path())
        .on(&tenant)
        .run()
        .exits_with(1);
    assert!(
        ran.stderr
            .contains("`lake` has no write with an unknown outcome"),
        "{}",
        ran.stderr
    );
}

/// A user that is neither root nor the one of the tests.
const STRANGER: u32 = 54321;

#[test]
fn state_that_others_can_write_is_refused_with_a_remedy() {
    let (tenant, files, state) = in_sync();
    let set_mode = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let ledger = modes(state.path())
        .into_iter()
        .find(|(name, _)| name.ends_with(".db"));
    let ledger = state.path().join(ledger.unwrap().0);
    files.change("lake.yaml", "/one", "/two");
    for (path, open, closed) in [(state.path(), 0o770, 0o700), (&ledger, 0o666, 0o600)] {
        set_mode(path, open);
        for flag in ["--yes", "--dry-run"] {
            let ran = sync(&tenant, &files, state.path(), &[flag])
                .run()
                .exits_with(78);
            let told = format!("`chmod go-w {}`", path.display());
            assert!(ran.stderr.contains(&told), "{}", ran.stderr);
        }
        set_mode(path, closed);
    }
    assert_eq!(tenant.requests(), [""; 0]);
    sync(&tenant, &files, state.path(), &["--yes"])
        .run()
        .exits_with(0);
}

#[test]
fn state_of_another_user_is_refused_except_for_root() {
    needs!(ROOT);
    let (tenant, files, state) = in_sync();
    files.change("lake.yaml", "/one", "/two");
    let give = |path: &Path, owner| std::os::unix::fs::chown(path, Some(owner), None).unwrap();
    let ledger = modes(state.path())
        .into_iter()
        .find(|(name, _)| name.ends_with(".db"));
    let ledger = state.path().join(ledger.unwrap().0);
    for path in [state.path(), &ledger] {
        give(path, STRANGER);
        for flag in ["--yes", "--dry-run"] {
            let ran = sync(&tenant, &files, state.path(), &[flag])
                .run()
                .exits_with(78);
            let told = format!("the state file {} belongs to 54321", path.display());
            assert!(ran.stderr.contains(&told), "{}", ran.stderr);
            let told = format!("`chown -R 0 {}`", state.path().display());
            assert!(ran.stderr.contains(&told), "{}", ran.stderr);
        }
        assert_eq!(tenant.requests(), [""; 0]);
        let of_state = |command, args: &[&str]| {
            let run = Integrationd::new([command, "--state"]).arg(state.path());
            let run = args.iter().fold(run, Integrationd::arg);
            run.on(&tenant).run().exits_with(0)
        };
        let history = of_state("history", &[]);
        assert!(history.stdout.contains("create lake"), "{}", history.stdout);
        of_state("suspend", &["lake", "--reason", "vendor migration"]);
        of_state("resume", &["lake"]);
        // It belongs to whom the directory does, or did.
        let suspensions = ledger.with_extension("suspended.json");
        std::fs::remove_file(suspensions).unwrap();
        give(path, 0);
    }
}

#[test]
fn history_without_a_state_directory_is_an_error() {
    let tenant = Tenant::empty();
    let ran = Integrationd::new(["history"])
        .env("XDG_STATE_HOME", "")
        .on(&tenant)
        .run();
    let ran = ran.exits_with(78);
    assert!(
        ran.stderr.contains("no state directory is given"),
        "{}",
        ran.stderr
    );
}
