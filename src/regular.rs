//! Regular files, opened safely.
//!
//! Between the check of a path and its opening, someone may replace the file. Opening a pipe
//! waits for a writer, perhaps for ever, so the opening never waits, and the opened file itself
//! is checked, not only the path before.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

/// Opens a regular file for reading; `None` if it is something else by now.
pub(crate) fn open(path: &Path) -> io::Result<Option<File>> {
    // Of no effect on a regular file.
    let at_once = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    let mut options = OpenOptions::new();
    let file = options.read(true).custom_flags(at_once).open(path)?;
    Ok(file.metadata()?.is_file().then_some(file))
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
