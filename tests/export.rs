//! `export`: files for what is live, and the proof that they are true.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use http::Method;
use integrationd::embedded::Embedded;
use integrationd::export::proof::findings;
use integrationd::export::{ExportDraft, ExportDrafts, ExportOptions, draft};
use integrationd::immuta::{ApiKey, Credentials, KnownSecrets, ReadApi, Reader, RetryPolicy};
use integrationd::ledger::Ledger;
use integrationd::live::Live;
use integrationd::manifest::{Manifest, SourceFile, Variables, load};
use integrationd::plan::{Resend, coverage};
use integrationd::platform::{AttributePath, Need, PLATFORMS, Rule, by_wire};
use integrationd::secret::Secret;
use integrationd::simulator::{
    API_KEY, Breakage, ConnectionsApi, Fault, FaultKind, Ids, Seed, SimulatedConnection,
    SimulatedDrift, SimulatedStatus, Simulator, SimulatorOptions, StoredSecrets,
};
use serde_json::{Value as Json, json};

use crate::common::{Files, Integrationd, Ran, Tenant, in_sync, lake, snowflake};
use crate::in_process::Run;
use crate::payload::{Case, each_secret, every_case, put, remove, value, with_secrets};
use crate::support::planned;
use crate::texts::Texts;

/// Ends every secret of a seeded integration, and stands nowhere else.
const CANARY: &str = "c4n4ry";

fn exporting(tenant: &Tenant, dir: &Path, args: &[&str]) -> Integrationd {
    let run = Integrationd::new(["export"]).on(tenant).arg(dir);
    args.iter().fold(run, Integrationd::arg)
}

fn export(tenant: &Tenant, dir: &Path, args: &[&str]) -> Ran {
    exporting(tenant, dir, args).run()
}

/// The names of all files, hidden ones included, and their texts.
fn contents(dir: &Path) -> BTreeMap<String, String> {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return BTreeMap::new();
    };
    let file = |entry: std::io::Result<std::fs::DirEntry>| {
        let entry = entry.unwrap();
        let text = std::fs::read_to_string(entry.path()).unwrap();
        (entry.file_name().into_string().unwrap(), text)
    };
    entries.map(file).collect()
}

#[track_caller]
fn is_valid(dir: &Path) {
    let ran = Integrationd::new(["validate"]).arg(dir).run();
    assert_eq!(ran.exits_with(0).stderr, "");
}

#[track_caller]
fn plans_to_nothing(tenant: &Tenant, dir: &Path) {
    let args = ["sync", "--dry-run", "--detailed-exitcode"];
    let ran = Integrationd::new(args).on(tenant).arg(dir).run();
    ran.exits_with(0);
}

/// One integration of each platform, as an administrator made it in the user interface.
fn seeded(options: SimulatorOptions) -> Tenant {
    seeded_without("", options)
}

/// The same, without an optional attribute.
fn seeded_without(left_out: &str, options: SimulatorOptions) -> Tenant {
    let tenant = Tenant::with(SimulatorOptions {
        settle: Duration::ZERO,
        ..options
    });
    for (number, case) in every_case().into_iter().enumerate() {
        let number = u16::try_from(number).unwrap();
        seed(&tenant.simulator, &case, number, |name| name == left_out);
    }
    tenant
}

/// Adds an integration with an identity of this number. Its secrets end in the canary.
fn seed(simulator: &Simulator, case: &Case, number: u16, leaves_out: impl Fn(&str) -> bool) {
    let mut payload = case.payload();
    let unique = case.platform.rules.iter();
    let unique = unique.map(|Rule::Unique(name, _)| *name);
    for name in unique.chain(case.platform.pairing_attribute()) {
        let attribute = case.platform.attribute(name).unwrap();
        put(&mut payload, name, value(attribute, 100 + number));
    }
    for attribute in case.platform.attributes {
        let is_optional = matches!(attribute.need, Need::Optional);
        if is_optional
            && payload["config"].get(attribute.name).is_some()
            && leaves_out(attribute.name)
        {
            remove(&mut payload, attribute.name);
        }
    }
    let payload = with_secrets(case.platform, payload, &format!("{number}{CANARY}"));
    let config = payload.get("config").cloned();
    simulator.seed(Seed::new(case.platform.wire, case.auto, config));
}

fn modes() -> Vec<SimulatorOptions> {
    let mut modes = Vec::new();
    for secrets in [
        StoredSecrets::Omit,
        StoredSecrets::Mask,
        StoredSecrets::Redacted,
    ] {
        modes.push(SimulatorOptions {
            secrets,
            ..SimulatorOptions::default()
        });
    }
    modes.push(SimulatorOptions {
        ids: Ids::Number,
        volatile: true,
        ..SimulatorOptions::default()
    });
    modes.push(SimulatorOptions {
        secrets: StoredSecrets::Mask,
        detail_shows_more: true,
        connections: ConnectionsApi::Works,
        ..SimulatorOptions::default()
    });
    modes
}

#[test]
fn every_platform_in_every_mode_makes_a_round_trip() {
    for mode in modes() {
        let tenant = seeded(mode.clone());
        let files = Files::none();
        let dir = files.path().join("new/integrations.d");
        let ran = export(&tenant, &dir, &[]);
        assert_eq!(ran.code, 0, "{mode:?}\n{}{}", ran.stdout, ran.stderr);
        assert!(!ran.all().contains(CANARY), "{}", ran.all());
        let written = contents(&dir);
        assert_eq!(written.len(), tenant.simulator.state().len());
        for (file, text) in &written {
            assert!(!text.contains(CANARY), "{file}\n{text}");
            assert!(
                !text.contains("***") && !text.contains("REDACTED"),
                "{text}"
            );
        }
        is_valid(&dir);
        plans_to_nothing(&tenant, &dir);
        let again = export(&tenant, &dir, &[]).exits_with(0);
        assert!(
            again.stdout.starts_with("Nothing was written"),
            "{}",
            again.stdout
        );
        assert_eq!(contents(&dir), written);
        assert_eq!(tenant.writes(), [""; 0]);
    }
}

