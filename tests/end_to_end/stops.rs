//! A daemon that ends in the middle of what was pushed, and the next one.

use std::time::Duration;

use http::Method;
use integrationd::simulator::{Fault, FaultKind, SimulatorOptions};
use serde_json::Value;

use super::{Forge, World, told};
use crate::common::{Running, eventually, lake};
use crate::programs::{NGINX, needs};
use crate::support::git_lake::ends;

/// Every lake may have the token.
const BOUND: &str = "--allow-secret=env:LAKE_TOKEN=Databricks@*.example.com";

fn file(name: &str, path: &str) -> (String, String) {
    let text = lake(name, "${env:LAKE_TOKEN}").replace("/p", path);
    (format!("files/{name}.yaml"), text)
}

/// Two lakes are applied; then a revision is pushed that changes them and adds one.
fn in_the_middle(world: &World, forge: &Forge, meanwhile: impl FnOnce()) -> Running {
    for (file, text) in [file("east", "/one"), file("lake", "/one")] {
        forge.repository.commit(&file, text);
    }
    let daemon = start(world, forge);
    daemon.prints("2 applied, 0 failed");
    world.tenant.simulator.clear_log();
    meanwhile();
    for (file, text) in [file("east", "/two"), file("lake", "/two")] {
        forge.repository.write(&file, text);
    }
    let (file, text) = file("west", "/two");
    forge.push(&file, &text);
    assert_eq!(told(&daemon).code, 202);
    daemon
}

fn start(world: &World, forge: &Forge) -> Running {
    forge.daemon(world, &[BOUND, "--parallelism=1"]).start()
}

/// Each lake is there once, as it was pushed, and nothing is left to do.
fn all_is_there_once(world: &World, forge: &Forge) {
    let daemon = start(world, forge);
    eventually("nothing is left", || {
        let printed = daemon.printed();
        printed.contains("a second plan has no changes") || printed.contains("3 unchanged")
    });
    ends(daemon);
    let shown = |lake: &Value| {
        let value = |name: &str| lake["config"][name].as_str().unwrap().to_owned();
        let status = lake["status"].as_str().unwrap().to_owned();
        [value("workspaceUrl"), value("httpPath"), status].join(" ")
    };
    let mut lakes: Vec<_> = world.tenant.simulator.state().iter().map(shown).collect();
    lakes.sort();
    let expected = ["east", "lake", "west"].map(|name| format!("{name}.example.com /two enabled"));
    assert_eq!(lakes, expected);
    let writes = world.tenant.writes();
    let posts = writes.iter().filter(|write| write.starts_with("POST"));
    assert_eq!(posts.count(), 1, "{writes:?}");
}

#[test]
fn stop_finishes_the_write_and_the_next_start_does_the_rest() {
    needs!(NGINX);
    let (world, forge) = (World::new(), Forge::new());
    let slow = || {
        world.tenant.simulator.set_options(SimulatorOptions {
            settle: Duration::from_secs(2),
            ..world.tenant.simulator.options()
        });
    };
    let daemon = in_the_middle(&world, &forge, slow);
    eventually("the first write", || world.tenant.writes().len() == 1);
    ends(daemon);
    assert_eq!(world.tenant.writes().len(), 1);
    let is_settled = |lake: &Value| lake["status"] == "enabled";
    assert!(world.tenant.simulator.state().iter().all(is_settled));
    all_is_there_once(&world, &forge);
    let mut writes = world.tenant.writes();
    writes.sort();
    let each_once = [
        "POST /integrations",
        "PUT /integrations/1",
        "PUT /integrations/2",
    ];
    assert_eq!(writes, each_once);
}

#[test]
fn killed_at_any_write_the_next_start_doubles_nothing() {
    needs!(NGINX);
    for (method, path) in [
        (Method::PUT, "/integrations/1"),
        (Method::PUT, "/integrations/2"),
        (Method::POST, "/integrations"),
    ] {
        let (world, forge) = (World::new(), Forge::new());
        let write = format!("{method} {path}");
        let late = || {
            let fault = Fault::new(FaultKind::DelayAfter { ms: 60_000 });
            world.tenant.simulator.fault(fault.on(&method, path));
        };
        let mut daemon = in_the_middle(&world, &forge, late);
        eventually(&write, || world.tenant.writes().contains(&write));
        daemon.kill();
        daemon.wait();
        all_is_there_once(&world, &forge);
    }
}
