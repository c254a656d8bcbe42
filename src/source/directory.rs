//! The files of a directory, and of the directories below it.
//!
//! Decided on purpose, in addition to the rules of every source: a link is followed if it stays
//! inside the directory, and a place is read once, by its first path in order; an entry that is
//! neither a file nor a directory is never opened, since opening a pipe can wait for ever.
//!
//! A file that is listed but missing when it is read is about to be replaced: an editor or `git
//! checkout` unlinks it first. Omitting it would look like its removal, so the directory is
//! listed again, and a directory that keeps changing is an error.

use std::collections::BTreeSet;
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::rules::{is_hidden, is_named_like_a_file, starts_with_dot, too_large};
use super::{FileProblem, Snapshot, SourceError, SourceFile, pipe};
use crate::manifest::{MAX_FILE_SIZE, MOST_FILES};
use crate::{parallel, regular};

/// Number of times that a directory is listed before it counts as changing.
const ATTEMPTS: u32 = 5;

/// Pause between two of them: a file that is replaced is back within a millisecond,
/// and a checkout replaces a hundred files in this time.
const PAUSE: Duration = Duration::from_millis(20);

/// Reads a directory, or a single file. Paths are shown as they were given.
///
/// # Errors
/// If the directory does not exist, cannot be listed, or goes on changing while it
/// is read. Any other problem below it becomes a [`FileProblem`].
pub fn read_directory(directory: &Path) -> Result<Snapshot, SourceError> {
    persistent(|| read_once(directory))
}

/// Reads a directory, and the files with the variables of its files.
///
/// # Errors
/// As for [`read_directory`].
pub fn read_with_variables(
    directory: &Path,
    variables: &[PathBuf],
) -> Result<Snapshot, SourceError> {
    Ok(Snapshot {
        variables: variables.iter().map(|path| read_single(path)).collect(),
        ..read_directory(directory)?
    })
}

/// Reads one file, which may be a link to any place, or a pipe.
pub(crate) fn read_single(path: &Path) -> SourceFile {
    let read = fs::metadata(path).map_err(|error| unreadable(&error));
    if read.as_ref().is_ok_and(|it| it.file_type().is_fifo()) {
        return SourceFile {
            path: shown(path).0,
            content: pipe::read_once(path),
        };
    }
    let content = read.and_then(|metadata| match read_file(path, &metadata) {
        Ok(content) => content,
        Err(Vanished(_)) => Err(unreadable(&io::Error::from(ErrorKind::NotFound))),
    });
    SourceFile {
        path: shown(path).0,
        content,
    }
}

/// Reads until nothing vanishes meanwhile, but not for ever.
fn persistent(
    mut read: impl FnMut() -> Result<Snapshot, SourceError>,
) -> Result<Snapshot, SourceError> {
    for _ in 1..ATTEMPTS {
        match read() {
            Err(SourceError::Changing { .. }) => std::thread::sleep(PAUSE),
            done => return done,
        }
    }
    read()
}

fn read_once(directory: &Path) -> Result<Snapshot, SourceError> {
    let path = directory.to_owned();
    let metadata = match fs::metadata(directory) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(SourceError::Missing { path });
        }
        Err(source) => return Err(SourceError::Unreadable { path, source }),
    };
    let changing = |Vanished(file)| SourceError::Changing {
        path: path.clone(),
        file,
    };
    if metadata.is_file() {
        let found = Found {
            path: shown(directory).0,
            place: Ok((path.clone(), metadata)),
        };
        let file = found.read().map_err(changing)?;
        let root = shown(directory).0;
        let files = vec![file];
        return Ok(Snapshot {
            root,
            files,
            variables: Vec::new(),
        });
    }
    if !metadata.is_dir() {
        return Err(SourceError::NotADirectory { path });
    }
    let unreadable = |source| SourceError::Unreadable {
        path: path.clone(),
        source,
    };
    let root = fs::canonicalize(directory).map_err(unreadable)?;
    let entries = list(directory).map_err(unreadable)?;
    let mut walk = DirectoryWalk {
        root: root.clone(),
        seen: BTreeSet::from([root]),
        found: Vec::new(),
    };
    walk.entries(entries).map_err(changing)?;
    if walk.found.len() > MOST_FILES {
        let limit = MOST_FILES;
        return Err(SourceError::TooMany { path, limit });
    }
    let files = parallel::map(&walk.found, Found::read);
    let files: Result<Vec<SourceFile>, Vanished> = files.into_iter().collect();
    let mut files = files.map_err(changing)?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let root = shown(directory).0;
    Ok(Snapshot {
        root,
        files,
        variables: Vec::new(),
    })
}

/// A path that was listed and is gone.
struct Vanished(PathBuf);

