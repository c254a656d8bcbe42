//! The command line: one thin file per subcommand. Nothing is decided here; a
//! subcommand gathers what the pipeline needs, calls it, and prints.

mod args;
mod connect;
mod list;
mod ping;
mod progress;
mod simulator;
mod sync;
mod terminal;
mod validate;

use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use crate::report::exit::Exit;
use args::{Cli, Command, LogFormat, LogLevel, OutputArgs};
use terminal::Terminal;

/// Parses the command line, runs it, and says how it ended.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    start_tracing(&cli.output);
    let terminal = Terminal::new(cli.output.color);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            terminal.failure(
                format_args!("the asynchronous runtime could not be started: {error}"),
                "check the limits of this process, such as `ulimit -u`",
            );
            return Exit::Failed.into();
        }
    };
    let exit = runtime.block_on(run(cli.command, terminal));
    // A question to the terminal or a look-up of a name may hang in a thread: it is not waited for.
    runtime.shutdown_background();
    exit.into()
}

async fn run(command: Command, terminal: Terminal) -> Exit {
    match command {
        Command::Sync(args) => sync::run(args, terminal).await,
        Command::Validate(args) => validate::run(&args, terminal),
        Command::List(args) => list::run(&args, terminal).await,
        Command::Ping(args) => ping::run(&args, terminal).await,
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

/// Logs go to standard error. Crates below speak only when something is wrong.
fn start_tracing(output: &OutputArgs) {
    let level = match output.log_level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
        LogLevel::Trace => "trace",
    };
    let filter = EnvFilter::new(format!("warn,integrationd={level}"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match output.log_format {
        LogFormat::Text => builder
            .with_ansi(terminal_colours())
            .with_target(false)
            .init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
}

fn terminal_colours() -> bool {
    use std::io::IsTerminal;
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}
