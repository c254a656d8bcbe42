//! Notifications of the daemon as a process: to a receiver that takes them, one that
//! fails, and one that hangs.

use std::path::PathBuf;
use std::sync::mpsc;

use hmac::{Hmac, Mac};
use http::Method;
use integrationd::simulator::{FailedTest, Fault, FaultKind, SimulatedDrift};
use serde_json::{Value, json};
use sha2::Sha256;
use tempfile::TempDir;

use crate::common::{Files, Integrationd, Running, Tenant, eventually, lake};
use crate::stub::Stub;
use crate::web::Served;

/// In the path of the webhook: anyone who has it can write there.
const KEY: &str = "s3cr3t-of-the-webhook-Wm4t";

const SIGNING: &str = "s3cr3t-that-signs-Jc6r";

struct World {
    tenant: Tenant,
    files: Files,
    own: TempDir,
}

impl World {
    fn new() -> Self {
        let own = TempDir::new().unwrap();
        std::fs::write(own.path().join("signing"), format!("{SIGNING}\n")).unwrap();
        Self {
            tenant: Tenant::empty(),
            files: Files::none().with("lake.yaml", &lake("lake", "${env:LAKE_TOKEN}")),
            own,
        }
    }

    fn own(&self, name: &str) -> PathBuf {
        self.own.path().join(name)
    }

    fn notifying(&self, url: &str) -> Integrationd {
        std::fs::write(self.own("url"), format!("{url}\n")).unwrap();
        let arg = |flag: &str, name: &str| format!("--{flag}={}", self.own(name).display());
        let run = Integrationd::new(["daemon", "--debounce=50ms", "--listen=127.0.0.1:0"])
            .arg(arg("state", "state"))
            .arg(arg("notify-url-file", "url"))
            .arg(arg("notify-secret-file", "signing"));
        run.on(&self.tenant)
            .with(&self.files)
            .env("LAKE_TOKEN", "token-of-the-lake")
            .env("INTEGRATIOND_LOG_LEVEL", "trace")
    }

    fn daemon(&self, stub: &Stub, args: &[&str]) -> Running {
        let run = self.notifying(&format!("{}/hook?key={KEY}", stub.url));
        let daemon = args.iter().fold(run, Integrationd::arg).start();
        eventually("the first write", || self.tenant.writes().len() == 1);
        daemon.prints("1 applied, 0 failed");
        daemon
    }

    /// From now on, every change of it fails.
    fn fails(&self) {
        let failed = FailedTest {
            test: "Some test".into(),
            message: "no".into(),
        };
        let fault = Fault::new(FaultKind::EditError(failed)).on(&Method::PUT, "/integrations/1");
        self.tenant.simulator.fault(fault.always());
        self.files.change("lake.yaml", "/p", "/two");
    }

    fn writes_come_to(&self, n: usize) {
        eventually("the writes", || self.tenant.writes().len() >= n);
    }
}

fn ends(daemon: Running) -> String {
    daemon.signal("TERM");
    let printed = daemon.wait().exits_with(0).all();
    assert!(
        !printed.contains(KEY) && !printed.contains(SIGNING),
        "{printed}"
    );
    printed
}

fn body(stub: &Stub, n: usize) -> Value {
    serde_json::from_str(&stub.requests()[n].body).unwrap()
}

#[test]
fn failure_and_recovery_are_sent_once_each_and_signed() {
    let world = World::new();
    let stub = Stub::start(|_| (204, String::new()));
    let daemon = world.daemon(&stub, &[]);
    world.fails();
    eventually("the failure", || stub.requests().len() == 1);
    for n in 3..6 {
        // A manual trigger ends its pause: it is retried, and fails again.
        daemon.signal("HUP");
        world.writes_come_to(n);
        eventually("the end of the run", || {
            daemon.printed().matches("0 applied, 1 failed").count() >= n - 1
        });
    }
    world.tenant.simulator.clear_faults();
    daemon.signal("HUP");
    eventually("the recovery", || stub.requests().len() >= 2);
    daemon.signal("HUP");
    daemon.prints("1 unchanged");
    ends(daemon);

    let requests = stub.requests();
    assert_eq!(requests.len(), 2);
    for request in &requests {
        assert_eq!(request.line, format!("POST /hook?key={KEY}"));
        let mut mac = Hmac::<Sha256>::new_from_slice(SIGNING.as_bytes()).unwrap();
        mac.update(request.body.as_bytes());
        let mac = mac.finalize().into_bytes();
        let hex: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
        let header = request.header("X-Integrationd-Signature-256");
        assert_eq!(header, Some(&*format!("sha256={hex}")));
        assert!(!request.body.contains("token-of-the-lake"));
    }
    let (failed, recovered) = (
        &body(&stub, 0)["notifications"],
        &body(&stub, 1)["notifications"],
    );
    assert_eq!(failed[0]["kind"], "Failed");
    assert_eq!(failed[0]["integration"], "lake");
    assert_eq!(failed[0]["reason"], "WriteFailed");
    assert!(failed.to_string().contains("Some test: no"), "{failed}");
    assert_eq!(recovered[0]["kind"], "Recovered");
    assert_eq!(recovered.as_array().unwrap().len(), 1, "{recovered}");
}

