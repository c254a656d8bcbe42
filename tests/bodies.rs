//! Bodies of updates, which are those of the plan.

use integrationd::live::{IntegrationStatus, Live, Scope, Unreadable};
use integrationd::manifest::Manifest;
use integrationd::plan::{Action, Body, Operation};
use integrationd::platform::by_wire;
use serde_json::json;

use crate::support::planned::{
    LAKE, files, in_status, kinds, lake, live_query, planned, query, shown, tenant, with,
};

/// The one update of a plan: the paths that change, and its body.
fn update(manifest: &Manifest, live: &Live) -> (Vec<String>, Body) {
    match planned(manifest, live).actions.as_slice() {
        [
            Action {
                kind: Operation::Update { changes, body, .. },
                ..
            },
        ] => {
            let paths = changes.iter().map(|change| change.path.to_string());
            (paths.collect(), body.clone())
        }
        actions => panic!("one update: {actions:?}"),
    }
}

#[test]
fn a_mask_is_never_sent_back_whatever_it_stands_for() {
    let old = with(lake("7"), "httpPath", json!("/old"));
    let files = files(&[("lake.yaml", LAKE)]);
    for (key, value) in [
        ("catalog", json!("********")),
        ("groupPattern", json!({ "deny": "***" })),
        ("proxyOptions", json!("[REDACTED]")),
        ("proxyOptions", json!([{ "password": "x" }])),
    ] {
        let masked = with(old.clone(), key, value);
        let seen = kinds(&files, &tenant([masked])).concat();
        assert!(
            seen.starts_with("blocked: an update would drop stored secrets") && seen.contains(key),
            "{seen}"
        );
    }
}

#[test]
fn ignored_attribute_behind_a_mask_keeps_the_files_value() {
    let ignoring =
        format!("{LAKE}sync: {{ignore: [{{path: /authenticationType, reason: hidden}}]}}\n");
    let files = files(&[("lake.yaml", &ignoring)]);
    let masked = with(lake("7"), "authenticationType", json!("***"));
    let (_, body) = update(&files, &tenant([with(masked, "httpPath", json!("/old"))]));
    let sent = body.config.at("authenticationType");
    assert_eq!(sent.and_then(|v| v.as_text()), Some("token"));
}

#[test]
fn a_word_that_only_sounds_like_a_mask_is_carried_on() {
    let files = files(&[("lake.yaml", LAKE)]);
    let rich = with(lake("7"), "groupPattern", json!({ "deny": "masked_users" }));
    let (_, body) = update(&files, &tenant([with(rich, "httpPath", json!("/old"))]));
    let sent = body.config.at("groupPattern/deny");
    assert_eq!(sent.and_then(|v| v.as_text()), Some("masked_users"));
}

#[test]
fn the_inside_of_an_answer_of_another_shape_is_not_shown() {
    let files = files(&[("lake.yaml", LAKE)]);
    for odd in [
        json!({ "pass": "hunter2" }),
        json!(["a", { "pass": "hunter2" }]),
    ] {
        let shown = shown(&files, &tenant([with(lake("7"), "httpPath", odd)]));
        assert!(shown.contains("httpPath = (secret) -> "), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn a_pin_into_a_list_with_a_hole_may_be_in_the_hole() {
    let pinned = format!("{LAKE}sync: {{id: 12}}\n");
    let files = files(&[("lake.yaml", &pinned)]);
    let mut live = tenant([]);
    live.unreadable.push(Unreadable {
        scope: Scope::Platform(by_wire("Databricks").unwrap()),
        reason: "element 3 has no status".into(),
    });
    assert_eq!(
        kinds(&files, &live),
        ["blocked: the integration may already exist: element 3 has no status"]
    );
}

#[test]
fn what_is_being_deleted_is_not_as_its_file_says() {
    let files = files(&[("lake.yaml", LAKE)]);
    let going = in_status(lake("7"), IntegrationStatus::Deleting);
    assert_eq!(
        kinds(&files, &tenant([going])),
        ["blocked: integration 7 is busy: its status is `deleting`"]
    );
}

#[test]
fn a_failed_creation_that_is_only_probably_meant_says_so() {
    let files = files(&[("q.yaml", &query("sales"))]);
    let failed = in_status(live_query("3", "sales"), IntegrationStatus::CreateError);
    assert_eq!(
        kinds(&files, &tenant([failed])),
        ["blocked: integration 3 is only a probable match, and its creation failed"]
    );
}

#[test]
fn an_update_sends_a_host_as_the_server_spells_it() {
    let files = files(&[("lake.yaml", LAKE)]);
    let shouted = with(lake("7"), "workspaceUrl", json!("LAKE.Example.Com"));
    let (paths, body) = update(&files, &tenant([with(shouted, "httpPath", json!("/old"))]));
    assert_eq!(paths, ["httpPath"]);
    let sent = body.config.at("workspaceUrl");
    assert_eq!(sent.and_then(|v| v.as_text()), Some("LAKE.Example.Com"));
}

#[test]
fn an_identity_that_is_no_host_is_compared_to_the_letter() {
    let pinned = format!("{}sync: {{id: 3}}\n", query("Sales"));
    let files = files(&[("q.yaml", &pinned)]);
    let (paths, _) = update(&files, &tenant([live_query("3", "sales")]));
    assert_eq!(paths, ["dataset"]);
}

#[test]
fn other_authentication_replaces_the_old_one_in_the_plan() {
    let files = files(&[("lake.yaml", LAKE)]);
    let old =
        json!({ "useCertificate": false, "clientId": "c", "authorityUrl": "https://i.example" });
    let live = tenant([with(
        with(lake("7"), "authenticationType", json!("oAuthM2M")),
        "oAuthClientConfig",
        old,
    )]);
    insta::assert_snapshot!(shown(&files, &live), @r#"
      # lake will be updated  lake.yaml:1
      ~ Databricks Unity Catalog (id 7)
          ~ authenticationType = "oAuthM2M" -> "token"
          ~ oAuthClientConfig  = (secret) -> (absent)
          before this, run the script of: integrationd script lake

    Plan: 1 to update.
    Not compared: 1 secret of 1 integration. The server never returns secrets.
     help: send them with `integrationd sync --resend-secrets lake`; or, if the server already has them, run `integrationd adopt lake --secrets assume`
    "#);
    let (_, body) = update(&files, &live);
    assert_eq!(body.config.at("oAuthClientConfig"), None);
}

#[test]
fn what_is_left_of_another_way_to_log_in_is_no_difference() {
    let files = files(&[("lake.yaml", LAKE)]);
    let rest = with(lake("7"), "oAuthClientConfig", json!({ "clientId": "c" }));
    assert_eq!(kinds(&files, &tenant([rest])), ["unchanged 7"]);
}

#[test]
fn null_from_extra_equals_an_absent_attribute() {
    let files = files(&[(
        "lake.yaml",
        &format!("{LAKE}sync: {{extra: {{newThing: null}}}}\n"),
    )]);
    assert_eq!(kinds(&files, &tenant([lake("7")])), ["unchanged 7"]);
}
