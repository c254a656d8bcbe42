//! Output of a command that came to no result.

use super::terminal::Terminal;
use crate::diagnostic::render;
use crate::report::exit::Exit;
use crate::report::failure::Failure;
use crate::report::json;

/// Writes it to standard error, and where a document was asked for, also one to standard
/// output.
pub(super) fn tell(failure: &Failure, terminal: Terminal, as_json: bool) -> Exit {
    let exit = failure.exit();
    terminal.err_unfolded(&render(failure.mistakes(), true));
    terminal.failure(failure.what(), failure.help());
    if as_json {
        let document = json::failure(failure.what(), failure.help(), exit);
        terminal.out_unfolded(&json::printed(&document));
    }
    exit
}
