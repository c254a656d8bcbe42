//! The process around the daemon.

use crate::report::failure::CommandFailure;
use crate::session::Watcher;
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
}

/// Settings that were read again.
pub struct NewSettings {
    /// The settings of the daemon.
    pub settings: DaemonSettings,
    /// Puts those into effect that are not the daemon's, such as the level of the log.
    pub take_effect: Box<dyn FnOnce() + Send>,
}
