//! The control socket: reads one request of each client, and answers it.

use std::io;
use std::time::Duration;

use jiff::Timestamp;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::UnixStream;
use tokio::sync::watch;
use tokio::time::timeout;

use super::request::{DaemonCommand, LARGEST_REQUEST};
use crate::apply::Stop;
use crate::daemon::DaemonStatus;
use crate::daemon::push::message::Message;
use crate::daemon::socket::{SLOWEST, Socket, SocketPeer, refused, send};
use crate::daemon::view::{StatusDocument, readable};
use crate::report::exit::Exit;
use crate::report::format::{OutputFormat, render};

/// Time limit for a request.
const REQUEST_TIMEOUT: Duration = SLOWEST;

/// Answers until the stop is pulled.
pub async fn serve(socket: Socket, status: watch::Receiver<DaemonStatus>, stop: Stop) {
    let client = ControlClient {
        status,
        stop: stop.clone(),
    };
    let serve_client = |peer| client.clone().serve_client(peer);
    socket.serve(stop, serve_client).await;
}

/// A client.
#[derive(Clone)]
struct ControlClient {
    status: watch::Receiver<DaemonStatus>,
    stop: Stop,
}

impl ControlClient {
    async fn serve_client(self, peer: SocketPeer) {
        let SocketPeer {
            mut stream,
            is_authorized,
            slot,
        } = peer;
        let answer = match (is_authorized, &slot) {
            (false, _) => refused("this user is not allowed to send requests to the daemon"),
            (true, None) => refused("too many clients: try again later"),
            (true, Some(_)) => self.answer(&mut stream).await,
        };
        if let Err(error) = send(&mut stream, &answer).await {
            tracing::debug!(%error, "client at the control socket disconnected");
        }
    }

    async fn answer(&self, stream: &mut UnixStream) -> Message {
        let request = tokio::select! {
            biased;
            () = self.stop.requested() => return refused("the daemon is shutting down"),
            request = timeout(REQUEST_TIMEOUT, read_request(stream)) => request,
        };
        let line = match request {
            Ok(Ok(line)) => line,
            Ok(Err(error)) => return refused(&error.to_string()),
            Err(_) => return refused("the request did not arrive in time"),
        };
        match DaemonCommand::parse(&line) {
            Ok(DaemonCommand::Status) => status(&self.status.borrow()),
            Err(error) => refused(&error.to_string()),
        }
    }
}

/// Line with the request.
async fn read_request(stream: &mut UnixStream) -> io::Result<Vec<u8>> {
    let longest = LARGEST_REQUEST as u64;
    let mut line = Vec::new();
    let mut reader = BufReader::new(stream.take(longest + 1));
    reader.read_until(b'\n', &mut line).await?;
    if line.len() > LARGEST_REQUEST {
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
