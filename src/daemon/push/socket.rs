//! The socket at which clients on this machine trigger a run and receive its result.
//!
//! The kernel identifies the client. Root, the daemon's own user and the users that the
//! operator names may connect; no other user may, whatever the mode of the file.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream as Probe;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::geteuid;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::events::{EventSubscription, RunEvent, RunEvents};
use super::message::Message;
use crate::apply::Stop;
use crate::daemon::Trigger;

/// Maximum number of concurrent clients: a push is one.
const CLIENTS: usize = 16;

/// Maximum duration of a connection: longer than a write is followed.
const LONGEST: Duration = Duration::from_secs(30 * 60);

/// Time limit for a client to read a line.
const SLOWEST: Duration = Duration::from_secs(10);

/// Time limit for the last messages at shutdown.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// Pause if no client can be accepted, mostly for lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Reason why there is no socket.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Another process listens there.
    #[error("another daemon listens at {}", .0.display())]
    InUse(PathBuf),
    /// A file that is not to be lost.
    #[error("{} exists and is not a socket", .0.display())]
    NotASocket(PathBuf),
    /// The system does not let us.
    #[error("cannot listen at {}", .path.display())]
    Bind {
        /// The path.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
}

impl SocketError {
    /// The remedy.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::InUse(_) => {
                "stop it, choose another path with `--socket`, or use `--socket \
                none`"
            }
            Self::NotASocket(_) => "choose another path with `--socket`",
            Self::Bind { .. } => {
                "check `--socket`: the directory must exist and be writable, and the path must be \
                shorter than 108 bytes"
            }
        }
    }
}

/// A bound socket. Its file goes when it does.
#[derive(Debug)]
pub struct Socket {
    listener: UnixListener,
    file: SocketFile,
    /// Permitted users, by number.
    users: Arc<[u32]>,
}

/// The file of a socket, which another daemon may have replaced.
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let found = fs::symlink_metadata(&self.path);
        if found.is_ok_and(|found| (found.dev(), found.ino()) == (self.device, self.inode)) {
            // Left behind, it is taken for what it is by the next start.
            let _unimportant = fs::remove_file(&self.path);
        }
    }
}

impl Socket {
    /// Binds the path, for these users besides root and the daemon's own. What a
    /// daemon that was killed has left there is removed.
    ///
    /// # Errors
    /// The path is not to be had.
    pub fn bind(path: &Path, others: &[u32]) -> Result<Self, SocketError> {
        let failed = |source| SocketError::Bind {
            path: path.to_owned(),
            source,
        };
        let listener = match UnixListener::bind(path) {
            Err(error) if error.kind() == ErrorKind::AddrInUse => {
                remove_stale(path)?;
                UnixListener::bind(path)
            }
            bound => bound,
        };
        let listener = listener.map_err(failed)?;
        // The umask has kept other users out until here. A connection needs write permission.
        let mode = if others.is_empty() { 0o600 } else { 0o666 };
        fs::set_permissions(path, Permissions::from_mode(mode)).map_err(failed)?;
        let found = fs::symlink_metadata(path).map_err(failed)?;
        let mut users = vec![0, geteuid().as_raw()];
        users.extend(others);
        Ok(Self {
            listener,
            file: SocketFile {
                path: path.to_owned(),
                device: found.dev(),
                inode: found.ino(),
            },
            users: users.into(),
        })
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.file.path
    }

    /// Answers until the stop is pulled; the last words then have a little time.
    pub async fn serve(self, events: RunEvents, trigger: Trigger, stop: Stop) {
        let slots = Arc::new(Semaphore::new(CLIENTS));
        let mut clients = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                () = stop.requested() => break,
                Some(_) = clients.join_next() => {}
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        let client = SocketClient {
                            slot: Arc::clone(&slots).try_acquire_owned().ok(),
                            is_authorized: self.is_authorized(&stream),
                            events: events.clone(),
                            trigger: trigger.clone(),
                            stop: stop.clone(),
                        };
                        clients.spawn(client.serve_client(stream));
                    }
                    Err(error) => {
                        tracing::debug!(%error, "cannot accept a client at the socket");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
        }
        drop(self);
        let all = async { while clients.join_next().await.is_some() {} };
        if timeout(SHUTDOWN_TIMEOUT, all).await.is_err() {
            tracing::debug!("disconnected socket clients at shutdown");
        }
    }

    fn is_authorized(&self, stream: &UnixStream) -> bool {
        match stream.peer_cred() {
            Ok(peer) if self.users.contains(&peer.uid()) => true,
            Ok(peer) => {
                let uid = peer.uid();
                tracing::warn!(uid, "rejected a client at the socket: user not allowed");
                false
            }
            Err(error) => {
                tracing::warn!(%error, "rejected a client at the socket: cannot read its \
                    credentials");
                false
            }
        }
    }
}

/// Removes a socket without a listener.
fn remove_stale(path: &Path) -> Result<(), SocketError> {
    let failed = |source| SocketError::Bind {
        path: path.to_owned(),
        source,
    };
    let found = fs::symlink_metadata(path).map_err(failed)?;
    if !found.file_type().is_socket() {
        return Err(SocketError::NotASocket(path.to_owned()));
    }
    match Probe::connect(path) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(failed)
        }
        Ok(_) => Err(SocketError::InUse(path.to_owned())),
        Err(error) => Err(failed(error)),
    }
}

/// A client.
struct SocketClient {
    slot: Option<OwnedSemaphorePermit>,
    is_authorized: bool,
    events: RunEvents,
    trigger: Trigger,
    stop: Stop,
}

impl SocketClient {
    async fn serve_client(self, mut stream: UnixStream) {
        let refusal = match (self.is_authorized, &self.slot) {
            (false, _) => {
                "this user is not allowed to trigger runs: see the daemon's `--socket-user`"
            }
            (true, None) => {
                "too many clients: a run was triggered, but its result is not shown \
                here"
            }
            (true, Some(_)) => return self.answer(stream).await,
        };
        if self.is_authorized {
            self.trigger.notify();
        }
        let _gone = send(&mut stream, &refused(refusal)).await;
    }

    async fn answer(self, mut stream: UnixStream) {
        // Subscribe first: the triggered run may start at once.
        let mut subscription = self.events.subscribe();
        tracing::info!("client at the socket triggered a run");
        self.trigger.notify_manual();
        let told = timeout(LONGEST, self.send_events(&mut stream, &mut subscription)).await;
        match told {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "client at the socket disconnected"),
            Err(_) => {
                let _gone = send(
                    &mut stream,
                    &refused(
                        "the run takes too long to show its result \
                    here",
                    ),
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

fn refused(why: &str) -> Message {
    let why = why.to_owned();
    Message::Refused { why }
}

async fn send(stream: &mut UnixStream, message: &Message) -> io::Result<()> {
    let line = message.line();
    timeout(SLOWEST, stream.write_all(line.as_bytes())).await?
}
