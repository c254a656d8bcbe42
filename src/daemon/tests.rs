//! The worker in paused time, with a pipeline that only counts.

use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tokio::sync::watch as published;
use tokio::time::{Instant, sleep};

use super::liveness::LONGEST_STEP;
use super::*;
use crate::immuta::{LONGEST_RETRY_AFTER, RetryPolicy};
use crate::net::{HttpSettings, ServerUrl};
use crate::progress::Progress;
use crate::reason::Reason;
use crate::source::git;

/// Runs of so many steps that take this long, and end so, one after the other; the last
/// one for ever. Without an ending a run hangs after its steps.
struct Runs {
    took: Duration,
    steps: u32,
    progress: Progress,
    endings: Vec<Disposition>,
    begun: Arc<Mutex<Vec<Duration>>>,
    inputs: Arc<AtomicU64>,
    since: Instant,
}

impl Activation for Runs {
    fn inputs(&self) -> u64 {
        self.inputs.load(Ordering::Relaxed)
    }

    fn interval(&self) -> Duration {
        Duration::from_secs(600)
    }

    async fn run(&mut self, _: &Stop, _: TriggerReason) -> Option<RunOutcome> {
        self.begun.lock().unwrap().push(self.since.elapsed());
        for _ in 0..self.steps {
            sleep(self.took).await;
            self.progress.record();
        }
        let next = match self.endings.as_slice() {
            [] => std::future::pending().await,
            [last] => *last,
            [_, ..] => self.endings.remove(0),
        };
        Some(RunOutcome {
            disposition: next,
            exit: Exit::Success,
            summary: "counted".to_owned(),
            help: None,
            revision: None,
            view: None,
        })
    }
}

struct World {
    trigger: Trigger,
    stop: tokio::sync::watch::Sender<bool>,
    begun: Arc<Mutex<Vec<Duration>>>,
    inputs: Arc<AtomicU64>,
    status: published::Receiver<DaemonStatus>,
    liveness: Liveness,
    worker: tokio::task::JoinHandle<()>,
}

fn world(took: Duration, endings: &[Disposition]) -> World {
    stepping(took, 1, endings)
}

fn stepping(took: Duration, steps: u32, endings: &[Disposition]) -> World {
    let (sender, stop) = Stop::new();
    let publisher = StatusPublisher::new(metrics::Metrics::default());
    let (status, liveness) = (publisher.subscribe(), publisher.liveness.clone());
    let begun = Arc::new(Mutex::new(Vec::new()));
    let inputs = Arc::new(AtomicU64::new(0));
    let trigger = Trigger::default();
    let mut runs = Runs {
        took,
        steps,
        progress: liveness.progress.clone(),
        endings: endings.to_vec(),
        begun: Arc::clone(&begun),
        inputs: Arc::clone(&inputs),
        since: Instant::now(),
    };
    let heard = trigger.clone();
    let worker = tokio::spawn(async move {
        let mut schedule = Schedule::every(Duration::from_secs(600));
        work(&mut runs, &heard, &mut schedule, &publisher, &stop).await;
    });
    World {
        trigger,
        stop: sender,
        begun,
        inputs,
        status,
        liveness,
        worker,
    }
}

impl World {
    fn runs(&self) -> usize {
        self.begun.lock().unwrap().len()
    }

