//! `--deny`: a warning that counts as an error, in every command and in the daemon.

use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::common::{Files, Integrationd, Ran, Tenant, eventually, lake};
use crate::web::Web;

/// A file with a literal secret: W0602.
fn literal(host: &str) -> String {
    lake(host, "hunter2")
}

/// Two documents, the first of which has a literal secret.
fn two_documents() -> String {
    let (bad, good) = (literal("bad"), lake("good", "${env:LAKE_TOKEN}"));
    format!("{bad}sync: {{name: bad}}\n---\n{good}sync: {{name: good}}\n")
}

struct World {
    tenant: Tenant,
    files: Files,
    state: TempDir,
}

impl World {
    fn new(name: &str, text: &str) -> Self {
        Self {
            tenant: Tenant::empty(),
            files: Files::none().with(name, text),
            state: TempDir::new().unwrap(),
        }
    }

    /// An integration that is in sync, and the policy that would delete it without a file.
    fn in_sync() -> Self {
        let world = Self::new("lake.yaml", &lake("lake", "${env:LAKE_TOKEN}"));
        world.sync(&["--policy=sync"]).exits_with(0);
        world.tenant.simulator.clear_log();
        world
    }

    fn command(&self, args: &[&str]) -> Integrationd {
        let run = args.iter().fold(Integrationd::new([]), Integrationd::arg);
        run.env("LAKE_TOKEN", "token-of-the-lake")
            .env("XDG_STATE_HOME", &self.state.path().display().to_string())
            .on(&self.tenant)
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.command(args).with(&self.files).run()
    }

    fn sync(&self, args: &[&str]) -> Ran {
        self.run(&[&["sync", "--yes"], args].concat())
    }

    /// The hosts of everything that was sent.
    fn hosts(&self) -> Vec<Json> {
        let written = self.tenant.written().into_iter();
        written
            .map(|it| it["config"]["workspaceUrl"].clone())
            .collect()
    }
}

