//! `simulator --preset ui`: a tenant whose integrations were set up in the UI, and the way from
//! it to a repository of files.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use integrationd::platform::PLATFORMS;
use integrationd::simulator::{Preset, SimulatorOptions};
use serde_json::Value;

use crate::common::{Files, Integrationd, Tenant};

fn tenant() -> Tenant {
    Tenant::of(Preset::Ui.simulator(SimulatorOptions::default()))
}

#[test]
fn preset_has_every_platform_and_several_integrations_of_some() {
    let state = tenant().simulator.state();
    assert_eq!(state.len(), 12);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for integration in &state {
        *counts
            .entry(integration["type"].as_str().unwrap())
            .or_default() += 1;
    }
    let types: BTreeSet<&str> = PLATFORMS.iter().map(|platform| platform.wire).collect();
    assert_eq!(counts.keys().copied().collect::<BTreeSet<_>>(), types);
    assert!(counts.values().any(|count| *count >= 3), "{counts:?}");
    let manual = state.iter().filter(|it| it["autoBootstrap"] == false);
    assert!(manual.count() >= 1);
}

#[test]
fn preset_names_no_default_and_the_server_fills_it_in() {
    let text = include_str!("../src/simulator/preset_ui.json");
    let content: Value = serde_json::from_str(text).unwrap();
    let first = &content["integrations"][0]["config"];
    assert!(first.get("port").is_none(), "{first}");
    assert_eq!(tenant().simulator.state()[0]["config"]["port"], 443);
}

#[test]
fn five_commands_make_a_repository_of_the_preset() {
    let tenant = tenant();
    let files = Files::none();
    let dir = files.path().join("integrations.d");
    Integrationd::new(["ping"]).on(&tenant).run().exits_with(0);
    let run = Integrationd::new(["export"]).on(&tenant).arg(&dir);
    let exported = run.run().exits_with(0);
    let out = &exported.stdout;
    assert!(out.starts_with("Wrote 11 files:"), "{out}");
    assert!(
        out.contains("it belongs to connection Sales lakehouse"),
        "{out}"
    );
    let validated = Integrationd::new(["validate"]).arg(&dir).run();
    validated.exits_with(0);
    git(&files, &["init", "-q"]);
    git(&files, &["add", "."]);
    git(&files, &["commit", "-q", "-m", "the tenant as it is"]);
    let dry = ["sync", "--dry-run", "--detailed-exitcode"];
    let planned = Integrationd::new(dry).on(&tenant).arg(&dir).run();
    let planned = planned.exits_with(0);
    assert!(
        planned.stdout.contains("11 unchanged"),
        "{}",
        planned.stdout
    );
    assert_eq!(tenant.writes(), [""; 0]);
}

fn git(files: &Files, args: &[&str]) {
    let ended = Command::new("git")
        .args(["-c", "user.name=a", "-c", "user.email=a@example.com"])
        .args(args)
        .current_dir(files.path())
        .status();
    assert!(ended.unwrap().success(), "{args:?}");
}
