//! The loader of integration files, on any bytes.
//!
//! It never panics; every mistake lies in the file, on a line and a column that
//! are there; what is shown is fit to be shown, and holds no value of a secret
//! attribute; whatever loads can be planned; and it does the same twice.

#![no_main]

use std::collections::{BTreeMap, BTreeSet};

use integrationd::diagnostic::{Code, Location, render};
use integrationd::ledger::{Ledger, Suspensions};
use integrationd::live::Live;
use integrationd::manifest::{Manifest, SourceFile, Variables, load};
use integrationd::plan::{OnConflict, OnDrift, PlanContext, Policy, Selection, SourceKind, plan};
use integrationd::platform::PLATFORMS;
use integrationd::text::is_unsafe;
use libfuzzer_sys::fuzz_target;

const FILE: &str = "f.yaml";

/// A value that the corpus puts where secrets stand.
const MARK: &str = "hunter2swordfish";

/// Attributes that every platform keeps secret, as they stand on a line.
const SECRET: &[&str] = &[
    "password",
    "token",
    "clientSecret",
    "credential",
    "awsSecretAccessKey",
];

fuzz_target!(|bytes: &[u8]| {
    let first = loaded(bytes);
    for diagnostic in &first.diagnostics {
        // An unused variable is a mistake where it is declared: on the command line.
        let own = (diagnostic.code != Code::UnusedVariable).then_some(&diagnostic.place);
        for place in own.into_iter().chain(&diagnostic.related) {
            lies_in(place, bytes);
        }
        assert!(!diagnostic.message.is_empty());
        let texts = std::iter::once(&diagnostic.message).chain(&diagnostic.help);
        for text in texts {
            assert!(!text.chars().any(is_unsafe), "{text:?}");
        }
    }
    let shown = render(&first.diagnostics, false);
    let _ = render(&first.diagnostics, true);
    if is_secret(bytes) {
        assert!(!shown.contains(MARK), "{shown}");
    }
    assert_eq!(first.diagnostics, loaded(bytes).diagnostics);
    can_be_planned(&first);
});

fn loaded(bytes: &[u8]) -> Manifest {
    let file = SourceFile {
        path: FILE.to_owned(),
        content: Ok(bytes.to_vec()),
    };
    let variables = Variables::from_iter([("REGION".to_owned(), "eu-west-1".to_owned())]);
    load(&[file], &variables, PLATFORMS)
}

/// The place is one of the file, and its excerpt can be marked.
fn lies_in(place: &Location, bytes: &[u8]) {
    assert_eq!(place.file, FILE);
    let text = String::from_utf8_lossy(bytes);
    let lines = text.replace("\r\n", "\n").replace('\r', "\n");
    let lines: Vec<&str> = lines.split('\n').collect();
    assert!((1..=lines.len()).contains(&place.line), "{place:?}");
    let columns = lines[place.line - 1].chars().count() + 1;
    assert!((1..=columns).contains(&place.column), "{place:?}");
    if let Some(excerpt) = &place.excerpt {
        assert!(
            excerpt.text.get(excerpt.start..excerpt.end).is_some(),
            "{excerpt:?}"
        );
        assert!(!excerpt.text.chars().any(is_unsafe), "{excerpt:?}");
    }
}

/// True if the mark occurs once, as the whole value of a secret attribute, in a text in which
/// only a mapping in lines can put it elsewhere.
fn is_secret(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    let line = text.lines().find(|line| line.contains(MARK));
    let stands_alone = line
        .and_then(|line| line.trim().split_once(": "))
        .is_some_and(|(key, value)| {
            SECRET.contains(&key) && value.trim_matches(['"', '\'']) == MARK
        });
    stands_alone && text.matches(MARK).count() == 1
}

fn can_be_planned(manifest: &Manifest) {
    let context = PlanContext {
        selection: &Selection::default(),
        now: jiff::Timestamp::UNIX_EPOCH,
        missing_secret: &|_| None,
        ledger: &Ledger::default(),
        unknown_outcomes: &BTreeMap::new(),
        fingerprint: &|_, _, _| None,
        is_same_text: &|_, _| None,
        policy: Policy::default(),
        allow_replace: &BTreeSet::new(),
        source: SourceKind::Directory,
        empty_files: &BTreeSet::new(),
        allow_removal: &BTreeSet::new(),
        suspended: &Suspensions::default(),
        backing_off: &BTreeMap::new(),
        rejections_at: None,
        repairs_at: jiff::Timestamp::UNIX_EPOCH,
        operator: &integrationd::plan::Operator::default(),
        resend: &integrationd::plan::Resend::default(),
        revision: None,
        on_drift: OnDrift::Apply,
        on_conflict: OnConflict::Apply,
    };
    let plan = plan(manifest, &Live::default(), &context);
    assert_eq!(
        plan.actions.len(),
        manifest.integrations.len() + manifest.invalid.len()
    );
    assert!(plan.actions.is_sorted_by(|a, b| a.name <= b.name));
}
