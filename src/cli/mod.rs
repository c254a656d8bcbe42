//! The command line: one thin file per subcommand. Nothing is decided here; a
//! subcommand gathers what the pipeline needs, calls it, and prints.

mod adopt;
mod args;
mod check;
mod command;
mod commands;
mod completion;
mod daemon;
mod explain;
mod export;
mod failure;
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
mod settings;
mod settings_file;
mod simulator;
mod suspend;
mod sync;
mod validate;

#[cfg(test)]
pub(crate) use commands::daemon_settings;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::ExitCode;

use crate::console::{Color, Log, Terminal, panic};
use crate::process::{hygiene, limits};
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::report::format::OutputFormat;
use command::CommandContext;
use commands::{Cli, PROGRAM};
use settings_file::{Line, ParseError};

/// Parses the command line, runs it, and says how it ended.
#[must_use]
pub fn main() -> ExitCode {
    limits::use_one_arena();
    let protected = hygiene::protect();
    panic::report();
    let line = std::env::args_os();
    let line = Line::read(PROGRAM, line, |name| std::env::var_os(name));
    let cli = match line.and_then(|line| Cli::of(&line)) {
        Ok(cli) => cli,
        Err(ParseError::Usage(error)) => return usage(&error),
        Err(ParseError::Settings(failure)) => {
            let terminal = Terminal::new(Color::Auto);
            let exit = failure::print(&failure, terminal, OutputFormat::Text);
            return terminal.ending(exit).into();
        }
    };
    let terminal = Terminal::new(cli.output.color);
    if let Err(error) = protected {
        terminal.warning(
            format_args!("cannot disable core dumps: {error}"),
            "disable them on the system: they would contain secrets",
        );
    }
    let log = Log::start(&(&cli.output).into(), cli.command.log_level(), terminal);
    let format = cli.command.format();
    let exit = match without_panic(|| in_runtime(cli, terminal, &log)) {
        Ok(exit) => exit,
        Err(failure) => failure::print(&failure, terminal, format),
    };
    terminal.ending(exit).into()
}

/// Turns a panic into a failure: the hook reports it as it happens. It ends the run, not the
/// process, so that a requested document is printed, with the exit code of a failure.
fn without_panic<T>(run: impl FnOnce() -> Result<T, CommandFailure>) -> Result<T, CommandFailure> {
    // No state that a panic may have left inconsistent is used afterwards.
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
        Err(CommandFailure::new(
            Exit::Failed,
            "a bug in integrationd ended the run",
            panic::HELP,
        ))
    })
}

fn in_runtime(cli: Cli, terminal: Terminal, log: &Log) -> Result<Exit, CommandFailure> {
    let cannot_start = |why: &dyn std::fmt::Display| {
        CommandFailure::new(
            Exit::Failed,
            format_args!("cannot start the asynchronous runtime: {why}"),
            "check the limits of this process, such as `ulimit -u` and `ulimit -n`",
        )
    };
    let workers = limits::workers();
    limits::check(workers)?;
    // Where the system gives it no thread after all, it panics.
    let runtime = panic::expected(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(workers)
            .enable_all()
            .build()
    })
    .ok_or_else(|| cannot_start(&"the system provides no thread for it"))?
    .map_err(|error| cannot_start(&error))?;
    let exit = catch_unwind(AssertUnwindSafe(|| {
        let context = CommandContext {
            terminal,
            log,
            config: cli.config.as_deref(),
            program: PROGRAM,
        };
        runtime.block_on(cli.command.run(context))
    }));
    // A prompt at the terminal or a name resolution may hang in a thread: do not wait for it.
    runtime.shutdown_background();
    exit.unwrap_or_else(|panic| resume_unwind(panic))
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
