//! The alerts, as data: the rules, their unit tests and the runbook are made from them.

use integrationd::reason::{Outlook, Reason};

/// An alert, with the series for which it fires and those for which it does not.
pub(super) struct Alert {
    pub(super) name: &'static str,
    /// `STALLED`, `LASTING` and `PASSING` stand for matchers of reasons.
    expression: &'static str,
    /// Time for which the expression must hold.
    pub(super) lasts: &'static str,
    pub(super) severity: &'static str,
    pub(super) summary: &'static str,
    pub(super) description: &'static str,
    /// The remedy, for the runbook.
    pub(super) remedy: &'static str,
    /// Series for which it fires after three hours, the labels of the alert, and the value.
    pub(super) fires: Fires,
    /// Series for which it does not fire.
    pub(super) silent: Series,
}

/// Labels of a series or an alert, in braces.
pub(super) type Labels = &'static str;

/// Series, and the values of one a minute in the notation of promtool.
pub(super) type Series = &'static [(&'static str, &'static str)];

/// Series for which an alert fires.
pub(super) struct Fires {
    pub(super) series: Series,
    /// Labels of the alert besides its severity.
    pub(super) labels: Labels,
    /// The value, as a template shows it.
    pub(super) value: &'static str,
}

const INSTANCE: Labels = r#"instance="a", job="b""#;

/// Reasons of the daemon's state with an alert of their own, and those without a failure.
const NOT_STALLED: &[Reason] = &[
    Reason::GuardRefused,
    Reason::NotAuthorized,
    Reason::ProgressingWithRetry,
    Reason::SourceRefused,
    Reason::SourceUnreadable,
    Reason::Starting,
    Reason::Suspended,
];

/// Reasons of integrations with an alert of their own.
const OWN_ALERT: &[Reason] = &[Reason::Contested, Reason::Drift, Reason::NotConverging];

/// Reasons that end by themselves in minutes, although nothing is sent for them.
const PASSES_SOON: &[Reason] = &[Reason::BackingOff, Reason::Busy];

/// A pattern of words.
fn pattern(is_part: impl Fn(Reason) -> bool) -> String {
    let reasons = Reason::ALL.iter().copied().filter(|it| is_part(*it));
    let words: Vec<&str> = reasons.map(Reason::as_str).collect();
    words.join("|")
}

impl Alert {
    /// The expression, with the reasons of the registry.
    pub(super) fn expression(&self) -> String {
        let is_lasting = |it: Reason| it.outlook() == Outlook::Lasts && !OWN_ALERT.contains(&it);
        let is_passing = |it: Reason| it.outlook() == Outlook::Passes || PASSES_SOON.contains(&it);
        let stalled = format!("reason!~\"{}\"", pattern(|it| NOT_STALLED.contains(&it)));
        let lasting = format!("reason!~\"{}\"", pattern(|it| !is_lasting(it)));
        let passing = format!("reason=~\"{}\"", pattern(is_passing));
        let expression = self.expression.replace("STALLED", &stalled);
        expression
            .replace("LASTING", &lasting)
            .replace("PASSING", &passing)
    }
}

/// The expression for one reason of the daemon's state.
macro_rules! condition {
    ($reason:literal) => {
        concat!("integrationd_condition{reason=\"", $reason, "\"} == 1")
    };
}

/// One series of the value 1, for which the alert has the same labels.
macro_rules! fires {
    ($metric:literal, $label:literal, $word:literal) => {
        Fires {
            series: &[(concat!($metric, "{", $label, "=\"", $word, "\"}"), "1x240")],
            labels: concat!("instance=\"a\", job=\"b\", ", $label, "=\"", $word, "\""),
            value: "1",
        }
    };
}

