//! The plan for files and a live state, without a run.

use std::collections::{BTreeMap, BTreeSet};

use integrationd::ledger::Ledger;
use integrationd::live::{IntegrationStatus, Live, LiveConfig, LiveIntegration, Owners, RemoteId};
use integrationd::manifest::{Manifest, SourceFile, Variables, load};
use integrationd::plan::{
    OnConflict, OnDrift, Operation, Operator, Plan, PlanContext, Policy, Resend, Selection,
    SourceKind, plan,
};
use integrationd::platform::{PLATFORMS, by_wire};
use integrationd::report::text;
use serde_json::{Value, json};

pub(crate) fn files(texts: &[(&str, &str)]) -> Manifest {
    let files: Vec<SourceFile> = texts
        .iter()
        .map(|(path, text)| SourceFile {
            path: (*path).to_owned(),
            content: Ok(text.as_bytes().to_vec()),
        })
        .collect();
    load(&files, &Variables::default(), PLATFORMS)
}

pub(crate) fn live(id: &str, type_name: &str, config: Value) -> LiveIntegration {
    let Value::Object(config) = config else {
        panic!("a config is an object")
    };
    LiveIntegration {
        id: RemoteId::new(id),
        type_name: type_name.to_owned(),
        platform: by_wire(type_name),
        auto_bootstrap: None,
        status: IntegrationStatus::Enabled,
        failing_tests: Vec::new(),
        config: LiveConfig(config),
        masked_texts: BTreeMap::new(),
    }
}

pub(crate) fn tenant(integrations: impl IntoIterator<Item = LiveIntegration>) -> Live {
    Live {
        integrations: integrations.into_iter().collect(),
        unreadable: Vec::new(),
        owners: Owners::default(),
    }
}

pub(crate) fn planned(manifest: &Manifest, live: &Live) -> Plan {
    planned_of(&Selection::default(), manifest, live)
}

pub(crate) fn planned_of(selection: &Selection, manifest: &Manifest, live: &Live) -> Plan {
    let context = PlanContext {
        selection,
        now: "2026-11-22T12:00Z".parse().unwrap(),
        missing_secret: &|_| None,
        ledger: &Ledger::default(),
        unknown_outcomes: &BTreeMap::new(),
        fingerprint: &|_, _, _| None,
        is_same_text: &|_, _| None,
        policy: Policy::default(),
        allow_replace: &BTreeSet::new(),
        source: SourceKind::Directory,
        empty_files: &BTreeSet::new(),
        allow_removal: &BTreeSet::new(),
        suspended: &integrationd::ledger::Suspensions::default(),
        backing_off: &BTreeMap::new(),
        rejections_at: None,
        repairs_at: "2026-11-22T12:00Z".parse().unwrap(),
        operator: &Operator::Absent,
        resend: &Resend::default(),
        revision: None,
        on_drift: OnDrift::Apply,
        on_conflict: OnConflict::Apply,
    };
    plan(manifest, live, &context)
}

/// The plan as people read it, without colours.
pub(crate) fn shown(manifest: &Manifest, live: &Live) -> String {
    anstream::adapter::strip_str(&text::plan(&planned(manifest, live), "the tenant")).to_string()
}

/// A manual Databricks integration with a token: nothing is left out by the server.
pub(crate) const LAKE: &str = "\
type: Databricks
autoBootstrap: false
config:
  workspaceUrl: lake.example.com
  httpPath: /sql/1
  authenticationType: token
  token: ${env:TOKEN}
";

pub(crate) fn lake(id: &str) -> LiveIntegration {
    let config = json!({
        "workspaceUrl": "lake.example.com", "httpPath": "/sql/1",
        "authenticationType": "token", "catalog": "immuta", "port": 443,
    });
    live(id, "Databricks", config)
}

pub(crate) fn with(mut integration: LiveIntegration, key: &str, value: Value) -> LiveIntegration {
    integration.config.0.insert(key.to_owned(), value);
    integration
}

pub(crate) fn in_status(
    mut integration: LiveIntegration,
    status: IntegrationStatus,
) -> LiveIntegration {
    integration.status = status;
    integration
}

pub(crate) fn query(dataset: &str) -> String {
    format!(
        "type: Google BigQuery\nautoBootstrap: false\nconfig: {{role: r, dataset: {dataset}, \
         datasetSuffix: _x, location: us, credential: '${{env:KEY}}'}}\n"
    )
}

pub(crate) fn live_query(id: &str, dataset: &str) -> LiveIntegration {
    let config =
        json!({ "role": "r", "dataset": dataset, "datasetSuffix": "_x", "location": "us" });
    live(id, "Google BigQuery", config)
}

/// Actions of the plan for each file, in the order of their names.
pub(crate) fn kinds(manifest: &Manifest, live: &Live) -> Vec<String> {
    let name = |kind: &Operation| match kind {
        Operation::Unchanged { id } => format!("unchanged {id}"),
        Operation::Create(_) => "create".to_owned(),
        Operation::Update { id, .. } => format!("update {id}"),
        Operation::Replace { deletion, .. } => format!("replace {}", deletion.id),
        Operation::Delete(deletion) => format!("delete {}", deletion.id),
        Operation::Withheld { .. } => "withheld".to_owned(),
        Operation::Suspended { .. } => "suspended".to_owned(),
        Operation::Blocked(block) => format!("blocked: {block}"),
    };
    planned(manifest, live)
        .actions
        .iter()
        .map(|action| name(&action.kind))
        .collect()
}
