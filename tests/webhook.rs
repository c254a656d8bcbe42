//! Webhooks, over HTTP to the daemon as a process: the webhooks of each forge are recognized,
//! and those of any other sender change nothing.

use std::io::Write;
use std::net::TcpListener;

use integrationd::net::{HttpSettings, HttpTransport, ServerUrl, UrlTemplate};

use crate::common::{Files, Integrationd, eventually, lake};
use crate::forge::{HEARD, PUSH, SECRET, github, send, signature};
use crate::support::certificate::certificate;
use crate::support::webhooks::PING;
use crate::web::{Served, Web};

fn web() -> Web {
    Web::new(Files::none().with("lake.yaml", &lake("lake", "${env:LAKE_TOKEN}")))
}

/// A daemon that runs only when it is triggered, and listens for webhooks.
fn daemon(web: &Web, args: &[&str]) -> Integrationd {
    let all = ["--poll", "1h", "--listen", "none"];
    let run = web.daemon(&[&all, args].concat());
    let run = match args.contains(&"--webhook-listen") {
        true => run,
        false => run.arg("--webhook-listen").arg("127.0.0.1:0"),
    };
    run.env("INTEGRATIOND_WEBHOOK_SECRET", SECRET)
}

/// The same, after the first run.
fn heard(web: &Web, args: &[&str]) -> Served {
    let served = Served::at(daemon(web, args).start(), HEARD);
    served.daemon.prints("1 applied, 0 failed");
    web.tenant.simulator.clear_log();
    served
}

fn runs(served: &Served) -> usize {
    served.daemon.printed().matches("sync{tenant=").count()
}

#[test]
fn a_push_to_any_forge_is_applied_at_once() {
    let web = web();
    let served = heard(&web, &["--webhook-branch", "master"]);
    let tag = signature(PUSH);
    let hub = format!("sha256={tag}");
    let forges = [
        vec![("x-github-event", "push"), ("x-hub-signature-256", &hub)],
        vec![("x-gitlab-event", "Push Hook"), ("x-gitlab-token", SECRET)],
        vec![("x-gitea-event", "push"), ("x-gitea-signature", &tag)],
        vec![("x-forgejo-event", "push"), ("x-forgejo-signature", &tag)],
    ];
    for (nth, headers) in forges.iter().enumerate() {
        let (from, to) = (format!("/p{nth}"), format!("/p{}", nth + 1));
        let from = if nth == 0 { "/p" } else { &from };
        web.files.change("lake.yaml", from, &to);
        let answer = send(served.address, headers, PUSH);
        assert_eq!(
            (answer.code, answer.body.as_str()),
            (202, "run triggered\n")
        );
        eventually("the write", || web.tenant.writes().len() == nth + 1);
    }
    let printed = served.daemon.printed();
    assert!(!printed.contains(SECRET), "{printed}");
    served.end();
}

