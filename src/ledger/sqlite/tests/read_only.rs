use std::fs;

use super::*;
use crate::ledger::Ledger;

#[test]
fn where_there_is_no_ledger_a_dry_run_reads_none_and_makes_none() {
    let (place, file) = place();
    assert_eq!(read_only(&file).unwrap(), None);
    let below = place.path().join("nothing/tenant.db");
    assert_eq!(read_only(&below).unwrap(), None);
    assert_eq!(files(&place), Vec::<String>::new());
}

#[test]
fn dry_run_writes_nothing() {
    let (place, file) = place();
    written(&file);
    let before = (files(&place), fs::read(&file).unwrap());
    let found = read_only(&file).unwrap().unwrap();
    assert_eq!(found.records["a"], record("1"));
    assert_eq!((files(&place), fs::read(&file).unwrap()), before);
}

#[test]
fn a_dry_run_sees_what_a_writer_has_just_written() {
    let (place, file) = place();
    let writer = SqliteLedger::open(&file).unwrap();
    done(writer.begin("a", &create())).unwrap();
    let before = files(&place);
    let found = read_only(&file).unwrap().unwrap();
    assert_eq!(found.intents["a"], create());
    assert_eq!(files(&place), before);
    done(writer.confirm("a", &record("1"))).unwrap();
    let found = read_only(&file).unwrap().unwrap();
    assert_eq!(found, done(writer.read()).unwrap());
}

#[test]
fn a_path_with_signs_of_a_url_is_a_path() {
    let place = TempDir::new().unwrap();
    let file = place.path().join("a b?mode=rwc&x=%41#ü.db");
    written(&file);
    let found = read_only(&file).unwrap().unwrap();
    assert_eq!(found.records["a"], record("1"));
    assert_eq!(files(&place).len(), 2);
}

#[test]
fn a_dry_run_reads_one_moment_while_writers_come_and_go() {
    let (_place, file) = place();
    written(&file);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for turn in 0..40 {
                let writer = SqliteLedger::open(&file).unwrap();
                let id = turn.to_string();
                done(writer.confirm("a", &record(&id))).unwrap();
                done(writer.begin("a", &delete(&id))).unwrap();
                // Removed together, so that no moment has one without the other.
                done(writer.forget("a", &RemoteId::new(&*id))).unwrap();
                done(writer.confirm(&format!("a-{id}"), &record(&id))).unwrap();
            }
        });
        let mut last = 0;
        while !writer.is_finished() {
            let Ledger {
                records, intents, ..
            } = read_only(&file).unwrap().unwrap();
            let kept = records.keys().filter(|name| name.starts_with("a-")).count();
            assert!(kept >= last, "a record vanished");
            last = kept;
            if intents.contains_key("a") {
                assert!(records.contains_key("a"));
            }
        }
    });
    let found = read_only(&file).unwrap().unwrap();
    let kept = found.records.keys().filter(|name| name.starts_with("a-"));
    assert_eq!(kept.count(), 40);
}
