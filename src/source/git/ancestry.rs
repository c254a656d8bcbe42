//! History of a commit, as far as it is available.

use std::collections::{HashSet, VecDeque};

use git2::{ErrorCode, ObjectType, Oid, Repository};

use super::error::GitFailure;
use super::objects::Objects;
use super::reference::CommitId;
use super::revision::Descent;
use super::session::GitSession;

/// Maximum number of commits to examine. Histories of a configuration repository are shorter,
/// and the previous revision is usually near.
const MOST_COMMITS: usize = 100_000;

/// Descent of a commit from another one, which need not be available: its child names it.
pub(super) fn descent(
    session: &GitSession,
    repository: &Repository,
    new: CommitId,
    previous: CommitId,
) -> Result<Descent, GitFailure> {
    if new == previous {
        return Ok(Descent::Descends);
    }
    let objects = Objects::of(repository)?;
    let mut walk = AncestryWalk::from([new.0]);
    let mut is_whole = true;
    while let Some(id) = walk.next() {
        session.check()?;
        match before(&objects, id)? {
            Before::These(parents) if parents.contains(&previous.0) => {
                return Ok(Descent::Descends);
            }
            Before::These(parents) => walk.extend(parents),
            // A large one may have been pushed long ago: it stops only the search.
            Before::Missing | Before::TooLarge => is_whole = false,
        }
        if walk.is_too_long() {
            return Ok(Descent::Unknown);
        }
    }
    Ok(if is_whole {
        Descent::Unrelated
    } else {
        Descent::Unknown
    })
}

/// True if libgit2 may walk a history: it reads each commit, however large.
pub(super) fn may_be_walked(
    session: &GitSession,
    repository: &Repository,
    from: impl IntoIterator<Item = Oid>,
) -> Result<bool, GitFailure> {
    let objects = Objects::of(repository)?;
    let mut walk = AncestryWalk::from(from);
    while let Some(id) = walk.next() {
        session.check()?;
        match before(&objects, id)? {
            Before::These(parents) => walk.extend(parents),
            Before::Missing => {}
            Before::TooLarge => return Ok(false),
        }
        if walk.is_too_long() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A walk that comes to each commit once.
struct AncestryWalk {
    seen: HashSet<Oid>,
    next: VecDeque<Oid>,
}

impl AncestryWalk {
    fn from(starts: impl IntoIterator<Item = Oid>) -> Self {
        let mut walk = Self {
            seen: HashSet::new(),
            next: VecDeque::new(),
        };
        walk.extend(starts);
        walk
    }

    fn next(&mut self) -> Option<Oid> {
        self.next.pop_front()
    }

    fn extend(&mut self, found: impl IntoIterator<Item = Oid>) {
        let Self { seen, next } = self;
        next.extend(found.into_iter().filter(|id| seen.insert(*id)));
    }

    fn is_too_long(&self) -> bool {
        self.seen.len() > MOST_COMMITS
    }
}

/// Predecessors of an object.
enum Before {
    These(Vec<Oid>),
    Missing,
    TooLarge,
}

/// The parents of a commit, or the target of a tag.
fn before(objects: &Objects<'_>, id: Oid) -> Result<Before, GitFailure> {
    let named = objects.header(id).and_then(|(kind, _)| match kind {
        ObjectType::Commit => parents(objects, id),
        ObjectType::Tag => Ok(vec![objects.tag(id)?.target_id()]),
        ObjectType::Tree | ObjectType::Blob | ObjectType::Any => Ok(Vec::new()),
    });
    match named {
        Ok(named) => Ok(Before::These(named)),
        Err(GitFailure::Damaged(error)) if error.code() == ErrorCode::NotFound => {
            Ok(Before::Missing)
        }
        Err(GitFailure::LargeObject { .. }) => Ok(Before::TooLarge),
        Err(failure) => Err(failure),
    }
}

/// From the commit's own text: libgit2 hides the parents that a shallow copy lacks.
fn parents(objects: &Objects<'_>, id: Oid) -> Result<Vec<Oid>, GitFailure> {
    let commit = objects.commit(id)?;
    let header = String::from_utf8_lossy(commit.raw_header_bytes()).into_owned();
    let parents = header
        .lines()
        .filter_map(|line| line.strip_prefix("parent "))
        .map(|id| Oid::from_str(id.trim()))
        .collect::<Result<_, _>>();
    parents.map_err(GitFailure::Damaged)
}
