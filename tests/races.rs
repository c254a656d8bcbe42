//! Actions of others between the plan and the write, and a stop on the way.

use std::time::Duration;

use http::Method;
use integrationd::apply::{ActionFailure, Event};
use integrationd::ledger::MemoryLedger;
use integrationd::plan::PreconditionFailure;
use integrationd::simulator::{Fault, FaultKind, Seed, SimulatedDrift, SimulatedStatus, Simulator};
use serde_json::json;
use tokio::sync::watch;

use crate::in_process::{Run, WAIT, write_lines, writes};
use crate::payload::{file_of, value};
use crate::texts::Texts;
use crate::world::{Start, World, cases, seed};

/// The id under which a world keeps what the file means.
const OURS: u64 = 3;

#[tokio::test(start_paused = true)]
async fn foreign_create_before_the_write_is_not_repeated() {
    for case in cases() {
        for status in [
            SimulatedStatus::Enabled,
            SimulatedStatus::Creating,
            SimulatedStatus::CreateError,
        ] {
            let world = World::new(case, Start::Absent);
            let theirs = seed(&case, &world.payload).status(status.clone());
            let context = format!("{case:?} {status}");
            let ran = Run::of(&world.texts, &world.simulator)
                .meanwhile(|_| {
                    world.simulator.seed(theirs.clone());
                })
                .sync()
                .await;
            world.is_sound(&ran, &context);
            assert!(
                matches!(ran.failure(), ActionFailure::Appeared { .. }),
                "{context}"
            );
            assert_eq!(write_lines(&world.simulator), [""; 0], "{context}");
            if status == SimulatedStatus::Creating {
                let end = SimulatedDrift::status(OURS, SimulatedStatus::Enabled);
                world.simulator.drift(end).unwrap();
            }
            world.recover(&context).await;
            // Only a creation that failed is repeated, and never with a second create.
            let repeated = format!("PUT /integrations/{OURS}");
            let lines = write_lines(&world.simulator);
            if status == SimulatedStatus::CreateError {
                assert_eq!(lines, [repeated], "{context}");
            } else {
                assert_eq!(lines, [""; 0], "{context}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn foreign_create_during_the_write_is_found_by_listing() {
    for case in cases() {
        for status in [SimulatedStatus::Enabled, SimulatedStatus::CreateError] {
            let world = World::new(case, Start::Absent);
            let theirs = seed(&case, &world.payload).status(status.clone());
            let simulator = world.simulator.clone();
            let context = format!("{case:?} {status}");
            let ran = Run::of(&world.texts, &world.simulator)
                .just_before(Method::POST, "/integrations", move || {
                    simulator.seed(theirs.clone());
                    true
                })
                .sync()
                .await;
            world.is_sound(&ran, &context);
            let writes = writes(&world.simulator);
            let effects: Vec<_> = writes.iter().map(|e| (&*e.method, e.effect)).collect();
            if status == SimulatedStatus::CreateError {
                assert!(ran.is_proved(), "{context}\n{}", ran.shown());
                assert_eq!(effects, [("POST", false), ("PUT", true)], "{context}");
                assert_eq!(writes[0].answer, Some(400), "{context}");
                assert_eq!(writes[0].body, writes[1].body, "{context}");
            } else {
                let failure = ran.failure();
                assert!(
                    matches!(failure, ActionFailure::Appeared { .. }),
                    "{failure}"
                );
                assert_eq!(effects, [("POST", false)], "{context}");
                assert_eq!(writes[0].answer, Some(409), "{context}");
            }
            world.recover(&context).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn neither_of_two_that_appear_at_a_lost_answer_is_ours() {
    let world = World::any(Start::Absent);
    let (case, simulator) = (world.case, world.simulator.clone());
    let twin = seed(&case, &world.payload);
    world
        .simulator
        .fault(Fault::new(FaultKind::DropAfter).on(&Method::POST, "/integrations"));
    let ran = Run::of(&world.texts, &world.simulator)
        .just_before(Method::GET, "/integrations", move || {
            let is_after_the_write = !writes(&simulator).is_empty();
            if is_after_the_write {
                simulator.seed(twin.clone());
            }
            is_after_the_write
        })
        .sync()
        .await;
    assert!(
        matches!(ran.failure(), ActionFailure::Unconfirmed(_)),
        "{}",
        ran.shown()
    );
    assert_eq!(write_lines(&world.simulator), ["POST /integrations"]);
    assert_eq!(world.ours().len(), 2);

    // Only an operator can decide which of them it is.
    world.simulator.clear_log();
    let again = Run::of(&world.texts, &world.simulator).sync().await;
    assert!(
        again.shown().contains("several live integrations match"),
        "{}",
        again.shown()
    );
    assert_eq!(write_lines(&world.simulator), [""; 0]);
}

/// Edits of an integration by someone else, and the result of the run.
fn edits(world: &World) -> Vec<(SimulatedDrift, &'static str)> {
    let path = format!("/{}", world.attribute);
    vec![
        (
            SimulatedDrift::value(OURS, &path, json!("somebody's")),
            "these attributes",
        ),
        (
            SimulatedDrift::value(OURS, &path, json!(null)),
            "these attributes",
        ),
        (
            SimulatedDrift::status(OURS, SimulatedStatus::Editing),
            "status",
        ),
        (
            SimulatedDrift::status(OURS, SimulatedStatus::Disabled),
            "status",
        ),
        (SimulatedDrift::status(OURS, "resting".into()), "status"),
    ]
}

#[tokio::test(start_paused = true)]
async fn foreign_edit_before_the_write_is_not_overwritten() {
    for case in cases() {
        for start in [Start::Differs, Start::CreateError] {
            let count = edits(&World::new(case, start)).len();
            for number in 0..count {
                let world = World::new(case, start);
                let (edit, wanted) = edits(&world).swap_remove(number);
                let context = format!("{case:?} {start:?} {edit:?}");
                let ran = Run::of(&world.texts, &world.simulator)
                    .meanwhile(|_| world.simulator.drift(edit.clone()).unwrap())
                    .sync()
                    .await;
                world.is_sound(&ran, &context);
                let failure = ran.failure();
                let ActionFailure::Changed { what, .. } = failure else {
                    panic!("{context}: {failure}");
                };
                let found = match what {
                    PreconditionFailure::Status(_) => "status",
                    PreconditionFailure::Type(_) => "type",
                    PreconditionFailure::Attributes(_) => "these attributes",
                    PreconditionFailure::SecretsLost(_) => "a stored secret",
                };
                assert_eq!(found, wanted, "{context}");
                assert_eq!(write_lines(&world.simulator), [""; 0], "{context}");
                if found == "status" {
                    let end = SimulatedDrift::status(OURS, SimulatedStatus::Enabled);
                    world.simulator.drift(end).unwrap();
                }
                world.recover(&context).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn unknown_attribute_that_appears_before_the_write_is_carried() {
    for case in cases() {
        let world = World::new(case, Start::Differs);
        let ran = Run::of(&world.texts, &world.simulator)
            .meanwhile(|_| {
                let edit = SimulatedDrift::value(OURS, "/newAttribute", json!(1));
                world.simulator.drift(edit).unwrap();
            })
            .sync()
            .await;
        assert!(ran.is_proved(), "{case:?}\n{}", ran.shown());
        let sent = writes(&world.simulator);
        assert_eq!(sent.len(), 1, "{case:?}");
        let body = sent[0].body.as_ref().unwrap();
        assert_eq!(body["config"]["newAttribute"], json!(1), "{case:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn foreign_delete_before_the_write_is_created_by_the_next_run() {
    for case in cases() {
        let world = World::new(case, Start::Differs);
        let context = format!("{case:?}");
        let ran = Run::of(&world.texts, &world.simulator)
            .meanwhile(|_| world.simulator.drift(SimulatedDrift::remove(OURS)).unwrap())
            .sync()
            .await;
        assert!(
            matches!(ran.failure(), ActionFailure::Gone { .. }),
            "{}",
            ran.shown()
        );
        assert_eq!(write_lines(&world.simulator), [""; 0], "{context}");
        world.recover(&context).await;
        let lines = write_lines(&world.simulator);
        assert_eq!(lines, ["POST /integrations"], "{context}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_id_that_now_belongs_to_another_type_is_not_written() {
    let world = World::any(Start::Differs);
    let ran = Run::of(&world.texts, &world.simulator)
        .meanwhile(|_| {
            let mut other = Seed::new("Trino", None, None);
            other.id = Some(OURS);
            world.simulator.seed(other);
        })
        .sync()
        .await;
    let failure = ran.failure();
    let is_type = matches!(
        failure,
        ActionFailure::Changed {
            what: PreconditionFailure::Type(_),
            ..
        }
    );
    assert!(is_type, "{failure}");
    assert_eq!(write_lines(&world.simulator), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn lost_answer_is_not_settled_by_an_earlier_error() {
    for status in [
        SimulatedStatus::CreateError,
        SimulatedStatus::EditError,
        SimulatedStatus::MigrateError,
        SimulatedStatus::DeleteError,
    ] {
        let world = World::any(Start::Differs);
        let before = SimulatedDrift::status(OURS, status.clone());
        world.simulator.drift(before).unwrap();
        world
            .simulator
            .fault(Fault::new(FaultKind::DropBefore).on(&Method::PUT, "/integrations/{id}"));
        let ran = Run::of(&world.texts, &world.simulator).sync().await;
        let failure = ran.failure();
        assert!(
            matches!(failure, ActionFailure::Unconfirmed(_)),
            "{status}: {failure}"
        );
        world.recover(&status.to_string()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_never_ends_is_followed_for_as_long_as_was_asked() {
    let world = World::any(Start::Absent);
    world.simulator.fault(Fault::new(FaultKind::Stuck));
    let ran = Run::of(&world.texts, &world.simulator).sync().await;
    let ActionFailure::TimedOut { status, waited } = ran.failure() else {
        panic!("{}", ran.failure());
    };
    assert_eq!((status.as_str(), *waited), ("creating", WAIT));
    let took = ran.outcomes()[0].took;
    assert!(
        took >= WAIT && took < WAIT + Duration::from_secs(1),
        "{took:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn integration_back_from_deletion_is_not_created_again() {
    let world = World::any(Start::Differs);
    let gone = SimulatedDrift::status(OURS, SimulatedStatus::Deleted);
    world.simulator.drift(gone).unwrap();
    let ran = Run::of(&world.texts, &world.simulator)
        .meanwhile(|_| {
            let back = SimulatedDrift::status(OURS, SimulatedStatus::Enabled);
            world.simulator.drift(back).unwrap();
        })
        .sync()
        .await;
    assert!(
        matches!(ran.failure(), ActionFailure::Appeared { .. }),
        "{}",
        ran.shown()
    );
    assert_eq!(write_lines(&world.simulator), [""; 0]);
    world.recover("came back").await;
}

/// One file for each platform with a certain match, and an empty tenant.
fn one_of_each() -> (Texts, Simulator) {
    let mut texts = Texts::none();
    for (number, case) in cases().into_iter().enumerate() {
        let (file, secrets) = file_of(case.platform, &case.payload());
        let names = secrets.environment().to_owned();
        texts = texts.file(&format!("{number}.yaml"), file);
        texts = texts.secrets(names.iter().map(|(n, v)| (n.as_str(), v.as_str())));
    }
    (texts, Simulator::default())
}

#[tokio::test(start_paused = true)]
async fn failure_stops_no_other_write_and_the_next_run_retries_it() {
    let all = cases().len();
    for failing in 0..all {
        let (texts, simulator) = one_of_each();
        let fault = Fault::new(FaultKind::EchoBody).on(&Method::POST, "/integrations");
        simulator.fault(fault.skip(failing as u64));
        let ran = Run::of(&texts, &simulator).sync().await;
        ran.shows_none_of(texts.values());
        assert_eq!(ran.failures().len(), 1, "{}", ran.shown());
        assert_eq!(simulator.state().len(), all - 1);

        simulator.clear_log();
        let again = Run::of(&texts, &simulator).sync().await;
        assert!(again.is_proved(), "{}", again.shown());
        assert_eq!(write_lines(&simulator), ["POST /integrations"]);
        assert_eq!(simulator.state().len(), all);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_lets_what_is_under_way_end_and_begins_nothing_new() {
    let (texts, simulator) = one_of_each();
    let ran = Run::of(&texts, &simulator)
        .one_at_a_time()
        .on_event(|event, stop| {
            if let Event::Status { .. } = event {
                stop.send(true).unwrap();
            }
        })
        .sync()
        .await;
    assert_eq!(write_lines(&simulator), ["POST /integrations"]);
    let (first, others) = ran.outcomes().split_first().unwrap();
    assert!(first.result.is_ok(), "{}", ran.shown());
    assert!(!others.is_empty());
    for outcome in others {
        assert!(matches!(outcome.result, Err(ActionFailure::NotStarted)));
    }
    let again = Run::of(&texts, &simulator).sync().await;
    assert!(again.is_proved(), "{}", again.shown());
    assert_eq!(write_lines(&simulator).len(), cases().len());
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_a_little_for_a_write_that_never_ends() {
    let world = World::any(Start::Differs);
    world.simulator.fault(Fault::new(FaultKind::Stuck));
    let ran = Run::of(&world.texts, &world.simulator)
        .on_event(|event, stop| {
            if let Event::Status { .. } = event {
                stop.send(true).unwrap();
            }
        })
        .sync()
        .await;
    let ActionFailure::Interrupted { status } = ran.failure() else {
        panic!("{}", ran.failure());
    };
    let status = status.as_ref().map(ToString::to_string);
    assert_eq!(status.as_deref(), Some("editing"));
    let took = ran.outcomes()[0].took;
    assert!(took > Duration::ZERO && took < WAIT / 2, "{took:?}");
    let end = SimulatedDrift::status(OURS, SimulatedStatus::Enabled);
    world.simulator.drift(end).unwrap();
    world.recover("stopped").await;
}

/// Pulls the stop a moment after an action has begun: its first requests are under way.
fn stopped_on_the_way(event: &Event<'_>, stop: &watch::Sender<bool>) {
    if let Event::Started { .. } = event {
        let stop = stop.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(5)).await;
            stop.send_replace(true);
        });
    }
}

#[tokio::test(start_paused = true)]
async fn unanswered_write_after_a_stop_is_found_by_the_next_run() {
    for kind in [
        FaultKind::Delay { ms: 3_600_000 },
        FaultKind::DelayAfter { ms: 3_600_000 },
    ] {
        for (start, method) in [
            (Start::Absent, Method::POST),
            (Start::Differs, Method::PUT),
            (Start::CreateError, Method::PUT),
        ] {
            let (world, journal) = (World::any(start), MemoryLedger::default());
            let context = format!("{kind:?} {start:?}");
            let path = match start {
                Start::Absent => "/integrations",
                Start::Differs | Start::CreateError => "/integrations/{id}",
            };
            let fault = Fault::new(kind.clone()).on(&method, path);
            world.simulator.fault(fault);
            let ran = Run::of(&world.texts, &world.simulator)
                .remembering(&journal)
                .on_event(stopped_on_the_way)
                .sync()
                .await;
            let failure = ran.failure();
            let is_left = matches!(failure, ActionFailure::Interrupted { status: None });
            assert!(is_left, "{context}: {failure}");
            let shown = ran.shown();
            assert!(shown.contains("1 interrupted."), "{context}\n{shown}");
            assert!(!shown.contains("1 failed"), "{context}\n{shown}");
            assert_eq!(journal.ledger().intents.len(), 1, "{context}");
            world.recover(&context).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn stop_before_the_write_ends_the_action_at_once() {
    for (start, path) in [
        (Start::Absent, "/integrations"),
        (Start::Differs, "/integrations/{id}"),
    ] {
        let world = World::any(start);
        let ran = Run::of(&world.texts, &world.simulator)
            .meanwhile(|_| {
                let late = Fault::new(FaultKind::Delay { ms: 3_600_000 });
                world.simulator.fault(late.on(&Method::GET, path).always());
            })
            .on_event(stopped_on_the_way)
            .sync()
            .await;
        let failure = ran.failure();
        assert!(matches!(failure, ActionFailure::NotStarted), "{failure}");
        assert_eq!(ran.outcomes()[0].took, Duration::from_secs(5));
        assert_eq!(write_lines(&world.simulator), [""; 0]);
        world.recover(path).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_before_the_first_write_sends_none() {
    let (texts, simulator) = one_of_each();
    let ran = Run::of(&texts, &simulator)
        .one_at_a_time()
        .on_event(|event, stop| {
            if let Event::Finished(_) | Event::Started { .. } = event {
                stop.send(true).unwrap();
            }
        })
        .sync()
        .await;
    let started = ran
        .outcomes()
        .iter()
        .filter(|o| !matches!(o.result, Err(ActionFailure::NotStarted)));
    assert!(started.count() <= 1, "{}", ran.shown());
    assert!(write_lines(&simulator).len() <= 1);
    let again = Run::of(&texts, &simulator).sync().await;
    assert!(again.is_proved(), "{}", again.shown());
    assert_eq!(simulator.state().len(), cases().len());
}

#[tokio::test(start_paused = true)]
async fn a_missing_secret_blocks_its_integration_alone() {
    let (texts, simulator) = one_of_each();
    let all = cases().len();
    let missing = texts.environment().keys().next().unwrap().clone();
    let fewer = texts.clone().without_secret(&missing);
    let ran = Run::of(&fewer, &simulator).sync().await;
    let blocked = ran.shown().contains(&missing);
    assert!(blocked, "{}", ran.shown());
    let created = simulator.state().len();
    assert!(created > 0 && created < all, "{created} of {all}");
    let again = Run::of(&texts, &simulator).sync().await;
    assert!(again.is_proved(), "{}", again.shown());
    assert_eq!(simulator.state().len(), all);
}

#[tokio::test(start_paused = true)]
async fn the_value_of_an_attribute_that_changed_twice_is_the_last_one() {
    let world = World::any(Start::Differs);
    let (path, attribute) = world
        .case
        .comparable()
        .into_iter()
        .find(|(path, _)| *path == world.attribute)
        .unwrap();
    for number in [3, 4] {
        let drift = SimulatedDrift::value(OURS, &format!("/{path}"), value(attribute, number));
        world.simulator.drift(drift).unwrap();
        let ran = Run::of(&world.texts, &world.simulator).sync().await;
        assert!(ran.is_proved(), "{}", ran.shown());
    }
    let line = format!("PUT /integrations/{OURS}");
    assert_eq!(write_lines(&world.simulator), [line.clone(), line]);
    world.recover("twice").await;
}
