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

/// What happens where nobody tells.
const LATER: &str = "what was pushed is applied when the daemon next looks";

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
            let line = format!("not done after {after} s; the daemon goes on, and its log tells");
            print_line(terminal, &line);
            Exit::Failed
        }
    }
}

fn still_open(after: Duration) -> String {
    let after = after.as_secs();
    format!(
        "nothing was asked: standard input, which tells what was pushed, was still open after {after} s; `</dev/null` asks by hand"
    )
}

/// Why a push does not count: nothing of it is the branch. Whoever asks by hand
/// has pushed nothing.
async fn ignored(branch: String) -> Option<String> {
    if io::stdin().is_terminal() {
        return None;
    }
    // The thread may wait for ever: nobody waits for it.
    let pushed = spawn_blocking(pushed).await.ok()?;
    ignored_push(&branch, &pushed.ok()?)
}

/// What git says. What cannot be read may be the branch: one look more does no harm.
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
    Some(format!("ignored: {names} is not {branch}"))
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
    print_line(terminal, &format!("the daemon went away; {LATER}"));
    Exit::Failed
}

fn not_there(socket: &Path, error: &io::Error) -> String {
    let place = socket.display();
    let kind = error.kind();
    if matches!(kind, ErrorKind::NotFound | ErrorKind::ConnectionRefused) {
        format!("no daemon listens at {place}; {LATER}")
    } else if kind == ErrorKind::PermissionDenied {
        format!("this user may not ask at {place}: see `--socket-user` of the daemon; {LATER}")
    } else {
        format!("the daemon cannot be asked at {place}: {error}; {LATER}")
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
            Some("ignored: topic, refs/tags/main is not main")
        );
    }
}
