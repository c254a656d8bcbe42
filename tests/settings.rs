//! Sources of the URL and the key, through the command.

use integrationd::simulator::API_KEY;

use crate::common::{Files, Integrationd, Ran, Tenant, snowflake};

/// `ping` with an environment of its own.
fn ping<const N: usize>(environment: [(&str, &str); N]) -> Integrationd {
    environment
        .iter()
        .fold(Integrationd::new(["ping"]), |run, (name, value)| {
            run.env(name, value)
        })
}

fn refused(run: Integrationd) -> String {
    let Ran { stdout, stderr, .. } = run.run().exits_with(78);
    assert_eq!(stdout, "");
    stderr
}

#[test]
fn a_flag_beats_the_environment() {
    let (tenant, files) = (Tenant::empty(), Files::none());
    files.write("key.txt", &format!("{API_KEY}\n"));
    ping([
        ("IMMUTA_URL", "https://nowhere.invalid"),
        ("IMMUTA_API_KEY", "wrong"),
    ])
    .arg("--url")
    .arg(tenant.url())
    .arg("--api-key-file")
    .arg(files.path().join("key.txt"))
    .run()
    .exits_with(0);
}

#[test]
fn the_names_of_the_terraform_provider_are_accepted() {
    let tenant = Tenant::empty();
    ping([
        ("IMMUTA_HOST", &tenant.url()),
        ("IMMUTA_API_TOKEN", API_KEY),
    ])
    .run()
    .exits_with(0);
}

#[test]
fn a_key_file_and_a_systemd_credential_hold_the_key() {
    let (tenant, files) = (Tenant::empty(), Files::none());
    files.write("immuta-api-key", API_KEY);
    let directory = files.path().display().to_string();
    let file = format!("{directory}/immuta-api-key");
    let url = tenant.url();
    ping([("IMMUTA_URL", &*url), ("IMMUTA_API_KEY_FILE", &file)])
        .run()
        .exits_with(0);
    ping([("IMMUTA_URL", &*url), ("CREDENTIALS_DIRECTORY", &directory)])
        .run()
        .exits_with(0);
}

