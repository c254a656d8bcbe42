use super::super::{DETAIL, ScriptForm, SimulatorOptions, StoredSecrets, VOLATILE};
use super::*;

const PLANTED: [&str; 8] = [
    "snowflake-password",
    "databricks-token",
    "databricks-client-secret",
    "proxy-password",
    "s3-secret-access-key",
    "synapse-password",
    "redshift-password",
    "bigquery-private-key",
];

async fn full(secrets: StoredSecrets) -> Simulator {
    let sim = Simulator::new(SimulatorOptions {
        secrets,
        ..SimulatorOptions::default()
    });
    for body in every_type() {
        created(&sim, body).await;
    }
    sim
}

#[tokio::test(start_paused = true)]
async fn no_secret_is_ever_returned() {
    for secrets in [StoredSecrets::Omit, StoredSecrets::Mask] {
        let sim = full(secrets).await;
        let mut text = get(&sim, "/integrations").await.to_string();
        for id in 1..=8 {
            text += &get(&sim, &format!("/integrations/{id}")).await.to_string();
        }
        for secret in PLANTED {
            assert!(!text.contains(secret), "{secret}");
        }
        assert_eq!(text.contains("********"), secrets == StoredSecrets::Mask);
    }
}

#[tokio::test(start_paused = true)]
async fn masked_secrets_stand_where_the_secrets_would() {
    let sim = full(StoredSecrets::Mask).await;
    let config = get(&sim, "/integrations/3").await["config"].clone();
    assert_eq!(config["oAuthClientConfig"]["clientSecret"], "********");
    assert_eq!(config["oAuthClientConfig"]["clientId"], "client");
}

#[tokio::test(start_paused = true)]
async fn the_credentials_of_an_automatic_set_up_are_not_stored() {
    let sim = full(StoredSecrets::Omit).await;
    let state = sim.state();
    let names = |index: usize| -> Vec<&String> {
        state[index]["config"].as_object().unwrap().keys().collect()
    };
    assert_eq!(names(0), ["host", "warehouse", "database", "audit", "port"]);
    assert_eq!(names(5), ["host", "database", "initialDatabase", "port"]);
    assert_eq!(state[4]["config"]["password"], "synapse-password");
}

#[tokio::test(start_paused = true)]
async fn defaults_are_filled_in_wherever_their_object_is() {
    let sim = full(StoredSecrets::Omit).await;
    let config = async |id: u8| get(&sim, &format!("/integrations/{id}")).await["config"].clone();
    let snowflake = config(1).await;
    assert_eq!(snowflake["port"], 443);
    assert_eq!(snowflake["audit"], json!({"enabled": false}));
    assert!(snowflake.get("impersonation").is_none());
    assert_eq!(config(2).await["authenticationType"], "token");
    let synapse = config(5).await;
    assert_eq!(synapse["port"], 1433);
    let impersonation = json!({"enabled": false, "role": "IMMUTA_IMPERSONATION"});
    assert_eq!(synapse["impersonation"], impersonation);
    let delimiters = json!({"hashDelimiter": "#", "hashKeyDelimiter": ":", "arrayDelimiter": ","});
    assert_eq!(synapse["metadataDelimiters"], delimiters);
}

#[tokio::test(start_paused = true)]
async fn a_list_element_is_what_a_read_by_id_returns() {
    let sim = full(StoredSecrets::Omit).await;
    let list = get(&sim, "/integrations").await;
    for id in 1..=7 {
        let one = get(&sim, &format!("/integrations/{id}")).await;
        assert_eq!(list[id - 1], one);
    }
    assert_eq!(
        list[7],
        json!({
            "id": "8",
            "status": "enabled",
            "validationResults": {"status": "passed", "validationTests": []},
            "type": "Trino",
        })
    );
}

