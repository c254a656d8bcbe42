//! The text of what came of a plan.

use http::Method;
use integrationd::simulator::{FailedTest, Fault, FaultKind};
use serde_json::json;

use crate::common::{Files, Integrationd, Ran, Tenant, in_sync, snowflake};

fn apply(tenant: &Tenant, files: &Files) -> Ran {
    let run = Integrationd::new(["sync", "--yes", "--parallelism", "1"]);
    run.on(tenant).with(files).run()
}

/// Text after the plan.
fn result(ran: &Ran) -> &str {
    let (_, result) = ran.stdout.split_once("\n\nPlan: ").unwrap();
    result.split_once('\n').unwrap().1
}

fn failed_test() -> FailedTest {
    FailedTest {
        test: "Validate connection".to_owned(),
        message: "Incorrect username or password was specified.".to_owned(),
    }
}

fn on_create(tenant: &Tenant, skip: u64, kind: FaultKind) {
    let fault = Fault::new(kind).on(&Method::POST, "/integrations");
    tenant.simulator.fault(fault.skip(skip));
}

#[test]
fn each_failure_is_reported_once_with_tests_and_remedy() {
    let (tenant, files) = (Tenant::empty(), Files::examples());
    on_create(&tenant, 0, FaultKind::CreateError(failed_test()));
    let message = "the catalog is not empty".to_owned();
    on_create(&tenant, 1, FaultKind::Unprocessable { message });
    let conflict = FaultKind::Conflict {
        message: "busy".to_owned(),
    };
    on_create(&tenant, 2, conflict);
    let ran = apply(&tenant, &files).exits_with(3);
    insta::assert_snapshot!(result(&ran), @"

      ✗ bigquery (id 1) could not be created: the integration ended in status `createError`; 1 validation test failed
            ✗ Validate connection: Incorrect username or password was specified.
          help: fix the problems that the failing tests report; the next run retries the creation with an update

      ✗ databricks could not be created: POST /integrations: 422 Unprocessable Entity: the catalog is not empty
          help: fix the problem that the server's message reports, then try again

      ✗ redshift could not be created: POST /integrations: 409 Conflict: busy
          help: another change to the integration is in progress: try again in a minute

    Partly applied: 4 created, 3 failed.
    A second plan still shows 2 to create, 1 to update.
    ");
    insta::with_settings!({filters => vec![(r"\d+\.\d s", "[TIME]")]}, {
        insta::assert_snapshot!(ran.stderr, @r"
        bigquery: creating
        ✗ bigquery not created (id 1) after [TIME]
        databricks: creating
        ✗ databricks not created after [TIME]
        redshift: creating
        ✗ redshift not created after [TIME]
        s3: creating
        ✓ s3 created (id 2) in [TIME]
        snowflake-prod: creating
        ✓ snowflake-prod created (id 3) in [TIME]
        synapse: creating
        ✓ synapse created (id 4) in [TIME]
        trino: creating
        ✓ trino created (id 5) in [TIME]
        ");
    });
}

#[test]
fn what_did_not_succeed_at_all_has_failed() {
    let (tenant, files) = (Tenant::empty(), Files::none());
    files.write("a.yaml", &snowflake("a"));
    let message = "no".to_owned();
    on_create(&tenant, 0, FaultKind::Unprocessable { message });
    let ran = apply(&tenant, &files).exits_with(1);
    insta::assert_snapshot!(result(&ran), @r"
      ✗ a could not be created: POST /integrations: 422 Unprocessable Entity: no
          help: fix the problem that the server's message reports, then try again

    Nothing was applied: 1 failed.
    A second plan still shows 1 to create.
    ");
}

#[test]
fn rolled_back_edit_says_that_the_old_configuration_runs() {
    let (tenant, files) = in_sync();
    files.change("snowflake.yaml", "IMMUTA_WH", "SMALL_WH");
    let edit_error = FaultKind::EditError(failed_test());
    tenant.fails_once(&Method::PUT, "/integrations/{id}", edit_error);
    let ran = apply(&tenant, &files).exits_with(1);
    insta::assert_snapshot!(result(&ran), @"
    Not compared: 5 secrets of 4 integrations. The server never returns secrets.
     help: send them with `integrationd sync --resend-secrets NAME` (`'*'` for all integrations); or, if the server already has them, run `integrationd adopt NAME --secrets assume`

      ✗ snowflake-prod (id 5) could not be updated: the integration ended in status `editError`; 1 validation test failed
            ✗ Validate connection: Incorrect username or password was specified.
          help: the old configuration is still active; fix the problems that the failing tests report, then try again

    Nothing was applied: 1 failed.
    A second plan still shows 1 to update.
    ");
}

#[test]
fn an_attribute_that_cannot_be_edited_is_named() {
    let (tenant, files) = in_sync();
    let fixed = vec!["database".to_owned()];
    let mut options = tenant.simulator.options();
    options.immutable.insert("Snowflake".to_owned(), fixed);
    tenant.simulator.set_options(options);
    files.change("snowflake.yaml", "database: IMMUTA ", "database: OTHER ");
    let ran = apply(&tenant, &files).exits_with(1);
    insta::assert_snapshot!(result(&ran), @"
    Not compared: 5 secrets of 4 integrations. The server never returns secrets.
     help: send them with `integrationd sync --resend-secrets NAME` (`'*'` for all integrations); or, if the server already has them, run `integrationd adopt NAME --secrets assume`

      ✗ snowflake-prod (id 5) could not be updated: PUT /integrations/5: 400 Bad Request: Unable to edit integration due to changes of non-editable attribute(s). database
          help: this attribute cannot be edited: change it back, or allow integrationd to delete and recreate the integration with `--allow-replace NAME`

    Nothing was applied: 1 failed.
    A second plan still shows 1 to update.
    ");
}

#[test]
fn what_does_not_converge_says_what_was_sent_and_what_was_found() {
    let (tenant, files) = in_sync();
    files.change("snowflake.yaml", "IMMUTA_WH", "small_wh");
    let rewrite = FaultKind::Rewrite {
        path: "warehouse".to_owned(),
        value: json!("SMALL_WH"),
    };
    tenant.fails_once(&Method::PUT, "/integrations/{id}", rewrite);
    let ran = apply(&tenant, &files).exits_with(1);
    insta::assert_snapshot!(result(&ran), @r#"
    Not compared: 5 secrets of 4 integrations. The server never returns secrets.
     help: send them with `integrationd sync --resend-secrets NAME` (`'*'` for all integrations); or, if the server already has them, run `integrationd adopt NAME --secrets assume`

    Applied: 1 updated.
    Not converged: snowflake-prod: the write succeeded, but the server still differs from the file
          warehouse: sent "small_wh", found "SMALL_WH"
     help: check whether someone else changed the integration at the same time; the next run repeats the write
    A second plan still shows 1 to update.
    "#);
}

#[test]
fn write_is_unproved_if_the_tenant_goes_away_after_it() {
    let (tenant, files) = in_sync();
    files.change("snowflake.yaml", "IMMUTA_WH", "SMALL_WH");
    // The first list is for the plan.
    let html = FaultKind::Html {
        after_effect: false,
    };
    let fault = Fault::new(html).on(&Method::GET, "/integrations").skip(1);
    tenant.simulator.fault(fault);
    let ran = apply(&tenant, &files).exits_with(1);
    insta::assert_snapshot!(result(&ran), @"
    Not compared: 5 secrets of 4 integrations. The server never returns secrets.
     help: send them with `integrationd sync --resend-secrets NAME` (`'*'` for all integrations); or, if the server already has them, run `integrationd adopt NAME --secrets assume`

    Applied: 1 updated.
    Not verified: the tenant could not be read afterwards: GET /integrations: the response is an HTML page, not JSON
     help: check that the URL is the tenant's address as in the browser, without a path, and that no proxy responds in the tenant's place
    ");
}

#[test]
fn a_write_that_does_not_settle_says_how_long_it_was_followed() {
    let (tenant, files) = in_sync();
    files.change("snowflake.yaml", "IMMUTA_WH", "SMALL_WH");
    tenant.fails_once(&Method::PUT, "/integrations/{id}", FaultKind::Stuck);
    let run = Integrationd::new(["sync", "--yes", "--wait-timeout", "1s"]);
    let ran = run.on(&tenant).with(&files).run().exits_with(1);
    insta::assert_snapshot!(result(&ran), @"
    Not compared: 5 secrets of 4 integrations. The server never returns secrets.
     help: send them with `integrationd sync --resend-secrets NAME` (`'*'` for all integrations); or, if the server already has them, run `integrationd adopt NAME --secrets assume`

      ✗ snowflake-prod (id 5) could not be updated: the status was still `editing` after 1 second
          help: the server is still working: try again later, or allow more time with `--wait-timeout`

    Nothing was applied: 1 failed.
    A second plan still shows 1 blocked.
    ");
}

#[test]
fn unreadable_tenant_is_reported_once_with_its_root_cause() {
    // Nothing listens where a listener has just been.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let ran = Integrationd::new(["list", "--log-level", "error"])
        .at(&url)
        .run()
        .exits_with(1);
    insta::assert_snapshot!(ran.all(), @r"
    error: the tenant could not be read: GET /integrations failed: could not connect: Connection refused (os error 111)
     help: check the URL's host and port, the network and any proxy (HTTPS_PROXY)
    ");
}

#[test]
fn answer_of_another_server_is_reported_with_a_remedy() {
    let tenant = Tenant::empty();
    let html = FaultKind::Html {
        after_effect: false,
    };
    tenant.fails_once(&Method::GET, "/integrations", html);
    let ran = apply(&tenant, &Files::examples()).exits_with(1);
    insta::assert_snapshot!(ran.all(), @r"
    error: the tenant could not be read: GET /integrations: the response is an HTML page, not JSON
     help: check that the URL is the tenant's address as in the browser, without a path, and that no proxy responds in the tenant's place
    ");
    let wrong = Integrationd::new(["list"])
        .on(&tenant)
        .env("IMMUTA_API_KEY", "wrong");
    insta::assert_snapshot!(wrong.run().exits_with(1).all(), @r"
    error: the tenant could not be read: GET /integrations: 401 Unauthorized: Invalid authentication
     help: the API key is wrong, expired or revoked: create a new one in Immuta (profile page, tab API Keys); if the tenant requires a bearer token, use `--auth token`
    ");
}
