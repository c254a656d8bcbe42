//! The source of a daemon: read by its runs, and polled between them for a new revision.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as Turn, watch as published};
use tokio::time::sleep;

use super::{StatusPublisher, Trigger};
use crate::pause::shorter;
use crate::plan::KnownNames;
use crate::session::{OpenError, Opened, Session, Source, Watcher};
use crate::settings::daemon::DaemonSettings;
use crate::source::git::{CommitId, GitError};
use crate::source::{Content, Snapshot, SourceError, content_of};
use crate::text::chain;

/// Time between two polls of a repository.
const POLL_INTERVAL: Duration = Duration::from_secs(60);

/// State of the source. One reader at a time fetches: they share a copy on disk.
#[derive(Debug, Clone, Default)]
pub(super) struct WatchedSource {
    turn: Arc<Turn<()>>,
    /// Result of the last read, whether it was applied or not.
    found: Arc<Mutex<Option<Found>>>,
    /// Contents of the directory, as the last run read it.
    content: published::Sender<Option<Content>>,
    /// Names that the last run knew, for settings that are read again.
    names: published::Sender<Option<Arc<KnownNames>>>,
}

/// The finding of a read of a repository, as far as the next poll compares it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Found {
    Revision(CommitId),
    /// A failure that needs an operator, in words.
    Problem(String),
    /// A failure that may pass.
    Outage,
}

impl Found {
    fn of_error(error: &GitError) -> Self {
        if error.is_transient() {
            Self::Outage
        } else {
            Self::Problem(chain(error))
        }
    }

    fn of(read: &Result<Opened, OpenError>) -> Option<Self> {
        match read {
            Ok(opened) => opened.revision().map(|it| Self::Revision(it.id)),
            Err(OpenError::RejectedRevision(rejected)) => {
                Some(Self::Revision(rejected.revision.id))
            }
            Err(OpenError::Git(error)) => Some(Self::of_error(error)),
            Err(_) => None,
        }
    }
}

/// Keeps what a run finds on its way in.
struct Findings<'a> {
    source: &'a WatchedSource,
    print: &'a dyn Watcher,
}

impl Watcher for Findings<'_> {
    fn directory(&self, read: &Result<Snapshot, SourceError>) {
        self.source.content.send_replace(Some(content_of(read)));
    }

    fn no_files(&self, place: &str) {
        self.print.no_files(place);
    }

    fn names(&self, known: &dyn Fn() -> KnownNames) {
        self.source.names.send_replace(Some(Arc::new(known())));
    }
}

impl WatchedSource {
    /// Contents of the directory, as the last run read it, now and later.
    pub(super) fn content(&self) -> published::Receiver<Option<Content>> {
        self.content.subscribe()
    }

    /// The names that the last run knew; `None` before the first one.
    pub(super) fn names(&self) -> Option<Arc<KnownNames>> {
        self.names.borrow().clone()
    }

    /// Keeps other readers of the source waiting, for as long as the turn is kept.
    pub(super) async fn turn(&self) -> impl Drop + '_ {
        self.turn.lock().await
    }

    fn found(&self) -> std::sync::MutexGuard<'_, Option<Found>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Findings of the last run, in a form that can be compared.
    pub(super) fn inputs(&self) -> String {
        let content = *self.content.borrow();
        format!("{:?} {content:?}", *self.found())
    }

    /// Reads the files for a run.
    pub(super) async fn read(
        &self,
        session: &Session,
        settings: &DaemonSettings,
        publisher: &StatusPublisher,
        print: &dyn Watcher,
    ) -> Result<Opened, OpenError> {
        let _turn = self.turn.lock().await;
        publisher.record_progress();
        let findings = Findings {
            source: self,
            print,
        };
        let read = session.files(&settings.run, &findings).await;
        let found = Found::of(&read);
        if settings.run.git.is_some() {
            let is_fetched = matches!(found, Some(Found::Revision(_)));
            publisher.metrics.fetched(is_fetched);
        }
        *self.found() = found;
        read
    }

    /// Polls the repository, and triggers a run when it finds something else than the last
    /// run did: another revision, or a failure that began or ended.
    pub(super) async fn poll(
        &self,
        settings: &DaemonSettings,
        publisher: &StatusPublisher,
        trigger: &Trigger,
    ) {
        let pause = settings.poll.unwrap_or(POLL_INTERVAL);
        loop {
            sleep(shorter(pause, fastrand::f64())).await;
            let _turn = self.turn.lock().await;
            let Ok(Source::Git(source)) = Source::of(&settings.run) else {
                continue;
            };
            let fetched = source.fetch(None).await;
            publisher.metrics.fetched(fetched.is_ok());
            if let Err(error) = &fetched {
                // The run that follows reports it.
                tracing::debug!(error = chain(error), "cannot fetch the repository");
            }
            let found = match &fetched {
                Ok(fetched) => Found::Revision(fetched.revision.id),
                Err(error) => Found::of_error(error),
            };
            if *self.found() != Some(found) {
                trigger.notify_source_changed();
            }
        }
    }
}
