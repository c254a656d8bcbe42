//! A secret that is the result of a command: on standard output, or in a new file.

use std::path::Path;

use super::Terminal;
use crate::regular::{NewFile, NewFileError};
use crate::secret::Secret;

/// Only the owner may read it.
const MODE: u32 = 0o600;

/// The place of a secret. A file is made only with the secret in it, but its place is checked
/// before the secret is asked for.
pub(crate) enum SecretOutput {
    Standard(Terminal),
    File(NewFile),
}

impl SecretOutput {
    /// Checks the place of a new file that only its owner may read; `-` is standard output.
    pub(crate) fn create(terminal: &Terminal, out: &Path) -> Result<Self, NewFileError> {
        if out == Path::new("-") {
            return Ok(Self::Standard(terminal.clone()));
        }
        NewFile::create(out, MODE).map(Self::File)
    }

    /// Writes the secret.
    pub(crate) fn write(self, secret: &Secret) -> Result<(), NewFileError> {
        match self {
            Self::Standard(terminal) => {
                terminal.secret(secret);
                Ok(())
            }
            Self::File(file) => file.write(secret.expose().as_bytes()),
        }
    }
}