#[test]
fn exported_examples_read_like_files_that_people_write() {
    let (tenant, _files) = in_sync();
    let files = Files::none();
    let ran = export(&tenant, files.path(), &[]).exits_with(0);
    let stdout = ran
        .stdout
        .replace(&files.path().display().to_string(), "DIR");
    insta::assert_snapshot!("export_of_the_examples", stdout);
    assert_eq!(ran.stderr, "");
    let texts: Vec<String> = contents(files.path())
        .into_iter()
        .map(|(name, text)| format!("--- {name}\n{}", text.replace(&tenant.url(), "[TENANT]")))
        .collect();
    insta::assert_snapshot!("exported_examples", texts.join("\n"));
}

#[test]
fn provided_secrets_reach_the_server() {
    // An object with an undocumented structure gets no reference.
    let opaque = "oAuthClientConfig";
    let tenant = seeded_without(
        opaque,
        SimulatorOptions {
            secrets: StoredSecrets::Mask,
            ..SimulatorOptions::default()
        },
    );
    let files = Files::none();
    let document = export(&tenant, files.path(), &["-o", "json"]);
    let document = document.exits_with(0).json();
    let references = document["to_provide"].as_array().unwrap();
    assert!(references.len() > 10, "{document:#}");
    let args = [
        "sync",
        "--yes",
        "--max-change-percent=100",
        "--resend-secrets",
        "*",
    ];
    let run = Integrationd::new(args).on(&tenant).arg(files.path());
    let run = references.iter().fold(run, |run, one| {
        let reference = one["reference"].as_str().unwrap();
        let name = reference.strip_prefix("${env:").unwrap();
        let name = name.strip_suffix('}').unwrap();
        run.env(
            name,
            &json!({ "private_key": format!("new-{name}") }).to_string(),
        )
    });
    run.run().exits_with(0);
    let mut arrived = 0;
    for stored in tenant.simulator.state() {
        let platform = by_wire(stored["type"].as_str().unwrap()).unwrap();
        let mut config = stored["config"].clone();
        each_secret(platform.attributes, &mut config, false, &mut |text| {
            assert!(text.contains("new-"), "{stored:#}");
            arrived += 1;
        });
    }
    assert!(arrived > 10);
    plans_to_nothing(&tenant, files.path());
}

fn snowflake_seed(host: &str) -> Seed {
    let config = json!({
        "host": host, "warehouse": "WH", "database": "IMMUTA",
        "authenticationType": "userPassword", "username": "immuta",
        "password": format!("secret-{CANARY}"),
    });
    Seed::new("Snowflake", Some(false), Some(config))
}

#[test]
fn default_is_written_only_on_request() {
    let tenant = Tenant::empty();
    tenant.simulator.seed(snowflake_seed("a.example.com"));
    let files = Files::none();
    export(&tenant, &files.path().join("short"), &[]).exits_with(0);
    export(&tenant, &files.path().join("long"), &["--with-defaults"]).exits_with(0);
    let text = |dir: &str| contents(&files.path().join(dir))["snowflake-a.yaml"].clone();
    let (short, long) = (text("short"), text("long"));
    assert!(
        !short.contains("port") && !short.contains("audit"),
        "{short}"
    );
    assert!(long.contains("port: 443\n"), "{long}");
    plans_to_nothing(&tenant, &files.path().join("long"));
}

#[test]
fn reference_has_the_form_that_is_asked_for() {
    let tenant = Tenant::empty();
    tenant.simulator.seed(snowflake_seed("a.example.com"));
    let files = Files::none();
    let template = "vault:secret/data/immuta/{name}#{attribute}";
    let args = ["--secret-reference", template, "-o", "json"];
    let document = export(&tenant, files.path(), &args).exits_with(0).json();
    let reference = "${vault:secret/data/immuta/snowflake-a#password}";
    assert_eq!(document["to_provide"][0]["reference"], reference);
    let text = contents(files.path())["snowflake-a.yaml"].clone();
    assert!(text.contains(&format!("password: {reference}")), "{text}");
    is_valid(files.path());
}

#[test]
fn template_that_makes_one_reference_for_all_is_wrong_usage() {
    let tenant = Tenant::empty();
    for wrong in [
        "env:{attribute}",
        "vault:kv/data/x#{name}",
        "nowhere:{name}{attribute}",
    ] {
        let files = Files::none();
        let ran = export(&tenant, files.path(), &["--secret-reference", wrong]);
        let told = ran.exits_with(64).stderr;
        assert!(told.contains("--secret-reference"), "{told}");
        assert_eq!(tenant.requests(), [""; 0]);
    }
}

#[test]
fn two_attributes_never_share_a_reference() {
    let tenant = Tenant::empty();
    tenant.simulator.seed(snowflake_seed("a.example.com"));
    let text = lake("b", "${env:SNOWFLAKE_A_PASSWORD}");
    let files = Files::none().with("lake.yaml", &text);
    let told = export(&tenant, files.path(), &[]).exits_with(1).stderr;
    assert!(told.contains("would share the reference"), "{told}");
    assert_eq!(contents(files.path()).len(), 1);
}

/// A secret that some integrations do without, and a change of another attribute.
#[track_caller]
fn may_be_left_out(seed: Seed, secret: &str, change: (&str, &str)) {
    let tenant = Tenant::empty();
    tenant.simulator.seed(seed);
    let files = Files::none();
    let document = export(&tenant, files.path(), &["-o", "json"]);
    let document = document.exits_with(0).json();
    let file = &document["files"][0];
    let held = file["may_hold"].as_array().unwrap();
    assert!(held.contains(&json!(secret)), "{file:#}");
    let to_provide = file["to_provide"].as_array().unwrap();
    let is_wanted = to_provide.iter().any(|one| one["attribute"] == secret);
    assert!(!is_wanted, "{file:#}");
    let name = file["file"].as_str().unwrap();
    let text = contents(files.path())[name].clone();
    assert!(
        text.contains(&format!("# The server never shows {secret}.")),
        "{text}"
    );
    let changed = text.replace(change.0, change.1);
    assert_ne!(changed, text);
    std::fs::write(files.path().join(name), changed).unwrap();
    let run = Integrationd::new(["sync", "--yes"]).on(&tenant);
    let run = run.arg(files.path());
    let run = to_provide.iter().fold(run, |run, one| {
        let reference = one["reference"].as_str().unwrap();
        run.env(
            reference.trim_start_matches("${env:").trim_end_matches('}'),
            "v",
        )
    });
    run.run().exits_with(0);
    assert_eq!(tenant.writes(), ["PUT /integrations/1"]);
}

