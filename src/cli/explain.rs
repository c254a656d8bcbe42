//! `explain`: the meaning of a diagnostic.

use clap::Args;

use super::args::ReferenceArgs;
use super::command::{CommandArgs, CommandContext};
use super::help;
use crate::diagnostic::Code;
use crate::manifest::nearest;
use crate::report::exit::Exit;
use crate::report::explain::Explanation;
use crate::report::failure::CommandFailure;
use crate::report::format::{OutputFormat, render};
use crate::text::escaped;

/// Explain a diagnostic, with a wrong and a right example
#[derive(Debug, Args)]
#[command(after_help = help::EXPLAIN)]
pub(super) struct ExplainArgs {
    /// Code of the diagnostic, such as E0301
    #[arg(value_name = "CODE")]
    pub subject: String,
    /// Format of the result on standard output
    #[arg(long, short, value_name = "FORMAT", value_enum, default_value_t = OutputFormat::Text)]
    pub output: OutputFormat,
}

impl CommandArgs for ExplainArgs {
    const USES_SETTINGS: bool = false;

    fn format(&self) -> OutputFormat {
        self.output
    }

    fn references(&mut self) -> Option<&mut ReferenceArgs> {
        None
    }

    async fn run(
        self,
        CommandContext { terminal, .. }: CommandContext<'_>,
    ) -> Result<Exit, CommandFailure> {
        let code = code(&self.subject)?;
        terminal.result(&render(self.output, &Explanation::new(code)));
        Ok(Exit::Success)
    }
}

/// The requested code.
fn code(subject: &str) -> Result<Code, CommandFailure> {
    if !Code::is_number(subject) {
        return Err(CommandFailure::new(
            Exit::Usage,
            format_args!("`{}` is not the code of a diagnostic", escaped(subject)),
            "give an E or a W and four digits, such as E0301",
        ));
    }
    Code::from_number(subject).ok_or_else(|| {
        let numbers = Code::ALL.iter().map(|code| code.number());
        let meant = match nearest(subject, numbers) {
            Some(number) => format!("did you mean {number}? "),
            None => String::new(),
        };
        CommandFailure::new(
            Exit::Usage,
            format_args!(
                "no diagnostic has the code {}",
                subject.to_ascii_uppercase()
            ),
            format_args!("{meant}docs/diagnostics.md lists all codes"),
        )
    })
}
