//! A revision that does not follow the applied one.

use crate::source::git::{CommitId, Descent, Revision};

/// A revision that must not be applied: it does not follow the applied one.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.what())]
pub struct RejectedRevision {
    /// The revision.
    pub revision: Revision,
    applied: Option<CommitId>,
    descent: Descent,
}

impl RejectedRevision {
    pub(super) fn new(revision: Revision, applied: Option<CommitId>, descent: Descent) -> Self {
        Self {
            revision,
            applied,
            descent,
        }
    }

    fn what(&self) -> String {
        let Revision {
            id,
            author,
            subject,
            ..
        } = &self.revision;
        let applied = self.applied.map(|id| id.to_string()).unwrap_or_default();
        let named = format!("{id} ({author}: {subject})");
        match self.descent {
            Descent::Unknown => format!(
                "cannot determine whether {named} descends from the applied revision {applied}: \
                the available history does not reach the applied revision"
            ),
            Descent::Unrelated | Descent::Descends => format!(
                "history was rewritten: {named} does not descend from the applied revision \
                {applied}"
            ),
        }
    }

    pub(super) fn help(&self) -> String {
        let id = self.revision.id;
        let take = format!("if the revision is correct, accept it with `--git-allow-rewrite={id}`");
        match self.descent {
            Descent::Unknown => {
                format!("if the repository is a shallow clone, fetch more history; or, {take}")
            }
            Descent::Unrelated | Descent::Descends => take,
        }
    }
}
