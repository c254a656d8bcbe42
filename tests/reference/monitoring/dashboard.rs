//! The dashboard for Grafana: rows of panels, as data.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::super::registry::families;
use super::expressions::used_series;

/// Version of the schema of Grafana 11.
const SCHEMA: u64 = 39;

/// Columns of a dashboard.
const COLUMNS: u64 = 24;

/// Families without a panel, and the reason.
const NOT_SHOWN: &[(&str, &str)] = &[(
    "integrationd_interval_seconds",
    "a setting: the alerts compare times with it",
)];

/// Kind of a panel.
#[derive(Clone, Copy)]
enum PanelKind {
    /// The newest value.
    Stat,
    /// Lines over time.
    TimeSeries,
    /// Stacked areas over time.
    Stacked,
}

struct Panel {
    title: &'static str,
    description: &'static str,
    kind: PanelKind,
    width: u64,
    unit: &'static str,
    /// Expressions with their legends. `FILTER` stands for the chosen job and instance.
    targets: &'static [(&'static str, &'static str)],
}

/// Titles of rows, and their panels.
const ROWS: &[(&str, u64, &[Panel])] = &[
    ("Overview", 4, OVERVIEW),
    ("Integrations", 8, INTEGRATIONS),
    ("Runs", 8, RUNS),
    ("Tenant", 8, TENANT),
    ("Source, notifications and access", 8, OTHERS),
];

const fn stat(
    title: &'static str,
    description: &'static str,
    unit: &'static str,
    targets: &'static [(&'static str, &'static str)],
) -> Panel {
    Panel {
        title,
        description,
        kind: PanelKind::Stat,
        width: 4,
        unit,
        targets,
    }
}

const fn graph(
    title: &'static str,
    description: &'static str,
    kind: PanelKind,
    unit: &'static str,
    targets: &'static [(&'static str, &'static str)],
) -> Panel {
    Panel {
        title,
        description,
        kind,
        width: 8,
        unit,
        targets,
    }
}

const OVERVIEW: &[Panel] = &[
    stat(
        "State",
        "Reason of the state after the last run; empty if the daemon is ready.",
        "none",
        &[(
            "integrationd_condition{FILTER} == 1",
            "{{instance}} {{reason}}",
        )],
    ),
    stat(
        "Since the last run",
        "Time since the end of the last run.",
        "s",
        &[(
            "time() - (integrationd_last_reconcile_timestamp_seconds{FILTER} > 0)",
            "{{instance}}",
        )],
    ),
    stat(
        "Since the last run in sync",
        "Time since the end of the last run that ended in sync.",
        "s",
        &[(
            "time() - (integrationd_last_success_timestamp_seconds{FILTER} > 0)",
            "{{instance}}",
        )],
    ),
    stat(
        "Stalled integrations",
        "Integrations for which an operator must act.",
        "none",
        &[(
            "sum(integrationd_integrations{FILTER, state=\"Stalled\"})",
            "stalled",
        )],
    ),
    stat(
        "Suspended integrations",
        "Integrations suspended by their files or by `suspend`.",
        "none",
        &[(
            "sum(integrationd_suspended_integrations{FILTER})",
            "suspended",
        )],
    ),
    stat(
        "Version",
        "Version of the running daemon.",
        "none",
        &[(
            "integrationd_build_info{FILTER}",
            "{{instance}} {{version}}",
        )],
    ),
];

