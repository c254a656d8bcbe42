//! Counts and series of the metrics.

use super::*;
use crate::daemon::RunOutcome;
use crate::net::UrlTemplate;
use crate::reason::Reason;
use crate::report::exit::Exit;

fn exchange(metrics: &Metrics, result: Result<StatusCode, TransportErrorKind>) {
    metrics.exchanged(&Exchanged {
        method: &http::Method::GET,
        template: UrlTemplate("/integrations/{id}"),
        result,
        took: Duration::from_millis(20),
    });
}

fn line_of<'a>(text: &'a str, series: &str) -> &'a str {
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    let value = lines.find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("no {series} in\n{text}"))
}

#[test]
fn requests_are_counted_by_result_in_a_fixed_set_of_series() {
    let metrics = Metrics::default();
    for code in 100..1000 {
        exchange(&metrics, Ok(StatusCode::from_u16(code).unwrap()));
    }
    exchange(&metrics, Err(TransportErrorKind::Timeout));
    let text = metrics.text();
    let count = |code: &str| {
        let labels = format!("method=\"GET\",route=\"/integrations/{{id}}\",code=\"{code}\"");
        line_of(
            &text,
            &format!("integrationd_http_requests_total{{{labels}}}"),
        )
        .to_owned()
    };
    assert_eq!(count("200"), "1");
    assert_eq!(count("timeout"), "1");
    assert_eq!(line_of(&text, "integrationd_rate_limited_total"), "1");
    let series = text.matches("integrationd_http_requests_total{").count();
    assert!(series < 80, "{series} series");
}

#[test]
fn run_is_counted_by_result_and_every_series_exists_at_once() {
    let metrics = Metrics::default();
    let reconciles = |result: &str| format!("integrationd_reconcile_total{{result=\"{result}\"}}");
    let before = metrics.text();
    for result in ["success", "stalled", "failure"] {
        assert_eq!(line_of(&before, &reconciles(result)), "0");
    }
    for result in ["success", "failure", "dropped"] {
        let series = format!("integrationd_notifications_total{{result=\"{result}\"}}");
        assert_eq!(line_of(&before, &series), "0");
    }
    let condition = |reason: &str| format!("integrationd_condition{{reason=\"{reason}\"}}");
    assert_eq!(line_of(&before, &condition("Starting")), "1");
    assert_eq!(line_of(&before, &condition("GuardRefused")), "0");
    let mut status = DaemonStatus::default();
    status.end(
        RunOutcome {
            disposition: Disposition::Stalled(Reason::GuardRefused),
            exit: Exit::Refused,
            summary: "the guard refused the plan".to_owned(),
            help: None,
            revision: None,
            view: None,
        },
        Duration::ZERO,
    );
    metrics.record_run(&status, Duration::from_secs(2));
    let text = metrics.text();
    assert_eq!(line_of(&text, &reconciles("stalled")), "1");
    assert_eq!(line_of(&text, &condition("Starting")), "0");
    assert_eq!(line_of(&text, &condition("GuardRefused")), "1");
    assert_eq!(
        line_of(&text, "integrationd_reconcile_duration_seconds_sum"),
        "2.0"
    );
    assert_eq!(
        line_of(&text, "integrationd_last_success_timestamp_seconds"),
        "0.0"
    );
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn cause_of_a_failed_run_and_the_interval_are_shown() {
    let metrics = Metrics::default();
    let failure = |cause: &str| format!("integrationd_last_run_failure{{cause=\"{cause}\"}}");
    for cause in RunFailureCause::ALL.map(RunFailureCause::word) {
        assert_eq!(line_of(&metrics.text(), &failure(cause)), "0");
    }
    metrics.set_failure(Some(RunFailureCause::Tenant));
    assert_eq!(line_of(&metrics.text(), &failure("tenant")), "1");
    assert_eq!(line_of(&metrics.text(), &failure("ledger")), "0");
    metrics.set_failure(None);
    assert_eq!(line_of(&metrics.text(), &failure("tenant")), "0");
    metrics.set_interval(Duration::from_secs(600));
    assert_eq!(
        line_of(&metrics.text(), "integrationd_interval_seconds"),
        "600.0"
    );
}
