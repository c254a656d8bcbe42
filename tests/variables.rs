//! Variables: values of the operator that files refer to, with their types.

use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::common::{Files, Integrationd, Ran, Running, Tenant, eventually};
use crate::support::repository::Repository;

/// A file in which the values of one environment are variables.
const WAREHOUSE: &str = "type: Snowflake\nautoBootstrap: false\nconfig:\n  \
    host: ${var:HOST}\n  warehouse: ${var:ENVIRONMENT}_WH\n  database: IMMUTA\n  port: ${var:PORT}\n  \
    audit: {enabled: '${var:AUDIT}'}\nsync: {protect: '${var:PROTECTED}'}\n";

const PRODUCTION: &str =
    "HOST: prod.example.com\nENVIRONMENT: PROD\nPORT: 8443\nAUDIT: true\nPROTECTED: true\n";

/// A list that is filled in.
const LAKE: &str = "type: Databricks\nautoBootstrap: false\nconfig:\n  workspaceUrl: lake.example.com\n  \
    httpPath: /one\n  token: ${env:LAKE_TOKEN}\n  workspaceIds: ${var:WORKSPACES}\n";

struct World {
    tenant: Tenant,
    files: Files,
    /// Outside of the directory of the files.
    others: Files,
    state: TempDir,
}

impl World {
    fn new(name: &str, text: &str) -> Self {
        Self {
            tenant: Tenant::empty(),
            files: Files::none().with(name, text),
            others: Files::none(),
            state: TempDir::new().unwrap(),
        }
    }

    fn variables(&self, name: &str, text: &str) -> String {
        self.others.write(name, text);
        let path = self.others.path().join(name);
        format!("--var-file={}", path.display())
    }

    fn sync(&self, args: &[&str]) -> Ran {
        let run = Integrationd::new(["sync", "--yes", "--state"]).arg(self.state.path());
        let run = run.env("LAKE_TOKEN", "token-of-the-lake");
        let run = args.iter().fold(run, Integrationd::arg);
        run.on(&self.tenant).with(&self.files).run()
    }

    #[track_caller]
    fn config(&self) -> Json {
        let written = self.tenant.written();
        let [only] = written.as_slice() else {
            panic!("{written:?}");
        };
        only["config"].clone()
    }
}

#[test]
fn variable_that_is_a_whole_value_keeps_its_type() {
    let world = World::new("warehouse.yaml", WAREHOUSE);
    let variables = world.variables("production.yaml", PRODUCTION);
    world.sync(&[&variables]).exits_with(0);
    let expected = json!({
        "host": "prod.example.com",
        "warehouse": "PROD_WH",
        "database": "IMMUTA",
        "port": 8443,
        "audit": { "enabled": true },
    });
    assert_eq!(world.config(), expected);
    let ran = world
        .sync(&["--dry-run", "--detailed-exitcode", &variables])
        .exits_with(0);
    assert!(ran.stderr.is_empty(), "{}", ran.stderr);
}

#[test]
fn option_of_a_variable_counts() {
    let world = World::new("warehouse.yaml", WAREHOUSE);
    let variables = world.variables("production.yaml", PRODUCTION);
    world.sync(&[&variables]).exits_with(0);
    world
        .files
        .write("warehouse.yaml", &WAREHOUSE.replace("IMMUTA", "OTHER"));
    // A change of the database needs a replacement, which `sync.protect` forbids.
    let ran = world.sync(&["--dry-run", &variables, "--allow-replace=warehouse"]);
    assert!(ran.stdout.contains("sync.protect"), "{}", ran.all());
}

#[test]
fn list_is_filled_in_where_it_is_the_whole_value() {
    let world = World::new("lake.yaml", LAKE);
    let variables = world.variables("lake.yaml", "WORKSPACES: ['1', 'a${env:B}']\n");
    world.sync(&[&variables]).exits_with(0);
    // A value is data: no reference in it is followed.
    assert_eq!(world.config()["workspaceIds"], json!(["1", "a${env:B}"]));
    world
        .files
        .change("lake.yaml", "/one", "/${var:WORKSPACES}");
    let ran = world.sync(&[&variables]).exits_with(65);
    assert!(
        ran.stderr
            .contains("lake.yaml:5:14: error[E0302]: a list cannot be part of a string"),
        "{}",
        ran.stderr
    );
}

