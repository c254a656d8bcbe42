//! The files of a revision, read from the repository's objects: nothing is written to a disk,
//! so that no name, link or hook in it can do anything.
//!
//! Links and submodules are not followed; if one could stand for integration files it becomes a
//! file with a problem, since omitting it would look like their removal.

use std::collections::HashSet;
use std::path::{Component, Path};

use git2::{Commit, ObjectType, Oid, Tree, TreeEntry};

use super::GitOptions;
use super::error::GitFailure;
use super::objects::Objects;
use super::reference::CommitId;
use super::session::GitSession;
use crate::manifest::MOST_FILES;
use crate::source::directory::read_single;
use crate::source::rules::{is_hidden, is_named_like_a_file, too_large};
use crate::source::{FileProblem, Snapshot, SourceFile};

/// A tree can name one subtree many times, and so grow with the power of its depth.
const MOST_ENTRIES: usize = 200_000;

/// No path that people write is deeper.
const DEEPEST: usize = 64;

/// All files together; the same content counts each time. A hundred thousand files of
/// integrations have some ninety megabytes.
const LARGEST_SNAPSHOT: u64 = 256 * 1024 * 1024;

/// Files with the content of another one, and the bytes of them. No two integrations are
/// equal, so that many copies are a mistake; and one blob under a hundred thousand names
/// costs a push nothing, and a run the work of as many files.
const MOST_COPIES: usize = 10_000;
const LARGEST_COPIES: u64 = 32 * 1024 * 1024;

/// Mode of a link among the files of a tree.
const LINK_MODE: i32 = 0o120_000;

/// Reads what lies in a subdirectory of a revision.
pub(super) fn read(
    session: &GitSession,
    objects: &Objects<'_>,
    commit: &Commit<'_>,
    options: &GitOptions,
) -> Result<Snapshot, GitFailure> {
    let GitOptions {
        subdirectory,
        variables,
        ..
    } = options;
    let revision = CommitId(commit.id());
    let root = objects.tree(commit.tree_id())?;
    let mut tree = root.clone();
    for part in subdirectory.parts() {
        let entry = tree.get_name(part).map(|entry| (entry.kind(), entry.id()));
        let Some((Some(ObjectType::Tree), id)) = entry else {
            return Err(GitFailure::MissingSubdirectory {
                revision,
                subdirectory: subdirectory.clone(),
            });
        };
        tree = objects.tree(id)?;
    }
    let mut walk = TreeWalk {
        session,
        objects,
        revision,
        root,
        entries: 0,
        bytes: 0,
        contents: HashSet::new(),
        copies: Copies::default(),
        files: Vec::new(),
    };
    walk.tree(&tree, subdirectory.parts())?;
    let variables = variables.iter().map(|path| walk.variables(path));
    let variables = variables.collect::<Result<Vec<_>, _>>()?;
    let mut files = walk.files;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let root = subdirectory.parts().join("/");
    Ok(Snapshot {
        root,
        files,
        variables,
    })
}

struct TreeWalk<'r> {
    session: &'r GitSession,
    objects: &'r Objects<'r>,
    revision: CommitId,
    root: Tree<'r>,
    entries: usize,
    bytes: u64,
    /// The content of the files so far.
    contents: HashSet<Oid>,
    copies: Copies,
    files: Vec<SourceFile>,
}

/// Files with a content that came before.
#[derive(Default)]
struct Copies {
    files: usize,
    bytes: u64,
}

