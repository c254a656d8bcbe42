//! `daemon`: starts the service.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use clap::{Args, FromArgMatches};
use futures::future::LocalBoxFuture;

use super::args::{
    ListenArgs, NotifyArgs, OutputArgs, ReferenceArgs, RunArgs, SocketArgs, WebhookArgs, duration,
};
use super::command::{CommandArgs, CommandContext, RunHanded};
use super::handed::carry_out;
use super::help;
use crate::command_line::handed::{EffectiveFlags, effective_flags};
use crate::command_line::{Line, ParseError, Program};
use crate::console::{Log, LogLevel, OutputSettings, Terminal};
use crate::daemon::control::screen::ClientScreen;
use crate::daemon::{Console, NewSettings, restart, service};
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::session::{HeldSession, Watcher};
use crate::settings::daemon::{DaemonSettings, SettingsFile};

/// Keep the tenant in sync, as a service
///
/// Makes the tenant match the files at startup, when a file changes, after every interval, and on
/// SIGHUP. Failed runs are retried with increasing delays. After SIGTERM, the daemon finishes the
/// writes under way and exits.
#[derive(Debug, Args)]
#[command(after_help = help::DAEMON)]
pub(super) struct DaemonArgs {
    /// Time between scheduled runs, which detect drift even if no file changes
    #[arg(long, value_name = "DURATION", env = "INTEGRATIOND_INTERVAL", default_value = "10m",
          value_parser = duration)]
    pub interval: Duration,
    /// Time that must pass without file changes before the directory is read
    #[arg(long, value_name = "DURATION", env = "INTEGRATIOND_DEBOUNCE", default_value = "500ms",
          value_parser = duration)]
    pub debounce: Duration,
    /// Interval at which to poll the repository for new commits, or the directory if its file
    /// system (such as a network file system) reports no events
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
    /// Its flags, for the commands that it carries out; not a setting.
    #[arg(skip)]
    pub flags: EffectiveFlags,
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
            flags: _,
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
        self.flags = effective_flags(line);
    }

    async fn run(mut self, context: CommandContext<'_>) -> Result<Exit, CommandFailure> {
        let console = Process {
            terminal: context.terminal,
            log: context.log.clone(),
            program: context.program,
            run_handed: context.run_handed,
            flags: Arc::new(Mutex::new(std::mem::take(&mut self.flags))),
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
    run_handed: RunHanded,
    /// The flags in effect.
    flags: Arc<Mutex<EffectiveFlags>>,
}

impl Process {
    fn flags(&self) -> MutexGuard<'_, EffectiveFlags> {
        self.flags.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
        let mut args = DaemonArgs::of(&line)?.ok_or_else(|| restart("the command"))?;
        let output = OutputArgs::from_arg_matches(&line.matches).map_err(ParseError::Usage)?;
        let output = OutputSettings::from(&output);
        if let Some(what) = self.log.fixed(&output) {
            return Err(restart(what));
        }
        let (log, flags) = (self.log.clone(), Arc::clone(&self.flags));
        let new_flags = std::mem::take(&mut args.flags);
        Ok(NewSettings {
            settings: args.into(),
            take_effect: Box::new(move || {
                log.take(&output);
                *flags.lock().unwrap_or_else(PoisonError::into_inner) = new_flags;
            }),
        })
    }

    fn carry_out(
        &self,
        arguments: Vec<String>,
        screen: Arc<ClientScreen>,
        held: HeldSession,
    ) -> LocalBoxFuture<'_, Exit> {
        let flags = self.flags().clone();
        let context = CommandContext {
            terminal: Terminal::of_client(screen),
            log: &self.log,
            config: None,
            program: self.program,
            settings_file: None,
            run_handed: self.run_handed,
            held: Some(held),
        };
        Box::pin(async move { carry_out(arguments, &flags, context).await })
    }
}
