//! A text with parameters, of which some are secret: each secret is masked wherever the text is
//! shown, the rest stays visible, and the whole text is compared.

use std::path::Path;

use integrationd::ledger::{LedgerStore as _, MemoryLedger};
use integrationd::plan::OnDrift;
use integrationd::simulator::{Fault, FaultKind, Seed, SimulatedDrift, Simulator};
use serde_json::json;
use tempfile::TempDir;

use crate::common::{Files, Integrationd, Ran as Output, Tenant, eventually};
use crate::in_process::{Ran, Run, done, write_lines, writes};
use crate::texts::Texts;
use crate::web::{Served, Web};

/// Occurs nowhere else.
const CANARY: &str = "c4n4ry-Qx7!pV2";
const OTHER: &str = "0ther-c4n4ry-Zk9";

/// The arguments with this value of the secret parameter.
fn args(secret: &str) -> String {
    format!("PRIV_KEY_FILE_PWD={secret};LOGINTIMEOUT=30")
}

const MASKED: &str = "PRIV_KEY_FILE_PWD=(secret);LOGINTIMEOUT=30";

/// A warehouse that is set up by hand, with more lines below `config`.
fn warehouse(name: &str, more: &str) -> String {
    format!(
        "type: Snowflake\nautoBootstrap: false\nconfig:\n  host: wh.example.com\n  \
         warehouse: {name}\n  database: IMMUTA\n{more}"
    )
}

fn with_args(value: &str) -> String {
    warehouse("WH", &format!("  connectArgs: '{value}'\n"))
}

fn texts(text: String) -> Texts {
    Texts::none().file("wh.yaml", text).secret("ARG", CANARY)
}

fn referring() -> Texts {
    texts(with_args(&args("${env:ARG}")))
}

async fn synced(texts: &Texts, simulator: &Simulator, journal: &MemoryLedger) -> Ran {
    simulator.clear_log();
    let ran = Run::of(texts, simulator).remembering(journal).sync().await;
    ran.shows_none_of([CANARY, OTHER]);
    let kept = format!("{:?}", done(journal.read()).unwrap());
    assert!(!kept.contains(CANARY) && !kept.contains(OTHER), "{kept}");
    ran
}

async fn planned(texts: &Texts, simulator: &Simulator, journal: &MemoryLedger) -> Ran {
    let run = Run::of(texts, simulator).remembering(journal);
    let ran = run.dry_run().await;
    ran.shows_none_of([CANARY, OTHER]);
    ran
}

async fn in_sync(texts: &Texts) -> (Simulator, MemoryLedger) {
    let (simulator, journal) = (Simulator::default(), MemoryLedger::default());
    let ran = synced(texts, &simulator, &journal).await;
    assert!(ran.is_proved(), "{}", told(&ran));
    (simulator, journal)
}

fn told(ran: &Ran) -> String {
    anstream::adapter::strip_str(&ran.shown()).to_string()
}

fn drift(simulator: &Simulator, value: serde_json::Value) {
    let edit = SimulatedDrift::value(1, "/connectArgs", value);
    simulator.drift(edit).unwrap();
}

fn sent(simulator: &Simulator) -> serde_json::Value {
    let writes = writes(simulator);
    writes[0].body.clone().unwrap()["config"]["connectArgs"].clone()
}

#[tokio::test(start_paused = true)]
async fn reference_inside_the_text_is_filled_in_and_compared() {
    let (simulator, journal) = in_sync(&referring()).await;
    assert_eq!(sent(&simulator), args(CANARY));
    let ran = planned(&referring(), &simulator, &journal).await;
    assert!(ran.is_in_sync(), "{}", told(&ran));
    assert!(
        !told(&ran).to_lowercase().contains("not compared"),
        "{}",
        told(&ran)
    );
    // Without a ledger, too.
    let ran = planned(&referring(), &simulator, &MemoryLedger::default()).await;
    assert!(ran.is_in_sync(), "{}", told(&ran));
    assert!(
        !told(&ran).to_lowercase().contains("not compared"),
        "{}",
        told(&ran)
    );
    assert!(!told(&ran).contains("plain text"), "{}", told(&ran));
}

