//! The text of plans.

use http::Method;
use integrationd::simulator::{
    Breakage, FailedTest, FaultKind, Seed, SimulatedDrift, SimulatorOptions,
};
use serde_json::json;
use std::time::Duration;

use crate::common::{Files, Integrationd, Tenant, example, in_sync, snowflake};

/// The text of a plan.
fn plan(tenant: &Tenant, files: &Files) -> String {
    let run = Integrationd::new(["sync", "--dry-run"])
        .on(tenant)
        .with(files);
    run.run().stdout
}

/// Only the part about one integration.
fn plan_of(tenant: &Tenant, files: &Files, name: &str) -> String {
    let run = Integrationd::new(["sync", "--dry-run", "--only", name]);
    run.on(tenant).with(files).run().stdout
}

fn drift(tenant: &Tenant, platform: &str, path: &str, value: serde_json::Value) {
    let drift = SimulatedDrift::value(tenant.id_of(platform), path, value);
    tenant.simulator.drift(drift).unwrap();
}

fn status(tenant: &Tenant, id: u64, word: &str) {
    tenant
        .simulator
        .drift(SimulatedDrift::status(id, word.into()))
        .unwrap();
}

/// The platforms of the examples.
const BIGQUERY: &str = "Google BigQuery";
const DATABRICKS: &str = "Databricks";
const S3: &str = "Native S3";
const SNOWFLAKE: &str = "Snowflake";
const TRINO: &str = "Trino";

