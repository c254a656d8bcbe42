//! `script`: what it prints agrees with what a sync does.

use integrationd::simulator::{
    ConnectionsApi, LoggedRequest, SimulatedConnection, SimulatedDrift, SimulatedStatus,
    SimulatorOptions,
};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::common::{Files, Integrationd, Ran, Tenant};

const WAREHOUSE: &str = "type: Snowflake\nautoBootstrap: false\nconfig:\n  \
    host: one.example.com\n  warehouse: W1\n  database: IMMUTA\n  \
    authenticationType: userPassword\n  username: immuta\n  password: ${env:SCRIPT_PASSWORD}\n  \
    role: ACCOUNTADMIN\n";

const SYNAPSE: &str = "type: Azure Synapse Analytics\nautoBootstrap: false\nconfig:\n  \
    host: one.example.com\n  database: analytics\n  schema: immuta\n  username: immuta\n  \
    password: ${env:SCRIPT_PASSWORD}\n";

struct World {
    tenant: Tenant,
    files: Files,
    state: TempDir,
}

impl World {
    /// In sync with this file, and with one of another integration.
    fn new(text: &str) -> Self {
        let world = Self {
            tenant: Tenant::empty(),
            files: Files::none().with("one.yaml", text),
            state: TempDir::new().unwrap(),
        };
        world.sync(&["--yes"]).exits_with(0);
        world.files.write("other.yaml", "type: Trino\n");
        world.sync(&["--yes"]).exits_with(0);
        world.tenant.simulator.clear_log();
        world
    }

    fn command(&self, command: &str, args: &[&str]) -> Integrationd {
        let run = Integrationd::new([command, "--state"]).arg(self.state.path());
        let run = args.iter().fold(run, Integrationd::arg);
        run.env("SCRIPT_PASSWORD", "s3cr3t-of-the-plan-Pn44")
            .on(&self.tenant)
    }

    fn sync(&self, args: &[&str]) -> Ran {
        let run = self.command("sync", args).arg(self.files.path());
        run.run()
    }

    fn script(&self, args: &[&str]) -> Ran {
        let run = self.command("script", &["one"]).arg("--dir");
        let run = run.arg(self.files.path());
        args.iter().fold(run, Integrationd::arg).run()
    }

    fn remove_file(&self) {
        std::fs::remove_file(self.files.path().join("one.yaml")).unwrap();
    }

    /// The requests that are no reads, with their bodies.
    fn sent(&self) -> Vec<(String, Option<Json>)> {
        let log = self.tenant.simulator.log().into_iter();
        let is_sent = |it: &LoggedRequest| it.method != "GET" && it.path.contains("/integrations");
        log.filter(is_sent)
            .map(|it| (format!("{} {}", it.method, it.path), it.body))
            .collect()
    }

    /// Nothing is printed or asked for, for this reason.
    #[track_caller]
    fn refuses(&self, args: &[&str], reason: &str) {
        let ran = self.script(args).exits_with(1);
        assert!(ran.stderr.contains(reason), "{}", ran.stderr);
        assert_eq!(ran.stdout, "");
        assert_eq!(self.sent(), []);
    }

    #[track_caller]
    fn then(&self, args: &[&str], next: &str) {
        let ran = self.script(args).exits_with(0);
        assert!(ran.stderr.ends_with(&format!("{next}\n")), "{}", ran.stderr);
    }

    fn drift(&self, drift: SimulatedDrift) {
        self.tenant.simulator.drift(drift).unwrap();
    }
}

#[test]
fn edit_script_has_the_body_of_the_update() {
    let world = World::new(WAREHOUSE);
    world.drift(SimulatedDrift::value(1, "port", json!(4443)));
    let role = json!({"enabled": true, "role": "ROLE_OF_THE_UI"});
    world.drift(SimulatedDrift::value(1, "impersonation", role.clone()));
    world.files.change("one.yaml", "W1", "W2");
    world.then(&[], "then run `integrationd sync`");
    world.sync(&["--yes"]).exits_with(0);
    let sent = world.sent();
    let lines: Vec<&str> = sent.iter().map(|(line, _)| line.as_str()).collect();
    let expected = ["POST /integrations/1/scripts/edit", "PUT /integrations/1"];
    assert_eq!(lines, expected);
    let [script, update] = [0, 1].map(|at| sent[at].1.clone().unwrap());
    assert_eq!(script, update);
    assert_eq!(script["config"]["impersonation"], role);
    // The same script can be fetched again after the update.
    world.tenant.simulator.clear_log();
    let next = "one already exists, so no sync needs this script: run it only to restore resources";
    world.then(&["--kind", "edit"], next);
    assert_eq!(world.sent()[0].1.clone().unwrap(), update);
}

