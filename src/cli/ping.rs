//! `ping`: is the tenant there, and may we manage it? One line for each
//! question, and what to do about the first one that fails.

use anstyle::{AnsiColor, Style};
use clap::Args;

use super::args::{ConnectionArgs, ReferenceArgs};
use super::command::{CommandArgs, CommandContext};
use super::help;
use crate::console::Terminal;
use crate::immuta::{ApiError, KnownSecrets, ReadApi, RetryPolicy};
use crate::live::Live;
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::session::{OpenError, Tenant};
use crate::text::{chain, count, escaped};

/// Check the URL, the certificate, the credentials and the permission
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

/// What is asked, in the order in which it can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question {
    Connection,
    Tenant,
    Credentials,
    Permission,
}

const QUESTIONS: [Question; 4] = [
    Question::Connection,
    Question::Tenant,
    Question::Credentials,
    Question::Permission,
];

async fn run(args: PingArgs, terminal: Terminal) -> Result<Exit, CommandFailure> {
    // Whoever asks wants to know how it is now.
    let tenant =
        Tenant::new(&args.connection.into(), RetryPolicy::NEVER, None).map_err(OpenError::from)?;
    let url = tenant.url.clone();
    answer(terminal, "url", Ok(&url));
    let answered = tenant.reader(KnownSecrets::none()).list().await;
    let failed = answered.as_ref().err().map(failed_question);
    for question in QUESTIONS.iter().take_while(|q| Some(**q) != failed) {
        answer(terminal, question.word(), Ok(question.good(&url)));
    }
    match answered {
        Ok(live) => {
            answer(terminal, "list", Ok(&listed(&live)));
            Ok(Exit::Success)
        }
        Err(error) => {
            let question = failed_question(&error);
            answer(terminal, question.word(), Err(&chain(&error)));
            let bold = Style::new().bold();
            terminal.out(&format!("{bold}help:{bold:#}   {}\n", error.help()));
            Ok(Exit::Failed)
        }
    }
}

fn answer(terminal: Terminal, question: &str, answer: Result<&str, &str>) {
    let (word, style, text) = match answer {
        Ok(text) => ("ok", AnsiColor::Green, text),
        Err(text) => ("failed", AnsiColor::Red, text),
    };
    let style = style.on_default();
    terminal.out(&format!(
        "{style}{word:6}{style:#}  {question:11}  {}\n",
        escaped(text)
    ));
}

/// Up to so many parts that cannot be read, each has a line of its own.
const FEW: usize = crate::live::MOST_REASONS;

fn listed(live: &Live) -> String {
    let readable = count(live.integrations.len(), "integration");
    match live.unreadable.len() {
        0 => readable,
        n @ 1..=FEW => format!("{readable}, and {n} that cannot be read (see `integrationd list`)"),
        n => format!("{readable}, and at least {n} that cannot be read (see `integrationd list`)"),
    }
}

impl Question {
    fn word(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Tenant => "tenant",
            Self::Credentials => "credentials",
            Self::Permission => "permission",
        }
    }

    fn good(self, url: &str) -> &'static str {
        match self {
            Self::Connection if url.starts_with("https") => {
                "reached, and the certificate is accepted"
            }
            Self::Connection => "reached on this machine, without TLS",
            Self::Tenant => "answers like Immuta's integrations API",
            Self::Credentials => "accepted",
            Self::Permission => "granted",
        }
    }
}

/// The question that an error answers with no.
fn failed_question(error: &ApiError) -> Question {
    match error {
        ApiError::Transport { .. } => Question::Connection,
        ApiError::NoCredentials(error) => failed_question(error),
        ApiError::Unreadable { .. } => Question::Tenant,
        ApiError::Refused { refusal, .. } => match refusal.code {
            401 => Question::Credentials,
            403 => Question::Permission,
            _ => Question::Tenant,
        },
    }
}
