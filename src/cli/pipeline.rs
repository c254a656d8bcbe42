//! What the daemon's worker runs, again and again: the pipeline, told to whoever looks.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch as published;
use tokio::time::Instant;
use tracing::{Instrument, Span, field};

use super::args::DaemonArgs;
use super::conditions::Conditions;
use super::connect::Tenant;
use super::poll::Place;
use super::prepare::{self, Surroundings};
use super::source::{self, Read, Source};
use super::terminal::Terminal;
use super::{connect, request, state};
use crate::apply::{Event, Failure, Observer, Outcome, Stop, in_a_line};
use crate::daemon::view::{Past, see};
use crate::daemon::{Activation, Backoff, Board, Disposition, Occasion, Ran};
use crate::diagnostic::render;
use crate::immuta::{Reader, RetryPolicy};
use crate::ledger::history::Run;
use crate::ledger::place::Trust;
use crate::ledger::{Ledger, LedgerStore};
use crate::manifest::Manifest;
use crate::plan::{Action, Block, Kind, KnownNames, Operator, Plan};
use crate::report::exit::{Exit, exit};
use crate::report::not_compared::{self, secrets_not_compared};
use crate::report::{Counts, NotConverged, Report, not_converged, suspended, text};
use crate::source::git::Revision;
use crate::sync::{self, Afterwards, Consent, Ending, Files, Request, Shell, SyncError};
use crate::text::chain;

/// How many runs the page shows.
const RUNS: u32 = 20;

/// The pipeline, with everything that a run needs made anew: the key, the files,
/// the secrets. The ledger alone stays open.
pub(super) struct Pipeline {
    fixed: Fixed,
    /// What the run under way has read.
    revision: Option<Arc<Revision>>,
    /// The latest runs; read again after each that writes.
    history: Arc<Vec<Run>>,
    /// What failed, and when it is tried again.
    backoff: Backoff,
    /// Conditions that were logged and are not over.
    conditions: Conditions,
    /// The last plan that was printed and not carried out.
    printed: Option<String>,
}

/// What stays as it is as long as the daemon runs.
pub(super) struct Fixed {
    pub tenant: String,
    /// They may be read anew between two runs.
    pub settings: published::Receiver<Arc<DaemonArgs>>,
    pub store: Box<dyn LedgerStore>,
    pub place: Place,
    pub terminal: Terminal,
    pub board: Board,
}

impl Fixed {
    /// Prints, and tells whoever has asked for the run.
    fn out(&self, text: &str) {
        self.terminal.out(text);
        self.board.talk.text(text);
    }

    /// The plan, below what it was made from; whoever has asked knows that already.
    fn plan(&self, plan: &Plan, revision: Option<&Revision>) {
        if let Some(revision) = revision {
            self.terminal.out(&format!("{revision}\n\n"));
        }
        self.out(&text::plan(plan, &self.tenant));
    }
}

impl Activation for Pipeline {
    fn interval(&self) -> Duration {
        self.fixed.settings.borrow().interval
    }

    fn inputs(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        // A reload makes new ones, also if they say the same.
        format!("{:?}", *self.fixed.settings.borrow()).hash(&mut hasher);
        self.fixed.place.inputs().hash(&mut hasher);
        hasher.finish()
    }

    async fn run(&mut self, stop: &Stop, occasion: Occasion) -> Option<Ran> {
        if occasion != Occasion::Due {
            self.backoff.reset();
        }
        let tenant = self.fixed.tenant.clone();
        let run_id = format!("{:016x}", fastrand::u64(..));
        let trigger = occasion.word();
        let span = tracing::error_span!("sync", tenant, run_id, trigger, revision = field::Empty);
        self.revision = None;
        let writes = AtomicBool::new(false);
        let ran = tokio::select! {
            biased;
            ran = self.activate((stop, &writes), occasion).instrument(span.clone()) => ran,
            () = given_up(stop, &writes) => {
                span.in_scope(|| tracing::info!("the run is given up before its first write"));
                return None;
            }
        };
        let mut ran = ran.unwrap_or_else(|(failure, disposition)| Ran {
            disposition,
            exit: failure.exit(),
            summary: failure.what().to_owned(),
            help: Some(failure.help().to_owned()),
            revision: None,
            seen: None,
        });
        ran.revision = self.revision.take();
        span.in_scope(|| self.conditions.log(&ran));
        Some(ran)
    }
}

