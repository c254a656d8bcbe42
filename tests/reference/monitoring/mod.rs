//! Alert rules, their unit tests, their runbook and a dashboard, made from the registries of
//! metrics and reasons.

mod alerts;
mod dashboard;
mod expressions;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::process::Command;

use alerts::{ALERTS, Alert, Series};
use expressions::used_series;
use tempfile::TempDir;

use super::registry::families;
use super::{UPDATE, root};
use crate::programs::{PROMTOOL, needs};

pub(super) use dashboard::dashboard;

const RULES: &str = "docs/monitoring/integrationd.rules.yaml";
const RULES_TEST: &str = "docs/monitoring/rules_test.yaml";
const DASHBOARD: &str = "docs/monitoring/dashboard.json";

/// The page with the runbook, as the Debian package installs it.
const RUNBOOK: &str = "file:///usr/share/doc/integrationd/docs/monitoring.md";

/// The minute at which the unit tests evaluate the rules.
const MINUTE: u32 = 180;

/// A YAML string.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The rules for Prometheus.
pub(super) fn rules() -> String {
    let mut out =
        format!("# Alert rules for integrationd. Made from the code: {UPDATE}\ngroups:\n");
    out += "  - name: integrationd\n    rules:\n";
    for alert in ALERTS {
        let expression = quoted(&alert.expression());
        writeln!(out, "      - alert: {}", alert.name).unwrap();
        writeln!(out, "        expr: {expression}").unwrap();
        writeln!(out, "        for: {}", alert.lasts).unwrap();
        writeln!(out, "        labels:").unwrap();
        writeln!(out, "          severity: {}", alert.severity).unwrap();
        writeln!(out, "        annotations:").unwrap();
        for (key, text) in annotations(alert) {
            writeln!(out, "          {key}: {}", quoted(&text)).unwrap();
        }
    }
    out
}

fn annotations(alert: &Alert) -> [(&'static str, String); 3] {
    [
        ("summary", alert.summary.to_owned()),
        ("description", alert.description.to_owned()),
        (
            "runbook_url",
            format!("{RUNBOOK}#{}", alert.name.to_lowercase()),
        ),
    ]
}

/// Unit tests of the rules for promtool: series for which each alert fires, and for which it
/// does not.
pub(super) fn rules_test() -> String {
    let mut out = format!("# Unit tests of the alert rules. Made from the code: {UPDATE}\n");
    out += "rule_files: [integrationd.rules.yaml]\nevaluation_interval: 1m\ntests:\n";
    for alert in ALERTS {
        write_test(
            &mut out,
            &format!("{} fires", alert.name),
            alert.fires.series,
        );
        write_alert(&mut out, alert);
        write_test(
            &mut out,
            &format!("{} does not fire", alert.name),
            alert.silent,
        );
        writeln!(out, "      - eval_time: {MINUTE}m").unwrap();
        writeln!(out, "        alertname: {}", alert.name).unwrap();
    }
    out
}

fn write_test(out: &mut String, name: &str, series: Series) {
    writeln!(out, "  - name: {name}").unwrap();
    writeln!(out, "    interval: 1m").unwrap();
    writeln!(out, "    input_series:").unwrap();
    for (series, values) in series {
        let series = quoted(&on_instance(series));
        writeln!(out, "      - series: {series}").unwrap();
        writeln!(out, "        values: {values}").unwrap();
    }
    writeln!(out, "    alert_rule_test:").unwrap();
}

/// A series with the labels of its scrape.
fn on_instance(series: &str) -> String {
    match series.split_once('{') {
        Some((name, labels)) => format!("{name}{{instance=\"a\", job=\"b\", {labels}"),
        None => format!("{series}{{instance=\"a\", job=\"b\"}}"),
    }
}

/// The alert that is expected, with its texts.
fn write_alert(out: &mut String, alert: &Alert) {
    writeln!(out, "      - eval_time: {MINUTE}m").unwrap();
    writeln!(out, "        alertname: {}", alert.name).unwrap();
    writeln!(out, "        exp_alerts:").unwrap();
    writeln!(out, "          - exp_labels:").unwrap();
    writeln!(out, "              severity: {}", alert.severity).unwrap();
    let mut texts = annotations(alert);
    for (label, value) in labels(alert.fires.labels) {
        writeln!(out, "              {label}: {}", quoted(value)).unwrap();
        let variable = format!("{{{{ $labels.{label} }}}}");
        texts = texts.map(|(key, text)| (key, text.replace(&variable, value)));
    }
    writeln!(out, "            exp_annotations:").unwrap();
    for (key, text) in texts {
        let text = text.replace("{{ $value }}", alert.fires.value);
        writeln!(out, "              {key}: {}", quoted(&text)).unwrap();
    }
}

/// The labels in a list such as `a="1", b="2"`.
fn labels(list: &str) -> impl Iterator<Item = (&str, &str)> {
    let labels = list.split(", ").filter_map(|label| label.split_once('='));
    labels.map(|(label, value)| (label, value.trim_matches('"')))
}

/// The runbook: a section for each alert.
pub(super) fn runbook() -> String {
    let mut out = String::new();
    for alert in ALERTS {
        let Alert {
            name,
            lasts,
            severity,
            summary,
            remedy,
            ..
        } = alert;
        writeln!(out, "### {name}\n").unwrap();
        let text = format!("{summary} Severity: {severity}, after {lasts}. {remedy}");
        out += &wrapped(&text);
        out += "\n";
    }
    out
}

/// A paragraph in lines of at most 120 columns.
fn wrapped(text: &str) -> String {
    let (mut out, mut width) = (String::new(), 0);
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if width > 0 && width + 1 + length > 120 {
            out += "\n";
            width = 0;
        } else if width > 0 {
            out += " ";
            width += 1;
        }
        out += word;
        width += length;
    }
    out + "\n"
}

