//! `ping --profile` of a tenant whose reads fail: a failed read is no absence, and the command
//! reports which reads failed.

use http::Method;
use integrationd::simulator::{
    Breakage, Fault, FaultKind, JsonKind, Seed, SimulatorOptions, StoredSecrets, TenantProfile,
    UnusableResponse,
};
use serde_json::{Value, json};

use crate::common::{Files, Integrationd, Ran, Tenant};
use crate::profiled::{fast, forbidden, is_same, ping};
use crate::stub::Stub;

const DETAIL: &str = "GET /integrations/{id}";
const STATUS: &str = "GET /integrations/{id}/status";

const HTML: FaultKind = FaultKind::Html {
    after_effect: false,
};

/// The profile of a tenant, with the run that made it.
fn profiled(tenant: &Tenant) -> (TenantProfile, Ran) {
    let files = Files::none();
    let file = files.path().join("profile.json");
    let ran = ping(tenant, &file);
    let text = std::fs::read_to_string(&file).unwrap();
    (TenantProfile::read(&text).unwrap(), ran)
}

fn always(tenant: &Tenant, path: &str, kind: FaultKind) {
    let fault = Fault::new(kind).always().on(&Method::GET, path);
    tenant.simulator.fault(fault);
}

/// A tenant with so many integrations. The first has one attribute more.
fn tenant(integrations: usize, options: SimulatorOptions) -> Tenant {
    let tenant = Tenant::with(options);
    for number in 1..=integrations {
        let mut config = json!({
            "host": format!("{number}.example.com"), "warehouse": "w", "database": "d",
            "password": "p",
        });
        if number == 1 {
            config["connectArgs"] = json!("x=y");
        }
        let seed = Seed::new("Snowflake", Some(false), Some(config));
        tenant.simulator.seed(seed);
    }
    tenant
}