impl TreeWalk<'_> {
    fn tree(&mut self, tree: &Tree<'_>, place: &[String]) -> Result<(), GitFailure> {
        self.session.check()?;
        self.weigh(self.objects.header(tree.id())?.1)?;
        // Before those below, all of which stay in memory with it.
        self.entries += tree.len();
        if place.len() > DEEPEST || self.entries > MOST_ENTRIES {
            return Err(self.too_much());
        }
        for entry in tree {
            self.entry(&entry, place)?;
            if self.files.len() > MOST_FILES {
                return Err(self.too_much());
            }
        }
        Ok(())
    }

    fn entry(&mut self, entry: &TreeEntry<'_>, place: &[String]) -> Result<(), GitFailure> {
        let name = String::from_utf8_lossy(entry.name_bytes()).into_owned();
        if is_hidden(Path::new(&name)) {
            return Ok(());
        }
        let is_text = name.as_bytes() == entry.name_bytes();
        let is_file = is_named_like_a_file(Path::new(&name));
        let path = [place, &[name]].concat();
        match entry.kind() {
            Some(ObjectType::Tree) => {
                let tree = self.objects.tree(entry.id())?;
                self.tree(&tree, &path)?;
            }
            Some(ObjectType::Blob) if entry.filemode() == LINK_MODE => {
                if let Some(problem) = self.link(entry.id(), place, is_file)? {
                    self.push(&path, Err(problem));
                }
            }
            Some(ObjectType::Blob) if is_file => {
                let content = if !is_text {
                    Err(FileProblem::NameNotUtf8)
                } else if path.last().is_some_and(|name| name.contains('/')) {
                    // No working tree could have it.
                    Err(FileProblem::NotAFile)
                } else {
                    self.blob(entry.id())?
                };
                self.push(&path, content);
            }
            Some(ObjectType::Blob) => {}
            Some(ObjectType::Commit) => self.push(&path, Err(FileProblem::Submodule)),
            Some(ObjectType::Any | ObjectType::Tag) | None if is_file => {
                self.push(&path, Err(FileProblem::NotAFile));
            }
            Some(ObjectType::Any | ObjectType::Tag) | None => {}
        }
        Ok(())
    }

    /// A file with variables: of the revision, unless its path is absolute.
    fn variables(&mut self, path: &Path) -> Result<SourceFile, GitFailure> {
        if path.is_absolute() {
            return Ok(read_single(path));
        }
        let content = match resolved(&[], path) {
            Some(parts) => self.single(&parts)?,
            None => Err(FileProblem::LeavesDirectory),
        };
        Ok(SourceFile {
            path: path.to_string_lossy().into_owned(),
            content,
        })
    }

    /// The content of one file of the revision.
    fn single(&mut self, parts: &[String]) -> Result<Result<Vec<u8>, FileProblem>, GitFailure> {
        let mut tree = self.root.clone();
        for (index, part) in parts.iter().enumerate() {
            self.session.check()?;
            let entry = tree.get_name(part);
            let entry = entry.map(|entry| (entry.kind(), entry.filemode(), entry.id()));
            let is_last = index + 1 == parts.len();
            match entry {
                Some((Some(ObjectType::Tree), _, id)) if !is_last => {
                    tree = self.objects.tree(id)?;
                }
                Some((Some(ObjectType::Blob), LINK_MODE, _)) => return Ok(Err(FileProblem::Link)),
                Some((Some(ObjectType::Blob), _, id)) if is_last => return self.blob(id),
                Some(_) if is_last => return Ok(Err(FileProblem::NotAFile)),
                Some(_) | None => break,
            }
        }
        let reason = format!("revision {} has no such file", self.revision);
        Ok(Err(FileProblem::Unreadable { reason }))
    }

    /// Content of a file, whose size is checked before it is read.
    fn blob(&mut self, id: Oid) -> Result<Result<Vec<u8>, FileProblem>, GitFailure> {
        let (_, size) = self.objects.header(id)?;
        if let Err(problem) = too_large(size as u64) {
            return Ok(Err(problem));
        }
        self.weigh(size)?;
        if !self.contents.insert(id) {
            self.weigh_copy(size)?;
        }
        self.objects.blob(id).map(Ok)
    }

    /// Counts what has been read before.
    fn weigh_copy(&mut self, size: usize) -> Result<(), GitFailure> {
        self.copies.files += 1;
        self.copies.bytes += size as u64;
        if self.copies.files > MOST_COPIES || self.copies.bytes > LARGEST_COPIES {
            return Err(self.too_much());
        }
        Ok(())
    }

    /// Counts what is read.
    fn weigh(&mut self, size: usize) -> Result<(), GitFailure> {
        self.bytes += size as u64;
        if self.bytes > LARGEST_SNAPSHOT {
            return Err(self.too_much());
        }
        Ok(())
    }

    /// A link matters if it is named like a file or could lead to a directory.
    fn link(
        &mut self,
        id: Oid,
        place: &[String],
        is_file: bool,
    ) -> Result<Option<FileProblem>, GitFailure> {
        if is_file {
            return Ok(Some(FileProblem::Link));
        }
        let target = match self.blob(id)? {
            Ok(target) => String::from_utf8_lossy(&target).into_owned(),
            Err(_) => return Ok(Some(FileProblem::Link)),
        };
        let Some(parts) = resolved(place, Path::new(&target)) else {
            return Ok(Some(FileProblem::LeavesDirectory));
        };
        Ok(self.leads_to_files(&parts)?.then_some(FileProblem::Link))
    }

    /// True if a place is a directory, or is behind another link.
    fn leads_to_files(&self, parts: &[String]) -> Result<bool, GitFailure> {
        let mut tree = self.root.clone();
        for part in parts {
            self.session.check()?;
            let entry = tree.get_name(part);
            let entry = entry.map(|entry| (entry.kind(), entry.filemode(), entry.id()));
            match entry {
                Some((Some(ObjectType::Tree), _, id)) => match self.objects.tree(id) {
                    Ok(next) => tree = next,
                    Err(_) => return Ok(true),
                },
                Some((Some(ObjectType::Blob), mode, _)) => return Ok(mode == LINK_MODE),
                // A submodule, which is complained about where it is.
                Some(_) | None => return Ok(false),
            }
        }
        Ok(true)
    }

    fn push(&mut self, path: &[String], content: Result<Vec<u8>, FileProblem>) {
        self.files.push(SourceFile {
            path: path.join("/"),
            content,
        });
    }

    fn too_much(&self) -> GitFailure {
        let revision = self.revision;
        GitFailure::TooMuch { revision }
    }
}

/// Target of a link in a directory, by its text; nothing if it is outside of the repository.
fn resolved(place: &[String], target: &Path) -> Option<Vec<String>> {
    let mut parts = place.to_vec();
    for component in target.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                parts.pop()?;
            }
            Component::Normal(name) => parts.push(name.to_str()?.to_owned()),
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(parts)
}
