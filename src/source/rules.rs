//! Rules for the files of every source.
//!
//! Names that start with `.` are skipped, also those of directories; names are matched
//! case-sensitively; a directory is walked whatever its name.

use std::ffi::OsStr;
use std::path::Path;

use super::FileProblem;
use crate::manifest::MAX_FILE_SIZE;

/// The endings of integration files.
const ENDINGS: &[&str] = &["yaml", "yml", "json"];

pub(super) fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(starts_with_dot)
}

pub(super) fn starts_with_dot(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

pub(super) fn is_named_like_a_file(path: &Path) -> bool {
    let ending = path.extension().and_then(OsStr::to_str);
    ending.is_some_and(|ending| ENDINGS.contains(&ending))
}

/// Refuses a file of this size if it is larger than allowed.
pub(super) fn too_large(size: u64) -> Result<(), FileProblem> {
    if size > MAX_FILE_SIZE {
        return Err(FileProblem::TooLarge { size });
    }
    Ok(())
}
