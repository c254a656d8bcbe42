//! The objects of a repository: none is read before its size is known, since two
//! megabytes that were pushed can unpack to hundreds.

use git2::{Commit, Error, ErrorClass, ErrorCode, ObjectType, Odb, Oid, Repository, Tag, Tree};

use super::error::GitFailure;
use super::problem::ObjectKind;

/// A commit or a tag: a message for people, names and signatures. That of a merge of
/// dozens of signed tags has some hundred kilobytes.
const LARGEST_TEXT: usize = 1024 * 1024;

/// A tree of as many entries as are walked at most, with long names.
const LARGEST_TREE: usize = 16 * 1024 * 1024;

pub(super) struct Objects<'r> {
    repository: &'r Repository,
    odb: Odb<'r>,
}

impl<'r> Objects<'r> {
    pub(super) fn of(repository: &'r Repository) -> Result<Self, GitFailure> {
        let odb = repository.odb().map_err(GitFailure::Damaged)?;
        Ok(Self { repository, odb })
    }

    /// Kind and size of an object.
    pub(super) fn header(&self, id: Oid) -> Result<(ObjectType, usize), GitFailure> {
        let (size, found) = self.odb.read_header(id).map_err(GitFailure::Damaged)?;
        Ok((found, size))
    }

    pub(super) fn commit(&self, id: Oid) -> Result<Commit<'r>, GitFailure> {
        self.check(id, ObjectKind::Commit)?;
        self.repository.find_commit(id).map_err(GitFailure::Damaged)
    }

    pub(super) fn tag(&self, id: Oid) -> Result<Tag<'r>, GitFailure> {
        self.check(id, ObjectKind::Tag)?;
        self.repository.find_tag(id).map_err(GitFailure::Damaged)
    }

    pub(super) fn tree(&self, id: Oid) -> Result<Tree<'r>, GitFailure> {
        self.check(id, ObjectKind::Tree)?;
        self.repository.find_tree(id).map_err(GitFailure::Damaged)
    }

    /// A commit or a tag, byte by byte.
    pub(super) fn text(&self, id: Oid, kind: ObjectKind) -> Result<Vec<u8>, GitFailure> {
        self.check(id, kind)?;
        let object = self.odb.read(id).map_err(GitFailure::Damaged)?;
        Ok(object.data().to_vec())
    }

    /// The content of a file, whose size is the caller's to check.
    pub(super) fn blob(&self, id: Oid) -> Result<Vec<u8>, GitFailure> {
        let blob = self.repository.find_blob(id).map_err(GitFailure::Damaged)?;
        Ok(blob.content().to_vec())
    }

    /// libgit2 reads the whole of an object to see that it is another kind.
    fn check(&self, id: Oid, kind: ObjectKind) -> Result<(), GitFailure> {
        let (found, size) = self.header(id)?;
        if found != kind.as_git() {
            let words = format!("object {id} is not a {kind}");
            let error = Error::new(ErrorCode::NotFound, ErrorClass::Object, words);
            return Err(GitFailure::Damaged(error));
        }
        let limit = kind.largest();
        if size > limit {
            let id = id.to_string().into();
            return Err(GitFailure::LargeObject { kind, id, limit });
        }
        Ok(())
    }
}

impl ObjectKind {
    fn as_git(self) -> ObjectType {
        match self {
            Self::Commit => ObjectType::Commit,
            Self::Tag => ObjectType::Tag,
            Self::Tree => ObjectType::Tree,
        }
    }

    fn largest(self) -> usize {
        match self {
            Self::Commit | Self::Tag => LARGEST_TEXT,
            Self::Tree => LARGEST_TREE,
        }
    }
}
