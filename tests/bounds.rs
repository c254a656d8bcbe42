//! Input that is far too large: an answer of the tenant, a push. The process stays
//! small, says so in a few lines, and changes nothing.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};

use crate::common::{Files, Integrationd, Ran, Running, lake};
use crate::stub::Stub;

/// The most memory that a run may ever have, in KiB.
const MOST_MEMORY: u64 = 300 * 1024;

/// The most that a run may print, in bytes.
const MOST_PRINTED: usize = 64 * 1024;

/// Waits for the end of a run that must stay small.
#[track_caller]
fn small(run: Running) -> Ran {
    let (ran, peak) = with_peak(run);
    assert!(peak < MOST_MEMORY, "{peak} KiB");
    let printed = ran.all().len();
    assert!(
        printed < MOST_PRINTED,
        "{printed} bytes: {:.2000}",
        ran.all()
    );
    ran
}

/// The end of a run, and the most memory that it had in KiB, as the kernel said last.
fn with_peak(mut run: Running) -> (Ran, u64) {
    let status = format!("/proc/{}/status", run.id());
    let mut peak = 0;
    while !run.has_ended() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let number = line.and_then(|line| line.split_whitespace().next());
        peak = number.map_or(peak, |number| number.parse().unwrap());
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    (run.wait(), peak)
}

/// A `sync` of one file against a tenant with this answer to `GET /integrations`.
fn sync(body: String) -> (Ran, Vec<String>) {
    let stub = Stub::start(move |line| match line {
        "GET /integrations" => (200, body.clone()),
        _ => (404, String::new()),
    });
    let files = Files::none().with("lake.yaml", &lake("lake", "${env:LAKE}"));
    let run = Integrationd::new(["sync", "--yes"])
        .at(&stub.url)
        .with(&files);
    let ran = small(run.env("LAKE", "token").start());
    let mut lines = stub.lines();
    lines.retain(|line| line != "POST /data/object/search");
    (ran, lines)
}

#[test]
fn list_of_junk_is_a_failed_read() {
    let (ran, requests) = sync(format!("[{}1]", "1,".repeat(20_000_000)));
    let ran = ran.exits_with(1);
    let why = "more than 200000 integrations, which is too many for a response from Immuta";
    assert!(ran.stderr.contains(why), "{}", ran.stderr);
    assert_eq!(requests, ["GET /integrations"]);
}

#[test]
fn unreadable_elements_are_counted() {
    let (ran, requests) = sync(format!("[{}1]", "1,".repeat(10_000)));
    let ran = ran.exits_with(1);
    let last = "  unreadable: and 9991 more\n";
    assert!(ran.stdout.contains(last), "{}", ran.stdout);
    assert_eq!(requests, ["GET /integrations"]);
}

#[test]
fn element_with_too_many_values_freezes_its_platform() {
    let values = "[],".repeat(20_000_000);
    let element =
        r#"{"id": "1", "status": "enabled", "config": {"v": [VALUES1]}, "type": "Databricks"}"#;
    let (ran, requests) = sync(format!("[{}]", element.replace("VALUES", &values)));
    let ran = ran.exits_with(1);
    let why = "element 1 of the list: more than 20000 values";
    assert!(ran.stdout.contains(why), "{}", ran.stdout);
    assert!(ran.stdout.contains("1 blocked"), "{}", ran.stdout);
    assert_eq!(requests, ["GET /integrations"]);
}

#[test]
fn million_failing_tests_stay_small() {
    let test = r#"{"name": "Grants", "status": "failed"},"#;
    let element = r#"{"id": "1", "status": "enabled", "config": {}, "type": "Snowflake", "validationResults": [TESTS1]}"#;
    let (ran, _) = sync(format!(
        "[{}]",
        element.replace("TESTS", &test.repeat(1_000_000))
    ));
    let why = "element 1 of the list: more than 20000 values";
    assert!(ran.stdout.contains(why), "{}", ran.stdout);
    // The other platform is not concerned.
    assert!(ran.stdout.contains("1 to create"), "{}", ran.stdout);
}

#[test]
fn thousand_failing_tests_are_counted() {
    let test = r#"{"name": "Grants", "status": "failed"},"#;
    let element = r#"{"id": "1", "status": "recurringValidationError", "config": {"workspaceUrl": "lake.example.com"}, "type": "Databricks", "autoBootstrap": false, "validationResults": [TESTS1]}"#;
    let body = format!("[{}]", element.replace("TESTS", &test.repeat(1_000)));
    let stub = Stub::start(move |_| (200, body.clone()));
    let run = Integrationd::new(["list", "-o", "json"]).at(&stub.url);
    let ran = small(run.start()).exits_with(0);
    let tests = &ran.json()["integrations"][0]["failing_tests"];
    assert_eq!(tests.as_array().unwrap().len(), 51);
    assert_eq!(tests[50]["name"], "and 950 more");
}

#[test]
fn compressed_list_of_junk_is_a_failed_read() {
    let junk = format!("[{}1]", "1,".repeat(20_000_000));
    let mut gzip = Command::new("gzip")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = gzip.stdin.take().unwrap();
    std::thread::spawn(move || pipe.write_all(junk.as_bytes()).unwrap());
    let body = gzip.wait_with_output().unwrap().stdout;
    assert!(body.len() < 50_000, "{}", body.len());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || answer(listener.accept().unwrap().0, &body));
    let ran = small(Integrationd::new(["list"]).at(&url).start()).exits_with(1);
    assert!(
        ran.stderr.contains("more than 200000 integrations"),
        "{}",
        ran.stderr
    );
}

/// Answers one request with a compressed body.
fn answer(mut stream: TcpStream, body: &[u8]) {
    let _ = stream.read(&mut [0; 4096]).unwrap();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
}

/// So many small documents with one name.
fn documents(count: usize) -> String {
    "type: Nothing\nsync: {name: a}\n---\n".repeat(count)
}

/// M6: one push of 240 KB made 160,000 mistakes and 117 MB of text.
#[test]
fn mistakes_of_a_run_are_counted_and_the_first_are_shown() {
    let files = Files::none();
    files.write("a.yaml", &documents(999));
    let run = Integrationd::new(["validate"]).with(&files);
    let (ran, peak) = with_peak(run.start());
    let ran = ran.exits_with(65);
    assert!(peak < MOST_MEMORY, "{peak} KiB");
    let all = ran.all();
    let shown = all.matches("error[").count();
    assert!((400..=500).contains(&shown), "{shown}");
    assert!(
        all.contains("errors and warnings not shown for these files: "),
        "{:.3000}",
        ran.stderr
    );
}

#[test]
fn too_many_documents_change_nothing() {
    let (tenant, files) = crate::common::in_sync();
    for n in 0..160 {
        files.write(&format!("f{n}.yaml"), &"{}\n---\n".repeat(999));
    }
    let run = Integrationd::new(["sync", "--yes", "--policy", "sync"]);
    let ran = small(run.on(&tenant).with(&files).start()).exits_with(65);
    let told = "documents in total";
    assert!(ran.all().contains(told), "{:.3000}", ran.all());
    assert_eq!(tenant.writes(), [""; 0]);
}

#[test]
fn too_many_files_are_refused() {
    let files = Files::none();
    for n in 0..200_001 {
        files.write(&format!("f{n}.yaml"), "");
    }
    let run = Integrationd::new(["validate"]).with(&files);
    let ran = small(run.start()).exits_with(1);
    let told = "the directory [FILES] has more than 200000 integration files";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
}
