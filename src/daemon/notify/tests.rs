//! Notifications, run after run; and the bodies of messages.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value as Json;
use tokio::sync::mpsc;

use super::*;
use crate::apply::Stop;
use crate::daemon::metrics::Metrics;
use crate::daemon::view::{FileMistake, Row, State};
use crate::daemon::{Disposition, RunOutcome, RunView, StatusPublisher};
use crate::live::FailingTest;
use crate::reason::Reason;
use crate::report::Counts;
use crate::report::exit::Exit;
use crate::secret::Secret;
use crate::source::git::{CommitId, GitReference, Revision};

fn row(name: &str, state: State, reason: Option<Reason>) -> Row {
    Row {
        name: name.to_owned(),
        platform: None,
        file: None,
        line: None,
        id: None,
        state,
        reason,
        about: Vec::new(),
        drift: Vec::new(),
        not_compared: Vec::new(),
        contested: Vec::new(),
        carried: Vec::new(),
        repaired: false,
        failing_tests: Vec::new(),
        changed: None,
        revision: None,
    }
}

fn ready() -> Row {
    row("lake", State::Ready, None)
}

fn stalled(reason: Reason) -> Row {
    row("lake", State::Stalled, Some(reason))
}

fn waits(reason: Reason) -> Row {
    row("lake", State::Reconciling, Some(reason))
}

fn drifted(row: Row, paths: &[&str], repaired: bool) -> Row {
    Row {
        drift: paths.iter().map(|&path| path.into()).collect(),
        repaired,
        ..row
    }
}

/// A run that has read these rows, without an alert of the run itself.
fn seen(rows: Vec<Row>) -> RunOutcome {
    RunOutcome {
        disposition: Disposition::Transient,
        summary: "summed up".to_owned(),
        help: None,
        exit: Exit::Failed,
        revision: None,
        view: Some(Arc::new(RunView {
            rows,
            ..RunView::default()
        })),
    }
}

fn unseen(disposition: Disposition, summary: &str) -> RunOutcome {
    RunOutcome {
        disposition,
        summary: summary.to_owned(),
        help: Some("what helps".to_owned()),
        exit: Exit::Failed,
        revision: None,
        view: None,
    }
}

/// The kinds and subjects of the notifications of these runs.
fn told(runs: &[RunOutcome]) -> Vec<String> {
    let mut tracker = AlertTracker::default();
    let one = |notification: Notification| {
        let subject = notification.integration.unwrap_or_else(|| "run".to_owned());
        let reason = notification.reason.map_or("-", Reason::as_str);
        format!("{} {subject} {reason}", notification.kind.word())
    };
    let runs = runs.iter();
    runs.map(|outcome| {
        tracker
            .after(outcome)
            .into_iter()
            .map(one)
            .collect::<Vec<_>>()
    })
    .map(|news| news.join(", "))
    .collect()
}

#[track_caller]
fn tells(rows: Vec<Row>, expected: &[&str]) {
    let runs: Vec<RunOutcome> = rows.into_iter().map(|row| seen(vec![row])).collect();
    assert_eq!(told(&runs), expected);
}

#[test]
fn log_hears_of_what_waits_for_the_server() {
    let mut tracker = AlertTracker::including_transient();
    let rows = [
        waits(Reason::Busy),
        waits(Reason::Busy),
        ready(),
        waits(Reason::Pending),
    ];
    let news = rows.map(|row| {
        let news = tracker.after(&seen(vec![row]));
        let words = news.iter().map(|one| (one.kind.word(), one.reason));
        words.collect::<Vec<_>>()
    });
    let [begins, persists, ends, pending] = news;
    assert_eq!(begins, [("Failed", Some(Reason::Busy))]);
    assert_eq!(ends, [("Recovered", Some(Reason::Busy))]);
    assert_eq!((persists.len(), pending.len()), (0, 0));
}

#[test]
fn failure_and_recovery_are_reported_once_each() {
    tells(
        vec![
            ready(),
            stalled(Reason::WriteFailed),
            stalled(Reason::WriteFailed),
            ready(),
            ready(),
            stalled(Reason::WriteFailed),
        ],
        &[
            "",
            "Failed lake WriteFailed",
            "",
            "Recovered lake WriteFailed",
            "",
            "Failed lake WriteFailed",
        ],
    );
}

