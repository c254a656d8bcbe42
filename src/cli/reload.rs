//! Settings that are read again while the daemon runs: all of them, or none.

use std::sync::Arc;

use tokio::sync::watch;

use super::args::{Command, DaemonArgs};
use super::connect;
use super::failure::Failure;
use super::settings_file::{self, ParseError};
use super::source::Source;
use crate::immuta::RetryPolicy;
use crate::report::exit::Exit;

/// Reads the settings again. What is wrong with them is logged, and the old ones go on.
pub(super) fn reload(settings: &watch::Sender<Arc<DaemonArgs>>) {
    let old = Arc::clone(&settings.borrow());
    match read(&old) {
        Ok(new) => drop(settings.send_replace(Arc::new(new))),
        Err(failure) => tracing::error!(
            error = failure.what(),
            help = failure.help(),
            "the settings are refused, and the old ones go on"
        ),
    }
}

fn read(old: &DaemonArgs) -> Result<DaemonArgs, Failure> {
    let line = std::env::args_os();
    let parsed = settings_file::parse(line, |name| std::env::var_os(name));
    let new = match parsed.map(|cli| cli.command) {
        Ok(Command::Daemon(new)) => *new,
        Ok(_) => return Err(restart("the command")),
        Err(ParseError::Settings(failure)) => return Err(failure),
        Err(ParseError::Usage(error)) => {
            let error = error.to_string();
            let what = error.lines().next().unwrap_or_default();
            return Err(Failure::new(
                Exit::Usage,
                what,
                "`integrationd settings check`",
            ));
        }
    };
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
    Ok(new)
}

fn restart(what: &str) -> Failure {
    Failure::new(
        Exit::InvalidSettings,
        format_args!("{what} cannot change while the daemon runs"),
        "restart it: `systemctl restart integrationd`",
    )
}