#[test]
fn protected_integration_gets_no_script_of_a_deletion() {
    let world = World::new(&format!("{WAREHOUSE}sync: {{protect: true}}\n"));
    let reason = "integration 1 is protected from deletion by `sync.protect`";
    world.refuses(&["--kind", "delete"], reason);
    let help = "to delete the integration, remove `sync.protect` from the file and sync once";
    let ran = world.script(&["--kind", "delete"]);
    assert!(
        ran.stderr.replace("\n    ", " ").contains(help),
        "{}",
        ran.stderr
    );
    world.remove_file();
    world.refuses(&[], reason);
    world.refuses(&["--kind", "delete"], reason);
    let plan = world.sync(&["--dry-run", "--policy", "sync"]);
    assert!(plan.stdout.contains(reason), "{}", plan.stdout);
    // A file with errors changes nothing about it.
    world.files.write("broken.yaml", "type: [");
    world.refuses(&["--kind", "delete"], reason);
}

#[test]
fn suspended_integration_gets_no_script_of_a_deletion() {
    let reason = "one is suspended, so it will not be deleted: freeze";
    let world = World::new(WAREHOUSE);
    let suspended = world.command("suspend", &["one", "--reason", "freeze"]);
    suspended.run().exits_with(0);
    world.refuses(&["--kind", "delete"], reason);
    world.remove_file();
    world.refuses(&[], reason);
    world.refuses(&["--kind", "delete"], reason);
}

#[test]
fn change_of_a_suspended_integration_is_said_to_wait() {
    let world = World::new(WAREHOUSE);
    let suspended = world.command("suspend", &["one", "--reason", "freeze"]);
    suspended.run().exits_with(0);
    world.files.change("one.yaml", "W1", "W2");
    let next = "one is suspended, so `integrationd sync` changes nothing now: freeze";
    world.then(&[], next);
}

#[test]
fn integration_of_a_connection_gets_no_script_of_a_deletion() {
    let world = World::new(WAREHOUSE);
    let simulator = &world.tenant.simulator;
    simulator.set_options(SimulatorOptions {
        connections: ConnectionsApi::Works,
        ..simulator.options()
    });
    simulator.connect(SimulatedConnection::new("sales", "Snowflake", Some(1)));
    world.remove_file();
    for args in [&[][..], &["--kind", "delete"]] {
        world.refuses(args, "belongs to connection sales");
    }
}

#[test]
fn foreign_integration_gets_no_script_of_a_deletion() {
    let world = World::new(WAREHOUSE);
    let place = TempDir::new().unwrap();
    let world = World {
        state: place,
        ..world
    };
    // Another ledger: the update does not make the integration its own.
    world.files.change("one.yaml", "W1", "W2");
    world.sync(&["--yes"]).exits_with(0);
    world.tenant.simulator.clear_log();
    let next = "then remove the file of one, and delete integration 1 in Immuta: integrationd \
                neither created nor adopted it";
    world.then(&["--kind", "delete"], next);
    world.remove_file();
    world.tenant.simulator.clear_log();
    let reason = "one will not be deleted: integrationd neither created nor adopted it";
    for args in [&[][..], &["--kind", "delete"]] {
        world.refuses(args, reason);
    }
}

