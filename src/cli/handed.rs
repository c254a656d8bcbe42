//! Commands that the running daemon carries out: both ends of the hand-over.
//!
//! The client sends the flags that were given for the command, on its line or in the
//! environment. The daemon completes them with its own settings, as the settings file completes a
//! command line, and runs the same command in its own session.

use clap::{Args, Command};

use super::args::{ConnectionArgs, FilesArgs, GitArgs, VaultArgs};
use super::command::CommandContext;
use crate::command_line::Line;
use crate::command_line::handed::{EffectiveFlags, check_source};
use crate::report::exit::Exit;
use crate::report::format::OutputFormat;

/// Carries out a command of a client in the session of the daemon, which the context holds.
pub(super) async fn carry_out(
    arguments: Vec<String>,
    flags: &EffectiveFlags,
    context: CommandContext<'_>,
) -> Exit {
    let line = match Line::of_client(context.program, arguments, flags) {
        Ok(line) => line,
        Err(error) => {
            let terminal = context.terminal;
            return terminal.command_failure(&error.into(), OutputFormat::Text);
        }
    };
    match check_source(&line, flags, source_flags()) {
        Ok(()) => (context.run_handed)(line, context).await,
        Err(failure) => context.terminal.command_failure(&failure, format_of(&line)),
    }
}

/// The form of the result of a command.
fn format_of(line: &Line) -> OutputFormat {
    let matches = line.matches.subcommand().map(|(_, matches)| matches);
    let format = matches.and_then(|it| it.try_get_one::<OutputFormat>("output").ok().flatten());
    format.copied().unwrap_or(OutputFormat::Text)
}

/// The flags that name the files, the tenant and credentials.
pub(super) fn source_flags() -> impl Iterator<Item = String> {
    let groups = [
        FilesArgs::augment_args,
        GitArgs::augment_args,
        ConnectionArgs::augment_args,
        VaultArgs::augment_args,
    ];
    groups.into_iter().flat_map(|augment| {
        let command = augment(Command::new("flags"));
        let ids = command.get_arguments().map(|arg| arg.get_id().to_string());
        ids.collect::<Vec<_>>()
    })
}
