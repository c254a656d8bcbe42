//! State of a repository at the time of a fetch, and its advance.

use jiff::Timestamp;
use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use super::reference::{CommitId, GitReference};
use crate::text::{cut, escaped};

/// The most of an author or a subject that is kept, in characters.
const LONGEST_TEXT: usize = 200;

/// A commit that was fetched.
///
/// Anyone who can commit chooses author, subject and time: they prove nothing. The texts are
/// cut, and escaped so that they can be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// The commit.
    pub id: CommitId,
    /// The requested reference.
    pub reference: GitReference,
    /// Its author, as the commit claims.
    pub author: String,
    /// The first line of its message.
    pub subject: String,
    /// Its commit time, as the commit claims; absent if that is not a time.
    pub time: Option<Timestamp>,
}

impl Revision {
    pub(super) fn of(commit: &git2::Commit<'_>, reference: &GitReference) -> Self {
        let author = commit.author();
        let subject = commit.message_bytes().split(|b| *b == b'\n').next();
        Self {
            id: CommitId(commit.id()),
            reference: reference.clone(),
            author: shown(author.name_bytes()),
            subject: shown(subject.unwrap_or_default()),
            time: Timestamp::from_second(commit.time().seconds()).ok(),
        }
    }
}

/// Documents for programs have its commit, author and subject.
impl Serialize for Revision {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Revision", 3)?;
        fields.serialize_field("commit", &self.id.to_string())?;
        fields.serialize_field("author", &self.author)?;
        fields.serialize_field("subject", &self.subject)?;
        fields.end()
    }
}

/// In a line, for people.
impl std::fmt::Display for Revision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            id,
            reference: _,
            author,
            subject,
            time: _,
        } = self;
        write!(f, "Revision {id} by {author}: {subject}")
    }
}

fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    escaped(&cut(text.trim(), LONGEST_TEXT)).into_owned()
}

/// Descent of a revision from another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Descent {
    /// It has.
    Descends,
    /// The whole history was seen, and it has not.
    Unrelated,
    /// Unknown within the examined history.
    Unknown,
}

/// Advance of a repository from the previous revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advance {
    /// There was none before.
    First,
    /// It is the same.
    Same,
    /// The new one has the old one in its history.
    Forward,
    /// History was rewritten, and that is allowed.
    Rewritten,
    /// History was rewritten, or may have been: hold what was there before.
    Rejected,
}

impl Advance {
    /// True if the new revision may be used.
    #[must_use]
    pub fn may_proceed(self) -> bool {
        match self {
            Self::First | Self::Same | Self::Forward | Self::Rewritten => true,
            Self::Rejected => false,
        }
    }
}

/// Decides whether a new revision may follow the one before. What is not known to
/// descend counts as rewritten.
#[must_use]
pub fn advance(
    previous: Option<&CommitId>,
    new: &CommitId,
    descent: Descent,
    allow_rewrite: bool,
) -> Advance {
    match (previous, descent) {
        (None, _) => Advance::First,
        (Some(previous), _) if previous == new => Advance::Same,
        (Some(_), Descent::Descends) => Advance::Forward,
        (Some(_), Descent::Unrelated | Descent::Unknown) if allow_rewrite => Advance::Rewritten,
        (Some(_), Descent::Unrelated | Descent::Unknown) => Advance::Rejected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_to_descend_goes_forward_unasked() {
        let id = |digit: &str| CommitId::parse(&digit.repeat(40)).unwrap();
        let (old, new) = (id("1"), id("2"));
        let (unknown, unrelated) = (Descent::Unknown, Descent::Unrelated);
        assert_eq!(advance(None, &new, unknown, false), Advance::First);
        assert_eq!(advance(Some(&new), &new, unknown, false), Advance::Same);
        let forward = advance(Some(&old), &new, Descent::Descends, false);
        assert_eq!(forward, Advance::Forward);
        for descent in [unknown, unrelated] {
            let held = advance(Some(&old), &new, descent, false);
            assert_eq!(held, Advance::Rejected);
            assert!(!held.may_proceed());
            let rewritten = advance(Some(&old), &new, descent, true);
            assert_eq!(rewritten, Advance::Rewritten);
            assert!(rewritten.may_proceed());
        }
    }
}
