//! Paths of the state directory, and how their names get onto the disk.

use std::fs::File;
use std::io::{self, ErrorKind};
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

/// Remedy for a failure that is unrelated to owners and modes.
pub(super) fn disk_help(error: &io::Error) -> Option<&'static str> {
    let kind = error.kind();
    if [
        ErrorKind::StorageFull,
        ErrorKind::QuotaExceeded,
        ErrorKind::FileTooLarge,
    ]
    .contains(&kind)
    {
        Some("free disk space or check the quota, then try again")
    } else if kind == ErrorKind::ReadOnlyFilesystem {
        Some("choose another directory with `--state`: this file system is read-only")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_is_full_or_read_only_has_a_remedy_of_its_own() {
        let help = |code| disk_help(&io::Error::from_raw_os_error(code)).unwrap_or_default();
        let [full, quota, large] = [28, 122, 27].map(help);
        assert!(full.contains("free disk space"), "{full}");
        assert_eq!((quota, large), (full, full));
        assert!(help(30).contains("read-only"));
        assert_eq!(help(13), "");
    }
}
