//! Reasons why a repository cannot be opened. libgit2 has no code for unsupported formats, and
//! reports that there is no repository if access is denied.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use git2::{Error, ErrorCode};

use super::error::GitFailure;
use super::owner;
use super::problem::UnknownKind;

/// Meaning of the failure to open a path.
pub(super) fn unopened(path: &Path, error: Error) -> GitFailure {
    if let Some(kind) = UnknownKind::of(&error) {
        let source = error;
        return GitFailure::UnknownKind { kind, source };
    }
    if let Some(failure) = closed(path) {
        return failure;
    }
    match error.code() == ErrorCode::NotFound {
        true => GitFailure::NotARepository(error),
        false => GitFailure::Unreadable(error),
    }
}

/// The first directory on the way into a repository that this user may not enter.
pub(super) fn closed(path: &Path) -> Option<GitFailure> {
    let inside = [path.join("HEAD"), path.join(".git/HEAD")];
    inside.iter().find_map(|inside| {
        let mut on_the_way: Vec<&Path> = inside.ancestors().collect();
        on_the_way.reverse();
        on_the_way
            .windows(2)
            .find_map(|step| is_closed(step[0], step[1]))
    })
}

fn is_closed(directory: &Path, inside: &Path) -> Option<GitFailure> {
    let source = fs::metadata(inside).err()?;
    (source.kind() == io::ErrorKind::PermissionDenied).then(|| GitFailure::Closed {
        path: PathBuf::from(directory),
        own: owner::own(),
        source,
    })
}