/// The paths in a directory, in order.
fn list(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(directory)?.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = entries.collect::<io::Result<Vec<_>>>()?;
    // They differ in their last part alone, so that the text has the order of the paths.
    paths.sort_unstable_by(|a, b| a.as_os_str().cmp(b.as_os_str()));
    Ok(paths)
}

/// A file that was found, not read yet.
struct Found {
    /// Its path as it is shown.
    path: String,
    /// Its path without links, or the problem with it.
    place: Result<(PathBuf, Metadata), FileProblem>,
}

impl Found {
    fn read(&self) -> Result<SourceFile, Vanished> {
        let content = match &self.place {
            Ok((place, metadata)) => read_file(place, metadata)?,
            Err(problem) => Err(problem.clone()),
        };
        Ok(SourceFile {
            path: self.path.clone(),
            content,
        })
    }
}

struct DirectoryWalk {
    /// The directory without links.
    root: PathBuf,
    /// Directories that were walked, and files that were reached by a link.
    seen: BTreeSet<PathBuf>,
    found: Vec<Found>,
}

impl DirectoryWalk {
    /// Files first and links last, so that a place keeps its own path.
    fn entries(&mut self, paths: Vec<PathBuf>) -> Result<(), Vanished> {
        let mut links = Vec::new();
        for path in paths.into_iter().filter(|path| !is_hidden(path)) {
            match fs::symlink_metadata(&path) {
                Ok(metadata) if metadata.is_symlink() => links.push(path),
                Ok(metadata) if metadata.is_dir() => self.directory(&path)?,
                Ok(metadata) if is_named_like_a_file(&path) => {
                    self.push(&path, Ok((path.clone(), metadata)));
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    // It may have been a directory, too.
                    return Err(Vanished(path));
                }
                Err(error) if is_named_like_a_file(&path) => {
                    self.push(&path, Err(unreadable(&error)));
                }
                Ok(_) | Err(_) => {}
            }
        }
        links.iter().try_for_each(|link| self.link(link))
    }

    fn directory(&mut self, path: &Path) -> Result<(), Vanished> {
        let walked = fs::canonicalize(path).and_then(|place| {
            if self.seen.insert(place) {
                list(path).map(Some)
            } else {
                Ok(None)
            }
        });
        match walked {
            Ok(Some(entries)) => self.entries(entries),
            Ok(None) => Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(Vanished(path.to_owned())),
            Err(error) => {
                let reason = error.to_string();
                self.push(path, Err(FileProblem::UnreadableDirectory { reason }));
                Ok(())
            }
        }
    }

    /// A link matters if it is named like a file or leads to a directory.
    fn link(&mut self, path: &Path) -> Result<(), Vanished> {
        let target = match fs::canonicalize(path) {
            Ok(target) => target,
            Err(error) => return self.broken_link(path, &error),
        };
        let metadata = match fs::metadata(&target) {
            Ok(metadata) => metadata,
            // It was there a moment ago.
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(Vanished(target)),
            Err(error) => {
                self.push(path, Err(unreadable(&error)));
                return Ok(());
            }
        };
        if !metadata.is_dir() && !is_named_like_a_file(path) {
            return Ok(());
        }
        if !target.starts_with(&self.root) {
            self.push(path, Err(FileProblem::LeavesDirectory));
        } else if metadata.is_dir() && is_above(&target, path) {
            self.push(path, Err(FileProblem::LinkLoop));
        } else if metadata.is_dir() {
            return self.directory(path);
        } else if self.seen.insert(target.clone()) && !self.is_read_anyway(&target) {
            self.push(path, Ok((target, metadata)));
        }
        Ok(())
    }

    /// A link that leads nowhere, unless it is gone itself.
    fn broken_link(&mut self, path: &Path, error: &io::Error) -> Result<(), Vanished> {
        if fs::symlink_metadata(path).is_err_and(|e| e.kind() == ErrorKind::NotFound) {
            return Err(Vanished(path.to_owned()));
        }
        let kind = error.kind();
        if kind == ErrorKind::NotFound && !is_named_like_a_file(path) {
            return Ok(());
        }
        let problem = if matches!(kind, ErrorKind::NotFound | ErrorKind::NotADirectory) {
            FileProblem::Dangling
        } else if kind == ErrorKind::PermissionDenied {
            unreadable(error)
        } else {
            // What else keeps a link from being resolved is a circle.
            FileProblem::LinkLoop
        };
        self.push(path, Err(problem));
        Ok(())
    }

    /// True if the target of a link is also read under its own name.
    fn is_read_anyway(&self, target: &Path) -> bool {
        let inside = target.strip_prefix(&self.root).unwrap_or(target);
        is_named_like_a_file(target)
            && !inside
                .components()
                .any(|part| starts_with_dot(part.as_os_str()))
    }

