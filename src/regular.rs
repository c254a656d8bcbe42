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

/// A new file, which exists only when all of its content was written: a process that is killed
/// before leaves nothing in the way of the next try.
#[derive(Debug)]
pub(crate) struct NewFile {
    path: PathBuf,
    mode: u32,
}

impl NewFile {
    /// Checks that there is no such file yet, and that one can be made in its directory.
    pub(crate) fn create(path: &Path, mode: u32) -> Result<Self, NewFileError> {
        if path.symlink_metadata().is_ok() || path.file_name().is_none() {
            return Err(NewFileError::Exists(path.to_owned()));
        }
        let attempt = Unnamed::create(path, mode);
        attempt.map_err(|source| NewFileError::of(path, source))?;
        Ok(Self {
            path: path.to_owned(),
            mode,
        })
    }

    /// Makes the file with this content and its mode, less what the umask takes away, and sees
    /// to it that the content is on the disk. An existing file is never overwritten.
    pub(crate) fn write(self, content: &[u8]) -> Result<(), NewFileError> {
        self.written(content)
            .map_err(|source| NewFileError::of(&self.path, source))
    }

    fn written(&self, content: &[u8]) -> io::Result<()> {
        let mut unnamed = Unnamed::create(&self.path, self.mode)?;
        unnamed.file.write_all(content)?;
        unnamed.file.sync_all()?;
        match fs::hard_link(&unnamed.path, &self.path) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(error),
            // Not every file system has links.
            Err(_) => self.written_in_place(content),
        }
    }

    fn written_in_place(&self, content: &[u8]) -> io::Result<()> {
        let mut file = new_file(&self.path, self.mode)?;
        let written = file.write_all(content).and_then(|()| file.sync_all());
        if written.is_err() {
            // The error that is reported is the first.
            let _ = fs::remove_file(&self.path);
        }
        written
    }
}

/// A file next to the one that is made, which is gone again in any case.
struct Unnamed {
    file: File,
    path: PathBuf,
}

impl Unnamed {
    fn create(beside: &Path, mode: u32) -> io::Result<Self> {
        let now = jiff::Timestamp::now().as_nanosecond();
        let name = format!(".integrationd-{}-{now}.tmp", std::process::id());
        let path = beside.with_file_name(name);
        let file = new_file(&path, mode)?;
        Ok(Self { file, path })
    }
}

impl Drop for Unnamed {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

fn new_file(path: &Path, mode: u32) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(mode).open(path)
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
    fn new_file_appears_with_its_content_and_not_before() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("new");
        let count = || fs::read_dir(place.path()).unwrap().count();
        let file = NewFile::create(&path, 0o600).unwrap();
        let other = NewFile::create(&path, 0o600).unwrap();
        assert_eq!(count(), 0);
        file.write(b"content").unwrap();
        assert!(matches!(
            other.write(b"other"),
            Err(NewFileError::Exists(_))
        ));
        assert_eq!(fs::read(&path).unwrap(), b"content");
        assert_eq!(count(), 1);
        let again = NewFile::create(&path, 0o600);
        assert!(matches!(again, Err(NewFileError::Exists(_))));
        let nowhere = NewFile::create(&path.join("new"), 0o600);
        assert!(matches!(nowhere, Err(NewFileError::Write { .. })));
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
