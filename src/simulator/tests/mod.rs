//! The simulator, asked in process and in paused time.

mod answers;
mod auth;
mod contract;
mod control;
mod faults;
mod life;
mod network;
mod refusals;

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use serde_json::{Value, json};

use super::{API_KEY, Fault, FaultKind, SimulatedAnswer, Simulator};

/// Longer than a write takes to settle.
const SETTLED: Duration = Duration::from_secs(2);

fn request(method: &str, path: &str, key: Option<&str>, body: Option<&Value>) -> Request<Bytes> {
    let mut builder = Request::builder().method(method).uri(path);
    if let Some(key) = key {
        builder = builder.header("authorization", key);
    }
    let body = body.map(|body| Bytes::from(body.to_string()));
    builder.body(body.unwrap_or_default()).unwrap()
}

async fn answer(
    sim: &Simulator,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> SimulatedAnswer {
    sim.handle(request(method, path, Some(API_KEY), body)).await
}

fn whole(answer: SimulatedAnswer) -> Response<Bytes> {
    match answer {
        SimulatedAnswer::Response(response) => response,
        other @ (SimulatedAnswer::Truncated(_)
        | SimulatedAnswer::Refused
        | SimulatedAnswer::Dropped) => {
            panic!("no whole answer: {other:?}")
        }
    }
}

/// The code and the JSON of a whole answer.
async fn call(sim: &Simulator, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
    let response = whole(answer(sim, method, path, body.as_ref()).await);
    let json = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
    (response.status().as_u16(), json)
}

async fn get(sim: &Simulator, path: &str) -> Value {
    let (code, json) = call(sim, "GET", path, None).await;
    assert_eq!(code, 200, "{json}");
    json
}

/// The message of a refusal.
async fn refusal(
    sim: &Simulator,
    code: u16,
    method: &str,
    path: &str,
    body: Option<Value>,
) -> String {
    let (actual, json) = call(sim, method, path, body).await;
    assert_eq!(actual, code, "{json}");
    assert_eq!(json["statusCode"], code);
    json["message"].as_str().unwrap().to_owned()
}

async fn later() {
    tokio::time::sleep(SETTLED).await;
}

/// Creates an integration and lets it settle.
async fn created(sim: &Simulator, body: Value) -> String {
    let (code, json) = call(sim, "POST", "/integrations", Some(body)).await;
    assert_eq!(code, 200, "{json}");
    later().await;
    json["id"].as_str().unwrap().to_owned()
}

fn with_fault(kind: FaultKind) -> Simulator {
    let sim = Simulator::default();
    sim.fault(Fault::new(kind));
    sim
}

fn on(method: &Method, path: &str, kind: FaultKind) -> Fault {
    Fault::new(kind).on(method, path)
}

fn snowflake() -> Value {
    json!({
        "type": "Snowflake",
        "autoBootstrap": true,
        "config": {
            "host": "organization.us-east-1.snowflakecomputing.com",
            "warehouse": "SAMPLE_WAREHOUSE",
            "database": "SNOWFLAKE_SAMPLE_DATA",
            "audit": {},
            "authenticationType": "userPassword",
            "username": "taylor@example.com",
            "password": "snowflake-password",
            "role": "ACCOUNTADMIN",
        },
    })
}

fn databricks() -> Value {
    json!({
        "type": "Databricks",
        "autoBootstrap": false,
        "config": {
            "workspaceUrl": "www.example-workspace.cloud.databricks.com",
            "httpPath": "sql/protocolv1/o/0/0000-00000-abc123",
            "token": "databricks-token",
            "catalog": "immuta",
        },
    })
}

fn databricks_oauth() -> Value {
    json!({
        "type": "Databricks",
        "autoBootstrap": false,
        "config": {
            "workspaceUrl": "other-workspace.cloud.databricks.com",
            "httpPath": "sql/protocolv1/o/0/0000-00000-abc123",
            "authenticationType": "oAuthM2M",
            "oAuthClientConfig": {
                "useCertificate": false,
                "clientId": "client",
                "clientSecret": "databricks-client-secret",
                "scope": "all-apis",
                "authorityUrl": "https://example.com/oidc/v1/token",
            },
            "catalog": "immuta",
            "audit": {"enabled": false},
            "groupPattern": {"deny": "exempt"},
            "workspaceIds": ["1"],
            "proxyOptions": {"host": "proxy", "port": 3128, "username": "u", "password": "proxy-password"},
        },
    })
}

fn s3() -> Value {
    json!({
        "type": "Native S3",
        "autoBootstrap": false,
        "config": {
            "name": "S3 integration",
            "awsAccountId": "123456789",
            "awsRegion": "us-east-1",
            "awsLocationRole": "arn:aws:iam::123456789:role/access-grants-instance-role",
            "awsLocationPath": "s3://",
            "awsRoleToAssume": "arn:aws:iam::123456789:role/assumed",
            "authenticationType": "accessKey",
            "awsAccessKeyId": "key-id",
            "awsSecretAccessKey": "s3-secret-access-key",
        },
    })
}

fn synapse() -> Value {
    json!({
        "type": "Azure Synapse Analytics",
        "autoBootstrap": false,
        "config": {
            "host": "organization.azure.com",
            "database": "immuta",
            "schema": "public",
            "username": "taylor",
            "password": "synapse-password",
            "impersonation": {},
            "metadataDelimiters": {"hashDelimiter": "#"},
        },
    })
}

fn redshift() -> Value {
    json!({
        "type": "Redshift",
        "autoBootstrap": true,
        "config": {
            "host": "organization.redshift.amazonaws.com",
            "database": "immuta",
            "initialDatabase": "dev",
            "authenticationType": "userPassword",
            "username": "taylor",
            "password": "redshift-password",
        },
    })
}

fn bigquery() -> Value {
    json!({
        "type": "Google BigQuery",
        "autoBootstrap": false,
        "config": {
            "role": "immuta",
            "datasetSuffix": "_secureView",
            "dataset": "immuta",
            "location": "us-east1",
            "credential": "{\"type\": \"service_account\", \"private_key\": \"bigquery-private-key\"}",
        },
    })
}

fn trino() -> Value {
    json!({"type": "Trino"})
}

/// Each type once, as the documentation shows it.
fn every_type() -> Vec<Value> {
    vec![
        snowflake(),
        databricks(),
        databricks_oauth(),
        s3(),
        synapse(),
        redshift(),
        bigquery(),
        trino(),
    ]
}
