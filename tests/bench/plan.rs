//! Duration and memory of a plan: `cargo bench --bench plan`.
//!
//! ```text
//! cargo bench --bench plan                     1,000 and 10,000 files
//! cargo bench --bench plan -- 100 5000         other numbers of files
//! cargo bench --bench plan -- --rounds 9       more rounds; medians are shown
//! cargo bench --bench plan -- --create 10000   number to create; 0 for none
//! ```
//!
//! A simulated tenant runs in a process of its own, and so does every round of
//! the client, so that the peak memory is the client's alone. The tenant gets
//! its state by an apply of the same files. A round that does not result in an empty plan after exactly one list and one search for connections fails the
//! benchmark.
//!
//! Seconds on a shared machine do not repeat: a baseline is measured in the
//! same run, round by round, and the ratio to it is what to compare.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark ends at the first surprise, and its result is what it prints"
)]

mod client;
#[expect(
    dead_code,
    reason = "what the benchmarks share is more than is needed here"
)]
mod fleet;
mod plans;
#[expect(
    dead_code,
    reason = "what the benchmarks share is more than is needed here"
)]
mod process;
mod table;
mod tenant;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;

use client::{Created, Parsed, Planned};
use fleet::Fleet;
use plans::Round;
use tenant::Tenant;

/// The sizes of a full run.
const SIZES: [usize; 2] = [1_000, 10_000];

/// The size when this runs as a test: `cargo test --all-targets`.
const SMOKE: usize = 100;

/// Rounds of each size.
const ROUNDS: usize = 5;

/// Number of creates, unless the sizes are smaller.
const CREATE: usize = 1_000;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["serve"] => tenant::serve(None),
        ["serve", directory] => tenant::serve(Some(Path::new(directory))),
        ["plan", directory, url] => answer(&client::plan(Path::new(directory), url)),
        ["create", directory, url] => answer(&client::create(Path::new(directory), url)),
        ["baseline", directory] => answer(&client::baseline(Path::new(directory))),
        words => bench(&Options::parse(words)),
    }
}

struct Options {
    sizes: Vec<usize>,
    rounds: usize,
    create: usize,
}

impl Options {
    fn parse(words: &[&str]) -> Self {
        let (mut sizes, mut rounds, mut create) = (Vec::new(), ROUNDS, None);
        let is_bench = words.contains(&"--bench");
        let mut words = words.iter().copied().filter(|word| *word != "--bench");
        while let Some(word) = words.next() {
            match word {
                "--rounds" => rounds = number(words.next()),
                "--create" => create = Some(number(words.next())),
                size => sizes.push(number(Some(size))),
            }
        }
        if sizes.is_empty() && is_bench {
            sizes.extend(SIZES);
        } else if sizes.is_empty() {
            sizes.push(SMOKE);
        }
        let largest = sizes.iter().copied().max().unwrap_or_default();
        Self {
            sizes,
            rounds: rounds.max(1),
            create: create.unwrap_or(CREATE.min(largest)),
        }
    }
}

fn number(word: Option<&str>) -> usize {
    word.and_then(|word| word.parse().ok())
        .expect("the arguments are numbers of files, --rounds N and --create N")
}

fn bench(options: &Options) {
    let mut sizes = Vec::new();
    for size in &options.sizes {
        let fleet = Fleet::write(*size);
        let mut tenant = Tenant::in_sync_with(&fleet);
        let rounds: Vec<Round> = (0..options.rounds)
            .map(|_| round(&fleet, &mut tenant))
            .collect();
        sizes.push((*size, rounds));
    }
    println!(
        "\nA plan with nothing to do, medians of {} rounds",
        options.rounds
    );
    println!("{}", plans::plans(&sizes));
    if options.create > 0 {
        let fleet = Fleet::write(options.create);
        let mut tenant = Tenant::empty();
        let (created, requests) = create(&fleet, &mut tenant);
        println!(
            "\nCreating all, {} at a time, each followed until it is enabled",
            client::PARALLELISM
        );
        println!("{}", plans::creations(options.create, &created, &requests));
    }
}

/// The command, the stages in process, and the baseline, one after the other.
fn round(fleet: &Fleet, tenant: &mut Tenant) -> Round {
    let one_of_each = [
        ("GET /integrations".to_owned(), 1),
        ("POST /data/object/search".to_owned(), 1),
    ]
    .into();
    let command = command(fleet, tenant);
    assert_eq!(tenant.requests(), one_of_each, "requests of the command");
    let planned: Planned = child(&["plan", fleet.directory(), tenant.url()]);
    assert_eq!(tenant.requests(), one_of_each, "requests of the pipeline");
    assert_eq!(planned.unchanged, fleet.len(), "the plan is not empty");
    let baseline: Parsed = child(&["baseline", fleet.directory()]);
    Round {
        command,
        planned,
        baseline: baseline.took,
    }
}

/// Runs the real command, from its start to its end.
fn command(fleet: &Fleet, tenant: &Tenant) -> Duration {
    let mut command = Command::new(env!("CARGO_BIN_EXE_integrationd"));
    command
        .args(["sync", "--dry-run", "--detailed-exitcode"])
        .arg(fleet::files(fleet.directory().as_ref()))
        .env("IMMUTA_URL", tenant.url())
        .env("IMMUTA_API_KEY", integrationd::simulator::API_KEY)
        .envs(fleet::SECRETS.iter().map(|name| (name, "made-up")));
    let begun = Instant::now();
    let output = command.output().unwrap();
    let took = begun.elapsed();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && printed.contains("No changes."),
        "{printed}"
    );
    took
}

fn create(fleet: &Fleet, tenant: &mut Tenant) -> (Created, tenant::Requests) {
    let created: Created = child(&["create", fleet.directory(), tenant.url()]);
    let requests = tenant.requests();
    assert_eq!(created.created, fleet.len(), "not everything was created");
    assert_eq!(requests.get("POST /integrations"), Some(&fleet.len()));
    (created, requests)
}

/// Runs this program again with other arguments, and reads its answer.
fn child<T: DeserializeOwned>(arguments: &[&str]) -> T {
    let program = std::env::current_exe().unwrap();
    let output = Command::new(program).args(arguments).output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {complaint}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn answer(value: &impl Serialize) {
    println!("{}", serde_json::to_string(value).unwrap());
}
