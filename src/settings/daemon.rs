//! Settings of the daemon.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::listen::ListenFlags;
use super::notify::NotifyFlags;
use super::run::RunSettings;
use super::webhook::WebhookFlags;

/// Path of the socket in the daemon's systemd unit.
pub const DEFAULT_SOCKET: &str = "/run/integrationd/integrationd.sock";

/// In place of a path: no socket.
pub const NO_SOCKET: &str = "none";

/// Path of the control socket that belongs to the socket for triggers.
#[must_use]
pub fn control_path(socket: &Path) -> PathBuf {
    let mut path = socket.as_os_str().to_owned();
    path.push(".control");
    path.into()
}

/// Everything that the daemon needs to know.
#[derive(Debug, Clone, PartialEq)]
pub struct DaemonSettings {
    /// Time between two runs that nothing else triggers.
    pub interval: Duration,
    /// Time for which the directory must be quiet before it is read.
    pub debounce: Duration,
    /// Time between two reads of the directory, instead of file events.
    pub poll: Option<Duration>,
    /// The status page.
    pub listen: ListenFlags,
    /// Notifications.
    pub notify: NotifyFlags,
    /// Webhooks of forges.
    pub webhook: WebhookFlags,
    /// The socket for clients on this machine.
    pub socket: SocketSettings,
    /// The settings file that was read.
    pub file: SettingsFile,
    /// Settings of each run.
    pub run: RunSettings,
}

/// The socket for clients on this machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SocketSettings {
    /// Its path, or `none`; absent: below `RUNTIME_DIRECTORY`.
    pub path: Option<PathBuf>,
    /// Users who may connect, besides root and the daemon's own; names or numbers.
    pub users: Vec<String>,
}

/// The settings file, as it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SettingsFile {
    /// Its path.
    pub path: PathBuf,
    /// True if it was named, and does not only lie at the default path.
    pub is_named: bool,
    /// True if it sets nothing: it is empty, has only comments, or does not exist.
    pub is_empty: bool,
}
