//! Writes the files of an export: all of them, or none.
//!
//! Each text goes to a file that does not have its name yet. When all texts are on the disk,
//! each file takes its name. A file is replaced only if the caller says so. After a failure,
//! every earlier step is undone; after the death of the process, the next export removes its
//! hidden files.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::{Path, PathBuf};

use crate::regular::{self, Nameless, StagedFile, earlier_path};

/// Number of files without a name: each takes a descriptor until it has one.
const MOST_UNNAMED: usize = 256;

/// The mode of a new file, less what the umask takes away.
const MODE: u32 = 0o666;

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
    regular::remove_leftovers(directory, |file| {
        let ending = file.rsplit_once('.').map(|(_, ending)| ending);
        ending.is_some_and(|ending| matches!(ending, "yaml" | "yml" | "json"))
    });
}

/// A text with its final path.
struct Staged {
    text: StagedFile,
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

    /// Opens a file that does not have its name yet.
    fn open(&mut self, place: &Path) -> io::Result<Nameless> {
        if self.unnamed >= MOST_UNNAMED {
            return Nameless::hidden(place, MODE);
        }
        let opened = Nameless::create(place, MODE)?;
        self.unnamed += usize::from(opened.is_unnamed());
        Ok(opened)
    }

    /// Writes a text that gets its name later.
    fn stage(
        &mut self,
        directory: &Path,
        file: &FileToWrite<'_>,
    ) -> Result<Staged, ExportWriteError> {
        let shown = directory.join(file.file);
        self.staged(&shown, file)
            .map_err(|source| failed(&shown, source))
    }

    fn staged(&mut self, shown: &Path, file: &FileToWrite<'_>) -> io::Result<Staged> {
        // Of a link, the file that it leads to is replaced.
        let place = if file.overwrites {
            fs::canonicalize(shown)?
        } else {
            shown.to_owned()
        };
        let opened = self.open(&place)?;
        if file.overwrites {
            keep_access(&place, opened.file())?;
        }
        Ok(Staged {
            text: opened.write(file.text.as_bytes())?,
            overwrites: file.overwrites,
        })
    }

    /// Gives a text its name.
    fn publish(&mut self, staged: Staged) -> Result<(), ExportWriteError> {
        let Staged { text, overwrites } = staged;
        let place = text.place().to_owned();
        if !overwrites {
            text.publish().map_err(|source| failed(&place, source))?;
            self.files.push(place);
            return Ok(());
        }
        let earlier = earlier_path(&place);
        let kept = fs::hard_link(&place, &earlier);
        let kept = kept.or_else(|_| fs::copy(&place, &earlier).map(drop));
        kept.map_err(|source| failed(&place, source))?;
        self.replaced.push((place.clone(), earlier));
        text.replace().map_err(|source| failed(&place, source))
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