#[test]
fn session_token_is_optional_and_blocks_no_sync() {
    let config = json!({
        "host": "r.example.com", "database": "immuta", "authenticationType": "accessKey",
        "databaseUser": "u", "accessKeyId": "AKIA", "secretKey": CANARY, "port": 5440,
    });
    let seed = Seed::new("Redshift", Some(false), Some(config));
    may_be_left_out(seed, "sessionToken", ("port: 5440", "port: 5441"));
}

#[test]
fn client_secret_is_optional_with_a_certificate() {
    let seed = |certificate: bool| {
        let config = json!({
            "workspaceUrl": "d.example.com", "httpPath": "/x", "authenticationType": "oAuthM2M",
            "oAuthClientConfig": {
                "useCertificate": certificate, "clientId": "c",
                "authorityUrl": "https://i.example.com",
            },
        });
        Seed::new("Databricks", Some(false), Some(config))
    };
    let secret = "oAuthClientConfig/clientSecret";
    may_be_left_out(seed(true), secret, ("httpPath: /x", "httpPath: /y"));
    let tenant = Tenant::empty();
    tenant.simulator.seed(seed(false));
    let document = export(&tenant, Files::none().path(), &["-o", "json"]);
    let document = document.exits_with(0).json();
    assert_eq!(document["to_provide"][0]["attribute"], secret);
}

#[test]
fn dry_run_prints_the_files_and_writes_nothing() {
    let tenant = Tenant::empty();
    tenant.simulator.seed(snowflake_seed("a.example.com"));
    let files = Files::none();
    let dir = files.path().join("new");
    let ran = export(&tenant, &dir, &["--dry-run"]).exits_with(0);
    assert!(ran.stdout.contains("Would write 1 file"), "{}", ran.stdout);
    assert!(ran.stdout.contains("host: a.example.com"), "{}", ran.stdout);
    assert!(!dir.exists());
    export(&tenant, &dir, &[]).exits_with(0);
    let written = contents(&dir)["snowflake-a.yaml"].replace(&tenant.url(), "[TENANT]");
    assert!(ran.stdout.contains(&written), "{}\n{written}", ran.stdout);
}

#[test]
fn integration_that_a_file_describes_is_not_exported() {
    let tenant = Tenant::empty();
    tenant
        .simulator
        .seed(snowflake_seed("a.snowflakecomputing.com"));
    tenant
        .simulator
        .seed(snowflake_seed("b.snowflakecomputing.com"));
    let files = Files::none().with("mine.yaml", &snowflake("a"));
    export(&tenant, files.path(), &[]).exits_with(0);
    let names: Vec<String> = contents(files.path()).into_keys().collect();
    assert_eq!(names, ["mine.yaml", "snowflake-b.yaml"]);
}

#[test]
fn taken_file_name_stops_the_export_before_it_writes() {
    let tenant = Tenant::empty();
    tenant.simulator.seed(snowflake_seed("a.example.com"));
    tenant.simulator.seed(snowflake_seed("b.example.com"));
    let files = Files::none().with("snowflake-b.yaml", &lake("c", "${env:X}"));
    let before = contents(files.path());
    let told = export(&tenant, files.path(), &[]).exits_with(1).stderr;
    assert!(told.contains("snowflake-b.yaml already exists"), "{told}");
    assert_eq!(contents(files.path()), before);
}

#[test]
fn name_of_another_document_is_not_used_again() {
    let tenant = Tenant::empty();
    tenant.simulator.seed(snowflake_seed("a.example.com"));
    let other = format!("{}sync: {{name: snowflake-a}}\n", lake("c", "${env:X}"));
    let files = Files::none().with("other.yaml", &other);
    export(&tenant, files.path(), &[]).exits_with(0);
    assert!(contents(files.path()).contains_key("snowflake-a-example-com.yaml"));
    is_valid(files.path());
}

#[test]
fn integrations_with_one_identity_are_pinned() {
    let tenant = Tenant::empty();
    for host in ["a.example.com", "A.example.com."] {
        tenant.simulator.seed(snowflake_seed(host));
    }
    for _ in 0..2 {
        tenant.simulator.seed(Seed::new("Trino", None, None));
    }
    let files = Files::none();
    export(&tenant, files.path(), &[]).exits_with(0);
    let written = contents(files.path());
    for (name, id) in [
        ("snowflake-a-example-com-1.yaml", 1),
        ("snowflake-a-example-com-2.yaml", 2),
        ("trino-3.yaml", 3),
        ("trino-4.yaml", 4),
    ] {
        let text = &written[name];
        assert!(text.contains(&format!("sync:\n  id: \"{id}\"")), "{text}");
    }
}

#[test]
fn every_integration_of_a_type_without_identity_gets_a_file() {
    let tenant = Tenant::empty();
    for _ in 0..2 {
        tenant.simulator.seed(Seed::new("Trino", None, None));
    }
    let files = Files::none();
    export(&tenant, files.path(), &[]).exits_with(0);
    let written = contents(files.path());
    std::fs::remove_file(files.path().join("trino-2.yaml")).unwrap();
    let plan = Integrationd::new(["sync", "--dry-run"]).on(&tenant);
    let shown = plan.arg(files.path()).run().exits_with(0).stdout;
    assert!(shown.contains("\n    id 2: Trino\n"), "{shown}");
    export(&tenant, files.path(), &[]).exits_with(0);
    assert_eq!(contents(files.path()), written);
}

