//! `daemon`: starts the service.

use std::sync::Arc;

use super::args::{Command, DaemonArgs};
use super::log::Log;
use super::settings_file;
use super::terminal::Terminal;
use crate::daemon::{Console, NewSettings, restart, service};
use crate::report::exit::Exit;
use crate::report::failure::Failure;
use crate::session::Watcher;

pub(super) async fn run(args: DaemonArgs, terminal: Terminal, log: &Log) -> Result<Exit, Failure> {
    let console = Process {
        terminal,
        log: log.clone(),
    };
    service::run(args.into(), Arc::new(console)).await?;
    Ok(Exit::Success)
}

/// The terminal, log and command line of this process.
struct Process {
    terminal: Terminal,
    log: Log,
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

    fn read_settings(&self) -> Result<NewSettings, Failure> {
        let line = std::env::args_os();
        let cli = settings_file::parse(line, |name| std::env::var_os(name))?;
        let Command::Daemon(args) = cli.command else {
            return Err(restart("the command"));
        };
        if let Some(what) = self.log.fixed(&cli.output) {
            return Err(restart(what));
        }
        let log = self.log.clone();
        Ok(NewSettings {
            settings: (*args).into(),
            take_effect: Box::new(move || log.take(&cli.output)),
        })
    }
}
