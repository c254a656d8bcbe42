//! The settings file: it applies where nothing stronger does, and every mistake in it is
//! reported with its place.

use std::path::Path;

use serde_json::Value;

use crate::common::{Files, Integrationd, Ran, Tenant};
use crate::programs::{CERTIFICATES, needs};
use crate::support::certificate::certificate;

const EXAMPLE: &str = "systemd/integrationd.yaml";

fn check(file: &Path) -> Ran {
    Integrationd::new(["settings", "check"]).arg(file).run()
}

#[test]
fn settings_check_reads_the_file_of_the_config_flag() {
    let files = Files::none()
        .with("good.yaml", "policy: observe\n")
        .with("bad.yaml", "policy: everything\n");
    let [good, bad] = ["good.yaml", "bad.yaml"].map(|name| files.path().join(name));
    let check = || Integrationd::new(["settings", "check"]);
    let ran = check().arg("--config").arg(&bad).run().exits_with(78);
    assert!(ran.stderr.contains("bad.yaml:1:9: error"), "{}", ran.stderr);
    let ran = check().arg("--config").arg(&good).run().exits_with(0);
    assert!(ran.stdout.contains("good.yaml is valid."), "{}", ran.stdout);
    let both = check().arg(&good).arg("--config").arg(&bad);
    let ran = both.run().exits_with(64);
    assert!(
        ran.stderr.contains("two settings files are given"),
        "{}",
        ran.stderr
    );
    // A draft is checked where the environment names the file in use.
    let draft = check()
        .arg(&good)
        .env("INTEGRATIOND_CONFIG", bad.to_str().unwrap());
    draft.run().exits_with(0);
}

fn schema() -> Value {
    let ran = Integrationd::new(["settings", "schema"]).run();
    ran.exits_with(0).json()
}

/// The example with every setting in force.
fn uncommented() -> String {
    let text = include_str!("../systemd/integrationd.yaml");
    let is_setting = |line: &&str| line.starts_with('#') && !line.starts_with("# ") && *line != "#";
    let settings = text.lines().filter(is_setting).map(|line| &line[1..]);
    settings.collect::<Vec<_>>().join("\n") + "\n"
}

#[test]
fn flag_beats_environment_beats_file_beats_default() {
    let (tenant, files) = (
        Tenant::empty(),
        Files::none().with("a.yaml", "type: Trino\n"),
    );
    let dir = files.path().display();
    let settings = Files::none().with(
        "settings.yaml",
        &format!("url: {}\ndir: {dir}\npolicy: observe\n", tenant.url()),
    );
    let file = settings.path().join("settings.yaml");
    let sync = || {
        let run = Integrationd::new(["sync", "--yes", "--config"]).arg(&file);
        run.env("IMMUTA_API_KEY", integrationd::simulator::API_KEY)
    };
    let told = "the policy is `observe`";
    let ran = sync().run().exits_with(0);
    assert!(ran.stdout.contains(told), "{}", ran.stdout);
    let ran = sync()
        .env("INTEGRATIOND_POLICY", "create-only")
        .arg("--policy=observe");
    assert!(ran.run().stdout.contains(told));
    // An address without a listener.
    let ran = sync().env("IMMUTA_URL", "http://127.0.0.1:9").run();
    ran.exits_with(1);
    assert_eq!(tenant.writes(), [""; 0]);
    let ran = sync().env("INTEGRATIOND_POLICY", "create-only").run();
    ran.exits_with(0);
    assert_eq!(tenant.writes(), ["POST /integrations"]);
}