#[test]
fn create_shows_every_attribute_and_the_source_of_its_secrets() {
    let files = Files::none()
        .with("lake.yaml", &example("databricks.yaml"))
        .with("starburst.yaml", &example("trino.yaml"));
    insta::assert_snapshot!(plan(&Tenant::empty(), &files), @r#"
      # lake will be created  [FILES]/lake.yaml:2
      + Databricks Unity Catalog
          + autoBootstrap                    = true
          + workspaceUrl                     = "acme-prod.cloud.databricks.com"
          + httpPath                         = "/sql/1.0/warehouses/0a1b2c3d4e5f6789"
          + catalog                          = "immuta"
          + authenticationType               = "oAuthM2M"
          + oAuthClientConfig/useCertificate = false
          + oAuthClientConfig/clientId       = "3f2c9a54-7d1e-4b68-9c0a-5e8f1d2b7a63"
          + oAuthClientConfig/clientSecret   = (secret from ${env:DATABRICKS_CLIENT_SECRET})
          + oAuthClientConfig/scope          = "all-apis"
          + oAuthClientConfig/authorityUrl   = "https://acme-prod.cloud.databricks.com/oidc/v1/token"
          + audit/enabled                    = true
          + groupPattern/deny                = "immuta_exempt"

      # starburst will be created  [FILES]/starburst.yaml:4
      + Starburst (Trino)

    Plan: 2 to create.
    "#);
}

#[test]
fn an_update_shows_old_and_new_and_what_the_server_may_refuse() {
    let (tenant, files) = in_sync();
    files.change("snowflake.yaml", "IMMUTA_WH", "SMALL_WH");
    files.change("snowflake.yaml", "database: IMMUTA ", "database: OTHER ");
    insta::assert_snapshot!(plan_of(&tenant, &files, "snowflake-prod"), @r#"
      # snowflake-prod will be updated  [FILES]/snowflake.yaml:3
      ~ Snowflake (id 5)
          ~ warehouse = "IMMUTA_WH" -> "SMALL_WH"
          ~ database  = "IMMUTA" -> "OTHER"  # the server may reject this change

    Plan: 1 to update, 6 not selected.
    "#);
}

#[test]
fn text_of_many_lines_shows_every_line_that_is_sent() {
    let (tenant, files) = in_sync();
    drift(&tenant, SNOWFLAKE, "/warehouse", json!("one\ntwo\nthree\n"));
    files.change(
        "snowflake.yaml",
        "warehouse: IMMUTA_WH ",
        "warehouse: \"one\\n2\\nthree\\n\" ",
    );
    insta::assert_snapshot!(plan_of(&tenant, &files, "snowflake-prod"), @r"
      # snowflake-prod will be updated  [FILES]/snowflake.yaml:3
      ~ Snowflake (id 5)
          ~ warehouse =
                one
              - two
              + 2
                three

    Plan: 1 to update, 6 not selected.
    ");
}

#[test]
fn old_values_are_cut_around_the_difference_and_new_are_whole() {
    let (tenant, files) = in_sync();
    let path = format!("/sql/1.0/{}", "warehouses-".repeat(12));
    drift(
        &tenant,
        DATABRICKS,
        "/httpPath",
        json!(format!("{path}old/tail")),
    );
    files.change(
        "databricks.yaml",
        "/sql/1.0/warehouses/0a1b2c3d4e5f6789",
        &format!("{path}new/tail"),
    );
    drift(&tenant, DATABRICKS, "/groupPattern", json!(null));
    insta::assert_snapshot!(plan_of(&tenant, &files, "databricks"), @r#"
      # databricks will be updated  [FILES]/databricks.yaml:2
      ~ Databricks Unity Catalog (id 2)
          ~ httpPath          = …-warehouses-old/tail" -> "/sql/1.0/warehouses-warehouses-warehouses-warehouses-warehouses-warehouses-warehouses-warehouses-warehouses-warehouses-warehouses-warehouses-new/tail"
          + groupPattern/deny = "immuta_exempt"

    Plan: 1 to update, 6 not selected.
    Not compared: 1 secret of 1 integration. The server never returns secrets.
     help: send them with `integrationd sync --resend-secrets databricks`; or, if the server already has them, run `integrationd adopt databricks --secrets assume`
    "#);
}

#[test]
fn names_and_values_cannot_drive_the_terminal() {
    let (tenant, files) = in_sync();
    let evil = "x\u{1b}[31m\u{202e}\r\u{7}";
    drift(&tenant, SNOWFLAKE, "/warehouse", json!(evil));
    drift(&tenant, S3, "/awsRegion", json!(evil));
    let odd = tenant.simulator.seed(Seed::new(
        &format!("Odd{evil}"),
        None,
        Some(json!({"host": evil})),
    ));
    status(&tenant, odd, evil);
    let ran = Integrationd::new(["sync", "--dry-run"])
        .on(&tenant)
        .with(&files)
        .run();
    let listed = Integrationd::new(["list"]).on(&tenant).run();
    for text in [ran.all(), listed.all()] {
        for c in ['\u{1b}', '\u{202e}', '\r', '\u{7}'] {
            assert!(!text.contains(c), "{c:?} in {text:?}");
        }
        assert!(text.contains("\\u{1b}[31m"), "{text}");
    }
}

/// Every reason to be blocked that files and a tenant can give.
fn all_blocked() -> (Tenant, Files) {
    let (tenant, files) = in_sync();
    // A hint that differs, a pin to nothing, to another type, to another host.
    drift(&tenant, BIGQUERY, "/location", json!("eu"));
    let pinned = |host, id: u64| format!("{}sync: {{id: \"{id}\"}}\n", snowflake(host));
    let files = files
        .with("broken.yaml", "type: Snowflake\nautoBootstrap: false\n")
        .with("pin-host.yaml", &pinned("another", tenant.id_of(SNOWFLAKE)))
        .with("pin-nothing.yaml", &pinned("nowhere", 99))
        .with("pin-type.yaml", &pinned("elsewhere", tenant.id_of(S3)))
        .with("twin.yaml", &snowflake("twin"))
        .with("busy.yaml", &snowflake("busy"))
        .with("disabled.yaml", &snowflake("disabled"));
    std::fs::remove_file(files.path().join("snowflake.yaml")).unwrap();
    let seed = |host: &str, status: &str| {
        let config = json!({"host": format!("{host}.snowflakecomputing.com"), "warehouse": "W"});
        let seed = Seed::new("Snowflake", Some(false), Some(config));
        tenant.simulator.seed(seed.status(status.into()));
    };
    seed("twin", "enabled");
    seed("TWIN", "enabled");
    seed("busy", "editing");
    seed("disabled", "disabled");
    status(&tenant, tenant.id_of(TRINO), "createError");
    (tenant, files)
}

#[test]
fn every_reason_to_be_blocked_says_what_helps() {
    let (tenant, files) = all_blocked();
    let ran = Integrationd::new(["sync", "--dry-run"])
        .on(&tenant)
        .with(&files)
        .run()
        .exits_with(1);
    insta::assert_snapshot!(ran.stdout, @r#"
      # bigquery is blocked  [FILES]/bigquery.yaml:3
      ! Google BigQuery
          integration 1 is only a probable match, and it differs in location
          help: if the match is correct, confirm it with `sync: {id: "1"}` in the file

      # broken is blocked  [FILES]/broken.yaml:1
      ! Snowflake
          the file has errors
          help: fix the errors in the file; until then, integrationd does not write to the live integration

      # busy is blocked  [FILES]/busy.yaml:1
      ! Snowflake
          integration 10 is busy: its status is `editing`
          help: wait until the server has finished, then try again

      # disabled is blocked  [FILES]/disabled.yaml:1
      ! Snowflake
          integration 11 was force-disabled without a clean-up on the platform
          help: enable or delete the integration in Immuta's settings, then try again

      # pin-host is blocked  [FILES]/pin-host.yaml:1
      ! Snowflake
          `sync.id` is 5, but the host of integration 5 is acme.us-east-1.snowflakecomputing.com, and the file has another.snowflakecomputing.com
          help: correct `sync.id`, or remove it

      # pin-nothing is blocked  [FILES]/pin-nothing.yaml:1
      ! Snowflake
          `sync.id` is 99, but no integration has that id
          help: correct `sync.id`, or remove it to create the integration

      # pin-type is blocked  [FILES]/pin-type.yaml:1
      ! Snowflake
          `sync.id` is 4, but integration 4 has type `Native S3`
          help: correct `sync.id`, or remove it

      # trino is blocked  [FILES]/trino.yaml:4
      ! Starburst (Trino)
          the creation of integration 7 failed, and integrations of this type cannot be updated
          help: delete integration 7 in Immuta, then try again

      # twin is blocked  [FILES]/twin.yaml:1
      ! Snowflake
          several live integrations match: 8 and 9
          help: select one with `sync: {id: "8"}` in the file

    Plan: 9 blocked, 4 unchanged.
    Not compared: 7 secrets of 6 integrations. The server never returns secrets.
     help: send them with `integrationd sync --resend-secrets NAME` (`'*'` for all integrations); or, if the server already has them, run `integrationd adopt NAME --secrets assume`
    "#);
}

#[test]
fn nothing_is_created_from_a_list_with_a_hole() {
    let (tenant, files) = in_sync();
    let files = files.with("new.yaml", &snowflake("new"));
    let hole = FaultKind::BrokenElement {
        index: 4,
        breakage: Breakage::NoStatus,
    };
    tenant.fails_once(&Method::GET, "/integrations", hole);
    insta::assert_snapshot!(plan_of(&tenant, &files, "new"), @"
      # new is blocked  [FILES]/new.yaml:1
      ! Snowflake
          the integration may already exist: element 5 of the list: `status` is not a non-empty string
          help: try again, or report the problem to Immuta: nothing is created while the tenant's list cannot be read completely

      unreadable: element 5 of the list: `status` is not a non-empty string
          note: the tenant's list of integrations is incomplete, so integrations that may already exist are not created

    Plan: 1 blocked, 7 not selected.
    ");
}

#[test]
fn what_is_suspended_says_why_and_until_when() {
    let files = Files::none()
        .with(
            "a.yaml",
            &format!(
                "{}sync: {{suspend: {{reason: vendor migration, until: 2999-12-01}}}}\n",
                snowflake("a")
            ),
        )
        .with(
            "b.yaml",
            &format!(
                "{}sync: {{suspend: {{reason: over long ago, until: 2001-01-01}}}}\n",
                snowflake("b")
            ),
        );
    insta::assert_snapshot!(plan(&Tenant::empty(), &files), @r#"
      # a would be created but is suspended  [FILES]/a.yaml:1
      . Snowflake
          + autoBootstrap      = false
          + host               = "a.snowflakecomputing.com"
          + warehouse          = "WH"
          + database           = "IMMUTA"
          + authenticationType = "userPassword"
          + username           = "immuta"
          + password           = (secret from ${env:SNOWFLAKE_PASSWORD})
          note: the integration is suspended: vendor migration (until the end of 2999-12-01 UTC)

      # b will be created  [FILES]/b.yaml:1
      + Snowflake
          + autoBootstrap      = false
          + host               = "b.snowflakecomputing.com"
          + warehouse          = "WH"
          + database           = "IMMUTA"
          + authenticationType = "userPassword"
          + username           = "immuta"
          + password           = (secret from ${env:SNOWFLAKE_PASSWORD})
          before this, run the script of: integrationd script b

    Plan: 1 to create, 1 suspended with changes.
    "#);
}

#[test]
fn a_health_problem_is_a_note_with_the_failing_tests() {
    let (tenant, files) = in_sync();
    let failed = FailedTest {
        test: "Validate connection".to_owned(),
        message: "Incorrect username or password was specified.".to_owned(),
    };
    files.change("snowflake.yaml", "IMMUTA_WH", "SMALL_WH");
    tenant.fails_once(
        &Method::PUT,
        "/integrations/{id}",
        FaultKind::EditError(failed),
    );
    Integrationd::new(["sync", "--yes"])
        .on(&tenant)
        .with(&files)
        .run()
        .exits_with(1);
    files.change("snowflake.yaml", "SMALL_WH", "IMMUTA_WH");
    status(&tenant, tenant.id_of(S3), "recurringValidationError");
    insta::assert_snapshot!(plan(&tenant, &files), @"
      # s3 matches its file but is unhealthy  [FILES]/s3.yaml:2
      ? Amazon S3 (id 4)
          note: the integration has status `recurringValidationError`: a recurring validation test is failing

      # snowflake-prod matches its file but is unhealthy  [FILES]/snowflake.yaml:3
      ? Snowflake (id 5)
          note: the integration has status `editError`: the server rolled back the last change, and the old configuration is active
            ✗ Validate connection: Incorrect username or password was specified.

    No changes. Not everything in [TENANT] was compared.
    Plan: 7 unchanged.
    Not compared: 5 secrets of 4 integrations. The server never returns secrets.
     help: send them with `integrationd sync --resend-secrets NAME` (`'*'` for all integrations); or, if the server already has them, run `integrationd adopt NAME --secrets assume`
    ");
}

#[test]
fn unmanaged_integration_is_shown_and_not_written() {
    let (tenant, files) = in_sync();
    std::fs::remove_file(files.path().join("snowflake.yaml")).unwrap();
    std::fs::remove_file(files.path().join("trino.yaml")).unwrap();
    let novelty = tenant.simulator.seed(Seed::new("Novelty", None, None));
    status(&tenant, novelty, "migrating");
    insta::assert_snapshot!(plan(&tenant, &files), @"
      Unmanaged (live, but not described by a valid file):
        id 5: Snowflake, acme.us-east-1.snowflakecomputing.com
        id 7: Trino
        id 8: Novelty, migrating

    No changes. Not everything in [TENANT] was compared.
    Plan: 5 unchanged.
    Not compared: 5 secrets of 4 integrations. The server never returns secrets.
     help: send them with `integrationd sync --resend-secrets NAME` (`'*'` for all integrations); or, if the server already has them, run `integrationd adopt NAME --secrets assume`
    ");
}

#[test]
fn an_attribute_that_this_version_does_not_know_is_named() {
    let (tenant, files) = in_sync();
    drift(&tenant, SNOWFLAKE, "/novelty", json!("x"));
    files.change("snowflake.yaml", "IMMUTA_WH", "SMALL_WH");
    insta::assert_snapshot!(plan_of(&tenant, &files, "snowflake-prod"), @r#"
      # snowflake-prod will be updated  [FILES]/snowflake.yaml:3
      ~ Snowflake (id 5)
          ~ warehouse = "IMMUTA_WH" -> "SMALL_WH"
          note: the server also has attributes that this version does not know: novelty; they are sent back unchanged and may point to any host

    Plan: 1 to update, 6 not selected.
    "#);
}

#[test]
fn a_missing_secret_is_a_note_in_a_dry_run_and_blocks_an_apply() {
    let (tenant, files) = (Tenant::empty(), Files::none());
    files.write("a.yaml", &snowflake("a"));
    let without = |flag| {
        let run = Integrationd::new(["sync", flag]).on(&tenant).with(&files);
        run.without_env("SNOWFLAKE_PASSWORD").run()
    };
    insta::assert_snapshot!(without("--dry-run").exits_with(0).stdout, @r#"
      # a will be created  [FILES]/a.yaml:1
      + Snowflake
          + autoBootstrap      = false
          + host               = "a.snowflakecomputing.com"
          + warehouse          = "WH"
          + database           = "IMMUTA"
          + authenticationType = "userPassword"
          + username           = "immuta"
          + password           = (secret from ${env:SNOWFLAKE_PASSWORD})
          note: an apply would be blocked: ${env:SNOWFLAKE_PASSWORD} has no value: the environment variable is not set: set it in integrationd's environment
          before this, run the script of: integrationd script a

    Plan: 1 to create.
    An apply would block 1 change because secrets are not available here.
    "#);
    insta::assert_snapshot!(without("--yes").exits_with(1).stdout, @r"
      # a is blocked  [FILES]/a.yaml:1
      ! Snowflake
          ${env:SNOWFLAKE_PASSWORD} has no value: the environment variable is not set: set it in integrationd's environment
          help: provide the secret, then try again

    Plan: 1 blocked.
    ");
    assert!(tenant.writes().is_empty());
}

#[test]
fn nothing_to_do_is_said_in_a_line() {
    let (tenant, files) = in_sync();
    insta::assert_snapshot!(plan(&tenant, &files), @"
    No changes. Not everything in [TENANT] was compared.
    Plan: 7 unchanged.
    Not compared: 5 secrets of 4 integrations. The server never returns secrets.
     help: send them with `integrationd sync --resend-secrets NAME` (`'*'` for all integrations); or, if the server already has them, run `integrationd adopt NAME --secrets assume`
    ");
}

#[test]
fn a_directory_without_files_is_remarked_on() {
    let ran = Integrationd::new(["sync", "--dry-run"])
        .on(&Tenant::empty())
        .with(&Files::none())
        .run()
        .exits_with(0);
    insta::assert_snapshot!(ran.all(), @r"
    No changes. The files describe no integrations in [TENANT].
    Plan: no integrations.
    warning: no integration files in [FILES]
     help: add files whose names end in .yaml, .yml or .json and do not begin with a dot
    ");
}

#[test]
fn colours_come_only_where_they_are_wanted() {
    let (tenant, files) = (Tenant::empty(), Files::none());
    files.write("a.yaml", &snowflake("a"));
    let run = |flag: &str| {
        let run = Integrationd::new(["sync", "--dry-run", "--color", flag]);
        run.on(&tenant).with(&files)
    };
    assert!(!run("auto").run().all().contains('\u{1b}'));
    assert!(!run("never").run().all().contains('\u{1b}'));
    let always = run("always").env("NO_COLOR", "1").run().stdout;
    assert!(always.contains("\u{1b}[32m+\u{1b}[0m"), "{always:?}");
}

#[test]
fn two_hundred_integrations_are_planned_in_order() {
    let files = (0..200).fold(Files::none(), |files, n| {
        files.with(&format!("f{n}.yaml"), &snowflake(&format!("h{n}")))
    });
    let tenant = Tenant::with(SimulatorOptions {
        settle: Duration::ZERO,
        ..SimulatorOptions::default()
    });
    let text = plan(&tenant, &files);
    let names: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("  # ")?.split(' ').next())
        .collect();
    assert_eq!(names.len(), 200);
    assert!(names.is_sorted());
    assert!(text.ends_with("Plan: 200 to create.\n"));
}
