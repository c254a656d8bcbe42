//! The programs that the tests run beside the tool: real ones, put into
//! `target/tools/bin` by `tests/tools`, which `tests/run` calls.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the programs lie.
pub(crate) fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/bin")
}

/// A program of `tests/tools.txt`.
#[track_caller]
pub(crate) fn program(name: &str) -> PathBuf {
    let path = directory().join(name);
    assert!(
        path.exists(),
        "{} is missing: run tests/run once, which installs what the tests need",
        path.display()
    );
    path
}

/// A `PATH` with these programs in front.
pub(crate) fn path() -> OsString {
    let rest = std::env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(directory()).chain(std::env::split_paths(&rest));
    std::env::join_paths(all).unwrap()
}

/// What a command prints; it must succeed.
#[track_caller]
pub(crate) fn output(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| {
        panic!("{command:?}: {error}: run tests/run once, which installs what the tests need")
    });
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}
