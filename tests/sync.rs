//! The main job, through the command and over HTTP.

use crate::common::{Files, Integrationd, Tenant, in_sync};

/// The requests of a plan with nothing in the ledger: the list, and the connections.
const READS: [&str; 2] = ["GET /integrations", "POST /data/object/search"];

fn sorted(tenant: &Tenant) -> Vec<String> {
    let mut requests = tenant.requests();
    requests.sort();
    requests
}

#[test]
fn a_dry_run_sends_nothing_but_reads() {
    let (tenant, files) = (Tenant::empty(), Files::examples());
    Integrationd::new(["sync", "--dry-run"])
        .on(&tenant)
        .with(&files)
        .run()
        .exits_with(0);
    assert_eq!(sorted(&tenant), READS);
}

#[test]
fn a_dry_run_with_a_token_sends_the_exchange_and_reads() {
    let (tenant, files) = (Tenant::empty(), Files::examples());
    Integrationd::new(["sync", "--dry-run", "--auth", "token"])
        .on(&tenant)
        .with(&files)
        .run()
        .exits_with(0);
    let exchanged = "POST /bim/apikey/authenticate";
    assert_eq!(sorted(&tenant), [READS[0], exchanged, READS[1]]);
    assert_eq!(tenant.requests()[0], exchanged);
}

#[test]
fn apply_sends_one_create_for_each_file_and_then_nothing() {
    let (tenant, files) = (Tenant::empty(), Files::examples());
    let first = Integrationd::new(["sync", "--yes"])
        .on(&tenant)
        .with(&files)
        .run()
        .exits_with(0);
    assert_eq!(tenant.writes(), ["POST /integrations"; 7]);
    assert!(
        first
            .stdout
            .contains("Verified: a second plan has no changes"),
        "{}",
        first.stdout
    );

    tenant.simulator.clear_log();
    let second = Integrationd::new(["sync", "--yes"])
        .on(&tenant)
        .with(&files)
        .run()
        .exits_with(0);
    assert_eq!(sorted(&tenant), READS);
    assert!(second.stdout.contains("No changes."), "{}", second.stdout);
}

#[test]
fn a_changed_attribute_is_one_update_and_its_plan_shows_it() {
    let (tenant, files) = in_sync();
    files.change(
        "snowflake.yaml",
        "warehouse: IMMUTA_WH",
        "warehouse: SMALL_WH",
    );
    let ran = Integrationd::new(["sync", "--yes", "--only", "snowflake-prod"])
        .on(&tenant)
        .with(&files)
        .run()
        .exits_with(0);
    let put = format!("PUT /integrations/{}", tenant.id_of("Snowflake"));
    assert_eq!(tenant.writes(), [put]);
    insta::assert_snapshot!(ran.stdout, @r#"
      # snowflake-prod will be updated  [FILES]/snowflake.yaml:3
      ~ Snowflake (id 5)
          ~ warehouse = "IMMUTA_WH" -> "SMALL_WH"

    Plan: 1 to update, 6 not selected.

    Applied: 1 updated.
    Verified: a second plan has no changes.
    "#);
}
