use tokio::time::Instant;

use super::super::{Breakage, FailedTest, RetryAfter};
use super::*;

fn test(name: &str) -> FailedTest {
    FailedTest {
        test: name.to_owned(),
        message: "it failed".to_owned(),
    }
}

async fn create(sim: &Simulator) -> SimulatedAnswer {
    answer(sim, "POST", "/integrations", Some(&databricks())).await
}

fn effects(sim: &Simulator) -> Vec<bool> {
    sim.log().iter().map(|entry| entry.effect).collect()
}

#[tokio::test(start_paused = true)]
async fn a_refused_connection_has_no_effect() {
    let sim = with_fault(FaultKind::Refuse);
    assert!(matches!(create(&sim).await, SimulatedAnswer::Refused));
    assert_eq!(sim.state().len(), 0);
    assert!(matches!(create(&sim).await, SimulatedAnswer::Response(_)));
    assert_eq!(effects(&sim), [false, true]);
}

#[tokio::test(start_paused = true)]
async fn a_connection_dies_before_or_after_the_effect() {
    let sim = with_fault(FaultKind::DropBefore);
    assert!(matches!(create(&sim).await, SimulatedAnswer::Dropped));
    assert_eq!(sim.state().len(), 0);
    sim.fault(Fault::new(FaultKind::DropAfter));
    assert!(matches!(create(&sim).await, SimulatedAnswer::Dropped));
    assert_eq!(sim.state().len(), 1);
    let answers: Vec<Option<u16>> = sim.log().iter().map(|entry| entry.answer).collect();
    assert_eq!(answers, [None, None]);
    assert_eq!(effects(&sim), [false, true]);
}

