//! The control socket: reads one request of each client, and answers it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{interval, sleep, timeout};
use tracing::Instrument;

use super::handed::{HandedRun, HandedWork};
use super::request::{Answer, DaemonCommand, LARGEST_REQUEST};
use super::screen::ClientScreen;
use crate::apply::Stop;
use crate::daemon::push::message::{Message, ScreenPlace};
use crate::daemon::socket::{SLOWEST, Socket, SocketPeer, refused, send};
use crate::daemon::view::{StatusDocument, readable};
use crate::daemon::{DaemonStatus, Trigger};
use crate::report::exit::Exit;
use crate::report::format::{OutputFormat, render};

/// Time limit for a request.
const REQUEST_TIMEOUT: Duration = SLOWEST;

/// Time after which a client learns that its command waits for a run.
const PATIENCE: Duration = Duration::from_secs(1);

/// Time between two signs of life to a client whose command is under way.
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);

/// The longest answer to a question, in bytes.
const LARGEST_ANSWER: usize = 1024;

/// Said to a client whose command waits.
const WAITING: &str = "Waiting for the daemon to finish the run under way.\n";

/// Said to a client that gives up waiting.
const CANCELLED: &str = "Stopped before the daemon began the command: nothing was written.\n";

/// Reason to refuse a request at the end of the daemon.
pub(in crate::daemon) const SHUTTING_DOWN: &str = "the daemon is shutting down";

/// Answers until the stop is pulled.
pub async fn serve(
    socket: Socket,
    status: watch::Receiver<DaemonStatus>,
    commands: mpsc::Sender<HandedRun>,
    trigger: Trigger,
    stop: Stop,
) {
    let client = ControlClient {
        status,
        commands,
        trigger,
        stop: stop.clone(),
    };
    let serve_client = |peer| client.clone().serve_client(peer);
    socket.serve(stop, serve_client).await;
}

/// A client.
#[derive(Clone)]
struct ControlClient {
    status: watch::Receiver<DaemonStatus>,
    commands: mpsc::Sender<HandedRun>,
    trigger: Trigger,
    stop: Stop,
}

impl ControlClient {
    async fn serve_client(self, peer: SocketPeer) {
        let SocketPeer { stream, uid, slot } = peer;
        let (reader, mut writer) = stream.into_split();
        let reader = BufReader::new(reader);
        let answer = match (uid, &slot) {
            (None, _) => refused("this user is not allowed to send requests to the daemon"),
            (Some(_), None) => refused("too many clients: try again later"),
            (Some(uid), Some(_)) => {
                let span = tracing::info_span!("client", uid);
                self.answer(reader, &mut writer).instrument(span).await
            }
        };
        if let Err(error) = send(&mut writer, &answer).await {
            tracing::debug!(%error, "control socket client disconnected");
        }
    }
}

impl ControlClient {
    async fn answer(
        &self,
        mut reader: BufReader<OwnedReadHalf>,
        writer: &mut OwnedWriteHalf,
    ) -> Message {
        let request = tokio::select! {
            biased;
            () = self.stop.requested() => return refused(SHUTTING_DOWN),
            request = timeout(REQUEST_TIMEOUT, read_line(&mut reader, LARGEST_REQUEST)) => request,
        };
        let line = match request {
            Ok(Ok(line)) => line,
            Ok(Err(error)) => return refused(&error.to_string()),
            Err(_) => return refused("the request did not arrive in time"),
        };
        match DaemonCommand::parse(&line) {
            Ok(DaemonCommand::Status) => status(&self.status.borrow()),
            Ok(DaemonCommand::SuspensionsChanged) => {
                tracing::info!("a suspension has begun or ended");
                self.trigger.notify();
                status(&self.status.borrow())
            }
            Ok(DaemonCommand::Run(command)) => {
                let work = HandedWork::Command(command);
                self.carry_out(work, reader, writer).await
            }
            Ok(DaemonCommand::Record(records)) => {
                let work = HandedWork::Records(records);
                self.carry_out(work, reader, writer).await
            }
            Err(error) => refused(&error.to_string()),
        }
    }

