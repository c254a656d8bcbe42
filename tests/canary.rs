//! Secrets that occur nowhere else are found nowhere but in the requests to the
//! tenant: not in what is printed or logged, not in the state, not in the
//! arguments, whatever is run, however it fails, and whatever the server says back.
//!
//! A source of secrets is one line in [`place::SOURCES`].

mod place;
pub(crate) mod search;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use integrationd::secret::provider_words;
use integrationd::simulator::{FailedTest, Fault, FaultKind, SimulatorOptions};
use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use crate::common::{Files, Integrationd, Ran, Tenant, eventually};
use crate::programs::{OPENBAO, SOPS, needs};
use crate::stub::Stub;
use crate::support::unprivileged::Unprivileged;
use crate::web::Served;
use place::{Place, Value};
use search::{Canaries, hex, html, json, percent};

/// Formats to run: every form of the result, of the log, and of the credentials.
const FORMS: &[[&str; 3]] = &[
    ["--output=text", "--log-format=text", "--auth=key"],
    ["--output=json", "--log-format=text", "--auth=token"],
    ["--output=text", "--log-format=json", "--auth=token"],
    ["--output=json", "--log-format=json", "--auth=key"],
];

/// A way in which a server says a value back.
type Echo = fn(&str) -> String;

/// All of them; each must be scrubbed.
const ECHOES: &[(&str, Echo)] = &[
    ("in clear", str::to_owned),
    ("as JSON", |v| text(json(v.as_bytes(), false))),
    ("as JSON in ASCII", |v| text(json(v.as_bytes(), true))),
    ("as JSON in JSON", |v| {
        text(json(&json(v.as_bytes(), false), false))
    }),
    ("as Rust shows it", |v| format!("{v:?}")),
    ("in a URL", |v| text(percent(v.as_bytes(), "%20", false))),
    ("in a URL, small", |v| {
        text(percent(v.as_bytes(), "%20", true))
    }),
    ("in a form", |v| text(percent(v.as_bytes(), "+", false))),
    ("as HTML", |v| text(html(v.as_bytes()))),
    ("in hex", |v| text(hex(v.as_bytes(), false))),
    ("in base64", |v| STANDARD.encode(v)),
    ("in base64 behind a user", |v| {
        STANDARD.encode(format!("user:{v}"))
    }),
    ("in base64 behind a name", |v| {
        STANDARD.encode(format!("users:{v}@host"))
    }),
    ("in upper case", str::to_uppercase),
    ("in lower case", str::to_lowercase),
    ("the end alone", |v| v.chars().skip(6).collect()),
    ("in two lines", |v| {
        let middle = v.char_indices().nth(9).map_or(0, |(at, _)| at);
        format!("{}\n{}", &v[..middle], &v[middle..])
    }),
    ("every byte in a URL", |v| {
        v.bytes().map(|byte| format!("%{byte:02X}")).collect()
    }),
    ("as numeric entities", |v| {
        v.chars().map(|c| format!("&#{};", u32::from(c))).collect()
    }),
    ("as units of UTF-16", |v| {
        v.encode_utf16()
            .map(|unit| format!("\\u{unit:04x}"))
            .collect()
    }),
    ("in base64 twice", |v| STANDARD.encode(STANDARD.encode(v))),
    ("in base64 of UTF-16", |v| {
        let bytes = v.encode_utf16().flat_map(u16::to_le_bytes);
        STANDARD.encode(bytes.collect::<Vec<u8>>())
    }),
    ("cut off", |v| v.chars().take(12).collect::<String>() + "…"),
    ("cut off with dots", |v| {
        v.chars().take(12).collect::<String>() + "..."
    }),
    ("cut off without a word", |v| v.chars().take(12).collect()),
];

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

/// A tenant with a key of its own that accepts an unknown attribute.
fn tenant() -> (Tenant, String) {
    let key: String = place::plain().text;
    let new = (
        "Databricks".to_owned(),
        vec!["config.newAttribute".to_owned()],
    );
    let tenant = Tenant::with(SimulatorOptions {
        admin_key: key.clone(),
        settle: Duration::from_millis(1),
        also_known: BTreeMap::from([new]),
        ..SimulatorOptions::default()
    });
    (tenant, key)
}

