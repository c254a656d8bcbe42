//! `script`: the scripts of a manual set-up.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use http::Method;
use integrationd::simulator::{FaultKind, LoggedRequest, SimulatedDrift};
use serde_json::Value as Json;
use tempfile::TempDir;

use crate::common::{Files, Integrationd, Ran, Tenant, eventually};

/// A secret that stands nowhere else.
const PASSWORD: &str = "s3cr3t-of-the-scripts-Kd81";

fn by_host(wire: &str, auto: bool) -> String {
    format!(
        "type: {wire}\nautoBootstrap: {auto}\nconfig:\n  host: one.example.com\n  \
         database: immuta\n  initialDatabase: dev\n  authenticationType: userPassword\n  \
         username: immuta\n  password: ${{env:SCRIPT_PASSWORD}}\n"
    )
}

const LAKE: &str = "type: Databricks\nautoBootstrap: false\nconfig:\n  \
    workspaceUrl: lake.example.com\n  httpPath: /one\n  authenticationType: token\n  \
    token: ${env:SCRIPT_PASSWORD}\n";

const SYNAPSE: &str = "type: Azure Synapse Analytics\nautoBootstrap: false\nconfig:\n  \
    host: one.example.com\n  database: analytics\n  schema: immuta\n  username: immuta\n  \
    password: ${env:SCRIPT_PASSWORD}\n";

struct World {
    tenant: Tenant,
    files: Files,
    state: TempDir,
}

impl World {
    /// A file that was never applied.
    fn new(text: &str) -> Self {
        Self {
            tenant: Tenant::empty(),
            files: Files::none().with("one.yaml", text),
            state: TempDir::new().unwrap(),
        }
    }

    fn applied(text: &str) -> Self {
        let world = Self::new(text);
        let ran = world.command(&["sync", "--yes"]).arg(world.files.path());
        ran.run().exits_with(0);
        world
    }

    fn command(&self, args: &[&str]) -> Integrationd {
        let [command, args @ ..] = args else {
            panic!("no command");
        };
        let run = Integrationd::new([command, "--state"]).arg(self.state.path());
        let run = args.iter().fold(run, Integrationd::arg);
        run.env("SCRIPT_PASSWORD", PASSWORD).on(&self.tenant)
    }

    fn script(&self, args: &[&str]) -> Ran {
        let args = [&["script", "one"], args].concat();
        let run = self.command(&args).arg("--dir").arg(self.files.path());
        run.run()
    }

    /// The requests for scripts.
    fn asked(&self) -> Vec<String> {
        let requests = self.tenant.requests();
        let scripts = requests.into_iter().filter(|it| it.contains("/scripts/"));
        scripts.collect()
    }

    /// The body of the last request for a script.
    fn body(&self) -> Option<Json> {
        let log = self.tenant.simulator.log();
        let asked = |entry: &&LoggedRequest| entry.path.contains("/scripts/");
        let asked = log.iter().rev().find(asked).unwrap();
        asked.body.clone()
    }
}

#[test]
fn first_of_two_scripts_names_the_second() {
    let world = World::new(&by_host("Redshift", false));
    let ran = world.script(&[]).exits_with(0);
    let script = "-- Immuta: initial-create script for Redshift.\n\
                  -- Made by the simulator; it does nothing.\nSELECT 1;\n";
    assert_eq!(ran.stdout, script);
    let expected = "initial-create script of one: run it in the Redshift cluster, as a superuser\n\
                    then run `integrationd script one --kind create`\n";
    assert_eq!(ran.stderr, expected);
    assert_eq!(world.asked(), ["POST /integrations/scripts/initial-create"]);
    let body = world.body().unwrap();
    assert_eq!(body["type"], "Redshift");
    assert_eq!(body["autoBootstrap"], false);
    assert_eq!(body["config"]["password"], PASSWORD);
    let ran = world.script(&["--kind", "create"]).exits_with(0);
    assert!(
        ran.stderr.ends_with("then run `integrationd sync`\n"),
        "{}",
        ran.stderr
    );
    assert_eq!(world.tenant.writes(), world.asked());
}

