//! `sync`: plan and apply once.

use std::collections::BTreeSet;

use tokio::sync::{Notify, watch};

use super::args::{Format, SyncArgs};
use super::connect;
use super::progress::Progress;
use super::terminal::Terminal;
use crate::apply::{self, Event, Observer, Stop};
use crate::diagnostic;
use crate::embedded::Embedded;
use crate::immuta::{ApiError, ApiKey, Credentials, Reader, RetryPolicy, Transport};
use crate::manifest::Manifest;
use crate::plan::{Plan, Selection};
use crate::report::exit::{Exit, exit};
use crate::report::{Report, json, text};
use crate::secret::{Providers, Secret, Secrets, resolve};
use crate::simulator::{API_KEY, Options, Simulator};
use crate::sync::{self, Consent, Desired, Request, Shell, Synced, has_work};

pub(super) async fn run(args: SyncArgs, terminal: Terminal) -> Exit {
    let manifest = match connect::manifest(&args.files) {
        Ok(manifest) => manifest,
        Err(error) => return connect::no_files(terminal, &error),
    };
    let request = request(&args);
    let unknown = request.selection.unknown_names(&manifest);
    if !unknown.is_empty() {
        terminal.failure(
            format_args!("no integration is named {}", unknown.join(" or ")),
            "the names are those that `integrationd validate -o json` lists",
        );
        return Exit::Usage;
    }
    if args.output == Format::Text {
        terminal.err(&diagnostic::render(&manifest.diagnostics, true));
    }
    if args.simulate {
        return simulate(&args, manifest, &request, terminal).await;
    }
    let tenant = match connect::tenant(&args.connection) {
        Ok(tenant) => tenant,
        Err(error) => return connect::invalid_settings(terminal, &error),
    };
    let secrets = resolve(manifest.references(), &providers(&args));
    let desired = Desired { manifest, secrets };
    execute(
        tenant.reader,
        &tenant.url,
        &args,
        desired,
        &request,
        terminal,
    )
    .await
}

fn request(args: &SyncArgs) -> Request {
    let names = |names: &[String]| names.iter().cloned().collect::<BTreeSet<_>>();
    Request {
        selection: Selection {
            only: names(&args.only),
            exclude: names(&args.exclude),
        },
        today: jiff::Zoned::now().date(),
        apply: apply::Options {
            parallelism: args.parallelism,
            wait_timeout: args.wait_timeout,
        },
    }
}

fn providers(args: &SyncArgs) -> Providers {
    let roots = if args.secret_root.is_empty() {
        vec![args.files.dir.clone()]
    } else {
        args.secret_root.clone()
    };
    Providers::of_process(roots)
}

/// Against a tenant in this process, and without any real secret.
async fn simulate(
    args: &SyncArgs,
    manifest: Manifest,
    request: &Request,
    terminal: Terminal,
) -> Exit {
    let simulator = Simulator::new(Options::default());
    let key = match ApiKey::new(Secret::new(API_KEY.to_owned())) {
        Ok(key) => key,
        Err(error) => {
            terminal.failure(error, "this is a bug");
            return Exit::Failed;
        }
    };
    let reader = Reader::new(
        Embedded(simulator),
        Credentials::ApiKey(key),
        RetryPolicy::default(),
    );
    let secrets = Secrets::placeholders(manifest.references());
    let desired = Desired { manifest, secrets };
    execute(
        reader,
        "the simulated tenant",
        args,
        desired,
        request,
        terminal,
    )
    .await
}

/// Runs the pipeline and prints the report.
async fn execute<T: Transport>(
    reader: Reader<T>,
    tenant: &str,
    args: &SyncArgs,
    desired: Desired,
    request: &Request,
    terminal: Terminal,
) -> Exit {
    let (stop_sender, stop) = Stop::new();
    let shell = CommandLine {
        terminal,
        args,
        tenant,
        progress: Progress::new(terminal),
        applying: Notify::new(),
    };
    let synced = if args.dry_run {
        sync::dry_run(&reader, &desired, request).await
    } else {
        tokio::select! {
            synced = sync::sync(reader, Reader::into_writer, &desired, request, &shell, &stop) => synced,
            () = stopped_twice(&shell.applying, &stop_sender, terminal) => {
                terminal.err("Stopped: what was under way is not known. Run this again to go on.\n");
                return Exit::Partial;
            }
        }
    };
    finish(synced, desired, args, tenant, terminal)
}

fn finish(
    synced: Result<Synced, ApiError>,
    desired: Desired,
    args: &SyncArgs,
    tenant: &str,
    terminal: Terminal,
) -> Exit {
    let synced = match synced {
        Ok(synced) => synced,
        Err(error) => return connect::unread(terminal, &error),
    };
    let report = Report {
        tenant: tenant.to_owned(),
        source: args.files.dir.display().to_string(),
        diagnostics: desired.manifest.diagnostics,
        synced,
    };
    let exit = exit(&report, args.detailed_exitcode);
    match args.output {
        Format::Json => terminal.out(&format!("{:#}\n", json::report(&report, exit as u8))),
        Format::Text => {
            if args.dry_run || !has_work(&report.synced.plan) {
                terminal.out(&text::plan(&report.synced.plan, tenant));
            }
            terminal.out(&text::ending(&report));
        }
    }
    exit
}

/// Waits for two signals: the first pulls the stop, the second ends the waiting.
/// Before anything is written a signal ends the process as usual.
async fn stopped_twice(applying: &Notify, stop: &watch::Sender<bool>, terminal: Terminal) {
    applying.notified().await;
    signal().await;
    terminal.err("Stopping: no new writes; finishing those under way. Once more stops now.\n");
    // Nobody listens any more when the apply has just ended.
    let _ = stop.send(true);
    signal().await;
}

/// The next SIGINT or SIGTERM.
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

/// The operator at the command line.
struct CommandLine<'a> {
    terminal: Terminal,
    args: &'a SyncArgs,
    tenant: &'a str,
    progress: Progress,
    /// Told when writing begins.
    applying: Notify,
}

impl Observer for CommandLine<'_> {
    fn event(&self, event: &Event<'_>) {
        self.progress.event(event);
    }
}

impl Shell for CommandLine<'_> {
    fn approve(&self, plan: &Plan) -> Consent {
        let asks = !(self.args.yes || self.args.simulate);
        let plan = text::plan(plan, self.tenant);
        match self.args.output {
            Format::Text => self.terminal.out(&plan),
            Format::Json if asks && self.terminal.can_ask() => self.terminal.err(&plan),
            Format::Json => {}
        }
        let consent = if !asks {
            Consent::Given
        } else if !self.terminal.can_ask() {
            Consent::NotAsked
        } else if self
            .terminal
            .ask(&format!("\nApply this to {}? Type yes: ", self.tenant))
        {
            Consent::Given
        } else {
            Consent::Declined
        };
        if consent == Consent::Given {
            self.applying.notify_one();
            self.terminal.err("\n");
        }
        consent
    }
}
