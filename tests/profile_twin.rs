//! The way of a deviation into a test: a tenant, its profile, the simulator with this profile, and
//! files for what it has.

use std::path::Path;

use integrationd::platform::{PLATFORMS, Platform};
use integrationd::simulator::{
    ConnectionsApi, Preset, Seed, SimulatorOptions, StoredSecrets, TenantProfile,
};

use serde_json::json;

use crate::common::{Files, Integrationd, Tenant};
use crate::payload::every_case;
use crate::profiled::{fast, is_same, modes, profile};

/// The simulator with the profile of a tenant. Its own profile is the same.
fn twin(tenant: &Tenant, context: &str) -> Tenant {
    let first = profile(tenant);
    let text = serde_json::to_string(&first).unwrap();
    let twin = Tenant::of(TenantProfile::read(&text).unwrap().simulator(fast()));
    is_same(&profile(&twin), &first, context);
    twin
}

/// Writes files for the tenant; they are valid, and plan to nothing.
fn is_exported(tenant: &Tenant, context: &str) {
    let files = Files::none();
    let dir = files.path().join("integrations.d");
    let run = |args: &[&str], dir: &Path| {
        let run = Integrationd::new([]).on(tenant);
        let ran = args.iter().fold(run, Integrationd::arg).arg(dir).run();
        assert_eq!(
            ran.code, 0,
            "{context}: {args:?}\n{}{}",
            ran.stdout, ran.stderr
        );
        ran
    };
    // The remedy of a tenant whose connections cannot be read.
    let connections = match tenant.simulator.options().connections {
        ConnectionsApi::Paged => "--connections=none",
        ConnectionsApi::Missing
        | ConnectionsApi::Html
        | ConnectionsApi::Forbidden
        | ConnectionsApi::Works
        | ConnectionsApi::WithoutBody => "--connections=auto",
    };
    run(&["export", connections], &dir);
    let validated = run(&["validate"], &dir);
    assert_eq!(validated.stderr, "", "{context}");
    let planned = run(
        &["sync", "--dry-run", "--detailed-exitcode", connections],
        &dir,
    );
    let number = tenant.simulator.state().len();
    let unchanged = format!("{number} unchanged");
    assert!(
        planned.stdout.contains(&unchanged),
        "{context}\n{}",
        planned.stdout
    );
    assert_eq!(tenant.writes(), [""; 0]);
}

#[test]
fn twin_of_the_preset_can_be_exported_in_every_mode() {
    for mode in modes() {
        let context = format!("{mode:?}");
        let tenant = Tenant::of(Preset::Ui.simulator(mode));
        is_exported(&twin(&tenant, &context), &context);
    }
}

/// A tenant with every set-up of a platform that `is_in` accepts; `None` if there is none.
fn tenant_of(
    platform: &Platform,
    is_in: impl Fn(Option<bool>) -> bool,
    mode: SimulatorOptions,
) -> Option<Tenant> {
    let cases = every_case().into_iter();
    let mut cases = cases
        .filter(|it| it.platform == platform && is_in(it.auto))
        .peekable();
    cases.peek()?;
    let tenant = Tenant::with(mode);
    for case in cases {
        let config = case.payload().get("config").cloned();
        let seed = Seed::new(platform.wire, case.auto, config);
        tenant.simulator.seed(seed);
    }
    Some(tenant)
}

/// A tenant that breaks the rules has a twin that breaks them too.
#[test]
fn twin_of_a_tenant_with_two_logins_at_once_has_both() {
    let tenant = Tenant::with(SimulatorOptions {
        secrets: StoredSecrets::Mask,
        ..fast()
    });
    let config = json!({
        "workspaceUrl": "a.example.com", "httpPath": "/sql/1", "authenticationType": "token",
        "token": "t", "oAuthClientConfig": { "clientId": "c" },
    });
    tenant
        .simulator
        .seed(Seed::new("Databricks", Some(false), Some(config)));
    twin(&tenant, "two logins");
}

/// A name, and the values of `autoBootstrap`.
type SetUp = (&'static str, fn(Option<bool>) -> bool);

/// Every login of a platform, set up automatically, manually, and in both ways.
#[test]
fn twin_of_each_platform_can_be_exported() {
    let set_ups: [SetUp; 3] = [
        ("automatic", |auto| auto == Some(true)),
        ("manual", |auto| auto != Some(true)),
        ("both", |_| true),
    ];
    let modes = [
        StoredSecrets::Omit,
        StoredSecrets::Mask,
        StoredSecrets::Shown,
    ];
    for platform in PLATFORMS {
        for (set_up, is_in) in set_ups {
            for secrets in modes {
                let context = format!("{} {set_up} {secrets:?}", platform.wire);
                let fills_defaults = secrets != StoredSecrets::Mask;
                let mode = SimulatorOptions {
                    secrets,
                    fills_defaults,
                    ..fast()
                };
                if let Some(tenant) = tenant_of(platform, is_in, mode) {
                    is_exported(&twin(&tenant, &context), &context);
                }
            }
        }
    }
}
