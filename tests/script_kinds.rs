//! `script`: every platform in every situation, and scripts that contain secrets.

use std::path::Path;
use std::time::Duration;

use integrationd::simulator::{
    LoggedRequest, ScriptForm, SimulatedDrift, SimulatedStatus, SimulatorOptions,
};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::common::{Files, Integrationd, Ran, Tenant};
use crate::stub::Stub;

/// A secret that stands nowhere else.
const PASSWORD: &str = "s3cr3t-of-the-kinds-Wq52";

/// A text that only the script contains.
const CANARY: &str = "c4n4ry-in-the-script-Xy93";

/// A platform with scripts, as API.md section 3 has it.
struct Case {
    wire: &'static str,
    config: &'static str,
    /// A value of `config` that can be edited, and another one.
    edit: [&'static str; 2],
    creation: &'static [&'static str],
    cleanup: &'static [&'static str],
}

const CASES: [Case; 5] = [
    Case {
        wire: "Snowflake",
        config: "  host: one.example.com\n  warehouse: W1\n  database: IMMUTA\n  \
                 authenticationType: userPassword\n  username: immuta\n  password: SECRET\n  \
                 role: ACCOUNTADMIN\n",
        edit: ["W1", "W2"],
        creation: &["create"],
        cleanup: &["cleanup"],
    },
    Case {
        wire: "Databricks",
        config: "  workspaceUrl: one.example.com\n  httpPath: /w1\n  authenticationType: token\n  \
                 token: SECRET\n",
        edit: ["/w1", "/w2"],
        creation: &["create"],
        cleanup: &["cleanup"],
    },
    Case {
        wire: "Redshift",
        config: "  host: one.example.com\n  database: immuta\n  initialDatabase: w1\n  \
                 authenticationType: userPassword\n  username: immuta\n  password: SECRET\n",
        edit: ["w1", "w2"],
        creation: &["initial-create", "create"],
        cleanup: &["cleanup"],
    },
    Case {
        wire: "Azure Synapse Analytics",
        config: "  host: one.example.com\n  database: analytics\n  schema: w1\n  \
                 username: immuta\n  password: SECRET\n",
        edit: ["w1", "w2"],
        creation: &["initial-create", "create"],
        cleanup: &["cleanup", "post-cleanup"],
    },
    Case {
        wire: "Google BigQuery",
        config: "  role: immuta_role\n  datasetSuffix: _w1\n  credential: SECRET\n",
        edit: ["_w1", "_w2"],
        creation: &["create"],
        cleanup: &["cleanup"],
    },
];

impl Case {
    fn text(&self) -> String {
        let config = self.config.replace("SECRET", "${env:KIND_SECRET}");
        format!(
            "type: {}\nautoBootstrap: false\nconfig:\n{config}",
            self.wire
        )
    }

    /// A value that the platform takes: a key file is JSON.
    fn secret(&self) -> String {
        if self.wire == "Google BigQuery" {
            json!({ "private_key": PASSWORD }).to_string()
        } else {
            PASSWORD.to_owned()
        }
    }
}

struct World {
    case: &'static Case,
    tenant: Tenant,
    files: Files,
    state: TempDir,
}

impl World {
    fn new(case: &'static Case, form: ScriptForm) -> Self {
        Self {
            case,
            tenant: Tenant::with(SimulatorOptions {
                settle: Duration::from_millis(20),
                scripts: form,
                ..SimulatorOptions::default()
            }),
            files: Files::none().with("one.yaml", &case.text()),
            state: TempDir::new().unwrap(),
        }
    }

    fn applied(case: &'static Case) -> Self {
        let world = Self::new(case, ScriptForm::Text);
        let run = world.command("sync").arg("--yes").arg(world.files.path());
        run.run().exits_with(0);
        world
    }

    fn command(&self, command: &str) -> Integrationd {
        let run = Integrationd::new([command, "--state"]).arg(self.state.path());
        run.env("KIND_SECRET", &self.case.secret()).on(&self.tenant)
    }

