//! Files below declared directories, for the providers that read such files.
//!
//! Anyone who can change an integration file chooses the path, so it is confined twice. First
//! by its text, without touching the disk: a path outside the directories is rejected whether
//! or not it exists, so that a plan does not reveal the files of a machine. Then by the targets
//! of its links. Anyone who can write below a root is trusted: there is no protection against
//! links that change between the check and the reading.

use std::fs::{File, Metadata};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use zeroize::Zeroizing;

use super::Secret;
use super::missing::MissingReason;
use crate::regular;

/// The largest file that is read: no key or token comes near it.
const LARGEST: u64 = 1024 * 1024;

/// The value that is the whole of a file below a root.
pub(super) fn read(
    argument: &str,
    roots: &[PathBuf],
    own: &[PathBuf],
) -> Result<Secret, MissingReason> {
    secret_of(&read_bytes(argument, roots, own)?)
}

/// Content of a file, under the same rules for every purpose.
pub(super) fn read_bytes(
    argument: &str,
    roots: &[PathBuf],
    own: &[PathBuf],
) -> Result<Zeroizing<Vec<u8>>, MissingReason> {
    if roots.is_empty() {
        return Err(MissingReason::NoRoot);
    }
    let path = Path::new(argument);
    let mut reason = MissingReason::Outside;
    for root in roots {
        match below(path, root).and_then(|inner| read_below(&inner, root, own)) {
            Ok(bytes) => return Ok(bytes),
            // Another root may have it, or a better reason.
            Err(MissingReason::Outside) => {}
            Err(MissingReason::NoFile) => reason = MissingReason::NoFile,
            Err(other) => return Err(other),
        }
    }
    Err(reason)
}

/// The path as seen from a root, by its text alone.
fn below(path: &Path, root: &Path) -> Result<PathBuf, MissingReason> {
    let climbs = path.components().any(|part| part == Component::ParentDir);
    if climbs {
        return Err(MissingReason::Outside);
    }
    if !path.is_absolute() {
        return Ok(path.to_owned());
    }
    let root = std::path::absolute(root).map_err(|_| MissingReason::Outside)?;
    let inner = path.strip_prefix(&root);
    inner
        .map(Path::to_owned)
        .map_err(|_| MissingReason::Outside)
}

/// Reads a file whose real place is below the real place of a root.
pub(super) fn read_below(
    path: &Path,
    root: &Path,
    own: &[PathBuf],
) -> Result<Zeroizing<Vec<u8>>, MissingReason> {
    let root = root.canonicalize().map_err(|error| reason(&error))?;
    let real = root
        .join(path)
        .canonicalize()
        .map_err(|error| reason(&error))?;
    if !real.starts_with(&root) {
        return Err(MissingReason::Outside);
    }
    // Before it is opened: opening a pipe would wait for a writer.
    if !real.metadata().map_err(|error| reason(&error))?.is_file() {
        return Err(MissingReason::NotAFile);
    }
    let file = open(&real)?;
    let metadata = file.metadata().map_err(|error| reason(&error))?;
    if own.iter().any(|own| is_same_file(own, &metadata)) {
        return Err(MissingReason::OwnFile);
    }
    bytes_of(file)
}

/// True if a path leads to one of these files, through any name, link or hard link.
///
/// Even if the path is outside the roots, and so could not be read in any case: the reference
/// is a mistake that its author learns of before a run.
pub(super) fn leads_to(argument: &str, roots: &[PathBuf], own: &[PathBuf]) -> bool {
    roots.iter().any(|root| {
        let path = root.join(argument);
        let file = path.metadata().ok();
        own.iter().any(|own| {
            file.as_ref().is_some_and(|file| is_same_file(own, file)) || is_same_text(own, &path)
        })
    })
}

/// True if two paths are textually equal: the only possible comparison if the files do not
/// exist, as in a check before they are rolled out, or are not accessible.
fn is_same_text(one: &Path, other: &Path) -> bool {
    let (one, other) = (plain(one), plain(other));
    one.is_some() && one == other
}