    fn push(&mut self, path: &Path, place: Result<(PathBuf, Metadata), FileProblem>) {
        let (path, is_text) = shown(path);
        let place = if is_text {
            place
        } else {
            Err(FileProblem::NameNotUtf8)
        };
        self.found.push(Found { path, place });
    }
}

/// True if a directory, without links, contains the place of a path.
fn is_above(directory: &Path, path: &Path) -> bool {
    let parent = path.parent().map(fs::canonicalize);
    parent.is_some_and(|parent| parent.is_ok_and(|parent| parent.starts_with(directory)))
}

fn unreadable(error: &io::Error) -> FileProblem {
    FileProblem::Unreadable {
        reason: error.to_string(),
    }
}

/// A path as text, and whether nothing was lost.
fn shown(path: &Path) -> (String, bool) {
    match path.to_str() {
        Some(text) => (text.to_owned(), true),
        None => (path.to_string_lossy().into_owned(), false),
    }
}

/// Reads a file that was seen a moment ago.
fn read_file(path: &Path, seen: &Metadata) -> Result<Result<Vec<u8>, FileProblem>, Vanished> {
    if !seen.is_file() {
        return Ok(Err(FileProblem::NotAFile));
    }
    match regular::open(path) {
        Ok(Some(file)) => Ok(content(file, seen)),
        Ok(None) => Ok(Err(FileProblem::NotAFile)),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(Vanished(path.to_owned())),
        Err(error) => Ok(Err(unreadable(&error))),
    }
}

