//! The socket at which clients on this machine trigger a run and receive its result.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, Interest};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::events::{EventSubscription, RunEvent, RunEvents};
use super::message::Message;
use crate::apply::Stop;
use crate::daemon::Trigger;
use crate::daemon::socket::{Socket, SocketPeer, refused, send};

/// Maximum duration of a connection: longer than a write is followed.
const LONGEST: Duration = Duration::from_secs(30 * 60);

/// Answers until the stop is pulled.
pub async fn serve(socket: Socket, events: RunEvents, trigger: Trigger, stop: Stop) {
    let client = SocketClient {
        events,
        trigger,
        stop: stop.clone(),
    };
    let serve_client = |peer| client.clone().serve_client(peer);
    socket.serve(stop, serve_client).await;
}

/// A client.
#[derive(Clone)]
struct SocketClient {
    events: RunEvents,
    trigger: Trigger,
    stop: Stop,
}

impl SocketClient {
    async fn serve_client(self, peer: SocketPeer) {
        let SocketPeer {
            mut stream,
            uid,
            slot,
        } = peer;
        let refusal = match (uid, &slot) {
            (None, _) => {
                "this user is not allowed to trigger runs: see the daemon's `--socket-user`"
            }
            (Some(_), None) => {
                "too many clients: a run was triggered, but its result is not shown \
                here"
            }
            (Some(uid), Some(_)) => return self.answer(stream, uid).await,
        };
        if uid.is_some() {
            self.trigger.notify();
        }
        let _gone = send(&mut stream, &refused(refusal)).await;
    }

    async fn answer(self, mut stream: UnixStream, uid: u32) {
        // Subscribe first: the triggered run may start at once.
        let mut subscription = self.events.subscribe();
        tracing::info!(uid, "socket client triggered a run");
        self.trigger.notify_manual();
        let told = timeout(LONGEST, self.send_events(&mut stream, &mut subscription)).await;
        match told {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "socket client disconnected"),
            Err(_) => {
                let _gone = send(
                    &mut stream,
                    &refused("the run is taking too long: its result is not shown here"),
                )
                .await;
            }
        }
    }

    async fn send_events(
        &self,
        stream: &mut UnixStream,
        subscription: &mut EventSubscription,
    ) -> io::Result<()> {
        loop {
            let event = tokio::select! {
                biased;
                event = subscription.next() => event,
                closed = wait_for_close(stream) => return closed,
                () = self.stop.requested() => subscription.try_next(),
            };
            let (message, is_last) = match event {
                Some(RunEvent::Begun) => continue,
                Some(event) => message(event),
                None => (refused("the daemon is shutting down"), true),
            };
            send(stream, &message).await?;
            if is_last {
                return Ok(());
            }
        }
    }
}

/// Waits until the client has closed the connection. Its data is ignored; a client that only
/// closes its sending side still listens.
async fn wait_for_close(stream: &mut UnixStream) -> io::Result<()> {
    let mut unread = [0; 512];
    while stream.read(&mut unread).await? > 0 {}
    if stream.ready(Interest::WRITABLE).await?.is_write_closed() {
        return Ok(());
    }
    // Should it go away later, the next word to it fails.
    std::future::pending().await
}

/// The message, and whether it is the last.
fn message(event: RunEvent) -> (Message, bool) {
    match event {
        RunEvent::Begun => (text(""), false),
        RunEvent::Text(event) => (text(&event), false),
        RunEvent::Gap => (text("… (see the daemon's log for the rest)\n"), false),
        RunEvent::Ended { exit, summary } => {
            let end = Message::End {
                exit_code: exit as u8,
                summary: summary.to_string(),
            };
            (end, true)
        }
    }
}

fn text(text: &str) -> Message {
    let text = text.to_owned();
    Message::Text { text }
}
