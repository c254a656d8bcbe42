//! The log: on standard error, in text or one flat JSON object a line.

use std::collections::BTreeSet;

use http::Method;
use integrationd::simulator::{Breakage, Fault, FaultKind, Seed, SimulatedDrift};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::{Files, Integrationd, Ran, Running, Tenant, eventually, lake, snowflake};
use crate::web::{Served, Web};

fn one() -> Files {
    Files::none().with("a.yaml", &snowflake("a"))
}

/// An apply with a JSON log, and the lines of the log.
fn logged(tenant: &Tenant, level: &str) -> (Ran, Vec<Value>) {
    let run = Integrationd::new(["sync", "--yes", "--log-format=json", "--log-level", level]);
    let ran = run.on(tenant).with(&one()).run();
    let lines = json_lines(&ran.stderr);
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
            "starting the run",
            "this tenant has no connections",
            "starting the action",
            "action succeeded",
            "run finished"
        ]
    );
    let done = &lines[3];
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
    assert_eq!(lines[4]["exit_code"], 0);
}

#[test]
fn requests_are_logged_with_the_action_that_they_belong_to() {
    let tenant = Tenant::empty();
    let (_, lines) = logged(&tenant, "debug");
    let posts: Vec<&Value> = lines
        .iter()
        .filter(|line| line["http.request.method"] == "POST")
        .filter(|line| line["url.template"] != "/data/object/search")
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
    assert_eq!(messages(&lines)[3], "action failed");
    let error = lines[3]["error"].as_str().unwrap();
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
    assert_eq!(messages(&lines), ["retrying the request"]);
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

#[test]
fn blocked_integration_is_logged_with_its_name_and_reason() {
    let files = one().with("bad.yaml", "type: Trino\nwhat: 1\n");
    let run = Integrationd::new(["sync", "--yes", "--log-format=json", "--log-level=info"]);
    let ran = run.on(&Tenant::empty()).with(&files).run().exits_with(65);
    let lines = json_lines(&ran.stderr);
    let blocked: Vec<&Value> = about(&lines, "integration is blocked");
    assert_eq!(blocked.len(), 1);
    assert_eq!(blocked[0]["integration"], "bad");
    assert_eq!(blocked[0]["platform"], "Trino");
    assert_eq!(blocked[0]["reason"], "InvalidFile");
    assert_eq!(blocked[0]["error"], "the file has errors");
}

fn json_lines(text: &str) -> Vec<Value> {
    let lines = text.lines().filter(|line| line.starts_with('{'));
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn about<'l>(lines: &'l [Value], message: &str) -> Vec<&'l Value> {
    lines
        .iter()
        .filter(|line| line["message"] == message)
        .collect()
}

/// A daemon with a JSON log, and what it works on.
struct Watched {
    tenant: Tenant,
    files: Files,
    daemon: Running,
    _state: TempDir,
}

impl Watched {
    /// In sync with one integration.
    fn start() -> Self {
        let (tenant, files) = (Tenant::empty(), Files::none());
        files.write("lake.yaml", &lake("lake", "${env:LAKE_TOKEN}"));
        let state = TempDir::new().unwrap();
        let run = Integrationd::new(["daemon", "--debounce=50ms", "--listen=none", "--state"]);
        let run = run.arg(state.path()).arg("--log-format=json");
        let run = run
            .env("INTEGRATIOND_LOG_LEVEL", "info")
            .env("LAKE_TOKEN", "t0ken");
        let daemon = run.on(&tenant).with(&files).start();
        daemon.prints("1 applied, 0 failed");
        Self {
            tenant,
            files,
            daemon,
            _state: state,
        }
    }

    fn lists(&self) -> usize {
        let requests = self.tenant.requests();
        requests
            .iter()
            .filter(|line| *line == "GET /integrations")
            .count()
    }

    /// An operator triggers a run, which comes to its end.
    fn runs_again(&self) {
        let before = self.lists();
        self.daemon.signal("HUP");
        eventually("a run", || self.lists() > before);
    }

    fn lines(&self) -> Vec<Value> {
        json_lines(&self.daemon.printed())
    }
}

#[test]
fn condition_is_logged_when_it_begins_and_when_it_ends() {
    let it = Watched::start();
    it.files.write("bad.yaml", "type: Trino\nwhat: 1\n");
    it.daemon.prints("InvalidFile");
    for _ in 0..3 {
        it.runs_again();
    }
    it.files.write("bad.yaml", "type: Trino\n");
    it.daemon.prints("integration has recovered");
    let lines = it.lines();
    let begun = about(&lines, "integration needs attention");
    assert_eq!(begun.len(), 1, "{lines:?}");
    assert_eq!(begun[0]["level"], "ERROR");
    assert_eq!(begun[0]["integration"], "bad");
    assert_eq!(begun[0]["platform"], "Trino");
    assert_eq!(begun[0]["reason"], "InvalidFile");
    let error = begun[0]["error"].as_str().unwrap();
    assert!(error.starts_with("the file has errors; "), "{error}");
    assert!(begun[0]["trigger"].is_string() && begun[0]["run_id"].is_string());
    let ended = about(&lines, "integration has recovered");
    assert_eq!(ended.len(), 1, "{lines:?}");
    assert_eq!(
        (&ended[0]["integration"], &ended[0]["reason"]),
        (&begun[0]["integration"], &begun[0]["reason"])
    );
    assert_eq!(
        about(&lines, "1 blocked, 1 unchanged").len(),
        1,
        "{lines:?}"
    );
    let mistake = |line: &&Value| {
        let message = line["message"].as_str().unwrap_or_default();
        message.ends_with("/bad.yaml:2:1: error[E0202]: unknown key `what`")
    };
    assert_eq!(lines.iter().filter(mistake).count(), 1, "{lines:?}");
    // The plan that waits is printed once, too.
    let plans = it.daemon.printed().matches("# bad is blocked").count();
    assert_eq!(plans, 1);
    it.daemon.signal("TERM");
    it.daemon.wait().exits_with(0);
}

