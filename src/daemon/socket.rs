//! Sockets for clients on this machine.
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
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::push::message::Message;
use crate::apply::Stop;

/// Maximum number of concurrent clients: a push is one.
const CLIENTS: usize = 16;

/// Time limit for a client to read or send a line.
pub(in crate::daemon) const SLOWEST: Duration = Duration::from_secs(10);

/// Time limit for the last messages at shutdown.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// Pause if no client can be accepted, mostly for lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Reason why there is no socket.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Another process listens there.
    #[error("another daemon is already listening at {}", .0.display())]
    InUse(PathBuf),
    /// A file that is not to be lost.
    #[error("{} exists but is not a socket", .0.display())]
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
                "stop the other daemon, choose another path with `--socket`, or use `--socket \
                none`"
            }
            Self::NotASocket(_) => "choose another path with `--socket`",
            Self::Bind { .. } => {
                "check `--socket`: the directory must exist and be writable, and the path must be \
                shorter than 100 bytes"
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

    /// Serves each client in a task of its own until the stop is pulled; the last messages then
    /// have a little time.
    pub(in crate::daemon) async fn serve<F>(
        self,
        stop: Stop,
        serve_client: impl Fn(SocketPeer) -> F,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        let slots = Arc::new(Semaphore::new(CLIENTS));
        let mut clients = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                () = stop.requested() => break,
                Some(_) = clients.join_next() => {}
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        let peer = SocketPeer {
                            slot: Arc::clone(&slots).try_acquire_owned().ok(),
                            uid: self.permitted(&stream),
                            stream,
                        };
                        clients.spawn(serve_client(peer));
                    }
                    Err(error) => {
                        tracing::debug!(%error, "cannot accept a socket client");
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

    /// The user of a client, if permitted.
    fn permitted(&self, stream: &UnixStream) -> Option<u32> {
        match stream.peer_cred() {
            Ok(peer) if self.users.contains(&peer.uid()) => Some(peer.uid()),
            Ok(peer) => {
                let uid = peer.uid();
                tracing::warn!(uid, "rejected a socket client: the user is not allowed");
                None
            }
            Err(error) => {
                tracing::warn!(%error, "rejected a socket client: cannot read its credentials");
                None
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

/// A client that has connected.
pub(in crate::daemon) struct SocketPeer {
    /// The connection.
    pub(in crate::daemon) stream: UnixStream,
    /// Number of its user; `None` if the user is not permitted.
    pub(in crate::daemon) uid: Option<u32>,
    /// Its slot among the concurrent clients; `None` if there are too many.
    pub(in crate::daemon) slot: Option<OwnedSemaphorePermit>,
}

/// Sends a message.
pub(in crate::daemon) async fn send(
    stream: &mut (impl AsyncWrite + Unpin),
    message: &Message,
) -> io::Result<()> {
    let line = message.line();
    timeout(SLOWEST, stream.write_all(line.as_bytes())).await?
}

/// A refusal for this reason.
pub(in crate::daemon) fn refused(why: &str) -> Message {
    let why = why.to_owned();
    Message::Refused { why }
}
