//! Endpoints of the daemon as a process: access, host names, states, and limits.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;

use http::Method;
use integrationd::net::{HttpSettings, HttpTransport, ServerUrl, UrlTemplate};
use integrationd::simulator::{
    API_KEY, FailedTest, Fault, FaultKind, SimulatedDrift, SimulatedStatus,
};
use serde_json::json;

use crate::common::{Files, Integrationd, eventually, lake, snowflake};
use crate::support::certificate::certificate;
use crate::web::{Answer, Served, TOKEN, Web};

fn one() -> Files {
    Files::none().with("lake.yaml", &lake("lake", "${env:LAKE_TOKEN}"))
}

#[test]
fn it_is_alive_at_once_and_ready_after_the_first_good_run() {
    let web = Web::new(one());
    let down = Fault::new(FaultKind::ServerError {
        code: 503,
        after_effect: false,
    });
    web.tenant.simulator.fault(down.always());
    let served = web.serve(&[]);
    assert_eq!(served.get("/livez").code, 200);
    served.daemon.prints("the tenant could not be read");
    assert_eq!(served.get("/readyz").code, 503);
    eventually("the page says it", || {
        let page = served.get("/");
        page.code == 200 && page.body.contains("the tenant could not be read")
    });
    web.tenant.simulator.clear_faults();
    served.daemon.signal("HUP");
    eventually("it is ready", || served.get("/readyz").code == 200);
    // What is down later is shown, and is no reason to be taken out of service.
    let down = Fault::new(FaultKind::Html {
        after_effect: false,
    });
    web.tenant.simulator.fault(down.always());
    served.daemon.signal("HUP");
    eventually("the page says it", || {
        served
            .get("/")
            .body
            .contains("the data below is from an earlier run")
    });
    assert_eq!(served.get("/readyz").code, 200);
    assert_eq!(served.row("lake")["state"], "Ready");
    served.end();
}

#[test]
fn worker_that_hangs_is_not_alive_and_the_page_is_served() {
    let web = Web::new(one());
    let key = web.state.path().join("key");
    std::fs::write(&key, API_KEY).unwrap();
    let daemon = web.daemon(&["--api-key-file", key.to_str().unwrap()]);
    let mut served = Served::of(daemon.start());
    eventually("it is ready", || served.get("/readyz").code == 200);
    assert_eq!(served.get("/livez").code, 200);
    // Opening a pipe waits for its other end.
    std::fs::remove_file(&key).unwrap();
    let made = Command::new("mkfifo").arg(&key).status().unwrap();
    assert!(made.success());
    web.files.change("lake.yaml", "/p", "/q");
    eventually("it hangs", || served.get("/livez").code == 503);
    assert_eq!(served.get("/").code, 200);
    served.daemon.kill();
}

