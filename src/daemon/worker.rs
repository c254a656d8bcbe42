//! The worker's run: the pipeline, with its results printed, logged and published.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch as published};
use tokio::time::Instant;
use tracing::{Instrument, Span, field};

use super::carry_out::carry_out;
use super::conditions::Conditions;
use super::console::Console;
use super::control::handed::HandedRun;
use super::disposition::{NoResult, of_report};
use super::source::WatchedSource;
use super::view::{PriorState, build_view};
use super::{Activation, Backoff, Disposition, RunOutcome, StatusPublisher, TriggerReason};
use crate::apply::{ActionFailure, Event, Observer, Outcome, Stop, in_a_line};
use crate::diagnostic::render;
use crate::ledger::history::Run;
use crate::ledger::{Ledger, StoreError};
use crate::manifest::Name;
use crate::plan::{Action, Block, Operation, Operator, Plan};
use crate::report::exit::exit;
use crate::report::not_compared::{self, secrets_not_compared};
use crate::report::{Counts, NotConverged, Report, not_converged, suspended, text};
use crate::session::{OpenError, Opened, Preparation, Session, Wishes};
use crate::settings::daemon::DaemonSettings;
use crate::source::git::Revision;
use crate::sync::{Approval, Ending, RunTrigger, Shell};
use crate::text::chain;

/// Number of runs on the page.
const RUNS: u32 = 20;

/// The worker's side of a run. Everything but the ledger is made anew for each: the key,
/// the files, the secrets.
pub(super) struct Worker {
    context: WorkerContext,
    /// Commands of clients.
    commands: mpsc::Receiver<HandedRun>,
    /// Revision that the run under way has read.
    revision: Option<Arc<Revision>>,
    /// The latest runs; read again after each that writes.
    history: Arc<Vec<Run>>,
    /// Integrations that failed, and when each is retried.
    backoff: Backoff,
    /// Conditions that were logged and are not over.
    conditions: Conditions,
    /// Names in the settings that a run knew.
    known_names: BTreeSet<Name>,
    /// The last plan that was printed and not carried out.
    printed: Option<String>,
}

/// Everything that stays as it is as long as the daemon runs.
pub(super) struct WorkerContext {
    pub(super) session: Session,
    /// They may be read again between two runs.
    pub(super) settings: published::Receiver<Arc<DaemonSettings>>,
    pub(super) source: WatchedSource,
    pub(super) console: Arc<dyn Console>,
    pub(super) publisher: StatusPublisher,
}

impl WorkerContext {
    /// Prints a text, and sends it to those who asked for the run.
    fn out(&self, text: &str) {
        self.console.out(text);
        self.publisher.events.text(text);
    }

    /// Prints a plan below its revision, which those who asked for the run know already.
    fn plan(&self, plan: &Plan, revision: Option<&Revision>) {
        if let Some(revision) = revision {
            self.console.out(&format!("{revision}\n\n"));
        }
        self.out(&text::plan(plan, self.session.tenant()));
    }
}

impl Activation for Worker {
    fn interval(&self) -> Duration {
        self.context.settings.borrow().interval
    }

    fn inputs(&self) -> u64 {
        inputs_of(
            &self.context.settings.borrow(),
            &self.context.source.inputs(),
        )
    }

