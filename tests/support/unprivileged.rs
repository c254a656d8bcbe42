//! The command as a user without privileges runs it.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::getuid;
use tempfile::TempDir;

use crate::common::under;
use crate::programs::copy_program;

/// A user without privileges, for tests that root would pass anyway.
pub(crate) const NOBODY: u32 = 65534;

/// The program where an ordinary user can run it.
pub(crate) struct Unprivileged(TempDir);

impl Unprivileged {
    pub(crate) fn new() -> Self {
        let place = TempDir::new().unwrap();
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(place.path(), open).unwrap();
        let copy = place.path().join("integrationd");
        copy_program(env!("CARGO_BIN_EXE_integrationd"), copy);
        Self(place)
    }

    /// Its user.
    pub(crate) fn user(&self) -> u32 {
        let own = getuid();
        if own.is_root() { NOBODY } else { own.as_raw() }
    }

    /// The same run by that user.
    pub(crate) fn instead_of(&self, other: &Command) -> Command {
        let mut command = self.command();
        command.args(other.get_args());
        for (name, value) in other.get_envs() {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        command
    }

    pub(crate) fn command(&self) -> Command {
        self.command_under(&[])
    }

    pub(crate) fn command_under(&self, prefix: &[&str]) -> Command {
        let program = self.0.path().join("integrationd");
        let mut command = match prefix {
            [] => Command::new(program),
            prefix => under(prefix, &Command::new(program)),
        };
        command.env_clear();
        if getuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }
}
