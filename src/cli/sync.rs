//! `sync`: plan and apply once.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{oneshot, watch};
use tracing::Instrument;

use super::apart::Apart;
use super::args::{Format, SyncArgs};
use super::connect;
use super::failure::Failure;
use super::panic;
use super::prepare::{self, Surroundings};
use super::progress::Progress;
use super::request;
use super::signal::{Course, Found, Signals, Writing};
use super::source::{self, Source};
use super::state::{self, State};
use super::terminal::Terminal;
use crate::apply::{Event, Observer, Stop};
use crate::diagnostic;
use crate::embedded::Embedded;
use crate::immuta::{self, ApiKey, Reader, RetryPolicy, Transport};
use crate::ledger::place::Trust;
use crate::ledger::{LedgerStore, MemoryLedger};
use crate::manifest::Manifest;
use crate::plan::{Kind, Plan};
use crate::progress;
use crate::report::exit::{Exit, exit};
use crate::report::{Counts, Report, json, text};
use crate::secret::Secret;
use crate::simulator::{API_KEY, Options, Simulator};
use crate::source::git::CommitId;
use crate::sync::{self, Consent, Desired, Files, Request, Shell, Synced};
use crate::text::{count, escaped};

pub(super) async fn run(args: SyncArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let mut signals = Signals::listen();
    let (sender, stop) = Stop::new();
    let (course, mut writing) = Course::new();
    let progress = Arc::new(Progress::new(terminal));
    let control = Control {
        course: course.clone(),
        stop,
        progress: Arc::clone(&progress),
    };
    let mut run = Apart::begin(move || async move {
        panic::on_request();
        sync(args, terminal, &control).await
    });
    let failure = tokio::select! {
        ended = run.ended() => return ended,
        failure = cut_short(&mut signals, &mut writing, &course, &sender, terminal) => failure,
    };
    run.call_off().await;
    progress.clear();
    Err(failure)
}

/// Waits for what ends a run early: one signal before the first write, two after it.
async fn cut_short(
    signals: &mut Signals,
    writing: &mut oneshot::Receiver<Writing>,
    course: &Course,
    stop: &watch::Sender<bool>,
    terminal: Terminal,
) -> Failure {
    signals.first(writing).await;
    stop.send_replace(true);
    match course.leave() {
        Found::Reading => {
            return Failure::new(
                Exit::Partial,
                "stopped by a signal before anything was written",
                "run this again",
            );
        }
        Found::Writing => terminal
            .err("Stopping: no new writes; finishing those under way. Once more stops at once.\n"),
        Found::Telling => {}
    }
    signals.second(writing).await;
    Failure::new(
        Exit::Partial,
        "stopped at once: what became of the writes under way is not known",
        "run this again: the new plan shows what is so now, and goes on from there",
    )
}

/// What ties a run to the signals.
struct Control {
    course: Course,
    stop: Stop,
    progress: Arc<Progress>,
}

async fn sync(args: SyncArgs, terminal: Terminal, control: &Control) -> Result<Exit, Failure> {
    let source = Source::of(&args.run)?;
    let applied = applied(&args).await?;
    let source::Read {
        manifest,
        files,
        revision,
    } = source.read(&args.run, applied, terminal, |_| {}).await?;
    let mut request = request::request(&args.run);
    request::ask(&mut request, &args, terminal.can_ask());
    request.source = Source::shown(&args.run, revision.as_ref());
    request.revision = revision.as_ref().map(|revision| revision.id.to_string());
    if args.output == Format::Text {
        if let Some(revision) = &revision {
            terminal.out(&format!("{revision}\n\n"));
        }
        terminal.err_unfolded(&diagnostic::render(&manifest.diagnostics, true));
    }
    if args.simulate {
        let read = (manifest, files);
        return simulate(&args, read, &request, terminal, control).await;
    }
    let tenant = connect::tenant(&args.run.connection, RetryPolicy::default())?;
    let State {
        store,
        fingerprinter,
    } = state::open(&args.run, args.dry_run, &tenant.url)?;
    request.suspended = store.suspensions().await?;
    let ledger = store.read().await?;
    let surroundings = Surroundings {
        args: &args.run,
        request: &request,
        ledger: &ledger,
        fingerprinter,
        progress: progress::Progress::default(),
    };
    let desired = prepare::desired(manifest, files, surroundings).await?;
    let url = tenant.url.clone();
    execute(
        tenant.reader(desired.known_secrets()),
        &url,
        store.as_ref(),
        &args,
        desired,
        &request,
        (terminal, control),
    )
    .await
}

/// The revision that was last carried out, if the files come from a repository.
async fn applied(args: &SyncArgs) -> Result<Option<CommitId>, Failure> {
    if args.run.git.git.is_none() || args.simulate {
        return Ok(None);
    }
    let url = connect::url(args.run.connection.url.as_deref())?;
    let store = state::read_only_if_any(args.run.state.as_deref(), Trust::Own, &url)?;
    Ok(source::applied(&store.read().await?))
}

