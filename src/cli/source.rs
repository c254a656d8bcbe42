//! Where the files come from: a directory, or a revision of a git repository.

use super::args::RunArgs;
use super::connect;
use super::failure::Failure;
use super::terminal::Terminal;
use crate::ledger::history::Run;
use crate::manifest::{Bindings, Manifest};
use crate::report::exit::Exit;
use crate::source::git::{CommitId, Fetched, GitSource, Revision, advance};
use crate::source::read_directory;
use crate::text::escaped;

/// How many runs are looked through for the revision that was last applied.
pub(super) const LOOK_BACK: u32 = 100;

/// Where the files come from.
#[derive(Debug, Clone)]
pub(super) enum Source {
    Directory,
    Git(Box<GitSource>),
}

/// What was read there.
pub(super) struct Read {
    pub manifest: Manifest,
    /// Absent for a directory.
    pub revision: Option<Revision>,
}

/// Why nothing was read.
pub(super) struct Unread {
    pub failure: Failure,
    /// Whether trying again may help.
    pub is_transient: bool,
    /// The revision that was seen, and not taken.
    pub seen: Option<CommitId>,
}

impl Source {
    /// What the command line names.
    pub(super) fn of(args: &RunArgs) -> Result<Self, Failure> {
        let git = args.git.source(args.state.as_deref())?;
        Ok(git.map_or(Self::Directory, |source| Self::Git(Box::new(source))))
    }

    /// Reads the files. A revision that does not follow the applied one is held.
    pub(super) async fn read(
        &self,
        args: &RunArgs,
        applied: Option<CommitId>,
        terminal: Terminal,
    ) -> Result<Read, Unread> {
        let source = match self {
            Self::Directory => {
                let snapshot = read_directory(&args.files.dir).map_err(Unread::transient)?;
                let place = Self::shown(args, None);
                return Ok(Read {
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
        let fetched = source.fetch(applied).await.map_err(|error| Unread {
            is_transient: error.is_transient(),
            failure: error.into(),
            seen: None,
        })?;
        let Fetched {
            revision,
            snapshot,
            descent,
        } = fetched;
        let id = revision.id.to_string();
        let may_rewrite = args.git.may_rewrite(&id);
        if !advance(applied.as_ref(), &revision.id, descent, may_rewrite).may_proceed() {
            return Err(held(&revision, applied));
        }
        let place = Self::shown(args, None);
        Ok(Read {
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
    let bindings: Bindings = args.files.allow_secret.iter().cloned().collect();
    if args.git.git.is_some() {
        bindings.strict()
    } else {
        bindings
    }
}

/// The revision that was last applied, as the history has it.
pub(super) fn applied(runs: &[Run]) -> Option<CommitId> {
    let mut revisions = runs.iter().filter_map(|run| run.start.revision.as_deref());
    revisions.find_map(|id| CommitId::parse(id).ok())
}

fn held(revision: &Revision, applied: Option<CommitId>) -> Unread {
    let Revision {
        id,
        author,
        subject,
        ..
    } = revision;
    let applied = applied.map(|id| id.to_string()).unwrap_or_default();
    Unread {
        is_transient: false,
        seen: Some(revision.id),
        failure: Failure::new(
            Exit::Refused,
            format_args!(
                "history was rewritten: {id} ({author}: {subject}) does not descend from {applied}, which is applied"
            ),
            format_args!("if that is meant, take it with `--git-allow-rewrite={id}`"),
        ),
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
            seen: None,
        }
    }
}

impl From<Unread> for Failure {
    fn from(unread: Unread) -> Self {
        unread.failure
    }
}
