//! Every platform alike: what can be compared is changed, repaired and carried on.

use std::time::Duration;

use integrationd::ledger::MemoryLedger;
use integrationd::platform::{Attribute, Class};
use integrationd::simulator::{Seed, SimulatedDrift, Simulator, SimulatorOptions, StoredSecrets};
use serde_json::{Value, json};

use crate::in_process::{Run, changes, write_lines, writes};
use crate::payload::{
    Case, every_case, fill_in, login_attribute, put, remove, sent, stored, texts_of, value,
};
use crate::texts::Texts;

/// Creates a full payload, pinned so that every platform can be updated.
async fn created(case: &Case) -> (Simulator, Value, u64) {
    let simulator = Simulator::new(SimulatorOptions {
        settle: Duration::from_millis(100),
        ..SimulatorOptions::default()
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

/// Body of an update: the file, and the server's other values.
fn update_of(payload: &Value, stored: &Value) -> Value {
    let mut payload = payload.clone();
    payload.as_object_mut().unwrap().shift_remove("sync");
    fill_in(
        &mut payload["config"],
        stored["config"].as_object().unwrap(),
    );
    payload
}

#[tokio::test(start_paused = true)]
async fn every_compared_attribute_is_changed_by_one_update() {
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
            sent(
                &simulator,
                &line,
                &update_of(&payload, &stored(&simulator)),
                &context,
            );
            simulator.clear_log();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn drift_of_every_compared_attribute_is_fixed_by_one_update() {
    for case in every_case() {
        let (simulator, payload, id) = created(&case).await;
        let files = texts_of(case.platform, &payload);
        for (path, attribute) in case.comparable() {
            let (ours, theirs) = (value(attribute, 1), value(attribute, 2));
            simulator
                .drift(SimulatedDrift::value(
                    id,
                    &format!("/{path}"),
                    theirs.clone(),
                ))
                .unwrap();
            let seen = Run::of(&files, &simulator).dry_run().await;
            let context = format!("{case:?} {path}\n{}", seen.shown());
            let shown = changes(seen.only_action());
            assert_eq!(shown, [(path, theirs, ours)], "{context}");
            let ran = Run::of(&files, &simulator).sync().await;
            assert!(ran.is_proved(), "{}", ran.shown());
            let line = format!("PUT /integrations/{id}");
            sent(
                &simulator,
                &line,
                &update_of(&payload, &stored(&simulator)),
                &context,
            );
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
                .drift(SimulatedDrift::value(id, &format!("/{path}"), Value::Null))
                .unwrap();
            let ran = Run::of(&files, &simulator).sync().await;
            let context = format!("{case:?} {path}\n{}", ran.shown());
            assert!(ran.is_proved(), "{context}");
            let wanted = value(attribute, 1);
            let is_default = attribute.default.is_some_and(|d| is_scalar(d, &wanted));
            assert_eq!(
                writes(&simulator).len(),
                usize::from(!is_default),
                "{context}"
            );
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

/// True if two cases have different logins, and both store a secret.
fn switches(case: &Case, other: &Case) -> bool {
    let stored = |case: &Case| {
        let class = |(login, _): (&Attribute, _)| login.class_for(case.auto.unwrap_or(false));
        login_attribute(case.platform).is_some_and(|login| class(login) == Class::Mutable)
    };
    (case.platform, case.auto) == (other.platform, other.auto)
        && other
            .login
            .is_some_and(|login| case.logs_in_with() != login)
        && stored(case)
}

#[tokio::test(start_paused = true)]
async fn omitted_attribute_keeps_the_value_of_the_server() {
    for case in every_case() {
        let (simulator, mut whole, id) = created(&case).await;
        let all = case.comparable();
        let [(first, one), (second, other), ..] = all.as_slice() else {
            assert!(all.is_empty(), "{case:?}");
            continue;
        };
        for (left_out, attribute) in &all {
            let top = left_out.split('/').next().unwrap();
            if case.needs(attribute) || case.platform.pairing_attribute() == Some(top) {
                continue;
            }
            let mut payload = whole.clone();
            remove(&mut payload, left_out);
            let files = texts_of(case.platform, &payload);
            let ran = Run::of(&files, &simulator).dry_run().await;
            assert!(ran.is_in_sync(), "{case:?} {left_out}\n{}", ran.shown());

            let (changed, by) = if left_out == first {
                (second, other)
            } else {
                (first, one)
            };
            let before = stored(&simulator);
            let now = before.pointer(&format!("/config/{changed}")).unwrap();
            let new = [1, 2].map(|number| value(by, number));
            let new = new.into_iter().find(|new| new != now).unwrap();
            put(&mut whole, changed, new.clone());
            put(&mut payload, changed, new);
            let files = texts_of(case.platform, &payload);
            let ran = Run::of(&files, &simulator).sync().await;
            assert!(ran.is_proved(), "{case:?} {left_out}\n{}", ran.shown());
            let line = format!("PUT /integrations/{id}");
            assert_eq!(write_lines(&simulator), [line]);
            let kept = |state: &Value| state.pointer(&format!("/config/{left_out}")).cloned();
            let now = kept(&stored(&simulator));
            assert_eq!(now, kept(&before), "{case:?} {left_out}");
            simulator.clear_log();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn other_authentication_is_one_update_without_old_attributes() {
    let cases = every_case();
    let pairs = cases.iter().flat_map(|a| cases.iter().map(move |b| (a, b)));
    let mut switched = 0;
    for (case, other) in pairs.filter(|(case, other)| switches(case, other)) {
        for secrets in [StoredSecrets::Omit, StoredSecrets::Mask] {
            let (simulator, _, id) = created(case).await;
            simulator.set_options(SimulatorOptions {
                secrets,
                ..simulator.options()
            });
            let payload = other.payload();
            let mut pinned = payload.clone();
            pinned["sync"] = json!({ "id": id.to_string() });
            let files = texts_of(other.platform, &pinned);
            let ran = Run::of(&files, &simulator).sync().await;
            let context = format!("{case:?} -> {other:?}\n{}", ran.shown());
            assert!(ran.is_proved(), "{context}");
            let line = format!("PUT /integrations/{id}");
            sent(&simulator, &line, &payload, &context);
            switched += 1;
        }
    }
    assert!(switched > 0, "no platform has two ways to log in");
}

#[tokio::test(start_paused = true)]
async fn attribute_that_is_not_sent_is_no_change() {
    let (simulator, journal) = (Simulator::default(), MemoryLedger::default());
    let file = |more: &str| Texts::none().file("sea.yaml", format!("type: Trino\n{more}"));
    Run::of(&file(""), &simulator)
        .remembering(&journal)
        .sync()
        .await;
    let before = journal.ledger().records["sea"].clone();
    let protected = file("sync: {protect: true}\n");
    let ran = Run::of(&protected, &simulator)
        .remembering(&journal)
        .sync()
        .await;
    assert!(ran.is_in_sync(), "{}", ran.shown());
    let after = journal.ledger().records["sea"].clone();
    assert!(after.state.removal.protect);
    assert_eq!(after.at, before.at);
}
