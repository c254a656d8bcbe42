//! The command line: one thin file per subcommand. Nothing is decided here; a
//! subcommand gathers what the pipeline needs, calls it, and prints.

mod adopt;
mod args;
mod connect;
mod daemon;
mod failure;
mod fold;
mod help;
mod history;
mod list;
mod log;
mod ping;
mod progress;
mod request;
mod resolve;
mod secrets;
mod signal;
mod simulator;
mod state;
mod sync;
mod terminal;
mod validate;

use std::process::ExitCode;

use clap::Parser;

use crate::report::exit::Exit;
use args::{Cli, Command};
use failure::Failure;
use terminal::Terminal;

/// Parses the command line, runs it, and says how it ended.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let terminal = Terminal::new(cli.output.color);
    log::start(&cli.output, terminal);
    let as_json = cli.command.wants_json();
    let exit = match in_runtime(cli.command, terminal) {
        Ok(exit) => exit,
        Err(failure) => failure.tell(terminal, as_json),
    };
    terminal.ending(exit).into()
}

fn in_runtime(command: Command, terminal: Terminal) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            Failure::new(
                Exit::Failed,
                format_args!("the asynchronous runtime could not be started: {error}"),
                "check the limits of this process, such as `ulimit -u`",
            )
        })?;
    let exit = runtime.block_on(run(command, terminal));
    // A question to the terminal or a look-up of a name may hang in a thread: it is not waited for.
    runtime.shutdown_background();
    exit
}

async fn run(command: Command, terminal: Terminal) -> Result<Exit, Failure> {
    match command {
        Command::Sync(args) => sync::run(args, terminal).await,
        Command::Daemon(args) => daemon::run(args, terminal).await,
        Command::Validate(args) => validate::run(&args, terminal),
        Command::List(args) => list::run(&args, terminal).await,
        Command::Ping(args) => ping::run(&args, terminal).await,
        Command::Adopt(args) => adopt::run(&args, terminal).await,
        Command::History(args) => history::run(&args, terminal),
        Command::Resolve(args) => resolve::run(&args, terminal).await,
        Command::Simulator(args) => simulator::run(&args, terminal).await,
    }
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
