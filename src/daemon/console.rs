//! The process around the daemon.

use std::sync::Arc;

use futures::future::LocalBoxFuture;

use super::control::screen::ClientScreen;
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::session::{HeldSession, Watcher};
use crate::settings::daemon::DaemonSettings;

/// The terminal or journal of the daemon, and the source of its settings.
pub trait Console: Watcher + Send + Sync {
    /// Prints a result.
    fn out(&self, text: &str);

    /// Reads the settings again.
    ///
    /// # Errors
    /// They are wrong, or cannot change while the daemon runs.
    fn read_settings(&self) -> Result<NewSettings, CommandFailure>;

    /// Carries out a command line of a client in the daemon's session.
    fn carry_out(
        &self,
        arguments: Vec<String>,
        screen: Arc<ClientScreen>,
        held: HeldSession,
    ) -> LocalBoxFuture<'_, Exit>;
}

/// Settings that were read again.
pub struct NewSettings {
    /// The settings of the daemon.
    pub settings: DaemonSettings,
    /// Puts those into effect that are not the daemon's, such as the level of the log.
    pub take_effect: Box<dyn FnOnce() + Send>,
}