#[tokio::test(start_paused = true)]
async fn a_delay_comes_before_the_effect_or_after_it() {
    for (kind, early) in [
        (FaultKind::Delay { ms: 5000 }, 0),
        (FaultKind::DelayAfter { ms: 5000 }, 1),
    ] {
        let sim = with_fault(kind);
        let start = Instant::now();
        let other = sim.clone();
        let under_way = tokio::spawn(async move { create(&other).await });
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(sim.state().len(), early);
        assert!(matches!(
            under_way.await.unwrap(),
            SimulatedAnswer::Response(_)
        ));
        assert_eq!(start.elapsed(), Duration::from_secs(5));
        assert_eq!(sim.state().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_effect_comes_although_the_caller_has_gone() {
    let sim = with_fault(FaultKind::Delay { ms: 5000 });
    let limit = Duration::from_secs(1);
    assert!(tokio::time::timeout(limit, create(&sim)).await.is_err());
    assert_eq!(sim.state().len(), 0);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(sim.state().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn broken_answer_announces_its_whole_length() {
    let sim = Simulator::default();
    created(&sim, databricks()).await;
    let full = whole(answer(&sim, "GET", "/integrations", None).await);
    sim.fault(Fault::new(FaultKind::Truncate));
    let SimulatedAnswer::Truncated(cut) = answer(&sim, "GET", "/integrations", None).await else {
        panic!("it should be truncated");
    };
    assert_eq!(
        cut.headers()["content-length"],
        full.body().len().to_string()
    );
    assert_eq!(cut.body().len(), full.body().len() / 2);
}

#[tokio::test(start_paused = true)]
async fn too_many_requests_name_a_retry_time_in_every_form() {
    for (after, check) in [
        (None, None),
        (Some(RetryAfter::Seconds(7)), Some("7")),
        (Some(RetryAfter::Date(7)), Some("GMT")),
    ] {
        let sim = with_fault(FaultKind::TooManyRequests { retry_after: after });
        let response = whole(create(&sim).await);
        assert_eq!(response.status(), 429);
        let header = response.headers().get("retry-after");
        let header = header.map(|value| value.to_str().unwrap());
        assert_eq!(header.is_some(), check.is_some());
        assert!(
            header
                .unwrap_or_default()
                .ends_with(check.unwrap_or_default())
        );
        assert_eq!(sim.state().len(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_error_or_a_page_comes_with_or_without_the_effect() {
    for after_effect in [false, true] {
        let code = 503;
        let sim = with_fault(FaultKind::ServerError { code, after_effect });
        assert_eq!(whole(create(&sim).await).status(), 503);
        assert_eq!(effects(&sim), [after_effect]);
        let sim = with_fault(FaultKind::Html { after_effect });
        let page = whole(create(&sim).await);
        assert_eq!(page.status(), 200);
        assert!(page.body().starts_with(b"<!DOCTYPE html>"));
        assert_eq!(effects(&sim), [after_effect]);
    }
}

async fn list_with(kind: FaultKind) -> Value {
    let sim = Simulator::default();
    for body in [snowflake(), databricks(), s3()] {
        created(&sim, body).await;
    }
    sim.fault(Fault::new(kind));
    let list = get(&sim, "/integrations").await;
    assert_eq!(
        get(&sim, "/integrations").await.as_array().unwrap().len(),
        3
    );
    list
}

#[tokio::test(start_paused = true)]
async fn a_list_may_be_an_object_or_lack_elements() {
    assert!(list_with(FaultKind::NotArray).await.is_object());
    let list = list_with(FaultKind::PartialList { drop: 2 }).await;
    assert_eq!(list.as_array().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_element_of_a_list_may_be_broken() {
    for (breakage, member) in [
        (Breakage::Text, None),
        (Breakage::NoId, Some("id")),
        (Breakage::NoType, Some("type")),
        (Breakage::NoStatus, Some("status")),
    ] {
        let list = list_with(FaultKind::BrokenElement { index: 1, breakage }).await;
        assert_eq!(list.as_array().unwrap().len(), 3);
        match member {
            None => assert!(list[1].is_string()),
            Some(member) => {
                assert!(list[1].get(member).is_none());
                assert!(list[0].get(member).is_some());
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_server_stores_another_value() {
    let sim = Simulator::default();
    let path = "/audit/enabled".to_owned();
    let value = json!(true);
    sim.fault(Fault::new(FaultKind::Rewrite { path, value }).always());
    created(&sim, databricks()).await;
    assert_eq!(
        get(&sim, "/integrations/1").await["config"]["audit"],
        json!({"enabled": true})
    );
    let path = "catalog".to_owned();
    let value = Value::Null;
    sim.fault(Fault::new(FaultKind::Rewrite { path, value }));
    call(&sim, "PUT", "/integrations/1", Some(databricks())).await;
    let config = get(&sim, "/integrations/1").await["config"].clone();
    assert!(config.get("catalog").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_failed_edit_is_rolled_back() {
    let sim = Simulator::default();
    created(&sim, databricks()).await;
    sim.fault(Fault::new(FaultKind::EditError(test("Some test"))));
    let mut body = databricks();
    body["config"]["catalog"] = json!("other");
    let (code, json) = call(&sim, "PUT", "/integrations/1", Some(body)).await;
    assert_eq!((code, &json["status"]), (200, &json!("editing")));
    later().await;
    let live = get(&sim, "/integrations/1").await;
    assert_eq!(live["status"], "editError");
    assert_eq!(live["config"]["catalog"], "immuta");
    assert_eq!(
        live["validationResults"]["validationTests"][0]["name"],
        "Some test"
    );
}

#[tokio::test(start_paused = true)]
async fn integration_runs_on_after_a_failed_deletion() {
    let sim = Simulator::default();
    created(&sim, databricks()).await;
    sim.fault(Fault::new(FaultKind::DeleteError(test("Some test"))));
    call(&sim, "DELETE", "/integrations/1", None).await;
    later().await;
    assert_eq!(get(&sim, "/integrations/1").await["status"], "deleteError");
    call(&sim, "DELETE", "/integrations/1", None).await;
    later().await;
    assert_eq!(get(&sim, "/integrations").await, json!([]));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_may_echo_what_was_sent() {
    let sim = with_fault(FaultKind::EchoBody);
    let message = refusal(&sim, 422, "POST", "/integrations", Some(databricks())).await;
    assert!(message.contains("databricks-token"));
    assert_eq!(sim.state().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn refusals_come_on_demand_and_after_the_credentials() {
    let message = "Validation of prerequisite setup failed.".to_owned();
    let sim = with_fault(FaultKind::Unprocessable { message });
    let said = refusal(&sim, 422, "POST", "/integrations", Some(trino())).await;
    assert_eq!(said, "Validation of prerequisite setup failed.");
    let message = "no".to_owned();
    sim.fault(Fault::new(FaultKind::Conflict { message }).times(2));
    assert_eq!(
        refusal(&sim, 409, "POST", "/integrations", Some(trino())).await,
        "no"
    );
    let unknown = sim.handle(request("POST", "/integrations", None, Some(&trino())));
    assert_eq!(whole(unknown.await).status(), 401);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_status_is_reported_once() {
    let sim = Simulator::default();
    created(&sim, trino()).await;
    for path in ["/integrations/1", "/integrations/1/status"] {
        let word = "hibernating".to_owned();
        sim.fault(Fault::new(FaultKind::StatusWord { word }));
        assert_eq!(get(&sim, path).await["status"], "hibernating");
        assert_eq!(get(&sim, path).await["status"], "enabled");
    }
}

#[tokio::test(start_paused = true)]
async fn a_value_stands_where_another_belongs() {
    let sim = Simulator::default();
    created(&sim, trino()).await;
    let misplaced = |path: &str| FaultKind::Misplace {
        path: path.to_owned(),
        value: json!("hunter2"),
    };
    for path in ["/integrations/1", "/integrations/1/status"] {
        sim.fault(Fault::new(misplaced("/status")));
        assert_eq!(get(&sim, path).await["status"], "hunter2");
        assert_eq!(get(&sim, path).await["status"], "enabled");
    }
    sim.fault(Fault::new(misplaced("/config/host")));
    let list = get(&sim, "/integrations").await;
    assert_eq!(list[0]["config"]["host"], "hunter2");
}

#[tokio::test(start_paused = true)]
async fn any_call_may_be_forbidden_with_a_message() {
    let sim = Simulator::default();
    created(&sim, trino()).await;
    let message = "no".to_owned();
    sim.fault(Fault::new(FaultKind::Forbid { message }));
    assert_eq!(
        refusal(&sim, 403, "GET", "/integrations/1", None).await,
        "no"
    );
}

#[tokio::test(start_paused = true)]
async fn a_write_may_be_stuck_for_ever() {
    let sim = with_fault(FaultKind::Stuck);
    create(&sim).await;
    tokio::time::sleep(Duration::from_secs(86_400)).await;
    assert_eq!(get(&sim, "/integrations/1").await["status"], "creating");
}

#[tokio::test(start_paused = true)]
async fn faults_that_decide_the_answer_come_one_after_the_other() {
    let sim = Simulator::default();
    let code = 500;
    let error = FaultKind::ServerError {
        code,
        after_effect: false,
    };
    sim.fault(Fault::new(error).times(2));
    sim.fault(Fault::new(FaultKind::Refuse));
    assert_eq!(whole(create(&sim).await).status(), 500);
    assert_eq!(whole(create(&sim).await).status(), 500);
    assert!(matches!(create(&sim).await, SimulatedAnswer::Refused));
    assert_eq!(whole(create(&sim).await).status(), 200);
    assert_eq!(sim.faults(), []);
}

#[tokio::test(start_paused = true)]
async fn a_fault_waits_for_its_method_and_path_and_lets_some_pass() {
    let sim = Simulator::default();
    created(&sim, trino()).await;
    let fault = on(
        &Method::GET,
        "/integrations/{id}/status",
        FaultKind::DropBefore,
    );
    sim.fault(fault.skip(1));
    get(&sim, "/integrations/1").await;
    get(&sim, "/integrations/1/status").await;
    let dropped = answer(&sim, "GET", "/integrations/1/status", None).await;
    assert!(matches!(dropped, SimulatedAnswer::Dropped));
    get(&sim, "/integrations/1/status").await;
}

#[tokio::test(start_paused = true)]
async fn a_fault_of_the_effect_waits_for_a_request_that_has_one() {
    let sim = with_fault(FaultKind::CreateError(test("Some test")));
    sim.fault(Fault::new(FaultKind::DropBefore));
    assert!(matches!(create(&sim).await, SimulatedAnswer::Dropped));
    create(&sim).await;
    later().await;
    assert_eq!(get(&sim, "/integrations/1").await["status"], "createError");
}
