//! Settings that are read again while the daemon runs: all of them, or none.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::apart::joined;
use super::args::{Command, DaemonArgs, OutputArgs};
use super::connect;
use super::failure::Failure;
use super::log::Log;
use super::loosened::loosened;
use super::poll::Place;
use super::prepare;
use super::request;
use super::settings_file::{self, SettingsFile};
use super::source::Source;
use crate::daemon::http::Tls;
use crate::daemon::view::Mistake;
use crate::daemon::{Board, Refusal};
use crate::immuta::RetryPolicy;
use crate::plan::KnownNames;
use crate::report::exit::Exit;
use crate::text::chain;

/// How long the files are waited for: longer than a disk takes, and shorter than
/// systemd waits for a reload.
const PATIENCE: Duration = Duration::from_secs(10);

/// What may be read again, and where it is told whether it was taken.
pub(super) struct Reload<'a> {
    pub settings: watch::Sender<Arc<DaemonArgs>>,
    pub log: &'a Log,
    pub board: Board,
    /// Has the names that the last run knew.
    pub place: Place,
}

impl Reload<'_> {
    /// Reads the settings and the certificates again. What is wrong with them is told, and
    /// the old ones go on.
    pub(super) async fn again(&self, tls: &[Tls]) {
        let old = Arc::clone(&self.settings.borrow());
        let tls = tls.to_vec();
        let names = self.place.names();
        // In a thread: a signal is heard also while a file is waited for.
        let reading = spawn_blocking(move || {
            let new = read(&old, names.as_deref());
            for error in tls.iter().filter_map(|tls| tls.read_again().err()) {
                tracing::error!(error = chain(&error), "the old certificate stays");
            }
            new
        });
        let read = timeout(PATIENCE, reading).await;
        let read = read.map_or_else(|_| Err(late()), joined);
        let read = read.and_then(|(new, output)| match self.log.fixed(&output) {
            Some(what) => Err(restart(what)),
            None => Ok((new, output)),
        });
        match read {
            Ok((new, output)) => {
                self.log.take(&output);
                self.settings.send_replace(Arc::new(new));
                self.board.settings(None);
            }
            Err(failure) => {
                tell(&failure);
                self.board.settings(Some(Refusal {
                    at: Timestamp::now(),
                    why: failure.what().to_owned(),
                    help: failure.help().to_owned(),
                    mistakes: failure.mistakes().iter().map(Mistake::from).collect(),
                }));
            }
        }
    }
}

fn tell(failure: &Failure) {
    tracing::error!(
        error = failure.what(),
        help = failure.help(),
        "the settings are refused, and the old ones go on"
    );
    for mistake in failure.mistakes().iter().map(Mistake::from) {
        let help = (!mistake.help.is_empty()).then(|| mistake.help.join("; "));
        let Mistake {
            place,
            severity,
            code,
            message,
            ..
        } = mistake;
        tracing::error!(help, "{place}: {severity}[{code}]: {message}");
    }
}

fn read(old: &DaemonArgs, names: Option<&KnownNames>) -> Result<(DaemonArgs, OutputArgs), Failure> {
    let line = std::env::args_os();
    let cli = settings_file::parse(line, |name| std::env::var_os(name))?;
    let Command::Daemon(new) = cli.command else {
        return Err(restart("the command"));
    };
    let (new, output) = (*new, cli.output);
    if new.settings_file.is_empty && !old.settings_file.is_empty {
        return Err(emptied(&new.settings_file));
    }
    // What would fail in every run is refused at once.
    let tenant = |args: &DaemonArgs| connect::tenant(&args.run.connection, RetryPolicy::default());
    let url = tenant(&new)?.url;
    Source::of(&new.run)?;
    let before = connect::url(old.run.connection.url.as_deref())?;
    for (what, is_same) in [
        ("`url`", url == before),
        ("`state`", new.run.state == old.run.state),
        (
            "where it listens",
            format!("{:?}", (&new.listen, &new.push)) == format!("{:?}", (&old.listen, &old.push)),
        ),
        (
            "whom it notifies",
            format!("{:?}", new.notify) == format!("{:?}", old.notify),
        ),
    ] {
        if !is_same {
            return Err(restart(what));
        }
    }
    // Of other files other names are known: the next run says whether these are.
    let source = |args: &DaemonArgs| format!("{:?}", (&args.run.files.dir, &args.run.git));
    if let Some(names) = names.filter(|_| source(&new) == source(old)) {
        prepare::check_names(&request::request(&new.run), names)?;
    }
    match loosened(old, &new).as_slice() {
        [] => Ok((new, output)),
        found => Err(looser(found)),
    }
}

/// It had settings when it was read last.
fn emptied(file: &SettingsFile) -> Failure {
    Failure::new(
        Exit::InvalidSettings,
        format_args!(
            "the settings file {} sets nothing any more: it is empty, has only comments, or is gone",
            file.path.display()
        ),
        "restore it; if that is meant, restart the daemon: `systemctl restart integrationd`",
    )
}

fn looser(found: &[String]) -> Failure {
    Failure::new(
        Exit::InvalidSettings,
        format_args!("a reload never takes protection away: {}", found.join("; ")),
        "restore the settings file; if that is meant, restart the daemon: `systemctl restart integrationd`",
    )
}

fn late() -> Failure {
    let seconds = PATIENCE.as_secs();
    Failure::new(
        Exit::InvalidSettings,
        format_args!("they could not be read within {seconds} seconds"),
        "see whether the file systems with the settings and the keys answer",
    )
}

fn restart(what: &str) -> Failure {
    Failure::new(
        Exit::InvalidSettings,
        format_args!("{what} cannot change while the daemon runs"),
        "restart it: `systemctl restart integrationd`",
    )
}
