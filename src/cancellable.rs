//! Work in a separate thread, so that its caller still handles signals while the work waits for
//! the system: for a file, a terminal, or a pipe without a reader.

use std::panic::resume_unwind;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::{JoinError, JoinHandle, spawn_blocking};
use tokio::time::timeout;

/// Time for cancelled work to notice the cancellation. Work that waits for the system does not
/// notice it, and ends with the process.
const CANCEL_TIMEOUT: Duration = Duration::from_millis(200);

/// The work.
pub(crate) struct CancellableTask<T> {
    /// Dropped, it calls the work off.
    cancel: oneshot::Sender<()>,
    /// Absent once it has ended.
    thread: Option<JoinHandle<Option<T>>>,
}

impl<T: Send + 'static> CancellableTask<T> {
    /// Begins it.
    pub(crate) fn begin<F>(work: impl FnOnce() -> F + Send + 'static) -> Self
    where
        F: Future<Output = T>,
    {
        let (cancel, cancelled) = oneshot::channel();
        let runtime = Handle::current();
        let thread = spawn_blocking(move || {
            runtime.block_on(async {
                tokio::select! {
                    biased;
                    _ = cancelled => None,
                    done = work() => Some(done),
                }
            })
        });
        Self {
            cancel,
            thread: Some(thread),
        }
    }

    /// Waits for its end.
    pub(crate) async fn finished(&mut self) -> T {
        if let Some(thread) = &mut self.thread {
            let done = joined(thread.await);
            self.thread = None;
            if let Some(done) = done {
                return done;
            }
        }
        // It was called off, or has ended before.
        std::future::pending().await
    }

    /// Calls it off: it ends where it waits next.
    pub(crate) async fn cancel(self) {
        drop(self.cancel);
        if let Some(thread) = self.thread {
            // The result is no longer of interest.
            let _ = timeout(CANCEL_TIMEOUT, thread).await;
        }
    }
}

/// Result of a thread. A panic in the thread is propagated to the caller that waits for it.
pub(crate) fn joined<T>(done: Result<T, JoinError>) -> T {
    done.unwrap_or_else(|error| match error.try_into_panic() {
        Ok(panic) => resume_unwind(panic),
        Err(error) => resume_unwind(Box::new(error)),
    })
}