#[test]
fn failure_that_changes_is_reported_again() {
    let failing = |tests: &[&str]| Row {
        failing_tests: tests
            .iter()
            .map(|test| FailingTest {
                name: (*test).to_owned(),
                message: format!("said at {}", Timestamp::now()),
            })
            .collect(),
        ..stalled(Reason::ValidationFailed)
    };
    tells(
        vec![
            stalled(Reason::InvalidFile),
            failing(&["a", "b"]),
            failing(&["b", "a"]),
            failing(&["b"]),
        ],
        &[
            "Failed lake InvalidFile",
            "Failed lake ValidationFailed",
            "",
            "Failed lake ValidationFailed",
        ],
    );
}

#[test]
fn what_rests_or_is_on_its_way_is_neither_news_nor_over() {
    for reason in [
        Reason::BackingOff,
        Reason::Busy,
        Reason::Pending,
        Reason::NotProved,
        Reason::NotStarted,
        Reason::Interrupted,
    ] {
        tells(
            vec![
                waits(reason),
                stalled(Reason::WriteFailed),
                waits(reason),
                stalled(Reason::WriteFailed),
                ready(),
            ],
            &[
                "",
                "Failed lake WriteFailed",
                "",
                "",
                "Recovered lake WriteFailed",
            ],
        );
    }
}

#[test]
fn what_waits_for_a_secret_is_a_failure() {
    tells(
        vec![
            waits(Reason::MissingSecret),
            waits(Reason::MissingSecret),
            ready(),
        ],
        &[
            "Failed lake MissingSecret",
            "",
            "Recovered lake MissingSecret",
        ],
    );
}

#[test]
fn what_is_suspended_or_withheld_is_left_in_peace() {
    let suspended = || row("lake", State::Suspended, None);
    let failed = || stalled(Reason::WriteFailed);
    for left in [suspended(), stalled(Reason::WithheldByPolicy)] {
        tells(
            vec![left.clone(), failed(), left, ready(), failed()],
            &[
                "",
                "Failed lake WriteFailed",
                "",
                "",
                "Failed lake WriteFailed",
            ],
        );
    }
}

#[test]
fn drift_is_reported_once_reverted_or_not() {
    let put_back = || drifted(ready(), &["/a"], true);
    tells(
        vec![put_back(), put_back(), ready(), put_back()],
        &["Drift lake -", "", "", "Drift lake -"],
    );
    let left = |paths: &[&str]| drifted(ready(), paths, false);
    tells(
        vec![left(&["/a"]), left(&["/a"]), left(&["/a", "/b"]), ready()],
        &["Drift lake -", "", "Drift lake -", "Recovered lake Drift"],
    );
    // Not compared while it is blocked.
    tells(
        vec![left(&["/a"]), waits(Reason::Busy), left(&["/a"])],
        &["Drift lake -", "", ""],
    );
    let suspended = |reason| row("lake", State::Suspended, reason);
    let held = || drifted(suspended(Some(Reason::Pending)), &["/a"], false);
    tells(
        vec![held(), suspended(Some(Reason::Busy)), held()],
        &["Drift lake -", "", ""],
    );
    // Compared, and its file alone has moved.
    tells(
        vec![held(), suspended(Some(Reason::Pending)), held()],
        &["Drift lake -", "", "Drift lake -"],
    );
}

#[test]
fn value_that_does_not_converge_is_one_alert() {
    tells(
        vec![
            drifted(
                row("lake", State::Reconciling, Some(Reason::Retrying)),
                &["/a"],
                false,
            ),
            drifted(stalled(Reason::NotConverging), &["/a"], false),
            stalled(Reason::NotConverging),
            ready(),
        ],
        &[
            "",
            "NotConverging lake NotConverging",
            "",
            "Recovered lake NotConverging",
        ],
    );
}

#[test]
fn each_integration_has_its_own_alert_that_ends_with_it() {
    let other = |reason| row("other", State::Stalled, Some(reason));
    let runs = vec![
        seen(vec![
            stalled(Reason::WriteFailed),
            other(Reason::InvalidFile),
        ]),
        seen(vec![other(Reason::InvalidFile), ready()]),
        seen(vec![ready()]),
        seen(Vec::new()),
    ];
    let expected = [
        "Failed lake WriteFailed, Failed other InvalidFile",
        "Recovered lake WriteFailed",
        "Recovered other InvalidFile",
        "",
    ];
    assert_eq!(told(&runs), expected);
}

#[test]
fn outage_is_reported_once_without_the_integrations() {
    let outage = |cause: &str| {
        let summary = format!("the tenant could not be read: {cause}");
        unseen(Disposition::Transient, &summary)
    };
    let runs = vec![
        seen(vec![stalled(Reason::WriteFailed)]),
        outage("timed out after 61 s"),
        outage("timed out after 62 s"),
        unseen(Disposition::Stalled(Reason::NotAuthorized), "no: 1"),
        unseen(Disposition::Stalled(Reason::NotAuthorized), "no: 2"),
        seen(vec![stalled(Reason::WriteFailed)]),
    ];
    let expected = [
        "Failed lake WriteFailed",
        "Failed run NoResult",
        "",
        "Failed run NotAuthorized",
        "",
        "Recovered run NotAuthorized",
    ];
    assert_eq!(told(&runs), expected);
}

