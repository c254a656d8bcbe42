//! `daemon`: the service.

use std::sync::Arc;
use std::time::Duration;

use futures::future::OptionFuture;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch as published;
use tokio::time::sleep;

use super::apart::Apart;
use super::args::DaemonArgs;
use super::failure::Failure;
use super::log::Log;
use super::notify::Notifier;
use super::pipeline::{Fixed, Pipeline};
use super::poll::Place;
use super::reload::Reload;
use super::source::Source;
use super::terminal::Terminal;
use super::{connect, listen, push, state};
use crate::apply::{DRAIN, Stop};
use crate::daemon::http::Tls;
use crate::daemon::watch::{self, watch};
use crate::daemon::{Bell, Board, Schedule, Status, systemd, work};
use crate::immuta::RetryPolicy;
use crate::ledger::place::Trust;
use crate::report::exit::Exit;

/// How often the directory is read although no event came: events can be lost.
const DISTRUST: Duration = Duration::from_secs(60);

/// How much longer than what is under way the worker is waited for.
const SLACK: Duration = Duration::from_secs(5);

pub(super) async fn run(args: DaemonArgs, terminal: Terminal, log: &Log) -> Result<Exit, Failure> {
    // What is wrong now will not mend itself: the operator is at the keyboard.
    let tenant = connect::tenant(&args.run.connection, RetryPolicy::default())?;
    let store = state::open_ledger(args.run.state.as_deref(), Trust::Own, &tenant.url)?;
    state::fingerprinter(args.run.state.as_deref(), Trust::Own, &tenant.url)?;
    Source::of(&args.run)?;
    warn_of_empty_settings(&args);
    let bell = Bell::default();
    let (sender, stop) = Stop::new();
    let board = Board::default();
    let bound = listen::bind(&args.listen, &board, &bell).await?;
    let webhook = args.notify.webhook(&args.run.connection.ca_file)?;
    let doors = push::bind(&args.push, &board, &bell).await?;
    let tls = certificates(bound.as_ref(), &doors);
    let mut schedule = Schedule::every(args.interval);
    let (settings, current) = published::channel(Arc::new(args));
    let place = Place::default();
    let reload = Reload {
        settings,
        log,
        board: board.clone(),
        place: place.clone(),
    };
    let shown = tenant.url.clone();
    let mut pipeline = Pipeline::new(Fixed {
        tenant: tenant.url,
        settings: current.clone(),
        store,
        place: place.clone(),
        terminal,
        board: board.clone(),
    });
    // Before anybody hears that it is there: a signal would end it until then.
    let mut signals = Signals::heard();
    systemd::ready();
    tracing::info!("the daemon begins");
    let beside = Beside {
        served: bound.map(listen::Bound::serve),
        notifier: webhook.map(|hook| Notifier::start(hook, &board, shown)),
        open: doors.open(&board, &bell),
    };
    let (stopped, status) = (stop.clone(), board.subscribe());
    let (heard, told) = (bell.clone(), board.clone());
    let mut watcher = Apart::begin(move || keep_watching(current, place, told, heard));
    let heard = bell.clone();
    let mut worker = Apart::begin(move || async move {
        work(&mut pipeline, &heard, &mut schedule, &board, &stop).await;
    });
    let is_hurried = tokio::select! {
        () = worker.ended() => false,
        () = overdue(stopped) => false,
        () = watcher.ended() => false,
        () = signals.heed(&bell, &reload, &tls, &sender) => true,
        () = report(status) => false,
    };
    if !is_hurried {
        beside.end_unless_hurried(&mut signals).await;
    }
    tokio::join!(worker.call_off(), watcher.call_off());
    tracing::info!("the daemon ends");
    Ok(Exit::Success)
}

/// TLS certificates that are read again with the settings.
fn certificates(bound: Option<&listen::Bound>, doors: &push::Doors) -> Vec<Tls> {
    let of_page = bound.and_then(|bound| bound.tls.clone());
    of_page.into_iter().chain(doors.tls()).collect()
}

/// A settings file that somebody named is meant to set something. The one that is
/// installed has comments alone, and the rest may come from the environment.
fn warn_of_empty_settings(args: &DaemonArgs) {
    let file = &args.settings_file;
    if file.is_named && file.is_empty {
        let path = file.path.display().to_string();
        tracing::warn!(
            path,
            "the settings file sets nothing: no protection comes from it"
        );
    }
}

/// Comes to its end when the worker should long have heard of the stop: it waits for
/// the system, such as for a file that cannot be read.
async fn overdue(stop: Stop) {
    stop.requested().await;
    sleep(DRAIN + SLACK).await;
}

/// Tells systemd what the worker does.
async fn report(mut status: published::Receiver<Status>) {
    while status.changed().await.is_ok() {
        let line = status.borrow_and_update().line();
        systemd::status(&line);
    }
}

/// What goes on beside the worker.
struct Beside {
    served: Option<listen::Served>,
    notifier: Option<Notifier>,
    open: push::Open,
}

impl Beside {
    async fn end_unless_hurried(self, signals: &mut Signals) {
        tokio::select! {
            () = self.end() => {}
            () = signals.asked_to_end() => {}
        }
    }

    /// The last words of all of them, at the same time.
    async fn end(self) {
        let served = OptionFuture::from(self.served.map(listen::Served::end));
        let notifier = OptionFuture::from(self.notifier.map(Notifier::end));
        tokio::join!(self.open.end(), served, notifier);
    }
}

/// Rings whenever the source has something else, as the settings now name it.
async fn keep_watching(
    mut settings: published::Receiver<Arc<DaemonArgs>>,
    place: Place,
    board: Board,
    bell: Bell,
) {
    loop {
        let args = Arc::clone(&settings.borrow_and_update());
        let watching = async {
            if args.run.git.git.is_some() {
                return place.poll(&args, &board, &bell).await;
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

/// SIGHUP reads the settings again and rings the bell. SIGTERM and SIGINT pull the stop;
/// a second one ends at once, whatever is under way.
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

    /// Waits until somebody asks for the end.
    async fn asked_to_end(&mut self) {
        tokio::select! {
            Some(()) = received(&mut self.terminate) => {}
            Some(()) = received(&mut self.interrupt) => {}
            else => std::future::pending().await,
        }
    }

    async fn heed(
        &mut self,
        bell: &Bell,
        reload: &Reload<'_>,
        tls: &[Tls],
        stop: &published::Sender<bool>,
    ) {
        loop {
            tokio::select! {
                Some(()) = received(&mut self.hangup) => {
                    systemd::reloading();
                    tracing::info!("asked to read the settings and to look again");
                    tokio::select! {
                        () = reload.again(tls) => {}
                        // Of no use any more: it ends.
                        () = self.asked_to_end() => if ends(stop) { return } else { continue },
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
