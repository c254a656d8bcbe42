//! Decisions of the planner: a pure function of files and a live state.

use crate::support::planned::{
    LAKE, files, in_status, kinds, lake, live, live_query, planned, planned_of, query, shown,
    tenant, with,
};
use integrationd::ledger::Ledger;
use integrationd::live::{IntegrationStatus, Scope, Unreadable};
use integrationd::plan::{Operation, Selection, coverage};
use integrationd::platform::by_wire;
use serde_json::{Value, json};

#[test]
fn an_integration_as_its_file_says_is_unchanged() {
    let files = files(&[("lake.yaml", LAKE)]);
    assert_eq!(kinds(&files, &tenant([lake("7")])), ["unchanged 7"]);
}

#[test]
fn hosts_pair_without_case_and_the_difference_is_no_change() {
    let files = files(&[("lake.yaml", LAKE)]);
    let shouted = with(lake("7"), "workspaceUrl", json!("LAKE.Example.Com"));
    assert_eq!(kinds(&files, &tenant([shouted])), ["unchanged 7"]);
}

#[test]
fn a_deleted_integration_that_lingers_is_absent() {
    let files = files(&[("lake.yaml", LAKE)]);
    let gone = in_status(lake("7"), IntegrationStatus::Deleted);
    assert_eq!(kinds(&files, &tenant([gone])), ["create"]);
}

