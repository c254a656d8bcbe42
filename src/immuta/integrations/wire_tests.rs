//! Reading of valid and invalid responses.

use serde_json::json;

use super::super::list::{MOST_INTEGRATIONS, most_values_of_list, read_list};
use super::*;
use crate::immuta::client::MOST_FAILING_TESTS;
use crate::live::{Live, Scope, StatusPhase};
use crate::platform::{Identity, PayloadShape};

static LAKE: Platform = platform("Lake");
static POND: Platform = platform("Pond");

const fn platform(wire: &'static str) -> Platform {
    Platform {
        wire,
        title: wire,
        aliases: &[],
        payload: PayloadShape::Full,
        identity: Identity::Nothing,
        deleted_with_credentials: false,
        connection_technology: None,
        scripts: crate::platform::Scripts::NONE,
        snippet: None,
        attributes: &[],
        rules: &[],
    }
}

fn lookup(wire: &str) -> Option<&'static Platform> {
    [&LAKE, &POND].into_iter().find(|p| p.wire == wire)
}

fn list(value: &Value) -> Live {
    read_list(value.to_string().as_bytes(), lookup).unwrap()
}

/// A list of a good element, and another made from a good one by `change`.
fn list_with(change: impl FnOnce(&mut Value)) -> Live {
    let mut other = json!({"id": "2", "status": "enabled", "type": "Pond", "config": {}});
    change(&mut other);
    list(&json!([
        {"id": "1", "status": "enabled", "type": "Lake", "autoBootstrap": true, "config": {"host": "a"}},
        other
    ]))
}

/// Scopes that the other element made unknown; the valid element must have been read.
fn unknown(change: impl FnOnce(&mut Value)) -> Vec<(Scope, String)> {
    let live = list_with(change);
    assert_eq!(live.integrations.len(), 1);
    assert_eq!(live.integrations[0].id.as_str(), "1");
    live.unreadable
        .into_iter()
        .map(|u| (u.scope, u.reason))
        .collect()
}

#[test]
fn the_documented_example_is_read() {
    let live = list(&json!([{
        "id": "1",
        "status": "enabled",
        "validationResults": {
            "status": "warning",
            "validationTests": [
                {"name": "Connection", "status": "passed", "result": []},
                {"name": "Grants", "status": "failed", "message": "no grant", "result": []},
                {"name": "Role", "status": "warning"},
                {"name": "Other", "status": "skipped"},
            ],
        },
        "type": "Lake",
        "autoBootstrap": true,
        "config": {"host": "a.example", "port": 443},
    }]));
    let [one] = &live.integrations[..] else {
        panic!("{live:?}")
    };
    assert_eq!(one.platform, Some(&LAKE));
    assert_eq!(one.auto_bootstrap, Some(true));
    assert_eq!(one.status, IntegrationStatus::Enabled);
    assert_eq!(one.config.0["port"], 443);
    let tests: Vec<_> = one
        .failing_tests
        .iter()
        .map(|test| (test.name.as_str(), test.message.as_str()))
        .collect();
    assert_eq!(tests, [("Grants", "no grant"), ("Role", "")]);
    assert!(live.unreadable.is_empty());
}

#[test]
fn ids_are_read_as_numbers_and_as_strings() {
    for (id, text) in [
        (json!("abc/1"), "abc/1"),
        (json!(12), "12"),
        (json!(12.0), "12"),
        (json!(u64::MAX), "18446744073709551615"),
    ] {
        let live = list_with(|other| other["id"] = id.clone());
        assert_eq!(live.integrations[1].id.as_str(), text);
    }
}

#[test]
fn anything_else_as_an_id_makes_the_platform_unknown() {
    for id in [
        json!(""),
        json!(" "),
        json!(".."),
        json!("a\nb"),
        json!("7\u{202e}1"),
        json!(1.5),
        json!(1e300),
        json!({"a": 1}),
        json!([1]),
        json!(null),
        json!(true),
    ] {
        let found = unknown(|other| other["id"] = id.clone());
        assert_eq!(found.len(), 1, "{id}");
        assert_eq!(found[0].0, Scope::Platform(&POND), "{id}");
        assert!(found[0].1.contains("`id`"), "{}", found[0].1);
    }
}

#[test]
fn unknown_fields_statuses_and_types_pass() {
    let live = list_with(|other| {
        other["type"] = json!("Ocean");
        other["status"] = json!("hibernating");
        other["new"] = json!({"field": 1});
    });
    let other = &live.integrations[1];
    assert_eq!((other.platform, other.type_name.as_str()), (None, "Ocean"));
    assert_eq!(other.status.phase(), StatusPhase::Busy);
}

#[test]
fn what_may_be_absent_may_also_be_null() {
    let live = list_with(|other| {
        other["config"] = json!(null);
        other["autoBootstrap"] = json!(null);
        other["validationResults"] = json!(null);
    });
    let other = &live.integrations[1];
    assert_eq!(other.auto_bootstrap, None);
    assert!(other.config.0.is_empty());
    let live = list_with(|other| {
        other.as_object_mut().unwrap().remove("config");
    });
    assert!(live.integrations[1].config.0.is_empty());
}

