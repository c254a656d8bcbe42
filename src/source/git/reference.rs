//! The wanted part of a repository: a commit, a tag or a branch, and a directory.

use std::fmt;

use crate::text::escaped;

/// The full hexadecimal id of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CommitId(pub(super) git2::Oid);

/// The name of a tag or a branch, without `refs/…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefName(String);

/// A directory of a repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subdirectory(Vec<String>);

/// The wanted reference.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum GitReference {
    /// This commit and no other.
    Commit(CommitId),
    /// The target of the tag.
    Tag(RefName),
    /// The newest of a branch.
    Branch(RefName),
    /// The newest of the branch that the repository has for its main one.
    #[default]
    Default,
}

/// Reason why a text names nothing in a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GitReferenceError {
    /// Not 40 hexadecimal digits.
    #[error("it is not a full commit ID (40 hexadecimal digits)")]
    Commit,
    /// Not a name that git allows.
    #[error("it is not a valid tag or branch name: omit `refs/heads/` and `refs/tags/`")]
    Name,
    /// Not a path below the repository.
    #[error("the directory must be a relative path without `..`")]
    Subdirectory,
}

impl CommitId {
    /// Reads a full id. A short one would name something else some day.
    ///
    /// # Errors
    /// For everything else.
    pub fn parse(text: &str) -> Result<Self, GitReferenceError> {
        let is_full = text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let oid = is_full.then(|| git2::Oid::from_str(text).ok()).flatten();
        oid.map(Self).ok_or(GitReferenceError::Commit)
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl RefName {
    /// Reads a name.
    ///
    /// # Errors
    /// For what git does not allow, and for what reads as a flag.
    pub fn parse(text: &str) -> Result<Self, GitReferenceError> {
        let is_name = !text.starts_with('-')
            && !text.starts_with("refs/")
            && git2::Reference::is_valid_name(&format!("refs/heads/{text}"));
        is_name
            .then(|| Self(text.to_owned()))
            .ok_or(GitReferenceError::Name)
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RefName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escaped(&self.0))
    }
}

impl GitReference {
    /// Chooses among what was given: the commit, else the tag, else the branch.
    ///
    /// # Errors
    /// For one that is none, also if another one is chosen.
    pub fn choose(
        commit: Option<&str>,
        tag: Option<&str>,
        branch: Option<&str>,
    ) -> Result<Self, GitReferenceError> {
        let commit = commit.map(CommitId::parse).transpose()?.map(Self::Commit);
        let tag = tag.map(RefName::parse).transpose()?.map(Self::Tag);
        let branch = branch.map(RefName::parse).transpose()?.map(Self::Branch);
        Ok(commit.or(tag).or(branch).unwrap_or_default())
    }

    /// The name that a repository knows it by; a commit has none but its id.
    pub(super) fn full_name(&self) -> String {
        match self {
            Self::Commit(id) => id.to_string(),
            Self::Tag(name) => format!("refs/tags/{}", name.as_str()),
            Self::Branch(name) => format!("refs/heads/{}", name.as_str()),
            Self::Default => "HEAD".to_owned(),
        }
    }
}

impl fmt::Display for GitReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Commit(id) => write!(f, "commit {id}"),
            Self::Tag(name) => write!(f, "tag {name}"),
            Self::Branch(name) => write!(f, "branch {name}"),
            Self::Default => f.write_str("the default branch"),
        }
    }
}

impl Subdirectory {
    /// Reads a path; nothing and `.` are the repository itself.
    ///
    /// # Errors
    /// For one that leads out.
    pub fn parse(text: &str) -> Result<Self, GitReferenceError> {
        if text.starts_with('/') || text.contains('\0') {
            return Err(GitReferenceError::Subdirectory);
        }
        let parts = text.split('/').filter(|part| !matches!(*part, "" | "."));
        let parts: Vec<String> = parts.map(str::to_owned).collect();
        if parts.iter().any(|part| part == "..") {
            return Err(GitReferenceError::Subdirectory);
        }
        Ok(Self(parts))
    }

    pub(super) fn parts(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for Subdirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escaped(&self.0.join("/")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_goes_before_a_tag_and_a_tag_before_a_branch() {
        let id = "0123456789012345678901234567890123456789";
        let chosen = |commit, tag, branch| {
            let reference = GitReference::choose(commit, tag, branch);
            reference.map(|reference| reference.to_string())
        };
        let all = chosen(Some(id), Some("v1"), Some("main")).unwrap();
        assert_eq!(all, format!("commit {id}"));
        assert_eq!(chosen(None, Some("v1"), Some("main")).unwrap(), "tag v1");
        assert_eq!(chosen(None, None, Some("a/b")).unwrap(), "branch a/b");
        assert_eq!(chosen(None, None, None).unwrap(), "the default branch");
        let wrong = chosen(Some(id), Some("-x"), None);
        assert_eq!(wrong, Err(GitReferenceError::Name));
    }

    #[test]
    fn names_that_are_flags_patterns_or_paths_of_refs_are_refused() {
        for name in [
            "-x",
            "--upload-pack=x",
            "a*",
            "a:b",
            "+a b",
            "",
            "a..b",
            "refs/heads/a",
            "^a",
        ] {
            assert_eq!(RefName::parse(name), Err(GitReferenceError::Name), "{name}");
        }
        for id in ["012345", "main", "g123456789012345678901234567890123456789"] {
            assert_eq!(CommitId::parse(id), Err(GitReferenceError::Commit), "{id}");
        }
    }

    #[test]
    fn a_subdirectory_stays_below_the_repository() {
        let shown = |text| Subdirectory::parse(text).map(|path| path.to_string());
        assert_eq!(shown("./a//b/").as_deref(), Ok("a/b"));
        assert_eq!(shown("").as_deref(), Ok(""));
        for path in ["/a", "..", "a/../../b"] {
            assert_eq!(shown(path), Err(GitReferenceError::Subdirectory), "{path}");
        }
    }
}