#[test]
fn undeclared_variable_is_one_mistake_whatever_kind_is_expected() {
    for (name, text, uses) in [
        ("warehouse.yaml", WAREHOUSE, 5),
        ("lake.yaml", LAKE, 1),
        ("ignored.yaml", "type: Trino\nsync: ${var:OPTIONS}\n", 1),
    ] {
        let ran = World::new(name, text).sync(&[]).exits_with(65);
        let shown = ran.all();
        let mistakes = shown.matches("error[").count();
        assert_eq!(mistakes, uses, "{shown}");
        let undeclared = shown.matches("error[E0403]: this variable is not declared");
        assert_eq!(undeclared.count(), uses, "{shown}");
    }
}

#[test]
fn later_declaration_replaces_an_earlier_one() {
    let world = World::new("warehouse.yaml", WAREHOUSE);
    let first = world.variables("first.yaml", PRODUCTION);
    let second = world.variables("second.yaml", "ENVIRONMENT: SECOND\nPORT: 9443\n");
    let settings = world.variables(
        "settings.yaml",
        "vars: {AUDIT: false, PORT: 1, UNUSED: 1}\n",
    );
    let settings = settings.replace("--var-file", "--config");
    let ran = world
        .sync(&[&settings, &first, &second, "--var=ENVIRONMENT=LAST"])
        .exits_with(0);
    let config = world.config();
    assert_eq!(
        (&config["warehouse"], &config["port"]),
        (&json!("LAST_WH"), &json!(9443))
    );
    assert!(
        ran.stderr
            .contains("settings.yaml:1:31: warning[W0609]: no file uses the variable `UNUSED`"),
        "{}",
        ran.stderr
    );
    assert_eq!(ran.stderr.matches("W0609").count(), 1, "{}", ran.stderr);
}

#[test]
fn settings_declare_variables_with_types() {
    let world = World::new("warehouse.yaml", WAREHOUSE);
    let indented = PRODUCTION.replace('\n', "\n  ");
    let settings = world.variables("settings.yaml", &format!("vars:\n  {indented}\n"));
    let settings = settings.replace("--var-file", "--config");
    world.sync(&[&settings]).exits_with(0);
    assert_eq!(world.config()["port"], json!(8443));
    world.others.write("settings.yaml", "var: {PORT: 1}\n");
    let ran = world.sync(&[&settings]).exits_with(78);
    assert!(
        ran.stderr.contains("did you mean `vars`?"),
        "{}",
        ran.stderr
    );
}

#[test]
fn wrong_type_names_the_place_of_the_declaration() {
    let world = World::new("warehouse.yaml", WAREHOUSE);
    let variables = world.variables("production.yaml", PRODUCTION);
    let ran = world.sync(&[&variables, "--var=PORT=8443"]).exits_with(65);
    assert!(
        ran.stderr
            .contains("`port` must be an integer, found a string"),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains(
            "`--var` declares only strings; use a `--var-file` to give `PORT` a different type"
        ),
        "{}",
        ran.stderr
    );
    let variables = world.variables(
        "production.yaml",
        &PRODUCTION.replace("prod.example.com", "12"),
    );
    let ran = world.sync(&[&variables]).exits_with(65);
    assert!(
        ran.stderr.contains("change the value of `HOST` in "),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("production.yaml:1\n"), "{}", ran.stderr);
    assert_eq!(world.tenant.writes(), [""; 0]);
}

#[test]
fn unused_variable_is_a_warning() {
    let world = World::new("lake.yaml", &LAKE.replace("${var:WORKSPACES}", "['1']"));
    let ran = world.sync(&["--var=SIZE=1"]).exits_with(0);
    assert!(
        ran.stderr
            .contains("--var: warning[W0609]: no file uses the variable `SIZE`"),
        "{}",
        ran.stderr
    );
    assert_eq!(world.tenant.writes(), ["POST /integrations"]);
    // The whole file is read before an excerpt of it is made.
    let variables = world.variables("v.yaml", "{SIZE: 1, ZONES: [x, y]}\n");
    let ran = world.sync(&[&variables]).exits_with(0);
    let excerpt = "1 | {SIZE: 1, ZONES: [x, y]}\n";
    assert_eq!(ran.stderr.matches(excerpt).count(), 2, "{}", ran.stderr);
    // A file that cannot be read may use it.
    world.files.write("other.yaml", "a: [\n");
    let ran = world.sync(&["--var=SIZE=1"]).exits_with(65);
    assert!(!ran.stderr.contains("W0609"), "{}", ran.stderr);
}