#[test]
fn another_revision_that_is_held_is_news() {
    let held = |id: &str| {
        let summary = format!("history was rewritten: {id} does not descend");
        unseen(Disposition::Stalled(Reason::SourceRefused), &summary)
    };
    let runs = vec![held("1111"), held("1111"), held("2222"), seen(Vec::new())];
    let about = AlertTracker::default().after(&held("1111"))[0]
        .about
        .join("; ");
    assert!(about.ends_with("does not descend; what helps"), "{about}");
    let refused = "Failed run SourceRefused";
    let expected = [refused, "", refused, "Recovered run SourceRefused"];
    assert_eq!(told(&runs), expected);
}

#[test]
fn guard_refusal_is_reported_again_when_the_plan_grows() {
    let guarded = |update| RunOutcome {
        disposition: Disposition::Stalled(Reason::GuardRefused),
        summary: "the guard refused the plan".to_owned(),
        help: None,
        exit: Exit::Failed,
        revision: None,
        view: Some(Arc::new(RunView {
            rows: vec![stalled(Reason::GuardRefused)],
            counts: Counts {
                update,
                ..Counts::default()
            },
            ..RunView::default()
        })),
    };
    let runs = vec![guarded(7), guarded(7), guarded(8), seen(vec![ready()])];
    let refused = "Failed run GuardRefused";
    assert_eq!(
        told(&runs),
        [refused, "", refused, "Recovered run GuardRefused"]
    );
    let about = AlertTracker::default().after(&guarded(7))[0]
        .about
        .join("; ");
    assert!(about.contains("7 to update"), "{about}");
}

#[test]
fn mistake_of_no_integration_is_reported_for_the_run() {
    let stuck = |rows: Vec<Row>| RunOutcome {
        disposition: Disposition::Stalled(Reason::InvalidFile),
        summary: "1 invalid".to_owned(),
        help: None,
        exit: Exit::Failed,
        revision: None,
        view: Some(Arc::new(RunView {
            rows,
            mistakes: vec![FileMistake {
                code: "E0101",
                severity: "error",
                place: "a.yaml:1:1".to_owned(),
                message: "not YAML".to_owned(),
                help: Vec::new(),
            }],
            ..RunView::default()
        })),
    };
    let runs = vec![stuck(Vec::new()), stuck(Vec::new())];
    assert_eq!(told(&runs), ["Failed run InvalidFile", ""]);
    // It is reported once, where it belongs.
    let runs = vec![stuck(vec![stalled(Reason::InvalidFile)])];
    assert_eq!(told(&runs), ["Failed lake InvalidFile"]);
}

fn batch(rows: Vec<Row>) -> NotificationBatch {
    NotificationBatch {
        id: "1d".to_owned(),
        at: Timestamp::UNIX_EPOCH,
        tenant: "https://acme.example.com".to_owned(),
        summary: "0 applied, 1 failed".to_owned(),
        revision: None,
        notifications: AlertTracker::default().after(&seen(rows)),
    }
}

fn revision(author: &str, subject: &str) -> Revision {
    Revision {
        id: CommitId::parse(&"1".repeat(40)).unwrap(),
        reference: GitReference::default(),
        author: author.to_owned(),
        subject: subject.to_owned(),
        time: None,
    }
}

fn body(format: NotificationFormat, batch: &NotificationBatch) -> Json {
    serde_json::from_str(&format.body(batch)).unwrap()
}

#[test]
fn the_document_says_what_when_where_and_why() {
    let failed = Row {
        about: vec!["the server refused it".to_owned()],
        ..drifted(stalled(Reason::WriteFailed), &["/config/x"], false)
    };
    let batch = NotificationBatch {
        revision: Some(Arc::new(revision("Ada", "Change it"))),
        ..batch(vec![failed])
    };
    let shown = body(NotificationFormat::Json, &batch);
    let version = env!("CARGO_PKG_VERSION");
    let expected = serde_json::json!({
        "format_version": crate::report::format::json::FORMAT_VERSION,
        "version": version,
        "id": "1d",
        "at": "1970-01-01T00:00:00Z",
        "tenant": "https://acme.example.com",
        "summary": "0 applied, 1 failed",
        "revision": { "id": "1".repeat(40), "author": "Ada", "subject": "Change it" },
        "notifications": [
            {
                "kind": "Failed", "integration": "lake", "type": null, "reason": "WriteFailed",
                "about": ["the server refused it"], "attributes": ["/config/x"], "repaired": false,
            },
            {
                "kind": "Drift", "integration": "lake", "type": null, "reason": null,
                "about": [], "attributes": ["/config/x"], "repaired": false,
            },
        ],
        "left_out": 0,
    });
    assert_eq!(shown, expected);
}