#[test]
fn status_has_state_and_reason_of_each_integration() {
    let web = Web::new(
        one()
            .with("moved.yaml", &lake("moved", "${env:LAKE_TOKEN}"))
            .with("ill.yaml", &lake("ill", "${env:LAKE_TOKEN}"))
            .with("refused.yaml", &lake("refused", "${env:LAKE_TOKEN}"))
            .with("bad.yaml", "type: Trino\nwhat: 1\n")
            .with(
                "asleep.yaml",
                "type: Trino\nsync: {suspend: {reason: moving house}}\n",
            ),
    );
    let served = web.ready(&["--parallelism", "1"]);
    let id = |name: &str| served.row(name)["id"].as_str().unwrap().to_owned();
    let number = |name: &str| id(name).parse().unwrap();
    let simulator = &web.tenant.simulator;
    let by_hand = SimulatedDrift::value(number("moved"), "/httpPath", json!("/by-hand"));
    simulator.drift(by_hand).unwrap();
    let ill = SimulatedDrift::status(number("ill"), SimulatedStatus::RecurringValidationError);
    simulator.drift(ill).unwrap();
    let fails = FaultKind::EditError(FailedTest {
        test: "Validate host".to_owned(),
        message: "no such host".to_owned(),
    });
    let path = format!("/integrations/{}", id("refused"));
    simulator.fault(Fault::new(fails).on(&Method::PUT, &path).always());
    web.files.change("refused.yaml", "/p", "/q");
    eventually("the write fails", || {
        served.row("refused")["state"] == "Stalled"
    });
    let row = |name: &str| {
        let row = served.row(name);
        let reason = row["reason"].as_str().unwrap_or("-").to_owned();
        format!("{} {reason}", row["state"].as_str().unwrap())
    };
    assert_eq!(row("lake"), "Ready -");
    assert_eq!(row("ill"), "Stalled ValidationFailed");
    assert_eq!(row("bad"), "Stalled InvalidFile");
    assert_eq!(row("asleep"), "Suspended Pending");
    assert_eq!(served.row("asleep")["about"][0], "moving house");
    assert_eq!(row("refused"), "Stalled WriteFailed");
    let test = &served.row("refused")["failing_tests"][0];
    assert_eq!(
        (&test["name"], &test["message"]),
        (&json!("Validate host"), &json!("no such host"))
    );
    assert_eq!(row("moved"), "Ready -");
    let status = served.status();
    assert_eq!(status["seen"]["states"]["Stalled"], 3);
    assert_eq!(status["seen"]["mistakes"][0]["code"], "E0202");
    let history = status["seen"]["history"].as_array().unwrap();
    assert!(
        history
            .iter()
            .any(|run| run["outcome"] == "4 applied, 0 failed"),
        "{history:#?}"
    );
    served.end();
}

#[test]
fn status_and_report_count_a_plan_alike() {
    let asleep = "type: Trino\nsync: {suspend: {reason: moving house}}\n";
    let files = one()
        .with("asleep.yaml", asleep)
        .with("bad.yaml", "type: Trino\nwhat: 1\n");
    let web = Web::new(files);
    let dry_run = Integrationd::new(["sync", "--dry-run", "--output=json"]);
    let dry_run = dry_run.on(&web.tenant).with(&web.files);
    let mut report = dry_run.env("LAKE_TOKEN", "token-of-the-lake").run().json();
    let summary = report["plan"]["summary"].as_object_mut().unwrap();
    // The daemon runs all of them.
    assert_eq!(summary.remove("unselected"), Some(json!(0)));
    let served = web.ready(&[]);
    assert_eq!(served.status()["seen"]["plan"], report["plan"]["summary"]);
    assert_eq!(report["plan"]["summary"]["create"], 1);
    served.end();
}

#[test]
fn drift_is_shown_as_repaired_or_as_left() {
    for (policy, state, repaired) in [("apply", "Ready", true), ("report", "Ready", false)] {
        let web = Web::new(one());
        let served = web.ready(&["--on-drift", policy]);
        let drift = SimulatedDrift::value(1, "/httpPath", json!("/by-hand"));
        web.tenant.simulator.drift(drift).unwrap();
        served.daemon.signal("HUP");
        eventually("the drift is seen", || {
            served.row("lake")["drift"] == json!(["httpPath"])
        });
        let row = served.row("lake");
        assert_eq!(
            (&row["state"], &row["drift_repaired"]),
            (&json!(state), &json!(repaired))
        );
        let metrics = served.get("/metrics").body;
        assert!(
            metrics.contains("integrationd_drifted_integrations 1\n"),
            "{metrics}"
        );
        served.end();
    }
}

/// A lake with an OAuth client, whose authority is the server's own.
const CLIENT: &str = "type: Databricks\nautoBootstrap: false\nconfig:\n  \
    workspaceUrl: lake.example.com\n  httpPath: /p\n  authenticationType: oAuthM2M\n  \
    oAuthClientConfig:\n    useCertificate: false\n    clientId: id\n    \
    clientSecret: '${env:LAKE_TOKEN}'\n    authorityUrl: https://login.example.com/oidc\n\
    sync: {ignore: [{path: /oAuthClientConfig/authorityUrl, reason: by hand}]}\n";