#[test]
fn two_live_integrations_with_one_host_are_ambiguous() {
    let files = files(&[("lake.yaml", LAKE)]);
    insta::assert_snapshot!(shown(&files, &tenant([lake("12"), lake("9")])), @r#"
      # lake is blocked  lake.yaml:1
      ! Databricks Unity Catalog
          several live integrations match: 9 and 12
          help: select one with `sync: {id: "9"}` in the file

    Plan: 1 blocked.
    "#);
}

#[test]
fn pin_chooses_one_of_two_and_the_other_is_unmanaged() {
    let pinned = format!("{LAKE}sync: {{id: 12}}\n");
    let files = files(&[("lake.yaml", &pinned)]);
    let live = tenant([lake("9"), lake("12")]);
    assert_eq!(kinds(&files, &live), ["unchanged 12"]);
    let unmanaged = planned(&files, &live).unmanaged;
    assert_eq!(
        unmanaged.iter().map(|u| u.id.as_str()).collect::<Vec<_>>(),
        ["9"]
    );
}

#[test]
fn file_with_a_pin_describes_no_other_integration() {
    let of_cluster = |pin: &str| format!("type: Trino\nsync: {{id: \"{pin}\"}}\n");
    let of_query = |pin: &str| format!("{}sync: {{id: \"{pin}\"}}\n", query("sales"));
    let cluster = |id: &str| live(id, "Trino", json!({}));
    let live = tenant([
        cluster("3"),
        cluster("4"),
        live_query("5", "sales"),
        live_query("6", "sales"),
    ]);
    for (pins, unmanaged) in [
        (["3", "6"], vec!["4", "5"]),
        // No integration has these ids.
        (["98", "99"], vec!["3", "4", "5", "6"]),
    ] {
        let files = files(&[
            ("t.yaml", &of_cluster(pins[0])),
            ("q.yaml", &of_query(pins[1])),
        ]);
        let seen = planned(&files, &live).unmanaged;
        let seen: Vec<&str> = seen.iter().map(|u| u.id.as_str()).collect();
        assert_eq!(seen, unmanaged);
        let ledger = Ledger::default();
        let undescribed = coverage(&files, &live, &ledger).undescribed;
        let undescribed: Vec<&str> = undescribed.iter().map(|l| l.id.as_str()).collect();
        assert_eq!(undescribed, unmanaged);
    }
}

#[test]
fn pin_to_nothing_another_type_or_another_host_is_blocked() {
    let pinned = format!("{LAKE}sync: {{id: 12}}\n");
    let files = files(&[("lake.yaml", &pinned)]);
    let elsewhere = with(lake("12"), "workspaceUrl", json!("other.example.com"));
    let seen = [
        kinds(&files, &tenant([])),
        kinds(&files, &tenant([live("12", "Trino", json!({}))])),
        kinds(&files, &tenant([elsewhere])),
    ];
    insta::assert_snapshot!(seen.concat().join("\n"), @"
    blocked: `sync.id` is 12, but no integration has that id
    blocked: `sync.id` is 12, but integration 12 has type `Trino`
    blocked: `sync.id` is 12, but the workspaceUrl of integration 12 is other.example.com, and the file has lake.example.com
    ");
}

#[test]
fn wrong_pin_makes_no_other_file_create_its_integration() {
    let stray = LAKE.replace("lake.example", "other.example") + "sync: {id: \"7\"}\n";
    let trino = "type: Trino\nsync: {id: \"7\"}\n";
    for wrong in [stray.as_str(), trino] {
        let files = files(&[("lake.yaml", LAKE), ("wrong.yaml", wrong)]);
        let kinds = kinds(&files, &tenant([lake("7")]));
        assert!(kinds[0].contains("unchanged"), "{kinds:?}");
        assert!(kinds[1].contains("blocked"), "{kinds:?}");
    }
}

#[test]
fn unmanaged_integration_is_listed_and_has_no_action() {
    let other = with(lake("3"), "workspaceUrl", json!("other.example.com"));
    let unknown = live("10", "Lakebase", json!({ "host": "x" }));
    insta::assert_snapshot!(shown(&files(&[]), &tenant([unknown, other])), @r"
      Unmanaged (live, but not described by a valid file):
        id 3: Databricks, other.example.com
        id 10: Lakebase

    No changes. The files describe no integrations in the tenant.
    Plan: no integrations.
    ");
}

#[test]
fn a_busy_integration_blocks_a_change_and_nothing_else() {
    let files = files(&[("lake.yaml", LAKE)]);
    let busy = in_status(lake("7"), IntegrationStatus::Editing);
    assert_eq!(kinds(&files, &tenant([busy.clone()])), ["unchanged 7"]);
    let changed = with(busy, "httpPath", json!("/sql/2"));
    assert_eq!(
        kinds(&files, &tenant([changed])),
        ["blocked: integration 7 is busy: its status is `editing`"]
    );
}

#[test]
fn an_unknown_status_is_busy_and_a_forced_disabling_is_blocked() {
    let files = files(&[("lake.yaml", LAKE)]);
    let odd = with(
        in_status(lake("7"), IntegrationStatus::from_wire("zipping")),
        "httpPath",
        json!("/x"),
    );
    let disabled = in_status(lake("7"), IntegrationStatus::Disabled);
    let seen = [
        kinds(&files, &tenant([odd])),
        kinds(&files, &tenant([disabled])),
    ];
    insta::assert_snapshot!(seen.concat().join("\n"), @"
    blocked: integration 7 is busy: its status is `zipping`
    blocked: integration 7 was force-disabled without a clean-up on the platform
    ");
}

#[test]
fn failed_creation_is_updated_even_without_a_difference() {
    let files = files(&[("lake.yaml", LAKE)]);
    let failed = in_status(lake("7"), IntegrationStatus::CreateError);
    assert_eq!(kinds(&files, &tenant([failed])), ["update 7"]);
}

#[test]
fn health_problem_is_reported_and_is_no_difference() {
    let files = files(&[("lake.yaml", LAKE)]);
    let mut ill = in_status(lake("7"), IntegrationStatus::RecurringValidationError);
    ill.failing_tests.push(integrationd::live::FailingTest {
        name: "Basic Connection Test".into(),
        message: "warehouse is suspended".into(),
    });
    insta::assert_snapshot!(shown(&files, &tenant([ill])), @"
      # lake matches its file but is unhealthy  lake.yaml:1
      ? Databricks Unity Catalog (id 7)
          note: the integration has status `recurringValidationError`: a recurring validation test is failing
            ✗ Basic Connection Test: message hidden because the secrets of this integration are not known here

    No changes. Not everything in the tenant was compared.
    Plan: 1 unchanged.
    Not compared: 1 secret of 1 integration. The server never returns secrets.
     help: send them with `integrationd sync --resend-secrets lake`; or, if the server already has them, run `integrationd adopt lake --secrets assume`
    ");
}

#[test]
fn omitted_values_are_kept_and_unknown_ones_are_named() {
    let files = files(&[("lake.yaml", LAKE)]);
    let rich = with(
        with(lake("7"), "newFlag", json!(true)),
        "audit",
        json!({ "enabled": true }),
    );
    let plan = planned(&files, &tenant([with(rich, "httpPath", json!("/old"))]));
    let [action] = plan.actions.as_slice() else {
        panic!("one action")
    };
    let Operation::Update { body, .. } = &action.kind else {
        panic!("an update")
    };
    let keys: Vec<&str> = body.config.iter().map(|(key, _)| key).collect();
    assert_eq!(
        keys,
        [
            "workspaceUrl",
            "httpPath",
            "authenticationType",
            "token",
            "catalog",
            "port",
            "newFlag",
            "audit"
        ]
    );
    insta::assert_snapshot!(format!("{:?}", action.notes), @r#"[SecretsNotCompared { paths: ["token"] }, UnknownCarried { paths: ["newFlag"] }]"#);
}

#[test]
fn an_update_that_would_drop_a_stored_secret_is_blocked() {
    let files = files(&[("lake.yaml", LAKE)]);
    let proxied = with(
        with(lake("7"), "httpPath", json!("/old")),
        "proxyOptions",
        json!({ "host": "proxy.example.com", "username": "p" }),
    );
    let masked = with(
        with(lake("7"), "httpPath", json!("/old")),
        "newKey",
        json!("********"),
    );
    let seen = [
        kinds(&files, &tenant([proxied])),
        kinds(&files, &tenant([masked])),
    ];
    insta::assert_snapshot!(seen.concat().join("\n"), @"
    blocked: an update may drop stored secrets that are not in the file: proxyOptions/password
    blocked: an update would drop stored secrets that are not in the file: newKey
    ");
}

#[test]
fn ignored_difference_keeps_the_live_value_in_the_body() {
    let ignoring =
        format!("{LAKE}sync: {{ignore: [{{path: /httpPath, reason: moved by hand}}]}}\n");
    let files = files(&[("lake.yaml", &ignoring)]);
    let moved = with(lake("7"), "httpPath", json!("/by-hand"));
    assert_eq!(kinds(&files, &tenant([moved.clone()])), ["unchanged 7"]);
    let plan = planned(
        &files,
        &tenant([with(moved, "authenticationType", json!("other"))]),
    );
    let Operation::Update { changes, body, .. } = &plan.actions[0].kind else {
        panic!("an update")
    };
    let paths: Vec<&str> = changes.iter().map(|change| change.path.as_str()).collect();
    assert_eq!(paths, ["authenticationType"]);
    assert_eq!(
        body.config.at("httpPath").and_then(|v| v.as_text()),
        Some("/by-hand")
    );
}

#[test]
fn suspended_integration_is_not_written_until_its_end() {
    let until =
        |end: &str| format!("{LAKE}sync: {{suspend: {{reason: migration, until: '{end}'}}}}\n");
    let live = tenant([with(lake("7"), "httpPath", json!("/old"))]);
    let planned = |end: &str| kinds(&files(&[("a.yaml", &until(end))]), &live);
    // It is noon in UTC.
    for end in ["2026-11-22", "2026-11-22T12:01Z", "2026-11-22T13:01+01:00"] {
        assert_eq!(planned(end), ["suspended"], "{end}");
    }
    for end in ["2026-11-21", "2026-11-22T12:00Z", "2026-11-22T13:00+01:00"] {
        assert_eq!(planned(end), ["update 7"], "{end}");
    }
}

#[test]
fn an_attribute_from_extra_is_sent_and_its_value_never_shown() {
    let extra = format!("{LAKE}sync: {{extra: {{newThing: hunter2-hunter2, flag: true}}}}\n");
    let files = files(&[("lake.yaml", &extra)]);
    let live = tenant([with(lake("7"), "flag", json!(true))]);
    insta::assert_snapshot!(shown(&files, &live), @"
      # lake will be updated  lake.yaml:1
      ~ Databricks Unity Catalog (id 7)
          + newThing = (secret)
          before this, run the script of: integrationd script lake

    Plan: 1 to update.
    Not compared: 1 secret of 1 integration. The server never returns secrets.
     help: send them with `integrationd sync --resend-secrets lake`; or, if the server already has them, run `integrationd adopt lake --secrets assume`
    ");
}

#[test]
fn incomplete_list_blocks_creates_in_its_scope_alone() {
    let other = LAKE.replace("lake.example.com", "new.example.com");
    let files = files(&[
        ("lake.yaml", LAKE),
        ("new.yaml", &other),
        ("q.yaml", &query("d")),
    ]);
    let mut live = tenant([with(lake("7"), "httpPath", json!("/old"))]);
    live.unreadable.push(Unreadable {
        scope: Scope::Platform(by_wire("Databricks").unwrap()),
        reason: "element 3 has no id".into(),
    });
    assert_eq!(
        kinds(&files, &live),
        [
            "update 7",
            "blocked: the integration may already exist: element 3 has no id",
            "create"
        ]
    );
    live.unreadable[0].scope = Scope::Everything;
    assert_eq!(
        kinds(&files, &live)[2],
        "blocked: the integration may already exist: element 3 has no id"
    );
}

#[test]
fn live_integration_without_identity_blocks_its_creates() {
    let files = files(&[("lake.yaml", LAKE)]);
    let live = tenant([live("7", "Databricks", json!({}))]);
    assert_eq!(
        kinds(&files, &live),
        [
            "blocked: the integration may already exist: the list does not show `workspaceUrl` of integration 7"
        ]
    );
}

#[test]
fn a_hint_pairs_for_comparing_and_never_for_updating() {
    let files = files(&[("q.yaml", &query("sales"))]);
    assert_eq!(
        kinds(&files, &tenant([live_query("4", "sales")])),
        ["unchanged 4"]
    );
    let changed = with(live_query("4", "sales"), "location", json!("eu"));
    assert_eq!(
        kinds(&files, &tenant([changed])),
        ["blocked: integration 4 is only a probable match, and it differs in location"]
    );
}

#[test]
fn the_only_one_is_probably_meant_even_with_another_hint() {
    let files = files(&[("q.yaml", &query("sales"))]);
    let seen = kinds(&files, &tenant([live_query("4", "other")]));
    assert!(
        seen[0].starts_with("blocked: integration 4 is only a probable match"),
        "{seen:?}"
    );
}

#[test]
fn second_one_is_created_once_the_first_has_its_own_file() {
    let files = files(&[("a.yaml", &query("one")), ("b.yaml", &query("two"))]);
    assert_eq!(
        kinds(&files, &tenant([live_query("4", "one")])),
        ["unchanged 4", "create"]
    );
}

#[test]
fn several_unexplained_ones_are_ambiguous() {
    let files = files(&[("q.yaml", &query("sales"))]);
    assert_eq!(
        kinds(
            &files,
            &tenant([live_query("4", "x"), live_query("5", "y")])
        ),
        ["blocked: several live integrations match: 4 and 5"]
    );
}

#[test]
fn indistinguishable_files_are_not_created() {
    let files = files(&[("a.yaml", "type: Trino\n"), ("b.yaml", "type: Trino\n")]);
    assert_eq!(
        kinds(&files, &tenant([])),
        [
            "blocked: the integration cannot be distinguished from b",
            "blocked: the integration cannot be distinguished from a"
        ]
    );
}

#[test]
fn a_type_without_attributes_is_created_once_and_never_updated() {
    let files = files(&[("t.yaml", "type: Trino\n")]);
    assert_eq!(kinds(&files, &tenant([])), ["create"]);
    let there = live("3", "Trino", json!({ "immutaApiKey": "k" }));
    assert_eq!(kinds(&files, &tenant([there.clone()])), ["unchanged 3"]);
    let failed = in_status(there, IntegrationStatus::CreateError);
    assert_eq!(
        kinds(&files, &tenant([failed])),
        [
            "blocked: the creation of integration 3 failed, and integrations of this type cannot be \
            updated"
        ]
    );
}

#[test]
fn an_invalid_file_is_blocked_and_the_others_go_on() {
    let broken = LAKE
        .replace("httpPath", "htpPath")
        .replace("lake.", "other.");
    let files = files(&[("broken.yaml", &broken), ("lake.yaml", LAKE)]);
    assert_eq!(
        kinds(&files, &tenant([])),
        ["blocked: the file has errors", "create"]
    );
}

#[test]
fn selection_excludes_the_others_and_counts_them() {
    let other = LAKE.replace("lake.", "other.");
    let files = files(&[("a.yaml", LAKE), ("b.yaml", &other)]);
    let selection = Selection {
        only: ["b".to_owned()].into(),
        ..Selection::default()
    };
    let plan = planned_of(&selection, &files, &tenant([lake("7")]));
    let names: Vec<&str> = plan.actions.iter().map(|a| a.name.as_str()).collect();
    assert_eq!(
        (names, plan.unselected, plan.unmanaged.len()),
        (vec!["b"], 1, 0)
    );
}

#[test]
fn extra_reaches_inside_known_objects() {
    let extra =
        format!("{LAKE}  audit: {{enabled: true}}\nsync: {{extra: {{audit: {{depth: 2}}}}}}\n");
    let files = files(&[("lake.yaml", &extra)]);
    let with_audit = |audit: Value| tenant([with(lake("7"), "audit", audit)]);
    assert_eq!(
        kinds(&files, &with_audit(json!({ "enabled": true, "depth": 2 }))),
        ["unchanged 7"]
    );
    let plan = planned(&files, &with_audit(json!({ "enabled": true })));
    let Operation::Update { changes, body, .. } = &plan.actions[0].kind else {
        panic!("an update")
    };
    let paths: Vec<&str> = changes.iter().map(|change| change.path.as_str()).collect();
    assert_eq!(paths, ["audit/depth"]);
    assert!(body.config.at("audit/enabled").is_some() && body.config.at("audit/depth").is_some());
}

#[test]
fn numbers_in_extra_are_covered_and_compared() {
    let extra = |pin: i64| format!("{LAKE}sync: {{extra: {{pin: {pin}, key: '${{env:K}}'}}}}\n");
    let live = tenant([with(lake("7"), "pin", json!(987_654))]);
    assert_eq!(
        kinds(&files(&[("lake.yaml", &extra(987_654))]), &live),
        ["unchanged 7"]
    );
    let shown = shown(&files(&[("lake.yaml", &extra(123_456))]), &live);
    assert!(shown.contains("pin = (secret) -> (secret)"), "{shown}");
    assert!(
        !shown.contains("123456") && !shown.contains("987654"),
        "{shown}"
    );
}
