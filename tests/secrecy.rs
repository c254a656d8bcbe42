//! No secret is printed, whatever is run, however it fails, and however much is logged.

use http::Method;
use integrationd::simulator::{API_KEY, FailedTest, Fault, FaultKind};

use crate::common::{Files, Integrationd, Ran, SECRETS, Tenant, in_sync, snowflake};

/// Text that must not be printed: the values, the key, and every token that the simulator
/// issues.
fn forbidden() -> Vec<&'static str> {
    let values = SECRETS.iter().map(|(_, value)| *value);
    let inner = ["s3cr3t-of-bigquery-Hd8n"];
    values
        .chain(inner)
        .chain([API_KEY, "simulator-token-"])
        .collect()
}

#[track_caller]
fn keeps_quiet(ran: &Ran) {
    let all = ran.all();
    for secret in forbidden() {
        assert!(!all.contains(secret), "{secret} in {all}");
    }
}

/// Every form of the result, with everything logged, by each form of credentials.
fn forms() -> impl Iterator<Item = [&'static str; 3]> {
    let outputs = ["--output=text", "--output=json"];
    let logs = ["--log-format=text", "--log-format=json"];
    let auths = ["--auth=key", "--auth=token"];
    outputs.into_iter().flat_map(move |output| {
        logs.into_iter()
            .flat_map(move |log| auths.into_iter().map(move |auth| [output, log, auth]))
    })
}

fn run<const N: usize>(args: [&str; N], form: [&str; 3], tenant: &Tenant) -> Integrationd {
    let run = Integrationd::new(args).arg("--log-level=trace").on(tenant);
    form.iter().fold(run, Integrationd::arg)
}

#[test]
fn a_run_that_goes_well_prints_no_secret_and_sends_each() {
    for form in forms() {
        let (tenant, files) = (Tenant::empty(), Files::examples());
        keeps_quiet(&run(["sync", "--dry-run"], form, &tenant).with(&files).run());
        let applied = run(["sync", "--yes"], form, &tenant).with(&files).run();
        keeps_quiet(&applied.exits_with(0));
        keeps_quiet(&run(["list"], form, &tenant).run().exits_with(0));
        let sent = serde_json::Value::from(tenant.written()).to_string();
        for (name, value) in SECRETS {
            let value = value.replace('"', "\\\"");
            assert!(sent.contains(&value), "{name} was not sent: {sent}");
        }
    }
}

#[test]
fn a_server_that_says_everything_back_makes_nothing_known() {
    for form in forms() {
        let (tenant, files) = (Tenant::empty(), Files::examples());
        tenant
            .simulator
            .fault(Fault::new(FaultKind::EchoBody).always());
        let ran = run(["sync", "--yes"], form, &tenant).with(&files).run();
        let ran = ran.exits_with(1);
        assert!(ran.stdout.contains("(secret)"), "{}", ran.stdout);
        keeps_quiet(&ran);
    }
}

#[test]
fn a_failing_test_that_repeats_a_password_makes_nothing_known() {
    for form in forms() {
        let (tenant, files) = (Tenant::empty(), Files::none());
        files.write("a.yaml", &snowflake("a"));
        let (_, value) = SECRETS[0];
        let failed = FailedTest {
            test: format!("Log in with {value}"),
            message: format!("cannot log in with {value}"),
        };
        let fault = Fault::new(FaultKind::CreateError(failed)).always();
        tenant.simulator.fault(fault);
        let ran = run(["sync", "--yes"], form, &tenant).with(&files).run();
        keeps_quiet(&ran.exits_with(1));
        keeps_quiet(&run(["sync", "--dry-run"], form, &tenant).with(&files).run());
    }
}

#[test]
fn what_goes_wrong_on_the_way_makes_nothing_known() {
    let kinds = [
        FaultKind::DropAfter,
        FaultKind::Truncate,
        FaultKind::Html { after_effect: true },
        FaultKind::ServerError {
            code: 502,
            after_effect: false,
        },
    ];
    for (kind, form) in kinds.into_iter().zip(forms()) {
        let (tenant, files) = (Tenant::empty(), Files::examples());
        tenant.fails_once(&Method::POST, "/integrations", kind);
        let args = ["sync", "--yes", "--parallelism=1"];
        keeps_quiet(&run(args, form, &tenant).with(&files).run());
    }
}

#[test]
fn a_rotation_is_sent_and_not_shown() {
    let (tenant, files) = in_sync();
    files.change("synapse.yaml", "database: analytics ", "database: other ");
    let ran = Integrationd::new(["sync", "--yes", "--log-level=trace"])
        .on(&tenant)
        .with(&files)
        .env("SYNAPSE_PASSWORD", "s3cr3t-of-synapse-rotated-Qx3z")
        .run()
        .exits_with(0);
    keeps_quiet(&ran);
    assert!(!ran.all().contains("rotated"), "{}", ran.all());
    let sent = serde_json::Value::from(tenant.written()).to_string();
    assert!(sent.contains("s3cr3t-of-synapse-rotated-Qx3z"));
}

#[test]
fn a_literal_secret_in_a_file_is_not_shown() {
    let (tenant, files) = (Tenant::empty(), Files::examples());
    files.change("synapse.yaml", "${env:SYNAPSE_PASSWORD}", SECRETS[0].1);
    for args in [["sync", "--dry-run"], ["sync", "--yes"]] {
        for form in forms() {
            keeps_quiet(&run(args, form, &tenant).with(&files).run());
        }
    }
    for output in ["--output=text", "--output=json"] {
        let run = Integrationd::new(["validate", output]).with(&files);
        keeps_quiet(&run.run());
    }
}

#[test]
fn a_wrong_key_is_not_repeated() {
    let tenant = Tenant::empty();
    for auth in ["--auth=key", "--auth=token"] {
        for command in ["ping", "list", "sync"] {
            let run = Integrationd::new([command, auth, "--log-level=trace"]).on(&tenant);
            let ran = run.env("IMMUTA_API_KEY", "w-r-o-n-g-k-e-y").run();
            let ran = ran.exits_with(1);
            assert!(!ran.all().contains("w-r-o-n-g"), "{}", ran.all());
        }
    }
}

#[test]
fn the_file_with_the_tools_own_key_is_no_secret_for_files() {
    let (tenant, files) = (Tenant::empty(), Files::none());
    let key = files.path().join("key");
    std::fs::write(&key, API_KEY).unwrap();
    files.write(
        "lake.yaml",
        "type: Databricks\nautoBootstrap: false\nconfig: {workspaceUrl: w.example.com, httpPath: /p, \
         authenticationType: token, token: '${file:key}'}\n",
    );
    let ran = Integrationd::new(["sync", "--yes"])
        .at(&tenant.url())
        .arg("--api-key-file")
        .arg(key.to_str().unwrap())
        .with(&files)
        .run()
        .exits_with(65);
    assert_eq!(tenant.writes(), [""; 0]);
    assert!(ran.stdout.contains("is blocked"), "{}", ran.stdout);
    assert!(ran.stderr.contains("error[E0405]"), "{}", ran.stderr);
}
