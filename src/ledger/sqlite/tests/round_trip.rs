use std::collections::BTreeMap;

use proptest::collection::{btree_map, btree_set};
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::ledger::{Ledger, Removal, Repairs, Rewritten};
use crate::manifest::Suspend;
use crate::platform::AttributePath;

#[test]
fn what_was_written_is_there_after_opening_it_again() {
    let (_place, file) = place();
    written(&file);
    let ledger = done(SqliteLedger::open(&file).unwrap().read()).unwrap();
    assert_eq!(ledger.records, [("a".into(), record("1"))].into());
    assert_eq!(ledger.intents, [("b".into(), create())].into());
}

#[test]
fn ledger_and_its_companion_files_are_the_owners_alone() {
    let (place, file) = place();
    let ledger = SqliteLedger::open(&file).unwrap();
    done(ledger.begin("a", &create())).unwrap();
    let names = [
        "tenant.db",
        "tenant.db-shm",
        "tenant.db-wal",
        "tenant.db.lock",
    ];
    assert_eq!(files(&place), names);
    for name in names {
        assert_eq!(mode(&place.path().join(name)), 0o600, "{name}");
    }
    drop(ledger);
    assert_eq!(files(&place), ["tenant.db", "tenant.db.lock"]);
}

#[test]
fn intent_waits_for_the_disk_and_later_writes_do_not() {
    let (_place, file) = place();
    let ledger = SqliteLedger::open(&file).unwrap();
    let pragma = |name| -> String {
        let sql = format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}");
        let connection = ledger.lock();
        connection.query_row(&sql, (), |row| row.get(0)).unwrap()
    };
    let (full, normal) = ("2", "1");
    assert_eq!(pragma("synchronous"), full);
    done(ledger.begin("a", &create())).unwrap();
    assert_eq!(pragma("synchronous"), full);
    done(ledger.confirm("a", &record("1"))).unwrap();
    assert_eq!(pragma("synchronous"), normal);
    done(ledger.begin("a", &update("1"))).unwrap();
    assert_eq!(pragma("synchronous"), full);
    assert_eq!(pragma("journal_mode"), "wal");
    assert_eq!(pragma("foreign_keys"), "1");
}

#[test]
fn a_confirmed_write_is_a_record_and_no_intent() {
    let (_place, file) = place();
    let ledger = SqliteLedger::open(&file).unwrap();
    done(ledger.begin("a", &create())).unwrap();
    done(ledger.confirm("a", &record("1"))).unwrap();
    done(ledger.begin("a", &update("1"))).unwrap();
    let later = Record {
        at: at(9),
        ..record("1")
    };
    done(ledger.confirm("a", &later)).unwrap();
    let found = done(ledger.read()).unwrap();
    assert_eq!(found.records, [("a".into(), later)].into());
    assert_eq!(found.intents, BTreeMap::new());
}

#[test]
fn abandoned_write_keeps_the_record_unchanged() {
    let (_place, file) = place();
    let ledger = SqliteLedger::open(&file).unwrap();
    done(ledger.confirm("a", &record("1"))).unwrap();
    done(ledger.begin("a", &update("1"))).unwrap();
    done(ledger.abandon("a")).unwrap();
    let found = done(ledger.read()).unwrap();
    assert_eq!(found.records, [("a".into(), record("1"))].into());
    assert_eq!(found.intents, BTreeMap::new());
}

