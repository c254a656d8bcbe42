use super::*;
use crate::ledger::{Ledger, LedgerStore, MemoryLedger};

/// The same create, sent once more.
fn again() -> Intent {
    let mut again = create();
    again.at = at(7);
    again.state.applied = Applied::default();
    again
}

/// The same steps on a journal, and what it says of a second beginning.
fn steps(journal: &dyn LedgerStore) -> String {
    done(journal.begin("a", &create())).unwrap();
    done(journal.begin("b", &create())).unwrap();
    done(journal.begin("c", &update("3"))).unwrap();
    done(journal.confirm("a", &record("1"))).unwrap();
    done(journal.abandon("b")).unwrap();
    done(journal.abandon("never begun")).unwrap();
    let inputs = |hash: &str| Fingerprint {
        key: "k".into(),
        hash: hash.into(),
    };
    for (name, hash) in [
        ("d", "one"),
        ("d", "one"),
        ("e", "one"),
        ("e", "two"),
        ("f", "one"),
    ] {
        done(journal.reject(name, &inputs(hash), jiff::Timestamp::UNIX_EPOCH)).unwrap();
    }
    done(journal.accept("f")).unwrap();
    done(journal.set_revision("1111")).unwrap();
    done(journal.set_revision("2222")).unwrap();
    done(journal.set_connections(Some(crate::ledger::KnownConnections::Missing(at(3))))).unwrap();
    done(journal.begin("g", &create())).unwrap();
    done(journal.begin("g", &again())).unwrap();
    let mut of_another = again();
    of_another.state.identity = Some("another".into());
    let others = [("c", create()), ("g", of_another), ("g", update("3"))];
    let refused =
        others.map(|(name, other)| chain(&done(journal.begin(name, &other)).unwrap_err()));
    refused.join("\n")
}

#[test]
fn both_journals_keep_the_same_ledger() {
    let (place, file) = place();
    let store = SqliteLedger::open(&file).unwrap();
    let state = MemoryLedger::default();
    let told = steps(&store);
    let told = told.replace(place.path().to_str().unwrap(), "STATE");
    insta::assert_snapshot!(told, @"
    cannot begin the write of `c`: the ledger STATE/tenant.db has an earlier write of `c` with an unknown outcome
    cannot begin the write of `g`: the ledger STATE/tenant.db has an earlier write of `g` with an unknown outcome
    cannot begin the write of `g`: the ledger STATE/tenant.db has an earlier write of `g` with an unknown outcome
    ");
    insta::assert_snapshot!(steps(&state), @r"
    cannot begin the write of `c`: the outcome of an earlier write is unknown
    cannot begin the write of `g`: the outcome of an earlier write is unknown
    cannot begin the write of `g`: the outcome of an earlier write is unknown
    ");
    let expected = Ledger {
        connections: Some(crate::ledger::KnownConnections::Missing(at(3))),
        records: [("a".into(), record("1"))].into(),
        intents: [("c".into(), update("3")), ("g".into(), again())].into(),
        rejections: state.ledger().rejections,
        carried_out: Some("2222".into()),
    };
    let times = expected
        .rejections
        .iter()
        .map(|(name, it)| (name.as_str(), it.times));
    assert_eq!(times.collect::<Vec<_>>(), [("d", 2), ("e", 1)]);
    assert_eq!(state.ledger(), expected);
    assert_eq!(done(store.read()).unwrap(), expected);
}

#[test]
fn a_journal_in_memory_begins_with_what_it_is_given() {
    let ledger = Ledger {
        records: [("a".into(), record("1"))].into(),
        ..Ledger::default()
    };
    assert_eq!(MemoryLedger::new(ledger.clone()).ledger(), ledger);
}