const INTEGRATIONS: &[Panel] = &[
    graph(
        "Integrations by state",
        "Integrations by state.",
        PanelKind::Stacked,
        "none",
        &[(
            "sum by (state) (integrationd_integrations{FILTER})",
            "{{state}}",
        )],
    ),
    graph(
        "Integrations by platform",
        "Integrations by platform.",
        PanelKind::Stacked,
        "none",
        &[(
            "sum by (platform) (integrationd_integrations{FILTER}) > 0",
            "{{platform}}",
        )],
    ),
    graph(
        "Integrations by reason",
        "Integrations that are not in sync, by reason.",
        PanelKind::Stacked,
        "none",
        &[(
            "sum by (reason) (integrationd_integrations_by_reason{FILTER}) > 0",
            "{{reason}}",
        )],
    ),
    graph(
        "Drift",
        "Integrations with drift, and integrations that do not converge.",
        PanelKind::TimeSeries,
        "none",
        &[
            ("sum(integrationd_drifted_integrations{FILTER})", "drift"),
            (
                "sum(integrationd_not_converging_integrations{FILTER})",
                "not converging",
            ),
        ],
    ),
    graph(
        "Planned actions",
        "Planned actions of the last run, by kind.",
        PanelKind::Stacked,
        "none",
        &[(
            "sum by (action) (integrationd_plan_changes{FILTER})",
            "{{action}}",
        )],
    ),
];

const RUNS: &[Panel] = &[
    graph(
        "Runs by result",
        "Runs per hour, by result.",
        PanelKind::TimeSeries,
        "none",
        &[(
            "sum by (result) (increase(integrationd_reconcile_total{FILTER}[1h]))",
            "{{result}}",
        )],
    ),
    graph(
        "Duration of runs",
        "Median, 95th percentile and mean of the duration of runs.",
        PanelKind::TimeSeries,
        "s",
        &[
            (
                "histogram_quantile(0.5, sum by (le) \
                 (rate(integrationd_reconcile_duration_seconds_bucket{FILTER}[1h])))",
                "median",
            ),
            (
                "histogram_quantile(0.95, sum by (le) \
                 (rate(integrationd_reconcile_duration_seconds_bucket{FILTER}[1h])))",
                "95 %",
            ),
            (
                "sum(rate(integrationd_reconcile_duration_seconds_sum{FILTER}[1h])) / \
                 sum(rate(integrationd_reconcile_duration_seconds_count{FILTER}[1h]))",
                "mean",
            ),
        ],
    ),
    graph(
        "Runs without a result",
        "1 while the last run could not read its files, the tenant or the ledger, by cause.",
        PanelKind::TimeSeries,
        "none",
        &[(
            "sum by (cause) (integrationd_last_run_failure{FILTER})",
            "{{cause}}",
        )],
    ),
];

const TENANT: &[Panel] = &[
    graph(
        "Requests to the tenant",
        "Requests per second, by status or kind of error.",
        PanelKind::Stacked,
        "reqps",
        &[(
            "sum by (code) (rate(integrationd_http_requests_total{FILTER}[$__rate_interval]))",
            "{{code}}",
        )],
    ),
    graph(
        "Duration of requests",
        "Median and 95th percentile of the duration of requests to the tenant.",
        PanelKind::TimeSeries,
        "s",
        &[
            (
                "histogram_quantile(0.5, sum by (le) \
                 (rate(integrationd_http_request_duration_seconds_bucket{FILTER}[$__rate_interval])))",
                "median",
            ),
            (
                "histogram_quantile(0.95, sum by (le) \
                 (rate(integrationd_http_request_duration_seconds_bucket{FILTER}[$__rate_interval])))",
                "95 %",
            ),
        ],
    ),
    graph(
        "Rate limit",
        "Requests per hour that the tenant rejected because of its rate limit.",
        PanelKind::TimeSeries,
        "none",
        &[(
            "sum(increase(integrationd_rate_limited_total{FILTER}[1h]))",
            "rejected",
        )],
    ),
];

const OTHERS: &[Panel] = &[
    graph(
        "Fetches from the repository",
        "Fetches from the git repository per hour, by result.",
        PanelKind::TimeSeries,
        "none",
        &[(
            "sum by (result) (increase(integrationd_git_fetch_total{FILTER}[1h]))",
            "{{result}}",
        )],
    ),
    graph(
        "Notifications",
        "Notification messages per hour, by result.",
        PanelKind::TimeSeries,
        "none",
        &[(
            "sum by (result) (increase(integrationd_notifications_total{FILTER}[1h]))",
            "{{result}}",
        )],
    ),
    graph(
        "Rejected requests",
        "Rejected requests to the page and to webhooks per hour, by reason.",
        PanelKind::TimeSeries,
        "none",
        &[(
            "sum by (reason) (increase(integrationd_rejected_requests_total{FILTER}[1h]))",
            "{{reason}}",
        )],
    ),
];

