//! `daemon`: the service.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch as published;
use tracing::Instrument;

use super::args::{DaemonArgs, RunArgs};
use super::failure::Failure;
use super::terminal::Terminal;
use super::{connect, listen, request, secrets, state};
use crate::apply::{Event, Observer, Stop};
use crate::daemon::http::Tls;
use crate::daemon::view::{Past, see};
use crate::daemon::watch::{self, watch};
use crate::daemon::{Activation, Bell, Board, Disposition, Ran, Schedule, systemd, work};
use crate::immuta::{Reader, RetryPolicy};
use crate::ledger::Journal;
use crate::ledger::history::Run;
use crate::ledger::sqlite::SqliteLedger;
use crate::plan::{Kind, Plan, deletion_references};
use crate::report::exit::{Exit, exit};
use crate::report::{Counts, Report, text};
use crate::secret::resolve;
use crate::sync::{self, Consent, Desired, Ending, Shell, SyncError, has_work};
use crate::text::{chain, escaped};

/// How often the directory is read although no event came: events can be lost.
const DISTRUST: Duration = Duration::from_secs(60);

/// How many runs the page looks back.
const RUNS: u32 = 20;

pub(super) async fn run(args: DaemonArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let DaemonArgs {
        interval,
        debounce,
        poll,
        listen,
        run,
    } = args;
    // What is wrong now will not mend itself: the operator is at the keyboard.
    let tenant = connect::tenant(&run.connection, RetryPolicy::default())?;
    let journal = state::open_ledger(run.state.as_deref(), &tenant.url)?;
    state::fingerprinter(&run, &tenant.url)?;
    let options = watch::Options {
        debounce,
        poll: poll.unwrap_or(DISTRUST),
        events: poll.is_none(),
    };
    let bell = Bell::default();
    let (sender, stop) = Stop::new();
    let board = Board::default();
    let mut status = board.subscribe();
    let bound = listen::bind(&listen, &board, &bell).await?;
    let tls = bound.as_ref().and_then(|bound| bound.tls.clone());
    let directory = run.files.dir.clone();
    let mut pipeline = Pipeline {
        args: *run,
        own_files: listen.own_files().collect(),
        tenant: tenant.url,
        journal,
        history: Arc::default(),
        terminal,
        board: board.clone(),
    };
    let mut schedule = Schedule::every(interval);
    // Before anybody hears that it is there: a signal would end it until then.
    let signals = Signals::heard();
    systemd::ready();
    tracing::info!(directory = %directory.display(), "the daemon begins");
    let served = bound.map(listen::Bound::serve);
    let reporting = async {
        while status.changed().await.is_ok() {
            let line = status.borrow_and_update().line();
            systemd::status(&line);
        }
    };
    tokio::select! {
        () = work(&mut pipeline, &bell, &mut schedule, &board, &stop) => {}
        () = watch(directory, options, bell.clone()) => {}
        () = signals.heed(&bell, tls.as_ref(), &sender) => {}
        () = reporting => {}
    }
    if let Some(served) = served {
        served.end().await;
    }
    tracing::info!("the daemon ends");
    Ok(Exit::Success)
}

