//! Commands that are printed to be copied.

use std::path::Path;
use std::process::{Command, Output};

use integrationd::simulator::API_KEY;
use serde_json::json;
use tempfile::TempDir;

use crate::common::{Files, Integrationd, Ran, Tenant, eventually};
use crate::web::Served;

const LAKE: &str = "type: Databricks\nautoBootstrap: false\nconfig:\n  \
    workspaceUrl: ${var:HOST}\n  httpPath: /one\n  authenticationType: token\n  \
    token: ${env:LAKE_TOKEN}\n";

/// Files in a place that a shell has to have in quotes, and settings elsewhere.
struct World {
    tenant: Tenant,
    place: TempDir,
}

impl World {
    fn new() -> Self {
        let world = Self {
            tenant: Tenant::empty(),
            place: TempDir::new().unwrap(),
        };
        std::fs::create_dir(world.path("it's here")).unwrap();
        std::fs::write(world.path("it's here/lake.yaml"), LAKE).unwrap();
        std::fs::write(world.path("vars.yaml"), "HOST: lake.example.com\n").unwrap();
        std::fs::write(world.path("settings.yaml"), "policy: sync\n").unwrap();
        world
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.place.path().join(name)
    }

    /// A command with flags that select everything, in the directory of the test.
    fn ran(&self, args: &[&str]) -> Ran {
        let run = Integrationd::new(["--color", "never"]).verbatim();
        let run = args.iter().fold(run, Integrationd::arg);
        let run = run.args(&[
            "--config=settings.yaml",
            "--state=state",
            "--var-file",
            "vars.yaml",
        ]);
        let run = run.within(self.place.path()).env("LAKE_TOKEN", "x");
        run.on(&self.tenant).run()
    }

    /// The result of a printed command, as a shell runs it.
    fn copied(&self, command: &str) -> Output {
        let program = Path::new(env!("CARGO_BIN_EXE_integrationd"));
        let own = program.parent().unwrap().display();
        let path = std::env::var("PATH").unwrap();
        let mut shell = Command::new("sh");
        shell
            .args(["-c", command])
            .current_dir(self.place.path())
            .env_clear()
            .env("PATH", format!("{own}:{path}"))
            .env("IMMUTA_URL", self.tenant.url())
            .env("IMMUTA_API_KEY", API_KEY)
            .env("LAKE_TOKEN", "x");
        shell.output().unwrap()
    }

    #[track_caller]
    fn copied_works(&self, command: &str) -> String {
        let Output {
            status,
            stdout,
            stderr,
        } = self.copied(command);
        let stderr = String::from_utf8(stderr).unwrap();
        assert!(status.success(), "{command}\n{stderr}");
        String::from_utf8(stdout).unwrap() + &stderr
    }
}

/// The flags of the world, as a printed command has them.
const FLAGS: &str = r"--var-file vars.yaml --state state --config settings.yaml";

#[test]
fn printed_script_command_selects_the_same_files() {
    let world = World::new();
    let ran = world.ran(&["sync", "--dry-run", "it's here"]).exits_with(0);
    let script = format!(r"integrationd script lake --dir 'it'\''s here' {FLAGS}");
    let line = format!("before this, run the script of: {script}\n");
    assert!(ran.stdout.contains(&line), "{}", ran.stdout);
    let json = ["sync", "--dry-run", "it's here", "-o", "json"];
    let document = world.ran(&json).exits_with(0).json();
    assert_eq!(document["scripts"][0]["command"], json!(script));
    // The script names the sync that follows it.
    let shown = world.copied_works(&script);
    assert!(shown.contains("script for Databricks"), "{shown}");
    let sync = format!(r"integrationd sync 'it'\''s here' {FLAGS}");
    assert!(shown.contains(&format!("then run `{sync}`\n")), "{shown}");
    world.copied_works(&format!("{sync} --yes"));
    let requests = world.tenant.requests();
    assert!(
        requests.contains(&"POST /integrations".to_owned()),
        "{requests:?}"
    );
}

#[test]
fn printed_command_of_an_error_selects_the_same_files() {
    let world = World::new();
    let named = ["script", "laek", "--dir", "it's here"];
    let ran = world.ran(&named).exits_with(1);
    assert!(
        ran.stderr.contains("did you mean `lake`?"),
        "{}",
        ran.stderr
    );
    let ran = world
        .ran(&["script", "other", "--dir", "it's here"])
        .exits_with(1);
    let files = r"'it'\''s here' --var-file vars.yaml --config settings.yaml";
    let validate = format!("integrationd validate -o json {files}");
    let help = format!("run `{validate}` to see the names");
    assert!(ran.stderr.contains(&help), "{}", ran.stderr);
    world.copied_works(&validate);
}

#[test]
fn defaults_are_not_repeated() {
    let world = World::new();
    let default = world.path("integrations.d");
    std::fs::rename(world.path("it's here"), &default).unwrap();
    let run = |args: &[&str]| {
        let run = Integrationd::new(["sync", "--dry-run", "--var=HOST=lake.example.com"]);
        let run = args.iter().fold(run.verbatim(), Integrationd::arg);
        let run = run.within(world.place.path()).env("LAKE_TOKEN", "x");
        run.on(&world.tenant).run().exits_with(0)
    };
    let script = "integrationd script lake --var HOST=lake.example.com\n";
    for args in [&[][..], &["integrations.d"], &["--parallelism=2"]] {
        let ran = run(args);
        assert!(ran.stdout.contains(script), "{}", ran.stdout);
    }
}

#[test]
fn daemon_repeats_the_flags_of_its_client() {
    let (tenant, place) = (Tenant::empty(), TempDir::new().unwrap());
    let files = Files::none().with(
        "lake.yaml",
        &LAKE.replace("${var:HOST}", "lake.example.com"),
    );
    let (state, socket) = (place.path().join("state"), place.path().join("socket"));
    let command = |command: &str| {
        let run = Integrationd::new([command, "--state"]).arg(&state);
        let run = run.arg("--socket").arg(&socket).env("LAKE_TOKEN", "x");
        run.on(&tenant).verbatim()
    };
    let daemon = command("daemon").args(&["--listen", "127.0.0.1:0", "--log-level", "info"]);
    let daemon = daemon.args(&["--policy", "observe"]);
    let daemon = Served::of(daemon.with(&files).start());
    eventually("it is ready", || daemon.get("/readyz").code == 200);
    let run = command("adopt").args(&["lake", "--dir"]).with(&files);
    let ran = run.run();
    assert!(
        ran.stderr.contains("The daemon carries out"),
        "{}",
        ran.all()
    );
    let state = state.display();
    let sync = format!(
        "run `integrationd sync [FILES] --socket {} --state {state}`",
        socket.display()
    );
    assert!(ran.stdout.contains(&sync), "{}", ran.all());
    daemon.end();
}