#[tokio::test(start_paused = true)]
async fn body_of_a_create_shows_what_is_harmless() {
    let ran = planned(
        &referring(),
        &Simulator::default(),
        &MemoryLedger::default(),
    )
    .await;
    let line = format!("connectArgs = \"{MASKED}\" (secret from ${{env:ARG}})");
    assert!(
        told(&ran).replace("  ", "").contains(&line),
        "{}",
        told(&ran)
    );
    let body = &ran.json()["plan"]["actions"][0]["body"]["config"]["connectArgs"];
    let shown = json!({ "secret": true, "references": ["${env:ARG}"], "shown": MASKED });
    assert_eq!(*body, shown);
}

#[tokio::test(start_paused = true)]
async fn message_that_repeats_the_secret_of_the_server_is_scrubbed() {
    let plain = texts(with_args("LOGINTIMEOUT=30"));
    let (simulator, journal) = in_sync(&plain).await;
    drift(&simulator, json!(args(OTHER)));
    let message = format!("no login with {OTHER}");
    let test = json!({"name": "Log in", "status": "failed", "message": message});
    for (path, value) in [
        ("/status", json!("recurringValidationError")),
        ("/validationResults", json!({ "validationTests": [test] })),
    ] {
        let path = path.to_owned();
        let fault = FaultKind::Misplace { path, value };
        simulator.fault(Fault::new(fault).always());
    }
    let ran = planned(&plain, &simulator, &journal).await;
    let said = "Log in: no login with (secret)";
    assert!(told(&ran).contains(said), "{}", told(&ran));
}

#[tokio::test(start_paused = true)]
async fn rotated_parameter_is_a_change_without_its_value() {
    let (simulator, journal) = in_sync(&referring()).await;
    let rotated = referring().secret("ARG", OTHER);
    let ran = synced(&rotated, &simulator, &journal).await;
    assert!(ran.is_proved(), "{}", told(&ran));
    let line = format!("connectArgs = \"{MASKED}\" -> \"{MASKED}\"");
    assert!(told(&ran).contains(&line), "{}", told(&ran));
    assert_eq!(sent(&simulator), args(OTHER));
    let change = &ran.json()["plan"]["actions"][0]["changes"][0];
    assert_eq!(change["kind"], "change", "{change}");
    assert_eq!(change["before"], MASKED, "{change}");
    assert_eq!(change["after"], MASKED, "{change}");
}

#[tokio::test(start_paused = true)]
async fn harmless_parameter_that_changes_is_shown() {
    let (simulator, journal) = in_sync(&referring()).await;
    let other = with_args(&args("${env:ARG}").replace("30", "60"));
    let ran = synced(&texts(other), &simulator, &journal).await;
    let line = format!(
        "connectArgs = \"{MASKED}\" -> \"{}\"",
        MASKED.replace("30", "60")
    );
    assert!(told(&ran).contains(&line), "{}", told(&ran));
    assert!(ran.is_proved(), "{}", told(&ran));
}

#[tokio::test(start_paused = true)]
async fn secret_that_someone_changed_on_the_server_is_drift() {
    let (simulator, journal) = in_sync(&referring()).await;
    drift(&simulator, json!(args(OTHER)));
    let ran = planned(&referring(), &simulator, &journal).await;
    let change = &ran.json()["plan"]["actions"][0]["changes"][0];
    assert_eq!(change["kind"], "drift", "{change}");
    assert_eq!(change["before"], MASKED, "{change}");
    // Both sides changed.
    let rotated = referring().secret("ARG", "a-third-value-8Rw");
    let ran = planned(&rotated, &simulator, &journal).await;
    let change = &ran.json()["plan"]["actions"][0]["changes"][0];
    assert_eq!(change["kind"], "conflict", "{change}");
    let ran = synced(&referring(), &simulator, &journal).await;
    assert!(ran.is_proved(), "{}", told(&ran));
    assert_eq!(sent(&simulator), args(CANARY));
}

#[tokio::test(start_paused = true)]
async fn secret_next_to_harmless_parameters_of_the_file_is_masked() {
    let plain = texts(with_args("LOGINTIMEOUT=30"));
    let (simulator, journal) = in_sync(&plain).await;
    drift(&simulator, json!(args(OTHER)));
    let ran = planned(&plain, &simulator, &journal).await;
    let line = format!("connectArgs = \"{MASKED}\" -> \"LOGINTIMEOUT=30\"");
    assert!(told(&ran).contains(&line), "{}", told(&ran));
    let ran = synced(&plain, &simulator, &journal).await;
    assert!(ran.is_proved(), "{}", told(&ran));
}

