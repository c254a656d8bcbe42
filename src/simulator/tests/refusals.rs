use super::super::{FailedTest, Seed, SimulatedDrift, SimulatedStatus, SimulatorOptions};
use super::*;

#[tokio::test(start_paused = true)]
async fn missing_integration_is_not_found_in_both_spellings() {
    let sim = Simulator::default();
    for path in ["/integrations/5", "/integrations/5/status"] {
        let message = refusal(&sim, 404, "GET", path, None).await;
        assert_eq!(message, "No Integration found with ID 5.");
    }
    for (method, body) in [("DELETE", None), ("PUT", Some(trino()))] {
        let message = refusal(&sim, 404, method, "/integrations/5", body).await;
        assert_eq!(message, "No integration found with ID 5.");
    }
    let message = refusal(&sim, 404, "GET", "/nowhere", None).await;
    assert_eq!(message, "Not Found");
}

#[tokio::test(start_paused = true)]
async fn second_integration_on_a_host_conflicts_in_any_case() {
    let sim = Simulator::default();
    created(&sim, snowflake()).await;
    let mut body = snowflake();
    body["config"]["host"] = json!("ORGANIZATION.us-east-1.snowflakecomputing.com");
    let message = refusal(&sim, 409, "POST", "/integrations", Some(body)).await;
    assert_eq!(
        message,
        "Snowflake integration already exists on \
         ORGANIZATION.us-east-1.snowflakecomputing.com (id = 1)."
    );
    let mut other_type = redshift();
    other_type["config"]["host"] = snowflake()["config"]["host"].clone();
    assert_eq!(created(&sim, other_type).await, "2");
}

#[tokio::test(start_paused = true)]
async fn names_and_locations_of_buckets_are_unique_each_by_itself() {
    let sim = Simulator::default();
    created(&sim, s3()).await;
    let mut body = s3();
    body["config"]["name"] = json!("other");
    refusal(&sim, 409, "POST", "/integrations", Some(body.clone())).await;
    body["config"]["awsLocationPath"] = json!("s3://other");
    created(&sim, body.clone()).await;
    body["config"]["awsLocationPath"] = json!("s3://");
    let message = refusal(&sim, 409, "PUT", "/integrations/2", Some(body)).await;
    assert_eq!(
        message,
        "Native S3 integration already exists on s3:// (id = 1)."
    );
}

#[tokio::test(start_paused = true)]
async fn after_a_failed_creation_the_host_can_only_be_edited() {
    let sim = Simulator::default();
    sim.fault(Fault::new(FaultKind::CreateError(FailedTest {
        test: "Initial Validation: Basic Connection Test".to_owned(),
        message: "cannot connect".to_owned(),
    })));
    created(&sim, synapse()).await;
    let status = get(&sim, "/integrations/1/status").await;
    assert_eq!(status["status"], "createError");
    assert_eq!(status["validationResults"]["status"], "failed");
    let tests = status["validationResults"]["validationTests"].clone();
    assert_eq!(tests[0]["message"], "cannot connect");
    let message = refusal(&sim, 400, "POST", "/integrations", Some(synapse())).await;
    assert_eq!(
        message,
        "Use PUT /integrations/1 endpoint to update connection information for Azure Synapse \
         Analytics integration on host organization.azure.com (id = 1) that previously failed to \
         create."
    );
    let mut body = synapse();
    body["config"]["host"] = json!("corrected.azure.com");
    let (_, json) = call(&sim, "PUT", "/integrations/1", Some(body)).await;
    assert_eq!(json["status"], "editing");
    later().await;
    assert_eq!(get(&sim, "/integrations/1").await["status"], "enabled");
    assert_eq!(created(&sim, synapse()).await, "2");
}