    async fn run(&mut self, stop: &Stop, reason: TriggerReason) -> Option<RunOutcome> {
        if reason != TriggerReason::Interval {
            self.backoff.reset();
        }
        let tenant = self.context.session.tenant().to_owned();
        let run_id = format!("{:016x}", fastrand::u64(..));
        let trigger = reason.word();
        let span = tracing::error_span!("sync", tenant, run_id, trigger, revision = field::Empty);
        self.revision = None;
        self.context.publisher.metrics.set_interval(self.interval());
        let writes = AtomicBool::new(false);
        let outcome = tokio::select! {
            biased;
            outcome = self.activate(stop, &writes, reason).instrument(span.clone()) => outcome,
            () = given_up(stop, &writes) => {
                span.in_scope(|| tracing::info!("abandoned the run before its first write"));
                return None;
            }
        };
        let cause = outcome.as_ref().err().map(|error| error.cause);
        self.context.publisher.metrics.set_failure(cause);
        let mut outcome = outcome.unwrap_or_else(
            |NoResult {
                 failure,
                 disposition,
                 cause: _,
             }| RunOutcome {
                disposition,
                exit: failure.exit(),
                summary: failure.what().to_owned(),
                help: Some(failure.help().to_owned()),
                revision: None,
                view: None,
            },
        );
        outcome.revision = self.revision.take();
        span.in_scope(|| self.conditions.log(&outcome));
        Some(outcome)
    }

    async fn command(&mut self) -> HandedRun {
        match self.commands.recv().await {
            Some(run) => run,
            None => std::future::pending().await,
        }
    }

    async fn carry_out(&mut self, run: HandedRun, stop: &Stop) -> bool {
        carry_out(&self.context, run, stop).await
    }
}

/// A hash of what a run was made from. Settings that were read again and say the same are
/// nothing new: who sends many reloads must not have each of them followed by a run.
fn inputs_of(settings: &DaemonSettings, source: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    format!("{settings:?}").hash(&mut hasher);
    source.hash(&mut hasher);
    hasher.finish()
}

/// Comes to its end when the stop is pulled, unless the run writes by then.
async fn given_up(stop: &Stop, writes: &AtomicBool) {
    stop.requested().await;
    if writes.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
}

impl Worker {
    pub(super) fn new(context: WorkerContext, commands: mpsc::Receiver<HandedRun>) -> Self {
        Self {
            context,
            commands,
            revision: None,
            history: Arc::default(),
            backoff: Backoff::default(),
            conditions: Conditions::default(),
            known_names: BTreeSet::new(),
            printed: None,
        }
    }

    /// Reads the files, and says which revision they have.
    async fn read(&mut self, settings: &DaemonSettings) -> Result<Opened, OpenError> {
        let WorkerContext {
            session,
            source,
            publisher,
            console,
            ..
        } = &self.context;
        let opened = source
            .read(session, settings, publisher, console.as_ref())
            .await?;
        self.revision = opened.revision().cloned().map(Arc::new);
        if let Some(revision) = &self.revision {
            Span::current().record("revision", revision.id.to_string());
            publisher.events.text(&format!("{revision}\n\n"));
        }
        if let Some(names) = source.names() {
            self.conditions.log_names(settings, &names);
            let run = &settings.run;
            let named = run.selection.only.union(&run.selection.exclude);
            let named = named.chain(&run.guard.allow_replace);
            self.known_names
                .extend(named.filter(|name| names.knows(name)).cloned());
        }
        publisher.record_progress();
        let mistakes = render(&opened.manifest().diagnostics, false);
        publisher.events.text(&mistakes);
        Ok(opened)
    }

    /// The wishes of a run. A manual run retries everything, and a run for a new revision
    /// also retries writes that the server rejected.
    fn wishes(&self, opened: &Opened, reason: TriggerReason) -> Wishes {
        // A revision that was already carried out does not count as pushed.
        let revision = opened.revision().map(|revision| revision.id.to_string());
        let is_pushed = revision.is_some() && revision != opened.ledger().carried_out;
        let operator = match reason {
            TriggerReason::Manual => Operator::Present,
            TriggerReason::SourceChanged | TriggerReason::Triggered | TriggerReason::Interval => {
                Operator::Absent
            }
        };
        let (now, today) = (Instant::now(), Timestamp::now());
        let backing_off = self.backoff.backing_off(now).into_iter();
        Wishes {
            known_before: Some(self.known_names.clone()),
            trigger: RunTrigger::Daemon(reason),
            respects_rejections: operator == Operator::Absent && !is_pushed,
            operator,
            // The moment is shown, and may be beyond every calendar.
            backing_off: backing_off
                .map(|(name, pause)| (name, today.checked_add(pause).unwrap_or(Timestamp::MAX)))
                .collect(),
            ..Wishes::default()
        }
    }

