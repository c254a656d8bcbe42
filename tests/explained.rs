//! `explain NAME`: everything about one integration.

use std::collections::BTreeMap;
use std::path::Path;

use http::Method;
use integrationd::simulator::{Breakage, FaultKind, Seed, SimulatedDrift};
use regex::Regex;
use serde_json::json;
use tempfile::TempDir;

use crate::common::{Files, Integrationd, Ran, Tenant, eventually};
use crate::support::repository::Repository;
use crate::web::Served;

/// A secret that stands nowhere else.
const TOKEN: &str = "s3cr3t-of-explain-Wq72";

const LAKE: &str = "type: Databricks\nautoBootstrap: false\nconfig:\n  \
    workspaceUrl: lake.example.com\n  httpPath: /one\n  authenticationType: token\n  \
    token: ${env:LAKE_TOKEN}\n";

struct World {
    tenant: Tenant,
    files: Files,
    state: TempDir,
}

impl World {
    /// Files that were never applied.
    fn new() -> Self {
        Self {
            tenant: Tenant::empty(),
            files: Files::none()
                .with("lake.yaml", LAKE)
                .with("trino.yaml", "type: Trino\n"),
            state: TempDir::new().unwrap(),
        }
    }

    fn in_sync() -> Self {
        let world = Self::new();
        world.sync(&[]).exits_with(0);
        world.tenant.simulator.clear_log();
        world
    }

    fn command(&self, args: &[&str]) -> Integrationd {
        let (command, args) = args.split_first().unwrap();
        let run = Integrationd::new([command, "--state"]).arg(self.state.path());
        let run = args.iter().fold(run, Integrationd::arg);
        run.env("LAKE_TOKEN", TOKEN).on(&self.tenant)
    }

    fn sync(&self, args: &[&str]) -> Ran {
        let args = [&["sync", "--yes", "--parallelism", "1"], args].concat();
        self.command(&args).with(&self.files).run()
    }

    /// Runs `explain`, which only reads and leaves the ledger as it is.
    #[track_caller]
    fn ran(&self, args: &[&str]) -> Ran {
        self.tenant.simulator.clear_log();
        let before = contents(self.state.path());
        let args = [&["explain"], args, &["--dir"]].concat();
        let ran = self.command(&args).with(&self.files).run();
        assert!(!ran.all().contains(TOKEN), "{}", ran.all());
        assert_eq!(contents(self.state.path()), before);
        for request in self.tenant.requests() {
            let is_read = request.starts_with("GET ") || request == "POST /data/object/search";
            assert!(is_read, "{request}");
        }
        ran
    }

    /// The text of an explanation, without times.
    #[track_caller]
    fn explain(&self, args: &[&str]) -> String {
        without_times(&self.ran(args).exits_with(0).stdout)
    }

    /// The last line of an explanation.
    #[track_caller]
    fn next(&self, args: &[&str]) -> String {
        let text = self.explain(args);
        text.lines().last().unwrap().to_owned()
    }

    fn drift(&self, path: &str, value: &str) {
        let drift = SimulatedDrift::value(1, path, json!(value));
        self.tenant.simulator.drift(drift).unwrap();
    }

    fn remove(&self, file: &str) {
        std::fs::remove_file(self.files.path().join(file)).unwrap();
    }
}

fn without_times(text: &str) -> String {
    let times = Regex::new(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?Z").unwrap();
    times.replace_all(text, "[TIME]").into_owned()
}

/// Every file below a directory, but for those with which SQLite coordinates its readers.
fn contents(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(contents(&path));
        } else {
            all.insert(path.display().to_string(), std::fs::read(&path).unwrap());
        }
    }
    all
}