#[tokio::test(start_paused = true)]
async fn what_is_being_changed_cannot_be_changed() {
    let sim = Simulator::default();
    created(&sim, databricks()).await;
    call(&sim, "PUT", "/integrations/1", Some(databricks())).await;
    for (method, body) in [("PUT", Some(databricks())), ("DELETE", None)] {
        let message = refusal(&sim, 409, method, "/integrations/1", body).await;
        assert_eq!(
            message,
            "Unable to edit integration with ID 1 in current state editing."
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_disabled_or_in_an_unknown_state_cannot_be_edited() {
    let sim = Simulator::default();
    created(&sim, databricks()).await;
    for word in ["disabled", "migrating", "hibernating"] {
        sim.drift(SimulatedDrift::status(1, SimulatedStatus::from(word)))
            .unwrap();
        let message = refusal(&sim, 409, "PUT", "/integrations/1", Some(databricks())).await;
        assert!(
            message.ends_with(&format!("in current state {word}.")),
            "{message}"
        );
    }
    for word in [
        "editError",
        "deleteError",
        "migrateError",
        "recurringValidationError",
    ] {
        sim.drift(SimulatedDrift::status(1, SimulatedStatus::from(word)))
            .unwrap();
        let (code, _) = call(&sim, "PUT", "/integrations/1", Some(databricks())).await;
        assert_eq!(code, 200, "{word}");
    }
}

#[tokio::test(start_paused = true)]
async fn attributes_that_cannot_be_edited_are_listed() {
    let sim = Simulator::default();
    created(&sim, snowflake()).await;
    let mut body = snowflake();
    body["autoBootstrap"] = json!(false);
    body["config"]["host"] = json!("other.snowflakecomputing.com");
    let message = refusal(&sim, 400, "PUT", "/integrations/1", Some(body)).await;
    assert_eq!(
        message,
        "Unable to edit integration due to changes of non-editable attribute(s). autoBootstrap, host"
    );
    let mut body = redshift();
    body["config"]["host"] = snowflake()["config"]["host"].clone();
    let message = refusal(&sim, 400, "PUT", "/integrations/1", Some(body)).await;
    assert!(message.ends_with("attribute(s). type"), "{message}");
    let mut body = snowflake();
    body["config"]["host"] = json!("ORGANIZATION.us-east-1.snowflakecomputing.com");
    let (code, _) = call(&sim, "PUT", "/integrations/1", Some(body)).await;
    assert_eq!(code, 200);
}

#[tokio::test(start_paused = true)]
async fn which_attributes_cannot_be_edited_is_an_option() {
    let immutable = [("Databricks".to_owned(), vec!["catalog".to_owned()])];
    let sim = Simulator::new(SimulatorOptions {
        immutable: immutable.into(),
        ..SimulatorOptions::default()
    });
    created(&sim, databricks()).await;
    let mut body = databricks();
    body["config"]["workspaceUrl"] = json!("moved.databricks.com");
    body["config"]["catalog"] = json!("other");
    let message = refusal(&sim, 400, "PUT", "/integrations/1", Some(body)).await;
    assert!(message.ends_with("attribute(s). catalog"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn an_automatic_integration_is_deleted_with_credentials_only() {
    for body in [
        json!({"username": "taylor", "password": "secret"}),
        json!({"config": {"username": "taylor", "password": "secret", "role": "ADMIN"}}),
        json!({"username": "taylor", "privateKey": {"content": "secret"}}),
    ] {
        let sim = Simulator::default();
        created(&sim, snowflake()).await;
        for lacking in [None, Some(json!({})), Some(json!({"username": "taylor"}))] {
            let message = refusal(&sim, 400, "DELETE", "/integrations/1", lacking).await;
            assert_eq!(
                message,
                "Integrations that are automatically configured require privileged credentials \
                 to disable. Please provide them in your payload."
            );
        }
        let (code, _) = call(&sim, "DELETE", "/integrations/1", Some(body)).await;
        assert_eq!(code, 200);
    }
}

#[tokio::test(start_paused = true)]
async fn a_manual_integration_is_deleted_without_credentials() {
    let sim = Simulator::default();
    created(&sim, synapse()).await;
    created(&sim, databricks()).await;
    let credentials = json!({"username": "taylor", "password": "secret"});
    let advice = "If you need to update your integration credentials, use PUT to update the \
                  integration before disabling.";
    let message = refusal(
        &sim,
        400,
        "DELETE",
        "/integrations/1",
        Some(credentials.clone()),
    )
    .await;
    assert_eq!(
        message,
        format!(
            "Credentials are not required for disable unless the integration was configured \
             automatically. {advice}"
        )
    );
    let message = refusal(&sim, 400, "DELETE", "/integrations/2", Some(credentials)).await;
    assert_eq!(
        message,
        format!("Credentials are not required to disable a Databricks integration. {advice}")
    );
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_no_json_is_refused() {
    let sim = Simulator::default();
    let mut request = request("POST", "/integrations", Some(API_KEY), None);
    *request.body_mut() = Bytes::from_static(b"type: Trino");
    let response = whole(sim.handle(request).await);
    assert_eq!(response.status(), 400);
    assert_eq!(sim.log()[0].body, Some(json!("type: Trino")));
}

#[tokio::test(start_paused = true)]
async fn a_seed_may_break_uniqueness_and_the_first_is_named() {
    let sim = Simulator::default();
    for _ in 0..2 {
        sim.seed(Seed::new(
            "Databricks",
            Some(false),
            Some(databricks()["config"].clone()),
        ));
    }
    let message = refusal(&sim, 409, "POST", "/integrations", Some(databricks())).await;
    assert!(message.ends_with("(id = 1)."), "{message}");
}
