//! Time from a change of a file to the request that the tenant receives.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::Options;
use crate::common::{Integrationd, eventually};
use crate::stage::{Source, Stage, in_repository, is_ready};
use crate::web::{Served, address};
use crate::{fleet, forge};

/// The first port that the file gets; each change takes the next.
const FIRST_PORT: u16 = 10_000;

/// The number of the file that is changed.
const FILE: usize = 0;

/// Interval of the checks for the request: the error of a measurement.
const GLANCE: Duration = Duration::from_micros(100);

/// From a file that is renamed into its place to the request that writes, less the
/// debounce.
pub(crate) fn saved(options: &Options) -> Vec<Duration> {
    let stage = Stage::new(Source::directory(options.files));
    let Source::Directory(files) = &stage.source else {
        unreachable!("it was made of a directory");
    };
    let debounce = format!("{}ms", options.debounce.as_millis());
    let served = stage.in_sync(&["--debounce", &debounce]);
    // Elsewhere, so that nothing but the rename is seen.
    let desk = TempDir::new().unwrap();
    let times = rounds(options, &stage, &served, |port| {
        let (path, text) = changed(port);
        let draft = desk.path().join("draft");
        fs::write(&draft, text).unwrap();
        let place = files.path().join(path);
        Box::new(move || fs::rename(draft, place).unwrap())
    });
    served.end();
    let times = times.into_iter();
    times.map(|took| took - options.debounce).collect()
}

/// From the start of a push to what it changes: the hook asks at the socket.
pub(crate) fn pushed_with_hook(options: &Options) -> Vec<Duration> {
    let stage = Stage::new(Source::repository(options.files));
    let socket = stage.state.path().join("s.sock").display().to_string();
    let served = stage.in_sync(&["--poll=1h", "--socket", &socket]);
    let install = Integrationd::new(["hook", "install", "--socket", &socket]);
    let install = install.arg(stage.repository().path());
    install.run().exits_with(0);
    let times = rounds(options, &stage, &served, |port| {
        commit(&stage, port);
        Box::new(|| stage.repository().push())
    });
    served.end();
    times
}

/// The same: the forge sends a webhook when it has taken the push.
pub(crate) fn pushed_with_webhook(options: &Options) -> Vec<Duration> {
    let stage = Stage::new(Source::repository(options.files));
    let served = stage.in_sync(&["--poll=1h", "--webhook-listen=127.0.0.1:0"]);
    let webhook = address(&served.daemon, forge::HEARD);
    let times = rounds(options, &stage, &served, |port| {
        commit(&stage, port);
        Box::new(|| {
            stage.repository().push();
            assert_eq!(forge::github(webhook, "push", forge::PUSH).code, 202);
        })
    });
    served.end();
    times
}

/// The file with this port: its path in the directory of files, and its text.
fn changed(port: u16) -> (String, String) {
    let (path, text) = fleet::file(FILE);
    (path, fleet::with_port(&text, port))
}

/// Commits it, and does not push.
fn commit(stage: &Stage, port: u16) {
    let (path, text) = changed(port);
    let repository = stage.repository();
    repository.write(&in_repository(&path), text);
    repository.git(["add", "--all"]);
    repository.git(["commit", "--quiet", "-m", "Another port"]);
}

/// From what is prepared for a port to the effect of the one request that sends it,
/// again and again.
fn rounds<'a>(
    options: &Options,
    stage: &Stage,
    served: &Served,
    prepare: impl Fn(u16) -> Box<dyn FnOnce() + Send + 'a>,
) -> Vec<Duration> {
    let ports = FIRST_PORT..FIRST_PORT + options.rounds;
    let round = |port| {
        let act = prepare(port);
        stage.tenant.simulator.clear_log();
        let begun = Instant::now();
        let took = thread::scope(|scope| {
            scope.spawn(act);
            until_sent(stage, port) - begun
        });
        eventually("the end of the run", || is_ready(served));
        assert_eq!(
            stage.tenant.writes().len(),
            1,
            "{:?}",
            stage.tenant.writes()
        );
        took
    };
    ports.map(round).collect()
}

/// Time at which the tenant has accepted the port.
fn until_sent(stage: &Stage, port: u16) -> Instant {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let log = stage.tenant.simulator.log();
        let is_it = |body: &Option<serde_json::Value>| {
            let body = body.as_ref();
            body.is_some_and(|body| body["config"]["port"] == port)
        };
        if log.iter().any(|entry| entry.effect && is_it(&entry.body)) {
            return Instant::now();
        }
        assert!(Instant::now() < deadline, "never: port {port}");
        thread::sleep(GLANCE);
    }
}
