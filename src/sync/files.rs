//! Check of the files for a plan that deletes: a second read that equals the first.

use crate::plan::{Plan, SourceKind};
use crate::source::{Reread, Unconfirmed};

/// Source of the files.
#[derive(Debug)]
pub enum Files {
    /// A commit. It never changes, so that a second read is the first: what a commit
    /// lacks was removed on purpose.
    Commit,
    /// A directory, to which others may be writing while it is read.
    Directory(Box<dyn Reread>),
}

impl Files {
    /// The kind of source.
    #[must_use]
    pub fn kind(&self) -> SourceKind {
        match self {
            Self::Commit => SourceKind::Commit,
            Self::Directory(_) => SourceKind::Directory,
        }
    }

    /// Makes sure, where a plan deletes or forgets anything, that the files still are
    /// those that it was made from.
    ///
    /// # Errors
    /// The files have changed, or this cannot be determined.
    pub(super) async fn confirm(&self, plan: &Plan) -> Result<(), Unconfirmed> {
        match self {
            Self::Directory(directory) if takes_away(plan) => directory.confirm().await,
            Self::Directory(_) | Self::Commit => Ok(()),
        }
    }
}

/// True if a plan deletes an integration, alone or to create it again, or forgets one.
fn takes_away(plan: &Plan) -> bool {
    !plan.gone.is_empty() || plan.actions.iter().any(|action| action.kind.is_removal())
}
