//! The checks of `ping`: a line for each question, and the remedy for the first that fails.

use anstyle::{AnsiColor, Style};

use crate::follow_up::command;
use crate::immuta::ApiError;
use crate::live::Live;
use crate::text::{chain, count, escaped};

/// A question about a tenant, in the order in which they can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question {
    /// Can the tenant be reached?
    Connection,
    /// Does it answer like one?
    Tenant,
    /// Is the API key accepted?
    Credentials,
    /// May the key manage integrations?
    Permission,
}

/// All of them, in this order.
const QUESTIONS: [Question; 4] = [
    Question::Connection,
    Question::Tenant,
    Question::Credentials,
    Question::Permission,
];

/// A line with the answer to a question.
#[must_use]
pub fn answer(question: &str, answer: Result<&str, &str>) -> String {
    let (word, style, text) = match answer {
        Ok(text) => ("ok", AnsiColor::Green, text),
        Err(text) => ("failed", AnsiColor::Red, text),
    };
    let style = style.on_default();
    let text = escaped(text);
    format!("{style}{word:6}{style:#}  {question:11}  {text}\n")
}

/// A line for each question, up to the first that the answer to the list says no to.
#[must_use]
pub fn checks(url: &str, answered: &Result<Live, ApiError>) -> String {
    let failed = answered.as_ref().err().map(failed_question);
    let good = QUESTIONS.iter().take_while(|it| Some(**it) != failed);
    let lines = good.map(|it| answer(it.word(), Ok(it.good(url))));
    let last = match answered {
        Ok(live) => answer("list", Ok(&listed(live))),
        Err(error) => answer(failed_question(error).word(), Err(&chain(error))),
    };
    lines.chain([last]).collect()
}

/// A line with the remedy.
#[must_use]
pub fn help_line(error: &ApiError) -> String {
    let bold = Style::new().bold();
    format!("{bold}help:{bold:#}   {}\n", error.help())
}

/// Up to so many parts that cannot be read, each has a line of its own.
const FEW: usize = crate::live::MOST_REASONS;

/// The number of live integrations.
fn listed(live: &Live) -> String {
    let readable = count(live.integrations.len(), "integration");
    let list = command("list", &[]);
    match live.unreadable.len() {
        0 => readable,
        n @ 1..=FEW => format!("{readable} readable, {n} unreadable (see `{list}`)"),
        n => format!("{readable} readable, at least {n} unreadable (see `{list}`)"),
    }
}

impl Question {
    /// The word for it.
    fn word(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Tenant => "tenant",
            Self::Credentials => "credentials",
            Self::Permission => "permission",
        }
    }

    /// The answer if all is well.
    fn good(self, url: &str) -> &'static str {
        match self {
            Self::Connection if url.starts_with("https") => {
                "connected, and the certificate is trusted"
            }
            Self::Connection => "connected to this machine without TLS",
            Self::Tenant => "responds like Immuta's integrations API",
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
        ApiError::Refused { rejection, .. } => match rejection.code {
            401 => Question::Credentials,
            403 => Question::Permission,
            _ => Question::Tenant,
        },
    }
}
