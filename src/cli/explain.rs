//! `explain`: the state of an integration, or the meaning of a diagnostic.

use std::path::PathBuf;

use clap::{ArgMatches, Args};

use super::args::{FILES, ReferenceArgs, RunArgs};
use super::command::{CommandArgs, CommandContext};
use super::help;
use crate::client;
use crate::diagnostic::Code;
use crate::report::exit::Exit;
use crate::report::explain::{Explanation, unknown_code};
use crate::report::failure::CommandFailure;
use crate::report::format::{OutputFormat, render};
use crate::report::integration::{IntegrationDocument, exit_code};
use crate::session::explain::{explain, is_known};
use crate::text::chain;

/// Explain the state of an integration, or the code of a diagnostic
///
/// The state of an integration comes from a plan, as in `sync --dry-run`, which sends only reads to
/// the tenant. The explanation of a code has a wrong and a right example, and needs no settings.
#[derive(Debug, Args)]
#[command(after_help = help::EXPLAIN, mut_arg("dir", |dir| dir.long("dir").help_heading(FILES)))]
pub(super) struct ExplainArgs {
    /// Name or id of an integration, or a code such as E0301
    #[arg(value_name = "NAME|CODE")]
    pub subject: String,
    /// Format of the result on standard output
    #[arg(long, short, value_name = "FORMAT", value_enum, default_value_t = OutputFormat::Text)]
    pub output: OutputFormat,
    /// Socket of the daemon whose state is shown, if it is running [default:
    /// /run/integrationd/integrationd.sock]
    #[arg(long, value_name = "PATH", env = "INTEGRATIOND_SOCKET")]
    pub socket: Option<PathBuf>,
    #[command(flatten)]
    pub run: Box<RunArgs>,
}

impl CommandArgs for ExplainArgs {
    fn reads_settings(matches: &ArgMatches) -> bool {
        let subject = matches.get_one::<String>("subject");
        subject
            .and_then(|it| Code::from_number(it.trim()))
            .is_none()
    }

    fn format(&self) -> OutputFormat {
        self.output
    }

    fn references(&mut self) -> Option<&mut ReferenceArgs> {
        Some(&mut self.run.files.references)
    }

    async fn run(self, context: CommandContext<'_>) -> Result<Exit, CommandFailure> {
        let (terminal, subject) = (context.terminal, self.subject.trim());
        if let Some(code) = Code::from_number(subject) {
            terminal.result(&render(self.output, &Explanation::new(code)));
            return Ok(Exit::Success);
        }
        let settings = (*self.run).into();
        if Code::is_resembled_by(subject) && !is_known(&settings, subject).await {
            return Err(unknown_code(subject));
        }
        let explained = explain(&settings, &self.subject, &terminal).await?;
        let mut document = IntegrationDocument::new(&explained);
        if let Some(tenant) = &explained.tenant {
            let socket = self.socket.as_deref();
            document.daemon = client::integration(socket, tenant, &explained.name).await;
        }
        terminal.result(&render(self.output, &document));
        if let Some(unread) = &explained.failure {
            terminal.warning(
                format_args!("the tenant could not be read: {}", chain(unread)),
                unread.help(),
            );
        }
        Ok(exit_code(&explained))
    }
}
