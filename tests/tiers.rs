//! Two tiers of tests: plain `cargo test` skips what the machine cannot do and reports
//! it; `tests/run` installs everything, and skips nothing.

use std::path::Path;
use std::process::{Command, Output};

use crate::programs::{Part, REQUIREMENTS, TIER};

/// A test with a requirement: a program of every Linux that runs systemd.
const TEST: &str = "systemd::systemd_accepts_the_units";

/// That test in a process that finds no program.
fn without_programs(tier: Option<&str>) -> Output {
    let mut tests = Command::new(std::env::current_exe().unwrap());
    tests.args(["--exact", TEST]).env("PATH", "/nonexistent");
    match tier {
        Some(tier) => tests.env(TIER, tier),
        None => tests.env_remove(TIER),
    };
    tests.output().unwrap()
}

#[test]
fn missing_program_skips_its_test_and_is_reported() {
    let output = without_programs(None);
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stdout}{stderr}");
    assert!(stdout.contains("1 passed"), "{stdout}");
    assert_eq!(
        stderr,
        format!("skipped: {TEST}: systemd-analyze is missing\n")
    );
}

#[test]
fn missing_program_fails_its_test_where_all_are_demanded() {
    let output = without_programs(Some("all"));
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success(), "{stdout}");
    let message = "systemd-analyze is missing: run tests/run, which installs what the tests need";
    assert!(stdout.contains(message), "{stdout}");
}

#[test]
fn full_run_demands_and_installs_every_requirement() {
    let read = |name: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests")
            .join(name);
        std::fs::read_to_string(path).unwrap()
    };
    let (run, tools) = (read("run"), read("tools"));
    assert!(run.contains(&format!("export {TIER}=all\n")), "{run}");
    let parts = REQUIREMENTS.iter().flat_map(|needed| needed.parts());
    for part in parts {
        let (script, name) = match part {
            Part::Program(name) | Part::File(name) => (&run, *name),
            Part::Tool(name) => (&tools, *name),
            Part::Rootfs => (&run, "tests/rootfs"),
            Part::Sudo | Part::Root | Part::Namespaces => (&run, "sudo"),
        };
        assert!(script.contains(name), "nothing installs {name}");
    }
}