#[test]
fn carried_destination_is_shown_with_its_host() {
    for args in [&[][..], &["--policy", "observe"]] {
        let web = Web::new(Files::none().with("lake.yaml", CLIENT));
        web.ready(&[]).end();
        let edits = [
            (
                "/oAuthClientConfig/authorityUrl",
                "https://carried.example/x",
            ),
            ("/proxyOptions", "<img src=x>\u{202e}"),
        ];
        for (path, value) in edits {
            let value = match path {
                "/proxyOptions" => json!({ "host": value }),
                _ => json!(value),
            };
            web.tenant
                .simulator
                .drift(SimulatedDrift::value(1, path, value))
                .unwrap();
        }
        web.tenant.simulator.clear_log();
        // The server never shows a proxy's password, so that the update could drop one.
        let proxy = "  proxyOptions: {password: p}\nsync:";
        web.files.change("lake.yaml", "sync:", proxy);
        web.files.change("lake.yaml", "/p", "/q");
        let served = web.ready(args);
        assert_eq!(web.tenant.writes().len(), usize::from(args.is_empty()));
        let row = served.row("lake");
        assert_eq!(
            row["destinations_carried"],
            json!([
                { "path": "oAuthClientConfig/authorityUrl", "host": "carried.example" },
                { "path": "proxyOptions/host", "host": null },
            ]),
            "{row}"
        );
        let page = served.get("/").body;
        let (_, table) = page.split_once("<table").unwrap();
        for line in [
            "<li>oAuthClientConfig/authorityUrl keeps the server's value, which points to \
            carried.example.</li>",
            "<li>proxyOptions/host keeps the server's value, which points to an unknown \
            destination.</li>",
        ] {
            assert!(table.contains(line), "{line}\n{page}");
        }
        let (_, plan) = page.split_once("id=\"plan\"").unwrap();
        assert!(plan.contains("points to carried.example\n"), "{page}");
        assert!(
            !page.contains("<img src=x") && !page.contains('\u{202e}'),
            "{page}"
        );
        served.end();
    }
}

#[test]
fn page_shows_that_a_refused_plan_waits_for_an_operator() {
    let web = Web::new(one());
    let served = web.ready(&["--max-changes", "0"]);
    let status = served.status();
    assert_eq!(
        (&status["state"], &status["reason"]),
        (&json!("Stalled"), &json!("GuardRefused"))
    );
    assert_eq!(served.row("lake")["reason"], "GuardRefused");
    let page = served.get("/").body;
    assert!(page.contains("Refused by the guard:"), "{page}");
    served.end();
}

#[test]
fn metrics_are_those_of_the_run_with_routes_instead_of_paths() {
    let web = Web::new(one());
    let served = web.ready(&[]);
    let answer = served.get("/metrics");
    let kind = answer.header("content-type").unwrap();
    assert!(
        kind.starts_with("application/openmetrics-text; version=1.0.0"),
        "{kind}"
    );
    for line in [
        "integrationd_reconcile_total{result=\"success\"} 1",
        "integrationd_integrations{platform=\"Databricks\",state=\"Ready\"} 1",
        "integrationd_plan_changes{action=\"create\"} 1",
        "integrationd_http_requests_total{method=\"POST\",route=\"/integrations\",code=\"200\"} 1",
        "integrationd_rate_limited_total 0",
    ] {
        assert!(
            answer.body.contains(&format!("{line}\n")),
            "{line}\n{}",
            answer.body
        );
    }
    let route = "method=\"GET\",route=\"/integrations/{id}/status\",code=\"200\"";
    assert!(answer.body.contains(route), "{}", answer.body);
    assert!(!answer.body.contains("lake.e"), "{}", answer.body);
    served.end();
}