#[test]
fn every_mistake_is_reported_with_its_place_and_nothing_is_done() {
    let files = Files::none().with(
        "settings.yaml",
        "intervall: 5m\ninterval: 5x\npolicy: everything\nmax-deletes: [1, 2]\npoll:\n",
    );
    let file = files.path().join("settings.yaml");
    let ran = check(&file).exits_with(78);
    assert_eq!(ran.stdout, "");
    let told = ran
        .stderr
        .replace(&format!("{}/", files.path().display()), "");
    insta::assert_snapshot!(told, @"
    settings.yaml:1:1: error[E0202]: unknown setting `intervall`
      |
    1 | intervall: …
      | ^^^^^^^^^ no setting has this name
      |
      = help: did you mean `interval`?

    settings.yaml:2:11: error[E0305]: invalid value '5x' for '--interval <DURATION>': give a duration such as 90s, 10m or 1h30m
      |
    2 | interval: 5x
      |           ^^ here

    settings.yaml:3:9: error[E0305]: invalid value 'everything' for '--policy <POLICY>' [possible values: sync, upsert-only, create-only, observe]
      |
    3 | policy: everything
      |         ^^^^^^^^^^ here

    settings.yaml:4:14: error[E0305]: `max-deletes` takes one value
      |
    4 | max-deletes: [1, 2]
      |              ^^^^^^ here

    settings.yaml:5:5: error[E0302]: `poll` must be a value or a list of values, found null
      |
    5 | poll:
      |     ^ here

    5 errors in 1 file
    error: the settings file settings.yaml is invalid
     help: run `integrationd settings schema` to print a JSON Schema for your editor
    ");
    for command in ["sync", "daemon", "validate", "list", "ping", "history"] {
        let run = Integrationd::new([command, "--config"]).arg(&file);
        assert_eq!(run.run().exits_with(78).stdout, "", "{command}");
    }
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let run = Integrationd::new(["validate", "--config", "/nowhere.yaml"]).run();
    let ran = run.exits_with(78);
    assert!(
        ran.stderr
            .contains("cannot read the settings file /nowhere.yaml"),
        "{}",
        ran.stderr
    );
}

/// Output of the check of these settings, without the directory of the files.
fn refused(files: &Files, text: &str) -> String {
    files.write("settings.yaml", text);
    let ran = check(&files.path().join("settings.yaml")).exits_with(78);
    assert_eq!(ran.stdout, "", "{text}");
    let place = format!("{}/", files.path().display());
    ran.stderr.replace(&place, "")
}

#[test]
fn impossible_repository_settings_are_reported_with_their_place() {
    let told = refused(
        &Files::none(),
        "git-commit: nonsense\ngit-directory: ../..\ngit-branch: refs/heads/main\ngit-tag: -x\n\
         git-allow-rewrite: abc\n",
    );
    let heads: Vec<&str> = told
        .lines()
        .filter(|line| line.contains(": error["))
        .collect();
    insta::assert_snapshot!(heads.join("\n"), @r"
    settings.yaml:1:13: error[E0305]: invalid value 'nonsense' for '--git-commit <HASH>': it is not a full commit ID (40 hexadecimal digits)
    settings.yaml:2:16: error[E0305]: invalid value '../..' for '--git-directory <DIR>': the directory must be a relative path without `..`
    settings.yaml:3:13: error[E0305]: invalid value 'refs/heads/main' for '--git-branch <NAME>': it is not a valid tag or branch name: omit `refs/heads/` and `refs/tags/`
    settings.yaml:4:10: error[E0305]: invalid value '-x' for '--git-tag <NAME>': it is not a valid tag or branch name: omit `refs/heads/` and `refs/tags/`
    settings.yaml:5:20: error[E0305]: invalid value 'abc' for '--git-allow-rewrite[=<COMMIT>]': give `true`, `false`, or a full commit ID (40 hexadecimal digits)
    ");
}

/// Settings of a repository that cannot be used, and what is said of them.
fn wrong_for_git(place: &str) -> Vec<(String, &'static str)> {
    let git = "git: https://git.example.com/a.git\n";
    let head = format!("{git}git-verify: head\n");
    let signers = format!("git-allowed-signers: {place}");
    vec![
        (head.clone(), "no accepted keys are configured"),
        (
            format!("{git}git-verify: tag\n{signers}/short\n"),
            "no tag is configured",
        ),
        (format!("{head}{signers}/gone\n"), READ_WITH_EACH_REVISION),
        (format!("{git}git-ca-file: {place}/gone\n"), "gone"),
        (
            format!("{git}git-token-file: {place}/gone\n"),
            "cannot read the git token",
        ),
        (
            "git: ftp://git.example.com/a\n".to_owned(),
            "its scheme is not",
        ),
    ]
}

/// The only part that is checked by the command and not by the start of the daemon.
const READ_WITH_EACH_REVISION: &str = "cannot read gone";

/// The same of everything else.
fn wrong_for_the_rest(place: &str) -> Vec<(String, &'static str)> {
    let tls = format!("listen-tls-cert: {place}/cert.pem\nlisten-tls-key: {place}");
    let webhook = "webhook-listen: 127.0.0.1:1\n";
    let secret = format!("webhook-secret-file: {place}/short\n");
    let socket = format!("socket: {place}/s\n");
    vec![
        ("listen: 0.0.0.0:1\n".to_owned(), "so a certificate"),
        (format!("{tls}/gone\n"), "cannot read gone"),
        (
            format!("listen-token-file: {place}/gone\n"),
            "cannot read the token for the status page",
        ),
        (
            format!("listen-token-file: {place}/short\n"),
            "the token is too short: 5 characters",
        ),
        (
            "webhook-listen: 0.0.0.0:1\n".to_owned(),
            "so a certificate for webhooks",
        ),
        (
            format!("{webhook}{secret}"),
            "the webhook secret is too short: 5 characters",
        ),
        (
            format!("notify-url-file: {place}/short\n"),
            "the notification URL is invalid",
        ),
        (
            format!("notify-secret-file: {place}/gone\n"),
            "cannot read the secret for notifications",
        ),
        (
            format!("{socket}socket-user: nobody\n"),
            "`--socket-user nobody`",
        ),
        (
            "url: ftp://acme.example.com\n".to_owned(),
            "`url` is invalid",
        ),
        (
            format!("api-key-file: {place}/gone\n"),
            "cannot read the API key",
        ),
    ]
}

#[test]
fn check_refuses_settings_that_the_daemon_refuses() {
    needs!(CERTIFICATES);
    let files = Files::none().with("short", "guess");
    files.write("cert.pem", &certificate().0);
    let place = files.path().display().to_string();
    for (text, told) in [wrong_for_git(&place), wrong_for_the_rest(&place)].concat() {
        let refused = refused(&files, &text);
        assert!(refused.contains(told), "{text}{refused}");
        if told == READ_WITH_EACH_REVISION {
            continue;
        }
        let daemon = Integrationd::new(["daemon", "--config"]);
        let daemon = daemon.arg(files.path().join("settings.yaml"));
        let tenant = [
            ("IMMUTA_URL", "http://127.0.0.1:9", "url: "),
            ("IMMUTA_API_KEY", "a0key", "api-key-file: "),
        ];
        let of_here = tenant.iter().filter(|(_, _, key)| !text.starts_with(key));
        let daemon = of_here.fold(daemon, |run, (name, value, _)| run.env(name, value));
        daemon.run().exits_with(78);
    }
    // All of it at once, and nothing is made.
    let text = "listen: 0.0.0.0:1\nwebhook-listen: 0.0.0.0:2\nstate: state\n";
    let both = refused(&files, text);
    assert_eq!(both.matches("error: ").count(), 2, "{both}");
    assert!(!Path::new("state").exists());
}

#[test]
fn what_only_the_service_is_given_is_not_missed_by_the_check() {
    let files = Files::none();
    let (certificate, key) = certificate();
    files.write("cert.pem", &certificate);
    files.write("key.pem", &key);
    let place = files.path().display();
    let text = format!(
        "listen: 0.0.0.0:1\nlisten-tls-cert: {place}/cert.pem\nlisten-tls-key: {place}/key.pem\n\
         webhook-listen: 127.0.0.1:2\n"
    );
    files.write("settings.yaml", &text);
    check(&files.path().join("settings.yaml")).exits_with(0);
}

#[test]
fn a_secret_in_the_wrong_place_is_not_shown() {
    for text in [
        "api-key: s3cr3t-value\n",
        "s3cr3t-value\n",
        "url: [{x: s3cr3t-value}]\n",
    ] {
        let files = Files::none().with("settings.yaml", text);
        let ran = check(&files.path().join("settings.yaml")).exits_with(78);
        assert!(!ran.all().contains("s3cr3t-value"), "{}", ran.all());
    }
}

#[test]
fn password_in_an_address_is_a_located_error_and_not_shown() {
    let told = |text: &str| {
        let files = Files::none().with("settings.yaml", text);
        let ran = check(&files.path().join("settings.yaml")).exits_with(78);
        assert_eq!(ran.stdout, "");
        for part in ["ada", "s3cr3t"] {
            assert!(!ran.stderr.contains(part), "{text}\n{}", ran.stderr);
        }
        ran.stderr
            .replace(&format!("{}/", files.path().display()), "")
    };
    insta::assert_snapshot!(told("poll: 1m\ngit: https://ada:s3cr3t@git.example.com/a.git\n"), @r"
    settings.yaml:2:6: error[E0305]: `git` is invalid: it contains a user name or password: remove them
      |
    2 | git: …
      |      ^ here

    1 error in 1 file
    error: the settings file settings.yaml is invalid
     help: run `integrationd settings schema` to print a JSON Schema for your editor
    ");
    for text in [
        "git: https://s3cr3t@git.example.com/a.git\n",
        "git: ssh://ada:s3cr3t@git.example.com/a.git\n",
        "git: ada:s3cr3t@git.example.com:a.git\n",
        "git: https//ada:s3cr3t@git.example.com/a.git\n",
        "git: [https://ada:s3cr3t@git.example.com/a.git, other]\n",
        "git: [https://ada:s3cr3t@git.example.com/a.git, [other]]\n",
        "url: https://ada:s3cr3t@acme.example\n",
        "url: {x: https://ada:s3cr3t@acme.example}\n",
        "url: https://acme.example?key=s3cr3t\n",
        "git-branch: https://ada:s3cr3t@git.example.com/a.git\n",
        "var: {PROXY: 'http://ada:s3cr3t@proxy.example.com:3128'}\n",
        "interval: https://ada:s3cr3t@proxy.example.com\n",
    ] {
        told(text);
    }
    let files = Files::none().with("settings.yaml", "git: git@example.com:a.git\n");
    let ran = check(&files.path().join("settings.yaml")).exits_with(0);
    assert!(
        ran.stdout.contains("git = git@example.com:a.git"),
        "{}",
        ran.stdout
    );
}

#[test]
fn password_in_a_repository_address_is_refused_not_repeated() {
    let tenant = Tenant::empty();
    for command in ["sync", "daemon"] {
        for url in ["https://ada:s3cr3t@h/a.git", "ssh://ada:s3cr3t@h/a.git"] {
            let ran = Integrationd::new([command, "--git", url]).on(&tenant).run();
            let ran = ran.exits_with(78);
            let says = ran.stderr.contains("password: remove");
            assert!(says && !ran.stderr.contains("s3cr3t"), "{}", ran.stderr);
        }
    }
    assert_eq!(tenant.requests(), [""; 0]);
}

#[test]
fn example_names_every_setting_and_each_line_is_valid() {
    needs!(CERTIFICATES);
    // The files that it names are elsewhere here, and so is the user.
    let files = Files::none();
    let place = files.path().display().to_string();
    let text = uncommented().replace("/etc/integrationd", &place);
    files.write("settings.yaml", &text.replace("[git]", "[root]"));
    let (certificate, key) = certificate();
    let credential = |name: &str| format!("credentials/{name}");
    for (name, content) in [
        ("ca.pem", certificate.as_str()),
        ("cert.pem", &certificate),
        ("key.pem", &key),
        ("known_hosts", ""),
        ("allowed_signers", ""),
        ("revoked_keys", ""),
        ("release.asc", ""),
        ("production.yaml", "{}"),
        (&credential("immuta-api-key"), "a0key"),
        (&credential("git-token"), "a0token"),
        (&credential("git-ssh-key"), ""),
        (
            &credential("integrationd-listen-token"),
            "listen0listen0listen0listen0listen0",
        ),
        (
            &credential("integrationd-webhook-secret"),
            "webhook0webhook0webhook0",
        ),
        (
            &credential("integrationd-notify-url"),
            "https://hooks.example.com/0",
        ),
        (
            &credential("integrationd-notify-secret"),
            "notify0notify0notify0",
        ),
    ] {
        files.write(name, content);
    }
    let ran = check(&files.path().join("settings.yaml")).exits_with(0);
    let schema = schema();
    for key in schema["properties"].as_object().unwrap().keys() {
        assert!(
            ran.stdout.contains(&format!("  {key} = ")),
            "{key}: {}",
            ran.stdout
        );
    }
    // As it is shipped, it sets nothing.
    let ran = check(Path::new(EXAMPLE)).exits_with(0);
    assert_eq!(ran.stdout.lines().count(), 1, "{}", ran.stdout);
}

#[test]
fn the_schema_takes_what_the_check_takes() {
    let schema = jsonschema::validator_for(&schema()).unwrap();
    let example: Value = serde_yaml::from_str(&uncommented()).unwrap();
    let mistakes: Vec<String> = schema
        .iter_errors(&example)
        .map(|e| e.to_string())
        .collect();
    assert_eq!(mistakes, [""; 0]);
    let commit = format!("{{\"git-allow-rewrite\": \"{}\"}}", "1".repeat(40));
    for right in [r#"{"git-allow-rewrite": true}"#, &commit] {
        let files = Files::none().with("settings.yaml", right);
        check(&files.path().join("settings.yaml")).exits_with(0);
        let right: Value = serde_json::from_str(right).unwrap();
        assert!(schema.is_valid(&right), "{right}");
    }
    for wrong in [
        r#"{"policy": "all"}"#,
        r#"{"urll": "x"}"#,
        r#"{"interval": [1]}"#,
    ] {
        let wrong: Value = serde_json::from_str(wrong).unwrap();
        assert!(!schema.is_valid(&wrong), "{wrong}");
    }
}
