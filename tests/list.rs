//! `list`: what is live, and nothing secret.

use http::Method;
use integrationd::simulator::{
    Breakage, FailedTest, FaultKind, Ids, Seed, SimulatorOptions, StoredSecrets,
};
use serde_json::json;

use crate::common::{Files, Integrationd, SECRETS, Tenant, in_sync, snowflake};

#[test]
fn integrations_are_a_table_sorted_by_id() {
    let (tenant, _files) = in_sync();
    tenant.simulator.seed(Seed::new("Novelty", None, None));
    for id in [10, 9] {
        let mut seed = Seed::new("Trino", None, None);
        seed.id = Some(id);
        tenant.simulator.seed(seed.status("createError".into()));
    }
    let ran = Integrationd::new(["list"]).on(&tenant).run().exits_with(0);
    insta::assert_snapshot!(ran.stdout, @r"
    ID  TYPE                     IDENTITY                                                 SET-UP     STATUS
    1   Google BigQuery          immuta                                                   manual     enabled
    2   Databricks               acme-prod.cloud.databricks.com                           automatic  enabled
    3   Redshift                 analytics.c8xk2jqv1m0p.us-east-1.redshift.amazonaws.com  automatic  enabled
    4   Native S3                acme-data-lake                                           manual     enabled
    5   Snowflake                acme.us-east-1.snowflakecomputing.com                    automatic  enabled
    6   Azure Synapse Analytics  acme.sql.azuresynapse.net                                manual     enabled
    7   Trino                                                                                        enabled
    8   Novelty                                                                                      enabled
    9   Trino                                                                                        createError
    10  Trino                                                                                        createError
    ");
    assert_eq!(ran.stderr, "");
}

#[test]
fn an_empty_tenant_is_said_to_be_empty() {
    let ran = Integrationd::new(["list"]).on(&Tenant::empty()).run();
    assert_eq!(
        ran.exits_with(0).stdout,
        "The tenant has no integrations.\n"
    );
}

#[test]
fn json_has_what_is_harmless() {
    let tenant = Tenant::empty();
    let mut options = SimulatorOptions {
        secrets: StoredSecrets::Mask,
        ids: Ids::Number,
        ..tenant.simulator.options()
    };
    options.settle = std::time::Duration::ZERO;
    tenant.simulator.set_options(options);
    let config = json!({
        "host": "a.snowflakecomputing.com", "warehouse": "WH", "password": SECRETS[0].1,
        "novelty": "may be a secret",
    });
    let seed = Seed::new("Snowflake", Some(false), Some(config));
    tenant.simulator.seed(seed);
    tenant.simulator.seed(Seed::new(
        "Trino",
        None,
        Some(json!({"apiKey": "trino-key-Xy12"})),
    ));
    let run = Integrationd::new(["list", "-o", "json"]).on(&tenant);
    let ran = run.run().exits_with(0);
    insta::assert_snapshot!(ran.stdout, @r#"
    {
      "format_version": 1,
      "tenant": "[TENANT]",
      "integrations": [
        {
          "id": "1",
          "type": "Snowflake",
          "identity": "a.snowflakecomputing.com",
          "autoBootstrap": false,
          "status": "enabled",
          "connection": null,
          "failing_tests": [],
          "config": {
            "host": "a.snowflakecomputing.com",
            "warehouse": "WH",
            "port": 443
          }
        },
        {
          "id": "2",
          "type": "Trino",
          "identity": null,
          "autoBootstrap": null,
          "status": "enabled",
          "connection": null,
          "failing_tests": [],
          "config": {}
        }
      ],
      "unknown_owners": [],
      "unreadable": [],
      "exit_code": 0
    }
    "#);
}

#[test]
fn a_list_with_a_hole_fails_and_shows_the_rest() {
    let (tenant, _files) = in_sync();
    let hole = || FaultKind::BrokenElement {
        index: 2,
        breakage: Breakage::NoType,
    };
    tenant.fails_once(&Method::GET, "/integrations", hole());
    let ran = Integrationd::new(["list"]).on(&tenant).run().exits_with(1);
    assert_eq!(ran.stdout.lines().count(), 7, "{}", ran.stdout);
    insta::assert_snapshot!(ran.stderr, @r"
    error: element 3 of the list: `type` is not a non-empty string
     help: the list is incomplete, so `sync` would create nothing: try again, or report the problem to Immuta
    ");
    tenant.fails_once(&Method::GET, "/integrations", hole());
    let run = Integrationd::new(["list", "-o", "json"]).on(&tenant);
    let report = run.run().exits_with(1).json();
    assert_eq!(report["exit_code"], 1);
    assert_eq!(report["unreadable"].as_array().unwrap().len(), 1);
}

#[test]
fn the_tests_that_failed_stand_below_the_table() {
    let (tenant, files) = (Tenant::empty(), Files::none());
    files.write("a.yaml", &snowflake("a"));
    let failed = FailedTest {
        test: "Validate connection".to_owned(),
        message: "Incorrect username or password was specified.".to_owned(),
    };
    let fault = FaultKind::CreateError(failed);
    tenant.fails_once(&Method::POST, "/integrations", fault);
    let sync = Integrationd::new(["sync", "--yes"]);
    sync.on(&tenant).with(&files).run().exits_with(1);
    let ran = Integrationd::new(["list"]).on(&tenant).run().exits_with(0);
    insta::assert_snapshot!(ran.stdout, @r"
    ID  TYPE       IDENTITY                  SET-UP  STATUS
    1   Snowflake  a.snowflakecomputing.com  manual  createError

    Integration 1 has status `createError`:
      ✗ Validate connection: message hidden because the secrets of this integration are not known here
    ");
}