#[test]
fn hostile_text_is_shown_and_never_obeyed() {
    let name = "<script>alert(1)</script>\u{202e}'\"&.yaml";
    let web = Web::new(one().with(name, "type: Trino\nwhat: 1\n"));
    let long = "x".repeat(100_000);
    let fails = FaultKind::CreateError(FailedTest {
        test: "<img src=x onerror=alert(2)>".to_owned(),
        message: format!("\u{202e}\u{1b}[31m\u{0} </pre><script>alert(3)</script> {long}"),
    });
    web.tenant.fails_once(&Method::POST, "/integrations", fails);
    let served = web.ready(&[]);
    for path in [
        "/",
        "/?q=%3Cscript%3Ealert(4)%3C/script%3E%22%27&platform=%22%3E",
    ] {
        let page = served.get(path);
        assert_eq!(page.code, 200);
        for (nth, part) in page.body.split("<script").enumerate().skip(1) {
            assert!(
                part.starts_with(" src=\"/page.js\" defer"),
                "{nth}: {part:.100}"
            );
        }
        assert!(!page.body.contains("<img src=x"), "{}", page.body);
        let steers = |c: char| c != '\n' && integrationd::text::is_unsafe(c);
        assert_eq!(page.body.chars().find(|c| steers(*c)), None);
        assert!(
            page.body
                .contains("&lt;script&gt;alert(1)&lt;/script&gt;\\u{202e}")
        );
        let policy = page.header("content-security-policy").unwrap();
        assert!(
            policy.contains("script-src 'self'") && !policy.contains("unsafe"),
            "{policy}"
        );
    }
    assert!(served.status()["seen"]["integrations"].is_array());
    served.end();
}

#[test]
fn every_answer_has_the_strict_headers() {
    let web = Web::new(one());
    let served = web.ready(&[]);
    let big = "x".repeat(20_000);
    let answers = [
        served.get("/"),
        served.get("/page.css"),
        served.get("/page.js"),
        served.get("/icon.svg"),
        served.get("/status"),
        served.get("/metrics"),
        served.get("/nothing"),
        served.ask("DELETE", "/", &[], ""),
        served.ask("POST", "/login", &[], &big),
        served.ask("GET", "/", &[("host", "evil.example")], ""),
    ];
    for answer in answers {
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("cache-control", "no-store"),
            ("x-frame-options", "DENY"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{}", answer.head);
        }
        let policy = answer.header("content-security-policy").unwrap();
        for part in [
            "default-src 'none'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ] {
            assert!(policy.contains(part), "{policy}");
        }
    }
    served.end();
}

#[test]
fn it_answers_only_under_its_own_names() {
    let web = Web::new(one());
    let served = web.ready(&["--allow-host", "status.example.com"]);
    let code = |hosts: &[&str]| {
        let lines = hosts.iter().map(|host| format!("host: {host}\r\n"));
        let lines: String = lines.collect();
        served
            .send(&format!(
                "GET /status HTTP/1.1\r\nconnection: close\r\n{lines}\r\n"
            ))
            .code
    };
    assert_eq!(code(&["localhost:1234"]), 200);
    assert_eq!(code(&["status.example.com"]), 200);
    assert_eq!(code(&["evil.example"]), 421);
    assert_eq!(code(&["127.0.0.1.evil.example"]), 421);
    assert_eq!(code(&["localhost", "evil.example"]), 421);
    assert_eq!(code(&[]), 421);
    let absolute =
        "GET http://evil.example/status HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    assert_eq!(served.send(absolute).code, 421);
    served.end();
}

#[test]
fn unknown_path_is_404_other_method_405_and_head_has_no_body() {
    let web = Web::new(one());
    let served = web.ready(&[]);
    for path in [
        "/nothing",
        "/../etc/passwd",
        "/status/",
        "//",
        "/page.css/x",
    ] {
        assert_eq!(served.get(path).code, 404, "{path}");
    }
    for (method, path, allow) in [
        ("POST", "/", "GET, HEAD"),
        ("PUT", "/status", "GET, HEAD"),
        ("OPTIONS", "/metrics", "GET, HEAD"),
        ("GET", "/sync", "POST"),
        ("DELETE", "/login", "GET, HEAD, POST"),
    ] {
        let answer = served.ask(method, path, &[], "");
        assert_eq!(answer.code, 405, "{method} {path}");
        assert_eq!(answer.header("allow"), Some(allow));
    }
    let (whole, head) = (
        served.get("/page.css"),
        served.ask("HEAD", "/page.css", &[], ""),
    );
    assert_eq!((head.code, head.body.as_str()), (200, ""));
    assert_eq!(
        head.header("content-length"),
        Some(&*whole.body.len().to_string())
    );
    served.end();
}

