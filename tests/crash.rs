//! A process that is killed in the middle of an apply, again and again.

use std::time::Duration;

use integrationd::simulator::Options;
use serde_json::Value;
use tempfile::TempDir;

use crate::common::{Files, Integrationd, Tenant, eventually};

const FILES: usize = 12;

fn fleet() -> Files {
    (0..FILES).fold(Files::none(), |files, n| {
        files.with(
            &format!("lake-{n}.yaml"),
            &format!(
                "type: Databricks\nautoBootstrap: false\nconfig: {{workspaceUrl: lake-{n}.example.com, \
                 httpPath: /sql, authenticationType: token, token: '${{env:SYNAPSE_PASSWORD}}'}}\n"
            ),
        )
    })
}

fn hosts(tenant: &Tenant) -> Vec<String> {
    let host = |integration: &Value| integration["config"]["workspaceUrl"].to_string();
    let mut hosts: Vec<String> = tenant.simulator.state().iter().map(host).collect();
    hosts.sort();
    hosts
}

#[test]
fn however_often_it_is_killed_nothing_is_made_twice_and_it_gets_there() {
    for kill_after in [1, 2, 3, 5, 8, 13, 21] {
        let settle = Duration::from_millis(30);
        let tenant = Tenant::with(Options {
            settle,
            ..Options::default()
        });
        let (files, state) = (fleet(), TempDir::new().unwrap());
        let sync = || {
            Integrationd::new(["sync", "--yes", "--state"])
                .arg(state.path())
                .on(&tenant)
                .with(&files)
        };
        for _ in 0..3 {
            tenant.simulator.clear_log();
            let mut running = sync().start();
            eventually("it sends requests, or ends", || {
                tenant.simulator.log().len() >= kill_after || running.has_ended()
            });
            running.kill();
            drop(running.wait());
        }
        // What the server is still at work on is in doubt until it has settled.
        eventually("it gets there", || sync().run().code == 0);
        let mut once = hosts(&tenant);
        once.dedup();
        assert_eq!(
            (hosts(&tenant).len(), once.len()),
            (FILES, FILES),
            "after {kill_after}"
        );
    }
}