#[test]
fn validation_results_of_any_shape_pass() {
    for results in [
        json!([]),
        json!(3),
        json!({"validationTests": {}}),
        json!({"validationTests": [null, 1, {}]}),
    ] {
        let live = list_with(|other| other["validationResults"] = results);
        assert!(live.integrations[1].failing_tests.is_empty());
    }
}

#[test]
fn a_broken_element_of_a_known_type_makes_its_platform_unknown() {
    for (key, bad) in [
        ("status", json!(null)),
        ("status", json!("")),
        ("config", json!("hunter2")),
        ("config", json!([])),
        ("autoBootstrap", json!("hunter2")),
    ] {
        let found = unknown(|other| other[key] = bad.clone());
        let expected = format!("element 2 of the list: `{key}` is not");
        assert_eq!(found.len(), 1, "{key} {bad}");
        assert_eq!(found[0].0, Scope::Platform(&POND));
        assert!(found[0].1.starts_with(&expected), "{}", found[0].1);
        assert!(!found[0].1.contains("hunter2"), "{}", found[0].1);
    }
}

#[test]
fn an_element_without_a_readable_type_makes_everything_unknown() {
    for bad in [json!(null), json!(7), json!("")] {
        let found = unknown(|other| other["type"] = bad);
        assert_eq!(found[0].0, Scope::Everything);
    }
    for bad in [json!(null), json!("x"), json!([])] {
        let found = unknown(|other| *other = bad);
        assert_eq!(found[0].0, Scope::Everything);
    }
}

#[test]
fn a_broken_element_of_an_unknown_type_makes_nothing_unknown() {
    let found = unknown(|other| {
        other["type"] = json!("Ocean");
        other["status"] = json!(null);
    });
    assert_eq!(found, []);
}

#[test]
fn of_two_elements_with_one_id_neither_is_believed() {
    let live = list_with(|other| other["id"] = json!(1));
    assert!(live.integrations.is_empty());
    let scopes: Vec<_> = live.unreadable.iter().map(|u| u.scope).collect();
    assert_eq!(scopes, [Scope::Platform(&LAKE), Scope::Platform(&POND)]);
}

#[test]
fn what_is_not_a_list_is_not_an_empty_list() {
    let read = |text: &str| read_list(text.as_bytes(), lookup).unwrap_err();
    assert_eq!(read(""), AnswerError::Empty);
    assert_eq!(read("  "), AnswerError::Empty);
    assert_eq!(read("\n<!DOCTYPE html><p>"), AnswerError::Html);
    assert_eq!(read("{}"), AnswerError::Not("a list of integrations"));
    assert_eq!(read("null"), AnswerError::Not("a list of integrations"));
    assert_eq!(
        read("[{\"id\": 1,"),
        AnswerError::NotJson {
            line: 1,
            column: 10
        }
    );
    assert_eq!(read("[] []"), AnswerError::NotJson { line: 1, column: 4 });
    assert!(read_list(b"\xef\xbb\xbf[]", lookup).is_ok());
}

#[test]
fn an_answer_about_another_integration_is_not_read() {
    let body = br#"{"id": 8, "type": "Lake", "status": "enabled"}"#;
    let seven = RemoteId::new("7");
    assert_eq!(
        read_integration(body, &seven, lookup).unwrap_err(),
        AnswerError::OtherIntegration
    );
    assert_eq!(
        read_status(body, &seven).unwrap_err(),
        AnswerError::OtherIntegration
    );
    assert_eq!(
        read_accepted(body, Some(&seven)).unwrap_err(),
        AnswerError::OtherIntegration
    );
    assert!(read_integration(body, &RemoteId::new("8"), lookup).is_ok());
}

