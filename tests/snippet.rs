//! `snippet`: the configuration of a cluster that asks Immuta itself.

use std::os::unix::fs::PermissionsExt;

use http::Method;
use integrationd::simulator::{ConnectionsApi, FaultKind, SimulatedConnection, SimulatorOptions};
use serde_json::json;
use tempfile::TempDir;

use crate::common::{Files, Integrationd, Ran, Tenant};
use crate::stub::Stub;

struct World {
    tenant: Tenant,
    files: Files,
    place: TempDir,
}

impl World {
    /// A cluster that is in sync.
    fn new() -> Self {
        let world = Self {
            tenant: Tenant::empty(),
            files: Files::none().with("cluster.yaml", "type: Trino\n"),
            place: TempDir::new().unwrap(),
        };
        let run = world.command(&["sync", "--yes"]).arg(world.files.path());
        run.run().exits_with(0);
        world.tenant.simulator.clear_log();
        world
    }

    fn command(&self, args: &[&str]) -> Integrationd {
        let [command, args @ ..] = args else {
            panic!("no command");
        };
        let run = Integrationd::new([command, "--state"]).arg(self.place.path().join("state"));
        args.iter().fold(run, Integrationd::arg).on(&self.tenant)
    }

    fn snippet(&self, args: &[&str]) -> Ran {
        let args = [&["snippet", "cluster"], args].concat();
        let run = self.command(&args).arg("--dir").arg(self.files.path());
        run.run()
    }

    /// The key, as the snippet on standard output has it.
    fn key(&self) -> String {
        let ran = self.snippet(&["--out", "-"]).exits_with(0);
        let line = ran
            .stdout
            .lines()
            .find(|line| line.starts_with("immuta.apikey="));
        line.unwrap()
            .trim_start_matches("immuta.apikey=")
            .to_owned()
    }

    /// A run that must not make a new key.
    #[track_caller]
    fn keeps_its_key(&self, message: &str) {
        let ran = self.snippet(&["--regenerate", "--yes", "--out", "-"]);
        let ran = ran.exits_with(1);
        assert!(ran.stderr.contains(message), "{}", ran.stderr);
        assert_eq!(ran.stdout, "");
        assert_eq!(self.regenerations(), 0);
    }

    fn regenerations(&self) -> usize {
        let requests = self.tenant.requests();
        let asked = requests
            .iter()
            .filter(|it| *it == "POST /integrations/1/regenerate");
        asked.count()
    }
}

#[test]
fn snippet_has_the_endpoint_and_the_key() {
    let world = World::new();
    let key = world.key();
    assert!(key.len() > 8, "{key}");
    let ran = world.snippet(&["--out", "-"]).exits_with(0);
    let expected =
        format!("access-control.name=immuta\nimmuta.endpoint=[TENANT]\nimmuta.apikey={key}\n");
    assert_eq!(ran.stdout, expected);
    let next = "put the snippet into immuta-access-control.properties of the cluster, then restart \
                the cluster\n";
    assert_eq!(ran.stderr, next);
    assert_eq!(world.tenant.writes(), [""; 0]);
}

#[test]
fn snippet_is_written_to_a_new_file_for_its_owner() {
    let world = World::new();
    let path = world.place.path().join("cluster.properties");
    let out = path.to_str().unwrap();
    let ran = world.snippet(&["--out", out]).exits_with(0);
    assert_eq!(ran.stdout, "");
    assert!(
        std::fs::read_to_string(&path)
            .unwrap()
            .contains(&world.key())
    );
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn place_of_the_snippet_is_checked_before_a_new_key_is_made() {
    let world = World::new();
    let before = world.key();
    let path = world.place.path().join("cluster.properties");
    std::fs::write(&path, "theirs").unwrap();
    let args = ["--regenerate", "--yes", "--out", path.to_str().unwrap()];
    let ran = world.snippet(&args).exits_with(1);
    assert!(ran.stderr.contains("already exists"), "{}", ran.stderr);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "theirs");
    assert_eq!(world.regenerations(), 0);
    assert_eq!(world.key(), before);
    world.snippet(&["--regenerate", "--yes"]).exits_with(64);
    let ran = world.snippet(&["--out", "/no/such/file"]).exits_with(1);
    assert!(
        ran.stderr.contains("cannot write /no/such/file"),
        "{}",
        ran.stderr
    );
}

#[test]
fn new_key_is_made_once_and_only_if_approved() {
    let world = World::new();
    let before = world.key();
    let ran = world.snippet(&["--regenerate", "--out", "-"]).exits_with(4);
    assert!(
        ran.stderr.contains("a new key was not approved"),
        "{}",
        ran.stderr
    );
    assert_eq!(ran.stdout, "");
    assert_eq!(world.regenerations(), 0);
    let ran = world
        .snippet(&["--regenerate", "--yes", "--out", "-"])
        .exits_with(0);
    assert_eq!(world.regenerations(), 1);
    assert!(!ran.stdout.contains(&before), "{}", ran.stdout);
    assert!(ran.stdout.contains(&world.key()), "{}", ran.stdout);
    assert!(
        ran.stderr.contains("the old one no longer works"),
        "{}",
        ran.stderr
    );
}