#[test]
fn an_unsettled_intent_is_not_overwritten() {
    let (place, file) = place();
    let ledger = SqliteLedger::open(&file).unwrap();
    done(ledger.begin("a", &create())).unwrap();
    let error = done(ledger.begin("a", &update("1"))).unwrap_err();
    insta::assert_snapshot!(told(&error, &place), @"
    cannot begin the write of `a`: the ledger STATE/tenant.db has an earlier write of `a` with an unknown outcome
    help: run `integrationd sync`, which first determines the outcome of the earlier write
    ");
    assert_eq!(done(ledger.read()).unwrap().intents["a"], create());
}

#[test]
fn last_seen_state_of_a_deleted_integration_is_kept() {
    let (_place, file) = place();
    let ledger = SqliteLedger::open(&file).unwrap();
    done(ledger.confirm("a", &record("1"))).unwrap();
    done(ledger.begin("a", &delete("1"))).unwrap();
    done(ledger.forget("a", &RemoteId::new("1"))).unwrap();
    done(ledger.forget("never there", &RemoteId::new("9"))).unwrap();
    assert_eq!(done(ledger.read()).unwrap(), Ledger::default());
    let connection = ledger.lock();
    let left = "SELECT name || ' ' || remote_id || ' ' || config FROM deleted";
    let left: String = connection.query_row(left, (), |row| row.get(0)).unwrap();
    assert_eq!(left, r#"a 1 {"warehouse":"WH"}"#);
}

#[test]
fn an_integration_has_one_record_whatever_its_name() {
    let (_place, file) = place();
    let ledger = SqliteLedger::open(&file).unwrap();
    done(ledger.confirm("a", &record("1"))).unwrap();
    done(ledger.confirm("other", &record("2"))).unwrap();
    done(ledger.confirm("b", &record("1"))).unwrap();
    let found = done(ledger.read()).unwrap();
    let names: Vec<&String> = found.records.keys().collect();
    assert_eq!(names, ["b", "other"]);
}

#[test]
fn several_tasks_may_write_at_once() {
    let (_place, file) = place();
    let ledger = SqliteLedger::open(&file).unwrap();
    std::thread::scope(|scope| {
        for task in 0..4 {
            let ledger = &ledger;
            scope.spawn(move || {
                for turn in 0..5 {
                    let name = format!("{task}-{turn}");
                    done(ledger.begin(&name, &create())).unwrap();
                    done(ledger.confirm(&name, &record(&name))).unwrap();
                }
            });
        }
    });
    let found = done(ledger.read()).unwrap();
    assert_eq!((found.records.len(), found.intents.len()), (20, 0));
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<String>().prop_map(Json::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Json::from),
            btree_map(any::<String>(), inner, 0..3).prop_map(|map| json!(map)),
        ]
    })
}

fn any_path() -> impl Strategy<Value = AttributePath> {
    any::<String>().prop_map(|path| path.as_str().into())
}

fn any_fingerprint() -> impl Strategy<Value = Fingerprint> {
    ("[0-9a-f]{16}", "[0-9a-f]{64}").prop_map(|(key, hash)| Fingerprint { key, hash })
}

fn any_applied() -> impl Strategy<Value = Applied> {
    let attributes = btree_map(any_path(), any_json(), 0..4);
    let secrets = btree_map(any_path(), option::of(any_fingerprint()), 0..3);
    let bound_to = option::of(any::<String>());
    let signs = btree_map(any_path(), any_json(), 0..3);
    let withheld = btree_map(any_path(), signs, 0..3);
    let parts = (attributes, secrets, withheld, any::<bool>(), bound_to);
    parts.prop_map(|parts| Applied {
        attributes: parts.0,
        secrets: parts.1,
        withheld: parts.2,
        extra_secrets: parts.3,
        bound_to: parts.4,
    })
}

fn any_removal() -> impl Strategy<Value = Removal> {
    let ends = ["2026-12-01", "2026-12-01T18:00+01:00"].map(|end| end.parse().unwrap());
    let until = option::of(proptest::sample::select(ends.to_vec()));
    let suspend = (any::<String>(), until);
    let suspend = option::of(suspend.prop_map(|(reason, until)| Suspend { reason, until }));
    let credentials = btree_map(any_path(), any_json(), 0..3);
    (any::<bool>(), suspend, credentials).prop_map(|(protect, suspend, credentials)| Removal {
        beside: ["notes.yaml".to_owned()].into(),
        protect,
        suspend,
        credentials,
    })
}

