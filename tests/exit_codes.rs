//! Every exit code, and which of them wins.

use http::Method;
use integrationd::simulator::{Fault, FaultKind, SimulatedDrift};
use serde_json::json;

use crate::common::{Files, Integrationd, Tenant, in_sync, snowflake};

/// A file that does not parse.
const INVALID: &str = "type: [\n";

fn refuse_once(tenant: &Tenant) {
    let message = "no".to_owned();
    tenant.fails_once(
        &Method::POST,
        "/integrations",
        FaultKind::Unprocessable { message },
    );
}

fn two() -> Files {
    Files::none()
        .with("a.yaml", &snowflake("a"))
        .with("b.yaml", &snowflake("b"))
}

fn sync<const N: usize>(tenant: &Tenant, files: &Files, flags: [&str; N]) -> i32 {
    let mut run = Integrationd::new(["sync", "--parallelism", "1"]);
    for flag in flags {
        run = run.arg(flag);
    }
    run.on(tenant).with(files).run().code
}

#[test]
fn zero_is_in_sync_applied_or_a_dry_run_that_made_its_plan() {
    let (tenant, files) = (Tenant::empty(), two());
    assert_eq!(sync(&tenant, &files, ["--dry-run"]), 0);
    assert_eq!(sync(&tenant, &files, ["--yes"]), 0);
    assert_eq!(sync(&tenant, &files, ["--yes"]), 0);
    assert_eq!(
        sync(&tenant, &files, ["--dry-run", "--detailed-exitcode"]),
        0
    );
}

#[test]
fn one_is_a_tenant_that_cannot_be_read() {
    let (tenant, files) = (Tenant::empty(), two());
    let wrong = Integrationd::new(["sync", "--yes"])
        .on(&tenant)
        .with(&files)
        .env("IMMUTA_API_KEY", "wrong");
    wrong.run().exits_with(1);
}

#[test]
fn one_is_when_everything_failed() {
    let (tenant, files) = (Tenant::empty(), Files::none());
    files.write("a.yaml", &snowflake("a"));
    refuse_once(&tenant);
    assert_eq!(sync(&tenant, &files, ["--yes"]), 1);
}

#[test]
fn one_is_when_all_that_is_left_is_blocked() {
    let (tenant, files) = (Tenant::empty(), two());
    let without = Integrationd::new(["sync", "--yes"])
        .on(&tenant)
        .with(&files)
        .without_env("SNOWFLAKE_PASSWORD");
    without.run().exits_with(1);
    assert!(tenant.writes().is_empty());
}

#[test]
fn one_is_a_server_that_keeps_another_value() {
    let (tenant, files) = (Tenant::empty(), Files::none());
    files.write("a.yaml", &snowflake("a"));
    let rewrite = FaultKind::Rewrite {
        path: "warehouse".to_owned(),
        value: json!("OTHER"),
    };
    tenant.fails_once(&Method::POST, "/integrations", rewrite);
    assert_eq!(sync(&tenant, &files, ["--yes"]), 1);
}

#[test]
fn two_is_a_dry_run_with_changes_if_asked_for() {
    let (tenant, files) = (Tenant::empty(), two());
    assert_eq!(
        sync(&tenant, &files, ["--dry-run", "--detailed-exitcode"]),
        2
    );
}

#[test]
fn three_is_some_applied_and_some_not() {
    let (tenant, files) = (Tenant::empty(), two());
    refuse_once(&tenant);
    assert_eq!(sync(&tenant, &files, ["--yes"]), 3);
}

#[test]
fn exit_code_4_without_a_terminal_to_ask() {
    let (tenant, files) = (Tenant::empty(), two());
    let ran = Integrationd::new(["sync"])
        .on(&tenant)
        .with(&files)
        .run()
        .exits_with(4);
    assert!(ran.stdout.contains("Nothing was applied"), "{}", ran.stdout);
    assert!(tenant.writes().is_empty());
}

#[test]
fn nothing_to_do_asks_no_question() {
    let (tenant, files) = in_sync();
    assert_eq!(sync(&tenant, &files, []), 0);
}

#[test]
fn sixty_four_is_a_wrong_command_line() {
    for args in [
        vec!["snc"],
        vec!["sync", "--nope"],
        vec!["sync", "--parallelism", "0"],
        vec!["sync", "--parallelism", "65"],
        vec!["sync", "--parallelism", "many"],
        vec!["sync", "--wait-timeout", "5"],
        vec!["sync", "--wait-timeout", "0s"],
        vec!["sync", "--wait-timeout", "-5m"],
        vec!["sync", "--var", "novalue"],
        vec!["sync", "--var", "=x"],
        vec!["sync", "-o", "xml"],
        vec!["sync", "--simulate", "--url", "https://acme.example"],
        vec!["simulator", "--listen", "0.0.0.0:0"],
        vec!["list", "integrations.d"],
    ] {
        let run = args.iter().fold(Integrationd::new([]), Integrationd::arg);
        let ran = run.run().exits_with(64);
        assert_eq!(ran.stdout, "", "{args:?}");
    }
}

#[test]
fn sixty_five_is_an_invalid_file_and_the_others_are_applied() {
    let (tenant, files) = (Tenant::empty(), two().with("c.yaml", INVALID));
    assert_eq!(sync(&tenant, &files, ["--yes"]), 65);
    assert_eq!(tenant.writes(), ["POST /integrations"; 2]);
    let validate = Integrationd::new(["validate"]).with(&files);
    validate.run().exits_with(65);
}

#[test]
fn seventy_eight_is_a_setting_that_is_missing() {
    for args in [["ping"], ["list"], ["sync"]] {
        Integrationd::new(args).run().exits_with(78);
    }
}

#[test]
fn missing_approval_beats_an_invalid_file() {
    let (tenant, files) = (Tenant::empty(), two().with("c.yaml", INVALID));
    assert_eq!(sync(&tenant, &files, []), 4);
}

#[test]
fn partly_applied_beats_invalid_file_and_no_convergence() {
    let (tenant, files) = (Tenant::empty(), two().with("c.yaml", INVALID));
    refuse_once(&tenant);
    let rewrite = FaultKind::Rewrite {
        path: "warehouse".to_owned(),
        value: json!("OTHER"),
    };
    tenant
        .simulator
        .fault(Fault::new(rewrite).on(&Method::POST, "/integrations"));
    assert_eq!(sync(&tenant, &files, ["--yes"]), 3);
}

#[test]
fn what_is_blocked_beats_an_invalid_file() {
    let (tenant, files) = in_sync();
    files.write("zz.yaml", INVALID);
    let disabled = SimulatedDrift::status(tenant.id_of("Snowflake"), "disabled".into());
    tenant.simulator.drift(disabled).unwrap();
    assert_eq!(sync(&tenant, &files, ["--yes"]), 1);
}

#[test]
fn an_invalid_file_beats_changes() {
    let (tenant, files) = (Tenant::empty(), two().with("c.yaml", INVALID));
    assert_eq!(
        sync(&tenant, &files, ["--dry-run", "--detailed-exitcode"]),
        65
    );
}
