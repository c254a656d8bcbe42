//! Signals during an apply.

use std::time::Duration;

use http::Method;
use integrationd::simulator::{Fault, FaultKind, SimulatedDrift, SimulatorOptions};

use crate::common::{Files, Integrationd, Pipe, Ran, Running, Tenant, eventually, snowflake};

/// A server that is at work on a creation until a test ends it.
fn slow() -> Tenant {
    Tenant::with(SimulatorOptions {
        settle: Duration::from_secs(3600),
        ..SimulatorOptions::default()
    })
}

fn two() -> Files {
    Files::none()
        .with("a.yaml", &snowflake("a"))
        .with("b.yaml", &snowflake("b"))
}

/// An apply whose first creation is under way.
fn applying(tenant: &Tenant, files: &Files, output: &str) -> Running {
    let running = Integrationd::new(["sync", "--yes", "--parallelism=1", "--output", output])
        .on(tenant)
        .with(files)
        .start();
    eventually("a creation is under way", || tenant.writes().len() == 1);
    running
}

fn settle(tenant: &Tenant, id: u64) {
    let drift = SimulatedDrift::status(id, "enabled".into());
    tenant.simulator.drift(drift).unwrap();
}

fn settle_at_once(tenant: &Tenant) {
    let mut options = tenant.simulator.options();
    options.settle = Duration::ZERO;
    tenant.simulator.set_options(options);
}

#[test]
fn a_signal_finishes_the_write_under_way_and_begins_no_other() {
    for signal in ["TERM", "INT", "HUP"] {
        let (tenant, files) = (slow(), two());
        let running = applying(&tenant, &files, "text");
        running.signal(signal);
        running.prints("Stopping: no new writes");
        settle(&tenant, 1);
        let ran = running.wait().exits_with(3);
        let (_, result) = ran.stdout.split_once("to create.\n").unwrap();
        insta::allow_duplicates! {
            insta::assert_snapshot!(result, @"

              Not started: b
                  help: run the command again to continue

            Stopped early: 1 created, 1 not started.
            ");
        }
        assert_eq!(tenant.writes(), ["POST /integrations"]);

        settle_at_once(&tenant);
        let again = Integrationd::new(["sync", "--yes"]);
        again.on(&tenant).with(&files).run().exits_with(0);
        assert_eq!(tenant.writes(), ["POST /integrations"; 2]);
    }
}

#[test]
fn a_report_in_json_is_whole_when_a_signal_ended_it() {
    let (tenant, files) = (slow(), two());
    let running = applying(&tenant, &files, "json");
    running.signal("TERM");
    running.prints("Stopping: no new writes");
    settle(&tenant, 1);
    let report = running.wait().exits_with(3).json();
    assert_eq!(report["exit_code"], 3);
    let outcomes = &report["result"]["outcomes"];
    assert_eq!(outcomes[0]["succeeded"], true, "{report:#}");
    assert_eq!(outcomes[1]["error"], "the action was not started");
}

#[test]
fn second_signal_stops_at_once_and_nothing_is_created_twice() {
    let (tenant, files) = (slow(), two());
    let running = applying(&tenant, &files, "json");
    running.signal("INT");
    running.prints("Stopping: no new writes");
    running.signal("INT");
    let ran = running.wait().exits_with(3);
    let error = &ran.json()["error"]["message"];
    assert!(
        error.as_str().unwrap().contains("stopped immediately"),
        "{error}"
    );
    assert!(
        ran.stderr.contains("help: run the command again"),
        "{}",
        ran.stderr
    );

    settle(&tenant, 1);
    settle_at_once(&tenant);
    let again = Integrationd::new(["sync", "--yes"]);
    again.on(&tenant).with(&files).run().exits_with(0);
    assert_eq!(tenant.writes(), ["POST /integrations"; 2]);
}

/// A tenant that takes a request and never answers it.
fn silent() -> Tenant {
    let tenant = Tenant::empty();
    let never = Fault::new(FaultKind::Delay { ms: 3_600_000 });
    tenant
        .simulator
        .fault(never.on(&Method::GET, "/integrations").always());
    tenant
}

/// Waits for its end, for less than the tenant would be waited for.
fn ended(mut running: Running) -> Ran {
    eventually("the end", || running.has_ended());
    running.wait()
}

#[test]
fn a_signal_before_the_first_write_ends_the_run_at_once() {
    for (signal, args) in [
        ("TERM", ["--yes", "--output=json"]),
        ("INT", ["--dry-run", "--output=json"]),
    ] {
        let (tenant, files) = (silent(), two());
        let run = args
            .iter()
            .fold(Integrationd::new(["sync"]), Integrationd::arg);
        let running = run.on(&tenant).with(&files).start();
        eventually("the question", || !tenant.requests().is_empty());
        running.signal(signal);
        let report = ended(running).exits_with(3).json();
        assert_eq!(report["exit_code"], 3);
        let message = &report["error"]["message"];
        assert_eq!(message, "stopped by a signal before anything was written");
        assert_eq!(tenant.writes(), [""; 0]);
    }
}

#[test]
fn a_signal_is_heard_while_a_file_is_waited_for() {
    let (tenant, files) = (Tenant::empty(), two());
    let pipe = Pipe::make(&files.path().join(".key"));
    let running = Integrationd::new(["sync", "--yes", "--api-key-file"])
        .arg(&pipe.path)
        .on(&tenant)
        .with(&files)
        .without_env("IMMUTA_API_KEY")
        .start();
    let _held = pipe.is_read();
    running.signal("INT");
    let ran = ended(running).exits_with(3);
    assert!(ran.stderr.contains("stopped by a signal"), "{}", ran.stderr);
}
