//! A disk so small that it can be filled.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::common::{Integrationd, under};
use crate::programs::{NAMESPACES, is_declared};

/// A file system in memory, seen through the process that mounted it: in a name
/// space of its own, so that no privileges are needed where the system allows that.
pub(crate) struct Disk {
    mounter: Child,
    /// Its mount point, for that process and those that enter its name space.
    place: TempDir,
}

impl Disk {
    /// A disk of so many kilobytes.
    pub(crate) fn of(kilobytes: u32) -> Self {
        is_declared(NAMESPACES);
        let place = TempDir::new().unwrap();
        let script = format!(
            "mount -t tmpfs -o size={kilobytes}k,mode=0700 tmpfs \"$0\" && echo ready && cat"
        );
        let mut mounter = Command::new("unshare")
            .args(["--map-root-user", "--mount", "sh", "-c", &script])
            .arg(place.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(mounter.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "ready");
        Self { mounter, place }
    }

    /// Its path for a process that has entered.
    pub(crate) fn path(&self) -> &Path {
        self.place.path()
    }

    /// Its path for the tests.
    fn seen(&self) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.mounter.id()));
        root.join(self.path().strip_prefix("/").unwrap())
    }

    /// A run that sees it.
    pub(crate) fn enter(&self, run: Integrationd) -> Command {
        let target = format!("--target={}", self.mounter.id());
        let prefix = [
            "nsenter",
            &target,
            "--user",
            "--mount",
            "--preserve-credentials",
        ];
        let (command, _state) = run.into_command();
        under(&prefix, &command)
    }

    /// Removes everything.
    pub(crate) fn empty(&self) {
        for entry in std::fs::read_dir(self.seen()).unwrap() {
            std::fs::remove_file(entry.unwrap().path()).unwrap();
        }
    }

    fn filler(&self) -> PathBuf {
        self.seen().join("filler")
    }

    /// Fills it up but for so many kilobytes.
    pub(crate) fn fill_but(&self, kilobytes: u64) {
        let mut filler = std::fs::File::create(self.filler()).unwrap();
        let mut size = 0;
        while filler.write_all(&[1; 4096]).is_ok() {
            size += 4096_u64;
        }
        filler
            .set_len(size.saturating_sub(kilobytes * 1024))
            .unwrap();
    }

    /// Makes room again.
    pub(crate) fn free(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // It ends with its input.
        drop(self.mounter.stdin.take());
        let _ = self.mounter.wait();
    }
}