#[test]
fn script_fits_the_situation() {
    let world = World::applied(LAKE);
    let ran = world.script(&[]).exits_with(0);
    assert_eq!(ran.stdout, "");
    assert_eq!(ran.stderr, "one matches its file and needs no script\n");
    assert_eq!(world.asked(), [""; 0]);
    world.files.change("one.yaml", "/one", "/two");
    world.script(&[]).exits_with(0);
    assert_eq!(world.asked(), ["POST /integrations/1/scripts/edit"]);
    let body = world.body().unwrap();
    assert_eq!(body["config"]["httpPath"], "/two");
}

#[test]
fn failed_creation_is_cleaned_up_in_two_steps() {
    let world = World::applied(SYNAPSE);
    let drift = SimulatedDrift::status(1, "createError".into());
    world.tenant.simulator.drift(drift).unwrap();
    let ran = world.script(&[]).exits_with(0);
    let next = "then run `integrationd script one --kind post-cleanup`\n";
    assert!(ran.stderr.ends_with(next), "{}", ran.stderr);
    world.script(&["--kind", "post-cleanup"]).exits_with(0);
    let asked = [
        "POST /integrations/scripts/cleanup",
        "POST /integrations/scripts/post-cleanup",
    ];
    assert_eq!(world.asked(), asked);
}

#[test]
fn script_of_a_deletion_outlives_the_file() {
    let world = World::applied(LAKE);
    std::fs::remove_file(world.files.path().join("one.yaml")).unwrap();
    world.files.write("other.yaml", "type: Trino\n");
    let ran = world.script(&[]).exits_with(0);
    assert_eq!(world.asked(), ["POST /integrations/1/scripts/delete"]);
    assert_eq!(world.body(), None);
    assert!(ran.stderr.contains("sync --policy sync"), "{}", ran.stderr);
}

#[test]
fn file_with_errors_may_be_that_of_what_seems_gone() {
    for broken in ["type: [", "type: Databricks\nautoBootstrap: maybe\n"] {
        let world = World::applied(LAKE);
        std::fs::remove_file(world.files.path().join("one.yaml")).unwrap();
        world.files.write("moved.yaml", broken);
        let ran = world.script(&[]).exits_with(65);
        assert!(
            ran.stderr.contains("may describe the integration"),
            "{}",
            ran.stderr
        );
        assert_eq!(ran.stdout, "");
        assert_eq!(world.asked(), [""; 0]);
        world.script(&["--kind", "delete"]).exits_with(0);
    }
}

#[test]
fn invalid_file_has_no_script_but_that_of_a_deletion() {
    let world = World::applied(LAKE);
    world.files.change("one.yaml", "httpPath", "htpPath");
    let delete = "use `--kind delete`";
    for (args, offers_delete) in [
        (&[][..], true),
        (&["--kind", "create"], false),
        (&["--kind", "edit"], false),
        (&["--kind", "cleanup"], false),
    ] {
        let ran = world.script(args).exits_with(65);
        let said = ran.stderr.replace("\n    ", " ");
        assert!(
            said.contains("one is blocked: the file has errors"),
            "{said}"
        );
        assert!(said.contains("fix the errors in the file"), "{said}");
        assert_eq!(said.contains(delete), offers_delete, "{args:?}: {said}");
        assert_eq!(ran.stdout, "");
    }
    assert_eq!(world.asked(), [""; 0]);
    world.script(&["--kind", "delete"]).exits_with(0);
}

