//! `export --update`: drift that is accepted in the files.

use integrationd::simulator::{SimulatedDrift, SimulatorOptions};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::common::{Files, Integrationd, Ran, Tenant};

const LAKE: &str = "# The lake.\ntype: Databricks\nautoBootstrap: false\nconfig:\n  \
    workspaceUrl: lake.example.com\n  httpPath: '/one'  # the warehouse\n  \
    token: ${env:LAKE_TOKEN}\n  workspaceIds: [\"1\"]\n";

/// Files that are in sync with the tenant, and the ledger.
struct World {
    tenant: Tenant,
    files: Files,
    state: TempDir,
}

impl World {
    fn of(text: &str) -> Self {
        let world = Self {
            tenant: Tenant::empty(),
            files: Files::none().with("lake.yaml", text),
            state: TempDir::new().unwrap(),
        };
        world.run(&["sync", "--yes"]).exits_with(0);
        world
    }

    fn run(&self, args: &[&str]) -> Ran {
        let [command, args @ ..] = args else {
            panic!("no command");
        };
        let run = Integrationd::new([command, "--state"]).arg(self.state.path());
        let run = run.env("LAKE_TOKEN", "token-of-the-lake");
        let run = args.iter().fold(run, Integrationd::arg);
        run.on(&self.tenant).with(&self.files).run()
    }

    fn update(&self, args: &[&str]) -> Ran {
        self.run(&[&["export", "--update", "lake"], args].concat())
    }

    fn drifts(&self, path: &str, value: Json) {
        let drift = SimulatedDrift::value(1, path, value);
        self.tenant.simulator.drift(drift).unwrap();
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.files.path().join("lake.yaml")).unwrap()
    }

    #[track_caller]
    fn plans_to_nothing(&self) {
        self.run(&["sync", "--dry-run", "--detailed-exitcode"])
            .exits_with(0);
    }
}

#[test]
fn value_that_the_server_changed_is_written_into_the_file() {
    let world = World::of(LAKE);
    world.drifts("/httpPath", json!("/two"));
    world.drifts("/workspaceIds", json!(["1", "2"]));
    let before = world.tenant.writes().len();
    let ran = world.update(&[]).exits_with(0);
    let expected = LAKE
        .replace("'/one'", "'/two'")
        .replace("[\"1\"]", "[\"1\", \"2\"]");
    assert_eq!(world.text(), expected);
    for line in [
        "-  httpPath: '/one'  # the warehouse",
        "+  httpPath: '/two'  # the warehouse",
    ] {
        assert!(
            ran.stdout.lines().any(|shown| shown == line),
            "{}",
            ran.stdout
        );
    }
    assert!(ran.stdout.ends_with("Updated 1 file.\n"), "{}", ran.stdout);
    assert_eq!(world.tenant.writes().len(), before);
    world.plans_to_nothing();
}

#[test]
fn without_drift_no_file_is_written() {
    let world = World::of(LAKE);
    let path = world.files.path().join("lake.yaml");
    let modified = || std::fs::metadata(&path).unwrap().modified().unwrap();
    let before = modified();
    let ran = world.update(&[]).exits_with(0);
    assert_eq!(
        ran.stdout,
        "lake: the server changed nothing.\nUpdated 0 files.\n"
    );
    assert_eq!(modified(), before);
}

#[test]
fn change_of_the_file_stays_in_the_file() {
    let world = World::of(LAKE);
    world.drifts("/httpPath", json!("/two"));
    world.files.change("lake.yaml", "[\"1\"]", "[\"3\"]");
    world.update(&[]).exits_with(0);
    let expected = LAKE.replace("/one", "/two").replace("[\"1\"]", "[\"3\"]");
    assert_eq!(world.text(), expected);
}

#[test]
fn value_that_both_sides_changed_is_named_and_kept() {
    let world = World::of(LAKE);
    world.drifts("/httpPath", json!("/two"));
    world.files.change("lake.yaml", "/one", "/three");
    let ran = world.update(&[]).exits_with(1);
    assert_eq!(world.text(), LAKE.replace("/one", "/three"));
    let line = "lake: `httpPath` was not updated: the file has also changed";
    assert!(ran.stdout.contains(line), "{}", ran.stdout);
}