/// The content of a file, but not more than is allowed, however it grows meanwhile.
fn content(file: File, metadata: &Metadata) -> Result<Vec<u8>, FileProblem> {
    too_large(metadata.len())?;
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default() + 1);
    let read = file.take(MAX_FILE_SIZE + 1).read_to_end(&mut bytes);
    let size = read.map_err(|error| unreadable(&error))?;
    too_large(size as u64)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    struct Dir(tempfile::TempDir);

    impl Dir {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn path(&self, path: &str) -> PathBuf {
            self.0.path().join(path)
        }

        fn with(self, path: &str, content: &str) -> Self {
            fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
            fs::write(self.path(path), content).unwrap();
            self
        }

        fn link(self, path: &str, target: &str) -> Self {
            symlink(target, self.path(path)).unwrap();
            self
        }

        /// Every file in a line: its path below the directory, and what is in it.
        fn read(&self) -> Vec<String> {
            let snapshot = read_directory(self.0.path()).unwrap();
            let show = |file: SourceFile| {
                let path = file
                    .path
                    .replace(&format!("{}/", self.0.path().display()), "");
                match file.content {
                    Ok(bytes) => format!("{path}: {}", String::from_utf8_lossy(&bytes)),
                    Err(problem) => format!("{path}: {problem:?}"),
                }
            };
            snapshot.files.into_iter().map(show).collect()
        }
    }

    #[test]
    fn files_are_found_at_every_depth_in_order() {
        let dir = Dir::new()
            .with("b.yaml", "1")
            .with("a/z.yml", "2")
            .with("a.json", "3")
            .with("x.yaml/inner.yaml", "4")
            .with("A.YAML", "no")
            .with("notes.txt", "no")
            .with(".hidden.yaml", "no")
            .with(".git/c.yaml", "no");
        assert_eq!(
            dir.read(),
            [
                "a.json: 3",
                "a/z.yml: 2",
                "b.yaml: 1",
                "x.yaml/inner.yaml: 4"
            ]
        );
    }

    #[test]
    fn links_inside_are_followed_once_and_others_are_reported() {
        let outside = Dir::new().with("secret.yaml", "hunter2");
        let dir = Dir::new()
            .with("real/a.yaml", "1")
            .with("base.tpl", "2")
            .link("again", "real")
            .link("one.yaml", "real/a.yaml")
            .link("tpl.yaml", "base.tpl")
            .link("tpl2.yaml", "base.tpl")
            .link("nowhere.yaml", "missing")
            .link("nowhere", "missing")
            .link("circle.yaml", "circle.yaml")
            .link("real/up", "..")
            .link("out.yaml", outside.path("secret.yaml").to_str().unwrap())
            .link("outdir", outside.0.path().to_str().unwrap());
        assert_eq!(
            dir.read(),
            [
                "circle.yaml: LinkLoop",
                "nowhere.yaml: Dangling",
                "out.yaml: LeavesDirectory",
                "outdir: LeavesDirectory",
                "real/a.yaml: 1",
                "real/up: LinkLoop",
                "tpl.yaml: 2",
            ]
        );
    }

    #[test]
    fn what_is_no_file_is_not_opened() {
        let dir = Dir::new().with("a.yaml", "1");
        let status = std::process::Command::new("mkfifo")
            .arg(dir.path("pipe.yaml"))
            .status();
        assert!(status.unwrap().success());
        assert_eq!(dir.read(), ["a.yaml: 1", "pipe.yaml: NotAFile"]);
    }

    #[test]
    fn substitute_for_a_file_before_it_is_opened_is_not_read() {
        let dir = Dir::new().with("a.yaml", "1");
        let seen = fs::metadata(dir.path("a.yaml")).unwrap();
        let pipe = dir.path("pipe");
        let read = regular::tests::with_a_pipe(&pipe, || read_file(&pipe, &seen));
        assert!(matches!(read, Ok(Err(FileProblem::NotAFile))));
    }

    #[test]
    fn a_file_that_is_too_large_is_not_read() {
        let dir = Dir::new();
        File::create(dir.path("big.yaml"))
            .unwrap()
            .set_len(MAX_FILE_SIZE + 1)
            .unwrap();
        assert_eq!(
            dir.read(),
            [format!(
                "big.yaml: TooLarge {{ size: {} }}",
                MAX_FILE_SIZE + 1
            )]
        );
    }

    #[test]
    fn an_unreadable_file_does_not_stop_the_others() {
        let dir = Dir::new()
            .with("a.yaml", "1")
            .with("b.yaml", "2")
            .with("c/d.yaml", "3");
        fs::set_permissions(dir.path("a.yaml"), fs::Permissions::from_mode(0o000)).unwrap();
        fs::set_permissions(dir.path("c"), fs::Permissions::from_mode(0o000)).unwrap();
        if File::open(dir.path("a.yaml")).is_ok() {
            return; // Permissions mean nothing to this user.
        }
        let read = dir.read();
        fs::set_permissions(dir.path("c"), fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(read.len(), 3);
        assert!(read[0].starts_with("a.yaml: Unreadable {"), "{read:?}");
        assert_eq!(read[1], "b.yaml: 2");
        assert!(read[2].starts_with("c: UnreadableDirectory"), "{read:?}");
    }

    #[test]
    fn a_name_that_is_not_text_is_reported() {
        use std::os::unix::ffi::OsStrExt;
        let dir = Dir::new();
        fs::write(dir.0.path().join(OsStr::from_bytes(b"\xff.yaml")), "1").unwrap();
        assert_eq!(dir.read(), ["\u{fffd}.yaml: NameNotUtf8"]);
    }

    #[test]
    fn a_single_file_can_be_given() {
        let dir = Dir::new().with("any.name", "1");
        let snapshot = read_directory(&dir.path("any.name")).unwrap();
        assert_eq!(snapshot.files[0].content, Ok(b"1".to_vec()));
    }

    #[test]
    fn a_file_that_is_gone_when_it_is_read_is_not_left_out() {
        let dir = Dir::new().with("a.yaml", "1").with("b.yaml", "2");
        let paths = list(dir.0.path()).unwrap();
        fs::remove_file(dir.path("b.yaml")).unwrap();
        let walk = || DirectoryWalk {
            root: dir.0.path().to_owned(),
            seen: BTreeSet::new(),
            found: Vec::new(),
        };
        let Err(Vanished(gone)) = walk().entries(paths) else {
            panic!("it was passed over");
        };
        assert_eq!(gone, dir.path("b.yaml"));

        let mut walked = walk();
        let listed = walked.entries(list(dir.0.path()).unwrap());
        fs::remove_file(dir.path("a.yaml")).unwrap();
        assert!(listed.is_ok() && walked.found[0].read().is_err());
    }

    #[test]
    fn a_changing_directory_is_listed_again_and_then_an_error() {
        let changing = || SourceError::Changing {
            path: "files".into(),
            file: "files/a.yaml".into(),
        };
        let mut reads = 0;
        let read = persistent(|| {
            reads += 1;
            if reads < 3 {
                return Err(changing());
            }
            let (root, files) = (String::new(), Vec::new());
            Ok(Snapshot {
                root,
                files,
                variables: Vec::new(),
            })
        });
        assert!(read.is_ok() && reads == 3);

        reads = 0;
        let read = persistent(|| {
            reads += 1;
            Err(changing())
        });
        assert!(matches!(read, Err(SourceError::Changing { .. })));
        assert_eq!(reads, ATTEMPTS);
    }

    #[test]
    fn a_missing_directory_is_an_error_and_never_empty() {
        let dir = Dir::new();
        let error = read_directory(&dir.path("missing")).unwrap_err();
        assert!(matches!(error, SourceError::Missing { .. }), "{error}");
        let error = read_directory(Path::new("/dev/null")).unwrap_err();
        assert!(
            matches!(error, SourceError::NotADirectory { .. }),
            "{error}"
        );
    }
}
