use super::super::{Ids, SimulatorOptions};
use super::*;

#[tokio::test(start_paused = true)]
async fn a_created_integration_is_creating_then_enabled() {
    let sim = Simulator::default();
    let (code, json) = call(&sim, "POST", "/integrations", Some(snowflake())).await;
    assert_eq!(code, 200);
    assert_eq!(json["id"], "1");
    assert_eq!(json["status"], "creating");
    assert_eq!(json["validationResults"]["status"], "passed");
    assert_eq!(
        get(&sim, "/integrations/1/status").await["status"],
        "creating"
    );
    later().await;
    assert_eq!(
        get(&sim, "/integrations/1/status").await["status"],
        "enabled"
    );
    assert_eq!(get(&sim, "/integrations").await[0]["status"], "enabled");
}

#[tokio::test(start_paused = true)]
async fn a_write_without_any_delay_still_answers_that_it_is_under_way() {
    let sim = Simulator::new(SimulatorOptions {
        settle: Duration::ZERO,
        ..SimulatorOptions::default()
    });
    let (_, json) = call(&sim, "POST", "/integrations", Some(trino())).await;
    assert_eq!(json["status"], "creating");
    assert_eq!(get(&sim, "/integrations/1").await["status"], "enabled");
}

#[tokio::test(start_paused = true)]
async fn edit_replaces_the_configuration_and_drops_missing_secrets() {
    let sim = Simulator::default();
    let mut body = redshift();
    body["autoBootstrap"] = json!(false);
    let id = created(&sim, body.clone()).await;
    assert_eq!(sim.state()[0]["config"]["password"], "redshift-password");
    body["config"]
        .as_object_mut()
        .unwrap()
        .shift_remove("password");
    body["config"]["connectArgs"] = json!("x=1");
    let path = format!("/integrations/{id}");
    let (code, json) = call(&sim, "PUT", &path, Some(body)).await;
    assert_eq!((code, &json["status"]), (200, &json!("editing")));
    later().await;
    let stored = &sim.state()[0];
    assert_eq!(stored["status"], "enabled");
    assert_eq!(stored["config"]["connectArgs"], "x=1");
    assert!(stored["config"].get("password").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_deleted_integration_is_deleting_then_gone() {
    let sim = Simulator::default();
    let id = created(&sim, databricks()).await;
    let path = format!("/integrations/{id}");
    let (_, json) = call(&sim, "DELETE", &path, None).await;
    assert_eq!(json["status"], "deleting");
    assert_eq!(get(&sim, &path).await["status"], "deleting");
    later().await;
    let message = refusal(&sim, 404, "GET", &path, None).await;
    assert_eq!(message, "No Integration found with ID 1.");
    assert_eq!(get(&sim, "/integrations").await, json!([]));
    created(&sim, databricks()).await;
}

#[tokio::test(start_paused = true)]
async fn deleted_integration_lingers_on_request_and_frees_its_host() {
    let sim = Simulator::new(SimulatorOptions {
        deleted_lingers: true,
        ..SimulatorOptions::default()
    });
    created(&sim, databricks()).await;
    call(&sim, "DELETE", "/integrations/1", None).await;
    later().await;
    assert_eq!(get(&sim, "/integrations/1").await["status"], "deleted");
    let message = refusal(&sim, 404, "DELETE", "/integrations/1", None).await;
    assert_eq!(message, "No integration found with ID 1.");
    assert_eq!(created(&sim, databricks()).await, "2");
}

#[tokio::test(start_paused = true)]
async fn an_id_is_never_given_twice() {
    let sim = Simulator::default();
    created(&sim, trino()).await;
    call(&sim, "DELETE", "/integrations/1", None).await;
    later().await;
    assert_eq!(created(&sim, trino()).await, "2");
}

#[tokio::test(start_paused = true)]
async fn ids_and_the_code_of_success_are_options() {
    let sim = Simulator::new(SimulatorOptions {
        ids: Ids::Number,
        success: 202,
        ..SimulatorOptions::default()
    });
    let (code, json) = call(&sim, "POST", "/integrations", Some(trino())).await;
    assert_eq!((code, &json["id"]), (202, &json!(1)));
    assert_eq!(get(&sim, "/integrations/1").await["id"], 1);
}

#[tokio::test(start_paused = true)]
async fn regenerated_key_is_new_and_shown_by_a_read_by_id_alone() {
    let sim = Simulator::default();
    created(&sim, trino()).await;
    let before = get(&sim, "/integrations/1").await["immutaApiKey"].clone();
    let (code, json) = call(&sim, "POST", "/integrations/1/regenerate", None).await;
    assert_eq!(code, 200);
    let after = get(&sim, "/integrations/1").await["immutaApiKey"].clone();
    assert!(before.is_string() && before != after);
    assert_eq!(json["apiKey"], after);
    assert!(
        get(&sim, "/integrations").await[0]
            .get("immutaApiKey")
            .is_none()
    );
}