#[test]
fn a_page_that_is_known_already_is_not_sent_again() {
    let web = Web::new(one());
    let served = web.ready(&[]);
    let mut tag = String::new();
    eventually("run finished", || {
        tag = served.get("/").header("etag").unwrap().to_owned();
        served.status()["state"] == "Ready"
    });
    let again = |tag: &str| served.ask("GET", "/", &[("if-none-match", tag)], "");
    let tag = served.get("/").header("etag").unwrap().to_owned();
    let same = again(&tag);
    assert_eq!((same.code, same.body.as_str()), (304, ""));
    web.files.change("lake.yaml", "/p", "/q");
    eventually("it is another page", || again(&tag).code == 200);
    served.end();
}

#[test]
fn health_alone_is_shown_without_the_token() {
    let web = Web::new(one());
    let served = web.serve_with_token();
    for path in ["/", "/status", "/metrics"] {
        let answer = served.get(path);
        assert_eq!(answer.code, 401, "{path}");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        assert!(!answer.body.contains("lake"));
        for wrong in [
            "",
            "Bearer",
            "Bearer wrong",
            &format!("Basic {TOKEN}"),
            &format!("Bearer {TOKEN}2"),
        ] {
            let answer = served.ask("GET", path, &[("authorization", wrong)], "");
            assert_eq!(answer.code, 401, "{path} {wrong}");
        }
        assert_eq!(served.get_as_bearer(path).code, 200, "{path}");
    }
    let browser = served.ask("GET", "/", &[("accept", "text/html")], "");
    assert_eq!(
        (browser.code, browser.header("location")),
        (303, Some("/login"))
    );
    assert_eq!(served.get("/livez").code, 200);
    served.end();
}

#[test]
fn wrong_tokens_are_logged_and_lock_no_other_client_out() {
    let web = Web::new(one());
    let served = web.serve_with_token();
    let tried = |nth: usize| format!("guess-number-{nth}");
    for nth in 0..50 {
        let bearer = format!("Bearer {}", tried(nth));
        let answer = served.ask("GET", "/status", &[("authorization", &bearer)], "");
        assert_eq!(answer.code, 401);
        let form = format!("token={}", tried(nth));
        assert_eq!(served.ask("POST", "/login", &[], &form).code, 401);
    }
    assert_eq!(served.get_as_bearer("/status").code, 200);
    log_in(&served);
    // A request without a token is not a failed attempt.
    assert_eq!(served.get("/status").code, 401);
    // All of them are counted, and the first ten logged.
    let metrics = served.get_as_bearer("/metrics").body;
    for (said, reason) in [
        ("rejected a request with a wrong token", "wrong_token"),
        ("rejected a login with a wrong token", "failed_login"),
    ] {
        let lines = || served.daemon.printed().matches(said).count();
        eventually(said, || lines() == 5);
        let series = format!("integrationd_rejected_requests_total{{reason=\"{reason}\"}} 50\n");
        assert!(metrics.contains(&series), "{metrics}");
    }
    let printed = served.daemon.printed();
    assert!(!printed.contains("guess-number"), "{printed}");
    served.end();
}

/// Logs in; the cookie.
fn log_in(served: &Served) -> String {
    let answer = served.ask("POST", "/login", &[], &format!("token={TOKEN}"));
    assert_eq!((answer.code, answer.header("location")), (303, Some("/")));
    answer.cookie().to_owned()
}

