//! Everything that goes on at once: who pushes, what goes wrong, who asks, and the
//! daemon in the middle of it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use fastrand::Rng;
use integrationd::simulator::SimulatedDrift;
use serde_json::json;

use crate::branch::{Branch, port};
use crate::common::Integrationd;
use crate::life::Life;
use crate::outage::outage;
use crate::server::Server;
use crate::stage::{Source, Stage, status};
use crate::trigger::{Doors, Triggers};
use crate::web::{Served, address};
use crate::{checks, forge};

/// The longest pause between two deeds, in milliseconds.
const PAUSE: u64 = 20;

/// Maximum number of triggers in a burst.
const BURST: usize = 20;

/// Time for the daemon to recover completely once nothing fails: it tries again after 5, 10, 20
/// seconds and so on, each call by itself for some seconds, and for two minutes an interrupted
/// create may still take effect.
const PATIENCE: Duration = Duration::from_secs(300);

/// Settings of the daemon, except its files and its tenant.
const SETTINGS: &str = "\
git-allow-rewrite: \"true\"
policy: sync
max-deletes: 1000
max-delete-percent: 100
max-change-percent: 100
poll: 2s
wait-timeout: 20s
";

/// Number of events of each kind.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) runs: u64,
    pub(crate) commits: usize,
    pub(crate) pushes: usize,
    pub(crate) rewrites: usize,
    pub(crate) outages: usize,
    pub(crate) drifts: usize,
    pub(crate) kills: usize,
    pub(crate) restarts: usize,
    pub(crate) requests: u64,
    /// Quiet moments, at which everything was as it should be.
    pub(crate) quiet: usize,
    pub(crate) longest_wait: Duration,
}

pub(crate) struct Storm {
    pub(crate) stage: Stage,
    /// Serves the repository, if the daemon does not read it where it lies.
    pub(crate) server: Option<Server>,
    pub(crate) counts: Counts,
    pub(crate) triggers: Triggers,
    /// Resources of each process of the daemon, the last one at the end.
    lives: Vec<Life>,
    branch: Branch,
    rng: Rng,
    daemon: Option<Daemon>,
    /// End of the current outage of the tenant, if there is one.
    outage: Option<Instant>,
    is_hooked: bool,
}

/// A process of the daemon.
struct Daemon {
    served: Served,
    webhook: SocketAddr,
}

impl Storm {
    pub(crate) fn new(files: usize, seed: u64, is_served: bool) -> Self {
        let mut rng = Rng::with_seed(seed);
        let (branch, repository) = Branch::new(files, &mut rng);
        // Objects are packed again and again while they are read.
        repository.bare_git(["config", "gc.auto", "100"]);
        repository.bare_git(["config", "gc.autoDetach", "false"]);
        let server = is_served.then(|| Server::start(repository.place()));
        let url = match &server {
            Some(server) => server.http("open/bare.git"),
            None => repository.path(),
        };
        let stage = Stage::new(Source::Repository { repository, url });
        std::fs::write(stage.state.path().join("settings.yaml"), SETTINGS).unwrap();
        let mut storm = Self {
            stage,
            server,
            counts: Counts::default(),
            triggers: Triggers::default(),
            lives: Vec::new(),
            branch,
            rng,
            daemon: None,
            outage: None,
            is_hooked: false,
        };
        storm.start();
        storm
    }

    fn socket(&self) -> PathBuf {
        self.stage.state.path().join("s.sock")
    }

    /// The arguments of every command on these files.
    fn settings(&self) -> String {
        self.stage
            .state
            .path()
            .join("settings.yaml")
            .display()
            .to_string()
    }

    fn start(&mut self) {
        let (settings, socket) = (self.settings(), self.socket().display().to_string());
        let args = ["--config", &settings, "--socket", &socket];
        let served = self
            .stage
            .daemon(&[&args[..], &["--webhook-listen=127.0.0.1:0"]].concat());
        let webhook = address(&served.daemon, forge::HEARD);
        self.lives.push(Life::of(served.daemon.id()));
        self.daemon = Some(Daemon { served, webhook });
    }

    fn served(&self) -> &Served {
        &self.daemon.as_ref().unwrap().served
    }

    /// The daemon goes, having said how much it did.
    fn let_go(&mut self) -> Served {
        let runs = status(self.served())["runs"].as_u64().unwrap();
        self.counts.runs += runs;
        self.daemon.take().unwrap().served
    }

    pub(crate) fn look(&mut self) {
        self.lives.last_mut().unwrap().look();
    }

    /// One thing that happens. Processes come and go only while `may_end`.
    pub(crate) fn step(&mut self, may_end: bool) {
        if self.outage.is_some_and(|end| Instant::now() >= end) {
            self.calm();
        }
        match self.rng.u8(..100) {
            0..=29 => {
                for _ in 0..self.rng.usize(1..=BURST) {
                    self.trigger();
                }
            }
            30..=76 => self.push(),
            77..=81 => self.rewrite(),
            82..=88 if self.outage.is_none() => self.breaks(),
            89..=95 => self.drift(),
            96 => self.toggle_hook(),
            97..=98 if may_end => self.kill(),
            99 if may_end => self.restart(),
            _ => {}
        }
        self.look();
        sleep(Duration::from_millis(self.rng.u64(..PAUSE)));
    }