#[test]
fn push_from_gitea_as_a_form_is_applied_like_json() {
    let web = web();
    let served = heard(&web, &["--webhook-branch", "master"]);
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    let form = form.append_pair("payload", PUSH).finish();
    let tag = signature(PUSH);
    let hub = format!("sha256={tag}");
    let headers = [
        ("x-gitea-event", "push"),
        ("x-gitea-signature", tag.as_str()),
        ("x-hub-signature-256", hub.as_str()),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    web.files.change("lake.yaml", "/p", "/q");
    let answer = send(served.address, &headers, &form);
    assert_eq!(
        (answer.code, answer.body.as_str()),
        (202, "run triggered\n")
    );
    eventually("the write", || web.tenant.writes().len() == 1);
    served.end();
}

#[test]
fn sender_without_the_secret_learns_and_starts_nothing() {
    let web = web();
    let served = heard(&web, &[]);
    let tag = signature(PUSH);
    let other = format!("sha256={}", signature(PING));
    let wrong: [&[(&str, &str)]; 8] = [
        &[],
        &[("x-hub-signature-256", &other)],
        &[("x-hub-signature-256", &tag)],
        &[("x-hub-signature", "sha1=00")],
        &[("x-gitlab-token", "secret-of-the-forge-Yb4n-Tq9t")],
        &[("x-gitlab-token", "")],
        &[("x-gitea-signature", "00")],
        &[("x-forgejo-signature", "")],
    ];
    for proofs in wrong {
        let headers = [&[("x-github-event", "push")], proofs].concat();
        let answer = send(served.address, &headers, PUSH);
        assert_eq!((answer.code, answer.body.as_str()), (401, "refused\n"));
        assert_eq!(answer.header("www-authenticate"), None);
    }
    eventually("a line for each in the log", || {
        let printed = served.daemon.printed();
        let lines = printed.matches("rejected a webhook with an invalid signature");
        lines.count() == wrong.len()
    });
    // The next run is the one that is asked for here.
    web.files.change("lake.yaml", "/p", "/q");
    assert_eq!(github(served.address, "push", PUSH).code, 202);
    eventually("the write", || web.tenant.writes().len() == 1);
    let lists = web.tenant.requests();
    let lists = lists.iter().filter(|line| *line == "GET /integrations");
    // One for the plan, one for the proof.
    assert!(lists.count() <= 2, "{:?}", web.tenant.requests());
    served.end();
}

/// L5: anyone could fill the journal.
#[test]
fn rejected_webhooks_are_logged_at_a_bounded_rate() {
    let web = web();
    let served = heard(&web, &[]);
    for _ in 0..50 {
        assert_eq!(send(served.address, &[], PUSH).code, 401);
    }
    // What follows is logged.
    assert_eq!(github(served.address, "ping", PING).code, 200);
    served.daemon.prints("ignored a webhook");
    let printed = served.daemon.printed();
    let lines = printed.matches("rejected a webhook with an invalid signature");
    assert_eq!(lines.count(), 10, "{printed}");
    served.end();
}

/// L5: a replay at full speed kept the daemon and the tenant at full speed.
#[test]
fn replayed_webhook_makes_few_runs() {
    let web = web();
    let served = heard(&web, &[]);
    for _ in 0..300 {
        assert_eq!(github(served.address, "push", PUSH).code, 202);
    }
    let requests = web.tenant.requests();
    assert!(requests.len() < 10, "{requests:?}");
    served.end();
}

#[test]
fn ping_other_branch_and_other_event_start_nothing() {
    let web = web();
    let served = heard(&web, &["--webhook-branch", "main"]);
    for (event, body, code, said) in [
        ("ping", PING, 200, "ping received\n"),
        ("push", PUSH, 202, "ignored: not the configured branch\n"),
        ("issues", PUSH, 202, "ignored: not a push\n"),
        ("push", "{}", 400, "the payload names no reference\n"),
        ("push", "no JSON", 400, "the payload names no reference\n"),
    ] {
        let answer = github(served.address, event, body);
        assert_eq!((answer.code, answer.body.as_str()), (code, said), "{event}");
    }
    assert_eq!(web.tenant.requests(), [""; 0]);
    served.end();
}

#[test]
fn replay_is_one_more_run_and_nothing_else() {
    let web = web();
    let served = heard(&web, &[]);
    for nth in 1..=3 {
        assert_eq!(github(served.address, "push", PUSH).code, 202);
        eventually("a run that finds nothing to do", || {
            let requests = web.tenant.requests();
            requests
                .iter()
                .filter(|line| *line == "GET /integrations")
                .count()
                >= nth
        });
    }
    assert_eq!(web.tenant.writes(), [""; 0]);
    assert!(runs(&served) >= 3, "{}", served.daemon.printed());
    served.end();
}

#[test]
fn post_of_a_sensible_size_to_the_path_alone_is_accepted() {
    let web = web();
    let served = heard(&web, &[]);
    for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"] {
        let answer = served.ask(method, "/webhook", &[], "");
        assert_eq!(answer.code, 405, "{method}");
        assert_eq!(answer.header("allow"), Some("POST"));
    }
    for path in ["/", "/status", "/webhook/", "/sync", "/livez"] {
        assert_eq!(served.ask("POST", path, &[], "").code, 404, "{path}");
    }
    let announced = "POST /webhook HTTP/1.1\r\nhost: x\r\ncontent-length: 4194305\r\n\r\n";
    assert_eq!(served.send(announced).code, 413);
    let large = format!("{{\"ref\": \"{}\"}}", "x".repeat(4_000_000));
    assert_eq!(github(served.address, "push", &large).code, 202);
    let slow: Vec<_> = (0..10)
        .map(|nth| {
            let mut stream = served.connect();
            let begun = "POST /webhook HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{";
            let sent = if nth % 2 == 0 { begun } else { &begun[..20] };
            stream.write_all(sent.as_bytes()).unwrap();
            stream
        })
        .collect();
    assert_eq!(github(served.address, "ping", PING).code, 200);
    served.end();
    drop(slow);
}

