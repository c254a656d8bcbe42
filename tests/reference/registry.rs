//! The families of the registry, as a scrape shows them.

use std::time::Duration;

use integrationd::daemon::metrics::Metrics;
use integrationd::net::{ExchangeObserver, Exchanged, UrlTemplate};

/// A family of metrics.
pub(super) struct MetricFamily {
    /// The name of its series, with the suffix of a counter.
    pub(super) name: String,
    pub(super) is_histogram: bool,
    pub(super) labels: Vec<String>,
    pub(super) help: String,
}

impl MetricFamily {
    /// True if its series can have this name.
    pub(super) fn has_series(&self, name: &str) -> bool {
        let suffixes: &[&str] = if self.is_histogram {
            &["_bucket", "_count", "_sum"]
        } else {
            &[""]
        };
        let rest = name.strip_prefix(&self.name);
        rest.is_some_and(|rest| suffixes.contains(&rest))
    }
}

/// Every family, after a request, since the series of requests do not exist before.
pub(super) fn families() -> Vec<MetricFamily> {
    let metrics = Metrics::default();
    metrics.exchanged(&Exchanged {
        method: &http::Method::GET,
        template: UrlTemplate("/integrations/{id}"),
        result: Ok(http::StatusCode::OK),
        took: Duration::from_millis(20),
    });
    let text = metrics.text();
    let (mut families, mut help) = (Vec::new(), "");
    for line in text.lines() {
        if let Some((_, said)) = line.strip_prefix("# HELP ").and_then(|l| l.split_once(' ')) {
            help = said.trim_end_matches('.');
        }
        let kind = line.strip_prefix("# TYPE ").and_then(|l| l.split_once(' '));
        let Some((name, kind)) = kind else {
            continue;
        };
        let suffix = match kind {
            "counter" => "_total",
            "info" => "_info",
            _ => "",
        };
        let name = format!("{name}{suffix}");
        let series = format!("{name}{{");
        let first = text.lines().find_map(|line| line.strip_prefix(&series));
        let labels = first.unwrap_or_default().split("\",");
        let labels = labels.filter_map(|label| label.split_once("=\""));
        families.push(MetricFamily {
            is_histogram: kind == "histogram",
            labels: labels.map(|(label, _)| label.to_owned()).collect(),
            help: help.to_owned(),
            name,
        });
    }
    families
}