    fn trigger(&mut self) {
        let Daemon { served, webhook } = self.daemon.as_ref().unwrap();
        let doors = Doors {
            served,
            webhook: *webhook,
            socket: &self.socket(),
        };
        self.triggers.pull(&doors, &mut self.rng);
    }

    fn push(&mut self) {
        let repository = self.stage.repository();
        for _ in 0..self.rng.usize(1..=3) {
            let (branch, rng) = (&mut self.branch, &mut self.rng);
            match rng.u8(..10) {
                0 => branch.touch(repository),
                1..=2 => branch.add(repository, rng),
                3..=4 => branch.remove(repository, rng),
                _ => branch.edit(repository, rng),
            }
            self.counts.commits += 1;
        }
        repository.push();
        self.counts.pushes += 1;
    }

    fn rewrite(&mut self) {
        let repository = self.stage.repository();
        self.branch.rewrite(repository, &mut self.rng);
        repository.push();
        self.counts.rewrites += 1;
    }

    fn breaks(&mut self) {
        let (fault, length) = outage(&mut self.rng);
        self.stage.tenant.simulator.fault(fault);
        self.outage = Some(Instant::now() + length);
        self.counts.outages += 1;
    }

    fn calm(&mut self) {
        self.stage.tenant.simulator.clear_faults();
        self.outage = None;
    }

    /// Changes the tenant from outside. Not in the middle of a run: a change between a write and
    /// its verification counts as a value that the server does not keep.
    fn drift(&mut self) {
        let status = status(self.served());
        if status["state"] == "Reconciling" && status["reason"].is_null() {
            return;
        }
        let state = self.stage.tenant.simulator.state();
        let Some(one) = self.rng.choice(&state) else {
            return;
        };
        let id = one["id"].as_str().unwrap().parse().unwrap();
        let drift = match self.rng.u8(..5) {
            0 => SimulatedDrift::remove(id),
            _ => SimulatedDrift::value(id, "/port", json!(port(&mut self.rng))),
        };
        // It may be gone by now.
        if self.stage.tenant.simulator.drift(drift).is_ok() {
            self.counts.drifts += 1;
        }
    }

    /// With the hook every push is a trigger, and waits a little for what comes of it.
    fn toggle_hook(&mut self) {
        let socket = self.socket().display().to_string();
        let install = Integrationd::new(["hook", "install", "--timeout=200ms"]);
        let install = install.arg("--socket").arg(socket);
        let install = match self.is_hooked {
            true => install.arg("--uninstall"),
            false => install,
        };
        install
            .arg(self.stage.repository().path())
            .run()
            .exits_with(0);
        self.is_hooked = !self.is_hooked;
    }

    pub(crate) fn kill(&mut self) {
        let mut served = self.let_go();
        served.daemon.kill();
        served.daemon.wait();
        self.counts.kills += 1;
        self.start();
    }

    fn restart(&mut self) {
        self.let_go().end();
        self.counts.restarts += 1;
        self.start();
    }

    /// Ends all failures: with the newest revision everything must become in sync.
    pub(crate) fn quiet(&mut self) {
        if self.rng.bool() {
            // It has to find out by itself that the tenant works again.
            self.push();
            self.trigger();
            self.calm();
        } else {
            self.calm();
            self.push();
            if self.rng.bool() {
                self.trigger();
            }
        }
        self.becomes_ready();
        let state = self.stage.tenant.simulator.state();
        assert_eq!(checks::twice(&state), [].into());
        checks::is_equal(&state, self.branch.files());
        self.forget_requests();
        self.counts.quiet += 1;
    }

    fn becomes_ready(&mut self) {
        let head = self.stage.repository().head().to_string();
        let begun = Instant::now();
        loop {
            let status = status(self.served());
            let source = status["seen"]["source"].as_str().unwrap_or_default();
            if status["state"] == "Ready" && source.contains(&head) {
                break;
            }
            if begun.elapsed() > PATIENCE {
                let printed = self.served().daemon.printed();
                let from = printed.len().saturating_sub(20_000);
                let printed = printed.get(from..).unwrap_or_default();
                panic!("{head} is never applied: {status:#}\n{printed}");
            }
            self.look();
            sleep(Duration::from_millis(20));
        }
        self.counts.longest_wait = self.counts.longest_wait.max(begun.elapsed());
    }

    /// Counts them first. Their bodies would fill the memory.
    fn forget_requests(&mut self) {
        let simulator = &self.stage.tenant.simulator;
        if let Some(last) = simulator.log().last() {
            self.counts.requests = last.sequence;
        }
        simulator.clear_log();
    }

    /// Number of files.
    pub(crate) fn len(&self) -> usize {
        self.branch.files().len()
    }

    /// The process that lived longest.
    pub(crate) fn longest_life(&self) -> &Life {
        self.lives.iter().max_by_key(|life| life.length()).unwrap()
    }

    /// The daemon ends, and nothing is left to do.
    pub(crate) fn end(&mut self) {
        self.quiet();
        self.let_go().end();
        let settings = self.settings();
        let args = ["--config", &settings, "--dry-run", "--detailed-exitcode"];
        self.stage.command("sync", &args).run().exits_with(0);
    }
}