#[tokio::test(start_paused = true)]
async fn scripts_are_text_and_exist_for_the_types_that_have_them() {
    let sim = full(StoredSecrets::Omit).await;
    for (path, body) in [
        ("/integrations/scripts/create", Some(snowflake())),
        ("/integrations/scripts/cleanup", Some(databricks())),
        ("/integrations/scripts/initial-create", Some(redshift())),
        ("/integrations/scripts/post-cleanup", Some(synapse())),
        ("/integrations/1/scripts/delete", None),
        ("/integrations/1/scripts/edit", Some(snowflake())),
    ] {
        let response = whole(answer(&sim, "POST", path, body.as_ref()).await);
        assert_eq!(response.status(), 200, "{path}");
        assert!(
            response.headers()["content-type"]
                .to_str()
                .unwrap()
                .starts_with("text/plain")
        );
        assert!(response.body().starts_with(b"-- Immuta: "));
    }
    let path = "/integrations/scripts/post-cleanup";
    let message = refusal(&sim, 400, "POST", path, Some(redshift())).await;
    assert_eq!(message, "There is no post-cleanup script for Redshift.");
    let mut wrong = snowflake();
    wrong["config"]["warehousse"] = json!("A");
    for path in [
        "/integrations/scripts/create",
        "/integrations/1/scripts/edit",
    ] {
        let message = refusal(&sim, 400, "POST", path, Some(wrong.clone())).await;
        assert_eq!(message, "\"config.warehousse\" is not allowed", "{path}");
    }
    refusal(&sim, 400, "POST", "/integrations/1/scripts/edit", None).await;
}

#[tokio::test(start_paused = true)]
async fn form_of_a_script_is_an_option() {
    let path = "/integrations/scripts/create";
    let sim = Simulator::default();
    let response = whole(answer(&sim, "POST", path, Some(&snowflake())).await);
    let text = String::from_utf8(response.body().to_vec()).unwrap();
    for (form, expected) in [
        (ScriptForm::String, json!(text)),
        (ScriptForm::Object, json!({ "script": text })),
    ] {
        let sim = Simulator::new(SimulatorOptions {
            scripts: form,
            ..SimulatorOptions::default()
        });
        let (code, json) = call(&sim, "POST", path, Some(snowflake())).await;
        assert_eq!((code, json), (200, expected));
    }
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_integrations_are_seeded_and_listed_in_a_moment() {
    let sim = Simulator::default();
    for number in 0..10_000 {
        let mut config = snowflake()["config"].clone();
        config["host"] = json!(format!("host-{number}.example.com"));
        sim.seed(super::super::Seed::new(
            "Snowflake",
            Some(true),
            Some(config),
        ));
    }
    let first = std::time::Instant::now();
    let (_, list) = call(&sim, "GET", "/integrations", None).await;
    assert_eq!(list.as_array().unwrap().len(), 10_000);
    // Generous: an unoptimised build on a busy machine, and the test's own parsing.
    assert!(
        first.elapsed() < Duration::from_secs(20),
        "{:?}",
        first.elapsed()
    );
    let mut body = snowflake();
    body["config"]["host"] = json!("HOST-9999.example.com");
    let message = refusal(&sim, 409, "POST", "/integrations", Some(body)).await;
    assert!(message.contains("(id = 10000)"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn volatile_attributes_differ_in_each_answer_and_are_not_stored() {
    let sim = full(StoredSecrets::Omit).await;
    let before = sim.state();
    let (_, options) = call(
        &sim,
        "POST",
        "/_simulator/options",
        Some(json!({"volatile": true, "detail_shows_more": true})),
    )
    .await;
    assert_eq!(options["volatile"], true);
    let list = get(&sim, "/integrations").await;
    let (first, second) = (
        get(&sim, "/integrations/2").await,
        get(&sim, "/integrations/2").await,
    );
    let number = |one: &Value| (one[VOLATILE].clone(), one["config"][VOLATILE].clone());
    assert_ne!(number(&first), number(&second));
    assert_ne!(number(&first), number(&list[1]));
    assert_eq!(first[VOLATILE], first["config"][VOLATILE]);
    assert!(list[1]["config"].get(DETAIL).is_none());
    assert_eq!(first["config"][DETAIL], "detail of 2");
    assert_eq!(list[7]["type"], "Trino");
    let key = get(&sim, "/integrations/8").await["config"]["immutaApiKey"].clone();
    assert!(key.as_str().unwrap().starts_with("simulated-key-"), "{key}");
    // They may come back, and are forgotten.
    let mut body = every_type()[1].clone();
    body["config"][VOLATILE] = json!(7);
    body["config"][DETAIL] = json!("mine");
    let (code, json) = call(&sim, "PUT", "/integrations/2", Some(body)).await;
    assert_eq!(code, 200, "{json}");
    later().await;
    assert_eq!(sim.state()[1]["config"], before[1]["config"]);
}