#[test]
fn empty_directory_offers_no_deletion() {
    let world = World::applied(LAKE);
    std::fs::remove_file(world.files.path().join("one.yaml")).unwrap();
    let ran = world.script(&[]).exits_with(1);
    assert!(
        ran.stderr.contains("the files describe no integrations"),
        "{}",
        ran.stderr
    );
    assert_eq!(world.asked(), [""; 0]);
    world.script(&["--kind", "delete"]).exits_with(0);
    assert_eq!(world.asked(), ["POST /integrations/1/scripts/delete"]);
}

#[track_caller]
fn refused(text: &str, args: &[&str], code: i32, message: &str) {
    let world = World::new(text);
    let ran = world.script(args).exits_with(code);
    assert!(ran.stderr.contains(message), "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
    assert_eq!(world.asked(), [""; 0]);
}

#[test]
fn script_that_does_not_exist_is_a_clear_error() {
    let automatic = by_host("Redshift", true);
    refused(&automatic, &[], 1, "one is set up automatically");
    let s3 = "type: Native S3\nautoBootstrap: false\nconfig:\n  name: lake\n  \
        awsAccountId: \"012345678901\"\n  awsRegion: us-east-1\n  awsLocationPath: s3://lake/\n  \
        awsLocationRole: arn:aws:iam::012345678901:role/r\n  authenticationType: auto\n";
    refused(s3, &[], 1, "Amazon S3 has no scripts");
    refused("type: Trino\n", &[], 1, "has no scripts");
    refused("type: Trino\n", &[], 1, "run `integrationd snippet one`");
    refused(LAKE, &["--kind", "upgrade"], 64, "invalid value 'upgrade'");
    refused(
        LAKE,
        &["--kind", "post-cleanup"],
        1,
        "no post-cleanup script",
    );
    refused(
        LAKE,
        &["--kind", "post-cleanup"],
        1,
        "give one of these kinds with `--kind`: create, edit, cleanup, delete",
    );
    refused(
        LAKE,
        &["--kind", "edit"],
        1,
        "one does not exist in the tenant",
    );
    refused("type: Databricks\n", &[], 65, "error[E");
}

#[test]
fn unknown_name_is_suggested() {
    let world = World::new(LAKE);
    let run = world.command(&["script", "onne", "--dir"]);
    let ran = run.arg(world.files.path()).run().exits_with(1);
    assert!(ran.stderr.contains("did you mean `one`?"), "{}", ran.stderr);
}

#[test]
fn script_without_its_secret_is_not_asked_for() {
    let world = World::new(LAKE);
    let run = world.command(&["script", "one", "--dir"]);
    let run = run.arg(world.files.path()).without_env("SCRIPT_PASSWORD");
    let ran = run.run().exits_with(1);
    assert!(
        ran.stderr.contains("cannot resolve a secret of one"),
        "{}",
        ran.stderr
    );
    assert_eq!(world.asked(), [""; 0]);
}

#[test]
fn script_is_written_to_a_new_file_for_its_owner() {
    let world = World::new(LAKE);
    let path = world.state.path().join("lake.sql");
    let out = path.to_str().unwrap();
    let ran = world.script(&["--out", out]).exits_with(0);
    assert_eq!(ran.stdout, "");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("-- Immuta: create script"), "{text}");
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    std::fs::write(&path, "theirs").unwrap();
    let ran = world.script(&["--out", out]).exits_with(1);
    assert!(
        ran.stderr.contains("lake.sql already exists"),
        "{}",
        ran.stderr
    );
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "theirs");
    let ran = world.script(&["--out", "/no/such/lake.sql"]).exits_with(1);
    assert!(
        ran.stderr.contains("cannot write /no/such/lake.sql"),
        "{}",
        ran.stderr
    );
}

