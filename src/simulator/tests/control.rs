use super::super::{ControlError, Seed, SimulatedDrift, SimulatedStatus};
use super::*;

async fn control(sim: &Simulator, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
    let request = request(method, &format!("/_simulator/{path}"), None, body.as_ref());
    let response = whole(sim.handle(request).await);
    let json = serde_json::from_slice(response.body()).unwrap();
    (response.status().as_u16(), json)
}

#[tokio::test(start_paused = true)]
async fn everything_can_be_controlled_over_http() {
    let sim = Simulator::default();
    let seeds = json!([
        {"type": "Databricks", "autoBootstrap": false, "config": databricks()["config"], "status": "editing", "settles": true},
        {"id": "7", "type": "Novel", "config": {"x": 1}},
    ]);
    let (code, json) = control(&sim, "POST", "seed", Some(seeds)).await;
    assert_eq!((code, json), (200, json!({"ids": ["1", "7"]})));
    assert_eq!(get(&sim, "/integrations").await[0]["status"], "editing");
    later().await;
    assert_eq!(get(&sim, "/integrations").await[0]["status"], "enabled");

    let drift = json!({"id": 7, "path": "/x", "value": 2});
    assert_eq!(control(&sim, "POST", "drift", Some(drift)).await.0, 200);
    let (_, state) = control(&sim, "GET", "state", None).await;
    assert_eq!(state[0]["config"]["token"], "databricks-token");
    assert_eq!(state[1]["config"]["x"], 2);

    let fault = json!({"method": "GET", "path": "/integrations*", "kind": {"delay": {"ms": 5}}, "times": null});
    let all = json!([fault, {"kind": "refuse"}, {"kind": {"too_many_requests": {"retry_after": {"seconds": 3}}}}]);
    assert_eq!(control(&sim, "POST", "faults", Some(all)).await.0, 200);
    let (_, waiting) = control(&sim, "GET", "faults", None).await;
    assert_eq!(waiting.as_array().unwrap().len(), 3);
    control(&sim, "DELETE", "faults", None).await;
    assert_eq!(sim.faults(), []);

    let (_, log) = control(&sim, "GET", "log", None).await;
    assert_eq!(log[0]["path"], "/integrations");
    assert_eq!(log[0]["answer"], 200);
    control(&sim, "DELETE", "log", None).await;
    assert_eq!(sim.log(), []);

    let patch = json!({"settle_ms": 5, "secrets": "mask"});
    let (_, options) = control(&sim, "POST", "options", Some(patch)).await;
    assert_eq!(
        (&options["settle_ms"], &options["ids"]),
        (&json!(5), &json!("text"))
    );
    assert_eq!(sim.options().settle, Duration::from_millis(5));

    control(&sim, "POST", "reset", None).await;
    assert_eq!(sim.state().len(), 0);
    assert_eq!(sim.options(), super::super::SimulatorOptions::default());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_followed_is_refused() {
    let sim = Simulator::default();
    for (method, path, body, code) in [
        ("POST", "drift", json!({"id": 9, "remove": true}), 404),
        ("POST", "nothing", json!({}), 404),
        ("POST", "seed", json!({"kind": "Trino"}), 400),
        ("POST", "options", json!({"settle": 5}), 400),
        ("POST", "options", json!(5), 400),
        ("POST", "faults", json!([{"kind": "explode"}]), 400),
    ] {
        assert_eq!(
            control(&sim, method, path, Some(body)).await.0,
            code,
            "{path}"
        );
    }
    let drift = sim.drift(SimulatedDrift::remove(9));
    assert_eq!(drift, Err(ControlError::NoIntegration(9)));
}

#[tokio::test(start_paused = true)]
async fn drift_changes_adds_removes_and_makes_vanish() {
    let sim = Simulator::default();
    let id = sim.seed(Seed::new(
        "Databricks",
        Some(false),
        Some(databricks()["config"].clone()),
    ));
    sim.drift(SimulatedDrift::value(id, "/audit/enabled", json!(true)))
        .unwrap();
    sim.drift(SimulatedDrift::value(id, "httpPath", Value::Null))
        .unwrap();
    sim.drift(SimulatedDrift::value(
        id,
        "workspaceUrl",
        json!("moved.example.com"),
    ))
    .unwrap();
    sim.drift(SimulatedDrift::value(id, "groupPattern.deny", json!("x")))
        .unwrap();
    sim.drift(SimulatedDrift::value(id, "groupPattern/deny", json!("y")))
        .unwrap();
    sim.drift(SimulatedDrift::status(
        id,
        SimulatedStatus::RecurringValidationError,
    ))
    .unwrap();
    let live = get(&sim, "/integrations/1").await;
    assert_eq!(live["config"]["audit"]["enabled"], true);
    assert!(live["config"].get("httpPath").is_none());
    assert_eq!(live["config"]["groupPattern"], json!({"deny": "y"}));
    assert_eq!(live["status"], "recurringValidationError");
    created(&sim, databricks()).await;
    sim.drift(SimulatedDrift::remove(id)).unwrap();
    assert_eq!(
        get(&sim, "/integrations").await.as_array().unwrap().len(),
        1
    );
}

#[tokio::test(start_paused = true)]
async fn the_log_keeps_the_order_of_arrival_and_the_bodies() {
    let sim = Simulator::default();
    sim.fault(Fault::new(FaultKind::DelayAfter { ms: 100 }));
    let slow = answer(&sim, "POST", "/integrations", Some(&trino())).await;
    drop(slow);
    call(&sim, "GET", "/integrations?x=1", None).await;
    let log = sim.log();
    let told: Vec<(&str, &str, bool)> = log
        .iter()
        .map(|entry| (entry.method.as_str(), entry.path.as_str(), entry.effect))
        .collect();
    assert_eq!(
        told,
        [
            ("POST", "/integrations", true),
            ("GET", "/integrations?x=1", false)
        ]
    );
    assert_eq!(log[0].body, Some(trino()));
    assert_eq!(log[1].sequence, 2);
}

#[test]
fn a_fault_reads_back_as_it_was_written() {
    let fault = on(&Method::PUT, "/integrations/{id}", FaultKind::Stuck).always();
    let text = serde_json::to_string(&fault).unwrap();
    assert_eq!(
        text,
        r#"{"method":"PUT","path":"/integrations/{id}","kind":"stuck","skip":0,"times":null}"#
    );
    assert_eq!(serde_json::from_str::<Fault>(&text).unwrap(), fault);
    let once: Fault = serde_json::from_str(r#"{"kind":"stuck"}"#).unwrap();
    assert_eq!(once, Fault::new(FaultKind::Stuck));
}
