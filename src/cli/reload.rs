//! Settings that are read again while the daemon runs: all of them, or none.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::watch;

use super::args::{Command, DaemonArgs, OutputArgs};
use super::connect;
use super::failure::Failure;
use super::log::Log;
use super::settings_file;
use super::source::Source;
use crate::daemon::view::Mistake;
use crate::daemon::{Board, Refusal};
use crate::immuta::RetryPolicy;
use crate::report::exit::Exit;

/// What may be read again, and where it is told whether it was taken.
pub(super) struct Reload<'a> {
    settings: watch::Sender<Arc<DaemonArgs>>,
    log: &'a Log,
    board: Board,
}

impl<'a> Reload<'a> {
    pub(super) fn new(
        settings: watch::Sender<Arc<DaemonArgs>>,
        log: &'a Log,
        board: &Board,
    ) -> Self {
        Self {
            settings,
            log,
            board: board.clone(),
        }
    }

    /// Reads the settings again. What is wrong with them is told, and the old ones go on.
    pub(super) fn again(&self) {
        let old = Arc::clone(&self.settings.borrow());
        match read(&old, self.log) {
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

fn read(old: &DaemonArgs, log: &Log) -> Result<(DaemonArgs, OutputArgs), Failure> {
    let line = std::env::args_os();
    let cli = settings_file::parse(line, |name| std::env::var_os(name))?;
    let Command::Daemon(new) = cli.command else {
        return Err(restart("the command"));
    };
    let (new, output) = (*new, cli.output);
    if let Some(what) = log.fixed(&output) {
        return Err(restart(what));
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
    Ok((new, output))
}

fn restart(what: &str) -> Failure {
    Failure::new(
        Exit::InvalidSettings,
        format_args!("{what} cannot change while the daemon runs"),
        "restart it: `systemctl restart integrationd`",
    )
}