/// Comes to its end when the stop is pulled, unless the run writes by then.
async fn given_up(stop: &Stop, writes: &AtomicBool) {
    stop.requested().await;
    if writes.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
}

/// A run that came to no result, and what is to be done about it.
type NoResult = (super::failure::Failure, Disposition);

impl Pipeline {
    pub(super) fn new(fixed: Fixed) -> Self {
        Self {
            fixed,
            revision: None,
            history: Arc::default(),
            backoff: Backoff::default(),
            conditions: Conditions::default(),
            printed: None,
        }
    }

    /// The files, and the request that is made with them.
    async fn read(
        &mut self,
        args: &DaemonArgs,
        ledger: &Ledger,
    ) -> Result<(Manifest, Files, Request), NoResult> {
        let Fixed {
            place,
            board,
            terminal,
            ..
        } = &self.fixed;
        let applied = source::applied(ledger);
        let read = place.read(args, applied, board, *terminal).await;
        let Read {
            manifest,
            files,
            revision,
        } = read.map_err(|unread| {
            let disposition = match (unread.is_transient, unread.is_refused) {
                (true, _) => Disposition::Transient,
                (false, true) => Disposition::Stalled("SourceRefused"),
                (false, false) => Disposition::Stalled("SourceUnreadable"),
            };
            (unread.failure, disposition)
        })?;
        let mut request = request::request(&args.run);
        request.source = Source::shown(&args.run, revision.as_ref());
        request.revision = revision.as_ref().map(|revision| revision.id.to_string());
        self.revision = revision.map(Arc::new);
        if let Some(revision) = &self.revision {
            Span::current().record("revision", revision.id.to_string());
            board.talk.text(&format!("{revision}\n\n"));
        }
        let suspended = self.fixed.store.suspensions().await;
        request.suspended =
            suspended.map_err(|error| (error.into(), Disposition::Stalled("InvalidSettings")))?;
        let (now, today) = (Instant::now(), Timestamp::now());
        let resting = self.backoff.resting(now).into_iter();
        // The moment is shown, and may be beyond every calendar.
        request.resting = resting
            .map(|(name, pause)| (name, today.checked_add(pause).unwrap_or(Timestamp::MAX)))
            .collect();
        Ok((manifest, files, request))
    }

    /// What came of the integrations that were tried, for the pauses before the next
    /// try; how long the shortest of these is.
    fn rest(&mut self, report: &Report, ledger: &Ledger) -> Option<Duration> {
        let (now, today) = (Instant::now(), Timestamp::now());
        let actions = &report.synced.plan.actions;
        self.backoff.after(actions.iter().filter_map(waits), now);
        let outcomes = match &report.synced.ending {
            Ending::Applied { outcomes, .. } => outcomes.as_slice(),
            Ending::Planned | Ending::NothingToDo | Ending::Guarded(_) | Ending::Refused(_) => &[],
        };
        let is_tried = |o: &&Outcome| !o.result.as_ref().is_err_and(Failure::is_unfinished);
        let tried = outcomes.iter().filter(is_tried);
        // What was refused has its pause in the ledger.
        // What differs right after its write is written once more, soon.
        let not_converged = not_converged(&report.synced);
        let is_done = |o: &Outcome| {
            let will_retry = |n: &NotConverged<'_>| n.name == o.name && n.will_retry;
            let is_finished = o.result.as_ref().err().is_none_or(Failure::is_refusal);
            is_finished && !not_converged.iter().any(will_retry)
        };
        let tried = tried.map(|o| (o.name.as_str(), is_done(o)));
        self.backoff.after(tried, now);
        self.backoff
            .retain(|name| actions.iter().any(|a| a.name == name));
        let is_concerned = |name: &str| {
            actions
                .iter()
                .any(|a| a.name == name && (a.kind.is_write() || is_resting(&a.kind)))
        };
        let refusals = ledger
            .refusals
            .iter()
            .filter(|(name, _)| is_concerned(name));
        let pauses = refusals.filter_map(|(_, refused)| refused.pause(today));
        pauses.chain(self.backoff.pause(now)).min()
    }

