//! The command line: one thin file per subcommand. Nothing is decided here; a
//! subcommand declares its arguments, makes settings of them, calls the pipeline, and prints.

mod adopt;
mod args;
mod command;
mod commands;
mod completion;
mod daemon;
mod explain;
mod export;
mod handed;
mod help;
mod history;
mod hook;
mod list;
mod manual;
mod ping;
mod render;
mod resolve;
mod resume;
mod schema;
mod script;
mod settings;
mod simulator;
mod snippet;
mod status;
mod suspend;
mod sync;
mod validate;

#[cfg(test)]
pub(crate) use commands::{PROGRAM as WHOLE_PROGRAM, daemon_settings};

use std::process::ExitCode;

use crate::command_line::{Line, ParseError};
use crate::console::{Color, Log, Terminal, in_runtime, panic};
use crate::process::{hygiene, limits};
use crate::report::exit::Exit;
use crate::report::format::OutputFormat;
use command::CommandContext;
use commands::{Cli, PROGRAM, run_handed};
use handed::source_flags;

/// Parses the command line, runs it, and says how it ended.
#[must_use]
pub fn main() -> ExitCode {
    limits::use_one_arena();
    let protected = hygiene::protect();
    panic::report();
    let line = std::env::args_os();
    let line = Line::read(PROGRAM, line, |name| std::env::var_os(name));
    let parsed = line.and_then(|line| Ok((Cli::of(&line)?, line)));
    let (cli, line) = match parsed {
        Ok(parsed) => parsed,
        Err(ParseError::Usage(error)) => return usage(&error),
        Err(ParseError::Settings(failure)) => {
            let terminal = Terminal::new(Color::Auto);
            let exit = terminal.command_failure(&failure, OutputFormat::Text);
            return terminal.ending(exit).into();
        }
    };
    line.selecting_flags(PROGRAM).of_process();
    let terminal = Terminal::new(cli.output.color);
    if let Err(error) = protected {
        terminal.warning(
            format_args!("cannot disable core dumps: {error}"),
            "disable core dumps on the system: they would contain secrets",
        );
    }
    let log = Log::start(&(&cli.output).into(), cli.command.log_level(), &terminal);
    let format = cli.command.format();
    let context = CommandContext {
        terminal: terminal.clone(),
        log: &log,
        config: cli.config.as_deref(),
        program: PROGRAM,
        settings_file: line.settings_file(),
        run_handed,
        held: None,
    };
    let command = cli.command;
    let running = async {
        if let Some(wish) = command.hand_over()
            && let Some(daemon) = wish.holder(line.settings_file()).await
        {
            return daemon
                .carry_out(&line, PROGRAM, source_flags(), &terminal)
                .await;
        }
        command.run(context).await
    };
    let exit = match in_runtime(running) {
        Ok(exit) => exit,
        Err(failure) => terminal.command_failure(&failure, format),
    };
    terminal.ending(exit).into()
}

/// The command line as it is declared, for the documentation.
#[must_use]
pub fn command() -> clap::Command {
    manual::whole(PROGRAM)
}

/// Help and version are a success; everything else is wrong usage.
fn usage(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    if error.use_stderr() {
        Exit::Usage.into()
    } else {
        Exit::Success.into()
    }
}
