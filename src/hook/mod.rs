//! The hook of a repository: a push to a repository on this machine asks the daemon for a run, and
//! the pusher sees what comes of it.
//!
//! The hook is `post-receive`: what was pushed is there already, and nothing here
//! can refuse it.

mod ask;
mod install;

use std::path::PathBuf;
use std::time::Duration;

pub(crate) use ask::ask;
pub(crate) use install::install;

/// A question to the daemon.
pub(crate) struct Ask {
    /// The socket of the daemon.
    pub(crate) socket: PathBuf,
    /// The branch whose pushes count; all if `None`.
    pub(crate) branch: Option<String>,
    /// Time to wait for the end of the run.
    pub(crate) timeout: Duration,
}

/// A hook to write, or to take away.
pub(crate) struct Install {
    /// The bare repository.
    pub(crate) repository: PathBuf,
    /// True to take it away.
    pub(crate) uninstall: bool,
    /// Parameters of the request.
    pub(crate) ask: Ask,
}