    /// The connection to the tenant, whose exchanges are counted.
    fn connect(&self, args: &DaemonArgs) -> Result<Tenant, NoResult> {
        let observer = Arc::new(self.fixed.board.clone());
        let policy = RetryPolicy::default();
        connect::observed_tenant(&args.run.connection, policy, Some(observer))
            .map_err(|error| (error.into(), Disposition::Stalled("InvalidSettings")))
    }

    async fn activate(
        &mut self,
        (stop, writes): (&Stop, &AtomicBool),
        occasion: Occasion,
    ) -> Result<Ran, NoResult> {
        let transient = |failure| (failure, Disposition::Transient);
        let stalled = |failure| (failure, Disposition::Stalled("InvalidSettings"));
        if self.history.is_empty() {
            self.look_back().await;
        }
        let args = Arc::clone(&self.fixed.settings.borrow());
        let ledger = self.fixed.store.read().await;
        let ledger = ledger.map_err(|error| transient(error.into()))?;
        let (manifest, files, mut request) = self.read(&args, &ledger).await?;
        self.fixed.board.moves();
        say_who_asks(&mut request, occasion, &ledger);
        let connection = self.connect(&args)?;
        let fingerprinter =
            state::fingerprinter(args.run.state.as_deref(), Trust::Own, &self.fixed.tenant)
                .map_err(transient)?;
        let known = KnownNames::of(&manifest, &ledger);
        self.fixed.place.knows(known);
        let surroundings = Surroundings {
            args: &args.run,
            request: &request,
            ledger: &ledger,
            fingerprinter: Some(fingerprinter),
            progress: self.fixed.board.pulse.progress.clone(),
        };
        let desired = prepare::desired(manifest, files, surroundings)
            .await
            .map_err(stalled)?;
        let talk = &self.fixed.board.talk;
        talk.text(&render(&desired.manifest.diagnostics, false));
        let shell = Service {
            fixed: &self.fixed,
            revision: self.revision.as_deref(),
            writes,
        };
        let synced = sync::sync(
            connection.reader(desired.known_secrets()),
            Reader::into_writer,
            &desired,
            &request,
            self.fixed.store.as_ref(),
            &shell,
            stop,
        )
        .await
        .map_err(|error| {
            let disposition = of_error(&error);
            (error.into(), disposition)
        })?;
        let report = Report {
            tenant: self.fixed.tenant.clone(),
            source: request.source,
            diagnostics: desired.manifest.diagnostics,
            synced,
        };
        Ok(self.tell(&report).await)
    }

    /// Shows what there is to see, and sums it up.
    async fn tell(&mut self, report: &Report) -> Ran {
        let ledger = heeded(self.fixed.store.read().await).unwrap_or_default();
        let pause = self.rest(report, &ledger);
        let disposition = of_report(report, pause);
        self.print(report, disposition);
        let past = self.past(report, ledger).await;
        Ran {
            disposition,
            exit: exit(report, false),
            summary: summary(report),
            help: None,
            revision: None,
            seen: Some(Arc::new(see(report, &past, Timestamp::now()))),
        }
    }

    /// Prints what came of a run, and its plan unless that is printed already. A plan that
    /// waits is printed once, and not in every run.
    fn print(&mut self, report: &Report, disposition: Disposition) {
        let mut text = String::new();
        let is_printed = report.synced.ending.was_asked();
        if disposition != Disposition::InSync && !is_printed {
            text += &text::plan(&report.synced.plan, &self.fixed.tenant);
        }
        text += &text::ending(report);
        self.fixed.board.talk.text(&text);
        let whole = match &self.revision {
            Some(revision) if !is_printed && !text.is_empty() => format!("{revision}\n\n{text}"),
            Some(_) | None => text,
        };
        if is_printed || self.printed.as_ref() != Some(&whole) {
            self.fixed.terminal.out(&whole);
        }
        self.printed = (!is_printed).then_some(whole);
    }

    /// What the ledger tells beside the report. The page has a gap where it cannot be
    /// read; the next run fails for it.
    async fn past(&mut self, report: &Report, ledger: Ledger) -> Past {
        let applied = matches!(report.synced.ending, Ending::Applied { .. });
        if applied || self.history.is_empty() {
            self.look_back().await;
        }
        Past {
            ledger,
            history: Arc::clone(&self.history),
        }
    }
}

impl Pipeline {
    async fn look_back(&mut self) {
        let history = heeded(self.fixed.store.history(RUNS).await).unwrap_or_default();
        self.history = Arc::new(history.runs);
    }
}

