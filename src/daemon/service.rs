//! The life of the daemon: settings, bind, serve, work, drain.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch as published;
use tokio::time::sleep;

use super::console::Console;
use super::control::handed;
use super::reload::Reload;
use super::signals::DaemonSignals;
use super::source::WatchedSource;
use super::watch::{self, watch};
use super::worker::{Worker, WorkerContext};
use super::{DaemonStatus, Schedule, StatusPublisher, Trigger, endpoints, systemd, work};
use crate::apply::{DRAIN, Stop};
use crate::cancellable::CancellableTask;
use crate::immuta::RetryPolicy;
use crate::ledger::place::Trust;
use crate::report::failure::CommandFailure;
use crate::session::{Access, Session, Source, state};
use crate::settings::daemon::DaemonSettings;

/// Time between two reads of the directory although no event came: events can be lost.
const RESCAN_INTERVAL: Duration = Duration::from_secs(60);

/// Time for which the worker is waited for, beyond the time for writes under way.
const SHUTDOWN_MARGIN: Duration = Duration::from_secs(5);

/// Runs the daemon until a signal ends it.
///
/// # Errors
/// A setting is wrong, or an address or the ledger cannot be had.
pub async fn run(
    settings: DaemonSettings,
    console: Arc<dyn Console>,
) -> Result<(), CommandFailure> {
    // What is wrong now will not pass: the operator is at the keyboard.
    let session = Session::open(&settings.run, Trust::Own, Access::Write)?;
    session.connect(&settings.run, RetryPolicy::default())?;
    let (flag, tenant) = (settings.run.state.as_deref(), session.tenant().to_owned());
    state::fingerprinter(flag, Trust::Own, &tenant, Access::Write)?;
    Source::of(&settings.run)?;
    warn_of_empty_settings(&settings);
    let (trigger, publisher) = (Trigger::default(), StatusPublisher::default());
    let (sender, stop) = Stop::new();
    let bound = endpoints::bind(&settings, &publisher, &trigger).await?;
    let tls = bound.certificates();
    let mut schedule = Schedule::every(settings.interval);
    let (settings, current) = published::channel(Arc::new(settings));
    let source = WatchedSource::default();
    let reload = Reload {
        settings,
        console: Arc::clone(&console),
        publisher: publisher.clone(),
        source: source.clone(),
    };
    let (commands, queue) = handed::queue();
    let context = WorkerContext {
        session,
        settings: current.clone(),
        source: source.clone(),
        console,
        publisher: publisher.clone(),
    };
    let mut run = Worker::new(context, queue);
    // Before the process is announced: until then, a signal would kill it.
    let mut signals = DaemonSignals::listen();
    systemd::ready();
    tracing::info!("starting the daemon");
    let endpoints = bound.serve(&tenant, &publisher, &trigger, commands);
    let (stopped, status) = (stop.clone(), publisher.subscribe());
    let (watched, published) = (trigger.clone(), publisher.clone());
    let mut watcher =
        CancellableTask::begin(move || keep_watching(current, source, published, watched));
    let triggers = trigger.clone();
    let mut worker = CancellableTask::begin(move || async move {
        work(&mut run, &triggers, &mut schedule, &publisher, &stop).await;
    });
    let is_hurried = tokio::select! {
        () = worker.finished() => false,
        () = overdue(stopped) => false,
        () = watcher.finished() => false,
        () = signals.handle(&trigger, &reload, &tls, &sender) => true,
        () = report(status) => false,
    };
    if !is_hurried {
        tokio::select! {
            () = endpoints.end() => {}
            () = signals.stop_requested() => {}
        }
    }
    tokio::join!(worker.cancel(), watcher.cancel());
    tracing::info!("the daemon has stopped");
    Ok(())
}

/// A settings file that is named explicitly is meant to set something. The installed one
/// contains only comments, and the rest may come from the environment.
fn warn_of_empty_settings(settings: &DaemonSettings) {
    let file = &settings.file;
    if file.is_named && file.is_empty {
        let path = file.path.display().to_string();
        tracing::warn!(
            path,
            "the settings file contains no settings, so it sets no limits and no secret bindings"
        );
    }
}

/// Comes to its end when the worker should long have heard of the stop: it waits for
/// the system, such as for a file that cannot be read.
async fn overdue(stop: Stop) {
    stop.requested().await;
    sleep(DRAIN + SHUTDOWN_MARGIN).await;
}

/// Reports the worker's status to systemd.
async fn report(mut status: published::Receiver<DaemonStatus>) {
    while status.changed().await.is_ok() {
        let line = status.borrow_and_update().line();
        systemd::status(&line);
    }
}

/// Triggers a run whenever the source, as the current settings name it, changes.
async fn keep_watching(
    mut settings: published::Receiver<Arc<DaemonSettings>>,
    source: WatchedSource,
    publisher: StatusPublisher,
    trigger: Trigger,
) {
    loop {
        let current = Arc::clone(&settings.borrow_and_update());
        let watching = async {
            if current.run.git.is_some() {
                return source.poll(&current, &publisher, &trigger).await;
            }
            let options = watch::WatchOptions {
                debounce: current.debounce,
                poll: current.poll.unwrap_or(RESCAN_INTERVAL),
                events: current.poll.is_none(),
            };
            let files = &current.run.files;
            let places = watch::WatchedPlaces {
                directory: files.dir.clone(),
                variables: files.variable_files.clone(),
            };
            watch(places, options, trigger.clone(), source.content()).await;
        };
        tokio::select! {
            () = watching => return,
            changed = settings.changed() => if changed.is_err() { return },
        }
    }
}
