use super::*;
use crate::ledger::history::{KEPT_RUNS, Run, RunAction, RunEnd, RunStart};

fn start(second: i64) -> RunStart {
    RunStart {
        begun: at(second),
        source: "integrations.d".into(),
        revision: Some("4f2a".into()),
    }
}

fn action(name: &str, id: Option<&str>) -> RunAction {
    RunAction {
        name: name.into(),
        verb: "create".into(),
        id: id.map(RemoteId::new),
        succeeded: id.is_some(),
        what: "enabled after 3 s".into(),
        at: at(2),
    }
}

#[test]
fn a_run_is_read_with_what_it_did_in_order() {
    let (_place, file) = place();
    let ledger = SqliteLedger::open(&file).unwrap();
    let id = done(ledger.begin_run(&start(0))).unwrap();
    let actions = vec![action("z", Some("1")), action("a", None)];
    for action in &actions {
        done(ledger.add_action(id, action)).unwrap();
    }
    let end = RunEnd {
        ended: at(5),
        outcome: "failed".into(),
    };
    done(ledger.end_run(id, &end)).unwrap();
    let whole = Run {
        id,
        start: start(0),
        end: Some(end),
        actions,
    };
    let begun = RunStart {
        revision: None,
        ..start(10)
    };
    let id = done(ledger.begin_run(&begun)).unwrap();
    let under_way = Run {
        id,
        start: begun,
        end: None,
        actions: vec![],
    };
    let expected = vec![under_way, whole];
    assert_eq!(done(ledger.history(9)).unwrap().runs, expected);
    assert_eq!(done(ledger.history(1)).unwrap().runs, expected[..1]);
    drop(ledger);
    let found = done(ReadOnlyLedger::new(&file).history(9)).unwrap();
    assert_eq!(found.runs, expected);
}

#[test]
fn only_so_many_runs_are_kept_and_their_actions_go_with_them() {
    let (_place, file) = place();
    let ledger = SqliteLedger::open(&file).unwrap();
    // What is tested is how many, not how safely.
    ledger
        .lock()
        .pragma_update(None, "synchronous", "OFF")
        .unwrap();
    for n in 0..i64::from(KEPT_RUNS) + 3 {
        let id = done(ledger.begin_run(&start(n))).unwrap();
        done(ledger.add_action(id, &action("a", None))).unwrap();
    }
    let count = |table: &str| -> u32 {
        let sql = format!("SELECT count(*) FROM {table}");
        ledger.lock().query_row(&sql, (), |row| row.get(0)).unwrap()
    };
    assert_eq!((count("runs"), count("actions")), (KEPT_RUNS, KEPT_RUNS));
    let kept = done(ledger.history(KEPT_RUNS)).unwrap().runs;
    assert_eq!(kept.last().unwrap().start, start(3));
}
