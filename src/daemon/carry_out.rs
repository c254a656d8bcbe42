//! The work of clients that needs the ledger: the worker does it between two runs.

use std::sync::Arc;

use jiff::Timestamp;
use tracing::Instrument;

use super::ClientCommand;
use super::control::handed::{HandedRun, HandedWork, OTHER_FILES};
use super::control::request::{ClientView, HandedRecords};
use super::control::screen::ClientScreen;
use super::control::socket::SHUTTING_DOWN;
use super::worker::WorkerContext;
use crate::apply::Stop;
use crate::ledger::Observations;
use crate::regular::is_same_place;
use crate::report::exit::Exit;
use crate::session::{HeldSession, Session, state};
use crate::settings::daemon::DaemonSettings;
use crate::text::chain;

/// Does the work of a client, and notifies the client of its end; true if the work may have
/// changed the ledger or the tenant.
pub(super) async fn carry_out(context: &WorkerContext, run: HandedRun, stop: &Stop) -> bool {
    let HandedRun { work, screen, done } = run;
    let (name, asks_only) = (work.word().to_owned(), work.asks_only());
    let span = tracing::error_span!("command", command = name);
    let ended = async {
        // A poll of the source may wait for a server.
        let _turn = tokio::select! {
            biased;
            () = screen.stop().requested() => return Err(SHUTTING_DOWN.to_owned()),
            turn = context.source.turn() => turn,
        };
        screen.begin(context.publisher.liveness.progress.clone());
        tracing::info!("running the command of a client");
        let since = Timestamp::now();
        context
            .publisher
            .command(Some(ClientCommand { name, since }));
        let settings = Arc::clone(&context.settings.borrow());
        if let Some(why) = refusal(work.view(), &context.session, &settings) {
            return Err(why);
        }
        match work {
            HandedWork::Command(command) => {
                let held = HeldSession {
                    session: context.session.clone(),
                    settings,
                };
                let console = &context.console;
                let work = console.carry_out(command.arguments, Arc::clone(&screen), held);
                Ok(command.selecting.during(work).await)
            }
            HandedWork::Records(records) => record(&context.session, &settings, records).await,
        }
    };
    let ended = tokio::select! {
        ended = ended.instrument(span.clone()) => ended,
        ended = stop_with_daemon(stop, &screen) => ended,
    };
    context.publisher.command(None);
    let may_have_written = !asks_only && ended.as_ref().is_ok_and(|exit| writes(*exit));
    span.in_scope(|| match &ended {
        Ok(exit) => tracing::info!(exit_code = *exit as u8, "the command of a client ended"),
        Err(why) => tracing::warn!(error = why, "refused the command of a client"),
    });
    // A client that is gone does not need it.
    let _gone = done.send(ended);
    may_have_written
}

/// True if a command with this exit may have written.
fn writes(exit: Exit) -> bool {
    match exit {
        Exit::Success | Exit::Failed | Exit::Partial | Exit::InvalidFile => true,
        Exit::Pending | Exit::Refused | Exit::Unexpected | Exit::Usage | Exit::InvalidSettings => {
            false
        }
    }
}

/// The reason to refuse a client that finds another ledger or other settings than the daemon.
fn refusal(view: &ClientView, session: &Session, settings: &DaemonSettings) -> Option<String> {
    let own = session.tenant();
    if view.tenant != own {
        return Some(format!("the daemon manages {own}, not {}", view.tenant));
    }
    if state::identity(settings.run.state.as_deref(), own) != Some(view.ledger) {
        return Some("the daemon uses a different ledger: check `--state`".to_owned());
    }
    let file = &settings.file;
    let other = view.settings_file.as_deref();
    let other = other.filter(|path| file.is_empty || !is_same_place(path, &file.path))?;
    Some(format!(
        "the daemon does not use the settings in {}: check `--config`",
        other.display()
    ))
}

/// Records integrations that a client has adopted, unless the ledger has changed meanwhile. The
/// files of the daemon must describe them: it would delete them, or leave them to no one.
async fn record(
    session: &Session,
    settings: &DaemonSettings,
    handed: HandedRecords,
) -> Result<Exit, String> {
    let files = &settings.run.files.dir;
    if settings.run.git.is_some() || !is_same_place(&handed.directory, files) {
        return Ok(OTHER_FILES);
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
    noted.map_err(|error| chain(&error))?;
    Ok(Exit::Success)
}

/// Passes the stop of the daemon on to a command, which ends where it may.
async fn stop_with_daemon(stop: &Stop, screen: &ClientScreen) -> Result<Exit, String> {
    stop.requested().await;
    screen.request_stop();
    std::future::pending().await
}
