//! `hook run`: asks at the socket and shows the answer, for no longer than the
//! pusher wants to wait.

use std::io::{self, ErrorKind, IsTerminal, Read};
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::UnixStream;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};

use super::Ask;
use crate::console::Terminal;
use crate::daemon::push::message::Message;
use crate::report::exit::Exit;
use crate::text::escaped;

/// The most that is read of what was pushed: some ten thousand references.
const LARGEST_INPUT: u64 = 1024 * 1024;

/// The most that is read of an answer: a plan of ten thousand integrations has a tenth.
const LARGEST_ANSWER: u64 = 64 * 1024 * 1024;

/// Next step if the daemon cannot be reached.
const LATER: &str = "the push is applied in the daemon's next run";

pub(crate) async fn ask(args: &Ask, terminal: Terminal) -> Exit {
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
                "the run did not finish within {after} s; the daemon continues, \
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
        after {after} s; use `</dev/null` to trigger a run manually"
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
    Some(format!("ignored: the push is to {names}, not to {branch}"))
}

async fn ask_at(socket: &Path, terminal: Terminal) -> Exit {
    let stream = match UnixStream::connect(socket).await {
        Ok(stream) => stream,
        Err(error) => {
            print_line(terminal, &not_there(socket, &error));
            return Exit::Failed;
        }
    };
    let mut lines = BufReader::new(stream.take(LARGEST_ANSWER)).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        match Message::parse(&line) {
            Some(Message::Text { text }) => terminal.out(&text),
            Some(Message::End { exit_code, summary }) => {
                print_line(terminal, &summary);
                return Exit::of_code(exit_code);
            }
            Some(Message::Refused { why }) => {
                print_line(terminal, &why);
                return Exit::Failed;
            }
            // A newer daemon may say more.
            None => {}
        }
    }
    print_line(
        terminal,
        &format!("the daemon closed the connection; {LATER}"),
    );
    Exit::Failed
}

fn not_there(socket: &Path, error: &io::Error) -> String {
    let place = socket.display();
    let kind = error.kind();
    if matches!(kind, ErrorKind::NotFound | ErrorKind::ConnectionRefused) {
        format!("no daemon is listening at {place}; {LATER}")
    } else if kind == ErrorKind::PermissionDenied {
        format!(
            "this user is not allowed to connect to {place}: see the daemon's `--socket-user`; {LATER}"
        )
    } else {
        format!("cannot connect to the daemon at {place}: {error}; {LATER}")
    }
}

/// A line of our own among those of git.
fn print_line(terminal: Terminal, line: &str) {
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
            Some("ignored: the push is to topic, refs/tags/main, not to main")
        );
    }
}