#[test]
fn variable_in_the_place_is_named_and_kept() {
    let text = LAKE.replace("'/one'", "${var:PATH}");
    let world = World {
        tenant: Tenant::empty(),
        files: Files::none().with("lake.yaml", &text),
        state: TempDir::new().unwrap(),
    };
    world
        .run(&["sync", "--yes", "--var=PATH=/one"])
        .exits_with(0);
    world.drifts("/httpPath", json!("/two"));
    let ran = world.update(&["--var=PATH=/one"]).exits_with(1);
    assert_eq!(world.text(), text);
    let line = "lake: `httpPath` was not updated: the value in the file contains a variable";
    assert!(ran.stdout.contains(line), "{}", ran.stdout);
}

#[test]
fn text_in_the_form_of_a_reference_is_written_as_text() {
    let world = World::of(LAKE);
    world.drifts("/httpPath", json!("/${env:HOME}"));
    world.update(&[]).exits_with(0);
    assert_eq!(world.text(), LAKE.replace("/one", "/$${env:HOME}"));
    world.plans_to_nothing();
}

#[test]
fn dry_run_shows_the_difference_alone() {
    let world = World::of(LAKE);
    world.drifts("/httpPath", json!("/two"));
    let ran = world.update(&["--dry-run"]).exits_with(0);
    assert_eq!(world.text(), LAKE);
    assert!(
        ran.stdout.contains("\n+  httpPath: '/two'"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.ends_with("Would update 1 file.\n"),
        "{}",
        ran.stdout
    );
}

#[test]
fn document_names_every_attribute() {
    let world = World::of(LAKE);
    world.drifts("/httpPath", json!("/two"));
    let json = world.update(&["-o", "json"]).exits_with(0).json();
    let update = &json["updates"][0];
    assert_eq!(update["name"], "lake");
    assert_eq!(update["file"], "lake.yaml");
    assert_eq!(update["updated"][0]["path"], "httpPath");
    assert_eq!(json["exit_code"], 0);
}

#[test]
fn secret_in_the_file_is_not_in_the_difference() {
    let text = LAKE.replace("${env:LAKE_TOKEN}", "dapi-s3cr3t-0123456789");
    let world = World::of(&text);
    world.drifts("/httpPath", json!("/two"));
    let ran = world.update(&[]).exits_with(0);
    assert_eq!(world.text(), text.replace("/one", "/two"));
    assert!(ran.stdout.contains("\n   token: "), "{}", ran.stdout);
    assert!(!ran.all().contains("s3cr3t"), "{}", ran.all());
}

#[test]
fn difference_of_an_unknown_attribute_is_named() {
    let text = format!("{LAKE}sync:\n  extra: {{novel: 1}}\n");
    let world = World {
        tenant: Tenant::with(SimulatorOptions {
            also_known: [("Databricks".to_owned(), vec!["config.novel".to_owned()])].into(),
            ..SimulatorOptions::default()
        }),
        files: Files::none().with("lake.yaml", &text),
        state: TempDir::new().unwrap(),
    };
    world.run(&["sync", "--yes"]).exits_with(0);
    world.update(&[]).exits_with(0);
    world.drifts("/novel", json!(2));
    let ran = world.update(&[]).exits_with(1);
    let line = "lake: `novel` was not updated: this version does not know the attribute";
    assert!(ran.stdout.contains(line), "{}", ran.stdout);
    assert_eq!(world.text(), text);
}

#[test]
fn only_secrets_are_masked_in_the_difference() {
    for (auto, drifted, value, expected) in [
        (false, "/username", "someone", "+  username: someone"),
        (true, "/initialDatabase", "prod", "   username: setup"),
    ] {
        let text = format!(
            "type: Redshift\nautoBootstrap: {auto}\nconfig:\n  host: r.example.com\n  database: im\n  \
             initialDatabase: dev\n  authenticationType: userPassword\n  username: setup\n  \
             password: dapi-s3cr3t-0123456789\n"
        );
        let world = World::of(&text);
        world.drifts(drifted, json!(value));
        let ran = world.update(&["--dry-run"]).exits_with(0);
        for line in [expected, "   authenticationType: userPassword"] {
            let mut lines = ran.stdout.lines();
            assert!(lines.any(|shown| shown == line), "{}", ran.stdout);
        }
        assert!(!ran.all().contains("s3cr3t"), "{}", ran.all());
    }
}

#[test]
fn value_that_makes_a_file_invalid_is_named_with_its_file() {
    let world = World::of(LAKE);
    let sea = LAKE.replace("lake.example", "sea.example");
    std::fs::write(world.files.path().join("sea.yaml"), sea).unwrap();
    world.run(&["sync", "--yes"]).exits_with(0);
    world.drifts("/httpPath", json!("/two"));
    let drift = SimulatedDrift::value(2, "/httpPath", Json::Null);
    world.tenant.simulator.drift(drift).unwrap();
    let ran = world.update(&["--update", "sea"]).exits_with(1);
    let told = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        told.contains("the file of sea cannot be updated: the edited file would be invalid: E0306"),
        "{told}"
    );
    assert_eq!(world.text(), LAKE);
}

