//! The settings file: what it says counts where nothing stronger does, and every
//! mistake in it is told with its place.

use std::path::Path;

use serde_json::Value;

use crate::common::{Files, Integrationd, Ran, Tenant};

const EXAMPLE: &str = "systemd/integrationd.yaml";

fn check(file: &Path) -> Ran {
    Integrationd::new(["settings", "check"]).arg(file).run()
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
fn a_flag_beats_the_environment_the_environment_the_file_and_the_file_the_default() {
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
    // An address where nobody listens.
    let ran = sync().env("IMMUTA_URL", "http://127.0.0.1:9").run();
    ran.exits_with(1);
    assert_eq!(tenant.writes(), [""; 0]);
    let ran = sync().env("INTEGRATIOND_POLICY", "create-only").run();
    ran.exits_with(0);
    assert_eq!(tenant.writes(), ["POST /integrations"]);
}

#[test]
fn every_mistake_is_told_with_its_place_and_nothing_is_done() {
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
    error: the settings in settings.yaml are not in order
     help: `integrationd settings schema` prints what can be set, for an editor
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
        ran.stderr.contains("cannot be read from /nowhere.yaml"),
        "{}",
        ran.stderr
    );
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
fn a_password_in_an_address_is_an_error_with_its_place_and_not_shown() {
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
    settings.yaml:2:6: error[E0305]: `git` cannot be used: it holds a user name or a password: remove them
      |
    2 | git: …
      |      ^ here

    1 error in 1 file
    error: the settings in settings.yaml are not in order
     help: `integrationd settings schema` prints what can be set, for an editor
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
fn a_password_in_the_address_of_a_repository_is_refused_and_not_repeated() {
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
fn the_example_names_every_setting_and_each_of_its_lines_is_in_order() {
    let files = Files::none().with("settings.yaml", &uncommented());
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
    for wrong in [
        r#"{"policy": "all"}"#,
        r#"{"urll": "x"}"#,
        r#"{"interval": [1]}"#,
    ] {
        let wrong: Value = serde_json::from_str(wrong).unwrap();
        assert!(!schema.is_valid(&wrong), "{wrong}");
    }
}
