//! `ping --profile`: what a tenant's API is like, and no value of it; and the simulator that
//! behaves in the same way.

use std::path::{Path, PathBuf};

use http::Method;
use integrationd::simulator::{
    ConnectionsApi, Ids, JsonKind, PROFILE_VERSION, ProfiledDefaults, SecretForm, Seed,
    SimulatedConnection, SimulatedDrift, SimulatedStatus, SimulatorOptions, StoredSecrets,
    TenantProfile,
};
use serde_json::{Value, json};

use crate::common::{Files, Integrationd, Tenant};
use crate::payload::every_case;
use crate::profiled::{fast, forbidden, is_same, modes, ping, profile, seed_all};

/// Stands in every value of a tenant, and nowhere else.
const CANARY: &str = "c4n4ry";

/// Stands for it where a value is a number.
const CANARY_NUMBER: u64 = 48_151_623;

#[test]
fn simulator_with_a_profile_has_this_profile_in_every_mode() {
    for mode in modes() {
        let tenant = Tenant::with(mode.clone());
        seed_all(&tenant.simulator);
        tenant.simulator.seed(
            Seed::new("Glue", None, Some(json!({ "region": "eu-west-1" })))
                .status(SimulatedStatus::from("paused")),
        );
        let first = profile(&tenant);
        let again = profile(&Tenant::of(first.simulator(fast())));
        is_same(&again, &first, &format!("{mode:?}"));
    }
}

#[test]
fn modes_have_different_profiles() {
    let same = [ConnectionsApi::Html, ConnectionsApi::WithoutBody];
    let modes: Vec<_> = modes()
        .into_iter()
        // These look like two others.
        .filter(|mode| !same.contains(&mode.connections))
        .collect();
    let profiles: Vec<TenantProfile> = modes
        .iter()
        .map(|mode| {
            let tenant = Tenant::with(mode.clone());
            seed_all(&tenant.simulator);
            profile(&tenant)
        })
        .collect();
    for (index, one) in profiles.iter().enumerate() {
        let twin = profiles.iter().skip(index + 1).position(|it| it == one);
        assert_eq!(twin, None, "{:?}", modes[index]);
    }
}

/// Puts the canary in the place of every value, keeping words that are not free.
fn mark(value: &mut Value) {
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Number(_) => *value = json!(CANARY_NUMBER),
        Value::String(text) => *text = format!("{CANARY}-{text}"),
        Value::Array(items) => items.iter_mut().for_each(mark),
        Value::Object(fields) => fields.values_mut().for_each(mark),
    }
}

/// A tenant in which every value is the canary, also where nothing is documented.
fn marked(options: SimulatorOptions) -> Tenant {
    let tenant = Tenant::with(options);
    for case in every_case() {
        let mut config = case.payload().get("config").cloned();
        if let Some(config) = &mut config {
            mark(config);
            config["unknownText"] = json!(CANARY);
            config["unknownList"] = json!([CANARY, CANARY_NUMBER]);
            config["unknownObject"] = json!({ (CANARY): { "inner": CANARY } });
            config[format!("{CANARY}.example.com")] = json!(true);
            // The keys of a map are values, whatever it is called.
            let users = (0..6).map(|number| (format!("{CANARY}{number}"), json!(true)));
            config["audit"] = users.collect::<serde_json::Map<_, _>>().into();
        }
        let id = tenant
            .simulator
            .seed(Seed::new(case.platform.wire, case.auto, config));
        let word = SimulatedStatus::from(format!("by {CANARY}@example.com"));
        tenant
            .simulator
            .drift(SimulatedDrift::status(id, word))
            .unwrap();
    }
    let config = json!({ "region": CANARY, "tags": { (CANARY): CANARY } });
    let mut seed = Seed::new("Glue", Some(true), Some(config));
    seed.id = Some(CANARY_NUMBER);
    tenant.simulator.seed(seed);
    let key = format!("{CANARY} connection");
    let connection = SimulatedConnection::new(&key, CANARY, Some(CANARY_NUMBER));
    tenant.simulator.connect(connection);
    tenant
}

#[test]
fn profile_and_output_have_no_value_of_the_tenant() {
    for secrets in [StoredSecrets::Omit, StoredSecrets::Shown] {
        let tenant = marked(SimulatorOptions {
            secrets,
            ids: Ids::Number,
            connections: ConnectionsApi::Works,
            volatile: true,
            detail_shows_more: true,
            ..fast()
        });
        let shown = tenant.simulator.state();
        assert!(json!(shown).to_string().contains(CANARY));
        let files = Files::none();
        let file = files.path().join("profile.json");
        let ran = ping(&tenant, &file).exits_with(0);
        let text = std::fs::read_to_string(&file).unwrap();
        let number = CANARY_NUMBER.to_string();
        for told in [&text, &ran.stdout, &ran.stderr] {
            assert!(!told.contains(CANARY) && !told.contains(&number), "{told}");
            assert!(!told.contains("simulated-"), "{told}");
        }
        // The address of the tenant is on the terminal, as always, and not in the file.
        assert!(
            !text.contains("127.0.0.1") && !text.contains("http:"),
            "{text}"
        );
        assert!(text.contains("config/unknownObject"), "{text}");
        assert!(text.contains("config/(no identifier)"), "{text}");
        assert!(!text.contains("unknownObject/"), "{text}");
    }
}