#[test]
fn integration_in_sync_needs_nothing() {
    let world = World::in_sync();
    insta::assert_snapshot!(world.explain(&["lake"]), @"
    lake (Databricks Unity Catalog)

    Described by:  [FILES]/lake.yaml:1
    Live:          id 1, status `enabled`, manual set-up
    Last applied:  [TIME] (create from [FILES])

    History:
      [TIME] ✓ create: enabled

    Next: The next sync does nothing because this integration matches its file.
    ");
}

#[test]
fn change_in_the_file_is_named() {
    let world = World::in_sync();
    world.files.change("lake.yaml", "/one", "/two");
    insta::assert_snapshot!(world.explain(&["lake"]), @r#"
    lake (Databricks Unity Catalog)

    Described by:  [FILES]/lake.yaml:1
    Live:          id 1, status `enabled`, manual set-up
    Last applied:  [TIME] (create from [FILES])

    Differences (live value -> value in the file):
      ~ httpPath = "/one" -> "/two"  # changed in the file

    History:
      [TIME] ✓ create: enabled

    Next: The next sync updates this integration, because the file changed httpPath.
    "#);
}

#[test]
fn drift_is_named() {
    let world = World::in_sync();
    world.drift("/httpPath", "/by-hand");
    insta::assert_snapshot!(world.explain(&["lake"]), @r#"
    lake (Databricks Unity Catalog)

    Described by:  [FILES]/lake.yaml:1
    Live:          id 1, status `enabled`, manual set-up
    Last applied:  [TIME] (create from [FILES])

    Differences (live value -> value in the file):
      ~ httpPath = "/by-hand" -> "/one"  # changed on the server

    History:
      [TIME] ✓ create: enabled

    Next: The next sync updates this integration, because the server changed httpPath.
    "#);
    let next = world.next(&["lake", "--on-drift", "report"]);
    assert_eq!(
        next,
        "Next: The next sync does nothing because the settings keep the server's changes."
    );
    let next = world.next(&["lake", "--on-drift", "ignore"]);
    assert_eq!(
        next,
        "Next: The next sync does nothing because the settings ignore the server's changes."
    );
    // The difference is shown all the same, and is no reason for an update.
    let kept = "~ httpPath = \"/by-hand\" -> \"/one\"  # changed on the server";
    for on_drift in ["report", "ignore"] {
        let text = world.explain(&["lake", "--on-drift", on_drift]);
        assert_eq!(text.matches(kept).count(), 1, "{text}");
    }
}

#[test]
fn conflict_is_named_and_may_block() {
    let world = World::in_sync();
    world.drift("/httpPath", "/by-hand");
    world.files.change("lake.yaml", "/one", "/two");
    insta::assert_snapshot!(world.next(&["lake"]), @"Next: The next sync updates this integration, because the file and the server both changed httpPath.");
    insta::assert_snapshot!(world.explain(&["lake", "--on-conflict", "stop"]), @r#"
    lake (Databricks Unity Catalog)

    Described by:  [FILES]/lake.yaml:1
    Live:          id 1, status `enabled`, manual set-up
    Last applied:  [TIME] (create from [FILES])
    Blocked:       the file and the server have both changed httpPath since the last apply (Conflict)
    Remedy:        compare both values, then change the file, or apply it with `--on-conflict apply`

    Differences (live value -> value in the file):
      ~ httpPath = "/by-hand" -> "/two"  # changed in the file and on the server

    History:
      [TIME] ✓ create: enabled

    Next: The next sync does nothing because this integration is blocked: the file and the server have both changed httpPath since the last apply.
    "#);
}

#[test]
fn rotated_secret_is_a_change_of_the_file() {
    let world = World::in_sync();
    let run = world.command(&["explain", "lake", "--dir"]);
    let run = run.arg(world.files.path()).env("LAKE_TOKEN", "another-one");
    let ran = run.run().exits_with(0);
    insta::assert_snapshot!(ran.stdout.lines().last().unwrap(), @"Next: The next sync updates this integration, because the file changed token.");
    assert!(!ran.all().contains("another-one"), "{}", ran.all());
}

#[test]
fn suspension_is_shown_with_its_end() {
    let world = World::in_sync();
    let args = [
        "suspend",
        "lake",
        "--reason",
        "migration",
        "--until",
        "2999-12-01",
    ];
    world.command(&args).run().exits_with(0);
    insta::assert_snapshot!(world.next(&["lake"]), @"Next: The next sync does nothing because this integration matches its file.");
    world.files.change("lake.yaml", "/one", "/two");
    insta::assert_snapshot!(world.explain(&["lake"]), @r#"
    lake (Databricks Unity Catalog)

    Described by:  [FILES]/lake.yaml:1
    Live:          id 1, status `enabled`, manual set-up
    Last applied:  [TIME] (create from [FILES])
    Suspended:     migration (until the end of 2999-12-01 UTC)

    Differences (live value -> value in the file):
      ~ httpPath = "/one" -> "/two"  # changed in the file

    History:
      [TIME] ✓ create: enabled

    Next: The next sync does nothing because this integration is suspended: migration (until the end of 2999-12-01 UTC); the update is pending.
    "#);
    let args = ["suspend", "--reason", "audit"];
    world.command(&args).run().exits_with(0);
    insta::assert_snapshot!(world.next(&["trino"]), @"Next: The next sync does nothing because this integration matches its file.");
}

#[test]
fn ignored_attributes_are_listed() {
    let world = World::in_sync();
    let ignored = "sync:\n  ignore:\n    - path: /httpPath\n      reason: the vendor sets it\n";
    world.files.write("lake.yaml", &format!("{LAKE}{ignored}"));
    world.drift("/httpPath", "/by-hand");
    insta::assert_snapshot!(world.explain(&["lake"]), @"
    lake (Databricks Unity Catalog)

    Described by:  [FILES]/lake.yaml:1
    Live:          id 1, status `enabled`, manual set-up
    Last applied:  [TIME] (create from [FILES])
    Ignored:       httpPath (the vendor sets it)

    History:
      [TIME] ✓ create: enabled

    Next: The next sync does nothing because this integration matches its file.
    ");
}

#[test]
fn withheld_change_names_the_policy() {
    let world = World::in_sync();
    world.files.change("lake.yaml", "/one", "/two");
    insta::assert_snapshot!(world.explain(&["lake", "--policy", "create-only"]), @r#"
    lake (Databricks Unity Catalog)

    Described by:  [FILES]/lake.yaml:1
    Live:          id 1, status `enabled`, manual set-up
    Last applied:  [TIME] (create from [FILES])
    Withheld:      by the policy `create-only`

    Differences (live value -> value in the file):
      ~ httpPath = "/one" -> "/two"  # changed in the file

    History:
      [TIME] ✓ create: enabled

    Next: The next sync does nothing because the policy `create-only` withholds the update.
    "#);
}

#[test]
fn new_file_is_created_next() {
    let world = World::new();
    insta::assert_snapshot!(world.explain(&["lake"]), @"
    lake (Databricks Unity Catalog)

    Described by:  [FILES]/lake.yaml:1
    Live:          no integration
    Last applied:  never

    Next: The next sync creates this integration, because no live integration matches the file.
    ");
}

#[test]
fn removed_file_is_explained_by_its_record() {
    let world = World::in_sync();
    world.remove("lake.yaml");
    insta::assert_snapshot!(world.explain(&["lake"]), @"
    lake (Databricks Unity Catalog)

    Described by:  no file
    Live:          id 1, status `enabled`, manual set-up
    Last applied:  [TIME] (create from [FILES])
    Withheld:      by the policy `upsert-only`

    History:
      [TIME] ✓ create: enabled

    Next: The next sync does nothing because no file describes this integration any longer, and the policy `upsert-only` deletes nothing.
    ");
    insta::assert_snapshot!(world.next(&["lake", "--policy", "sync"]), @"Next: The next sync deletes this integration, because no file describes it any longer.");
    world.sync(&["--policy", "sync"]).exits_with(0);
    insta::assert_snapshot!(world.explain(&["lake"]), @"
    lake (Databricks)

    Described by:  no file
    Live:          no integration
    Deleted:       [TIME] (id 1) by a run from [FILES]

    History:
      [TIME] ✓ delete: deleted
      [TIME] ✓ create: enabled

    Next: The next sync does nothing because integrationd deleted this integration, and no file describes it.
    ");
}

#[test]
fn invalid_file_is_shown_with_its_mistakes() {
    let world = World::in_sync();
    world.files.change("lake.yaml", "httpPath", "htpPath");
    world
        .files
        .write("trino.yaml", "type: Trino\nnonsense: 1\n");
    let ran = world.ran(&["lake"]).exits_with(0);
    insta::assert_snapshot!(without_times(&ran.stdout), @"
    lake (Databricks Unity Catalog)

    Described by:  [FILES]/lake.yaml:1
    Live:          id 1, status `enabled`, manual set-up
    Last applied:  [TIME] (create from [FILES])
    Blocked:       the file has errors (InvalidFile)
    Remedy:        fix the errors in the file; until then, integrationd does not write to the live integration

    [FILES]/lake.yaml:5:3: error[E0301]: unknown attribute `htpPath`
      |
    5 |   htpPath: …
      |   ^^^^^^^ not an attribute of Databricks Unity Catalog
      |
      = help: did you mean `httpPath`?
      = help: if a newer server supports this attribute, send it unchecked with `sync: {extra: {htpPath: …}}`

    History:
      [TIME] ✓ create: enabled

    Next: The next sync does nothing because this integration is blocked: the file has errors.
    ");
    assert_eq!(ran.stderr, "");
}

#[test]
fn mistakes_of_other_documents_are_not_shown() {
    let world = World::in_sync();
    let both = format!(
        "{LAKE}  nonsense: 1\nsync:\n  name: lake\n---\ntype: Trino\nnonsense: 1\nsync:\n  name: other\n"
    );
    world.files.write("lake.yaml", &both);
    let ran = world.ran(&["lake", "-o", "json"]).exits_with(0);
    let mistakes = |ran: &Ran| ran.json()["described"]["diagnostics"].clone();
    let of_lake = mistakes(&ran);
    assert_eq!(of_lake.as_array().unwrap().len(), 1, "{of_lake}");
    assert_eq!(of_lake[0]["code"], "E0301");
    let of_other = mistakes(&world.ran(&["other", "-o", "json"]).exits_with(0));
    assert_eq!(of_other.as_array().unwrap().len(), 1, "{of_other}");
    assert_eq!(of_other[0]["place"]["line"], 13);

    // A clash with another document is a mistake of both.
    world.files.write("lake.yaml", LAKE);
    world.files.write("twin.yaml", LAKE);
    let of_lake = mistakes(&world.ran(&["lake", "-o", "json"]).exits_with(0));
    assert_eq!(of_lake[0]["code"], "E0502", "{of_lake}");
}

#[test]
fn name_like_a_code_is_explained_if_a_file_has_it() {
    let world = World::in_sync();
    world.ran(&["E9999"]).exits_with(64);
    assert_eq!(world.tenant.requests(), Vec::<String>::new());
    let lake = LAKE.replace("lake.example.com", "other.example.com");
    world.files.write("E9999.yaml", &lake);
    let text = world.explain(&["E9999"]);
    assert!(
        text.starts_with("E9999 (Databricks Unity Catalog)\n"),
        "{text}"
    );
    world.sync(&[]).exits_with(0);
    world.remove("E9999.yaml");
    let text = world.explain(&["E9999"]);
    assert!(text.contains("Live:          id 3"), "{text}");
}

#[test]
fn deleted_integration_is_found_by_its_id() {
    let world = World::in_sync();
    world.remove("lake.yaml");
    world.sync(&["--policy", "sync"]).exits_with(0);
    insta::assert_snapshot!(world.explain(&["1"]));
    assert_eq!(world.explain(&["lake"]), world.explain(&["1"]));

    // Another integration has the name now.
    world.files.write("lake.yaml", LAKE);
    world.sync(&[]).exits_with(0);
    let text = world.explain(&["1"]);
    assert!(text.contains("Live:          id 3"), "{text}");
    assert!(text.contains("Deleted:       [TIME] (id 1)"), "{text}");
    assert!(text.contains("Last applied:  [TIME] (create"), "{text}");
    let text = world.explain(&["lake"]);
    assert!(!text.contains("Deleted:"), "{text}");
}

#[test]
fn integration_deleted_by_others_is_in_the_history() {
    let world = World::in_sync();
    world
        .tenant
        .simulator
        .drift(SimulatedDrift::remove(1))
        .unwrap();
    let text = world.explain(&["1"]);
    assert!(
        text.starts_with("lake (Databricks Unity Catalog)\n"),
        "{text}"
    );
    world.remove("lake.yaml");
    world.sync(&[]).exits_with(0);
    insta::assert_snapshot!(world.explain(&["1"]));
    assert_eq!(world.explain(&["lake"]), world.explain(&["1"]));
    world.ran(&["7"]).exits_with(64);
}

#[test]
fn integration_is_explained_without_an_api_key() {
    let world = World::in_sync();
    let offline = |args: &[&str]| {
        let run = Integrationd::new(["explain", "--state"]).arg(world.state.path());
        let run = args.iter().fold(run, Integrationd::arg);
        run.env("LAKE_TOKEN", TOKEN).arg("--dir").with(&world.files)
    };
    let ran = offline(&["lake"])
        .env("IMMUTA_URL", &world.tenant.url())
        .run();
    let ran = ran.exits_with(1);
    insta::assert_snapshot!(without_times(&ran.stdout));
    insta::assert_snapshot!(ran.stderr);
    let ran = offline(&["lake"]).run().exits_with(1);
    insta::assert_snapshot!(without_times(&ran.stdout));
    insta::assert_snapshot!(ran.stderr);
    let document = offline(&["lake", "-o", "json"]).run().exits_with(1).json();
    assert_eq!(document["tenant"], json!(null));
    assert_eq!(document["described"]["line"], 1);
    // A live integration may have the name.
    let ran = offline(&["elsewhere"]).run().exits_with(78);
    assert!(
        ran.stderr.contains("no tenant is configured"),
        "{}",
        ran.stderr
    );
    assert_eq!(ran.stdout, "");
    assert_eq!(world.tenant.requests(), Vec::<String>::new());
}

#[test]
fn unknown_name_is_wrong_usage_with_the_nearest() {
    let world = World::in_sync();
    let ran = world.ran(&["laek"]).exits_with(64);
    insta::assert_snapshot!(ran.stderr, @"
    error: no integration is named laek
     help: did you mean `lake`? run `integrationd list` to see the ids of live integrations, and `integrationd validate -o json` to see the names in the files
    ");
    let ran = world.ran(&["warehouse"]).exits_with(64);
    insta::assert_snapshot!(ran.stderr, @"
    error: no integration is named warehouse
     help: run `integrationd list` to see the ids of live integrations, and `integrationd validate -o json` to see the names in the files
    ");
    let ran = world.ran(&["\u{1b}[31m", "-o", "json"]).exits_with(64);
    assert_eq!(ran.json()["exit_code"], 64);
    assert!(!ran.all().contains('\u{1b}'), "{:?}", ran.all());
}

#[test]
fn unmanaged_integration_is_found_by_id_and_derived_name() {
    let world = World::in_sync();
    let config = json!({"workspaceUrl": "ui.example.com", "httpPath": "/ui"});
    let seed = Seed::new("Databricks", Some(false), Some(config));
    world.tenant.simulator.seed(seed);
    let by_id = world.explain(&["3"]);
    insta::assert_snapshot!(by_id, @"
    databricks-ui (Databricks Unity Catalog)

    Described by:  no file
    Live:          id 3, status `enabled`, manual set-up
    Last applied:  never

    Next: The next sync does nothing because no file describes this integration, so integrationd does not manage it; `integrationd export` writes a file for it.
    ");
    assert_eq!(world.explain(&["databricks-ui"]), by_id);
    assert_eq!(world.explain(&["1"]), world.explain(&["lake"]));
}

#[test]
fn rejected_write_shows_how_long_a_daemon_waits() {
    let world = World::in_sync();
    world.files.change("lake.yaml", "/one", "/two");
    let kind = FaultKind::ServerError {
        code: 400,
        after_effect: false,
    };
    world
        .tenant
        .fails_once(&Method::PUT, "/integrations/1", kind);
    world.sync(&[]).exits_with(1);
    insta::assert_snapshot!(world.explain(&["lake"]), @r#"
    lake (Databricks Unity Catalog)

    Described by:  [FILES]/lake.yaml:1
    Live:          id 1, status `enabled`, manual set-up
    Last applied:  [TIME] (create from [FILES])
    Backing off:   a daemon repeats the rejected write at [TIME]

    Differences (live value -> value in the file):
      ~ httpPath = "/one" -> "/two"  # changed in the file

    History:
      [TIME] ✗ update: PUT /integrations/1: 400 Bad Request: An internal server error occurred
      [TIME] ✓ create: enabled

    Next: The next sync updates this integration, because the file changed httpPath; a daemon waits until [TIME], because the server rejected the same write.
    "#);
}

#[test]
fn secret_of_another_integration_is_hidden() {
    let world = World::new();
    let other = LAKE.replace("lake.", "other.").replace("LAKE_", "OTHER_");
    world.files.write("other.yaml", &other);
    let secret = "s3cr3t-of-another-one-Hn31";
    let run = |args: &[&str]| world.command(args).env("OTHER_TOKEN", secret);
    let sync = run(&["sync", "--yes", "--parallelism", "1"]).with(&world.files);
    sync.run().exits_with(0);
    world.drift("/httpPath", secret);
    let ran = run(&["explain", "lake", "--dir"]).with(&world.files).run();
    let ran = ran.exits_with(0);
    assert!(!ran.all().contains(secret), "{}", ran.all());
    let warning = "the server has a secret in plain text in httpPath";
    assert!(ran.stdout.contains(warning), "{}", ran.stdout);
}

#[test]
fn incomplete_list_is_no_absence() {
    let world = World::in_sync();
    world.remove("lake.yaml");
    let kind = FaultKind::BrokenElement {
        index: 0,
        breakage: Breakage::NoStatus,
    };
    world.tenant.fails_once(&Method::GET, "/integrations", kind);
    let kind = FaultKind::ServerError {
        code: 403,
        after_effect: false,
    };
    let path = "/integrations/1";
    world.tenant.fails_once(&Method::GET, path, kind);
    insta::assert_snapshot!(world.explain(&["lake"]), @"
    lake (Databricks Unity Catalog)

    Described by:  no file
    Live:          unknown: element 1 of the list: `status` is not a non-empty string; integration 1 is not in the list, and reading it failed: GET /integrations/1: 403 Forbidden: An internal server error occurred
    Last applied:  [TIME] (create from [FILES])

    History:
      [TIME] ✓ create: enabled

    Next: The next sync does nothing because the tenant's list of integrations could not be read completely.
    ");
}

#[test]
fn missing_secret_is_a_reason() {
    let world = World::new();
    let run = world.command(&["explain", "lake", "--dir"]);
    let run = run.arg(world.files.path()).without_env("LAKE_TOKEN");
    let ran = run.run().exits_with(0);
    insta::assert_snapshot!(ran.stdout.lines().last().unwrap(), @"Next: The next sync does nothing because secrets that the creation needs are not available here; the creation is needed because no live integration matches the file.");
}

#[test]
fn unselected_integration_is_compared_all_the_same() {
    let world = World::in_sync();
    world.files.change("lake.yaml", "/one", "/two");
    let text = world.explain(&["lake", "--exclude", "lake"]);
    assert!(text.contains("# changed in the file"), "{text}");
    let next = "Next: The next sync does nothing because `--only` and `--exclude` do not select this \
                integration.\n";
    assert!(text.ends_with(next), "{text}");
}

#[test]
fn guard_that_refuses_the_plan_is_the_reason() {
    let world = World::in_sync();
    world.files.change("lake.yaml", "/one", "/two");
    insta::assert_snapshot!(world.next(&["lake", "--max-changes", "0"]), @"Next: The next sync does nothing because the guard refuses the whole plan: the plan changes 1 integration, but the limit is 0.");
}

#[test]
fn json_has_everything_for_programs() {
    let world = World::in_sync();
    world.drift("/httpPath", "/by-hand");
    let document = world.ran(&["lake", "-o", "json"]).exits_with(0).json();
    let keys: Vec<&String> = document.as_object().unwrap().keys().collect();
    insta::assert_snapshot!(format!("{keys:?}"), @r#"["format_version", "tenant", "name", "type", "described", "live", "recorded", "last_applied", "differences", "ignored", "suspended", "withheld", "blocked", "backing_off_until", "daemon", "notes", "history", "deleted", "unreadable", "next", "exit_code"]"#);
    let place = json!({
        "file": "[FILES]/lake.yaml",
        "line": 1,
        "revision": null,
        "valid": true,
        "protect": false,
        "diagnostics": [],
    });
    assert_eq!(document["described"], place);
    let difference = json!({
        "path": "httpPath",
        "kind": "drift",
        "before": "/by-hand",
        "after": "/one",
        "immutable": false,
        "changed_by": "server",
    });
    assert_eq!(document["differences"], json!([difference]));
    let next = json!({
        "action": "update",
        "sentence": "The next sync updates this integration, because the server changed httpPath.",
    });
    assert_eq!(document["next"], next);
    assert_eq!(document["last_applied"], document["history"][0]);
    assert_eq!(document["recorded"]["owned"], true);
    assert_eq!(document["live"]["id"], "1");
}

#[test]
fn json_shows_what_keeps_a_change_back() {
    let world = World::in_sync();
    world.drift("/httpPath", "/by-hand");
    world.files.change("lake.yaml", "/one", "/two");
    let json = |args: &[&str]| {
        let args = [&["lake", "-o", "json"], args].concat();
        world.ran(&args).exits_with(0).json()
    };
    let document = json(&["--on-conflict", "stop"]);
    assert_eq!(document["blocked"]["code"], "Conflict");
    assert_eq!(document["next"]["action"], "none");
    assert_eq!(json(&["--policy", "observe"])["withheld"], "observe");
    let args = [
        "suspend",
        "lake",
        "--reason",
        "audit",
        "--until",
        "2999-12-01",
    ];
    world.command(&args).run().exits_with(0);
    let suspended = json!({"reason": "audit", "until": "2999-12-01"});
    assert_eq!(json(&[])["suspended"], suspended);
}

#[test]
fn explanation_works_while_a_daemon_holds_the_ledger() {
    let world = World::in_sync();
    let daemon = world.command(&["daemon", "--listen", "127.0.0.1:0", "--log-level", "info"]);
    let daemon = daemon.with(&world.files).start();
    let daemon = Served::of(daemon);
    eventually("it is ready", || daemon.get("/readyz").code == 200);
    let run = world.command(&["explain", "lake", "--dir"]);
    let ran = run.with(&world.files).run().exits_with(0);
    let next = "Next: The next sync does nothing because this integration matches its file.\n";
    assert!(ran.stdout.ends_with(next), "{}", ran.all());
    daemon.end();
}

#[test]
fn unreadable_tenant_is_no_absence() {
    let world = World::in_sync();
    let kind = FaultKind::ServerError {
        code: 403,
        after_effect: false,
    };
    world.tenant.fails_once(&Method::GET, "/integrations", kind);
    let ran = world.ran(&["lake"]).exits_with(1);
    assert!(
        ran.stderr.contains("the tenant could not be read"),
        "{}",
        ran.stderr
    );
    insta::assert_snapshot!(without_times(&ran.stdout));
}

#[test]
fn name_that_only_the_tenant_may_know_is_no_mistake() {
    let world = World::in_sync();
    let kind = FaultKind::ServerError {
        code: 403,
        after_effect: false,
    };
    world.tenant.fails_once(&Method::GET, "/integrations", kind);
    let ran = world.ran(&["elsewhere"]).exits_with(1);
    assert!(ran.stderr.contains("/integrations"), "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
}

#[test]
fn revision_of_the_file_and_of_the_apply_is_shown() {
    let (tenant, state) = (Tenant::empty(), TempDir::new().unwrap());
    let repository = Repository::new();
    let first = repository.commit("files/lake.yaml", LAKE);
    let run = |args: &[&str]| {
        let (command, args) = args.split_first().unwrap();
        let run = Integrationd::new([*command, "--state"]).arg(state.path());
        let run = run
            .arg("--git-directory=files")
            .arg("--git")
            .arg(repository.path());
        let run = run.arg("--allow-secret=env:LAKE_TOKEN=Databricks@lake.example.com");
        let run = args.iter().fold(run, Integrationd::arg);
        run.env("LAKE_TOKEN", TOKEN).on(&tenant).run().exits_with(0)
    };
    run(&["sync", "--yes"]);
    let second = repository.commit("files/lake.yaml", LAKE.replace("/one", "/two"));
    let text = without_times(&run(&["explain", "lake"]).stdout);
    let described = format!("Revision:      {second} by");
    assert!(text.contains(&described), "{text}");
    let applied = format!("Last applied:  [TIME] (create from revision {first})\n");
    assert!(text.contains(&applied), "{text}");
}

#[test]
fn code_needs_no_settings_even_if_they_are_wrong() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("settings.yaml");
    std::fs::write(&file, "policy: nonsense\n").unwrap();
    let run = |subject: &str| {
        let run = Integrationd::new(["explain", subject, "--config"]).arg(&file);
        run.env("INTEGRATIOND_POLICY", "nonsense").run()
    };
    let ran = run("E0301").exits_with(0);
    assert!(
        ran.stdout.starts_with("E0301 unknown-attribute"),
        "{}",
        ran.stdout
    );
    assert_eq!(ran.stderr, "");
    run("lake").exits_with(78);
}
