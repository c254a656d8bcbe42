//! `man`: the manual pages, made from the command line as it is declared.

use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Command};
use clap_mangen::Man;

use super::args::ReferenceArgs;
use super::command::{CommandArgs, CommandContext};
use super::help;
use crate::command_line::Program;
use crate::console::Terminal;
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;

/// Print a manual page, or write all manual pages to a directory
#[derive(Debug, Args)]
#[command(after_help = help::MAN)]
pub(super) struct ManArgs {
    /// Command whose manual page is printed, such as `sync` or `hook install` [default:
    /// integrationd itself]
    pub command: Vec<String>,
    /// Write all manual pages to this directory
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    pub directory: Option<PathBuf>,
}

impl CommandArgs for ManArgs {
    const USES_SETTINGS: bool = false;

    fn references(&mut self) -> Option<&mut ReferenceArgs> {
        None
    }

    async fn run(self, context: CommandContext<'_>) -> Result<Exit, CommandFailure> {
        man(&self, context.program, &context.terminal)
    }
}

fn man(args: &ManArgs, program: Program, terminal: &Terminal) -> Result<Exit, CommandFailure> {
    if let Some(directory) = &args.directory {
        write_all(program, directory).map_err(|error| {
            CommandFailure::new(
                Exit::Failed,
                format_args!(
                    "cannot write the manual pages to {}: {error}",
                    directory.display()
                ),
                "give an existing, writable directory",
            )
        })?;
        return Ok(Exit::Success);
    }
    let page = page(named(program, &args.command)?);
    terminal.out_unfolded(&page.text);
    Ok(Exit::Success)
}

/// The whole command line, without the `help` that repeats all of it.
pub(super) fn whole(program: Program) -> Command {
    let mut command = (program.definition)().disable_help_subcommand(true);
    command.build();
    command
}

/// A manual page, and the name of its file.
struct Page {
    file: String,
    text: String,
}

fn page(command: Command) -> Page {
    let man = Man::new(command)
        .source(concat!("integrationd ", env!("CARGO_PKG_VERSION")))
        .manual("integrationd");
    let mut text = Vec::new();
    // It fails only where the text cannot grow.
    let _ = man.render(&mut text);
    // Examples and exit codes keep their lines, under a heading that manuals know.
    let text = String::from_utf8_lossy(&text).replace(".SH EXTRA\n", ".SH NOTES\n.nf\n");
    Page {
        file: man.get_filename(),
        text,
    }
}

fn write_all(program: Program, directory: &Path) -> io::Result<()> {
    let mut left = vec![whole(program)];
    while let Some(command) = left.pop() {
        left.extend(command.get_subcommands().cloned());
        let Page { file, text } = page(command);
        std::fs::write(directory.join(file), text)?;
    }
    Ok(())
}

fn named(program: Program, words: &[String]) -> Result<Command, CommandFailure> {
    let whole = whole(program);
    let named = words.iter().try_fold(&whole, |command, word| {
        command.find_subcommand(word).ok_or(word)
    });
    named.cloned().map_err(|word| {
        CommandFailure::new(
            Exit::Usage,
            format_args!("there is no command `{word}`"),
            "run `integrationd --help` to list all commands",
        )
    })
}
