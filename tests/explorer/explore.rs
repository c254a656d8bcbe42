//! Plays scenarios, on all cores, and cuts down one that fails.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::checks::{complaints, forgotten};
use super::excuses::Standing;
use super::generator::scenario;
use super::listen::{Listener, heard};
use super::recovery::recover;
use super::run::{Keeper, run};
use super::scenario::{Scenario, Step};
use super::time;
use super::world::World;

/// Result of a scenario.
#[derive(Default)]
pub(super) struct Played {
    complaints: Vec<String>,
    standings: Vec<Standing>,
    trace: Vec<String>,
}

impl Played {
    /// Everything that happened, for people.
    pub(super) fn told(&self) -> String {
        let mut all = self.trace.join("\n");
        for complaint in &self.complaints {
            all.push_str(&format!("\n>>> {complaint}"));
        }
        all
    }
}

/// Plays one scenario on this thread.
pub(super) fn play(scenario: &Scenario) -> Played {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    // Jitter is drawn by the code itself.
    fastrand::seed(scenario.seed);
    drop(heard());
    let played = || runtime.block_on(steps(scenario));
    catch_unwind(AssertUnwindSafe(played)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Played {
            complaints: vec![format!("it panicked: {}", text.unwrap_or_default())],
            ..Played::default()
        }
    })
}

async fn steps(scenario: &Scenario) -> Played {
    time::begin();
    let mut world = World::new(scenario);
    let keeper = Keeper::new(scenario.on_disk);
    let mut played = Played {
        trace: beginning(scenario),
        ..Played::default()
    };
    let mut set_back = Duration::ZERO;
    for (number, step) in scenario.steps.iter().enumerate() {
        let mut line = format!("step {number}: {step:?}");
        match step {
            Step::Edit(edit) => {
                if !world.edit(edit) {
                    line.push_str("  (makes no sense)");
                }
            }
            Step::Deed(deed) => line.push_str(&format!("  {:?}", world.deed(deed))),
            Step::Wait(duration) => tokio::time::sleep(*duration).await,
            Step::Clock(seconds) => {
                set_back += Duration::from_secs(seconds.unsigned_abs());
                time::set_by(*seconds);
            }
            Step::Sync(sync) => {
                let before = keeper.ledger();
                let ran = run(&mut world, &keeper, sync, scenario.token).await;
                played.trace.push(std::mem::take(&mut line));
                played.trace.extend(ran.trace.iter().cloned());
                let after = keeper.ledger();
                world.after(&after, &ran);
                played.complaints = complaints(&world, &before, sync, &ran);
                let forgotten = forgotten(&world, &before, &after, sync);
                played.complaints.extend(forgotten);
            }
        }
        if !line.is_empty() {
            played.trace.push(line);
        }
        if !played.complaints.is_empty() {
            return played;
        }
    }
    let recovered = recover(
        &mut world,
        &keeper,
        (scenario.policy, scenario.token),
        set_back,
    )
    .await;
    played.trace.extend(recovered.trace);
    played.complaints = recovered.complaints;
    played.standings = recovered.standings;
    if !played.complaints.is_empty() {
        played.trace.extend(
            world
                .live()
                .iter()
                .map(|(id, one)| format!("live {id}: {one}")),
        );
        played.trace.push(format!("{:?}", keeper.ledger()));
    }
    played
}

fn beginning(scenario: &Scenario) -> Vec<String> {
    let tenant = &scenario.tenant;
    let mut trace = vec![format!(
        "seed {}: {:?}, settles in {:?}, {:?}, {:?}, volatile: {}, bound: {}, connected: {}, on disk: {}",
        scenario.seed,
        scenario.policy,
        tenant.settle,
        tenant.secrets,
        tenant.ids,
        tenant.volatile,
        scenario.bound,
        scenario.connected,
        scenario.on_disk
    )];
    let files = scenario.files.iter();
    trace.extend(files.map(|(document, standing)| format!("file {document}: {standing:?}")));
    trace
}

/// Leaves out every step without which the scenario still fails.
fn cut_down(scenario: &Scenario) -> Scenario {
    let mut smallest = scenario.clone();
    let fails = |scenario: &Scenario| !play(scenario).complaints.is_empty();
    loop {
        let before = (smallest.steps.len(), smallest.files.len());
        for at in (0..smallest.steps.len()).rev() {
            let mut fewer = smallest.clone();
            fewer.steps.remove(at);
            if fails(&fewer) {
                smallest = fewer;
            }
        }
        for at in (0..smallest.files.len()).rev() {
            let mut fewer = smallest.clone();
            fewer.files.remove(at);
            if fails(&fewer) {
                smallest = fewer;
            }
        }
        if (smallest.steps.len(), smallest.files.len()) == before {
            return smallest;
        }
    }
}

/// Number of failures to report before giving up.
const FAILURES: usize = 5;

/// Number of files in each final state.
type Tally = BTreeMap<String, u64>;

/// Plays so many scenarios from this seed on, until one fails.
pub(super) fn explore(first: u64, count: u64) {
    let (next, tally) = (AtomicU64::new(0), Mutex::new(Tally::new()));
    let failed = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let begun = Instant::now();
    let work = || {
        tracing::subscriber::with_default(Listener, || {
            while let at @ 0.. = next.fetch_add(1, Ordering::Relaxed)
                && at < count
                && failed.lock().unwrap().len() < FAILURES
            {
                let scenario = scenario(first + at);
                let played = play(&scenario);
                if !played.complaints.is_empty() {
                    failed.lock().unwrap().push((scenario, played.complaints));
                }
                count_up(&mut tally.lock().unwrap(), &played.standings);
            }
        });
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let took = begun.elapsed();
    let tally = tally.into_inner().unwrap();
    println!("{count} scenarios from seed {first} in {took:.1?}: {tally:#?}");
    let failed = failed.into_inner().unwrap();
    if !failed.is_empty() {
        tell(failed);
    }
}

/// Reports the failing seeds and their reasons, and every detail of the shortest one.
fn tell(mut failed: Vec<(Scenario, Vec<String>)>) -> ! {
    let mut all = String::new();
    for (scenario, complaints) in &failed {
        let seed = scenario.seed;
        let complaints = complaints.join("\n  ");
        all.push_str(&format!(
            "\nseed {seed} fails, and alone by: EXPLORER_SCENARIOS=1 EXPLORER_SEED={seed} cargo test explorer\n  {complaints}\n"
        ));
    }
    failed.sort_by_key(|(scenario, _)| scenario.steps.len());
    let smallest = tracing::subscriber::with_default(Listener, || {
        play(&cut_down(&failed.swap_remove(0).0)).told()
    });
    panic!("{all}\none of them, cut down:\n{smallest}\n");
}

fn count_up(tally: &mut Tally, standings: &[Standing]) {
    for standing in standings {
        let key = match standing {
            Standing::InSync => "in sync",
            Standing::Excused(why) => why,
            Standing::Inexcusable(_) => "not in sync",
        };
        *tally.entry(key.to_owned()).or_default() += 1;
    }
}
