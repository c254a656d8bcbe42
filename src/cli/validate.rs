//! `validate`: parse and check the files, offline.

use serde_json::json;

use super::args::{Format, ValidateArgs};
use super::terminal::Terminal;
use crate::diagnostic;
use crate::report::exit::Exit;
use crate::report::failure::Failure;
use crate::report::json::{FORMAT_VERSION, printed};
use crate::session::check_directory;
use crate::text::count;

pub(super) fn run(args: ValidateArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let manifest = check_directory(&args.files.into(), &terminal)?;
    let is_valid = manifest.invalid.is_empty()
        && !manifest
            .diagnostics
            .iter()
            .any(diagnostic::Diagnostic::is_error);
    let exit = if is_valid {
        Exit::Success
    } else {
        Exit::InvalidFile
    };
    match args.output {
        Format::Text => {
            terminal.out_unfolded(&diagnostic::render(&manifest.diagnostics, true));
            let valid = count(manifest.integrations.len(), "integration");
            let invalid = match manifest.invalid.len() {
                0 => String::new(),
                n => format!(", {n} with errors"),
            };
            terminal.out(&format!("{valid} valid{invalid}.\n"));
        }
        Format::Json => {
            let result = json!({
                "format_version": FORMAT_VERSION,
                "diagnostics": manifest.diagnostics,
                "valid": manifest.integrations.iter().map(|i| &i.name).collect::<Vec<_>>(),
                "invalid": manifest.invalid.iter().map(|i| &i.name).collect::<Vec<_>>(),
                "exit_code": exit as u8,
            });
            terminal.out_unfolded(&printed(&result));
        }
    }
    Ok(exit)
}
