//! Commands that wait for the worker, which carries each out between two runs.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::request::{ClientView, HandedCommand, HandedRecords};
use super::screen::ClientScreen;
use crate::report::exit::Exit;

/// The answer to records of integrations that the files of the daemon do not describe.
pub const OTHER_FILES: Exit = Exit::Usage;

/// Maximum number of commands that wait.
const WAITING: usize = 4;

/// The part of a client's request that needs the ledger.
#[derive(Debug)]
pub enum HandedWork {
    /// A command line.
    Command(HandedCommand),
    /// Records of adopted integrations.
    Records(HandedRecords),
}

impl HandedWork {
    /// The word for it in the log.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Command(command) => command.arguments.first().map_or("", String::as_str),
            Self::Records(_) => "export",
        }
    }

    /// True if it only asks whether records would be accepted.
    #[must_use]
    pub fn asks_only(&self) -> bool {
        match self {
            Self::Command(_) => false,
            Self::Records(handed) => handed.records.is_empty(),
        }
    }

    /// The ledger and the settings, as the client finds them.
    #[must_use]
    pub fn view(&self) -> &ClientView {
        match self {
            Self::Command(command) => &command.view,
            Self::Records(records) => &records.view,
        }
    }
}

/// The work, its client, and where its exit code goes.
#[derive(Debug)]
pub struct HandedRun {
    /// The work.
    pub work: HandedWork,
    /// The client's screen.
    pub screen: Arc<ClientScreen>,
    /// Notified of the exit code, or of the reason for a refusal; dropped without one, the daemon
    /// has ended.
    pub done: oneshot::Sender<Result<Exit, String>>,
}

/// The worker's end of the queue, and that of the clients.
#[must_use]
pub fn queue() -> (mpsc::Sender<HandedRun>, mpsc::Receiver<HandedRun>) {
    mpsc::channel(WAITING)
}
