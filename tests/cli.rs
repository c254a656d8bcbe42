//! The command line: its help, a choice among the files, and their variables.

use std::io::Read;
use std::process::Stdio;

use crate::common::{Files, Integrationd, Tenant, examples, snowflake};

const COMMANDS: [&str; 5] = ["sync", "validate", "list", "ping", "simulator"];

fn two() -> Files {
    Files::none()
        .with("a.yaml", &snowflake("a"))
        .with("b.yaml", &snowflake("b"))
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is one page of text")]
fn the_help_teaches() {
    let ran = Integrationd::new(["--help"]).run().exits_with(0);
    insta::assert_snapshot!(ran.stdout, @"
    Keeps the integrations of an Immuta tenant in sync with a directory of YAML files

    Each file describes one integration in the format of the API's payload. A plan shows the
    differences; an apply makes the changes, follows each one until the server has finished, and
    verifies with a second plan that no differences remain.

    Usage: integrationd [OPTIONS] <COMMAND>

    Commands:
      sync        Plan and apply once; `--dry-run` stops after the plan
      daemon      Keep the tenant in sync, as a service
      validate    Check the files offline, without a tenant, credentials or a network
      explain     Explain the state of an integration, or the code of a diagnostic
      render      Print the files with variables filled in and secrets as references
      list        Show the live integrations of the tenant, without secrets
      ping        Check the tenant's URL and certificate, the API key, and its permission
      export      Write a file for each unmanaged integration, with references instead of secrets
      adopt       Record live integrations as owned, without writing to the tenant
      script      Print the script that a manual set-up needs next
      snippet     Write the configuration snippet of a cluster
      status      Show the status of the running daemon, without contacting the tenant
      history     Show past runs, without contacting the tenant
      resolve     Resolve a write whose outcome is unknown
      suspend     Suspend writes to all or some integrations
      resume      Resume writes that `suspend` stopped
      simulator   Serve a simulated tenant, for trials and tests
      hook        Trigger a run of the daemon on each push to a local repository
      settings    Check the settings file, or print its schema
      schema      Print the JSON Schema of integration files, for an editor
      completion  Print a completion script for a shell
      man         Print a manual page, or write all manual pages to a directory
      help        Print this message or the help of the given subcommand(s)

    Options:
      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

    Output:
          --color <WHEN>
              Use of colours in the output; NO_COLOR is honoured
              
              [default: auto]
              [possible values: auto, always, never]

          --log-level <LEVEL>
              Log level on standard error [default: warn; for the daemon: info]
              
              [env: INTEGRATIOND_LOG_LEVEL]
              [possible values: error, warn, info, debug, trace]

          --log-format <FORMAT>
              Log format: lines for people, or one JSON object per line
              
              [env: INTEGRATIOND_LOG_FORMAT]
              [default: text]
              [possible values: text, json]

          --config <FILE>
              Settings file, with a key for every flag of `daemon` [default:
              /etc/integrationd/integrationd.yaml, if it exists]
              
              [env: INTEGRATIOND_CONFIG]

    Examples:
      integrationd sync --simulate   try integrationd without a tenant or credentials
      integrationd validate          check the files without contacting the tenant
      integrationd ping              check the URL and the API key
      integrationd sync --dry-run    show what would change
      integrationd sync              show the plan, ask for confirmation, and apply it

    Environment:
      IMMUTA_URL           the tenant's URL, such as https://acme.hosted.immutacloud.com
      IMMUTA_HOST          an alternative to IMMUTA_URL; the scheme is optional
      IMMUTA_API_KEY       the API key; IMMUTA_API_TOKEN also works
      IMMUTA_API_KEY_FILE  a file with the API key; or use the systemd credential immuta-api-key
      HTTPS_PROXY          the proxy, if any; NO_PROXY lists exceptions
      A flag overrides the environment. Without a flag, two sources for one setting are an error.

    Exit codes:
      0   in sync, or applied
      1   failed
      2   changes are pending (only with --detailed-exitcode)
      3   some changes were applied and others were not
      4   not approved: the prompt was not confirmed, the guard refused the plan, or the
          git history was rewritten
      64  the command line is wrong
      65  an integration file is invalid
      78  the settings are invalid
      If several codes apply, the first of 4, 3, 1, 65, 2 is used.
    ");
    assert_eq!(ran.stderr, "");
}

#[test]
fn the_help_of_every_command_has_examples_and_fits_a_page() {
    for command in COMMANDS {
        for flag in ["-h", "--help"] {
            let ran = Integrationd::new([command, flag]).run().exits_with(0);
            let help = ran.stdout;
            assert!(help.contains("Examples:\n  integrationd "), "{help}");
            assert!(
                help.lines().all(|line| line.chars().count() <= 100),
                "{help}"
            );
        }
    }
}

#[test]
fn long_help_names_environment_and_exit_codes_and_no_value() {
    for command in ["sync", "list", "ping"] {
        let ran = Integrationd::new([command, "--help"])
            .env("IMMUTA_API_KEY", "hunter2")
            .env("INTEGRATIOND_CA_FILE", "/hunter2")
            .run();
        for text in ["IMMUTA_URL", "IMMUTA_API_KEY_FILE", "Exit codes:", "  78  "] {
            assert!(ran.stdout.contains(text), "{text} in {}", ran.stdout);
        }
        assert!(!ran.stdout.contains("hunter2"), "{}", ran.stdout);
    }
}

#[test]
fn a_command_alone_shows_the_help_as_a_mistake() {
    let ran = Integrationd::new([]).run().exits_with(64);
    assert!(ran.stderr.contains("Commands:"), "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
}

#[test]
fn only_and_exclude_choose_among_the_files() {
    let tenant = Tenant::empty();
    let summary = |flag: &str| {
        let run = Integrationd::new(["sync", "--dry-run", flag]);
        let stdout = run.on(&tenant).with(&two()).run().exits_with(0).stdout;
        stdout.lines().last().unwrap_or_default().to_owned()
    };
    assert_eq!(summary("--only=a"), "Plan: 1 to create, 1 not selected.");
    assert_eq!(summary("--only=a,b"), "Plan: 2 to create.");
    assert_eq!(summary("--exclude=a"), "Plan: 1 to create, 1 not selected.");
    assert_eq!(summary("--exclude=a,b"), "Plan: 2 not selected.");
}

#[test]
fn a_name_that_no_file_has_is_wrong_usage() {
    let unknown = |flag: &str| {
        let run = Integrationd::new(["sync", "--dry-run", flag]);
        let ran = run.on(&Tenant::empty()).with(&two()).run();
        ran.exits_with(64).stderr
    };
    insta::assert_snapshot!(unknown("--only=c\u{1b}[31m,a"), @r"
    error: no integration is named c\u{1b}[31m
     help: use one of the names in the files: a, b
    ");
    insta::assert_snapshot!(unknown("--exclude=c,d"), @r"
    error: no integration is named c or d
     help: use one of the names in the files: a, b
    ");
}

#[test]
fn variables_are_put_into_the_files() {
    let files = two();
    files.change("a.yaml", "warehouse: WH", "warehouse: ${var:size}_WH");
    let run = |args: [&str; 3]| {
        let run = Integrationd::new(["sync", "--dry-run"]);
        let run = args.iter().fold(run, Integrationd::arg);
        run.on(&Tenant::empty()).with(&files).run()
    };
    let with = run(["--var", "size=a=b", "--only=a"]).exits_with(0);
    assert!(with.stdout.contains("\"a=b_WH\""), "{}", with.stdout);
    let without = run(["--var", "other=x", "--only=a"]).exits_with(65);
    assert!(without.stderr.contains("E0403"), "{}", without.stderr);
}

#[test]
fn a_file_reference_reads_below_the_declared_root_only() {
    let secrets = Files::none().with("password", "from-a-file\n");
    let files = two();
    files.change("a.yaml", "${env:SNOWFLAKE_PASSWORD}", "${file:password}");
    let tenant = Tenant::empty();
    let run = || {
        let run = Integrationd::new(["sync", "--yes", "--only=a"]);
        run.on(&tenant).with(&files)
    };
    let without = run().run().exits_with(1);
    assert!(
        without.stdout.contains("the file does not exist"),
        "{}",
        without.stdout
    );
    let with = run().arg("--secret-root").arg(secrets.path());
    with.run().exits_with(0);
    assert_eq!(tenant.written()[0]["config"]["password"], "from-a-file");
}

#[test]
fn simulate_needs_no_tenant_and_no_secret() {
    let ran = Integrationd::new(["sync", "--simulate"])
        .run()
        .exits_with(0);
    let count = std::fs::read_dir(examples()).unwrap().count();
    let applied = format!("Applied: {count} created.");
    assert!(ran.stdout.contains(&applied), "{}", ran.stdout);
}

#[test]
fn validate_says_what_is_wrong_and_touches_nothing() {
    let files = two().with("c.yaml", &snowflake("c").replace("warehouse", "warehosue"));
    let run = Integrationd::new(["validate"]).with(&files);
    insta::assert_snapshot!(run.run().exits_with(65).stdout, @r"
    [FILES]/c.yaml:5:3: error[E0301]: unknown attribute `warehosue`
      |
    5 |   warehosue: …
      |   ^^^^^^^^^ not an attribute of Snowflake
      |
      = help: did you mean `warehouse`?
      = help: if a newer server supports this attribute, send it unchecked with `sync: {extra: {warehosue: …}}`

    1 error in 1 file
    2 integrations valid, 1 with errors.
    ");
    let good = Integrationd::new(["validate"]).with(&two()).run();
    assert_eq!(good.exits_with(0).stdout, "2 integrations valid.\n");
}

#[test]
fn a_reader_that_has_read_enough_is_no_failure() {
    let files = (0..60).fold(Files::none(), |files, n| {
        files.with(&format!("f{n}.yaml"), &snowflake(&format!("h{n}")))
    });
    let tenant = Tenant::empty();
    let mut child = Integrationd::new(["sync", "--dry-run", "-o", "json"])
        .on(&tenant)
        .with(&files)
        .into_command()
        .0
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 1];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(first, *b"{");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn a_result_that_cannot_be_written_is_a_failure() {
    // It takes nothing, like a full disk.
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
    let output = Integrationd::new(["sync", "--dry-run"])
        .on(&Tenant::empty())
        .with(&two())
        .into_command()
        .0
        .stdout(full.unwrap())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(String::from_utf8(output.stderr).unwrap(), @r"
    error: cannot write the result to standard output: No space left on device (os error 28)
     help: check the disk or the program that receives the output
    ");
}
