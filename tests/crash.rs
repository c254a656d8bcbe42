//! A process that is killed in the middle of an apply, again and again.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fastrand::Rng;
use integrationd::simulator::{API_KEY, SimulatorOptions};
use serde_json::Value;
use tempfile::TempDir;

use crate::common::{Files, Integrationd, SECRETS, Tenant, eventually};

const FILES: usize = 12;

/// So many of the long test, each with another seed.
const ROUNDS: u64 = 100;

/// The files of the long test.
const MANY: usize = 50;

/// The seed of its first round.
const SEED: u64 = 1;

fn fleet(size: usize) -> Files {
    (0..size).fold(Files::none(), |files, n| {
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
fn killed_at_every_step_it_creates_nothing_twice_and_finishes() {
    for kill_after in [1, 2, 3, 5, 8, 13, 21] {
        let settle = Duration::from_millis(30);
        let tenant = Tenant::with(SimulatorOptions {
            settle,
            ..SimulatorOptions::default()
        });
        let (files, state) = (fleet(FILES), TempDir::new().unwrap());
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

/// A number from the environment.
fn given(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |number| number.parse().unwrap())
}

/// `CRASH_ROUNDS=1 CRASH_SEED=7` plays one round alone: its moments are drawn from
/// the seed, and what they meet is up to the machine.
#[test]
#[expect(clippy::print_stdout, reason = "it tells its seed")]
fn killed_at_random_it_creates_each_once_and_keeps_no_secret() {
    let (first, rounds) = (given("CRASH_SEED", SEED), given("CRASH_ROUNDS", ROUNDS));
    let (files, next, kills) = (fleet(MANY), AtomicU64::new(0), AtomicU64::new(0));
    let work = || {
        while let round @ 0.. = next.fetch_add(1, Ordering::Relaxed)
            && round < rounds
        {
            kills.fetch_add(round_of_kills(first + round, &files), Ordering::Relaxed);
        }
    };
    let begun = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
    let took = begun.elapsed();
    println!("{rounds} rounds from seed {first}, {kills:?} kills, in {took:.1?}");
}

/// Kills a few runs, lets one finish, and returns the number of killed runs.
fn round_of_kills(seed: u64, files: &Files) -> u64 {
    let mut rng = Rng::with_seed(seed);
    let settle = Duration::from_millis([0, 5, 50][rng.usize(0..3)]);
    let tenant = Tenant::with(SimulatorOptions {
        settle,
        ..SimulatorOptions::default()
    });
    let state = TempDir::new().unwrap();
    let sync = |flag: &str| {
        Integrationd::new([
            "sync",
            "--parallelism=25",
            // How far a plan may go is not the subject.
            "--max-change-percent=100",
            flag,
            "--state",
        ])
        .arg(state.path())
        .on(&tenant)
        .with(files)
    };
    let mut kills = 0;
    for _ in 0..rng.usize(1..6) {
        let mut running = sync("--yes").start();
        std::thread::sleep(Duration::from_micros(rng.u64(0..LONGEST_RUN)));
        kills += u64::from(!running.has_ended());
        running.kill();
        drop(running.wait());
    }
    let context = format!("seed {seed}");
    eventually(&context, || sync("--yes").run().code == 0);
    let mut once = hosts(&tenant);
    once.dedup();
    let counts = (hosts(&tenant).len(), once.len());
    assert_eq!(counts, (MANY, MANY), "{context}");
    let afterwards = sync("--dry-run").run();
    assert_eq!(afterwards.code, 0, "{context}\n{}", afterwards.all());
    keeps_no_secret(state.path(), &context);
    kills
}

/// About as long as a whole run takes, in microseconds.
const LONGEST_RUN: u64 = 700_000;

fn keeps_no_secret(directory: &Path, context: &str) {
    let secrets = SECRETS.iter().map(|(_, value)| *value).chain([API_KEY]);
    let mut files = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        for secret in secrets.clone() {
            assert!(!text.contains(secret), "{context}: {secret} in {path:?}");
        }
        files += 1;
    }
    assert!(files > 0, "{context}: there is no state");
}