#[test]
fn overwritten_file_keeps_its_options_and_references() {
    let tenant = Tenant::empty();
    tenant
        .simulator
        .seed(snowflake_seed("a.snowflakecomputing.com"));
    let text = snowflake("a").replace("WH", "OTHER") + "sync: {name: prod, protect: true}\n";
    let files = Files::none()
        .with("mine.yaml", &text)
        .with("lake.yaml", &lake("c", "${env:X}"));
    let told = export(&tenant, files.path(), &["--overwrite", "nobody"]);
    told.exits_with(64);
    let told = export(&tenant, files.path(), &["--overwrite", "lake"]).exits_with(1);
    assert!(
        told.stderr.contains("no live integration"),
        "{}",
        told.stderr
    );
    assert_eq!(contents(files.path())["mine.yaml"], text);
    export(&tenant, files.path(), &["--overwrite", "prod"]).exits_with(0);
    let written = contents(files.path());
    let text = &written["mine.yaml"];
    assert!(text.contains("warehouse: WH\n"), "{text}");
    assert!(
        text.contains("password: ${env:SNOWFLAKE_PASSWORD}"),
        "{text}"
    );
    assert!(text.contains("  name: prod\n  protect: true\n"), "{text}");
    assert_eq!(written.len(), 2);
}

#[test]
fn rewritten_file_keeps_equal_variables_and_names_others() {
    let tenant = Tenant::empty();
    tenant
        .simulator
        .seed(snowflake_seed("a.snowflakecomputing.com"));
    let text = snowflake("a")
        .replace(
            "a.snowflakecomputing.com",
            "${var:ACCOUNT}.snowflakecomputing.com",
        )
        .replace("warehouse: WH", "warehouse: ${var:WAREHOUSE}");
    let files = Files::none().with("mine.yaml", &text);
    let args = [
        "--overwrite",
        "mine",
        "--var=ACCOUNT=a",
        "--var=WAREHOUSE=OLD",
    ];
    let told = export(&tenant, files.path(), &args).exits_with(0).stderr;
    let told = told.replace('\n', " ").replace("  ", " ");
    let lost = "`warehouse` no longer refers to ${var:WAREHOUSE}: the rewritten file";
    assert!(told.contains(lost), "{told}");
    assert!(!told.contains("ACCOUNT"), "{told}");
    let written = &contents(files.path())["mine.yaml"];
    let host = "host: ${var:ACCOUNT}.snowflakecomputing.com\n";
    assert!(written.contains(host), "{written}");
    assert!(written.contains("warehouse: WH\n"), "{written}");
    let files = Files::none().with("mine.yaml", &text);
    let args = [&args[..], &["-o", "json"]].concat();
    let document = export(&tenant, files.path(), &args).exits_with(0).json();
    assert_eq!(
        document["files"][0]["lost_variables"],
        json!([{"path": "warehouse", "reference": "${var:WAREHOUSE}", "reason": "differs"}])
    );
}

#[test]
fn rewritten_file_stays_with_its_owner_and_group() {
    let tenant = Tenant::empty();
    tenant
        .simulator
        .seed(snowflake_seed("a.snowflakecomputing.com"));
    let text = snowflake("a").replace("warehouse: WH", "warehouse: OLD");
    for flag in ["--overwrite", "--update"] {
        let files = Files::none().with("mine.yaml", &text);
        let path = files.path().join("mine.yaml");
        std::fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        // Only root can give a file to another user.
        let owned = if rustix::process::getuid().is_root() {
            (65_534, 65_533)
        } else {
            let own = std::fs::metadata(&path).unwrap();
            (own.uid(), own.gid())
        };
        std::os::unix::fs::chown(&path, Some(owned.0), Some(owned.1)).unwrap();
        export(&tenant, files.path(), &[flag, "mine"]).exits_with(0);
        assert_ne!(contents(files.path())["mine.yaml"], text, "{flag}");
        let now = std::fs::metadata(&path).unwrap();
        assert_eq!((now.uid(), now.gid()), owned, "{flag}");
        assert_eq!(now.mode() & 0o777, 0o640, "{flag}");
    }
}

#[test]
fn file_with_others_or_with_extra_is_not_overwritten() {
    let tenant = Tenant::empty();
    tenant
        .simulator
        .seed(snowflake_seed("a.snowflakecomputing.com"));
    let named = |name: &str, more: &str| format!("sync: {{name: {name}{more}}}\n");
    let both =
        snowflake("a") + &named("prod", "") + "---\n" + &lake("c", "${env:X}") + &named("lake", "");
    let extra = snowflake("a") + &named("prod", ", extra: {novelty: 1}");
    for (text, reason) in [(both, "several integrations"), (extra, "sync.extra")] {
        let files = Files::none().with("mine.yaml", &text);
        let told = export(&tenant, files.path(), &["--overwrite", "prod"]).exits_with(1);
        assert!(told.stderr.contains(reason), "{}", told.stderr);
        assert_eq!(contents(files.path())["mine.yaml"], text);
    }
}

#[test]
fn next_export_removes_what_a_dead_one_left() {
    let tenant = Tenant::empty();
    tenant.simulator.seed(snowflake_seed("a.example.com"));
    // No process has such a number.
    let files = Files::none().with(".snowflake-a.yaml.4194305.new", "type: Snow");
    export(&tenant, files.path(), &[]).exits_with(0);
    let written = contents(files.path());
    assert_eq!(written.keys().collect::<Vec<_>>(), ["snowflake-a.yaml"]);
}

#[test]
fn json_file_is_not_overwritten() {
    let tenant = Tenant::empty();
    let seed = snowflake_seed("a.snowflakecomputing.com");
    tenant.simulator.seed(seed);
    tenant.simulator.seed(snowflake_seed("b.example.com"));
    let text = r#"{"type": "Snowflake", "autoBootstrap": false, "config": {
        "host": "a.snowflakecomputing.com", "warehouse": "OLD", "database": "IMMUTA",
        "authenticationType": "userPassword", "username": "immuta", "password": "${env:X}"}}"#;
    let files = Files::none().with("mine.json", text);
    let told = export(&tenant, files.path(), &["--overwrite", "mine"]).exits_with(1);
    assert!(
        told.stderr.contains("mine.json is a JSON file"),
        "{}",
        told.stderr
    );
    assert!(told.stderr.contains("ends in .yaml"), "{}", told.stderr);
    let kept = BTreeMap::from([("mine.json".to_owned(), text.to_owned())]);
    assert_eq!(contents(files.path()), kept);
}

