//! Whether a commit has another one in its history, as far as it is there.

use std::collections::{HashSet, VecDeque};

use git2::{ErrorCode, Oid, Repository};

use super::error::Failure;
use super::reference::CommitId;
use super::revision::Descent;
use super::session::Session;

/// The most commits that are looked at. Histories of a repository of
/// configuration are shorter, and the one before is mostly near.
const MOST_COMMITS: usize = 100_000;

/// Walks the history. The one before need not be there: its child names it.
pub(super) fn descent(
    session: &Session,
    repository: &Repository,
    new: CommitId,
    previous: CommitId,
) -> Result<Descent, Failure> {
    if new == previous {
        return Ok(Descent::Descends);
    }
    let mut seen = HashSet::from([new.0]);
    let mut next = VecDeque::from([new.0]);
    let mut is_whole = true;
    while let Some(id) = next.pop_front() {
        session.check()?;
        let Some(parents) = parents(repository, id)? else {
            is_whole = false;
            continue;
        };
        if parents.contains(&previous.0) {
            return Ok(Descent::Descends);
        }
        if seen.len() > MOST_COMMITS {
            return Ok(Descent::Unknown);
        }
        next.extend(parents.into_iter().filter(|parent| seen.insert(*parent)));
    }
    Ok(if is_whole {
        Descent::Unrelated
    } else {
        Descent::Unknown
    })
}

/// What a commit names as its parents; nothing if it is not there. From the
/// commit's own text: libgit2 hides the parents that a shallow copy lacks.
fn parents(repository: &Repository, id: Oid) -> Result<Option<Vec<Oid>>, Failure> {
    let commit = match repository.find_commit(id) {
        Ok(commit) => commit,
        Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
        Err(error) => return Err(Failure::Damaged(error)),
    };
    let header = String::from_utf8_lossy(commit.raw_header_bytes()).into_owned();
    let parents = header
        .lines()
        .filter_map(|line| line.strip_prefix("parent "))
        .map(|id| Oid::from_str(id.trim()))
        .collect::<Result<_, _>>();
    parents.map(Some).map_err(Failure::Damaged)
}