/// Against a tenant in this process, and without any real secret.
async fn simulate(
    args: &SyncArgs,
    (manifest, files): (Manifest, Files),
    request: &Request,
    terminal: Terminal,
    control: &Control,
) -> Result<Exit, Failure> {
    let desired = prepare::simulated(manifest, files, request)?;
    let simulator = Simulator::new(Options::default());
    let key = ApiKey::new(Secret::new(API_KEY.to_owned()))
        .map_err(|error| Failure::new(Exit::Failed, error, "this is a bug: please report it"))?;
    let reader = Reader::new(
        Embedded(simulator),
        immuta::Credentials::ApiKey(key),
        RetryPolicy::default(),
        desired.known_secrets(),
    );
    execute(
        reader,
        "the simulated tenant",
        &MemoryLedger::default(),
        args,
        desired,
        request,
        (terminal, control),
    )
    .await
}

/// Runs the pipeline and prints the report.
async fn execute<T: Transport>(
    reader: Reader<T>,
    tenant: &str,
    store: &dyn LedgerStore,
    args: &SyncArgs,
    desired: Desired,
    request: &Request,
    (terminal, control): (Terminal, &Control),
) -> Result<Exit, Failure> {
    // At the level of errors, so that whatever is logged inside has these fields.
    let span = tracing::error_span!("sync", tenant, run_id = run_id());
    let run = async {
        let begun = Instant::now();
        let dry_run = args.dry_run;
        tracing::info!(dry_run, "the run begins");
        let synced = carry_out(
            reader,
            (tenant, terminal, control),
            store,
            args,
            &desired,
            request,
        )
        .await?;
        log_blocked(&synced.plan);
        if !control.course.tells() {
            return Ok(Exit::Partial);
        }
        let exit = finish(synced, desired, args, (tenant, &request.source), terminal);
        let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(exit_code = exit as u8, duration_ms, "the run ends");
        Ok(exit)
    };
    run.instrument(span).await
}

/// Logs the blocked actions of a plan, for readers of the log alone.
fn log_blocked(plan: &Plan) {
    for action in &plan.actions {
        let Kind::Blocked(block) = &action.kind else {
            continue;
        };
        let integration = action.name.as_str();
        let platform = action.platform.map(|platform| platform.wire);
        let sentence = block.to_string();
        let (reason, error) = (block.code(), &*escaped(&sentence));
        tracing::info!(
            integration,
            platform,
            reason,
            error,
            "the integration is blocked"
        );
    }
}

/// A name for this run, to find its lines in a log with many.
fn run_id() -> String {
    format!("{:016x}", fastrand::u64(..))
}

async fn carry_out<T: Transport>(
    reader: Reader<T>,
    (tenant, terminal, control): (&str, Terminal, &Control),
    store: &dyn LedgerStore,
    args: &SyncArgs,
    desired: &Desired,
    request: &Request,
) -> Result<Synced, Failure> {
    if args.dry_run {
        let ledger = store.read().await?;
        return Ok(sync::dry_run(&reader, desired, request, &ledger).await?);
    }
    let shell = CommandLine {
        terminal,
        args,
        tenant,
        control,
    };
    let (writer, stop) = (Reader::into_writer, &control.stop);
    Ok(sync::sync(reader, writer, desired, request, store, &shell, stop).await?)
}

fn finish(
    synced: Synced,
    desired: Desired,
    args: &SyncArgs,
    (tenant, source): (&str, &str),
    terminal: Terminal,
) -> Exit {
    let report = Report {
        tenant: tenant.to_owned(),
        source: source.to_owned(),
        diagnostics: desired.manifest.diagnostics,
        synced,
    };
    let exit = exit(&report, args.detailed_exitcode);
    match args.output {
        Format::Json => {
            terminal.out_unfolded(&json::printed(&json::report(&report, exit as u8)));
        }
        Format::Text => {
            if !report.synced.ending.was_asked() {
                terminal.out(&text::plan(&report.synced.plan, tenant));
            }
            terminal.out(&text::ending(&report));
        }
    }
    exit
}

/// The operator at the command line.
struct CommandLine<'a> {
    terminal: Terminal,
    args: &'a SyncArgs,
    tenant: &'a str,
    control: &'a Control,
}

impl Observer for CommandLine<'_> {
    fn event(&self, event: &Event<'_>) {
        self.control.progress.event(event);
    }
}

impl CommandLine<'_> {
    fn consent(&self, plan: &Plan) -> Consent {
        if self.args.yes || self.args.simulate {
            return Consent::Given;
        }
        if !self.terminal.can_ask() {
            return Consent::NotAsked;
        }
        let counts = Counts::of(plan);
        let changes = count(counts.pending(), "change");
        let deletes = match counts.delete + counts.replace {
            0 => String::new(),
            deletes => format!(", {} among them,", count(deletes, "deletion")),
        };
        let tenant = self.tenant;
        let question = format!("\nApply {changes}{deletes} to {tenant}? Only `yes` does: ");
        if self.terminal.ask(&question) {
            Consent::Given
        } else {
            Consent::Declined
        }
    }

    /// From now on a signal must not cut a write in half.
    fn begin(&self) {
        self.control.course.writes();
        self.terminal.err("\n");
    }
}

impl Shell for CommandLine<'_> {
    fn approve(&self, plan: &Plan) -> Consent {
        let asks = !(self.args.yes || self.args.simulate);
        let shown = text::plan(plan, self.tenant);
        match self.args.output {
            Format::Text => self.terminal.out(&shown),
            Format::Json if asks && self.terminal.can_ask() => self.terminal.err(&shown),
            Format::Json => {}
        }
        let consent = self.consent(plan);
        if consent == Consent::Given {
            self.begin();
        }
        consent
    }
}