#[test]
fn an_operator_asks_for_a_run_with_the_form_of_the_page() {
    let web = Web::new(one());
    let served = web.serve_with_token();
    let wrong = served.ask("POST", "/login", &[], "token=wrong");
    assert_eq!((wrong.code, wrong.header("set-cookie")), (401, None));
    let cookie = log_in(&served);
    let page = served.ask("GET", "/", &[("cookie", &cookie)], "");
    assert_eq!(page.code, 200);
    let drift = SimulatedDrift::value(1, "/httpPath", json!("/by-hand"));
    web.tenant.simulator.drift(drift).unwrap();
    web.tenant.simulator.clear_log();
    let sync = |headers: &[(&str, &str)], body: &str| served.ask("POST", "/sync", headers, body);
    let with_cookie = [("cookie", &*cookie)];
    let form = format!("csrf={}", page.csrf());
    assert_eq!(sync(&with_cookie, "").code, 403);
    assert_eq!(sync(&with_cookie, "csrf=wrong").code, 403);
    assert_eq!(sync(&[], &form).code, 401);
    let other = served.ask("GET", "/", &[("cookie", &log_in(&served))], "");
    assert_eq!(
        sync(&with_cookie, &format!("csrf={}", other.csrf())).code,
        403
    );
    let elsewhere = [("cookie", &*cookie), ("origin", "http://evil.example")];
    assert_eq!(sync(&elsewhere, &form).code, 403);
    let cross = [("cookie", &*cookie), ("sec-fetch-site", "cross-site")];
    assert_eq!(sync(&cross, &form).code, 403);
    assert_eq!(web.tenant.requests(), [""; 0]);
    let origin = served.url();
    let answer = sync(&[("cookie", &cookie), ("origin", &origin)], &form);
    assert_eq!((answer.code, answer.header("location")), (303, Some("/")));
    eventually("the run", || web.tenant.writes() == ["PUT /integrations/1"]);
    let out = served.ask("POST", "/logout", &with_cookie, &form);
    assert!(
        out.header("set-cookie").unwrap().contains("Max-Age=0"),
        "{}",
        out.head
    );
    // The cookie is worthless after the logout.
    let again = served.ask("GET", "/", &with_cookie, "");
    assert_eq!(again.code, 401, "{}", again.head);
    assert_eq!(sync(&with_cookie, &form).code, 401);
    served.end();
}

#[test]
fn run_is_requested_with_the_token_and_never_without_one() {
    let web = Web::new(one());
    let served = web.serve_with_token();
    let bearer = format!("Bearer {TOKEN}");
    web.tenant.simulator.clear_log();
    let answer = served.ask("POST", "/sync", &[("authorization", &bearer)], "");
    assert_eq!(answer.code, 303);
    eventually("the run", || !web.tenant.requests().is_empty());
    served.end();
    let open = web.ready(&[]);
    let answer = open.ask("POST", "/sync", &[("authorization", &bearer)], "");
    assert_eq!(answer.code, 403);
    assert!(
        answer.body.contains("--listen-token-file"),
        "{}",
        answer.body
    );
    assert!(!open.get("/").body.contains("Sync now"));
    open.end();
}

#[test]
fn large_body_is_not_read_and_a_slow_client_delays_no_other() {
    let web = Web::new(one());
    let served = web.ready(&[]);
    let announced =
        "POST /login HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99999999999\r\n\r\n";
    assert_eq!(served.send(announced).code, 413);
    let chunk = format!("8000\r\n{}\r\n", "x".repeat(0x8000));
    let head = "POST /login HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n";
    assert_eq!(served.send(&format!("{head}{chunk}{chunk}")).code, 413);
    let wide = format!(
        "GET / HTTP/1.1\r\nhost: localhost\r\ncookie: {}\r\n\r\n",
        "x".repeat(70_000)
    );
    assert_eq!(served.send(&wide).code, 431);
    let slow: Vec<_> = (0..20)
        .map(|_| {
            let mut stream = served.connect();
            stream.write_all(b"GET /status HT").unwrap();
            stream
        })
        .collect();
    assert_eq!(served.get("/livez").code, 200);
    // Those that wait are let go at the end, too.
    served.end();
    for mut stream in slow {
        let _ = stream.read_to_end(&mut Vec::new());
    }
}

