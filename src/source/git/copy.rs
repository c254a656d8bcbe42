//! The private copy of a repository: a cache, which is made anew whenever it is
//! damaged, belongs to another repository or has grown too large.
//!
//! It is bare and nothing is ever checked out: no hook runs, no link is made, and
//! no file can be seen half written. One fetch at a time works in it.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use git2::{Repository, RepositoryInitOptions, RepositoryOpenFlags};

use super::error::GitFailure;
use super::owner;
use super::session::GitSession;

/// Every fetch that brings something adds a pack. Reading gets slower with each.
const MOST_PACKS: usize = 64;

/// Twice of what one fetch may bring.
const LARGEST_COPY: u64 = 1024 * 1024 * 1024;

/// Time to wait for another process that uses the directory: a fetch usually takes a few
/// seconds, and one that hangs must not delay each later one for long.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);

/// Pause between two attempts to take the lock.
const PAUSE: Duration = Duration::from_millis(100);

/// In the copy: which repository it is of.
const NOTE: &str = "integrationd-source";

/// The directory of a source, held by this fetch alone.
pub(super) struct CacheDir {
    directory: PathBuf,
    lock: File,
}

impl Drop for CacheDir {
    fn drop(&mut self) {
        // Closing is not enough: a child process has the file open too, until it has
        // become another program.
        drop(self.lock.unlock());
    }
}

/// The copy.
pub(super) struct Copy {
    pub(super) repository: Repository,
    /// True if it was created just now: then it cannot be damaged.
    pub(super) is_new: bool,
}

impl CacheDir {
    /// Makes the directory, and locks it until the end of the fetch. Another process
    /// may have it, for one fetch: it is waited for.
    pub(super) fn hold(session: &GitSession, directory: &Path) -> Result<Self, GitFailure> {
        let lock = prepare(directory).map_err(|source| unusable(directory, source))?;
        if !owner::is_ours(directory).map_err(|source| unusable(directory, source))? {
            return Err(owner::foreign(directory));
        }
        let until = Instant::now() + LOCK_TIMEOUT;
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if Instant::now() < until => pause(session)?,
                Err(TryLockError::WouldBlock) => return Err(GitFailure::Busy),
                Err(TryLockError::Error(source)) => return Err(unusable(directory, source)),
            }
        }
        Ok(Self {
            directory: directory.to_owned(),
            lock,
        })
    }

    fn copy(&self) -> PathBuf {
        self.directory.join("copy.git")
    }

    /// Opens the copy of a repository, or makes a new one.
    pub(super) fn open(&self, url: &str) -> Result<Copy, GitFailure> {
        if let Some(repository) = self.open_old(url) {
            return Ok(Copy {
                repository,
                is_new: false,
            });
        }
        self.discard()?;
        let path = self.copy();
        let mut options = RepositoryInitOptions::new();
        options
            .bare(true)
            .external_template(false)
            .no_reinit(true)
            .mkdir(true);
        let repository =
            Repository::init_opts(&path, &options).map_err(|error| self.failed(&error))?;
        fs::write(path.join(NOTE), url).map_err(|source| unusable(&path, source))?;
        Ok(Copy {
            repository,
            is_new: true,
        })
    }

    /// Nothing if it is not there, or not worth keeping.
    fn open_old(&self, url: &str) -> Option<Repository> {
        let path = self.copy();
        let is_same = fs::read(path.join(NOTE)).is_ok_and(|note| note == url.as_bytes());
        if !is_same || !owner::is_ours(&path).unwrap_or(false) || is_overgrown(&path) {
            return None;
        }
        let flags = RepositoryOpenFlags::NO_SEARCH | RepositoryOpenFlags::BARE;
        let no_parents: [&Path; 0] = [];
        Repository::open_ext(&path, flags, no_parents).ok()
    }

    /// Removes the copy.
    pub(super) fn discard(&self) -> Result<(), GitFailure> {
        remove(&self.copy()).map_err(|source| unusable(&self.directory, source))
    }

    /// An empty directory for the programs that verify. Their sockets have short
    /// paths, so it lies right here.
    pub(super) fn scratch_dir(&self) -> Result<ScratchDir, GitFailure> {
        let path = self.directory.join("verify");
        let made = remove(&path).and_then(|()| DirBuilder::new().mode(0o700).create(&path));
        made.map_err(|source| unusable(&path, source))?;
        Ok(ScratchDir(path))
    }

    fn failed(&self, error: &git2::Error) -> GitFailure {
        unusable(
            &self.directory,
            io::Error::other(error.message().to_owned()),
        )
    }
}

/// Files of one verification.
pub(super) struct ScratchDir(PathBuf);

impl ScratchDir {
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file for a program to read.
    pub(super) fn put(&self, name: &str, content: &[u8]) -> Result<PathBuf, GitFailure> {
        let path = self.0.join(name);
        fs::write(&path, content).map_err(|source| unusable(&path, source))?;
        Ok(path)
    }
}

