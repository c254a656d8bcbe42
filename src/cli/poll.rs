//! The source of a daemon: read by its runs, and looked at between them for a new revision.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Mutex as Turn;
use tokio::time::sleep;

use super::args::DaemonArgs;
use super::source::{Read, Source, Unread};
use super::terminal::Terminal;
use crate::daemon::{Bell, Board};
use crate::source::git::CommitId;
use crate::text::chain;

/// How often a repository is asked for a new revision.
const ASK: Duration = Duration::from_secs(60);

/// The share by which a pause is shortened at random, so that many daemons do not ask at once.
const JITTER: f64 = 0.1;

/// What is known of the source. One at a time fetches: they share a copy on disk.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    turn: Arc<Turn<()>>,
    known: Arc<Mutex<Known>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Known {
    /// What the last run has seen, whether it took it or not.
    seen: Option<CommitId>,
    /// What a run has carried out: what it only looked at may be rewritten.
    applied: Option<CommitId>,
}

impl Place {
    /// The revision that a run of this process has last carried out.
    pub(super) fn applied(&self) -> Option<CommitId> {
        self.known().applied
    }

    /// A run has carried this revision out.
    pub(super) fn carried_out(&self, revision: &str) {
        self.known().applied = CommitId::parse(revision).ok();
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
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
        let source = Source::of(&args.run).map_err(Unread::lasting)?;
        let read = source.read(&args.run, applied, terminal).await;
        let seen = match &read {
            Ok(read) => read.revision.as_ref().map(|revision| revision.id),
            Err(unread) => unread.seen,
        };
        if matches!(source, Source::Git(_)) {
            board.metrics.fetched(seen.is_some());
        }
        let mut known = self.known();
        known.seen = seen.or(known.seen);
        drop(known);
        read
    }

    /// Asks for a new revision again and again, and rings when there is one. What goes
    /// wrong is for the next run to tell.
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
            match fetched {
                Ok(fetched) if Some(fetched.revision.id) != self.known().seen => bell.ring(),
                Ok(_) => {}
                Err(error) => tracing::warn!(error = chain(&error), "nothing was fetched"),
            }
        }
    }
}