#[test]
fn two_sources_of_one_rank_are_an_error_that_names_both() {
    let url = ("IMMUTA_URL", "https://a.example");
    insta::assert_snapshot!(refused(ping([url, ("IMMUTA_HOST", "b.example")])), @r"
    error: `IMMUTA_URL` and `IMMUTA_HOST` are both set
     help: unset one of them
    ");
    let keys = [url, ("IMMUTA_API_KEY", "k1"), ("IMMUTA_API_TOKEN", "k2")];
    insta::assert_snapshot!(refused(ping(keys)), @r"
    error: `IMMUTA_API_KEY` and `IMMUTA_API_TOKEN` are both set
     help: unset one of them
    ");
    let files = Files::none().with("immuta-api-key", "k");
    let directory = files.path().display().to_string();
    let keys = [
        url,
        ("IMMUTA_API_KEY", "k1"),
        ("CREDENTIALS_DIRECTORY", &*directory),
    ];
    insta::assert_snapshot!(refused(ping(keys)), @r"
    error: `IMMUTA_API_KEY` and `immuta-api-key` are both set
     help: unset one of them
    ");
}

#[test]
fn what_is_missing_is_said_with_where_it_comes_from() {
    insta::assert_snapshot!(refused(ping([])), @r"
    error: no tenant is configured
     help: set IMMUTA_URL or `--url` to the tenant's URL, such as https://acme.hosted.immutacloud.com; to try integrationd without a tenant, run `integrationd sync --simulate`
    ");
    insta::assert_snapshot!(refused(ping([("IMMUTA_URL", "https://a.example")])), @"
    error: no API key is configured
     help: set IMMUTA_API_KEY or IMMUTA_API_KEY_FILE; create a key in Immuta (profile page, tab API Keys)
    ");
    let file = [
        ("IMMUTA_URL", "https://a.example"),
        ("IMMUTA_API_KEY_FILE", "/nowhere/key"),
    ];
    insta::assert_snapshot!(refused(ping(file)), @"
    error: cannot read the API key from /nowhere/key: No such file or directory (os error 2)
     help: check the path and its permissions
    ");
}

#[test]
fn url_that_would_expose_the_key_is_refused_and_not_repeated() {
    let url = |url: &str| {
        let stderr = refused(ping([("IMMUTA_URL", url), ("IMMUTA_API_KEY", "k")]));
        assert!(!stderr.contains("hunter2"), "{stderr}");
        stderr
    };
    insta::assert_snapshot!(url("http://acme.example"), @r"
    error: the tenant's URL is invalid: use https: http would send credentials unencrypted (http is allowed only on this machine)
     help: give the URL from the browser, such as https://acme.hosted.immutacloud.com
    ");
    insta::assert_snapshot!(url("https://immuta:hunter2@acme.example"), @r"
    error: the tenant's URL is invalid: it contains a user name or password: remove them
     help: give the URL from the browser, such as https://acme.hosted.immutacloud.com
    ");
    insta::assert_snapshot!(url("https://acme.example/?token=hunter2"), @r"
    error: the tenant's URL is invalid: it contains a query: remove the question mark and everything after it
     help: give the URL from the browser, such as https://acme.hosted.immutacloud.com
    ");
    insta::assert_snapshot!(url("acme.example"), @r"
    error: the tenant's URL is invalid: it is not a URL: relative URL without a base
     help: give the URL from the browser, such as https://acme.hosted.immutacloud.com
    ");
    insta::assert_snapshot!(url("ftp://acme.example"), @r"
    error: the tenant's URL is invalid: its scheme is not https
     help: give the URL from the browser, such as https://acme.hosted.immutacloud.com
    ");
}

#[test]
fn a_key_that_cannot_be_one_is_refused_and_not_repeated() {
    let key = |key: &str| {
        let url = ("IMMUTA_URL", "https://acme.example");
        refused(ping([url, ("IMMUTA_API_KEY", key)]))
    };
    let stderr = key("hunter2\nhunter3");
    assert!(!stderr.contains("hunter"), "{stderr}");
    insta::assert_snapshot!(stderr, @"
    error: the API key is invalid: it contains a space, a line break or another invalid character: give only the key
     help: create an API key in Immuta (profile page, tab API Keys)
    ");
}

#[test]
fn a_ca_file_that_is_none_is_named() {
    let files = Files::none().with("ca.pem", "no certificate");
    let ca = |path: &str| {
        let run = ping([
            ("IMMUTA_URL", "https://acme.example"),
            ("IMMUTA_API_KEY", "k"),
        ]);
        let stderr = refused(run.arg("--ca-file").arg(files.path().join(path)));
        stderr.replace(&files.path().display().to_string(), "[FILES]")
    };
    insta::assert_snapshot!(ca("ca.pem"), @r"
    error: the CA file [FILES]/ca.pem contains no PEM certificate
     help: check the certificates that `--ca-file` names
    ");
    insta::assert_snapshot!(ca("none.pem"), @r"
    error: cannot read the CA file [FILES]/none.pem: No such file or directory (os error 2)
     help: check the certificates that `--ca-file` names
    ");
}

#[test]
fn what_is_empty_in_the_environment_is_not_set() {
    let tenant = Tenant::empty();
    ping([("IMMUTA_HOST", ""), ("IMMUTA_API_TOKEN", "")])
        .on(&tenant)
        .run()
        .exits_with(0);
}

#[test]
fn yes_may_be_said_in_the_environment_in_several_words() {
    let files = Files::none().with("a.yaml", &snowflake("a"));
    for (word, code) in [("1", 0), ("true", 0), ("yes", 0), ("0", 4), ("no", 4)] {
        Integrationd::new(["sync"])
            .on(&Tenant::empty())
            .with(&files)
            .env("INTEGRATIOND_YES", word)
            .run()
            .exits_with(code);
    }
}