impl Drop for ScratchDir {
    fn drop(&mut self) {
        // The next one is made anew anyway.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Waits a moment for the lock. Who comes to the end of the time allowed was kept from
/// beginning at all.
fn pause(session: &GitSession) -> Result<(), GitFailure> {
    let paused = session.wait(async { tokio::time::sleep(PAUSE).await });
    paused.map_err(|failure| {
        let is_late = matches!(failure, GitFailure::Deadline { .. });
        if is_late { GitFailure::Busy } else { failure }
    })
}

fn prepare(directory: &Path) -> io::Result<File> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)?;
    fs::set_permissions(directory, fs::Permissions::from_mode(0o700))?;
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(directory.join("lock"))
}

fn unusable(path: &Path, source: io::Error) -> GitFailure {
    let path = path.to_owned();
    GitFailure::Copy { path, source }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// True if a new copy would be better. Also removes the remains of a killed fetch.
fn is_overgrown(copy: &Path) -> bool {
    let packs = copy.join("objects/pack");
    let Ok(entries) = fs::read_dir(&packs) else {
        return true;
    };
    let (mut count, mut size) = (0, 0);
    for path in entries.flatten().map(|entry| entry.path()) {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("pack") => {
                count += 1;
                size += path.metadata().map_or(0, |metadata| metadata.len());
            }
            Some("idx") => {}
            // Under the lock, no process writes it any longer.
            Some(_) | None => {
                let _ = fs::remove_file(&path);
            }
        }
    }
    count > MOST_PACKS || size > LARGEST_COPY
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tempfile::TempDir;
    use tokio::runtime::{Builder, Runtime};
    use tokio::sync::watch;

    use super::*;
    use crate::source::git::local::InPlace;

    /// Directory of a fetch, with its time limit in milliseconds.
    struct Fetch {
        session: GitSession,
        wanted: watch::Sender<bool>,
        _runtime: Runtime,
    }

    impl Fetch {
        fn of(milliseconds: u64) -> Self {
            let mut runtime = Builder::new_multi_thread();
            let runtime = runtime.worker_threads(1).enable_time().build().unwrap();
            let _entered = runtime.enter();
            let (wanted, cancelled) = watch::channel(false);
            let allowed = Duration::from_millis(milliseconds);
            Self {
                session: GitSession::new(Arc::new(InPlace), allowed, cancelled),
                wanted,
                _runtime: runtime,
            }
        }

        fn hold(&self, directory: &TempDir) -> Result<CacheDir, GitFailure> {
            CacheDir::hold(&self.session, directory.path())
        }
    }

    #[test]
    fn a_copy_of_another_repository_is_made_anew() {
        let place = TempDir::new().unwrap();
        let place = Fetch::of(1_000).hold(&place).unwrap();
        assert!(place.open("a").unwrap().is_new);
        assert!(!place.open("a").unwrap().is_new);
        assert!(place.open("b").unwrap().is_new);
    }

    #[test]
    fn copy_stays_small_and_keeps_nothing_of_a_killed_fetch() {
        let place = TempDir::new().unwrap();
        let place = Fetch::of(1_000).hold(&place).unwrap();
        place.open("a").unwrap();
        let packs = place.copy().join("objects/pack");
        fs::create_dir_all(&packs).unwrap();
        for number in 0..MOST_PACKS {
            fs::write(packs.join(format!("pack-{number}.pack")), "").unwrap();
        }
        fs::write(packs.join("pack_git2_half"), "").unwrap();
        assert!(!place.open("a").unwrap().is_new);
        assert!(!packs.join("pack_git2_half").exists());
        fs::write(packs.join("one-more.pack"), "").unwrap();
        assert!(place.open("a").unwrap().is_new);
        assert!(!packs.join("one-more.pack").exists());
    }

    #[test]
    fn two_fetches_do_not_work_in_one_directory() {
        let directory = TempDir::new().unwrap();
        let held = Fetch::of(1_000).hold(&directory).unwrap();
        let second = Fetch::of(200).hold(&directory);
        assert!(matches!(second, Err(GitFailure::Busy)));
        drop(held);
        assert!(Fetch::of(200).hold(&directory).is_ok());
    }

    #[test]
    fn locked_directory_is_waited_for_less_long_than_a_fetch() {
        let directory = TempDir::new().unwrap();
        let (fetch, begun) = (Fetch::of(180_000), Instant::now());
        let held = fetch.hold(&directory).unwrap();
        std::thread::scope(|scope| {
            let second = scope.spawn(|| fetch.hold(&directory).map(|_| begun.elapsed()));
            std::thread::sleep(Duration::from_millis(500));
            drop(held);
            assert!(second.join().unwrap().unwrap() >= Duration::from_millis(500));
        });
        let (_held, begun) = (fetch.hold(&directory).unwrap(), Instant::now());
        assert!(matches!(fetch.hold(&directory), Err(GitFailure::Busy)));
        let waited = begun.elapsed();
        assert!(
            waited >= LOCK_TIMEOUT && waited < Duration::from_secs(60),
            "{waited:?}"
        );
    }

    #[test]
    fn wait_for_a_directory_can_be_stopped() {
        let directory = TempDir::new().unwrap();
        let _held = Fetch::of(1_000).hold(&directory).unwrap();
        let fetch = Fetch::of(180_000);
        fetch.wanted.send_replace(true);
        let second = fetch.hold(&directory);
        assert!(matches!(second, Err(GitFailure::Cancelled)));
    }
}
