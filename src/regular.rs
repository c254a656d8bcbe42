//! Regular files, opened safely, and new ones.
//!
//! Between the check of a path and its opening, someone may replace the file. Opening a pipe
//! waits for a writer, perhaps for ever, so the opening never waits, and the opened file itself
//! is checked, not only the path before.
//!
//! A new file appears only when it is complete: its text goes to a file without a name first,
//! which the system removes when the process ends. Where the file system has none, the text
//! goes to a hidden file next to the final path; the next try removes those of dead processes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, OFlags, RenameFlags, linkat, renameat_with};
use rustix::io::Errno;

/// The descriptors of this process.
const DESCRIPTORS: &str = "/proc/self/fd";

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
        let name = path.file_name();
        let Some(name) = name.filter(|_| path.symlink_metadata().is_err()) else {
            return Err(NewFileError::Exists(path.to_owned()));
        };
        remove_leftovers(directory_of(path), |file| *name == *file);
        let attempt = Nameless::create(path, mode);
        attempt.map_err(|source| NewFileError::of(path, source))?;
        Ok(Self {
            path: path.to_owned(),
            mode,
        })
    }

    /// Makes the file with this content and its mode, less what the umask takes away, and sees
    /// to it that the content is on the disk. An existing file is never overwritten.
    pub(crate) fn write(self, content: &[u8]) -> Result<(), NewFileError> {
        let staged = Nameless::create(&self.path, self.mode).and_then(|file| file.write(content));
        let written = staged.and_then(StagedFile::publish);
        written.map_err(|source| NewFileError::of(&self.path, source))
    }
}

/// An empty file that does not have its name yet.
#[derive(Debug)]
pub(crate) struct Nameless {
    file: File,
    hidden: Option<HiddenFile>,
    place: PathBuf,
}

impl Nameless {
    /// A file without a name in the directory of a path, or a hidden one.
    pub(crate) fn create(place: &Path, mode: u32) -> io::Result<Self> {
        match unnamed(place, mode) {
            Some(file) => Ok(Self {
                file,
                hidden: None,
                place: place.to_owned(),
            }),
            None => Self::hidden(place, mode),
        }
    }

    /// A hidden file in the directory of a path.
    pub(crate) fn hidden(place: &Path, mode: u32) -> io::Result<Self> {
        let path = hidden_path(place, NEW);
        let file = match new_file(&path, mode) {
            // Of an earlier process with the number of this one.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                fs::remove_file(&path)?;
                new_file(&path, mode)
            }
            other => other,
        }?;
        Ok(Self {
            file,
            hidden: Some(HiddenFile(path)),
            place: place.to_owned(),
        })
    }

    /// True if the file takes a descriptor until it has its name.
    pub(crate) fn is_unnamed(&self) -> bool {
        self.hidden.is_none()
    }

    /// The open file.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Writes the content, and sees to it that it is on the disk.
    pub(crate) fn write(mut self, content: &[u8]) -> io::Result<StagedFile> {
        self.file.write_all(content)?;
        self.file.sync_all()?;
        let Self {
            file,
            hidden,
            place,
        } = self;
        Ok(StagedFile {
            text: hidden.map_or(Text::Unnamed(file), Text::Hidden),
            place,
        })
    }
}

/// A complete file on the disk that does not have its name yet. Dropped, it is gone.
#[derive(Debug)]
pub(crate) struct StagedFile {
    text: Text,
    place: PathBuf,
}

#[derive(Debug)]
enum Text {
    Unnamed(File),
    Hidden(HiddenFile),
}

impl StagedFile {
    /// The path that it is to have.
    pub(crate) fn place(&self) -> &Path {
        &self.place
    }

    /// Gives the file its name. An existing file is never overwritten.
    pub(crate) fn publish(self) -> io::Result<()> {
        let named = match &self.text {
            Text::Unnamed(file) => name(file, &self.place),
            Text::Hidden(hidden) => rename_to_free(&hidden.0, &self.place),
        };
        match named {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => self.copy(),
            named => named,
        }
    }

    /// Puts the file in the place of an existing one.
    pub(crate) fn replace(self) -> io::Result<()> {
        let hidden = match self.text {
            Text::Hidden(hidden) => hidden,
            Text::Unnamed(file) => {
                let path = hidden_path(&self.place, NEW);
                name(&file, &path)?;
                HiddenFile(path)
            }
        };
        fs::rename(&hidden.0, &self.place)
    }

    /// Writes the text under its final name: not every file system has links, or a renaming
    /// that overwrites nothing.
    fn copy(self) -> io::Result<()> {
        let source = match &self.text {
            Text::Unnamed(file) => descriptor(file),
            Text::Hidden(hidden) => hidden.0.clone(),
        };
        let mut source = File::open(source)?;
        let permissions = source.metadata()?.permissions();
        let mut file = new_file(&self.place, 0o600)?;
        let copied = io::copy(&mut source, &mut file);
        let copied = copied.and_then(|_| file.set_permissions(permissions));
        let copied = copied.and_then(|()| file.sync_all());
        if copied.is_err() {
            // The error that is reported is the first.
            let _ = fs::remove_file(&self.place);
        }
        copied
    }
}

/// A hidden file, which is gone again in any case.
#[derive(Debug)]
struct HiddenFile(PathBuf);

impl Drop for HiddenFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Ends the name of a hidden file with a new text.
const NEW: &str = "new";

