//! The log: on standard error, in text or one flat JSON object a line.

use std::collections::BTreeSet;

use http::Method;
use integrationd::simulator::FaultKind;
use serde_json::Value;

use crate::common::{Files, Integrationd, Ran, Tenant, snowflake};

fn one() -> Files {
    Files::none().with("a.yaml", &snowflake("a"))
}

/// An apply with a JSON log, and the lines of the log.
fn logged(tenant: &Tenant, level: &str) -> (Ran, Vec<Value>) {
    let run = Integrationd::new(["sync", "--yes", "--log-format=json", "--log-level", level]);
    let ran = run.on(tenant).with(&one()).run();
    let lines = ran.stderr.lines().filter(|line| line.starts_with('{'));
    let lines = lines.map(|line| serde_json::from_str(line).unwrap());
    let lines = lines.collect();
    (ran, lines)
}

fn messages(lines: &[Value]) -> Vec<&str> {
    lines.iter().filter_map(|l| l["message"].as_str()).collect()
}

#[test]
fn the_beginning_and_the_end_of_runs_and_actions_are_logged() {
    let tenant = Tenant::empty();
    let (_, lines) = logged(&tenant, "info");
    assert_eq!(
        messages(&lines),
        [
            "the run begins",
            "the action begins",
            "the action succeeded",
            "the run ends"
        ]
    );
    let done = &lines[2];
    assert_eq!(done["level"], "INFO");
    assert_eq!(done["tenant"], "[TENANT]");
    assert_eq!(done["integration"], "a");
    assert_eq!(done["platform"], "Snowflake");
    assert_eq!(done["action"], "create");
    assert_eq!(done["status"], "enabled");
    assert!(done["duration_ms"].is_u64(), "{done}");
    let runs: BTreeSet<_> = lines
        .iter()
        .map(|l| l["run_id"].as_str().unwrap())
        .collect();
    assert_eq!(runs.len(), 1, "one run has one id");
    assert_eq!(lines[3]["exit_code"], 0);
}

#[test]
fn requests_are_logged_with_the_action_that_they_belong_to() {
    let tenant = Tenant::empty();
    let (_, lines) = logged(&tenant, "debug");
    let posts: Vec<&Value> = lines
        .iter()
        .filter(|line| line["http.request.method"] == "POST")
        .collect();
    assert_eq!(posts.len(), 1);
    assert_eq!(posts[0]["url.template"], "/integrations");
    assert_eq!(posts[0]["http.response.status_code"], 200);
    assert_eq!(posts[0]["integration"], "a");
    assert!(posts[0]["duration_ms"].is_u64());
}

#[test]
fn a_failed_action_is_logged_with_its_error() {
    let tenant = Tenant::empty();
    let message = "no\u{1b}[31m".to_owned();
    let fault = FaultKind::Unprocessable { message };
    tenant.fails_once(&Method::POST, "/integrations", fault);
    let (_, lines) = logged(&tenant, "info");
    assert_eq!(messages(&lines)[2], "the action failed");
    let error = lines[2]["error"].as_str().unwrap();
    assert!(
        error.contains("422 Unprocessable Entity: no\\u{1b}[31m"),
        "{error}"
    );
}

#[test]
fn a_request_that_is_sent_again_is_logged_with_its_attempt() {
    let tenant = Tenant::empty();
    let fault = FaultKind::ServerError {
        code: 503,
        after_effect: false,
    };
    tenant.fails_once(&Method::GET, "/integrations", fault);
    let (_, lines) = logged(&tenant, "warn");
    assert_eq!(messages(&lines), ["the request is sent again"]);
    assert_eq!(lines[0]["attempt"], 1);
    assert_eq!(lines[0]["http.response.status_code"], 503);
    assert_eq!(lines[0]["tenant"], "[TENANT]");
}

#[test]
fn a_run_without_trouble_logs_nothing_by_default() {
    let run = Integrationd::new(["sync", "--dry-run"]);
    let ran = run.on(&Tenant::empty()).with(&one()).run().exits_with(0);
    assert_eq!(ran.stderr, "");
}

#[test]
fn the_log_as_text_has_no_colours_in_a_pipe() {
    let run = Integrationd::new(["sync", "--dry-run", "--log-level=info"]);
    let ran = run.on(&Tenant::empty()).with(&one()).run();
    assert!(ran.stderr.contains(" INFO sync{"), "{}", ran.stderr);
    assert!(!ran.all().contains('\u{1b}'));
}