#[test]
fn lost_response_to_a_new_key_is_settled_by_a_read() {
    let world = World::new();
    let before = world.key();
    let path = "/integrations/1/regenerate";
    let lost = FaultKind::ServerError {
        code: 502,
        after_effect: true,
    };
    world.tenant.fails_once(&Method::POST, path, lost);
    let args = ["--regenerate", "--yes", "--out", "-"];
    let ran = world.snippet(&args).exits_with(0);
    assert_eq!(world.regenerations(), 1);
    assert!(!ran.stdout.contains(&before), "{}", ran.stdout);
    let unknown = FaultKind::ServerError {
        code: 502,
        after_effect: false,
    };
    world.tenant.fails_once(&Method::POST, path, unknown);
    let ran = world.snippet(&args).exits_with(1);
    assert!(
        ran.stderr
            .contains("cannot determine whether a new key was made"),
        "{}",
        ran.stderr
    );
    assert_eq!(ran.stdout, "");
    assert_eq!(world.regenerations(), 2);
}

#[test]
fn suspended_integration_keeps_its_key() {
    let world = World::new();
    let run = world.command(&["suspend", "cluster", "--reason", "freeze"]);
    run.run().exits_with(0);
    world.keeps_its_key("writes to cluster are suspended");
    assert!(world.key().len() > 8);
    let world = World::new();
    let text = "type: Trino\nsync:\n  suspend: {reason: freeze}\n";
    world.files.write("cluster.yaml", text);
    world.keeps_its_key("writes to cluster are suspended");
}

#[test]
fn key_of_a_connection_is_not_replaced() {
    for (api, message) in [
        (ConnectionsApi::Works, "belongs to connection sales"),
        (ConnectionsApi::Forbidden, "--connections none"),
    ] {
        let world = World::new();
        let simulator = &world.tenant.simulator;
        simulator.set_options(SimulatorOptions {
            connections: api,
            ..simulator.options()
        });
        simulator.connect(SimulatedConnection::new("sales", "Trino", Some(1)));
        world.keeps_its_key(message);
    }
}

