//! The source of a daemon: read by its runs, and looked at between them for a new revision.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as Turn, watch as published};
use tokio::time::sleep;

use super::args::DaemonArgs;
use super::source::{Read, Seen, Source, Unread};
use super::terminal::Terminal;
use crate::daemon::{Bell, Board};
use crate::plan::KnownNames;
use crate::source::git::CommitId;
use crate::source::{Content, content_of};
use crate::text::chain;

/// How often a repository is asked for a new revision.
const ASK: Duration = Duration::from_secs(60);

/// The share by which a pause is shortened at random, so that many daemons do not ask at once.
const JITTER: f64 = 0.1;

/// What is known of the source. One at a time fetches: they share a copy on disk.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    turn: Arc<Turn<()>>,
    /// What the last run has found, whether it took it or not.
    seen: Arc<Mutex<Option<Seen>>>,
    /// What the last run has read of a directory.
    content: published::Sender<Option<Content>>,
    /// The names that the last run knew, for settings that are read anew.
    names: published::Sender<Option<Arc<KnownNames>>>,
}

impl Place {
    /// What the last run has read of a directory, now and later.
    pub(super) fn content(&self) -> published::Receiver<Option<Content>> {
        self.content.subscribe()
    }

    /// The names that the last run knew; `None` before the first one.
    pub(super) fn names(&self) -> Option<Arc<KnownNames>> {
        self.names.borrow().clone()
    }

    /// Keeps the names that a run knows.
    pub(super) fn knows(&self, names: KnownNames) {
        self.names.send_replace(Some(Arc::new(names)));
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Option<Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Findings of the last run, in a form that can be compared.
    pub(super) fn inputs(&self) -> String {
        let content = *self.content.borrow();
        format!("{:?} {content:?}", *self.seen())
    }

    /// Reads the files for a run.
    pub(super) async fn read(
        &self,
        args: &DaemonArgs,
        applied: Option<CommitId>,
        board: &Board,
        terminal: Terminal,
    ) -> Result<Read, Unread> {
        let _turn = self.turn.lock().await;
        board.moves();
        let source = Source::of(&args.run).map_err(Unread::lasting)?;
        let look = |read: &Result<_, _>| {
            self.content.send_replace(Some(content_of(read)));
        };
        let read = source.read(&args.run, applied, terminal, look).await;
        let seen = match &read {
            Ok(read) => read.revision.as_ref().map(|it| Seen::Revision(it.id)),
            Err(unread) => unread.seen.clone(),
        };
        if matches!(source, Source::Git(_)) {
            board
                .metrics
                .fetched(matches!(seen, Some(Seen::Revision(_))));
        }
        *self.seen() = seen;
        read
    }

    /// Asks for a new revision again and again, and rings when it finds something else
    /// than the last run did: another revision, or something that is wrong or right now.
    pub(super) async fn poll(&self, args: &DaemonArgs, board: &Board, bell: &Bell) {
        let pause = args.poll.unwrap_or(ASK);
        loop {
            sleep(pause.mul_f64(1.0 - JITTER * fastrand::f64())).await;
            let _turn = self.turn.lock().await;
            let Ok(Source::Git(source)) = Source::of(&args.run) else {
                continue;
            };
            let fetched = source.fetch(None).await;
            board.metrics.fetched(fetched.is_ok());
            if let Err(error) = &fetched {
                // The run that follows tells what is new.
                tracing::debug!(error = chain(error), "nothing was fetched");
            }
            if *self.seen() != Some(Seen::of(&fetched)) {
                bell.ring_for_news();
            }
        }
    }
}
