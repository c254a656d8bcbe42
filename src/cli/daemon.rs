//! `daemon`: starts the service.

use std::sync::Arc;
use std::time::Duration;

use clap::{Args, FromArgMatches};

use super::args::{
    ListenArgs, NotifyArgs, OutputArgs, ReferenceArgs, RunArgs, SocketArgs, WebhookArgs, duration,
};
use super::command::{CommandArgs, CommandContext};
use super::help;
use super::settings_file::{Line, ParseError, Program};
use crate::console::{Log, LogLevel, OutputSettings, Terminal};
use crate::daemon::{Console, NewSettings, restart, service};
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::session::Watcher;
use crate::settings::daemon::{DaemonSettings, SettingsFile};

/// Keep the tenant in sync, as a service
///
/// Reads the files, makes the tenant equal to them, and repeats this when a file changes, at
/// every interval, and on SIGHUP. Failed runs are retried with increasing delays. After
/// SIGTERM, the daemon finishes the writes under way and exits.
#[derive(Debug, Args)]
#[command(after_help = help::DAEMON)]
pub(super) struct DaemonArgs {
    /// Time between runs if no file changes; these runs detect drift
    #[arg(long, value_name = "DURATION", env = "INTEGRATIOND_INTERVAL", default_value = "10m",
          value_parser = duration)]
    pub interval: Duration,
    /// Time without file changes before the directory is read
    #[arg(long, value_name = "DURATION", env = "INTEGRATIOND_DEBOUNCE", default_value = "500ms",
          value_parser = duration)]
    pub debounce: Duration,
    /// Interval for polling the directory, if its file system (such as a network file system) reports
    /// no events, or for polling the repository for new commits
    #[arg(long, value_name = "DURATION", env = "INTEGRATIOND_POLL", value_parser = duration)]
    pub poll: Option<Duration>,
    #[command(flatten)]
    pub listen: ListenArgs,
    #[command(flatten)]
    pub notify: NotifyArgs,
    #[command(flatten)]
    pub webhook: WebhookArgs,
    #[command(flatten)]
    pub socket: SocketArgs,
    /// The settings file that was read; not a setting.
    #[arg(skip)]
    pub settings_file: SettingsFile,
    #[command(flatten)]
    pub run: Box<RunArgs>,
}

impl From<DaemonArgs> for DaemonSettings {
    fn from(args: DaemonArgs) -> Self {
        let DaemonArgs {
            interval,
            debounce,
            poll,
            listen,
            notify,
            webhook,
            socket,
            settings_file,
            run,
        } = args;
        Self {
            interval,
            debounce,
            poll,
            listen: listen.into(),
            notify: notify.into(),
            webhook: webhook.into(),
            socket: socket.into(),
            file: settings_file,
            run: (*run).into(),
        }
    }
}

impl DaemonArgs {
    /// Those of a command line; `None` if it has another command.
    pub(super) fn of(line: &Line) -> Result<Option<Self>, ParseError> {
        let Some(("daemon", matches)) = line.matches.subcommand() else {
            return Ok(None);
        };
        let mut args = Self::from_arg_matches(matches).map_err(ParseError::Usage)?;
        args.complete(line);
        Ok(Some(args))
    }
}

impl CommandArgs for DaemonArgs {
    // A service has no operator at a screen.
    const LOG_LEVEL: LogLevel = LogLevel::Info;

    fn references(&mut self) -> Option<&mut ReferenceArgs> {
        Some(&mut self.run.files.references)
    }

    fn take(&mut self, line: &Line) {
        self.settings_file = line.file.clone();
    }

    async fn run(self, context: CommandContext<'_>) -> Result<Exit, CommandFailure> {
        let console = Process {
            terminal: context.terminal,
            log: context.log.clone(),
            program: context.program,
        };
        service::run(self.into(), Arc::new(console)).await?;
        Ok(Exit::Success)
    }
}

/// The terminal, log and command line of this process.
struct Process {
    terminal: Terminal,
    log: Log,
    program: Program,
}

impl Watcher for Process {
    fn no_files(&self, place: &str) {
        self.terminal.no_files(place);
    }
}

impl Console for Process {
    fn out(&self, text: &str) {
        self.terminal.out(text);
    }

    fn read_settings(&self) -> Result<NewSettings, CommandFailure> {
        let line = Line::read(self.program, std::env::args_os(), |name| {
            std::env::var_os(name)
        })?;
        let args = DaemonArgs::of(&line)?.ok_or_else(|| restart("the command"))?;
        let output = OutputArgs::from_arg_matches(&line.matches).map_err(ParseError::Usage)?;
        let output = OutputSettings::from(&output);
        if let Some(what) = self.log.fixed(&output) {
            return Err(restart(what));
        }
        let log = self.log.clone();
        Ok(NewSettings {
            settings: args.into(),
            take_effect: Box::new(move || log.take(&output)),
        })
    }
}
