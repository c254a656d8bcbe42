//! Profiles of simulated tenants, made by the command.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use integrationd::simulator::{
    ConnectionsApi, FaultKind, Ids, Seed, Simulator, SimulatorOptions, StoredSecrets, TenantProfile,
};
use serde_json::json;

use crate::common::{Files, Integrationd, Ran, Tenant};
use crate::payload::every_case;

pub(crate) fn ping(tenant: &Tenant, file: &Path) -> Ran {
    let run = Integrationd::new(["ping", "--profile"]).arg(file);
    run.on(tenant).run()
}

pub(crate) fn profile(tenant: &Tenant) -> TenantProfile {
    let files = Files::none();
    let file = files.path().join("profile.json");
    ping(tenant, &file).exits_with(0);
    TenantProfile::read(&std::fs::read_to_string(file).unwrap()).unwrap()
}

/// Shows where two profiles differ, and not all of both.
#[track_caller]
pub(crate) fn is_same(one: &TenantProfile, other: &TenantProfile, of: &str) {
    let lines = |profile: &TenantProfile| {
        let mut lines = Vec::new();
        for (name, one) in &profile.types {
            lines.push(format!("{name} {} {:?}", one.known, one.statuses));
            let attributes = one.attributes.iter();
            lines.extend(attributes.map(|(path, it)| format!("{name} {path} {it:?}")));
        }
        let rest = TenantProfile {
            types: BTreeMap::new(),
            ..profile.clone()
        };
        lines.push(format!("{rest:?}"));
        lines
    };
    let (one, other) = (lines(one), lines(other));
    let only = |a: &[String], b: &[String]| -> Vec<String> {
        a.iter().filter(|line| !b.contains(line)).cloned().collect()
    };
    assert_eq!(only(&one, &other), only(&other, &one), "{of}");
}

pub(crate) fn fast() -> SimulatorOptions {
    SimulatorOptions {
        settle: Duration::from_millis(1),
        ..SimulatorOptions::default()
    }
}

/// Every platform with every way of its set-up.
pub(crate) fn seed_all(simulator: &Simulator) {
    for case in every_case() {
        let config = case.payload().get("config").cloned();
        simulator.seed(Seed::new(case.platform.wire, case.auto, config));
    }
}

pub(crate) fn modes() -> Vec<SimulatorOptions> {
    let with = |change: &dyn Fn(&mut SimulatorOptions)| {
        let mut options = fast();
        change(&mut options);
        options
    };
    let members = BTreeMap::from([("extra".to_owned(), json!({ "one": 1, "two": null }))]);
    vec![
        with(&|_| {}),
        with(&|it| it.secrets = StoredSecrets::Mask),
        with(&|it| it.secrets = StoredSecrets::Redacted),
        with(&|it| it.secrets = StoredSecrets::OtherMask),
        with(&|it| it.secrets = StoredSecrets::Shown),
        with(&|it| it.ids = Ids::Number),
        with(&|it| it.volatile = true),
        with(&|it| it.detail_shows_more = true),
        with(&|it| it.fills_defaults = false),
        with(&|it| it.connections = ConnectionsApi::Html),
        with(&|it| it.connections = ConnectionsApi::Forbidden),
        with(&|it| it.connections = ConnectionsApi::Works),
        with(&|it| it.connections = ConnectionsApi::WithoutBody),
        with(&|it| it.connections = ConnectionsApi::Paged),
        with(&|it| {
            it.detail_attributes = BTreeMap::from([("Snowflake".to_owned(), members.clone())]);
        }),
    ]
}

pub(crate) fn forbidden() -> FaultKind {
    let message = "no".to_owned();
    FaultKind::Forbid { message }
}
