//! One fetch: where it goes, how long it may take, and what went wrong.
//!
//! libgit2 is synchronous, and turns every error into a text. So a fetch runs in a
//! thread for blocking work, its session is known to that thread, and the first
//! failure is kept here with its type.

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use git2::transport::{Service, SmartSubtransportStream};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::Instant;

use super::error::GitFailure;

/// The most that a server may send in one fetch. A repository of ten thousand
/// integration files has a few megabytes.
const LARGEST_FETCH: u64 = 512 * 1024 * 1024;

/// The most that a server may say of its references: two hundred thousand of them. All
/// of it is kept in memory, twice.
const LARGEST_ADVERTISEMENT: u64 = 16 * 1024 * 1024;

/// Route to a repository.
pub(super) trait GitTransport: fmt::Debug + Send + Sync {
    /// True if every request stands for itself.
    fn is_stateless(&self) -> bool;

    /// Begins a part of the exchange.
    fn open(
        &self,
        session: &Arc<GitSession>,
        service: Service,
    ) -> Result<Box<dyn SmartSubtransportStream>, GitFailure>;
}

#[derive(Debug)]
pub(super) struct GitSession {
    pub(super) route: Arc<dyn GitTransport>,
    handle: Handle,
    allowed: Duration,
    deadline: Instant,
    cancelled: watch::Receiver<bool>,
    received: AtomicU64,
    failure: Mutex<Option<GitFailure>>,
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<GitSession>>> = const { RefCell::new(None) };
}

/// The session of this thread.
pub(super) fn current() -> Option<Arc<GitSession>> {
    CURRENT.with_borrow(Clone::clone)
}

/// Ends the session of a thread.
pub(super) struct Entered;

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(None);
    }
}

impl GitSession {
    pub(super) fn new(
        route: Arc<dyn GitTransport>,
        allowed: Duration,
        cancelled: watch::Receiver<bool>,
    ) -> Self {
        Self {
            route,
            handle: Handle::current(),
            allowed,
            deadline: Instant::now() + allowed,
            cancelled,
            received: AtomicU64::new(0),
            failure: Mutex::new(None),
        }
    }

    /// Makes it the session of this thread.
    pub(super) fn enter(self: &Arc<Self>) -> Entered {
        CURRENT.set(Some(Arc::clone(self)));
        Entered
    }

    /// Waits for something, but not longer than is allowed. Only for the thread of
    /// the session, which may be blocked.
    pub(super) fn wait<T>(&self, work: impl Future<Output = T>) -> Result<T, GitFailure> {
        let mut cancelled = self.cancelled.clone();
        self.handle.block_on(async {
            tokio::select! {
                biased;
                () = gone(&mut cancelled) => Err(GitFailure::Cancelled),
                () = tokio::time::sleep_until(self.deadline) => Err(self.late()),
                done = work => Ok(done),
            }
        })
    }

    /// Checks that there is still time, for work that never waits.
    pub(super) fn check(&self) -> Result<(), GitFailure> {
        if *self.cancelled.borrow() || self.cancelled.has_changed().is_err() {
            return Err(GitFailure::Cancelled);
        }
        if Instant::now() >= self.deadline {
            return Err(self.late());
        }
        Ok(())
    }

    /// The same for what libgit2 calls back, with how much it has received; the
    /// failure is kept.
    pub(super) fn goes_on(&self, received: usize) -> bool {
        let checked = self.check().and_then(|()| within(received as u64));
        checked.map_err(|failure| self.keep(failure)).is_ok()
    }

    fn late(&self) -> GitFailure {
        let seconds = self.allowed.as_secs();
        GitFailure::Deadline { seconds }
    }

    /// Counts what the server sent.
    pub(super) fn receive(&self, bytes: usize) -> Result<(), GitFailure> {
        let before = self.received.fetch_add(bytes as u64, Ordering::Relaxed);
        within(before + bytes as u64)
    }

    /// The same for a part of the list of references, of which so much came before; the
    /// new sum.
    pub(super) fn receive_references(&self, before: u64, bytes: usize) -> Result<u64, GitFailure> {
        self.receive(bytes)?;
        let sum = before + bytes as u64;
        if sum > LARGEST_ADVERTISEMENT {
            let limit = LARGEST_ADVERTISEMENT;
            return Err(GitFailure::TooManyReferences { limit });
        }
        Ok(sum)
    }

    /// Begins a part of the exchange.
    pub(super) fn open(
        self: &Arc<Self>,
        service: Service,
    ) -> Result<Box<dyn SmartSubtransportStream>, GitFailure> {
        self.route.open(self, service)
    }

    /// Keeps the first failure, and gives libgit2 something to carry on.
    pub(super) fn keep(&self, failure: GitFailure) -> git2::Error {
        let mut kept = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get_or_insert(failure);
        git2::Error::from_str("see the session")
    }

    /// The same for a stream.
    pub(super) fn keep_io(&self, failure: GitFailure) -> io::Error {
        io::Error::other(self.keep(failure).message().to_owned())
    }

    /// The failure that was kept, or else what libgit2's error means.
    pub(super) fn failure(
        &self,
        error: git2::Error,
        otherwise: impl FnOnce(git2::Error) -> GitFailure,
    ) -> GitFailure {
        let mut kept = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        kept.take().unwrap_or_else(|| otherwise(error))
    }
}

fn within(received: u64) -> Result<(), GitFailure> {
    if received > LARGEST_FETCH {
        let limit = LARGEST_FETCH;
        return Err(GitFailure::TooLarge { limit });
    }
    Ok(())
}

/// Waits until the result is no longer wanted.
async fn gone(cancelled: &mut watch::Receiver<bool>) {
    // The sender that is dropped says the same.
    let _ = cancelled.wait_for(|cancelled| *cancelled).await;
}