#[test]
fn adopted_export_is_recorded() {
    let tenant = Tenant::empty();
    tenant.simulator.seed(snowflake_seed("a.example.com"));
    let files = Files::none();
    let state = files.path().join("state");
    let state = state.to_str().unwrap();
    let dir = files.path().join("files");
    let ran = export(&tenant, &dir, &["--adopt", "--state", state]).exits_with(0);
    assert!(
        ran.stdout.contains("Adopted 1 integration"),
        "{}",
        ran.stdout
    );
    let args = ["adopt", "snowflake-a", "--state", state, "--dir"];
    let again = Integrationd::new(args).on(&tenant).arg(&dir).run();
    let again = again.exits_with(0).stdout;
    assert!(again.contains("is already owned"), "{again}");
    assert_eq!(tenant.writes(), [""; 0]);
    export(&tenant, &dir, &["--adopt", "--dry-run"]).exits_with(64);
}

#[test]
fn second_export_names_unrecorded_integrations() {
    let tenant = Tenant::empty();
    tenant.simulator.seed(snowflake_seed("a.example.com"));
    tenant.simulator.seed(snowflake_seed("b.example.com"));
    let files = Files::none();
    let state = files.path().join("state");
    let state = state.to_str().unwrap();
    let dir = files.path().join("files");
    export(&tenant, &dir, &["--state", state]).exits_with(0);
    let run = exporting(&tenant, &dir, &["--adopt", "--state", state]);
    let ran = run.verbatim().run().exits_with(1);
    let command = format!(
        "integrationd adopt snowflake-a snowflake-b --dir {} --state {state}",
        dir.display()
    );
    assert!(ran.stdout.contains(&command), "{}", ran.stdout);
    let json = ["--adopt", "--state", state, "-o", "json"];
    let run = exporting(&tenant, &dir, &json).verbatim();
    let document = run.run().exits_with(1).json();
    assert_eq!(document["adopt_command"], json!(command));
    assert_eq!(
        document["not_recorded"],
        json!(["snowflake-a", "snowflake-b"])
    );
    let args = command.split(' ').skip(2);
    let adopt = Integrationd::new(["adopt"]).on(&tenant);
    args.fold(adopt, Integrationd::arg).run().exits_with(0);
    export(&tenant, &dir, &["--adopt", "--state", state]).exits_with(0);
    assert_eq!(tenant.writes(), [""; 0]);
}

#[test]
fn failure_after_the_files_are_written_keeps_the_list() {
    let tenant = Tenant::empty();
    tenant.simulator.seed(snowflake_seed("a.example.com"));
    let files = Files::none();
    let dir = files.path().join("files");
    // The second read of the list is that of the proof.
    let kind = FaultKind::NotFound {
        message: "no such path".to_owned(),
    };
    let late = Fault::new(kind).on(&Method::GET, "/integrations").skip(1);
    tenant.simulator.fault(late.always());
    let run = exporting(&tenant, &dir, &["--adopt", "-o", "json"]);
    let ran = run.verbatim().run().exits_with(1);
    let document = ran.json();
    assert_eq!(document["files"][0]["name"], "snowflake-a");
    assert_eq!(document["to_provide"][0]["attribute"], "password");
    assert_eq!(document["adopted"], json!([]));
    let help = document["error"]["help"].as_str().unwrap();
    let command = "integrationd adopt snowflake-a --dir";
    assert!(help.contains(command), "{document:#}");
    assert_eq!(contents(&dir).len(), 1);
}

#[test]
fn unread_connections_are_no_success() {
    let tenant = Tenant::empty();
    tenant.simulator.seed(snowflake_seed("a.example.com"));
    tenant.simulator.set_options(SimulatorOptions {
        connections: ConnectionsApi::Paged,
        ..tenant.simulator.options()
    });
    let connection = SimulatedConnection::new("sales", "Snowflake", Some(1));
    tenant.simulator.connect(connection);
    let connection = SimulatedConnection::new("other", "Snowflake", Some(2));
    tenant.simulator.connect(connection);
    let files = Files::none();
    let told = export(&tenant, files.path(), &[]).exits_with(1).stderr;
    let path = files.path().join("snowflake-a.yaml");
    let named = format!("could not be read: {}", path.display());
    assert!(told.replace('\n', " ").contains(&named), "{told}");
    export(&tenant, files.path(), &[]).exits_with(1);
    let files = Files::none();
    let document = export(&tenant, files.path(), &["-o", "json"]);
    let document = document.exits_with(1).json();
    assert_eq!(
        document["files"][0]["may_belong_to_connection"],
        json!(true)
    );
    let files = Files::none();
    export(&tenant, files.path(), &["--connections", "none"]).exits_with(0);
}

#[test]
fn file_of_a_connection_is_neither_rewritten_nor_updated() {
    let tenant = Tenant::empty();
    tenant.simulator.seed(snowflake_seed("a.example.com"));
    let files = Files::none();
    export(&tenant, files.path(), &[]).exits_with(0);
    tenant.simulator.set_options(SimulatorOptions {
        connections: ConnectionsApi::Works,
        ..tenant.simulator.options()
    });
    tenant
        .simulator
        .connect(SimulatedConnection::new("sales", "Snowflake", Some(1)));
    let before = contents(files.path());
    let rewritten = export(&tenant, files.path(), &["--overwrite", "snowflake-a"]);
    let told = rewritten.exits_with(1).stdout;
    assert!(told.starts_with("Nothing was written.\n"), "{told}");
    let updated = export(&tenant, files.path(), &["--update", "snowflake-a"]);
    let told = updated.exits_with(1).stderr;
    assert!(
        told.contains("integration 1 of snowflake-a belongs to connection sales"),
        "{told}"
    );
    assert_eq!(contents(files.path()), before);
}

