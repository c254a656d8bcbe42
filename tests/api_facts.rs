//! Single facts of the API, each by its section in the description of the API.

use bytes::Bytes;
use http::Method;
use integrationd::simulator::{
    API_KEY, FailedTest, Fault, FaultKind, Ids, Seed, SimulatedAnswer, SimulatedStatus, Simulator,
    SimulatorOptions, StoredSecrets,
};
use serde_json::json;

use crate::in_process::{Auth, Run, write_lines, writes};
use crate::support::recorded::{in_sync, lake_file, synced, with_lake};
use crate::texts::Texts;

/// 7.7: an update is documented nowhere, so that a creation that failed stays as it is.
#[tokio::test(start_paused = true)]
async fn trino_is_never_updated() {
    let trino = Texts::none().file("trino.yaml", "type: Trino\n");
    let simulator = Simulator::default();
    simulator.seed(Seed::new("Trino", None, None).status(SimulatedStatus::CreateError));
    let ran = Run::of(&trino, &simulator).sync().await;
    assert_eq!(write_lines(&simulator), [""; 0]);
    assert!(
        ran.shown()
            .contains("integrations of this type cannot be updated"),
        "{}",
        ran.shown()
    );

    // Nor when another client's failed creation appears during a create.
    let simulator = Simulator::default();
    let conflict = FaultKind::Conflict {
        message: "it exists (id = 1)".into(),
    };
    simulator.fault(Fault::new(conflict).on(&Method::POST, "/integrations"));
    let theirs = simulator.clone();
    let run = Run::of(&trino, &simulator).just_before(Method::POST, "/integrations", move || {
        theirs.seed(Seed::new("Trino", None, None).status(SimulatedStatus::CreateError));
        true
    });
    run.sync().await;
    assert_eq!(write_lines(&simulator), ["POST /integrations"]);

    // Nor when an earlier create of its own had failed.
    let simulator = Simulator::default();
    let failed = FailedTest {
        test: "t".into(),
        message: "m".into(),
    };
    simulator.fault(Fault::new(FaultKind::CreateError(failed)));
    simulator.fault(Fault::new(FaultKind::ServerError {
        code: 502,
        after_effect: true,
    }));
    Run::of(&trino, &simulator).sync().await;
    let conflict = FaultKind::Conflict {
        message: "it exists (id = 1)".into(),
    };
    simulator.fault(Fault::new(conflict).on(&Method::POST, "/integrations"));
    Run::of(&trino, &simulator).sync().await;
    assert!(
        write_lines(&simulator)
            .iter()
            .all(|line| !line.starts_with("PUT"))
    );
}

