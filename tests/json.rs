//! The report for programs: one document, whatever the ending.

use http::Method;
use integrationd::report::exit::Exit;
use integrationd::simulator::{FailedTest, FaultKind};
use integrationd::sync::{RunTrigger, TriggerReason};
use serde_json::{Value, json};

use crate::common::{Files, Integrationd, Ran, Tenant, in_sync, snowflake};

fn one() -> Files {
    Files::none().with("a.yaml", &snowflake("a"))
}

fn json<const N: usize>(args: [&str; N], tenant: &Tenant, files: &Files) -> Ran {
    let run = Integrationd::new(args).arg("--output=json");
    run.on(tenant).with(files).run()
}

#[test]
fn the_report_of_an_apply() {
    let (tenant, files) = in_sync();
    files.change("snowflake.yaml", "IMMUTA_WH", "SMALL_WH");
    let files = files.with("bad.yaml", "type: Snowflke\n");
    let failed = FailedTest {
        test: "Validate connection".to_owned(),
        message: "no".to_owned(),
    };
    tenant.fails_once(
        &Method::PUT,
        "/integrations/{id}",
        FaultKind::EditError(failed),
    );
    let args = ["sync", "--yes", "--only", "snowflake-prod,bad"];
    let mut report = json(args, &tenant, &files).exits_with(1).json();
    let seconds = &mut report["result"]["outcomes"][0]["seconds"];
    assert!(seconds.is_f64());
    *seconds = json!("[TIME]");
    let time: jiff::Timestamp = serde_json::from_value(report["time"].take()).unwrap();
    assert!(time > jiff::Timestamp::UNIX_EPOCH);
    report["version"] = json!("[VERSION]");
    insta::assert_snapshot!("report_of_an_apply", format!("{report:#}"));
}

#[test]
fn every_ending_is_one_document_with_version_and_exit_code() {
    let (tenant, files) = (Tenant::empty(), one());
    let broken = one().with("b.yaml", "type: [");
    let check = |ran: Ran, result: &str| {
        let report = ran.json();
        assert_eq!(report["format_version"], 1);
        assert_eq!(report["exit_code"], ran.code, "{report:#}");
        let found = report["result"]["result"].as_str();
        assert_eq!(found.unwrap_or("error"), result, "{report:#}");
    };
    let sync = |flag, files| json(["sync", flag], &tenant, files);
    check(sync("--dry-run", &files), "planned");
    check(sync("--parallelism=1", &files), "refused");
    check(sync("--dry-run", &broken), "planned");
    check(sync("--yes", &files), "applied");
    check(sync("--yes", &files), "nothing_to_do");
    check(sync("--simulate", &files), "applied");
    check(sync("--only=nobody", &files), "error");
    check(
        Integrationd::new(["sync", "-o", "json"]).with(&files).run(),
        "error",
    );
    let refused = Integrationd::new(["sync", "-o", "json"])
        .on(&tenant)
        .with(&files)
        .env("IMMUTA_API_KEY", "wrong");
    check(refused.run(), "error");
    check(
        Integrationd::new(["sync", "nowhere", "-o", "json"]).run(),
        "error",
    );
}

#[test]
fn a_run_that_comes_to_no_result_says_why() {
    let ran = Integrationd::new(["sync", "nowhere", "-o", "json"]).run();
    insta::assert_snapshot!(ran.stdout, @r#"
    {
      "format_version": 1,
      "error": {
        "message": "directory nowhere does not exist",
        "help": "give an existing, readable directory of integration files"
      },
      "exit_code": 1
    }
    "#);
    // People read the same on standard error.
    insta::assert_snapshot!(ran.stderr, @"
    error: directory nowhere does not exist
     help: give an existing, readable directory of integration files
    ");
}

#[test]
fn a_secret_is_its_reference_and_nothing_else() {
    let report = json(["sync", "--dry-run"], &Tenant::empty(), &one()).json();
    assert_eq!(
        report["plan"]["actions"][0]["body"]["config"]["password"],
        json!({"secret": true, "references": ["${env:SNOWFLAKE_PASSWORD}"]})
    );
}

#[test]
fn mistakes_are_in_the_document_and_not_on_standard_error() {
    let files = one().with("b.yaml", "type: Snowflke\n");
    let ran = json(["sync", "--dry-run"], &Tenant::empty(), &files).exits_with(65);
    assert_eq!(ran.stderr, "");
    let report = ran.json();
    assert_eq!(report["diagnostics"][0]["code"], "E0204", "{report:#}");
    assert_eq!(report["plan"]["summary"]["invalid"], 1);
}

#[test]
fn schema_of_the_plan_has_every_exit_code_and_trigger() {
    let schema: Value = serde_json::from_str(include_str!("../docs/plan.schema.json")).unwrap();
    let codes: Vec<u8> = Exit::ALL.into_iter().map(|exit| exit as u8).collect();
    assert_eq!(schema["$defs"]["exit_code"]["enum"], json!(codes));
    let triggers = TriggerReason::ALL.map(|reason| RunTrigger::Daemon(reason).word());
    let triggers = [[RunTrigger::Command.word()].as_slice(), &triggers].concat();
    let trigger = &schema["$defs"]["run"]["properties"]["trigger"]["enum"];
    let mut stated: Vec<&str> = trigger
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    stated.sort_unstable();
    let mut known = triggers;
    known.sort_unstable();
    assert_eq!(stated, known);
}

#[test]
fn validate_lists_names_and_mistakes() {
    let files = one().with("b.yaml", "type: Snowflke\n");
    let run = Integrationd::new(["validate", "-o", "json"]).with(&files);
    let report = run.run().exits_with(65).json();
    assert_eq!(report["format_version"], 1);
    assert_eq!(report["valid"], json!(["a"]));
    assert_eq!(report["invalid"], json!(["b"]));
    assert_eq!(report["exit_code"], 65);
    assert!(matches!(&report["diagnostics"], Value::Array(all) if !all.is_empty()));
}