#[test]
fn no_file_is_used_while_variables_have_mistakes() {
    let world = World::new("warehouse.yaml", WAREHOUSE);
    let good = world.variables("good.yaml", PRODUCTION);
    let text = "PORT:\nHOST: {a: b}\nACCOUNT: 0123\n'a}b': 1\nENVIRONMENT: [[1]]\nAUDIT: false\n";
    let bad = world.variables("bad.yaml", text);
    let ran = world.sync(&[&good, &bad]).exits_with(65);
    for line in [
        "bad.yaml:1:5: error[E0302]: a variable cannot be null",
        "bad.yaml:2:7: error[E0302]: a variable cannot be a mapping",
        "bad.yaml:3:10: error[E0302]: this looks like a number but is read as a string",
        "bad.yaml:4:1: error[E0210]: this is not a valid variable name",
        "bad.yaml:5:15: error[E0302]: an item of a variable cannot be a list",
        "error: cannot read the variables: ",
    ] {
        assert!(ran.stderr.contains(line), "{line}\n{}", ran.stderr);
    }
    let absent = world.variables("absent.yaml", "");
    std::fs::remove_file(world.others.path().join("absent.yaml")).unwrap();
    let ran = world.sync(&[&good, &absent]).exits_with(65);
    assert!(ran.stderr.contains("No such file"), "{}", ran.stderr);
    assert_eq!(world.tenant.requests(), [""; 0]);
}

#[test]
fn unsuitable_file_of_variables_is_named_with_a_remedy() {
    let world = World::new("warehouse.yaml", WAREHOUSE);
    let place = world.others.path().display().to_string();
    let absent = "absent.yaml: error[E0101]: this file of variables cannot be read: No such file";
    let directory = "this is neither a file of variables nor a pipe";
    let list = "list.yaml:1:1: error[E0201]: variables must be a mapping, found a list";
    world.others.write("list.yaml", "[PORT]\n");
    for (name, told, help) in [
        ("absent.yaml", absent, "give the path of an existing"),
        ("", directory, "give the path of an existing"),
        ("list.yaml", list, "write one `key: value` on each line"),
    ] {
        let file = format!("--var-file={place}/{name}");
        let ran = world.sync(&[&file]).exits_with(65);
        let shown = ran.stderr.replace('\n', " ");
        assert!(shown.contains(told), "{}", ran.stderr);
        assert!(shown.contains(help), "{}", ran.stderr);
    }
    assert_eq!(world.tenant.requests(), [""; 0]);
}

#[test]
fn variables_come_through_a_pipe() {
    let world = World::new("warehouse.yaml", WAREHOUSE);
    let pipe = world.others.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    std::thread::scope(|scope| {
        scope.spawn(|| std::fs::write(&pipe, PRODUCTION).unwrap());
        let file = format!("--var-file={}", pipe.display());
        world.sync(&[&file]).exits_with(0);
    });
    assert_eq!(world.config()["port"], json!(8443));
}

#[test]
fn settings_check_reads_the_files_of_variables() {
    let world = World::new("warehouse.yaml", WAREHOUSE);
    let place = world.others.path();
    let text = format!(
        "url: https://immuta.example.com\nvar-file: {}/vars.yaml\n",
        place.display()
    );
    world.others.write("settings.yaml", &text);
    let check = || {
        let run = Integrationd::new(["settings", "check"]);
        run.env("IMMUTA_API_KEY", "key")
            .arg(place.join("settings.yaml"))
            .run()
    };
    let ran = check().exits_with(65);
    assert!(ran.stderr.contains("vars.yaml: "), "{}", ran.stderr);
    assert!(ran.stderr.contains("No such file"), "{}", ran.stderr);
    world.others.write("vars.yaml", PRODUCTION);
    check().exits_with(0);
}

#[test]
fn mask_that_render_printed_is_never_sent() {
    let text = LAKE.replace("${env:LAKE_TOKEN}", "dapi-s3cr3t-0123456789");
    let world = World::new("lake.yaml", &text.replace("${var:WORKSPACES}", "['1']"));
    let run = Integrationd::new(["render"]).with(&world.files).run();
    let rendered = run.exits_with(0).stdout;
    assert!(rendered.contains("token: (secret)\n"), "{rendered}");
    world.files.write("lake.yaml", &rendered);
    let told = "error[E0309]: `token` contains a mask instead of a secret";
    let ran = world.sync(&[]).exits_with(65);
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    let ran = Integrationd::new(["validate"]).with(&world.files).run();
    let ran = ran.exits_with(65);
    assert!(ran.all().contains(told), "{}", ran.all());
    assert_eq!(world.tenant.writes(), [""; 0]);
}