#[test]
fn scripts_of_a_replacement_can_be_fetched() {
    let world = World::new(SYNAPSE);
    let delimiter = format!("{SYNAPSE}  metadataDelimiters:\n    hashDelimiter: \"%\"\n");
    world.files.write("one.yaml", &delimiter);
    let plan = world.sync(&["--dry-run", "--allow-replace", "one", "-o", "json"]);
    let kinds = plan.json()["scripts"][0]["kinds"].clone();
    assert_eq!(kinds, json!(["delete", "initial-create", "create"]));
    world.refuses(&[], "one cannot be edited, only deleted and created again");
    let help = "run the scripts of `integrationd script one --kind delete`, `integrationd script \
                one --kind initial-create`, `integrationd script one --kind create`, then run \
                `integrationd sync --allow-replace one`";
    let ran = world.script(&[]).exits_with(1);
    assert!(
        ran.stderr.replace("\n    ", " ").contains(help),
        "{}",
        ran.stderr
    );
    world.refuses(&["--kind", "edit"], "one cannot be edited");
    let then = |kind| format!("then run `integrationd script one --kind {kind}`");
    world.then(&["--kind", "delete"], &then("initial-create"));
    world.then(&["--kind", "initial-create"], &then("create"));
    let next = "then run `integrationd sync --allow-replace one`, which deletes and recreates the \
                integration";
    world.then(&["--kind", "create"], next);
    let asked: Vec<String> = world.sent().into_iter().map(|(line, _)| line).collect();
    let expected = [
        "POST /integrations/1/scripts/delete",
        "POST /integrations/scripts/initial-create",
        "POST /integrations/scripts/create",
    ];
    assert_eq!(asked, expected);
}

/// Both ways: one part of a replacement is manual, and Immuta carries out the other.
#[test]
fn replaced_set_up_needs_the_scripts_of_its_manual_part() {
    let manual = WAREHOUSE.replace("W1", "W0");
    let automatic = manual.replace("autoBootstrap: false", "autoBootstrap: true");
    let world = World::new(&manual);
    world.files.write("one.yaml", &automatic);
    let kinds = |world: &World| {
        let args = ["--dry-run", "--allow-replace", "one", "-o", "json"];
        let plan = world.sync(&args).json();
        plan["scripts"][0]["kinds"].clone()
    };
    assert_eq!(kinds(&world), json!(["delete"]));
    let refused = world.script(&[]).exits_with(1);
    let help = "run the script of `integrationd script one --kind delete`, then run `integrationd \
                sync --allow-replace one`";
    let said = refused.stderr.replace("\n    ", " ");
    assert!(said.contains(help), "{said}");
    let reason = "Immuta creates the resources of one itself, so there is no create script";
    world.refuses(&["--kind", "create"], reason);
    let next = "then run `integrationd sync --allow-replace one`, which deletes and recreates the \
                integration";
    world.then(&["--kind", "delete"], next);
    let delete = ("POST /integrations/1/scripts/delete".to_owned(), None);
    assert_eq!(world.sent(), [delete]);

    let world = World::new(&automatic);
    world.files.write("one.yaml", &manual);
    assert_eq!(kinds(&world), json!(["create"]));
    let reason = "Immuta removes the resources of one itself, so there is no delete script";
    world.refuses(&["--kind", "delete"], reason);
    world.then(&["--kind", "create"], next);
    let asked = world.sent();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert_eq!(asked[0].0, "POST /integrations/scripts/create");
    let body = asked[0].1.clone().unwrap();
    assert_eq!(body["autoBootstrap"], json!(false));
}

#[test]
fn live_integration_gets_its_script_of_a_deletion() {
    let world = World::new(WAREHOUSE);
    let next = "then remove the file of one and run `integrationd sync --policy sync`, which \
                deletes the integration";
    world.then(&["--kind", "delete"], next);
    let delete = ("POST /integrations/1/scripts/delete".to_owned(), None);
    assert_eq!(world.sent(), [delete]);
}

#[test]
fn failed_creation_gets_every_script_of_the_retry() {
    let world = World::new(SYNAPSE);
    world.drift(SimulatedDrift::status(1, SimulatedStatus::CreateError));
    let kinds = ["cleanup", "post-cleanup", "initial-create", "create"];
    let plan = world.sync(&["--dry-run", "-o", "json"]).json();
    assert_eq!(plan["scripts"][0]["kinds"], json!(kinds));
    world.then(
        &[],
        "then run `integrationd script one --kind post-cleanup`",
    );
    for pair in kinds.windows(2) {
        let next = format!("then run `integrationd script one --kind {}`", pair[1]);
        world.then(&["--kind", pair[0]], &next);
    }
    world.then(&["--kind", "create"], "then run `integrationd sync`");
    world.sync(&["--yes"]).exits_with(0);
    let sent = world.sent();
    let (update, scripts) = sent.split_last().unwrap();
    assert_eq!(update.0, "PUT /integrations/1");
    assert!(
        scripts.iter().all(|(_, body)| *body == update.1),
        "{sent:?}"
    );
}

