//! `ping`: is the tenant there, and may we manage it? One line for each
//! question, and what to do about the first one that fails.

use clap::Args;

use super::args::{ConnectionArgs, ReferenceArgs};
use super::command::{CommandArgs, CommandContext};
use super::help;
use crate::console::Terminal;
use crate::immuta::{KnownSecrets, ReadApi, RetryPolicy};
use crate::report::checks::{QUESTIONS, answer, failed_question, help_line, listed};
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::session::{OpenError, Tenant};
use crate::text::chain;

/// Check the URL, certificate, credentials and permission
#[derive(Debug, Args)]
#[command(after_help = help::PING, after_long_help = help::PING_LONG)]
pub(super) struct PingArgs {
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

impl CommandArgs for PingArgs {
    fn references(&mut self) -> Option<&mut ReferenceArgs> {
        None
    }

    async fn run(
        self,
        CommandContext { terminal, .. }: CommandContext<'_>,
    ) -> Result<Exit, CommandFailure> {
        run(self, terminal).await
    }
}

async fn run(args: PingArgs, terminal: Terminal) -> Result<Exit, CommandFailure> {
    // A ping reports the current state.
    let tenant =
        Tenant::new(&args.connection.into(), RetryPolicy::NEVER, None).map_err(OpenError::from)?;
    let url = tenant.url.clone();
    terminal.out(&answer("url", Ok(&url)));
    let answered = tenant.reader(KnownSecrets::none()).list().await;
    let failed = answered.as_ref().err().map(failed_question);
    for question in QUESTIONS.iter().take_while(|q| Some(**q) != failed) {
        terminal.out(&answer(question.word(), Ok(question.good(&url))));
    }
    match answered {
        Ok(live) => {
            terminal.out(&answer("list", Ok(&listed(&live))));
            Ok(Exit::Success)
        }
        Err(error) => {
            let question = failed_question(&error);
            terminal.out(&answer(question.word(), Err(&chain(&error))));
            terminal.out(&help_line(&error));
            Ok(Exit::Failed)
        }
    }
}
