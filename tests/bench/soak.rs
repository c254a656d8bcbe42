//! The daemon for minutes, with a git repository as its source, while everything
//! goes wrong: `cargo bench --bench soak -- --minutes N --seed SEED`. It reads the
//! repository where it lies, or with `--served` over http, which grows another way.
//!
//! Commits, rewritten histories, triggers of every kind, outages of the tenant,
//! people who change it, kills: at random from a seed. Now and then it is quiet;
//! then the daemon must be ready with the newest revision, and the tenant must
//! have what its files say, each once. At the end memory, threads and open files
//! of the process that lived longest must be what they were.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark ends at the first surprise, and its result is what it prints"
)]

mod branch;
mod checks;
#[expect(dead_code, reason = "what the tests share is more than is needed here")]
#[path = "../support/common.rs"]
mod common;
#[expect(
    dead_code,
    reason = "what the benchmarks share is more than is needed here"
)]
mod fleet;
#[path = "../support/forge.rs"]
mod forge;
mod life;
mod outage;
#[expect(
    dead_code,
    reason = "what the benchmarks share is more than is needed here"
)]
mod process;
#[expect(
    dead_code,
    unused_macros,
    unused_imports,
    reason = "benchmarks do not skip"
)]
#[path = "../support/programs.rs"]
mod programs;
#[expect(dead_code, reason = "what the tests share is more than is needed here")]
#[path = "../support/repository.rs"]
mod repository;
#[expect(dead_code, reason = "what the tests share is more than is needed here")]
#[path = "../support/git_server.rs"]
mod server;
#[expect(
    dead_code,
    reason = "what the benchmarks share is more than is needed here"
)]
mod stage;
mod storm;
#[expect(
    dead_code,
    reason = "what the benchmarks share is more than is needed here"
)]
mod table;
mod trigger;
#[expect(dead_code, reason = "what the tests share is more than is needed here")]
#[path = "../support/web.rs"]
mod web;

use std::time::{Duration, Instant};

use comfy_table::Table;

use life::{Life, Sample};
use storm::{Counts, Storm};
use table::table;

/// Amounts of work.
struct Options {
    length: Duration,
    seed: u64,
    files: usize,
    is_served: bool,
    /// From one quiet moment to the next.
    busy: Duration,
}

impl Options {
    fn parse() -> Self {
        let words: Vec<String> = std::env::args().skip(1).collect();
        let has = |flag: &str| words.iter().any(|word| word == flag);
        let after = |flag: &str| {
            let at = words.iter().position(|word| word == flag)?;
            let number = words.get(at + 1).and_then(|word| word.parse::<u64>().ok());
            Some(number.expect("the arguments are --minutes N, --seed N and --served"))
        };
        let seed = after("--seed").unwrap_or_else(|| fastrand::u64(..1_000_000_000));
        if has("--bench") {
            Self {
                length: Duration::from_secs(60 * after("--minutes").unwrap_or(3)),
                seed,
                files: 40,
                is_served: has("--served"),
                busy: Duration::from_secs(15),
            }
        } else {
            Self {
                length: Duration::from_secs(8),
                seed,
                files: 12,
                // Both within a few runs of the tests.
                is_served: has("--served") || seed % 2 == 0,
                busy: Duration::from_secs(3),
            }
        }
    }
}

/// Maximum growth of memory from the second quarter of a life to the last.
const GROWTH: f64 = 1.1;

/// Variation of an allocator's own memory, in KiB.
const SLACK_KIB: u64 = 2 * 1024;

/// Number of connections and threads that come and go.
const COMING_AND_GOING: u64 = 12;

/// A shorter life proves nothing about growth.
const WORTH_JUDGING: Duration = Duration::from_secs(60);