#[test]
fn failed_creation_gets_no_script_of_a_deletion() {
    let world = World::new(SYNAPSE);
    world.drift(SimulatedDrift::status(1, SimulatedStatus::CreateError));
    for kind in ["delete", "edit"] {
        let reason = format!("the creation of one failed, so it has no {kind} script");
        world.refuses(&["--kind", kind], &reason);
    }
    world.remove_file();
    let reason = "the creation of one failed, so it has no delete script";
    world.refuses(&["--kind", "delete"], reason);
    let reason = "no valid file describes one, so there is no cleanup script";
    world.refuses(&[], reason);
    for kind in [
        "cleanup",
        "post-cleanup",
        "initial-create",
        "create",
        "edit",
    ] {
        let reason = format!("no valid file describes one, so there is no {kind} script");
        world.refuses(&["--kind", kind], &reason);
        let ran = world.script(&["--kind", kind]);
        let help = "restore the file of one, because the cleanup script is made from it; then run \
                    `integrationd script one --kind cleanup`";
        let said = ran.stderr.replace("\n    ", " ");
        assert!(said.contains(help), "{said}");
    }
}

#[test]
fn cleanup_without_a_file_is_planned_with_its_restoration() {
    let world = World::new(SYNAPSE);
    world.drift(SimulatedDrift::status(1, SimulatedStatus::CreateError));
    world.remove_file();
    let remedy = "restore the file of one, run the scripts of `integrationd script one --kind \
                  cleanup`, `integrationd script one --kind post-cleanup`, and remove the file \
                  again";
    let args = ["--dry-run", "--policy", "sync"];
    let plan = world.sync(&args).stdout;
    assert!(plan.contains(&format!("before this, {remedy}")), "{plan}");
    let plan = world.sync(&[&args[..], &["-o", "json"]].concat()).json();
    let expected = json!({"integration": "one", "kinds": ["cleanup", "post-cleanup"],
        "command": null, "remedy": remedy});
    assert_eq!(plan["scripts"], json!([expected]));
    // The remedy works.
    world.files.write("one.yaml", SYNAPSE);
    for kind in ["cleanup", "post-cleanup"] {
        world.script(&["--kind", kind]).exits_with(0);
    }
    world.remove_file();
    world.sync(&["--yes", "--policy", "sync"]).exits_with(0);
    assert_eq!(world.sent().last().unwrap().0, "DELETE /integrations/1");
}

#[test]
fn advice_after_a_given_kind_is_that_of_the_kind() {
    let world = World::new(SYNAPSE);
    for kind in ["cleanup", "post-cleanup"] {
        let reason = format!("one was created successfully, so it has no {kind} script");
        world.refuses(&["--kind", kind], &reason);
    }
    let next = "one already exists, so no sync needs this script: run it only to restore resources";
    world.then(&["--kind", "create"], next);
    world.drift(SimulatedDrift::remove(1));
    world.then(
        &["--kind", "cleanup"],
        "then run `integrationd script one --kind post-cleanup`",
    );
    let next = "then run `integrationd script one` to start again";
    world.then(&["--kind", "post-cleanup"], next);
}

#[test]
fn secret_without_a_value_is_not_said_to_match() {
    let world = World::new(WAREHOUSE);
    let run = world
        .command("script", &["one", "--dir"])
        .arg(world.files.path());
    let ran = run.without_env("SCRIPT_PASSWORD").run().exits_with(0);
    let words = "one needs no script as far as it was compared with its file: \
                 ${env:SCRIPT_PASSWORD} has no value";
    assert!(ran.stderr.contains(words), "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
    assert_eq!(world.sent(), []);
    // Of what another ledger applied, no secret is known.
    let world = World {
        state: TempDir::new().unwrap(),
        ..world
    };
    let ran = world.script(&[]).exits_with(0);
    let words = "one needs no script as far as it was compared with its file";
    assert!(ran.stderr.contains(words), "{}", ran.stderr);
    assert!(ran.stderr.contains("password"), "{}", ran.stderr);
    assert_eq!(world.sent(), []);
}