    /// The body of the write that a sync sends now.
    fn applied_body(&self) -> Json {
        self.tenant.simulator.clear_log();
        let run = self.command("sync").arg("--yes").arg(self.files.path());
        run.run().exits_with(0);
        self.tenant.written().remove(0)
    }

    /// Fetches these scripts, the first of them without `--kind`, and returns the requests.
    #[track_caller]
    fn fetches(&self, kinds: &[&str], last: &str) -> Vec<LoggedRequest> {
        self.tenant.simulator.clear_log();
        for (index, kind) in kinds.iter().enumerate() {
            let run = self.command("script").arg("one");
            let run = run.arg("--dir").arg(self.files.path());
            let run = if index == 0 {
                run
            } else {
                run.arg("--kind").arg(kind)
            };
            let ran = run.run().exits_with(0);
            let wire = self.case.wire;
            let script = format!(
                "-- Immuta: {kind} script for {wire}.\n\
                 -- Made by the simulator; it does nothing.\nSELECT 1;\n"
            );
            assert_eq!(ran.stdout, script);
            let start = format!("{kind} script of one: run it ");
            assert!(ran.stderr.starts_with(&start), "{}", ran.stderr);
            let next = kinds.get(index + 1).map_or_else(
                || format!("then run `integrationd {last}"),
                |next| format!("then run `integrationd script one --kind {next}`"),
            );
            assert!(ran.stderr.contains(&next), "{wire}: {}", ran.stderr);
        }
        let asked = self.tenant.simulator.log().into_iter();
        let asked: Vec<_> = asked.filter(|it| it.path.contains("/scripts/")).collect();
        assert_eq!(asked.len(), kinds.len());
        asked
    }
}

/// The method, path and body of each request.
fn sent(requests: &[LoggedRequest]) -> Vec<(String, String, Option<Json>)> {
    let parts = requests
        .iter()
        .map(|it| (it.method.to_string(), it.path.clone(), it.body.clone()));
    parts.collect()
}

fn without_id(kinds: &[&str], body: &Json) -> Vec<(String, String, Option<Json>)> {
    let request = |kind: &&str| {
        let path = format!("/integrations/scripts/{kind}");
        ("POST".to_owned(), path, Some(body.clone()))
    };
    kinds.iter().map(request).collect()
}

#[test]
fn new_integration_gets_its_scripts_in_order_and_all_forms() {
    for case in &CASES {
        let expected = World::applied(case).tenant.written().remove(0);
        for form in [ScriptForm::Text, ScriptForm::String, ScriptForm::Object] {
            let world = World::new(case, form);
            let asked = world.fetches(case.creation, "sync`");
            assert_eq!(sent(&asked), without_id(case.creation, &expected));
        }
        let password = expected["config"].to_string();
        assert!(password.contains(PASSWORD), "{}", case.wire);
    }
}

#[test]
fn changed_integration_gets_the_script_of_an_edit() {
    for case in &CASES {
        let world = World::applied(case);
        let [from, to] = case.edit;
        world.files.change("one.yaml", from, to);
        let asked = world.fetches(&["edit"], "sync`");
        let body = world.applied_body();
        assert!(body.to_string().contains(to), "{body}");
        let path = "/integrations/1/scripts/edit".to_owned();
        assert_eq!(sent(&asked), [("POST".to_owned(), path, Some(body))]);
    }
}

#[test]
fn every_failed_creation_gets_the_scripts_of_a_cleanup() {
    for case in &CASES {
        let world = World::applied(case);
        let drift = SimulatedDrift::status(1, SimulatedStatus::CreateError);
        world.tenant.simulator.drift(drift).unwrap();
        let kinds = [case.cleanup, case.creation].concat();
        let asked = world.fetches(&kinds, "sync`");
        let body = world.applied_body();
        assert_eq!(sent(&asked), without_id(&kinds, &body));
    }
}

#[test]
fn removed_file_gets_the_script_of_a_deletion() {
    for case in &CASES {
        let world = World::applied(case);
        std::fs::remove_file(world.files.path().join("one.yaml")).unwrap();
        world.files.write("other.yaml", "type: Trino\n");
        let asked = world.fetches(&["delete"], "sync --policy sync`");
        let path = "/integrations/1/scripts/delete".to_owned();
        assert_eq!(sent(&asked), [("POST".to_owned(), path, None)]);
    }
}