    /// Records the results of the integrations that were tried, for their backoff; returns the
    /// shortest pause.
    fn rest(&mut self, report: &Report, ledger: &Ledger) -> Option<Duration> {
        let (now, today) = (Instant::now(), Timestamp::now());
        let actions = &report.synced.plan.actions;
        self.backoff
            .after(actions.iter().filter_map(waited_for), now);
        let outcomes = match &report.synced.ending {
            Ending::Applied { outcomes, .. } => outcomes.as_slice(),
            Ending::Planned
            | Ending::NothingToDo
            | Ending::Unexpected { .. }
            | Ending::Guarded(_)
            | Ending::Refused(_) => &[],
        };
        let is_tried = |o: &&Outcome| !o.result.as_ref().is_err_and(ActionFailure::is_unfinished);
        let tried = outcomes.iter().filter(is_tried);
        // What was refused has its pause in the ledger.
        // What differs right after its write is written once more, soon.
        let not_converged = not_converged(&report.synced);
        let is_done = |o: &Outcome| {
            let will_retry = |n: &NotConverged<'_>| n.name == o.name && n.will_retry;
            let is_finished = o
                .result
                .as_ref()
                .err()
                .is_none_or(ActionFailure::is_rejection);
            is_finished && !not_converged.iter().any(will_retry)
        };
        let tried = tried.map(|o| (o.name.as_str(), is_done(o)));
        self.backoff.after(tried, now);
        self.backoff
            .retain(|name| actions.iter().any(|a| a.name == name));
        let is_concerned = |name: &str| {
            actions
                .iter()
                .any(|a| a.name == name && (a.kind.is_write() || is_backing_off(&a.kind)))
        };
        let rejections = ledger
            .rejections
            .iter()
            .filter(|(name, _)| is_concerned(name));
        let pauses = rejections.filter_map(|(_, rejected)| rejected.pause(today));
        pauses.chain(self.backoff.pause(now)).min()
    }

    async fn activate(
        &mut self,
        stop: &Stop,
        writes: &AtomicBool,
        reason: TriggerReason,
    ) -> Result<RunOutcome, NoResult> {
        if self.history.is_empty() {
            self.read_history().await;
        }
        let settings = Arc::clone(&self.context.settings.borrow());
        let opened = self.read(&settings).await?;
        let preparation = Preparation {
            observer: Some(Arc::new(self.context.publisher.clone())),
            progress: self.context.publisher.liveness.progress.clone(),
            ..Preparation::new(self.wishes(&opened, reason))
        };
        let session = &self.context.session;
        let prepared = session.prepare(&settings.run, opened, preparation).await?;
        let shell = Service {
            context: &self.context,
            revision: self.revision.as_deref(),
            writes,
        };
        let result = prepared.sync(&shell, stop).await?;
        Ok(self.publish(&result.into()).await)
    }

    /// Prints a report, and sums it up for the status page.
    async fn publish(&mut self, report: &Report) -> RunOutcome {
        let ledger = self.context.session.store().read().await;
        let ledger = logged(ledger).unwrap_or_default();
        let pause = self.rest(report, &ledger);
        let disposition = of_report(report, pause);
        self.print(report, disposition);
        let prior = self.prior(report, ledger).await;
        RunOutcome {
            disposition,
            exit: exit(report, false),
            summary: summary(report),
            help: None,
            revision: None,
            view: Some(Arc::new(build_view(report, &prior, Timestamp::now()))),
        }
    }