/// Sets the operator of a run. A manual run retries everything, and a run for a new
/// revision also retries writes that the server rejected.
fn say_who_asks(request: &mut Request, occasion: Occasion, ledger: &Ledger) {
    // A revision that was already carried out does not count as pushed.
    let is_pushed = request.revision.is_some() && request.revision != ledger.carried_out;
    request.operator = match occasion {
        Occasion::Asked => Operator::Present,
        Occasion::New | Occasion::Triggered | Occasion::Due => Operator::Absent,
    };
    request.heeds_refusals = request.operator == Operator::Absent && !is_pushed;
}

/// What was read, or nothing and a line in the log.
fn heeded<T, E: std::error::Error>(read: Result<T, E>) -> Option<T> {
    read.inspect_err(|error| tracing::warn!(error = chain(error), "the page has a gap"))
        .ok()
}

/// In a line: what was done, or how things are, and what is suspended.
fn summary(report: &Report) -> String {
    let mut summary = how(report);
    if let Some(what) = not_compared::line(&secrets_not_compared(report.newest_plan())) {
        summary += &format!("; {what}");
    }
    if let Some(what) = suspended::line(&report.synced.plan.suspensions) {
        summary += &format!("; suspended: {what}");
    }
    summary
}

fn how(report: &Report) -> String {
    match &report.synced.ending {
        Ending::Applied { outcomes, .. } => {
            let counts = Counts::of(&report.synced.plan);
            let done = in_a_line(outcomes);
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
        SyncError::Ledger(_) | SyncError::Files(_) => Disposition::Transient,
    }
}

/// Whether an integration is waited for, and how: `false` for one whose state passes,
/// `true` for one that has nothing to be written; neither for what rests or is written.
fn waits(action: &Action) -> Option<(&str, bool)> {
    let is_done = match &action.kind {
        Kind::Create(_) | Kind::Update { .. } | Kind::Delete(_) | Kind::Replace { .. } => {
            return None;
        }
        Kind::Blocked(Block::Resting { .. }) => return None,
        Kind::Blocked(block) => !block.passes(),
        Kind::Unchanged { .. } | Kind::Withheld { .. } | Kind::Suspended { .. } => true,
    };
    Some((&action.name, is_done))
}

fn is_resting(kind: &Kind) -> bool {
    matches!(kind, Kind::Blocked(Block::Resting { .. }))
}

/// What the end of a run asks for. What failed, or will pass, is looked at again when
/// its pause is over.
fn of_report(report: &Report, pause: Option<Duration>) -> Disposition {
    let failed = match &report.synced.ending {
        Ending::Guarded(_) => return Disposition::Stalled("GuardRefused"),
        // The stop came, and nothing is wrong: the next start goes on.
        Ending::Applied {
            afterwards: Afterwards::Skipped,
            ..
        } => return Disposition::Transient,
        Ending::Applied { outcomes, .. } => outcomes.iter().any(|o| o.result.is_err()),
        Ending::Planned | Ending::NothingToDo | Ending::Refused(_) => false,
    };
    match (exit(report, false), pause) {
        (_, Some(pause)) => Disposition::Retry(pause),
        _ if failed => Disposition::Transient,
        (Exit::Success, None) if Counts::of(&report.synced.plan).held > 0 => Disposition::Suspended,
        (Exit::Success, None) => Disposition::InSync,
        (Exit::InvalidFile, None) => Disposition::Stalled("InvalidFile"),
        (
            Exit::Failed
            | Exit::Pending
            | Exit::Partial
            | Exit::Refused
            | Exit::Usage
            | Exit::InvalidSettings,
            None,
        ) => Disposition::Stalled("Blocked"),
    }
}

/// Nobody is at a keyboard: what the guard approves is done.
struct Service<'a> {
    fixed: &'a Fixed,
    revision: Option<&'a Revision>,
    /// Set before the first write.
    writes: &'a AtomicBool,
}

impl Observer for Service<'_> {
    /// The log tells of every action.
    fn event(&self, _: &Event<'_>) {
        self.fixed.board.moves();
    }
}

impl Shell for Service<'_> {
    fn approve(&self, plan: &Plan) -> Consent {
        self.fixed.plan(plan, self.revision);
        self.writes.store(true, Ordering::Relaxed);
        Consent::Given
    }
}