#[test]
fn truncated_file_of_variables_brings_no_earlier_value_back() {
    let world = World::new("warehouse.yaml", WAREHOUSE);
    let base = world.variables("base.yaml", PRODUCTION);
    for text in ["", "# production\n"] {
        let production = world.variables("production.yaml", text);
        let ran = world.sync(&[&base, &production]).exits_with(65);
        let told = "production.yaml: error[E0201]: this file declares no variables";
        assert!(ran.stderr.contains(told), "{}", ran.stderr);
    }
    assert_eq!(world.tenant.requests(), [""; 0]);
    let none = world.variables("production.yaml", "{}\n");
    world.sync(&[&base, &none]).exits_with(0);
}

#[test]
fn password_in_a_variable_of_the_settings_is_not_shown() {
    let world = World::new("warehouse.yaml", WAREHOUSE);
    for value in ["https://u:hunter2@h", "[a, 'https://u:hunter2@h']"] {
        let settings = world.variables("settings.yaml", &format!("vars: {{HOST: {value}}}\n"));
        let settings = settings.replace("--var-file", "--config");
        let ran = world.sync(&[&settings]).exits_with(78);
        assert!(
            ran.stderr.contains("it contains a password"),
            "{}",
            ran.stderr
        );
        assert!(!ran.all().contains("hunter2"), "{}", ran.all());
    }
}

#[test]
fn many_uses_of_a_long_list_are_refused() {
    let ids: Vec<String> = (0..1_000).map(|id| format!("'{id}'")).collect();
    let uses: String = (0..60)
        .map(|use_| format!("    a{use_}: ${{var:IDS}}\n"))
        .collect();
    let text = LAKE.replace("  workspaceIds: ${var:WORKSPACES}\n", "");
    let world = World::new("lake.yaml", &format!("{text}sync:\n  extra:\n{uses}"));
    let variables = world.variables("ids.yaml", &format!("IDS: [{}]\n", ids.join(", ")));
    let ran = world.sync(&[&variables]).exits_with(65);
    assert!(ran.stderr.contains("E0115"), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("variables add more than 50000 values"),
        "{}",
        ran.stderr
    );
}

struct Pushed {
    tenant: Tenant,
    repository: Repository,
    state: TempDir,
}

impl Pushed {
    fn new() -> Self {
        let repository = Repository::empty();
        repository.write("environments/production.yaml", PRODUCTION);
        repository.commit("files/warehouse.yaml", WAREHOUSE);
        Self {
            tenant: Tenant::empty(),
            repository,
            state: TempDir::new().unwrap(),
        }
    }

    fn run(&self, command: &str, args: &[&str]) -> Integrationd {
        let run = Integrationd::new([command, "--git-directory=files", "--state"]);
        let run = run
            .arg(self.state.path())
            .arg("--git")
            .arg(self.repository.path());
        args.iter().fold(run, Integrationd::arg).on(&self.tenant)
    }
}

#[test]
fn file_of_variables_is_read_from_the_revision() {
    let pushed = Pushed::new();
    let sync = |file: &str| pushed.run("sync", &["--yes", file]).run();
    sync("--var-file=environments/production.yaml").exits_with(0);
    assert_eq!(pushed.tenant.written()[0]["config"]["port"], json!(8443));
    pushed.repository.commit(
        "environments/production.yaml",
        PRODUCTION.replace("8443", "9443"),
    );
    sync("--var-file=environments/production.yaml").exits_with(0);
    assert_eq!(pushed.tenant.written()[1]["config"]["port"], json!(9443));
    let ran = sync("--var-file=production.yaml").exits_with(65);
    assert!(ran.stderr.contains("has no such file"), "{}", ran.stderr);
    let ran = sync("--var-file=../production.yaml").exits_with(65);
    assert!(ran.stderr.contains("E0103"), "{}", ran.stderr);
    // An absolute path is a file of this machine.
    let own = Files::none().with("own.yaml", &PRODUCTION.replace("8443", "7443"));
    let path = own.path().join("own.yaml");
    sync(&format!("--var-file={}", path.display())).exits_with(0);
    assert_eq!(pushed.tenant.written()[2]["config"]["port"], json!(7443));
}