/// Runs promtool in the directory of the rules.
fn promtool(args: &[&str]) -> String {
    let mut command = Command::new("promtool");
    command
        .args(args)
        .current_dir(root().join("docs/monitoring"));
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    text
}

#[test]
fn promtool_accepts_the_rules() {
    needs!(PROMTOOL);
    let text = promtool(&["check", "rules", "--lint-fatal", "integrationd.rules.yaml"]);
    let expected = format!("SUCCESS: {} rules found", ALERTS.len());
    assert!(text.contains(&expected), "{text}");
}

#[test]
fn every_alert_fires_and_stays_silent_as_tested() {
    needs!(PROMTOOL);
    let text = promtool(&["test", "rules", "rules_test.yaml"]);
    assert!(text.contains("SUCCESS"), "{text}");
}

#[test]
fn alerts_follow_the_conventions() {
    let names: BTreeSet<&str> = ALERTS.iter().map(|alert| alert.name).collect();
    assert_eq!(names.len(), ALERTS.len());
    for alert in ALERTS {
        let name = alert.name;
        let rest = name.strip_prefix("Integrationd").unwrap();
        assert!(rest.chars().all(char::is_alphanumeric), "{name}");
        assert!(["critical", "warning"].contains(&alert.severity), "{name}");
        for text in [alert.summary, alert.description, alert.remedy] {
            assert!(
                text.ends_with('.') && !text.contains("  "),
                "{name}: {text}"
            );
        }
        assert!(!alert.summary.contains("{{"), "{name}");
    }
}

#[test]
fn expressions_use_only_registered_series_and_labels() {
    let families = families();
    let expressions = ALERTS
        .iter()
        .map(|alert| (alert.name.to_owned(), alert.expression()));
    let all: Vec<_> = expressions.chain(dashboard::expressions()).collect();
    for (owner, expression) in &all {
        let used = used_series(expression);
        assert!(!used.is_empty(), "{owner}: {expression}");
        for series in used {
            let family = families
                .iter()
                .find(|family| family.has_series(&series.name));
            let family = family.unwrap_or_else(|| panic!("{owner}: no metric {}", series.name));
            for label in &series.labels {
                let is_scraped = ["instance", "job"].contains(&label.as_str());
                let is_bucket = family.is_histogram && label == "le";
                let is_own = family.labels.contains(label);
                assert!(
                    is_scraped || is_bucket || is_own,
                    "{owner}: {} {label}",
                    family.name
                );
            }
        }
    }
}

#[test]
fn promtool_can_parse_every_expression_of_the_dashboard() {
    needs!(PROMTOOL);
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("rules.yaml");
    let mut rules = "groups:\n  - name: dashboard\n    rules:\n".to_owned();
    for (index, (_, expression)) in dashboard::expressions().iter().enumerate() {
        let expression = expression.replace("$__rate_interval", "5m");
        writeln!(rules, "      - record: panel:expression:{index}").unwrap();
        writeln!(rules, "        expr: {}", quoted(&expression)).unwrap();
    }
    std::fs::write(&file, rules).unwrap();
    promtool(&["check", "rules", "--lint=none", file.to_str().unwrap()]);
}

#[test]
fn alert_refers_only_to_reasons_that_exist() {
    let words: BTreeSet<&str> = integrationd::reason::Reason::ALL
        .iter()
        .map(|reason| reason.as_str())
        .collect();
    for alert in ALERTS {
        let expression = alert.expression();
        let mut parts = expression.split('"');
        while let Some(before) = parts.next() {
            let value = parts.next().unwrap_or_default();
            let is_reason = ["reason=", "reason=~", "reason!~"]
                .iter()
                .any(|it| before.ends_with(it));
            let is_condition = expression.contains("_condition") || before.contains("by_reason");
            if is_reason && is_condition {
                let unknown = value.split('|').find(|word| !words.contains(word));
                assert_eq!(unknown, None, "{}", alert.name);
            }
        }
    }
}

#[test]
fn package_and_page_have_the_files() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let page = std::fs::read_to_string(root().join("docs/monitoring.md")).unwrap();
    for file in [RULES, RULES_TEST, DASHBOARD] {
        let directory = file.rsplit_once('/').unwrap().0;
        assert!(root().join(file).is_file(), "{file}");
        assert!(manifest.contains(&format!("\"{directory}/*\"")), "{file}");
        let link = file.strip_prefix("docs/").unwrap();
        assert!(page.contains(&format!("]({link})")), "{file}");
    }
}