/// 7.7: the server has no update either.
#[tokio::test(start_paused = true)]
async fn simulator_refuses_an_update_of_trino() {
    let simulator = Simulator::default();
    simulator.seed(Seed::new("Trino", None, None));
    let code = answered(&simulator, "PUT", "/integrations/1", r#"{"type":"Trino"}"#).await;
    assert_eq!(code, 404);
}

/// 3.2: the delete script has no body.
#[tokio::test(start_paused = true)]
async fn simulator_refuses_a_delete_script_with_a_body() {
    let simulator = Simulator::default();
    simulator.seed(Seed::new("Trino", None, None));
    let path = "/integrations/1/scripts/delete";
    assert_eq!(answered(&simulator, "POST", path, "").await, 200);
    assert_eq!(answered(&simulator, "POST", path, "{}").await, 400);
}

async fn answered(simulator: &Simulator, method: &str, path: &str, body: &'static str) -> u16 {
    let request = http::Request::builder().method(method).uri(path);
    let request = request
        .header("authorization", API_KEY)
        .body(Bytes::from(body))
        .unwrap();
    match simulator.handle(request).await {
        SimulatedAnswer::Response(response) => response.status().as_u16(),
        other @ (SimulatedAnswer::Truncated(_)
        | SimulatedAnswer::Refused
        | SimulatedAnswer::Dropped) => panic!("{other:?}"),
    }
}

fn synapse(delimiter: &str) -> Texts {
    let text = format!(
        "type: Azure Synapse Analytics\nautoBootstrap: false\nconfig:\n  host: a.example.com\n  \
         database: d\n  schema: s\n  username: u\n  password: ${{env:PASSWORD}}\n  \
         metadataDelimiters: {{hashDelimiter: '{delimiter}'}}\n"
    );
    Texts::none()
        .secret("PASSWORD", "the-password")
        .file("synapse.yaml", text)
}

/// 7.2: the delimiters cannot be changed once they are set.
#[tokio::test(start_paused = true)]
async fn changed_synapse_delimiter_is_a_replacement() {
    let (simulator, journal) = in_sync(&synapse("|")).await;
    let ran = synced(&synapse(";"), &simulator, &journal, |_| {}).await;
    assert_eq!(write_lines(&simulator), [""; 0]);
    let why = "the file was applied to integration 1 with a different hashDelimiter, so the change \
        requires a replacement";
    assert!(ran.shown().contains(why), "{}", ran.shown());
    assert!(
        ran.shown().contains("--allow-replace synapse"),
        "{}",
        ran.shown()
    );
    let allowed = synced(&synapse(";"), &simulator, &journal, |request| {
        request.allow_replace.insert("synapse".to_owned());
    })
    .await;
    assert_eq!(
        write_lines(&simulator),
        ["DELETE /integrations/1", "POST /integrations"]
    );
    assert!(allowed.is_proved(), "{}", allowed.shown());
}

/// 7: a mask is no value: it is not compared, and not sent back.
#[tokio::test(start_paused = true)]
async fn redacted_is_unknown_and_never_sent_back() {
    let simulator = Simulator::new(SimulatorOptions {
        secrets: StoredSecrets::Redacted,
        ..SimulatorOptions::default()
    });
    let ran = Run::of(&with_lake(), &simulator).sync().await;
    assert!(ran.is_proved(), "{}", ran.shown());
    simulator.clear_log();
    let moved = lake_file("lake.example.com").replace("/one", "/two");
    let ran = Run::of(&with_lake().file("lake.yaml", moved), &simulator)
        .sync()
        .await;
    assert!(ran.is_proved(), "{}", ran.shown());
    let sent = writes(&simulator)[0].body.clone().unwrap();
    assert_eq!(sent["config"]["token"], "the-token");
    assert!(!sent.to_string().contains("REDACTED"), "{sent}");

    // An update would need the value behind the mask.
    for hidden in ["newAttribute", "catalog"] {
        let simulator = Simulator::default();
        let mut config = json!({"workspaceUrl": "lake.example.com", "httpPath": "/one", "authenticationType": "token"});
        config[hidden] = json!("[REDACTED]");
        simulator.seed(Seed::new("Databricks", Some(false), Some(config)));
        let moved = lake_file("lake.example.com").replace("/one", "/two");
        let texts = with_lake().file("lake.yaml", moved);
        let ran = Run::of(&texts, &simulator).sync().await;
        let sent = write_lines(&simulator);
        assert!(
            !sent.contains(&"PUT /integrations/1".to_owned()),
            "{hidden}"
        );
        assert!(ran.shown().contains(hidden), "{}", ran.shown());
    }
}

/// 4: an id is a number in one place and a text in another.
#[tokio::test(start_paused = true)]
async fn ids_are_compared_across_number_and_text() {
    for (ids, pin) in [(Ids::Number, "\"1\""), (Ids::Text, "1"), (Ids::Number, "1")] {
        let simulator = Simulator::new(SimulatorOptions {
            ids,
            ..SimulatorOptions::default()
        });
        // Nothing but the pin says which of the two it is.
        simulator.seed(Seed::new("Trino", None, None));
        simulator.seed(Seed::new("Trino", None, None));
        let text = format!("type: Trino\nsync:\n  id: {pin}\n");
        let texts = Texts::none().file("trino.yaml", text);
        let ran = Run::of(&texts, &simulator).dry_run().await;
        assert!(ran.is_in_sync(), "{}", ran.shown());
    }
}

/// 2.2: a request with an expired token returns 401: authenticate once more, then repeat.
#[tokio::test(start_paused = true)]
async fn expired_token_is_renewed_and_a_rejected_key_not_retried() {
    let simulator = Simulator::default();
    let expired = || Fault::new(FaultKind::ExpireToken).on(&Method::POST, "/integrations");
    simulator.fault(expired());
    let texts = with_lake();
    let ran = Run::of(&texts, &simulator)
        .auth(Auth::Token)
        .one_at_a_time()
        .sync()
        .await;
    assert!(ran.is_proved(), "{}", ran.shown());
    let answers: Vec<Option<u16>> = writes(&simulator)
        .iter()
        .map(|entry| entry.answer)
        .collect();
    assert_eq!(answers, [Some(401), Some(200), Some(200)]);

    simulator.set_options(SimulatorOptions {
        admin_key: "another".into(),
        ..simulator.options()
    });
    simulator.clear_log();
    let ran = Run::of(&texts, &simulator).sync().await;
    assert_eq!(
        ran.errors(),
        ["GET /integrations: 401 Unauthorized: Invalid authentication"]
    );
    let log = simulator.log();
    let lists = log.iter().filter(|entry| entry.path == "/integrations");
    assert_eq!(lists.count(), 1);
}