#[test]
fn connections_without_permission_are_no_success() {
    let tenant = Tenant::empty();
    tenant.simulator.seed(snowflake_seed("a.example.com"));
    let config = json!({
        "name": "b", "awsAccountId": "123456789012", "awsRegion": "eu-west-1",
        "awsLocationRole": "arn:aws:iam::123456789012:role/b", "awsLocationPath": "s3://b/",
        "authenticationType": "auto",
    });
    tenant
        .simulator
        .seed(Seed::new("Native S3", Some(false), Some(config)));
    tenant.simulator.set_options(SimulatorOptions {
        connections: ConnectionsApi::Forbidden,
        ..tenant.simulator.options()
    });
    let files = Files::none();
    let told = export(&tenant, files.path(), &[]).exits_with(1).stderr;
    let path = files.path().join("snowflake-a.yaml");
    let named = format!("could not be read: {} ", path.display());
    assert!(told.replace('\n', " ").contains(&named), "{told}");
    // No new file.
    export(&tenant, files.path(), &[]).exits_with(0);
    let files = Files::none();
    export(&tenant, files.path(), &["--connections", "none"]).exits_with(0);
}

#[test]
fn integration_behind_a_connection_is_named_and_left_out() {
    let tenant = Tenant::empty();
    tenant.simulator.seed(snowflake_seed("a.example.com"));
    tenant.simulator.seed(Seed::new("Novelty", None, None));
    tenant.simulator.set_options(SimulatorOptions {
        connections: ConnectionsApi::Works,
        ..tenant.simulator.options()
    });
    tenant
        .simulator
        .connect(SimulatedConnection::new("sales", "Snowflake", Some(1)));
    let files = Files::none();
    let ran = export(&tenant, files.path(), &[]).exits_with(0);
    insta::assert_snapshot!(ran.stdout, @r"
    Nothing was written: every integration that can have a file already has one.

    No file was written for:
      Snowflake integration 1: it belongs to connection sales
      Novelty integration 2: this version of integrationd does not know its type
    ");
    assert!(contents(files.path()).is_empty());
}

#[test]
fn integration_whose_set_up_is_not_shown_is_a_failure() {
    let tenant = Tenant::empty();
    let seed = Seed {
        auto_bootstrap: None,
        ..snowflake_seed("a.example.com")
    };
    tenant.simulator.seed(seed);
    let files = Files::none();
    let ran = export(&tenant, files.path(), &["-o", "json"]).exits_with(1);
    let document = ran.json();
    assert_eq!(document["skipped"][0]["reason"], "no_set_up");
    assert!(contents(files.path()).is_empty());
}

#[test]
fn unwritable_directory_is_a_clear_error() {
    let tenant = Tenant::empty();
    tenant.simulator.seed(snowflake_seed("a.example.com"));
    let files = Files::none().with("file", "");
    for (dir, reason) in [
        ("file/below", "cannot read the directory"),
        ("/proc/integrations.d", "nothing was written"),
    ] {
        let told = export(&tenant, &files.path().join(dir), &[]).exits_with(1);
        assert!(told.stderr.contains(reason), "{}", told.stderr);
        assert_eq!(told.stdout, "");
    }
    assert_eq!(contents(files.path()).len(), 1);
}

#[test]
fn invalid_file_stops_the_export() {
    let tenant = Tenant::empty();
    tenant
        .simulator
        .seed(snowflake_seed("a.snowflakecomputing.com"));
    let broken = snowflake("a").replace("warehouse", "warehuose");
    let files = Files::none().with("mine.yaml", &broken);
    let told = export(&tenant, files.path(), &[]).exits_with(65).stderr;
    assert!(told.contains("mine.yaml is invalid"), "{told}");
    assert_eq!(contents(files.path()).len(), 1);
}

#[test]
fn integration_whose_file_would_be_invalid_gets_none() {
    let tenant = Tenant::empty();
    let config = json!({
        "dataset": "other", "datasetSuffix": "no_underscore", "role": "immuta",
        "credential": format!("{{\"k\": \"{CANARY}\"}}"), "newAttribute": "unknown",
    });
    let seed = Seed::new("Google BigQuery", Some(false), Some(config));
    tenant.simulator.seed(seed);
    let files = Files::none();
    let ran = export(&tenant, files.path(), &["-o", "json"]).exits_with(1);
    let document = ran.json();
    let reason = document["skipped"][0]["reason"]["invalid"]
        .as_str()
        .unwrap();
    assert!(reason.contains("datasetSuffix"), "{document:#}");
    assert_eq!(contents(files.path()), BTreeMap::new());
    let again = export(&tenant, files.path(), &[]).exits_with(1);
    let named = "integration 1: its file would be invalid: E0";
    assert!(again.stdout.contains(named), "{}", again.stdout);
}

/// The text of the file for an automatic set-up of Snowflake.
fn automatic(attributes: &Json) -> ExportDraft {
    let mut config = json!({
        "host": "a.snowflakecomputing.com", "warehouse": "WH", "database": "IMMUTA",
        "username": "immuta", "role": "ADMIN",
    });
    for (name, value) in attributes.as_object().unwrap() {
        config[name] = value.clone();
    }
    let mut found = planned::live("1", "Snowflake", config);
    found.auto_bootstrap = Some(true);
    let drafts = drafted(&Manifest::default(), &planned::tenant([found]));
    drafts.files.into_iter().next().unwrap()
}

#[test]
fn masked_credentials_of_a_setup_become_references() {
    let masked = json!({ "username": "********", "role": "[REDACTED]" });
    let text = automatic(&masked).text;
    for line in [
        "  username: ${env:SNOWFLAKE_A_USERNAME}",
        "  role: ${env:SNOWFLAKE_A_ROLE}",
    ] {
        assert!(text.contains(line), "{text}");
    }
}

#[test]
fn every_part_of_a_login_of_a_setup_is_named() {
    let paths = |file: &ExportDraft| {
        let provided = file.to_provide.iter().map(|it| it.attribute.to_string());
        let perhaps = file.may_hold.iter().map(|it| format!("{it}?"));
        provided.chain(perhaps).collect::<Vec<_>>().join(" ")
    };
    let key_pair = automatic(&json!({ "authenticationType": "keyPair" }));
    insta::assert_snapshot!(paths(&key_pair), @"privateKey/content privateKey/keyName? privateKey/userFilename? privateKeyPassword?");
    let by_oauth = automatic(&json!({ "authenticationType": "oAuthClientCredentials" }));
    insta::assert_snapshot!(paths(&by_oauth), @"oAuthClientConfig/provider oAuthClientConfig/clientId oAuthClientConfig/clientSecret oAuthClientConfig/useCertificate? oAuthClientConfig/authorityUrl? oAuthClientConfig/scope?");
    let by_password = automatic(&json!({ "authenticationType": "userPassword" }));
    insta::assert_snapshot!(paths(&by_password), @"password");
    let config = json!({
        "workspaceUrl": "d.example.com", "httpPath": "/x", "authenticationType": "oAuthM2M",
    });
    let mut lake = planned::live("1", "Databricks", config);
    lake.auto_bootstrap = Some(true);
    let drafts = drafted(&Manifest::default(), &planned::tenant([lake]));
    let line = "# Not in this file: oAuthClientConfig/clientId, oAuthClientConfig/authorityUrl \
        (required, but the server does not show the value: add it).";
    let text = &drafts.files[0].text;
    assert!(text.contains(line), "{text}");
}

#[test]
fn hidden_value_that_is_required_is_named_as_hidden() {
    let tenant = Tenant::empty();
    let config = json!({
        "host": "s.azuresynapse.net", "database": "d", "schema": "immuta",
        "username": "********", "password": "p",
    });
    tenant.simulator.seed(Seed::new(
        "Azure Synapse Analytics",
        Some(false),
        Some(config),
    ));
    let told = export(&tenant, Files::none().path(), &[]).exits_with(1);
    insta::assert_snapshot!(told.stdout, @r"
    Nothing was written.

    No file was written for:
      Azure Synapse Analytics integration 1: its file would be invalid: `username` is required, but the server hides the value
    ");
}

#[test]
fn word_like_a_mask_stops_one_file_and_no_other() {
    let tenant = Tenant::empty();
    tenant.simulator.seed(snowflake_seed("a.example.com"));
    let mut hidden = snowflake_seed("b.example.com");
    let config = hidden.config.as_mut().unwrap();
    config.insert("warehouse".to_owned(), json!("HIDDEN"));
    tenant.simulator.seed(hidden);
    let files = Files::none();
    let told = export(&tenant, files.path(), &[]).exits_with(1).stdout;
    assert!(
        told.contains("Snowflake integration 2: its file would be invalid"),
        "{told}"
    );
    assert!(told.contains("`warehouse`"), "{told}");
    let written = contents(files.path());
    assert_eq!(written.keys().collect::<Vec<_>>(), ["snowflake-a.yaml"]);
    is_valid(files.path());
    export(&tenant, files.path(), &[]).exits_with(1);
}

#[test]
fn template_that_validate_refuses_is_wrong_usage() {
    let tenant = Tenant::empty();
    tenant.simulator.seed(snowflake_seed("a.example.com"));
    tenant.simulator.seed(Seed::new("Trino", None, None));
    let vault = "vault:secret/data/{name}#{attribute}";
    let own: &[&str] = &["--secret-reference", "env:IMMUTA_API_KEY{name}{attribute}"];
    let unbound: &[&str] = &["--secret-reference", vault, "--allow-secret", "env:*"];
    for (args, code) in [(own, "E0405"), (unbound, "E0404")] {
        let files = Files::none();
        let dir = files.path().join("new");
        let ran = export(&tenant, &dir, args).exits_with(64);
        assert!(ran.stderr.contains(code), "{}", ran.stderr);
        assert!(ran.stderr.contains("--secret-reference"), "{}", ran.stderr);
        assert_eq!(ran.stdout, "");
        assert!(!dir.exists());
    }
}

#[test]
fn failed_creation_is_no_empty_plan() {
    let tenant = Tenant::empty();
    let seed = snowflake_seed("a.example.com").status(SimulatedStatus::CreateError);
    tenant.simulator.seed(seed);
    let files = Files::none();
    let ran = export(&tenant, files.path(), &["--adopt"]).exits_with(1);
    assert!(
        ran.stdout.contains("the last creation failed"),
        "{}",
        ran.stdout
    );
    assert!(!ran.stdout.contains("Adopted"), "{}", ran.stdout);
}

#[test]
fn second_export_names_a_failed_creation_as_the_first() {
    let tenant = Tenant::empty();
    let seed = snowflake_seed("a.example.com").status(SimulatedStatus::CreateError);
    tenant.simulator.seed(seed);
    let files = Files::none();
    let json = |code: i32| {
        let ran = export(&tenant, files.path(), &["-o", "json"]);
        ran.exits_with(code).json()["proof"].clone()
    };
    let first = json(1);
    assert_eq!(first[0]["file"], "snowflake-a.yaml");
    assert_eq!(json(1), first);
    let ran = export(&tenant, files.path(), &[]).exits_with(1);
    let told = ran
        .stdout
        .replace(&files.path().display().to_string(), "DIR");
    insta::assert_snapshot!(told, @r"
    Nothing was written: every integration that can have a file already has one.

    The files and the tenant differ, or a sync would be blocked:
      DIR/snowflake-a.yaml: the last creation failed, and a sync would retry it with the values from the file
    ");
    tenant.simulator.seed(snowflake_seed("b.example.com"));
    let document = export(&tenant, files.path(), &["-o", "json"])
        .exits_with(1)
        .json();
    assert_eq!(document["files"][0]["name"], "snowflake-b");
    assert_eq!(document["proof"], first);
    assert_eq!(tenant.writes(), [""; 0]);
}

#[test]
fn list_that_is_not_whole_is_exported_and_fails() {
    let tenant = Tenant::empty();
    tenant.simulator.seed(snowflake_seed("a.example.com"));
    tenant.simulator.seed(snowflake_seed("b.example.com"));
    let kind = FaultKind::BrokenElement {
        index: 1,
        breakage: Breakage::NoStatus,
    };
    tenant.fails_once(&Method::GET, "/integrations", kind);
    let files = Files::none();
    let ran = export(&tenant, files.path(), &[]).exits_with(1);
    assert!(
        ran.stderr.contains("may still lack a file"),
        "{}",
        ran.stderr
    );
}

#[test]
fn text_in_the_form_of_a_reference_stays_a_text() {
    let tenant = Tenant::empty();
    let mut seed = snowflake_seed("a.example.com");
    let config = seed.config.as_mut().unwrap();
    config.insert(
        "warehouse".to_owned(),
        json!("${env:HOME} \"x\" # y\n\u{7}z"),
    );
    tenant.simulator.seed(seed);
    let files = Files::none();
    export(&tenant, files.path(), &[]).exits_with(0);
    let text = contents(files.path())["snowflake-a.yaml"].clone();
    assert!(text.contains("$${env:HOME}"), "{text}");
    is_valid(files.path());
}

/// Reads a tenant in this process.
async fn read(simulator: &Simulator) -> Live {
    let key = ApiKey::new(Secret::new(API_KEY.to_owned())).unwrap();
    let reader = Reader::new(
        Embedded(simulator.clone()),
        Credentials::ApiKey(key),
        RetryPolicy::default(),
        KnownSecrets::none(),
    );
    reader.list().await.unwrap()
}

fn drafted(manifest: &Manifest, live: &Live) -> ExportDrafts {
    let ledger = Ledger::default();
    let coverage = coverage(manifest, live, &ledger);
    let options = ExportOptions::default();
    draft(manifest, live, &coverage, &ledger, &options, "the tenant").unwrap()
}

#[tokio::test(start_paused = true)]
async fn value_that_changes_after_the_export_is_named_with_its_file() {
    let simulator = Simulator::new(SimulatorOptions::default());
    let id = simulator.seed(snowflake_seed("a.example.com"));
    let drafts = drafted(&Manifest::default(), &read(&simulator).await);
    let file = &drafts.files[0];
    let texts = Texts::none().file(&file.file, &file.text);
    let drift = SimulatedDrift::value(id, "warehouse", json!("OTHER"));
    simulator.drift(drift).unwrap();
    let ran = Run::of(&texts, &simulator).dry_run().await;
    let found = findings(&drafts.files, ran.plan(), &[]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].file, "snowflake-a.yaml");
    assert_eq!(
        found[0].attribute.as_ref().map(AttributePath::as_str),
        Some("warehouse")
    );
}

/// A tenant with up to eight integrations, whatever they are.
fn generated(random: &mut fastrand::Rng) -> Simulator {
    let secrets = [
        StoredSecrets::Omit,
        StoredSecrets::Mask,
        StoredSecrets::Redacted,
    ];
    let simulator = Simulator::new(SimulatorOptions {
        settle: Duration::ZERO,
        secrets: secrets[random.usize(..secrets.len())],
        ids: if random.bool() {
            Ids::Text
        } else {
            Ids::Number
        },
        volatile: random.bool(),
        detail_shows_more: random.bool(),
        ..SimulatorOptions::default()
    });
    let cases = every_case();
    for number in 0..random.u16(1..9) {
        let case = &cases[random.usize(..cases.len())];
        let left_out = random.u64(..);
        seed(&simulator, case, number, |name| {
            let bit = name.bytes().map(u64::from).sum::<u64>() % 64;
            left_out >> bit & 1 == 1
        });
    }
    simulator
}

#[tokio::test(start_paused = true)]
async fn generated_tenants_make_a_round_trip() {
    for number in 0..500 {
        let simulator = generated(&mut fastrand::Rng::with_seed(number));
        let live = read(&simulator).await;
        let drafts = drafted(&Manifest::default(), &live);
        assert_eq!(
            drafts.files.len(),
            live.integrations.len(),
            "tenant {number}"
        );
        let mut texts = Texts::none();
        let mut sources = Vec::new();
        for file in &drafts.files {
            assert!(
                !file.text.contains(CANARY),
                "tenant {number}: {}",
                file.text
            );
            texts = texts.file(&file.file, &file.text);
            sources.push(SourceFile {
                path: file.file.clone(),
                content: Ok(file.text.clone().into_bytes()),
            });
        }
        let manifest = load(&sources, &Variables::default(), PLATFORMS);
        assert!(
            manifest.invalid.is_empty(),
            "tenant {number}\n{}",
            texts.diagnostics()
        );
        let again = drafted(&manifest, &live);
        assert!(again.files.is_empty(), "tenant {number}: {again:?}");
        let ran = Run::of(&texts, &simulator).dry_run().await;
        let plan = ran.plan();
        let found = findings(&drafts.files, plan, &manifest.diagnostics);
        assert_eq!(found, [], "tenant {number}: {}", ran.shown());
        if number % 5 == 0 {
            secrets_arrive(number, &simulator, texts, &drafts).await;
        }
    }
}

/// Provides everything that is to be provided, and checks the secrets on the server.
async fn secrets_arrive(number: u64, simulator: &Simulator, texts: Texts, drafts: &ExportDrafts) {
    let mut texts = texts;
    for given in drafts.files.iter().flat_map(|file| &file.to_provide) {
        let name = given.reference.trim_start_matches("${env:");
        let name = name.trim_end_matches('}');
        let secret = json!({ "private_key": format!("new-{name}") }).to_string();
        texts = texts.secret(name, &secret);
    }
    let all: BTreeSet<String> = drafts.files.iter().map(|file| file.name.clone()).collect();
    let run = Run::of(&texts, simulator).with(|request| {
        request.resend = Resend {
            names: all,
            ..Resend::default()
        };
    });
    let ran = run.sync().await;
    let failures = ran.errors();
    assert!(failures.is_empty(), "tenant {number}: {failures:?}");
    for stored in simulator.state() {
        let mut config = stored["config"].clone();
        let platform = by_wire(stored["type"].as_str().unwrap()).unwrap();
        let id = stored["id"].as_str().unwrap();
        let file = drafts
            .files
            .iter()
            .find(|file| file.id.as_str() == id)
            .unwrap();
        if !file.may_hold.is_empty() || !file.not_in_file.is_empty() {
            continue;
        }
        each_secret(platform.attributes, &mut config, false, &mut |text| {
            assert!(
                !text.contains(CANARY),
                "tenant {number}: {} {text}",
                file.text
            );
        });
    }
}