    /// The seconds at which runs began.
    fn seconds(&self) -> Vec<u64> {
        let begun = self.begun.lock().unwrap();
        begun.iter().map(Duration::as_secs).collect()
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_burst_becomes_one_more_run() {
    let world = world(10 * SECOND, &[Disposition::InSync]);
    sleep(SECOND).await;
    for _ in 0..50 {
        world.trigger.notify();
    }
    sleep(100 * SECOND).await;
    assert_eq!(world.runs(), 2);
}

/// L5: four hundred signals, four milliseconds apart, were 389 runs.
#[tokio::test(start_paused = true)]
async fn triggers_without_news_make_few_runs() {
    for trigger in [Trigger::notify, Trigger::notify_manual] {
        let world = world(SECOND / 100, &[Disposition::InSync]);
        sleep(40 * SECOND).await;
        for _ in 0..400 {
            trigger(&world.trigger);
            sleep(SECOND / 250).await;
        }
        sleep(60 * SECOND).await;
        // The first at once, and all that come meanwhile become one.
        assert_eq!(world.seconds(), [0, 40, 41, 43]);
    }
}

#[tokio::test(start_paused = true)]
async fn pauses_grow_and_a_time_of_quiet_ends_them() {
    let world = world(Duration::ZERO, &[Disposition::InSync]);
    sleep(SECOND / 2).await;
    for _ in 0..1_000 {
        world.trigger.notify();
        sleep(SECOND / 10).await;
    }
    assert_eq!(world.seconds(), [0, 0, 1, 3, 7, 15, 31, 61, 91]);
    sleep(90 * SECOND).await;
    let runs = world.runs();
    world.trigger.notify();
    sleep(SECOND / 10).await;
    assert_eq!(world.runs(), runs + 1);
}

#[tokio::test(start_paused = true)]
async fn something_new_is_not_kept_waiting() {
    let world = world(Duration::ZERO, &[Disposition::InSync]);
    sleep(SECOND / 2).await;
    for _ in 0..100 {
        world.trigger.notify();
        sleep(SECOND / 10).await;
    }
    assert_eq!(world.seconds(), [0, 0, 1, 3, 7]);
    // A watcher has seen another content.
    world.trigger.notify_source_changed();
    sleep(SECOND / 10).await;
    assert_eq!(world.runs(), 6);
    // A run that reads something else ends the pauses.
    world.inputs.store(1, Ordering::Relaxed);
    world.trigger.notify_source_changed();
    sleep(SECOND / 10).await;
    world.trigger.notify();
    sleep(SECOND / 10).await;
    assert_eq!(world.runs(), 8);
}

#[tokio::test(start_paused = true)]
async fn operator_does_not_wait_for_what_others_repeat() {
    let world = world(Duration::ZERO, &[Disposition::InSync]);
    sleep(SECOND / 2).await;
    for _ in 0..100 {
        world.trigger.notify();
        sleep(SECOND / 10).await;
    }
    let runs = world.runs();
    world.trigger.notify_manual();
    sleep(SECOND / 10).await;
    assert_eq!(world.runs(), runs + 1);
    world.trigger.notify_manual();
    sleep(SECOND / 10).await;
    assert_eq!(world.runs(), runs + 1);
    sleep(SECOND).await;
    assert_eq!(world.runs(), runs + 2);
}

#[tokio::test(start_paused = true)]
async fn next_run_starts_at_the_interval_and_not_before() {
    let world = world(Duration::ZERO, &[Disposition::InSync]);
    sleep(530 * SECOND).await;
    assert_eq!(world.runs(), 1);
    sleep(80 * SECOND).await;
    assert_eq!(world.runs(), 2);
}

#[tokio::test(start_paused = true)]
async fn failure_is_retried_soon_and_a_trigger_runs_at_once() {
    let world = world(Duration::ZERO, &[Disposition::Transient]);
    sleep(100 * SECOND).await;
    let without = world.runs();
    assert!((4..=6).contains(&without), "{without} runs");
    // The next run is far away; the trigger starts it, and the backoff begins anew.
    world.trigger.notify();
    sleep(6 * SECOND).await;
    assert_eq!(world.runs(), without + 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_stalled_waits_and_says_why() {
    let world = world(
        Duration::ZERO,
        &[Disposition::Stalled(Reason::GuardRefused)],
    );
    sleep(500 * SECOND).await;
    assert_eq!(world.runs(), 1);
    let status = world.status.borrow().clone();
    assert_eq!(status.phase, DaemonPhase::Stalled(Reason::GuardRefused));
    assert_eq!(status.line(), "Stalled (GuardRefused): counted");
}

#[tokio::test(start_paused = true)]
async fn unready_integration_is_reconciling_and_has_a_reason() {
    assert_eq!(DaemonStatus::default().line(), "Reconciling (Starting)");
    let world = world(10 * SECOND, &[Disposition::Transient]);
    sleep(SECOND).await;
    assert_eq!(world.status.borrow().line(), "Reconciling");
    sleep(10 * SECOND).await;
    let line = world.status.borrow().line();
    let (words, summary) = line.split_once(" s: ").unwrap();
    let seconds = words.strip_prefix("Reconciling (ProgressingWithRetry), retrying in ");
    assert!((1..=5).contains(&seconds.unwrap().parse::<u64>().unwrap()));
    assert_eq!(summary, "counted");
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_the_worker_and_lets_the_run_under_way_end() {
    let world = world(10 * SECOND, &[Disposition::InSync]);
    sleep(SECOND).await;
    let begun = Instant::now();
    world.stop.send(true).unwrap();
    world.worker.await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 9);
    let runs = world.begun.lock().unwrap().len();
    assert_eq!(runs, 1);
}

#[tokio::test(start_paused = true)]
async fn run_that_makes_progress_is_alive_however_long_it_takes() {
    let world = stepping(git::TIMEOUT, 100, &[]);
    for _ in 0..99 {
        sleep(git::TIMEOUT).await;
        assert!(world.liveness.responds_within(SECOND).await);
    }
}

#[tokio::test(start_paused = true)]
async fn run_that_hangs_is_alive_no_longer_than_the_longest_step() {
    let world = world(SECOND, &[]);
    sleep(LONGEST_STEP).await;
    assert!(world.liveness.responds_within(SECOND).await);
    sleep(2 * SECOND).await;
    assert!(!world.liveness.responds_within(SECOND).await);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_waits_for_the_next_run_is_alive() {
    let world = world(Duration::ZERO, &[Disposition::InSync]);
    sleep(2 * LONGEST_STEP).await;
    assert_eq!(world.runs(), 1);
    assert!(world.liveness.responds_within(SECOND).await);
}

#[test]
fn every_step_has_less_time_than_the_longest_one() {
    let server = ServerUrl::parse("https://acme.example.com").unwrap();
    let answer = HttpSettings::new(server).timeout;
    let pause = LONGEST_RETRY_AFTER + RetryPolicy::default().longest_pause;
    assert!(answer + pause < LONGEST_STEP);
    assert!(git::TIMEOUT + git::GRACE < LONGEST_STEP);
}
