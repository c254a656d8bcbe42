//! The page in states that a test with a process reaches only after a long time.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::daemon::view::{FileMistake, Row, State};
use crate::daemon::{DaemonPhase, Disposition, RejectedSettings, RunOutcome};
use crate::ledger::history::{Run, RunAction, RunEnd, RunId, RunStart};
use crate::live::FailingTest;
use crate::manifest::Suspend;
use crate::platform::PLATFORMS;
use crate::report::exit::Exit;

const READER: Viewer<'_> = Viewer::Reader { has_token: false };

fn row(name: &str, state: State) -> Row {
    Row {
        name: name.to_owned(),
        platform: Some(PLATFORMS[0]),
        file: Some(format!("files/{name}.yaml")),
        line: Some(1),
        id: Some("7".to_owned()),
        state,
        reason: None,
        about: Vec::new(),
        drift: Vec::new(),
        not_compared: Vec::new(),
        contested: Vec::new(),
        carried: Vec::new(),
        repaired: false,
        failing_tests: Vec::new(),
        changed: Some(Timestamp::UNIX_EPOCH),
        revision: None,
    }
}

fn seen(rows: Vec<Row>) -> DaemonStatus {
    DaemonStatus {
        phase: DaemonPhase::Ready,
        view: Some(Arc::new(RunView {
            tenant: "https://acme.example.com".to_owned(),
            rows,
            ..RunView::default()
        })),
        ..DaemonStatus::default()
    }
}

fn page(status: &DaemonStatus, query: &str) -> String {
    super::status(status, &Filter::of(query), READER).into_string()
}

/// The names of the rows that are not hidden.
fn shown<'a>(rows: &'a [Row], query: &str) -> Vec<&'a str> {
    let filter = Filter::of(query);
    let rows = rows.iter().filter(|row| filter.shows(row));
    rows.map(|row| row.name.as_str()).collect()
}

#[test]
fn page_before_the_first_run_shows_no_table() {
    let html = page(&DaemonStatus::default(), "");
    assert!(html.contains("The daemon is reading the files and the tenant for the first time."));
    assert!(
        html.contains("<title>Reconciling – </title>") && !html.contains("<table"),
        "{html}"
    );
}

#[test]
fn without_files_there_is_nothing_to_filter() {
    let html = page(&seen(Vec::new()), "");
    assert!(html.contains("The files describe no integrations yet."));
    assert!(html.contains("Nothing has been written yet."));
    assert!(
        !html.contains("<form") && !html.contains("0 of 0"),
        "{html}"
    );
}

#[test]
fn failed_run_is_shown_with_the_time_of_the_last_good_one() {
    let outcome = RunOutcome {
        disposition: Disposition::Transient,
        exit: Exit::Failed,
        summary: "the tenant could not be read: <timed out>".to_owned(),
        help: Some("look at the <network>".to_owned()),
        revision: None,
        view: None,
    };
    let status = DaemonStatus {
        phase: DaemonPhase::Retrying(Duration::from_millis(200)),
        last: Some(outcome),
        at: Some(Timestamp::UNIX_EPOCH),
        ..seen(vec![row("lake", State::Ready)])
    };
    let html = page(&status, "");
    for text in [
        "data-tone=\"bad\"",
        "retrying within 1 s",
        "could not be read: &lt;timed out&gt;",
        "help: look at the &lt;network&gt;",
        "the data below is from an earlier run",
        "Data as of",
        "1 of 1 shown",
    ] {
        assert!(html.contains(text), "{text}\n{html}");
    }
}

#[test]
fn suspensions_are_on_top_with_reasons_as_text() {
    let suspend = |reason: &str| Suspend {
        reason: reason.to_owned(),
        until: None,
    };
    let mut view = RunView::default();
    let html = |view: &RunView| {
        let view = Some(Arc::new(view.clone()));
        let status = DaemonStatus {
            phase: DaemonPhase::Suspended,
            view,
            ..DaemonStatus::default()
        };
        page(&status, "")
    };
    assert!(!html(&view).contains("integrationd resume"));
    view.suspensions.suspend(&[], &suspend("<b>freeze"));
    let names = ["lake".to_owned()];
    view.suspensions
        .suspend(&names, &suspend("vendor migration"));
    let html = html(&view);
    for text in [
        "data-tone=\"calm\"",
        "Suspended</code>",
        "<strong>everything</strong>: &lt;b&gt;freeze",
        "<strong>lake</strong>: vendor migration",
        "integrationd resume",
    ] {
        assert!(html.contains(text), "{text}\n{html}");
    }
}

