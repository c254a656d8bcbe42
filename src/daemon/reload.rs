//! Settings that are read again while the daemon runs: all of them, or none.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::console::{Console, NewSettings};
use super::http::Tls;
use super::loosened::loosened;
use super::source::WatchedSource;
use super::view::FileMistake;
use super::{RejectedSettings, StatusPublisher};
use crate::cancellable::joined;
use crate::immuta::RetryPolicy;
use crate::plan::{KnownNames, Resend, Selection};
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::session::{OpenError, Source, Tenant, check_names, tenant};
use crate::settings::daemon::{DaemonSettings, SettingsFile};
use crate::text::chain;

/// Time limit for reading the files: longer than a disk takes, and shorter than systemd waits
/// for a reload.
const RELOAD_TIMEOUT: Duration = Duration::from_secs(10);

/// Reads the settings again, and publishes whether they were taken.
pub(super) struct Reload {
    pub(super) settings: watch::Sender<Arc<DaemonSettings>>,
    pub(super) console: Arc<dyn Console>,
    pub(super) publisher: StatusPublisher,
    /// Has the names that the last run knew.
    pub(super) source: WatchedSource,
}

impl Reload {
    /// Reads the settings and the certificates again. Mistakes are reported, and the old
    /// ones stay in effect.
    pub(super) async fn again(&self, tls: &[Tls]) {
        let old = Arc::clone(&self.settings.borrow());
        let tls = tls.to_vec();
        let names = self.source.names();
        let console = Arc::clone(&self.console);
        // In a thread: a signal is heard also while a file is waited for.
        let reading = spawn_blocking(move || {
            let new = read(console.as_ref(), &old, names.as_deref());
            for error in tls.iter().filter_map(|tls| tls.read_again().err()) {
                tracing::error!(
                    error = chain(&error),
                    "cannot reload the certificate; keeping \
                    the current one"
                );
            }
            new
        });
        let read = timeout(RELOAD_TIMEOUT, reading).await;
        match read.map_or_else(|_| Err(timed_out()), joined) {
            Ok(NewSettings {
                settings,
                take_effect,
            }) => {
                take_effect();
                self.settings.send_replace(Arc::new(settings));
                self.publisher.settings(None);
            }
            Err(failure) => {
                log_rejected(&failure);
                self.publisher.settings(Some(RejectedSettings {
                    at: Timestamp::now(),
                    why: failure.what().to_owned(),
                    help: failure.help().to_owned(),
                    mistakes: failure.mistakes().iter().map(FileMistake::from).collect(),
                }));
            }
        }
    }
}

fn log_rejected(failure: &CommandFailure) {
    tracing::error!(
        error = failure.what(),
        help = failure.help(),
        "the new settings are invalid; keeping the previous ones"
    );
    for mistake in failure.mistakes().iter().map(FileMistake::from) {
        let help = (!mistake.help.is_empty()).then(|| mistake.help.join("; "));
        let FileMistake {
            place,
            severity,
            code,
            message,
            ..
        } = mistake;
        tracing::error!(help, "{place}: {severity}[{code}]: {message}");
    }
}

fn read(
    console: &dyn Console,
    old: &DaemonSettings,
    names: Option<&KnownNames>,
) -> Result<NewSettings, CommandFailure> {
    let read = console.read_settings()?;
    let new = &read.settings;
    if new.file.is_empty && !old.file.is_empty {
        return Err(emptied(&new.file));
    }
    // Settings that would fail in every run are refused at once.
    let url = Tenant::new(&new.run.tenant, RetryPolicy::default(), None);
    let url = url.map_err(OpenError::from)?.url;
    Source::of(&new.run)?;
    let before = tenant::url(&old.run.tenant).map_err(OpenError::from)?;
    let listens = |settings: &DaemonSettings| {
        let DaemonSettings {
            listen,
            webhook,
            socket,
            ..
        } = settings;
        (listen.clone(), webhook.clone(), socket.clone())
    };
    for (what, is_same) in [
        ("`url`", url == before),
        ("`state`", new.run.state == old.run.state),
        ("the listening addresses", listens(new) == listens(old)),
        ("the notification settings", new.notify == old.notify),
    ] {
        if !is_same {
            return Err(restart(what));
        }
    }
    // Other files have other names: the next run says whether these are among them.
    let is_same_source = new.run.files.dir == old.run.files.dir && new.run.git == old.run.git;
    if let Some(names) = names.filter(|_| is_same_source) {
        let checked = check_names(
            &added(&new.run.selection, &old.run.selection),
            &(&new.run.guard.allow_replace - &old.run.guard.allow_replace),
            &Resend::default(),
            names,
        );
        checked.map_err(OpenError::from)?;
    }
    match loosened(old, new).as_slice() {
        [] => Ok(read),
        found => Err(looser(found)),
    }
}

/// The names that the old settings lack: one that they have may outlast its integration.
fn added(new: &Selection, old: &Selection) -> Selection {
    Selection {
        only: &new.only - &old.only,
        exclude: &new.exclude - &old.exclude,
    }
}

/// It had settings when it was read last.
fn emptied(file: &SettingsFile) -> CommandFailure {
    CommandFailure::new(
        Exit::InvalidSettings,
        format_args!(
            "the settings file {} no longer sets anything: it is empty, contains only comments, \
            or is missing",
            file.path.display()
        ),
        "restore the file; if the change is intended, restart the daemon: `systemctl restart \
        integrationd`",
    )
}

fn looser(found: &[String]) -> CommandFailure {
    CommandFailure::new(
        Exit::InvalidSettings,
        format_args!(
            "a reload cannot make the settings less strict: {}",
            found.join("; ")
        ),
        "restore the settings file; if the change is intended, restart the daemon: `systemctl \
        restart integrationd`",
    )
}

fn timed_out() -> CommandFailure {
    let seconds = RELOAD_TIMEOUT.as_secs();
    CommandFailure::new(
        Exit::InvalidSettings,
        format_args!("reading the settings took longer than {seconds} seconds"),
        "check that the file systems with the settings and keys respond",
    )
}

/// The failure of a reload that changes a setting which a running daemon cannot change.
#[must_use]
pub fn restart(what: &str) -> CommandFailure {
    CommandFailure::new(
        Exit::InvalidSettings,
        format_args!("{what} cannot change while the daemon is running"),
        "restart the daemon: `systemctl restart integrationd`",
    )
}
