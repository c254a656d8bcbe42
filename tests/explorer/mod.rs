//! Explores possible events: files that change, people who act on the server, requests that go wrong, and a process that dies at any moment. Then
//! everything goes well again, and nothing may have been doubled, lost, forgotten or leaked.
//!
//! A scenario is drawn from a seed alone, and runs the real pipeline against the
//! simulator in paused time: the same seed sends the same requests.
//!
//! ```text
//! cargo test explorer                          the scenarios of every change
//! EXPLORER_SCENARIOS=100000 EXPLORER_SEED=random cargo test explorer
//!                                              more, and others
//! EXPLORER_SCENARIOS=1 EXPLORER_SEED=4711 cargo test explorer
//!                                              one of them, alone
//! ```
//!
//! A scenario that fails is cut down to the steps that it needs, and reported with every request, trouble and entry of the journal.

#![expect(
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    clippy::manual_async_fn,
    clippy::too_many_lines,
    reason = "it tells how it went, and a kind that is new has no excuse"
)]

mod bound;
mod checks;
mod connected;
mod document;
mod excuses;
mod explore;
mod fate;
mod generator;
mod listen;
mod recovery;
mod run;
mod scenario;
mod time;
mod troubles;
mod wire;
mod world;

use explore::{explore, play};
use generator::scenario;

/// The seed of the first scenario; the others follow it.
const SEED: u64 = 1;

/// The scenarios of every change: some four minutes.
const SCENARIOS: u64 = 10_000;

/// So many are played twice.
const TWICE: u64 = 200;

fn first_seed() -> u64 {
    match std::env::var("EXPLORER_SEED").as_deref() {
        Ok("random") => u64::from(fastrand::u32(..)) << 24,
        Ok(seed) => seed
            .parse()
            .expect("EXPLORER_SEED is a number, or `random`"),
        Err(_) => SEED,
    }
}

fn scenarios() -> u64 {
    std::env::var("EXPLORER_SCENARIOS").map_or(SCENARIOS, |number| {
        number.parse().expect("EXPLORER_SCENARIOS is a number")
    })
}

#[test]
fn every_scenario_keeps_the_promises() {
    explore(first_seed(), scenarios());
}

#[test]
fn seed_determines_a_scenario_down_to_its_requests() {
    for seed in SEED..SEED + TWICE {
        let first = play(&scenario(seed)).told();
        let second = play(&scenario(seed)).told();
        assert_eq!(first, second, "seed {seed}");
    }
}