fn daemon(world: &World, args: &[&str]) -> Running {
    let run = Integrationd::new(["daemon", "--listen=none", "--debounce=50ms"]);
    let run = args.iter().fold(run, Integrationd::arg);
    run.on(&world.tenant).with(&world.files).start()
}

#[test]
fn daemon_applies_a_file_of_variables_that_is_saved() {
    let world = World::new("warehouse.yaml", WAREHOUSE);
    let variables = world.variables("production.yaml", PRODUCTION);
    let running = daemon(&world, &[&variables]);
    eventually("the first apply", || {
        world.tenant.writes() == ["POST /integrations"]
    });
    // As an editor does: another file takes the place of the old one.
    world.variables("new", &PRODUCTION.replace("8443", "9443"));
    let at = |name: &str| world.others.path().join(name);
    std::fs::rename(at("new"), at("production.yaml")).unwrap();
    eventually("the second apply", || world.tenant.writes().len() == 2);
    assert_eq!(world.tenant.written()[1]["config"]["port"], json!(9443));
    running.signal("TERM");
    running.wait().exits_with(0);
}

fn render(world: &World, args: &[&str]) -> Ran {
    let run = args
        .iter()
        .fold(Integrationd::new(["render"]), Integrationd::arg);
    run.with(&world.files).run()
}

#[test]
fn render_fills_in_variables_and_keeps_references() {
    let world = World::new("warehouse.yaml", WAREHOUSE);
    let lake = LAKE.replace("${var:WORKSPACES}", "['0123', 'yes']");
    world.files.write("lake.yaml", &lake);
    let literal = lake
        .replace("${env:LAKE_TOKEN}", "hunter2")
        .replace("lake.ex", "pond.ex");
    world.files.write(
        "pond.yaml",
        &format!("{literal}sync: {{extra: {{pin: 1234}}, suspend: {{reason: 'a $${{b}}'}}}}\n"),
    );
    let variables = world.variables("production.yaml", PRODUCTION);
    let ran = render(&world, &[&variables]).exits_with(0);
    let shown = ran
        .stdout
        .replace(&world.files.path().display().to_string(), "[FILES]");
    insta::assert_snapshot!(shown);
    assert!(
        ran.stderr.contains("W0602") && !ran.all().contains("hunter2"),
        "{}",
        ran.all()
    );
}

#[test]
fn rendered_files_mean_the_same() {
    let world = World::new("warehouse.yaml", WAREHOUSE);
    world.files.write(
        "lake.yaml",
        &LAKE.replace("${var:WORKSPACES}", "['0123', 'yes', 'a$${b}']"),
    );
    let variables = world.variables("production.yaml", PRODUCTION);
    world.sync(&[&variables]).exits_with(0);
    let rendered = render(&world, &[&variables]).exits_with(0).stdout;
    let files = Files::none().with("all.yaml", &rendered);
    let again = Integrationd::new(["sync", "--dry-run", "--detailed-exitcode", "--state"]);
    let again = again
        .arg(world.state.path())
        .env("LAKE_TOKEN", "token-of-the-lake");
    let ran = again.on(&world.tenant).with(&files).run().exits_with(0);
    assert!(ran.stdout.contains("No changes."), "{}", ran.all());
    let again = Integrationd::new(["render"])
        .with(&files)
        .run()
        .exits_with(0)
        .stdout;
    let bare = |text: &str| {
        text.lines()
            .filter(|line| !line.starts_with('#'))
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert_eq!(bare(&again), bare(&rendered));
}

#[test]
fn render_of_a_broken_file_prints_the_others_and_fails() {
    let world = World::new("warehouse.yaml", WAREHOUSE);
    world
        .files
        .write("lake.yaml", &LAKE.replace("${var:WORKSPACES}", "['1']"));
    let ran = render(&world, &["-o", "json"]).exits_with(65);
    let document = ran.json();
    assert_eq!(document["integrations"].as_array().unwrap().len(), 1);
    assert_eq!(
        document["integrations"][0]["document"]["config"]["token"],
        "${env:LAKE_TOKEN}"
    );
    assert_eq!(document["diagnostics"][0]["code"], "E0403");
    assert_eq!(document["exit_code"], 65);
}
