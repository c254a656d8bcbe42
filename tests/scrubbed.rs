//! A server that repeats a secret in any place of any answer. The tool neither shows nor
//! records the secret, and does not guess what it cannot know without it.

use http::Method;
use integrationd::ledger::sqlite::SqliteLedger;
use integrationd::ledger::{LedgerStore, MemoryLedger};
use integrationd::simulator::{FailedTest, Fault, FaultKind, Simulator};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::{Files, Integrationd, Tenant, eventually, lake};
use crate::in_process::{Ran, Run, done, write_lines};
use crate::stub::Stub;
use crate::texts::Texts;
use crate::web::{Served, Web};

/// The token of the lake.
const TOKEN: &str = "hunter2-swordfish-42-Qx";

/// Shown in place of a message.
const HIDDEN: &str = "message hidden because the secrets of this integration are not known here";

fn texts() -> Texts {
    Texts::none()
        .file("lake.yaml", lake("lake", "${env:TOKEN}"))
        .secret("TOKEN", TOKEN)
}

fn misplaced(path: &str, value: impl Into<Value>) -> FaultKind {
    FaultKind::Misplace {
        path: path.to_owned(),
        value: value.into(),
    }
}

fn failing(message: &str) -> FailedTest {
    FailedTest {
        test: "Log in".to_owned(),
        message: message.to_owned(),
    }
}

async fn sync(texts: &Texts, simulator: &Simulator, journal: &dyn LedgerStore) -> Ran {
    simulator.clear_log();
    Run::of(texts, simulator).remembering(journal).sync().await
}

/// A tenant that is in sync with the files, and what is recorded of it.
async fn in_sync() -> (Simulator, MemoryLedger) {
    let (simulator, journal) = (Simulator::default(), MemoryLedger::default());
    let ran = sync(&texts(), &simulator, &journal).await;
    assert!(ran.is_proved(), "{}", ran.shown());
    simulator.clear_log();
    (simulator, journal)
}

fn told(ran: &Ran) -> String {
    anstream::adapter::strip_str(&ran.shown()).to_string()
}

#[track_caller]
fn keeps_no_secret(journal: &dyn LedgerStore) {
    let kept = format!("{:?}", done(journal.read()).unwrap());
    assert!(!kept.contains(TOKEN), "{kept}");
}