#[test]
fn denied_warning_fails_validate_and_names_the_flag() {
    let world = World::new("lake.yaml", &literal("lake"));
    world.run(&["validate"]).exits_with(0);
    let ran = world.run(&["validate", "--deny", "W0602"]).exits_with(65);
    insta::assert_snapshot!(ran.all(), @"
    [FILES]/lake.yaml:7:10: error[W0602]: the file contains the secret `token`
      |
    7 |   token: …
      |          ^ anyone who can read the file can read this secret
      |
      = note: denied by `--deny W0602`
      = help: use a reference instead: `${env:NAME}`, `${file:/path}` or `${cred:NAME}`; then rotate the secret, since it was exposed

    1 error in 1 file
    0 integrations valid, 1 with errors.
    ");
    let ran = world.run(&["validate", "--deny=w0601,W0602", "-o=json"]);
    let document = ran.exits_with(65).json();
    let diagnostic = &document["diagnostics"][0];
    assert_eq!(diagnostic["code"], "W0602");
    assert_eq!(diagnostic["severity"], "error");
    assert_eq!(diagnostic["denied_by"], "--deny W0602");
    assert_eq!(document["invalid"], json!(["lake"]));
    // All warnings; a warning that is not denied stays one.
    let ran = world
        .run(&["validate", "--deny", "warnings"])
        .exits_with(65);
    assert!(
        ran.stdout.contains("note: denied by `--deny warnings`"),
        "{}",
        ran.stdout
    );
    let ran = world.run(&["validate", "--deny", "W0608"]).exits_with(0);
    assert!(ran.stdout.contains("warning[W0602]"), "{}", ran.stdout);
    let ran = world.run(&["validate", "-o=json"]).exits_with(0);
    assert_eq!(ran.json()["diagnostics"][0]["denied_by"], Json::Null);
}

#[test]
fn unknown_code_is_wrong_usage_and_an_error_code_is_none() {
    let world = World::new("lake.yaml", &literal("lake"));
    let ran = world.run(&["validate", "--deny", "W0620"]).exits_with(64);
    let message = "invalid value 'W0620' for '--deny <CODE>': no diagnostic has this code \
        (did you mean `W0602`?)";
    assert!(ran.stderr.contains(message), "{}", ran.stderr);
    let ran = world.sync(&["--deny", "literal-secret"]).exits_with(64);
    assert!(
        ran.stderr.contains("did you mean `W0602`?"),
        "{}",
        ran.stderr
    );
    assert_eq!(world.tenant.requests(), [""; 0]);
    world.run(&["validate", "--deny", "E0301"]).exits_with(0);
}

#[test]
fn sync_sends_nothing_of_a_denied_document() {
    let world = World::new("both.yaml", &two_documents());
    let ran = world.sync(&["--deny", "W0602"]).exits_with(65);
    assert_eq!(world.hosts(), ["good.example.com"]);
    assert!(ran.all().contains("# bad is blocked"), "{}", ran.all());
    assert!(!ran.all().contains("hunter2"));
    let ran = world.run(&["sync", "--dry-run", "--deny=W0602", "-o=json"]);
    let plan = &ran.exits_with(65).json()["plan"]["actions"];
    assert_eq!(plan[0]["action"], "blocked", "{plan}");
    // The other one is processed as before.
    world.tenant.simulator.clear_log();
    world.sync(&[]).exits_with(0);
    assert_eq!(world.hosts(), ["bad.example.com"]);
}

#[test]
fn nothing_is_deleted_while_a_warning_is_denied() {
    let world = World::in_sync();
    std::fs::remove_file(world.files.path().join("lake.yaml")).unwrap();
    world.files.write("other.yaml", &literal("other"));
    let ran = world.sync(&["--policy=sync", "--deny=W0602"]);
    let message = "other.yaml has errors and may describe the integration";
    assert!(ran.all().contains(message), "{}", ran.all());
    assert_eq!(world.tenant.writes(), [""; 0]);
    world.sync(&["--policy=sync"]).exits_with(0);
    assert_eq!(world.tenant.writes().len(), 2);
}

#[test]
fn denied_empty_file_freezes_its_integration() {
    let world = World::in_sync();
    world.files.write("lake.yaml", "# nothing\n");
    let ran = world
        .sync(&["--policy=sync", "--deny=W0601"])
        .exits_with(65);
    assert!(ran.all().contains("# lake is blocked"), "{}", ran.all());
    assert_eq!(world.tenant.writes(), [""; 0]);
    let ran = world.run(&["validate", "--deny=W0601", "-o=json"]);
    assert_eq!(ran.exits_with(65).json()["invalid"], json!(["lake"]));
}

#[test]
fn denied_unused_variable_withholds_deletions_alone() {
    let world = World::in_sync();
    std::fs::remove_file(world.files.path().join("lake.yaml")).unwrap();
    world
        .files
        .write("other.yaml", &lake("other", "${env:LAKE_TOKEN}"));
    let flags = ["--policy=sync", "--var=REGION=x", "--deny=W0609"];
    let ran = world.sync(&flags);
    let message = "--var has errors and may describe the integration";
    assert!(ran.all().contains(message), "{}", ran.all());
    assert_eq!(world.tenant.writes(), ["POST /integrations"]);
    world
        .run(&["validate", "--var=REGION=x", "--deny=W0609"])
        .exits_with(65);
}

#[test]
fn setting_and_environment_deny_as_the_flag() {
    let world = World::new("lake.yaml", &literal("lake"));
    let settings = Files::none()
        .with("list.yaml", "deny: [W0601, W0602]\n")
        .with("all.yaml", "deny: warnings\n")
        .with("bad.yaml", "deny: W0620\n");
    let validate = |name: &str| {
        let file = settings.path().join(name);
        let run = world.command(&["validate", "--config"]).arg(file);
        run.with(&world.files)
    };
    for name in ["list.yaml", "all.yaml"] {
        let ran = validate(name).run().exits_with(65);
        assert!(ran.stdout.contains("error[W0602]"), "{}", ran.stdout);
    }
    // A flag or a variable replaces the list.
    validate("list.yaml")
        .arg("--deny=W0608")
        .run()
        .exits_with(0);
    let variable = validate("list.yaml").env("INTEGRATIOND_DENY", "W0608,W0601");
    variable.run().exits_with(0);
    let variable = world.command(&["sync", "--yes"]).with(&world.files);
    let ran = variable.env("INTEGRATIOND_DENY", "W0601,W0602").run();
    ran.exits_with(65);
    assert_eq!(world.tenant.writes(), [""; 0]);
    let ran = validate("bad.yaml").run().exits_with(78);
    assert!(ran.stderr.contains("bad.yaml:1:7: error"), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("did you mean `W0602`?"),
        "{}",
        ran.stderr
    );
}

#[test]
fn other_commands_see_an_invalid_file() {
    let world = World::new("both.yaml", &two_documents());
    let ran = world.run(&["render", "--deny=W0602"]).exits_with(65);
    assert!(!ran.stdout.contains("bad.example.com"), "{}", ran.stdout);
    assert!(ran.stdout.contains("good.example.com"), "{}", ran.stdout);
    let dir = world.files.path().display().to_string();
    let named = |command: &[&str]| {
        let run = world.command(command).arg(format!("--dir={dir}"));
        run.arg("--deny=W0602").run()
    };
    let ran = named(&["explain", "bad"]);
    assert!(
        ran.all().contains("denied by `--deny W0602`"),
        "{}",
        ran.all()
    );
    assert!(ran.all().contains("the file has errors"), "{}", ran.all());
    let ran = named(&["adopt", "bad"]);
    assert_ne!(ran.code, 0, "{}", ran.all());
    // An export does not add to files of which one is invalid.
    let ran = world.run(&["export", "--deny=W0602"]).exits_with(65);
    assert!(ran.all().contains("both.yaml is invalid"), "{}", ran.all());
    assert_eq!(world.tenant.writes(), [""; 0]);
}

#[test]
fn daemon_freezes_a_denied_file_until_it_is_fixed() {
    let web = Web::new(Files::none().with("bad.yaml", &literal("bad")));
    web.files
        .write("good.yaml", &lake("good", "${env:LAKE_TOKEN}"));
    let served = web.serve(&["--deny", "warnings"]);
    served.daemon.prints("bad.yaml:7:10: error[W0602]");
    eventually("the good one is applied", || web.tenant.writes().len() == 1);
    eventually("the bad one is frozen", || {
        let seen = &served.status()["seen"];
        let rows = seen["integrations"].as_array();
        rows.is_some_and(|rows| rows.len() == 2)
    });
    let row = served.row("bad");
    assert_eq!(
        (&row["state"], &row["reason"]),
        (&json!("Stalled"), &json!("InvalidFile"))
    );
    let mistake = &served.status()["seen"]["mistakes"][0];
    assert_eq!(mistake["severity"], "error", "{mistake}");
    assert_eq!(served.row("good")["state"], "Ready");
    let metrics = served.get("/metrics").body;
    for series in ["condition", "integrations_by_reason"] {
        let line = format!("integrationd_{series}{{reason=\"InvalidFile\"}} 1");
        assert!(metrics.contains(&line), "{metrics}");
    }
    assert_eq!(
        web.tenant.written()[0]["config"]["workspaceUrl"],
        "good.example.com"
    );
    web.files
        .write("bad.yaml", &lake("bad", "${env:LAKE_TOKEN}"));
    eventually("the fixed file is applied", || {
        web.tenant.writes().len() == 2
    });
    served.end();
}
