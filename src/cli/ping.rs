//! `ping`: is the tenant there, and may we manage it? One line for each
//! question, and what to do about the first one that fails.

use anstyle::{AnsiColor, Style};

use super::args::PingArgs;
use super::connect;
use super::terminal::Terminal;
use crate::immuta::{ApiError, ReadApi, TransportErrorKind};
use crate::live::Live;
use crate::report::exit::Exit;
use crate::text::{count, escaped};

/// The questions, in the order in which they can fail.
const QUESTIONS: [&str; 4] = ["connection", "tenant", "credentials", "permission"];

pub(super) async fn run(args: &PingArgs, terminal: Terminal) -> Exit {
    let tenant = match connect::tenant(&args.connection) {
        Ok(tenant) => tenant,
        Err(error) => return connect::invalid_settings(terminal, &error),
    };
    answer(terminal, "url", &Ok(escaped(&tenant.url).into_owned()));
    match tenant.reader.list().await {
        Ok(live) => {
            for (question, good) in QUESTIONS.iter().zip(good(&live)) {
                answer(terminal, question, &Ok(good));
            }
            Exit::Success
        }
        Err(error) => {
            let failed = diagnose(&error);
            for question in QUESTIONS.iter().take_while(|q| **q != failed.question) {
                answer(terminal, question, &Ok(String::new()));
            }
            let what = error.to_string();
            answer(terminal, failed.question, &Err(escaped(&what).into_owned()));
            let bold = Style::new().bold();
            terminal.out(&format!("        {bold}help:{bold:#} {}\n", failed.help));
            Exit::Failed
        }
    }
}

fn answer(terminal: Terminal, question: &str, answer: &Result<String, String>) {
    let (word, style, text) = match answer {
        Ok(text) => ("ok", AnsiColor::Green, text),
        Err(text) => ("failed", AnsiColor::Red, text),
    };
    let style = style.on_default();
    let line = format!("{style}{word:6}{style:#}  {question:11}  {text}");
    terminal.out(&format!("{}\n", line.trim_end()));
}

fn good(live: &Live) -> [String; 4] {
    [
        "reached, and the certificate is accepted".to_owned(),
        "answers like Immuta's integrations API".to_owned(),
        "accepted".to_owned(),
        format!("may list {}", count(live.integrations.len(), "integration")),
    ]
}

/// Which question an error answers with no.
struct Failed {
    question: &'static str,
    help: &'static str,
}

fn diagnose(error: &ApiError) -> Failed {
    match error {
        ApiError::Transport { source, .. } => Failed {
            question: "connection",
            help: connection_help(source.kind),
        },
        ApiError::Unreadable { .. } => Failed {
            question: "tenant",
            help: NOT_IMMUTA,
        },
        ApiError::Refused { refusal, .. } => match refusal.code {
            401 => Failed {
                question: "credentials",
                help: "the key is wrong, expired or revoked: make a new one on the profile page of Immuta, tab API Keys; servers that want a token first take `--auth token`",
            },
            403 => Failed {
                question: "permission",
                help: "the key's user needs the permission APPLICATION_ADMIN",
            },
            429 => Failed {
                question: "tenant",
                help: "the tenant asks for fewer requests: try again later",
            },
            500.. => Failed {
                question: "tenant",
                help: "the tenant, or a proxy before it, is in trouble: try again later",
            },
            _ => Failed {
                question: "tenant",
                help: NOT_IMMUTA,
            },
        },
    }
}

const NOT_IMMUTA: &str =
    "is this the URL of an Immuta tenant? It is the one in the browser, without a path";

fn connection_help(kind: TransportErrorKind) -> &'static str {
    match kind {
        TransportErrorKind::Connect => {
            "check the host name, the network and, if there is one, the proxy (HTTPS_PROXY)"
        }
        TransportErrorKind::Certificate => {
            "if the certificate is signed by a private authority, give its certificate with `--ca-file`"
        }
        TransportErrorKind::Timeout | TransportErrorKind::Broken => {
            "check whether a firewall or a proxy stands between"
        }
    }
}
