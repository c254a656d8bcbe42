//! Pipes as files of variables, such as `<(…)` of a shell.
//!
//! A pipe can be read once, and a command reads its variables several times: the content is
//! kept for the life of the process.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::FileProblem;
use super::rules::too_large;
use crate::manifest::MAX_FILE_SIZE;

/// Maximum time for all of the input: a program that makes a few values takes seconds, and
/// one that never ends must not stop a run for ever.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The result of reading a pipe to its end.
type Piped = Result<Vec<u8>, FileProblem>;

/// The pipes that were read.
static READ: Mutex<BTreeMap<PathBuf, Piped>> = Mutex::new(BTreeMap::new());

/// The content of a pipe, which is read at the first call.
pub(super) fn read_once(path: &Path) -> Piped {
    let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
    let content = read.entry(path.to_owned());
    content.or_insert_with(|| to_end(path, TIMEOUT)).clone()
}

/// Reads a pipe to its end, but not more than is allowed.
fn to_end(path: &Path, timeout: Duration) -> Piped {
    let (done, is_done) = channel();
    let pipe = path.to_owned();
    // Opening a pipe waits for a program that writes to it, and so does reading.
    let started = thread::Builder::new().spawn(move || done.send(bounded(&pipe)));
    let read = match started.map(|_| is_done.recv_timeout(timeout)) {
        Ok(Ok(read)) => read.map_err(|error| error.to_string()),
        Ok(Err(RecvTimeoutError::Timeout)) => Err(format!(
            "the program that writes to the pipe did not finish within {} seconds",
            timeout.as_secs()
        )),
        Ok(Err(RecvTimeoutError::Disconnected)) => Err("reading was interrupted".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    let content = read.map_err(|reason| FileProblem::Unreadable { reason })?;
    too_large(content.len() as u64)?;
    Ok(content)
}

fn bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    let mut pipe = File::open(path)?.take(MAX_FILE_SIZE + 1);
    pipe.read_to_end(&mut content)?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, OpenOptions};
    use std::io::Write;
    use std::process::Command;

    use super::*;

    fn pipe(place: &tempfile::TempDir) -> PathBuf {
        let path = place.path().join("pipe");
        let made = Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        path
    }

    #[test]
    fn content_of_a_pipe_is_kept() {
        let place = tempfile::tempdir().unwrap();
        let path = pipe(&place);
        thread::scope(|scope| {
            scope.spawn(|| fs::write(&path, "PORT: 1\n").unwrap());
            assert_eq!(read_once(&path), Ok(b"PORT: 1\n".to_vec()));
        });
        assert_eq!(read_once(&path), Ok(b"PORT: 1\n".to_vec()));
    }

    #[test]
    fn endless_pipe_is_too_large() {
        let place = tempfile::tempdir().unwrap();
        let path = pipe(&place);
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut pipe = OpenOptions::new().write(true).open(&path).unwrap();
                // Until the reader stops.
                while pipe.write_all(&[b'x'; 4096]).is_ok() {}
            });
            let size = MAX_FILE_SIZE + 1;
            assert_eq!(read_once(&path), Err(FileProblem::TooLarge { size }));
        });
    }

    #[test]
    fn pipe_without_a_writer_is_given_up() {
        let place = tempfile::tempdir().unwrap();
        let path = pipe(&place);
        let Err(FileProblem::Unreadable { reason }) = to_end(&path, Duration::ZERO) else {
            panic!("no process writes to it");
        };
        assert!(reason.contains("did not finish"), "{reason}");
        // Ends the wait of the thread.
        drop(OpenOptions::new().read(true).write(true).open(&path));
    }
}