#[tokio::test(start_paused = true)]
async fn kept_text_of_the_server_is_sent_back_whole() {
    // The file omits it.
    let (simulator, journal) = in_sync(&texts(warehouse("WH", ""))).await;
    drift(&simulator, json!(args(OTHER)));
    let other = texts(warehouse("OTHER", ""));
    let ran = synced(&other, &simulator, &journal).await;
    assert!(ran.is_proved(), "{}", told(&ran));
    assert_eq!(sent(&simulator), args(OTHER));
    // Drift is only reported.
    let (simulator, journal) = in_sync(&referring()).await;
    drift(&simulator, json!(args(OTHER)));
    let file = with_args(&args("${env:ARG}")).replace("WH", "OTHER");
    let file = texts(file);
    simulator.clear_log();
    let run = Run::of(&file, &simulator).remembering(&journal);
    let ran = run.on_drift(OnDrift::Report).sync().await;
    ran.shows_none_of([CANARY, OTHER]);
    assert_eq!(write_lines(&simulator).len(), 1, "{}", told(&ran));
    assert_eq!(sent(&simulator), args(OTHER));
}

#[tokio::test(start_paused = true)]
async fn text_that_left_the_file_is_removed() {
    let (simulator, journal) = in_sync(&referring()).await;
    let without = texts(warehouse("WH", ""));
    let ran = synced(&without, &simulator, &journal).await;
    let line = format!("connectArgs = \"{MASKED}\" -> (absent)");
    assert!(told(&ran).contains(&line), "{}", told(&ran));
    assert!(ran.is_proved(), "{}", told(&ran));
    assert_eq!(sent(&simulator), json!(null));
}

#[tokio::test(start_paused = true)]
async fn text_that_changes_before_the_write_stops_it() {
    let (simulator, journal) = in_sync(&referring()).await;
    let other = texts(with_args(&args("${env:ARG}")).replace("WH", "OTHER"));
    simulator.clear_log();
    let run = Run::of(&other, &simulator).remembering(&journal);
    let run = run.meanwhile(|_| drift(&simulator, json!(args(OTHER))));
    let ran = run.sync().await;
    ran.shows_none_of([CANARY, OTHER]);
    assert_eq!(write_lines(&simulator), [""; 0], "{}", told(&ran));
    assert!(told(&ran).contains("connectArgs"), "{}", told(&ran));
}

#[tokio::test(start_paused = true)]
async fn missing_secret_of_a_parameter_is_not_compared() {
    let (simulator, journal) = in_sync(&referring()).await;
    let missing = referring().without_secret("ARG");
    let ran = planned(&missing, &simulator, &journal).await;
    let notes = &ran.json()["plan"]["actions"][0]["notes"];
    let not_compared = json!({ "note": "secrets_not_compared", "paths": ["connectArgs"] });
    assert_eq!(notes[0], not_compared, "{}", told(&ran));
}

#[tokio::test(start_paused = true)]
async fn text_that_is_one_reference_is_compared() {
    let whole = texts(with_args("${env:ARG}")).secret("ARG", &args(CANARY));
    let (simulator, journal) = in_sync(&whole).await;
    assert_eq!(sent(&simulator), args(CANARY));
    let ran = planned(&whole, &simulator, &MemoryLedger::default()).await;
    assert!(ran.is_in_sync(), "{}", told(&ran));
    assert!(!told(&ran).contains("plain text"), "{}", told(&ran));
    drift(&simulator, json!(args(OTHER)));
    let ran = planned(&whole, &simulator, &journal).await;
    let change = &ran.json()["plan"]["actions"][0]["changes"][0];
    assert_eq!(change["kind"], "drift", "{change}");
}

#[tokio::test(start_paused = true)]
async fn server_that_hides_the_secret_is_not_asked_for_ever() {
    let (simulator, journal) = in_sync(&referring()).await;
    drift(&simulator, json!(args("********")));
    let ran = synced(&referring(), &simulator, &journal).await;
    assert_eq!(write_lines(&simulator), [""; 0], "{}", told(&ran));
    // And its mask is not sent back.
    let other = texts(warehouse("OTHER", ""));
    let ran = synced(&other, &simulator, &MemoryLedger::default()).await;
    assert_eq!(write_lines(&simulator), [""; 0], "{}", told(&ran));
}

/// Fails the test if the canary is in an output.
#[track_caller]
fn quiet(ran: Output) -> Output {
    assert!(!ran.all().contains(CANARY), "{}", ran.all());
    ran
}