#[tokio::test(start_paused = true)]
async fn secret_in_an_attribute_is_hidden_and_not_recorded() {
    let place = TempDir::new().unwrap();
    let file = place.path().join("ledger.db");
    let (simulator, journal) = (Simulator::default(), SqliteLedger::open(&file).unwrap());
    let rewrite = FaultKind::Rewrite {
        path: "/httpPath".to_owned(),
        value: json!(format!("/sql?token={TOKEN}")),
    };
    simulator.fault(Fault::new(rewrite).always());
    for _ in 0..3 {
        let ran = sync(&texts(), &simulator, &journal).await;
        let told = told(&ran);
        assert!(told.contains(r#""/p", found "(secret)""#), "{told}");
        ran.shows_none_of([TOKEN]);
        keeps_no_secret(&journal);
    }
    // The value is compared as before, but not sent for ever.
    assert_eq!(write_lines(&simulator), [""; 0]);
    drop(journal);
    let bytes = std::fs::read(&file).unwrap();
    let is_it = |window: &[u8]| window == TOKEN.as_bytes();
    assert!(!bytes.windows(TOKEN.len()).any(is_it));
}

#[tokio::test(start_paused = true)]
async fn secret_in_an_attribute_is_reported() {
    let (simulator, journal) = in_sync().await;
    let upper = TOKEN.to_uppercase();
    simulator.fault(Fault::new(misplaced("/config/httpPath", upper.as_str())).always());
    let texts = texts();
    let run = Run::of(&texts, &simulator).remembering(&journal);
    let ran = run.dry_run().await;
    ran.shows_none_of([TOKEN, upper.as_str()]);
    let told = told(&ran);
    assert!(told.contains(r#"httpPath = "(secret)" -> "/p""#), "{told}");
    let warning = "the server has a secret in plain text in httpPath (value hidden)";
    assert!(told.contains(warning), "{told}");
    let notes = &ran.json()["plan"]["actions"][0]["notes"];
    assert_eq!(
        notes[0],
        json!({"note": "holds_secret", "paths": ["httpPath"]})
    );
}

#[tokio::test(start_paused = true)]
async fn attribute_with_a_secret_is_never_sent_back() {
    let (simulator, journal) = in_sync().await;
    // The file does not give it, so that an update would carry it.
    simulator.fault(Fault::new(misplaced("/config/catalog", TOKEN)).always());
    let changed = texts().file(
        "lake.yaml",
        lake("lake", "${env:TOKEN}").replace("/p", "/q"),
    );
    let ran = sync(&changed, &simulator, &journal).await;
    assert_eq!(write_lines(&simulator), [""; 0], "{}", told(&ran));
    assert!(told(&ran).contains("catalog"), "{}", told(&ran));
    ran.shows_none_of([TOKEN]);
}

#[tokio::test(start_paused = true)]
async fn secret_in_a_name_makes_the_element_unreadable() {
    for path in ["/id", "/type", "/status", &format!("/config/{TOKEN}")] {
        let (simulator, journal) = in_sync().await;
        let fault = Fault::new(misplaced(path, TOKEN)).always();
        simulator.fault(fault.on(&Method::GET, "/integrations"));
        let other = texts().file("other.yaml", lake("other", "${env:TOKEN}"));
        let ran = sync(&other, &simulator, &journal).await;
        assert_eq!(write_lines(&simulator), [""; 0], "{path}: {}", told(&ran));
        assert!(
            told(&ran).contains("contains the value of a secret"),
            "{path}"
        );
        ran.shows_none_of([TOKEN]);
        keeps_no_secret(&journal);
    }
}

#[tokio::test(start_paused = true)]
async fn identity_with_a_secret_is_no_absence() {
    let (simulator, _) = in_sync().await;
    let fault = Fault::new(misplaced("/config/workspaceUrl", TOKEN)).always();
    simulator.fault(fault.on(&Method::GET, "/integrations"));
    let ran = sync(&texts(), &simulator, &MemoryLedger::default()).await;
    assert_eq!(write_lines(&simulator), [""; 0], "{}", told(&ran));
    ran.shows_none_of([TOKEN]);
}

#[tokio::test(start_paused = true)]
async fn secret_in_the_answer_to_a_create_is_no_id() {
    let (simulator, journal) = (Simulator::default(), MemoryLedger::default());
    let fault = Fault::new(misplaced("/id", TOKEN));
    simulator.fault(fault.on(&Method::POST, "/integrations"));
    let ran = sync(&texts(), &simulator, &journal).await;
    ran.shows_none_of([TOKEN]);
    keeps_no_secret(&journal);
    // The list shows which one it is.
    assert_eq!(write_lines(&simulator), ["POST /integrations"]);
    assert!(journal.ledger().records.contains_key("lake"));
}

#[tokio::test(start_paused = true)]
async fn value_that_the_files_show_is_no_secret() {
    // A key file also holds names that the file of the integration shows.
    let path = "/sql/protocolv1/o/4711-lake";
    let key = json!({"path": path, "key": "s3cr3t-of-the-key-file"}).to_string();
    let file = lake("lake", "${env:TOKEN}").replace("/p", path);
    let texts = texts().file("lake.yaml", file).secret("TOKEN", &key);
    let (simulator, journal) = (Simulator::default(), MemoryLedger::default());
    let ran = sync(&texts, &simulator, &journal).await;
    assert!(ran.is_proved(), "{}", told(&ran));
}

#[tokio::test(start_paused = true)]
async fn short_secret_does_not_hide_a_port() {
    let texts = texts().secret("TOKEN", "8443");
    let file = lake("lake", "${env:TOKEN}").replace("  token:", "  port: 8443\n  token:");
    let (simulator, journal) = (Simulator::default(), MemoryLedger::default());
    let ran = sync(&texts.file("lake.yaml", file), &simulator, &journal).await;
    assert!(ran.is_proved(), "{}", told(&ran));
    assert!(told(&ran).contains("8443"), "{}", told(&ran));
}

/// A tenant where a regular check fails and says this.
async fn unhealthy(message: &str) -> (Simulator, MemoryLedger) {
    let (simulator, journal) = in_sync().await;
    let test = json!({"name": "Log in", "status": "failed", "message": message});
    for (path, value) in [
        ("/status", json!("recurringValidationError")),
        ("/validationResults", json!({ "validationTests": [test] })),
    ] {
        simulator.fault(Fault::new(misplaced(path, value)).always());
    }
    (simulator, journal)
}

#[tokio::test(start_paused = true)]
async fn message_is_shown_where_the_secrets_are_known() {
    let (simulator, journal) = unhealthy(&format!("no login with {TOKEN}")).await;
    let ran = sync(&texts(), &simulator, &journal).await;
    assert!(
        told(&ran).contains("Log in: no login with (secret)"),
        "{}",
        told(&ran)
    );
    ran.shows_none_of([TOKEN]);
}

#[tokio::test(start_paused = true)]
async fn message_is_hidden_where_the_secrets_are_not_known() {
    let (simulator, journal) = unhealthy(&format!("no login with {TOKEN}")).await;
    let (missing, rotated) = (
        texts().without_secret("TOKEN"),
        texts().secret("TOKEN", "another-token-after-a-rotation"),
    );
    let knows_nothing = MemoryLedger::default();
    for (what, texts, journal) in [
        ("without the secret", &missing, &journal),
        ("after a rotation", &rotated, &journal),
        ("without a ledger", &texts(), &knows_nothing),
    ] {
        let run = Run::of(texts, &simulator).remembering(journal);
        let ran = run.dry_run().await;
        assert!(
            told(&ran).contains(&format!("Log in: {HIDDEN}")),
            "{what}: {}",
            told(&ran)
        );
        ran.shows_none_of([TOKEN]);
    }
}

#[tokio::test(start_paused = true)]
async fn message_of_a_failed_deletion_is_hidden() {
    let (simulator, journal) = (Simulator::default(), MemoryLedger::default());
    let other = Texts::none()
        .file("other.yaml", lake("other", "${env:TOKEN}"))
        .secret("TOKEN", "another-token");
    let both = other.clone().file("lake.yaml", lake("lake", TOKEN));
    let ran = sync(&both, &simulator, &journal).await;
    assert!(ran.is_proved(), "{}", told(&ran));
    simulator.clear_log();
    let fault = FaultKind::DeleteError(failing(&format!("no login with {TOKEN}")));
    simulator.fault(Fault::new(fault).always());
    let run = Run::of(&other, &simulator).remembering(&journal);
    let run = run.with(|request| request.policy = integrationd::plan::Policy::Sync);
    let ran = run.sync().await;
    assert_eq!(write_lines(&simulator), ["DELETE /integrations/1"]);
    assert!(
        told(&ran).contains(&format!("Log in: {HIDDEN}")),
        "{}",
        told(&ran)
    );
    ran.shows_none_of([TOKEN]);
}

#[test]
fn list_shows_the_names_of_failing_tests_alone() {
    let tenant = Tenant::empty();
    let files = Files::none().with("lake.yaml", &lake("lake", "${env:LAKE_TOKEN}"));
    let fault = FaultKind::CreateError(failing(&format!("no login with {TOKEN}")));
    tenant.fails_once(&Method::POST, "/integrations", fault);
    let sync = Integrationd::new(["sync", "--yes"]).env("LAKE_TOKEN", TOKEN);
    sync.on(&tenant).with(&files).run().exits_with(1);
    for format in ["-otext", "-ojson"] {
        let run = Integrationd::new(["list", format]).on(&tenant);
        let ran = run.run().exits_with(0);
        assert!(!ran.all().contains(TOKEN), "{}", ran.all());
        assert!(ran.stdout.contains("Log in"), "{}", ran.stdout);
        assert!(ran.stdout.contains(HIDDEN), "{}", ran.stdout);
    }
}

/// Output and state of a daemon after a run.
struct Seen(Vec<(&'static str, String)>);

impl Seen {
    fn of(web: &Web, served: Served, hook: &Stub) -> Self {
        let mut seen = vec![
            ("the page", served.get("/").body),
            ("/status", served.get("/status").body),
            ("/metrics", served.get("/metrics").body),
        ];
        let daemon = served.daemon;
        daemon.signal("TERM");
        seen.push(("the log", daemon.wait().exits_with(0).all()));
        let bodies = hook.requests().into_iter().map(|request| request.body);
        seen.push(("the notifications", bodies.collect()));
        for entry in std::fs::read_dir(web.state.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let bytes = std::fs::read(path).unwrap();
                seen.push(("the ledger", String::from_utf8_lossy(&bytes).into_owned()));
            }
        }
        Self(seen)
    }

    #[track_caller]
    fn has_no(&self, secret: &str) {
        for (what, text) in &self.0 {
            assert!(!text.contains(secret), "{what}: {text}");
        }
    }

    #[track_caller]
    fn has(&self, what: &str, wanted: &str) {
        let mut of = self.0.iter().filter(|(own, _)| *own == what);
        assert!(
            of.any(|(_, text)| text.contains(wanted)),
            "{what} lacks {wanted}"
        );
    }
}

/// A daemon with one file, at a tenant with these faults, and whom it notifies.
fn daemon(faults: Vec<Fault>) -> (Web, Served, Stub) {
    let web = Web::new(Files::none().with("lake.yaml", &lake("lake", "${env:LAKE_TOKEN}")));
    for fault in faults {
        web.tenant.simulator.fault(fault);
    }
    let hook = Stub::start(|_| (200, String::new()));
    let daemon = web.daemon(&[]).env("LAKE_TOKEN", TOKEN);
    let daemon = daemon.env("INTEGRATIOND_NOTIFY_URL", &hook.url);
    let served = Served::of(daemon.env("INTEGRATIOND_LOG_LEVEL", "trace").start());
    (web, served, hook)
}

#[test]
fn daemon_hides_a_secret_in_a_refusal_of_a_read() {
    let message = format!("login of taylor with token {TOKEN} failed");
    let forbidden = Fault::new(FaultKind::Forbid { message }).always();
    let forbidden = forbidden.on(&Method::GET, "/integrations/{id}/status");
    let (web, served, hook) = daemon(vec![forbidden]);
    eventually("it notifies", || !hook.requests().is_empty());
    let seen = Seen::of(&web, served, &hook);
    seen.has_no(TOKEN);
    let scrubbed = "login of taylor with token (secret) failed";
    for place in [
        "the page",
        "/status",
        "the log",
        "the ledger",
        "the notifications",
    ] {
        seen.has(place, scrubbed);
    }
}

#[test]
fn daemon_hides_a_secret_in_an_attribute() {
    let rewrite = FaultKind::Rewrite {
        path: "/httpPath".to_owned(),
        value: json!(TOKEN),
    };
    let (web, served, hook) = daemon(vec![Fault::new(rewrite).always()]);
    eventually("it notifies", || !hook.requests().is_empty());
    let seen = Seen::of(&web, served, &hook);
    seen.has_no(TOKEN);
    seen.has(
        "/status",
        "the server has a secret in plain text in httpPath",
    );
    seen.has("the ledger", "(secret)");
}

#[test]
fn daemon_refuses_a_name_that_nothing_has() {
    let web = Web::new(Files::none().with("lake.yaml", &lake("lake", "${env:LAKE_TOKEN}")));
    let daemon = web.daemon(&["--exclude", "lakee"]).start();
    daemon.prints("no integration is named lakee");
    daemon.prints("use one of the names in the files: lake");
    daemon.signal("TERM");
    let ran = daemon.wait().exits_with(0);
    assert!(ran.stderr.contains("InvalidSettings"), "{}", ran.stderr);
    assert_eq!(web.tenant.requests(), [""; 0]);
}

#[test]
fn reload_refuses_a_name_that_nothing_has() {
    let web = Web::new(Files::none().with("lake.yaml", &lake("lake", "${env:LAKE_TOKEN}")));
    let place = TempDir::new().unwrap();
    let settings = place.path().join("settings.yaml");
    std::fs::write(&settings, "exclude: []\n").unwrap();
    let config = settings.to_str().unwrap();
    let served = web.ready(&["--config", config]);
    let writes = web.tenant.writes();
    std::fs::write(&settings, "exclude: [lakee]\n").unwrap();
    served.daemon.signal("HUP");
    served.daemon.prints("no integration is named lakee");
    served
        .daemon
        .prints("the new settings are invalid; keeping the previous ones");
    assert_eq!(served.get("/readyz").code, 200);
    assert_eq!(web.tenant.writes(), writes);
    served.end();
}

#[test]
fn adopt_hides_a_secret_in_every_place() {
    for path in [
        "/id",
        "/type",
        "/status",
        "/config/workspaceUrl",
        "/config/httpPath",
    ] {
        let tenant = Tenant::empty();
        let files = Files::none().with("lake.yaml", &lake("lake", TOKEN));
        let sync = Integrationd::new(["sync", "--yes"])
            .on(&tenant)
            .with(&files);
        sync.run().exits_with(0);
        let fault = Fault::new(misplaced(path, TOKEN)).always();
        tenant.simulator.fault(fault);
        let adopt = Integrationd::new(["adopt", "lake", "--log-level=trace"]);
        let adopt = adopt.on(&tenant).arg("--dir").arg(files.path());
        let ran = adopt.run();
        assert!(!ran.all().contains(TOKEN), "{path}: {}", ran.all());
    }
}

#[test]
fn json_has_no_character_that_turns_a_line_round() {
    let tenant = Tenant::empty();
    let place = TempDir::new().unwrap();
    let directory = place.path().join("a\u{202e}b");
    std::fs::create_dir(&directory).unwrap();
    std::fs::write(directory.join("lake.yaml"), lake("lake", TOKEN)).unwrap();
    let daemon = Integrationd::new(["daemon", "--listen=127.0.0.1:0"]).on(&tenant);
    let served = Served::of(daemon.arg(&directory).start());
    eventually("it is ready", || served.get("/readyz").code == 200);
    let status = served.get("/status").body;
    assert!(status.contains(r"a\u202eb"), "{status}");
    let fault = misplaced("/config/httpPath", "/p\u{202e}gnp.exe\u{9b}");
    tenant.simulator.fault(Fault::new(fault).always());
    let list = Integrationd::new(["list", "-ojson"]).on(&tenant);
    let list = list.run().exits_with(0);
    let config = &list.json()["integrations"][0]["config"];
    assert_eq!(config["httpPath"], "/p\u{202e}gnp.exe\u{9b}");
    let dry_run = Integrationd::new(["sync", "--dry-run", "-ojson"]).on(&tenant);
    let dry_run = dry_run.arg(&directory).run();
    for text in [list.stdout, dry_run.stdout] {
        assert!(text.contains(r"/p\u202egnp.exe\u009b"), "{text}");
        assert!(!text.contains(['\u{202e}', '\u{9b}']), "{text}");
    }
    assert!(!status.contains('\u{202e}'), "{status}");
    served.end();
}
