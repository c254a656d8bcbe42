//! Keys of age, and files encrypted with the real sops.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::programs::{SOPS, is_declared, output, program};

/// Keys of age, and files that are encrypted to the first of them.
pub(crate) struct Sops {
    pub(crate) place: TempDir,
    pub(crate) recipient: String,
}

impl Sops {
    pub(crate) fn new() -> Self {
        is_declared(SOPS);
        let place = TempDir::new().unwrap();
        let key = |name: &str| {
            let file = place.path().join(name);
            output(Command::new("age-keygen").arg("-o").arg(&file));
            output(Command::new("age-keygen").arg("-y").arg(&file))
        };
        let recipient = key("key.txt").trim().to_owned();
        key("other.txt");
        Self { place, recipient }
    }

    pub(crate) fn key(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    pub(crate) fn encrypted(&self, kind: &str, plain: &str) -> String {
        encrypted(kind, plain, &["--age", &self.recipient], self.place.path())
    }
}

/// Text encrypted by sops; `home` has its GnuPG keys.
pub(crate) fn encrypted(kind: &str, plain: &str, to: &[&str], home: &Path) -> String {
    let mut child = Command::new(program("sops"))
        .args(["encrypt", "--filename-override", "f"])
        .args(["--input-type", kind, "--output-type", kind])
        .args(to)
        .env("GNUPGHOME", home)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(plain.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "sops encrypt: {}", output.status);
    String::from_utf8(output.stdout).unwrap()
}
