use super::super::{POWERLESS_API_KEY, SimulatorOptions};
use super::*;

async fn code_with(sim: &Simulator, header: Option<&str>) -> u16 {
    let response = whole(
        sim.handle(request("GET", "/integrations", header, None))
            .await,
    );
    let envelope: Value = serde_json::from_slice(response.body()).unwrap();
    let code = response.status().as_u16();
    assert!(code == 200 || envelope["statusCode"] == code);
    code
}

async fn token(sim: &Simulator) -> String {
    let body = json!({"apikey": API_KEY});
    let (code, json) = call(sim, "POST", "/bim/apikey/authenticate", Some(body)).await;
    assert_eq!((code, &json["authenticated"]), (200, &json!(true)));
    assert!(json["tokenExpiration"].as_str().unwrap().ends_with('Z'));
    format!("Bearer {}", json["token"].as_str().unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_key_passes_as_it_is_and_as_a_bearer_and_as_a_token() {
    let sim = Simulator::default();
    assert_eq!(code_with(&sim, Some(API_KEY)).await, 200);
    assert_eq!(
        code_with(&sim, Some(&format!("Bearer {API_KEY}"))).await,
        200
    );
    let token = token(&sim).await;
    assert_eq!(code_with(&sim, Some(&token)).await, 200);
}

#[tokio::test(start_paused = true)]
async fn bad_credentials_are_unauthorized_and_weak_ones_forbidden() {
    let sim = Simulator::default();
    assert_eq!(code_with(&sim, None).await, 401);
    assert_eq!(code_with(&sim, Some("wrong")).await, 401);
    assert_eq!(code_with(&sim, Some("Bearer wrong")).await, 401);
    assert_eq!(code_with(&sim, Some(POWERLESS_API_KEY)).await, 403);
    let body = json!({"apikey": "wrong"});
    refusal(&sim, 401, "POST", "/bim/apikey/authenticate", Some(body)).await;
    refusal(
        &sim,
        400,
        "POST",
        "/bim/apikey/authenticate",
        Some(json!({})),
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_token_expires() {
    let sim = Simulator::new(SimulatorOptions {
        token_lifetime: Duration::from_secs(60),
        ..SimulatorOptions::default()
    });
    let token = token(&sim).await;
    tokio::time::sleep(Duration::from_secs(59)).await;
    assert_eq!(code_with(&sim, Some(&token)).await, 200);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(code_with(&sim, Some(&token)).await, 401);
}

#[tokio::test(start_paused = true)]
async fn a_token_can_be_made_to_expire_before_its_time() {
    let sim = Simulator::default();
    let token = token(&sim).await;
    sim.fault(Fault::new(FaultKind::ExpireToken));
    assert_eq!(code_with(&sim, Some(&token)).await, 401);
    assert_eq!(code_with(&sim, Some(API_KEY)).await, 200);
}