#[test]
fn slack_message_mentions_no_one_and_has_no_link() {
    let failed = Row {
        about: vec!["<!channel> & <https://x|click>\u{202e}\nnew line".to_owned()],
        ..stalled(Reason::WriteFailed)
    };
    let batch = NotificationBatch {
        revision: Some(Arc::new(revision("<@U1>", "See <https://x|this> & that"))),
        ..batch(vec![failed])
    };
    let message = body(NotificationFormat::Slack, &batch);
    let text = message["text"].as_str().unwrap();
    insta::assert_snapshot!(text, @r"
    https://acme.example.com: 0 applied, 1 failed
    Revision 1111111111111111111111111111111111111111 by &lt;@U1&gt;: See &lt;https://x|this&gt; &amp; that
    Failed: lake, WriteFailed: &lt;!channel&gt; &amp; &lt;https://x|click&gt;\u{202e}\nnew line
    ");
    assert_eq!(message["mrkdwn"], false);
}

#[test]
fn messages_are_short_however_much_there_is_to_report() {
    let long = |n: usize| Row {
        about: vec!["ä".repeat(3000); 7],
        drift: vec!["/x".repeat(300).as_str().into(); 30],
        ..row(
            &format!("{n}{}", "n".repeat(300)),
            State::Stalled,
            Some(Reason::WriteFailed),
        )
    };
    let batch = batch((0..60).map(long).collect());
    let message = body(NotificationFormat::Slack, &batch);
    let text = message["text"].as_str().unwrap();
    assert!(text.chars().count() < 4000, "{}", text.len());
    assert!(text.ends_with(" more (see the status page)"), "{text}");
    let document = body(NotificationFormat::Json, &batch);
    assert_eq!(document["notifications"].as_array().unwrap().len(), 50);
    assert_eq!(document["left_out"], 70);
    assert!(document.to_string().len() < 1_000_000);
}

#[test]
fn the_signature_is_that_of_rfc_4231() {
    let signed = signature(
        &Secret::new("Jefe".to_owned()),
        b"what do ya want for nothing?",
    );
    let expected = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    assert_eq!(signed.as_deref(), Some(expected));
}

#[test]
fn an_address_keeps_its_query_and_no_refusal_repeats_it() {
    for good in [
        "https://hooks.slack.com/services/T0/B0/s3cr3t\n",
        "https://example.com:8443/hook?code=s3cr3t&x=%20|",
        "http://127.0.0.1:9/s3cr3t",
    ] {
        assert!(WebhookUrl::parse(&Secret::new(good.to_owned())).is_ok());
    }
    for bad in [
        "",
        "s3cr3t",
        "mailto:s3cr3t@example.com",
        "http://example.com/s3cr3t",
        "https://user:s3cr3t@example.com/",
        "https://example.com/#s3cr3t",
    ] {
        let refused = WebhookUrl::parse(&Secret::new(bad.to_owned()))
            .err()
            .unwrap();
        let told = crate::text::chain(&refused);
        assert!(!told.contains("s3cr3t"), "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn stuck_receiver_fills_the_queue_and_delays_no_run() {
    let publisher = StatusPublisher::new(Metrics::default());
    let (sender, mut queue) = mpsc::channel(2);
    let (pull, stop) = Stop::new();
    let (status, metrics) = (publisher.subscribe(), publisher.metrics.clone());
    let watching = tokio::spawn(watch(status, "t".to_owned(), sender, metrics, stop));
    for n in 0..5 {
        let outcome = if n % 2 == 0 {
            unseen(Disposition::Transient, "out")
        } else {
            seen(Vec::new())
        };
        publisher.end(publisher.begin(), outcome, Duration::ZERO);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    pull.send_replace(true);
    watching.await.unwrap();
    let mut kinds = Vec::new();
    while let Some(batch) = queue.recv().await {
        kinds.extend(batch.notifications.iter().map(|n| n.kind));
    }
    assert_eq!(
        kinds,
        [NotificationKind::Failed, NotificationKind::Recovered]
    );
    let dropped = "integrationd_notifications_total{result=\"dropped\"} 3\n";
    assert!(publisher.metrics.text().contains(dropped));
}