#[test]
fn hidden_key_is_neither_written_nor_replaced() {
    let world = World::new();
    let simulator = &world.tenant.simulator;
    let mask = json!({"path": "immutaApiKey", "kind": "string", "list": false, "detail": true,
        "is_added": false, "changes": false, "text": "[REDACTED]"});
    let mut options = simulator.options();
    let masks = vec![serde_json::from_value(mask).unwrap()];
    options.presented.insert("Trino".to_owned(), masks);
    simulator.set_options(options);
    let message = "the server does not show the API key";
    world.keeps_its_key(message);
    let ran = world.snippet(&["--out", "-"]).exits_with(1);
    assert!(ran.stderr.contains(message), "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
}

#[test]
fn unchanged_key_is_not_called_new() {
    let world = World::new();
    let path = "/integrations/1/regenerate";
    let kind = FaultKind::Html {
        after_effect: false,
    };
    world.tenant.fails_once(&Method::POST, path, kind);
    let args = ["--regenerate", "--yes", "--out", "-"];
    let ran = world.snippet(&args).exits_with(1);
    let words = "cannot determine whether a new key was made";
    assert!(ran.stderr.contains(words), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("stops working immediately"),
        "{}",
        ran.stderr
    );
    assert_eq!(ran.stdout, "");
    assert_eq!(world.regenerations(), 1);
}

#[test]
fn integration_without_a_snippet_is_a_clear_error() {
    let world = World::new();
    let s3 = "type: Native S3\nautoBootstrap: false\nconfig:\n  name: lake\n  \
        awsAccountId: \"012345678901\"\n  awsRegion: us-east-1\n  awsLocationPath: s3://lake/\n  \
        awsLocationRole: arn:aws:iam::012345678901:role/r\n  authenticationType: auto\n";
    world.files.write("lake.yaml", s3);
    let place = world.place.path().join("lake.properties");
    let failing = |name: &str, message: &str| {
        let run = world.command(&["snippet", name, "--out"]).arg(&place);
        let ran = run.arg("--dir").arg(world.files.path()).run().exits_with(1);
        assert!(ran.stderr.contains(message), "{}", ran.stderr);
        assert!(!place.exists());
    };
    failing("lake", "Amazon S3 has no configuration snippet");
    failing("clusters", "did you mean `cluster`?");
    let drift = integrationd::simulator::SimulatedDrift::remove(1);
    world.tenant.simulator.drift(drift).unwrap();
    failing("cluster", "no live integration matches cluster");
}

#[test]
fn invalid_file_is_named_and_gets_no_snippet() {
    let world = World::new();
    world.files.write("cluster.yaml", "type: Trino\nsinc: {}\n");
    let ran = world.snippet(&["--out", "-"]).exits_with(65);
    assert_eq!(ran.stdout, "");
    for words in [
        "error[E",
        "the file of cluster has errors",
        "fix the errors in the file",
    ] {
        assert!(ran.stderr.contains(words), "{}", ran.stderr);
    }
}

#[test]
fn key_is_in_no_log() {
    let world = World::new();
    let key = world.key();
    let path = world.place.path().join("cluster.properties");
    let args = ["--log-level", "trace", "--out", path.to_str().unwrap()];
    let ran = world.snippet(&args).exits_with(0);
    assert!(ran.stderr.contains("/integrations/{id}"), "{}", ran.stderr);
    assert!(!ran.all().contains(&key), "{}", ran.all());
    let database = world.place.path().join("state");
    let copied = std::process::Command::new("grep")
        .args(["-r", "-a", "-l", &key])
        .arg(database)
        .output()
        .unwrap();
    assert_eq!(copied.stdout, b"");
}

#[test]
fn snippet_of_an_uncertain_cluster_says_what_a_sync_says() {
    let world = World::new();
    world
        .files
        .write("cluster.yaml", "type: Trino\nsync: {id: \"9\"}\n");
    let reason = "`sync.id` is 9, but no integration has that id";
    let run = world
        .command(&["sync", "--dry-run"])
        .arg(world.files.path());
    let plan = run.run().stdout;
    assert!(plan.contains(reason), "{plan}");
    let ran = world.snippet(&["--out", "-"]).exits_with(1);
    assert!(ran.stderr.contains(reason), "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
    world.keeps_its_key(reason);
    assert_eq!(world.tenant.writes(), [""; 0]);
}

#[test]
fn key_of_another_integration_is_no_key() {
    let listed = json!({"id": 1, "type": "Trino", "status": "enabled", "config": {}});
    let other = json!({"id": "99", "type": "Trino", "status": "enabled",
        "config": {"immutaApiKey": "k3y-of-another-cluster"}});
    let stub = Stub::start(move |line| match line {
        "POST /bim/apikey/authenticate" => (200, "{\"token\": \"t0ken\"}".to_owned()),
        "GET /integrations" => (200, json!([listed]).to_string()),
        "GET /integrations/1" => (200, other.to_string()),
        _ => (404, "{}".to_owned()),
    });
    let files = Files::none().with("cluster.yaml", "type: Trino\n");
    let state = TempDir::new().unwrap();
    for args in [&[][..], &["--regenerate", "--yes"]] {
        let run = Integrationd::new(["snippet", "cluster", "--connections", "none", "--out", "-"]);
        let run = args.iter().fold(run, Integrationd::arg);
        let run = run.arg("--state").arg(state.path()).arg("--dir");
        let ran = run.arg(files.path()).at(&stub.url).run().exits_with(1);
        let reason = "the response is about a different integration";
        assert!(ran.stderr.contains(reason), "{}", ran.stderr);
        assert_eq!(ran.stdout, "");
    }
    assert!(!stub.lines().iter().any(|it| it.ends_with("/regenerate")));
}

/// A server that still shows the old key after it made a new one.
fn tenant_with_old_key(answer: &str) -> Stub {
    let answer = answer.to_owned();
    let shown = json!({"id": 1, "type": "Trino", "status": "enabled",
        "config": {"immutaApiKey": "0ld-key-of-the-cluster"}});
    Stub::start(move |line| match line {
        "POST /bim/apikey/authenticate" => (200, "{\"token\": \"t0ken\"}".to_owned()),
        "POST /integrations/1/regenerate" => (200, answer.clone()),
        "GET /integrations" => (200, json!([shown]).to_string()),
        "GET /integrations/1" => (200, shown.to_string()),
        _ => (404, "{}".to_owned()),
    })
}

#[test]
fn new_key_in_the_answer_is_used_although_a_read_shows_the_old() {
    let key = "n3w-key-of-the-cluster";
    for (answer, code) in [
        (json!({"immutaApiKey": key}), 0),
        (json!({"id": "1", "immutaApiKey": key}), 0),
        (json!({"id": 99, "immutaApiKey": key}), 1),
        (json!({"config": {"immutaApiKey": key}}), 0),
        (json!({"immutaApiKey": "0ld-key-of-the-cluster"}), 1),
        (json!({"immutaApiKey": "[REDACTED]"}), 1),
        (json!({}), 1),
    ] {
        let stub = tenant_with_old_key(&answer.to_string());
        let files = Files::none().with("cluster.yaml", "type: Trino\n");
        let state = TempDir::new().unwrap();
        let run = Integrationd::new(["snippet", "cluster", "--regenerate", "--yes"]);
        let run = run.arg("--out").arg("-").arg("--connections").arg("none");
        let run = run.arg("--state").arg(state.path());
        let run = run.arg("--dir").arg(files.path()).at(&stub.url);
        let ran = run.run().exits_with(code);
        assert_eq!(ran.stdout.contains(key), code == 0, "{}", ran.all());
        assert!(!ran.stderr.contains(key), "{}", ran.stderr);
        let lines = stub.lines();
        let made = lines.iter().filter(|it| it.ends_with("/regenerate"));
        assert_eq!(made.count(), 1);
    }
}