/// SIGHUP rings the bell. SIGTERM and SIGINT pull the stop; a second one ends at once.
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

    async fn heed(mut self, bell: &Bell, tls: Option<&Tls>, stop: &published::Sender<bool>) {
        loop {
            tokio::select! {
                Some(()) = received(&mut self.hangup) => {
                    systemd::reloading();
                    tracing::info!("asked to look again");
                    if let Some(Err(error)) = tls.map(Tls::read_again) {
                        tracing::error!(error = chain(&error), "the old certificate stays");
                    }
                    bell.ring();
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

/// The pipeline, with everything that a run needs made anew: the key, the files,
/// the secrets. The ledger alone stays open.
struct Pipeline {
    args: RunArgs,
    /// What no integration file may read, besides what the arguments name.
    own_files: Vec<PathBuf>,
    tenant: String,
    journal: SqliteLedger,
    /// The latest runs; read again after each that writes.
    history: Arc<Vec<Run>>,
    terminal: Terminal,
    board: Board,
}

impl Activation for Pipeline {
    async fn run(&mut self, stop: &Stop) -> Ran {
        let tenant = self.tenant.as_str();
        let run_id = format!("{:016x}", fastrand::u64(..));
        let span = tracing::error_span!("sync", tenant, run_id);
        let ran = self.activate(stop).instrument(span.clone()).await;
        let ran = ran.unwrap_or_else(|(failure, disposition)| Ran {
            disposition,
            summary: failure.what().to_owned(),
            seen: None,
        });
        span.in_scope(|| {
            let summary = &*escaped(&ran.summary);
            match ran.disposition {
                Disposition::InSync => tracing::info!("{summary}"),
                Disposition::Stalled(reason) => tracing::error!(reason, "{summary}"),
                Disposition::Transient => tracing::warn!("{summary}"),
            }
        });
        ran
    }
}

/// A run that came to no result, and what is to be done about it.
type NoResult = (Failure, Disposition);

impl Pipeline {
    async fn activate(&mut self, stop: &Stop) -> Result<Ran, NoResult> {
        let transient = |failure| (failure, Disposition::Transient);
        let stalled = |failure| (failure, Disposition::Stalled("InvalidSettings"));
        let request = request::request(&self.args);
        let manifest = connect::manifest(&self.args.files, self.terminal)
            .map_err(|error| transient(error.into()))?;
        let observer = Arc::new(self.board.metrics.clone());
        let policy = RetryPolicy::default();
        let connection = connect::observed_tenant(&self.args.connection, policy, Some(observer))
            .map_err(|error| stalled(error.into()))?;
        let ledger = self.journal.ledger().map_err(SyncError::from);
        let ledger = ledger.map_err(|error| transient(error.into()))?;
        let kept = deletion_references(&ledger, request.policy, &request.allow_replace);
        let references = secrets::bound(&self.args, &manifest, &kept);
        let mut providers = secrets::providers(&self.args, &references).map_err(stalled)?;
        providers.own_files.extend(self.own_files.iter().cloned());
        let secrets = resolve(references, &providers).await;
        let fingerprinter = state::fingerprinter(&self.args, &self.tenant).map_err(transient)?;
        let desired = Desired {
            manifest,
            secrets,
            fingerprinter: Some(fingerprinter),
        };
        let shell = Service {
            terminal: self.terminal,
            tenant: &self.tenant,
        };
        let synced = sync::sync(
            connection.reader,
            Reader::into_writer,
            &desired,
            &request,
            &self.journal,
            &shell,
            stop,
        )
        .await
        .map_err(|error| {
            let disposition = of_error(&error);
            (error.into(), disposition)
        })?;
        Ok(self.tell(&Report {
            tenant: self.tenant.clone(),
            source: self.args.files.dir.display().to_string(),
            diagnostics: desired.manifest.diagnostics,
            synced,
        }))
    }

    /// Shows what there is to see, and sums it up.
    fn tell(&mut self, report: &Report) -> Ran {
        let plan = &report.synced.plan;
        let disposition = of_report(report);
        if disposition != Disposition::InSync && !has_work(plan) {
            self.terminal.out(&text::plan(plan, &self.tenant));
        }
        self.terminal.out(&text::ending(report));
        let past = self.past(report);
        Ran {
            disposition,
            summary: summary(report),
            seen: Some(Arc::new(see(report, &past, Timestamp::now()))),
        }
    }

    /// What the ledger tells beside the report. The page has a gap where it cannot be
    /// read; the next run fails for it.
    fn past(&mut self, report: &Report) -> Past {
        let applied = matches!(report.synced.ending, Ending::Applied { .. });
        if applied || self.history.is_empty() {
            let history = heeded(self.journal.history(RUNS)).unwrap_or_default();
            self.history = Arc::new(history.runs);
        }
        Past {
            ledger: heeded(self.journal.ledger()).unwrap_or_default(),
            history: Arc::clone(&self.history),
        }
    }
}

/// What was read, or nothing and a line in the log.
fn heeded<T, E: std::error::Error>(read: Result<T, E>) -> Option<T> {
    read.inspect_err(|error| tracing::warn!(error = chain(error), "the page has a gap"))
        .ok()
}

/// In a line: what was done, or how things are.
fn summary(report: &Report) -> String {
    match &report.synced.ending {
        Ending::Applied { outcomes, .. } => {
            let failed = outcomes.iter().filter(|o| o.result.is_err()).count();
            let counts = Counts::of(&report.synced.plan);
            let done = format!("{} applied, {failed} failed", outcomes.len() - failed);
            match counts.blocked + counts.invalid {
                0 => done,
                blocked => format!("{done}, {blocked} blocked"),
            }
        }
        Ending::Guarded(_) => "refused by the guard".to_owned(),
        Ending::Planned | Ending::NothingToDo | Ending::Refused(_) => {
            text::counted(&report.synced.plan)
        }
    }
}

/// What a tenant or a ledger that could not be read asks for.
fn of_error(error: &SyncError) -> Disposition {
    match error {
        SyncError::Tenant(error) => match error.refusal().map(|refusal| refusal.code) {
            // Asking again with the same key could lock it.
            Some(401 | 403) => Disposition::Stalled("NotAuthorized"),
            Some(_) | None => Disposition::Transient,
        },
        SyncError::Ledger(_) => Disposition::Transient,
    }
}

/// What the end of a run asks for. What failed on the way, and what the server is
/// still at work on, may go better by itself.
fn of_report(report: &Report) -> Disposition {
    let mut actions = report.synced.plan.actions.iter();
    let passes = actions.any(|a| matches!(&a.kind, Kind::Blocked(block) if block.passes()));
    let failed = match &report.synced.ending {
        Ending::Guarded(_) => return Disposition::Stalled("Guarded"),
        Ending::Applied { outcomes, .. } => outcomes.iter().any(|o| o.result.is_err()),
        Ending::Planned | Ending::NothingToDo | Ending::Refused(_) => false,
    };
    match exit(report, false) {
        _ if failed || passes => Disposition::Transient,
        Exit::Success => Disposition::InSync,
        Exit::InvalidFile => Disposition::Stalled("InvalidFile"),
        Exit::Failed
        | Exit::Pending
        | Exit::Partial
        | Exit::Refused
        | Exit::Usage
        | Exit::InvalidSettings => Disposition::Stalled("Blocked"),
    }
}

/// Nobody is at a keyboard: what the guard approves is done.
struct Service<'a> {
    terminal: Terminal,
    tenant: &'a str,
}

impl Observer for Service<'_> {
    /// The log tells of every action.
    fn event(&self, _: &Event<'_>) {}
}

impl Shell for Service<'_> {
    fn approve(&self, plan: &Plan) -> Consent {
        self.terminal.out(&text::plan(plan, self.tenant));
        Consent::Given
    }
}
