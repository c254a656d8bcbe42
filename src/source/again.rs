//! Second read of a directory: two equal reads show that no program is writing to it.
//!
//! Hardly any tool replaces a directory of files at once. An editor truncates a file and writes
//! it, `git checkout` removes a file and creates it, a copy fills one after the other. A file
//! that is missing at such a moment was not removed.

use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use sha2::{Digest, Sha256};
use tokio::time::{Instant, sleep_until};

use super::{AGAIN, Snapshot, SourceError, read_with_variables};
use crate::text::chain;

/// Minimum time between the two reads. A save that is not atomic takes milliseconds, a
/// checkout of some hundred files a tenth of a second, and this delay does not matter in
/// a run that deletes.
pub const SETTLE: Duration = Duration::from_millis(300);

/// A hash of every path and content that was read. Failures are part of it, so that
/// one that comes or goes is noticed, too.
pub type Content = [u8; 32];

/// The hash of what was read.
#[must_use]
pub fn content_of(read: &Result<Snapshot, SourceError>) -> Content {
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    match read {
        Err(error) => part(chain(error).as_bytes()),
        Ok(snapshot) => {
            for file in snapshot.files.iter().chain(&snapshot.variables) {
                part(file.path.as_bytes());
                match &file.content {
                    Ok(content) => part(content),
                    Err(problem) => part(format!("{problem:?}").as_bytes()),
                }
            }
        }
    }
    hash.finalize().into()
}

/// Files that were read and can be read again.
pub trait Reread: Debug + Send + Sync {
    /// Reads them again and compares.
    fn confirm(&self) -> BoxFuture<'_, Result<(), Unconfirmed>>;
}

/// A second read that does not confirm the first. It passes by itself.
#[derive(Debug, thiserror::Error)]
pub enum Unconfirmed {
    /// The files are others.
    #[error("the files in {} have changed since they were read", path.display())]
    Changed {
        /// The directory.
        path: PathBuf,
    },
    /// Git holds the lock of the work tree: it is writing, or was killed while it did.
    #[error("git is writing to {}: {} exists", path.display(), lock.display())]
    Locked {
        /// The directory.
        path: PathBuf,
        /// The lock.
        lock: PathBuf,
    },
    /// They cannot be read.
    #[error(transparent)]
    Unreadable(SourceError),
}

impl Unconfirmed {
    /// Help text for the error.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Changed { .. } => AGAIN,
            Self::Locked { .. } => {
                "nothing was changed: wait until git has finished, then try again; if no git \
                process is running in the directory, remove the lock file"
            }
            Self::Unreadable(error) => error.help(),
        }
    }
}

/// A directory as a first read has seen it.
#[derive(Debug, Clone)]
pub struct SeenDirectory {
    path: PathBuf,
    variables: Vec<PathBuf>,
    content: Content,
    /// End of the first read.
    at: Instant,
}

impl SeenDirectory {
    /// A directory with what was just read of it.
    #[must_use]
    pub fn now(path: &Path, variables: &[PathBuf], read: &Result<Snapshot, SourceError>) -> Self {
        Self {
            path: path.to_owned(),
            variables: variables.to_vec(),
            content: content_of(read),
            at: Instant::now(),
        }
    }

    fn compare(&self) -> Result<(), Unconfirmed> {
        // Before the read and after it: a checkout may begin or end meanwhile.
        self.is_unlocked()?;
        let read = read_with_variables(&self.path, &self.variables);
        self.is_unlocked()?;
        if content_of(&read) == self.content {
            return Ok(());
        }
        match read {
            Err(error) => Err(Unconfirmed::Unreadable(error)),
            Ok(_) => Err(Unconfirmed::Changed {
                path: self.path.clone(),
            }),
        }
    }

    fn is_unlocked(&self) -> Result<(), Unconfirmed> {
        match git_lock(&self.path) {
            None => Ok(()),
            Some(lock) => Err(Unconfirmed::Locked {
                path: self.path.clone(),
                lock,
            }),
        }
    }
}

impl Reread for SeenDirectory {
    fn confirm(&self) -> BoxFuture<'_, Result<(), Unconfirmed>> {
        async move {
            sleep_until(self.at + SETTLE).await;
            let seen = self.clone();
            // In a thread: nothing else waits for a file system that hangs.
            let compared = tokio::task::spawn_blocking(move || seen.compare()).await;
            compared.unwrap_or_else(|_| {
                Err(Unconfirmed::Changed {
                    path: self.path.clone(),
                })
            })
        }
        .boxed()
    }
}

/// The lock that git holds while it writes to the work tree that a directory is in.
fn git_lock(directory: &Path) -> Option<PathBuf> {
    let directory = fs::canonicalize(directory).ok()?;
    let git = directory.ancestors().find_map(|at| {
        let git = at.join(".git");
        git.exists().then_some(git)
    })?;
    let lock = git_directory(git)?.join("index.lock");
    lock.exists().then_some(lock)
}

/// The directory itself, also where `.git` is a file that names it: in a worktree
/// that was added, and in a submodule.
fn git_directory(git: PathBuf) -> Option<PathBuf> {
    if git.is_dir() {
        return Some(git);
    }
    let text = git.is_file().then(|| fs::read_to_string(&git).ok())??;
    let named = text.strip_prefix("gitdir:")?.trim();
    Some(git.parent()?.join(named))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::read_directory;

    fn seen(path: &Path) -> SeenDirectory {
        SeenDirectory::now(path, &[], &read_directory(path))
    }

    fn write(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn only_an_equal_read_confirms() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("a.yaml");
        write(&file, "one");
        let first = seen(place.path());
        assert!(first.compare().is_ok());
        write(&file, "");
        let changed = first.compare().unwrap_err();
        assert!(matches!(changed, Unconfirmed::Changed { .. }), "{changed}");
        write(&file, "one");
        assert!(first.compare().is_ok());
        fs::remove_dir_all(place.path()).unwrap();
        let missing = first.compare().unwrap_err();
        assert!(
            matches!(
                missing,
                Unconfirmed::Unreadable(SourceError::Missing { .. })
            ),
            "{missing}"
        );
    }

    #[test]
    fn the_lock_of_a_work_tree_above_is_seen() {
        let place = tempfile::tempdir().unwrap();
        let files = place.path().join("deploy/integrations.d");
        write(&files.join("a.yaml"), "one");
        let first = seen(&files);
        let lock = place.path().join(".git/index.lock");
        write(&lock, "");
        let locked = first.compare().unwrap_err();
        assert!(
            locked.to_string().ends_with(".git/index.lock exists"),
            "{locked}"
        );
        fs::remove_file(&lock).unwrap();
        assert!(first.compare().is_ok());

        // A worktree that was added has its lock elsewhere.
        write(
            &place.path().join("deploy/.git"),
            "gitdir: ../.git/worktrees/deploy\n",
        );
        write(&place.path().join(".git/worktrees/deploy/index.lock"), "");
        assert!(matches!(first.compare(), Err(Unconfirmed::Locked { .. })));
    }

    #[tokio::test(start_paused = true)]
    async fn the_second_read_waits_until_a_save_would_be_over() {
        let place = tempfile::tempdir().unwrap();
        let begun = Instant::now();
        assert!(seen(place.path()).confirm().await.is_ok());
        assert!(begun.elapsed() >= SETTLE);
    }
}
