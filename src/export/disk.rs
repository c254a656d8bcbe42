//! Writes the files of an export: all of them, or none.
//!
//! Each text goes to a file without a name first, in the directory of its final path; where
//! the file system has none, to a hidden one. When all texts are on the disk, each file takes
//! its name. A file is replaced only if the caller says so. After a failure, every earlier step
//! is undone; after the death of the process, the next export removes its hidden files.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, OFlags, RenameFlags, linkat, renameat_with};
use rustix::io::Errno;

/// Number of files without a name: each takes a descriptor until it has one.
const MOST_UNNAMED: usize = 256;

/// The descriptors of this process.
const DESCRIPTORS: &str = "/proc/self/fd";

/// A file that is to be written.
#[derive(Debug)]
pub struct FileToWrite<'a> {
    /// Its path below the directory.
    pub file: &'a str,
    /// Its text.
    pub text: &'a str,
    /// True if it exists and is replaced.
    pub overwrites: bool,
}

/// A file, or its directory, that could not be written. None was.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}", path.display())]
pub struct ExportWriteError {
    /// The path.
    pub path: PathBuf,
    /// The reason.
    #[source]
    pub source: io::Error,
}

impl ExportWriteError {
    /// Help text.
    pub const HELP: &'static str = "nothing was written: choose a writable directory on a file system with free space, and \
         run the command as the owner of a file that it rewrites";
}

