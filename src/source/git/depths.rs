//! Depths to which the history of a commit is fetched, step by step, to find the previous
//! revision: once. A revision that is held is checked again at each run.

use std::fs;
use std::path::PathBuf;

use git2::Repository;

use super::reference::CommitId;

/// A branch rarely gains more commits between two runs.
const STEPS: [i32; 3] = [16, 256, 4096];

/// In the copy: a commit, and how deep it was fetched.
const NOTE: &str = "integrationd-depth";

pub(super) struct Depths {
    note: PathBuf,
    commit: CommitId,
    fetched: i32,
}

impl Depths {
    /// Those of a commit in a copy.
    pub(super) fn of(repository: &Repository, commit: CommitId) -> Self {
        let note = repository.path().join(NOTE);
        let text = fs::read_to_string(&note).unwrap_or_default();
        let of_it = text.strip_prefix(&format!("{commit} "));
        Self {
            fetched: of_it.and_then(|depth| depth.parse().ok()).unwrap_or(0),
            commit,
            note,
        }
    }

    /// The next that was not fetched yet.
    pub(super) fn next(&self) -> Option<i32> {
        STEPS.into_iter().find(|step| *step > self.fetched)
    }

    /// It was fetched.
    pub(super) fn keep(&mut self, depth: i32) {
        self.fetched = depth;
        // What cannot be noted is fetched again at the next run.
        let _ = fs::write(&self.note, format!("{} {depth}", self.commit));
    }
}
