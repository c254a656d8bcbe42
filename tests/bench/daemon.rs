//! The daemon as a process: what it takes while there is nothing to do, and how
//! quick it is when there is: `cargo bench --bench daemon`.
//!
//! The real command against the simulator, over HTTP on loopback, with a hundred
//! integrations. Nothing here depends on a time but what is printed: as a test it
//! runs one small round, in which every change must arrive, once.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark ends at the first surprise, and its result is what it prints"
)]

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
mod idle;
mod latency;
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
mod stage;
mod table;
#[expect(dead_code, reason = "what the tests share is more than is needed here")]
#[path = "../support/web.rs"]
mod web;

use std::time::Duration;

use comfy_table::Table;

use idle::Idle;
use table::{mebibytes, median, milliseconds, table};

/// Amounts of work.
struct Options {
    /// Integrations.
    files: usize,
    /// Changes of each kind.
    rounds: u16,
    debounce: Duration,
    /// Time until no earlier work is in progress.
    calm: Duration,
    /// Time without due work, during which the daemon is watched.
    window: Duration,
    /// Time from the end of that until the files were read again.
    look: Duration,
}

/// The files are read after a minute at the latest, and not before 54 seconds.
const FULL: Options = Options {
    files: 100,
    rounds: 20,
    debounce: Duration::from_millis(500),
    calm: Duration::from_secs(11),
    window: Duration::from_secs(30),
    look: Duration::from_secs(25),
};

/// As a test.
const SMOKE: Options = Options {
    files: 10,
    rounds: 1,
    debounce: Duration::from_millis(50),
    calm: Duration::from_millis(100),
    window: Duration::from_millis(300),
    look: Duration::ZERO,
};

fn main() {
    let is_bench = std::env::args().any(|word| word == "--bench");
    let options = if is_bench { FULL } else { SMOKE };
    let idle = idle::measure(&options);
    let saved = latency::saved(&options);
    let hook = latency::pushed_with_hook(&options);
    let webhook = latency::pushed_with_webhook(&options);
    println!("\nThe daemon, {} integrations in sync", options.files);
    println!("{}", of_idle(&idle, &options));
    println!("\nFrom a change to the request, {} rounds", options.rounds);
    println!(
        "{}",
        of_times(&[
            ("save of a file, less the debounce", &saved),
            ("git push, with the hook", &hook),
            ("git push, with a webhook", &webhook),
        ])
    );
}

type Line = fn(&Idle) -> String;

fn of_idle(idle: &[Idle; 2], options: &Options) -> Table {
    let mut table = table(["idle", "directory", "git"]);
    let lines: [(String, Line); 6] = [
        ("memory".into(), |idle| mebibytes(Some(idle.idle_kib))),
        ("after the page was fetched".into(), |idle| {
            mebibytes(Some(idle.page_kib))
        }),
        ("after creating all".into(), |idle| {
            mebibytes(Some(idle.created_kib))
        }),
        ("threads".into(), |idle| idle.threads.to_string()),
        (
            format!("context switches in {:?}", options.window),
            |idle| idle.switches.to_string(),
        ),
        ("context switches of a look at the files".into(), |idle| {
            idle.look.to_string()
        }),
    ];
    for (title, value) in lines {
        let [directory, git] = idle.each_ref().map(value);
        table.add_row([title, directory, git]);
    }
    table
}

fn of_times(lines: &[(&str, &[Duration])]) -> Table {
    let mut table = table(["from", "median", "longest"]);
    for (title, times) in lines {
        let longest = times.iter().max().copied().unwrap_or_default();
        let median = median(times.iter().copied());
        table.add_row([
            (*title).to_owned(),
            milliseconds(median),
            milliseconds(longest),
        ]);
    }
    table
}
