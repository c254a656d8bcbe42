//! The commands, and the program that they make up. One line registers a command.

use std::path::PathBuf;

use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use futures::future::LocalBoxFuture;

use super::args::{HandOver, OutputArgs};
use super::command::{CommandArgs, CommandContext};
use super::help;
use crate::command_line::{Line, ParseError, Program};
use crate::console::{LogLevel, Terminal};
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::report::format::OutputFormat;
use crate::settings::file::CONFIG_VARIABLE;

/// Keeps the integrations of an Immuta tenant in sync with a directory of YAML files
///
/// Each file describes one integration in the format of the API's payload. A plan shows the
/// differences; an apply makes the changes, follows each one until the server has finished, and
/// verifies with a second plan that no differences remain.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = help::ROOT, after_long_help = help::ROOT_LONG)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub output: OutputArgs,
    /// Settings file, with a key for every flag of `daemon` [default:
    /// /etc/integrationd/integrationd.yaml, if it exists]
    #[arg(long, global = true, value_name = "FILE", env = CONFIG_VARIABLE)]
    pub config: Option<PathBuf>,
}

/// Declares the commands: one line for each, in the order of the help.
macro_rules! commands {
    ($($name:ident($args:ty),)*) => {
        #[derive(Debug, Subcommand)]
        pub(super) enum Command {
            $($name(Box<$args>),)*
        }

        impl Command {
            /// Default log level of the command.
            pub(super) fn log_level(&self) -> LogLevel {
                match self {
                    $(Self::$name(_) => <$args>::LOG_LEVEL,)*
                }
            }

            /// The form of the result.
            pub(super) fn format(&self) -> OutputFormat {
                match self {
                    $(Self::$name(args) => args.format(),)*
                }
            }

            /// The daemon that carries it out while it holds the ledger.
            pub(super) fn hand_over(&self) -> Option<HandOver<'_>> {
                match self {
                    $(Self::$name(args) => args.hand_over(),)*
                }
            }

            fn complete(&mut self, line: &Line) {
                match self {
                    $(Self::$name(args) => args.complete(line),)*
                }
            }

            /// Runs it.
            pub(super) async fn run(self, context: CommandContext<'_>) -> Result<Exit, CommandFailure> {
                match self {
                    $(Self::$name(args) => args.run(context).await,)*
                }
            }
        }

        fn uses_settings(command: &str) -> bool {
            let uses = [$((stringify!($name), <$args>::USES_SETTINGS),)*];
            uses.iter().any(|(name, uses)| *uses && name.eq_ignore_ascii_case(command))
        }

        fn reads_settings(command: &str, matches: &ArgMatches) -> bool {
            let reads: &[(&str, fn(&ArgMatches) -> bool)] =
                &[$((stringify!($name), <$args>::reads_settings),)*];
            let mut of_command = reads.iter().filter(|(name, _)| name.eq_ignore_ascii_case(command));
            of_command.any(|(_, reads)| reads(matches))
        }
    };
}

commands! {
    Sync(super::sync::SyncArgs),
    Daemon(super::daemon::DaemonArgs),
    Validate(super::validate::ValidateArgs),
    Explain(super::explain::ExplainArgs),
    Render(super::render::RenderArgs),
    List(super::list::ListArgs),
    Ping(super::ping::PingArgs),
    Export(super::export::ExportArgs),
    Adopt(super::adopt::AdoptArgs),
    Script(super::script::ScriptArgs),
    Snippet(super::snippet::SnippetArgs),
    Status(super::status::StatusArgs),
    History(super::history::HistoryArgs),
    Resolve(super::resolve::ResolveArgs),
    Suspend(super::suspend::SuspendArgs),
    Resume(super::resume::ResumeArgs),
    Simulator(super::simulator::SimulatorArgs),
    Hook(super::hook::HookArgs),
    Settings(super::settings::SettingsArgs),
    Schema(super::schema::SchemaArgs),
    Completion(super::completion::CompletionArgs),
    Man(super::manual::ManArgs),
}

/// The command line as it is declared.
pub(crate) const PROGRAM: Program = Program {
    definition,
    uses_settings,
    reads_settings,
};

/// Waits until the client or the daemon wants to stop.
async fn client_stop(terminal: &Terminal) {
    match terminal.client() {
        Some(client) => client.stop().requested().await,
        None => std::future::pending().await,
    }
}

/// Runs the command of a client, if it is one that the daemon carries out.
pub(super) fn run_handed(line: Line, context: CommandContext<'_>) -> LocalBoxFuture<'_, Exit> {
    Box::pin(async move {
        let terminal = context.terminal.clone();
        let command = match Cli::of(&line) {
            Ok(cli) => cli.command,
            Err(error) => return terminal.command_failure(&error.into(), OutputFormat::Text),
        };
        let format = command.format();
        let ended = match command.hand_over() {
            Some(HandOver {
                handles_stop: true, ..
            }) => command.run(context).await,
            Some(_) => tokio::select! {
                ended = command.run(context) => ended,
                () = client_stop(&terminal) => Err(CommandFailure::new(
                    Exit::Partial,
                    "stopped before anything was recorded",
                    "run the command again",
                )),
            },
            None => Err(CommandFailure::new(
                Exit::Usage,
                "the daemon does not carry out this command",
                "run the command with `--standalone`",
            )),
        };
        ended.unwrap_or_else(|failure| terminal.command_failure(&failure, format))
    })
}

/// The values of environment variables, some of which are secrets, are in no help text.
fn definition() -> clap::Command {
    without_values(Cli::command())
}

fn without_values(command: clap::Command) -> clap::Command {
    command
        .mut_args(|arg| arg.hide_env_values(true))
        .mut_subcommands(without_values)
}

impl Cli {
    /// Reads the command line, with the settings file as the source of defaults.
    pub(super) fn of(line: &Line) -> Result<Self, ParseError> {
        let mut cli = Self::from_arg_matches(&line.matches).map_err(ParseError::Usage)?;
        cli.command.complete(line);
        Ok(cli)
    }
}

/// The settings of a daemon with these flags.
#[cfg(test)]
pub(crate) fn daemon_settings(line: &str) -> crate::settings::daemon::DaemonSettings {
    let words = ["integrationd", "daemon"].into_iter();
    let words = words.chain(line.split_whitespace());
    let Command::Daemon(args) = Cli::parse_from(words).command else {
        panic!("another command");
    };
    (*args).into()
}
