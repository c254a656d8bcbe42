//! `--allow-secret`: which references may go where.

use serde_json::json;

use crate::common::{Files, Integrationd, Tenant, lake, snowflake};
use crate::stub::Stub;

#[test]
fn reference_bound_elsewhere_is_never_fetched() {
    let tenant = Tenant::empty();
    let stub = Stub::start(|_| {
        let fields = json!({"token": "the-token"});
        (
            200,
            json!({"data": {"data": fields, "metadata": {}}}).to_string(),
        )
    });
    let files = Files::none()
        .with("good.yaml", &lake("good", "${vault:kv/data/good#token}"))
        .with("evil.yaml", &lake("evil", "${vault:kv/data/other#token}"));
    let ran = Integrationd::new(["sync", "--yes", "--log-level=trace"])
        .arg("--allow-secret=vault:kv/data/good#*=Databricks@good.example.com")
        .arg("--allow-secret=vault:kv/data/other#*=Databricks@other.example.com")
        .on(&tenant)
        .with(&files)
        .env("VAULT_ADDR", &stub.url)
        .env("VAULT_TOKEN", "t")
        .run()
        .exits_with(65);
    assert_eq!(tenant.tokens(), ["the-token"]);
    assert_eq!(stub.lines(), ["GET /v1/kv/data/good"]);
    insta::assert_snapshot!(ran.stderr.split("\n\n").next().unwrap(), @"
    [FILES]/evil.yaml:7:11: error[E0404]: `${vault:kv/data/other#token}` may not be sent to the host `evil.example.com` in `workspaceUrl`
      |
    7 |   token: '${vault:kv/data/other#token}'
      |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ not allowed here
      |
      = help: if the destination is correct, change `--allow-secret`, which allows `vault:kv/data/other#*=Databricks@other.example.com`
    ");
}

#[test]
fn integration_with_an_unbound_reference_is_not_written() {
    let (tenant, files, state) = (Tenant::empty(), Files::examples(), Files::none());
    let sync = |args: [&str; 4]| {
        let run = Integrationd::new(args).on(&tenant).with(&files);
        run.arg("--state").arg(state.path())
    };
    let all = ["sync", "--yes", "--policy", "sync"];
    sync(all).run().exits_with(0);
    tenant.simulator.clear_log();
    files.change("synapse.yaml", "database: analytics ", "database: other ");
    let others = [
        "BIGQUERY",
        "DATABRICKS",
        "REDSHIFT",
        "SNOWFLAKE",
        "AWS_IMMUTA",
    ];
    let bindings = others.map(|name| format!("env:{name}_*")).join(",");
    let ran = sync(all).env("INTEGRATIOND_ALLOW_SECRET", &bindings).run();
    assert_eq!(tenant.writes(), [""; 0]);
    assert!(ran.stderr.contains("E0404"), "{}", ran.stderr);
    assert!(ran.stdout.contains("synapse is blocked"), "{}", ran.stdout);
}

#[test]
fn validate_knows_the_bindings_and_needs_nothing_else() {
    let files = Files::none().with("a.yaml", &snowflake("a"));
    let validate = |binding: &str| {
        let run = Integrationd::new(["validate", "--allow-secret", binding]);
        run.with(&files).run()
    };
    validate("env:SNOWFLAKE_*=Snowflake@*.snowflakecomputing.com").exits_with(0);
    let ran = validate("env:SNOWFLAKE_*=Snowflake@*.example.com").exits_with(65);
    insta::assert_snapshot!(ran.stdout.replace(&files.path().display().to_string(), "[FILES]"), @"
    [FILES]/a.yaml:9:13: error[E0404]: `${env:SNOWFLAKE_PASSWORD}` may not be sent to the host `a.snowflakecomputing.com` in `host`
      |
    9 |   password: ${env:SNOWFLAKE_PASSWORD}
      |             ^^^^^^^^^^^^^^^^^^^^^^^^^ not allowed here
      |
      = help: if the destination is correct, change `--allow-secret`, which allows `env:SNOWFLAKE_*=Snowflake@*.example.com`

    1 error in 1 file
    0 integrations valid, 1 with errors.
    ");
}

#[test]
fn a_binding_that_is_none_is_wrong_usage_and_says_what_one_is() {
    let files = Files::none().with("a.yaml", &snowflake("a"));
    let said = |binding: &str| {
        let run = Integrationd::new(["validate", "--allow-secret", binding]).with(&files);
        let ran = run.run().exits_with(64);
        ran.stderr.lines().next().unwrap().to_owned()
    };
    insta::assert_snapshot!(said("SNOWFLAKE_PASSWORD"), @"error: invalid value \
        'SNOWFLAKE_PASSWORD' for '--allow-secret <REFERENCE[=TYPE[@HOST]]>': start the value with \
        a reference without `${` and `}`, such as env:NAME or vault:kv/data/team/*; the sources \
        are `env`, `file`, `cred`, `sops` and `vault`");
    insta::assert_snapshot!(said("env:A=snowflake"), @"error: invalid value 'env:A=snowflake' for \
        '--allow-secret <REFERENCE[=TYPE[@HOST]]>': no integration type matches the text after \
        `=` (did you mean `Snowflake`?); if the `=` is part of the reference, add `=*` at the end");
    insta::assert_snapshot!(said("env:A=Snowflake@*.com"), @"error: invalid value \
        'env:A=Snowflake@*.com' for '--allow-secret <REFERENCE[=TYPE[@HOST]]>': the last two \
        labels of the host must be literal, as in `*.example.com`; patterns such as `*example.com` \
        and `*.com` also match other people's hosts. To allow any host, write `@*` or omit the host");
    insta::assert_snapshot!(said("env:A=Trino@*.example.com"), @"error: invalid value \
        'env:A=Trino@*.example.com' for '--allow-secret <REFERENCE[=TYPE[@HOST]]>': no \
        integration of this type has a host: omit `@…`");
}

#[test]
fn host_that_the_server_has_gets_no_bound_secret() {
    let (tenant, state) = (Tenant::empty(), Files::none());
    let lake = |authority: &str, secret: &str, rest: &str| {
        format!(
            "type: Databricks\nautoBootstrap: false\nconfig:\n  \
             workspaceUrl: dbc-1.azuredatabricks.net\n  httpPath: /p\n  \
             authenticationType: oAuthM2M\n  oAuthClientConfig:\n    useCertificate: false\n    \
             clientId: id\n    clientSecret: '{secret}'\n    authorityUrl: {authority}\n{rest}"
        )
    };
    let sync = |text: String, arg: &str| {
        let files = Files::none().with("lake.yaml", &text);
        Integrationd::new(["sync", "--yes"])
            .arg("--allow-secret=env:DBX=Databricks@*.azuredatabricks.net")
            .arg(arg)
            .env("DBX", "CANARY-SECRET-77")
            .arg("--state")
            .arg(state.path())
            .on(&tenant)
            .with(&files)
            .run()
    };
    let text = "--output=text";
    sync(lake("https://evil.example/token", "junk", ""), text).exits_with(0);
    let ignore = "sync: {ignore: [{path: /oAuthClientConfig/authorityUrl, reason: x}]}\n";
    let good = "https://dbc-1.azuredatabricks.net/oidc";
    let second = lake(good, "${env:DBX}", ignore);
    let ran = sync(second.clone(), text).exits_with(1);
    assert_eq!(tenant.writes(), ["POST /integrations"]);
    insta::assert_snapshot!(ran.stdout, @"
      # lake is blocked  [FILES]/lake.yaml:1
      ! Databricks Unity Catalog
          with the server's current values, `${env:DBX}` may not be sent to the host `evil.example` in `oAuthClientConfig/authorityUrl`
          help: correct oAuthClientConfig/authorityUrl in Immuta, or set it in the file; if the destination is correct, change `--allow-secret`, which allows `env:DBX=Databricks@*.azuredatabricks.net`
          note: oAuthClientConfig/authorityUrl keeps the server's value, which points to evil.example

    Plan: 1 blocked.
    ");
    let json = sync(second, "--output=json").exits_with(1).json();
    let action = &json["plan"]["actions"][0];
    assert_eq!(action["code"], "UnboundReference", "{action}");
    assert!(!format!("{json} {}", ran.all()).contains("CANARY-SECRET-77"));
    sync(lake(good, "${env:DBX}", ""), text).exits_with(0);
    assert_eq!(
        tenant.writes(),
        ["POST /integrations", "PUT /integrations/1"]
    );
    let sent = &tenant.written()[1]["config"]["oAuthClientConfig"];
    assert_eq!(sent["authorityUrl"], good);
}
