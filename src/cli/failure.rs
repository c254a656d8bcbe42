//! Output of a command that came to no result.

use crate::console::Terminal;
use crate::diagnostic;
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::report::format::{OutputFormat, render};

/// Writes it to standard error, and where a document was asked for, also one to standard
/// output.
pub(super) fn print(failure: &CommandFailure, terminal: Terminal, format: OutputFormat) -> Exit {
    terminal.err_unfolded(&diagnostic::render(failure.mistakes(), true));
    terminal.failure(failure.what(), failure.help());
    terminal.result(&render(format, failure));
    failure.exit()
}
