//! A command of the program, and what it runs in.

use std::path::{Path, PathBuf};

use clap::{ArgMatches, Args};
use futures::future::LocalBoxFuture;

use super::args::{HandOver, ReferenceArgs};
use crate::command_line::{Line, Program};
use crate::console::{Log, LogLevel, Terminal};
use crate::ledger::place::Trust;
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::report::format::OutputFormat;
use crate::session::{HeldSession, LedgerEntry};
use crate::settings::run::RunSettings;

/// The arguments of a command, and what it does.
pub(super) trait CommandArgs: Args {
    /// True if the settings file gives defaults for its flags. A command that has nothing
    /// to do with a tenant has flags of its own.
    const USES_SETTINGS: bool = true;

    /// True if a command line that the settings file may complete needs that file.
    fn reads_settings(_matches: &ArgMatches) -> bool {
        Self::USES_SETTINGS
    }

    /// Default log level.
    const LOG_LEVEL: LogLevel = LogLevel::Warn;

    /// The form of the result.
    fn format(&self) -> OutputFormat {
        OutputFormat::Text
    }

    /// References to secrets that integration files may use; `None` for a command that reads no
    /// such files. Without a default: a command that omitted it would let files refer to the
    /// credentials of the program itself.
    fn references(&mut self) -> Option<&mut ReferenceArgs>;

    /// The daemon that carries it out while it holds the ledger; `None` for a command that needs
    /// no ledger for itself.
    fn hand_over(&self) -> Option<HandOver<'_>> {
        None
    }

    /// Takes up what it has to know of the settings file itself.
    fn take(&mut self, _line: &Line) {}

    /// Takes up all that the arguments alone do not say.
    fn complete(&mut self, line: &Line) {
        if let Some(references) = self.references() {
            references.own_files = line.own_files();
            references.declared_variables = line.declared.variables.clone();
        }
        self.take(line);
    }

    /// Runs it, and says how it ended.
    async fn run(self, context: CommandContext<'_>) -> Result<Exit, CommandFailure>;
}

/// Context of a command.
pub(super) struct CommandContext<'a> {
    pub(super) terminal: Terminal,
    pub(super) log: &'a Log,
    /// The settings file that `--config` names.
    pub(super) config: Option<&'a Path>,
    /// The whole command line, for a command that is about it.
    pub(super) program: Program,
    /// The settings file that was read, unless it sets nothing.
    pub(super) settings_file: Option<PathBuf>,
    /// Runs the command of a client, for the daemon.
    pub(super) run_handed: RunHanded,
    /// The session of the daemon that carries out the command for a client.
    pub(super) held: Option<HeldSession>,
}

/// Runs the command of a client, if it is one that the daemon carries out.
pub(super) type RunHanded = fn(Line, CommandContext<'_>) -> LocalBoxFuture<'_, Exit>;

impl CommandContext<'_> {
    /// The way to the ledger, whose owner is trusted so far if it is the command's own.
    pub(super) fn entry(&self, trust: Trust) -> LedgerEntry {
        match &self.held {
            Some(held) => LedgerEntry::Held(held.session.clone()),
            None => trust.into(),
        }
    }

    /// The settings of the command; those of the daemon as far as they are not the command's.
    pub(super) fn settings(&self, own: impl Into<RunSettings>) -> RunSettings {
        match &self.held {
            Some(held) => held.completed(own.into()),
            None => own.into(),
        }
    }
}