#[test]
fn integration_in_sync_gets_no_script_and_no_file() {
    for case in &CASES {
        let world = World::applied(case);
        let out = world.state.path().join("one.sql");
        let run = world.command("script").arg("one").arg("--out").arg(&out);
        let ran = run.arg("--dir").arg(world.files.path()).run().exits_with(0);
        assert_eq!(ran.stdout, "");
        assert_eq!(ran.stderr, "one matches its file and needs no script\n");
        assert!(!out.exists());
        let asked = world.tenant.requests().into_iter();
        assert_eq!(asked.filter(|it| it.contains("/scripts/")).count(), 0);
    }
}

/// An empty tenant whose scripts are these.
fn tenant_with_script(code: u16, script: &str) -> Stub {
    let script = script.to_owned();
    Stub::start(move |line| match line {
        "POST /bim/apikey/authenticate" => (200, "{\"token\": \"t0ken-of-the-kinds\"}".to_owned()),
        "GET /integrations" => (200, "[]".to_owned()),
        line if line.contains("/scripts/") => (code, script.clone()),
        _ => {
            let absent = json!({"statusCode": 404, "error": "Not Found", "message": "Not Found"});
            (404, absent.to_string())
        }
    })
}

/// Runs `script` at trace level; nothing but the result may contain a secret.
#[track_caller]
fn traced(stub: &Stub, out: &str, code: i32) -> Ran {
    let state = TempDir::new().unwrap();
    let files = Files::none().with("one.yaml", &CASES[1].text());
    let run = Integrationd::new(["script", "one", "--log-level", "trace", "--state"]);
    let run = run.arg(state.path()).arg("--dir").arg(files.path());
    let run = run.arg("--out").arg(out).env("KIND_SECRET", PASSWORD);
    let ran = run.at(&stub.url).run().exits_with(code);
    assert!(ran.stderr.contains("url.template"), "{}", ran.stderr);
    is_silent(&ran.stderr);
    has_no_secret(state.path());
    ran
}

#[track_caller]
fn is_silent(text: &str) {
    for secret in [CANARY, PASSWORD] {
        assert!(!text.contains(secret), "{text}");
    }
}

fn has_no_secret(directory: &Path) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            has_no_secret(&path);
        } else {
            is_silent(&String::from_utf8_lossy(&std::fs::read(&path).unwrap()));
        }
    }
}

#[test]
fn script_with_secrets_is_the_result_and_nothing_else() {
    let script = format!("CREATE USER x PASSWORD '{PASSWORD}'; -- {CANARY} \u{1b}[1m\r\n");
    let forms = [
        script.clone(),
        json!(script).to_string(),
        json!({ "script": script }).to_string(),
    ];
    for answer in forms {
        let stub = tenant_with_script(200, &answer);
        assert_eq!(traced(&stub, "-", 0).stdout, script);
        let place = TempDir::new().unwrap();
        let out = place.path().join("one.sql");
        assert_eq!(traced(&stub, out.to_str().unwrap(), 0).stdout, "");
        assert_eq!(std::fs::read_to_string(&out).unwrap(), script);
    }
}

#[test]
fn answer_that_is_no_script_is_not_repeated_or_written() {
    let text = format!("{CANARY} {PASSWORD}");
    for (code, answer) in [
        (200, json!([text]).to_string()),
        (200, json!({"a": text, "b": text}).to_string()),
        (200, json!({"script": {"text": text}}).to_string()),
        (200, format!("{{\"script\": \"{text}")),
        (200, format!("\"{text}")),
        (200, format!("<html>{text}")),
        (206, text.clone()),
    ] {
        let place = TempDir::new().unwrap();
        let out = place.path().join("one.sql");
        let stub = tenant_with_script(code, &answer);
        let ran = traced(&stub, out.to_str().unwrap(), 1);
        let operation = "POST /integrations/scripts/create";
        assert!(ran.stderr.contains(operation), "{}", ran.stderr);
        assert!(!out.exists(), "{answer}");
    }
}
