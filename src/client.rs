//! The connection to a daemon on this machine, for every command that has one.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines, Take};
use tokio::net::UnixStream;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

use crate::console::Terminal;
use crate::daemon::control::request::{Answer, DaemonCommand};
use crate::daemon::push::message::Message;
use crate::process::signal::RunSignals;
use crate::report::daemon_entry::DaemonEntry;
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::settings::daemon::{DEFAULT_SOCKET, NO_SOCKET, control_path};
use crate::text::chain;

/// The most that is read of an answer: a plan of ten thousand integrations has a tenth.
const LARGEST_ANSWER: u64 = 64 * 1024 * 1024;

/// Time limit for each step of a request: the daemon answers at once.
const STEP_TIMEOUT: Duration = Duration::from_secs(20);

/// Time without a sign of life from a daemon that carries out a command.
const SILENCE_LIMIT: Duration = Duration::from_secs(30);

/// A daemon that cannot be reached.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreachable {
    /// There is no listener.
    #[error("no daemon is listening at {}", .0.display())]
    NotThere(PathBuf),
    /// The user may not connect.
    #[error("this user is not allowed to connect to {}", .0.display())]
    NotAllowed(PathBuf),
    /// Anything else.
    #[error("cannot connect to the daemon at {}", .path.display())]
    Failed {
        /// The path.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
}

/// A connection to a daemon.
pub(crate) struct DaemonConnection(Lines<BufReader<Take<UnixStream>>>);

impl DaemonConnection {
    /// Connects.
    pub(crate) async fn open(socket: &Path) -> Result<Self, Unreachable> {
        let source = match UnixStream::connect(socket).await {
            Ok(stream) => return Ok(Self(BufReader::new(stream.take(LARGEST_ANSWER)).lines())),
            Err(error) => error,
        };
        let (path, kind) = (socket.to_owned(), source.kind());
        Err(
            if matches!(kind, ErrorKind::NotFound | ErrorKind::ConnectionRefused) {
                Unreachable::NotThere(path)
            } else if kind == ErrorKind::PermissionDenied {
                Unreachable::NotAllowed(path)
            } else {
                Unreachable::Failed { path, source }
            },
        )
    }

    /// The next message; `None` if the connection has ended.
    pub(crate) async fn next(&mut self) -> Option<Message> {
        while let Ok(Some(line)) = self.0.next_line().await {
            // A newer daemon may have more kinds of messages.
            if let Some(message) = Message::parse(&line) {
                return Some(message);
            }
        }
        None
    }

    async fn send(&mut self, line: &str) -> io::Result<()> {
        self.stream().write_all(line.as_bytes()).await
    }

    /// Closes this side: the daemon stops the command where it may.
    async fn end_input(&mut self) {
        if let Err(error) = self.stream().shutdown().await {
            tracing::debug!(%error, "cannot ask the daemon to stop the command");
        }
    }

    fn stream(&mut self) -> &mut UnixStream {
        self.0.get_mut().get_mut().get_mut()
    }
}

/// The result of a request.
#[derive(Debug)]
pub(crate) struct DaemonResult {
    /// As the command is to exit.
    pub(crate) exit: Exit,
    /// For people.
    pub(crate) text: String,
    /// For programs.
    pub(crate) json: String,
}

/// A request without a result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    /// The settings say that the daemon has no socket.
    #[error("the settings disable the socket of the daemon (`socket: none`)")]
    Disabled,
    /// The daemon cannot be reached.
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    /// There is only the socket for triggers.
    #[error("the daemon at {} has no control socket", .0.display())]
    Old(PathBuf),
    /// It did not answer.
    #[error("the daemon at {} did not answer within {} s", .0.display(), STEP_TIMEOUT.as_secs())]
    TimedOut(PathBuf),
    /// It closed the connection.
    #[error("the daemon at {} closed the connection without an answer", .0.display())]
    Closed(PathBuf),
    /// It was killed, or lost power, while it carried out a command.
    #[error(
        "the daemon at {} ended before the command did, so the outcome of the command is unknown",
        .0.display()
    )]
    Died(PathBuf),
    /// It is stopped, or hangs.
    #[error(
        "the daemon at {} has not responded for {} s, so the outcome of the command is unknown",
        .0.display(), SILENCE_LIMIT.as_secs()
    )]
    Silent(PathBuf),
    /// A signal ended this process.
    #[error(
        "interrupted: the daemon at {} starts no new writes and finishes those under way",
        .0.display()
    )]
    Interrupted(PathBuf),
    /// A signal ended this process while it asked for the approval.
    #[error("interrupted before the approval: nothing was written")]
    Unapproved,
    /// It refused.
    #[error("the daemon at {} refused the request: {why}", .path.display())]
    Refused {
        /// The path.
        path: PathBuf,
        /// The reason.
        why: String,
    },
}