fn any_memory() -> impl Strategy<Value = RecordedState> {
    // `null` and nothing are one in JSON.
    let side = || option::of(any_json().prop_filter("not null", |json| !json.is_null()));
    let rewritten = (side(), side(), 1..9_u32).prop_map(|(sent, found, tries)| Rewritten {
        tries,
        sent,
        found,
        covered: None,
    });
    let repairs = (
        option::of(any_fingerprint()),
        btree_map(
            any_path(),
            proptest::collection::vec(any_time(), 1..4),
            0..3,
        ),
        option::of(any_time()),
    );
    let repairs = repairs.prop_map(|(inputs, times, contested)| Repairs {
        inputs,
        times,
        contested,
    });
    let rewritten = btree_map(any_path(), rewritten, 0..3);
    let parts = (
        any::<Option<String>>(),
        any::<bool>(),
        any_applied(),
        any_removal(),
        (rewritten, repairs),
        any::<Option<String>>(),
        any::<Option<String>>(),
    );
    parts.prop_map(
        |(identity, owned, applied, removal, (rewritten, repairs), revision, file)| RecordedState {
            identity,
            owned,
            applied,
            removal,
            rewritten,
            repairs,
            revision,
            file,
        },
    )
}

fn any_time() -> impl Strategy<Value = jiff::Timestamp> {
    (0..4_000_000_000_i64, 0..1_000_000_000_i32)
        .prop_map(|(s, ns)| jiff::Timestamp::new(s, ns).unwrap())
}

fn any_id() -> impl Strategy<Value = RemoteId> {
    any::<String>().prop_map(RemoteId::new)
}

fn any_record() -> impl Strategy<Value = Record> {
    let parts = (any::<String>(), any_id(), any_memory(), any_time());
    parts.prop_map(|(type_name, id, state, at)| Record {
        type_name,
        id,
        state,
        at,
    })
}

fn any_intent() -> impl Strategy<Value = Intent> {
    let write = prop_oneof![
        btree_set(any_id(), 0..4).prop_map(|listed| IntendedWrite::Create { listed }),
        any_id().prop_map(|id| IntendedWrite::Update { id }),
        (any_id(), any_json()).prop_map(|(id, before)| IntendedWrite::Delete { id, before }),
    ];
    let parts = (any::<String>(), write, any_memory(), any_time());
    parts.prop_map(|(type_name, write, state, at)| Intent {
        type_name,
        write,
        state,
        at,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_ledger_is_read_as_it_was_written(
        records in btree_map(any::<String>(), any_record(), 0..4),
        intents in btree_map(any::<String>(), any_intent(), 0..4),
    ) {
        let (_place, file) = place();
        let store = SqliteLedger::open(&file).unwrap();
        let mut records = records;
        // An integration has one record.
        for (position, record) in records.values_mut().enumerate() {
            record.id = RemoteId::new(format!("{position} {}", record.id));
        }
        for (name, record) in &records {
            done(store.confirm(name, record)).unwrap();
        }
        for (name, intent) in &intents {
            done(store.begin(name, intent)).unwrap();
        }
        let expected = Ledger {
            records,
            intents,
            ..Ledger::default()
        };
        prop_assert_eq!(&done(store.read()).unwrap(), &expected);
        let beside_the_writer = read_only(&file).unwrap().unwrap();
        prop_assert_eq!(&beside_the_writer, &expected);
        drop(store);
        let after_the_writer = read_only(&file).unwrap().unwrap();
        prop_assert_eq!(&after_the_writer, &expected);
    }
}

#[test]
fn a_name_that_is_in_use_again_loses_nothing_of_what_had_it() {
    let (_place, file) = place();
    let ledger = SqliteLedger::open(&file).unwrap();
    let mut in_memory = Ledger::default();
    for (name, id) in [("a", "1"), ("a", "2"), ("b", "1"), ("a", "2"), ("b", "3")] {
        done(ledger.confirm(name, &record(id))).unwrap();
        in_memory.record_as(name, &record(id));
        assert_eq!(done(ledger.read()).unwrap(), in_memory);
    }
    let names: Vec<&String> = in_memory.records.keys().collect();
    assert_eq!(names, ["a", "b", "b#1"]);
    let parked = &in_memory.records["b#1"].state.applied;
    assert_eq!(parked.bound_to.as_deref(), Some("b"));
}
