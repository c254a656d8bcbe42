//! A repository of a test's own, made with git itself.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use integrationd::source::git::CommitId;
use tempfile::TempDir;

use crate::programs::output;

/// A working tree, and the bare repository that it is pushed to.
pub(crate) struct Repository {
    place: TempDir,
}

/// A command that sees nothing of the machine's settings: they may name
/// certificates, keys and hooks.
pub(crate) fn command(program: impl AsRef<std::ffi::OsStr>, home: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", home)
        .env("GIT_CONFIG_NOSYSTEM", "1");
    for who in ["AUTHOR", "COMMITTER"] {
        command
            .env(format!("GIT_{who}_NAME"), "Ada")
            .env(format!("GIT_{who}_EMAIL"), "ada@example.com")
            .env(format!("GIT_{who}_DATE"), "2026-01-02T03:04:05Z");
    }
    command
}

/// Output of a command with this input; it must succeed.
pub(crate) fn feed(command: &mut Command, input: &[u8]) -> String {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{command:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

impl Repository {
    /// Without a commit.
    pub(crate) fn empty() -> Self {
        let repository = Self {
            place: TempDir::new().unwrap(),
        };
        let place = repository.place.path();
        for (bare, name) in [("--bare", "bare.git"), ("--quiet", "work")] {
            let mut init = command("git", place);
            init.args(["init", "--quiet", "--initial-branch=main", bare]);
            output(init.arg(place.join(name)));
        }
        repository
    }

    /// With `a.yaml`.
    pub(crate) fn new() -> Self {
        let repository = Self::empty();
        repository.commit("a.yaml", "1");
        repository
    }

    /// The directory that holds everything.
    pub(crate) fn place(&self) -> &Path {
        self.place.path()
    }

    /// The bare repository.
    pub(crate) fn path(&self) -> String {
        self.bare().to_str().unwrap().to_owned()
    }

    fn bare(&self) -> PathBuf {
        self.place().join("bare.git")
    }

    fn work(&self) -> PathBuf {
        self.place().join("work")
    }

    /// git, to be run in the working tree.
    pub(crate) fn worker(&self) -> Command {
        let mut git = command("git", self.place());
        git.arg("-C").arg(self.work());
        git
    }

    /// Runs git in the working tree.
    pub(crate) fn git<const N: usize>(&self, args: [&str; N]) -> String {
        output(self.worker().args(args)).trim().to_owned()
    }

    /// Runs git in the bare repository.
    pub(crate) fn bare_git<const N: usize>(&self, args: [&str; N]) -> String {
        let mut git = command("git", self.place());
        git.arg("-C").arg(self.bare()).args(args);
        output(&mut git).trim().to_owned()
    }

    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.work().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn link(&self, path: &str, target: &str) {
        let path = self.work().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(target, path).unwrap();
    }

    /// Commits a file with everything else that was written, and pushes.
    pub(crate) fn commit(&self, path: &str, content: impl AsRef<[u8]>) -> CommitId {
        self.write(path, content);
        self.commit_with(["-m", &format!("Change {path}")])
    }

    /// Commits everything, and pushes.
    pub(crate) fn commit_with<const N: usize>(&self, args: [&str; N]) -> CommitId {
        let id = self.record(args);
        self.push();
        id
    }

    /// Commits everything, and pushes nothing.
    pub(crate) fn record<const N: usize>(&self, args: [&str; N]) -> CommitId {
        self.git(["add", "--all"]);
        let commit = ["commit", "--quiet", "--allow-empty"];
        output(self.worker().args(commit).args(args));
        self.head()
    }

    /// Changes `a.yaml` in so many commits, and pushes once.
    pub(crate) fn history(&self, commits: usize) {
        let commit = |number: usize| {
            let content = number.to_string();
            format!(
                "commit refs/heads/main\ncommitter Ada <ada@example.com> 1767323045 +0000\n\
                 data 1\nx\n{}M 644 inline a.yaml\ndata {}\n{content}\n\n",
                if number == 0 {
                    "from refs/heads/main^0\n"
                } else {
                    ""
                },
                content.len()
            )
        };
        let stream: String = (0..commits).map(commit).collect();
        let mut git = self.worker();
        git.args(["fast-import", "--quiet"]);
        feed(&mut git, stream.as_bytes());
        self.git(["reset", "--quiet", "--hard"]);
        self.push();
    }

    /// Pushes all branches and tags, whatever was there before.
    pub(crate) fn push(&self) {
        let bare = self.path();
        let all = ["refs/heads/*:refs/heads/*", "refs/tags/*:refs/tags/*"];
        self.git(["push", "--quiet", "--force", &bare, all[0], all[1]]);
    }

    pub(crate) fn head(&self) -> CommitId {
        CommitId::parse(&self.git(["rev-parse", "HEAD"])).unwrap()
    }
}

/// True if a file below a directory contains a text.
pub(crate) fn holds(directory: &Path, text: &str) -> bool {
    fs::read_dir(directory).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds(&path, text);
        }
        let bytes = fs::read(path).unwrap();
        bytes.windows(text.len()).any(|own| own == text.as_bytes())
    })
}

/// Output of the daemon, without the output of git and its `remote: `.
pub(crate) fn remote(shown: &str) -> String {
    let lines = shown
        .lines()
        .filter_map(|line| line.strip_prefix("remote: "));
    lines.map(|line| format!("{}\n", line.trim_end())).collect()
}
