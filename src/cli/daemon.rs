//! `daemon`: the service.

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch as published;

use super::args::DaemonArgs;
use super::failure::Failure;
use super::notify::Notifier;
use super::pipeline::{Fixed, Pipeline};
use super::poll::Place;
use super::reload::reload;
use super::source::Source;
use super::terminal::Terminal;
use super::{connect, listen, push, state};
use crate::apply::Stop;
use crate::daemon::http::Tls;
use crate::daemon::watch::{self, watch};
use crate::daemon::{Bell, Board, Schedule, systemd, work};
use crate::immuta::RetryPolicy;
use crate::report::exit::Exit;
use crate::text::chain;

/// How often the directory is read although no event came: events can be lost.
const DISTRUST: Duration = Duration::from_secs(60);

pub(super) async fn run(args: DaemonArgs, terminal: Terminal) -> Result<Exit, Failure> {
    // What is wrong now will not mend itself: the operator is at the keyboard.
    let tenant = connect::tenant(&args.run.connection, RetryPolicy::default())?;
    let journal = state::open_ledger(args.run.state.as_deref(), &tenant.url)?;
    state::fingerprinter(&args.run, &tenant.url)?;
    Source::of(&args.run)?;
    let bell = Bell::default();
    let (sender, stop) = Stop::new();
    let board = Board::default();
    let mut status = board.subscribe();
    let bound = listen::bind(&args.listen, &board, &bell).await?;
    let webhook = args.notify.webhook(&args.run.connection.ca_file)?;
    let doors = push::bind(&args.push, &bell).await?;
    let tls = bound.as_ref().and_then(|bound| bound.tls.clone());
    let tls: Vec<Tls> = tls.into_iter().chain(doors.tls()).collect();
    let mut schedule = Schedule::every(args.interval);
    let (settings, current) = published::channel(Arc::new(args));
    let place = Place::default();
    let shown = tenant.url.clone();
    let mut pipeline = Pipeline::new(Fixed {
        tenant: tenant.url,
        settings: current.clone(),
        journal,
        place: place.clone(),
        terminal,
        board: board.clone(),
    });
    // Before anybody hears that it is there: a signal would end it until then.
    let signals = Signals::heard();
    systemd::ready();
    tracing::info!("the daemon begins");
    let served = bound.map(listen::Bound::serve);
    let notifier = webhook.map(|hook| Notifier::start(hook, &board, shown));
    let open = doors.open(&board, &bell);
    let reporting = async {
        while status.changed().await.is_ok() {
            let line = status.borrow_and_update().line();
            systemd::status(&line);
        }
    };
    tokio::select! {
        () = work(&mut pipeline, &bell, &mut schedule, &board, &stop) => {}
        () = keep_watching(current, &place, &board, &bell) => {}
        () = signals.heed(&bell, &settings, &tls, &sender) => {}
        () = reporting => {}
    }
    open.end().await;
    if let Some(served) = served {
        served.end().await;
    }
    if let Some(notifier) = notifier {
        notifier.end().await;
    }
    tracing::info!("the daemon ends");
    Ok(Exit::Success)
}

/// Rings whenever the source has something else, as the settings now name it.
async fn keep_watching(
    mut settings: published::Receiver<Arc<DaemonArgs>>,
    place: &Place,
    board: &Board,
    bell: &Bell,
) {
    loop {
        let args = Arc::clone(&settings.borrow_and_update());
        let watching = async {
            if args.run.git.git.is_some() {
                return place.poll(&args, board, bell).await;
            }
            let options = watch::Options {
                debounce: args.debounce,
                poll: args.poll.unwrap_or(DISTRUST),
                events: args.poll.is_none(),
            };
            let dir = args.run.files.dir.clone();
            watch(dir, options, bell.clone(), place.content()).await;
        };
        tokio::select! {
            () = watching => return,
            changed = settings.changed() => if changed.is_err() { return },
        }
    }
}

/// SIGHUP reads the settings again and rings the bell. SIGTERM and SIGINT pull the stop; a second one ends at once.
struct Signals {
    hangup: Option<Signal>,
    terminate: Option<Signal>,
    interrupt: Option<Signal>,
}

impl Signals {
    /// From now on they end nothing by themselves.
    fn heard() -> Self {
        let listen = |kind| signal(kind).ok();
        Self {
            hangup: listen(SignalKind::hangup()),
            terminate: listen(SignalKind::terminate()),
            interrupt: listen(SignalKind::interrupt()),
        }
    }

    async fn heed(
        mut self,
        bell: &Bell,
        settings: &published::Sender<Arc<DaemonArgs>>,
        tls: &[Tls],
        stop: &published::Sender<bool>,
    ) {
        loop {
            tokio::select! {
                Some(()) = received(&mut self.hangup) => {
                    systemd::reloading();
                    tracing::info!("asked to read the settings and to look again");
                    reload(settings);
                    for error in tls.iter().filter_map(|tls| tls.read_again().err()) {
                        tracing::error!(error = chain(&error), "the old certificate stays");
                    }
                    bell.ask();
                    systemd::ready();
                }
                Some(()) = received(&mut self.terminate) => if ends(stop) { return },
                Some(()) = received(&mut self.interrupt) => if ends(stop) { return },
            }
        }
    }
}

async fn received(signal: &mut Option<Signal>) -> Option<()> {
    match signal {
        Some(signal) => signal.recv().await,
        None => std::future::pending().await,
    }
}

/// Pulls the stop; whether it was pulled before.
fn ends(stop: &published::Sender<bool>) -> bool {
    tracing::info!("asked to end: no new write, those under way are finished");
    systemd::stopping();
    stop.send_replace(true)
}
