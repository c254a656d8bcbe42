//! `man` and `completion`: what a packager installs, made from the command line as it is declared.

use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

use super::args::Cli;
use super::terminal::Terminal;
use crate::report::exit::Exit;
use crate::report::failure::Failure;

/// Print a manual page, or write all of them
#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// The command, such as `sync`, or `hook install`; the page of all of them if not given
    pub command: Vec<String>,
    /// Write every page into this directory instead
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    pub directory: Option<PathBuf>,
}

/// Print what lets a shell complete the command line
#[derive(Debug, Args)]
pub(super) struct CompletionArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// `man`.
pub(super) fn man(args: &ManArgs, terminal: Terminal) -> Result<Exit, Failure> {
    if let Some(directory) = &args.directory {
        write_all(directory).map_err(|error| {
            Failure::new(
                Exit::Failed,
                format_args!(
                    "the manual pages cannot be written to {}: {error}",
                    directory.display()
                ),
                "name a directory that is there and may be written to",
            )
        })?;
        return Ok(Exit::Success);
    }
    let page = page(named(&args.command)?);
    terminal.out_unfolded(&page.text);
    Ok(Exit::Success)
}

/// `completion`.
pub(super) fn completion(args: &CompletionArgs, terminal: Terminal) -> Exit {
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut command, name, &mut text);
    terminal.out_unfolded(&String::from_utf8_lossy(&text));
    Exit::Success
}

/// The whole command line, without the `help` that repeats all of it.
pub(super) fn whole() -> Command {
    let mut command = Cli::command().disable_help_subcommand(true);
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

fn write_all(directory: &Path) -> io::Result<()> {
    let mut left = vec![whole()];
    while let Some(command) = left.pop() {
        left.extend(command.get_subcommands().cloned());
        let Page { file, text } = page(command);
        std::fs::write(directory.join(file), text)?;
    }
    Ok(())
}

fn named(words: &[String]) -> Result<Command, Failure> {
    let whole = whole();
    let named = words.iter().try_fold(&whole, |command, word| {
        command.find_subcommand(word).ok_or(word)
    });
    named.cloned().map_err(|word| {
        Failure::new(
            Exit::Usage,
            format_args!("there is no command `{word}`"),
            "`integrationd --help` shows them all",
        )
    })
}
