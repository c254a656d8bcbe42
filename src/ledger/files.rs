//! Paths of the state directory, and how their names get onto the disk.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::text::escaped;

/// The path with something behind its name.
pub(super) fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Flushes the name of a file.
pub(super) fn sync_directory(file: &Path) -> io::Result<()> {
    let directory = file.parent().filter(|path| !path.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

/// A path, fit to be shown.
pub(super) fn shown(path: &Path) -> String {
    escaped(&path.display().to_string()).into_owned()
}