/// An expression for the chosen job and instance.
fn filtered(expression: &str) -> String {
    expression.replace("FILTER", "job=~\"$job\", instance=~\"$instance\"")
}

/// Every expression, with the title of its panel.
pub(super) fn expressions() -> Vec<(String, String)> {
    let panels = ROWS.iter().flat_map(|(_, _, panels)| panels.iter());
    let targets = panels.flat_map(|panel| panel.targets.iter().map(|target| (panel.title, target)));
    targets
        .map(|(title, (expression, _))| (title.to_owned(), filtered(expression)))
        .collect()
}

/// The dashboard, as Grafana imports it.
pub(in super::super) fn dashboard() -> String {
    let (mut panels, mut y) = (Vec::new(), 0);
    for (title, height, row) in ROWS {
        let place = json!({ "h": 1, "w": COLUMNS, "x": 0, "y": y });
        panels.push(json!({
            "id": panels.len() + 1,
            "type": "row",
            "title": title,
            "collapsed": false,
            "gridPos": place,
            "panels": [],
        }));
        y += 1;
        let mut x = 0;
        for panel in *row {
            if x + panel.width > COLUMNS {
                (x, y) = (0, y + height);
            }
            let place = json!({ "h": height, "w": panel.width, "x": x, "y": y });
            panels.push(rendered(panel, panels.len() + 1, &place));
            x += panel.width;
        }
        y += height;
    }
    let dashboard = json!({
        "uid": "integrationd",
        "title": "integrationd",
        "description": "State of integrationd daemons: runs, integrations, and requests to the tenant",
        "tags": ["integrationd"],
        "schemaVersion": SCHEMA,
        "version": 1,
        "editable": true,
        "refresh": "1m",
        "time": { "from": "now-24h", "to": "now" },
        "templating": { "list": variables() },
        "annotations": { "list": [] },
        "panels": panels,
    });
    format!("{dashboard:#}\n")
}

fn data_source() -> Json {
    json!({ "type": "prometheus", "uid": "${datasource}" })
}

fn variables() -> Json {
    let of_label = |label: &str, title: &str, filter: &str| {
        let query = format!("label_values(integrationd_build_info{filter}, {label})");
        json!({
            "name": label,
            "label": title,
            "type": "query",
            "datasource": data_source(),
            "definition": query,
            "query": { "query": query, "refId": "labels" },
            "refresh": 2,
            "sort": 1,
            "multi": true,
            "includeAll": true,
            "allValue": ".*",
            "current": { "text": "All", "value": "$__all" },
        })
    };
    json!([
        {
            "name": "datasource",
            "label": "Data source",
            "type": "datasource",
            "query": "prometheus",
            "current": {},
        },
        of_label("job", "Job", ""),
        of_label("instance", "Instance", "{job=~\"$job\"}"),
    ])
}

fn rendered(panel: &Panel, id: usize, place: &Json) -> Json {
    let Panel {
        title,
        description,
        kind,
        width: _,
        unit,
        targets,
    } = panel;
    let is_stat = matches!(kind, PanelKind::Stat);
    let targets = targets
        .iter()
        .zip('A'..)
        .map(|((expression, legend), letter)| {
            json!({
                "refId": letter,
                "datasource": data_source(),
                "expr": filtered(expression),
                "legendFormat": legend,
                "instant": is_stat,
                "range": !is_stat,
            })
        });
    let (plugin, defaults, options) = look_of(*kind, unit);
    json!({
        "id": id,
        "type": plugin,
        "title": title,
        "description": description,
        "datasource": data_source(),
        "gridPos": place,
        "targets": targets.collect::<Vec<_>>(),
        "fieldConfig": { "defaults": defaults, "overrides": [] },
        "options": options,
    })
}