/// Ends the name of a hidden file with the text before a replacement.
const OLD: &str = "old";

/// The hidden path for the text that a file has before it is replaced.
pub(crate) fn earlier_path(place: &Path) -> PathBuf {
    hidden_path(place, OLD)
}

fn hidden_path(place: &Path, what: &str) -> PathBuf {
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    place.with_file_name(format!(".{name}.{}.{what}", std::process::id()))
}

/// Removes the hidden files of processes that ended before they were done, for final names
/// that are `ours`. A file that cannot be removed stays.
pub(crate) fn remove_leftovers(directory: &Path, ours: impl Fn(&str) -> bool) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let hidden = entry.file_name();
        let hidden = hidden.to_str().and_then(of_hidden);
        if hidden.is_some_and(|(file, process)| ours(file) && !is_alive(process)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The final name of a hidden file, and the process that made it.
fn of_hidden(name: &str) -> Option<(&str, u32)> {
    let (rest, what) = name.strip_prefix('.')?.rsplit_once('.')?;
    let (file, process) = rest.rsplit_once('.')?;
    let process = process.parse().ok()?;
    [NEW, OLD].contains(&what).then_some((file, process))
}

/// True if a process may still run.
fn is_alive(process: u32) -> bool {
    let processes = Path::new("/proc");
    !processes.join("self").exists() || processes.join(process.to_string()).exists()
}

/// A file without a name in the directory of a path; `None` if the file system has no such
/// files, or no way to name them.
fn unnamed(place: &Path, mode: u32) -> Option<File> {
    let mut options = OpenOptions::new();
    options.write(true).mode(mode);
    options.custom_flags(OFlags::TMPFILE.bits().cast_signed());
    let file = options.open(directory_of(place)).ok()?;
    fs::read_link(descriptor(&file)).ok().map(|_| file)
}

fn directory_of(place: &Path) -> &Path {
    let directory = place.parent();
    let directory = directory.filter(|it| !it.as_os_str().is_empty());
    directory.unwrap_or(Path::new("."))
}

fn descriptor(file: &File) -> PathBuf {
    Path::new(DESCRIPTORS).join(file.as_raw_fd().to_string())
}

/// Gives a file without a name one that nothing has.
fn name(file: &File, to: &Path) -> io::Result<()> {
    let descriptor = descriptor(file);
    let named = linkat(CWD, descriptor, CWD, to, AtFlags::SYMLINK_FOLLOW);
    Ok(named?)
}

/// Gives a file a name that nothing has.
fn rename_to_free(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // A file system that does not know this kind of renaming.
        Err(Errno::INVAL | Errno::NOSYS) => fs::hard_link(from, to),
        renamed => Ok(renamed?),
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

    fn listed(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let names = entries.map(|it| it.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    #[test]
    fn text_without_a_name_ends_with_the_process() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("new");
        let has_unnamed = unnamed(&path, 0o600).is_some();
        let staged = Nameless::create(&path, 0o600).unwrap();
        assert_eq!(staged.is_unnamed(), has_unnamed);
        let staged = staged.write(b"secret").unwrap();
        assert_eq!(listed(place.path()).is_empty(), has_unnamed);
        staged.publish().unwrap();
        assert_eq!(listed(place.path()), ["new"]);
        assert_eq!(fs::read(&path).unwrap(), b"secret");
    }

    #[test]
    fn hidden_file_takes_its_name_or_is_gone() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("new");
        let own = hidden_path(&path, NEW);
        // Of an earlier process with the same number, as in a container.
        fs::write(&own, "earlier").unwrap();
        let hidden = |text: &[u8]| Nameless::hidden(&path, 0o600).unwrap().write(text);
        let staged = hidden(b"text").unwrap();
        assert!(own.exists());
        staged.publish().unwrap();
        assert_eq!(listed(place.path()), ["new"]);
        let error = hidden(b"other").unwrap().publish().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert_eq!(listed(place.path()), ["new"]);
        assert_eq!(fs::read(&path).unwrap(), b"text");
        hidden(b"later").unwrap().replace().unwrap();
        assert_eq!(listed(place.path()), ["new"]);
        assert_eq!(fs::read(&path).unwrap(), b"later");
    }

    #[test]
    fn text_is_copied_where_it_cannot_be_named() {
        let place = tempfile::tempdir().unwrap();
        for make in [Nameless::create, Nameless::hidden] {
            let path = place.path().join("new");
            let staged = make(&path, 0o640).unwrap().write(b"text").unwrap();
            staged.copy().unwrap();
            assert_eq!(listed(place.path()), ["new"]);
            assert_eq!(fs::read(&path).unwrap(), b"text");
            let staged = make(&path, 0o640).unwrap().write(b"other").unwrap();
            let error = staged.copy().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AlreadyExists);
            assert_eq!(fs::read(&path).unwrap(), b"text");
            fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn new_file_removes_what_a_killed_try_left() {
        let place = tempfile::tempdir().unwrap();
        // No process has a number above 4194304.
        let dead = ".new.4194305.new";
        let kept = [".new.4194305.bak", ".other.4194305.new", ".new.new"];
        for name in kept.iter().chain([&dead]) {
            fs::write(place.path().join(name), "secret").unwrap();
        }
        NewFile::create(&place.path().join("new"), 0o600).unwrap();
        let mut kept = kept.to_vec();
        kept.sort_unstable();
        assert_eq!(listed(place.path()), kept);
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