/// The absolute path, without `.` and `..`.
fn plain(path: &Path) -> Option<PathBuf> {
    let mut plain = PathBuf::new();
    for part in std::path::absolute(path).ok()?.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => plain.push(part),
        }
    }
    Some(plain)
}

/// The value that a file of the tool's own holds, wherever it lies.
pub(super) fn read_own(path: &Path) -> Result<Secret, MissingReason> {
    if !path.metadata().map_err(|error| reason(&error))?.is_file() {
        return Err(MissingReason::NotAFile);
    }
    secret_of(&bytes_of(open(path)?)?)
}

fn open(path: &Path) -> Result<File, MissingReason> {
    let opened = regular::open(path).map_err(|error| reason(&error))?;
    opened.ok_or(MissingReason::NotAFile)
}

/// True for every name, link or hard link of the file.
fn is_same_file(path: &Path, file: &Metadata) -> bool {
    path.metadata()
        .is_ok_and(|own| (own.dev(), own.ino()) == (file.dev(), file.ino()))
}

fn bytes_of(file: File) -> Result<Zeroizing<Vec<u8>>, MissingReason> {
    let size = file.metadata().map_err(|error| reason(&error))?.len();
    // Large enough from the start: growing would keep a copy of the secret in freed memory.
    let capacity = usize::try_from(size.min(LARGEST) + 2).unwrap_or_default();
    let mut bytes = Zeroizing::new(Vec::with_capacity(capacity));
    file.take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| reason(&error))?;
    if bytes.len() as u64 > LARGEST {
        return Err(MissingReason::TooLarge { limit: LARGEST });
    }
    Ok(bytes)
}

/// The value that is the whole of a file.
pub(super) fn secret_of(bytes: &[u8]) -> Result<Secret, MissingReason> {
    let text = std::str::from_utf8(bytes).map_err(|_| MissingReason::NotUtf8)?;
    match without_newline(text) {
        "" => Err(MissingReason::Empty),
        value => Ok(Secret::new(value.to_owned())),
    }
}

/// Editors and `echo` end a file with a line break that is no part of the
/// value. Only one is taken: more may be meant.
fn without_newline(text: &str) -> &str {
    match text.strip_suffix('\n') {
        Some(line) => line.strip_suffix('\r').unwrap_or(line),
        None => text,
    }
}