#[test]
fn literal_secret_parameter_is_reported() {
    let files = Files::none().with("wh.yaml", &with_args(&args(CANARY)));
    let ran = quiet(Integrationd::new(["validate"]).with(&files).run());
    let said = "the file contains a secret parameter in `connectArgs`";
    assert!(ran.all().contains("W0602"), "{}", ran.all());
    assert!(ran.all().contains(said), "{}", ran.all());
    for harmless in [
        "LOGINTIMEOUT=30;warehouse=x",
        "PRIV_KEY_FILE_PWD=${env:ARG};LOGINTIMEOUT=30",
        "${env:ARG}",
    ] {
        files.write("wh.yaml", &with_args(harmless));
        let ran = Integrationd::new(["validate"]).with(&files).run();
        let ran = ran.exits_with(0);
        assert!(!ran.all().contains("W0602"), "{}", ran.all());
    }
}

/// Output of every command that shows an integration, with the state below this directory.
fn outputs(tenant: &Tenant, files: &Files, state: &Path) -> Vec<(String, Output)> {
    let run = |words: &[&str]| {
        let mut run = Integrationd::new([words[0]]);
        for word in &words[1..] {
            run = run.arg(word);
        }
        let run = match words[0] {
            "render" | "validate" => run.with(files),
            "history" => run.on(tenant).arg("--state").arg(state),
            "list" => run.on(tenant),
            "explain" => {
                let run = run.on(tenant).arg("--state").arg(state);
                run.arg("--dir").arg(files.path())
            }
            _ => run.on(tenant).arg("--state").arg(state).with(files),
        };
        (words.join(" "), quiet(run.env("ARG", CANARY).run()))
    };
    vec![
        run(&["validate"]),
        run(&["render"]),
        run(&["sync", "--dry-run", "--log-level=trace"]),
        run(&["sync", "--dry-run", "-ojson"]),
        run(&["explain", "wh"]),
        run(&["explain", "wh", "-ojson"]),
        run(&["sync", "--yes", "--log-level=trace"]),
        run(&["list"]),
        run(&["list", "-ojson"]),
        run(&["explain", "wh"]),
        run(&["explain", "wh", "-ojson"]),
        run(&["history"]),
        run(&["history", "-ojson"]),
    ]
}

#[test]
fn canary_in_a_parameter_is_shown_by_no_command() {
    for value in [CANARY, "${env:ARG}"] {
        let (tenant, state) = (Tenant::empty(), TempDir::new().unwrap());
        let files = Files::none().with("wh.yaml", &with_args(&args(value)));
        let created = outputs(&tenant, &files, state.path());
        drift(&tenant.simulator, json!(format!("{};x=y", args(CANARY))));
        let drifted = outputs(&tenant, &files, state.path());
        let shows = |all: &[(String, Output)], command: &str, text: &str| {
            let of = all.iter().filter(|(own, _)| own == command);
            let printed: String = of.map(|(_, ran)| ran.stdout.as_str()).collect();
            assert!(printed.contains(text), "{command} lacks {text}:\n{printed}");
        };
        shows(&created, "sync --dry-run -ojson", MASKED);
        shows(&created, "list -ojson", MASKED);
        shows(
            &drifted,
            "sync --dry-run --log-level=trace",
            &format!("{MASKED};x=y"),
        );
        shows(&drifted, "explain wh", &format!("{MASKED};x=y"));
        shows(&created, "render", "LOGINTIMEOUT=30");
        for entry in std::fs::read_dir(state.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let bytes = std::fs::read(path).unwrap();
                assert!(!String::from_utf8_lossy(&bytes).contains(CANARY));
            }
        }
    }
}

#[test]
fn daemon_shows_and_records_no_secret_parameter() {
    let web = Web::new(Files::none().with("wh.yaml", &with_args(&args("${env:ARG}"))));
    let sync = Integrationd::new(["sync", "--yes", "--state"]);
    let sync = sync.arg(web.state.path()).on(&web.tenant).with(&web.files);
    quiet(sync.env("ARG", CANARY).run()).exits_with(0);
    drift(&web.tenant.simulator, json!(format!("{};x=y", args(OTHER))));
    let daemon = web.daemon(&["--policy", "observe"]).env("ARG", CANARY);
    let served = Served::of(daemon.env("INTEGRATIOND_LOG_LEVEL", "trace").start());
    let shown = format!("{MASKED};x=y");
    eventually("it shows the drift", || {
        served.get("/").body.contains(&shown)
    });
    let mut seen = served.get("/").body + &served.get("/status").body;
    served.daemon.signal("TERM");
    seen += &served.daemon.wait().exits_with(0).all();
    for secret in [CANARY, OTHER] {
        assert!(!seen.contains(secret), "{seen}");
    }
}