impl RequestError {
    /// The remedy.
    fn help(&self) -> &'static str {
        match self {
            Self::Disabled => {
                "enable the socket in the daemon's settings and restart the daemon, or give \
                `--socket`"
            }
            Self::Unreachable(Unreachable::NotThere(_)) => {
                "start the daemon, or give the path of its socket with `--socket`"
            }
            Self::Unreachable(Unreachable::NotAllowed(_)) => {
                "run the command as root or as the daemon's own user"
            }
            Self::Unreachable(Unreachable::Failed { .. }) => {
                "give the path of the daemon's socket with `--socket`"
            }
            Self::Old(_) => {
                "the daemon may have an older version: restart the daemon with this version"
            }
            Self::TimedOut(_) | Self::Closed(_) => "check the log of the daemon",
            Self::Died(_) => {
                "start the daemon: it detects the outcome of its writes and continues; then run \
                 `integrationd history` and `integrationd sync --dry-run`"
            }
            Self::Silent(_) => {
                "check the log of the daemon, and restart the daemon if it hangs: it detects the \
                 outcome of its writes and continues"
            }
            Self::Interrupted(_) => {
                "run `integrationd status`; after the writes, run `integrationd history` to see \
                the result"
            }
            Self::Unapproved => "to apply the changes, run the command again",
            Self::Refused { .. } => {
                "check that `--socket`, the URL of the tenant and the settings file are those of \
                 the daemon, and check the log of the daemon"
            }
        }
    }
}

impl From<RequestError> for CommandFailure {
    fn from(error: RequestError) -> Self {
        let exit = match &error {
            RequestError::Interrupted(_) | RequestError::Unapproved => Exit::Partial,
            RequestError::Disabled
            | RequestError::Unreachable(_)
            | RequestError::Old(_)
            | RequestError::TimedOut(_)
            | RequestError::Closed(_)
            | RequestError::Died(_)
            | RequestError::Silent(_)
            | RequestError::Refused { .. } => Exit::Failed,
        };
        Self::new(exit, chain(&error), error.help())
    }
}

/// A connection to the control socket of a daemon, with a request on its way.
struct Exchange {
    connection: DaemonConnection,
    path: PathBuf,
}

impl Exchange {
    /// Connects to the daemon with this socket, and sends a request.
    async fn begin(socket: Option<&Path>, command: &DaemonCommand) -> Result<Self, RequestError> {
        let socket = socket.unwrap_or(Path::new(DEFAULT_SOCKET));
        if socket == Path::new(NO_SOCKET) {
            return Err(RequestError::Disabled);
        }
        let path = control_path(socket);
        let timed_out = || RequestError::TimedOut(path.clone());
        let opened = timeout(STEP_TIMEOUT, DaemonConnection::open(&path)).await;
        let mut connection = match opened.map_err(|_| timed_out())? {
            // Only the file is examined: a connection to that socket would start a run.
            Err(Unreachable::NotThere(_)) if socket.exists() && !path.exists() => {
                return Err(RequestError::Old(socket.to_owned()));
            }
            Err(Unreachable::NotThere(_)) => {
                return Err(Unreachable::NotThere(socket.to_owned()).into());
            }
            opened => opened?,
        };
        let sent = timeout(STEP_TIMEOUT, connection.send(&command.line())).await;
        if let Err(error) = sent.map_err(|_| timed_out())? {
            // The daemon may have refused before it read the request: its answer says why.
            tracing::debug!(%error, "cannot send the request to the daemon");
        }
        Ok(Self { connection, path })
    }
}

