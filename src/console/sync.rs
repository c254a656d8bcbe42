//! A sync with an operator at the terminal: its signals, the question before the first write,
//! and the report.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{oneshot, watch};
use tracing::Instrument;

use super::{ProgressDisplay, Terminal, panic};
use crate::apply::{Event, Observer, Stop};
use crate::cancellable::CancellableTask;
use crate::diagnostic;
use crate::immuta::Transport;
use crate::manifest::Manifest;
use crate::plan::{KnownNames, Operation, Plan, PlanDigest};
use crate::process::signal::{InterruptedPhase, RunPhase, RunSignals, Writing};
use crate::report::approved::ApprovedPlan;
use crate::report::exit::{Exit, exit};
use crate::report::failure::CommandFailure;
use crate::report::format::{OutputFormat, render};
use crate::report::{Finished, Report, text};
use crate::session::{
    Access, LedgerEntry, OpenError, Preparation, Prepared, Session, Watcher, Wishes, check_removals,
};
use crate::settings::run::RunSettings;
use crate::source::git::Revision;
use crate::sync::{Approval, Shell};
use crate::text::escaped;

/// Options of a sync that are no settings of its run.
pub(crate) struct SyncCommand {
    /// True if it stops after the plan.
    pub dry_run: bool,
    /// True if the tenant is simulated within the process.
    pub simulate: bool,
    /// True if pending changes have an exit code of their own.
    pub detailed_exitcode: bool,
    /// True if the operator is asked before anything is written.
    pub asks: bool,
    /// Integrations whose stored secrets are sent again.
    pub resend_secrets: Vec<String>,
    /// The only plan that may be applied, if one was approved before.
    pub expect: Option<PlanDigest>,
    /// The document of that plan.
    pub approved: Option<ApprovedPlan>,
    /// Format of the result.
    pub output: OutputFormat,
}

/// Plans and applies once. A signal ends it early.
///
/// # Errors
/// The run came to no result, or a signal ended it.
pub(crate) async fn sync(
    settings: RunSettings,
    options: SyncCommand,
    entry: LedgerEntry,
    terminal: Terminal,
) -> Result<Exit, CommandFailure> {
    let mut signals = match terminal.client() {
        Some(client) => RunSignals::of_client(client.stop().clone()),
        None => RunSignals::listen(),
    };
    let (sender, stop) = Stop::new();
    let (phase, mut writing) = RunPhase::new();
    let progress = Arc::new(ProgressDisplay::new(terminal.clone()));
    let control = Control {
        phase: phase.clone(),
        stop,
        progress: Arc::clone(&progress),
        terminal: terminal.clone(),
    };
    let mut run = CancellableTask::begin(move || async move {
        panic::on_request();
        open(settings, options, entry, &control).await
    });
    let failure = tokio::select! {
        ended = run.finished() => return ended,
        failure = cut_short(&mut signals, &mut writing, &phase, &sender, &terminal) => failure,
    };
    run.cancel().await;
    progress.clear();
    Err(failure)
}

/// Waits for what ends a run early: one signal before the first write, two after it.
async fn cut_short(
    signals: &mut RunSignals,
    writing: &mut oneshot::Receiver<Writing>,
    phase: &RunPhase,
    stop: &watch::Sender<bool>,
    terminal: &Terminal,
) -> CommandFailure {
    signals.first(writing).await;
    stop.send_replace(true);
    match phase.try_abort() {
        InterruptedPhase::Reading => {
            return CommandFailure::new(
                Exit::Partial,
                "stopped by a signal before anything was written",
                "run the command again",
            );
        }
        InterruptedPhase::Writing => terminal.err(&format!(
            "Stopping: no new writes are started; waiting for those under way. {}\n",
            match terminal.client() {
                Some(_) => "Interrupt again to return without waiting.",
                None => "Interrupt again to stop immediately.",
            }
        )),
        InterruptedPhase::Reporting => {}
    }
    signals.second(writing).await;
    CommandFailure::new(
        Exit::Partial,
        "stopped immediately: the outcome of the writes under way is unknown",
        "run the command again: it detects the outcome and continues",
    )
}

/// Connection between a run and the signals.
struct Control {
    phase: RunPhase,
    stop: Stop,
    progress: Arc<ProgressDisplay>,
    terminal: Terminal,
}