#[test]
fn block_is_logged_at_once_along_with_a_successful_write() {
    let files = Files::none()
        .with("lake.yaml", &lake("lake", "${env:LAKE_TOKEN}"))
        .with("sea.yaml", &lake("sea", "${env:NO_SUCH_TOKEN}"));
    let web = Web::new(files);
    let served = Served::of(web.daemon(&["--log-format=json", "--interval=1s"]).start());
    served.daemon.prints("1 blocked, 1 unchanged");
    let printed = served.daemon.printed();
    let lines = json_lines(&printed);
    let begun = about(&lines, "integration is waiting");
    assert_eq!(begun.len(), 1, "{printed}");
    assert_eq!(
        (&begun[0]["integration"], &begun[0]["reason"]),
        (&json!("sea"), &json!("MissingSecret"))
    );
    assert!(
        printed.contains("A second plan still shows 1 blocked."),
        "{printed}"
    );
    assert_eq!(web.tenant.writes(), ["POST /integrations"]);
    served.end();
}

#[test]
fn repaired_drift_is_logged_with_its_attributes() {
    let it = Watched::start();
    let by_hand = SimulatedDrift::value(1, "/httpPath", json!("/by-hand"));
    it.tenant.simulator.drift(by_hand).unwrap();
    it.runs_again();
    it.daemon.prints("repaired drift");
    let lines = it.lines();
    let repaired = about(&lines, "repaired drift");
    assert_eq!(repaired.len(), 1);
    assert_eq!(repaired[0]["attributes"], "httpPath");
    assert_eq!(repaired[0]["integration"], "lake");
    assert_eq!(repaired[0]["platform"], "Databricks");
    assert_eq!(repaired[0]["action"], "update");
    assert_eq!(repaired[0]["trigger"], "manual");
    it.daemon.signal("TERM");
    it.daemon.wait().exits_with(0);
}

#[test]
fn list_with_a_hole_is_logged_when_it_begins_and_ends() {
    let it = Watched::start();
    let hole = FaultKind::BrokenElement {
        index: 1,
        breakage: Breakage::NoStatus,
    };
    it.tenant.simulator.seed(Seed::new("Trino", None, None));
    let hole = Fault::new(hole).on(&Method::GET, "/integrations").always();
    it.tenant.simulator.fault(hole);
    it.runs_again();
    it.daemon
        .prints("the tenant's list of integrations is incomplete");
    for _ in 0..3 {
        it.runs_again();
    }
    it.tenant.simulator.clear_faults();
    it.runs_again();
    it.daemon
        .prints("the tenant's list of integrations is complete again");
    let lines = it.lines();
    let message = "the tenant's list of integrations is incomplete: integrations that may \
        already exist are not created";
    let begun = about(&lines, message);
    assert_eq!(begun.len(), 1, "{lines:?}");
    let error = begun[0]["error"].as_str().unwrap();
    assert!(error.contains("element 2 of the list"), "{error}");
    it.daemon.signal("TERM");
    it.daemon.wait().exits_with(0);
}

#[test]
fn difference_withheld_by_policy_is_logged_with_its_name() {
    let files = Files::none().with("lake.yaml", &lake("lake", "${env:LAKE_TOKEN}"));
    let web = Web::new(files);
    web.ready(&[]).end();
    let by_hand = SimulatedDrift::value(1, "/httpPath", json!("/by-hand"));
    web.tenant.simulator.drift(by_hand).unwrap();
    let args = ["--log-format=json", "--interval=1s", "--policy=observe"];
    let served = web.serve(&args);
    let message = "changes to the integration are withheld by the policy";
    served.daemon.prints(message);
    let lists = || {
        let requests = web.tenant.requests();
        requests
            .iter()
            .filter(|it| *it == "GET /integrations")
            .count()
    };
    let before = lists();
    eventually("three runs more", || lists() >= before + 3);
    let back = SimulatedDrift::value(1, "/httpPath", json!("/p"));
    web.tenant.simulator.drift(back).unwrap();
    served
        .daemon
        .prints("the policy no longer withholds changes to the integration");
    let printed = served.daemon.printed();
    let lines = json_lines(&printed);
    let left = about(&lines, message);
    assert_eq!(left.len(), 1, "{printed}");
    assert_eq!(left[0]["integration"], "lake");
    assert_eq!(
        left[0]["about"],
        "the integration differs from its file and would be updated (httpPath), but policy `observe` withholds \
        the change"
    );
    let line = r#"~ httpPath = "/by-hand" -> "/p""#;
    assert_eq!(printed.matches(line).count(), 1, "{printed}");
    served.end();
}
