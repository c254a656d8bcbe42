//! Regular files, opened safely, and new ones.
//!
//! Between the check of a path and its opening, someone may replace the file. Opening a pipe
//! waits for a writer, perhaps for ever, so the opening never waits, and the opened file itself
//! is checked, not only the path before.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// Opens a regular file for reading; `None` if it is something else by now.
pub(crate) fn open(path: &Path) -> io::Result<Option<File>> {
    // Of no effect on a regular file.
    let at_once = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    let mut options = OpenOptions::new();
    let file = options.read(true).custom_flags(at_once).open(path)?;
    Ok(file.metadata()?.is_file().then_some(file))
}

/// True if two paths name the same place.
pub(crate) fn is_same_place(one: &Path, other: &Path) -> bool {
    let place = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    place(one) == place(other)
}

/// A new file that could not be made or written. Nothing of it is left.
#[derive(Debug, thiserror::Error)]
pub enum NewFileError {
    /// There is such a file: it is never overwritten.
    #[error("{} already exists", .0.display())]
    Exists(PathBuf),
    /// The file could not be written.
    #[error("cannot write {}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
}

impl NewFileError {
    /// Help text.
    pub const HELP: &'static str = "give the path of a new file in a writable directory";

    fn of(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        if source.kind() == ErrorKind::AlreadyExists {
            Self::Exists(path)
        } else {
            Self::Write { path, source }
        }
    }
}

/// A new file, which is gone again unless all of its content was written.
#[derive(Debug)]
pub(crate) struct NewFile {
    file: File,
    path: PathBuf,
    is_whole: bool,
}

impl NewFile {
    /// Makes an empty file with this mode, less what the umask takes away.
    pub(crate) fn create(path: &Path, mode: u32) -> Result<Self, NewFileError> {
        let mut options = OpenOptions::new();
        let opened = options.write(true).create_new(true).mode(mode).open(path);
        Ok(Self {
            file: opened.map_err(|source| NewFileError::of(path, source))?,
            path: path.to_owned(),
            is_whole: false,
        })
    }

    /// Writes the content, and sees to it that it is on the disk.
    pub(crate) fn write(mut self, content: &[u8]) -> Result<(), NewFileError> {
        let written = self.file.write_all(content);
        let written = written.and_then(|()| self.file.sync_all());
        written.map_err(|source| NewFileError::of(&self.path, source))?;
        self.is_whole = true;
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.is_whole {
            // The error that is reported is the first.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::fs;
    use std::io::Read;
    use std::process::Command;
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    /// Calls `work` with a pipe that has no writer; fails if it hangs.
    pub(crate) fn with_a_pipe<T>(path: &Path, work: impl FnOnce() -> T) -> T {
        let made = Command::new("mkfifo").arg(path).status();
        assert!(made.unwrap().success());
        let (done, is_done) = mpsc::channel::<()>();
        std::thread::scope(|scope| {
            let watchdog = scope.spawn(move || {
                let hangs = is_done.recv_timeout(Duration::from_secs(20))
                    == Err(mpsc::RecvTimeoutError::Timeout);
                if hangs {
                    // A writer that says nothing ends the wait.
                    drop(OpenOptions::new().write(true).open(path));
                }
                hangs
            });
            let result = work();
            drop(done);
            assert!(!watchdog.join().unwrap(), "it waits for a writer");
            result
        })
    }

    #[test]
    fn only_a_regular_file_is_opened_and_nothing_is_waited_for() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("file");
        fs::write(&file, "content").unwrap();
        let mut content = String::new();
        let opened = open(&file).unwrap().unwrap().read_to_string(&mut content);
        assert_eq!((opened.unwrap(), content.as_str()), (7, "content"));
        let pipe = place.path().join("pipe");
        assert!(with_a_pipe(&pipe, || open(&pipe)).unwrap().is_none());
        for other in [place.path(), Path::new("/dev/null")] {
            assert!(open(other).unwrap().is_none(), "{}", other.display());
        }
        assert!(open(&place.path().join("none")).is_err());
    }
}