/// Runs of one form against one tenant, after each of which everything is searched.
struct Watch {
    place: Place,
    tenant: Tenant,
    key: String,
    canaries: Canaries,
    form: [&'static str; 3],
}

impl Watch {
    fn new(form: [&'static str; 3]) -> Self {
        let (tenant, key) = tenant();
        let place = Place::new();
        let canaries = place.canaries(&key);
        Self {
            place,
            tenant,
            key,
            canaries,
            form,
        }
    }

    fn start(&self, args: &[&str]) -> Integrationd {
        let run = self.place.run(args, &self.tenant, &self.key);
        let [output, log, auth] = self.form;
        let run = run.arg(log);
        match args[0] {
            "sync" | "list" => run.arg(output).arg(auth),
            "validate" | "history" => run.arg(output),
            _ => run.arg(auth),
        }
    }

    /// A run on the files.
    #[track_caller]
    fn run(&self, args: &[&str]) -> Ran {
        let files = self.place.path("files");
        let run = self.start(args);
        let with_files = matches!(args[0], "sync" | "validate");
        let ran = if with_files {
            run.arg(files).run()
        } else {
            run.run()
        };
        self.look_at(&format!("{args:?} {:?}", self.form), &ran);
        ran
    }

    #[track_caller]
    fn look_at(&self, what: &str, ran: &Ran) {
        for (stream, text) in [("stdout", &ran.stdout), ("stderr", &ran.stderr)] {
            self.canaries
                .are_not_in(&format!("{stream} of {what}"), text.as_bytes());
            let token = "simulator-token-";
            assert!(!text.contains(token), "{stream} of {what} holds a token");
        }
        self.place.keeps_no(&self.canaries);
    }

    /// The bodies of the requests hold every value: it was there to be found.
    #[track_caller]
    fn every_value_was_sent(&self) {
        let sent = serde_json::Value::from(self.tenant.written()).to_string();
        let found = self.canaries.found_in(sent.as_bytes());
        for (name, _) in self.place.values() {
            let start = format!("{name} ");
            assert!(
                found.iter().any(|f| f.starts_with(&start)),
                "{name} was not sent"
            );
        }
    }

    /// Lets every create, in the order of the names, meet a fault made of its value.
    fn fail_creates(&self, kind: impl Fn(&Value) -> FaultKind) {
        for (skip, (_, value)) in (0..).zip(self.place.values()) {
            let fault = Fault::new(kind(&value)).on(&Method::POST, "/integrations");
            self.tenant.simulator.fault(fault.skip(skip));
        }
    }
}

/// Literal secrets are the one source that is no provider.
#[test]
fn every_provider_is_a_source_of_canaries() {
    let sources = place::SOURCES.iter().map(|source| source.name);
    let expected = provider_words().chain(["literal"]);
    assert_eq!(sources.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
}

#[test]
fn runs_that_go_well_show_nothing() {
    needs!(SOPS, OPENBAO);
    let _kept_running = place::vault();
    for form in FORMS {
        let mut watch = Watch::new(*form);
        watch.run(&["validate"]).exits_with(0);
        watch.run(&["sync", "--dry-run"]).exits_with(0);
        watch.run(&["sync", "--yes"]).exits_with(0);
        watch.every_value_was_sent();
        watch.run(&["list"]).exits_with(0);
        watch.run(&["ping"]).exits_with(0);
        watch.run(&["sync", "--dry-run"]).exits_with(0);
        // What replaces the values is as secret, and the old ones stay so.
        watch.place.fill();
        let old = std::mem::replace(&mut watch.canaries, watch.place.canaries(&watch.key));
        watch.tenant.simulator.clear_log();
        for args in [
            ["sync", "--dry-run"],
            ["sync", "--yes"],
            ["sync", "--dry-run"],
        ] {
            let ran = watch.run(&args).exits_with(0);
            old.are_not_in("a run after the rotation", ran.all().as_bytes());
        }
        watch.every_value_was_sent();
        watch.run(&["history"]).exits_with(0);
        assert!(
            watch.place.keeps_no(&old) >= 3,
            "the state was not looked at"
        );
    }
}

/// The text of a page as a reader sees it: what stands for a quote is as long as a
/// piece, so that a page full of quotes would hold pieces by chance.
fn as_read(page: &str) -> String {
    let marks = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&amp;", "&"),
    ];
    let text = page.to_owned();
    marks
        .iter()
        .fold(text, |text, (mark, c)| text.replace(mark, c))
}

#[test]
fn what_the_daemon_serves_shows_nothing() {
    needs!(SOPS, OPENBAO);
    let _kept_running = place::vault();
    let watch = Watch::new(FORMS[1]);
    let token = place::plain().text;
    let own = Canaries::new(&[("the token of the page".to_owned(), token.clone())]);
    let echo = Fault::new(FaultKind::EchoBody).always();
    watch.tenant.simulator.fault(echo);
    let args = ["daemon", "--debounce=50ms", "--listen=127.0.0.1:0"];
    let daemon = watch.start(&args).arg(watch.place.path("files"));
    let served = Served::of(daemon.env("INTEGRATIOND_LISTEN_TOKEN", &token).start());
    let bearer = format!("Bearer {token}");
    let get = |path: &str| served.ask("GET", path, &[("authorization", &bearer)], "");
    let look = || {
        for path in ["/", "/status", "/metrics", "/login", "/readyz", "/nothing"] {
            let answer = get(path);
            for text in [&answer.head, &as_read(&answer.body)] {
                watch.canaries.are_not_in(path, text.as_bytes());
                own.are_not_in(path, text.as_bytes());
            }
        }
        let printed = served.daemon.printed();
        watch.canaries.are_not_in("the log", printed.as_bytes());
        own.are_not_in("the log", printed.as_bytes());
        watch.place.keeps_no(&own);
    };
    eventually("the server refuses", || {
        get("/status").body.contains("WriteFailed")
    });
    watch.every_value_was_sent();
    look();
    watch.tenant.simulator.clear_faults();
    served.daemon.signal("HUP");
    eventually("it is in sync", || {
        get("/status").body.contains("\"state\": \"Ready\"")
    });
    look();
    served.end();
}

#[test]
fn a_server_that_says_the_body_back_makes_nothing_known() {
    needs!(SOPS, OPENBAO);
    let _kept_running = place::vault();
    for form in FORMS {
        let watch = Watch::new(*form);
        watch
            .tenant
            .simulator
            .fault(Fault::new(FaultKind::EchoBody).always());
        let ran = watch.run(&["sync", "--yes"]).exits_with(1);
        assert!(ran.all().contains("(secret)"), "{}", ran.all());
    }
}

#[test]
fn secret_echoed_in_another_form_is_not_shown() {
    needs!(SOPS, OPENBAO);
    let _kept_running = place::vault();
    for ((name, echo), form) in ECHOES.iter().zip(FORMS.iter().cycle()) {
        let watch = Watch::new(*form);
        let say = |value: &Value| {
            let lines: Vec<String> = value.secret.iter().map(|v| echo(v)).collect();
            lines.join(" and then ")
        };
        let refusal = |value: &Value| FaultKind::Unprocessable {
            message: format!("{} is wrong, {}", say(value), say(value)),
        };
        watch.fail_creates(refusal);
        let ran = watch
            .run(&["sync", "--yes", "--parallelism=1"])
            .exits_with(1);
        assert!(ran.all().contains("(secret)"), "{name}: {}", ran.all());
        watch.fail_creates(|value| {
            let (test, message) = (format!("Log in with {}", say(value)), say(value));
            FaultKind::CreateError(FailedTest { test, message })
        });
        watch
            .run(&["sync", "--yes", "--parallelism=1"])
            .exits_with(1);
        watch.run(&["sync", "--dry-run"]);
        watch.every_value_was_sent();
    }
}

/// Places of an answer in which another value belongs.
const PLACES: &[&str] = &[
    "/id",
    "/type",
    "/status",
    "/config/workspaceUrl",
    "/config/httpPath",
    "/config/catalog",
    "/validationResults",
];

/// Fault of a server that mixes fields up: this value in a wrong place.
fn misplaced(path: &str, value: &str) -> FaultKind {
    let test = serde_json::json!({"name": value, "status": "failed", "message": value});
    FaultKind::Misplace {
        path: path.to_owned(),
        value: match path {
            "/validationResults" => serde_json::json!({ "validationTests": [test] }),
            _ => value.into(),
        },
    }
}

#[test]
fn server_that_mixes_fields_up_makes_nothing_known() {
    needs!(SOPS, OPENBAO);
    let _kept_running = place::vault();
    for ((n, path), form) in PLACES.iter().enumerate().zip(FORMS.iter().cycle()) {
        let watch = Watch::new(*form);
        let values = watch.place.values();
        let (_, value) = &values[n % values.len()];
        // It comes in the answer to a write first, and in every read after that.
        let fault = |text: &str| Fault::new(misplaced(path, text)).always();
        watch.tenant.simulator.fault(fault(&value.secret[0]));
        watch.run(&["sync", "--yes", "--wait-timeout=2s"]);
        watch.run(&["sync", "--dry-run"]);
        let dir = watch.place.path("files");
        let adopt = watch.start(&["adopt", "--all", "--dir"]).arg(dir);
        // It knows what stands in the files themselves.
        watch.tenant.simulator.clear_faults();
        let in_files = values.iter().find(|(name, _)| name == "extra");
        let (_, literal) = in_files.unwrap();
        watch.tenant.simulator.fault(fault(&literal.secret[0]));
        watch.look_at(&format!("adopt with {path}"), &adopt.run());
        watch.run(&["history"]).exits_with(0);
        // It knows nothing of the files, and its own key.
        watch.tenant.simulator.clear_faults();
        watch.tenant.simulator.fault(fault(&watch.key));
        watch.run(&["list"]);
    }
}

#[test]
fn daemon_at_a_server_that_mixes_fields_up_shows_nothing() {
    needs!(SOPS, OPENBAO);
    let _kept_running = place::vault();
    for path in PLACES {
        let watch = Watch::new(FORMS[0]);
        let values = watch.place.values();
        let value = &values[0].1.secret[0];
        let fault = Fault::new(misplaced(path, value)).always();
        watch.tenant.simulator.fault(fault);
        let hook = Stub::start(|_| (200, String::new()));
        let args = [
            "daemon",
            "--debounce=50ms",
            "--listen=127.0.0.1:0",
            "--wait-timeout=2s",
        ];
        let daemon = watch.start(&args).arg(watch.place.path("files"));
        let daemon = daemon.env("INTEGRATIOND_NOTIFY_URL", &hook.url);
        let served = Served::of(daemon.start());
        eventually("it has run", || {
            served.status()["seen"] != serde_json::Value::Null
                || served.daemon.printed().contains("run_id")
        });
        eventually("it has said so", || {
            !hook.requests().is_empty() || served.get("/readyz").code == 200
        });
        for page in ["/", "/status", "/metrics"] {
            let text = as_read(&served.get(page).body);
            watch.canaries.are_not_in(page, text.as_bytes());
        }
        for request in hook.requests() {
            watch
                .canaries
                .are_not_in("a notification", request.body.as_bytes());
        }
        served.daemon.signal("TERM");
        watch.look_at(&format!("the daemon with {path}"), &served.daemon.wait());
    }
}

#[test]
fn killed_run_and_its_settlement_show_no_secret() {
    needs!(SOPS, OPENBAO);
    let _kept_running = place::vault();
    for form in FORMS {
        let watch = Watch::new(*form);
        let slow = SimulatorOptions {
            settle: Duration::from_secs(60),
            ..watch.tenant.simulator.options()
        };
        watch.tenant.simulator.set_options(slow);
        let run = watch
            .start(&["sync", "--yes"])
            .arg(watch.place.path("files"));
        let mut running = run.start();
        running.prints("creating");
        let arguments = std::fs::read(format!("/proc/{}/cmdline", running.id())).unwrap();
        watch.canaries.are_not_in("its arguments", &arguments);
        eventually("it follows a write", || {
            watch
                .tenant
                .requests()
                .iter()
                .any(|line| line.ends_with("/status"))
        });
        running.kill();
        watch.look_at("a run that was killed", &running.wait());
        let files = watch.place.keeps_no(&watch.canaries);
        assert!(files >= 5, "the write-ahead log was not looked at");
        watch.run(&["resolve", "cred-awkward", "--adopt=1"]);
        watch.run(&["resolve", "cred-document", "--retry"]);
        watch.run(&["sync", "--dry-run"]);
    }
}

#[test]
fn mistakes_in_files_show_nothing_of_a_value() {
    let value = place::plain().text;
    let canaries = Canaries::new(&[("the value".to_owned(), value.clone())]);
    let head = "type: Databricks\nautoBootstrap: false\nconfig:\n  workspaceUrl: w.example.com\n";
    let lines = [
        "tokn: VALUE",
        "token: [VALUE]",
        "token: {a: VALUE}",
        "token: 'VALUE",
        "token: \"VALUE\" VALUE",
        "token: VALUE: VALUE",
        "token: !VALUE x",
        "token: *VALUE",
        "token: &VALUE {",
        "token: \"\\VALUE\"",
        "token: ${VALUE}",
        "token: ${evn:VALUE}",
        "token: ${env:VALUE VALUE",
        "token: VALUE\n  token: VALUE",
        "token: |\n   VALUE\n VALUE",
        "\ttoken: VALUE",
        "token VALUE",
        "httpPath: [1  # the token is VALUE",
        "oAuthClientConfig: VALUE",
        "audit: {enabled: 1, other: VALUE}",
        "port: 1\u{0} VALUE",
    ];
    for (n, line) in lines.iter().enumerate() {
        let files = Files::none().with(
            "a.yaml",
            &format!("{head}  {line}\n").replace("VALUE", &value),
        );
        for output in ["--output=text", "--output=json"] {
            let run =
                Integrationd::new(["validate", "--log-level=trace", output]).arg(files.path());
            let ran = run.run().exits_with(65);
            canaries.are_not_in(
                &format!("the diagnostic of {n}: {line:?}"),
                ran.all().as_bytes(),
            );
        }
    }
}

/// Panics come on request in a debug build alone.
#[cfg(debug_assertions)]
#[test]
fn a_panic_shows_nothing_of_the_environment() {
    needs!(SOPS, OPENBAO);
    let (place, key) = (Place::new(), place::plain().text);
    let canaries = place.canaries(&key);
    let binary = Unprivileged::new();
    for form in ["text", "json"] {
        let mut command: Command = binary.command_under(&[]);
        // The message of the panic is a secret.
        command.env("INTEGRATIOND_DEBUG_PANIC", &key);
        command.args(["sync", "--log-level=trace", "--log-format", form]);
        command
            .envs(place.environment())
            .env("IMMUTA_API_KEY", &key);
        let output = command.env("RUST_BACKTRACE", "full").output().unwrap();
        let stderr = text(output.stderr);
        assert!(stderr.contains("panicked"), "{stderr}");
        canaries.are_not_in("what is told of a panic", stderr.as_bytes());
        canaries.are_not_in("its result", &output.stdout);
    }
}

#[test]
fn the_simulator_command_logs_nothing_that_it_is_sent() {
    needs!(SOPS, OPENBAO);
    let place = Place::new();
    // Its own key is made up and shown on purpose.
    let canaries = place.canaries(&place::plain().text);
    let arguments = [
        "simulator",
        "--listen=127.0.0.1:0",
        "--settle=1ms",
        "--log-level=trace",
    ];
    let running = Integrationd::new(arguments).start();
    running.prints("Control: ");
    let printed = running.printed();
    let (_, rest) = printed.split_once("http://").unwrap();
    let url = format!("http://{}", rest.split_whitespace().next().unwrap());
    let run = place.run_at(&["sync", "--yes"], &url, integrationd::simulator::API_KEY);
    // It knows no attribute that the documentation lacks.
    run.arg("--exclude=extra")
        .arg(place.path("files"))
        .run()
        .exits_with(0);
    running.signal("INT");
    let ran = running.wait().exits_with(0);
    canaries.are_not_in("the log of the simulator", ran.all().as_bytes());
}