#[test]
fn filter_takes_words_in_any_order_and_ignores_unknown_ones() {
    let ill = Row {
        failing_tests: vec![FailingTest {
            name: "Validate ROLE".to_owned(),
            message: "äußerst falsch".to_owned(),
        }],
        drift: vec!["audit/enabled".into()],
        ..row("ill", State::Stalled)
    };
    let rows = [ill, row("lake", State::Ready)];
    assert_eq!(shown(&rows, ""), ["ill", "lake"]);
    assert_eq!(shown(&rows, "state=Bogus&what=1&%FF=%FF"), ["ill", "lake"]);
    assert_eq!(shown(&rows, "q=role+ILL.yaml"), ["ill"]);
    assert_eq!(shown(&rows, "q=%C3%84U%C3%9FERST"), ["ill"]);
    assert_eq!(shown(&rows, "q=role+lake"), [""; 0]);
    assert_eq!(shown(&rows, "drifted=1"), ["ill"]);
    assert_eq!(shown(&rows, "state=Ready"), ["lake"]);
    let platform = PLATFORMS[0].title.replace(' ', "+");
    assert_eq!(
        shown(&rows, &format!("platform={platform}&q=lake")),
        ["lake"]
    );
}

#[test]
fn whatever_a_text_holds_it_is_a_text_wherever_it_stands() {
    const HOSTILE: &str = "<b a='\"&\u{202e}\u{1b}[31m\u{0}</pre>";
    const HARMLESS: &str = "&lt;b a='&quot;&amp;\\u{202e}\\u{1b}[31m\\u{0}&lt;/pre&gt;";
    let text = || HOSTILE.to_owned();
    let hostile = Row {
        file: Some(text()),
        line: Some(1),
        id: Some(text()),
        about: vec![text()],
        drift: vec![text().as_str().into()],
        revision: Some(text()),
        failing_tests: vec![FailingTest {
            name: text(),
            message: text(),
        }],
        ..row(HOSTILE, State::Stalled)
    };
    let mut status = seen(vec![hostile]);
    status.last = Some(RunOutcome {
        disposition: Disposition::InSync,
        exit: Exit::Success,
        summary: text(),
        help: None,
        revision: None,
        view: None,
    });
    status.rejected_settings = Some(Arc::new(RejectedSettings {
        at: Timestamp::UNIX_EPOCH,
        why: text(),
        help: text(),
        mistakes: vec![FileMistake {
            code: "E0202",
            severity: "error",
            place: text(),
            message: text(),
            help: vec![text()],
        }],
    }));
    let html = page(
        &status,
        "q=%3Cb+a%3D%27%22%26%E2%80%AE%1B%5B31m%00%3C%2Fpre%3E",
    );
    assert!(!html.contains("<b a"), "{html}");
    assert!(!html.chars().any(crate::text::is_unsafe), "{html:?}");
    // The summary, the search, and every place of the row; the revision twice; the settings.
    assert!(html.matches(HARMLESS).count() >= 14, "{html}");
}

#[test]
fn only_an_operator_has_a_form_that_does_something() {
    let status = seen(vec![row("lake", State::Ready)]);
    let html = page(&status, "");
    assert!(!html.contains("method=\"post\""), "{html}");
    let viewer = Viewer::Operator { csrf: "proof" };
    let html = super::status(&status, &Filter::default(), viewer).into_string();
    assert_eq!(html.matches("name=\"csrf\" value=\"proof\"").count(), 2);
}

#[test]
fn every_state_has_a_word_a_sign_and_a_colour() {
    for state in State::ALL {
        let html = page(&seen(vec![row("lake", state)]), "");
        let badge = html.split("class=\"badge\"").nth(1).unwrap();
        let badge = badge.split("</td>").next().unwrap();
        assert!(badge.starts_with(" data-tone=\""), "{badge}");
        assert!(
            badge.contains("class=\"mark\"") && badge.contains(state.word()),
            "{badge}"
        );
    }
}

#[test]
fn what_the_page_needs_is_served_and_nothing_is_inline() {
    let html = page(&seen(vec![row("lake", State::Ready)]), "");
    for attribute in ["src=\"", "<link rel=\"stylesheet\" href=\""] {
        for part in html.split(attribute).skip(1) {
            let path = part.split('"').next().unwrap();
            assert!(asset(path).is_some(), "{path}");
        }
    }
    for inline in ["style=", "<style", "onclick", "javascript:"] {
        assert!(!html.contains(inline), "{inline}");
    }
}

#[test]
fn history_shows_author_revision_and_result() {
    let head = "ed220c4".repeat(6);
    let run = Run {
        id: RunId::NONE,
        start: RunStart {
            begun: Timestamp::UNIX_EPOCH,
            source: format!("/srv/git/a.git at {head} (Ada: Twice <b>as</b> fast)"),
            revision: Some(head.clone()),
        },
        end: Some(RunEnd {
            ended: Timestamp::UNIX_EPOCH,
            outcome: "1 applied, 0 failed".to_owned(),
        }),
        actions: vec![RunAction {
            name: "lake".to_owned(),
            verb: "update".to_owned(),
            id: None,
            succeeded: true,
            what: "2 attributes".to_owned(),
            at: Timestamp::UNIX_EPOCH,
        }],
    };
    let view = RunView {
        history: vec![run].into(),
        ..RunView::default()
    };
    let html = history::section(&view).into_string();
    for text in [
        "1 applied, 0 failed",
        &format!("{head} (Ada: Twice &lt;b&gt;as&lt;/b&gt; fast)"),
        "<strong>lake</strong>",
        "2 attributes",
    ] {
        assert!(html.contains(text), "{text}: {html}");
    }
}