/// Opens a session, and runs the pipeline in it.
async fn open(
    settings: RunSettings,
    options: SyncCommand,
    entry: LedgerEntry,
    control: &Control,
) -> Result<Exit, CommandFailure> {
    let terminal = &control.terminal;
    let resend = options.resend_secrets.clone();
    let wishes = Wishes {
        expect: options.expect,
        ..Wishes::of(&settings, resend, terminal.can_ask())
    };
    let screen = Screen {
        terminal: terminal.clone(),
        output: options.output,
    };
    if options.simulate {
        let session = Session::simulated();
        let opened = session.files(&settings, &screen).await?;
        let prepared = session.simulate(&settings, opened, wishes)?;
        return execute(prepared, &options, control).await;
    }
    let access = if options.dry_run {
        Access::DryRun
    } else {
        Access::Write
    };
    let opening = Session::open_with_files(&settings, entry, access, &screen);
    let (session, opened) = opening.await?;
    let removals = &settings.guard.allow_removal;
    if !removals.is_empty() {
        let known = KnownNames::of(opened.manifest(), opened.ledger());
        let history = session.store().history(1).await?;
        check_removals(removals, &known, &history).map_err(OpenError::from)?;
    }
    let preparation = Preparation::new(wishes);
    let prepared = session.prepare(&settings, opened, preparation).await?;
    execute(prepared, &options, control).await
}

/// Shows what is found before the plan.
struct Screen {
    terminal: Terminal,
    output: OutputFormat,
}

impl Watcher for Screen {
    fn no_files(&self, place: &str) {
        self.terminal.no_files(place);
    }

    fn files(&self, revision: Option<&Revision>, manifest: &Manifest) {
        if !self.output.is_told() {
            return;
        }
        if let Some(revision) = revision {
            self.terminal.out(&format!("{revision}\n\n"));
        }
        let diagnostics = diagnostic::render(&manifest.diagnostics, true);
        self.terminal.err_unfolded(&diagnostics);
    }
}

/// Runs the pipeline and prints the report.
async fn execute<T: Transport>(
    prepared: Prepared<T>,
    options: &SyncCommand,
    control: &Control,
) -> Result<Exit, CommandFailure> {
    let terminal = &control.terminal;
    let tenant = prepared.tenant().to_owned();
    let run_id = format!("{:016x}", fastrand::u64(..));
    // At the level of errors, so that whatever is logged inside has these fields.
    let span = tracing::error_span!("sync", tenant, run_id);
    let run = async {
        let begun = Instant::now();
        tracing::info!(dry_run = options.dry_run, "starting the run");
        let result = if options.dry_run {
            prepared.dry_run().await?
        } else {
            let shell = CommandLine {
                terminal,
                options,
                tenant: &tenant,
                control,
            };
            prepared.sync(&shell, &control.stop).await?
        };
        log_blocked(&result.synced.plan);
        if !control.phase.begin_report() {
            return Ok(Exit::Partial);
        }
        let report = Report::from(result);
        let mut report = report.compared_with(options.approved.as_ref());
        let exit = finish(&report, options, terminal);
        if terminal.client().is_none() {
            // The process ends: freeing what would be recorded piece by piece only delays that.
            // It holds no secret; the rest of the report may, and is wiped.
            std::mem::forget(std::mem::take(&mut report.synced.plan.state_updates));
        }
        let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(exit_code = exit as u8, duration_ms, "run finished");
        Ok(exit)
    };
    run.instrument(span).await
}

/// Logs the blocked actions of a plan, for readers of the log alone.
fn log_blocked(plan: &Plan) {
    for action in &plan.actions {
        let Operation::Blocked(block) = &action.kind else {
            continue;
        };
        let integration = action.name.as_str();
        let platform = action.platform.map(|platform| platform.wire);
        let sentence = block.to_string();
        let (reason, error) = (block.reason().as_str(), &*escaped(&sentence));
        tracing::info!(
            integration,
            platform,
            reason,
            error,
            "integration is blocked"
        );
    }
}

fn finish(report: &Report, options: &SyncCommand, terminal: &Terminal) -> Exit {
    let exit = exit(report, options.detailed_exitcode);
    terminal.result(&render(options.output, &Finished::new(report, exit)));
    exit
}

/// The operator at the command line.
struct CommandLine<'a> {
    terminal: &'a Terminal,
    options: &'a SyncCommand,
    tenant: &'a str,
    control: &'a Control,
}

impl Observer for CommandLine<'_> {
    fn event(&self, event: &Event<'_>) {
        self.control.progress.event(event);
    }
}

impl CommandLine<'_> {
    async fn consent(&self, plan: &Plan) -> Approval {
        if !self.options.asks {
            return Approval::Given;
        }
        if !self.terminal.can_ask() {
            return Approval::NotAsked;
        }
        let question = text::question(plan, self.tenant);
        if self.terminal.ask(&question).await {
            Approval::Given
        } else {
            Approval::Declined
        }
    }

    /// From now on a signal must not cut a write in half.
    fn begin(&self) {
        self.control.phase.begin_writes();
        self.terminal.err("\n");
    }
}

impl Shell for CommandLine<'_> {
    async fn approve(&self, plan: &Plan) -> Approval {
        let shown = text::plan(plan, self.tenant);
        if self.options.output.is_told() {
            self.terminal.out(&shown);
        } else if self.options.asks && self.terminal.can_ask() {
            self.terminal.err(&shown);
        }
        let consent = self.consent(plan).await;
        if consent == Approval::Given {
            self.begin();
        }
        consent
    }
}