#[test]
fn an_end_waits_for_no_idle_connection() {
    let web = Web::new(one());
    let served = web.ready(&[]);
    let mut idle = served.connect();
    idle.write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .unwrap();
    let mut first = [0; 12];
    idle.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    served.daemon.signal("TERM");
    // Closed, not reset.
    idle.read_to_end(&mut Vec::new()).unwrap();
    served.daemon.wait().exits_with(0);
}

#[test]
fn address_in_use_is_reported_before_any_work() {
    let web = Web::new(one());
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ran = web.daemon(&["--listen", &address]).run().exits_with(1);
    let said = format!("error: cannot listen on {address}: Address already in use");
    assert!(ran.stderr.contains(&said), "{}", ran.stderr);
    assert!(ran.stderr.contains("`--listen none`"), "{}", ran.stderr);
    assert_eq!(web.tenant.requests(), [""; 0]);
}

#[test]
fn off_loopback_a_certificate_and_a_token_are_required() {
    let web = Web::new(one());
    let refused = |args: &[&str]| web.daemon(args).run().exits_with(78).stderr;
    insta::assert_snapshot!(refused(&["--listen", "0.0.0.0:0"]), @"
    error: 0.0.0.0:0 is not a loopback address, so a certificate is required
     help: give `--listen-tls-cert` and `--listen-tls-key`, or listen on a loopback address behind a proxy
    ");
    let pair = [
        "--listen",
        "0.0.0.0:0",
        "--listen-tls-cert",
        "c.pem",
        "--listen-tls-key",
        "k.pem",
    ];
    insta::assert_snapshot!(refused(&pair), @r"
    error: 0.0.0.0:0 is not a loopback address, so a token is required
     help: give `--listen-token-file`, or listen on a loopback address behind a proxy
    ");
    insta::assert_snapshot!(refused(&["--listen-tls-key", "k.pem"]), @r"
    error: `--listen-tls-key` is given without `--listen-tls-cert`
     help: give both the certificate and its key
    ");
    web.files.write("token", "short\n");
    let token = web.files.path().join("token");
    let short = refused(&["--listen-token-file", token.to_str().unwrap()]);
    assert!(
        short.contains("error: the token is too short: 5 characters"),
        "{short}"
    );
    web.daemon(&["--listen", "localhost:80"])
        .run()
        .exits_with(64);
}

#[test]
fn tls_with_token_works_and_a_new_certificate_is_loaded() {
    let web = Web::new(one());
    let place = web.state.path();
    let (first, key) = certificate();
    std::fs::write(place.join("cert.pem"), &first).unwrap();
    std::fs::write(place.join("key.pem"), key).unwrap();
    std::fs::write(place.join("token"), format!("{TOKEN}\n")).unwrap();
    let path = |name: &str| place.join(name).display().to_string();
    let args = [
        "--listen",
        "0.0.0.0:0",
        "--listen-token-file",
        &path("token"),
        "--listen-tls-cert",
        &path("cert.pem"),
        "--listen-tls-key",
        &path("key.pem"),
    ];
    let served = web.serve(&args);
    let get = |ca: &str, path: &str| get_over_tls(&served, ca, path);
    eventually("it is ready", || get(&first, "/readyz") == Some(200));
    assert_eq!(get(&first, "/status"), Some(200));
    let (stranger, _) = certificate();
    assert_eq!(get(&stranger, "/readyz"), None);
    assert_eq!(served.get("/status").code, 0, "in clear");
    // What cannot be used changes nothing.
    std::fs::write(place.join("key.pem"), "nonsense").unwrap();
    served.daemon.signal("HUP");
    served
        .daemon
        .prints("cannot reload the certificate; keeping the current one");
    assert_eq!(get(&first, "/readyz"), Some(200));
    let (second, key) = certificate();
    std::fs::write(place.join("cert.pem"), &second).unwrap();
    std::fs::write(place.join("key.pem"), key).unwrap();
    served.daemon.signal("HUP");
    eventually("the new certificate", || {
        get(&second, "/readyz") == Some(200)
    });
    served.end();
}

/// The code of an answer; none where the certificate was not accepted.
fn get_over_tls(served: &Served, ca: &str, path: &str) -> Option<u16> {
    let place = tempfile::TempDir::new().unwrap();
    let file = place.path().join("ca.pem");
    std::fs::write(&file, ca).unwrap();
    let url = format!("https://localhost:{}", served.address.port());
    let transport = HttpTransport::new(&HttpSettings {
        ca_files: vec![file],
        ..HttpSettings::new(ServerUrl::parse(&url).unwrap())
    });
    let request = http::Request::get(path)
        .header("authorization", format!("Bearer {TOKEN}"))
        .extension(UrlTemplate("test"))
        .body(bytes::Bytes::new());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let exchange = runtime
        .unwrap()
        .block_on(transport.unwrap().exchange(request.unwrap()));
    exchange.ok().map(|answer| answer.status().as_u16())
}

#[test]
fn settings_file_names_the_token_and_the_environment_beats_it() {
    let web = Web::new(one());
    let config = web.state.path().join("integrationd.yaml");
    let token = web.state.path().join("token");
    std::fs::write(&token, "another-token-of-the-page").unwrap();
    let settings = format!("listen-token-file: {}\n", token.display());
    std::fs::write(&config, settings).unwrap();
    let daemon = || web.daemon(&["--config", config.to_str().unwrap()]);
    let served = Served::of(daemon().start());
    assert_eq!(served.get("/status").code, 401);
    assert_eq!(served.get_as_bearer("/status").code, 401);
    served.end();
    let served = Served::of(daemon().env("INTEGRATIOND_LISTEN_TOKEN", TOKEN).start());
    assert_eq!(served.get_as_bearer("/status").code, 200);
    served.end();
}

#[test]
fn none_serves_nothing() {
    let web = Web::new(one());
    let daemon = web.daemon(&["--listen", "none"]).start();
    daemon.prints("1 applied, 0 failed");
    assert!(!daemon.printed().contains("status page"));
    daemon.signal("TERM");
    daemon.wait().exits_with(0);
}

#[test]
fn three_hundred_integrations_are_found_by_a_query() {
    let files = (0..300).fold(Files::none(), |files, n| {
        files.with(&format!("n{n:03}.yaml"), &snowflake(&format!("host{n:03}")))
    });
    let web = Web::new(files);
    let served = web.ready(&["--max-change-percent", "100", "--parallelism", "32"]);
    let shown = |page: &Answer| {
        page.body.matches("<tbody").count() - page.body.matches(" hidden><tr").count()
    };
    let page = served.get("/");
    assert_eq!(shown(&page), 300);
    assert!(page.body.contains("300 of 300 shown"));
    let one = served.get("/?q=N299+snowflake&state=Ready");
    assert_eq!(shown(&one), 1);
    assert!(one.body.contains("1 of 300 shown"));
    assert_eq!(shown(&served.get("/?state=Stalled")), 0);
    served.end();
}

#[test]
fn held_connections_keep_descriptors_free_for_a_run() {
    let web = Web::new(Files::none().with("a.yaml", &lake("a", "${env:LAKE_TOKEN}")));
    let daemon = web
        .daemon(&["--interval=1h"])
        .under(&["prlimit", "--nofile=40"]);
    let served = Served::of(daemon.start());
    eventually("the first run", || web.tenant.writes().len() == 1);
    let held: Vec<_> = (0..100)
        .map_while(|_| std::net::TcpStream::connect(served.address).ok())
        .collect();
    web.files.write("b.yaml", &lake("b", "${env:LAKE_TOKEN}"));
    served.daemon.signal("HUP");
    eventually("a run beside them", || web.tenant.writes().len() == 2);
    assert!(!held.is_empty());
    served.daemon.signal("TERM");
    let ran = served.daemon.wait().exits_with(0);
    assert!(!ran.all().contains("Too many open files"), "{}", ran.all());
}