fn main() {
    let options = Options::parse();
    // Before anything that may fail, so that it can be repeated.
    println!("\nSoak of {:?}, --seed {}", options.length, options.seed);
    let mut storm = Storm::new(options.files, options.seed, options.is_served);
    storm.quiet();
    let first = sizes(&storm);
    let begun = Instant::now();
    let mut calm = begun;
    while begun.elapsed() < options.length {
        // One process is to live long.
        storm.step(begun.elapsed() < options.length.mul_f64(0.4));
        if calm.elapsed() > options.busy {
            if storm.counts.kills == 0 {
                storm.kill();
            }
            storm.quiet();
            calm = Instant::now();
        }
    }
    storm.end();
    println!("{}", told(&storm, &first));
    let life = storm.longest_life();
    if life.length() > WORTH_JUDGING {
        is_flat(life);
    }
}

/// Fails if the process took more and more.
fn is_flat(life: &Life) {
    let (early, late) = (life.quarter(2), life.quarter(4));
    let most = (early.resident_kib as f64 * GROWTH) as u64 + SLACK_KIB;
    assert!(late.resident_kib <= most, "memory: {early:?}, {late:?}");
    assert!(
        late.threads <= early.threads + COMING_AND_GOING,
        "threads: {early:?}, {late:?}"
    );
    let files = early.files.map(|files| files + COMING_AND_GOING);
    assert!(late.files <= files, "open files: {early:?}, {late:?}");
}

/// The sizes of the ledger and of the copy of the repository, in KiB.
fn sizes(storm: &Storm) -> [u64; 2] {
    let state = storm.stage.state.path();
    let copy = checks::size_kib(&state.join("git"));
    [checks::size_kib(state) - copy, copy]
}

fn told(storm: &Storm, first: &[u64; 2]) -> Table {
    let mut table = table(["what", "how much"]);
    for (what, how_much) in deeds(storm).into_iter().chain(toll(storm, first)) {
        table.add_row([what.to_owned(), how_much]);
    }
    table
}

/// The events.
fn deeds(storm: &Storm) -> Vec<(&'static str, String)> {
    let Counts {
        runs,
        commits,
        pushes,
        rewrites,
        outages,
        drifts,
        kills,
        restarts,
        requests,
        quiet,
        longest_wait,
    } = &storm.counts;
    let triggers = &storm.triggers.counts;
    let all: usize = triggers.values().sum();
    let kinds = triggers.iter();
    let kinds = kinds.map(|(kind, count)| format!("{count} {kind}"));
    let kinds = kinds.collect::<Vec<_>>().join(", ");
    let reached = match storm.server {
        Some(_) => "over http",
        None => "where it lies",
    };
    vec![
        ("the repository is read", reached.to_owned()),
        ("integrations at the end", storm.len().to_string()),
        ("runs", runs.to_string()),
        ("triggers", format!("{all}: {kinds}")),
        ("pushes, of commits", format!("{pushes}, {commits}")),
        ("pushes of another history", rewrites.to_string()),
        ("outages of the tenant", outages.to_string()),
        ("changes of the tenant by others", drifts.to_string()),
        ("kills, restarts", format!("{kills}, {restarts}")),
        ("requests to the tenant", requests.to_string()),
        ("quiet moments, all in sync", quiet.to_string()),
        ("longest wait for one", format!("{longest_wait:.1?}")),
    ]
}

/// The resources used.
fn toll(storm: &Storm, first: &[u64; 2]) -> Vec<(&'static str, String)> {
    let life = storm.longest_life();
    let quarters = [1, 2, 3, 4].map(|nth| life.quarter(nth));
    let each = |value: fn(&Sample) -> String| quarters.each_ref().map(value).join(", ");
    let memory = each(|sample| format!("{:.1}", mib(sample.resident_kib)));
    let files = each(|sample| sample.files.map_or("?".to_owned(), |n| n.to_string()));
    let [_, early, _, late] = quarters.map(|sample| mib(sample.resident_kib));
    let last = sizes(storm);
    vec![
        (
            "longest life of a process",
            format!("{:.0?}", life.length()),
        ),
        (
            "its memory, by quarters",
            format!("{memory} MiB: {:.2}", late / early),
        ),
        ("its threads", each(|sample| sample.threads.to_string())),
        ("its open files", files),
        (
            "ledger, first and last",
            format!("{}, {} KiB", first[0], last[0]),
        ),
        (
            "copy of the repository",
            format!("{}, {} KiB", first[1], last[1]),
        ),
    ]
}

fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}
