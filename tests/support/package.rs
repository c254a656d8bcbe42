//! The Debian package of the command under test.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::programs;

/// The package, made once from the command under test.
pub(crate) fn package() -> &'static Path {
    static PACKAGE: OnceLock<PathBuf> = OnceLock::new();
    programs::is_declared(programs::PACKAGE);
    PACKAGE.get_or_init(|| {
        let checkout = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut make = Command::new(checkout.join("systemd/package"));
        make.args(["--binary", env!("CARGO_BIN_EXE_integrationd")]);
        make.args(["--strip", "--fast"]);
        let printed = programs::output(make.env("PATH", programs::path()));
        let path = printed.lines().last().unwrap_or_default();
        checkout.join(path)
    })
}