/// Every alert.
pub(super) const ALERTS: &[Alert] = &[
    Alert {
        name: "IntegrationdDown",
        expression: "absent(integrationd_build_info)",
        lasts: "10m",
        severity: "critical",
        summary: "No integrationd daemon is scraped.",
        description: "Prometheus scrapes no integrationd daemon. Changes in files are not \
                applied, and drift goes unnoticed.",
        remedy: "Run `systemctl status integrationd` on the machine of the daemon. If the \
                daemon runs, check the target in Prometheus: the address, the certificate and \
                the token of the [status page](status-page.md#access).",
        fires: Fires {
            series: &[("integrationd_interval_seconds", "600x240")],
            labels: "",
            value: "1",
        },
        silent: &[("integrationd_build_info{version=\"1\"}", "1x240")],
    },
    Alert {
        name: "IntegrationdInstanceDown",
        expression: "integrationd_build_info offset 1h unless on (job, instance) \
                integrationd_build_info",
        lasts: "10m",
        severity: "warning",
        summary: "An integrationd daemon is no longer scraped.",
        description: "Prometheus scraped the integrationd daemon at {{ $labels.instance }} \
                within the last hour, but no longer does.",
        remedy: "See [IntegrationdDown](#integrationddown). After an hour, this alert ends by \
                itself: for a daemon that must always run, also alert on `up == 0`.",
        fires: Fires {
            series: &[("integrationd_build_info{version=\"1\"}", "1x150")],
            labels: "instance=\"a\", job=\"b\", version=\"1\"",
            value: "1",
        },
        silent: &[("integrationd_build_info{version=\"1\"}", "1x240")],
    },
    Alert {
        name: "IntegrationdNoRuns",
        expression: "time() - integrationd_last_reconcile_timestamp_seconds > 3 * \
                integrationd_interval_seconds",
        lasts: "15m",
        severity: "critical",
        summary: "The integrationd daemon has ended no run for three intervals.",
        description: "The daemon at {{ $labels.instance }} has ended no run for three \
                intervals: a run hangs, or the daemon has not ended its first run.",
        remedy: "Read the log of the daemon: it names the operation under way. A daemon under \
                systemd is restarted by its watchdog; otherwise, restart the daemon.",
        fires: Fires {
            series: &[
                ("integrationd_last_reconcile_timestamp_seconds", "600x240"),
                ("integrationd_interval_seconds", "600x240"),
            ],
            labels: INSTANCE,
            value: "10200",
        },
        silent: &[
            ("integrationd_last_reconcile_timestamp_seconds", "0+60x240"),
            ("integrationd_interval_seconds", "600x240"),
        ],
    },
    Alert {
        name: "IntegrationdNotInSync",
        expression: "(time() - integrationd_last_success_timestamp_seconds > 3 * \
                integrationd_interval_seconds) unless on (job, instance) \
                (integrationd_condition{reason=\"Suspended\"} == 1)",
        lasts: "15m",
        severity: "warning",
        summary: "No run has ended in sync for three intervals.",
        description: "For three intervals, no run of the daemon at {{ $labels.instance }} has \
                ended with the tenant in sync with the files.",
        remedy: "Run `integrationd status`, or open the status page: it shows the reason and \
                the remedy. Another alert usually names the reason.",
        fires: Fires {
            series: &[
                ("integrationd_last_success_timestamp_seconds", "600x240"),
                ("integrationd_interval_seconds", "600x240"),
                ("integrationd_condition{reason=\"Suspended\"}", "0x240"),
            ],
            labels: INSTANCE,
            value: "10200",
        },
        silent: &[
            ("integrationd_last_success_timestamp_seconds", "600x240"),
            ("integrationd_interval_seconds", "600x240"),
            ("integrationd_condition{reason=\"Suspended\"}", "1x240"),
        ],
    },
    Alert {
        name: "IntegrationdGuardRefused",
        expression: condition!("GuardRefused"),
        lasts: "5m",
        severity: "warning",
        summary: "The guard refused a plan.",
        description: "The plan of the daemon at {{ $labels.instance }} exceeds a limit of the guard. \
                    Nothing is written until the plan is within the limits or approved.",
        remedy: "Read the plan on the status page. If the changes are intended, apply them with \
                    `integrationd sync` and the flag that the message names; see [the \
                    guard](guard.md).",
        fires: fires!("integrationd_condition", "reason", "GuardRefused"),
        silent: &[(r#"integrationd_condition{reason="Starting"}"#, "1x240")],
    },
    Alert {
        name: "IntegrationdNotAuthorized",
        expression: condition!("NotAuthorized"),
        lasts: "5m",
        severity: "critical",
        summary: "The tenant rejects the API key.",
        description: "The tenant of the daemon at {{ $labels.instance }} rejects the API key. The \
                    daemon does not try the key again until its next run.",
        remedy: "Run `integrationd ping`. If the key has expired or been revoked, write a new key \
                    to the file of `--api-key-file`.",
        fires: fires!("integrationd_condition", "reason", "NotAuthorized"),
        silent: &[(r#"integrationd_condition{reason="Starting"}"#, "1x240")],
    },
    Alert {
        name: "IntegrationdRevisionRejected",
        expression: condition!("SourceRefused"),
        lasts: "5m",
        severity: "critical",
        summary: "The revision in the repository must not be applied.",
        description: "The daemon at {{ $labels.instance }} rejects the revision in the repository: a \
                    signature is missing or invalid, or the history was rewritten.",
        remedy: "Check who pushed the revision. Sign the commit, or accept a rewritten history \
                    with `--git-allow-rewrite=COMMIT`; see [git.md](git.md).",
        fires: fires!("integrationd_condition", "reason", "SourceRefused"),
        silent: &[(r#"integrationd_condition{reason="Starting"}"#, "1x240")],
    },
    Alert {
        name: "IntegrationdSourceUnreadable",
        expression: "(integrationd_last_run_failure{cause=\"source\"} == 1) unless on (job, instance) \
                (integrationd_condition{reason=\"SourceRefused\"} == 1)",
        lasts: "15m",
        severity: "critical",
        summary: "The source of the files cannot be read.",
        description: "The daemon at {{ $labels.instance }} cannot read the integration files. Changes \
                    are not applied.",
        remedy: "Read the error on the status page: the URL, the branch, the directory or the \
                    credentials are wrong, or the server cannot be reached.",
        fires: fires!("integrationd_last_run_failure", "cause", "source"),
        silent: &[
            ("integrationd_last_run_failure{cause=\"source\"}", "1x240"),
            ("integrationd_condition{reason=\"SourceRefused\"}", "1x240"),
        ],
    },
    Alert {
        name: "IntegrationdRetrying",
        expression: condition!("ProgressingWithRetry"),
        lasts: "30m",
        severity: "warning",
        summary: "The daemon has retried failed runs for 30 minutes.",
        description: "The daemon at {{ $labels.instance }} has retried failed runs, or writes of \
                    single integrations, for 30 minutes.",
        remedy: "Read the log: it names the request that fails and the response. Run \
                    `integrationd explain NAME` for an integration whose write fails.",
        fires: fires!("integrationd_condition", "reason", "ProgressingWithRetry"),
        silent: &[(r#"integrationd_condition{reason="Starting"}"#, "1x240")],
    },
    Alert {
        name: "IntegrationdStalled",
        expression: "integrationd_condition{STALLED} == 1",
        lasts: "30m",
        severity: "warning",
        summary: "The daemon is stalled.",
        description: "The daemon at {{ $labels.instance }} has been stalled for 30 minutes: \
                {{ $labels.reason }}.",
        remedy: "[reasons.md](reasons.md) explains the reason. Fix the invalid file, the \
                settings or the blocked integration that `integrationd status` names.",
        fires: fires!("integrationd_condition", "reason", "InvalidFile"),
        silent: &[("integrationd_condition{reason=\"GuardRefused\"}", "1x240")],
    },
    Alert {
        name: "IntegrationdTenantUnreachable",
        expression: "integrationd_last_run_failure{cause=\"tenant\"} == 1",
        lasts: "10m",
        severity: "critical",
        summary: "The tenant cannot be read.",
        description: "The daemon at {{ $labels.instance }} cannot read the tenant. Changes \
                are not applied, and drift goes unnoticed.",
        remedy: "Run `integrationd ping` on the machine of the daemon. Check the network, the \
                proxy, the certificate and the status of Immuta.",
        fires: fires!("integrationd_last_run_failure", "cause", "tenant"),
        silent: &[("integrationd_last_run_failure{cause=\"ledger\"}", "1x240")],
    },
    Alert {
        name: "IntegrationdLedgerError",
        expression: "integrationd_last_run_failure{cause=\"ledger\"} == 1",
        lasts: "10m",
        severity: "critical",
        summary: "The ledger cannot be read or written.",
        description: "The daemon at {{ $labels.instance }} cannot read or write its ledger. \
                Without the ledger, nothing is applied.",
        remedy: "Read the error on the status page. Check the free space, the permissions and \
                the owner of the state directory; see [ledger.md](ledger.md).",
        fires: fires!("integrationd_last_run_failure", "cause", "ledger"),
        silent: &[("integrationd_last_run_failure{cause=\"tenant\"}", "1x240")],
    },
    Alert {
        name: "IntegrationdFetchFailing",
        expression: "sum without (result) \
                (increase(integrationd_git_fetch_total{result=\"failure\"}[30m])) > 0 unless \
                sum without (result) \
                (increase(integrationd_git_fetch_total{result=\"success\"}[30m])) > 0",
        lasts: "30m",
        severity: "warning",
        summary: "Fetches from the repository fail.",
        description: "All fetches of the daemon at {{ $labels.instance }} from the git \
                repository have failed for 30 minutes.",
        remedy: "Read the error in the log: the server cannot be reached, or rejects the \
                credentials.",
        fires: Fires {
            series: &[
                (
                    "integrationd_git_fetch_total{result=\"failure\"}",
                    "0+1x240",
                ),
                ("integrationd_git_fetch_total{result=\"success\"}", "5x240"),
            ],
            labels: INSTANCE,
            value: "30",
        },
        silent: &[
            (
                "integrationd_git_fetch_total{result=\"failure\"}",
                "0+1x240",
            ),
            (
                "integrationd_git_fetch_total{result=\"success\"}",
                "0+1x240",
            ),
        ],
    },
    Alert {
        name: "IntegrationdIntegrationBlocked",
        expression: "integrationd_integrations_by_reason{LASTING} > 0",
        lasts: "15m",
        severity: "warning",
        summary: "Integrations have failed or are blocked.",
        description: "An operator must act for {{ $value }} integration(s) of the daemon at \
                {{ $labels.instance }}: {{ $labels.reason }}.",
        remedy: "`integrationd status` names the integrations. Run `integrationd explain \
                NAME`: it shows the cause and the remedy. [reasons.md](reasons.md) explains the \
                reason.",
        fires: fires!(
            "integrationd_integrations_by_reason",
            "reason",
            "ValidationFailed"
        ),
        silent: &[(
            "integrationd_integrations_by_reason{reason=\"Busy\"}",
            "1x240",
        )],
    },
    Alert {
        name: "IntegrationdIntegrationStuck",
        expression: "integrationd_integrations_by_reason{PASSING} > 0",
        lasts: "2h",
        severity: "warning",
        summary: "Integrations do not recover by themselves.",
        description: "A reason that usually ends by itself has held for two hours for {{ \
                $value }} integration(s) of the daemon at {{ $labels.instance }}: {{ \
                $labels.reason }}.",
        remedy: "Run `integrationd explain NAME`. A missing secret, a server that stays busy \
                or an unknown outcome needs an operator; see [reasons.md](reasons.md).",
        fires: fires!(
            "integrationd_integrations_by_reason",
            "reason",
            "MissingSecret"
        ),
        silent: &[(
            "integrationd_integrations_by_reason{reason=\"Protected\"}",
            "1x240",
        )],
    },
    Alert {
        name: "IntegrationdContested",
        expression: "integrationd_integrations_by_reason{reason=\"Contested\"} > 0",
        lasts: "5m",
        severity: "warning",
        summary: "Someone else keeps changing an integration.",
        description: "Someone else keeps changing {{ $value }} integration(s) of the daemon \
                at {{ $labels.instance }} back, so that integrationd no longer repairs the drift.",
        remedy: "Find the other writer: a second daemon, a script or a person in the UI. Then \
                run `integrationd sync`, or add the attribute to `sync.ignore`.",
        fires: fires!("integrationd_integrations_by_reason", "reason", "Contested"),
        silent: &[(
            "integrationd_integrations_by_reason{reason=\"Contested\"}",
            "0x240",
        )],
    },
    Alert {
        name: "IntegrationdNotConverging",
        expression: "integrationd_not_converging_integrations > 0",
        lasts: "15m",
        severity: "warning",
        summary: "The server does not keep a written value.",
        description: "The server does not keep what the daemon at {{ $labels.instance }} \
                wrote to {{ $value }} integration(s).",
        remedy: "Run `integrationd explain NAME`: it names the attribute. Write the value as \
                the server normalises it, or add the attribute to `sync.ignore`.",
        fires: Fires {
            series: &[("integrationd_not_converging_integrations", "1x240")],
            labels: INSTANCE,
            value: "1",
        },
        silent: &[("integrationd_not_converging_integrations", "0x240")],
    },
    Alert {
        name: "IntegrationdDrift",
        expression: "integrationd_drifted_integrations > 0",
        lasts: "1h",
        severity: "warning",
        summary: "Drift has not been repaired for an hour.",
        description: "For an hour, values of {{ $value }} integration(s) of the daemon at {{ \
                $labels.instance }} have differed from the applied ones.",
        remedy: "The status page shows the drift. With `--on-drift report`, or while a write \
                fails, drift remains: accept it with `integrationd export --update NAME`, or \
                repair it with `integrationd sync`.",
        fires: Fires {
            series: &[("integrationd_drifted_integrations", "1x240")],
            labels: INSTANCE,
            value: "1",
        },
        silent: &[("integrationd_drifted_integrations", "0x170 1x70")],
    },
    Alert {
        name: "IntegrationdRequestErrors",
        expression: "sum without (method, route, code) \
                (increase(integrationd_http_requests_total{code=~\"5..|connect|certificate|\
                timeout|broken\"}[1h])) / sum without (method, route, code) \
                (increase(integrationd_http_requests_total[1h])) > 0.2",
        lasts: "15m",
        severity: "warning",
        summary: "Many requests to the tenant fail.",
        description: "More than a fifth of the requests of the daemon at {{ $labels.instance \
                }} to the tenant have failed in the last hour.",
        remedy: "The dashboard shows the requests by code. Codes of 500 and above are errors \
                of Immuta; `connect`, `certificate`, `timeout` and `broken` are errors of the \
                network.",
        fires: Fires {
            series: &[
                (
                    "integrationd_http_requests_total{code=\"200\",method=\"GET\",route=\"/\"}",
                    "0+1x240",
                ),
                (
                    "integrationd_http_requests_total{code=\"503\",method=\"GET\",route=\"/\"}",
                    "0+1x240",
                ),
            ],
            labels: INSTANCE,
            value: "0.5",
        },
        silent: &[
            (
                "integrationd_http_requests_total{code=\"200\",method=\"GET\",route=\"/\"}",
                "0+9x240",
            ),
            (
                "integrationd_http_requests_total{code=\"503\",method=\"GET\",route=\"/\"}",
                "0+1x240",
            ),
        ],
    },
    Alert {
        name: "IntegrationdRateLimited",
        expression: "increase(integrationd_rate_limited_total[1h]) > 30",
        lasts: "15m",
        severity: "warning",
        summary: "The tenant limits the rate of requests.",
        description: "The tenant has rejected more than 30 requests of the daemon at {{ \
                $labels.instance }} in the last hour because of its rate limit.",
        remedy: "Increase `--interval`, decrease `--parallelism`, or find the other client \
                that uses the same key.",
        fires: Fires {
            series: &[("integrationd_rate_limited_total", "0+1x240")],
            labels: INSTANCE,
            value: "60",
        },
        silent: &[("integrationd_rate_limited_total", "40x240")],
    },
    Alert {
        name: "IntegrationdWebhookRejections",
        expression: "sum without (reason) \
                (increase(integrationd_rejected_requests_total{reason=~\"unreadable_webhook|\
                unsigned_webhook\"}[15m])) > 5",
        lasts: "5m",
        severity: "warning",
        summary: "Webhooks are rejected.",
        description: "The daemon at {{ $labels.instance }} has rejected more than five \
                webhooks within 15 minutes.",
        remedy: "If the webhooks are from your forge, compare the secret of the webhook with \
                `--webhook-secret-file`; see [push.md](push.md). Otherwise, someone else sends \
                them: restrict access to the address.",
        fires: Fires {
            series: &[
                (
                    "integrationd_rejected_requests_total{reason=\"unsigned_webhook\"}",
                    "0+1x240",
                ),
                (
                    "integrationd_rejected_requests_total{reason=\"wrong_token\"}",
                    "0+1x240",
                ),
            ],
            labels: INSTANCE,
            value: "15",
        },
        silent: &[
            (
                "integrationd_rejected_requests_total{reason=\"unsigned_webhook\"}",
                "5x240",
            ),
            (
                "integrationd_rejected_requests_total{reason=\"wrong_token\"}",
                "0+9x240",
            ),
        ],
    },
    Alert {
        name: "IntegrationdLoginRejections",
        expression: "sum without (reason) \
                (increase(integrationd_rejected_requests_total{reason=~\"failed_login|\
                wrong_token\"}[15m])) > 10",
        lasts: "5m",
        severity: "warning",
        summary: "Requests with a wrong token are rejected.",
        description: "The daemon at {{ $labels.instance }} has rejected more than ten \
                requests with a wrong token within 15 minutes.",
        remedy: "The log names the addresses of the clients. If Prometheus is among them, \
                update its token; otherwise, someone may be guessing the token.",
        fires: Fires {
            series: &[(
                "integrationd_rejected_requests_total{reason=\"wrong_token\"}",
                "0+1x240",
            )],
            labels: INSTANCE,
            value: "15",
        },
        silent: &[(
            "integrationd_rejected_requests_total{reason=\"wrong_token\"}",
            "20x240",
        )],
    },
    Alert {
        name: "IntegrationdNotificationsFailing",
        expression: "sum without (result) \
                (increase(integrationd_notifications_total{result=~\"dropped|failure\"}[1h])) > 0",
        lasts: "5m",
        severity: "warning",
        summary: "Notifications are not delivered.",
        description: "The daemon at {{ $labels.instance }} could not deliver notifications \
                within the last hour.",
        remedy: "The log has the response of the receiver. Check the URL in \
                `--notify-url-file`; see [notifications.md](notifications.md).",
        fires: Fires {
            series: &[(
                "integrationd_notifications_total{result=\"failure\"}",
                "0+1x240",
            )],
            labels: INSTANCE,
            value: "60",
        },
        silent: &[(
            "integrationd_notifications_total{result=\"success\"}",
            "0+1x240",
        )],
    },
];