#[test]
fn failed_detail_is_no_absence() {
    let tenant = tenant(
        2,
        SimulatorOptions {
            detail_shows_more: true,
            ..fast()
        },
    );
    always(&tenant, "/integrations/2", forbidden());
    let (profile, ran) = profiled(&tenant);
    let attributes = &profile.types["Snowflake"].attributes;
    assert!(!attributes["config/detail"].sometimes_absent);
    // The list shows this one, and was read.
    assert!(attributes["config/connectArgs"].sometimes_absent);
    assert!(!attributes["config/host"].sometimes_absent);
    assert_eq!(ran.code, 0);
    insta::assert_snapshot!(ran.stderr, @r"
    warning: 2 of 4 reads of `GET /integrations/{id}` failed: 2 with status 403
     help: the profile is incomplete, but useful in a report; to complete it, fix the cause and run the command again
    ");
}

#[test]
fn failure_of_all_details_fails_the_command() {
    for (kind, code) in [(forbidden(), 403), (HTML, 200)] {
        let tenant = tenant(2, fast());
        for id in 1..=2 {
            always(&tenant, &format!("/integrations/{id}"), kind.clone());
        }
        let (profile, ran) = profiled(&tenant);
        assert_eq!(ran.code, 1);
        let first = ran.stderr.lines().next().unwrap();
        let shown = "error: all 4 reads of `GET /integrations/{id}` failed: 4 with ";
        assert!(first.starts_with(shown), "{first}");
        assert!(!ran.stdout.contains("not for a single"), "{}", ran.stdout);
        assert!(profile.responses[DETAIL].iter().eq(&[code]));
        let one = &profile.types["Snowflake"];
        assert_eq!(one.attributes["config/host"].detail, None);
        // The list shows no secret: perhaps the answer for one integration would.
        assert_eq!(one.secrets_not_shown, None);
        assert!(profile.secrets.is_empty());
        // The simulator fails in the same way.
        let (again, _) = profiled(&Tenant::of(profile.simulator(fast())));
        is_same(&again, &profile, shown);
    }
}

#[test]
fn page_of_a_proxy_is_named_with_its_code() {
    let tenant = tenant(1, fast());
    always(&tenant, "/integrations/1", HTML);
    let (profile, ran) = profiled(&tenant);
    assert!(profile.responses[DETAIL].iter().eq(&[200]));
    let html = [UnusableResponse::Html];
    assert!(profile.unusable_responses[DETAIL].iter().eq(&html));
    let shown = "the response to `GET /integrations/{id}` is an HTML page, such as the login page";
    assert!(ran.stdout.contains(shown), "{}", ran.stdout);
}

#[test]
fn status_that_cannot_be_read_is_reported() {
    let tenant = tenant(1, fast());
    always(&tenant, "/integrations/1/status", forbidden());
    let (profile, ran) = profiled(&tenant);
    assert_eq!(ran.code, 1);
    let shown = "error: the only read of `GET /integrations/{id}/status` failed: 1 with status 403";
    assert!(ran.stderr.starts_with(shown), "{}", ran.stderr);
    assert!(profile.responses[STATUS].iter().eq(&[403]));
    let (again, _) = profiled(&Tenant::of(profile.simulator(fast())));
    is_same(&again, &profile, "status");
}

#[test]
fn second_list_that_fails_is_a_warning() {
    let tenant = tenant(1, fast());
    let fault = Fault::new(forbidden()).skip(2);
    tenant
        .simulator
        .fault(fault.on(&Method::GET, "/integrations"));
    let (profile, ran) = profiled(&tenant);
    assert_eq!(ran.code, 0);
    let shown = "warning: 1 of 2 reads of `GET /integrations` failed: 1 with status 403";
    assert!(ran.stderr.starts_with(shown), "{}", ran.stderr);
    assert!(!profile.types["Snowflake"].attributes["config/host"].changes);
}

/// An integration, as the API shows it.
fn element() -> Value {
    json!({
        "id": 1, "status": "enabled", "type": "Glue", "autoBootstrap": true,
        "config": { "region": "eu-west-1" },
    })
}

/// The profile of a tenant with scripted answers, the exit code, and standard error.
fn scripted(list: &Value, detail: &Value) -> (TenantProfile, Ran) {
    let status = json!({ "id": 1, "status": "enabled" }).to_string();
    let (list, detail) = (list.to_string(), detail.to_string());
    let stub = Stub::start(move |line| match line {
        "GET /integrations" => (200, list.clone()),
        "GET /integrations/1" => (200, detail.clone()),
        "GET /integrations/1/status" => (200, status.clone()),
        _ => (404, String::new()),
    });
    let ran = Integrationd::new(["ping", "--profile", "-"])
        .at(&stub.url)
        .run();
    (TenantProfile::read(&ran.stdout).unwrap(), ran)
}

#[test]
fn json_that_is_no_integration_is_not_taken_for_one() {
    for detail in [
        json!({ "message": "x" }),
        json!(["x", "y"]),
        json!("x"),
        json!({ "id": 2, "type": "Glue" }),
        json!({ "integration": element() }),
    ] {
        let (profile, ran) = scripted(&json!([element()]), &detail);
        assert_eq!(ran.code, 1, "{detail}");
        let other = [UnusableResponse::OtherJson];
        assert!(profile.unusable_responses[DETAIL].iter().eq(&other));
        let attributes = &profile.types["Glue"].attributes;
        assert_eq!(attributes["config/region"].detail, None, "{detail}");
        assert!(!attributes.contains_key("message"));
        assert!(ran.stderr.contains("JSON that is not the integration"));
    }
    let (profile, ran) = scripted(&json!([element()]), &element());
    assert_eq!(ran.code, 0);
    assert!(profile.unusable_responses.is_empty());
}

#[test]
fn list_with_other_elements_is_described_without_them() {
    let list = json!(["x", { "message": "x" }, { "type": "Glue" }, element()]);
    let (profile, ran) = scripted(&list, &element());
    let other = [UnusableResponse::OtherJson];
    assert!(
        profile.unusable_responses["GET /integrations"]
            .iter()
            .eq(&other)
    );
    assert!(profile.ids.iter().eq(&[JsonKind::Number]));
    let attributes = &profile.types["Glue"].attributes;
    assert!(!attributes["config/region"].sometimes_absent);
    let shown = "is JSON that is not a list of integrations";
    assert!(ran.stderr.contains(shown), "{}", ran.stderr);
}

#[test]
fn missing_and_misshapen_members_are_deviations() {
    let element = json!({
        "id": 1, "status": "enabled", "type": "Snowflake", "autoBootstrap": "true",
        "config": { "host": "a.example.com", "warehouse": "w", "database": "d", "port": 443 },
    });
    let (profile, ran) = scripted(&json!([element]), &element);
    for shown in [
        "matters   the JSON type of `autoBootstrap` of Snowflake differs from the documented one: \
         the integration cannot be read",
        "harmless  `validationResults` of Snowflake is missing from the list",
    ] {
        assert!(ran.stderr.contains(shown), "{}", ran.stderr);
    }
    let (again, _) = profiled(&Tenant::of(profile.simulator(fast())));
    let shape = |it: &TenantProfile| it.types["Snowflake"].attributes["autoBootstrap"].clone();
    assert_eq!(shape(&again), shape(&profile));
    let element = json!({ "id": 1, "status": "enabled", "type": "Snowflake" });
    let (_, ran) = scripted(&json!([element]), &element);
    for shown in [
        "matters   `config` of Snowflake is missing from the list: a plan shows every attribute",
        "matters   `autoBootstrap` of Snowflake is missing from the list: a plan does not",
    ] {
        assert!(ran.stderr.contains(shown), "{}", ran.stderr);
    }
}

#[test]
fn profile_on_standard_output_is_alone_there() {
    let tenant = tenant(1, fast());
    let files = Files::none();
    let ran = Integrationd::new(["ping", "--profile", "-"])
        .under(&["env", "-C", files.path().to_str().unwrap()])
        .on(&tenant)
        .run()
        .exits_with(0);
    let profile = TenantProfile::read(&ran.stdout).unwrap();
    assert!(profile.types.contains_key("Snowflake"));
    insta::assert_snapshot!(ran.stderr, @r"
    ok      url          [TENANT]
    ok      connection   connected to this machine without TLS
    ok      tenant       responds like Immuta's integrations API
    ok      credentials  accepted
    ok      permission   granted
    ok      list         1 integration

    The profile was written to standard output. It contains no values from the tenant.
    The tenant matches the documentation (docs/API.md).
    ");
    assert_eq!(std::fs::read_dir(files.path()).unwrap().count(), 0);
    tenant.fails_once(&Method::GET, "/integrations", forbidden());
    let run = Integrationd::new(["ping", "--profile", "-"]).on(&tenant);
    let failed = run.run().exits_with(1);
    assert_eq!(failed.stdout, "");
    assert!(failed.stderr.contains("failed  permission"));
}

#[test]
fn broken_element_of_the_list_is_in_the_profile() {
    let tenant = tenant(
        2,
        SimulatorOptions {
            secrets: StoredSecrets::Mask,
            ..fast()
        },
    );
    let kind = FaultKind::BrokenElement {
        index: 0,
        breakage: Breakage::Text,
    };
    always(&tenant, "/integrations", kind);
    let (profile, ran) = profiled(&tenant);
    assert_eq!(ran.code, 0);
    assert!(profile.unusable_responses.contains_key("GET /integrations"));
    let shown = "matters   the response to `GET /integrations` is JSON that is not a list";
    assert!(ran.stdout.contains(shown), "{}", ran.stdout);
}
