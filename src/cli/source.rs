//! Where the files come from: a directory, or a revision of a git repository.

use super::apart::joined;
use super::args::RunArgs;
use super::connect;
use super::failure::Failure;
use super::terminal::Terminal;
use crate::ledger::Ledger;
use crate::manifest::{Bindings, Manifest};
use crate::report::exit::Exit;
use crate::source::git::{CommitId, Descent, Fetched, GitError, GitSource, Revision, advance};
use crate::source::{SeenDirectory, Snapshot, SourceError, read_directory};
use crate::sync::Files;
use crate::text::{chain, escaped};

/// Where the files come from.
#[derive(Debug, Clone)]
pub(super) enum Source {
    Directory,
    Git(Box<GitSource>),
}

/// What was read there.
pub(super) struct Read {
    pub manifest: Manifest,
    pub files: Files,
    /// Absent for a directory.
    pub revision: Option<Revision>,
}

/// Why nothing was read.
pub(super) struct Unread {
    pub failure: Failure,
    /// Whether trying again may help.
    pub is_transient: bool,
    /// Whether what was found there must not be taken.
    pub is_refused: bool,
    /// What a look at the source found.
    pub seen: Option<Seen>,
}

/// What a look at a source found, as far as the next look compares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    Revision(CommitId),
    /// What somebody has to do something about, in words.
    Problem(String),
    /// What may pass by itself.
    Outage,
}

impl Seen {
    pub(super) fn of(fetched: &Result<Fetched, GitError>) -> Self {
        match fetched {
            Ok(fetched) => Self::Revision(fetched.revision.id),
            Err(error) if error.is_transient() => Self::Outage,
            Err(error) => Self::Problem(chain(error)),
        }
    }
}

impl Source {
    /// What the command line names.
    pub(super) fn of(args: &RunArgs) -> Result<Self, Failure> {
        let git = args.git.source(args.state.as_deref())?;
        Ok(git.map_or(Self::Directory, |source| Self::Git(Box::new(source))))
    }

    /// Reads the files. A revision that does not follow the applied one is held. What is
    /// read of a directory is shown to `look`.
    pub(super) async fn read(
        &self,
        args: &RunArgs,
        applied: Option<CommitId>,
        terminal: Terminal,
        look: impl FnOnce(&Result<Snapshot, SourceError>),
    ) -> Result<Read, Unread> {
        let source = match self {
            Self::Directory => {
                // In a thread: nothing else waits for a file system that hangs.
                let directory = args.files.dir.clone();
                let read = tokio::task::spawn_blocking(move || read_directory(&directory)).await;
                let read = joined(read);
                look(&read);
                let seen = SeenDirectory::now(&args.files.dir, &read);
                let snapshot = read.map_err(Unread::transient)?;
                let place = Self::shown(args, None);
                return Ok(Read {
                    files: Files::Directory(Box::new(seen)),
                    manifest: connect::load(
                        &args.files,
                        &bindings(args),
                        (&place, &snapshot),
                        terminal,
                    ),
                    revision: None,
                });
            }
            Self::Git(source) => source,
        };
        let fetched = source.fetch(applied).await;
        let seen = Some(Seen::of(&fetched));
        let fetched = fetched.map_err(|error| Unread {
            is_transient: error.is_transient(),
            is_refused: error.is_refusal(),
            failure: error.into(),
            seen,
        })?;
        let Fetched {
            revision,
            snapshot,
            descent,
        } = fetched;
        let may_rewrite = args.git.may_rewrite(&revision.id);
        if !advance(applied.as_ref(), &revision.id, descent, may_rewrite).may_proceed() {
            return Err(held(&revision, applied, descent));
        }
        let place = Self::shown(args, None);
        Ok(Read {
            files: Files::Commit,
            manifest: connect::load(&args.files, &bindings(args), (&place, &snapshot), terminal),
            revision: Some(revision),
        })
    }

    /// For people and for the history.
    pub(super) fn shown(args: &RunArgs, revision: Option<&Revision>) -> String {
        let Some(url) = &args.git.git else {
            return args.files.dir.display().to_string();
        };
        let url = escaped(url);
        revision.map_or_else(
            || url.to_string(),
            |revision| {
                let Revision {
                    id,
                    author,
                    subject,
                    ..
                } = revision;
                format!("{url} at {id} ({author}: {subject})")
            },
        )
    }
}

/// Whoever can push a file could otherwise send any secret to any host.
pub(super) fn bindings(args: &RunArgs) -> Bindings {
    let bindings = args.files.references.bindings(&args.files.dir);
    if args.git.git.is_some() {
        bindings.strict()
    } else {
        bindings
    }
}

/// The revision that was last carried out.
pub(super) fn applied(ledger: &Ledger) -> Option<CommitId> {
    CommitId::parse(ledger.carried_out.as_deref()?).ok()
}

fn held(revision: &Revision, applied: Option<CommitId>, descent: Descent) -> Unread {
    let Revision {
        id,
        author,
        subject,
        ..
    } = revision;
    let applied = applied.map(|id| id.to_string()).unwrap_or_default();
    let named = format!("{id} ({author}: {subject})");
    let take = format!("if that is meant, take it with `--git-allow-rewrite={id}`");
    let (what, help) = match descent {
        Descent::Unknown => (
            format!(
                "it cannot be told whether {named} descends from {applied}, which is applied: \
                 the history that can be read ends before it"
            ),
            format!("if the repository is a shallow clone, fetch more history into it; or, {take}"),
        ),
        Descent::Unrelated | Descent::Descends => (
            format!(
                "history was rewritten: {named} does not descend from {applied}, which is applied"
            ),
            take,
        ),
    };
    Unread {
        is_transient: false,
        is_refused: true,
        seen: Some(Seen::Revision(revision.id)),
        failure: Failure::new(Exit::Refused, what, help),
    }
}

impl Unread {
    fn transient(error: impl Into<Failure>) -> Self {
        Self {
            is_transient: true,
            ..Self::lasting(error)
        }
    }

    pub(super) fn lasting(error: impl Into<Failure>) -> Self {
        Self {
            failure: error.into(),
            is_transient: false,
            is_refused: false,
            seen: None,
        }
    }
}

impl From<Unread> for Failure {
    fn from(unread: Unread) -> Self {
        unread.failure
    }
}
