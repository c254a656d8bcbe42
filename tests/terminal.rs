//! The question, asked at a pseudo-terminal.

use rexpect::process::WaitStatus;
use rexpect::session::{PtySession, spawn_command};

use tempfile::TempDir;

use crate::common::{Files, Integrationd, Tenant, snowflake};

/// No answer within this time, in milliseconds, fails the test.
const PATIENCE: u64 = 60_000;

/// A run that has asked its question.
fn asked(tenant: &Tenant, files: &Files) -> (PtySession, TempDir) {
    let run = Integrationd::new(["sync"]).on(tenant).with(files);
    let (command, state) = run.into_command();
    let mut session = spawn_command(command, Some(PATIENCE)).unwrap();
    session.exp_string("Plan: 1 to create.").unwrap();
    session
        .exp_string(&format!("Apply 1 change to {}? ", tenant.url()))
        .unwrap();
    session.exp_string("Only `yes` is accepted: ").unwrap();
    (session, state)
}

fn ended(mut session: PtySession) -> (String, WaitStatus) {
    let rest = session.exp_eof().unwrap();
    (rest, session.process().wait().unwrap())
}

fn code(status: WaitStatus) -> i32 {
    let WaitStatus::Exited(_, code) = status else {
        panic!("{status:?}")
    };
    code
}

fn one() -> Files {
    Files::none().with("a.yaml", &snowflake("a"))
}

#[test]
fn yes_applies() {
    let (tenant, files) = (Tenant::empty(), one());
    let (mut session, _state) = asked(&tenant, &files);
    session.send_line("yes").unwrap();
    session.exp_string("Applied:").unwrap();
    session.exp_string("Verified:").unwrap();
    assert_eq!(code(ended(session).1), 0);
    assert_eq!(tenant.writes(), ["POST /integrations"]);
}

#[test]
fn anything_else_declines() {
    let (tenant, files) = (Tenant::empty(), one());
    for answer in ["no", "", "y", "YES!", "yes please"] {
        let (mut session, _state) = asked(&tenant, &files);
        session.send_line(answer).unwrap();
        let (rest, status) = ended(session);
        assert!(rest.contains("Nothing was applied:"), "{rest}");
        assert_eq!(code(status), 4, "{answer}");
    }
    assert!(tenant.writes().is_empty());
}

#[test]
fn the_end_of_the_input_declines() {
    let (tenant, files) = (Tenant::empty(), one());
    let (mut session, _state) = asked(&tenant, &files);
    session.send_control('d').unwrap();
    assert_eq!(code(ended(session).1), 4);
    assert!(tenant.writes().is_empty());
}

#[test]
fn an_interrupt_at_the_question_ends_the_run() {
    let (tenant, files) = (Tenant::empty(), one());
    let (mut session, _state) = asked(&tenant, &files);
    session.send_control('c').unwrap();
    let (rest, status) = ended(session);
    assert!(rest.contains("stopped by a signal"), "{rest}");
    assert_eq!(code(status), 3);
    assert!(tenant.writes().is_empty());
}

#[test]
fn json_report_shows_the_plan_with_the_question() {
    let (tenant, files) = (Tenant::empty(), one());
    let run = Integrationd::new(["sync", "-o", "json"])
        .on(&tenant)
        .with(&files);
    let (command, _state) = run.into_command();
    let mut session = spawn_command(command, Some(PATIENCE)).unwrap();
    session.exp_string("Plan: 1 to create.").unwrap();
    session.exp_string("Only `yes` is accepted: ").unwrap();
    session.send_line("no").unwrap();
    let (rest, status) = ended(session);
    assert!(rest.contains("\"reason\": \"declined\""), "{rest}");
    assert_eq!(code(status), 4);
}