#[test]
fn one_of_two_documents_is_updated() {
    let text = format!("type: Trino\nsync: {{name: cluster}}\n---\n{LAKE}sync: {{name: lake}}\n");
    let world = World::of(&text);
    let id = world.tenant.id_of("Databricks");
    let drift = SimulatedDrift::value(id, "/httpPath", json!("/two"));
    world.tenant.simulator.drift(drift).unwrap();
    world.update(&[]).exits_with(0);
    assert_eq!(world.text(), text.replace("/one", "/two"));
}

#[test]
fn unknown_name_is_an_error_with_a_suggestion() {
    let world = World::of(LAKE);
    let ran = world.run(&["export", "--update", "lakes"]).exits_with(64);
    assert!(
        ran.stderr.contains("no valid file describes lakes"),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains("did you mean `lake`?"),
        "{}",
        ran.stderr
    );
    assert_eq!(world.text(), LAKE);
}

#[test]
fn invalid_file_is_not_updated() {
    let world = World::of(LAKE);
    world.drifts("/httpPath", json!("/two"));
    world.files.change("lake.yaml", "httpPath", "httpPaht");
    let before = world.text();
    let ran = world.update(&[]).exits_with(65);
    assert!(
        ran.stderr.contains("lake.yaml is invalid"),
        "{}",
        ran.stderr
    );
    assert_eq!(world.text(), before);
}

#[test]
fn attribute_that_a_file_cannot_do_without_is_named() {
    let world = World::of(LAKE);
    world.drifts("/workspaceIds", json!(["2"]));
    world.drifts("/httpPath", Json::Null);
    let ran = world.update(&[]).exits_with(1);
    assert!(
        ran.stderr.contains("missing attribute `httpPath`"),
        "{}",
        ran.stderr
    );
    assert_eq!(world.text(), LAKE);
}

#[test]
fn file_without_a_live_integration_is_not_updated() {
    let world = World::of(LAKE);
    world
        .tenant
        .simulator
        .drift(SimulatedDrift::remove(1))
        .unwrap();
    let ran = world.update(&[]).exits_with(1);
    assert!(
        ran.stderr.contains("no live integration is known for lake"),
        "{}",
        ran.stderr
    );
    assert_eq!(world.text(), LAKE);
}

const PATTERN: &str = "type: Snowflake\nautoBootstrap: false\nconfig:\n  host: a.example.com\n  \
    warehouse: WH\n  database: IMMUTA\n  userRolePattern:  # all of it\n    exclude: ^SYS\n";

#[test]
fn only_value_of_an_optional_object_is_removed_with_it() {
    let world = World::of(PATTERN);
    world.drifts("/userRolePattern", Json::Null);
    let ran = world.update(&[]).exits_with(0);
    let expected = PATTERN.replace("  userRolePattern:  # all of it\n    exclude: ^SYS\n", "");
    assert_eq!(world.text(), expected, "{}", ran.all());
    world.plans_to_nothing();
}