    /// Has a command carried out, and sends what it prints. A client that closes its side asks
    /// for a stop; one that is gone has asked for it, too.
    async fn carry_out(
        &self,
        work: HandedWork,
        mut reader: BufReader<OwnedReadHalf>,
        writer: &mut OwnedWriteHalf,
    ) -> Message {
        let (messages, mut written) = mpsc::unbounded_channel();
        let (approvals, answers) = mpsc::unbounded_channel();
        let screen = Arc::new(ClientScreen::new(messages, answers, &work));
        let (done, mut ended) = oneshot::channel();
        let command = work.word().to_owned();
        let run = HandedRun {
            work,
            screen: Arc::clone(&screen),
            done,
        };
        if self.commands.try_send(run).is_err() {
            return refused("too many commands are waiting for the daemon: try again later");
        }
        tracing::info!(command, "a client handed over a command");
        let mut signs_of_life = interval(SIGN_OF_LIFE);
        let mut is_patient = true;
        let mut listens = true;
        let ended = loop {
            tokio::select! {
                biased;
                _ = signs_of_life.tick() => screen.show_life(),
                Some(message) = written.recv() => {
                    if send_slowly(writer, &message).await.is_err() {
                        // The command goes on, and stops where it may.
                        screen.request_stop();
                        break ended.await;
                    }
                }
                ended = &mut ended => break ended,
                answer = read_answer(&mut reader), if listens => match answer {
                    Some(answer) => drop(approvals.send(answer.approves)),
                    None => {
                        listens = false;
                        screen.request_stop();
                        if !screen.has_begun() {
                            screen.write(ScreenPlace::Error, CANCELLED);
                            break Ok(Ok(Exit::Partial));
                        }
                    }
                },
                () = sleep(PATIENCE), if is_patient => {
                    is_patient = false;
                    if !screen.has_begun() {
                        screen.write(ScreenPlace::Error, WAITING);
                    }
                }
            }
        };
        while let Ok(message) = written.try_recv() {
            let _gone = send_slowly(writer, &message).await;
        }
        match ended {
            Ok(ended) => last_message(ended),
            Err(_) if screen.has_begun() => refused("the daemon ended before the command did"),
            Err(_) => refused(SHUTTING_DOWN),
        }
    }
}

/// The end of a command, or the reason to refuse it.
fn last_message(ended: Result<Exit, String>) -> Message {
    match ended {
        Ok(exit) => Message::End {
            exit_code: exit as u8,
            summary: String::new(),
        },
        Err(why) => refused(&why),
    }
}

/// Sends a piece of the output. A reader such as a pager may take its time, as at a pipe.
async fn send_slowly(writer: &mut OwnedWriteHalf, message: &Message) -> io::Result<()> {
    writer.write_all(message.line().as_bytes()).await
}

/// The next answer to a question; `None` if there will be none.
async fn read_answer(reader: &mut BufReader<OwnedReadHalf>) -> Option<Answer> {
    let line = read_line(reader, LARGEST_ANSWER).await.ok()?;
    Answer::parse(std::str::from_utf8(&line).ok()?)
}

/// A line of the client.
async fn read_line(reader: &mut BufReader<OwnedReadHalf>, longest: usize) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    let mut limited = reader.take(longest as u64 + 1);
    limited.read_until(b'\n', &mut line).await?;
    if line.len() > longest {
        return Err(io::Error::other("the request is too long"));
    }
    Ok(line)
}

/// The published status: it does not wait for the run under way.
fn status(status: &DaemonStatus) -> Message {
    Message::Result {
        exit_code: Exit::Success as u8,
        text: readable(status, Timestamp::now()),
        json: render(OutputFormat::Json, &StatusDocument::new(status)).kept,
    }
}