#[test]
fn script_and_its_secrets_are_in_no_log() {
    let world = World::new(LAKE);
    let out = world.state.path().join("lake.sql");
    let args = ["--log-level", "trace", "--out", out.to_str().unwrap()];
    let ran = world.script(&args).exits_with(0);
    assert!(
        ran.stderr.contains("/integrations/scripts/create"),
        "{}",
        ran.stderr
    );
    for secret in [PASSWORD, "Made by the simulator"] {
        assert!(!ran.all().contains(secret), "{}", ran.all());
    }
    for entry in std::fs::read_dir(world.state.path()).unwrap() {
        is_without(&entry.unwrap().path(), &out);
    }
}

fn is_without(path: &Path, script: &Path) {
    if path.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            is_without(&entry.unwrap().path(), script);
        }
    } else if path != script {
        let bytes = std::fs::read(path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(PASSWORD), "{path:?}");
        assert!(!text.contains("Made by the simulator"), "{path:?}");
    }
}

#[test]
fn request_for_a_script_that_fails_is_named() {
    let world = World::new(LAKE);
    let kind = FaultKind::ServerError {
        code: 400,
        after_effect: false,
    };
    let path = "/integrations/scripts/create";
    world.tenant.fails_once(&Method::POST, path, kind);
    let ran = world.script(&[]).exits_with(1);
    assert!(
        ran.stderr.contains("POST /integrations/scripts/create"),
        "{}",
        ran.stderr
    );
    assert_eq!(ran.stdout, "");
}

#[test]
fn plan_names_the_scripts_that_are_needed_first() {
    let world = World::new(&by_host("Redshift", false));
    world
        .files
        .write("automatic.yaml", &LAKE.replace("false", "true"));
    let plan = |args: &[&str]| {
        let args = [&["sync", "--dry-run"], args].concat();
        world
            .command(&args)
            .arg(world.files.path())
            .run()
            .exits_with(0)
    };
    let text = plan(&[]).stdout;
    let line = "      before this, run the scripts of: integrationd script one\n";
    assert_eq!(text.matches("before this, run the").count(), 1, "{text}");
    assert!(text.contains(line), "{text}");
    let json = plan(&["-o", "json"]).json();
    let expected = serde_json::json!([{
        "integration": "one",
        "kinds": ["initial-create", "create"],
        "command": "integrationd script one",
    }]);
    assert_eq!(json["scripts"], expected);
}

#[test]
fn plan_without_an_action_names_no_script() {
    let world = World::applied(LAKE);
    let run = world.command(&["sync", "--dry-run", "-o", "json"]);
    let json = run.arg(world.files.path()).run().exits_with(0).json();
    assert_eq!(json["scripts"], serde_json::json!([]));
}

#[test]
fn secret_that_may_not_go_to_the_host_is_in_no_request() {
    let world = World::new(LAKE);
    let bound = "--allow-secret=env:SCRIPT_PASSWORD=Databricks@other.example.com";
    for kind in [&[][..], &["--kind", "create"], &["--kind", "edit"]] {
        let ran = world.script(&[&[bound], kind].concat());
        assert_ne!(ran.code, 0, "{}", ran.all());
        assert!(ran.stderr.contains("error[E0404]"), "{}", ran.stderr);
        assert_eq!(ran.stdout, "");
    }
    assert_eq!(world.asked(), [""; 0]);
}

#[test]
fn killed_command_does_not_block_the_next_try() {
    let world = World::new(LAKE);
    let kind = FaultKind::DelayAfter { ms: 60_000 };
    let path = "/integrations/scripts/create";
    world.tenant.fails_once(&Method::POST, path, kind);
    let out = world.state.path().join("lake.sql");
    let run = world.command(&["script", "one", "--dir"]);
    let run = run.arg(world.files.path()).arg("--out").arg(&out);
    let mut running = run.start();
    eventually("the script is asked for", || !world.asked().is_empty());
    running.kill();
    assert!(!out.exists());
    let args = ["--out", out.to_str().unwrap()];
    world.script(&args).exits_with(0);
    let text = std::fs::read_to_string(&out).unwrap();
    assert!(text.starts_with("-- Immuta: create script"), "{text}");
}