#[test]
fn busy_receiver_gets_the_message_again_and_a_redirect_does_not() {
    let world = World::new();
    let (codes, answers) = mpsc::channel();
    for code in [503, 429, 200, 307] {
        codes.send(code).unwrap();
    }
    let stub = Stub::start(move |_| (answers.recv().unwrap_or(500), String::new()));
    let served = Served::of(world.daemon(&stub, &["--notify-format=slack"]));
    world.fails();
    eventually("three attempts", || stub.requests().len() == 3);
    assert_eq!(body(&stub, 0), body(&stub, 2));
    let text = body(&stub, 0)["text"].as_str().unwrap().to_owned();
    assert!(
        text.contains("\nFailed: lake (Databricks), WriteFailed: "),
        "{text}"
    );
    let counts = |success: u64, failure: u64| {
        let count = |result: &str, n: u64| {
            format!("integrationd_notifications_total{{result=\"{result}\"}} {n}\n")
        };
        eventually("the counts", || {
            let metrics = served.get("/metrics").body;
            metrics.contains(&count("success", success))
                && metrics.contains(&count("failure", failure))
                && metrics.contains(&count("dropped", 0))
        });
    };
    counts(1, 0);
    world.tenant.simulator.clear_faults();
    served.daemon.signal("HUP");
    served
        .daemon
        .prints("the receiver responded with status 307");
    counts(1, 1);
    ends(served.daemon);
    assert_eq!(stub.requests().len(), 4);
}

#[test]
fn a_receiver_that_hangs_holds_up_neither_a_run_nor_the_end() {
    let world = World::new();
    let (asked, is_asked) = mpsc::channel();
    let (held, never) = mpsc::channel::<()>();
    let stub = Stub::start(move |_| {
        // The test may be over.
        let _ = asked.send(());
        let _ = never.recv();
        (200, String::new())
    });
    let daemon = world.daemon(&stub, &[]);
    world.fails();
    is_asked.recv().unwrap();
    world.tenant.simulator.clear_faults();
    world.files.change("lake.yaml", "/two", "/three");
    eventually("a run", || {
        daemon.printed().matches("1 applied, 0 failed").count() == 2
    });
    assert_eq!(world.tenant.writes().len(), 3);
    let printed = ends(daemon);
    let told = "exiting before all notifications were sent";
    assert!(printed.contains(told), "{printed}");
    drop(held);
}

#[test]
fn no_integration_file_reads_the_url_or_the_secret() {
    let world = World::new();
    let stub = Stub::start(|_| (200, String::new()));
    for (host, name) in [("a", "url"), ("b", "signing")] {
        let reference = format!("${{file:{}}}", world.own(name).display());
        let file = format!("{host}.yaml");
        world.files.write(&file, &lake(host, &reference));
    }
    let root = format!("--secret-root={}", world.own.path().display());
    let daemon = world.daemon(&stub, &[&root]);
    eventually("the news", || stub.requests().len() == 1);
    ends(daemon);
    let news = body(&stub, 0)["notifications"].clone();
    let told: Vec<_> = news
        .as_array()
        .unwrap()
        .iter()
        .map(|n| json!([n["integration"], n["reason"]]))
        .collect();
    let expected = ["a", "b"].map(|name| json!([name, "InvalidFile"]));
    assert_eq!(told, expected);
    let text = news.to_string();
    let refusals = text.matches("the file has errors").count();
    assert_eq!(refusals, 2, "{text}");
    assert_eq!(world.tenant.writes().len(), 1);
}

#[test]
fn unusable_url_is_refused_at_the_start_and_not_repeated() {
    let world = World::new();
    for url in [
        "",
        &format!("http://example.com/{KEY}"),
        &format!("hooks/{KEY}"),
    ] {
        let ran = world.notifying(url).run().exits_with(78);
        assert!(ran.stderr.contains("notification"), "{url}");
        assert!(!ran.all().contains(KEY), "{}", ran.all());
    }
}

#[test]
fn drift_and_values_not_kept_are_reported_once_each() {
    let world = World::new();
    let stub = Stub::start(|_| (204, String::new()));
    let daemon = world.daemon(&stub, &["--interval=1s"]);
    let told = |n: usize, kind: &str, reason: &str| {
        eventually("the notification", || stub.requests().len() == n);
        let told = body(&stub, n - 1)["notifications"].clone();
        let one = |key: &str| told[0][key].as_str().unwrap_or_default().to_owned();
        assert_eq!(one("kind"), kind, "{told}");
        assert_eq!(one("integration"), "lake", "{told}");
        assert!(told.to_string().contains(reason), "{told}");
        assert_eq!(told.as_array().unwrap().len(), 1, "{told}");
    };
    let drift = SimulatedDrift::value(1, "/httpPath", json!("/by-hand"));
    world.tenant.simulator.drift(drift).unwrap();
    told(1, "Drift", "httpPath");
    let kept = FaultKind::Rewrite {
        path: "/httpPath".into(),
        value: json!("/as-the-server-likes"),
    };
    world.tenant.simulator.fault(Fault::new(kept).always());
    world.files.change("lake.yaml", "/p", "/two");
    told(2, "NotConverging", "httpPath");
    // Further runs report nothing new.
    let runs = || daemon.printed().matches("1 blocked").count();
    let before = runs();
    eventually("some runs", || runs() >= before + 2);
    assert_eq!(stub.requests().len(), 2);
    ends(daemon);
}
