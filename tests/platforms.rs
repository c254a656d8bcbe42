//! Every platform alike: what its table lists is loaded, sent, compared and repaired.

use std::time::Duration;

use integrationd::platform::{PLATFORMS, Payload, Platform};
use integrationd::simulator::{Drift, Options, Seed, Simulator};
use serde_json::{Value, json};

use crate::common::{SECRETS, example, examples};
use crate::in_process::{Run, Texts, changes, write_lines, writes};
use crate::payload::{Case, every_case, login_attribute, put, texts_of, value};

/// The example of a platform: the file's name and its text.
fn example_of(platform: &Platform) -> (String, String) {
    let names = std::fs::read_dir(examples()).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut found = names
        .map(|name| (name.clone(), example(&name)))
        .filter(|(_, text)| parsed(text)["type"] == platform.wire);
    let one = found.next().unwrap();
    assert!(found.next().is_none(), "{} has two", platform.wire);
    one
}

/// YAML as a common parser reads it.
fn parsed(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap()
}

/// What a file should send: everything but `sync`, with the values of references.
fn payload_of(text: &str) -> Value {
    let mut payload = parsed(text);
    payload.as_object_mut().unwrap().shift_remove("sync");
    fill(&mut payload);
    payload
}

fn fill(value: &mut Value) {
    match value {
        Value::Object(object) => object.values_mut().for_each(fill),
        Value::Array(items) => items.iter_mut().for_each(fill),
        Value::String(text) => {
            for (name, secret) in SECRETS {
                *text = text.replace(&format!("${{env:{name}}}"), secret);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn texts(name: &str, text: &str) -> Texts {
    Texts::none()
        .file(name, text)
        .secrets(SECRETS.iter().copied())
}

/// The only integration of a tenant, as it is stored.
#[track_caller]
fn stored(simulator: &Simulator) -> Value {
    match simulator.state().as_slice() {
        [one] => one.clone(),
        several => panic!("{} integrations", several.len()),
    }
}

#[track_caller]
fn id_of(stored: &Value) -> u64 {
    stored["id"].as_str().unwrap().parse().unwrap()
}

/// Asserts that a run has sent this one request.
#[track_caller]
fn sent(simulator: &Simulator, line: &str, body: &Value, context: &str) {
    assert_eq!(write_lines(simulator), [line], "{context}");
    let sent = writes(simulator)[0].body.clone().unwrap();
    // As text: the order of the file is kept.
    assert_eq!(sent.to_string(), body.to_string(), "{context}");
}

#[test]
fn every_platform_has_one_example_and_it_is_without_a_mistake() {
    for platform in PLATFORMS {
        let (name, text) = example_of(platform);
        assert_eq!(texts(&name, &text).diagnostics(), "", "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_example_is_created_with_exactly_its_body_and_then_plans_to_nothing() {
    for platform in PLATFORMS {
        let (name, text) = example_of(platform);
        let (files, simulator) = (texts(&name, &text), Simulator::default());
        let first = Run::of(&files, &simulator).sync().await;
        assert!(first.is_proved(), "{}", first.shown());
        sent(
            &simulator,
            "POST /integrations",
            &payload_of(&text),
            platform.wire,
        );
        assert_eq!(stored(&simulator)["status"], "enabled");

        simulator.clear_log();
        let second = Run::of(&files, &simulator).sync().await;
        assert!(second.is_in_sync(), "{}", second.shown());
        assert_eq!(write_lines(&simulator), [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_of_an_example_carries_the_defaults_of_the_server() {
    for platform in PLATFORMS {
        let Some(comparable) = comparable_of_example(platform) else {
            continue;
        };
        for (path, changed) in comparable {
            let (name, text) = example_of(platform);
            let (files, simulator) = (texts(&name, &text), Simulator::default());
            Run::of(&files, &simulator).sync().await;
            let before = stored(&simulator);
            simulator.clear_log();

            let mut payload = parsed(&text);
            put(&mut payload, &path, changed.clone());
            let files = files.file(&name, payload.to_string());
            let ran = Run::of(&files, &simulator).sync().await;
            assert!(ran.is_proved(), "{path}: {}", ran.shown());
            let line = format!("PUT /integrations/{}", id_of(&before));
            let mut body = payload_of(&payload.to_string());
            let defaults = before["config"].as_object().unwrap();
            fill_in(&mut body["config"], defaults);
            sent(&simulator, &line, &body, &path);
        }
    }
}

/// Adds what the server holds and the file leaves out, at every depth.
fn fill_in(config: &mut Value, live: &serde_json::Map<String, Value>) {
    let Some(config) = config.as_object_mut() else {
        return;
    };
    for (key, value) in live {
        match (config.get_mut(key), value.as_object()) {
            (Some(inner), Some(more)) => fill_in(inner, more),
            (Some(_), None) => {}
            (None, _) => {
                config.insert(key.clone(), value.clone());
            }
        }
    }
}

/// What can be changed in an example, with another value for each.
fn comparable_of_example(platform: &'static Platform) -> Option<Vec<(String, Value)>> {
    if platform.payload == Payload::TypeOnly {
        return None;
    }
    let file = parsed(&example_of(platform).1);
    let login = login_attribute(platform).and_then(|(login, words)| {
        let word = file["config"][login.name].as_str()?;
        words.iter().copied().find(|own| *own == word)
    });
    let case = Case {
        platform,
        auto: file["autoBootstrap"].as_bool(),
        login,
    };
    let given = |path: &str| file.pointer(&format!("/config/{path}")).cloned();
    let changed = case.comparable().into_iter().filter_map(|(path, a)| {
        let other = [1, 2].map(|number| value(a, number));
        let old = given(&path)?;
        let new = other.into_iter().find(|new| *new != old)?;
        Some((path, new))
    });
    // Nothing but the credential tells two of them apart: updates need an id.
    platform.pairs_with_certainty().then(|| changed.collect())
}

#[tokio::test(start_paused = true)]
async fn a_payload_with_every_attribute_passes_unchanged() {
    for case in every_case() {
        let payload = case.payload();
        let files = texts_of(case.platform, &payload);
        let context = format!("{case:?}\n{payload:#}");
        assert_eq!(files.diagnostics(), "", "{context}");
        let simulator = Simulator::default();
        let ran = Run::of(&files, &simulator).sync().await;
        assert!(ran.is_proved(), "{context}\n{}", ran.shown());
        sent(&simulator, "POST /integrations", &payload, &context);
    }
}

#[test]
fn a_required_attribute_that_is_left_out_is_told_of_and_no_other_is() {
    for case in every_case() {
        let whole = case.payload();
        for attribute in case.platform.attributes {
            let mut payload = whole.clone();
            let config = payload["config"].as_object_mut().unwrap();
            let was_given = config.shift_remove(attribute.name).is_some();
            let told = texts_of(case.platform, &payload).diagnostics();
            let wanted = was_given && case.needs(attribute);
            let is_login = login_attribute(case.platform)
                .is_some_and(|(login, _)| login.name == attribute.name);
            // Without the word, the needs are those of another login.
            if !is_login || wanted {
                let names_it = told.contains(&format!("`{}`", attribute.name));
                assert_eq!(names_it, wanted, "{case:?} {}\n{told}", attribute.name);
            }
        }
    }
}

/// Creates a full payload, pinned so that every platform can be updated.
async fn created(case: &Case) -> (Simulator, Value, u64) {
    let simulator = Simulator::new(Options {
        settle: Duration::from_millis(100),
        ..Options::default()
    });
    let payload = case.payload();
    let config = payload.get("config").cloned();
    let id = simulator.seed(Seed::new(case.platform.wire, case.auto, config));
    let mut payload = payload;
    payload["sync"] = json!({ "id": id.to_string() });
    let files = texts_of(case.platform, &payload);
    let ran = Run::of(&files, &simulator).sync().await;
    assert!(ran.is_in_sync(), "{case:?}\n{}", ran.shown());
    simulator.clear_log();
    (simulator, payload, id)
}

/// What an update of it sends: the file, and what the server holds besides.
fn update_of(payload: &Value, stored: &Value) -> Value {
    let mut payload = payload.clone();
    payload.as_object_mut().unwrap().shift_remove("sync");
    fill_in(&mut payload["config"], stored["config"].as_object().unwrap());
    payload
}

#[tokio::test(start_paused = true)]
async fn every_attribute_that_can_be_compared_is_changed_by_one_update_that_shows_it_alone() {
    for case in every_case() {
        let (simulator, mut payload, id) = created(&case).await;
        for (path, attribute) in case.comparable() {
            let (old, new) = (value(attribute, 1), value(attribute, 2));
            put(&mut payload, &path, new.clone());
            let files = texts_of(case.platform, &payload);
            let ran = Run::of(&files, &simulator).sync().await;
            let context = format!("{case:?} {path}\n{}", ran.shown());
            assert!(ran.is_proved(), "{context}");
            let shown = changes(ran.only_action());
            assert_eq!(shown, [(path, old, new)], "{context}");
            let line = format!("PUT /integrations/{id}");
            sent(&simulator, &line, &update_of(&payload, &stored(&simulator)), &context);
            simulator.clear_log();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn drift_of_every_attribute_that_can_be_compared_is_seen_and_repaired_by_one_update() {
    for case in every_case() {
        let (simulator, payload, id) = created(&case).await;
        let files = texts_of(case.platform, &payload);
        for (path, attribute) in case.comparable() {
            let (ours, theirs) = (value(attribute, 1), value(attribute, 2));
            simulator
                .drift(Drift::value(id, &format!("/{path}"), theirs.clone()))
                .unwrap();
            let seen = Run::of(&files, &simulator).dry_run().await;
            let context = format!("{case:?} {path}\n{}", seen.shown());
            let shown = changes(seen.only_action());
            assert_eq!(shown, [(path, theirs, ours)], "{context}");
            let ran = Run::of(&files, &simulator).sync().await;
            assert!(ran.is_proved(), "{}", ran.shown());
            let line = format!("PUT /integrations/{id}");
            sent(&simulator, &line, &update_of(&payload, &stored(&simulator)), &context);
            simulator.clear_log();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_attribute_that_vanished_from_the_server_is_put_back() {
    for case in every_case() {
        let (simulator, payload, id) = created(&case).await;
        let files = texts_of(case.platform, &payload);
        for (path, attribute) in case.comparable() {
            simulator
                .drift(Drift::value(id, &format!("/{path}"), Value::Null))
                .unwrap();
            let ran = Run::of(&files, &simulator).sync().await;
            let context = format!("{case:?} {path}\n{}", ran.shown());
            assert!(ran.is_proved(), "{context}");
            let wanted = value(attribute, 1);
            let is_default = attribute.default.is_some_and(|d| is_scalar(d, &wanted));
            assert_eq!(writes(&simulator).len(), usize::from(!is_default), "{context}");
            simulator.clear_log();
        }
    }
}

fn is_scalar(default: integrationd::platform::Scalar, value: &Value) -> bool {
    use integrationd::platform::Scalar;
    match default {
        Scalar::Text(text) => value == text,
        Scalar::Integer(number) => *value == number,
        Scalar::Bool(truth) => *value == truth,
    }
}