#[test]
fn unsafe_webhook_settings_are_reported_before_any_work() {
    let web = web();
    let refused = |args: &[&str]| daemon(&web, args).run().exits_with(78).stderr;
    insta::assert_snapshot!(refused(&["--webhook-listen", "0.0.0.0:0"]), @"
    error: 0.0.0.0:0 is not a loopback address, so a certificate for webhooks is required
     help: give `--webhook-tls-cert` and `--webhook-tls-key`, or listen on a loopback address behind a proxy
    ");
    insta::assert_snapshot!(refused(&["--webhook-tls-key", "k.pem"]), @r"
    error: `--webhook-tls-key` is given without `--webhook-tls-cert`
     help: give both the certificate and its key
    ");
    let short = daemon(&web, &[]).env("INTEGRATIOND_WEBHOOK_SECRET", "guess-me");
    insta::assert_snapshot!(short.run().exits_with(78).stderr, @r"
    error: the webhook secret is too short: 8 characters
     help: use at least 16 random characters, for example from `openssl rand -hex 32`
    ");
    let none = daemon(&web, &[]).without_env("INTEGRATIOND_WEBHOOK_SECRET");
    insta::assert_snapshot!(none.run().exits_with(78).stderr, @r"
    error: `--webhook-listen` is set, but there is no secret to authenticate webhooks
     help: create a secret with `openssl rand -hex 32`, enter it in the forge, save it to a file, and give the file with `--webhook-secret-file`
    ");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ran = daemon(&web, &["--webhook-listen", &address]).run();
    let told = ran.exits_with(1).stderr;
    assert!(told.contains("`--webhook-listen none`"), "{told}");
    assert_eq!(web.tenant.requests(), [""; 0]);
}

#[test]
fn off_loopback_it_listens_over_tls_with_new_certificates() {
    let web = web();
    let place = web.state.path();
    let path = |name: &str| place.join(name).display().to_string();
    let renew = || {
        let (certificate, key) = certificate();
        std::fs::write(place.join("cert.pem"), &certificate).unwrap();
        std::fs::write(place.join("key.pem"), key).unwrap();
        certificate
    };
    let first = renew();
    std::fs::write(place.join("secret"), format!("{SECRET}\n")).unwrap();
    let (secret, certificate, key) = (path("secret"), path("cert.pem"), path("key.pem"));
    let args = [
        "--webhook-listen",
        "0.0.0.0:0",
        "--webhook-secret-file",
        &secret,
        "--webhook-tls-cert",
        &certificate,
        "--webhook-tls-key",
        &key,
    ];
    let served = heard(&web, &args);
    assert_eq!(push_over_tls(&served, &first), Some(202));
    assert_eq!(github(served.address, "push", PUSH).code, 0, "in clear");
    let second = renew();
    served.daemon.signal("HUP");
    eventually("the new certificate", || {
        push_over_tls(&served, &second) == Some(202)
    });
    assert_eq!(push_over_tls(&served, &first), None);
    served.end();
}

/// The code of the answer; none where the certificate was not accepted.
fn push_over_tls(served: &Served, ca: &str) -> Option<u16> {
    let place = tempfile::TempDir::new().unwrap();
    let file = place.path().join("ca.pem");
    std::fs::write(&file, ca).unwrap();
    let url = format!("https://localhost:{}", served.address.port());
    let transport = HttpTransport::new(&HttpSettings {
        ca_files: vec![file],
        ..HttpSettings::new(ServerUrl::parse(&url).unwrap())
    });
    let request = http::Request::post("/webhook")
        .header("x-gitlab-token", SECRET)
        .header("x-gitlab-event", "Push Hook")
        .extension(UrlTemplate("test"))
        .body(bytes::Bytes::from_static(PUSH.as_bytes()));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let exchange = runtime
        .unwrap()
        .block_on(transport.unwrap().exchange(request.unwrap()));
    exchange.ok().map(|answer| answer.status().as_u16())
}