/// A tenant with a warehouse that was made in the user interface.
fn seeded(args: &str) -> Tenant {
    let tenant = Tenant::empty();
    let config = json!({
        "host": "wh.example.com", "warehouse": "WH", "database": "IMMUTA", "connectArgs": args,
    });
    let seed = Seed::new("Snowflake", Some(false), Some(config));
    tenant.simulator.seed(seed);
    tenant
}

#[test]
fn export_refers_to_the_whole_text_and_proves_it_later() {
    let (tenant, files) = (seeded(&args(CANARY)), Files::none());
    let dir = files.path().join("new");
    let export = Integrationd::new(["export", "-ojson"])
        .on(&tenant)
        .arg(&dir);
    let document = quiet(export.run()).exits_with(0).json();
    let text = std::fs::read_to_string(dir.join("snowflake-wh.yaml")).unwrap();
    assert!(!text.contains(CANARY), "{text}");
    let line = "  connectArgs: ${env:SNOWFLAKE_WH_CONNECT_ARGS}  # Additional arguments for the \
        connection. The server's value contains a secret: provide the whole value, which a plan \
        then compares with the server's.\n";
    assert!(text.contains(line), "{text}");
    let provide = &document["to_provide"][0];
    assert_eq!(provide["attribute"], "connectArgs", "{document:#}");
    assert_eq!(provide["reference"], "${env:SNOWFLAKE_WH_CONNECT_ARGS}");
    for (value, code) in [(args(CANARY), 0), (args("another"), 2)] {
        let plan = Integrationd::new(["sync", "--dry-run", "--detailed-exitcode"]);
        let plan = plan.on(&tenant).arg(&dir);
        let plan = plan.env("SNOWFLAKE_WH_CONNECT_ARGS", &value).run();
        let plan = quiet(plan).exits_with(code);
        assert!(
            !plan.all().to_lowercase().contains("not compared"),
            "{}",
            plan.all()
        );
    }
}

#[test]
fn export_writes_harmless_arguments_in_clear() {
    let (tenant, files) = (seeded("LOGINTIMEOUT=30;warehouse=x"), Files::none());
    let export = Integrationd::new(["export"]).on(&tenant).arg(files.path());
    export.run().exits_with(0);
    let text = std::fs::read_to_string(files.path().join("snowflake-wh.yaml")).unwrap();
    let line = "  connectArgs: \"LOGINTIMEOUT=30;warehouse=x\"\n";
    assert!(text.contains(line), "{text}");
}

#[test]
fn accepted_drift_writes_no_secret_parameter() {
    let (tenant, state) = (Tenant::empty(), TempDir::new().unwrap());
    let files = Files::none().with("wh.yaml", &with_args("LOGINTIMEOUT=30"));
    let sync = Integrationd::new(["sync", "--yes", "--state"]);
    let sync = sync.arg(state.path()).on(&tenant).with(&files);
    sync.run().exits_with(0);
    drift(&tenant.simulator, json!(args(CANARY)));
    let update = Integrationd::new(["export", "--update", "wh", "--state"]);
    let update = update.arg(state.path()).on(&tenant).with(&files);
    let ran = quiet(update.run());
    assert!(ran.all().contains("contains a secret"), "{}", ran.all());
    let text = std::fs::read_to_string(files.path().join("wh.yaml")).unwrap();
    assert_eq!(text, with_args("LOGINTIMEOUT=30"));
    // A difference of the file masks what it holds itself.
    files.write("wh.yaml", &with_args(&args(CANARY)));
    let sync = Integrationd::new(["sync", "--yes", "--state"]);
    let sync = sync.arg(state.path()).on(&tenant).with(&files);
    quiet(sync.run()).exits_with(0);
    let edit = SimulatedDrift::value(1, "/warehouse", json!("OTHER"));
    tenant.simulator.drift(edit).unwrap();
    let update = Integrationd::new(["export", "--update", "wh", "--state"]);
    let update = update.arg(state.path()).on(&tenant).with(&files);
    let ran = quiet(update.run());
    assert!(ran.all().contains("+  warehouse: OTHER"), "{}", ran.all());
    let line = format!("   connectArgs: \"{MASKED}\"");
    assert!(ran.all().contains(&line), "{}", ran.all());
}