#[test]
fn a_status_is_read_from_an_object_or_a_word() {
    let seven = RemoteId::new("7");
    let read = |text: &str| read_status(text.as_bytes(), &seven);
    assert_eq!(
        read(r#"{"id": 7, "status": "creating"}"#).unwrap().status,
        IntegrationStatus::Creating
    );
    assert_eq!(
        read(r#"{"status": "enabled"}"#).unwrap().status,
        IntegrationStatus::Enabled
    );
    assert_eq!(
        read(r#""editError""#).unwrap().status,
        IntegrationStatus::EditError
    );
    assert_eq!(read("[]").unwrap_err(), AnswerError::Not("a status"));
    assert!(read(r#"{"id": 7}"#).is_err());
}

#[test]
fn answer_to_a_create_needs_an_id_and_to_an_update_none() {
    assert!(read_accepted(br#"{"status": "creating"}"#, None).is_err());
    assert_eq!(
        read_accepted(br#"{"id": 5, "status": "creating"}"#, None).unwrap(),
        Accepted {
            id: RemoteId::new("5"),
            status: IntegrationStatus::Creating
        }
    );
    assert_eq!(
        read_accepted(br#"{"status": "editing"}"#, Some(&RemoteId::new("5"))).unwrap(),
        Accepted {
            id: RemoteId::new("5"),
            status: IntegrationStatus::Editing
        }
    );
}

#[test]
fn a_list_that_is_too_long_is_not_read_at_all() {
    let good = json!({"id": "1", "status": "enabled", "type": "Lake", "config": {}});
    let junk = ",1".repeat(MOST_INTEGRATIONS);
    let body = format!("[{good}{junk}]");
    let mistake = read_list(body.as_bytes(), lookup).unwrap_err();
    assert_eq!(
        mistake.to_string(),
        "more than 200000 integrations, which is too many for a response from Immuta"
    );
    let fits = format!("[{good}{}]", ",1".repeat(MOST_INTEGRATIONS - 1));
    assert_eq!(
        read_list(fits.as_bytes(), lookup)
            .unwrap()
            .integrations
            .len(),
        1
    );
}

#[test]
fn a_list_with_too_many_values_is_not_read_at_all() {
    let values = vec![0; MOST_VALUES - 1000];
    let element = json!({"id": "1", "status": "enabled", "type": "Ocean", "config": {"v": values}});
    let element = element.to_string();
    let list = |elements| format!("[{}]", vec![element.as_str(); elements].join(","));
    // The twenty-seventh has no room any longer.
    let mistake = read_list(list(40).as_bytes(), lookup).unwrap_err();
    assert_eq!(mistake, too_many_values(most_values_of_list(26)));
    assert!(read_list(list(26).as_bytes(), lookup).is_ok());
}

#[test]
fn an_element_with_too_many_values_makes_its_platform_unknown() {
    let large = |value: Value| {
        unknown(|other| {
            // `type` comes after it.
            *other =
                json!({"id": "2", "config": {"v": value}, "status": "enabled", "type": "Pond"});
        })
    };
    let reason = "element 2 of the list: more than 20000 values, which is too many for a response \
        from Immuta";
    let expected = [(Scope::Platform(&POND), reason.to_owned())];
    assert_eq!(large(json!(vec![0; MOST_VALUES])), expected);
    assert_eq!(large(json!(vec![json!([[]]); MOST_VALUES / 2])), expected);
    let fields: Map<String, Value> = (0..MOST_VALUES)
        .map(|n| (n.to_string(), n.into()))
        .collect();
    assert_eq!(large(fields.into()), expected);
    // What is skipped is JSON all the same.
    let broken = format!("[{{\"v\": [{}}}]", "0,".repeat(MOST_VALUES + 5));
    let mistake = read_list(broken.as_bytes(), lookup).unwrap_err();
    assert!(matches!(mistake, AnswerError::NotJson { .. }), "{mistake}");
}

#[test]
fn an_answer_about_one_integration_is_bounded_too() {
    let body = json!({"id": "7", "status": "enabled", "type": "Lake", "config": {"v": vec![0; MOST_VALUES]}});
    let body = body.to_string();
    let seven = RemoteId::new("7");
    let too_many = too_many_values(MOST_VALUES);
    let read = read_integration(body.as_bytes(), &seven, lookup);
    assert_eq!(read.unwrap_err(), too_many);
    assert_eq!(read_status(body.as_bytes(), &seven).unwrap_err(), too_many);
    assert_eq!(read_accepted(body.as_bytes(), None).unwrap_err(), too_many);
}

#[test]
fn few_reasons_and_a_count_of_many_unreadable_elements_are_kept() {
    let mut elements = vec![json!(1); 1000];
    elements.push(json!({"type": "Pond"}));
    let live = list(&Value::Array(elements));
    let reasons: Vec<&str> = live.unreadable.iter().map(|u| u.reason.as_str()).collect();
    assert_eq!(reasons.len(), 12);
    assert_eq!(reasons[9], "element 10 of the list: expected an object");
    assert_eq!(
        reasons[10],
        "element 1001 of the list: `id` is not an integer or a non-empty string"
    );
    assert_eq!(reasons[11], "and 990 more");
    assert!(live.unreadable_for(&POND).is_some());
}

#[test]
fn every_platform_with_an_unreadable_element_stays_unknown() {
    let mut elements = vec![json!({"type": "Lake"}); 1000];
    elements.extend(vec![json!({"type": "Pond"}); 1000]);
    let live = list(&Value::Array(elements));
    assert_eq!(live.unreadable.len(), 22);
    let more: Vec<&str> = live.unreadable[20..]
        .iter()
        .map(|u| u.reason.as_str())
        .collect();
    assert_eq!(
        more,
        ["and 990 more of type Lake", "and 990 more of type Pond"]
    );
    for platform in [&LAKE, &POND] {
        assert!(
            live.unreadable
                .iter()
                .any(|u| u.scope == Scope::Platform(platform))
        );
    }
}

#[test]
fn of_many_failing_tests_the_first_and_a_count_are_kept() {
    let live = list_with(|other| {
        other["validationResults"] =
            json!(vec![json!({"name": "Grants", "status": "failed"}); 1000]);
    });
    let tests = &live.integrations[1].failing_tests;
    assert_eq!(tests.len(), MOST_FAILING_TESTS + 1);
    assert_eq!(tests[MOST_FAILING_TESTS].name, "and 950 more");
}
