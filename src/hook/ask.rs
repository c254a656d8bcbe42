//! `hook run`: asks at the socket and shows the answer, for no longer than the
//! pusher wants to wait.

use std::io::{self, IsTerminal, Read};
use std::path::Path;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};

use super::Ask;
use crate::client::{DaemonConnection, Unreachable};
use crate::console::Terminal;
use crate::daemon::push::message::Message;
use crate::report::exit::Exit;
use crate::text::{chain, escaped};

/// The most that is read of what was pushed: some ten thousand references.
const LARGEST_INPUT: u64 = 1024 * 1024;

/// Next step if the daemon cannot be reached.
const LATER: &str = "the daemon's next run applies the push";

pub(crate) async fn ask(args: &Ask, terminal: &Terminal) -> Exit {
    let end = Instant::now() + args.timeout;
    if let Some(branch) = &args.branch {
        match timeout_at(end, ignored(branch.clone())).await {
            Ok(None) => {}
            Ok(Some(ignored)) => {
                print_line(terminal, &ignored);
                return Exit::Success;
            }
            Err(_) => {
                print_line(terminal, &still_open(args.timeout));
                return Exit::Failed;
            }
        }
    }
    match timeout_at(end, ask_at(&args.socket, terminal)).await {
        Ok(exit) => exit,
        Err(_) => {
            let after = args.timeout.as_secs();
            let line = format!(
                "the run did not finish within {after} s; the daemon continues the run, \
                and its log shows the result"
            );
            print_line(terminal, &line);
            Exit::Failed
        }
    }
}

fn still_open(after: Duration) -> String {
    let after = after.as_secs();
    format!(
        "no run was triggered: standard input, which lists the pushed references, was still open \
        after {after} s; to trigger a run manually, redirect standard input with `</dev/null`"
    )
}

/// Reason to ignore a push: none of it is to the branch. A manual call has pushed nothing.
async fn ignored(branch: String) -> Option<String> {
    if io::stdin().is_terminal() {
        return None;
    }
    // The thread may block for ever: nothing waits for it.
    let pushed = spawn_blocking(pushed).await.ok()?;
    ignored_push(&branch, &pushed.ok()?)
}

/// Pushed references, from git. If they cannot be read, they may include the branch: an
/// additional run does no harm.
fn pushed() -> io::Result<String> {
    let mut pushed = String::new();
    let input = io::stdin().take(LARGEST_INPUT);
    io::BufReader::new(input).read_to_string(&mut pushed)?;
    Ok(pushed)
}

/// The same, of the lines that git hands to the hook: `OLD NEW REFERENCE`.
fn ignored_push(branch: &str, pushed: &str) -> Option<String> {
    let references = pushed.lines().filter_map(|line| line.splitn(3, ' ').nth(2));
    let short = |reference: &str| {
        let name = reference.strip_prefix("refs/heads/").map(str::to_owned);
        name.unwrap_or_else(|| reference.to_owned())
    };
    let names: Vec<String> = references.map(short).collect();
    if names.is_empty() || names.iter().any(|name| name == branch) {
        return None;
    }
    let names = names.join(", ");
    Some(format!("ignored: the push updates {names}, not {branch}"))
}

async fn ask_at(socket: &Path, terminal: &Terminal) -> Exit {
    let mut connection = match DaemonConnection::open(socket).await {
        Ok(connection) => connection,
        Err(error) => {
            print_line(terminal, &not_there(&error));
            return Exit::Failed;
        }
    };
    while let Some(message) = connection.next().await {
        match message {
            Message::Text { text } => terminal.out(&text),
            Message::End { exit_code, summary } => {
                print_line(terminal, &summary);
                return Exit::of_code(exit_code);
            }
            Message::Refused { why } => {
                print_line(terminal, &why);
                return Exit::Failed;
            }
            // They belong to the control socket.
            Message::Result { .. }
            | Message::Alive
            | Message::Screen { .. }
            | Message::Question { .. } => {}
        }
    }
    print_line(
        terminal,
        &format!("the daemon closed the connection; {LATER}"),
    );
    Exit::Failed
}

fn not_there(error: &Unreachable) -> String {
    let what = chain(error);
    match error {
        Unreachable::NotThere(_) | Unreachable::Failed { .. } => format!("{what}; {LATER}"),
        Unreachable::NotAllowed(_) => {
            format!("{what}: give this user access with the daemon's `--socket-user`; {LATER}")
        }
    }
}

/// A line of our own among those of git.
fn print_line(terminal: &Terminal, line: &str) {
    terminal.out(&format!("integrationd: {}\n", escaped(line)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_push_counts_if_anything_of_it_is_the_branch() {
        let line = |reference: &str| format!("{} {} {reference}\n", "0".repeat(40), "a".repeat(40));
        let ignored = |references: &[&str]| {
            let pushed: String = references.iter().map(|r| line(r)).collect();
            ignored_push("main", &pushed)
        };
        assert_eq!(ignored(&["refs/heads/main"]), None);
        assert_eq!(ignored(&["refs/heads/topic", "refs/heads/main"]), None);
        assert_eq!(ignored(&[]), None);
        let told = ignored(&["refs/heads/topic", "refs/tags/main"]);
        assert_eq!(
            told.as_deref(),
            Some("ignored: the push updates topic, refs/tags/main, not main")
        );
    }
}
