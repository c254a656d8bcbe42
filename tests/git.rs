//! The git source, with real repositories and real servers.

mod broken;
mod copy;
mod https;
mod kinds;
mod large;
mod local;
mod moves;
mod signatures;
mod ssh;
mod tree;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use integrationd::source::git::{
    CommitId, Fetched, GitError, GitFailure, GitOptions, GitReference, GitSource, GitUrl, RefName,
};
use tempfile::TempDir;

/// A source with a private copy of its own.
struct Source {
    source: GitSource,
    copy: TempDir,
}

impl Source {
    fn new(options: GitOptions) -> Self {
        let copy = TempDir::new().unwrap();
        let source = GitSource::new(options, &copy.path().join("git")).unwrap();
        Self { source, copy }
    }

    fn path(&self) -> &Path {
        self.copy.path()
    }

    async fn fetch(&self) -> Fetched {
        self.fetch_after(None).await
    }

    async fn fetch_after(&self, previous: Option<CommitId>) -> Fetched {
        let fetched = self.source.fetch(previous).await;
        fetched.unwrap_or_else(|error| panic!("{}", told(&error)))
    }

    async fn refused(&self) -> GitError {
        self.source.fetch(None).await.unwrap_err()
    }
}

fn options(url: &str) -> GitOptions {
    GitOptions::new(GitUrl::parse(url).unwrap())
}

fn branch(name: &str) -> GitReference {
    GitReference::Branch(RefName::parse(name).unwrap())
}

fn tag(name: &str) -> GitReference {
    GitReference::Tag(RefName::parse(name).unwrap())
}

/// An error with its causes and its remedy.
fn told(error: &GitError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    format!("{text} [{}]", error.remedy())
}

/// Every file and directory below a directory.
fn below(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(below(&path));
        }
        found.push(path);
    }
    found
}

/// The failure of an error that must be final.
#[track_caller]
fn finally(error: GitError) -> GitFailure {
    assert!(!error.is_transient(), "{}", told(&error));
    error.failure
}

/// Every file in a line: its path, and what is in it.
fn lines(fetched: &Fetched) -> Vec<String> {
    let files = fetched.snapshot.files.iter();
    let show = |content: &Result<Vec<u8>, _>| match content {
        Ok(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Err(problem) => format!("{problem:?}"),
    };
    files
        .map(|file| format!("{}: {}", file.path, show(&file.content)))
        .collect()
}
