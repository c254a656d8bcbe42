//! The branch that is pushed to, and what its files say, commit by commit.

use std::collections::BTreeMap;
use std::fs;

use fastrand::Rng;

use crate::fleet;
use crate::repository::Repository;
use crate::stage::in_repository;

/// The port of each file, by the number of the file.
pub(crate) type Files = BTreeMap<usize, u16>;

/// Minimum number of files, as a share of those at the beginning: an empty directory deletes
/// nothing, and memory that grew with the files would prove nothing.
const FEWEST: f64 = 0.7;

/// There are never more.
const MOST: f64 = 1.3;

/// The furthest that history is rewritten.
const FURTHEST: usize = 8;

/// The example that says that it is never deleted.
const PROTECTED: usize = 4;

pub(crate) struct Branch {
    /// Content of each commit; the last is the head.
    commits: Vec<Files>,
    /// The number of the next new file.
    next: usize,
    /// Number of files at the beginning.
    len: usize,
}

impl Branch {
    /// A repository with one commit of so many files, pushed.
    pub(crate) fn new(len: usize, rng: &mut Rng) -> (Self, Repository) {
        let repository = Repository::empty();
        let mut branch = Self {
            commits: vec![Files::new()],
            next: len,
            len,
        };
        let files = (0..len).map(|number| (number, port(rng)));
        branch.commit(&repository, files.collect());
        branch.commits.remove(0);
        repository.push();
        (branch, repository)
    }

    /// Content of the head.
    pub(crate) fn files(&self) -> &Files {
        self.commits.last().unwrap()
    }

    /// Edits some files.
    pub(crate) fn edit(&mut self, repository: &Repository, rng: &mut Rng) {
        let mut files = self.files().clone();
        for _ in 0..rng.usize(1..=3) {
            let nth = rng.usize(..files.len());
            *files.values_mut().nth(nth).unwrap() = port(rng);
        }
        self.commit(repository, files);
    }

    /// A commit that changes nothing.
    pub(crate) fn touch(&mut self, repository: &Repository) {
        self.commit(repository, self.files().clone());
    }

    /// A file that never was, and that may go again; nothing if there are many.
    pub(crate) fn add(&mut self, repository: &Repository, rng: &mut Rng) {
        let mut files = self.files().clone();
        if fleet::template(self.next) == PROTECTED {
            self.next += 1;
        }
        if files.len() < self.share(MOST) {
            files.insert(self.next, port(rng));
            self.next += 1;
        }
        self.commit(repository, files);
    }

    /// One file less; nothing if there are few.
    pub(crate) fn remove(&mut self, repository: &Repository, rng: &mut Rng) {
        let mut files = self.files().clone();
        let nth = rng.usize(..files.len());
        let number = *files.keys().nth(nth).unwrap();
        if files.len() > self.share(FEWEST) && fleet::template(number) != PROTECTED {
            files.remove(&number);
        }
        self.commit(repository, files);
    }

    fn share(&self, share: f64) -> usize {
        (self.len as f64 * share) as usize
    }

    /// Another history: the last commits are dropped, or become one. A new one follows.
    pub(crate) fn rewrite(&mut self, repository: &Repository, rng: &mut Rng) {
        let most = FURTHEST.min(self.commits.len() - 1);
        let dropped = rng.usize(..=most);
        let from = format!("HEAD~{dropped}");
        let rest = self.commits.len() - dropped;
        if rng.bool() {
            repository.git(["reset", "--quiet", "--hard", &from]);
            self.commits.truncate(rest);
            self.edit(repository, rng);
        } else {
            repository.git(["reset", "--quiet", "--soft", &from]);
            let files = self.commits.split_off(rest).pop();
            let files = files.unwrap_or_else(|| self.files().clone());
            // The working tree has them already.
            self.commits.push(files);
            record(repository);
            self.edit(repository, rng);
        }
    }

    fn commit(&mut self, repository: &Repository, files: Files) {
        let before = self.commits.last().unwrap();
        for (number, port) in &files {
            if before.get(number) != Some(port) {
                let (path, text) = fleet::file(*number);
                repository.write(&in_repository(&path), fleet::with_port(&text, *port));
            }
        }
        for number in before.keys().filter(|number| !files.contains_key(number)) {
            let (path, _) = fleet::file(*number);
            let work = repository.place().join("work");
            fs::remove_file(work.join(in_repository(&path))).unwrap();
        }
        self.commits.push(files);
        record(repository);
    }
}

fn record(repository: &Repository) {
    repository.git(["add", "--all"]);
    repository.git(["commit", "--quiet", "--allow-empty", "-m", "Another one"]);
}

/// Value that edits and drift set.
pub(crate) fn port(rng: &mut Rng) -> u16 {
    rng.u16(1024..)
}