fn reason(error: &std::io::Error) -> MissingReason {
    let kind = error.kind();
    if kind == ErrorKind::NotFound || kind == ErrorKind::NotADirectory {
        MissingReason::NoFile
    } else {
        MissingReason::Unreadable(kind)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;

    use super::*;

    fn read(argument: &str, roots: &[PathBuf]) -> Result<Secret, MissingReason> {
        super::read(argument, roots, &[])
    }

    /// A directory with a root in it and a file outside of the root.
    fn place() -> (TempDir, PathBuf) {
        let place = TempDir::new().unwrap();
        let root = place.path().join("root");
        fs::create_dir(&root).unwrap();
        fs::write(place.path().join("outside"), "hunter2").unwrap();
        (place, root)
    }

    fn read_content(content: &[u8]) -> Result<Secret, MissingReason> {
        let (_place, root) = place();
        fs::write(root.join("f"), content).unwrap();
        read("f", &[root])
    }

    fn secret(text: &str) -> Result<Secret, MissingReason> {
        Ok(Secret::new(text.into()))
    }

    #[test]
    fn exactly_one_line_break_at_the_end_is_no_part_of_the_value() {
        assert_eq!(read_content(b"a"), secret("a"));
        assert_eq!(read_content(b"a\n"), secret("a"));
        assert_eq!(read_content(b"a\r\n"), secret("a"));
        assert_eq!(read_content(b"a\n\n"), secret("a\n"));
        assert_eq!(read_content(b"a\r"), secret("a\r"));
        assert_eq!(read_content(b" a \n"), secret(" a "));
    }

    #[test]
    fn a_file_without_a_usable_value_is_missing() {
        assert_eq!(read_content(b""), Err(MissingReason::Empty));
        assert_eq!(read_content(b"\n"), Err(MissingReason::Empty));
        assert_eq!(read_content(b"\xff\xfe"), Err(MissingReason::NotUtf8));
        let limit = usize::try_from(LARGEST).unwrap();
        assert!(read_content(&vec![b'a'; limit]).is_ok());
        assert_eq!(
            read_content(&vec![b'a'; limit + 1]),
            Err(MissingReason::TooLarge { limit: LARGEST })
        );
    }

    #[test]
    fn a_path_is_relative_to_a_root_or_absolute_below_one() {
        let (place, root) = place();
        let second = place.path().join("second");
        fs::create_dir_all(second.join("deep")).unwrap();
        fs::write(second.join("deep/f"), "v").unwrap();
        let roots = [root, second.clone()];
        assert_eq!(read("deep/f", &roots), secret("v"));
        let absolute = second.join("deep/f");
        assert_eq!(read(absolute.to_str().unwrap(), &roots), secret("v"));
        assert_eq!(read("deep/g", &roots), Err(MissingReason::NoFile));
        assert_eq!(read("f", &[]), Err(MissingReason::NoRoot));
    }

    #[test]
    fn a_path_that_leads_out_is_refused_whether_or_not_it_exists() {
        let (place, root) = place();
        let roots = [root.clone()];
        for path in ["../outside", "../nothing", "a/../../outside"] {
            assert_eq!(read(path, &roots), Err(MissingReason::Outside), "{path}");
        }
        for path in ["outside", "nothing", "root/../outside", "roots"] {
            let path = place.path().join(path);
            let found = read(path.to_str().unwrap(), &roots);
            assert_eq!(found, Err(MissingReason::Outside), "{}", path.display());
        }
    }

    #[test]
    fn a_link_may_lead_elsewhere_below_the_root_and_not_out_of_it() {
        let (place, root) = place();
        fs::create_dir(root.join("..data")).unwrap();
        fs::write(root.join("..data/f"), "v").unwrap();
        symlink("..data/f", root.join("inside")).unwrap();
        symlink("../outside", root.join("escape")).unwrap();
        symlink(place.path(), root.join("up")).unwrap();
        let roots = [root];
        assert_eq!(read("inside", &roots), secret("v"));
        assert_eq!(read("escape", &roots), Err(MissingReason::Outside));
        assert_eq!(read("up/outside", &roots), Err(MissingReason::Outside));
    }

    #[test]
    fn a_root_may_itself_be_a_link() {
        let (place, root) = place();
        fs::write(root.join("f"), "v").unwrap();
        let link = place.path().join("link");
        symlink(&root, &link).unwrap();
        assert_eq!(read("f", std::slice::from_ref(&link)), secret("v"));
        let absolute = link.join("f");
        assert_eq!(read(absolute.to_str().unwrap(), &[link]), secret("v"));
    }

    #[test]
    fn what_is_not_a_regular_file_is_not_opened() {
        let (_place, root) = place();
        fs::create_dir(root.join("d")).unwrap();
        let listener = std::os::unix::net::UnixListener::bind(root.join("s")).unwrap();
        let pipe = root.join("p");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        for name in ["d", "s", "p", ""] {
            let found = read(name, std::slice::from_ref(&root));
            assert_eq!(found, Err(MissingReason::NotAFile), "{name}");
        }
        drop(listener);
    }

    #[test]
    fn the_file_with_the_tools_own_key_is_never_read() {
        let (_place, root) = place();
        let key = root.join("api-key");
        fs::write(&key, "hunter2").unwrap();
        symlink("api-key", root.join("link")).unwrap();
        fs::hard_link(&key, root.join("hard")).unwrap();
        for name in ["api-key", "link", "hard"] {
            let found = super::read(
                name,
                std::slice::from_ref(&root),
                std::slice::from_ref(&key),
            );
            assert_eq!(found, Err(MissingReason::OwnFile), "{name}");
        }
    }
}
