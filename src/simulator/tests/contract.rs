use super::super::SimulatorOptions;
use super::super::schema::Contract;
use super::*;

#[tokio::test(start_paused = true)]
async fn every_documented_payload_is_accepted() {
    for body in every_type() {
        assert_eq!(Contract::get().check(&body), [], "{}", body["type"]);
        created(&Simulator::default(), body).await;
    }
}

#[test]
fn the_marks_of_the_document_are_read() {
    let facts = Contract::get().facts("Snowflake");
    assert_eq!(facts.immutable(), ["host"]);
    assert_eq!(facts.unique().count(), 1);
    assert_eq!(facts.tests.len(), 6);
    let s3 = Contract::get().facts("Native S3");
    let unique: Vec<&str> = s3.unique().map(|(name, _)| name).collect();
    assert_eq!(unique, ["awsLocationPath", "name"]);
    assert_eq!(facts.immutable_beside_config, ["autoBootstrap", "type"]);
}

async fn said_of(change: impl FnOnce(&mut Value)) -> String {
    let mut body = snowflake();
    change(&mut body);
    refusal(
        &Simulator::default(),
        400,
        "POST",
        "/integrations",
        Some(body),
    )
    .await
}

#[tokio::test(start_paused = true)]
async fn an_unknown_attribute_is_refused_at_every_depth() {
    let top = said_of(|body| body["sync"] = json!({})).await;
    assert_eq!(top, "\"sync\" is not allowed");
    let config = said_of(|body| body["config"]["hots"] = json!("secret")).await;
    assert_eq!(config, "\"config.hots\" is not allowed");
    let nested = said_of(|body| body["config"]["audit"] = json!({"on": true})).await;
    assert_eq!(nested, "\"config.audit.on\" is not allowed");
    let deep = said_of(|body| {
        body["config"]["lineage"] = json!({"lineageConfig": {"ingestBatchSize": 1, "x": 1}});
    });
    assert_eq!(
        deep.await,
        "\"config.lineage.lineageConfig.x\" is not allowed"
    );
}

#[tokio::test(start_paused = true)]
async fn a_refusal_names_attributes_and_never_a_value() {
    let missing = said_of(|body| {
        body["config"].as_object_mut().unwrap().shift_remove("host");
        body["config"]
            .as_object_mut()
            .unwrap()
            .shift_remove("database");
    });
    assert_eq!(
        missing.await,
        "\"config.host\" is required. \"config.database\" is required"
    );
    let wrong = said_of(|body| body["config"]["password"] = json!(12_345)).await;
    assert_eq!(wrong, "\"config.password\" is of the wrong type");
    let range = said_of(|body| body["config"]["port"] = json!(70_000)).await;
    assert_eq!(range, "\"config.port\" is out of range");
    let no_type = said_of(|body| {
        body.as_object_mut().unwrap().shift_remove("type");
    });
    assert_eq!(no_type.await, "\"type\" is required");
    let other = said_of(|body| body["type"] = json!("snowflake")).await;
    assert!(
        other.starts_with("\"type\" must be one of [Native S3, Azure"),
        "{other}"
    );
}

#[tokio::test(start_paused = true)]
async fn error_is_about_the_variant_that_was_meant() {
    let mut body = s3();
    body["config"]
        .as_object_mut()
        .unwrap()
        .shift_remove("awsSecretAccessKey");
    let sim = Simulator::default();
    let message = refusal(&sim, 400, "POST", "/integrations", Some(body)).await;
    assert_eq!(message, "\"config.awsSecretAccessKey\" is required");
    let mut body = databricks_oauth();
    body["config"]["oAuthClientConfig"]["secret"] = json!("x");
    let message = refusal(&sim, 400, "POST", "/integrations", Some(body)).await;
    assert_eq!(
        message,
        "\"config.oAuthClientConfig.secret\" is not allowed"
    );
}

#[tokio::test(start_paused = true)]
async fn a_set_up_that_must_be_manual_cannot_be_automatic() {
    let mut body = bigquery();
    body["autoBootstrap"] = json!(true);
    let message = refusal(
        &Simulator::default(),
        400,
        "POST",
        "/integrations",
        Some(body),
    )
    .await;
    assert_eq!(
        message,
        "\"autoBootstrap\" is not one of the allowed values"
    );
}

#[tokio::test(start_paused = true)]
async fn an_attribute_of_a_later_version_can_be_made_known() {
    let also_known = [("Snowflake".to_owned(), vec!["config.novel".to_owned()])];
    let sim = Simulator::new(SimulatorOptions {
        also_known: also_known.into(),
        ..SimulatorOptions::default()
    });
    let mut body = snowflake();
    body["config"]["novel"] = json!(1);
    created(&sim, body).await;
    assert_eq!(get(&sim, "/integrations/1").await["config"]["novel"], 1);
}

#[tokio::test(start_paused = true)]
async fn an_edit_may_repeat_what_the_server_already_stores() {
    let sim = Simulator::default();
    let id = created(&sim, databricks()).await.parse().unwrap();
    sim.drift(super::super::SimulatedDrift::value(
        id,
        "/audit/novel",
        json!(1),
    ))
    .unwrap();
    let mut body = databricks();
    body["config"]["audit"] = json!({"novel": 2});
    let (code, json) = call(&sim, "PUT", "/integrations/1", Some(body.clone())).await;
    assert_eq!(code, 200, "{json}");
    later().await;
    body["config"]["audit"] = json!({"newer": 2});
    let message = refusal(&sim, 400, "PUT", "/integrations/1", Some(body)).await;
    assert_eq!(message, "\"config.audit.newer\" is not allowed");
}