/// Sends a request to the daemon with this socket, and returns the result.
pub(crate) async fn request(
    socket: Option<&Path>,
    command: DaemonCommand,
) -> Result<DaemonResult, RequestError> {
    let Exchange {
        mut connection,
        path,
    } = Exchange::begin(socket, &command).await?;
    loop {
        let message = timeout(STEP_TIMEOUT, connection.next()).await;
        match message.map_err(|_| RequestError::TimedOut(path.clone()))? {
            Some(Message::Result {
                exit_code,
                text,
                json,
            }) => {
                let exit = Exit::of_code(exit_code);
                return Ok(DaemonResult { exit, text, json });
            }
            Some(Message::Refused { why }) => return Err(RequestError::Refused { path, why }),
            Some(
                Message::Text { .. }
                | Message::End { .. }
                | Message::Screen { .. }
                | Message::Alive
                | Message::Question { .. },
            ) => {}
            None => return Err(RequestError::Closed(path)),
        }
    }
}

/// The state of an integration in the daemon with this socket; `None` if no daemon manages it.
pub(crate) async fn integration(
    socket: Option<&Path>,
    tenant: &str,
    name: &str,
) -> Option<DaemonEntry> {
    match request(socket, DaemonCommand::Status).await {
        Ok(result) => {
            let status = serde_json::from_str(&result.json).ok()?;
            DaemonEntry::of(&status, tenant, name)
        }
        Err(error) => {
            tracing::debug!(error = chain(&error), "no status of a daemon");
            None
        }
    }
}

/// True if a daemon accepts commands at this socket.
pub(crate) async fn accepts_commands(socket: Option<&Path>) -> bool {
    let socket = socket.unwrap_or(Path::new(DEFAULT_SOCKET));
    let found = timeout(STEP_TIMEOUT, DaemonConnection::open(&control_path(socket))).await;
    !matches!(found, Ok(Err(Unreachable::NotThere(_))))
}

/// Has the daemon with this socket carry out a command, and shows what it prints.
pub(crate) async fn hand_over(
    socket: Option<&Path>,
    command: DaemonCommand,
    terminal: &Terminal,
) -> Result<Exit, RequestError> {
    // Before the request: until then, a signal ends this process alone.
    let mut signals = RunSignals::listen();
    let Exchange {
        mut connection,
        path,
    } = Exchange::begin(socket, &command).await?;
    let mut is_interrupted = false;
    let mut question = None;
    loop {
        let message = tokio::select! {
            biased;
            message = timeout(SILENCE_LIMIT, connection.next()) => match message {
                Ok(message) => message,
                Err(_) if is_interrupted => return Err(RequestError::Interrupted(path)),
                Err(_) => return Err(RequestError::Silent(path)),
            },
            approves = answer(&mut question), if question.is_some() => {
                question = None;
                if let Err(error) = connection.send(&Answer { approves }.line()).await {
                    tracing::debug!(%error, "cannot send the answer");
                }
                continue;
            }
            () = signals.next() => {
                // The thread that reads the answer would go on.
                if question.is_some() {
                    return Err(RequestError::Unapproved);
                }
                if is_interrupted {
                    return Err(RequestError::Interrupted(path));
                }
                is_interrupted = true;
                connection.end_input().await;
                continue;
            }
        };
        match message {
            Some(Message::Screen { place, text }) => terminal.write(place, &text),
            Some(Message::Question { text }) => {
                let asked = terminal.clone();
                // The daemon may end meanwhile, and a signal may come.
                question = Some(spawn_blocking(move || asked.ask_here(&text)));
            }
            Some(Message::End { exit_code, .. }) => return Ok(Exit::of_code(exit_code)),
            Some(Message::Refused { why }) => return Err(RequestError::Refused { path, why }),
            Some(Message::Text { .. } | Message::Alive | Message::Result { .. }) => {}
            None => return Err(RequestError::Died(path)),
        }
    }
}

/// The answer of the person who was asked; waits for ever, if there is no question.
async fn answer(question: &mut Option<JoinHandle<bool>>) -> bool {
    match question {
        Some(answer) => answer.await.unwrap_or(false),
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::UnixListener;

    use super::*;
    use crate::console::Color;

    #[tokio::test(start_paused = true)]
    async fn client_does_not_wait_for_a_stopped_daemon() {
        let place = tempfile::tempdir().unwrap();
        let socket = place.path().join("it.sock");
        // The kernel accepts the connection.
        let _listener = UnixListener::bind(control_path(&socket)).unwrap();
        let terminal = Terminal::new(Color::Never);
        let ended = hand_over(Some(&socket), DaemonCommand::Status, &terminal).await;
        assert!(matches!(ended, Err(RequestError::Silent(_))), "{ended:?}");
    }
}