/// Writes all files, or none. The directory is created if it is missing.
///
/// # Errors
/// The directory or a file cannot be written; nothing of it is left.
pub fn write_all(directory: &Path, files: &[FileToWrite<'_>]) -> Result<(), ExportWriteError> {
    let mut undo = Undo::default();
    let written = undo.create(directory).and_then(|()| {
        let places = files.iter().map(|file| undo.stage(directory, file));
        let places: Vec<Staged> = places.collect::<Result<_, _>>()?;
        for place in places {
            undo.publish(place)?;
        }
        sync(directory)
    });
    match written {
        Ok(()) => {
            undo.keep();
            Ok(())
        }
        Err(error) => {
            undo.take_back();
            Err(error)
        }
    }
}

/// Removes the hidden files of processes that ended in the middle of an export. What cannot be
/// removed stays: it is not read as an integration file.
pub fn remove_leftovers(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let process = name.to_str().and_then(process_of_hidden);
        if process.is_some_and(|process| !is_alive(process)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The process that made a hidden file of an export.
fn process_of_hidden(name: &str) -> Option<u32> {
    let rest = name.strip_prefix('.')?;
    let rest = rest.strip_suffix(".new").or(rest.strip_suffix(".old"))?;
    let (file, process) = rest.rsplit_once('.')?;
    let (_, ending) = file.rsplit_once('.')?;
    let is_ours = matches!(ending, "yaml" | "yml" | "json");
    process.parse().ok().filter(|_| is_ours)
}

/// True if a process may still run.
fn is_alive(process: u32) -> bool {
    let processes = Path::new("/proc");
    !processes.join("self").exists() || processes.join(process.to_string()).exists()
}

/// A text on the disk that does not have its name yet.
enum Text {
    Unnamed(File),
    Hidden(PathBuf),
}

/// A text with its final path.
struct Staged {
    text: Text,
    place: PathBuf,
    overwrites: bool,
}

/// Everything that was done so far, to be taken back.
#[derive(Debug, Default)]
struct Undo {
    /// Directories that were created, outermost first.
    directories: Vec<PathBuf>,
    /// Files that are new.
    files: Vec<PathBuf>,
    /// Number of files without a name.
    unnamed: usize,
    /// Files that were replaced, each with its earlier text.
    replaced: Vec<(PathBuf, PathBuf)>,
}

impl Undo {
    /// Creates a directory, and those around it.
    fn create(&mut self, directory: &Path) -> Result<(), ExportWriteError> {
        let missing = directory.ancestors();
        let missing = missing.take_while(|path| !path.as_os_str().is_empty() && !path.exists());
        let missing: Vec<PathBuf> = missing.map(Path::to_path_buf).collect();
        for path in missing.into_iter().rev() {
            fs::create_dir(&path).map_err(|source| failed(&path, source))?;
            self.directories.push(path);
        }
        Ok(())
    }

    /// Opens a file that has no name, or a hidden one.
    fn open(&mut self, place: &Path) -> io::Result<(File, Option<PathBuf>)> {
        if self.unnamed < MOST_UNNAMED
            && let Some(file) = unnamed(place)
        {
            self.unnamed += 1;
            return Ok((file, None));
        }
        let hidden = hidden_path(place, "new");
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).open(&hidden)?;
        self.files.push(hidden.clone());
        Ok((file, Some(hidden)))
    }

    /// Writes a text that gets its name later.
    fn stage(
        &mut self,
        directory: &Path,
        file: &FileToWrite<'_>,
    ) -> Result<Staged, ExportWriteError> {
        let shown = directory.join(file.file);
        // Of a link, the file that it leads to is replaced.
        let place = if file.overwrites {
            fs::canonicalize(&shown).map_err(|source| failed(&shown, source))?
        } else {
            shown.clone()
        };
        let opened = self.open(&place);
        let (mut opened, hidden) = opened.map_err(|source| failed(&shown, source))?;
        let written = opened.write_all(file.text.as_bytes());
        let written = written.and_then(|()| opened.sync_all());
        written.map_err(|source| failed(&shown, source))?;
        if file.overwrites {
            keep_access(&place, &opened).map_err(|source| failed(&shown, source))?;
        }
        Ok(Staged {
            text: hidden.map_or(Text::Unnamed(opened), Text::Hidden),
            place,
            overwrites: file.overwrites,
        })
    }

    /// Gives a text its name.
    fn publish(&mut self, staged: Staged) -> Result<(), ExportWriteError> {
        let Staged {
            text,
            place,
            overwrites,
        } = staged;
        let hidden = match text {
            Text::Hidden(hidden) => hidden,
            Text::Unnamed(file) if !overwrites => {
                name(&file, &place).map_err(|source| failed(&place, source))?;
                self.files.push(place);
                return Ok(());
            }
            Text::Unnamed(file) => {
                let hidden = hidden_path(&place, "new");
                name(&file, &hidden).map_err(|source| failed(&place, source))?;
                self.files.push(hidden.clone());
                hidden
            }
        };
        if overwrites {
            let earlier = hidden_path(&place, "old");
            let kept = fs::hard_link(&place, &earlier);
            let kept = kept.or_else(|_| fs::copy(&place, &earlier).map(drop));
            kept.map_err(|source| failed(&place, source))?;
            self.replaced.push((place.clone(), earlier));
            return fs::rename(&hidden, &place).map_err(|source| failed(&place, source));
        }
        rename_to_free(&hidden, &place).map_err(|source| failed(&place, source))?;
        self.files.push(place);
        Ok(())
    }

    /// Keeps the result and removes the earlier texts.
    fn keep(self) {
        for (_, earlier) in self.replaced {
            let _ = fs::remove_file(earlier);
        }
    }

    fn take_back(self) {
        for (place, earlier) in self.replaced {
            let _ = fs::rename(earlier, place);
        }
        for file in self.files {
            let _ = fs::remove_file(file);
        }
        for directory in self.directories.into_iter().rev() {
            let _ = fs::remove_dir(directory);
        }
    }
}

/// Gives a new file the owner, the group and the mode of the file that it replaces.
fn keep_access(place: &Path, new: &File) -> io::Result<()> {
    let (old, own) = (fs::metadata(place)?, new.metadata()?);
    let changed = |old: u32, own: u32| (old != own).then_some(old);
    let (owner, group) = (changed(old.uid(), own.uid()), changed(old.gid(), own.gid()));
    if owner.is_some() || group.is_some() {
        let kept = fchown(new, owner, group);
        kept.map_err(|error| cannot_keep(&old, &error))?;
    }
    // After the owner, because a change of owner may take away bits of the mode.
    new.set_permissions(old.permissions())
}

fn cannot_keep(old: &fs::Metadata, error: &io::Error) -> io::Error {
    let (owner, group) = (old.uid(), old.gid());
    let what = format!("the file must stay with user {owner} and group {group}: {error}");
    io::Error::new(error.kind(), what)
}

/// A file without a name in the directory of a path, which ends with the process; `None` if the
/// file system has no such files, or no way to name them.
fn unnamed(place: &Path) -> Option<File> {
    let directory = place.parent()?;
    let mut options = OpenOptions::new();
    options.write(true).mode(0o666);
    options.custom_flags(OFlags::TMPFILE.bits().cast_signed());
    let file = options.open(directory).ok()?;
    fs::read_link(descriptor(&file)).ok().map(|_| file)
}

fn descriptor(file: &File) -> PathBuf {
    Path::new(DESCRIPTORS).join(file.as_raw_fd().to_string())
}

/// Gives a file without a name one that nothing has.
fn name(file: &File, to: &Path) -> io::Result<()> {
    Ok(linkat(
        CWD,
        descriptor(file),
        CWD,
        to,
        AtFlags::SYMLINK_FOLLOW,
    )?)
}

/// Gives a file a name that nothing has.
fn rename_to_free(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // A file system that does not know this kind of renaming.
        Err(Errno::INVAL | Errno::NOSYS) => {
            fs::hard_link(from, to)?;
            fs::remove_file(from)
        }
        renamed => Ok(renamed?),
    }
}

/// A hidden path in the same directory, which is not read as an integration file.
fn hidden_path(place: &Path, what: &str) -> PathBuf {
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    place.with_file_name(format!(".{name}.{}.{what}", std::process::id()))
}

/// Sees to it that the names are on the disk.
fn sync(directory: &Path) -> Result<(), ExportWriteError> {
    match File::open(directory).and_then(|directory| directory.sync_all()) {
        Ok(()) => Ok(()),
        // Not every file system can do this to a directory.
        Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(()),
        Err(source) => Err(failed(directory, source)),
    }
}

fn failed(path: &Path, source: io::Error) -> ExportWriteError {
    ExportWriteError {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use tempfile::TempDir;

    use super::*;

    fn file<'a>(file: &'a str, text: &'a str) -> FileToWrite<'a> {
        FileToWrite {
            file,
            text,
            overwrites: false,
        }
    }

    fn listed(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let names = entries.map(|it| it.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    #[test]
    fn files_and_their_directories_are_created() {
        let root = TempDir::new().unwrap();
        let directory = root.path().join("a/b");
        write_all(&directory, &[file("x.yaml", "x"), file("y.yaml", "y")]).unwrap();
        assert_eq!(listed(&directory), ["x.yaml", "y.yaml"]);
        assert_eq!(fs::read_to_string(directory.join("y.yaml")).unwrap(), "y");
    }

    #[test]
    fn file_that_exists_takes_everything_back() {
        let root = TempDir::new().unwrap();
        fs::write(root.path().join("y.yaml"), "theirs").unwrap();
        fs::write(root.path().join("z.yaml"), "earlier").unwrap();
        let rewritten = FileToWrite {
            overwrites: true,
            ..file("z.yaml", "new")
        };
        let files = [file("x.yaml", "x"), rewritten, file("y.yaml", "y")];
        let error = write_all(root.path(), &files).unwrap_err();
        assert_eq!(error.path, root.path().join("y.yaml"));
        assert_eq!(listed(root.path()), ["y.yaml", "z.yaml"]);
        let read = |name: &str| fs::read_to_string(root.path().join(name)).unwrap();
        assert_eq!([read("y.yaml"), read("z.yaml")], ["theirs", "earlier"]);
    }

    #[test]
    fn directory_that_was_created_for_a_failure_is_gone() {
        let root = TempDir::new().unwrap();
        let directory = root.path().join("a/b");
        let files = [file("x.yaml", "x"), file("no/such/y.yaml", "y")];
        write_all(&directory, &files).unwrap_err();
        assert_eq!(listed(root.path()), [""; 0]);
    }

    #[test]
    fn text_without_a_name_is_not_seen() {
        let root = TempDir::new().unwrap();
        let mut undo = Undo::default();
        let staged = undo.stage(root.path(), &file("x.yaml", "x")).unwrap();
        let has_unnamed = unnamed(&root.path().join("x.yaml")).is_some();
        assert_eq!(listed(root.path()).is_empty(), has_unnamed);
        undo.publish(staged).unwrap();
        assert_eq!(listed(root.path()), ["x.yaml"]);
        assert_eq!(fs::read_to_string(root.path().join("x.yaml")).unwrap(), "x");
    }

    #[test]
    fn hidden_files_are_used_if_there_are_many() {
        let root = TempDir::new().unwrap();
        let mut undo = Undo {
            unnamed: MOST_UNNAMED,
            ..Undo::default()
        };
        let staged = undo.stage(root.path(), &file("x.yaml", "x")).unwrap();
        let hidden = format!(".x.yaml.{}.new", std::process::id());
        assert_eq!(listed(root.path()), [hidden]);
        undo.publish(staged).unwrap();
        assert_eq!(listed(root.path()), ["x.yaml"]);
    }

    #[test]
    fn hidden_files_of_dead_processes_are_removed() {
        let root = TempDir::new().unwrap();
        let own = format!(".x.yaml.{}.new", std::process::id());
        // No process has a number above 4194304.
        let others = [".notes.4194305.new", ".x.yaml.4194305.bak", ".x.yaml.new"];
        let dead = [".x.yaml.4194305.new", ".y.json.4194305.old"];
        for name in dead.iter().chain(&others).chain([&own.as_str()]) {
            fs::write(root.path().join(name), "").unwrap();
        }
        remove_leftovers(root.path());
        let mut kept = others.to_vec();
        kept.push(&own);
        kept.sort_unstable();
        assert_eq!(listed(root.path()), kept);
    }

    #[test]
    fn rewritten_file_keeps_its_permissions_and_its_link() {
        let root = TempDir::new().unwrap();
        let real = root.path().join("real.yaml");
        fs::write(&real, "earlier").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink("real.yaml", root.path().join("link.yaml")).unwrap();
        let rewritten = FileToWrite {
            overwrites: true,
            ..file("link.yaml", "new")
        };
        write_all(root.path(), &[rewritten]).unwrap();
        assert_eq!(listed(root.path()), ["link.yaml", "real.yaml"]);
        assert_eq!(fs::read_to_string(&real).unwrap(), "new");
        let mode = fs::metadata(&real).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
    }
}
