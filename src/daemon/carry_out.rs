//! The work of clients that needs the ledger: the worker does it between two runs.

use std::sync::Arc;

use tracing::Instrument;

use super::control::handed::{HandedRun, HandedWork};
use super::control::request::{HandedCommand, HandedRecords};
use super::control::screen::ClientScreen;
use super::push::message::ScreenPlace;
use super::worker::WorkerContext;
use crate::apply::Stop;
use crate::ledger::Observations;
use crate::report::exit::Exit;
use crate::session::HeldSession;
use crate::text::chain;

/// Does the work of a client, and notifies the client of its end.
pub(super) async fn carry_out(context: &WorkerContext, run: HandedRun, stop: &Stop) -> Exit {
    let HandedRun { work, screen, done } = run;
    // The client is gone.
    if screen.stop().is_requested() {
        return Exit::Refused;
    }
    screen.begin();
    let span = tracing::error_span!("command", command = work.word());
    let ended = async {
        match work {
            HandedWork::Command(command) => run_command(context, command, &screen).await,
            HandedWork::Records(records) => match record(context, records).await {
                Ok(()) => Exit::Success,
                Err(why) => {
                    let text = format!("error: the daemon refused the records: {why}\n");
                    screen.write(ScreenPlace::Error, &text);
                    Exit::Failed
                }
            },
        }
    };
    let exit = tokio::select! {
        exit = ended.instrument(span.clone()) => exit,
        exit = stop_with_daemon(stop, &screen) => exit,
    };
    span.in_scope(|| tracing::info!(exit_code = exit as u8, "the command of a client ended"));
    // A client that is gone does not need it.
    let _gone = done.send(exit);
    exit
}

/// Runs a command in the session of the daemon, with its settings, files and credentials; a poll
/// of the source waits for its end.
async fn run_command(
    context: &WorkerContext,
    command: HandedCommand,
    screen: &Arc<ClientScreen>,
) -> Exit {
    let WorkerContext {
        session,
        settings,
        source,
        console,
        ..
    } = context;
    let settings = Arc::clone(&settings.borrow());
    let HandedCommand {
        arguments, tenant, ..
    } = command;
    tracing::info!("running the command of a client");
    let held = HeldSession {
        session: session.clone(),
        settings,
        tenant,
    };
    let _turn = source.turn().await;
    console.carry_out(arguments, Arc::clone(screen), held).await
}

/// Records integrations that a client has adopted, unless the ledger has changed meanwhile.
async fn record(context: &WorkerContext, handed: HandedRecords) -> Result<(), String> {
    let session = &context.session;
    let (own, theirs) = (session.tenant(), &handed.tenant);
    if theirs != own {
        return Err(format!("it manages {own}, not {theirs}"));
    }
    let ledger = session.store().read().await;
    let ledger = ledger.map_err(|error| chain(&error))?;
    if let Some(refusal) = handed.refusal(&ledger) {
        return Err(refusal);
    }
    let seen = Observations {
        records: handed.records,
        gone: Vec::new(),
    };
    let noted = session.store().note(&seen).await;
    noted.map_err(|error| chain(&error))
}

/// Passes the stop of the daemon on to a command, which ends where it may.
async fn stop_with_daemon(stop: &Stop, screen: &ClientScreen) -> Exit {
    stop.requested().await;
    screen.request_stop();
    std::future::pending().await
}