    /// Prints what came of a run, and its plan unless that is printed already. A plan that
    /// waits is printed once, and not in every run.
    fn print(&mut self, report: &Report, disposition: Disposition) {
        let mut text = String::new();
        let is_printed = report.synced.ending.was_asked();
        let plan = &report.synced.plan;
        let is_news = disposition != Disposition::InSync || Counts::of(plan).withheld > 0;
        if is_news && !is_printed {
            text += &text::plan(plan, self.context.session.tenant());
        }
        text += &text::ending(report);
        self.context.publisher.events.text(&text);
        let whole = match &self.revision {
            Some(revision) if !is_printed && !text.is_empty() => format!("{revision}\n\n{text}"),
            Some(_) | None => text,
        };
        if is_printed || self.printed.as_ref() != Some(&whole) {
            self.context.console.out(&whole);
        }
        self.printed = (!is_printed).then_some(whole);
    }

    /// The ledger's part of the report. The page has a gap if the ledger cannot be read; the next
    /// run fails for it.
    async fn prior(&mut self, report: &Report, ledger: Ledger) -> PriorState {
        let applied = matches!(report.synced.ending, Ending::Applied { .. });
        if applied || self.history.is_empty() {
            self.read_history().await;
        }
        PriorState {
            ledger,
            history: Arc::clone(&self.history),
        }
    }
}

impl Worker {
    async fn read_history(&mut self) {
        let history = self.context.session.store().history(RUNS).await;
        self.history = Arc::new(logged(history).unwrap_or_default().runs);
    }
}

/// The result, or nothing and a line in the log. The next run fails for it.
fn logged<T>(read: Result<T, StoreError>) -> Option<T> {
    read.inspect_err(|error| {
        let error = chain(error);
        tracing::warn!(
            error,
            "cannot read the ledger: the status page is incomplete"
        );
    })
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
        Ending::Guarded(_) => "the guard refused the plan".to_owned(),
        Ending::Planned | Ending::NothingToDo | Ending::Unexpected { .. } | Ending::Refused(_) => {
            text::counted(&report.synced.plan)
        }
    }
}

/// True or false if the run waits for the integration: `false` for a passing state, `true` for
/// one with nothing to write; `None` for one that backs off or is written.
fn waited_for(action: &Action) -> Option<(&str, bool)> {
    let is_done = match &action.kind {
        Operation::Create(_)
        | Operation::Update { .. }
        | Operation::Delete(_)
        | Operation::Replace { .. } => {
            return None;
        }
        Operation::Blocked(Block::BackingOff { .. }) => return None,
        Operation::Blocked(block) => !block.passes(),
        Operation::Unchanged { .. } | Operation::Withheld { .. } | Operation::Suspended { .. } => {
            true
        }
    };
    Some((&action.name, is_done))
}

fn is_backing_off(kind: &Operation) -> bool {
    matches!(kind, Operation::Blocked(Block::BackingOff { .. }))
}

/// There is no operator: every plan that the guard approves is carried out.
struct Service<'a> {
    context: &'a WorkerContext,
    revision: Option<&'a Revision>,
    /// Set before the first write.
    writes: &'a AtomicBool,
}

impl Observer for Service<'_> {
    /// The log reports every action.
    fn event(&self, _: &Event<'_>) {
        self.context.publisher.record_progress();
    }
}

impl Shell for Service<'_> {
    async fn approve(&self, plan: &Plan) -> Approval {
        self.context.plan(plan, self.revision);
        self.writes.store(true, Ordering::Relaxed);
        Approval::Given
    }
}

#[cfg(test)]
mod tests {
    use super::inputs_of;
    use crate::cli::daemon_settings;

    #[test]
    fn reload_of_equal_settings_is_nothing_new() {
        let of = |line: &str| inputs_of(&daemon_settings(line), "files");
        assert_eq!(of("d --policy observe"), of("d --policy observe"));
        assert_ne!(of("d --policy observe"), of("d"));
        assert_ne!(of("d"), inputs_of(&daemon_settings("d"), "other files"));
    }
}
