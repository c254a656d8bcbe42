//! A command of the program, and what it runs in.

use std::path::Path;

use clap::{ArgMatches, Args};

use super::args::ReferenceArgs;
use super::settings_file::{Line, Program};
use crate::console::{Log, LogLevel, Terminal};
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::report::format::OutputFormat;

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
}