/// The plugin of a panel, the defaults of its fields and its options.
fn look_of(kind: PanelKind, unit: &str) -> (&'static str, Json, Json) {
    let stacking = match kind {
        PanelKind::Stat => {
            let options = json!({
                "reduceOptions": { "calcs": ["lastNotNull"], "fields": "", "values": false },
                "textMode": "value_and_name",
                "colorMode": "none",
                "graphMode": "none",
            });
            return ("stat", json!({ "unit": unit, "noValue": "–" }), options);
        }
        PanelKind::TimeSeries => json!({ "mode": "none" }),
        PanelKind::Stacked => json!({ "mode": "normal" }),
    };
    let fill = if matches!(kind, PanelKind::Stacked) {
        40
    } else {
        0
    };
    let custom = json!({ "drawStyle": "line", "fillOpacity": fill, "stacking": stacking });
    let options = json!({
        "legend": { "displayMode": "list", "placement": "bottom", "showLegend": true },
        "tooltip": { "mode": "multi", "sort": "desc" },
    });
    let defaults = json!({ "unit": unit, "min": 0, "custom": custom });
    ("timeseries", defaults, options)
}

#[test]
fn every_family_is_in_the_dashboard_or_has_a_reason() {
    let expressions = expressions();
    let used: Vec<String> = expressions
        .iter()
        .flat_map(|(_, expression)| used_series(expression))
        .map(|series| series.name)
        .collect();
    let families = families();
    for family in &families {
        let is_shown = used.iter().any(|name| family.has_series(name));
        let mut reasons = NOT_SHOWN.iter().filter(|(name, _)| *name == family.name);
        let has_reason = reasons.any(|(_, reason)| !reason.is_empty());
        assert!(is_shown != has_reason, "{}: {is_shown}", family.name);
    }
    for (name, _) in NOT_SHOWN {
        assert!(families.iter().any(|family| family.name == *name), "{name}");
    }
}

/// A place of a panel: left, top, right and bottom.
fn place_of(panel: &Json) -> [u64; 4] {
    let [x, y, w, h] = ["x", "y", "w", "h"].map(|key| panel["gridPos"][key].as_u64().unwrap());
    assert!(w > 0 && h > 0 && x + w <= COLUMNS, "{panel}");
    [x, y, x + w, y + h]
}

#[test]
fn panels_of_the_dashboard_do_not_overlap() {
    let dashboard: Json = serde_json::from_str(&dashboard()).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let places: Vec<[u64; 4]> = panels.iter().map(place_of).collect();
    for (index, a) in places.iter().enumerate() {
        for b in &places[..index] {
            let is_apart = a[0] >= b[2] || b[0] >= a[2] || a[1] >= b[3] || b[1] >= a[3];
            assert!(is_apart, "{a:?} {b:?}");
        }
    }
    let expected: usize = ROWS.iter().map(|(_, _, panels)| panels.len() + 1).sum();
    assert_eq!(panels.len(), expected);
}

#[test]
fn grafana_can_import_the_dashboard() {
    let dashboard: Json = serde_json::from_str(&dashboard()).unwrap();
    assert_eq!(dashboard["schemaVersion"], SCHEMA);
    assert_eq!(dashboard.get("id"), None, "Grafana gives it one");
    let uid = dashboard["uid"].as_str().unwrap();
    let is_of_uid = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    assert!((1..=40).contains(&uid.len()) && uid.chars().all(is_of_uid));
    let (mut ids, mut titles) = (BTreeSet::new(), BTreeSet::new());
    let panels = dashboard["panels"].as_array().unwrap();
    for panel in panels {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{panel}");
        assert!(titles.insert(panel["title"].as_str().unwrap()), "{panel}");
        if panel["type"] == "row" {
            continue;
        }
        assert_eq!(panel["datasource"], data_source());
        let targets = panel["targets"].as_array().unwrap();
        let letters: BTreeSet<&str> = targets
            .iter()
            .map(|it| it["refId"].as_str().unwrap())
            .collect();
        assert_eq!(letters.len(), targets.len(), "{panel}");
        assert!(
            panel["description"].as_str().unwrap().ends_with('.'),
            "{panel}"
        );
    }
}