#[test]
fn only_reads_are_sent_for_a_profile() {
    let tenant = marked(fast());
    tenant.simulator.clear_log();
    profile(&tenant);
    assert_eq!(tenant.writes(), [""; 0]);
    let mut others = tenant.requests();
    others.retain(|line| !line.starts_with("GET "));
    // The search reads, whatever its method: each plan sends it, too.
    assert_eq!(others, ["POST /data/object/search"]);
}

#[test]
fn deviations_are_shown_with_their_consequences() {
    let tenant = Tenant::with(SimulatorOptions {
        secrets: StoredSecrets::Shown,
        volatile: true,
        connections: ConnectionsApi::Forbidden,
        ..fast()
    });
    let config = json!({
        "host": "a.example.com", "port": "443", "warehouse": "w", "database": "d",
        "password": "p",
    });
    tenant
        .simulator
        .seed(Seed::new("Snowflake", Some(false), Some(config)));
    tenant.simulator.seed(Seed::new("Glue", None, None));
    let files = Files::none();
    let file = files.path().join("profile.json");
    let ran = ping(&tenant, &file).exits_with(0);
    let told = ran.stdout.replace(&file.display().to_string(), "FILE");
    insta::assert_snapshot!(told.split_once("\n\n").unwrap().1, @r"
    The profile was written to FILE. It contains no values from the tenant.
    6 deviations from docs/API.md; those that matter to integrationd are listed first:
      matters   the API key is not allowed to read connections: integrationd does not know which integrations belong to a connection
      matters   `config/password` of Snowflake is a stored secret, but the server returns it: everyone with access to integrations can read the secret; integrationd does not show it
      matters   the JSON type of `config/port` of Snowflake differs from the documented one: a plan may show a difference that does not exist
      harmless  the type `Glue` is unknown: no file can describe such an integration, and integrationd never changes it
      harmless  `config/readNumber` of Snowflake is unknown and changes between two reads: plans do not compare the attribute, and updates send it back unchanged
      harmless  `readNumber` of Snowflake is unknown and changes between two reads: integrationd does not read the attribute
    ");
}

#[test]
fn documented_tenant_has_no_deviation() {
    let tenant = Tenant::with(fast());
    let config = json!({ "host": "a.example.com", "warehouse": "w", "database": "d" });
    tenant
        .simulator
        .seed(Seed::new("Snowflake", Some(false), Some(config)));
    let files = Files::none();
    let ran = ping(&tenant, &files.path().join("profile.json")).exits_with(0);
    let told = "The tenant matches the documentation (docs/API.md).\n";
    assert!(ran.stdout.ends_with(told), "{}", ran.stdout);
}

#[test]
fn attribute_that_only_some_integrations_have_is_marked() {
    let tenant = Tenant::with(fast());
    for more in [json!({}), json!({ "connectArgs": "x=y", "port": null })] {
        let mut config = json!({ "host": "a.example.com", "warehouse": "w", "database": "d" });
        config
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        tenant
            .simulator
            .seed(Seed::new("Snowflake", Some(true), Some(config)));
    }
    let profile = profile(&tenant);
    let attributes = &profile.types["Snowflake"].attributes;
    assert!(attributes["config/connectArgs"].sometimes_absent);
    assert!(!attributes["config/host"].sometimes_absent);
    let kinds = [JsonKind::Null, JsonKind::Number];
    assert!(attributes["config/port"].kinds.iter().eq(&kinds));
    assert_eq!(profile.defaults, ProfiledDefaults::FilledIn);
    assert!(profile.secrets.iter().eq(&[SecretForm::Omitted]));
    let again = self::profile(&Tenant::of(profile.simulator(fast())));
    is_same(&again, &profile, "");
}

#[test]
fn refused_reads_are_in_the_profile_with_their_codes() {
    let tenant = Tenant::with(fast());
    tenant.simulator.seed(Seed::new("Glue", None, None));
    tenant.fails_once(&Method::GET, "/integrations/1", forbidden());
    let codes = &profile(&tenant).responses["GET /integrations/{id}"];
    assert!(codes.iter().eq(&[200, 403]), "{codes:?}");
}

#[test]
fn secrets_that_no_answer_shows_are_named() {
    let tenant = Tenant::with(fast());
    let config = json!({
        "host": "a.example.com", "warehouse": "w", "database": "d", "password": "p",
    });
    tenant
        .simulator
        .seed(Seed::new("Snowflake", Some(false), Some(config)));
    let of = |profile: &TenantProfile| {
        profile.types["Snowflake"]
            .secrets_not_shown
            .clone()
            .unwrap()
    };
    let omitted = of(&profile(&tenant));
    assert!(omitted.contains("config/password"), "{omitted:?}");
    // The object around it is not in use.
    assert!(
        !omitted.contains("config/privateKey/content"),
        "{omitted:?}"
    );
    tenant.simulator.set_options(SimulatorOptions {
        secrets: StoredSecrets::Mask,
        ..fast()
    });
    let masked = of(&profile(&tenant));
    assert!(!masked.contains("config/password"), "{masked:?}");
}

#[test]
fn key_of_a_cluster_is_known() {
    let tenant = Tenant::with(SimulatorOptions {
        detail_shows_more: true,
        ..fast()
    });
    let files = Files::none().with("trino.yaml", "type: Trino\n");
    let run = Integrationd::new(["sync", "--yes"]).with(&files);
    run.on(&tenant).run().exits_with(0);
    let told = ping(&tenant, &files.path().join("profile.json")).exits_with(0);
    assert!(!told.stdout.contains("immutaApiKey"), "{}", told.stdout);
}

#[test]
fn large_tenant_is_described_with_few_reads() {
    let tenant = Tenant::with(fast());
    for number in 0..2_000 {
        let config = json!({
            "host": format!("{number}.example.com"), "warehouse": "w", "database": "d",
        });
        tenant
            .simulator
            .seed(Seed::new("Snowflake", Some(true), Some(config)));
    }
    let profile = profile(&tenant);
    assert!(profile.types["Snowflake"].attributes.len() > 5);
    let requests = tenant.requests();
    assert_eq!(requests.len(), 3 + 3 * 20 + 1, "{requests:?}");
}

fn existing() -> (Files, PathBuf) {
    let files = Files::none().with("profile.json", "mine");
    let file = files.path().join("profile.json");
    (files, file)
}

#[test]
fn existing_file_is_not_overwritten_by_a_profile() {
    let tenant = Tenant::with(fast());
    let (_files, file) = existing();
    let told = ping(&tenant, &file).exits_with(1).stderr;
    assert!(told.contains("profile.json already exists"), "{told}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
}

#[test]
fn profile_that_cannot_be_written_is_an_error() {
    let tenant = Tenant::with(fast());
    let told = ping(&tenant, Path::new("/proc/none/profile.json"));
    let told = told.exits_with(1).stderr;
    assert!(
        told.contains("cannot write /proc/none/profile.json"),
        "{told}"
    );
}

#[test]
fn tenant_that_fails_the_checks_gets_no_profile() {
    let tenant = Tenant::with(fast());
    tenant.fails_once(&Method::GET, "/integrations", forbidden());
    let files = Files::none();
    let file = files.path().join("profile.json");
    ping(&tenant, &file).exits_with(1);
    assert!(!file.exists());
}

#[test]
fn simulator_rejects_what_is_no_profile() {
    let (files, file) = existing();
    let next = json!({ "format_version": PROFILE_VERSION + 1 }).to_string();
    files.write("next.json", &next);
    let start = |file: &Path| {
        let run = Integrationd::new(["simulator", "--listen=127.0.0.1:0", "--profile"]);
        run.arg(file).run()
    };
    let told = start(&file).exits_with(65).stderr;
    assert!(
        told.contains("the document is not the profile of a tenant"),
        "{told}"
    );
    let told = start(&files.path().join("next.json")).exits_with(65).stderr;
    assert!(told.contains("this program reads only version 1"), "{told}");
    let told = start(&files.path().join("none.json")).exits_with(1).stderr;
    assert!(told.contains("cannot read the profile"), "{told}");
}

#[test]
fn sync_works_against_a_tenant_with_a_profile() {
    let tenant = Tenant::with(SimulatorOptions {
        ids: Ids::Number,
        volatile: true,
        ..fast()
    });
    seed_all(&tenant.simulator);
    let twin = Tenant::of(profile(&tenant).simulator(fast()));
    let files = Files::none();
    let dry = ["sync", "--dry-run", "--detailed-exitcode"];
    Integrationd::new(dry)
        .on(&twin)
        .with(&files)
        .run()
        .exits_with(0);
    let name = "a.yaml";
    let text = crate::common::snowflake("a");
    let files = files.with(name, &text);
    let run = Integrationd::new(["sync", "--yes"]).on(&twin).with(&files);
    run.run().exits_with(0);
    assert_eq!(twin.writes(), ["POST /integrations"]);
}
